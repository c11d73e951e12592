//! Answers a request of Chroma's Search API in its JSON.
//!
//! Invariant: all searches of a request are answered from one state of the file.

use serde_json::{Map, Value as Json, json};

use super::answer::Answer;
use super::chroma_request::{ChromaRequest, ChromaSearch};
use super::request::{Ask, Query};
use crate::error::Result;
use crate::record::{Hit, short};
use crate::store::View;

impl View {
    /// Runs every search of a request and returns Chroma's response, and what went wrong without changing it.
    ///
    /// # Errors
    /// As [`View::query`].
    pub fn respond(&self, request: &ChromaRequest) -> Result<(Json, Vec<String>)> {
        request.answered_by(|query| self.query(query))
    }
}

impl ChromaRequest {
    /// Has every search of a request answered; returns Chroma's response, and what went wrong without changing it.
    ///
    /// # Errors
    /// Those of `answer`.
    pub fn answered_by(&self, answer: impl Fn(&Query) -> Result<Answer>) -> Result<(Json, Vec<String>)> {
        let mut warnings = Vec::new();
        let mut columns: [Vec<Json>; 6] = Default::default();
        for search in &self.searches {
            let mut answer = answer(&search.query)?;
            warnings.append(&mut answer.warnings);
            for (column, part) in columns.iter_mut().zip(payload(&answer.hits.concat(), search)) {
                column.push(part);
            }
        }
        let [ids, documents, embeddings, metadatas, scores, select] = columns;
        let response = json!({
            "ids": ids, "documents": documents, "embeddings": embeddings, "metadatas": metadatas, "scores": scores,
            "select": select,
        });
        Ok((response, warnings))
    }
}

/// Returns one search's entry of each part of the response, in its order; null where a part is not selected.
fn payload(hits: &[Hit], ChromaSearch { query, select }: &ChromaSearch) -> [Json; 6] {
    let part = |selected: bool, of: &dyn Fn(&Hit) -> Json| {
        if selected { Json::Array(hits.iter().map(of).collect()) } else { Json::Null }
    };
    let metadata = |hit: &Hit| {
        let Some(metadata) = &hit.record.metadata else { return Json::Null };
        let wanted = |key: &str| select.metadata || select.fields.iter().any(|field| field == key);
        let chosen: Map<String, Json> = metadata
            .iter()
            .filter(|(key, _)| wanted(key))
            .map(|(key, value)| (key.to_owned(), value.to_json()))
            .collect();
        if chosen.is_empty() { Json::Null } else { Json::Object(chosen) }
    };
    // Scores are f32 in Chroma, and its shortest text is that of an f32.
    let is_ranked = query.asks != [Ask::All];
    let score = |hit: &Hit| if is_ranked { json!(short(hit.distance)) } else { Json::Null };
    let embedding = |hit: &Hit| {
        let components = hit.record.embedding.iter().flatten();
        components.map(|component| short(*component)).collect()
    };
    [
        part(true, &|hit| hit.record.id.as_str().into()),
        part(select.document, &|hit| hit.record.document.clone().into()),
        part(select.embedding, &embedding),
        part(select.metadata || !select.fields.is_empty(), &metadata),
        part(select.score, &score),
        select.keys.clone().into(),
    ]
}
