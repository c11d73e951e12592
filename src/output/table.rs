//! Records and hits as a table for people.
//!
//! A long list is laid out in pages under one header, so that any number of records passes through in bounded
//! memory. In a batch each question is a heading over its own table. Invariant:
//! everything printed is sanitised.

use std::io::Write;

use huedb::error::Result;

use super::grid::{Cut, Grid, Heading};
use super::highlighted_text::Marked;
use super::sink::{ShownQuestion, ShownRecord, Sink, Style, written};
use super::{Highlight, RecordColumn, RecordColumns, color, sanitize, table_cell, width};

/// Rows that are laid out together.
const PAGE_ROWS: usize = 1000;
/// Text that is laid out together: documents that are not cut may be of any length.
const PAGE_BYTES: usize = 4 << 20;

/// Writes a table, or one a question.
pub(super) struct TableSink<'w> {
    columns: Vec<RecordColumn>,
    style: Style,
    highlight: Highlight,
    out: &'w mut (dyn Write + 'w),
    /// The rows not yet written.
    page: Grid,
    page_bytes: usize,
    /// The widths of the pages written before in this table.
    widths: Option<Vec<usize>>,
    /// Whether a question was begun.
    asked: bool,
}

impl<'w> TableSink<'w> {
    pub(super) fn new(columns: RecordColumns, style: Style, out: &'w mut (dyn Write + 'w)) -> Self {
        let columns: Vec<RecordColumn> = columns.without(&RecordColumn::Query).iter().cloned().collect();
        let page = Grid { headings: columns.iter().map(heading).collect(), rows: Vec::new() };
        let highlight = Highlight::default();
        Self { columns, style, highlight, out, page, page_bytes: 0, widths: None, asked: false }
    }

    /// Writes the rows that wait, as the last ones of their table or as a page of it.
    fn flush_page(&mut self, last: bool) -> Result<()> {
        let rows = std::mem::take(&mut self.page.rows);
        self.page_bytes = 0;
        let mut page = Grid { headings: self.page.headings.clone(), rows };
        if last && self.widths.is_none() {
            page.drop_empty_columns();
        }
        let widths = page.widths(self.style.width, self.widths.as_deref().unwrap_or_default());
        let lines = page.lines(&widths, self.widths.is_none(), self.style);
        self.widths = Some(widths);
        written(self.out.write_all(lines.as_bytes()))
    }

    fn end_table(&mut self) -> Result<()> {
        if self.asked && self.widths.is_none() && self.page.rows.is_empty() {
            return written(self.out.write_all(NOTHING));
        }
        self.flush_page(true)?;
        self.widths = None;
        Ok(())
    }
}

/// Stands under a question without hits.
pub(super) const NOTHING: &[u8] = b"nothing found\n";

/// Returns the heading of a question's hits.
pub(super) fn question_line(question: &ShownQuestion<'_>, style: Style) -> String {
    let line = match question.text {
        Some(text) => table_cell::prose(&format!("{}: {text}", question.label), style.width),
        None => table_cell::text(&question.label.to_string(), style.width),
    };
    color::bold(&width::cut(&line, style.width), style.color) + "\n"
}

/// Returns what stands in one column of a record; nothing where the record has no such part.
pub(super) fn cell(
    column: &RecordColumn,
    entry: ShownRecord<'_>,
    style: Style,
    highlight: &Highlight,
) -> Option<Marked> {
    let record = entry.record;
    let columns = if style.full { usize::MAX } else { style.width };
    Some(match column {
        RecordColumn::Query => return None,
        RecordColumn::Id => table_cell::text(record.id.as_str(), columns).into(),
        RecordColumn::Distance => table_cell::distance(entry.distance?).into(),
        RecordColumn::Score => table_cell::distance(entry.score?).into(),
        RecordColumn::Document if style.full => table_cell::whole_document(record.document.as_deref()?, highlight),
        RecordColumn::Document => table_cell::document(record.document.as_deref()?, columns, highlight),
        RecordColumn::Metadata => table_cell::metadata(record.metadata.as_ref()?, columns, style.bookkeeping).into(),
        RecordColumn::Key(key) => table_cell::text(&record.metadata.as_ref()?.get(key)?.to_string(), columns).into(),
        RecordColumn::Uri => table_cell::text(record.uri.as_deref()?, columns).into(),
        RecordColumn::Embedding if style.full => table_cell::whole_embedding(record.embedding.as_deref()?).into(),
        RecordColumn::Embedding => table_cell::embedding(record.embedding.as_deref()?).into(),
    })
}

impl Sink for TableSink<'_> {
    fn question(&mut self, question: &ShownQuestion<'_>) -> Result<()> {
        if self.asked {
            self.end_table()?;
            written(self.out.write_all(b"\n"))?;
        }
        self.asked = true;
        written(self.out.write_all(question_line(question, self.style).as_bytes()))
    }

    fn highlight(&mut self, what: Highlight) {
        self.highlight = what;
    }

    fn entry(&mut self, entry: ShownRecord<'_>) -> Result<()> {
        let cell = |column| cell(column, entry, self.style, &self.highlight).unwrap_or_default();
        let row: Vec<Marked> = self.columns.iter().map(cell).collect();
        self.page_bytes += row.iter().map(Marked::len).sum::<usize>();
        self.page.rows.push(row);
        let is_full = self.page.rows.len() == PAGE_ROWS || self.page_bytes >= PAGE_BYTES;
        if is_full { self.flush_page(false) } else { Ok(()) }
    }

    fn end(mut self: Box<Self>) -> Result<()> {
        self.end_table()?;
        written(self.out.flush())
    }
}

fn heading(column: &RecordColumn) -> Heading {
    let share = match column {
        RecordColumn::Query | RecordColumn::Distance | RecordColumn::Score => 0,
        RecordColumn::Id | RecordColumn::Metadata => 2,
        RecordColumn::Document => 3,
        RecordColumn::Key(_) | RecordColumn::Uri | RecordColumn::Embedding => 1,
    };
    let name = sanitize::sanitize(&column.name());
    Heading {
        name,
        share,
        right: matches!(column, RecordColumn::Distance | RecordColumn::Score),
        cut: match column {
            RecordColumn::Id => Cut::Middle,
            RecordColumn::Uri => Cut::Head,
            _ => Cut::End,
        },
        dim: *column == RecordColumn::Metadata,
    }
}
