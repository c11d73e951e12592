//! Answers a query: texts are embedded, vectors searched for, expressions ranked, and what is left is read.
//!
//! Invariants: all questions of a query are answered from one state of the file; hits ascend by distance or the
//! value of an expression or descend by a hybrid query's score, ties by insertion.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::time::Instant;

use roaring::RoaringTreemap;

use super::answer::{Answer, FoundRecord};
use super::fuse::{FusedQuestion, FusedRecord, Reach, fused};
use super::knn::VectorSearch;
use super::like::by_records;
use super::rank::{Knn, KnnQuery, Rank, evaluate, words_not_indexed};
use super::request::{Ask, Query};
use super::rerank::reranked;
use super::select::choose;
use super::thin::{check_thinned, thinned};
use crate::error::{Error, Result};
use crate::index::Ranked;
use crate::record::{CollectionInfo, Hit, Metadata, Ordinal};
use crate::store::{Collection, View};

impl Collection {
    /// Answers one or more questions from the latest state of the collection.
    ///
    /// Reading takes no lock and waits for no write. Texts are embedded by the collection's model; the first such query of
    /// a process loads it.
    ///
    /// ```
    /// use huedb::query::{Filter, Query};
    /// use huedb::store::{Access, Include};
    /// # use huedb::record::{CollectionName, RecordId};
    /// # use huedb::store::{Change, NewCollection, Store};
    ///
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = Store::open(folder.path().join("notes.redb"), Access::Create)?;
    /// # store.create_collection(CollectionName::parse("notes")?, NewCollection::default())?;
    /// let notes = store.collection("notes")?;
    /// # let change = |id: &str, embedding: Vec<f32>| Change {
    /// #     id: RecordId::parse(id).unwrap(), embedding: Some(embedding), embedded_here: false, document: None,
    /// #     uri: None, metadata: huedb::record::MetadataPatch::default(),
    /// # };
    /// # notes.add([change("near", vec![1.0, 0.0]), change("far", vec![0.0, 1.0])])?;
    /// let answer = notes.query(&Query::vector(vec![1.0, 0.1]).top(1).include(Include::NONE))?;
    /// assert_eq!(answer.hits[0][0].record.id.as_str(), "near");
    /// # Ok::<(), huedb::error::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::DimensionMismatch`] or [`Error::InvalidEmbedding`] for a question that does not fit; for a text
    /// [`Error::NoModel`], [`Error::ModelMismatch`] and those of [`crate::embed::load`]; [`Error::InvalidArgument`] for a
    /// hybrid query of a collection without an index of words, or a record that is not there ([`Query::like`]); or a
    /// damaged file.
    pub fn query(&self, query: &Query) -> Result<Answer> {
        self.read(|view| view.query(query)).map_err(|e| self.store().name(e))
    }
}

impl View {
    /// Answers one or more questions, as of this view.
    ///
    /// # Errors
    /// As [`Collection::query`].
    pub fn query(&self, query: &Query) -> Result<Answer> {
        check_hybrid(self.info(), query)?;
        check_thinned(query)?;
        if let Some(reranker) = &query.reranker {
            return reranked(query, reranker, |first| self.query(first));
        }
        if let Some(query) = by_records(self, query)? {
            return answer(self, &query);
        }
        if !query.needs_model(self.info()) {
            return answer(self, query);
        }
        let start = Instant::now();
        let mut embedded = query.clone();
        Query::embed_all([&mut embedded], query.model_of(self.info())?.as_ref())?;
        let took = start.elapsed();
        let mut answer = answer(self, &embedded)?;
        answer.timing.embed = took;
        Ok(answer)
    }
}

/// Refuses a hybrid query of a collection without an index of words, and one that cannot be ranked so.
pub(crate) fn check_hybrid(info: &CollectionInfo, query: &Query) -> Result<()> {
    if !query.hybrid {
        return Ok(());
    }
    if !info.bm25 && info.sparse.is_none() {
        return Err(words_not_indexed(info));
    }
    if !query.asks.iter().all(|ask| matches!(ask, Ask::Text { .. })) {
        return Err(Error::argument("a hybrid query needs the text of each question"));
    }
    if query.max_distance.is_some() {
        return Err(Error::argument("a hybrid query ranks by score, so a greatest distance does not end its hits"));
    }
    Ok(())
}

