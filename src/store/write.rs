//! Changes to records: one call, one transaction.
//!
//! The record, id, embedding, quantised row and postings of every change are written together, so a record is never
//! half searchable. What becomes of a change is decided by [`Rows`]. Invariant: an error leaves the file as it was.

use redb::{ReadableTable, Table, WriteTransaction};
use roaring::RoaringTreemap;

use super::apply::{Progress, Rows};
use super::catalog::{self, CatalogEntry, CollectionKey};
use super::clusters;
use super::codec::{set_from_bytes, set_to_bytes};
use super::quantised_rows::{HeldEmbeddings, QuantisedRows};
use super::record::StoredRecord;
use super::record_table::RecordTable;
use super::table::{self, CollectionNumber, PairKey};
use super::{posting, tenants, terms, vector};
use crate::bm25::Words;
use crate::error::Result;
use crate::record::{Chunk, CollectionInfo, Ordinal, RecordId, Scope};

/// Documents whose words are gathered before they are written: some 50 MB.
const DOCUMENTS_AT_ONCE: u64 = 10_000;

/// One transaction's work on one collection.
pub(crate) struct WriteBatch<'tx> {
    tx: &'tx WriteTransaction,
    number: CollectionNumber,
    /// The number embeddings and their rows are stored under.
    rows_number: CollectionNumber,
    entry: CatalogEntry,
    ids: Table<'tx, &'static [u8], &'static [u8; 8]>,
    records: RecordTable<'tx>,
    vectors: Table<'tx, &'static PairKey, &'static [u8]>,
    vector_changes: Option<vector::VectorChanges>,
    posting_changes: posting::PostingChanges,
    term_changes: terms::TermChanges,
    /// Rows whose embedding was replaced.
    replaced: RoaringTreemap,
    died: RoaringTreemap,
    /// Segments that a transaction before left to be purged.
    to_purge: Vec<PairKey>,
    /// Rows with a new document.
    reworded: RoaringTreemap,
    progress: Progress,
    sketches: bool,
    settles: bool,
}

impl<'tx> WriteBatch<'tx> {
    /// Begins with a collection of a scope.
    pub(crate) fn of(tx: &'tx WriteTransaction, scope: &Scope, key: &CollectionKey) -> Result<Self> {
        tenants::check_for_writing(tx, scope)?;
        let number = {
            let (names, entries) = (tx.open_table(table::COLLECTIONS)?, tx.open_table(table::COLLECTION)?);
            key.find(&names, &entries, scope)?.0
        };
        Self::begin(tx, number, &key.name)
    }

    pub(crate) fn begin(tx: &'tx WriteTransaction, number: CollectionNumber, name: &str) -> Result<Self> {
        let entry = catalog::entry(&tx.open_table(table::COLLECTION)?, number, name)?;
        let rows_number = entry.rows_number(number);
        Ok(Self {
            tx,
            number,
            rows_number,
            ids: tx.open_table(table::IDS)?,
            records: RecordTable::open(tx, number, entry.dictionary)?,
            vectors: tx.open_table(table::VECTORS)?,
            vector_changes: entry.row_form().map(|form| vector::VectorChanges::new(rows_number, form)),
            posting_changes: posting::PostingChanges::new(number),
            term_changes: terms::TermChanges::new(number, entry.words_indexed()),
            entry,
            replaced: RoaringTreemap::new(),
            died: RoaringTreemap::new(),
            to_purge: Vec::new(),
            reworded: RoaringTreemap::new(),
            progress: Progress::default(),
            sketches: false,
            settles: false,
        })
    }

    /// Seals rows that fill no segment as well.
    pub(crate) fn settle(&mut self) {
        self.settles = true;
    }

    /// Removes the dead rows of segments that an earlier [`WriteBatch::finish`] returned.
    pub(crate) fn purge(&mut self, segments: &[PairKey]) {
        self.to_purge.extend_from_slice(segments);
    }

    /// Makes sketches, whatever the size of the collection.
    pub(crate) fn sketch(&mut self) {
        self.sketches = true;
    }

