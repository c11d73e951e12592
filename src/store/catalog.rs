//! The catalogue: which collections there are, and each one's settings and counters.
//!
//! Invariant: `collections` and `collection` hold the same collections; a counter changes in the transaction that
//! changes what it counts.

use redb::{ReadableTable, Table, TableDefinition, TableHandle, WriteTransaction};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::clusters::{self, ClustersEntry};
use super::dictionaries;
use super::quantise::MAX_DIMENSION;
use super::rotation::ROTATION;
use super::table::{self, CollectionNumber, META, PairKey, meta};
use super::vector::RowForm;
use crate::bm25::Words;
use crate::error::{Advice, Error, Result};
use crate::record::{
    ChromaSettings, ClientSettings, CollectionInfo, CollectionName, Counts, EmbeddingPrecision, Fingerprint, Hnsw,
    IndexMode, Metadata, Scope, Space, SparseSettings,
};

/// No collection counts so far, and what is added to a counter still fits.
const LARGEST_COUNT: u64 = 1 << 62;

/// What a new collection is to be.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NewCollection {
    /// How distances are measured.
    pub space: Space,
    /// How its embeddings are kept.
    pub precision: EmbeddingPrecision,
    /// The model texts are embedded with; `None` for a collection whose embeddings are always given.
    pub embedder: Option<Fingerprint>,
    /// Its metadata.
    pub metadata: Option<Metadata>,
    /// The graph's settings.
    pub hnsw: Hnsw,
    /// When the graph is built.
    pub index: IndexMode,
    /// Chroma's settings that mean nothing here.
    pub chroma: ChromaSettings,
    /// Whether documents are searched by their words as well.
    pub bm25: bool,
    /// The model that weighs the terms of its documents, where it has one.
    pub sparse: Option<SparseSettings>,
    /// What Chroma's clients keep with it.
    pub client: ClientSettings,
}

impl NewCollection {
    /// Returns what a collection of a name is that was just made so.
    pub(crate) fn into_info(self, name: CollectionName) -> CollectionInfo {
        CollectionInfo {
            id: Uuid::new_v4(),
            name,
            metadata: self.metadata.filter(|metadata| !metadata.is_empty()),
            space: self.space,
            dimension: self.embedder.as_ref().map(|embedder| embedder.dimension),
            precision: self.precision,
            embedder: self.embedder.map(Fingerprint::with_none_made),
            hnsw: self.hnsw,
            index: self.index,
            chroma: self.chroma,
            bm25: self.bm25,
            sparse: self.sparse,
            client: self.client,
        }
    }
}

/// What is to change of a collection; a part that is `None` stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CollectionChange {
    /// Its new name.
    pub name: Option<CollectionName>,
    /// What replaces its metadata as a whole.
    pub metadata: Option<Metadata>,
    /// Candidates kept while the graph is searched.
    pub ef_search: Option<usize>,
    /// Edges of a vector, from the next time the graph is built.
    pub max_neighbors: Option<usize>,
    /// When the graph is built.
    pub index: Option<IndexMode>,
    /// What is put before a question.
    pub query_prefix: Option<String>,
    /// What is put before a document; refused once there are records, whose embeddings were made without it.
    pub document_prefix: Option<String>,
    /// Chroma's settings that mean nothing here.
    pub chroma: ChromaSettings,
    /// The function by which Chroma's clients embed.
    pub embedding_function: Option<serde_json::Value>,
}

impl CollectionChange {
    /// Refuses a change that a collection's settings or content do not allow; whether the name is free is not asked.
    ///
    /// # Errors
    /// [`Error::NoModel`] for prefixes without a model, [`Error::InvalidArgument`] for a document prefix that records
    /// were embedded without.
    pub fn check(&self, collection: &CollectionInfo, counts: &Counts) -> Result<()> {
        if self.query_prefix.is_none() && self.document_prefix.is_none() {
            return Ok(());
        }
        let Some(embedder) = &collection.embedder else {
            return Err(Error::NoModel { collection: collection.name.to_string() });
        };
        let other = self.document_prefix.as_ref().is_some_and(|prefix| *prefix != embedder.document_prefix);
        if other && counts.records > 0 {
            return Err(Error::InvalidArgument {
                why: format!(
                    "the document prefix cannot change: {} embeddings were made with the old one",
                    counts.records
                ),
                hint: Some(Advice::Reembed),
            });
        }
        Ok(())
    }
}

