//! Rows in, records stored: embeds what needs it, a batch at a time, and holds no lock while it does.
//!
//! A batch is prepared (checked and embedded, by reading only) and then stored (one transaction). The store decides
//! again what is new, since another process may have written meanwhile. Invariant: after an error or a kill, every
//! batch before it is stored whole, and running the same rows again stores the rest and doubles nothing.

mod each;
mod mirror;
mod pipeline;
mod prepare;
mod prepared_row;
mod reembed;
mod rules;
mod sync_diff;
mod write_rows;

pub(crate) use each::embed_each;
pub use mirror::{Mirror, Standing, Stray};
pub use pipeline::ParsedBatch;
pub use prepare::{PreparedBatch, Preparer};
use prepared_row::PreparedRow;
pub use reembed::{reembed, reembed_leaving_out};
pub use rules::Rules;
pub use sync_diff::{ChangedDocument, DocumentChange, SyncDiff};

use crate::error::{Error, Result};
use crate::record::NewRecord;
use crate::store::{Collection, Effect, Mode};

/// What happens at a row that is bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnError {
    /// The import stops; earlier batches stay.
    #[default]
    Stop,
    /// The row is left out and counted.
    Skip,
}

/// How many rows came to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// New records.
    pub added: u64,
    /// Records changed.
    pub updated: u64,
    /// Records that already said what the row says.
    pub unchanged: u64,
    /// Rows whose id exists (add) or does not (update).
    pub skipped: u64,
    /// Records removed: chunks that their document no longer has, and those that a document had in its other form.
    pub removed: u64,
    /// Bad rows left out.
    pub failed: u64,
    /// Texts that were embedded.
    pub embedded: u64,
    /// Those of them that are longer than the model reads.
    pub cut: u64,
}

impl Tally {
    /// Returns the rows seen.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.added + self.updated + self.unchanged + self.skipped + self.failed
    }

    fn count(&mut self, effect: Effect) {
        match effect {
            Effect::Added => self.added += 1,
            Effect::Updated => self.updated += 1,
            Effect::Unchanged => self.unchanged += 1,
            Effect::Exists | Effect::Missing => self.skipped += 1,
            Effect::NeedsEmbedding => {}
        }
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.added += other.added;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.skipped += other.skipped;
        self.removed += other.removed;
        self.failed += other.failed;
        self.embedded += other.embedded;
        self.cut += other.cut;
    }
}

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
    collection: &'a Collection,
    preparer: Preparer<'a>,
    tally: Tally,
}

impl<'a> Ingest<'a> {
    /// Begins to store what `preparer` prepares.
    #[must_use]
    pub fn new(collection: &'a Collection, preparer: Preparer<'a>) -> Self {
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
    /// With [`OnError::Stop`] the first bad row; nothing of the batch is stored then. Otherwise what the model or the
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
            let again = self.preparer.prepare(&self.collection.view()?, written.again.into_iter().map(Ok))?;
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
struct Written {
    tally: Tally,
    refused: Vec<Error>,
    /// Rows whose text is new after all and has no embedding yet.
    again: Vec<NewRecord>,
}

/// How batches are written.
#[derive(Debug, Clone, Copy)]
struct IngestSettings {
    mode: Mode,
    keep_embeddings: bool,
}

fn write(collection: &Collection, prepared: PreparedBatch, way: IngestSettings) -> Result<Written> {
    let mut written = Written { refused: prepared.refused, ..Written::default() };
    if prepared.rows.is_empty() {
        return Ok(written);
    }
    let bare: Vec<Option<NewRecord>> =
        prepared.rows.iter().map(|PreparedRow { row, .. }| row.embedding.is_none().then(|| row.clone())).collect();
    let changes = prepared.rows.into_iter().map(PreparedRow::into_change);
    let IngestSettings { mode, keep_embeddings } = way;
    let by = prepared.embedded_by.as_ref();
    let (effects, removed) = collection.apply_prepared(changes, mode, keep_embeddings, by)?;
    written.tally.removed = removed;
    for (effect, row) in effects.into_iter().zip(bare) {
        written.tally.count(effect);
        written.again.extend(row.filter(|_| effect == Effect::NeedsEmbedding));
    }
    Ok(written)
}

fn bad_row(row: &NewRecord, why: &str) -> Error {
    Error::BadRow {
        source: row.origin.source.to_string(),
        line: row.origin.line,
        why: format!("record {:?}: {why}", row.id.as_str()),
    }
}