    /// Indexes the words of all documents from now on, or stops; returns how many there are.
    pub(crate) fn index_documents(&mut self, on: bool) -> Result<u64> {
        let mut table = self.tx.open_table(table::TERMS)?;
        let wanted = on.then(Words::default);
        if self.entry.words_indexed() == wanted {
            return Ok(0);
        }
        // Words that an earlier version made are made again.
        if self.entry.info.bm25 {
            let (from, to) = terms::document_keys(self.number);
            table.retain_in(from.as_slice()..to.as_slice(), |_, _| false)?;
        }
        self.entry.index_words(on);
        if !on {
            return Ok(0);
        }
        let (mut documents, mut changes) = (0, terms::TermChanges::new(self.number, wanted));
        self.records.for_each(|ordinal, record| {
            let Some(document) = record.document else { return Ok(()) };
            changes.add_document(ordinal, &document);
            documents += 1;
            if documents % DOCUMENTS_AT_ONCE == 0 {
                std::mem::replace(&mut changes, terms::TermChanges::new(self.number, wanted)).write(&mut table)?;
            }
            Ok(())
        })?;
        changes.write(&mut table)?;
        Ok(documents)
    }

    /// Writes what was gathered; the transaction is still to be committed.
    ///
    /// Returns the segments that later transactions should [`WriteBatch::purge`]: rewriting so many in this one would
    /// lengthen the file by all of them.
    pub(crate) fn finish(mut self) -> Result<Vec<PairKey>> {
        let mut unpurged = Vec::new();
        let mut sets = self.tx.open_table(table::DEAD)?;
        let mut dead = read_set(&sets, self.number, "the set of deleted rows")?;
        if !self.died.is_empty() {
            dead |= &self.died;
            sets.insert(&self.number.key(), set_to_bytes(&dead).as_slice())?;
        }
        drop(sets);
        self.mark_stale()?;
        self.entry.dictionary = self.records.finish()?;
        clusters::note_moved(self.tx, &self.entry, &self.replaced)?;
        if let Some(next) = &mut self.entry.next {
            let kept = (self.entry.info.space, self.entry.info.precision);
            next.follow(self.tx, kept, &mut self.vectors, (&self.died, &dead), self.reworded)?;
        }
        if let Some(changes) = self.vector_changes.take() {
            let end = self.entry.next_ordinal;
            changes.write(&mut self.vectors, |ordinal| ordinal.0 < end && dead.contains(ordinal.0))?;
        }
        if let Some(form) = self.entry.row_form() {
            let held = HeldEmbeddings { vectors: &self.vectors, form, end: self.entry.next_ordinal, dead: &dead };
            let mut rows = QuantisedRows::open(self.tx, self.rows_number, self.entry.info.space)?;
            let sealed = &mut self.entry.sealed;
            if sealed.bounded {
                unpurged = rows.remove(sealed, &self.died, &dead)?;
                rows.purge(sealed, &self.to_purge, &dead)?;
                rows.replace(sealed, &held, &self.replaced)?;
            }
            rows.upgrade(sealed, &held)?;
            rows.seal(sealed, &held)?;
            if self.settles {
                rows.settle(sealed, &held)?;
            }
            if self.sketches {
                rows.sketch_all(sealed)?;
            }
        }
        self.posting_changes.write(&mut self.tx.open_table(table::POSTINGS)?)?;
        if !self.term_changes.is_empty() {
            self.term_changes.write(&mut self.tx.open_table(table::TERMS)?)?;
        }
        catalog::put(&mut self.tx.open_table(table::COLLECTION)?, self.number, &self.entry)?;
        Ok(unpurged)
    }

    /// Remembers which rows of the graph no longer say what the records say.
    fn mark_stale(&mut self) -> Result<()> {
        let Some(graph) = self.entry.graph else { return Ok(()) };
        let mut changed = self.replaced.clone();
        changed.remove_range(graph.covers_until..);
        if changed.is_empty() {
            return Ok(());
        }
        let mut sets = self.tx.open_table(table::STALE)?;
        let stale = read_set(&sets, self.number, "the set of changed rows")? | changed;
        sets.insert(&self.number.key(), set_to_bytes(&stale).as_slice())?;
        Ok(())
    }
}

