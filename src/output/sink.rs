//! What every record format does: take records and hits one by one and write them as bytes.
//!
//! Knows nothing of where records come from. Invariant: nothing is kept of a record once it is written, but
//! for a table's page; an export of any length runs in bounded memory.

use std::fmt;
use std::io;

use huedb::error::{Error, Result};
use huedb::record::{Hit, Record};
use serde::Serialize;

use super::Highlight;

/// How a format writes, beyond its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style {
    /// Columns of the terminal a table is laid out for.
    pub(crate) width: usize,
    /// Whether a table may use bold and dim text and colour.
    pub(crate) color: bool,
    /// Whether a table wraps what would be cut.
    pub(crate) full: bool,
    /// Whether metadata that only says how a document was cut or synced is shown to people.
    pub(crate) bookkeeping: bool,
    /// The byte after each id of [`super::OutputFormat::Ids`].
    pub(crate) id_terminator: u8,
}

impl Style {
    /// The width of a table when the terminal's is not known.
    pub(crate) const DEFAULT_WIDTH: usize = 100;
}

impl Default for Style {
    fn default() -> Self {
        Self { width: Self::DEFAULT_WIDTH, color: false, full: false, bookkeeping: false, id_terminator: b'\n' }
    }
}

/// What a question of a batch is called: its own id, or its position from 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum Label {
    /// The position in the batch, from 0.
    Index(usize),
    /// The id the question came with.
    Id(String),
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => write!(f, "{index}"),
            Self::Id(id) => f.write_str(id),
        }
    }
}

/// One question of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShownQuestion<'a> {
    /// What it is called.
    pub(crate) label: Label,
    /// Its text; `None` when it is an embedding.
    pub(crate) text: Option<&'a str>,
}

/// A record, with its distance or score where it is a hit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ShownRecord<'a> {
    /// The record.
    pub(crate) record: &'a Record,
    /// Its distance to the question.
    pub(crate) distance: Option<f32>,
    /// What ranks it where that is not the distance.
    pub(crate) score: Option<f32>,
}

impl<'a> From<&'a Record> for ShownRecord<'a> {
    fn from(record: &'a Record) -> Self {
        Self { record, distance: None, score: None }
    }
}

impl<'a> From<&'a Hit> for ShownRecord<'a> {
    fn from(hit: &'a Hit) -> Self {
        Self { record: &hit.record, distance: Some(hit.distance), score: hit.score }
    }
}

/// Writes records or hits in one format.
pub(crate) trait Sink {
    /// Begins the hits of the next question of a batch; columns of a batch hold [`super::Column::Query`].
    ///
    /// # Errors
    /// [`Error::Io`] when the output cannot be written.
    fn question(&mut self, question: &ShownQuestion<'_>) -> Result<()>;

    /// Marks places in documents from now on; data formats do not.
    fn highlight(&mut self, _: Highlight) {}

    /// Writes one record or hit.
    ///
    /// # Errors
    /// [`Error::Io`] when the output cannot be written.
    fn entry(&mut self, entry: ShownRecord<'_>) -> Result<()>;

    /// Writes what is left and flushes the output.
    ///
    /// # Errors
    /// [`Error::Io`] when the output cannot be written.
    fn end(self: Box<Self>) -> Result<()>;
}

/// Says of an I/O error that it was about the output.
pub(super) fn written<T>(result: io::Result<T>) -> Result<T> {
    result.map_err(|source| Error::io("write the output", source))
}
