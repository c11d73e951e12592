//! A collection's schema: what its client said of the keys, and the keys its records have.
//!
//! Here every key is indexed, whatever a schema says; a filter on one that a client has disabled is refused all the same, as
//! Chroma refuses it. Invariant: a schema that was read is an object of objects.

use serde_json::{Map, Value as Json, json};

use super::configuration::embedding_function;
use crate::backend::State;
use crate::error::{Error, Result};
use crate::query::filter::{Filter, Scalar, Test, TextField};
use crate::record::{ChromaSettings, CollectionInfo};
use crate::store::TermKind;

/// Where a schema keeps what is said of the embeddings.
const EMBEDDING: &str = "#embedding";
const DOCUMENT: &str = "#document";

/// Returns the schema of a collection, with the keys that its records have.
pub(in crate::serve) fn of(state: &dyn State) -> Result<Json> {
    let info = state.info();
    let mut schema = match &info.client.schema {
        Some(Json::Object(said)) => said.clone(),
        _ => Map::new(),
    };
    schema.entry("defaults").or_insert_with(|| defaults(info));
    let keys = schema.entry("keys").or_insert_with(|| json!({}));
    if let Json::Object(keys) = keys {
        keys.entry(DOCUMENT)
            .or_insert_with(|| json!({"string": {"fts_index": index(true), "string_inverted_index": index(false)}}));
        keys.entry(EMBEDDING).or_insert_with(|| {
            let mut config = vector_config(info);
            config.insert("source_key".into(), DOCUMENT.into());
            json!({"float_list": {"vector_index": {"enabled": true, "config": config}}})
        });
        for (key, kinds) in state.key_kinds()? {
            let of_key = keys.entry(key).or_insert_with(|| json!({}));
            let Json::Object(of_key) = of_key else { continue };
            for kind in kinds {
                let (name, entry) = of_kind(kind);
                of_key.entry(name).or_insert(entry);
            }
        }
    }
    Ok(Json::Object(schema))
}

fn index(enabled: bool) -> Json {
    json!({"enabled": enabled, "config": {}})
}

fn of_kind(kind: TermKind) -> (&'static str, Json) {
    match kind {
        TermKind::Bool | TermKind::BoolElement => ("bool", json!({"bool_inverted_index": index(true)})),
        TermKind::Number | TermKind::IntElement => ("int", json!({"int_inverted_index": index(true)})),
        TermKind::FloatElement => ("float", json!({"float_inverted_index": index(true)})),
        TermKind::Str | TermKind::StrElement => {
            ("string", json!({"fts_index": index(false), "string_inverted_index": index(true)}))
        }
    }
}

fn vector_config(info: &CollectionInfo) -> Map<String, Json> {
    let ChromaSettings { num_threads, batch_size, sync_threshold, resize_factor } = info.chroma;
    let mut config = Map::new();
    config.insert("space".into(), info.space.as_str().into());
    // Clients take null for a function that they cannot read.
    let function = embedding_function(info);
    if !function.is_null() {
        config.insert("embedding_function".into(), function);
    }
    let hnsw = json!({
        "ef_construction": info.hnsw.ef_construction,
        "max_neighbors": info.hnsw.max_neighbors,
        "ef_search": info.hnsw.ef_search,
        "num_threads": num_threads.unwrap_or(1),
        "batch_size": batch_size.unwrap_or(100),
        "sync_threshold": sync_threshold.unwrap_or(1000),
        "resize_factor": resize_factor.unwrap_or(1.2),
    });
    config.insert("hnsw".into(), hnsw);
    config
}

fn defaults(info: &CollectionInfo) -> Json {
    let unknown = json!({"embedding_function": {"type": "unknown"}, "bm25": false});
    json!({
        "string": {"fts_index": index(false), "string_inverted_index": index(true)},
        "float_list": {"vector_index": {"enabled": false, "config": vector_config(info)}},
        "sparse_vector": {"sparse_vector_index": {"enabled": false, "config": unknown}},
        "int": {"int_inverted_index": index(true)},
        "float": {"float_inverted_index": index(true)},
        "bool": {"bool_inverted_index": index(true)},
    })
}

