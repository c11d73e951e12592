//! Texts of a drawing: sanitised, of bounded length, and escaped for XML.

use huedb::record::Record;

use crate::output::sanitize::one_line;
use crate::output::{RecordColumn, table_cell, width};

/// What is seen of a text when the pointer is over its point.
const HOVER_CELLS: usize = 160;

/// Returns a text as it may stand in XML, sanitised.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in one_line(text) {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // The only characters left that XML does not allow.
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Returns a title of bounded length, escaped.
pub(super) fn shown(text: &str) -> String {
    escape(&width::cut(&table_cell::text(text, HOVER_CELLS), HOVER_CELLS))
}

/// Returns what is shown when the pointer is over a record's point: its id, and the beginnings of these columns.
#[must_use]
pub(crate) fn hover(record: &Record, columns: &[RecordColumn]) -> String {
    let cut = |text: &str| width::cut(&table_cell::prose(text, HOVER_CELLS), HOVER_CELLS).into_owned();
    let mut lines = vec![cut(record.id.as_str())];
    for column in columns {
        lines.extend(match column {
            RecordColumn::Document => record.document.as_deref().map(cut),
            RecordColumn::Key(key) => {
                let value = record.metadata.as_ref().and_then(|metadata| metadata.get(key));
                value.map(|value| cut(&format!("{key}: {value}")))
            }
            _ => None,
        });
    }
    lines.join("\n")
}
