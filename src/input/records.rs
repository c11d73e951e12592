//! A stream of csv or tsv cut into records, the header first.
//!
//! Reads RFC 4180 itself for what the libraries cannot give: records of a bounded length, the right line after blank lines
//! and `\r\n`, whether an empty field stands in quotes, and a word about a quote that never closes or has text behind it.
//! Does not know what the columns mean. Invariant: every record returned has as many fields as the header, all UTF-8.

use memchr::{memchr, memchr_iter, memchr2, memchr3};

use super::decompress::BOM;
use super::decompress::InputBytes;
use super::encoding::TextEncoding;
use super::format::{InputFormat, delimiter};
use super::lines::{JOINED, not_utf8};
use super::mapping::list_names;
use crate::error::{Advice, Error, Remark, Result};

/// How a table is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dialect<'n> {
    pub(super) format: InputFormat,
    /// The byte between the fields, where it was said.
    pub(super) delimiter: Option<u8>,
    /// What the file is in, where it is read a second time.
    pub(super) encoding: Option<TextEncoding>,
    /// Columns that the header should have; they tell the delimiter where it is to be guessed.
    pub(super) names: &'n [&'n str],
    pub(super) limit_bytes: usize,
}

/// The records of a table.
pub(super) struct TableRecords {
    pub(super) bytes: InputBytes,
    header: Vec<String>,
    delimiter: u8,
    limit_bytes: usize,
    /// Of the next byte.
    line: u64,
    fields: Vec<u8>,
    ends: Vec<End>,
}

/// Where a field ends.
#[derive(Debug, Clone, Copy)]
struct End {
    at: usize,
    quoted: bool,
}

/// One record and the line it begins on.
pub(super) struct TableRecord<'a> {
    pub(super) line: u64,
    text: &'a str,
    ends: &'a [End],
}

impl<'a> TableRecord<'a> {
    /// Returns a field; empty beyond the last.
    pub(super) fn field(&self, column: usize) -> &'a str {
        let start = column.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| end.at);
        self.ends.get(column).and_then(|end| self.text.get(start..end.at)).unwrap_or_default()
    }

    /// Returns a field; `None` where there is nothing, not even a pair of quotes.
    pub(super) fn given(&self, column: usize) -> Option<&'a str> {
        let is_quoted = self.ends.get(column).is_some_and(|end| end.quoted);
        Some(self.field(column)).filter(|field| is_quoted || !field.is_empty())
    }
}

/// What was cut off the input: where it begins, how many fields it has, and why it is no record.
struct RecordCut {
    line: u64,
    /// The line it ends on.
    last: u64,
    columns: usize,
    fault: Option<String>,
}

/// Where in a record the reader stands.
enum FieldState {
    /// Before the first byte of a field.
    Start,
    Plain,
    Quoted,
    /// Behind a quote inside quotes: the field ends, or the quote is doubled.
    Closing,
    /// In what is left of a line that is no record.
    Passing,
}

