//! What a Chroma server says over its API v2, and what that is here.
//!
//! What it sends is judged as any input. Invariant: only reads.

use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;
use uuid::Uuid;

use super::found::Noticed;
use super::settings::{ParsedSettings, settings};
use super::values::{LeftOut, Said};
use crate::error::{Advice, Result};
use crate::input::embedding::EmbeddingSeed;
use crate::input::http::{HttpAnswer, HttpClient, escaped};
use crate::record::{ClientSettings, CollectionInfo, CollectionName, EmbeddingPrecision, IndexMode, Metadata, Scope};

/// The most that Chroma's cloud gives at once.
pub(crate) const FEW: usize = 300;

#[derive(Deserialize)]
pub(crate) struct DatabaseJson {
    pub(crate) id: Uuid,
    pub(crate) name: String,
}

#[derive(Deserialize)]
pub(crate) struct CollectionJson {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    metadata: Option<Json>,
    dimension: Option<usize>,
    configuration_json: Option<Json>,
    schema: Option<Json>,
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

/// A record as it was sent.
pub(crate) struct SentRecord {
    pub(crate) id: String,
    pub(crate) embedding: Option<Vec<f32>>,
    pub(crate) said: Said,
}

/// Reads the records of an answer to `get`, at most so many of them.
pub(crate) fn read_page(
    client: &HttpClient,
    answer: &[u8],
    most: usize,
    left_out: &mut LeftOut,
) -> Result<Vec<SentRecord>> {
    let page: PageJson = client.read(answer)?;
    let got = page.ids.len();
    let lengths = [
        page.embeddings.as_ref().map(Vec::len),
        page.documents.as_ref().map(Vec::len),
        page.uris.as_ref().map(Vec::len),
        page.metadatas.as_ref().map(Vec::len),
    ];
    if got > most || lengths.into_iter().flatten().any(|length| length != got) {
        return Err(client.bad("returned a page whose lists differ in length from its ids", None));
    }
    let mut embeddings = page.embeddings.into_iter().flatten();
    let mut documents = page.documents.into_iter().flatten();
    let mut uris = page.uris.into_iter().flatten();
    let mut metadatas = page.metadatas.into_iter().flatten();
    let record = |id| {
        let mut said = Said::default();
        said.merge(metadatas.next().flatten().unwrap_or_default(), left_out);
        said.document = documents.next().flatten();
        said.uri = uris.next().flatten();
        SentRecord { id, embedding: embeddings.next().and_then(|embedding| embedding.0), said }
    };
    Ok(page.ids.into_iter().map(record).collect())
}

pub(crate) fn check_is_chroma(client: &HttpClient) -> Result<()> {
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
pub(crate) fn listed<T: serde::de::DeserializeOwned>(client: &HttpClient, path: &str) -> Result<Vec<T>> {
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

pub(crate) fn of_tenant(client: &HttpClient, tenant: &str) -> Result<Vec<DatabaseJson>> {
    listed(client, &format!("/api/v2/tenants/{}/databases", escaped(tenant)))
}

pub(crate) fn collections_of(client: &HttpClient, scope: &Scope) -> Result<Vec<CollectionJson>> {
    let mut all: Vec<CollectionJson> = listed(client, &format!("{}/collections", path_of(scope)))?;
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

pub(crate) fn path_of(scope: &Scope) -> String {
    format!("/api/v2/tenants/{}/databases/{}", escaped(&scope.tenant), escaped(&scope.database))
}

/// Asks how many records a collection has.
pub(crate) fn count_of(client: &HttpClient, scope: &Scope, id: Uuid) -> Result<u64> {
    client.get(&format!("{}/collections/{id}/count", path_of(scope)))
}

impl CollectionJson {
    /// Returns the function that its clients embed by, as they said it.
    pub(crate) fn function(&self) -> Option<Json> {
        let function = self.configuration_json.as_ref()?.get("embedding_function")?;
        Some(function.clone()).filter(|function| !function.is_null())
    }

    /// Returns the metadata key whose sparse vectors the server indexes, where there is one, and how they are made.
    pub(crate) fn sparse_index(&self) -> Option<(&str, &Json)> {
        let keys = self.schema.as_ref()?.get("keys")?.as_object()?;
        keys.iter().find_map(|(key, of_key)| {
            let index = of_key.pointer("/sparse_vector/sparse_vector_index")?;
            let is_enabled = index.get("enabled").and_then(Json::as_bool) == Some(true);
            Some((key.as_str(), index.get("config")?)).filter(|_| is_enabled)
        })
    }

    /// Returns the metadata keys that the server has seen in it, as far as it says.
    pub(crate) fn keys(&self) -> Vec<String> {
        let keys = self.schema.as_ref().and_then(|schema| schema.get("keys")?.as_object());
        keys.into_iter().flat_map(|keys| keys.keys()).filter(|key| !key.starts_with('#')).cloned().collect()
    }
}

/// Says what a collection is here.
pub(crate) fn info_of(client: &HttpClient, json: &CollectionJson, noticed: &mut Noticed) -> Result<CollectionInfo> {
    let bad = |why: String| client.bad(&format!("collection {:?}: {why}", json.name), None);
    let mut left_out = LeftOut::default();
    let mut said = Said::default();
    said.merge(json.metadata.clone().unwrap_or_default(), &mut left_out);
    noticed.others.extend(left_out.describe(&json.name));
    let metadata = Some(said.metadata).filter(|metadata: &Metadata| !metadata.is_empty());
    let settings = settings(json.configuration_json.as_ref(), None, metadata.as_ref());
    noticed.settings(&json.name, &settings);
    let ParsedSettings { space, hnsw, chroma, .. } = settings;
    Ok(CollectionInfo {
        id: json.id,
        name: CollectionName::parse(&json.name).map_err(|e| bad(e.to_string()))?,
        metadata,
        space,
        dimension: json.dimension,
        precision: EmbeddingPrecision::default(),
        embedder: None,
        hnsw,
        index: IndexMode::default(),
        chroma,
        bm25: false,
        sparse: None,
        client: ClientSettings::default(),
    })
}
