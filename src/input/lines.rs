//! A stream cut into lines of a bounded length, and the rows of a text each line of which is one.
//!
//! Knows nothing of what the lines say. Invariant: one line at a time is held, and a line over the limit is
//! passed over without being held, so that the next one can be read.

use memchr::memchr;

use std::sync::Arc;

use super::decompress::InputBytes;
use super::mapping::{IdFrom, Mapping, RowParts};
use crate::error::{Advice, Error, Remark, Result};
use crate::record::{LineRange, NewRecord, Origin, Value};

/// What is wrong with a line that begins so within a file.
pub(super) const JOINED: &str = "begins with a byte order mark (U+FEFF), as where files were put together";

/// A line or a value, and the line it begins on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TextPiece<'a> {
    /// From 1.
    pub(super) line: u64,
    /// Without the line's end.
    pub(super) text: &'a str,
}

/// The lines of a stream.
pub(super) struct LineReader {
    pub(super) bytes: InputBytes,
    limit_bytes: usize,
    line: u64,
    held: Vec<u8>,
}

impl LineReader {
    pub(super) fn new(bytes: InputBytes, limit_bytes: usize) -> Self {
        Self { bytes, limit_bytes, line: 0, held: Vec::new() }
    }

    /// Returns the next line that is not blank.
    ///
    /// # Errors
    /// [`crate::error::Error::BadRow`] for a line that is too long or not UTF-8; the next call goes on after it.
    pub(super) fn next(&mut self) -> Result<Option<TextPiece<'_>>> {
        loop {
            let Some(whole) = self.read()? else { return Ok(None) };
            self.line += 1;
            if !whole {
                let why = format!("the line is longer than {} bytes", self.limit_bytes);
                return Err(self.bytes.bad_row(self.line, why));
            }
            if !self.held.trim_ascii().is_empty() {
                break;
            }
        }
        match std::str::from_utf8(&self.held) {
            Ok(text) => Ok(Some(TextPiece { line: self.line, text })),
            Err(e) => Err(self.bytes.bad_row(self.line, not_utf8(&self.held, e))),
        }
    }

    /// Reads one line into `held`; `false` when it was over the limit and is not all there.
    fn read(&mut self) -> Result<Option<bool>> {
        self.held.clear();
        let (mut any, mut whole) = (false, true);
        loop {
            let block = self.bytes.fill()?;
            if block.is_empty() {
                return Ok(any.then_some(whole));
            }
            any = true;
            let end = memchr(b'\n', block);
            let part = block.get(..end.unwrap_or(block.len())).unwrap_or_default();
            whole &= self.held.len() + part.len() <= self.limit_bytes;
            if whole {
                self.held.extend_from_slice(part);
            }
            let passed = part.len() + usize::from(end.is_some());
            self.bytes.consume(passed);
            if end.is_some() {
                return Ok(Some(whole));
            }
        }
    }
}

/// The rows of a text, each line of which is a document.
pub(super) struct LineRows {
    lines: LineReader,
    mapping: Arc<Mapping>,
    /// What the ids begin with, unless they are made from the content; the number of the line follows.
    id: String,
    uri: String,
}

impl LineRows {
    pub(super) fn new(lines: LineReader, mapping: Arc<Mapping>, (id, uri): (&str, &str)) -> Self {
        Self { lines, mapping, id: id.to_owned(), uri: uri.to_owned() }
    }

    /// Returns the row of the next line that is not blank.
    pub(super) fn next(&mut self) -> Result<Option<NewRecord>> {
        let source = Arc::clone(self.lines.bytes.source());
        let Some(TextPiece { line, text }) = self.lines.next()? else { return Ok(None) };
        if text.contains('\0') {
            return Err(Error::bad_row(source, line, "holds a NUL byte"));
        }
        let id = matches!(self.mapping.id, IdFrom::Column(_)).then(|| format!("{}:{line}", self.id));
        let document = Some(text.trim_end_matches('\r').to_owned());
        let uri = Some(self.uri.clone()).filter(|uri| !uri.is_empty());
        let mut parts = RowParts { id, document, uri, ..RowParts::default() };
        let number = Value::Int(i64::try_from(line).unwrap_or(i64::MAX));
        parts.metadata.insert(LineRange::FIRST, Some(number))?;
        let row = parts.into_row(&self.mapping, Origin { source: Arc::clone(&source), line });
        row.map(Some).map_err(|why| Error::bad_row(source, line, why))
    }
}

/// Says which byte is not UTF-8, and what to do.
pub(super) fn not_utf8(bytes: &[u8], error: std::str::Utf8Error) -> Remark {
    let at = error.valid_up_to();
    let byte = bytes.get(at).copied().unwrap_or_default();
    let why = format!("is not UTF-8 text (0x{byte:02X} at byte {})", at + 1);
    Remark::with(why, Advice::NameEncoding("windows-1252"))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::input::progress::ReadProgress;

    fn lines(text: &[u8], limit: usize) -> Vec<Result<(u64, String), String>> {
        let bytes = InputBytes::open(Cursor::new(text.to_vec()), "t".into(), ReadProgress::new(None)).unwrap();
        let mut lines = LineReader::new(bytes, limit);
        std::iter::from_fn(|| {
            let piece = lines.next().map_err(|e| e.to_string());
            piece.map(|p| p.map(|p| (p.line, p.text.to_owned()))).transpose()
        })
        .collect()
    }

    #[test]
    fn blank_lines_are_counted_and_passed_over() {
        let read = lines(b"\na\r\n  \n\nb", 9);
        assert_eq!(read, [Ok((2, "a\r".to_owned())), Ok((5, "b".to_owned()))]);
        assert_eq!(lines(b"", 9), []);
        assert_eq!(lines(b"\n\n", 9), []);
    }

    #[test]
    fn a_long_or_foreign_line_does_not_end_the_input() {
        let mut text = vec![b'x'; 200_000];
        text.extend_from_slice(b"\nGr\xfc\xdfe\nlast\n");
        let read = lines(&text, 100);
        assert_eq!(read.len(), 3);
        assert_eq!(read[0], Err("t:1: the line is longer than 100 bytes".into()));
        assert!(read[1].as_ref().unwrap_err().starts_with("t:2: is not UTF-8 text (0xFC at byte 3)"), "{read:?}");
        assert_eq!(read[2], Ok((3, "last".into())));
    }
}
