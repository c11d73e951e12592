//! Records and hits as a table for people.
//!
//! A long list is laid out in pages under one header, so that any number of records passes through in bounded
//! memory. In a batch each question is a heading over its own table. Invariant:
//! everything printed is sanitised.

use std::io::Write;

use super::grid::{Grid, Heading};
use super::sink::{Entry, Question, Sink, Style, written};
use super::{Column, Columns, cell, color, width};
use crate::error::Result;

/// Rows that are laid out together.
const PAGE_ROWS: usize = 1000;

/// Writes a table, or one a question.
pub(super) struct TableSink<'w> {
    columns: Vec<Column>,
    style: Style,
    out: &'w mut (dyn Write + 'w),
    /// The rows not yet written.
    page: Grid,
    /// The widths of the pages written before in this table.
    widths: Option<Vec<usize>>,
    /// Whether a question was begun.
    asked: bool,
}

impl<'w> TableSink<'w> {
    pub(super) fn new(columns: Columns, style: Style, out: &'w mut (dyn Write + 'w)) -> Self {
        let columns: Vec<Column> = columns.without(&Column::Query).iter().cloned().collect();
        let page = Grid { headings: columns.iter().map(heading).collect(), rows: Vec::new() };
        Self { columns, style, out, page, widths: None, asked: false }
    }

    /// Writes the rows that wait, as the last ones of their table or as a page of it.
    fn flush_page(&mut self, last: bool) -> Result<()> {
        let rows = std::mem::take(&mut self.page.rows);
        let mut page = Grid { headings: self.page.headings.clone(), rows };
        if last && self.widths.is_none() {
            page.drop_empty_columns();
        }
        let widths = page.widths(self.style.width, self.widths.as_deref().unwrap_or_default());
        let lines = page.lines(&widths, self.widths.is_none(), self.style.color);
        self.widths = Some(widths);
        written(self.out.write_all(lines.as_bytes()))
    }

    fn end_table(&mut self) -> Result<()> {
        if self.asked && self.widths.is_none() && self.page.rows.is_empty() {
            return written(self.out.write_all(b"nothing found\n"));
        }
        self.flush_page(true)?;
        self.widths = None;
        Ok(())
    }

    fn cell(&self, column: &Column, entry: Entry<'_>) -> String {
        let record = entry.record;
        let columns = self.style.width;
        match column {
            Column::Query => None,
            Column::Id => Some(cell::text(record.id.as_str(), columns)),
            Column::Distance | Column::Score => entry.distance.map(cell::distance),
            Column::Document => record.document.as_deref().map(|document| cell::prose(document, columns)),
            Column::Metadata => record.metadata.as_ref().map(|metadata| cell::metadata(metadata, columns)),
            Column::Key(key) => {
                let value = record.metadata.as_ref().and_then(|metadata| metadata.get(key));
                value.map(|value| cell::text(&value.to_string(), columns))
            }
            Column::Uri => record.uri.as_deref().map(|uri| cell::text(uri, columns)),
            Column::Embedding => record.embedding.as_deref().map(cell::embedding),
        }
        .unwrap_or_default()
    }
}

impl Sink for TableSink<'_> {
    fn question(&mut self, question: &Question<'_>) -> Result<()> {
        if self.asked {
            self.end_table()?;
            written(self.out.write_all(b"\n"))?;
        }
        self.asked = true;
        let line = match question.text {
            Some(text) => cell::prose(&format!("{}: {text}", question.label), self.style.width),
            None => cell::text(&question.label.to_string(), self.style.width),
        };
        let heading = color::bold(&width::cut(&line, self.style.width), self.style.color);
        written(writeln!(self.out, "{heading}"))
    }

    fn entry(&mut self, entry: Entry<'_>) -> Result<()> {
        let row = self.columns.iter().map(|column| self.cell(column, entry)).collect();
        self.page.rows.push(row);
        if self.page.rows.len() == PAGE_ROWS { self.flush_page(false) } else { Ok(()) }
    }

    fn end(mut self: Box<Self>) -> Result<()> {
        self.end_table()?;
        written(self.out.flush())
    }
}

fn heading(column: &Column) -> Heading {
    let share = match column {
        Column::Query | Column::Distance | Column::Score => 0,
        Column::Id | Column::Metadata => 2,
        Column::Document => 3,
        Column::Key(_) | Column::Uri | Column::Embedding => 1,
    };
    let name = super::sanitize::sanitize(column.name());
    Heading { name, share, right: matches!(column, Column::Distance | Column::Score), dim: *column == Column::Metadata }
}
