//! Python's pickles as Chroma writes them beside an index: what id has which label.
//!
//! A reader of data alone: of all opcodes those that build numbers, strings and dictionaries, and of classes the one that
//! Chroma's old programs wrote, whose state is taken as it is. Nothing is imported or run. Invariant: any bytes are
//! either read or refused with what and where.

use std::collections::HashMap;

/// What an index says of its vectors.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct IndexMetadata {
    /// The label of every id.
    pub(super) labels: HashMap<String, u64>,
    /// Up to which operation the index has come; newer programs keep that in their database.
    pub(super) max_seq_id: Option<i64>,
}

/// A value on the stack; strings and dictionaries stand beside it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum PickleItem {
    Mark,
    None,
    Int(i64),
    /// A string, by its number.
    Text(usize),
    /// A dictionary, by its number.
    Dict(usize),
    /// The class of old programs, or an object of it that has no state yet.
    Class,
    /// No arguments.
    Empty,
}

/// The class whose state is a dictionary of the same fields that newer programs write.
const CLASS: [&str; 2] = ["chromadb.segment.impl.vector.local_persistent_hnsw", "PersistentData"];

/// Reads the file `index_metadata.pickle`.
///
/// # Errors
/// A sentence that says what was not understood, and at which byte.
pub(super) fn read(bytes: &[u8]) -> Result<IndexMetadata, String> {
    let mut machine =
        Machine { bytes, at: 0, stack: Vec::new(), memo: HashMap::new(), texts: Vec::new(), dicts: Vec::new() };
    let end = loop {
        let at = machine.at;
        match machine.step() {
            Some(PickleStep::Next) => {}
            Some(PickleStep::Stop(item)) => break item,
            None => return Err(format!("is damaged, or not the pickle of an index, at byte {at}")),
        }
    };
    machine.understand(end).ok_or_else(|| "does not say which vector belongs to which id".to_owned())
}

enum PickleStep {
    Next,
    Stop(PickleItem),
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    stack: Vec<PickleItem>,
    memo: HashMap<u32, PickleItem>,
    texts: Vec<&'a str>,
    dicts: Vec<Vec<(PickleItem, PickleItem)>>,
}

