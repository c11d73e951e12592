//! A record with its distance to a question.

use super::Record;

/// A record found by a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The record.
    pub record: Record,
    /// Its distance to the question in the collection's [`super::Space`]; smaller is nearer.
    pub distance: f32,
}
