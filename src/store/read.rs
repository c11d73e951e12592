//! One collection as it was at one moment: every read goes through a [`View`].
//!
//! Invariants: all answers of a view come from the same committed state, whatever other processes write; an error of a
//! view names its file.

mod lookup;

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use redb::{AccessGuard, Key, Range as Rows, ReadOnlyTable, ReadTransaction, Value};
use roaring::RoaringTreemap;
use serde::{Deserialize, Serialize};

use super::catalog::{CatalogEntry, CollectionKey, GraphEntry, NextEmbeddings};
use super::centre::Centre;
use super::clusters::{ClusterReader, ClustersEntry};
use super::packing::{Dictionary, no_dictionary};
use super::panic_guard::guarded;
use super::quantised_rows::read_centre;
use super::record::{StoredRecord, decode, decode_but_document, decode_id};
use super::redb_error::FileContext;
use super::table::{self, CollectionNumber, PairKey, pair_ordinal};
use super::tenants;
use super::vector::{Embeddings, RowForm};
use super::write::read_set;
use super::{Cache, Store, dictionaries};
use crate::bm25::Words;
use crate::error::{Error, Result};
use crate::record::{CollectionInfo, Counts, Ordinal, Record, RecordId, Scope, Space};

/// Which parts of a record are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each part is in or out by itself")]
pub struct Include {
    /// Its document.
    pub documents: bool,
    /// Its metadata.
    pub metadatas: bool,
    /// Its uri.
    pub uris: bool,
    /// Its embedding.
    pub embeddings: bool,
}

impl Include {
    /// Only the id.
    pub const NONE: Self = Self { documents: false, metadatas: false, uris: false, embeddings: false };
    /// Everything but the embedding.
    pub const TEXT: Self = Self { documents: true, metadatas: true, uris: true, embeddings: false };
    /// Everything.
    pub const ALL: Self = Self { embeddings: true, ..Self::TEXT };
}

type Row<'r, K, V> = (AccessGuard<'r, K>, AccessGuard<'r, V>);
type PairTable = ReadOnlyTable<&'static PairKey, &'static [u8]>;

/// Which quantised rows a collection has; more of them may have been added at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RowsState {
    rows_number: u32,
    rewritten: u64,
    pub(crate) sketched: bool,
    pub(crate) dimension: usize,
    pub(crate) space: Space,
}

/// A collection as it was when the view was taken.
pub struct View {
    number: CollectionNumber,
    /// The number embeddings and their rows are stored under.
    rows_number: CollectionNumber,
    entry: CatalogEntry,
    dead: RoaringTreemap,
    /// The only records there are to whoever reads it; `None` for all.
    visible: Option<RoaringTreemap>,
    place: FileContext,
    cache: Arc<Cache>,
    tx: Arc<ReadTransaction>,
    records: PairTable,
    vectors: PairTable,
    /// What documents are packed with, once one was read that is.
    dictionary: OnceLock<Arc<Dictionary>>,
}

impl View {
    pub(crate) fn open(
        tx: Arc<ReadTransaction>,
        scope: &Scope,
        key: &CollectionKey,
        place: FileContext,
        cache: Arc<Cache>,
    ) -> Result<Self> {
        tenants::check(&tx, scope)?;
        let (number, entry) =
            key.find(&tx.open_table(table::COLLECTIONS)?, &tx.open_table(table::COLLECTION)?, scope)?;
        let dead = read_set(&tx.open_table(table::DEAD)?, number, "the set of deleted rows")?;
        let (records, vectors) = (tx.open_table(table::RECORDS)?, tx.open_table(table::VECTORS)?);
        let rows_number = entry.rows_number(number);
        let dictionary = OnceLock::new();
        Ok(Self { number, rows_number, entry, dead, visible: None, place, cache, tx, records, vectors, dictionary })
    }

    /// Returns a view to which these records are all there are.
    ///
    /// What is said of the collection as a whole is said of them: how many, which keys, whether there is a dimension yet.
    pub(super) fn showing(mut self, records: RoaringTreemap) -> Self {
        if records.is_empty() && self.entry.info.embedder.is_none() {
            self.entry.info.dimension = None;
        }
        self.visible = Some(records);
        self
    }

    /// Returns the records it shows, where those are not all.
    pub(crate) fn visible(&self) -> Option<&RoaringTreemap> {
        self.visible.as_ref()
    }

    /// Returns whether it shows only a part of the collection.
    #[must_use]
    pub fn is_restricted(&self) -> bool {
        self.visible.is_some()
    }

    fn shows(&self, ordinal: u64) -> bool {
        self.visible.as_ref().is_none_or(|visible| visible.contains(ordinal))
    }

    /// Runs a read, and names the file in its error. A panic of redb becomes one: it took a damaged page for sound.
    pub(super) fn named<T>(&self, read: impl FnOnce() -> Result<T>) -> Result<T> {
        self.place.name(guarded(read))
    }

