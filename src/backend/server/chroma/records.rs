//! A collection of a Chroma server: read page by page, written in batches of what the server takes.
//!
//! Invariant: whatever is found comes in Chroma's order, which is that of insertion.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value as Json, json};
use ureq::http::Method;
use uuid::Uuid;

use super::quota::Quota;
use super::select::Pushed;
use super::state::ChromaState;
use super::word_index::{WordIndex, schema};
use super::writing::{Touched, through_copy};
use crate::backend::protocol::ReadReply;
use crate::backend::server::connection::{About, Connection};
use crate::backend::server::page::{ByIds, FoundRecords, only};
use crate::backend::{BuiltIndex, DumpPage, LocalRecords, Records, State, Which};
use crate::embed::model_of;
use crate::error::{Error, Result};
use crate::index::Watch;
use crate::ingest::{BatchOutcome, Existing, RowBatch, Target};
use crate::input::chroma::found::Noticed;
use crate::input::chroma::values::LeftOut;
use crate::input::chroma::wire::{CollectionJson, FEW, SentRecord, count_of, info_of, path_of, read_page};
use crate::input::http::{Repeat, escaped};
use crate::query::{Filter, PageSource, RecordPage, RecordQuery};
use crate::record::{
    CollectionInfo, CollectionName, DumpRecord, EmbeddingFunction, Fingerprint, Record, RecordId, Scope, digest,
};
use crate::store::{Change, CollectionChange, Effect, Include, NewCollection};

/// A collection of a Chroma server.
#[derive(Clone)]
pub(in crate::backend::server) struct ChromaRecords {
    pub(super) connection: Arc<Connection>,
    pub(super) scope: Scope,
    which: Which,
    /// The only records there are to whoever has the handle.
    pub(super) only: Option<Filter>,
    known: Arc<Mutex<Option<Seen>>>,
}

/// What was last seen of it.
#[derive(Clone)]
struct Seen {
    id: Uuid,
    name: String,
    /// The metadata key of the vectors of its words.
    words: Option<String>,
}

/// A collection as Chroma describes it.
pub(in crate::backend::server) struct Described {
    pub(in crate::backend::server) info: CollectionInfo,
    /// Metadata keys that Chroma has seen in it.
    pub(super) keys: Vec<String>,
    /// How its words are found.
    pub(super) words: WordIndex,
}

impl ChromaRecords {
    pub(in crate::backend::server) fn new(connection: Arc<Connection>, scope: Scope, which: Which) -> Self {
        Self { connection, scope, which, only: None, known: Arc::default() }
    }

    fn seen(&self) -> Option<Seen> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks what the collection is.
    pub(in crate::backend::server) fn described(&self) -> Result<Described> {
        let rest = match &self.which {
            Which::Name(name) => escaped(name),
            Which::Id(id) => format!("by-id/{id}"),
        };
        let name = self.name();
        let path = format!("{}/collections/{rest}", path_of(&self.scope));
        let json: CollectionJson = self.connection.get(&path, self.about(&name))?;
        let described = describe(&self.connection, &json)?;
        let seen = Seen {
            id: described.info.id,
            name: described.info.name.to_string(),
            words: described.words.key().map(str::to_owned),
        };
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
        Ok(described)
    }

    fn about<'a>(&'a self, name: &'a str) -> About<'a> {
        About { scope: &self.scope, collection: Some(name) }
    }

    fn id(&self) -> Result<Uuid> {
        match (&self.which, self.seen()) {
            (Which::Id(id), _) => Ok(*id),
            (Which::Name(_), Some(seen)) => Ok(seen.id),
            (Which::Name(_), None) => Ok(self.described()?.info.id),
        }
    }

    /// Returns the metadata key of the vectors of its words, which are no part of what a record says.
    pub(super) fn words(&self) -> Result<Option<String>> {
        match self.seen() {
            Some(seen) => Ok(seen.words),
            None => Ok(self.described()?.words.key().map(str::to_owned)),
        }
    }

    /// Sends a body to a route of the collection, of which the same may be sent twice.
    pub(super) fn post(&self, route: &str, body: &Json) -> Result<Vec<u8>> {
        let path = format!("{}/collections/{}/{route}", path_of(&self.scope), self.id()?);
        let name = self.name();
        let answer = self.connection.http.post(&path, body)?;
        if answer.is_done() { Ok(answer.body) } else { Err(self.connection.refused(&answer, self.about(&name))) }
    }