impl TableRecords {
    /// Reads the header.
    ///
    /// # Errors
    /// [`Error::BadInput`] when there is none, or a name appears twice in it.
    pub(super) fn open(mut bytes: InputBytes, layout: Dialect<'_>) -> Result<Self> {
        let delimiter = match (layout.delimiter, layout.format) {
            (Some(said), _) => said,
            (None, InputFormat::Tsv) => b'\t',
            (None, _) => delimiter(bytes.fill()?, layout.names),
        };
        let mut this = Self::over(bytes, delimiter, layout.limit_bytes);
        let header = match this.read()? {
            Some(RecordCut { fault: Some(why), .. }) => Err(why.into()),
            Some(RecordCut { columns, .. }) => this
                .check()
                .map(|record| (0..columns).map(|column| record.field(column).trim().to_owned()).collect::<Vec<_>>()),
            None => return Err(this.bytes.bad("has no header line", Some("the first line names the columns".into()))),
        };
        this.header = header.map_err(|why| this.bytes.bad(format!("the header {}", why.text), why.advice))?;
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

    fn over(bytes: InputBytes, delimiter: u8, limit_bytes: usize) -> Self {
        let (header, fields, ends) = (Vec::new(), Vec::new(), Vec::new());
        Self { bytes, header, delimiter, limit_bytes, line: 1, fields, ends }
    }

    /// Returns the names of the columns.
    pub(super) fn header(&self) -> &[String] {
        &self.header
    }

    /// Returns the records that come next, at most so many lines and bytes of them, and leaves them to be read.
    ///
    /// # Errors
    /// As those of reading.
    pub(super) fn start(&mut self, lines: usize, limit_bytes: usize) -> Result<Self> {
        let held = self.bytes.hold_start(lines, limit_bytes)?;
        let header = self.header.clone();
        Ok(Self { header, line: self.line, ..Self::over(held, self.delimiter, self.limit_bytes) })
    }

    /// Returns the next record.
    ///
    /// # Errors
    /// [`Error::BadRow`] for a record with too few or too many fields or that is not UTF-8; the next call goes on.
    /// [`Error::BadInput`] for one over the limit, or when the input ends inside quotes.
    pub(super) fn next(&mut self) -> Result<Option<TableRecord<'_>>> {
        let Some(RecordCut { line, last, columns, fault }) = self.read()? else { return Ok(None) };
        if let Some(why) = fault {
            return Err(self.bytes.bad_row(line, why));
        }
        let expected = self.header.len();
        if columns != expected {
            let lines = if last > line { format!("; in quotes it goes on to line {last}") } else { String::new() };
            let why = format!("has {columns} fields where the header has {expected}{lines}");
            return Err(self.bytes.bad_row(line, why));
        }
        if self.fields.starts_with(BOM) && self.ends.first().is_some_and(|end| !end.quoted) {
            return Err(self.bytes.bad_row(line, JOINED));
        }
        match self.check() {
            Ok(record) => Ok(Some(TableRecord { line, ..record })),
            Err(why) => Err(self.bytes.bad_row(line, why)),
        }
    }

    /// Reads one record into `fields` and `ends`.
    fn read(&mut self) -> Result<Option<RecordCut>> {
        if !self.pass_blank_lines()? {
            return Ok(None);
        }
        self.fields.clear();
        self.ends.clear();
        let mut cutter = RecordCutter {
            delimiter: self.delimiter,
            // A record of any number of fields is bad; they need not all be held.
            most_ends: if self.header.is_empty() { usize::MAX } else { self.header.len() },
            state: FieldState::Start,
            opened: self.line,
            line: self.line,
            last: self.line,
            columns: 0,
            fault: None,
        };
        let (first, mut taken, mut is_whole) = (self.line, 0, false);
        while !is_whole {
            let block = self.bytes.fill()?;
            if block.is_empty() {
                break;
            }
            let used;
            (used, is_whole) = cutter.run(block, &mut self.fields, &mut self.ends);
            self.bytes.consume(used);
            taken += used;
            if taken > self.limit_bytes && !matches!(cutter.state, FieldState::Passing) {
                let why = format!("line {first}: the record is longer than {} bytes", self.limit_bytes);
                return Err(self.bytes.bad(why, Some("a quote that never closes takes in all lines after it".into())));
            }
        }
        if matches!(cutter.state, FieldState::Quoted) {
            let why = format!("line {}: a quote opens a field and never closes", cutter.opened);
            let hint = "the file is cut off, or a quote inside quotes is not doubled";
            return Err(self.bytes.bad(why, Some(hint.into())));
        }
        // The end of the input ends a field as well.
        if !is_whole && !matches!(cutter.state, FieldState::Passing) {
            cutter.end_field(&self.fields, &mut self.ends);
        }
        self.line = cutter.line;
        let RecordCutter { last, columns, fault, .. } = cutter;
        Ok(Some(RecordCut { line: first, last, columns, fault }))
    }

    /// Passes over line ends before a record; `false` at the end of the input.
    fn pass_blank_lines(&mut self) -> Result<bool> {
        loop {
            let block = self.bytes.fill()?;
            if block.is_empty() {
                return Ok(false);
            }
            let blanks = block.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
            self.line += count_lines(block.get(..blanks).unwrap_or_default());
            let found = blanks < block.len();
            self.bytes.consume(blanks);
            if found {
                return Ok(true);
            }
        }
    }

