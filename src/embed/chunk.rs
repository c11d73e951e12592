//! Long documents as several records, each of which the model reads whole.
//!
//! Knows nothing of the store: a chunk is a row like any other. Invariants: the chunks of a document, put together
//! without what they share, are the document byte for byte; the model counts at most as many tokens in a chunk as were
//! asked for, unless one character has more or the chunk ends with white space that has.

use std::collections::VecDeque;
use std::ops::Range;

use unicode_segmentation::GraphemeCursor;

use super::builtin;
use super::parts::open_tokenizer;
use super::token_spans::{Counter, TokenSpan};
use super::{HashEmbedder, LoadOptions, resolve};
use crate::error::{Error, Result};
use crate::record::{Chunk, Fingerprint, LineCounter, NewRecord};

/// Text that is cut into pieces at once, so that memory does not grow with a document.
const WINDOW_BYTES: usize = 16 << 10;

/// How documents are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkSize {
    /// The most tokens of a chunk as the model counts them: its ends and the document prefix are among them.
    pub tokens: usize,
    /// The most tokens at the end of a chunk that the next begins with.
    pub overlap: usize,
}

/// Cuts documents by the tokens of a model.
///
/// A cut is made at the best place of the last quarter of a chunk: the end of a paragraph, else of a line, of a
/// sentence, of a word, else between two characters. An overlap begins at a word.
pub struct Chunker {
    counter: Counter,
    model: String,
    prefix: String,
    size: ChunkSize,
    /// Tokens of a chunk without its ends and the prefix.
    room: usize,
    /// Whether chunks say which lines of the document they have.
    tells_lines: bool,
}

impl Chunker {
    /// Reads the tokenizer of a model that a collection uses as `used` says.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when the model does not read as many tokens, or too few are left for text;
    /// [`Error::Model`] or [`Error::Io`] when the tokenizer cannot be read.
    pub fn open(model: &str, used: &Fingerprint, size: ChunkSize, options: &LoadOptions) -> Result<Self> {
        if size.tokens > used.max_tokens {
            return Err(Error::InvalidArgument {
                why: format!("a chunk of {} tokens is longer than what {} reads", size.tokens, used.model),
                hint: Some(format!("it reads {} tokens of a text; the rest would be cut off", used.max_tokens).into()),
            });
        }
        if size.overlap > size.tokens / 2 {
            return Err(Error::argument("chunks overlap by at most half of their tokens"));
        }
        let counter = if HashEmbedder::from_name(model).is_some() {
            Counter::Words
        } else {
            match resolve(model, options)? {
                // Its own tokenizer is not here; most models count English text within a few percent of this one.
                spec if spec.service.is_some() && builtin::IN_PROGRAM => {
                    Counter::Tokens(Box::new(builtin::tokenizer(usize::MAX)))
                }
                spec if spec.service.is_some() => Counter::Words,
                spec => Counter::Tokens(Box::new(open_tokenizer(&spec, usize::MAX)?)),
            }
        };
        let mut chunker = Self {
            counter,
            model: used.model.clone(),
            prefix: used.document_prefix.clone(),
            size,
            room: 0,
            tells_lines: false,
        };
        let taken = chunker.count("")?;
        chunker.room = size.tokens.saturating_sub(taken);
        if chunker.room == 0 {
            return Err(Error::argument(format!(
                "a chunk of {} tokens has no room for text: {taken} are its ends and the prefix",
                size.tokens
            )));
        }
        Ok(chunker)
    }

    /// Has the metadata of every chunk say which lines of the document it has.
    #[must_use]
    pub fn telling_lines(self) -> Self {
        Self { tells_lines: true, ..self }
    }