impl CollectionChange {
    /// Changes the description of a collection, once it was checked.
    pub(crate) fn apply_to(self, info: &mut CollectionInfo) {
        if let Some(name) = self.name {
            info.name = name;
        }
        if let Some(metadata) = self.metadata {
            info.metadata = Some(metadata).filter(|metadata| !metadata.is_empty());
        }
        info.hnsw.ef_search = self.ef_search.unwrap_or(info.hnsw.ef_search);
        info.hnsw.max_neighbors = self.max_neighbors.unwrap_or(info.hnsw.max_neighbors);
        info.index = self.index.unwrap_or(info.index);
        info.chroma = self.chroma.or(info.chroma);
        info.client.embedding_function = self.embedding_function.or_else(|| info.client.embedding_function.take());
        if let Some(embedder) = info.embedder.as_mut() {
            embedder.query_prefix = self.query_prefix.unwrap_or_else(|| embedder.query_prefix.clone());
            embedder.document_prefix = self.document_prefix.unwrap_or_else(|| embedder.document_prefix.clone());
        }
    }
}

/// The value of the `collection` table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CatalogEntry {
    pub(crate) info: CollectionInfo,
    /// The ordinal of the next new record.
    pub(crate) next_ordinal: u64,
    /// Records that can be found.
    pub(crate) records: u64,
    /// The checksum of the dictionary that long documents are packed with ([`super::dictionaries`]), once it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) dictionary: Option<u64>,
    /// The number its embeddings and their rows stand under, where it is not the collection's own: a re-embedding
    /// gives a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rows_number: Option<u32>,
    /// How far its rows are sealed.
    #[serde(flatten)]
    pub(crate) sealed: Sealing,
    /// Counts the times an embedding that was stored before was replaced.
    pub(crate) replaced: u64,
    /// Counts the commits that changed the collection.
    #[serde(default)]
    pub(crate) version: u64,
    /// Counts the graphs built, so that chunks of an older one are told apart.
    pub(crate) epoch: u64,
    /// The graph, when there is one.
    pub(crate) graph: Option<GraphEntry>,
    /// The clusters, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) clusters: Option<ClustersEntry>,
    /// The number under which clusters are being built, or were when that was interrupted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unfinished_clusters: Option<u32>,
    /// How the words of its documents were made, where they are indexed.
    #[serde(default = "Words::of_files_without_a_mark")]
    pub(crate) words: Words,
    /// A re-embedding with another model that is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<NextEmbeddings>,
}

/// How far quantised rows are sealed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sealing {
    /// Live rows of an ordinal below this one stand in segments, the others are the tail.
    pub(crate) sealed_until: u64,
    /// Rows in segments, deleted ones among them.
    pub(crate) sealed_rows: u64,
    /// Live rows in the tail.
    pub(crate) tail_rows: u64,
    /// Whether every segment has a sketch.
    #[serde(default)]
    pub(crate) sketched: bool,
    /// Which [`super::rotation::ROTATION`] the sketches were made with.
    #[serde(default)]
    pub(crate) rotation: u8,
    /// Whether segments and sketches have the bounds of version 2 of the format.
    #[serde(default)]
    pub(crate) bounded: bool,
    /// Counts the segments that were rewritten or removed, so that what was kept of them is known to be out of date.
    #[serde(default)]
    pub(crate) rewritten: u64,
}

impl Sealing {
    /// Whether every segment has a sketch that this version searches.
    pub(crate) fn is_sketched(&self) -> bool {
        self.sketched && self.bounded && self.rotation == ROTATION
    }

    /// Of no rows.
    pub(crate) fn new() -> Self {
        Self { bounded: true, ..Self::default() }
    }
}

/// Embeddings that another model makes and nobody searches yet ([`super::reembed`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NextEmbeddings {
    /// The model.
    pub(crate) embedder: Fingerprint,
    /// Every record of an ordinal below this one has one.
    pub(crate) until: u64,
    /// The number they and their rows stand under.
    pub(crate) number: u32,
    /// How far their rows are sealed.
    pub(crate) sealed: Sealing,
}

/// What the catalogue knows of a collection's graph.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GraphEntry {
    /// Which build it is.
    pub epoch: u64,
    /// Ordinals below this one are in it.
    pub covers_until: u64,
    /// Vectors in it.
    pub rows: u64,
    /// Its serialised length.
    pub bytes: u64,
    /// Chunks it is stored in.
    pub chunks: u64,
    /// The share of the ten nearest that it found, asked for rows of its own when it was built; `None` for a graph of
    /// version 1 of the format, which is not searched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recall: Option<f64>,
}

