//! Changes to records: one call, one transaction.
//!
//! The record, id, embedding, quantised row and postings of every change are written together, so a record is never
//! half searchable. Merge rules are Chroma's: add ignores ids that exist, update ignores ids that do not, and
//! metadata is merged key by key. Invariant: an error leaves the file as it was.

use redb::{ReadableTable, Table, WriteTransaction};
use roaring::RoaringTreemap;
use serde::{Deserialize, Serialize};

use super::catalog::{self, CatalogEntry, CollectionKey};
use super::codec::{set_from_bytes, set_to_bytes};
use super::model::check_document_model;
use super::quantise::check_embedding;
use super::quantised_rows::{HeldEmbeddings, QuantisedRows};
use super::record::{StoredRecord, decode, encode_checked};
use super::table::{self, CollectionNumber, PairKey, pair_ordinal};
use super::{limit, posting, tenants, terms, vector};
use crate::bm25::Words;
use crate::error::{Error, Result};
use crate::record::{
    Chunk, CollectionInfo, DumpRecord, Fingerprint, MetadataPatch, Ordinal, Record, RecordId, Scope, embedding_text,
};

/// What happens to ids that exist, and to ids that do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// New ids are added, existing ones left alone.
    #[default]
    Add,
    /// Existing ids are changed, new ones left out.
    Update,
    /// Existing ids are changed, new ones added.
    Upsert,
}

named!(pub Mode { Add: "add", Upsert: "upsert", Update: "update" });

/// A record to add, or the change to one; a part that is `None` stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Which record.
    pub id: RecordId,
    /// Its embedding; serialised as base64 of little-endian f32.
    #[serde(default, with = "embedding_text")]
    pub embedding: Option<Vec<f32>>,
    /// Whether the collection's model made the embedding from the document.
    pub embedded_here: bool,
    /// Its text.
    pub document: Option<String>,
    /// The URI of the original.
    pub uri: Option<String>,
    /// Its metadata, or the change to it.
    pub metadata: MetadataPatch,
}

impl Change {
    fn check_sizes(&self) -> Result<()> {
        limit::check_id(&self.id)?;
        limit::check_texts(&self.id, self.document.as_deref(), self.uri.as_deref())
    }
}

/// The effect of a [`Change`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The record is new.
    Added,
    /// The record was changed.
    Updated,
    /// The record already said all this.
    Unchanged,
    /// Left alone: the id exists ([`Mode::Add`]).
    Exists,
    /// Left out: the id does not exist ([`Mode::Update`]).
    Missing,
    /// Not done: the text is new and came without an embedding, or without the sparse vector that the collection's sparse
    /// model makes of it.
    NeedsEmbedding,
}