/// Answers a query whose texts are embedded.
fn answer(view: &View, query: &Query) -> Result<Answer> {
    let vectors = query.asks.iter().map(vector_of);
    let is_scored = query.hybrid || query.group_by.is_some() || query.thins();
    let vectors = if is_scored { None } else { vectors.collect::<Option<Vec<_>>>() };
    let start = Instant::now();
    let chosen = choose(view, query.ids.as_deref(), query.filter.as_ref())?;
    let but = |chosen: Option<RoaringTreemap>| chosen.unwrap_or_else(|| view.live()) - &query.left_out;
    let chosen = if query.left_out.is_empty() { chosen } else { Some(but(chosen)) };
    let filter = start.elapsed();
    let chosen = chosen.as_ref();
    let knn = VectorSearch {
        questions: vectors.clone().unwrap_or_default(),
        offset: query.offset,
        top: query.top,
        max_distance: query.max_distance,
        exact: query.exact,
        way: query.way,
        threads: query.threads_to_use(),
    };
    let mut answer = match vectors {
        Some(_) => knn.run(view, chosen, query.include)?,
        None => by_scores(view, query, chosen, knn.plan(view, chosen)?)?,
    };
    answer.timing.filter = filter;
    Ok(answer)
}

/// Returns the vector of a question that is one, or of an embedded text.
pub(crate) fn vector_of(ask: &Ask) -> Option<&[f32]> {
    match ask {
        Ask::Vector(vector) | Ask::Text { vector: Some(vector), .. } => Some(vector),
        Ask::Text { .. } | Ask::Rank(_) | Ask::Like { .. } | Ask::All => None,
    }
}

/// Answers questions one by one, by a score of each record.
fn by_scores(view: &View, query: &Query, chosen: Option<&RoaringTreemap>, mut answer: Answer) -> Result<Answer> {
    let mut said = HashSet::new();
    for ask in &query.asks {
        let start = Instant::now();
        let found = if query.thins() {
            let (found, left_out) =
                thinned(view, query, |depth| ranking(view, query, ask, chosen, depth, &mut answer))?;
            answer.thinned.get_or_insert_default().add(left_out);
            found
        } else {
            let found = ranking(view, query, ask, chosen, query.ranking_depth(), &mut answer)?;
            grouped(view, query, found)?
        };
        answer.timing.rank += start.elapsed();
        let start = Instant::now();
        answer.hits.push(page(view, query, found)?);
        answer.timing.read += start.elapsed();
    }
    answer.warnings.retain(|warning: &String| said.insert(warning.clone()));
    Ok(answer)
}

/// Returns the first `depth` records of a question, the best first, or as many as an expression finds.
fn ranking(
    view: &View,
    query: &Query,
    ask: &Ask,
    chosen: Option<&RoaringTreemap>,
    depth: usize,
    answer: &mut Answer,
) -> Result<Vec<FoundRecord>> {
    match ask {
        Ask::Text { text, vector, sparse } if query.hybrid => {
            let embedding = vector.as_deref().unwrap_or_default();
            let question = FusedQuestion { text, embedding, terms: sparse.as_ref() };
            fused_records(view, query, question, chosen, depth, &mut answer.warnings)
        }
        Ask::Vector(vector) | Ask::Text { vector: Some(vector), .. } if query.thins() => {
            nearest_records(view, query, vector, chosen, depth, answer)
        }
        _ => match expression_of(ask, query) {
            None => Ok(in_order(view, chosen)),
            Some(rank) => scored(view, &rank, chosen, query.threads_to_use(), &mut answer.warnings),
        },
    }
}

/// Returns the nearest records, and notes how they were searched for.
fn nearest_records(
    view: &View,
    query: &Query,
    vector: &[f32],
    chosen: Option<&RoaringTreemap>,
    depth: usize,
    answer: &mut Answer,
) -> Result<Vec<FoundRecord>> {
    let search = VectorSearch {
        questions: vec![vector],
        offset: 0,
        top: depth,
        max_distance: None,
        exact: query.exact,
        way: query.way,
        threads: query.threads_to_use(),
    };
    let (searched, mut ranked) = search.rank(view, chosen)?;
    (answer.plan, answer.facts) = (searched.plan, searched.facts);
    answer.ranked += searched.ranked;
    answer.warnings.extend(searched.warnings);
    let found = |Ranked { ordinal, distance }| FoundRecord { ordinal, distance, score: None };
    Ok(ranked.pop().unwrap_or_default().into_iter().map(found).collect())
}

