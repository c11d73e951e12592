//! A file as a place: the store as it is.
//!
//! Only calls on. Invariant: what is answered here is what every other place is measured against.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::database::{Backend, Which};
use super::local::LocalRecords;
use super::place::{Place, PlaceFacts};
use super::records::{BuiltIndex, DumpPage, Records};
use super::state::State;
use super::tokens::TokenStore;
use super::write::{Write, WriteTask};
use crate::error::{Error, Result};
use crate::index::{
    Built, BuiltClusters, Watch, build_clusters, build_graph, clusters_are_due, graph_is_due, walk_graph,
};
use crate::query::{Answer, Facet, Filter, KeyFacts, Query, RecordPage, RecordQuery};
use crate::record::{
    CollectionInfo, CollectionName, Counts, DatabaseName, DumpRecord, Fingerprint, Ordinal, RecordId, Scope,
    TenantName, digest,
};
use crate::store::{
    Change, Collection, CollectionChange, DatabaseInfo, Effect, GraphEntry, Include, Mode, NewCollection, Outcome,
    PendingWrite, Store, TermKind, View,
};

/// A file.
#[derive(Clone)]
pub struct FileBackend {
    store: Store,
    place: Place,
}

impl FileBackend {
    /// Takes an open file.
    #[must_use]
    pub fn new(store: Store) -> Self {
        let place = Place::File(PathBuf::from(store.path()));
        Self { store, place }
    }
}

/// A file is a place by itself.
impl From<Store> for Arc<dyn Backend> {
    fn from(store: Store) -> Self {
        Arc::new(FileBackend::new(store))
    }
}

impl Backend for FileBackend {
    fn place(&self) -> &Place {
        &self.place
    }

    fn scope(&self) -> &Scope {
        self.store.scope()
    }

    fn in_scope(&self, scope: Scope) -> Arc<dyn Backend> {
        Arc::new(Self { store: self.store.in_scope(scope), place: self.place.clone() })
    }

    fn collection(&self, which: Which) -> Arc<dyn Records> {
        Arc::new(match which {
            Which::Name(name) => self.store.collection_by_name(&name),
            Which::Id(id) => self.store.collection_by_id(id),
        })
    }

    fn file(&self) -> Option<&Store> {
        Some(&self.store)
    }

    fn facts(&self) -> Result<PlaceFacts> {
        let file = self.store.file_facts()?;
        Ok(PlaceFacts {
            id: Some(file.id),
            made_by: file.created_by.clone(),
            format: Some(file.format),
            bytes: Some(file.bytes),
            collections: file.collections,
            records: file.records,
            more: Vec::new(),
            file: Some(file),
        })
    }

    fn tenants(&self) -> Result<Vec<String>> {
        self.store.tenants()
    }

    fn create_tenant(&self, name: &TenantName) -> Result<()> {
        self.store.create_tenant(name)
    }

    fn drop_tenant(&self, name: &str) -> Result<usize> {
        self.store.drop_tenant(name)
    }

    fn databases(&self) -> Result<Vec<DatabaseInfo>> {
        self.store.databases()
    }

    fn create_database(&self, name: &DatabaseName) -> Result<DatabaseInfo> {
        self.store.create_database(name)
    }

    fn drop_database(&self, name: &str) -> Result<usize> {
        self.store.drop_database(name)
    }

    fn collections(&self) -> Result<Vec<(CollectionInfo, Counts)>> {
        self.store.collections()
    }

    fn name_by_id(&self, id: Uuid) -> Result<Option<String>> {
        self.store.name_by_id(id)
    }

    fn create_collection(&self, name: CollectionName, new: NewCollection) -> Result<CollectionInfo> {
        self.store.create_collection(name, new)
    }

    fn adopt_collection(&self, info: CollectionInfo) -> Result<()> {
        self.store.adopt_collection(info)
    }

    fn drop_collection(&self, name: &str) -> Result<(CollectionInfo, Counts)> {
        self.store.drop_collection(name)
    }

    fn write_together(&self, writes: Vec<Write>) -> Vec<Result<Outcome>> {
        let (mut pending, mut refused) = (Vec::new(), Vec::new());
        for write in writes {
            refused.push(match to_pending(write) {
                Ok(write) => {
                    pending.push(write);
                    None
                }
                Err(error) => Some(error),
            });
        }
        let mut outcomes = self.store.write_together(pending).into_iter();
        refused
            .into_iter()
            .filter_map(|error| error.map_or_else(|| outcomes.next(), |error| Some(Err(error))))
            .collect()
    }