    fn check(&self) -> Result<TableRecord<'_>, Remark> {
        let bytes = self.fields.as_slice();
        let text = std::str::from_utf8(bytes).map_err(|e| not_utf8(bytes, e))?;
        if memchr(0, bytes).is_some() {
            return Err("holds a NUL byte".into());
        }
        if self.ends.iter().any(|end| !text.is_char_boundary(end.at)) {
            return Err("is not UTF-8 text".into());
        }
        Ok(TableRecord { line: 1, text, ends: &self.ends })
    }
}

fn count_lines(bytes: &[u8]) -> u64 {
    memchr_iter(b'\n', bytes).count() as u64
}

/// Cuts one record, block by block.
struct RecordCutter {
    delimiter: u8,
    most_ends: usize,
    state: FieldState,
    /// The line on which the last quoted field began.
    opened: u64,
    line: u64,
    /// The line on which the last field ended.
    last: u64,
    columns: usize,
    fault: Option<String>,
}

impl RecordCutter {
    /// Goes on through a block; returns the bytes of it that belong to the record, and whether it ended there.
    fn run(&mut self, block: &[u8], fields: &mut Vec<u8>, ends: &mut Vec<End>) -> (usize, bool) {
        let mut at = 0;
        while let Some((&first, _)) = block.get(at..).and_then(<[u8]>::split_first) {
            let rest = block.get(at..).unwrap_or_default();
            match self.state {
                FieldState::Start if first == b'"' => {
                    (self.state, self.opened) = (FieldState::Quoted, self.line);
                    at += 1;
                }
                FieldState::Start => self.state = FieldState::Plain,
                FieldState::Plain => {
                    let length = memchr3(self.delimiter, b'\n', b'\r', rest).unwrap_or(rest.len());
                    fields.extend_from_slice(rest.get(..length).unwrap_or_default());
                    at += length;
                    if let Some(&end) = rest.get(length) {
                        at += 1;
                        self.end_field(fields, ends);
                        if self.goes_on(end) {
                            continue;
                        }
                        return (at, true);
                    }
                }
                FieldState::Quoted => {
                    let length = memchr(b'"', rest).unwrap_or(rest.len());
                    let text = rest.get(..length).unwrap_or_default();
                    self.line += count_lines(text);
                    fields.extend_from_slice(text);
                    at += length;
                    if length < rest.len() {
                        at += 1;
                        self.state = FieldState::Closing;
                    }
                }
                FieldState::Closing if first == b'"' => {
                    fields.push(b'"');
                    self.state = FieldState::Quoted;
                    at += 1;
                }
                FieldState::Closing if first == self.delimiter || first == b'\n' || first == b'\r' => {
                    at += 1;
                    self.end_field(fields, ends);
                    if !self.goes_on(first) {
                        return (at, true);
                    }
                }
                FieldState::Closing => {
                    let opened = match self.opened {
                        same if same == self.line => String::new(),
                        opened => format!(" of line {}, which opened on line {opened}", self.line),
                    };
                    self.fault =
                        Some(format!("text follows the closing quote{opened}; inside quotes a quote is doubled"));
                    self.state = FieldState::Passing;
                }
                FieldState::Passing => {
                    let length = memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
                    at += length;
                    if let Some(&end) = rest.get(length) {
                        self.line += u64::from(end == b'\n');
                        return (at + 1, true);
                    }
                }
            }
        }
        (at, false)
    }

    fn end_field(&mut self, fields: &[u8], ends: &mut Vec<End>) {
        self.columns += 1;
        self.last = self.line;
        if ends.len() < self.most_ends {
            ends.push(End { at: fields.len(), quoted: matches!(self.state, FieldState::Closing) });
        }
    }

    /// Steps over what ended a field; returns whether another one follows.
    fn goes_on(&mut self, end: u8) -> bool {
        self.line += u64::from(end == b'\n');
        self.state = FieldState::Start;
        end == self.delimiter
    }
}

