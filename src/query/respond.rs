//! Runs searches and answers in Chroma's JSON.
//!
//! Invariant: all searches of a request are answered from one state of the file; scores ascend, ties by insertion.

use std::cmp::Ordering;

use serde_json::{Map, Value as Json, json};

use super::rank::evaluate;
use super::request::{Request, Search, Select};
use super::select::choose;
use crate::error::Result;
use crate::record::{Metadata, Ordinal, Record, RecordId, short};
use crate::store::{Include, View};

/// A record found by a search, and its score where there is a rank.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The record, with the parts that were asked for.
    pub record: Record,
    /// Its score; smaller is better.
    pub score: Option<f64>,
}

impl View {
    /// Runs one search, as of this view; `ids` limits it to some records.
    ///
    /// # Errors
    /// [`crate::error::Error::InvalidArgument`] for a question that does not fit its key, or a damaged file.
    pub fn search(
        &self,
        search: &Search,
        ids: Option<&[RecordId]>,
        include: Include,
        threads: usize,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<Found>> {
        let chosen = choose(self, ids, search.filter.as_ref())?;
        let mut found: Vec<(Ordinal, Option<f64>)> = match &search.rank {
            None => chosen.unwrap_or_else(|| self.live()).iter().map(|ordinal| (Ordinal(ordinal), None)).collect(),
            Some(rank) => {
                let scores = evaluate(self, rank, chosen.as_ref(), threads, warnings)?;
                let mut ranked: Vec<(u64, f64)> = scores.support.into_iter().collect();
                // The support is in the order of insertion, and the sort is stable.
                ranked.sort_by(|a, b| ascending(a.1, b.1));
                ranked.into_iter().map(|(ordinal, score)| (Ordinal(ordinal), Some(score))).collect()
            }
        };
        if let Some(group_by) = &search.group_by {
            let read = |(ordinal, score): (Ordinal, Option<f64>)| {
                Ok((ordinal, score.unwrap_or_default(), self.stored(ordinal)?.metadata))
            };
            let with_metadata: Vec<(Ordinal, f64, Metadata)> = found.into_iter().map(read).collect::<Result<_>>()?;
            found = group_by.keep(with_metadata).into_iter().map(|(ordinal, score)| (ordinal, Some(score))).collect();
        }
        let page = found.into_iter().skip(search.page.offset).take(search.page.limit.unwrap_or(usize::MAX));
        page.map(|(ordinal, score)| Ok(Found { record: self.record(ordinal, include)?, score })).collect()
    }

    /// Runs every search of a request and returns Chroma's response, and what went wrong without changing it.
    ///
    /// # Errors
    /// As [`View::search`].
    pub fn respond(&self, request: &Request, threads: usize) -> Result<(Json, Vec<String>)> {
        let mut warnings = Vec::new();
        let mut columns: [Vec<Json>; 6] = Default::default();
        for search in &request.searches {
            let select = &search.select;
            let include = Include {
                documents: select.document,
                metadatas: select.metadata || !select.fields.is_empty(),
                uris: false,
                embeddings: select.embedding,
            };
            let found = self.search(search, None, include, threads, &mut warnings)?;
            for (column, part) in columns.iter_mut().zip(payload(&found, select)) {
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

/// Orders scores; what is no number comes last.
fn ascending(a: f64, b: f64) -> Ordering {
    a.is_nan().cmp(&b.is_nan()).then_with(|| a.partial_cmp(&b).unwrap_or(Ordering::Equal))
}

/// Returns one search's entry of each part of the response, in its order; null where a part is not selected.
fn payload(found: &[Found], select: &Select) -> [Json; 6] {
    let part = |selected: bool, of: &dyn Fn(&Found) -> Json| {
        if selected { Json::Array(found.iter().map(of).collect()) } else { Json::Null }
    };
    let metadata = |found: &Found| {
        let Some(metadata) = &found.record.metadata else { return Json::Null };
        let wanted = |key: &str| select.metadata || select.fields.iter().any(|field| field == key);
        let chosen: Map<String, Json> = metadata
            .iter()
            .filter(|(key, _)| wanted(key))
            .map(|(key, value)| (key.to_owned(), value.to_json()))
            .collect();
        if chosen.is_empty() { Json::Null } else { Json::Object(chosen) }
    };
    // Scores are f32 in Chroma, and its shortest text is that of an f32.
    #[expect(clippy::cast_possible_truncation, reason = "scores are f32, as in Chroma")]
    let score = |found: &Found| found.score.map_or(Json::Null, |score| json!(short(score as f32)));
    let embedding = |found: &Found| {
        let components = found.record.embedding.iter().flatten();
        components.map(|component| short(*component)).collect()
    };
    [
        part(true, &|found| found.record.id.as_str().into()),
        part(select.document, &|found| found.record.document.clone().into()),
        part(select.embedding, &embedding),
        part(select.metadata || !select.fields.is_empty(), &metadata),
        part(select.score, &score),
        select.keys.clone().into(),
    ]
}
