//! The vocabulary of BERT's tokenizer: pieces of words and their ids.
//!
//! It knows nothing of text. A hash table over one string. The build script compiles this file too and makes the table of
//! the built-in model, which is used where it lies; so it uses nothing of the library. Invariant: a slot holds an entry's
//! number plus one, or 0; half of the slots are 0; every entry spans whole characters of `text`.

use std::borrow::Cow;

/// What stands before a piece that goes on a word.
const CONTINUES: &str = "##";

/// FNV-1a: a step of it can be undone, so the hashes of all starts of a word come of one pass over it.
const BASIS: u32 = 0x811c_9dc5;
const PRIME: u32 = 0x0100_0193;
/// Undoes a multiplication by [`PRIME`].
const INVERSE: u32 = 0x359c_449b;
const _: () = assert!(PRIME.wrapping_mul(INVERSE) == 1);

/// The numbers before the slots of a table: of entries, of slots, and the length in bytes of the longest piece.
const HEAD: usize = 3;

/// Where a piece begins in the text; twice its length in bytes, and 1 if it goes on a word; its id.
type Entry = [u32; 3];

/// Pieces of words and their ids.
pub(crate) struct Vocabulary {
    text: Cow<'static, str>,
    entries: Cow<'static, [Entry]>,
    slots: Cow<'static, [u32]>,
    longest: usize,
}

impl Vocabulary {
    /// Reads a vocabulary with one piece on each line, its id the line's number from 0.
    #[cfg_attr(not(test), allow(dead_code, reason = "the build script reads it"))]
    pub(crate) fn from_lines(text: impl Into<Cow<'static, str>>) -> Self {
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
    #[allow(dead_code, reason = "the build script has lines")]
    pub(crate) fn from_pieces<'a>(pieces: impl IntoIterator<Item = (&'a str, u32)>) -> Self {
        let mut text = String::new();
        let mut spans = Vec::new();
        for (piece, id) in pieces {
            let start = text.len();
            text.push_str(piece);
            spans.push((start, text.len(), id as usize));
        }
        Self::build(text.into(), spans)
    }

    /// Uses a table where it lies, with the lines that it was made of; `None` if it is no table.
    #[allow(dead_code, reason = "the build script has none")]
    pub(crate) fn in_place(text: &'static str, table: &'static [u32]) -> Option<Self> {
        let (&[entries, slots, longest], rest) = table.split_first_chunk::<HEAD>()?;
        let (slots, rest) = rest.split_at_checked(slots as usize)?;
        let (all, []) = rest.as_chunks() else { return None };
        let is_table = all.len() == entries as usize && slots.len().is_power_of_two();
        is_table.then(|| Self {
            text: text.into(),
            entries: all.into(),
            slots: slots.into(),
            longest: longest as usize,
        })
    }

    /// Returns the table, which goes with the text it was made of.
    #[cfg_attr(not(test), allow(dead_code, reason = "the build script writes it"))]
    pub(crate) fn table(&self) -> Vec<u32> {
        let head = [self.entries.len(), self.slots.len(), self.longest].map(|n| u32::try_from(n).unwrap_or(u32::MAX));
        [&head, &*self.slots, self.entries.as_flattened()].concat()
    }

    /// Returns the largest id of a piece.
    #[allow(dead_code, reason = "the build script has no model to compare with")]
    pub(crate) fn largest_id(&self) -> u32 {
        self.entries.iter().map(|[_, _, id]| *id).max().unwrap_or(0)
    }

    fn build(text: Cow<'static, str>, spans: Vec<(usize, usize, usize)>) -> Self {
        let mut entries: Vec<Entry> = Vec::with_capacity(spans.len());
        let mut slots = vec![0; (spans.len() * 2).next_power_of_two()];
        let mut longest = 0;
        for (mut start, end, id) in spans {
            let continues = text.get(start..end).is_some_and(|piece| piece.starts_with(CONTINUES));
            if continues {
                start += CONTINUES.len();
            }
            let piece = text.get(start..end).unwrap_or_default();
            let length = u32::try_from(piece.len() * 2 + usize::from(continues));
            let (Ok(start), Ok(length), Ok(id)) = (u32::try_from(start), length, u32::try_from(id)) else { continue };
            longest = longest.max(piece.len());
            let hash = hash(piece.as_bytes(), continues);
            let slot = slot(&text, &entries, &slots, (piece, continues), hash);
            let Some(number) = slots.get_mut(slot) else { continue };
            if let Some([_, _, known]) = entries.get_mut((*number as usize).wrapping_sub(1)) {
                *known = id;
            } else {
                entries.push([start, length, id]);
                *number = u32::try_from(entries.len()).unwrap_or(0);
            }
        }
        Self { text, entries: entries.into(), slots: slots.into(), longest }
    }

    /// Returns the id of a piece, given without its `##`.
    #[allow(dead_code, reason = "the build script has no text")]
    pub(crate) fn id(&self, piece: &str, continues: bool) -> Option<u32> {
        self.look_up(piece, continues, hash(piece.as_bytes(), continues))
    }

    fn look_up(&self, piece: &str, continues: bool, hash: u32) -> Option<u32> {
        let slot = slot(&self.text, &self.entries, &self.slots, (piece, continues), hash);
        let number = *self.slots.get(slot)? as usize;
        self.entries.get(number.checked_sub(1)?).map(|[_, _, id]| *id)
    }

    /// Returns the id of the longest piece that a word, or the rest of one, begins with, and what is left.
    #[allow(dead_code, reason = "the build script has no text")]
    pub(crate) fn longest_start<'w>(&self, word: &'w str, continues: bool) -> Option<(u32, &'w str)> {
        let start = word.as_bytes().get(..self.longest).unwrap_or(word.as_bytes());
        let mut hash = hash(start, continues);
        for (at, byte) in start.iter().enumerate().rev() {
            let found = word
                .split_at_checked(at + 1)
                .and_then(|(piece, rest)| self.look_up(piece, continues, hash).map(|id| (id, rest)));
            if found.is_some() {
                return found;
            }
            hash = hash.wrapping_mul(INVERSE) ^ u32::from(*byte);
        }
        None
    }
}