    /// Cuts the document of a row; a row without one is returned as it is.
    ///
    /// # Errors
    /// [`Error::BadRow`] when the row comes with an embedding, which is of the whole document, or has metadata of a chunk;
    /// [`Error::Model`] when the tokenizer fails.
    pub fn split(&self, row: NewRecord) -> Result<Vec<NewRecord>> {
        let Some(text) = row.document.as_deref() else { return Ok(vec![row]) };
        let bad = |why: String| {
            Error::bad_row(&row.origin.source, row.origin.line, format!("record {:?}: {why}", row.id.as_str()))
        };
        if row.embedding.is_some() {
            return Err(bad("it comes with an embedding of its whole text, which cannot be cut".into()));
        }
        let ranges = self.ranges(text)?;
        let count = ranges.len() as u64;
        let mut lines = LineCounter::of(text);
        let part = |(number, range): (u64, Range<usize>)| {
            let part = Chunk { of: row.id.clone(), number, count };
            let mut metadata = row.metadata.clone();
            part.describe(&mut metadata, &range).map_err(|error| bad(error.to_string()))?;
            if self.tells_lines {
                lines.range(&range).describe(&mut metadata)?;
            }
            Ok(NewRecord {
                id: Chunk::id(&row.id, number),
                embedding: None,
                embedded_here: false,
                document: text.get(range).map(str::to_owned),
                uri: row.uri.clone(),
                metadata,
                part: Some(part),
                origin: row.origin.clone(),
            })
        };
        (0..).zip(ranges).map(part).collect()
    }

    /// Returns the bytes of each chunk of a text, in order; one chunk for a text that is empty.
    ///
    /// # Errors
    /// [`Error::Model`] when the tokenizer fails.
    pub fn ranges(&self, text: &str) -> Result<Vec<Range<usize>>> {
        let mut ahead = Ahead { chunker: self, text, read_until: 0, pieces: VecDeque::new() };
        let mut ranges: Vec<Range<usize>> = Vec::new();
        loop {
            let fitting = ahead.fitting()?;
            let is_last = fitting == ahead.pieces.len();
            let start = ahead.start_of(0);
            let mut end = if is_last { fitting } else { ahead.best_cut(fitting) };
            // By itself a text may have another token or two than inside a longer one.
            while end > 1 && self.count(ahead.slice(start, end))? > self.size.tokens {
                end -= 1;
            }
            let before = ranges.last().map_or(0, |before| before.end);
            if start < before && ahead.start_of(end) <= before {
                // Nothing new fits behind the overlap.
                let shared = ahead.pieces.iter().take_while(|piece| piece.start < before).count();
                ahead.pieces.drain(..shared);
                continue;
            }
            ranges.push(start..ahead.start_of(end));
            if end == ahead.pieces.len() {
                return Ok(ranges);
            }
            ahead.pieces.drain(..ahead.overlap_before(end));
        }
    }

    fn count(&self, text: &str) -> Result<usize> {
        self.counter.whole(&format!("{}{text}", self.prefix)).map_err(|why| self.failure(why))
    }

    fn failure(&self, why: String) -> Error {
        Error::Model { model: self.model.clone(), why, hint: None }
    }
}

/// The pieces from the start of a chunk on, as far as they were read.
struct Ahead<'c> {
    chunker: &'c Chunker,
    text: &'c str,
    read_until: usize,
    pieces: VecDeque<TokenSpan>,
}

