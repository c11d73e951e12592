//! A running Chroma server, read page by page over its HTTP API v2.
//!
//! What it sends is judged as any input. Invariants: nothing on the server changes; of the records one page is in memory;
//! what is asked for again after a broken connection is the same page.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Deserializer};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::found::{FoundCollection, Noticed};
use super::selection::Selection;
use super::settings::{ParsedSettings, settings};
use super::values::{LeftOut, Said};
use crate::error::{Advice, Error, Remark, Result};
use crate::input::archive::{Archive, ArchiveSize};
use crate::input::embedding::EmbeddingSeed;
use crate::input::http::{HttpAnswer, HttpClient};
use crate::record::{
    ClientSettings, CollectionInfo, CollectionName, DumpLine, IndexMode, Metadata, MetadataPatch, NewRecord, Origin,
    RecordId, Scope,
};

/// Records asked for at once; a server that refuses so many is asked for [`FEW`].
const MANY: usize = 1000;
/// The most that Chroma's cloud gives.
const FEW: usize = 300;

/// How a server is spoken to.
#[derive(Debug, Clone, Default)]
pub struct ServerOptions {
    /// Headers that say who asks.
    pub headers: Vec<(String, String)>,
}

/// The collections of a server, read as far as was asked for.
pub struct ChromaServer {
    client: HttpClient,
    lines: VecDeque<DumpLine>,
    collections: VecDeque<FoundCollection>,
    records: u64,
    page: usize,
    open: Option<OpenPages>,
    noticed: Noticed,
}

/// The collection that is being read.
struct OpenPages {
    name: String,
    path: String,
    origin: Arc<str>,
    /// Records asked for so far.
    offset: usize,
    rows: VecDeque<Result<NewRecord>>,
    is_last: bool,
    read: u64,
    left_out: LeftOut,
}

#[derive(Deserialize)]
struct DatabaseJson {
    id: Uuid,
    name: String,
}

#[derive(Deserialize)]
struct CollectionJson {
    id: Uuid,
    name: String,
    metadata: Option<Json>,
    dimension: Option<usize>,
    configuration_json: Option<Json>,
}

/// An answer to `get`; a field that the server left out is null.
#[derive(Deserialize)]
struct PageJson {
    ids: Vec<String>,
    embeddings: Option<Vec<EmbeddingJson>>,
    documents: Option<Vec<Option<String>>>,
    uris: Option<Vec<Option<String>>>,
    metadatas: Option<Vec<Option<Json>>>,
}

struct EmbeddingJson(Option<Vec<f32>>);

impl<'de> Deserialize<'de> for EmbeddingJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::DeserializeSeed::deserialize(EmbeddingSeed, deserializer).map(Self)
    }
}

impl ChromaServer {
    /// Asks a server what there is of what is wanted. It cannot list its tenants: the one of the selection is read.
    ///
    /// # Errors
    /// [`Error::BadInput`] when the address or what answers there is none of Chroma's, when it refuses who asks, or has not
    /// what is wanted; [`Error::Server`] when it cannot be reached or fails.
    pub fn open(url: &str, selection: &Selection, options: &ServerOptions) -> Result<Self> {
        let client = HttpClient::new(url, &options.headers)?;
        check_is_chroma(&client)?;
        let tenant = &selection.scope.tenant;
        let databases = of_tenant(&client, tenant)?;
        let (mut lines, mut collections, mut noticed) = (Vec::new(), Vec::new(), Noticed::default());
        let mut known = Vec::new();
        if tenant != Scope::DEFAULT_TENANT {
            lines.push(DumpLine::Tenant { name: tenant.clone() });
        }
        for DatabaseJson { id, name } in databases {
            let scope = Scope { tenant: tenant.clone(), database: name };
            let before = collections.len();
            for collection in collections_of(&client, &scope)? {
                if scope == selection.scope {
                    known.push(collection.name.clone());
                }
                if selection.takes(&scope.tenant, &scope.database, &collection.name) {
                    collections.push(found(&client, &scope, collection, &mut noticed)?);
                }
            }
            if scope != Scope::default() && (selection.is_everything() || collections.len() > before) {
                let Scope { tenant, database } = scope;
                lines.push(DumpLine::Database { tenant, name: database, id });
            }
        }
        if collections.is_empty() && !selection.is_everything() {
            return Err(selection.not_found(client.shown(), &known));
        }
        let records = collections.iter().map(|found| found.records).sum();
        let (lines, collections) = (lines.into(), collections.into());
        Ok(Self { client, lines, collections, records, page: MANY, open: None, noticed })
    }