    fn reset(&self) -> Result<()> {
        self.store.reset()
    }

    fn tokens(&self) -> Result<&dyn TokenStore> {
        Ok(&self.store)
    }

    fn close(self: Arc<Self>) -> Result<()> {
        Arc::into_inner(self).map_or(Ok(()), |file| file.store.close())
    }
}

fn to_pending(Write { records, task }: Write) -> Result<PendingWrite> {
    let collection = records.file().ok_or_else(|| Error::argument("a write to another place than this file"))?;
    match task {
        WriteTask::Apply(changes, mode) => Ok(collection.to_apply(changes, mode)),
        WriteTask::Delete(query) => collection.to_delete(&query),
    }
}

impl Records for Collection {
    fn name(&self) -> String {
        self.name().to_owned()
    }

    fn state(&self) -> Result<Box<dyn State>> {
        Ok(Box::new(self.view()?))
    }

    fn find(&self, query: &RecordQuery, include: Include) -> Result<RecordPage> {
        self.find(query, include)
    }

    fn distinct(&self, key: &str, among: &RecordQuery) -> Result<Vec<Facet>> {
        self.distinct(key, among)
    }

    fn keys(&self, among: &RecordQuery) -> Result<Vec<KeyFacts>> {
        self.keys(among)
    }

    fn apply(&self, changes: Vec<Change>, mode: Mode) -> Result<Vec<Effect>> {
        self.apply(changes, mode)
    }

    fn update_where(
        &self,
        query: &RecordQuery,
        change: &dyn Fn(RecordId) -> Change,
        keep_embeddings: bool,
        embedded_by: Option<&Fingerprint>,
    ) -> Result<Vec<Effect>> {
        self.update_where(query, change, keep_embeddings, embedded_by)
    }

    fn delete_where(&self, query: &RecordQuery) -> Result<u64> {
        self.delete_where(query)
    }

    fn modify(&self, change: CollectionChange) -> Result<CollectionInfo> {
        self.modify(change)
    }

    fn copy(&self, name: CollectionName) -> Result<CollectionInfo> {
        self.copy(name)
    }

    fn only(&self, filter: Filter) -> Arc<dyn Records> {
        Arc::new(self.only(filter))
    }

    fn scan(&self, after: Option<u64>, limit: usize) -> Result<DumpPage> {
        let view = self.view()?;
        let mut live = view.live();
        live.remove_range(..after.map_or(0, |after| after + 1));
        let ordinals: Vec<u64> = live.iter().take(limit).collect();
        let next = if ordinals.len() == limit { ordinals.last().copied() } else { None };
        let records = ordinals.into_iter().map(|ordinal| view.dump(Ordinal(ordinal))).collect::<Result<_>>()?;
        Ok(DumpPage { records, next })
    }

    fn digests(&self) -> Result<Vec<(RecordId, [u8; 16])>> {
        let view = self.view()?;
        let each = |ordinal| {
            let record = view.record(Ordinal(ordinal), Include::ALL)?;
            let digest = digest(&record);
            Ok((record.id, digest))
        };
        let mut digests = view.live().iter().map(each).collect::<Result<Vec<_>>>()?;
        digests.sort_unstable_by(|a, b| a.0.as_str().cmp(b.0.as_str()));
        Ok(digests)
    }

    fn dump(&self, ids: &[RecordId]) -> Result<Vec<DumpRecord>> {
        let view = self.view()?;
        let found = ids.iter().filter_map(|id| view.ordinal(id).transpose());
        found.map(|ordinal| view.dump(ordinal?)).collect()
    }

    fn put(&self, records: Vec<DumpRecord>) -> Result<()> {
        self.put(records)
    }

    fn local(&self, among: &RecordQuery, _include: Include) -> Result<LocalRecords> {
        Ok(LocalRecords::of(self.clone(), among.clone()))
    }

    fn settle(&self) -> Result<()> {
        self.settle()
    }

    fn index_documents(&self, on: bool) -> Result<u64> {
        self.index_documents(on)
    }

    fn index_is_due(&self) -> Result<bool> {
        Ok(graph_is_due(&self.view()?))
    }

