//! A collection of another huedb, over its own routes: everything a file's collection does, done there.
//!
//! Invariant: what is written in one call of the server is written together or not at all; only a batch that is too large
//! for one request travels in several, each whole and with every part of a document in the same one.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use ureq::http::Method;
use uuid::Uuid;

use super::connection::{About, Connection, own_path_of};
use super::own_state::OwnState;
use super::page::{ByIds, FoundRecords};
use crate::backend::protocol::{
    Asked, DistinctBody, FindBody, FindReply, IndexReply, ReadBody, ReadReply, ScanBody, UpdateBody, Whole,
};
use crate::backend::{BuiltIndex, DumpPage, Records, State, Which};
use crate::error::{Error, Result};
use crate::index::Watch;
use crate::ingest::{BatchOutcome, Existing, RowBatch, Target};
use crate::input::chroma::wire::path_of;
use crate::input::http::{Repeat, escaped};
use crate::query::{Facet, Filter, KeyFacts, RecordPage, RecordQuery};
use crate::record::{CollectionInfo, CollectionName, DumpRecord, Fingerprint, RecordId, Scope};
use crate::store::{Change, CollectionChange, Effect, Form, Include};

/// Bytes of a request that are well below what a server takes.
const REQUEST_BYTES: usize = 16 << 20;

/// A collection of another huedb.
#[derive(Clone)]
pub(super) struct OwnRecords {
    pub(super) connection: Arc<Connection>,
    pub(super) scope: Scope,
    which: Which,
    /// The only records there are to whoever has the handle.
    only: Option<Filter>,
    /// Its identity and the name it was last seen with.
    known: Arc<Mutex<Option<(Uuid, String)>>>,
}

impl OwnRecords {
    pub(super) fn new(connection: Arc<Connection>, scope: Scope, which: Which) -> Self {
        Self { connection, scope, which, only: None, known: Arc::default() }
    }

    fn seen(&self) -> Option<(Uuid, String)> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn saw(&self, info: &CollectionInfo) {
        let seen = (info.id, info.name.to_string());
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
    }

    fn about<'a>(&'a self, name: &'a str) -> About<'a> {
        About { scope: &self.scope, collection: Some(name) }
    }

    /// Returns what the collection is now.
    pub(super) fn whole(&self) -> Result<Whole> {
        let name = match &self.which {
            Which::Name(name) => name.clone(),
            Which::Id(id) => name_by_id(&self.connection, &self.scope, *id)?
                .ok_or_else(|| Error::CollectionNotFound { name: self.name(), known: Vec::new() })?,
        };
        let path = format!("{}/collections/{}", own_path_of(&self.scope), escaped(&name));
        let mut whole: Whole = self.connection.get(&path, self.about(&name))?;
        self.saw(&whole.info);
        if self.only.is_some() {
            whole.counts.records = self.post("/count", ())?;
            whole.is_restricted = true;
        }
        Ok(whole)
    }

    fn path(&self, rest: &str) -> Result<String> {
        let id = match (&self.which, self.seen()) {
            (Which::Id(id), _) => *id,
            (Which::Name(_), Some((id, _))) => id,
            (Which::Name(_), None) => self.whole()?.info.id,
        };
        Ok(format!("{}/collections/{id}{rest}", own_path_of(&self.scope)))
    }

    /// Asks what may be asked twice.
    pub(super) fn post<R: DeserializeOwned>(&self, rest: &str, what: impl Serialize) -> Result<R> {
        let body = Asked { only: self.only.clone(), what };
        let name = self.name();
        self.connection.call(Method::POST, &self.path(rest)?, Some(&body), Repeat::Same, self.about(&name))
    }

    fn write(&self, batch: RowBatch) -> Result<BatchOutcome> {
        self.post("/batch", batch)
    }

    /// Has the server build an index, with as many threads as it has.
    fn build(&self, rest: &str, watch: Watch) -> Result<Option<BuiltIndex>> {
        let mut last = Json::Null;
        self.connection.http.lines(Method::POST, &self.path(rest)?, &mut |line| {
            last = self.connection.http.read(line.as_bytes())?;
            let added = last.get("records").and_then(|_| last.get("added")?.as_u64());
            let added = added.and_then(|added| usize::try_from(added).ok());
            Ok(added.is_none_or(|added| matches!(watch(added), ControlFlow::Continue(()))))
        })?;
        if let Some(why) = last.get("error").and_then(Json::as_str) {
            return Err(Error::argument(why));
        }
        match last.get("built").and_then(Json::as_bool) {
            Some(true) => serde_json::from_value(last).map(Some).map_err(|error| {
                self.connection.http.bad(&format!("says of the index what cannot be read: {error}"), None)
            }),
            Some(false) => Ok(None),
            None => Err(Error::Interrupted),
        }
    }

