//! The catalogue: which collections there are, and each one's settings and counters.
//!
//! Invariant: `collections` and `collection` hold the same collections; a counter changes in the transaction that
//! changes what it counts.

use redb::{ReadableTable, Table, WriteTransaction};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::table::{self, CollectionNumber, META, PairKey, meta};
use crate::error::{Error, Result};
use crate::record::{
    ChromaSettings, CollectionInfo, CollectionName, Counts, Fingerprint, Hnsw, IndexMode, Metadata, Scope, Space,
};

/// What a new collection is to be.
#[derive(Debug, Clone, Default)]
pub struct NewCollection {
    /// How distances are measured.
    pub space: Space,
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
}

/// What is to change of a collection; a part that is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct CollectionChange {
    /// Its new name.
    pub name: Option<CollectionName>,
    /// What replaces its metadata as a whole.
    pub metadata: Option<Metadata>,
    /// Candidates kept while the graph is searched.
    pub ef_search: Option<usize>,
    /// When the graph is built.
    pub index: Option<IndexMode>,
    /// What is put before a question.
    pub query_prefix: Option<String>,
    /// What is put before a document; refused once there are records, whose embeddings were made without it.
    pub document_prefix: Option<String>,
    /// Chroma's settings that mean nothing here.
    pub chroma: ChromaSettings,
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
                hint: Some("make another collection, or change it while the collection is empty".into()),
            });
        }
        Ok(())
    }
}

/// The value of the `collection` table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) info: CollectionInfo,
    /// The ordinal of the next new record.
    pub(crate) next_ordinal: u64,
    /// Records that can be found.
    pub(crate) records: u64,
    /// Ordinals below this one stand in segments, the others in the tail.
    pub(crate) sealed_until: u64,
    /// Rows in segments, deleted ones among them.
    pub(crate) sealed_rows: u64,
    /// Rows in the tail.
    pub(crate) tail_rows: u64,
    /// Whether every segment has a sketch.
    #[serde(default)]
    pub(crate) sketched: bool,
    /// Counts the times an embedding that was stored before was replaced.
    pub(crate) replaced: u64,
    /// Counts the graphs built, so that chunks of an older one are told apart.
    pub(crate) epoch: u64,
    /// The graph, when there is one.
    pub(crate) graph: Option<GraphEntry>,
}

/// What the catalogue knows of a collection's graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
}

impl Entry {
    fn new(name: CollectionName, new: NewCollection) -> Self {
        let dimension = new.embedder.as_ref().map(|embedder| embedder.dimension);
        let info = CollectionInfo {
            id: Uuid::new_v4(),
            name,
            metadata: new.metadata.filter(|metadata| !metadata.is_empty()),
            space: new.space,
            dimension,
            embedder: new.embedder,
            hnsw: new.hnsw,
            index: new.index,
            chroma: new.chroma,
            bm25: new.bm25,
        };
        Self::without_records(info)
    }

