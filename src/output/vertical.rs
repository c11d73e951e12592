//! Records and hits for people below one another, read from top to bottom: a line for each part, or a snippet.
//!
//! With a line for each part a document stands whole, wrapped under itself; metadata has a line for each key. Invariant: everything printed is
//! sanitised, and nothing is kept of a record once it is written.

use std::io::Write;

use huedb::error::Result;

use super::highlighted_text::Marked;
use super::record_layout::Layout;
use super::sink::{ShownQuestion, ShownRecord, Sink, Style, written};
use super::table::{NOTHING, cell, question_line};
use super::{Highlight, RecordColumn, RecordColumns, color, sanitize, snippet, width};

const GAP: usize = 2;
/// A value is never wrapped narrower, whatever the terminal.
const NARROWEST_VALUE: usize = 20;
/// Longer names of metadata keys push their own value to the right, not those of all others.
const WIDEST_NAME: usize = 24;

/// Writes the records below one another.
pub(super) struct VerticalSink<'w> {
    layout: Layout,
    lines: fn(&Layout, usize, ShownRecord<'_>) -> String,
    out: &'w mut (dyn Write + 'w),
    /// Records written, since the last question.
    written: usize,
    /// Whether a question was begun that has no hit yet.
    unanswered: bool,
}

impl<'w> VerticalSink<'w> {
    /// Writes each part of a record on lines of its own.
    pub(super) fn parts(columns: RecordColumns, style: Style, out: &'w mut (dyn Write + 'w)) -> Self {
        Self::new(columns, style, |layout, _, entry| layout.parts(entry), out)
    }

    /// Writes the few lines of each hit that tell what it says.
    pub(super) fn snippets(columns: RecordColumns, style: Style, out: &'w mut (dyn Write + 'w)) -> Self {
        Self::new(columns, style, snippet::lines, out)
    }

    fn new(
        columns: RecordColumns,
        style: Style,
        lines: fn(&Layout, usize, ShownRecord<'_>) -> String,
        out: &'w mut (dyn Write + 'w),
    ) -> Self {
        let columns = columns.without(&RecordColumn::Query);
        let layout = Layout { columns, style, highlight: Highlight::default() };
        Self { layout, lines, out, written: 0, unanswered: false }
    }
}

impl Layout {
    fn values(&self, entry: ShownRecord<'_>) -> Vec<(String, Marked)> {
        let whole = Style { full: true, ..self.style };
        let mut values = Vec::new();
        let mut add = |column: &RecordColumn| {
            // Hundreds of numbers hide what else there is.
            let style = if *column == RecordColumn::Embedding { self.style } else { whole };
            let value = cell(column, entry, style, &self.highlight);
            values.extend(value.map(|value| (sanitize::sanitize(&column.name()), value)));
        };
        for column in &self.columns {
            match (column, &entry.record.metadata) {
                (RecordColumn::Metadata, Some(metadata)) => {
                    metadata.iter().for_each(|(key, _)| add(&RecordColumn::Key(key.to_owned())));
                }
                _ => add(column),
            }
        }
        values
    }

    fn parts(&self, entry: ShownRecord<'_>) -> String {
        let values = self.values(entry);
        let indent = values.iter().map(|(name, _)| width::width(name)).filter(|width| *width <= WIDEST_NAME);
        let indent = indent.max().unwrap_or(0) + GAP;
        let room = self.style.width.saturating_sub(indent).max(NARROWEST_VALUE);
        let mut text = String::new();
        for (name, value) in values {
            let name_width = width::width(&name);
            text.push_str(&color::dim(&name, self.style.color));
            let mut at = name_width;
            for line in value.wrapped(room) {
                let line = line.styled(self.style.color);
                if !line.is_empty() {
                    text.extend(std::iter::repeat_n(' ', indent.max(at + GAP) - at));
                    text.push_str(&line);
                }
                text.push('\n');
                at = 0;
            }
        }
        text
    }
}

impl Sink for VerticalSink<'_> {
    fn question(&mut self, question: &ShownQuestion<'_>) -> Result<()> {
        let before = match (self.unanswered, self.written > 0) {
            (true, _) => [NOTHING, b"\n"].concat(),
            (false, true) => b"\n".to_vec(),
            (false, false) => Vec::new(),
        };
        (self.unanswered, self.written) = (true, 0);
        written(
            self.out.write_all(&[before.as_slice(), question_line(question, self.layout.style).as_bytes()].concat()),
        )
    }

    fn highlight(&mut self, what: Highlight) {
        self.layout.highlight = what;
    }

    fn entry(&mut self, entry: ShownRecord<'_>) -> Result<()> {
        if self.written > 0 {
            written(self.out.write_all(b"\n"))?;
        }
        (self.written, self.unanswered) = (self.written + 1, false);
        let lines = (self.lines)(&self.layout, self.written, entry);
        written(self.out.write_all(lines.as_bytes()))
    }

    fn end(self: Box<Self>) -> Result<()> {
        if self.unanswered {
            written(self.out.write_all(NOTHING))?;
        }
        written(self.out.flush())
    }
}