    fn build_index(&self, threads: usize, watch: Watch) -> Result<Option<BuiltIndex>> {
        let built = build_graph(self, threads, watch)?;
        let dimension = self.view()?.info().dimension.unwrap_or(0);
        Ok(built.map(|Built { graph, added, extended }| BuiltIndex {
            rows: graph.rows,
            added,
            extended,
            recall: graph.recall,
            is_used: GraphEntry::is_used(graph.recall, dimension),
        }))
    }

    fn clusters_are_due(&self) -> Result<bool> {
        Ok(clusters_are_due(&self.view()?))
    }

    fn build_clusters(&self, threads: usize, watch: Watch) -> Result<Option<BuiltIndex>> {
        let built = build_clusters(self, threads, watch)?;
        let dimension = self.view()?.info().dimension.unwrap_or(0);
        Ok(built.map(|BuiltClusters { clusters, added, extended }| BuiltIndex {
            rows: clusters.rows,
            added,
            extended,
            recall: clusters.recall(),
            is_used: clusters.is_used(dimension),
        }))
    }

    fn drop_clusters(&self) -> Result<Option<u64>> {
        Ok(self.drop_clusters()?.map(|clusters| clusters.rows))
    }

    fn drop_index(&self) -> Result<Option<u64>> {
        Ok(self.drop_graph()?.map(|graph| graph.rows))
    }

    fn index_facts(&self) -> Result<Option<Vec<(&'static str, Json)>>> {
        let view = self.view()?;
        let clusters = clusters_facts(&view)?;
        let Some(graph) = view.graph() else { return Ok(Some(clusters).filter(|facts| !facts.is_empty())) };
        let state = match walk_graph(&view, 1) {
            Ok(_) => "whole".to_owned(),
            Err(error) => error.to_string(),
        };
        let recall = graph.recall.map_or_else(|| "not measured".to_owned(), |recall| format!("{recall:.4}"));
        let hnsw = view.info().hnsw;
        let facts = vec![
            ("vectors", json!(graph.rows)),
            ("not_covered", json!(view.end().0.saturating_sub(graph.covers_until))),
            ("out_of_date", json!(view.stale()?.len())),
            ("deleted", json!(view.dead().range_cardinality(..graph.covers_until))),
            ("recall", json!(recall)),
            ("size", json!(graph.bytes)),
            ("chunks", json!(graph.chunks)),
            ("build", json!(graph.epoch)),
            ("ef_construction", json!(hnsw.ef_construction)),
            ("ef_search", json!(hnsw.ef_search)),
            ("max_neighbors", json!(hnsw.max_neighbors)),
            ("state", json!(state)),
        ];
        Ok(Some(facts.into_iter().chain(clusters).collect()))
    }

    fn file(&self) -> Option<&Collection> {
        Some(self)
    }
}

/// Returns what there is to say of the clusters of a collection: nothing where there are none.
fn clusters_facts(view: &View) -> Result<Vec<(&'static str, Json)>> {
    let Some(clusters) = view.clusters() else { return Ok(Vec::new()) };
    let (moved, state) = match view.rows_moved() {
        Ok(moved) => (moved.len(), "whole".to_owned()),
        Err(error @ Error::Damaged { .. }) => (0, error.to_string()),
        Err(error) => return Err(error),
    };
    let recall = clusters.recall().map_or_else(|| "not measured".to_owned(), |recall| format!("{recall:.4}"));
    Ok(vec![
        ("clusters", json!(clusters.clusters)),
        ("clustered", json!(clusters.rows)),
        ("clusters_not_covered", json!(view.end().0.saturating_sub(clusters.covers_until))),
        ("clusters_out_of_date", json!(moved)),
        ("clusters_recall", json!(recall)),
        ("clusters_read", json!(format!("{:.1} %", clusters.levels[0].share * 100.0))),
        ("clusters_size", json!(clusters.bytes)),
        ("clusters_state", json!(state)),
    ])
}

impl State for View {
    fn counts(&self) -> Counts {
        self.counts()
    }

    fn version(&self) -> u64 {
        self.version()
    }

    fn is_restricted(&self) -> bool {
        self.is_restricted()
    }

    fn query(&self, query: &Query) -> Result<Answer> {
        self.query(query)
    }

    fn key_kinds(&self) -> Result<Vec<(String, Vec<TermKind>)>> {
        self.key_kinds()
    }

    fn view(&self) -> Option<&View> {
        Some(self)
    }
}
