//! A stream of csv or tsv cut into records, the header first.
//!
//! Stands on csv-core rather than on csv's own reader for what that cannot give: records of a bounded length,
//! the right line after blank lines and `\r\n`, and a word about a quote that never closes. Does not know what
//! the columns mean. Invariant: every record returned has as many fields as the header, all UTF-8.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use memchr::{memchr, memchr_iter};

use super::decompress::Bytes;
use super::format::{Format, delimiter};
use super::lines::not_utf8;
use super::mapping::list_names;
use crate::error::{Error, Result};

/// The records of a table.
pub(super) struct Records {
    pub(super) bytes: Bytes,
    header: Vec<String>,
    reader: Reader,
    delimiter: u8,
    limit_bytes: usize,
    blank_lines: u64,
    fields: Vec<u8>,
    ends: Vec<usize>,
    last_byte: u8,
}

/// One record and the line it begins on.
pub(super) struct Record<'a> {
    pub(super) line: u64,
    text: &'a str,
    ends: &'a [usize],
}

impl<'a> Record<'a> {
    /// Returns a field; empty beyond the last.
    pub(super) fn field(&self, column: usize) -> &'a str {
        let start = column.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.ends.get(column).and_then(|&end| self.text.get(start..end)).unwrap_or_default()
    }
}

impl Records {
    /// Reads the header.
    ///
    /// # Errors
    /// [`Error::BadInput`] when there is none, or a name stands twice in it.
    pub(super) fn open(mut bytes: Bytes, format: Format, limit_bytes: usize) -> Result<Self> {
        let delimiter = delimiter(bytes.fill()?, format);
        let mut this = Self {
            bytes,
            header: Vec::new(),
            reader: ReaderBuilder::new().delimiter(delimiter).build(),
            delimiter,
            limit_bytes,
            blank_lines: 0,
            fields: vec![0; 4096],
            ends: vec![0; 64],
            last_byte: 0,
        };
        let header = match this.read()? {
            Some((_, columns)) => this
                .check(columns)
                .map(|record| (0..columns).map(|column| record.field(column).trim().to_owned()).collect::<Vec<_>>()),
            None => return Err(this.bytes.bad("has no header line", Some("the first line names the columns"))),
        };
        this.header = header.map_err(|why| this.bytes.bad(format!("the header {why}"), None))?;
        let twice = this
            .header
            .iter()
            .enumerate()
            .find(|(at, name)| !name.is_empty() && this.header.iter().take(*at).any(|before| before == *name));
        match twice {
            Some((_, name)) => Err(this.bytes.bad(format!("the header names the column {name:?} twice"), None)),
            None => Ok(this),
        }
    }

    /// Returns the names of the columns.
    pub(super) fn header(&self) -> &[String] {
        &self.header
    }

    /// Returns the next record.
    ///
    /// # Errors
    /// [`Error::BadRow`] for a record with too few or too many fields or that is not UTF-8; the next call goes on.
    /// [`Error::BadInput`] for one over the limit.
    pub(super) fn next(&mut self) -> Result<Option<Record<'_>>> {
        let Some((line, columns)) = self.read()? else { return Ok(None) };
        let expected = self.header.len();
        if columns != expected {
            let why = format!("has {columns} fields where the header has {expected}{}", self.unclosed(columns));
            return Err(self.bytes.bad_row(line, why));
        }
        if !self.unclosed(columns).is_empty() {
            return Err(self.bytes.bad_row(line, "a quote opens a field and never closes"));
        }
        match self.check(columns) {
            Ok(record) => Ok(Some(Record { line, ..record })),
            Err(why) => Err(self.bytes.bad_row(line, why)),
        }
    }

    /// Reads one record into `fields` and `ends`; returns its line and the number of its fields.
    fn read(&mut self) -> Result<Option<(u64, usize)>> {
        if !self.pass_blank_lines()? {
            return Ok(None);
        }
        let line = self.reader.line() + self.blank_lines;
        let (mut filled, mut columns) = (0, 0);
        loop {
            let block = self.bytes.fill()?;
            let (result, read, written, ended) = self.reader.read_record(
                block,
                self.fields.get_mut(filled..).unwrap_or_default(),
                self.ends.get_mut(columns..).unwrap_or_default(),
            );
            if let Some(last) = block.get(..read).and_then(|read| read.iter().rfind(|b| !b"\r\n".contains(b))) {
                self.last_byte = *last;
            }
            self.bytes.consume(read);
            filled += written;
            columns += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if filled >= self.limit_bytes => {
                    let why = format!("line {line}: the record is longer than {} bytes", self.limit_bytes);
                    return Err(self.bytes.bad(why, Some("a quote that never closes takes in all lines after it")));
                }
                ReadRecordResult::OutputFull => self.fields.resize(self.fields.len().saturating_mul(2), 0),
                // Two fields a byte are more than a record of that length can have.
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len().saturating_mul(2), 0),
                ReadRecordResult::Record => return Ok(Some((line, columns))),
                ReadRecordResult::End => return Ok(None),
            }
        }
    }

    /// Passes over line ends before a record; `false` at the end of the input.
    fn pass_blank_lines(&mut self) -> Result<bool> {
        loop {
            let block = self.bytes.fill()?;
            if block.is_empty() {
                return Ok(false);
            }
            let blanks = block.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
            self.blank_lines += memchr_iter(b'\n', block.get(..blanks).unwrap_or_default()).count() as u64;
            let found = blanks < block.len();
            self.bytes.consume(blanks);
            if found {
                return Ok(true);
            }
        }
    }

    fn check(&self, columns: usize) -> Result<Record<'_>, String> {
        let ends = self.ends.get(..columns).unwrap_or_default();
        let bytes = self.fields.get(..ends.last().copied().unwrap_or(0)).unwrap_or_default();
        let text = std::str::from_utf8(bytes).map_err(|e| not_utf8(bytes, e))?;
        if memchr(0, bytes).is_some() {
            return Err("holds a NUL byte".into());
        }
        if ends.iter().any(|&end| !text.is_char_boundary(end)) {
            return Err("is not UTF-8 text".into());
        }
        Ok(Record { line: 1, text, ends })
    }

    /// Says so when the record last read ended with the input inside quotes.
    ///
    /// A field with a line end or a delimiter in it must have been quoted, and then the input ends with the quote.
    fn unclosed(&mut self, columns: usize) -> &'static str {
        if self.last_byte == b'"' || !self.bytes.fill().is_ok_and(<[u8]>::is_empty) {
            return "";
        }
        let end = |back: usize| columns.checked_sub(back).and_then(|at| self.ends.get(at)).copied();
        let last = end(1).and_then(|last| self.fields.get(end(2).unwrap_or(0)..last)).unwrap_or_default();
        let quoted = last.iter().any(|b| matches!(b, b'\r' | b'\n') || *b == self.delimiter);
        if quoted { "; a quote opens a field and never closes" } else { "" }
    }
}

