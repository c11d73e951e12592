//! Queries of a collection that is in no file here, answered as a file answers them.
//!
//! The place finds candidates by its own measure and in its own way ([`Searcher`]); they are ranked again here by the code
//! that ranks a file's. What only a file's code can do (thinning, groups, expressions, words) it does on a copy of the
//! candidates that suffice for it. Invariant: where the place finds what [`Searcher::nearest`] promises, hits, distances
//! and ties are those that a file with the same records gives.

mod copied;
mod fused;
mod ranked;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use crate::error::Result;
use crate::query::{
    Answer, Ask, Facts, Plan, Query, QueryTiming, RecordPage, RecordQuery, by_embeddings, check_hybrid, check_thinned,
    reranked, vector_of,
};
use crate::record::{CollectionInfo, Hit, Record, RecordId, SparseVector};
use crate::store::{Include, check_dimension, check_embedding};
use copied::{answered_by_copy, is_scored};
use fused::{fused_hits, is_fused};
use ranked::{Near, nearest};

/// A record that a place found.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// The record, with its embedding and what else was asked for.
    pub(crate) record: Record,
    /// A number that grows in the order of insertion; `None` where the place does not say, and is asked by
    /// [`Searcher::find`] where it counts.
    pub(crate) order: Option<u64>,
}

/// What was found by words.
#[derive(Debug, Clone, Default)]
pub(crate) struct WordHits {
    /// Every record that ids and filter keep and that holds a word of the question, by its [`Found::order`], with the product
    /// of its weights and the question's, each word counted by how rare it is among all records; the greatest first, ties by
    /// insertion.
    pub(crate) best: Vec<(u64, f64)>,
    /// Whether any record holds a word of the question, kept or not.
    pub(crate) is_known: bool,
}

/// A state of a collection that can be searched where it is.
pub(crate) trait Searcher {
    /// Returns what the collection is.
    fn info(&self) -> &CollectionInfo;

    /// Returns how many records there are to be seen.
    fn records(&self) -> u64;

    /// Finds, for each question, at least the `wanted` nearest of the records that ids and filter keep, or all where there
    /// are fewer; more of them, so that none is lost that the place's own measure puts a little too far. Each once, in
    /// any order. `exact` is to pass by what may miss a record.
    ///
    /// Questions are finite and of the collection's dimension; `include` names the embeddings always.
    fn nearest(
        &self,
        questions: &[&[f32]],
        among: &RecordQuery,
        wanted: usize,
        exact: bool,
        include: Include,
    ) -> Result<Vec<Vec<Found>>>;

    /// Finds records in the order they were inserted.
    fn find(&self, among: &RecordQuery, include: Include) -> Result<RecordPage>;

    /// Finds records by the words of their documents; `None` where the place has no index of them: then every record is
    /// fetched, and indexed here.
    fn by_words(&self, _question: &SparseVector, _among: &RecordQuery) -> Result<Option<WordHits>> {
        Ok(None)
    }

    /// Reads records by their [`Found::order`], which a place with an index of words knows of each.
    fn numbered(&self, _orders: &[u64], _include: Include) -> Result<Vec<Found>> {
        Ok(Vec::new())
    }
}

/// What hits are found among.
struct Among {
    query: RecordQuery,
    /// Records that are found and not wanted.
    but: HashSet<RecordId>,
}

/// Answers one or more questions, as [`crate::store::View::query`] does.
///
/// # Errors
/// As [`crate::store::Collection::query`].
pub(crate) fn query(place: &dyn Searcher, query: &Query) -> Result<Answer> {
    check_hybrid(place.info(), query)?;
    check_thinned(query)?;
    if let Some(reranker) = &query.reranker {
        return reranked(query, reranker, |first| self::query(place, first));
    }
    let (mut query, but) = match by_embeddings(place.info(), query, |ids| embeddings_of(place, ids))? {
        Some((query, named)) => (query, named.into_iter().collect()),
        None => (query.clone(), HashSet::new()),
    };
    let start = Instant::now();
    if query.needs_model(place.info()) {
        let model = query.model_of(place.info())?;
        Query::embed_all([&mut query], model.as_ref())?;
    }
    let embed = start.elapsed();
    let among = RecordQuery { ids: query.ids.clone(), filter: query.filter.clone(), ..RecordQuery::default() };
    let mut answer = answered(place, &query, &Among { query: among, but })?;
    answer.timing.embed = embed;
    Ok(answer)
}

