//! What there is to whoever asks, and how much of it one answer holds.

use std::sync::Arc;

use crate::backend::Records;
use crate::embed::LoadOptions;
use crate::error::Error;

/// What a tool is about to do with a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Read its settings or its records.
    Read,
    /// Add records.
    Add,
    /// Change records.
    Update,
    /// Delete records.
    Delete,
}

/// Which tools are offered beside those that read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Offer {
    /// Those that add, change and delete.
    pub writes: bool,
    /// The one that reads a folder of this machine.
    pub syncs: bool,
}

/// How much one answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerLimits {
    /// Records, collections or keys at the most.
    pub records: usize,
    /// Bytes of their JSON at the most, from 1,024 on.
    pub bytes: usize,
}

impl Default for AnswerLimits {
    /// 100 records, 64 KiB: some 16,000 tokens of English, what clients take without a word.
    fn default() -> Self {
        Self { records: 100, bytes: 64 << 10 }
    }
}

/// Why a tool did not do it, as a model reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(pub String);

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self(error.with_hint())
    }
}

/// The collections that there are to whoever asks.
pub trait Catalogue: Send + Sync {
    /// Returns their names, in order.
    ///
    /// # Errors
    /// Those of the place.
    fn names(&self) -> Result<Vec<String>, Refusal>;

    /// Returns a collection for what is about to be done with it.
    ///
    /// # Errors
    /// That there is none, or that whoever asks may not do this.
    fn collection(&self, name: &str, need: Need) -> Result<Arc<dyn Records>, Refusal>;

    /// Returns how the models of collections are found.
    fn models(&self) -> &LoadOptions;

    /// Returns which tools there are beside those that read.
    fn offer(&self) -> Offer;

    /// Returns how much one answer holds.
    fn limits(&self) -> AnswerLimits {
        AnswerLimits::default()
    }

    /// Returns the threads that a search may take; 0 for one on each core.
    fn threads(&self) -> usize {
        0
    }

    /// Words an error.
    fn refusal(&self, error: Error) -> Refusal {
        error.into()
    }

    /// Brings a collection up to date with a folder, and returns what is to be said of it.
    ///
    /// # Errors
    /// That this is not offered, or what went wrong.
    fn sync(&self, _folder: &super::SyncInput) -> Result<String, Refusal> {
        Err(Refusal("folders are not read here".into()))
    }
}