    pub(super) fn quota(&self) -> Result<Quota> {
        self.connection.quota()
    }

    pub(in crate::backend::server) fn counted(&self) -> Result<u64> {
        match self.only {
            Some(_) => Ok(self.chosen(&RecordQuery::default())?.len() as u64),
            None => count_of(&self.connection.http, &self.scope, self.id()?),
        }
    }

    /// Asks for one page of records.
    pub(super) fn page(
        &self,
        fields: &[(&'static str, Json)],
        offset: usize,
        limit: usize,
        include: Include,
    ) -> Result<Vec<Record>> {
        let mut body: Map<String, Json> =
            fields.iter().map(|(name, json)| ((*name).to_owned(), json.clone())).collect();
        body.insert("offset".into(), offset.into());
        body.insert("limit".into(), limit.into());
        body.insert("include".into(), include_of(include));
        let answer = self.post("get", &Json::Object(body))?;
        let mut records = records_of(&self.connection, &answer, limit)?;
        if let Some(key) = self.words()?.filter(|_| include.metadatas) {
            for record in &mut records {
                record.metadata.iter_mut().for_each(|metadata| metadata.remove(&key));
                record.metadata = record.metadata.take().filter(|metadata| !metadata.is_empty());
            }
        }
        Ok(records)
    }

    /// Visits the records of a query's page in Chroma's order, with the parts that are asked for and those that decide.
    fn visit(&self, query: &RecordQuery, include: Include, see: &mut dyn FnMut(Record)) -> Result<()> {
        let mut skip = query.offset;
        let mut left = query.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let filter = match (self.only.clone(), query.filter.clone()) {
            (Some(only), Some(filter)) => Some(only.and(filter)),
            (only, filter) => only.or(filter),
        };
        let query = RecordQuery { filter, ids: query.ids.clone(), ..RecordQuery::default() };
        let quota = self.quota()?;
        let pushed = Pushed::of(&query, quota.tests);
        let ids: HashSet<&RecordId> =
            if pushed.tests_ids { query.ids.iter().flatten().collect() } else { HashSet::new() };
        let documents = pushed.left.as_ref().is_some_and(Filter::needs_document);
        let texts = pushed.left.is_some();
        let wanted = Include {
            documents: include.documents || documents,
            metadatas: include.metadatas || texts,
            uris: include.uris || texts,
            embeddings: include.embeddings,
        };
        let mut offset = 0;
        if !pushed.tests() {
            offset = usize::try_from(std::mem::take(&mut skip)).unwrap_or(usize::MAX);
        }
        while left > 0 {
            let most = if pushed.tests() { quota.results } else { quota.results.min(left) };
            let page = self.page(&pushed.fields, offset, most, wanted)?;
            let got = page.len();
            for record in page {
                if left == 0 || !pushed.keeps(&record) || pushed.tests_ids && !ids.contains(&record.id) {
                    continue;
                }
                if skip > 0 {
                    skip -= 1;
                    continue;
                }
                left -= 1;
                see(record);
            }
            if got < most {
                break;
            }
            offset += got;
        }
        Ok(())
    }

    /// Returns the records of a query's page, in Chroma's order.
    pub(super) fn all(&self, query: &RecordQuery, include: Include) -> Result<Vec<Record>> {
        let mut all = Vec::new();
        self.visit(query, include, &mut |record| all.push(only(record, include)))?;
        Ok(all)
    }

    /// Returns the ids of a query in its order, of its page alone.
    fn chosen(&self, query: &RecordQuery) -> Result<Vec<RecordId>> {
        if query.sort.is_some() {
            let metadatas = Include { metadatas: true, ..Include::NONE };
            let among = RecordQuery { sort: None, offset: 0, limit: None, ..query.clone() };
            let local =
                LocalRecords::copy_of(&self.described()?.info, self.all(&among, metadatas)?.into_iter().map(Ok))?;
            let page = RecordQuery { ids: None, filter: None, ..query.clone() };
            return local.collection.find(&page, Include::NONE)?.ids().collect();
        }
        let mut ids = Vec::new();
        self.visit(query, Include::NONE, &mut |record| ids.push(record.id))?;
        Ok(ids)
    }

    fn refuse<T>(&self, what: &str) -> Result<T> {
        self.refuse_for(what, "a file, on PostgreSQL or on a huedb server")
    }

    fn refuse_clusters<T>(&self) -> Result<T> {
        self.described()?;
        self.refuse_for("--clusters", "a file or on a huedb server")
    }

    fn refuse_for<T>(&self, what: &str, places: &str) -> Result<T> {
        let why = format!("{what} works on {places}; {} is a Chroma server", self.connection.place);
        let hint = Some("`huedb pull` brings a collection into a file, and `huedb push` takes it back".into());
        Err(Error::InvalidArgument { why, hint })
    }

    fn require_all(&self) -> Result<()> {
        if self.only.is_none() {
            return Ok(());
        }
        Err(Error::argument("a part of a collection can be read and deleted from, and written to in no other way"))
    }
}

/// Says what a collection is here: asked and filled by the built-in model where Chroma's clients do so by theirs.
pub(in crate::backend::server) fn describe(connection: &Connection, json: &CollectionJson) -> Result<Described> {
    let (function, mut keys, words) = (json.function(), json.keys(), WordIndex::of(json));
    keys.retain(|key| words.key() != Some(key.as_str()));
    let mut info = info_of(&connection.http, json, &mut Noticed::default())?;
    info.client.embedding_function = function;
    info.embedder = model_of(&info);
    info.dimension = info.dimension.or(info.embedder.as_ref().map(|model| model.dimension));
    info.bm25 = words.key().is_some();
    Ok(Described { info, keys, words })
}

/// Returns Chroma's names of parts.
fn include_of(include: Include) -> Json {
    let parts = [
        ("documents", include.documents),
        ("metadatas", include.metadatas),
        ("uris", include.uris),
        ("embeddings", include.embeddings),
    ];
    parts.iter().filter(|(_, wanted)| *wanted).map(|(name, _)| *name).collect()
}

/// Reads the records of an answer.
fn records_of(connection: &Connection, answer: &[u8], most: usize) -> Result<Vec<Record>> {
    let page = read_page(&connection.http, answer, most.max(FEW), &mut LeftOut::default())?;
    let record = |SentRecord { id, embedding, said }: SentRecord| {
        let metadata = Some(said.metadata).filter(|metadata| !metadata.is_empty());
        Ok(Record { id: RecordId::parse(id)?, embedding, document: said.document, uri: said.uri, metadata })
    };
    page.into_iter().map(record).collect()
}

/// Returns what is sent to make a collection.
pub(in crate::backend::server) fn creation(name: &CollectionName, new: &NewCollection) -> Result<Json> {
    if let Some(sparse) = &new.sparse {
        let why = format!("a Chroma server does not keep that documents are weighed by {}", sparse.model.model);
        return Err(Error::argument(why));
    }
    if let Some(model) = new
        .embedder
        .as_ref()
        .filter(|_| EmbeddingFunction::of(new.embedder.as_ref()) == Some(EmbeddingFunction::Unknown))
    {
        let why = format!("a Chroma server does not keep that a collection is embedded by {}", model.model);
        let hint = Some("make it without a model and give embeddings, or with the built-in model".into());
        return Err(Error::InvalidArgument { why, hint });
    }
    let function = new.client.embedding_function.clone();
    let function = function.or_else(|| EmbeddingFunction::of(new.embedder.as_ref()).map(EmbeddingFunction::to_json));
    if new.bm25 {
        let schema = schema(new.space.as_str(), function);
        return Ok(json!({ "name": name, "metadata": new.metadata, "schema": schema }));
    }
    let mut hnsw = json!({
        "space": new.space.as_str(), "ef_construction": new.hnsw.ef_construction, "ef_search": new.hnsw.ef_search,
        "max_neighbors": new.hnsw.max_neighbors,
    });
    if let (Ok(Json::Object(more)), Some(hnsw)) = (serde_json::to_value(new.chroma), hnsw.as_object_mut()) {
        hnsw.extend(more);
    }
    Ok(json!({
        "name": name, "metadata": new.metadata, "configuration": { "hnsw": hnsw, "embedding_function": function },
    }))
}

impl ByIds for ChromaRecords {
    fn read(&self, ids: &[RecordId], include: Include) -> Result<ReadReply> {
        let ids = ids.get(..ids.len().min(self.quota()?.results)).unwrap_or_default();
        let found = self.page(&[("ids", json!(ids))], 0, ids.len(), include)?;
        let mut found: HashMap<RecordId, Record> =
            found.into_iter().map(|record| (record.id.clone(), record)).collect();
        Ok(ReadReply { covered: ids.len(), records: ids.iter().filter_map(|id| found.remove(id)).collect() })
    }
}

impl ChromaRecords {
    /// Reads the records of some ids that are there, in no particular order.
    pub(super) fn by_ids(&self, ids: &[RecordId], include: Include) -> Result<Vec<Record>> {
        let mut all = Vec::new();
        for ids in ids.chunks(self.quota()?.results) {
            all.extend(self.read(ids, include)?.records);
        }
        Ok(all)
    }
}

impl Target for ChromaRecords {
    fn existing(&self) -> Result<Box<dyn Existing + '_>> {
        Ok(Box::new(ChromaState::new(self.clone())?))
    }

    fn write_batch(&self, batch: RowBatch) -> Result<BatchOutcome> {
        self.require_all()?;
        let touched = Touched::by(&batch.changes);
        through_copy(self, &touched, |copy| copy.write_batch(batch))
    }
}

/// Records that are here already.
struct Listed {
    records: Vec<Record>,
    dimension: Option<usize>,
}

impl PageSource for Listed {
    fn records(&self) -> usize {
        self.records.len()
    }