    /// Names the file in what went wrong with what was read from it.
    #[must_use]
    pub fn name(&self, error: Error) -> Error {
        error.at(&self.place.path, self.place.patience)
    }

    /// Returns what the collection is.
    #[must_use]
    pub fn info(&self) -> &CollectionInfo {
        &self.entry.info
    }

    /// Returns how the words of its documents are made; `None` where they are not indexed.
    #[must_use]
    pub fn words_indexed(&self) -> Option<Words> {
        self.entry.words_indexed()
    }

    /// Returns numbers about its content.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let counts = self.entry.counts();
        Counts { records: self.visible.as_ref().map_or(counts.records, RoaringTreemap::len), ..counts }
    }

    /// Returns the catalogue's entry of its graph.
    #[must_use]
    pub fn graph(&self) -> Option<GraphEntry> {
        self.entry.graph
    }

    /// Returns the catalogue's entry of its clusters.
    #[must_use]
    pub fn clusters(&self) -> Option<ClustersEntry> {
        self.entry.clusters
    }

    /// Returns the rows whose embedding changed since they were clustered.
    ///
    /// # Errors
    /// [`Error::Damaged`] when the clusters cannot be read, or there are none.
    pub fn rows_moved(&self) -> Result<RoaringTreemap> {
        ClusterReader::open(self)?.moved()
    }

    /// Returns whether the entry still has the embeddings of this view, apart from new ones.
    pub(super) fn has_same_rows(&self, number: CollectionNumber, entry: &CatalogEntry) -> bool {
        let rows = self.number == number && self.entry.rows_number == entry.rows_number;
        rows && self.entry.replaced == entry.replaced
    }

    /// Returns the transaction it reads in.
    pub(super) fn tx(&self) -> &ReadTransaction {
        &self.tx
    }

    /// Returns the ordinal the next new record will have: every record's is below it.
    #[must_use]
    pub fn end(&self) -> Ordinal {
        Ordinal(self.entry.next_ordinal)
    }

    /// Returns whether the entry still has the embeddings of this view, apart from new ones, and its graph.
    pub(crate) fn has_same_embeddings(&self, number: CollectionNumber, entry: &CatalogEntry) -> bool {
        let rows = self.number == number && self.entry.rows_number == entry.rows_number;
        rows && self.entry.replaced == entry.replaced && self.entry.epoch == entry.epoch
    }

    /// Returns the cache of the file.
    pub(crate) fn cache(&self) -> &Cache {
        &self.cache
    }

    /// Returns the number of the collection in its file.
    pub(crate) fn number(&self) -> u32 {
        self.number.0
    }

    /// Returns how many commits have changed the collection, those of records that it does not show among them.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.entry.version
    }

    /// Returns the state that cached quantised rows must share to be those of this view, up to where they end.
    pub(crate) fn rows_state(&self) -> RowsState {
        RowsState {
            rows_number: self.rows_number.0,
            rewritten: self.entry.sealed.rewritten,
            sketched: self.is_sketched(),
            dimension: self.entry.info.dimension.unwrap_or(0),
            space: self.entry.info.space,
        }
    }

    /// Returns how often an embedding that was stored before was replaced.
    pub(crate) fn replaced(&self) -> u64 {
        self.entry.replaced
    }

    /// Returns the ordinals of deleted records.
    #[must_use]
    pub fn dead(&self) -> &RoaringTreemap {
        &self.dead
    }

    /// Returns the ordinals of all records.
    #[must_use]
    pub fn live(&self) -> RoaringTreemap {
        if let Some(visible) = &self.visible {
            return visible.clone();
        }
        let mut all = RoaringTreemap::new();
        all.insert_range(0..self.entry.next_ordinal);
        all - &self.dead
    }

    /// Returns how many records have an ordinal below this one.
    pub(crate) fn live_below(&self, end: u64) -> u64 {
        end - self.dead.range_cardinality(..end)
    }

    /// Returns the ordinals whose row of the graph is out of date.
    ///
    /// # Errors
    /// [`Error::Damaged`] when the set cannot be read.
    pub fn stale(&self) -> Result<RoaringTreemap> {
        self.named(|| read_set(&self.tx.open_table(table::STALE)?, self.number, "the set of changed rows"))
    }

    /// Returns what is known of a re-embedding under way.
    pub(crate) fn next(&self) -> Option<&NextEmbeddings> {
        self.entry.next.as_ref()
    }

    /// Returns the ordinals whose new embedding is of an older document.
    pub(crate) fn next_stale(&self) -> Result<RoaringTreemap> {
        self.named(|| {
            let number = self.entry.next.as_ref().map(|next| CollectionNumber(next.number));
            let sets = self.tx.open_table(table::STALE)?;
            number.map_or_else(|| Ok(RoaringTreemap::new()), |n| read_set(&sets, n, "the set of changed documents"))
        })
    }

    /// Returns the ordinal of an id.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Io`].
    pub fn ordinal(&self, id: &RecordId) -> Result<Option<Ordinal>> {
        self.named(|| {
            let ids = self.tx.open_table(table::IDS)?;
            let found = ids.get(self.number.id_key(id.as_str()).as_slice())?;
            let found = found.map(|ordinal| u64::from_le_bytes(*ordinal.value()));
            Ok(found.filter(|ordinal| self.shows(*ordinal)).map(Ordinal))
        })
    }

    /// Returns the ordinals of those ids that exist.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Io`].
    pub fn ordinals<'a>(&self, ids: impl IntoIterator<Item = &'a RecordId>) -> Result<RoaringTreemap> {
        self.named(|| {
            let mut found = RoaringTreemap::new();
            for id in ids {
                found.extend(self.ordinal(id)?.map(|ordinal| ordinal.0));
            }
            Ok(found)
        })
    }

    /// Returns the ordinals of the ids that begin with `start` and for which `keeps` holds; ids alone are read.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Io`].
    pub(crate) fn ordinals_where(&self, start: &str, keeps: impl Fn(&str) -> bool) -> Result<RoaringTreemap> {
        self.named(|| {
            let (first, after_number) = (self.number.id_key(start), self.number.id_key("").len());
            let ids = self.tx.open_table(table::IDS)?;
            let mut found = RoaringTreemap::new();
            for row in ids.range(first.as_slice()..)? {
                let (key, ordinal) = row?;
                if !key.value().starts_with(&first) {
                    break;
                }
                let id = key.value().get(after_number..).and_then(|id| std::str::from_utf8(id).ok());
                let id = id.ok_or_else(|| Error::damaged("an id in the table of ids"))?;
                let ordinal = u64::from_le_bytes(*ordinal.value());
                if keeps(id) && self.shows(ordinal) {
                    found.insert(ordinal);
                }
            }
            Ok(found)
        })
    }

    pub(crate) fn stored(&self, ordinal: Ordinal) -> Result<StoredRecord> {
        self.decoded(ordinal, |bytes| decode(bytes, || self.dictionary()))
    }

    /// Reads a record without its document, which takes longer than all the rest where it is packed.
    pub(crate) fn stored_but_document(&self, ordinal: Ordinal) -> Result<StoredRecord> {
        self.decoded(ordinal, decode_but_document)
    }

    fn dictionary(&self) -> Result<Arc<Dictionary>> {
        if let Some(dictionary) = self.dictionary.get() {
            return Ok(Arc::clone(dictionary));
        }
        let identity = self.entry.dictionary.ok_or_else(no_dictionary)?;
        let kept = self.cache.get::<Dictionary>(self.number.0, "").filter(|kept| kept.identity() == identity);
        let found = if let Some(kept) = kept {
            kept
        } else {
            let read = dictionaries::read(&self.tx, self.number, identity)?;
            self.cache.put(self.number.0, "", Arc::clone(&read), read.memory());
            read
        };
        Ok(Arc::clone(self.dictionary.get_or_init(|| found)))
    }

    fn decoded<T>(&self, ordinal: Ordinal, decode: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
        self.named(|| {
            let missing = || Error::damaged(format!("the record of row {} is missing", ordinal.0));
            decode(self.records.get(&self.number.pair(ordinal.0))?.ok_or_else(missing)?.value())
        })
    }

    /// Reads the record at an ordinal, or the parts asked for.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it is missing or unreadable.
    pub fn record(&self, ordinal: Ordinal, include: Include) -> Result<Record> {
        let embedding = if include.embeddings { Some(self.embedding(ordinal)?) } else { None };
        if (Include { embeddings: false, ..include }) == Include::NONE {
            let id = self.decoded(ordinal, decode_id)?;
            return Ok(Record { id, embedding, document: None, uri: None, metadata: None });
        }
        let stored = if include.documents { self.stored(ordinal)? } else { self.stored_but_document(ordinal)? };
        Ok(Record {
            id: stored.id,
            embedding,
            document: stored.document,
            uri: stored.uri.filter(|_| include.uris),
            metadata: Some(stored.metadata).filter(|metadata| include.metadatas && !metadata.is_empty()),
        })
    }

    /// Returns the embedding at an ordinal.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it is missing.
    pub fn embedding(&self, ordinal: Ordinal) -> Result<Vec<f32>> {
        self.embeddings().floats(ordinal)
    }

    /// Returns a reader of embeddings that keeps its last block, for reads in ascending order.
    #[must_use]
    pub(crate) fn embeddings(&self) -> Embeddings<'_> {
        let info = &self.entry.info;
        let form = RowForm { dimension: info.dimension.unwrap_or(0), precision: info.precision };
        Embeddings::new(&self.vectors, self.rows_number, form).of(&self.place)
    }

    /// Visits, in order, the bytes of every segment whose first ordinal is in a range.
    ///
    /// Ranges, not keys: redb reads a whole segment to find the key of the next.
    ///
    /// # Errors
    /// [`Error::Damaged`], or what `visit` answers.
    pub(crate) fn for_each_segment(
        &self,
        firsts: Range<u64>,
        mut visit: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        self.named(|| {
            let table = self.tx.open_table(table::SEGMENTS)?;
            let mut rows =
                table.range::<&PairKey>(&self.rows_number.pair(firsts.start)..&self.rows_number.pair(firsts.end))?;
            while let Some((_, bytes)) = next(&mut rows, "a segment")? {
                visit(bytes.value())?;
            }
            Ok(())
        })
    }

    /// Returns whether every segment has a sketch with bounds.
    #[must_use]
    pub fn is_sketched(&self) -> bool {
        self.entry.sealed.is_sketched()
    }

    /// Returns the centre that a segment's rows are coded around, by [`super::Segment::centre`].
    ///
    /// # Errors
    /// [`Error::Damaged`] when it is missing.
    pub(crate) fn centre(&self, number: Option<u32>) -> Result<Centre> {
        let dimension = self.entry.info.dimension.unwrap_or(0);
        let Some(number) = number else { return Ok(Centre::origin(dimension)) };
        self.named(|| {
            guarded(|| read_centre(&self.tx.open_table(table::CENTRES)?, self.rows_number, number, dimension))
        })
    }

    /// Visits, in order, the bytes of every sketch whose segment's first ordinal is in a range, and that ordinal.
    ///
    /// # Errors
    /// [`Error::Damaged`], or what `visit` answers.
    pub(crate) fn for_each_sketch(
        &self,
        firsts: Range<u64>,
        mut visit: impl FnMut(Ordinal, &[u8]) -> Result<()>,
    ) -> Result<()> {
        self.named(|| {
            let table = self.tx.open_table(table::SKETCH)?;
            let mut rows =
                table.range::<&PairKey>(&self.rows_number.pair(firsts.start)..&self.rows_number.pair(firsts.end))?;
            while let Some((key, bytes)) = next(&mut rows, "a sketch")? {
                visit(pair_ordinal(key.value()), bytes.value())?;
            }
            Ok(())
        })
    }

    /// Returns the ordinal below which rows stand in segments.
    #[must_use]
    pub(crate) fn sealed_until(&self) -> Ordinal {
        Ordinal(self.entry.sealed.sealed_until)
    }

    /// Returns the number of the graph that would be built next.
    #[must_use]
    pub(crate) fn next_epoch(&self) -> u64 {
        self.entry.epoch + 1
    }

    /// Visits the chunks of the graph, in order.
    ///
    /// # Errors
    /// [`Error::Damaged`] when there are fewer than the catalogue says, or what `visit` answers.
    pub(crate) fn for_each_graph_chunk(&self, mut visit: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        self.named(|| {
            let table = self.tx.open_table(table::GRAPH)?;
            let chunks = self.entry.graph.map_or(0, |graph| graph.chunks);
            let mut stored = table.range::<&PairKey>(&self.number.pair(0)..&self.number.pair(chunks))?;
            (0..chunks).try_for_each(|chunk| match next(&mut stored, "a chunk of the graph")? {
                Some((key, value)) if table::pair_number(key.value()) == chunk => visit(value.value()),
                _ => Err(Error::damaged("a chunk of the graph is missing")),
            })
        })
    }
}

/// Takes the next row. A page that [`super::page`] withholds from redb is damage, whether redb reports it or panics.
fn next<'r, K: Key + 'static, V: Value + 'static>(
    rows: &mut Rows<'r, K, V>,
    what: &str,
) -> Result<Option<Row<'r, K, V>>> {
    match guarded(|| rows.next().transpose().map_err(Error::from)) {
        Err(Error::Damaged { .. }) => Err(Error::damaged(format!("{what} does not match its checksum"))),
        row => row,
    }
}

impl Store {
    /// Takes a view of a collection.
    ///
    /// # Errors
    /// [`Error::CollectionNotFound`], [`Error::Damaged`] or [`Error::Io`].
    pub fn view(&self, name: &str) -> Result<View> {
        self.view_of(&CollectionKey::named(name))
    }

    pub(super) fn view_of(&self, key: &CollectionKey) -> Result<View> {
        let open = |tx, cache| View::open(Arc::new(tx), self.scope(), key, self.place(), cache);
        let view = self.read_warm(open)?;
        if let Some(id) = key.id.filter(|_| key.name != view.info().name.as_str()) {
            self.saw_name(id, view.info().name.as_str());
        }
        Ok(view)
    }
}