impl<'a> Machine<'a> {
    /// Does what the next opcode says; `None` when it cannot be done.
    fn step(&mut self) -> Option<PickleStep> {
        let [opcode] = self.take()?;
        match opcode {
            // PROTO, FRAME
            0x80 => drop(self.take::<1>()?),
            0x95 => drop(self.take::<8>()?),
            b'(' => self.stack.push(PickleItem::Mark),
            b'N' => self.stack.push(PickleItem::None),
            b')' => self.stack.push(PickleItem::Empty),
            b'}' => {
                self.dicts.push(Vec::new());
                self.stack.push(PickleItem::Dict(self.dicts.len() - 1));
            }
            // BININT, BININT1, BININT2, LONG1
            b'J' => {
                let int = i32::from_le_bytes(self.take()?);
                self.stack.push(PickleItem::Int(int.into()));
            }
            b'K' => {
                let [int] = self.take()?;
                self.stack.push(PickleItem::Int(int.into()));
            }
            b'M' => {
                let int = u16::from_le_bytes(self.take()?);
                self.stack.push(PickleItem::Int(int.into()));
            }
            0x8a => {
                let [length] = self.take()?;
                let bytes = self.take_slice(length.into())?;
                let int = long(bytes)?;
                self.stack.push(PickleItem::Int(int));
            }
            // SHORT_BINUNICODE, BINUNICODE, BINUNICODE8
            0x8c => {
                let [length] = self.take()?;
                self.text(length.into())?;
            }
            b'X' => {
                let length = u32::from_le_bytes(self.take()?);
                self.text(length.into())?;
            }
            0x8d => {
                let length = u64::from_le_bytes(self.take()?);
                self.text(length)?;
            }
            // MEMOIZE, BINPUT, LONG_BINPUT
            0x94 => self.remember(u32::try_from(self.memo.len()).ok()?)?,
            b'q' => {
                let [number] = self.take()?;
                self.remember(number.into())?;
            }
            b'r' => {
                let number = u32::from_le_bytes(self.take()?);
                self.remember(number)?;
            }
            // BINGET, LONG_BINGET
            b'h' => {
                let [number] = self.take()?;
                self.recall(number.into())?;
            }
            b'j' => {
                let number = u32::from_le_bytes(self.take()?);
                self.recall(number)?;
            }
            b's' => {
                let (value, key) = (self.stack.pop()?, self.stack.pop()?);
                self.set(vec![(key, value)])?;
            }
            b'u' => {
                let mark = self.stack.iter().rposition(|item| *item == PickleItem::Mark)?;
                let items = self.stack.split_off(mark);
                let (pairs, rest) = items.get(1..)?.as_chunks::<2>();
                if !rest.is_empty() {
                    return None;
                }
                self.set(pairs.iter().map(|[key, value]| (*key, *value)).collect())?;
            }
            // STACK_GLOBAL
            0x93 => {
                let names = [self.stack.pop()?, self.stack.pop()?].map(|item| self.text_of(item));
                let [Some(name), Some(module)] = names else { return None };
                self.class([module, name])?;
            }
            b'c' => {
                let names = [self.line()?, self.line()?];
                self.class(names)?;
            }
            // NEWOBJ, BUILD: the object is its state.
            0x81 => {
                let (PickleItem::Empty, PickleItem::Class) = (self.stack.pop()?, self.stack.pop()?) else {
                    return None;
                };
                self.stack.push(PickleItem::Class);
            }
            b'b' => {
                let (state @ PickleItem::Dict(_), PickleItem::Class) = (self.stack.pop()?, self.stack.pop()?) else {
                    return None;
                };
                self.stack.push(state);
            }
            b'.' => return Some(PickleStep::Stop(self.stack.pop()?)),
            _ => return None,
        }
        Some(PickleStep::Next)
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, _) = self.bytes.get(self.at..)?.split_first_chunk::<N>()?;
        self.at += N;
        Some(*taken)
    }

    fn take_slice(&mut self, length: u64) -> Option<&'a [u8]> {
        let end = self.at.checked_add(usize::try_from(length).ok()?)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn line(&mut self) -> Option<&'a str> {
        let rest = self.bytes.get(self.at..)?;
        let end = memchr::memchr(b'\n', rest)?;
        self.at += end + 1;
        std::str::from_utf8(rest.get(..end)?).ok()
    }

    fn text(&mut self, length: u64) -> Option<()> {
        let text = std::str::from_utf8(self.take_slice(length)?).ok()?;
        self.texts.push(text);
        self.stack.push(PickleItem::Text(self.texts.len() - 1));
        Some(())
    }

    fn text_of(&self, item: PickleItem) -> Option<&'a str> {
        if let PickleItem::Text(number) = item { self.texts.get(number).copied() } else { None }
    }

    fn class(&mut self, names: [&str; 2]) -> Option<()> {
        (names == CLASS).then(|| self.stack.push(PickleItem::Class))
    }

    fn remember(&mut self, number: u32) -> Option<()> {
        self.memo.insert(number, *self.stack.last()?);
        Some(())
    }

    fn recall(&mut self, number: u32) -> Option<()> {
        self.stack.push(*self.memo.get(&number)?);
        Some(())
    }

    fn set(&mut self, pairs: Vec<(PickleItem, PickleItem)>) -> Option<()> {
        let PickleItem::Dict(number) = *self.stack.last()? else { return None };
        self.dicts.get_mut(number)?.extend(pairs);
        Some(())
    }

    fn understand(&self, top: PickleItem) -> Option<IndexMetadata> {
        let dict = |item: PickleItem| if let PickleItem::Dict(number) = item { self.dicts.get(number) } else { None };
        let fields = dict(top)?;
        let field = |name: &str| fields.iter().rev().find(|(key, _)| self.text_of(*key) == Some(name)).map(|(_, v)| *v);
        let pairs = dict(field("id_to_label")?)?.iter();
        let labels = pairs.map(|(key, value)| match value {
            PickleItem::Int(label) => Some((self.text_of(*key)?.to_owned(), u64::try_from(*label).ok()?)),
            _ => None,
        });
        let max_seq_id = match field("max_seq_id") {
            Some(PickleItem::Int(seq_id)) => Some(seq_id),
            _ => None,
        };
        Some(IndexMetadata { labels: labels.collect::<Option<_>>()?, max_seq_id })
    }
}

/// Reads a little-endian number in two's complement, of at most eight bytes.
fn long(bytes: &[u8]) -> Option<i64> {
    let negative = bytes.last().is_some_and(|last| *last >= 0x80);
    let mut word = [if negative { 0xff } else { 0 }; 8];
    word.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(i64::from_le_bytes(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_length() {
        for number in [0, 1, 127, 128, -1, -128, -129, i64::MAX, i64::MIN, 1 << 40] {
            assert_eq!(long(&number.to_le_bytes()), Some(number));
        }
        assert_eq!((long(&[]), long(&[0xff]), long(&[0; 9])), (Some(0), Some(-1), None));
    }

    #[test]
    fn what_would_run_is_refused() {
        // os.system("true"), as pickle.dumps writes it.
        let evil =
            b"\x80\x04\x95\x1d\0\0\0\0\0\0\0\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x04true\x94\x85\x94R\x94.";
        assert!(read(evil).unwrap_err().contains("at byte 28"), "{:?}", read(evil));
        for bytes in [&b""[..], b".", b"\x80\x04N.", b"}.", b"(u.", b"}(NNu.", b"X\xff\xff\xff\xffa."] {
            assert!(read(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn one_pair_is_set_without_a_mark() {
        let bytes = b"\x80\x03}X\x0b\0\0\0id_to_label}X\x01\0\0\0aK\x07ss.";
        let labels = HashMap::from([("a".to_owned(), 7)]);
        assert_eq!(read(bytes), Ok(IndexMetadata { labels, max_seq_id: None }));
    }
}
