//! One collection of a place: read, searched, written.
//!
//! Invariant: a handle holds no lock and no open transaction between two calls.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::local::LocalRecords;
use super::state::State;
use crate::error::Result;
use crate::index::Watch;
use crate::ingest::{RowBatch, Target};
use crate::query::{Facet, Filter, KeyFacts, RecordPage, RecordQuery};
use crate::record::{CollectionInfo, CollectionName, DumpRecord, Fingerprint, Metadata, Record, RecordId};
use crate::store::{Change, Collection, CollectionChange, Effect, Form, Include, Mode};

/// Some records of a collection, in its order, and where the next ones begin.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct DumpPage {
    /// The records, whole.
    pub records: Vec<DumpRecord>,
    /// What [`Records::scan`] goes on after; `None` at the end.
    pub next: Option<u64>,
}

/// What a build of an index did.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BuiltIndex {
    /// Rows it has.
    pub rows: u64,
    /// Rows that were added to it.
    pub added: u64,
    /// Whether an older one was extended.
    pub extended: bool,
    /// The share of the nearest that it finds, where that was measured.
    pub recall: Option<f64>,
    /// Whether searches use it.
    pub is_used: bool,
}

/// A collection of a place.
///
/// Every method may fail with [`crate::error::Error::CollectionNotFound`], `TenantNotFound` or `DatabaseNotFound`, and with
/// whatever is at fault with the place; those that write with the first bad record, and then nothing of the call is written.
pub trait Records: Target {
    /// Returns its name; of a handle by identity, the one it was last seen with.
    fn name(&self) -> String;

    /// Takes one state of it.
    fn state(&self) -> Result<Box<dyn State>>;

    /// Returns where each of its shards is; none where it is in one piece.
    fn shards(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    /// Returns the number of records.
    fn count(&self) -> Result<u64> {
        Ok(self.state()?.counts().records)
    }

    /// Finds records in the order they were inserted, or as the query sorts them.
    fn find(&self, query: &RecordQuery, include: Include) -> Result<RecordPage>;

    /// Returns the values of a metadata key among the records of a query, as [`Collection::distinct`] does.
    fn distinct(&self, key: &str, among: &RecordQuery) -> Result<Vec<Facet>> {
        let local = self.local(among, Include { metadatas: true, ..Include::NONE })?;
        local.collection.distinct(key, &local.among)
    }

    /// Returns the metadata keys that the records of a query have, as [`Collection::keys`] does.
    fn keys(&self, among: &RecordQuery) -> Result<Vec<KeyFacts>> {
        let local = self.local(among, Include { metadatas: true, ..Include::NONE })?;
        local.collection.keys(&local.among)
    }

    /// Applies changes in order, all or none; returns the effect of each.
    fn apply(&self, changes: Vec<Change>, mode: Mode) -> Result<Vec<Effect>> {
        let changes = changes.into_iter().map(|change| (change, Form::Record)).collect();
        Ok(self.write_batch(RowBatch { changes, mode, keep_embeddings: true, embedded_by: None })?.effects)
    }

    /// Makes the same change to every record of a query, as [`Collection::update_where`] does.
    fn update_where(
        &self,
        query: &RecordQuery,
        change: &dyn Fn(RecordId) -> Change,
        keep_embeddings: bool,
        embedded_by: Option<&Fingerprint>,
    ) -> Result<Vec<Effect>>;

    /// Deletes the records of a query; returns how many there were.
    fn delete_where(&self, query: &RecordQuery) -> Result<u64>;

    /// Changes its name or settings; returns its description.
    fn modify(&self, change: CollectionChange) -> Result<CollectionInfo>;

    /// Copies it with all its records; returns the copy's description.
    fn copy(&self, name: CollectionName) -> Result<CollectionInfo>;

    /// Returns a handle to which there are only the records that pass a filter, as [`Collection::only`] does.
    fn only(&self, filter: Filter) -> Arc<dyn Records>;

    /// Reads at most `limit` records, whole and in their order, after where an earlier page ended.
    fn scan(&self, after: Option<u64>, limit: usize) -> Result<DumpPage>;

    /// Returns the id and the digest ([`crate::record::digest`]) of every record, in the order of the ids' bytes.
    fn digests(&self) -> Result<Vec<(RecordId, [u8; 16])>>;

    /// Reads records whole, in the order of the ids; those that are not there are left out.
    fn dump(&self, ids: &[RecordId]) -> Result<Vec<DumpRecord>>;

    /// Puts records as they are, embeddings and metadata not merged but replaced, all or none; new ones go to the end.
    fn put(&self, records: Vec<DumpRecord>) -> Result<()>;

    /// Returns the records of a query in a collection of a file of this machine, where anything can be asked of them: the
    /// collection itself where it is in one, else a copy in a temporary file with the parts that are named.
    fn local(&self, among: &RecordQuery, include: Include) -> Result<LocalRecords> {
        let state = self.state()?;
        LocalRecords::copy(state.info(), &self.find(among, include)?)
    }

    /// Makes searches fast after many writes; does nothing where the place does so by itself.
    fn settle(&self) -> Result<()> {
        Ok(())
    }

    /// Indexes the words of all documents, existing and future, or drops that index; returns how many were indexed.
    fn index_documents(&self, on: bool) -> Result<u64>;

    /// Returns whether its settings call for an index of embeddings that it lacks: asked at the end of an import.
    fn index_is_due(&self) -> Result<bool> {
        Ok(false)
    }

    /// Builds the index of embeddings that searches of many records need, or extends it; `None` where there are no records,
    /// or where the place has one always.
    fn build_index(&self, threads: usize, watch: Watch) -> Result<Option<BuiltIndex>>;

    /// Returns whether its settings call for clusters that it lacks: asked at the end of an import.
    fn clusters_are_due(&self) -> Result<bool> {
        Ok(false)
    }

    /// Builds the clusters by which one question of a large collection reads little, or extends them; `None` where every
    /// record is compared always. A place that keeps no clusters refuses.
    fn build_clusters(&self, threads: usize, watch: Watch) -> Result<Option<BuiltIndex>>;

    /// Drops the clusters; returns how many rows they had, if there were any. A place that keeps no clusters refuses.
    fn drop_clusters(&self) -> Result<Option<u64>>;

    /// Drops that index; returns how many rows it had, if there was one.
    fn drop_index(&self) -> Result<Option<u64>>;

    /// Returns what there is to say of that index, by name; `None` where there is none.
    fn index_facts(&self) -> Result<Option<Vec<(&'static str, Json)>>>;

    /// Returns the collection, where the place is a file.
    fn file(&self) -> Option<&Collection> {
        None
    }
}

/// Returns about how many bytes a record takes in JSON.
pub(crate) fn bytes_of(record: &Record) -> usize {
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let metadata = record.metadata.iter().flat_map(Metadata::iter);
    let metadata: usize = metadata.map(|(key, value)| key.len() + value.to_string().len() + 6).sum();
    let embedding = record.embedding.as_ref().map_or(0, |embedding| embedding.len() * 16 / 3);
    64 + record.id.as_str().len() + text(&record.document) + text(&record.uri) + metadata + embedding
}
