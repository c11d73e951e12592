//! BERT's tokenizer, of the kind called `WordPiece`: text to ids, `[CLS]` first and `[SEP]` last.
//!
//! It reads no file; [`super::tokenizer`] does. Invariant: the ids are those of the tokenizers crate for the
//! same settings. It is here because it starts at once where the crate takes tens of milliseconds, and because
//! it stops reading a long text once it has enough tokens.

use std::ops::ControlFlow;

use super::bert::{self, Folding};
use super::vocabulary::Vocabulary;

/// A `WordPiece` tokenizer.
pub(super) struct WordPiece {
    pub(super) vocabulary: Vocabulary,
    pub(super) folding: Folding,
    /// The id of a word that has no pieces.
    pub(super) unknown: u32,
    /// The id put first.
    pub(super) first: u32,
    /// The id put last.
    pub(super) last: u32,
    /// Longer words, in characters, are unknown.
    pub(super) max_word_chars: usize,
    /// Tokens that are found in the text as it stands, such as `[SEP]`, with their ids.
    pub(super) verbatim: Vec<(String, u32)>,
}

impl WordPiece {
    /// Returns the ids of a text, at most `max_tokens` of them with the first and the last, and whether it has more.
    pub(super) fn encode(&self, text: &str, max_tokens: usize) -> (Vec<u32>, bool) {
        let room = max_tokens.saturating_sub(2);
        let mut ids = vec![self.first];
        let _ = self.encode_between(text, room, &mut ids);
        let cut = ids.len() > room.saturating_add(1);
        ids.truncate(room.saturating_add(1));
        ids.push(self.last);
        (ids, cut)
    }

    /// Returns the largest id it can make.
    pub(super) fn largest_id(&self) -> u32 {
        let verbatim = self.verbatim.iter().map(|(_, id)| *id).max().unwrap_or(0);
        verbatim.max(self.vocabulary.largest_id())
    }

    /// Returns how many ids a text has between the first and the last.
    pub(super) fn count(&self, text: &str) -> usize {
        let mut ids = Vec::new();
        let _ = self.encode_between(text, usize::MAX, &mut ids);
        ids.len()
    }

    fn encode_between(&self, text: &str, room: usize, ids: &mut Vec<u32>) -> ControlFlow<()> {
        let full = |ids: &Vec<u32>| {
            if ids.len() > room.saturating_add(1) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let mut rest = text;
        while let Some((before, id, after)) = self.split_verbatim(rest) {
            self.encode_words(before, room, ids)?;
            ids.push(id);
            full(ids)?;
            rest = after;
        }
        self.encode_words(rest, room, ids)
    }

    fn encode_words(&self, text: &str, room: usize, ids: &mut Vec<u32>) -> ControlFlow<()> {
        bert::words(text, self.folding, |word| {
            self.push_pieces(word, ids);
            if ids.len() > room.saturating_add(1) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
    }

    /// Cuts at the first verbatim token; of two at one place the longer counts.
    fn split_verbatim<'t>(&self, text: &'t str) -> Option<(&'t str, u32, &'t str)> {
        let (at, token, id) = self
            .verbatim
            .iter()
            .filter_map(|(token, id)| text.find(token.as_str()).map(|at| (at, token, *id)))
            .min_by_key(|&(at, token, _)| (at, std::cmp::Reverse(token.len())))?;
        Some((text.get(..at)?, id, text.get(at + token.len()..)?))
    }

    /// Takes the longest piece that begins the word, then the longest that goes on, and so forth; a word that
    /// does not come out even is unknown as a whole.
    fn push_pieces(&self, word: &str, ids: &mut Vec<u32>) {
        let before = ids.len();
        if word.len() <= self.max_word_chars || word.chars().count() <= self.max_word_chars {
            let mut rest = word;
            while let Some((id, after)) = self.vocabulary.longest_start(rest, rest.len() < word.len()) {
                ids.push(id);
                rest = after;
                if rest.is_empty() {
                    return;
                }
            }
        }
        ids.truncate(before);
        ids.push(self.unknown);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokenizer() -> WordPiece {
        WordPiece {
            vocabulary: Vocabulary::from_lines("[PAD]\n[UNK]\n[CLS]\n[SEP]\nrun\n##ning\n##n\nthe\n,\nnaïve"),
            folding: Folding { lowercase: true, strip_accents: true, chinese_words: true },
            unknown: 1,
            first: 2,
            last: 3,
            max_word_chars: 8,
            verbatim: vec![("[SEP]".into(), 3), ("[SEP]X".into(), 9)],
        }
    }

    #[test]
    fn the_longest_piece_is_taken_first() {
        assert_eq!(tokenizer().encode("The running, runn", 64).0, [2, 7, 4, 5, 8, 4, 6, 3]);
    }

    #[test]
    fn a_word_that_does_not_come_out_even_is_unknown_as_a_whole() {
        assert_eq!(tokenizer().encode("runningx", 64).0, [2, 1, 3]);
        assert_eq!(tokenizer().encode("runningrunning", 64).0, [2, 1, 3]);
    }

    #[test]
    fn tokens_beyond_the_limit_are_cut_and_the_last_is_kept() {
        let tokenizer = tokenizer();
        for (limit, ids) in [(6, &[2, 7, 4, 5, 7, 3][..]), (4, &[2, 7, 4, 3]), (3, &[2, 7, 3]), (2, &[2, 3])] {
            assert_eq!(tokenizer.encode("the running the running", limit).0, ids, "{limit}");
        }
    }

    #[test]
    fn a_text_is_cut_when_it_has_more_tokens_than_there_is_room_for() {
        let tokenizer = tokenizer();
        for (text, limit, cut) in [
            ("the running the running", 8, false),
            ("the running the running \n", 8, false),
            ("the running the running", 7, true),
            ("the running the running", 3, true),
            ("", 2, false),
            ("the[SEP]", 4, false),
            ("the[SEP]", 3, true),
            ("the running", usize::MAX, false),
        ] {
            assert_eq!(tokenizer.encode(text, limit).1, cut, "{text:?} {limit}");
        }
    }

    #[test]
    fn verbatim_tokens_are_found_in_the_text_the_longest_first() {
        assert_eq!(tokenizer().encode("the[SEP]run[SEP]X[sep]", 64).0, [2, 7, 3, 4, 9, 1, 1, 1, 3]);
        assert_eq!(tokenizer().encode("[SEP][SEP][SEP]", 4).0, [2, 3, 3, 3]);
    }
}