impl Rows for WriteBatch<'_> {
    fn info(&self) -> &CollectionInfo {
        &self.entry.info
    }

    fn info_mut(&mut self) -> &mut CollectionInfo {
        &mut self.entry.info
    }

    fn progress(&mut self) -> &mut Progress {
        &mut self.progress
    }

    fn fix_dimension(&mut self, dimension: usize) {
        self.entry.info.dimension = Some(dimension);
        self.vector_changes = self.entry.row_form().map(|form| vector::VectorChanges::new(self.rows_number, form));
    }

    fn ordinal(&self, id: &RecordId) -> Result<Option<Ordinal>> {
        let found = self.ids.get(self.number.id_key(id.as_str()).as_slice())?;
        Ok(found.map(|ordinal| Ordinal(u64::from_le_bytes(*ordinal.value()))))
    }

    fn stored(&self, ordinal: Ordinal) -> Result<StoredRecord> {
        self.records.get(ordinal)
    }

    fn holds(&self, ordinal: Ordinal, embedding: &[f32]) -> Result<bool> {
        match self.vector_changes.as_ref().and_then(|changes| changes.latest(ordinal)) {
            Some(latest) => Ok(vector::is_same(latest.iter().copied(), embedding)),
            None => vector::equals(&self.vectors, self.rows_number, self.entry.info.precision, ordinal, embedding),
        }
    }

    fn knows_parts(&self) -> Result<bool> {
        posting::has_key(&self.tx.open_table(table::POSTINGS)?, self.number, Chunk::OF)
    }

    fn parts(&self, of: &RecordId) -> Result<Vec<u64>> {
        let first = self.number.id_key(&format!("{of}#"));
        let mut found = Vec::new();
        for row in self.ids.range(first.as_slice()..)? {
            let (key, _) = row?;
            let Some(rest) = key.value().strip_prefix(first.as_slice()) else { break };
            let id = std::str::from_utf8(rest).ok().map(|rest| format!("{of}#{rest}"));
            found.extend(id.as_deref().and_then(|id| Chunk::number_in(id, of)));
        }
        Ok(found)
    }

    fn add_row(&mut self, record: StoredRecord, embedding: Vec<f32>) -> Result<()> {
        let ordinal = Ordinal(self.entry.next_ordinal);
        self.entry.next_ordinal += 1;
        self.entry.records += 1;
        self.ids.insert(self.number.id_key(record.id.as_str()).as_slice(), &ordinal.0.to_le_bytes())?;
        self.posting_changes.add(ordinal, &record.metadata);
        self.term_changes.add(ordinal, &record);
        self.records.put(ordinal, &record)?;
        self.entry.sealed.tail_rows += 1;
        if let Some(vectors) = &mut self.vector_changes {
            vectors.put(ordinal, embedding);
        }
        Ok(())
    }

    fn replace_row(
        &mut self,
        ordinal: Ordinal,
        old: &StoredRecord,
        new: StoredRecord,
        embedding: Option<Vec<f32>>,
    ) -> Result<()> {
        if new.document != old.document && new.document.is_some() {
            self.reworded.insert(ordinal.0);
        }
        if new.metadata != old.metadata {
            self.posting_changes.remove(ordinal, &old.metadata);
            self.posting_changes.add(ordinal, &new.metadata);
        }
        self.term_changes.replace(ordinal, old, &new);
        self.records.put(ordinal, &new)?;
        if let (Some(embedding), Some(vectors)) = (embedding, &mut self.vector_changes) {
            self.entry.replaced += 1;
            self.replaced.insert(ordinal.0);
            vectors.put(ordinal, embedding);
        }
        Ok(())
    }

    fn remove_row(&mut self, ordinal: Ordinal, stored: &StoredRecord) -> Result<()> {
        self.ids.remove(self.number.id_key(stored.id.as_str()).as_slice())?;
        self.records.remove(ordinal)?;
        self.posting_changes.remove(ordinal, &stored.metadata);
        self.term_changes.remove(ordinal, stored);
        if let Some(vectors) = &mut self.vector_changes {
            vectors.delete(ordinal);
        }
        self.entry.records -= 1;
        self.replaced.remove(ordinal.0);
        self.died.insert(ordinal.0);
        Ok(())
    }
}

/// Reads a collection's set from the `dead` or the `stale` table.
pub(crate) fn read_set(
    sets: &impl ReadableTable<&'static [u8; 4], &'static [u8]>,
    number: CollectionNumber,
    what: &str,
) -> Result<RoaringTreemap> {
    match sets.get(&number.key())? {
        Some(bytes) => set_from_bytes(bytes.value(), what),
        None => Ok(RoaringTreemap::new()),
    }
}