/// What a schema says of the embeddings: a configuration as [`crate::record::Configuration`] reads it, and the function.
pub(in crate::serve) fn configuration_in(schema: &Json) -> Result<(Json, Option<Json>), Error> {
    let object = schema.as_object().ok_or_else(|| Error::argument("the schema is a JSON object"))?;
    if let Some(other) =
        object.keys().find(|key| !["defaults", "keys", "cmek", "source_attached_function_id"].contains(&key.as_str()))
    {
        return Err(Error::argument(format!("the schema has no field {other:?}; its fields are defaults and keys")));
    }
    let empty = json!({});
    let keys = object.get("keys").filter(|keys| !keys.is_null()).unwrap_or(&empty);
    let keys = keys.as_object().ok_or_else(|| Error::argument("the schema's keys are a JSON object"))?;
    if let Some((key, _)) = keys.iter().find(|(_, of_key)| !of_key.is_object()) {
        return Err(Error::argument(format!("what the schema says of the key {key:?} is a JSON object")));
    }
    if object.get("defaults").is_some_and(|defaults| !defaults.is_object() && !defaults.is_null()) {
        return Err(Error::argument("the schema's defaults are a JSON object"));
    }
    let config =
        |of: Option<&Json>| of?.pointer("/float_list/vector_index/config").filter(|config| config.is_object()).cloned();
    let config = config(keys.get(EMBEDDING)).or_else(|| config(object.get("defaults"))).unwrap_or(Json::Null);
    let function = config.get("embedding_function").filter(|function| !function.is_null()).cloned();
    let mut hnsw = config.get("hnsw").and_then(Json::as_object).cloned().unwrap_or_default();
    hnsw.retain(|_, value| !value.is_null());
    if let Some(space) = config.get("space").filter(|space| !space.is_null()) {
        hnsw.insert("space".into(), space.clone());
    }
    Ok((json!({ "hnsw": hnsw }), function))
}

/// Refuses a filter on what the client's schema has disabled.
pub(in crate::serve) fn check_filter(schema: Option<&Json>, filter: &Filter) -> Result<(), String> {
    let Some(schema) = schema else { return Ok(()) };
    let disabled = |key: &str, kind: &str, index: &str| {
        let said = |place: String| schema.pointer(&place).and_then(Json::as_bool);
        let pointer = key.replace('~', "~0").replace('/', "~1");
        let of_key = said(format!("/keys/{pointer}/{kind}/{index}/enabled"));
        of_key.or_else(|| said(format!("/defaults/{kind}/{index}/enabled"))) == Some(false)
    };
    for test in filter.tests() {
        let (key, scalars) = match test {
            Test::Text { field: TextField::Document, .. } => {
                let of_key = schema.pointer(&format!("/keys/{DOCUMENT}/string/fts_index/enabled"));
                if of_key.and_then(Json::as_bool) == Some(false) {
                    return Err("Cannot filter using full-text search because FTS indexing is disabled".into());
                }
                continue;
            }
            // What only huedb can say is refused before.
            Test::Id { .. } | Test::Uri { .. } | Test::Exists { .. } | Test::Text { .. } => continue,
            Test::In { key, values, .. } => (key, values.first().cloned()),
            Test::Contains { key, element, .. } => (key, Some(element.clone())),
            Test::Range { key, bound, .. } => (key, Some(bound.clone())),
        };
        let (kind, index, name) = match scalars {
            Some(Scalar::Bool(_)) => ("bool", "bool_inverted_index", "Bool"),
            Some(Scalar::Number(crate::record::Number::Float(_))) => ("float", "float_inverted_index", "Float"),
            Some(Scalar::Number(_)) => ("int", "int_inverted_index", "Int"),
            Some(Scalar::Str(_)) | None => ("string", "string_inverted_index", "Str"),
        };
        if disabled(key, kind, index) {
            return Err(format!(
                "Cannot filter using metadata key '{key}' with type '{name}' because indexing is disabled"
            ));
        }
    }
    Ok(())
}
