//! Storing batches that are prepared, each in one transaction.
//!
//! Invariant: after an error every batch before it is stored whole.

use super::prepare::{IngestSettings, PreparedBatch, Preparer};
use super::prepared_row::{PreparedRow, bad_row};
use super::tally::Tally;
use super::target::{BatchOutcome, RowBatch, Target};
use crate::error::{Error, Result};
use crate::record::NewRecord;
use crate::store::Effect;

/// What came of one batch.
#[derive(Debug, Default)]
pub struct StoredBatch {
    /// The counts of this batch alone.
    pub tally: Tally,
    /// Why rows were left out.
    pub refused: Vec<Error>,
}

/// Stores rows in a collection, batch by batch.
pub struct Ingest<'a> {
    pub(super) collection: &'a dyn Target,
    pub(super) preparer: Preparer<'a>,
    pub(super) tally: Tally,
}

impl<'a> Ingest<'a> {
    /// Begins to store what `preparer` prepares.
    #[must_use]
    pub fn new(collection: &'a dyn Target, preparer: Preparer<'a>) -> Self {
        Self { collection, preparer, tally: Tally::default() }
    }

    /// Returns what came of the rows so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Stores one batch in one transaction.
    ///
    /// # Errors
    /// With [`super::OnError::Stop`] the first bad row; nothing of the batch is stored then. Otherwise what the model or the
    /// file refuses.
    pub fn store(&mut self, prepared: PreparedBatch) -> Result<StoredBatch> {
        let mut batch = StoredBatch { tally: prepared.tally(), refused: Vec::new() };
        let written = write(self.collection, prepared, self.preparer.way())?;
        self.preparer.forget_oldest();
        batch.tally += written.tally;
        batch.refused = written.refused;
        self.tally += batch.tally;
        // Texts that another process made new between reading and writing.
        if !written.again.is_empty() {
            let again =
                self.preparer.prepare(self.collection.existing()?.as_ref(), written.again.into_iter().map(Ok))?;
            let embedded = again.tally();
            let written = write(self.collection, again, self.preparer.way())?;
            self.preparer.forget_oldest();
            let mut more = embedded;
            more += written.tally;
            self.tally += more;
            batch.refused.extend(written.refused);
            for row in written.again {
                let error = bad_row(&row, "other processes keep changing its text");
                batch.refused.extend(self.preparer.refuse(error, &mut more)?);
            }
            batch.tally += more;
        }
        Ok(batch)
    }
}

/// What one transaction did.
#[derive(Default)]
pub(super) struct Written {
    pub(super) tally: Tally,
    pub(super) refused: Vec<Error>,
    /// Rows whose text is new after all and has no embedding yet.
    pub(super) again: Vec<NewRecord>,
}

pub(super) fn write(collection: &dyn Target, prepared: PreparedBatch, way: IngestSettings) -> Result<Written> {
    let mut written = Written { refused: prepared.refused, ..Written::default() };
    if prepared.rows.is_empty() {
        return Ok(written);
    }
    let sparse_key = prepared.sparse_key;
    let is_bare =
        |row: &NewRecord| row.embedding.is_none() || sparse_key.as_ref().is_some_and(|key| !row.metadata.contains(key));
    let bare: Vec<Option<NewRecord>> =
        prepared.rows.iter().map(|PreparedRow { row, .. }| is_bare(row).then(|| row.clone())).collect();
    let changes = prepared.rows.into_iter().map(PreparedRow::into_change).collect();
    let IngestSettings { mode, keep_embeddings } = way;
    let batch = RowBatch { changes, mode, keep_embeddings, embedded_by: prepared.embedded_by };
    let BatchOutcome { effects, removed } = collection.write_batch(batch)?;
    written.tally.removed = removed;
    for (effect, row) in effects.into_iter().zip(bare) {
        written.tally.count(effect);
        written.again.extend(row.filter(|_| effect == Effect::NeedsEmbedding));
    }
    Ok(written)
}
