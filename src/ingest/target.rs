//! Where rows go: what an ingest must know of the records there, and what it hands over to be written.
//!
//! Invariant: what is handed over together is written together or not at all.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::record::{CollectionInfo, Fingerprint, Ordinal, Record, RecordId, Value};
use crate::store::{Change, Collection, Effect, Form, Include, Mode, Term, View};

/// One state of a collection, as far as new rows depend on it.
pub trait Existing {
    /// Returns what the collection is.
    fn info(&self) -> &CollectionInfo;

    /// Returns whether a record has this id.
    ///
    /// # Errors
    /// Those of reading.
    fn exists(&self, id: &RecordId) -> Result<bool> {
        Ok(self.stored(id)?.is_some())
    }

    /// Reads the record of an id, but for its embedding.
    ///
    /// # Errors
    /// Those of reading.
    fn stored(&self, id: &RecordId) -> Result<Option<Record>>;

    /// Returns the ids of the records whose metadata has this text under this key, in the order they were inserted.
    ///
    /// # Errors
    /// Those of reading.
    fn having(&self, key: &str, text: &str) -> Result<Vec<RecordId>>;

    /// Says which ids will be asked for, so that what is far away is fetched at once.
    ///
    /// # Errors
    /// Those of reading.
    fn look_up(&self, _ids: &mut dyn Iterator<Item = RecordId>) -> Result<()> {
        Ok(())
    }
}

/// Changes that are written together.
#[derive(Debug, Serialize, Deserialize)]
pub struct RowBatch {
    /// The changes, each with how it relates to its document; the parts of a document in their order.
    pub changes: Vec<(Change, Form)>,
    /// What happens to ids that exist, and to ids that do not.
    pub mode: Mode,
    /// Whether a new document may come without an embedding where there is no model.
    pub keep_embeddings: bool,
    /// The model that made embeddings of it; refused where the collection has another by now.
    pub embedded_by: Option<Fingerprint>,
}

/// What became of a [`RowBatch`].
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct BatchOutcome {
    /// The effect of each change, in their order.
    pub effects: Vec<Effect>,
    /// How many parts were removed because their document has fewer now.
    pub removed: u64,
}

/// A collection that rows are stored in.
pub trait Target: Send + Sync {
    /// Takes one state of it.
    ///
    /// # Errors
    /// [`crate::error::Error::CollectionNotFound`], and those of reading.
    fn existing(&self) -> Result<Box<dyn Existing + '_>>;

    /// Writes changes, all or none.
    ///
    /// # Errors
    /// The first bad change, named by its id, and those of every write.
    fn write_batch(&self, batch: RowBatch) -> Result<BatchOutcome>;
}

impl Existing for View {
    fn info(&self) -> &CollectionInfo {
        self.info()
    }

    fn exists(&self, id: &RecordId) -> Result<bool> {
        Ok(self.ordinal(id)?.is_some())
    }

    fn stored(&self, id: &RecordId) -> Result<Option<Record>> {
        self.ordinal(id)?.map(|ordinal| self.record(ordinal, Include::TEXT)).transpose()
    }

    fn having(&self, key: &str, text: &str) -> Result<Vec<RecordId>> {
        let mut ids = Vec::new();
        for ordinal in &self.holding(key, &Term::text(text))? {
            let record = self.record(Ordinal(ordinal), Include { metadatas: true, ..Include::NONE })?;
            // A long text is found by its hash.
            let value = record.metadata.as_ref().and_then(|metadata| metadata.get(key));
            if matches!(value, Some(Value::Str(value)) if value == text) {
                ids.push(record.id);
            }
        }
        Ok(ids)
    }
}

impl Target for Collection {
    fn existing(&self) -> Result<Box<dyn Existing + '_>> {
        Ok(Box::new(self.view()?))
    }

    fn write_batch(&self, batch: RowBatch) -> Result<BatchOutcome> {
        let RowBatch { changes, mode, keep_embeddings, embedded_by } = batch;
        let (effects, removed) = self.apply_prepared(changes, mode, keep_embeddings, embedded_by.as_ref())?;
        Ok(BatchOutcome { effects, removed })
    }
}
