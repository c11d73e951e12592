//! A record as it is read back.

use super::{Metadata, RecordId};

/// A record as read from a collection; parts that were not asked for are `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its id.
    pub id: RecordId,
    /// Its embedding, as given (never normalised).
    pub embedding: Option<Vec<f32>>,
    /// Its text.
    pub document: Option<String>,
    /// Where its content lives.
    pub uri: Option<String>,
    /// Its metadata; `None` when it has none.
    pub metadata: Option<Metadata>,
}