impl Ahead<'_> {
    /// Returns how many pieces fit a chunk; all there are only at the end of the text.
    fn fitting(&mut self) -> Result<usize> {
        let (mut fitting, mut tokens) = (0, 0);
        loop {
            while let Some(piece) = self.pieces.get(fitting) {
                tokens += piece.tokens;
                if tokens > self.chunker.room && fitting > 0 {
                    return Ok(fitting);
                }
                fitting += 1;
            }
            if self.read_until == self.text.len() && !self.pieces.is_empty() {
                return Ok(fitting);
            }
            self.read_window()?;
        }
    }

    fn read_window(&mut self) -> Result<()> {
        let rest = self.text.get(self.read_until..).unwrap_or_default();
        let mut window = rest.get(..rest.ceil_char_boundary(WINDOW_BYTES)).unwrap_or(rest);
        if window.len() < rest.len() {
            // White space before a word may be a part of its first token.
            let words = window.trim_end().rfind(char::is_whitespace).filter(|&at| at > 0);
            window = words.and_then(|at| window.get(..at)).unwrap_or(window);
        }
        let found = self.chunker.counter.pieces(window, self.chunker.room);
        for piece in found.map_err(|why| self.chunker.failure(why))? {
            self.pieces.push_back(TokenSpan { start: self.read_until + piece.start, ..piece });
        }
        if self.read_until == 0 {
            self.begin_at_0(window)?;
        }
        self.read_until += window.len();
        Ok(())
    }

    /// Makes a piece of the white space that a text begins with, which may have tokens of its own.
    fn begin_at_0(&mut self, window: &str) -> Result<()> {
        let space = self.pieces.front().map_or(window.len(), |first| first.start);
        if space > 0 || self.pieces.is_empty() {
            let tokens = self.chunker.counter.inside(window.get(..space).unwrap_or_default());
            let tokens = tokens.map_err(|why| self.chunker.failure(why))?;
            self.pieces.push_front(TokenSpan { start: 0, tokens });
        }
        Ok(())
    }

    /// Returns where a piece begins, or where the text read so far ends.
    fn start_of(&self, piece: usize) -> usize {
        self.pieces.get(piece).map_or(self.read_until, |piece| piece.start)
    }

    fn slice(&self, start: usize, end: usize) -> &str {
        self.text.get(start..self.start_of(end)).unwrap_or_default()
    }

    /// Returns the piece to cut before, of those in the last quarter of a chunk.
    fn best_cut(&self, fitting: usize) -> usize {
        let mut tokens = 0;
        let least = self.chunker.room - self.chunker.room / 4;
        let mut best = None;
        for (at, piece) in self.pieces.iter().enumerate().take(fitting + 1).skip(1) {
            tokens += self.pieces.get(at - 1).map_or(0, |before| before.tokens);
            if tokens >= least && is_between_characters(self.text, piece.start) {
                best = best.max(Some((Break::before(self.text, piece.start), at)));
            }
        }
        best.map_or(fitting, |(_, at)| at)
    }

    /// Returns the first piece of the overlap that ends before a piece.
    fn overlap_before(&self, end: usize) -> usize {
        let (mut first, mut tokens) = (end, 0);
        while first > 1 {
            tokens += self.pieces.get(first - 1).map_or(0, |piece| piece.tokens);
            if tokens > self.chunker.size.overlap {
                break;
            }
            first -= 1;
        }
        let is_word = |piece: &usize| Break::before(self.text, self.start_of(*piece)) >= Break::Word;
        let is_character = |piece: &usize| is_between_characters(self.text, self.start_of(*piece));
        (first..end).find(is_word).or_else(|| (first..end).find(is_character)).unwrap_or(end)
    }
}

/// What ends before a place in a text, the better to cut the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Break {
    Character,
    Word,
    Sentence,
    Line,
    Paragraph,
}

impl Break {
    fn before(text: &str, at: usize) -> Self {
        let before = text.get(..at).unwrap_or_default();
        let said = before.trim_end();
        let space = before.get(said.len()..).unwrap_or_default();
        let closing = |c: &char| matches!(c, '"' | '\'' | ')' | ']' | '}' | '\u{bb}' | '\u{201d}' | '\u{2019}');
        let last = said.chars().rev().find(|c| !closing(c));
        match (space.matches('\n').count(), last) {
            (2.., _) => Self::Paragraph,
            (1, _) => Self::Line,
            // These end a sentence without a space after them.
            (0, Some('\u{3002}' | '\u{ff01}' | '\u{ff1f}')) => Self::Sentence,
            (0, Some('.' | '!' | '?' | '\u{2026}')) if !space.is_empty() => Self::Sentence,
            _ if !space.is_empty() => Self::Word,
            _ => Self::Character,
        }
    }
}

/// Whether a place is between what a reader takes for characters.
fn is_between_characters(text: &str, at: usize) -> bool {
    GraphemeCursor::new(at, text.len(), true).is_boundary(text, 0).unwrap_or(true)
}

#[cfg(test)]
#[path = "chunk_tests.rs"]
mod tests;