/// Makes the error for a column that the header does not have.
pub(super) fn no_column(bytes: &Bytes, name: &str, header: &[String], hint: Option<&str>) -> Error {
    let columns = list_names(header.iter().map(String::as_str));
    bytes.bad(format!("has no column {name:?}; its columns are {columns}"), hint)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::input::progress::Progress;

    fn open(text: impl Into<Vec<u8>>, limit: usize) -> Result<Records> {
        let bytes = Bytes::open(Cursor::new(text.into()), "t".into(), Progress::new(None))?;
        Records::open(bytes, Format::Csv, limit)
    }

    fn records(text: impl Into<Vec<u8>>) -> Vec<Read> {
        let mut records = open(text, 1 << 20).unwrap();
        let columns = records.header().len();
        std::iter::from_fn(|| match records.next() {
            Ok(record) => record.map(|r| Ok((r.line, (0..columns).map(|c| r.field(c).to_owned()).collect()))),
            Err(e) => Some(Err(e.to_string())),
        })
        .take(100)
        .collect()
    }

    type Read = Result<(u64, Vec<String>), String>;

    #[expect(clippy::unnecessary_wraps, reason = "it is compared with what is read")]
    fn row(line: u64, fields: [&str; 2]) -> Read {
        Ok((line, fields.map(str::to_owned).to_vec()))
    }

    #[test]
    fn lines_are_those_of_an_editor() {
        for end in ["\n", "\r\n"] {
            let text = ["", "a,b", "1,x", "", "2,\"y", "z\"", "", "", "3,w"].join(end);
            let expected = [row(3, ["1", "x"]), row(5, ["2", &format!("y{end}z")]), row(9, ["3", "w"])];
            assert_eq!(records(text), expected);
        }
    }

    #[test]
    fn a_bad_record_does_not_end_the_table() {
        let read = records(&b"a,b\n1\n2,y,z\nGr\xfc,x\n\xc3,\xa9\n4,ok\n"[..]);
        let errors: Vec<_> = read.iter().filter_map(|r| r.as_ref().err()).map(String::as_str).collect();
        assert_eq!(errors.len(), 4, "{read:?}");
        assert_eq!(errors[0], "t:2: has 1 fields where the header has 2");
        assert_eq!(errors[1], "t:3: has 3 fields where the header has 2");
        assert!(errors[2].starts_with("t:4: is not UTF-8 text (0xFC at byte 3)"), "{}", errors[2]);
        assert_eq!(errors[3], "t:5: is not UTF-8 text");
        assert_eq!(read.last(), Some(&row(6, ["4", "ok"])));
        let late = format!("a,b\n{}1,\0\n2,ok\n", "\n".repeat(70_000));
        assert_eq!(records(late), [Err("t:70002: holds a NUL byte".into()), row(70_003, ["2", "ok"])]);
    }

    #[test]
    fn a_quote_that_never_closes_is_said() {
        assert_eq!(records("a,b\n1,\"x\n2,y\n3,z\n"), [Err("t:2: a quote opens a field and never closes".into())]);
        let first = records("a,b\n\"1,x\n2,y\n");
        assert!(first[0].as_ref().unwrap_err().ends_with("never closes"), "{first:?}");
        assert_eq!(records("a,b\n1,\"x\ny\n\"\r\n"), [row(2, ["1", "x\ny\n"])]);
        assert_eq!(records("a,b\n1,\"x,y\""), [row(2, ["1", "x,y"])]);
    }

    #[test]
    fn the_header_is_checked() {
        for (text, why) in [
            ("", "t: has no header line"),
            ("\n\n", "t: has no header line"),
            ("id,a,id\n", "t: the header names the column \"id\" twice"),
        ] {
            assert_eq!(open(text, 99).err().unwrap().to_string(), why);
        }
        assert_eq!(open(" id , x\n", 99).unwrap().header(), ["id", "x"]);
        assert_eq!(open("id;x\n1;2,5\n", 99).unwrap().header(), ["id", "x"]);
    }

    #[test]
    fn a_record_over_the_limit_ends_the_table() {
        let mut records = open(format!("a,b\n1,\"{}", "x".repeat(500_000)), 100_000).unwrap();
        let error = records.next().err().unwrap();
        assert!(matches!(error, Error::BadInput { .. }) && error.hint().is_some(), "{error}");
        let commas = open(format!("a,b\n{}", ",".repeat(500_000)), 100_000).unwrap().next().err().unwrap();
        assert!(matches!(commas, Error::BadRow { .. } | Error::BadInput { .. }), "{commas}");
    }
}
