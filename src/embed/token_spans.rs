//! Where a text may be cut so that the model's tokens stay as they are.
//!
//! Knows nothing of the size of a chunk. Invariant: pieces follow one another from the first that is no white space,
//! each begins at a character, and white space stands at the end of a piece, not at its beginning.

use super::bert;
use super::tokenizer::Tokenizer;

/// A stretch of text, up to the next piece, and the tokens it has by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TokenSpan {
    /// Where it begins, in bytes.
    pub(super) start: usize,
    /// Its tokens.
    pub(super) tokens: usize,
}

/// What texts are counted in.
pub(super) enum Counter {
    /// Tokens of a model, whose tokenizer cuts nothing off.
    Tokens(Box<Tokenizer>),
    /// Words, which the hash embedder has instead.
    Words,
}

impl Counter {
    /// Returns the tokens that a text has as the model reads it, with its ends.
    pub(super) fn whole(&self, text: &str) -> Result<usize, String> {
        match self {
            Self::Tokens(tokenizer) => tokenizer.encode(text).map(|encoding| encoding.ids.len()),
            Self::Words => Ok(words(text).count()),
        }
    }

    /// Returns the tokens that a text has inside a longer one.
    pub(super) fn inside(&self, text: &str) -> Result<usize, String> {
        match self {
            Self::Tokens(tokenizer) => tokenizer.count(text),
            Self::Words => Ok(words(text).count()),
        }
    }

    /// Returns the pieces of a text; none where it is all white space, and none of more than `most` tokens that could be cut further.
    pub(super) fn pieces(&self, text: &str, most: usize) -> Result<Vec<TokenSpan>, String> {
        let found = match self {
            Self::Tokens(tokenizer) => match tokenizer.token_starts(text)? {
                Some(starts) => starts.into_iter().map(|(start, tokens)| TokenSpan { start, tokens }).collect(),
                None => self.count_each(text, &bert_words(text))?,
            },
            Self::Words => words(text).map(|start| TokenSpan { start, tokens: 1 }).collect(),
        };
        let mut pieces: Vec<TokenSpan> = Vec::with_capacity(found.len());
        for (at, piece) in found.iter().enumerate() {
            let end = found.get(at + 1).map_or(text.len(), |next| next.start);
            let stretch = text.get(piece.start..end).unwrap_or_default();
            let start = end - stretch.trim_start().len();
            if start == end {
                if let Some(before) = pieces.last_mut() {
                    before.tokens += piece.tokens;
                }
            } else if piece.tokens > most {
                self.halve(text, start..end, most, &mut pieces)?;
            } else {
                pieces.push(TokenSpan { start, tokens: piece.tokens });
            }
        }
        Ok(pieces)
    }

    fn count_each(&self, text: &str, starts: &[usize]) -> Result<Vec<TokenSpan>, String> {
        let ends = starts.iter().skip(1).copied().chain([text.len()]);
        let count = |(start, end): (usize, usize)| {
            let tokens = self.inside(text.get(start..end).unwrap_or_default())?;
            Ok(TokenSpan { start, tokens })
        };
        starts.iter().copied().zip(ends).map(count).collect()
    }

    /// Cuts a stretch that has too many tokens between characters.
    fn halve(
        &self,
        text: &str,
        range: std::ops::Range<usize>,
        most: usize,
        into: &mut Vec<TokenSpan>,
    ) -> Result<(), String> {
        let stretch = text.get(range.clone()).unwrap_or_default();
        let tokens = self.inside(stretch)?;
        let middle = stretch.ceil_char_boundary(stretch.len() / 2);
        if tokens <= most || middle == 0 || middle == stretch.len() {
            into.push(TokenSpan { start: range.start, tokens });
            return Ok(());
        }
        self.halve(text, range.start..range.start + middle, most, into)?;
        self.halve(text, range.start + middle..range.end, most, into)
    }
}

/// Returns where words begin, as the hash embedder has them.
fn words(text: &str) -> impl Iterator<Item = usize> + '_ {
    let mut inside = false;
    text.char_indices().filter_map(move |(at, c)| {
        let begins = c.is_alphanumeric() && !inside;
        inside = c.is_alphanumeric();
        begins.then_some(at)
    })
}

/// Returns where BERT's words begin: after white space, and before and after what is a word by itself.
fn bert_words(text: &str) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut inside = false;
    for (at, c) in text.char_indices() {
        let alone = bert::stands_alone(c);
        if !c.is_whitespace() && (alone || !inside) {
            starts.push(at);
        }
        inside = !c.is_whitespace() && !alone;
    }
    starts
}
