//! Records and hits as comma- or tab-separated values under a header.
//!
//! `metadata` is one column that holds a JSON object and `embedding` one that holds a JSON array, so types and
//! bits survive a round trip. Invariant: text is never changed. A cell that begins with `=`, `+`, `-` or `@`
//! is data here; a spreadsheet that would run it as a formula must be told to import the column as text.
//! The format has two gaps: an absent document and an empty one are the same empty cell, and an input that holds a NUL is
//! taken for binary.

use std::io::{self, Write};

use super::sink::{Entry, Label, Question, Sink, written};
use super::{Column, Columns};
use crate::error::Result;

/// Writes a header and one line a record.
pub(super) struct SeparatedSink<'w> {
    writer: ::csv::Writer<&'w mut (dyn Write + 'w)>,
    columns: Columns,
    query: Option<Label>,
    /// One cell's JSON, reused.
    cell: Vec<u8>,
}

impl<'w> SeparatedSink<'w> {
    pub(super) fn begin(delimiter: u8, columns: Columns, out: &'w mut (dyn Write + 'w)) -> Result<Self> {
        let mut writer = separated_writer(delimiter, out);
        written(separated_line(&mut writer, columns.iter().map(|column| column.name().into_owned())))?;
        Ok(Self { writer, columns, query: None, cell: Vec::new() })
    }

    fn line(&mut self, entry: Entry<'_>) -> io::Result<()> {
        let record = entry.record;
        for column in &self.columns {
            self.cell.clear();
            let cell = &mut self.cell;
            let text: &[u8] = match column {
                Column::Query => match &self.query {
                    Some(label) => {
                        write!(cell, "{label}")?;
                        cell
                    }
                    None => b"",
                },
                Column::Id => record.id.as_str().as_bytes(),
                Column::Distance | Column::Score => json(cell, entry.distance.as_ref())?,
                Column::Document => record.document.as_deref().unwrap_or_default().as_bytes(),
                Column::Metadata => json(cell, record.metadata.as_ref())?,
                Column::Key(key) => match record.metadata.as_ref().and_then(|m| m.get(key)) {
                    Some(value) => {
                        write!(cell, "{value}")?;
                        cell
                    }
                    None => b"",
                },
                Column::Uri => record.uri.as_deref().unwrap_or_default().as_bytes(),
                Column::Embedding => json(cell, record.embedding.as_ref())?,
            };
            self.writer.write_field(text)?;
        }
        self.writer.write_record(None::<&[u8]>)?;
        Ok(())
    }
}

impl Sink for SeparatedSink<'_> {
    fn question(&mut self, question: &Question<'_>) -> Result<()> {
        self.query = Some(question.label.clone());
        Ok(())
    }

    fn entry(&mut self, entry: Entry<'_>) -> Result<()> {
        written(self.line(entry))
    }

    fn end(mut self: Box<Self>) -> Result<()> {
        written(self.writer.flush())
    }
}

/// Writes a value as JSON into an empty cell and returns the cell; nothing for `None`.
fn json<'c, T: serde::Serialize>(cell: &'c mut Vec<u8>, value: Option<&T>) -> io::Result<&'c [u8]> {
    if let Some(value) = value {
        serde_json::to_writer(&mut *cell, value)?;
    }
    Ok(cell)
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
    Ok(writer.write_record(cells)?)
}
