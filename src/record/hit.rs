//! A record with its distance to a question, and its score where that ranks it.

use super::Record;

/// A record found by a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The record.
    pub record: Record,
    /// Its distance to the question in the collection's [`super::Space`], smaller is nearer; or the value of a rank
    /// expression.
    pub distance: f32,
    /// What ranks it where that is not the distance, larger is better: the score of a hybrid or reranked query.
    pub score: Option<f32>,
}
