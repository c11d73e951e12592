//! One collection in PostgreSQL: read, searched, written.
//!
//! Invariant: a handle holds no connection between two calls.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value as Json;
use uuid::Uuid;

use super::catalogue::{Entry, create, find, signed};
use super::doubt;
use super::facets;
use super::fault::Done;
use super::index::ToBuild;
use super::limits;
use super::pool::{Pool, Session};
use super::read::{both, by_ids, chosen, columns, kept, page, record};
use super::shard_graph::{build, drop_graph, graph_of};
use super::shard_server;
use super::state::PostgresState;
use super::words;
use super::write::Batch;
use crate::backend::{BuiltIndex, DumpPage, Only, Records, State, Which, only_in};
use crate::error::{Error, Result};
use crate::index::Watch;
use crate::ingest::{BatchOutcome, Existing, RowBatch, Target};
use crate::query::{Facet, Filter, KeyFacts, RecordPage, RecordQuery};
use crate::record::{
    CollectionInfo, CollectionName, DumpRecord, Fingerprint, IndexMode, MetadataPatch, RecordId, Scope,
};
use crate::store::{Change, CollectionChange, Effect, Form, Include, Mode, Rows, only_a_part};

/// Records from which on [`IndexMode::Auto`] has a graph built: to compare so many takes PostgreSQL a tenth of a second, where a
/// file takes a hundredth.
const AUTO_RECORDS: u64 = 100_000;

/// A collection.
pub(super) struct PostgresRecords {
    pool: Arc<Pool>,
    scope: Scope,
    which: Which,
    restriction: Option<Filter>,
    /// The name it was last seen with, where it is known by its identity.
    seen: Mutex<String>,
}

impl PostgresRecords {
    pub(super) fn new(pool: Arc<Pool>, scope: Scope, which: Which) -> Self {
        Self { pool, scope, which, restriction: None, seen: Mutex::default() }
    }

    fn require_all(&self) -> Result<()> {
        if self.restriction.is_none() { Ok(()) } else { Err(only_a_part()) }
    }

    /// PostgreSQL has no kind of index that would be clusters as a file keeps them.
    fn refuse_clusters<T>(&self) -> Result<T> {
        self.open()?;
        Err(only_in(self.pool.place(), Only::Served("--clusters")))
    }

    /// Takes one state.
    fn open(&self) -> Result<PostgresState> {
        let restriction = self.restriction.as_ref();
        let (snapshot, entry) = self.pool.snapshot(|session| {
            let mut entry = find(&self.pool, session, &self.scope, &self.which, false)?;
            doubt::settle(session, &mut entry)?;
            PostgresState::restrict(session, &mut entry, restriction)?;
            Ok(entry)
        })?;
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = entry.info.name.to_string();
        Ok(PostgresState::new(snapshot, entry, self.restriction.clone()))
    }

    /// Finds the collection for writing, and holds it until the transaction ends.
    fn hold(&self, session: &mut Session) -> Done<Entry> {
        let mut entry = find(&self.pool, session, &self.scope, &self.which, true)?;
        doubt::begin(&self.pool, session, &mut entry)?;
        Ok(entry)
    }

    /// Does work on changes to some ids, in one transaction that holds the collection.
    fn change<T>(
        &self,
        ids: &[RecordId],
        forms: &[(&RecordId, &Form)],
        mut work: impl FnMut(&mut Batch) -> Result<T>,
    ) -> Result<T> {
        self.require_all()?;
        self.pool.write(|session| {
            let entry = self.hold(session)?;
            let mut batch = Batch::read(session, entry, ids)?;
            batch.read_parts(session, forms.iter().copied())?;
            let done = work(&mut batch)?;
            batch.store(session)?;
            Ok(done)
        })
    }

    /// Asks of the records of a query that this handle shows, in one state; `ask` is given the table as well.
    fn asked<T>(
        &self,
        among: &RecordQuery,
        mut ask: impl FnMut(&mut Session, &str, &RecordQuery) -> Done<T>,
    ) -> Result<T> {
        let filter = both(among.filter.as_ref(), self.restriction.as_ref());
        let among = RecordQuery { ids: among.ids.clone(), filter, ..RecordQuery::default() };
        let (_, asked) = self.pool.snapshot(|session| {
            let entry = find(&self.pool, session, &self.scope, &self.which, false)?;
            ask(session, &entry.table(), &among)
        })?;
        Ok(asked)
    }

