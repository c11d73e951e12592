//! The vocabulary of BERT's tokenizer: pieces of words and their ids.
//!
//! It knows nothing of text. A hash table of 4-byte slots over one string: 30,522 pieces are ready in half a
//! millisecond, which a command that embeds one question notices. Invariant: a slot holds an entry's number
//! plus one, or 0, and every entry spans whole characters of `text`.

use std::borrow::Cow;

use xxhash_rust::xxh3::xxh3_64;

/// What stands before a piece that goes on a word.
const CONTINUES: &str = "##";

/// Pieces of words and their ids.
pub(super) struct Vocabulary {
    text: Cow<'static, str>,
    entries: Vec<VocabularyEntry>,
    slots: Vec<u32>,
    longest: usize,
}

#[derive(Clone, Copy)]
struct VocabularyEntry {
    start: u32,
    end: u32,
    id: u32,
    continues: bool,
}

impl Vocabulary {
    /// Reads a vocabulary with one piece on each line, its id the line's number from 0.
    pub(super) fn from_lines(text: impl Into<Cow<'static, str>>) -> Self {
        let text = text.into();
        let mut spans = Vec::with_capacity(text.len() / 8);
        let mut start = 0;
        for line in text.split_terminator('\n') {
            spans.push((start, start + line.trim_end().len(), spans.len()));
            start += line.len() + 1;
        }
        Self::build(text, spans)
    }

    /// Takes pieces with their ids.
    pub(super) fn from_pieces<'a>(pieces: impl IntoIterator<Item = (&'a str, u32)>) -> Self {
        let mut text = String::new();
        let mut spans = Vec::new();
        for (piece, id) in pieces {
            let start = text.len();
            text.push_str(piece);
            spans.push((start, text.len(), id as usize));
        }
        Self::build(text.into(), spans)
    }

    /// Returns the largest id of a piece.
    pub(super) fn largest_id(&self) -> u32 {
        self.entries.iter().map(|entry| entry.id).max().unwrap_or(0)
    }

    fn build(text: Cow<'static, str>, spans: Vec<(usize, usize, usize)>) -> Self {
        let slots = vec![0; (spans.len() * 2).next_power_of_two()];
        let mut vocabulary = Self { text, entries: Vec::with_capacity(spans.len()), slots, longest: 0 };
        for (start, end, id) in spans {
            let (Ok(mut start), Ok(end), Ok(id)) = (u32::try_from(start), u32::try_from(end), u32::try_from(id)) else {
                continue;
            };
            let continues =
                vocabulary.text.get(start as usize..end as usize).is_some_and(|piece| piece.starts_with(CONTINUES));
            if continues {
                start += 2;
            }
            vocabulary.insert(VocabularyEntry { start, end, id, continues });
        }
        vocabulary
    }

    fn insert(&mut self, entry: VocabularyEntry) {
        self.longest = self.longest.max((entry.end - entry.start) as usize);
        let slot = self.slot(self.piece(entry), entry.continues);
        let Some(number) = self.slots.get_mut(slot) else { return };
        if *number == 0 {
            *number = u32::try_from(self.entries.len() + 1).unwrap_or(0);
            self.entries.push(entry);
        } else if let Some(known) = self.entries.get_mut(*number as usize - 1) {
            known.id = entry.id;
        }
    }

    /// Returns the slot that holds a piece, or the empty one where it would stand. There always is an empty
    /// one: half of the slots are.
    fn slot(&self, piece: &str, continues: bool) -> usize {
        let mask = self.slots.len() - 1;
        let hash = (xxh3_64(piece.as_bytes()) ^ u64::from(continues)) & mask as u64;
        let mut slot = usize::try_from(hash).unwrap_or(0);
        while let Some(&number) = self.slots.get(slot) {
            match (number as usize).checked_sub(1).and_then(|index| self.entries.get(index)) {
                Some(entry) if entry.continues != continues || self.piece(*entry) != piece => {
                    slot = (slot + 1) & mask;
                }
                _ => break,
            }
        }
        slot
    }

    fn piece(&self, entry: VocabularyEntry) -> &str {
        self.text.get(entry.start as usize..entry.end as usize).unwrap_or_default()
    }

    /// Returns the id of a piece, given without its `##`.
    pub(super) fn id(&self, piece: &str, continues: bool) -> Option<u32> {
        let number = *self.slots.get(self.slot(piece, continues))? as usize;
        self.entries.get(number.checked_sub(1)?).map(|entry| entry.id)
    }

    /// Returns the length in bytes of the longest piece.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_from_0_and_the_mark_of_continuation_is_no_part_of_a_piece() {
        let vocabulary = Vocabulary::from_lines("[UNK]\nrun\n##ning\nning\n##\n\né\n");
        assert_eq!(vocabulary.id("[UNK]", false), Some(0));
        assert_eq!(vocabulary.id("run", false), Some(1));
        assert_eq!(vocabulary.id("run", true), None);
        assert_eq!(vocabulary.id("ning", true), Some(2));
        assert_eq!(vocabulary.id("ning", false), Some(3));
        assert_eq!(vocabulary.id("é", false), Some(6));
        assert_eq!(vocabulary.id("absent", false), None);
        assert_eq!(vocabulary.longest(), 5);
    }

    #[test]
    fn pieces_keep_the_ids_they_are_given_and_the_last_of_two_wins() {
        let vocabulary = Vocabulary::from_pieces([("a", 7), ("##a", 9), ("a", 8)]);
        assert_eq!(vocabulary.id("a", false), Some(8));
        assert_eq!(vocabulary.id("a", true), Some(9));
    }

    #[test]
    fn an_empty_vocabulary_finds_nothing() {
        let vocabulary = Vocabulary::from_lines("");
        assert_eq!(vocabulary.id("a", false), None);
    }
}
