//! A collection's configuration as Chroma's clients read it.

use serde_json::{Value as Json, json};

use crate::record::{ChromaSettings, CollectionInfo, EmbeddingFunction};

/// Returns a collection's configuration. Chroma's is in it even where it means nothing here, since clients read it.
pub(super) fn configuration(info: &CollectionInfo) -> Json {
    let ChromaSettings { sync_threshold, resize_factor, .. } = info.chroma;
    json!({
        "hnsw": {
            "space": info.space.as_str(),
            "ef_construction": info.hnsw.ef_construction,
            "ef_search": info.hnsw.ef_search,
            "max_neighbors": info.hnsw.max_neighbors,
            "resize_factor": resize_factor.unwrap_or(1.2),
            "sync_threshold": sync_threshold.unwrap_or(1000),
        },
        "spann": null,
        "embedding_function": embedding_function(info),
    })
}

/// Returns what clients are told of how texts are embedded: what they said themselves, else what huedb's model is to them.
pub(super) fn embedding_function(info: &CollectionInfo) -> Json {
    match &info.client.embedding_function {
        Some(function) => function.clone(),
        None => EmbeddingFunction::of(info.embedder.as_ref()).map_or(Json::Null, EmbeddingFunction::to_json),
    }
}