/// Makes the error for a column that the header does not have.
pub(super) fn no_column(bytes: &InputBytes, name: &str, header: &[String], hint: Option<Advice>) -> Error {
    let columns = list_names(header.iter().map(String::as_str));
    bytes.bad(format!("has no column {name:?}; its columns are {columns}"), hint)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::input::progress::ReadProgress;

    fn open(text: impl Into<Vec<u8>>, limit: usize) -> Result<TableRecords> {
        let bytes = InputBytes::open(Cursor::new(text.into()), "t".into(), ReadProgress::new(None))?;
        TableRecords::open(
            bytes,
            Dialect { format: InputFormat::Csv, delimiter: None, encoding: None, names: &["id"], limit_bytes: limit },
        )
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
    fn a_quote_that_never_closes_is_said_with_its_line() {
        let never = |line: u64| Err(format!("t: line {line}: a quote opens a field and never closes"));
        for (text, line) in [
            ("a,b\n1,\"x\n2,y\n3,z\n", 2),
            ("a,b\n\"1,x\n2,y\n", 2),
            ("a,b\n1,\"The quick bro", 2),
            ("a,b\n1,\"open\ny,2\nx,\"\"q\"\"", 2),
            ("a,b\n1,2\n\"1\n\",\"", 4),
        ] {
            assert_eq!(records(text).into_iter().find(Result::is_err), Some(never(line)), "{text:?}");
        }
        assert_eq!(records("a,b\n1,\"x\ny\n\"\r\n"), [row(2, ["1", "x\ny\n"])]);
        assert_eq!(records("a,b\n1,\"x,y\""), [row(2, ["1", "x,y"])]);
    }

    #[test]
    fn text_behind_a_closing_quote_is_a_bad_record() {
        let text = "a,b\n1,\"open quote\n2,plain\n3,he said \"hi\" today\n4,end\n5,\"5\" disk\"\r\n6,5\" disk\n7,\"x\" ,\n8,\"\"\"\"\n";
        let read = records(text);
        let follows = "text follows the closing quote";
        assert_eq!(
            read,
            [
                Err(format!("t:2: {follows} of line 4, which opened on line 2; inside quotes a quote is doubled")),
                row(5, ["4", "end"]),
                Err(format!("t:6: {follows}; inside quotes a quote is doubled")),
                row(7, ["6", "5\" disk"]),
                Err(format!("t:8: {follows}; inside quotes a quote is doubled")),
                row(9, ["8", "\""]),
            ]
        );
        let long = records("a,b\n1,\"x\ny\",z\n2,ok\n");
        assert_eq!(
            long,
            [
                Err("t:2: has 3 fields where the header has 2; in quotes it goes on to line 3".into()),
                row(4, ["2", "ok"])
            ]
        );
    }

    #[test]
    fn an_empty_field_in_quotes_is_told_from_nothing() {
        let mut records = open("a,b,c\n\"\",,\"x\"\n", 99).unwrap();
        let record = records.next().unwrap().unwrap();
        assert_eq!([0, 1, 2].map(|at| record.given(at)), [Some(""), None, Some("x")]);
    }

    #[test]
    fn files_put_together_are_named_as_that() {
        let read = records("a,b\n1,x\n\u{feff}a,b\n\"\u{feff}2\",y\n");
        assert_eq!(read[1], Err(format!("t:3: {JOINED}")));
        assert_eq!(read[2], row(4, ["\u{feff}2", "y"]));
    }

    #[test]
    fn what_is_read_ahead_is_read_again() {
        let mut table = open("a,b\n1,\"x\ny\"\n2,z\n3,w\n", 99).unwrap();
        let mut start = table.start(1, 99).unwrap();
        for records in [&mut start, &mut table] {
            let lines = std::iter::from_fn(|| records.next().unwrap().map(|record| record.line)).collect::<Vec<_>>();
            assert_eq!(lines, [2, 4, 5]);
        }
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
        for text in ["id;x\n1;2,5\n", "id|x\n", "x;id\n", "id\tx", "id|x, y;z\n", "\"id\";\"x, y\"\n"] {
            assert!(open(text, 99).unwrap().header().contains(&"id".to_owned()), "{text}");
        }
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
