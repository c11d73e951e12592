//! Text in another encoding than UTF-8, as it was said to be in.
//!
//! Invariant: what has no meaning in the encoding is an error, never another character in its place; nothing is guessed,
//! though a byte order mark counts for more than what was said.

use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

use encoding_rs::{Decoder, DecoderResult, Encoding};

use crate::error::Error;

/// Bytes that are decoded at a time.
const BLOCK_BYTES: usize = 16 * 1024;

/// An encoding of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextEncoding(&'static Encoding);

impl FromStr for TextEncoding {
    type Err = Error;

    /// Reads a name as the web knows it, or as other programs write it: `latin-1`, `cp1252`, `utf16`.
    fn from_str(name: &str) -> Result<Self, Error> {
        let lower = name.trim().to_ascii_lowercase().replace('_', "-");
        let label = match lower.as_str() {
            "utf16" => "utf-16".to_owned(),
            "mac-roman" | "macroman" => "macintosh".to_owned(),
            other => other.strip_prefix("latin-").map_or_else(|| other.to_owned(), |part| format!("latin{part}")),
        };
        Encoding::for_label_no_replacement(label.as_bytes()).map(Self).ok_or_else(|| Error::InvalidArgument {
            why: format!("no encoding named {name:?}"),
            hint: Some(
                "some are utf-8, utf-16, latin-1, windows-1252, iso-8859-2 to iso-8859-16, windows-1250 to windows-1258, \
                 macintosh, koi8-r, shift_jis, euc-jp, euc-kr, big5, gb18030"
                    .into(),
            ),
        })
    }
}

impl fmt::Display for TextEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.name().to_ascii_lowercase())
    }
}

/// Bytes that have no meaning in the encoding.
#[derive(Debug)]
pub(super) struct Undecodable(String);

impl fmt::Display for Undecodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Undecodable {}

/// A stream of text in an encoding, as UTF-8.
pub(super) struct DecodedReader<R> {
    inner: R,
    encoding: TextEncoding,
    decoder: Decoder,
    block: Vec<u8>,
    /// Bytes that were decoded.
    taken: usize,
    text: String,
    /// Bytes of the text that were handed on.
    at: usize,
    ended: bool,
}

impl<R: Read> DecodedReader<R> {
    pub(super) fn new(inner: R, encoding: TextEncoding) -> Self {
        let (decoder, block, text) = (encoding.0.new_decoder(), vec![0; BLOCK_BYTES], String::new());
        Self { inner, encoding, decoder, block, taken: 0, text, at: 0, ended: false }
    }

    fn decode(&mut self) -> io::Result<()> {
        let length = self.inner.read(&mut self.block)?;
        self.ended = length == 0;
        self.at = 0;
        self.text.clear();
        let mut rest = self.block.get(..length).unwrap_or_default();
        loop {
            let most = self.decoder.max_utf8_buffer_length_without_replacement(rest.len());
            self.text.reserve(most.unwrap_or(4 * BLOCK_BYTES));
            let (result, read) = self.decoder.decode_to_string_without_replacement(rest, &mut self.text, self.ended);
            rest = rest.get(read..).unwrap_or_default();
            self.taken += read;
            match result {
                DecoderResult::InputEmpty => return Ok(()),
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => {
                    let why = format!("is not {} text (before byte {})", self.encoding, self.taken + 1);
                    return Err(io::Error::new(io::ErrorKind::InvalidData, Undecodable(why)));
                }
            }
        }
    }
}

impl<R: Read> Read for DecodedReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.text.len() && !self.ended {
            self.decode()?;
        }
        let mut rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let read = rest.read(buffer)?;
        self.at += read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8], encoding: &str) -> Result<String, String> {
        let mut text = String::new();
        let mut reader = DecodedReader::new(bytes, encoding.parse().unwrap());
        reader.read_to_string(&mut text).map(|_| text).map_err(|e| e.to_string())
    }

    #[test]
    fn text_is_read_as_it_was_said_to_be() {
        assert_eq!(decoded(b"caf\xe9 \x80", "latin-1").unwrap(), "café €");
        assert_eq!(decoded(b"caf\xe9", "CP1252").unwrap(), "café");
        assert_eq!(decoded(b"\xff\xfea\0\xe9\0", "utf16").unwrap(), "aé");
        assert_eq!(decoded(b"\xfe\xff\0a\0\xe9", "utf-16").unwrap(), "aé", "its mark says the other order");
        assert_eq!(decoded(b"\x93\xfa\x96{", "shift_jis").unwrap(), "日本");
        let long = "é".repeat(BLOCK_BYTES);
        let bytes: Vec<u8> = long.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(decoded(&bytes, "utf-16le").unwrap(), long);
        assert_eq!(
            decoded(&[b"a".repeat(20_000).as_slice(), b"\xff"].concat(), "utf-8").unwrap_err(),
            "is not utf-8 text (before byte 20002)"
        );
        assert!(decoded(b"\x81", "shift_jis").is_err(), "half of a character");
        assert!("utf-99".parse::<TextEncoding>().unwrap_err().hint().unwrap().contains("windows-1252"));
    }
}