    fn dimension(&self) -> Option<usize> {
        self.dimension
    }

    fn read(&self, include: Include) -> Box<dyn Iterator<Item = Result<Record>> + '_> {
        Box::new(self.records.iter().map(move |record| Ok(only(record.clone(), include))))
    }
}

impl Records for ChromaRecords {
    fn name(&self) -> String {
        match (&self.which, self.seen()) {
            (_, Some(seen)) => seen.name,
            (Which::Name(name), None) => name.clone(),
            (Which::Id(id), None) => id.to_string(),
        }
    }

    fn state(&self) -> Result<Box<dyn State>> {
        Ok(Box::new(ChromaState::new(self.clone())?))
    }

    fn count(&self) -> Result<u64> {
        self.counted()
    }

    fn find(&self, query: &RecordQuery, include: Include) -> Result<RecordPage> {
        let dimension = self.described()?.info.dimension;
        let results = self.quota()?.results as u64;
        // Few records come as they are found.
        if query.sort.is_none() && query.limit.is_some_and(|limit| limit <= results) {
            let records = self.all(query, include)?;
            return Ok(RecordPage::new(Box::new(Listed { records, dimension }), include));
        }
        let records: Arc<dyn ByIds> = Arc::new(self.clone());
        let ids = self.chosen(query)?;
        Ok(RecordPage::new(Box::new(FoundRecords { records, ids, dimension, first: Vec::new(), include }), include))
    }