    /// Asks for the next page, a smaller one where the server gives no larger.
    fn turn(&mut self, open: &mut OpenPages) -> Result<()> {
        let answer = loop {
            let include = ["embeddings", "documents", "metadatas", "uris"];
            let asked = json!({"limit": self.page, "offset": open.offset, "include": include});
            match self.client.post(&format!("{}/get", open.path), &asked)? {
                HttpAnswer { status: 200..=299, body } => break body,
                // A quota, or a page of more bytes than it sends.
                HttpAnswer { status: 400 | 413 | 422, .. } if self.page > FEW => self.page = FEW,
                refused => return Err(self.client.refused(&refused)),
            }
        };
        let page: PageJson = self.client.read(&answer)?;
        let got = page.ids.len();
        let lengths = [
            page.embeddings.as_ref().map(Vec::len),
            page.documents.as_ref().map(Vec::len),
            page.uris.as_ref().map(Vec::len),
            page.metadatas.as_ref().map(Vec::len),
        ];
        if got > self.page || lengths.into_iter().flatten().any(|length| length != got) {
            return Err(self.client.bad("returned a page whose lists differ in length from its ids", None));
        }
        open.offset += got;
        open.is_last = got == 0;
        let mut embeddings = page.embeddings.into_iter().flatten();
        let mut documents = page.documents.into_iter().flatten();
        let mut uris = page.uris.into_iter().flatten();
        let mut metadatas = page.metadatas.into_iter().flatten();
        for id in page.ids {
            let mut said = Said::default();
            said.merge(metadatas.next().flatten().unwrap_or_default(), &mut open.left_out);
            said.document = documents.next().flatten();
            said.uri = uris.next().flatten();
            let embedding = embeddings.next().and_then(|embedding| embedding.0);
            let row = row(id, embedding, said, &open.origin);
            open.rows.push_back(row);
        }
        Ok(())
    }

    fn end(&mut self, open: &OpenPages) -> Result<()> {
        self.noticed.others.extend(open.left_out.describe(&open.name));
        let now: u64 = self.client.get(&format!("{}/count", open.path))?;
        if now != open.read {
            let (name, read) = (&open.name, open.read);
            let said =
                format!("{name}: {read} records were read, but it now has {now}: it is being changed; import it again");
            self.noticed.others.push(said);
        }
        Ok(())
    }
}

fn row(id: String, embedding: Option<Vec<f32>>, said: Said, origin: &Arc<str>) -> Result<NewRecord> {
    let bad = |why: String| Error::bad_row(origin, 0, why);
    if embedding.is_none() {
        return Err(bad(format!("record {id:?} has no embedding")));
    }
    Ok(NewRecord {
        id: RecordId::parse(id).map_err(|e| bad(e.to_string()))?,
        embedding,
        embedded_here: false,
        document: said.document,
        uri: said.uri,
        metadata: MetadataPatch::from(said.metadata),
        part: None,
        origin: Origin { source: Arc::clone(origin), line: 0 },
    })
}

fn check_is_chroma(client: &HttpClient) -> Result<()> {
    let hint = "give the address that Chroma's clients are given, such as http://localhost:8000";
    let answer = client.ask("/api/v2/heartbeat")?;
    let beats = |answer: &HttpAnswer| {
        let json: Option<Json> = serde_json::from_slice(&answer.body).ok();
        answer.status == 200 && json.is_some_and(|json| json.get("nanosecond heartbeat").is_some())
    };
    if beats(&answer) {
        return Ok(());
    }
    if matches!(answer.status, 401 | 403) {
        return Err(client.refused(&answer));
    }
    if answer.status == 404 && client.ask("/api/v1/heartbeat").is_ok_and(|answer| beats(&answer)) {
        let why = "is a Chroma that speaks only version 1 of the API";
        return Err(client.bad(why, Some(Advice::ReadChromaFolder)));
    }
    Err(client.bad(&format!("is not a Chroma server: it answered {} to a heartbeat", answer.status), Some(hint.into())))
}