/// Keeps a few of each group, where hits are to be grouped.
fn grouped(view: &View, query: &Query, found: Vec<FoundRecord>) -> Result<Vec<FoundRecord>> {
    let Some(group_by) = &query.group_by else { return Ok(found) };
    let read = |found: FoundRecord| {
        let metadata = view.stored_but_document(found.ordinal)?.metadata;
        Ok((found, found.score.unwrap_or(found.distance), metadata))
    };
    let with_metadata: Vec<(FoundRecord, f64, Metadata)> = found.into_iter().map(read).collect::<Result<_>>()?;
    Ok(group_by.keep(with_metadata).into_iter().map(|(found, _)| found).collect())
}

/// Ranks by meaning and words.
fn fused_records(
    view: &View,
    query: &Query,
    question: FusedQuestion,
    chosen: Option<&RoaringTreemap>,
    depth: usize,
    warnings: &mut Vec<String>,
) -> Result<Vec<FoundRecord>> {
    let top = if query.group_by.is_some() || query.thins() { depth } else { query.top.saturating_add(query.offset) };
    let reach = Reach { top, depth, exact: query.exact, threads: query.threads_to_use() };
    let found = fused(view, question, chosen, reach, warnings)?.into_iter();
    let found =
        found.map(|FusedRecord { ordinal, distance, score }| FoundRecord { ordinal, distance, score: Some(score) });
    Ok(found.collect())
}

/// Returns what ranks the records of a question; `None` where nothing does.
fn expression_of(ask: &Ask, query: &Query) -> Option<Rank> {
    let depth = query.ranking_depth();
    match ask {
        // A question by records is one by a vector by now.
        Ask::Like { .. } | Ask::All => None,
        Ask::Rank(rank) => Some(rank.clone()),
        Ask::Vector(vector) | Ask::Text { vector: Some(vector), .. } => {
            Some(Rank::Knn(Knn::by_embedding(KnnQuery::Dense(vector.clone()), depth)))
        }
        Ask::Text { text, vector: None, .. } => Some(Rank::Knn(Knn::by_embedding(KnnQuery::Text(text.clone()), depth))),
    }
}

fn in_order(view: &View, chosen: Option<&RoaringTreemap>) -> Vec<FoundRecord> {
    let all = chosen.cloned().unwrap_or_else(|| view.live());
    all.iter().map(|ordinal| FoundRecord { ordinal: Ordinal(ordinal), distance: 0.0, score: None }).collect()
}

fn scored(
    view: &View,
    rank: &Rank,
    chosen: Option<&RoaringTreemap>,
    threads: usize,
    warnings: &mut Vec<String>,
) -> Result<Vec<FoundRecord>> {
    let scores = evaluate(view, rank, chosen, threads, warnings)?;
    let mut ranked: Vec<(u64, f64)> = scores.support.into_iter().collect();
    // The support is in the order of insertion, and the sort is stable.
    ranked.sort_by(|a, b| ascending(a.1, b.1));
    let found = |(ordinal, value)| FoundRecord { ordinal: Ordinal(ordinal), distance: value, score: None };
    Ok(ranked.into_iter().map(found).collect())
}

/// Orders scores; NaN comes last.
fn ascending(a: f64, b: f64) -> Ordering {
    a.is_nan().cmp(&b.is_nan()).then_with(|| a.partial_cmp(&b).unwrap_or(Ordering::Equal))
}

/// Reads the hits that are asked for.
#[expect(clippy::cast_possible_truncation, reason = "scores are shown as f32, as in Chroma")]
fn page(view: &View, query: &Query, found: Vec<FoundRecord>) -> Result<Vec<Hit>> {
    let near = |found: &FoundRecord| query.max_distance.is_none_or(|max| found.distance as f32 <= max);
    let page = found.into_iter().skip(query.offset).take(query.top).take_while(near);
    let hit = |FoundRecord { ordinal, distance, score }| {
        let record = view.record(ordinal, query.include)?;
        Ok(Hit { record, distance: distance as f32, score: score.map(|score| score as f32) })
    };
    page.map(hit).collect()
}
