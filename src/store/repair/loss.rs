//! What a repair kept, and what it could not.

use crate::record::Scope;

/// How certain a record is, in the new file or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// It cannot be read and is not in the new file.
    Lost,
    /// It was read from a damaged page: it is in the new file, but may differ from what it was.
    Doubtful,
}

/// A record, or something else, that could not be read for certain.
#[derive(Debug, Clone, PartialEq)]
pub struct Loss {
    /// The collection it is of.
    pub collection: String,
    /// The record's id, where it is known.
    pub id: Option<String>,
    /// What cannot be read, or is doubtful.
    pub what: String,
    /// Whether it is in the new file.
    pub certainty: Certainty,
    /// The text of a record that is not, where it can be read.
    pub document: Option<String>,
}

/// A collection in the new file.
#[derive(Debug, Clone, PartialEq)]
pub struct RepairedCollection {
    /// The database it is in.
    pub scope: Scope,
    /// Its name.
    pub name: String,
    /// Records in the new file.
    pub records: u64,
    /// Whether it had a graph, which the new file does not have.
    pub had_graph: bool,
}
