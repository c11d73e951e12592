//! A write that waits to be done, with others where the place can do several in one commit.
//!
//! Invariant: each has an outcome of its own, and one that is refused undoes none of the others.

use std::sync::Arc;

use super::records::Records;
use crate::error::Result;
use crate::query::RecordQuery;
use crate::store::{Change, Mode, Outcome};

/// A write to a collection.
pub struct Write {
    /// The collection.
    pub records: Arc<dyn Records>,
    /// What is written.
    pub task: WriteTask,
}

/// What is written.
#[derive(Debug)]
pub enum WriteTask {
    /// Changes, in order.
    Apply(Vec<Change>, Mode),
    /// The records of a query are deleted.
    Delete(RecordQuery),
}

impl Write {
    /// Does it by itself.
    ///
    /// # Errors
    /// As [`Records::apply`] and [`Records::delete_where`].
    pub fn run(self) -> Result<Outcome> {
        match self.task {
            WriteTask::Apply(changes, mode) => self.records.apply(changes, mode).map(Outcome::Effects),
            WriteTask::Delete(query) => self.records.delete_where(&query).map(Outcome::Deleted),
        }
    }
}
