//! A place whose reads are answered by a replica of it, as a standby of PostgreSQL is one.
//!
//! Invariants: what is written, what is read to be written again, and who may do what goes by the place itself; what the
//! replica lacks, or cannot say because it is down, is asked of the place itself.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use uuid::Uuid;

use super::database::{Backend, Which};
use super::local::LocalRecords;
use super::place::{Place, PlaceFacts};
use super::records::{BuiltIndex, DumpPage, Records};
use super::state::State;
use super::tokens::TokenStore;
use crate::error::{Error, ErrorKind, Result};
use crate::index::Watch;
use crate::ingest::{BatchOutcome, Existing, RowBatch, Target};
use crate::query::{Facet, Filter, KeyFacts, RecordPage, RecordQuery};
use crate::record::{
    CollectionInfo, CollectionName, Counts, DatabaseName, DumpRecord, Fingerprint, RecordId, Scope, TenantName,
};
use crate::store::{Change, CollectionChange, DatabaseInfo, Effect, Include, Mode, NewCollection};

/// How long a replica that failed is left alone.
const PAUSE: Duration = Duration::from_secs(2);

/// A place, and a replica that reads go to. What was written is found at the replica a little later.
#[derive(Clone)]
pub struct ReplicatedBackend {
    primary: Arc<dyn Backend>,
    replica: Arc<Replica>,
}

/// A collection of it.
struct ReplicatedRecords {
    primary: Arc<dyn Records>,
    replica: Arc<Replica>,
    scope: Scope,
    which: Which,
    /// What a token hides is hidden at the replica, too.
    only: Vec<Filter>,
}

/// Opens a replica.
type Open = dyn Fn() -> Result<Arc<dyn Backend>> + Send + Sync;

/// The replica, once it is reached, and whether it answers.
struct Replica {
    open: Box<Open>,
    tell: Box<dyn Fn(String) + Send + Sync>,
    state: Mutex<ReplicaState>,
}

#[derive(Default)]
struct ReplicaState {
    opened: Option<Arc<dyn Backend>>,
    /// Set while it is down: until when nobody asks it.
    paused_until: Option<Instant>,
}

impl Replica {
    fn state(&self) -> MutexGuard<'_, ReplicaState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the replica, and the place itself where the replica does not know or is down.
    fn read<A>(
        &self,
        of_replica: impl FnOnce(&Arc<dyn Backend>) -> Result<A>,
        of_primary: impl FnOnce() -> Result<A>,
    ) -> Result<A> {
        if !self.may_be_asked() {
            return of_primary();
        }
        match self.backend().and_then(|replica| of_replica(&replica)) {
            // It may have been made a moment ago.
            Err(Error::CollectionNotFound { .. } | Error::TenantNotFound { .. } | Error::DatabaseNotFound { .. }) => {
                self.answered(None);
                of_primary()
            }
            Err(error) if !matches!(error.kind(), ErrorKind::Input | ErrorKind::Interrupted) => {
                self.answered(Some(&error));
                of_primary()
            }
            answered => {
                self.answered(None);
                answered
            }
        }
    }

    /// Returns whether to ask it. After a pause one of those who ask finds out for the others.
    fn may_be_asked(&self) -> bool {
        let mut state = self.state();
        let may = state.paused_until.is_none_or(|end| Instant::now() >= end);
        if may && state.paused_until.is_some() {
            state.paused_until = Some(Instant::now() + PAUSE);
        }
        may
    }

    fn backend(&self) -> Result<Arc<dyn Backend>> {
        if let Some(opened) = &self.state().opened {
            return Ok(Arc::clone(opened));
        }
        let opened = (self.open)()?;
        self.state().opened = Some(Arc::clone(&opened));
        Ok(opened)
    }

    /// Takes in how it answered.
    fn answered(&self, failure: Option<&Error>) {
        let paused_until = failure.map(|_| Instant::now() + PAUSE);
        let was_down = std::mem::replace(&mut self.state().paused_until, paused_until).is_some();
        match failure {
            Some(error) if !was_down => {
                (self.tell)(format!("reads go to the primary, for the replica failed: {error}"));
            }
            None if was_down => (self.tell)("reads go to the replica again".into()),
            _ => {}
        }
    }
}

