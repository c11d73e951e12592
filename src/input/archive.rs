//! Whole collections on their way in, each with what it is and with its records in order.
//!
//! Does not store anything. Invariant: an archive is read once, from its first line to its last, and no more of it is in
//! memory than a batch of records and what finds the next one.

use std::sync::{Arc, Mutex, PoisonError};

use super::batches::BatchLimits;
use super::progress::ReadProgress;
use crate::error::{Error, Remark, Result};
use crate::record::{DumpLine, NewRecord};

/// A source of tenants, databases and collections.
pub trait Archive: Send {
    /// Returns the next line that is no record; `None` after the last. The records before it must have been read.
    ///
    /// # Errors
    /// What the source refuses, such as [`Error::BadInput`].
    fn next_line(&mut self) -> Result<Option<DumpLine>>;

    /// Returns the next record of the collection; `None` after its last.
    ///
    /// # Errors
    /// [`Error::BadRow`] for a record that cannot be read while those after it can; else what the source refuses.
    fn next_record(&mut self) -> Result<Option<NewRecord>>;

    /// Returns how much there is.
    fn size(&self) -> ArchiveSize;

    /// Returns what a user should know and was not told yet, such as what was left out.
    fn take_notices(&mut self) -> Vec<Remark> {
        Vec::new()
    }
}

/// How much an archive holds.
#[derive(Debug, Clone)]
pub enum ArchiveSize {
    /// Bytes, counted as they are read; another thread may watch.
    Bytes(Arc<ReadProgress>),
    /// About so many records.
    Records(u64),
}

/// The records of the collection an archive has come to, in batches.
///
/// Shares the archive, because it is read on another thread than the one that waits for the next line. An error is the
/// last item, unless bad records are to be passed over.
pub struct ArchiveBatches {
    archive: Arc<Mutex<dyn Archive>>,
    limits: BatchLimits,
    go_on: bool,
    failed: bool,
}

impl ArchiveBatches {
    /// Reads the records from where the archive is; with `go_on` also those after a bad one.
    #[must_use]
    pub fn new(archive: Arc<Mutex<dyn Archive>>, limits: BatchLimits, go_on: bool) -> Self {
        Self { archive, limits, go_on, failed: false }
    }
}

impl Iterator for ArchiveBatches {
    type Item = Vec<Result<NewRecord>>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut archive = self.archive.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while !self.failed && batch.len() < self.limits.rows && bytes < self.limits.bytes {
            let Some(row) = archive.next_record().transpose() else { break };
            match &row {
                Ok(row) => {
                    bytes += row.document.as_ref().map_or(0, String::len);
                    bytes += row.embedding.as_ref().map_or(0, |embedding| 4 * embedding.len());
                }
                Err(Error::BadRow { .. }) if self.go_on => {}
                Err(_) => self.failed = true,
            }
            batch.push(row);
        }
        (!batch.is_empty()).then_some(batch)
    }
}