/// Answers a query whose texts are embedded.
fn answered(place: &dyn Searcher, query: &Query, among: &Among) -> Result<Answer> {
    let vectors: Vec<&[f32]> = query.asks.iter().filter_map(vector_of).collect();
    vectors.iter().try_for_each(|question| {
        check_embedding(question)?;
        check_dimension(place.info(), question)
    })?;
    let mut answer = unanswered(place, query);
    if !is_scored(query) && vectors.len() == query.asks.len() {
        answer.hits = hits_of(place, query, &vectors, among, &mut answer)?;
        return Ok(answer);
    }
    for ask in &query.asks {
        let hits = match (ask, vector_of(ask)) {
            (Ask::All, _) if query.group_by.is_none() && query.max_distance.is_none() => in_order(place, query, among)?,
            (_, Some(vector)) if !is_scored(query) => {
                hits_of(place, query, &[vector], among, &mut answer)?.pop().unwrap_or_default()
            }
            (Ask::Text { text, .. }, Some(vector)) if is_fused(place, query) => {
                match fused_hits(place, query, (text, vector), among, &mut answer)? {
                    Some(hits) => hits,
                    None => answered_by_copy(place, query, ask, among, &mut answer)?,
                }
            }
            _ => answered_by_copy(place, query, ask, among, &mut answer)?,
        };
        answer.hits.push(hits);
    }
    let mut said = HashSet::new();
    answer.warnings.retain(|warning| said.insert(warning.clone()));
    Ok(answer)
}

fn unanswered(place: &dyn Searcher, query: &Query) -> Answer {
    let records = place.records();
    let facts = Facts {
        questions: query.asks.len(),
        wanted: query.offset.saturating_add(query.top).min(usize::try_from(records).unwrap_or(usize::MAX)),
        rows: records,
        tail: 0,
        candidates: records,
        filtered: query.ids.is_some() || query.filter.is_some(),
        dimension: place.info().dimension.unwrap_or(0),
        graph_rows: 0,
        recall: None,
        outside_graph: 0,
        ef_search: place.info().hnsw.ef_search,
        clusters: None,
        sketched: false,
        resident: false,
        graph_resident: false,
        exact: query.exact,
    };
    let timing = QueryTiming::default();
    Answer { hits: Vec::new(), plan: Plan::remote(), facts, timing, ranked: 0, thinned: None, warnings: Vec::new() }
}

/// Returns the nearest records of each question.
#[expect(clippy::cast_possible_truncation, reason = "distances are shown as f32, as in Chroma")]
fn hits_of(
    place: &dyn Searcher,
    query: &Query,
    questions: &[&[f32]],
    among: &Among,
    answer: &mut Answer,
) -> Result<Vec<Vec<Hit>>> {
    let is_near = |near: &Near| query.max_distance.is_none_or(|most| near.distance as f32 <= most);
    let hit = |Near { mut record, distance, .. }: Near| {
        record.embedding = record.embedding.filter(|_| query.include.embeddings);
        Hit { record, distance: distance as f32, score: None }
    };
    let ranked = nearest(place, questions, among, answer.facts.wanted, query.exact, query.include, answer)?;
    let page = |ranked: Vec<Near>| {
        ranked.into_iter().skip(query.offset).take(query.top).take_while(is_near).map(hit).collect()
    };
    Ok(ranked.into_iter().map(page).collect())
}

/// Returns the records in the order they were inserted.
fn in_order(place: &dyn Searcher, query: &Query, among: &Among) -> Result<Vec<Hit>> {
    let limit = u64::try_from(query.top).unwrap_or(u64::MAX);
    let offset = u64::try_from(query.offset).unwrap_or(u64::MAX);
    let page = place.find(&RecordQuery { offset, limit: Some(limit), ..among.query.clone() }, query.include)?;
    page.records().map(|record| Ok(Hit { record: record?, distance: 0.0, score: None })).collect()
}

fn embeddings_of(place: &dyn Searcher, ids: &[RecordId]) -> Result<Vec<Option<Vec<f32>>>> {
    let among = RecordQuery { ids: Some(ids.to_vec()), ..RecordQuery::default() };
    let page = place.find(&among, Include { embeddings: true, ..Include::NONE })?;
    let found = page.records().map(|record| record.map(|record| (record.id, record.embedding)));
    let found: HashMap<RecordId, Option<Vec<f32>>> = found.collect::<Result<_>>()?;
    Ok(ids.iter().map(|id| found.get(id).cloned().flatten()).collect())
}
