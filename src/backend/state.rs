//! A collection at one moment.
//!
//! Invariant: what is read from one state belongs together, as far as the place can say so: a file and PostgreSQL can, a
//! server answers each call as of its own moment.

use serde_json::Value as Json;

use crate::error::Result;
use crate::ingest::Existing;
use crate::query::{Answer, ChromaRequest, MetadataKeys, Query};
use crate::record::Counts;
use crate::store::{TermKind, View};

/// One state of a collection.
pub trait State: Existing + MetadataKeys + Send + Sync {
    /// Returns how many records there are.
    fn counts(&self) -> Counts;

    /// Returns a number that grows with every change.
    fn version(&self) -> u64;

    /// Returns whether it shows only a part of the collection.
    fn is_restricted(&self) -> bool;

    /// Answers one or more questions.
    ///
    /// # Errors
    /// As [`crate::store::Collection::query`].
    fn query(&self, query: &Query) -> Result<Answer>;

    /// Runs every search of a request of Chroma's Search API; returns its response, and what went wrong without changing it.
    ///
    /// # Errors
    /// As [`State::query`].
    fn respond(&self, request: &ChromaRequest) -> Result<(Json, Vec<String>)> {
        request.answered_by(|query| self.query(query))
    }

    /// Returns the metadata keys that records have, sparse vectors apart, in any order, with the kinds of values of each.
    ///
    /// # Errors
    /// Those of reading.
    fn key_kinds(&self) -> Result<Vec<(String, Vec<TermKind>)>>;

    /// Returns the view, where the place is a file.
    fn view(&self) -> Option<&View> {
        None
    }
}
