//! Answers a query: texts are embedded, vectors searched for, expressions ranked, and what is left is read.
//!
//! Invariants: all questions of a query are answered from one state of the file; hits ascend by distance or score, ties by
//! insertion.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::time::Instant;

use roaring::RoaringTreemap;

use super::answer::Answer;
use super::knn::VectorSearch;
use super::rank::{Knn, KnnQuery, Rank, evaluate, words_not_indexed};
use super::request::{Ask, Query};
use super::select::choose;
use crate::error::{Error, Result};
use crate::record::{Hit, Metadata, Ordinal};
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
    /// hybrid query of a collection without an index of words; or a damaged file.
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
        check_hybrid(self, query)?;
        if query.texts_to_embed().is_empty() {
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

fn check_hybrid(view: &View, query: &Query) -> Result<()> {
    if !query.hybrid {
        return Ok(());
    }
    if !view.info().bm25 {
        return Err(words_not_indexed(view.info()));
    }
    if query.asks.iter().all(|ask| matches!(ask, Ask::Text { .. })) {
        return Ok(());
    }
    Err(Error::argument("a hybrid query needs the text of each question"))
}

/// Answers a query whose texts are embedded.
fn answer(view: &View, query: &Query) -> Result<Answer> {
    let vectors = query.asks.iter().map(vector_of);
    let vectors = if query.hybrid || query.group_by.is_some() { None } else { vectors.collect::<Option<Vec<_>>>() };
    let start = Instant::now();
    let chosen = choose(view, query.ids.as_deref(), query.filter.as_ref())?;
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
fn vector_of(ask: &Ask) -> Option<&[f32]> {
    match ask {
        Ask::Vector(vector) | Ask::Text { vector: Some(vector), .. } => Some(vector),
        Ask::Text { .. } | Ask::Rank(_) | Ask::All => None,
    }
}

/// Answers questions one by one, by the scores of an expression each.
fn by_scores(view: &View, query: &Query, chosen: Option<&RoaringTreemap>, mut answer: Answer) -> Result<Answer> {
    let (mut warnings, mut said) = (Vec::new(), HashSet::new());
    for ask in &query.asks {
        let start = Instant::now();
        let mut found = match expression_of(ask, query) {
            None => in_order(view, chosen),
            Some(rank) => scored(view, &rank, chosen, query.threads_to_use(), &mut warnings)?,
        };
        if let Some(group_by) = &query.group_by {
            let read = |(ordinal, score)| Ok((ordinal, score, view.stored(ordinal)?.metadata));
            let with_metadata: Vec<(Ordinal, f64, Metadata)> = found.into_iter().map(read).collect::<Result<_>>()?;
            found = group_by.keep(with_metadata);
        }
        answer.timing.rank += start.elapsed();
        let start = Instant::now();
        answer.hits.push(page(view, query, found)?);
        answer.timing.read += start.elapsed();
    }
    warnings.retain(|warning: &String| said.insert(warning.clone()));
    answer.warnings.append(&mut warnings);
    Ok(answer)
}

/// Returns what ranks the records of a question; `None` where nothing does.
fn expression_of(ask: &Ask, query: &Query) -> Option<Rank> {
    let depth = query.ranking_depth();
    match ask {
        Ask::All => None,
        Ask::Rank(rank) => Some(rank.clone()),
        Ask::Text { text, vector } if query.hybrid => {
            Some(Rank::hybrid(vector.clone().unwrap_or_default(), text, depth))
        }
        Ask::Vector(vector) | Ask::Text { vector: Some(vector), .. } => {
            Some(Rank::Knn(Knn::by_embedding(KnnQuery::Dense(vector.clone()), depth)))
        }
        Ask::Text { text, vector: None } => Some(Rank::Knn(Knn::by_embedding(KnnQuery::Text(text.clone()), depth))),
    }
}

fn in_order(view: &View, chosen: Option<&RoaringTreemap>) -> Vec<(Ordinal, f64)> {
    let all = chosen.cloned().unwrap_or_else(|| view.live());
    all.iter().map(|ordinal| (Ordinal(ordinal), 0.0)).collect()
}

fn scored(
    view: &View,
    rank: &Rank,
    chosen: Option<&RoaringTreemap>,
    threads: usize,
    warnings: &mut Vec<String>,
) -> Result<Vec<(Ordinal, f64)>> {
    let scores = evaluate(view, rank, chosen, threads, warnings)?;
    let mut ranked: Vec<(u64, f64)> = scores.support.into_iter().collect();
    // The support is in the order of insertion, and the sort is stable.
    ranked.sort_by(|a, b| ascending(a.1, b.1));
    Ok(ranked.into_iter().map(|(ordinal, score)| (Ordinal(ordinal), score)).collect())
}

/// Orders scores; NaN comes last.
fn ascending(a: f64, b: f64) -> Ordering {
    a.is_nan().cmp(&b.is_nan()).then_with(|| a.partial_cmp(&b).unwrap_or(Ordering::Equal))
}

/// Reads the hits that are asked for.
#[expect(clippy::cast_possible_truncation, reason = "scores are shown as f32, as in Chroma")]
fn page(view: &View, query: &Query, found: Vec<(Ordinal, f64)>) -> Result<Vec<Hit>> {
    let near = |&(_, score): &(Ordinal, f64)| query.max_distance.is_none_or(|max| score as f32 <= max);
    let page = found.into_iter().skip(query.offset).take(query.top).take_while(near);
    let hit = |(ordinal, score)| Ok(Hit { record: view.record(ordinal, query.include)?, distance: score as f32 });
    page.map(hit).collect()
}
