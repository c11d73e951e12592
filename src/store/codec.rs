//! Bytes in the file, one field after another: fixed little-endian numbers and length-prefixed parts.
//!
//! Invariant: reading any bytes ends in a value or [`Error::Damaged`], never in a panic or a large allocation.

use roaring::RoaringTreemap;

use crate::error::{Error, Result};

/// Reads fields from the front of a slice; `what` names the thing read in errors.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { rest: bytes, what }
    }

    pub(crate) fn damaged(&self, how: &str) -> Error {
        Error::damaged(format!("{}: {how}", self.what))
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Result<&'a [u8]> {
        match self.rest.split_at_checked(len) {
            Some((bytes, rest)) => {
                self.rest = rest;
                Ok(bytes)
            }
            None => Err(self.damaged("it ends too early")),
        }
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let bytes = self.bytes(N)?;
        <[u8; N]>::try_from(bytes).map_err(|_| self.damaged("it ends too early"))
    }

    pub(crate) fn u8(&mut self) -> Result<u8> {
        self.array().map(|[b]| b)
    }

    pub(crate) fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// Reads a length in seven-bit groups, lowest first.
    pub(crate) fn len(&mut self) -> Result<usize> {
        let len = self.groups(5)?;
        usize::try_from(len).map_err(|_| self.damaged("a length is out of range"))
    }

    /// Reads what one ordinal lies past another, as [`put_len`] writes it.
    pub(crate) fn gap(&mut self) -> Result<u64> {
        self.groups(9)
    }

    /// Reads up to so many seven-bit groups, nine at most.
    fn groups(&mut self, most: u32) -> Result<u64> {
        let mut number = 0_u64;
        for group in 0..most {
            let byte = self.u8()?;
            number |= u64::from(byte & 0x7f) << (7 * group);
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(self.damaged("a length is out of range"))
    }

    pub(crate) fn text(&mut self) -> Result<&'a str> {
        let len = self.len()?;
        let bytes = self.bytes(len)?;
        std::str::from_utf8(bytes).map_err(|_| self.damaged("a text is not UTF-8"))
    }

    pub(crate) fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn rest(self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn end(self) -> Result<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.damaged("bytes follow its end")) }
    }
}

/// Appends a length in seven-bit groups, lowest first.
#[expect(clippy::cast_possible_truncation, reason = "masked to seven bits")]
pub(crate) fn put_len(out: &mut Vec<u8>, mut len: usize) {
    while len >= 0x80 {
        out.push((len & 0x7f) as u8 | 0x80);
        len >>= 7;
    }
    out.push(len as u8);
}

/// Appends a text with its length before it.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_len(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

/// Returns a set of ordinals as bytes, in roaring's portable format.
pub(crate) fn set_to_bytes(set: &RoaringTreemap) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(set.serialized_size());
    // Writing to a Vec cannot fail.
    let _ = set.serialize_into(&mut bytes);
    bytes
}

/// Reads a set of ordinals.
pub(crate) fn set_from_bytes(bytes: &[u8], what: &str) -> Result<RoaringTreemap> {
    RoaringTreemap::deserialize_from(bytes).map_err(|e| Error::damaged(format!("{what}: {e}")))
}

/// Reads `f32`s from little-endian bytes; a remainder of one to three bytes is not read.
pub(crate) fn floats(bytes: &[u8]) -> impl Iterator<Item = f32> + '_ {
    bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b))
}

/// Appends `f32`s as little-endian bytes.
pub(crate) fn put_floats(out: &mut Vec<u8>, floats: &[f32]) {
    out.extend(floats.iter().flat_map(|f| f.to_le_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_round_trip() {
        for len in [0, 1, 127, 128, 300, 16_383, 16_384, (1 << 32) - 1] {
            let mut bytes = Vec::new();
            put_len(&mut bytes, len);
            let mut reader = Reader::new(&bytes, "test");
            assert_eq!(reader.len().unwrap(), len);
            reader.end().unwrap();
        }
    }

    #[test]
    fn a_length_past_the_end_is_damage() {
        let mut bytes = Vec::new();
        put_len(&mut bytes, 1 << 31);
        assert!(matches!(Reader::new(&bytes, "test").text(), Err(Error::Damaged { .. })));
        assert!(Reader::new(&[0xff; 9], "test").len().is_err());
        assert!(Reader::new(&[], "test").u64().is_err());
    }
}