    /// The entry of a collection that is as it was made.
    pub(crate) fn without_records(info: CollectionInfo) -> Self {
        Self {
            info,
            next_ordinal: 0,
            records: 0,
            sealed_until: 0,
            sealed_rows: 0,
            tail_rows: 0,
            sketched: false,
            replaced: 0,
            epoch: 0,
            graph: None,
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts {
            records: self.records,
            deleted: self.next_ordinal - self.records,
            sealed: self.sealed_rows,
            tail: self.tail_rows,
        }
    }

    pub(crate) fn decode(bytes: &[u8], name: &str) -> Result<Self> {
        serde_json::from_slice(bytes).map_err(|e| Error::damaged(format!("the settings of collection {name:?}: {e}")))
    }
}

/// Finds a collection's number and entry among open tables.
pub(crate) fn find(
    names: &impl ReadableTable<(&'static str, &'static str, &'static str), &'static [u8; 4]>,
    entries: &impl ReadableTable<&'static [u8; 4], &'static [u8]>,
    scope: &Scope,
    name: &str,
) -> Result<(CollectionNumber, Entry)> {
    let Some(number) = names.get((scope.tenant.as_str(), scope.database.as_str(), name))? else {
        let known = list_numbers(names, scope)?.into_iter().map(|(name, _)| name).collect();
        return Err(Error::CollectionNotFound { name: name.to_owned(), known });
    };
    let number = CollectionNumber(u32::from_be_bytes(*number.value()));
    Ok((number, entry(entries, number, name)?))
}

/// Reads the entry of a collection.
pub(crate) fn entry(
    entries: &impl ReadableTable<&'static [u8; 4], &'static [u8]>,
    number: CollectionNumber,
    name: &str,
) -> Result<Entry> {
    let missing = || Error::damaged(format!("collection {name:?} has a name but no settings"));
    let bytes = entries.get(&number.key())?.ok_or_else(missing)?;
    Entry::decode(bytes.value(), name)
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

/// Writes an entry back.
pub(crate) fn put(
    entries: &mut Table<&'static [u8; 4], &'static [u8]>,
    number: CollectionNumber,
    entry: &Entry,
) -> Result<()> {
    let bytes = serde_json::to_vec(entry).map_err(|e| Error::argument(format!("settings cannot be written: {e}")))?;
    entries.insert(&number.key(), bytes.as_slice())?;
    Ok(())
}

/// Adds a collection.
pub(crate) fn create(
    tx: &WriteTransaction,
    scope: &Scope,
    name: CollectionName,
    new: NewCollection,
) -> Result<(CollectionNumber, Entry)> {
    let mut names = tx.open_table(table::COLLECTIONS)?;
    let key = (scope.tenant.as_str(), scope.database.as_str(), name.as_str());
    if names.get(key)?.is_some() {
        return Err(Error::CollectionExists { name: name.to_string() });
    }
    let number = next_number(&mut tx.open_table(META)?)?;
    names.insert(key, &number.key())?;
    let entry = Entry::new(name, new);
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
    if let Some(new) = change.name.filter(|new| new.as_str() != name) {
        let key = (scope.tenant.as_str(), scope.database.as_str(), new.as_str());
        if names.get(key)?.is_some() {
            return Err(Error::CollectionExists { name: new.to_string() });
        }
        names.remove((scope.tenant.as_str(), scope.database.as_str(), name))?;
        names.insert(key, &number.key())?;
        entry.info.name = new;
    }
    let info = &mut entry.info;
    if let Some(metadata) = change.metadata {
        info.metadata = Some(metadata).filter(|metadata| !metadata.is_empty());
    }
    info.hnsw.ef_search = change.ef_search.unwrap_or(info.hnsw.ef_search);
    info.index = change.index.unwrap_or(info.index);
    info.chroma = change.chroma.or(info.chroma);
    if let Some(embedder) = info.embedder.as_mut() {
        embedder.query_prefix = change.query_prefix.unwrap_or_else(|| embedder.query_prefix.clone());
        embedder.document_prefix = change.document_prefix.unwrap_or_else(|| embedder.document_prefix.clone());
    }
    put(&mut entries, number, &entry)?;
    Ok(entry.info)
}

fn next_number(meta_table: &mut Table<&'static str, &'static [u8]>) -> Result<CollectionNumber> {
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
pub(crate) fn drop_collection(tx: &WriteTransaction, scope: &Scope, name: &str) -> Result<Entry> {
    let mut names = tx.open_table(table::COLLECTIONS)?;
    let mut entries = tx.open_table(table::COLLECTION)?;
    let (number, entry) = find(&names, &entries, scope, name)?;
    names.remove((scope.tenant.as_str(), scope.database.as_str(), name))?;
    entries.remove(&number.key())?;
    let (from, to) = number.prefix();
    tx.open_table(table::POSTINGS)?.retain_in(from.as_slice()..to.as_slice(), |_, _| false)?;
    tx.open_table(table::IDS)?.retain_in(from.as_slice()..to.as_slice(), |_, _| false)?;
    let (first, last) = (number.pair(0), number.pair(u64::MAX));
    tx.open_table(table::TERMS)?.retain_in(from.as_slice()..to.as_slice(), |_, _| false)?;
    for by_pair in [table::RECORDS, table::VECTORS, table::TAIL, table::SEGMENTS, table::SKETCH, table::GRAPH] {
        tx.open_table(by_pair)?.retain_in::<&PairKey, _>(&first..=&last, |_, _| false)?;
    }
    for by_number in [table::DEAD, table::STALE] {
        tx.open_table(by_number)?.remove(&number.key())?;
    }
    Ok(entry)
}
