//! A collection as facts: one line of `list`, or everything `show` says.
//!
//! Invariant: both use the same names for the same things.

use huedb::record::{CollectionInfo, Counts, Fingerprint, Metadata};
use serde_json::Value as Json;

use super::Properties;

/// Returns a line of a list of collections: name, records, dimension, space, model, metadata.
#[must_use]
pub(crate) fn collection_line(collection: &CollectionInfo, counts: &Counts) -> Properties {
    Properties::new()
        .with("name", collection.name.as_str())
        .with("records", counts.records)
        .with("dimension", collection.dimension)
        .with("space", collection.space.as_str())
        .with("model", collection.embedder.as_ref().map(|embedder| embedder.model.as_str()))
        .with("metadata", collection.metadata.as_ref().map(Metadata::to_json))
}

/// Returns everything known about a collection.
#[must_use]
pub(crate) fn collection_facts(collection: &CollectionInfo, counts: &Counts) -> Properties {
    let mut facts = collection_line(collection, counts)
        .with("id", collection.id.to_string())
        .with("deleted", counts.deleted)
        .with("sealed", counts.sealed)
        .with("tail", counts.tail)
        .with("precision", collection.precision.as_str())
        .with("index", collection.index.as_str())
        .with("words_indexed", collection.bm25)
        .with("ef_construction", collection.hnsw.ef_construction)
        .with("ef_search", collection.hnsw.ef_search)
        .with("max_neighbors", collection.hnsw.max_neighbors);
    if let Some(sparse) = &collection.sparse {
        facts = facts.with("sparse_model", sparse.model.model.as_str());
    }
    if let Some(embedder) = &collection.embedder {
        facts = match &embedder.probe {
            Some(probe) => facts.with("probe", probe.short()),
            None => facts.with("model_sha256", embedder.sha256.as_str()).with("pooling", embedder.pooling.as_str()),
        };
        facts = facts
            .with("normalize", embedder.normalize)
            .with("max_tokens", embedder.max_tokens)
            .with("query_prefix", prefix(&embedder.query_prefix))
            .with("document_prefix", prefix(&embedder.document_prefix));
        if let Some(engines) = engines(embedder) {
            facts = facts.with("embedded_with", engines);
        }
    }
    facts
}

/// Returns what made the embeddings, where that is known.
fn engines(embedder: &Fingerprint) -> Option<Json> {
    let engines: Vec<&str> = embedder.made_by.iter().flatten().map(|engine| engine.as_str()).collect();
    (!engines.is_empty()).then(|| engines.join(", ").into())
}

fn prefix(prefix: &str) -> Option<Json> {
    (!prefix.is_empty()).then(|| prefix.into())
}