    fn update_where(
        &self,
        query: &RecordQuery,
        change: &dyn Fn(RecordId) -> Change,
        keep_embeddings: bool,
        embedded_by: Option<&Fingerprint>,
    ) -> Result<Vec<Effect>> {
        self.require_all()?;
        let touched = Touched { ids: self.chosen(query)?, ..Touched::default() };
        through_copy(self, &touched, |copy| {
            copy.update_where(&RecordQuery::default(), change, keep_embeddings, embedded_by)
        })
    }

    fn delete_where(&self, query: &RecordQuery) -> Result<u64> {
        let ids = self.chosen(query)?;
        self.delete(&ids)?;
        Ok(ids.len() as u64)
    }

    fn modify(&self, change: CollectionChange) -> Result<CollectionInfo> {
        self.require_all()?;
        if change.index.is_some() || change.query_prefix.is_some() || change.document_prefix.is_some() {
            return self.refuse("changing the index or the prefixes");
        }
        let mut hnsw = serde_json::to_value(change.chroma).unwrap_or_else(|_| json!({}));
        if let Some(hnsw) = hnsw.as_object_mut() {
            hnsw.extend(change.ef_search.map(|n| ("ef_search".to_owned(), json!(n))));
            hnsw.extend(change.max_neighbors.map(|n| ("max_neighbors".to_owned(), json!(n))));
        }
        let mut configuration = Map::new();
        if hnsw.as_object().is_some_and(|hnsw| !hnsw.is_empty()) {
            configuration.insert("hnsw".into(), hnsw);
        }
        configuration.extend(change.embedding_function.map(|function| ("embedding_function".to_owned(), function)));
        let mut body = Map::new();
        body.extend(change.name.as_ref().map(|name| ("new_name".to_owned(), json!(name))));
        body.extend(change.metadata.map(|metadata| ("new_metadata".to_owned(), metadata.to_json())));
        if !configuration.is_empty() {
            body.insert("new_configuration".into(), Json::Object(configuration));
        }
        let (id, name) = (self.id()?, self.name());
        let path = format!("{}/collections/{id}", path_of(&self.scope));
        let _: Json =
            self.connection.call(Method::PUT, &path, Some(&Json::Object(body)), Repeat::Same, self.about(&name))?;
        Ok(Self::new(Arc::clone(&self.connection), self.scope.clone(), Which::Id(id)).described()?.info)
    }

