//! A row that was checked and embedded, on its way to the file.
//!
//! Knows nothing of batches.

use crate::error::Error;
use crate::record::NewRecord;
use crate::store::{Change, Form};

/// A row and what was found out about it.
#[derive(Debug)]
pub(super) struct PreparedRow {
    pub(super) row: NewRecord,
    /// Whether it takes the place of its document's other form.
    pub(super) replaces_form: bool,
}

impl PreparedRow {
    /// Makes of it what is written, and in which form.
    pub(super) fn into_change(self) -> (Change, Form) {
        let Self { row, replaces_form } = self;
        let form = match row.part {
            Some(part) => Form::Part { part, replaces_whole: replaces_form },
            None if replaces_form => Form::Whole,
            None => Form::Record,
        };
        let change = Change {
            id: row.id,
            embedding: row.embedding,
            embedded_here: row.embedded_here,
            document: row.document,
            uri: row.uri,
            metadata: row.metadata,
        };
        (change, form)
    }
}

/// Makes an error about a row.
pub(super) fn bad_row(row: &NewRecord, why: &str) -> Error {
    Error::bad_row(&row.origin.source, row.origin.line, format!("record {:?}: {why}", row.id.as_str()))
}