    /// Returns the ids of a query's records in an open transaction.
    fn ids_of(session: &mut Session, table: &str, query: &RecordQuery) -> Done<Vec<RecordId>> {
        let seqs = chosen(session, table, query, None)?;
        Ok(page(session, table, &seqs, Include::NONE)?.into_iter().map(|dump| dump.record.id).collect())
    }
}

fn check(change: &Change) -> Result<()> {
    let texts = [change.document.as_deref(), change.uri.as_deref()];
    limits::check(&change.id, texts, &change.metadata, change.embedding.as_deref())
}

/// Looks at how embeddings are made before changes that bring some.
fn begin(batch: &mut Batch, keep_embeddings: bool, embedded_by: Option<&Fingerprint>) -> Result<()> {
    if !keep_embeddings {
        batch.progress().require_embeddings();
    }
    embedded_by.map_or(Ok(()), |model| batch.take_embeddings_of(model))
}

impl Target for PostgresRecords {
    fn existing(&self) -> Result<Box<dyn Existing + '_>> {
        Ok(Box::new(self.open()?))
    }

    fn write_batch(&self, batch: RowBatch) -> Result<BatchOutcome> {
        let RowBatch { changes, mode, keep_embeddings, embedded_by } = batch;
        changes.iter().try_for_each(|(change, _)| check(change))?;
        let ids: Vec<RecordId> = changes.iter().map(|(change, _)| change.id.clone()).collect();
        let forms: Vec<(&RecordId, &Form)> = changes.iter().map(|(change, form)| (&change.id, form)).collect();
        self.change(&ids, &forms, |batch| {
            begin(batch, keep_embeddings, embedded_by.as_ref())?;
            // The work may have to be done once more.
            let effects = changes.iter().map(|(change, form)| batch.apply_form(change.clone(), form, mode));
            let effects = effects.collect::<Result<_>>()?;
            Ok(BatchOutcome { effects, removed: batch.progress().removed() })
        })
    }
}