impl GraphEntry {
    /// Shorter embeddings are compared one by one: many are equally near, and a graph would choose among them by chance.
    pub const LEAST_DIMENSION: usize = 8;
    /// A graph that found less of the nearest is not searched.
    const LEAST_RECALL: f64 = 0.99;

    /// Returns whether a graph that was measured to find this share of the nearest is searched.
    #[must_use]
    pub fn is_used(recall: Option<f64>, dimension: usize) -> bool {
        dimension >= Self::LEAST_DIMENSION && recall.is_some_and(|recall| recall >= Self::LEAST_RECALL)
    }
}

impl CatalogEntry {
    /// What its rows look like, once there is a dimension.
    pub(crate) fn row_form(&self) -> Option<RowForm> {
        self.info.dimension.map(|dimension| RowForm { dimension, precision: self.info.precision })
    }

    /// The entry of a collection that is as it was made.
    pub(crate) fn without_records(info: CollectionInfo) -> Self {
        Self {
            info,
            next_ordinal: 0,
            records: 0,
            dictionary: None,
            rows_number: None,
            sealed: Sealing::new(),
            replaced: 0,
            version: 0,
            epoch: 0,
            graph: None,
            clusters: None,
            unfinished_clusters: None,
            words: Words::default(),
            next: None,
        }
    }

    /// How the words of its documents are made; `None` where they are not indexed.
    pub(crate) fn words_indexed(&self) -> Option<Words> {
        self.info.bm25.then_some(self.words)
    }

    /// Notes that words are indexed from now on as this version makes them, or not at all.
    pub(crate) fn index_words(&mut self, on: bool) {
        self.info.bm25 = on;
        self.words = Words::default();
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts {
            records: self.records,
            deleted: self.next_ordinal.saturating_sub(self.records),
            sealed: self.sealed.sealed_rows,
            tail: self.sealed.tail_rows,
        }
    }

    /// The number that embeddings and their rows stand under.
    pub(crate) fn rows_number(&self, own: CollectionNumber) -> CollectionNumber {
        self.rows_number.map_or(own, CollectionNumber)
    }

    pub(crate) fn decode(bytes: &[u8], name: &str) -> Result<Self> {
        Self::read(bytes).map_err(|how| Error::damaged(format!("the settings of collection {name:?}: {how}")))
    }

    fn read(bytes: &[u8]) -> Result<Self, String> {
        let entry: Self = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        // Positions are computed from these without looking again.
        let of_model = entry.info.embedder.as_ref().map(|model| model.dimension);
        let of_next = entry.next.as_ref().map(|next| next.embedder.dimension);
        let clusters = entry.clusters.map_or(0, |clusters| clusters.covers_until);
        if clusters > entry.next_ordinal {
            return Err("clusters of rows that are not there".into());
        }
        let mut dimensions = [entry.info.dimension, of_model, of_next].into_iter().flatten();
        if let Some(dimension) = dimensions.find(|dimension| !(1..=MAX_DIMENSION).contains(dimension)) {
            return Err(format!("embeddings of {dimension} components, where 1 to {MAX_DIMENSION} can be"));
        }
        if entry.next_ordinal > LARGEST_COUNT || entry.epoch.max(entry.replaced) > LARGEST_COUNT {
            return Err("a number is out of range".into());
        }
        Ok(entry)
    }
}

/// Finds a collection's number and entry among open tables.
pub(crate) fn find(
    names: &impl ReadableTable<(&'static str, &'static str, &'static str), &'static [u8; 4]>,
    entries: &impl ReadableTable<&'static [u8; 4], &'static [u8]>,
    scope: &Scope,
    name: &str,
) -> Result<(CollectionNumber, CatalogEntry)> {
    let Some(number) = names.get((scope.tenant.as_str(), scope.database.as_str(), name))? else {
        let known = list_numbers(names, scope)?.into_iter().map(|(name, _)| name).collect();
        return Err(Error::CollectionNotFound { name: name.to_owned(), known });
    };
    let number = CollectionNumber(u32::from_be_bytes(*number.value()));
    Ok((number, entry(entries, number, name)?))
}

/// How a handle finds its collection: by its name, or by its identity, whatever it is called by now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CollectionKey {
    /// Its name; where there is an identity, the one it was last seen with.
    pub(crate) name: String,
    pub(crate) id: Option<Uuid>,
}

impl CollectionKey {
    pub(crate) fn named(name: &str) -> Self {
        Self { name: name.to_owned(), id: None }
    }