/// Lists what a path gives out in pages.
fn listed<T: serde::de::DeserializeOwned>(client: &HttpClient, path: &str) -> Result<Vec<T>> {
    let mut all = Vec::new();
    loop {
        let page: Vec<T> = client.get(&format!("{path}?limit={FEW}&offset={}", all.len()))?;
        let is_last = page.len() < FEW;
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}

fn of_tenant(client: &HttpClient, tenant: &str) -> Result<Vec<DatabaseJson>> {
    listed(client, &format!("/api/v2/tenants/{}/databases", escaped(tenant)))
}

fn collections_of(client: &HttpClient, scope: &Scope) -> Result<Vec<CollectionJson>> {
    let mut all: Vec<CollectionJson> = listed(client, &format!("{}/collections", path_of(scope)))?;
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

fn path_of(scope: &Scope) -> String {
    format!("/api/v2/tenants/{}/databases/{}", escaped(&scope.tenant), escaped(&scope.database))
}

fn found(client: &HttpClient, scope: &Scope, json: CollectionJson, noticed: &mut Noticed) -> Result<FoundCollection> {
    let bad = |why: String| client.bad(&format!("collection {:?}: {why}", json.name), None);
    let mut left_out = LeftOut::default();
    let mut said = Said::default();
    said.merge(json.metadata.unwrap_or_default(), &mut left_out);
    noticed.others.extend(left_out.describe(&json.name));
    let metadata = Some(said.metadata).filter(|metadata: &Metadata| !metadata.is_empty());
    let settings = settings(json.configuration_json.as_ref(), None, metadata.as_ref());
    noticed.settings(&json.name, &settings);
    let ParsedSettings { space, hnsw, chroma, .. } = settings;
    let records = client.get(&format!("{}/collections/{}/count", path_of(scope), json.id))?;
    let info = CollectionInfo {
        id: json.id,
        name: CollectionName::parse(&json.name).map_err(|e| bad(e.to_string()))?,
        metadata,
        space,
        dimension: json.dimension,
        precision: crate::record::EmbeddingPrecision::default(),
        embedder: None,
        hnsw,
        index: IndexMode::default(),
        chroma,
        bm25: false,
        sparse: None,
        client: ClientSettings::default(),
    };
    Ok(FoundCollection { scope: scope.clone(), info, records })
}

/// Writes a name as a part of a path.
fn escaped(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    name.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

impl Archive for ChromaServer {
    fn next_line(&mut self) -> Result<Option<DumpLine>> {
        if let Some(line) = self.lines.pop_front() {
            return Ok(Some(line));
        }
        let Some(FoundCollection { scope, info, records }) = self.collections.pop_front() else { return Ok(None) };
        self.open = Some(OpenPages {
            name: info.name.to_string(),
            path: format!("{}/collections/{}", path_of(&scope), info.id),
            origin: format!("{}: collection {:?}", self.client.shown(), info.name.as_str()).into(),
            offset: 0,
            rows: VecDeque::new(),
            is_last: false,
            read: 0,
            left_out: LeftOut::default(),
        });
        let Scope { tenant, database } = scope;
        Ok(Some(DumpLine::Collection { tenant, database, records, collection: Box::new(info) }))
    }

    fn next_record(&mut self) -> Result<Option<NewRecord>> {
        let Some(mut open) = self.open.take() else { return Ok(None) };
        while open.rows.is_empty() && !open.is_last {
            self.turn(&mut open)?;
        }
        let Some(row) = open.rows.pop_front() else {
            self.end(&open)?;
            return Ok(None);
        };
        open.read += 1;
        self.open = Some(open);
        row.map(Some)
    }

    fn size(&self) -> ArchiveSize {
        ArchiveSize::Records(self.records)
    }

    fn take_notices(&mut self) -> Vec<Remark> {
        self.noticed.take()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_is_one_part_of_a_path() {
        assert_eq!(super::escaped("a-b_c.d/ü?"), "a-b_c.d%2F%C3%BC%3F");
    }
}