impl Records for PostgresRecords {
    fn name(&self) -> String {
        match &self.which {
            Which::Name(name) => name.clone(),
            Which::Id(_) => self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    fn state(&self) -> Result<Box<dyn State>> {
        Ok(Box::new(self.open()?))
    }

    fn shards(&self) -> Result<Vec<String>> {
        self.pool.ask(|session| {
            let entry = find(&self.pool, session, &self.scope, &self.which, false)?;
            entry.layout.map_or_else(|| Ok(Vec::new()), |layout| layout.places(session))
        })
    }

    fn find(&self, query: &RecordQuery, include: Include) -> Result<RecordPage> {
        self.open()?.find(query, include)
    }

    fn distinct(&self, key: &str, among: &RecordQuery) -> Result<Vec<Facet>> {
        self.asked(among, |session, table, among| facets::distinct(session, table, key, among))
    }

    fn keys(&self, among: &RecordQuery) -> Result<Vec<KeyFacts>> {
        self.asked(among, facets::keys)
    }

    fn apply(&self, changes: Vec<Change>, mode: Mode) -> Result<Vec<Effect>> {
        changes.iter().try_for_each(check)?;
        let ids: Vec<RecordId> = changes.iter().map(|change| change.id.clone()).collect();
        self.change(&ids, &[], |batch| changes.iter().map(|change| batch.apply(change.clone(), mode)).collect())
    }

    fn update_where(
        &self,
        query: &RecordQuery,
        change: &dyn Fn(RecordId) -> Change,
        keep_embeddings: bool,
        embedded_by: Option<&Fingerprint>,
    ) -> Result<Vec<Effect>> {
        self.require_all()?;
        self.pool.write(|session| {
            let entry = self.hold(session)?;
            let ids = Self::ids_of(session, &entry.table(), query)?;
            let mut batch = Batch::read(session, entry, &ids)?;
            begin(&mut batch, keep_embeddings, embedded_by)?;
            let update = |id| {
                let change = change(id);
                check(&change)?;
                match batch.update_if(change, |_| true)? {
                    Effect::NeedsEmbedding => Err(Error::NoModel { collection: batch.info().name.to_string() }),
                    effect => Ok(effect),
                }
            };
            let effects = ids.into_iter().map(update).collect::<Result<_>>()?;
            batch.store(session)?;
            Ok(effects)
        })
    }

    fn delete_where(&self, query: &RecordQuery) -> Result<u64> {
        self.pool.write(|session| {
            let mut entry = self.hold(session)?;
            let table = entry.table();
            let seqs = chosen(session, &table, query, self.restriction.as_ref())?;
            // nosemgrep: sql-of-pieces -- the name of a table is no parameter, and made of its number
            let deleted = session.execute(&format!("delete from {table} where seq = any($1)"), &[&seqs])?;
            entry.records = entry.records.saturating_sub(deleted);
            entry.put(session)?;
            Ok(deleted)
        })
    }

    fn modify(&self, change: CollectionChange) -> Result<CollectionInfo> {
        self.require_all()?;
        self.pool.write(|session| {
            let mut entry = find(&self.pool, session, &self.scope, &self.which, true)?;
            change.check(&entry.info, &entry.counts())?;
            if let Some(new) = change.name.as_ref().filter(|new| **new != entry.info.name) {
                let which = Which::Name(new.to_string());
                if find(&self.pool, session, &self.scope, &which, false).is_ok() {
                    return Err(Error::CollectionExists { name: new.to_string() }.into());
                }
            }
            change.clone().apply_to(&mut entry.info);
            entry.put(session)?;
            Ok(entry.info)
        })
    }

    fn copy(&self, name: CollectionName) -> Result<CollectionInfo> {
        self.require_all()?;
        self.pool.write(|session| {
            let source = find(&self.pool, session, &self.scope, &self.which, true)?;
            let info = CollectionInfo { id: Uuid::new_v4(), name: name.clone(), ..source.info.clone() };
            let shards = source.layout.as_ref().map(|layout| layout.shards(session)).transpose()?;
            let mut copy = create(&self.pool, session, &self.scope, &info, shards.as_ref())?;
            let rest = "id, embedding, is_zero, embedded_here, document, uri, metadata, hash, terms, weights";
            // nosemgrep: sql-of-pieces -- the name of a table is no parameter, and made of its number
            copy.records = session.execute(
                &format!(
                    "insert into {} (seq, {rest}) select row_number() over (order by seq) - 1, {rest} from {}",
                    copy.table(),
                    source.table()
                ),
                &[],
            )?;
            copy.next = copy.records;
            copy.put(session)?;
            Ok(copy.info)
        })
    }

    fn only(&self, filter: Filter) -> Arc<dyn Records> {
        Arc::new(Self {
            pool: Arc::clone(&self.pool),
            scope: self.scope.clone(),
            which: self.which.clone(),
            restriction: Some(filter),
            seen: Mutex::new(self.name()),
        })
    }

    fn scan(&self, after: Option<u64>, limit: usize) -> Result<DumpPage> {
        let (after, most) = (after.map_or(-1, signed), signed(limit as u64));
        self.pool.ask(|session| {
            let entry = find(&self.pool, session, &self.scope, &self.which, false)?;
            let (table, restriction) = (entry.table(), self.restriction.as_ref());
            let rows: Vec<(i64, DumpRecord)> = if restriction.is_some() {
                let seqs = kept(session, &table, None, restriction)?.into_iter().filter(|seq| *seq > after);
                let seqs: Vec<i64> = seqs.take(limit).collect();
                let records = page(session, &table, &seqs, Include::ALL)?;
                seqs.into_iter().zip(records).collect()
            } else {
                let columns = columns(Include::ALL);
                let sql = format!("select {columns} from {table} where seq > $1 order by seq limit $2");
                session.rows(&sql, &[&after, &most])?.iter().map(record).collect::<Done<_>>()?
            };
            let next = rows.last().filter(|_| rows.len() == limit).and_then(|(seq, _)| u64::try_from(*seq).ok());
            Ok(DumpPage { records: rows.into_iter().map(|(_, dump)| dump).collect(), next })
        })
    }

    fn digests(&self) -> Result<Vec<(RecordId, [u8; 16])>> {
        self.pool.ask(|session| {
            let entry = find(&self.pool, session, &self.scope, &self.which, false)?;
            let table = entry.table();
            let restriction = self.restriction.as_ref();
            let seqs = restriction.map(|filter| kept(session, &table, None, Some(filter))).transpose()?;
            let sql = format!("select id, hash from {table} where $1::bigint[] is null or seq = any($1) order by id");
            let digest = |row: &postgres::Row| -> Done<_> {
                let (id, hash): (String, &[u8]) = (row.try_get(0)?, row.try_get(1)?);
                let damaged = |_| Error::damaged(format!("the digest of record {id:?} in PostgreSQL"));
                let hash = hash.try_into().map_err(damaged)?;
                Ok((RecordId::parse(id)?, hash))
            };
            session.rows(&sql, &[&seqs])?.iter().map(digest).collect()
        })
    }

    fn dump(&self, ids: &[RecordId]) -> Result<Vec<DumpRecord>> {
        let found = self.pool.ask(|session| {
            let entry = find(&self.pool, session, &self.scope, &self.which, false)?;
            by_ids(session, &entry.table(), ids, Include::ALL)
        })?;
        let shown = |dump: &DumpRecord| self.restriction.as_ref().is_none_or(|f| f.matches((&dump.record).into()));
        let found = found.into_iter().map(|(_, dump)| dump).filter(shown);
        let found: std::collections::HashMap<RecordId, DumpRecord> =
            found.map(|dump| (dump.record.id.clone(), dump)).collect();
        Ok(ids.iter().filter_map(|id| found.get(id).cloned()).collect())
    }

    fn put(&self, records: Vec<DumpRecord>) -> Result<()> {
        for DumpRecord { record, .. } in &records {
            let metadata = record.metadata.clone().map(MetadataPatch::from).unwrap_or_default();
            let texts = [record.document.as_deref(), record.uri.as_deref()];
            limits::check(&record.id, texts, &metadata, record.embedding.as_deref())?;
        }
        let ids: Vec<RecordId> = records.iter().map(|dump| dump.record.id.clone()).collect();
        self.change(&ids, &[], |batch| records.iter().try_for_each(|record| batch.put(record.clone())))
    }

    fn index_documents(&self, on: bool) -> Result<u64> {
        self.require_all()?;
        self.pool.write(|session| {
            let mut entry = find(&self.pool, session, &self.scope, &self.which, true)?;
            if entry.info.bm25 == on {
                return Ok(0);
            }
            entry.info.bm25 = on;
            entry.put(session)?;
            let mut documents = 0;
            for part in entry.parts() {
                documents += match &part.far {
                    None => words::index(session.client(), &part.table, on)?,
                    Some(far) => {
                        shard_server::work(session, &far.server, |client| words::index(client, &far.table, on))?
                    }
                };
            }
            Ok(documents)
        })
    }

    fn index_is_due(&self) -> Result<bool> {
        self.pool.ask(|session| {
            let entry = find(&self.pool, session, &self.scope, &self.which, false)?;
            let wants = match entry.info.index {
                IndexMode::Auto => entry.records >= AUTO_RECORDS,
                IndexMode::Hnsw => entry.records > 0,
                IndexMode::Flat => false,
            };
            Ok(wants && graph_of(session, &entry)?.is_none())
        })
    }

    fn build_index(&self, threads: usize, watch: Watch) -> Result<Option<BuiltIndex>> {
        self.require_all()?;
        let entry = self.pool.ask(|session| find(&self.pool, session, &self.scope, &self.which, false))?;
        let Some(dimension) = entry.info.dimension.filter(|_| entry.records > 0) else { return Ok(None) };
        let CollectionInfo { space, hnsw, .. } = entry.info;
        let table = entry.table();
        let what = ToBuild { table: &table, space, dimension, rows: entry.records, hnsw, threads, is_far: false };
        self.pool.ask(|session| {
            let built = self.pool.ask(|beside| build(session, beside, &entry, &what, watch))?;
            Ok(Some(built))
        })
    }

    fn build_clusters(&self, _threads: usize, _watch: Watch) -> Result<Option<BuiltIndex>> {
        self.refuse_clusters()
    }

    fn drop_clusters(&self) -> Result<Option<u64>> {
        self.refuse_clusters()
    }

    fn drop_index(&self) -> Result<Option<u64>> {
        self.require_all()?;
        self.pool.write(|session| {
            let entry = find(&self.pool, session, &self.scope, &self.which, true)?;
            Ok(drop_graph(session, &entry)?.map(|_| entry.records))
        })
    }

    fn index_facts(&self) -> Result<Option<Vec<(&'static str, Json)>>> {
        self.pool.ask(|session| {
            let entry = find(&self.pool, session, &self.scope, &self.which, false)?;
            let graph = graph_of(session, &entry)?;
            Ok(graph.map(|graph| graph.facts(entry.records, entry.info.hnsw)))
        })
    }
}
