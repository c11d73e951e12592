//! A collection as Chroma's JSON, for programs that read Chroma's; our own facts stand apart under `huedb`.
//!
//! Chroma's `schema` is left out: there are no indexes of single keys to configure here. Invariant: what stands
//! outside `huedb` has the names, types and meaning Chroma gives it.

use huedb::record::{CollectionInfo, EmbeddingFunction, Metadata, Scope};
use serde_json::{Value as Json, json};

use super::Properties;

/// Returns a collection as Chroma's server returns it, with our own facts about it.
#[must_use]
pub(crate) fn chroma_collection(collection: &CollectionInfo, own: &Properties, scope: &Scope) -> Properties {
    let own = serde_json::to_value(own).unwrap_or_default();
    Properties::new()
        .with("id", collection.id.to_string())
        .with("name", collection.name.as_str())
        .with("configuration_json", configuration(collection))
        .with("metadata", collection.metadata.as_ref().map(Metadata::to_json))
        .with("dimension", collection.dimension)
        .with("tenant", scope.tenant.as_str())
        .with("database", scope.database.as_str())
        .with("log_position", 0)
        .with("version", 0)
        .with("huedb", own)
}

/// Chroma's defaults stand where a setting was not given, as in its own answers.
fn configuration(collection: &CollectionInfo) -> Json {
    let (hnsw, chroma) = (collection.hnsw, collection.chroma);
    let function = EmbeddingFunction::of(collection.embedder.as_ref()).map(EmbeddingFunction::to_json);
    json!({
        "hnsw": {
            "space": collection.space.as_str(),
            "ef_construction": hnsw.ef_construction,
            "ef_search": hnsw.ef_search,
            "max_neighbors": hnsw.max_neighbors,
            "resize_factor": chroma.resize_factor.unwrap_or(1.2),
            "sync_threshold": chroma.sync_threshold.unwrap_or(1000),
        },
        "spann": null,
        "embedding_function": function,
    })
}