    fn drop_built(&self, rest: &str) -> Result<Option<u64>> {
        let (path, name) = (self.path(rest)?, self.name());
        self.connection.call(Method::DELETE, &path, None::<&()>, Repeat::Other, self.about(&name))
    }
}

impl ByIds for OwnRecords {
    fn read(&self, ids: &[RecordId], include: Include) -> Result<ReadReply> {
        self.post("/read", ReadBody { ids: Cow::Borrowed(ids), include })
    }
}

impl Target for OwnRecords {
    fn existing(&self) -> Result<Box<dyn Existing + '_>> {
        Ok(Box::new(OwnState::new(self.clone())?))
    }

    fn write_batch(&self, batch: RowBatch) -> Result<BatchOutcome> {
        let RowBatch { changes, mode, keep_embeddings, embedded_by } = batch;
        let mut outcome = BatchOutcome::default();
        let mut send = |changes: Vec<(Change, Form)>| -> Result<()> {
            let sent = self.write(RowBatch { changes, mode, keep_embeddings, embedded_by: embedded_by.clone() })?;
            outcome.effects.extend(sent.effects);
            outcome.removed += sent.removed;
            Ok(())
        };
        let (mut waiting, mut bytes) = (Vec::new(), 0);
        for (change, form) in changes {
            let begins = !matches!(&form, Form::Part { part, .. } if part.number > 0);
            if bytes >= REQUEST_BYTES && begins {
                send(std::mem::take(&mut waiting))?;
                bytes = 0;
            }
            bytes += bytes_of(&change);
            waiting.push((change, form));
        }
        send(waiting)?;
        Ok(outcome)
    }
}

/// Returns about how many bytes a change takes in JSON.
fn bytes_of(change: &Change) -> usize {
    let embedding = change.embedding.as_ref().map_or(0, |embedding| embedding.len() * 16 / 3);
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let metadata = change.metadata.iter().map(|(key, value)| key.len() + value.map_or(4, |v| v.to_string().len()));
    128 + embedding + text(&change.document) + text(&change.uri) + metadata.sum::<usize>()
}

impl Records for OwnRecords {
    fn name(&self) -> String {
        match (&self.which, self.seen()) {
            (_, Some((_, name))) => name,
            (Which::Name(name), None) => name.clone(),
            (Which::Id(id), None) => id.to_string(),
        }
    }

    fn state(&self) -> Result<Box<dyn State>> {
        Ok(Box::new(OwnState::new(self.clone())?))
    }

    fn find(&self, query: &RecordQuery, include: Include) -> Result<RecordPage> {
        let FindReply { ids, dimension, records: first } =
            self.post("/find", FindBody { query: Cow::Borrowed(query), include })?;
        let records = Arc::new(self.clone());
        Ok(RecordPage::new(Box::new(FoundRecords { records, ids, dimension, first, include }), include))
    }

    fn distinct(&self, key: &str, among: &RecordQuery) -> Result<Vec<Facet>> {
        self.post("/distinct", DistinctBody { key: Cow::Borrowed(key), among: Cow::Borrowed(among) })
    }

    fn keys(&self, among: &RecordQuery) -> Result<Vec<KeyFacts>> {
        self.post("/keys", among)
    }

    fn update_where(
        &self,
        query: &RecordQuery,
        change: &dyn Fn(RecordId) -> Change,
        keep_embeddings: bool,
        embedded_by: Option<&Fingerprint>,
    ) -> Result<Vec<Effect>> {
        let change = change(RecordId::parse("*")?);
        let (query, embedded_by) = (Cow::Borrowed(query), embedded_by.map(Cow::Borrowed));
        self.post("/update_where", UpdateBody { query, change, keep_embeddings, embedded_by })
    }

    fn delete_where(&self, query: &RecordQuery) -> Result<u64> {
        self.post("/delete_where", query)
    }

