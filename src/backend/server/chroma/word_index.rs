//! The index of words that a collection of Chroma may have: sparse vectors under a metadata key, which whoever writes a document
//! makes of it by BM25.
//!
//! Chroma's clients read in the collection's schema that they are to do so, and so does this. Invariant: the vectors are seen
//! nowhere but in what is sent: a record that is read has the metadata that it was given.

use serde_json::{Map, Value as Json, json};

use crate::bm25::bm25;
use crate::input::chroma::wire::CollectionJson;
use crate::record::{Metadata, SparseSettings};
use crate::store::DOCUMENT;

/// The key that Chroma's documentation gives such vectors.
const KEY: &str = SparseSettings::KEY;
/// The function as Chroma names it.
const BM25: &str = "chroma_bm25";

/// How the words of a collection are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum WordIndex {
    /// They are not.
    None,
    /// By vectors of BM25 under this key.
    Bm25(String),
    /// By vectors of another kind; what is to be said of it.
    Other(String),
}

impl WordIndex {
    /// Reads a collection's schema.
    pub(super) fn of(json: &CollectionJson) -> Self {
        let Some((key, config)) = json.sparse_index() else { return Self::None };
        let text = |of: &Json, name: &str| of.get(name).and_then(Json::as_str).unwrap_or("nothing").to_owned();
        let function = config.get("embedding_function").cloned().unwrap_or_default();
        let (name, source) = (text(&function, "name"), text(config, "source_key"));
        let settings = function.get("config").cloned().unwrap_or_default();
        let is_usual = |(name, usual): (&str, f64)| {
            settings.get(name).and_then(Json::as_f64).is_none_or(|given| (given - usual).abs() < 1e-9)
        };
        let numbers = [("k", 1.2), ("b", 0.75), ("avg_doc_length", 256.0), ("token_max_length", 40.0)];
        let has_own_words = settings.get("stopwords").is_some_and(|words| !words.is_null());
        if source != DOCUMENT {
            return Self::Other(format!("its vectors under {key:?} are made of {source}, not of documents"));
        }
        if name != BM25 {
            return Self::Other(format!("its documents are weighed by {name}, which huedb cannot run"));
        }
        if has_own_words || !numbers.into_iter().all(is_usual) {
            return Self::Other(format!("its {BM25} has other settings than the usual ones"));
        }
        Self::Bm25(key.to_owned())
    }

    /// Returns the key of its vectors, where they are kept here.
    pub(super) fn key(&self) -> Option<&str> {
        if let Self::Bm25(key) = self { Some(key) } else { None }
    }
}

/// Returns a schema with such an index, and what is said of embeddings there, for nothing may be said of them beside it.
pub(super) fn schema(space: &str, function: Option<Json>) -> Json {
    let index = |enabled: bool| json!({ "enabled": enabled, "config": {} });
    let string = |text: bool| json!({ "fts_index": index(text), "string_inverted_index": index(!text) });
    let mut config = json!({ "space": space });
    let by = json!({ "type": "known", "name": BM25, "config":
        { "k": 1.2, "b": 0.75, "avg_doc_length": 256.0, "token_max_length": 40, "include_tokens": false } });
    if let (Some(function), Some(config)) = (function, config.as_object_mut()) {
        config.insert("embedding_function".into(), function);
    }
    let default = config.clone();
    if let Some(config) = config.as_object_mut() {
        config.insert("source_key".into(), DOCUMENT.into());
    }
    json!({
        "defaults": {
            "string": string(false),
            "float_list": { "vector_index": { "enabled": false, "config": default } },
            "sparse_vector":
                { "sparse_vector_index": { "enabled": false, "config": { "embedding_function": { "type": "unknown" } } } },
            "int": { "int_inverted_index": index(true) },
            "float": { "float_inverted_index": index(true) },
            "bool": { "bool_inverted_index": index(true) },
        },
        "keys": {
            DOCUMENT: { "string": string(true) },
            "#embedding": { "float_list": { "vector_index": { "enabled": true, "config": config } } },
            KEY: { "sparse_vector": { "sparse_vector_index":
                { "enabled": true, "config": { "source_key": DOCUMENT, "embedding_function": by } } } },
        },
    })
}

/// Returns metadata as it is sent with a document: with the vector of its words.
pub(super) fn sent(metadata: Option<&Metadata>, document: Option<&str>, key: Option<&str>) -> Json {
    let entries = metadata.into_iter().flat_map(Metadata::iter);
    let mut sent: Map<String, Json> = entries.map(|(key, value)| (key.to_owned(), value.to_json())).collect();
    if let (Some(document), Some(key)) = (document, key) {
        sent.insert(key.to_owned(), bm25(document).to_json());
    }
    if sent.is_empty() { Json::Null } else { Json::Object(sent) }
}
