//! A row on its way in: what an input holds before it is embedded and stored.

use std::fmt;
use std::sync::Arc;

use super::{Chunk, MetadataPatch, RecordId};

/// Where a row was read, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The file, or `-` for standard input, or the name of a flag.
    pub source: Arc<str>,
    /// The line the row begins on, from 1; 0 where lines mean nothing (a text file is one row).
    pub line: u64,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 { f.write_str(&self.source) } else { write!(f, "{}:{}", self.source, self.line) }
    }
}

/// One record to add, update or upsert; a part that is `None` is not given.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRecord {
    /// Its id.
    pub id: RecordId,
    /// Its embedding; `None` means: embed the document.
    pub embedding: Option<Vec<f32>>,
    /// Whether the embedding was made from the document by the collection's model, as a dump may say.
    pub embedded_here: bool,
    /// Its text.
    pub document: Option<String>,
    /// Where its content lives.
    pub uri: Option<String>,
    /// Its metadata; a null value deletes the key on update and upsert.
    pub metadata: MetadataPatch,
    /// Which part of a document it is, when it is one.
    pub part: Option<Chunk>,
    /// Where it was read.
    pub origin: Origin,
}
