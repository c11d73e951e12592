//! Records and hits for people, a line for each part: one record at a time, read from top to bottom.
//!
//! A document stands whole, wrapped under itself; metadata has a line for each key. Invariant: everything printed is
//! sanitised, and nothing is kept of a record once it is written.

use std::io::Write;

use huedb::error::Result;

use super::highlighted_text::Marked;
use super::sink::{ShownQuestion, ShownRecord, Sink, Style, written};
use super::table::{NOTHING, cell, question_line};
use super::{Highlight, RecordColumn, RecordColumns, color, sanitize, width};

const GAP: usize = 2;
/// A value is never wrapped narrower, whatever the terminal.
const NARROWEST_VALUE: usize = 20;
/// Longer names of metadata keys push their own value to the right, not those of all others.
const WIDEST_NAME: usize = 24;

/// Writes the records below one another.
pub(super) struct VerticalSink<'w> {
    columns: Vec<RecordColumn>,
    style: Style,
    highlight: Highlight,
    out: &'w mut (dyn Write + 'w),
    /// Whether something was written.
    begun: bool,
    /// Whether a question was begun that has no hit yet.
    unanswered: bool,
}

impl<'w> VerticalSink<'w> {
    pub(super) fn new(columns: RecordColumns, style: Style, out: &'w mut (dyn Write + 'w)) -> Self {
        let columns = columns.without(&RecordColumn::Query).iter().cloned().collect();
        Self { columns, style, highlight: Highlight::default(), out, begun: false, unanswered: false }
    }

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

    fn lines(&self, entry: ShownRecord<'_>) -> String {
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
        let before = match (self.unanswered, self.begun) {
            (true, _) => [NOTHING, b"\n"].concat(),
            (false, true) => b"\n".to_vec(),
            (false, false) => Vec::new(),
        };
        (self.unanswered, self.begun) = (true, false);
        written(self.out.write_all(&[before.as_slice(), question_line(question, self.style).as_bytes()].concat()))
    }

    fn highlight(&mut self, what: Highlight) {
        self.highlight = what;
    }

    fn entry(&mut self, entry: ShownRecord<'_>) -> Result<()> {
        let lines = self.lines(entry);
        if self.begun {
            written(self.out.write_all(b"\n"))?;
        }
        (self.begun, self.unanswered) = (true, false);
        written(self.out.write_all(lines.as_bytes()))
    }

    fn end(self: Box<Self>) -> Result<()> {
        if self.unanswered {
            written(self.out.write_all(NOTHING))?;
        }
        written(self.out.flush())
    }
}
