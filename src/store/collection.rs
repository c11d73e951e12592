//! A handle to one collection, to add to it, read it and delete from it.
//!
//! Every method opens its own transaction, so a handle may be kept, cloned and used by several threads while others write.
//! Invariant: a handle holds no lock and no page of the file between two calls.

use std::sync::Arc;
use std::time::Instant;

use redb::WriteTransaction;
use roaring::RoaringTreemap;
use uuid::Uuid;

use super::apply::{Form, Rows};
use super::catalog::{self, CatalogEntry, CollectionKey};
use super::quantised_rows::purged_at_once;
use super::queue::{LARGE_BYTES, Outcome, Task, Turn, WriteRequest, bytes_of};
use super::table::{self, CollectionNumber, PairKey};
use super::write::WriteBatch;
use super::{Change, CollectionChange, Effect, Include, Mode, Store, StoredRecord, View, rows_per_segment, tenants};
use crate::error::{Error, Result};
use crate::record::{
    CollectionInfo, CollectionName, DumpRecord, Fingerprint, MetadataPatch, Ordinal, Record, RecordId,
};

/// A tail shorter than this part of a segment is left: each import adds a segment of its own otherwise.
const SETTLED_PART: u64 = 8;

/// Which records of a collection there are to whoever has a handle.
pub(crate) trait Restriction: Send + Sync {
    /// Returns those of a view that shows all.
    fn records(&self, view: &View) -> Result<RoaringTreemap>;

    /// Returns whether a record is one of them, as it is at the moment of a write.
    fn keeps(&self, record: &StoredRecord) -> bool;
}

/// Returns the error of a write that could touch records which there are none of to whoever asks.
pub(crate) fn only_a_part() -> Error {
    Error::argument("a part of a collection can be read and deleted from, and written to in no other way")
}

/// A collection of an open [`Store`].
#[derive(Clone)]
pub struct Collection {
    store: Store,
    key: CollectionKey,
    restriction: Option<Arc<dyn Restriction>>,
}

impl Collection {
    pub(super) fn new(store: Store, key: CollectionKey) -> Self {
        Self { store, key, restriction: None }
    }

    /// Returns a handle to which there are only some of the records: every read is of these alone, a delete deletes none
    /// but these, and every other write is refused.
    pub(crate) fn restricted_to(&self, restriction: Arc<dyn Restriction>) -> Self {
        Self { restriction: Some(restriction), ..self.clone() }
    }

    pub(super) fn restriction(&self) -> Option<&Arc<dyn Restriction>> {
        self.restriction.as_ref()
    }

    /// Refuses a write that could touch records which there are none of to this handle.
    pub(super) fn require_all(&self) -> Result<()> {
        if self.restriction.is_none() {
            return Ok(());
        }
        Err(only_a_part())
    }