fn hash(piece: &[u8], continues: bool) -> u32 {
    let step = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(PRIME);
    piece.iter().fold(BASIS ^ u32::from(continues), step)
}

/// Returns the slot that holds a piece, or the empty one where it would stand.
fn slot(text: &str, entries: &[Entry], slots: &[u32], (piece, continues): (&str, bool), hash: u32) -> usize {
    let mask = slots.len() - 1;
    let length = piece.len() * 2 + usize::from(continues);
    let is_other = |[start, its_length, _]: &Entry| {
        let start = *start as usize;
        *its_length as usize != length || text.get(start..start + piece.len()) != Some(piece)
    };
    let first = (hash ^ (hash >> 16)) as usize;
    let mut of_piece = (0..slots.len()).map(|step| first.wrapping_add(step) & mask);
    let entry = |slot: usize| entries.get((*slots.get(slot)? as usize).checked_sub(1)?);
    of_piece.find(|slot| !entry(*slot).is_some_and(is_other)).unwrap_or(first & mask)
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
        assert_eq!(vocabulary.longest, 5);
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

    #[test]
    fn the_longest_start_of_a_word_is_found() {
        let vocabulary = Vocabulary::from_lines("run\nrunning\n##ing\n##i\nd\né");
        assert_eq!(vocabulary.longest_start("runnings", false), Some((1, "s")));
        assert_eq!(vocabulary.longest_start("runner", false), Some((0, "ner")));
        assert_eq!(vocabulary.longest_start("ing", true), Some((2, "")));
        assert_eq!(vocabulary.longest_start("inn", true), Some((3, "nn")));
        assert_eq!(vocabulary.longest_start("éd", false), Some((5, "d")));
        assert_eq!(vocabulary.longest_start("\u{ea}", false), None);
        assert_eq!(vocabulary.longest_start("", false), None);
    }

    #[test]
    fn a_table_is_used_where_it_lies_and_what_is_none_is_refused() {
        const LINES: &str = "[UNK]\nrun\n##ning\nning\nrun\n";
        let built = Vocabulary::from_lines(LINES);
        let table: &'static [u32] = built.table().leak();
        let vocabulary = Vocabulary::in_place(LINES, table).unwrap();
        for piece in ["[UNK]", "run", "ning", "absent", ""] {
            for continues in [false, true] {
                assert_eq!(vocabulary.id(piece, continues), built.id(piece, continues), "{piece}");
            }
        }
        assert_eq!(vocabulary.longest_start("running", false), Some((4, "ning")));
        for cut in 0..table.len() {
            assert!(Vocabulary::in_place(LINES, &table[..cut]).is_none(), "{cut}");
        }
        // A text of other lines gives no ids, and no panic.
        assert_eq!(Vocabulary::in_place("é", table).unwrap().id("run", false), None);
    }
}