    pub(crate) fn find(
        &self,
        names: &impl ReadableTable<(&'static str, &'static str, &'static str), &'static [u8; 4]>,
        entries: &impl ReadableTable<&'static [u8; 4], &'static [u8]>,
        scope: &Scope,
    ) -> Result<(CollectionNumber, CatalogEntry)> {
        match self.id {
            None => find(names, entries, scope, &self.name),
            Some(id) => find_by_id(names, entries, scope, id, &self.name),
        }
    }
}

fn find_by_id(
    names: &impl ReadableTable<(&'static str, &'static str, &'static str), &'static [u8; 4]>,
    entries: &impl ReadableTable<&'static [u8; 4], &'static [u8]>,
    scope: &Scope,
    id: Uuid,
    last_name: &str,
) -> Result<(CollectionNumber, CatalogEntry)> {
    if let Some(number) = names.get((scope.tenant.as_str(), scope.database.as_str(), last_name))? {
        let number = CollectionNumber(u32::from_be_bytes(*number.value()));
        let entry = entry(entries, number, last_name)?;
        if entry.info.id == id {
            return Ok((number, entry));
        }
    }
    let mut known = Vec::new();
    for (name, number) in list_numbers(names, scope)? {
        let entry = entry(entries, number, &name)?;
        if entry.info.id == id {
            return Ok((number, entry));
        }
        known.push(name);
    }
    Err(Error::CollectionNotFound { name: id.to_string(), known })
}

/// Reads the entry of a collection.
pub(crate) fn entry(
    entries: &impl ReadableTable<&'static [u8; 4], &'static [u8]>,
    number: CollectionNumber,
    name: &str,
) -> Result<CatalogEntry> {
    let missing = || Error::damaged(format!("collection {name:?} has a name but no settings"));
    let bytes = entries.get(&number.key())?.ok_or_else(missing)?;
    CatalogEntry::decode(bytes.value(), name)
}

/// Lists the names and numbers of a scope's collections, by name.
pub(crate) fn list_numbers(
    names: &impl ReadableTable<(&'static str, &'static str, &'static str), &'static [u8; 4]>,
    scope: &Scope,
) -> Result<Vec<(String, CollectionNumber)>> {
    let mut found = Vec::new();
    for row in names.range((scope.tenant.as_str(), scope.database.as_str(), "")..)? {
        let (key, number) = row?;
        let (tenant, database, name) = key.value();
        if (tenant, database) != (scope.tenant.as_str(), scope.database.as_str()) {
            break;
        }
        found.push((name.to_owned(), CollectionNumber(u32::from_be_bytes(*number.value()))));
    }
    Ok(found)
}

/// Writes an entry back, once it is sure that it can be read: one that cannot would take the whole file with it.
pub(crate) fn put(
    entries: &mut Table<&'static [u8; 4], &'static [u8]>,
    number: CollectionNumber,
    entry: &CatalogEntry,
) -> Result<()> {
    let name = entry.info.name.as_str();
    let refused = |why: String| Error::argument(format!("collection {name:?} cannot have these settings: {why}"));
    let entry = CatalogEntry { version: entry.version.saturating_add(1), ..entry.clone() };
    let bytes = serde_json::to_vec(&entry).map_err(|e| refused(e.to_string()))?;
    CatalogEntry::read(&bytes).map_err(refused)?;
    entries.insert(&number.key(), bytes.as_slice())?;
    Ok(())
}

/// Adds a collection.
pub(crate) fn create(
    tx: &WriteTransaction,
    scope: &Scope,
    name: CollectionName,
    new: NewCollection,
) -> Result<(CollectionNumber, CatalogEntry)> {
    add(tx, scope, CatalogEntry::without_records(new.into_info(name)))
}

/// Adds a collection that is described already.
pub(crate) fn adopt(
    tx: &WriteTransaction,
    scope: &Scope,
    info: CollectionInfo,
) -> Result<(CollectionNumber, CatalogEntry)> {
    add(tx, scope, CatalogEntry::without_records(info))
}

fn add(tx: &WriteTransaction, scope: &Scope, entry: CatalogEntry) -> Result<(CollectionNumber, CatalogEntry)> {
    let name = &entry.info.name;
    let mut names = tx.open_table(table::COLLECTIONS)?;
    let key = (scope.tenant.as_str(), scope.database.as_str(), name.as_str());
    if names.get(key)?.is_some() {
        return Err(Error::CollectionExists { name: name.to_string() });
    }
    let number = next_number(&mut tx.open_table(META)?)?;
    names.insert(key, &number.key())?;
    put(&mut tx.open_table(table::COLLECTION)?, number, &entry)?;
    Ok((number, entry))
}

/// Changes a collection's name or settings.
pub(crate) fn modify(
    tx: &WriteTransaction,
    scope: &Scope,
    name: &str,
    change: CollectionChange,
) -> Result<CollectionInfo> {
    let mut names = tx.open_table(table::COLLECTIONS)?;
    let mut entries = tx.open_table(table::COLLECTION)?;
    let (number, mut entry) = find(&names, &entries, scope, name)?;
    change.check(&entry.info, &entry.counts())?;
    if let Some(new) = change.name.clone().filter(|new| new.as_str() != name) {
        let key = (scope.tenant.as_str(), scope.database.as_str(), new.as_str());
        if names.get(key)?.is_some() {
            return Err(Error::CollectionExists { name: new.to_string() });
        }
        names.remove((scope.tenant.as_str(), scope.database.as_str(), name))?;
        names.insert(key, &number.key())?;
    }
    change.apply_to(&mut entry.info);
    put(&mut entries, number, &entry)?;
    Ok(entry.info)
}

pub(crate) fn next_number(meta_table: &mut Table<&'static str, &'static [u8]>) -> Result<CollectionNumber> {
    let damaged = || Error::damaged("the number of the next collection");
    let next = match meta_table.get(meta::NEXT_COLLECTION)? {
        Some(bytes) => u32::from_le_bytes(bytes.value().try_into().map_err(|_| damaged())?),
        None => 0,
    };
    let after = next.checked_add(1).ok_or_else(|| Error::argument("the file has no numbers left for collections"))?;
    meta_table.insert(meta::NEXT_COLLECTION, after.to_le_bytes().as_slice())?;
    Ok(CollectionNumber(next))
}

/// Removes a collection and all that belongs to it.
pub(crate) fn drop_collection(tx: &WriteTransaction, scope: &Scope, name: &str) -> Result<CatalogEntry> {
    let mut names = tx.open_table(table::COLLECTIONS)?;
    let mut entries = tx.open_table(table::COLLECTION)?;
    let (number, mut entry) = find(&names, &entries, scope, name)?;
    names.remove((scope.tenant.as_str(), scope.database.as_str(), name))?;
    entries.remove(&number.key())?;
    let (from, to) = number.prefix();
    tx.open_table(table::POSTINGS)?.retain_in(from.as_slice()..to.as_slice(), |_, _| false)?;
    tx.open_table(table::IDS)?.retain_in(from.as_slice()..to.as_slice(), |_, _| false)?;
    tx.open_table(table::TERMS)?.retain_in(from.as_slice()..to.as_slice(), |_, _| false)?;
    for by_pair in [table::RECORDS, table::GRAPH] {
        remove_pairs(tx, by_pair, number)?;
    }
    for by_number in [table::DEAD, table::STALE] {
        tx.open_table(by_number)?.remove(&number.key())?;
    }
    if entry.dictionary.is_some() {
        dictionaries::remove(tx, number)?;
    }
    clusters::remove(tx, &mut entry)?;
    clusters::remove_unfinished(tx, &mut entry)?;
    remove_rows(tx, entry.rows_number(number))?;
    if let Some(next) = &entry.next {
        remove_rows(tx, CollectionNumber(next.number))?;
    }
    Ok(entry)
}

/// Removes the embeddings that stand under a number, and all that is made of them but the graph.
pub(crate) fn remove_rows(tx: &WriteTransaction, number: CollectionNumber) -> Result<()> {
    for by_pair in table::ROWS {
        remove_pairs(tx, by_pair, number)?;
    }
    remove_tail(tx, number)?;
    tx.open_table(table::STALE)?.remove(&number.key())?;
    Ok(())
}

/// Removes the rows that version 1 of the format kept until they were sealed.
pub(crate) fn remove_tail(tx: &WriteTransaction, number: CollectionNumber) -> Result<()> {
    let has_tail = tx.list_tables()?.any(|table| table.name() == table::TAIL.name());
    if has_tail { remove_pairs(tx, table::TAIL, number) } else { Ok(()) }
}

/// Removes everything of a number from a table.
pub(crate) fn remove_pairs(
    tx: &WriteTransaction,
    table: TableDefinition<&'static PairKey, &'static [u8]>,
    number: CollectionNumber,
) -> Result<()> {
    let (first, last) = (number.pair(0), number.pair(u64::MAX));
    Ok(tx.open_table(table)?.retain_in::<&PairKey, _>(&first..=&last, |_, _| false)?)
}