/// How a change relates to its document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// A record by itself.
    Record,
    /// A whole document, which takes the place of the parts it was stored in.
    Whole,
    /// A part of a document, all of whose parts come in order and in one transaction.
    Part {
        /// Which part.
        part: Chunk,
        /// Whether the parts take the place of the record of the whole document.
        replaces_whole: bool,
    },
}

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
    records: Table<'tx, &'static PairKey, &'static [u8]>,
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
    /// The document whose parts are arriving, and whether they are written.
    cut: Option<(RecordId, bool)>,
    /// Parts removed because their document has fewer now.
    removed: u64,
    sketches: bool,
    settles: bool,
    /// Whether a new document may come without an embedding where there is no model.
    keeps_embeddings: bool,
    /// Whether any record is a part, once that has been looked up.
    has_parts: Option<bool>,
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
            records: tx.open_table(table::RECORDS)?,
            vectors: tx.open_table(table::VECTORS)?,
            vector_changes: entry.row_form().map(|form| vector::VectorChanges::new(rows_number, form)),
            posting_changes: posting::PostingChanges::new(number),
            term_changes: terms::TermChanges::new(number, entry.words_indexed()),
            entry,
            replaced: RoaringTreemap::new(),
            died: RoaringTreemap::new(),
            to_purge: Vec::new(),
            reworded: RoaringTreemap::new(),
            cut: None,
            removed: 0,
            sketches: false,
            settles: false,
            keeps_embeddings: true,
            has_parts: None,
        })
    }

    /// Applies a change.
    pub(crate) fn apply(&mut self, mut change: Change, mode: Mode) -> Result<Effect> {
        change.check_sizes().map_err(|e| limit::of_record(&change.id, e))?;
        if let Some(embedding) = &mut change.embedding {
            self.fit(embedding).map_err(|e| e.of_record(change.id.as_str()))?;
        }
        if mode == Mode::Add {
            change.metadata.check_new().map_err(|e| e.of_record(change.id.as_str()))?;
        }
        match (self.ordinal(&change.id)?, mode) {
            (Some(_), Mode::Add) => Ok(Effect::Exists),
            (None, Mode::Update) => Ok(Effect::Missing),
            (Some(ordinal), Mode::Update | Mode::Upsert) => self.merge(ordinal, change),
            (None, Mode::Add | Mode::Upsert) => self.insert(change),
        }
    }

    /// Changes a record that is there and for which `condition` holds.
    pub(crate) fn update_if(
        &mut self,
        change: Change,
        condition: impl FnOnce(&StoredRecord) -> bool,
    ) -> Result<Effect> {
        match self.ordinal(&change.id)? {
            Some(ordinal) if condition(&self.stored(ordinal)?) => self.apply(change, Mode::Update),
            _ => Ok(Effect::Missing),
        }
    }

    /// Refuses a new document without an embedding of its own, where there is no model to make one, from now on.
    pub(crate) fn require_embeddings(&mut self) {
        self.keeps_embeddings = false;
    }

    /// Applies a change to a record, a document or a part of one.
    ///
    /// The mode applies to the document as a whole, whether it is stored whole or in parts.
    pub(crate) fn apply_form(&mut self, change: Change, form: &Form, mode: Mode) -> Result<Effect> {
        match form {
            Form::Record => self.apply(change, mode),
            Form::Whole => self.apply_whole(change, mode),
            Form::Part { part, replaces_whole } => self.apply_part(change, part, *replaces_whole, mode),
        }
    }

    /// Applies a change to a whole document, which takes the place of its parts.
    fn apply_whole(&mut self, change: Change, mode: Mode) -> Result<Effect> {
        if !self.has_parts()? {
            return self.apply(change, mode);
        }
        let of = change.id.clone();
        let in_parts = self.is_part(&Chunk::id(&of, 0), &of, 0)?;
        if in_parts && mode == Mode::Add {
            return Ok(Effect::Exists);
        }
        let effect = self.apply(change, if in_parts { Mode::Upsert } else { mode })?;
        if matches!(effect, Effect::Added | Effect::Updated | Effect::Unchanged) {
            self.remove_parts(&of, 0)?;
        }
        Ok(effect)
    }

    /// Returns whether any record says that it is a part of a document.
    fn has_parts(&mut self) -> Result<bool> {
        if let Some(has_parts) = self.has_parts {
            return Ok(has_parts);
        }
        let found = posting::has_key(&self.tx.open_table(table::POSTINGS)?, self.number, Chunk::OF)?;
        self.has_parts = Some(found);
        Ok(found)
    }

    /// Returns whether the record of an id is that part of a document.
    fn is_part(&self, id: &RecordId, of: &RecordId, number: u64) -> Result<bool> {
        let Some(ordinal) = self.ordinal(id)? else { return Ok(false) };
        Ok(Chunk::is_said_by(&self.stored(ordinal)?.metadata, of, number))
    }

    /// Applies a change to a part of a document; all parts of one come in order, in one transaction.
    ///
    /// Parts of an earlier version beyond the last are removed.
    fn apply_part(&mut self, change: Change, part: &Chunk, replaces_whole: bool, mode: Mode) -> Result<Effect> {
        let is_taken = self.ordinal(&change.id)?.is_some() && !self.is_part(&change.id, &part.of, part.number)?;
        if part.number == 0 {
            self.has_parts = Some(true);
            let whole = if replaces_whole { self.ordinal(&part.of)? } else { None };
            let whole = whole.map(|whole| self.stored(whole)).transpose()?.filter(|whole| whole.document.is_some());
            let exists = whole.is_some() || (!is_taken && self.ordinal(&change.id)?.is_some());
            let written = match mode {
                Mode::Add => !exists,
                Mode::Update => exists,
                Mode::Upsert => true,
            };
            if written {
                self.remove_parts(&part.of, part.count)?;
                if whole.is_some() {
                    self.removed += u64::from(self.delete(&part.of, |stored| stored.document.is_some())?);
                }
            }
            self.cut = Some((part.of.clone(), written));
        }
        // Parts whose first was written before: another process made embedding them necessary.
        let written = self.cut.as_ref().is_none_or(|(of, written)| *of != part.of || *written);
        if written && is_taken {
            return Err(Error::argument(taken_by_another(&change.id)).of_record(part.of.as_str()));
        }
        match mode {
            _ if written => self.apply(change, Mode::Upsert),
            Mode::Update => Ok(Effect::Missing),
            Mode::Add | Mode::Upsert => Ok(Effect::Exists),
        }
    }

    /// Removes the parts of a document from a number on.
    fn remove_parts(&mut self, of: &RecordId, from: u64) -> Result<()> {
        let first = self.number.id_key(&format!("{of}#"));
        let mut found = Vec::new();
        for row in self.ids.range(first.as_slice()..)? {
            let (key, _) = row?;
            let Some(rest) = key.value().strip_prefix(first.as_slice()) else { break };
            let id = std::str::from_utf8(rest).ok().map(|rest| format!("{of}#{rest}"));
            let number = id.as_deref().and_then(|id| Chunk::number_in(id, of));
            found.extend(number.filter(|number| *number >= from));
        }
        for number in found {
            let removed =
                self.delete(&Chunk::id(of, number), |stored| Chunk::is_said_by(&stored.metadata, of, number))?;
            self.removed += u64::from(removed);
        }
        Ok(())
    }

    /// Returns how many parts were removed because their document has fewer now.
    pub(crate) fn removed(&self) -> u64 {
        self.removed
    }

    /// Checks an embedding against the collection, and rounds it to what is kept; the first one fixes the dimension.
    fn fit(&mut self, embedding: &mut [f32]) -> Result<()> {
        check_embedding(embedding)?;
        check_dimension(&self.entry.info, embedding)?;
        self.entry.info.precision.round(embedding)?;
        if self.entry.info.dimension.is_none() {
            self.entry.info.dimension = Some(embedding.len());
            self.vector_changes = self.entry.row_form().map(|form| vector::VectorChanges::new(self.rows_number, form));
        }
        Ok(())
    }

    fn ordinal(&self, id: &RecordId) -> Result<Option<Ordinal>> {
        let found = self.ids.get(self.number.id_key(id.as_str()).as_slice())?;
        Ok(found.map(|ordinal| Ordinal(u64::from_le_bytes(*ordinal.value()))))
    }

    /// Puts a record as it is in another place: what was there under its id is replaced and not merged, at its old ordinal.
    pub(crate) fn put(&mut self, record: DumpRecord) -> Result<()> {
        let DumpRecord { record: Record { id, embedding, document, uri, metadata }, embedded_here } = record;
        let mut embedding = embedding.ok_or_else(|| Error::argument("it has no embedding").of_record(id.as_str()))?;
        let metadata = metadata.unwrap_or_default();
        let Some(ordinal) = self.ordinal(&id)? else {
            let metadata = MetadataPatch::from(metadata);
            let change = Change { id, embedding: Some(embedding), embedded_here, document, uri, metadata };
            return match self.apply(change, Mode::Add)? {
                Effect::NeedsEmbedding => Err(Error::argument("a document came without the weights of its terms")),
                _ => Ok(()),
            };
        };
        self.fit(&mut embedding).map_err(|e| e.of_record(id.as_str()))?;
        limit::check_texts(&id, document.as_deref(), uri.as_deref()).map_err(|e| limit::of_record(&id, e))?;
        let embedding = if self.holds(ordinal, &embedding)? { None } else { Some(embedding) };
        let old = self.stored(ordinal)?;
        let new = StoredRecord { id, document, uri, metadata, embedded_here };
        self.replace(ordinal, &old, &new, embedding).map(drop)
    }

    fn insert(&mut self, change: Change) -> Result<Effect> {
        if self.lacks_weights(&change) {
            return Ok(Effect::NeedsEmbedding);
        }
        let Some(embedding) = change.embedding else { return Ok(Effect::NeedsEmbedding) };
        let metadata = change.metadata.into_metadata_dropping_nulls();
        let ordinal = Ordinal(self.entry.next_ordinal);
        self.entry.next_ordinal += 1;
        self.entry.records += 1;
        self.ids.insert(self.number.id_key(change.id.as_str()).as_slice(), &ordinal.0.to_le_bytes())?;
        self.posting_changes.add(ordinal, &metadata);
        let stored = StoredRecord {
            id: change.id,
            document: change.document,
            uri: change.uri,
            metadata,
            embedded_here: change.embedded_here,
        };
        self.term_changes.add(ordinal, &stored);
        self.put_record(ordinal, &stored)?;
        self.entry.sealed.tail_rows += 1;
        if let Some(vectors) = &mut self.vector_changes {
            vectors.put(ordinal, embedding);
        }
        Ok(Effect::Added)
    }

    /// Returns whether a change brings a document, and not the weights of its terms that the collection wants with it.
    fn lacks_weights(&self, change: &Change) -> bool {
        let sparse = self.entry.info.sparse.as_ref();
        change.document.is_some() && sparse.is_some_and(|sparse| !change.metadata.contains(&sparse.key))
    }

    fn merge(&mut self, ordinal: Ordinal, change: Change) -> Result<Effect> {
        let old = self.stored(ordinal)?;
        let text_is_new = change.document.is_some() && change.document != old.document;
        let needs_embedding = self.entry.info.embedder.is_some() || !self.keeps_embeddings;
        if text_is_new && (change.embedding.is_none() && needs_embedding || self.lacks_weights(&change)) {
            return Ok(Effect::NeedsEmbedding);
        }
        let mut new = old.clone();
        new.metadata.merge(change.metadata);
        new.document = change.document.or(new.document);
        new.uri = change.uri.or(new.uri);
        let embedding = match change.embedding {
            Some(embedding) if self.holds(ordinal, &embedding)? => None,
            other => other,
        };
        if embedding.is_some() || text_is_new {
            new.embedded_here = change.embedded_here;
        }
        self.replace(ordinal, &old, &new, embedding)
    }

    /// Replaces the record of an ordinal, and its embedding where there is another one.
    fn replace(
        &mut self,
        ordinal: Ordinal,
        old: &StoredRecord,
        new: &StoredRecord,
        embedding: Option<Vec<f32>>,
    ) -> Result<Effect> {
        if new == old && embedding.is_none() {
            return Ok(Effect::Unchanged);
        }
        if new.document != old.document && new.document.is_some() {
            self.reworded.insert(ordinal.0);
        }
        if new.metadata != old.metadata {
            self.posting_changes.remove(ordinal, &old.metadata);
            self.posting_changes.add(ordinal, &new.metadata);
        }
        self.term_changes.replace(ordinal, old, new);
        self.put_record(ordinal, new)?;
        if let (Some(embedding), Some(vectors)) = (embedding, &mut self.vector_changes) {
            self.entry.replaced += 1;
            self.replaced.insert(ordinal.0);
            vectors.put(ordinal, embedding);
        }
        Ok(Effect::Updated)
    }

    /// Refuses embeddings of a model that the collection no longer has, and notes what made them.
    pub(crate) fn take_embeddings_of(&mut self, model: &Fingerprint) -> Result<()> {
        let info = &mut self.entry.info;
        check_document_model(info.name.as_str(), info.embedder.as_ref(), model)?;
        if let Some(embedder) = &mut info.embedder {
            embedder.add_made_by(model);
        }
        Ok(())
    }

    fn put_record(&mut self, ordinal: Ordinal, record: &StoredRecord) -> Result<()> {
        let bytes = encode_checked(record).map_err(|e| limit::of_record(&record.id, e))?;
        limit::check_record(bytes.len()).map_err(|e| limit::of_record(&record.id, e))?;
        self.records.insert(&self.number.pair(ordinal.0), bytes.as_slice())?;
        Ok(())
    }

    fn stored(&self, ordinal: Ordinal) -> Result<StoredRecord> {
        let missing = || Error::damaged(format!("the record of row {} is missing", ordinal.0));
        decode(self.records.get(&self.number.pair(ordinal.0))?.ok_or_else(missing)?.value())
    }

    /// Returns whether a record has exactly this embedding, in the file or from a change of this batch.
    fn holds(&self, ordinal: Ordinal, embedding: &[f32]) -> Result<bool> {
        match self.vector_changes.as_ref().and_then(|changes| changes.latest(ordinal)) {
            Some(latest) => Ok(vector::is_same(latest.iter().copied(), embedding)),
            None => vector::equals(&self.vectors, self.rows_number, self.entry.info.precision, ordinal, embedding),
        }
    }

    /// Deletes a record if it is there and `condition` holds for it; returns whether it did.
    pub(crate) fn delete(&mut self, id: &RecordId, condition: impl FnOnce(&StoredRecord) -> bool) -> Result<bool> {
        let Some(ordinal) = self.ordinal(id)? else { return Ok(false) };
        let stored = self.stored(ordinal)?;
        if !condition(&stored) {
            return Ok(false);
        }
        self.ids.remove(self.number.id_key(id.as_str()).as_slice())?;
        self.records.remove(&self.number.pair(ordinal.0))?;
        self.posting_changes.remove(ordinal, &stored.metadata);
        self.term_changes.remove(ordinal, &stored);
        if let Some(vectors) = &mut self.vector_changes {
            vectors.delete(ordinal);
        }
        self.entry.records -= 1;
        self.replaced.remove(ordinal.0);
        self.died.insert(ordinal.0);
        Ok(true)
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
        for row in self.records.range::<&PairKey>(&self.number.pair(0)..=&self.number.pair(u64::MAX))? {
            let (key, record) = row?;
            if let Some(document) = decode(record.value())?.document {
                changes.add_document(pair_ordinal(key.value()), &document);
                documents += 1;
                if documents % DOCUMENTS_AT_ONCE == 0 {
                    std::mem::replace(&mut changes, terms::TermChanges::new(self.number, wanted)).write(&mut table)?;
                }
            }
        }
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

/// The message for a part whose id belongs to a record that is not a part.
pub(crate) fn taken_by_another(id: &RecordId) -> String {
    format!("its chunk would replace the record {:?}, which is not a chunk of it", id.as_str())
}

/// Refuses an embedding that is not as long as the collection's; before the first one any length will do.
///
/// # Errors
/// [`Error::DimensionMismatch`].
pub fn check_dimension(collection: &CollectionInfo, embedding: &[f32]) -> Result<()> {
    match collection.dimension {
        Some(expected) if expected != embedding.len() => {
            Err(Error::DimensionMismatch { collection: collection.name.to_string(), expected, got: embedding.len() })
        }
        _ => Ok(()),
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
