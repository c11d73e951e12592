//! Records and hits as comma- or tab-separated values under a header.
//!
//! `metadata` is one column that holds a JSON object and `embedding` one that holds a JSON array, so types and
//! bits survive a round trip. Invariant: text is never changed. A cell that begins with `=`, `+`, `-` or `@`
//! is data here; a spreadsheet that would run it as a formula must be told to import the column as text.
//! Nothing is an empty cell, and an empty text a pair of quotes, as `PostgreSQL` has it. A NUL is refused: what holds one is
//! taken for binary.

use std::fmt::Display;
use std::io::{self, Write};

use huedb::error::{Error, Result};

use super::sink::{Label, ShownQuestion, ShownRecord, Sink, written};
use super::{RecordColumn, RecordColumns};

/// Writes a header and one line a record.
pub(super) struct SeparatedSink<'w> {
    out: &'w mut (dyn Write + 'w),
    delimiter: u8,
    columns: RecordColumns,
    query: Option<Label>,
    /// One line, reused.
    line: Vec<u8>,
    /// One cell's JSON, reused.
    cell: Vec<u8>,
}

impl<'w> SeparatedSink<'w> {
    pub(super) fn begin(delimiter: u8, columns: RecordColumns, out: &'w mut (dyn Write + 'w)) -> Result<Self> {
        let (query, line, cell) = (None, Vec::new(), Vec::new());
        let mut this = Self { out, delimiter, columns, query, line, cell };
        for (at, column) in this.columns.iter().enumerate() {
            push_cell(&mut this.line, delimiter, at, Some(column.name().as_bytes()));
        }
        written(this.end_line())?;
        Ok(this)
    }

    fn add(&mut self, entry: ShownRecord<'_>) -> io::Result<Result<(), &'static str>> {
        let record = entry.record;
        self.line.clear();
        for (at, column) in self.columns.iter().enumerate() {
            self.cell.clear();
            let cell = &mut self.cell;
            let (text, what): (Option<&[u8]>, _) = match column {
                RecordColumn::Query => (shown(cell, self.query.as_ref())?, "question"),
                RecordColumn::Id => (Some(record.id.as_str().as_bytes()), "id"),
                RecordColumn::Distance => (json(cell, entry.distance.as_ref())?, "distance"),
                RecordColumn::Score => (json(cell, entry.score.as_ref())?, "score"),
                RecordColumn::Document => (record.document.as_deref().map(str::as_bytes), "document"),
                RecordColumn::Metadata => (json(cell, record.metadata.as_ref())?, "metadata"),
                RecordColumn::Key(key) => (shown(cell, record.metadata.as_ref().and_then(|m| m.get(key)))?, "metadata"),
                RecordColumn::Uri => (record.uri.as_deref().map(str::as_bytes), "uri"),
                RecordColumn::Embedding => (json(cell, record.embedding.as_ref())?, "embedding"),
            };
            if text.is_some_and(|text| memchr::memchr(0, text).is_some()) {
                return Ok(Err(what));
            }
            push_cell(&mut self.line, self.delimiter, at, text);
        }
        self.end_line().map(Ok)
    }

    fn end_line(&mut self) -> io::Result<()> {
        self.line.push(b'\n');
        self.out.write_all(&self.line)
    }
}

/// Adds a cell to a line; what could be read as something else stands in quotes.
fn push_cell(line: &mut Vec<u8>, delimiter: u8, at: usize, text: Option<&[u8]>) {
    if at > 0 {
        line.push(delimiter);
    }
    let Some(text) = text else { return };
    let is_special = |b: &u8| *b == delimiter || b"\"\r\n".contains(b);
    // A byte order mark at the beginning of a line would be taken for one of a file.
    if !text.is_empty() && !text.iter().any(is_special) && !text.starts_with("\u{feff}".as_bytes()) {
        line.extend_from_slice(text);
        return;
    }
    line.push(b'"');
    for part in text.split_inclusive(|b| *b == b'"') {
        line.extend_from_slice(part);
        line.extend(part.ends_with(b"\"").then_some(b'"'));
    }
    line.push(b'"');
}

impl Sink for SeparatedSink<'_> {
    fn question(&mut self, question: &ShownQuestion<'_>) -> Result<()> {
        self.query = Some(question.label.clone());
        Ok(())
    }

    fn entry(&mut self, entry: ShownRecord<'_>) -> Result<()> {
        let added = written(self.add(entry))?;
        added.map_err(|what| {
            let why = format!("its {what} holds a NUL, which csv and tsv cannot hold");
            let hint = Some("choose jsonl, json, Parquet or Arrow instead".into());
            Error::InvalidArgument { why, hint }.of_record(entry.record.id.as_str())
        })
    }

    fn end(self: Box<Self>) -> Result<()> {
        written(self.out.flush())
    }
}

/// Writes a value as JSON into an empty cell and returns the cell; nothing for `None`.
fn json<'c, T: serde::Serialize>(cell: &'c mut Vec<u8>, value: Option<&T>) -> io::Result<Option<&'c [u8]>> {
    let Some(value) = value else { return Ok(None) };
    serde_json::to_writer(&mut *cell, value)?;
    Ok(Some(cell))
}

/// Writes a value as it is shown into an empty cell and returns the cell; nothing for `None`.
fn shown<'c>(cell: &'c mut Vec<u8>, value: Option<&impl Display>) -> io::Result<Option<&'c [u8]>> {
    let Some(value) = value else { return Ok(None) };
    write!(cell, "{value}")?;
    Ok(Some(cell))
}

/// Returns a writer that ends lines with `\n`, as the shell's tools expect.
pub(super) fn separated_writer<'w>(
    delimiter: u8,
    out: &'w mut (dyn Write + 'w),
) -> ::csv::Writer<&'w mut (dyn Write + 'w)> {
    ::csv::WriterBuilder::new().delimiter(delimiter).terminator(::csv::Terminator::Any(b'\n')).from_writer(out)
}

/// Writes one line of cells.
pub(super) fn separated_line<W: Write, T: AsRef<[u8]>>(
    writer: &mut ::csv::Writer<W>,
    cells: impl IntoIterator<Item = T>,
) -> io::Result<()> {
    writer.write_record(cells).map_err(|error| match error.into_kind() {
        // Its kind says whether whoever reads has gone.
        ::csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    })
}