    /// Returns its name; of a handle by identity, the one it was last seen with.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.key.name
    }

    pub(super) fn key(&self) -> &CollectionKey {
        &self.key
    }

    /// Returns the file it is in.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Takes a view for several reads of one state.
    ///
    /// # Errors
    /// [`crate::error::Error::CollectionNotFound`] when it was dropped, or a damaged file.
    pub fn view(&self) -> Result<View> {
        let view = self.store.view_of(&self.key)?;
        match &self.restriction {
            Some(restriction) => {
                let records = restriction.records(&view)?;
                Ok(view.showing(records))
            }
            None => Ok(view),
        }
    }

    /// Reads one state of the collection, and tries once more if another thread's failure had ended the handle
    /// it read through.
    pub(crate) fn read<T>(&self, work: impl Fn(View) -> Result<T>) -> Result<T> {
        match self.view().and_then(&work) {
            Err(error) if error.is_consequence() => self.view().and_then(work),
            result => result,
        }
    }

    /// Applies changes in order, all in one transaction; returns the effect of each.
    ///
    /// Small ones that several threads ask for at once share a commit; each returns once its own is durable.
    ///
    /// # Errors
    /// The first bad change, named by its id; then none is applied.
    pub fn apply(&self, changes: impl IntoIterator<Item = Change>, mode: Mode) -> Result<Vec<Effect>> {
        self.require_all()?;
        let mut changes = changes.into_iter();
        // Alone, it need not be kept for a second attempt.
        if let Some(turn) = self.store.queue().free_turn() {
            return self.write_in(turn, |batch| changes.map(|change| batch.apply(change, mode)).collect());
        }
        let (mut first, mut bytes) = (Vec::new(), 0);
        while bytes <= LARGE_BYTES {
            let Some(change) = changes.next() else {
                return self.request(Task::Apply(first, mode))?.effects();
            };
            bytes += bytes_of(&change);
            first.push(change);
        }
        self.write(|batch| first.into_iter().chain(changes).map(|change| batch.apply(change, mode)).collect())
    }

    /// Applies changes some of which are documents or parts of such; refuses them when the collection has no longer the
    /// model that embedded them.
    ///
    /// Without `keep_embeddings` a new document needs an embedding also where there is no model.
    ///
    /// Returns the effect of each, and how many parts were removed because their document has fewer now.
    pub(crate) fn apply_prepared(
        &self,
        changes: impl IntoIterator<Item = (Change, Form)>,
        mode: Mode,
        keep_embeddings: bool,
        embedded_by: Option<&Fingerprint>,
    ) -> Result<(Vec<Effect>, u64)> {
        self.require_all()?;
        self.write(|batch| {
            if !keep_embeddings {
                batch.progress().require_embeddings();
            }
            embedded_by.map_or(Ok(()), |model| batch.take_embeddings_of(model))?;
            let effects = changes.into_iter().map(|(change, form)| batch.apply_form(change, &form, mode));
            let effects = effects.collect::<Result<_>>()?;
            Ok((effects, batch.progress().removed()))
        })
    }

    /// Changes the records for which `condition` holds at the moment of the write, in one transaction; those of the others
    /// are [`Effect::Missing`].
    ///
    /// As in [`Collection::apply_prepared`], a new document needs an embedding unless `keep_embeddings`; without one,
    /// nothing is changed.
    pub(crate) fn update_if(
        &self,
        changes: impl IntoIterator<Item = Change>,
        condition: impl Fn(&StoredRecord) -> bool,
        keep_embeddings: bool,
        embedded_by: Option<&Fingerprint>,
    ) -> Result<Vec<Effect>> {
        self.require_all()?;
        self.write(|batch| {
            if !keep_embeddings {
                batch.progress().require_embeddings();
            }
            embedded_by.map_or(Ok(()), |model| batch.take_embeddings_of(model))?;
            let update = |change| match batch.update_if(change, &condition)? {
                Effect::NeedsEmbedding => Err(Error::NoModel { collection: self.key.name.clone() }),
                effect => Ok(effect),
            };
            changes.into_iter().map(update).collect()
        })
    }

    /// Adds records; ids that exist are left alone, as in Chroma.
    ///
    /// # Errors
    /// As [`Collection::apply`].
    pub fn add(&self, records: impl IntoIterator<Item = Change>) -> Result<Vec<Effect>> {
        self.apply(records, Mode::Add)
    }

    /// Puts records as they are in another place, in one transaction: what was there under their ids is replaced and not
    /// merged, and keeps its place in the order.
    ///
    /// # Errors
    /// The first bad record, named by its id, and those of every write.
    pub fn put(&self, records: impl IntoIterator<Item = DumpRecord>) -> Result<()> {
        self.require_all()?;
        self.write(|batch| records.into_iter().try_for_each(|record| batch.put(record)))
    }

    /// Deletes the records of these ids, in one transaction; returns how many there were.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = huedb::Store::open(folder.path().join("n.redb"), huedb::Access::Create)?;
    /// # store.create_collection(huedb::CollectionName::parse("notes")?, huedb::NewCollection::default())?;
    /// # let notes = store.collection("notes")?;
    /// # notes.write_rows(["fox", "dog"].map(|id| huedb::NewRecord::new(id).unwrap().with_embedding(vec![1.0, 0.0])), huedb::Mode::Add)?;
    /// use huedb::RecordId;
    ///
    /// assert_eq!(notes.delete(&[RecordId::parse("dog")?, RecordId::parse("cat")?])?, 1);
    /// # Ok::<(), huedb::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of every write.
    pub fn delete<'a>(&self, ids: impl IntoIterator<Item = &'a RecordId>) -> Result<u64> {
        self.delete_if(ids.into_iter().cloned().collect(), |_| true)
    }

    /// Deletes those of the ids' records for which `condition` holds at the moment of deletion.
    pub(crate) fn delete_if(
        &self,
        ids: Vec<RecordId>,
        condition: impl Fn(&StoredRecord) -> bool + Send + Sync + 'static,
    ) -> Result<u64> {
        self.request(Task::Delete(ids, Box::new(condition)))?.deleted()
    }

    fn request(&self, task: Task) -> Result<Outcome> {
        self.store.request(WriteRequest::new(self, task))
    }

    /// Makes the sketches that a collection otherwise gets at 50,000 rows; does nothing where they are.
    ///
    /// # Errors
    /// Those of every write.
    pub fn sketch(&self) -> Result<()> {
        self.require_all()?;
        self.write(|batch| {
            batch.sketch();
            Ok(())
        })
    }

    /// Seals the rows that fill no segment, so that a question need not rank each of them; for the end of an import.
    ///
    /// # Errors
    /// Those of every write.
    pub fn settle(&self) -> Result<()> {
        self.require_all()?;
        let view = self.view()?;
        let full = view.info().dimension.map_or(u64::MAX, |dimension| rows_per_segment(dimension) as u64);
        if view.counts().tail * SETTLED_PART < full {
            return Ok(());
        }
        drop(view);
        self.write(|batch| {
            batch.settle();
            Ok(())
        })
    }

    /// Indexes the words of all documents, existing and future, or drops that index.
    ///
    /// Words that an earlier version made differently are made again. Returns how many documents were indexed: none if it
    /// was up to date already.
    ///
    /// # Errors
    /// Those of every write.
    pub fn index_documents(&self, on: bool) -> Result<u64> {
        self.require_all()?;
        self.write(|batch| batch.index_documents(on))
    }

    /// Changes what the catalogue says of the collection, in one transaction.
    pub(super) fn change_entry<T>(
        &self,
        change: impl FnOnce(&WriteTransaction, CollectionNumber, &mut CatalogEntry) -> Result<T>,
    ) -> Result<T> {
        self.require_all()?;
        let scope = self.store.scope();
        self.store.write(|tx| {
            tenants::check_for_writing(tx, scope)?;
            let (names, mut entries) = (tx.open_table(table::COLLECTIONS)?, tx.open_table(table::COLLECTION)?);
            let (number, mut entry) = self.key.find(&names, &entries, scope)?;
            let result = change(tx, number, &mut entry)?;
            catalog::put(&mut entries, number, &entry)?;
            Ok(result)
        })
    }

    fn write<T>(&self, work: impl FnOnce(&mut WriteBatch) -> Result<T>) -> Result<T> {
        let (result, unpurged) = self.write_once(work)?;
        self.purge(&unpurged);
        Ok(result)
    }

    /// Rewrites segments without their dead rows, a few in a transaction.
    pub(super) fn purge(&self, segments: &[PairKey]) {
        for segments in segments.chunks(purged_at_once(segments.len())) {
            let purged = self.write_once(|batch| {
                batch.purge(segments);
                Ok(())
            });
            // The request itself is done; nothing reads the dead rows that are left.
            if purged.is_err() {
                break;
            }
        }
    }

    /// Runs one transaction; returns the segments that are to be purged after it too.
    fn write_once<T>(&self, work: impl FnOnce(&mut WriteBatch) -> Result<T>) -> Result<(T, Vec<PairKey>)> {
        self.store.write(|tx| self.in_batch(tx, work))
    }

    /// Does the same for a caller that has the turn already.
    fn write_in<T>(&self, turn: Turn, work: impl FnOnce(&mut WriteBatch) -> Result<T>) -> Result<T> {
        let deadline = Instant::now() + self.store.busy_timeout();
        let written = self.store.transact(deadline, |tx| self.in_batch(tx, work));
        drop(turn);
        let (result, unpurged) = written?;
        self.purge(&unpurged);
        Ok(result)
    }

    fn in_batch<T>(
        &self,
        tx: &WriteTransaction,
        work: impl FnOnce(&mut WriteBatch) -> Result<T>,
    ) -> Result<(T, Vec<PairKey>)> {
        let mut batch = WriteBatch::of(tx, self.store.scope(), &self.key)?;
        let result = work(&mut batch)?;
        let unpurged = batch.finish()?;
        Ok((result, unpurged))
    }

    /// Changes the collection's name or settings; returns its description.
    ///
    /// # Errors
    /// As [`Store::modify_collection`].
    pub fn modify(&self, change: CollectionChange) -> Result<CollectionInfo> {
        self.require_all()?;
        self.store.write(|tx| {
            let scope = self.store.scope();
            tenants::check_for_writing(tx, scope)?;
            let name = {
                let (names, entries) = (tx.open_table(table::COLLECTIONS)?, tx.open_table(table::COLLECTION)?);
                self.key.find(&names, &entries, scope)?.1.info.name
            };
            catalog::modify(tx, scope, name.as_str(), change)
        })
    }

    /// Copies the collection with all its records, in one transaction; returns the copy's description.
    ///
    /// The copy has an identity of its own, and its records are in the same order. Memory grows with the collection, as for
    /// any transaction of its size.
    ///
    /// # Errors
    /// As [`Store::create_collection`], and those of every write.
    pub fn copy(&self, name: CollectionName) -> Result<CollectionInfo> {
        self.require_all()?;
        self.store.write(|tx| {
            // Whoever has the turn reads what was last committed.
            let view = self.view()?;
            let info = CollectionInfo { id: Uuid::new_v4(), name, ..view.info().clone() };
            let key = CollectionKey::named(info.name.as_str());
            catalog::adopt(tx, self.store.scope(), info)?;
            let mut batch = WriteBatch::of(tx, self.store.scope(), &key)?;
            for ordinal in &view.live() {
                let DumpRecord { record, embedded_here } = view.dump(Ordinal(ordinal))?;
                let Record { id, embedding, document, uri, metadata } = record;
                let metadata = metadata.map(MetadataPatch::from).unwrap_or_default();
                batch.apply(Change { id, embedding, embedded_here, document, uri, metadata }, Mode::Add)?;
            }
            batch.settle();
            batch.finish()?;
            let (names, entries) = (tx.open_table(table::COLLECTIONS)?, tx.open_table(table::COLLECTION)?);
            Ok(key.find(&names, &entries, self.store.scope())?.1.info)
        })
    }

    /// Returns the number of records.
    ///
    /// # Errors
    /// As [`Collection::view`].
    pub fn count(&self) -> Result<u64> {
        self.view().map(|view| view.counts().records)
    }

    /// Returns records by id, in the order they were inserted; ids that do not exist are left out.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = huedb::Store::open(folder.path().join("n.redb"), huedb::Access::Create)?;
    /// # store.create_collection(huedb::CollectionName::parse("notes")?, huedb::NewCollection::default())?;
    /// # let notes = store.collection("notes")?;
    /// # notes.write_rows(["fox", "dog"].map(|id| huedb::NewRecord::new(id).unwrap().with_embedding(vec![1.0, 0.0])), huedb::Mode::Add)?;
    /// use huedb::{Include, RecordId};
    ///
    /// let found = notes.get(&[RecordId::parse("fox")?, RecordId::parse("cat")?], Include::ALL)?;
    /// assert_eq!((found.len(), found[0].embedding.as_deref()), (1, Some([1.0, 0.0].as_slice())));
    /// # Ok::<(), huedb::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Collection::view`].
    pub fn get(&self, ids: &[RecordId], include: Include) -> Result<Vec<Record>> {
        self.read(|view| view.ordinals(ids)?.iter().map(|ordinal| view.record(Ordinal(ordinal), include)).collect())
    }
}