    /// Copied here, a page at a time: Chroma itself copies only in its cloud.
    fn copy(&self, name: CollectionName) -> Result<CollectionInfo> {
        self.require_all()?;
        let CollectionInfo { space, metadata, hnsw, chroma, bm25, client, .. } = self.described()?.info;
        let new = NewCollection { space, metadata, hnsw, chroma, bm25, client, ..NewCollection::default() };
        let path = format!("{}/collections", path_of(&self.scope));
        let body = creation(&name, &new)?;
        let this = self.name();
        let made: CollectionJson =
            self.connection.call(Method::POST, &path, Some(&body), Repeat::Other, self.about(&this))?;
        let made = describe(&self.connection, &made)?.info;
        let copy = Self::new(Arc::clone(&self.connection), self.scope.clone(), Which::Id(made.id));
        let mut after = None;
        loop {
            let DumpPage { records, next } = self.scan(after, self.quota()?.results)?;
            copy.put(records)?;
            after = next;
            if after.is_none() {
                return Ok(copy.described()?.info);
            }
        }
    }

    fn only(&self, filter: Filter) -> Arc<dyn Records> {
        let both = self.only.clone().map_or_else(|| filter.clone(), |only| only.and(filter.clone()));
        Arc::new(Self { only: Some(both), ..self.clone() })
    }

    /// A page begins after so many records as it is told.
    fn scan(&self, after: Option<u64>, limit: usize) -> Result<DumpPage> {
        let offset = after.unwrap_or(0);
        let query = RecordQuery { offset, limit: Some(limit as u64), ..RecordQuery::default() };
        let page = self.find(&query, Include::ALL)?;
        let records = page.records().map(|record| Ok(DumpRecord { record: record?, embedded_here: false }));
        let records: Vec<DumpRecord> = records.collect::<Result<_>>()?;
        let next = (records.len() == limit).then(|| offset + limit as u64);
        Ok(DumpPage { records, next })
    }

    fn digests(&self) -> Result<Vec<(RecordId, [u8; 16])>> {
        let mut digests = Vec::new();
        self.visit(&RecordQuery::default(), Include::ALL, &mut |record| {
            let digest = digest(&record);
            digests.push((record.id, digest));
        })?;
        digests.sort_unstable_by(|a: &(RecordId, _), b| a.0.as_str().cmp(b.0.as_str()));
        Ok(digests)
    }

    fn dump(&self, ids: &[RecordId]) -> Result<Vec<DumpRecord>> {
        let records = self.by_ids(ids, Include::ALL)?;
        Ok(records.into_iter().map(|record| DumpRecord { record, embedded_here: false }).collect())
    }

    fn put(&self, records: Vec<DumpRecord>) -> Result<()> {
        self.require_all()?;
        let ids = records.iter().map(|dumped| dumped.record.id.clone()).collect();
        through_copy(self, &Touched { ids, ..Touched::default() }, |copy| copy.put(records))
    }

    /// Chroma has an index of words from the first record on, or never.
    fn index_documents(&self, on: bool) -> Result<u64> {
        if on && self.words()?.is_some() { Ok(0) } else { self.refuse("an index of words") }
    }

    /// Chroma has one always.
    fn build_index(&self, _threads: usize, _watch: Watch) -> Result<Option<BuiltIndex>> {
        Ok(None)
    }

    fn build_clusters(&self, _threads: usize, _watch: Watch) -> Result<Option<BuiltIndex>> {
        self.refuse_clusters()
    }

    fn drop_clusters(&self) -> Result<Option<u64>> {
        self.refuse_clusters()
    }

    fn drop_index(&self) -> Result<Option<u64>> {
        self.refuse("dropping the index")
    }

    fn index_facts(&self) -> Result<Option<Vec<(&'static str, Json)>>> {
        Ok(None)
    }
}