    fn modify(&self, change: CollectionChange) -> Result<CollectionInfo> {
        let info: CollectionInfo = self.post("/modify", change)?;
        self.saw(&info);
        Ok(info)
    }

    fn copy(&self, name: CollectionName) -> Result<CollectionInfo> {
        let own = self.path("")?;
        let id = own.rsplit('/').next().unwrap_or_default();
        let path = format!("{}/collections/{id}/fork", path_of(&self.scope));
        let body = json!({ "new_name": name });
        let this = self.name();
        let _: Json = self.connection.call(Method::POST, &path, Some(&body), Repeat::Other, self.about(&this))?;
        let copy = Self::new(Arc::clone(&self.connection), self.scope.clone(), Which::Name(name.as_str().to_owned()));
        Ok(copy.whole()?.info)
    }

    fn only(&self, filter: Filter) -> Arc<dyn Records> {
        let both = self.only.clone().map_or_else(|| filter.clone(), |only| only.and(filter.clone()));
        Arc::new(Self { only: Some(both), ..self.clone() })
    }

    fn scan(&self, after: Option<u64>, limit: usize) -> Result<DumpPage> {
        self.post("/scan", ScanBody { after, limit })
    }

    fn digests(&self) -> Result<Vec<(RecordId, [u8; 16])>> {
        self.post("/digests", ())
    }

    fn dump(&self, ids: &[RecordId]) -> Result<Vec<DumpRecord>> {
        let mut all = Vec::with_capacity(ids.len());
        for ids in ids.chunks(256) {
            let page: Vec<DumpRecord> = self.post("/dump", ids)?;
            all.extend(page);
        }
        Ok(all)
    }

    fn put(&self, records: Vec<DumpRecord>) -> Result<()> {
        let (mut waiting, mut bytes) = (Vec::new(), 0);
        for record in records {
            if bytes >= REQUEST_BYTES {
                let _: () = self.post("/put", std::mem::take(&mut waiting))?;
                bytes = 0;
            }
            bytes += crate::backend::records::bytes_of(&record.record);
            waiting.push(record);
        }
        self.post("/put", waiting)
    }

    fn settle(&self) -> Result<()> {
        self.post("/settle", ())
    }

    fn index_documents(&self, on: bool) -> Result<u64> {
        self.post("/words", on)
    }

    fn index_is_due(&self) -> Result<bool> {
        self.post("/index_facts", ()).map(|IndexReply { is_due, .. }| is_due)
    }

    fn clusters_are_due(&self) -> Result<bool> {
        self.post("/index_facts", ()).map(|IndexReply { clusters_are_due, .. }| clusters_are_due)
    }

    fn build_index(&self, _threads: usize, watch: Watch) -> Result<Option<BuiltIndex>> {
        self.build("/index", watch)
    }

    fn build_clusters(&self, _threads: usize, watch: Watch) -> Result<Option<BuiltIndex>> {
        self.build("/clusters", watch)
    }

    fn drop_index(&self) -> Result<Option<u64>> {
        self.drop_built("/index")
    }

    fn drop_clusters(&self) -> Result<Option<u64>> {
        self.drop_built("/clusters")
    }

    fn index_facts(&self) -> Result<Option<Vec<(&'static str, Json)>>> {
        /// What a file says of its index.
        const NAMES: [&str; 20] = [
            "vectors",
            "not_covered",
            "out_of_date",
            "deleted",
            "recall",
            "size",
            "chunks",
            "build",
            "ef_construction",
            "ef_search",
            "max_neighbors",
            "state",
            "clusters",
            "clustered",
            "clusters_not_covered",
            "clusters_out_of_date",
            "clusters_recall",
            "clusters_read",
            "clusters_size",
            "clusters_state",
        ];
        let IndexReply { facts, .. } = self.post("/index_facts", ())?;
        let named = |(name, value): (String, Json)| Some((*NAMES.iter().find(|known| **known == name)?, value));
        Ok(facts.map(|facts| facts.into_iter().filter_map(named).collect()))
    }
}

/// Returns the name of the collection of an identity.
pub(super) fn name_by_id(connection: &Connection, scope: &Scope, id: Uuid) -> Result<Option<String>> {
    let path = format!("{}/collections/by-id/{id}", path_of(scope));
    match connection.get::<Json>(&path, About { scope, collection: None }) {
        Ok(json) => Ok(json.get("name").and_then(Json::as_str).map(str::to_owned)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}