impl ReplicatedBackend {
    /// Takes a place, and what opens its replica, which is tried here and again whenever it is down; `tell` is told when reads
    /// leave the replica, and when they return.
    ///
    /// # Errors
    /// What is wrong with how the replica is named; that it is down is none.
    pub fn open(
        primary: Arc<dyn Backend>,
        open: impl Fn() -> Result<Arc<dyn Backend>> + Send + Sync + 'static,
        tell: impl Fn(String) + Send + Sync + 'static,
    ) -> Result<Self> {
        let replica = Replica { open: Box::new(open), tell: Box::new(tell), state: Mutex::default() };
        let opened = replica.backend();
        match opened {
            Err(error) if error.kind() == ErrorKind::Input => return Err(error),
            opened => replica.answered(opened.err().as_ref()),
        }
        Ok(Self { primary, replica: Arc::new(replica) })
    }

    fn read<A>(&self, ask: impl Fn(&(dyn Backend + 'static)) -> Result<A>) -> Result<A> {
        let of_replica = |replica: &Arc<dyn Backend>| ask(replica.in_scope(self.scope().clone()).as_ref());
        self.replica.read(of_replica, || ask(self.primary.as_ref()))
    }
}

impl ReplicatedRecords {
    fn read<A>(&self, ask: impl Fn(&(dyn Records + 'static)) -> Result<A>) -> Result<A> {
        let of_replica = |replica: &Arc<dyn Backend>| {
            let records = replica.in_scope(self.scope.clone()).collection(self.which.clone());
            let seen = self.only.iter().fold(records, |records, filter| records.only(filter.clone()));
            ask(seen.as_ref())
        };
        self.replica.read(of_replica, || ask(self.primary.as_ref()))
    }
}

impl Backend for ReplicatedBackend {
    fn place(&self) -> &Place {
        self.primary.place()
    }

    fn scope(&self) -> &Scope {
        self.primary.scope()
    }

    fn in_scope(&self, scope: Scope) -> Arc<dyn Backend> {
        Arc::new(Self { primary: self.primary.in_scope(scope), replica: Arc::clone(&self.replica) })
    }

    fn collection(&self, which: Which) -> Arc<dyn Records> {
        Arc::new(ReplicatedRecords {
            primary: self.primary.collection(which.clone()),
            replica: Arc::clone(&self.replica),
            scope: self.scope().clone(),
            which,
            only: Vec::new(),
        })
    }

    fn facts(&self) -> Result<PlaceFacts> {
        self.read(<dyn Backend>::facts)
    }

    fn tenants(&self) -> Result<Vec<String>> {
        self.read(<dyn Backend>::tenants)
    }

    fn create_tenant(&self, name: &TenantName) -> Result<()> {
        self.primary.create_tenant(name)
    }

    fn drop_tenant(&self, name: &str) -> Result<usize> {
        self.primary.drop_tenant(name)
    }

    fn databases(&self) -> Result<Vec<DatabaseInfo>> {
        self.read(<dyn Backend>::databases)
    }

    fn create_database(&self, name: &DatabaseName) -> Result<DatabaseInfo> {
        self.primary.create_database(name)
    }

    fn drop_database(&self, name: &str) -> Result<usize> {
        self.primary.drop_database(name)
    }

    fn collections(&self) -> Result<Vec<(CollectionInfo, Counts)>> {
        self.read(<dyn Backend>::collections)
    }

    /// What a collection is called decides who may see it.
    fn name_by_id(&self, id: Uuid) -> Result<Option<String>> {
        self.primary.name_by_id(id)
    }

    fn create_collection(&self, name: CollectionName, new: NewCollection) -> Result<CollectionInfo> {
        self.primary.create_collection(name, new)
    }

    fn adopt_collection(&self, info: CollectionInfo) -> Result<()> {
        self.primary.adopt_collection(info)
    }

    fn drop_collection(&self, name: &str) -> Result<(CollectionInfo, Counts)> {
        self.primary.drop_collection(name)
    }

    fn reset(&self) -> Result<()> {
        self.primary.reset()
    }

    fn tokens(&self) -> Result<&dyn TokenStore> {
        self.primary.tokens()
    }

    fn close(self: Arc<Self>) -> Result<()> {
        let Some(Self { primary, replica }) = Arc::into_inner(self) else { return Ok(()) };
        let opened = replica.state().opened.take();
        opened.map_or(Ok(()), Backend::close)?;
        primary.close()
    }
}

impl Target for ReplicatedRecords {
    fn existing(&self) -> Result<Box<dyn Existing + '_>> {
        self.primary.existing()
    }

    fn write_batch(&self, batch: RowBatch) -> Result<BatchOutcome> {
        self.primary.write_batch(batch)
    }
}

impl Records for ReplicatedRecords {
    fn name(&self) -> String {
        self.primary.name()
    }

    fn state(&self) -> Result<Box<dyn State>> {
        self.read(Records::state)
    }

    fn count(&self) -> Result<u64> {
        self.read(Records::count)
    }

    fn find(&self, query: &RecordQuery, include: Include) -> Result<RecordPage> {
        self.read(|records| records.find(query, include))
    }

    fn distinct(&self, key: &str, among: &RecordQuery) -> Result<Vec<Facet>> {
        self.read(|records| records.distinct(key, among))
    }

    fn keys(&self, among: &RecordQuery) -> Result<Vec<KeyFacts>> {
        self.read(|records| records.keys(among))
    }

    fn apply(&self, changes: Vec<Change>, mode: Mode) -> Result<Vec<Effect>> {
        self.primary.apply(changes, mode)
    }

    fn update_where(
        &self,
        query: &RecordQuery,
        change: &dyn Fn(RecordId) -> Change,
        keep_embeddings: bool,
        embedded_by: Option<&Fingerprint>,
    ) -> Result<Vec<Effect>> {
        self.primary.update_where(query, change, keep_embeddings, embedded_by)
    }

    fn delete_where(&self, query: &RecordQuery) -> Result<u64> {
        self.primary.delete_where(query)
    }

    fn modify(&self, change: CollectionChange) -> Result<CollectionInfo> {
        self.primary.modify(change)
    }

    fn copy(&self, name: CollectionName) -> Result<CollectionInfo> {
        self.primary.copy(name)
    }

    fn only(&self, filter: Filter) -> Arc<dyn Records> {
        let Self { primary, replica, scope, which, only } = self;
        let only = only.iter().cloned().chain([filter.clone()]).collect();
        let (scope, which) = (scope.clone(), which.clone());
        Arc::new(Self { primary: primary.only(filter), replica: Arc::clone(replica), scope, which, only })
    }

    fn scan(&self, after: Option<u64>, limit: usize) -> Result<DumpPage> {
        self.primary.scan(after, limit)
    }

    fn digests(&self) -> Result<Vec<(RecordId, [u8; 16])>> {
        self.primary.digests()
    }

    fn dump(&self, ids: &[RecordId]) -> Result<Vec<DumpRecord>> {
        self.primary.dump(ids)
    }

    fn put(&self, records: Vec<DumpRecord>) -> Result<()> {
        self.primary.put(records)
    }

    fn local(&self, among: &RecordQuery, include: Include) -> Result<LocalRecords> {
        self.read(|records| records.local(among, include))
    }

    fn settle(&self) -> Result<()> {
        self.primary.settle()
    }

    fn index_documents(&self, on: bool) -> Result<u64> {
        self.primary.index_documents(on)
    }

    fn index_is_due(&self) -> Result<bool> {
        self.primary.index_is_due()
    }

    fn build_index(&self, threads: usize, watch: Watch) -> Result<Option<BuiltIndex>> {
        self.primary.build_index(threads, watch)
    }

    fn clusters_are_due(&self) -> Result<bool> {
        self.primary.clusters_are_due()
    }

    fn build_clusters(&self, threads: usize, watch: Watch) -> Result<Option<BuiltIndex>> {
        self.primary.build_clusters(threads, watch)
    }

    fn drop_clusters(&self) -> Result<Option<u64>> {
        self.primary.drop_clusters()
    }

    fn drop_index(&self) -> Result<Option<u64>> {
        self.primary.drop_index()
    }

    fn index_facts(&self) -> Result<Option<Vec<(&'static str, Json)>>> {
        self.read(Records::index_facts)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::record::MetadataPatch;
    use crate::store::{Access, Store};

    /// Two files, of which the second stands for a replica that is behind.
    fn pair() -> (tempfile::TempDir, [Store; 2], ReplicatedBackend, Arc<Mutex<Vec<String>>>) {
        let folder = tempfile::tempdir().unwrap();
        let open = |name: &str| Store::open_in_test(folder.path().join(name), Access::Create).unwrap();
        let stores = [open("primary.redb"), open("replica.redb")];
        let told = Arc::new(Mutex::new(Vec::new()));
        let telling = Arc::clone(&told);
        let (primary, replica) = (stores[0].clone(), stores[1].clone());
        let open = move || Ok(replica.clone().into());
        let place = ReplicatedBackend::open(primary.into(), open, move |line| telling.lock().unwrap().push(line));
        (folder, stores, place.unwrap(), told)
    }

    fn change(id: &str) -> Change {
        let (id, embedding, metadata) = (RecordId::parse(id).unwrap(), Some(vec![1.0, 0.0]), MetadataPatch::default());
        Change { id, embedding, embedded_here: false, document: None, uri: None, metadata }
    }

    #[test]
    fn reads_go_to_the_replica_and_writes_to_the_primary() {
        let (_folder, stores, place, told) = pair();
        let info = place.create_collection(CollectionName::parse("notes").unwrap(), NewCollection::default()).unwrap();
        let notes = place.collection("notes".into());
        notes.apply(vec![change("a"), change("b")], Mode::Add).unwrap();
        assert_eq!(notes.count().unwrap(), 2, "the replica has no such collection yet");
        stores[1].adopt_collection(info.clone()).unwrap();
        stores[1].collection("notes").unwrap().add([change("a")]).unwrap();
        assert_eq!(notes.count().unwrap(), 1, "the replica is behind");
        assert_eq!(place.collection(info.id.into()).state().unwrap().counts().records, 1);
        assert!(notes.existing().unwrap().exists(&RecordId::parse("b").unwrap()).unwrap(), "for what is written");
        assert_eq!(notes.delete_where(&RecordQuery::default()).unwrap(), 2);
        let none = notes.only(Filter::parse("#id = 'b'").unwrap());
        assert_eq!((notes.count().unwrap(), none.count().unwrap()), (1, 0));
        assert_eq!(*told.lock().unwrap(), [""; 0]);
    }

    #[test]
    fn a_replica_that_is_down_is_left_alone_for_a_while() {
        let (_folder, _stores, place, told) = pair();
        let asked = Mutex::new(Vec::new());
        let read = |is_down: bool| {
            place.read(|place| {
                let name = place.place().to_string();
                let is_replica = name.ends_with("replica.redb");
                asked.lock().unwrap().push(if is_replica { "replica" } else { "primary" });
                if is_replica && is_down { Err(Error::io("ask", io::Error::other("gone"))) } else { Ok(()) }
            })
        };
        read(false).unwrap();
        read(true).unwrap();
        read(true).unwrap();
        assert_eq!(asked.lock().unwrap().split_off(0), ["replica", "replica", "primary", "primary"]);
        // The pause is over.
        place.replica.state().paused_until = Some(Instant::now());
        read(true).unwrap();
        read(true).unwrap();
        assert_eq!(asked.lock().unwrap().split_off(0), ["replica", "primary", "primary"]);
        place.replica.state().paused_until = Some(Instant::now());
        read(false).unwrap();
        read(false).unwrap();
        assert_eq!(asked.lock().unwrap().split_off(0), ["replica", "replica"]);
        let told = told.lock().unwrap();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].ends_with("cannot ask") && told[1].ends_with("again"), "{told:?}");
    }
    #[test]
    fn a_replica_that_is_down_at_the_start_is_taken_once_it_is_there() {
        let (folder, [primary, replica], _, _) = pair();
        let told = Arc::new(Mutex::new(Vec::new()));
        let telling = Arc::clone(&told);
        let is_there = Arc::new(Mutex::new(false));
        let looks = Arc::clone(&is_there);
        let open = move || {
            let gone = || Error::io("connect", io::Error::other("gone"));
            looks.lock().unwrap().then(|| replica.clone().into()).ok_or_else(gone)
        };
        let tell = move |line| telling.lock().unwrap().push(line);
        let place = ReplicatedBackend::open(primary.clone().into(), open, tell).unwrap();
        primary.create_tenant(&TenantName::parse("acme").unwrap()).unwrap();
        assert_eq!(place.tenants().unwrap(), ["acme", "default_tenant"]);
        *is_there.lock().unwrap() = true;
        place.replica.state().paused_until = Some(Instant::now());
        assert_eq!(place.tenants().unwrap(), ["default_tenant"]);
        assert_eq!(told.lock().unwrap().len(), 2);
        let nonsense = || Err(Error::argument("no address"));
        assert!(ReplicatedBackend::open(primary.into(), nonsense, |_| {}).is_err());
        drop(folder);
    }
}
