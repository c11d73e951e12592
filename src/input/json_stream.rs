//! A stream of JSON cut into its values: the elements of one array, or objects one after another.
//!
//! Matches brackets and strings only; what stands between them is checked by who reads the value. Invariant:
//! one value at a time is held, of a bounded length, and a value that is bad inside leaves the next one readable.

use memchr::memchr_iter;

use super::decompress::BOM;
use super::decompress::InputBytes;
use super::lines::{JOINED, TextPiece, not_utf8};
use super::value_scan::{ElementState, ValueScan};
use crate::error::{Error, Result};

/// What was read before the next value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ElementPlace {
    Start,
    Array,
    Sequence,
    Ended,
}

/// The values of a stream.
pub(super) struct Elements {
    pub(super) bytes: InputBytes,
    limit_bytes: usize,
    place: ElementPlace,
    line: u64,
    held: Vec<u8>,
}

impl Elements {
    pub(super) fn new(bytes: InputBytes, limit_bytes: usize) -> Self {
        Self { bytes, limit_bytes, place: ElementPlace::Start, line: 1, held: Vec::new() }
    }

    /// Returns the next value.
    ///
    /// # Errors
    /// [`Error::BadRow`] for a value that is too long or not UTF-8; the next call goes on after it.
    /// [`Error::BadInput`] where the brackets or commas are broken, after which there is nothing to go on with.
    pub(super) fn next(&mut self) -> Result<Option<TextPiece<'_>>> {
        if !self.reach_value()? {
            self.place = ElementPlace::Ended;
            return Ok(None);
        }
        let line = self.line;
        if !self.read_value(line)? {
            let why = format!("the value is longer than {} bytes", self.limit_bytes);
            return Err(self.bytes.bad_row(line, why));
        }
        match std::str::from_utf8(&self.held) {
            Ok(text) => Ok(Some(TextPiece { line, text })),
            Err(e) => Err(self.bytes.bad_row(line, not_utf8(&self.held, e))),
        }
    }

    /// Moves to the first byte of the next value; `false` when there is none.
    fn reach_value(&mut self) -> Result<bool> {
        match (self.place, self.peek()?) {
            (ElementPlace::Ended, _) | (ElementPlace::Start | ElementPlace::Sequence, None) => Ok(false),
            (ElementPlace::Array, None) => Err(self.cut_off()),
            (ElementPlace::Start, Some(b'[')) => {
                self.bytes.consume(1);
                self.place = ElementPlace::Array;
                if self.peek()? == Some(b']') { self.close_array() } else { self.in_array() }
            }
            (ElementPlace::Start | ElementPlace::Sequence, Some(b'{')) => {
                self.place = ElementPlace::Sequence;
                Ok(true)
            }
            (ElementPlace::Start, Some(b)) => {
                Err(self.broken(&format!("is not JSON rows: it begins with {:?}", char::from(b))))
            }
            (ElementPlace::Sequence, Some(_)) => {
                let is_joined = self.bytes.fill()?.starts_with(BOM);
                Err(self.broken(if is_joined { JOINED } else { "expected another object" }))
            }
            (ElementPlace::Array, Some(b',')) => {
                self.bytes.consume(1);
                if self.peek()? == Some(b']') {
                    return Err(self.broken("a comma after the last element"));
                }
                self.in_array()
            }
            (ElementPlace::Array, Some(b']')) => self.close_array(),
            (ElementPlace::Array, Some(_)) => Err(self.broken("expected ',' or ']' after an element")),
        }
    }

    fn close_array(&mut self) -> Result<bool> {
        self.bytes.consume(1);
        self.place = ElementPlace::Ended;
        match self.peek()? {
            None => Ok(false),
            Some(_) => Err(self.broken("something follows the end of the array")),
        }
    }

    fn in_array(&mut self) -> Result<bool> {
        match self.peek()? {
            Some(b',' | b'}' | b':') => Err(self.broken("expected a value")),
            Some(_) => Ok(true),
            None => Err(self.cut_off()),
        }
    }

    /// Passes over blanks and returns the byte after them.
    fn peek(&mut self) -> Result<Option<u8>> {
        loop {
            let block = self.bytes.fill()?;
            if block.is_empty() {
                return Ok(None);
            }
            let blanks = block.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n')).count();
            self.line += count_lines(block.get(..blanks).unwrap_or_default());
            let found = block.get(blanks).copied();
            self.bytes.consume(blanks);
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    /// Reads one value into `held`; `false` when it was over the limit and is not all there.
    fn read_value(&mut self, first_line: u64) -> Result<bool> {
        self.held.clear();
        let mut scan = ValueScan::default();
        let mut whole = true;
        loop {
            let block = self.bytes.fill()?;
            if block.is_empty() {
                return if scan.is_scalar() { Ok(whole) } else { Err(self.cut_off()) };
            }
            let (used, state) = scan.run(block);
            let part = block.get(..used).unwrap_or_default();
            self.line += count_lines(part);
            whole &= self.held.len() + used <= self.limit_bytes;
            if whole {
                self.held.extend_from_slice(part);
            }
            self.bytes.consume(used);
            match state {
                ElementState::Open => {}
                ElementState::Closed => return Ok(whole),
                ElementState::Broken(why) => {
                    return Err(self.broken(&format!("{why} in the value that begins on line {first_line}")));
                }
            }
        }
    }

    fn broken(&mut self, why: &str) -> Error {
        self.place = ElementPlace::Ended;
        self.bytes.bad(format!("line {}: {why}", self.line), None)
    }

    fn cut_off(&mut self) -> Error {
        self.broken("the input ends before its last bracket or quote is closed")
    }
}

fn count_lines(bytes: &[u8]) -> u64 {
    memchr_iter(b'\n', bytes).count() as u64
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::input::progress::ReadProgress;

    fn elements(text: &str) -> Vec<Result<(u64, String), String>> {
        let bytes =
            InputBytes::open(Cursor::new(text.to_owned().into_bytes()), "t".into(), ReadProgress::new(None)).unwrap();
        let mut elements = Elements::new(bytes, 300_000);
        let mut read = Vec::new();
        loop {
            match elements.next() {
                Ok(None) => return read,
                Ok(Some(piece)) => read.push(Ok((piece.line, piece.text.to_owned()))),
                Err(e) => {
                    read.push(Err(e.to_string()));
                    if !matches!(e, Error::BadRow { .. }) {
                        return read;
                    }
                }
            }
        }
    }

    fn values(text: &str) -> Vec<(u64, String)> {
        elements(text).into_iter().map(Result::unwrap).collect()
    }

    #[test]
    fn arrays_and_sequences_are_cut_at_their_values() {
        let array = values("\n[ {\"a\": \"}]\\\"\\\\\"},\n\n [1,[2]] , 3,\"x\\\"]\" ,null]\n");
        let expected = [(2, "{\"a\": \"}]\\\"\\\\\"}"), (4, "[1,[2]]"), (4, "3"), (4, "\"x\\\"]\""), (4, "null")];
        assert_eq!(array, expected.map(|(line, text)| (line, text.to_owned())));
        assert_eq!(
            values("{\n\"a\":1}\n{}{\"b\":2}"),
            [(1, "{\n\"a\":1}".into()), (3, "{}".into()), (3, "{\"b\":2}".into())]
        );
        assert_eq!(values("[]"), []);
        assert_eq!(values("  "), []);
    }

    #[test]
    fn values_longer_than_a_block_are_whole() {
        let long = format!("{{\"a\":\"{}\"}}", "\\\"x]".repeat(50_000));
        assert_eq!(values(&format!("[{long},{long}]")), [(1, long.clone()), (1, long)]);
    }

    #[test]
    fn a_value_over_the_limit_is_passed_over() {
        let read = elements(&format!("[{{\"a\":\"{}\"}},\n{{}}]", "x".repeat(400_000)));
        assert_eq!(read, [Err("t:1: the value is longer than 300000 bytes".into()), Ok((2, "{}".into()))]);
    }

    #[test]
    fn broken_brackets_end_the_input_with_their_line() {
        for (text, why) in [
            ("[{}\n,{\"a\":[1}]", "t: line 2: a bracket that does not match in the value that begins on line 2"),
            ("[{}\n{}]", "t: line 2: expected ',' or ']' after an element"),
            ("[{},\n]", "t: line 2: a comma after the last element"),
            ("[{}", "t: line 1: the input ends before its last bracket or quote is closed"),
            ("[{\"a\":\n\"x", "t: line 2: the input ends before its last bracket or quote is closed"),
            ("[1", "t: line 1: the input ends before its last bracket or quote is closed"),
            ("[{}] x", "t: line 1: something follows the end of the array"),
            ("[,{}]", "t: line 1: expected a value"),
            ("{}\nx", "t: line 2: expected another object"),
            ("{}\n\u{feff}{}", "t: line 2: begins with a byte order mark (U+FEFF), as where files were put together"),
            ("id,b", "t: line 1: is not JSON rows: it begins with 'i'"),
        ] {
            assert_eq!(elements(text).last(), Some(&Err(why.to_owned())), "{text}");
        }
        assert!(elements(&"[".repeat(100_000)).last().unwrap().is_err());
    }
}
