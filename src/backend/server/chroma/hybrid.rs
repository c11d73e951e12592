//! Hybrid queries of a large collection of Chroma: its Search API finds the best by words, its index the nearest, and both are
//! ranked here by the score that a file has.
//!
//! How well a document fits by its words is what Chroma says, which weighs no rare word more than a frequent one. Invariant: a
//! record has one number as long as a query is answered.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::select::Pushed;
use super::state::{ChromaState, FEW};
use crate::backend::search::{Found, Searcher, WordHits};
use crate::error::Result;
use crate::query::{Filter, RecordPage, RecordQuery};
use crate::record::{CollectionInfo, Record, RecordId, SparseVector};
use crate::store::Include;

/// A state that is asked for words, too.
pub(super) struct ByWords<'s> {
    state: &'s ChromaState,
    /// The metadata key of the vectors.
    key: &'s str,
    numbers: Mutex<Numbers>,
}

/// The records that were met, by their numbers.
#[derive(Default)]
struct Numbers {
    ids: Vec<RecordId>,
    of: HashMap<RecordId, u64>,
}

/// An answer of the Search API to one search.
#[derive(Deserialize)]
struct SearchJson {
    ids: Vec<Vec<RecordId>>,
    scores: Vec<Option<Vec<Option<f64>>>>,
}

impl Numbers {
    fn number(&mut self, id: &RecordId) -> u64 {
        if let Some(number) = self.of.get(id) {
            return *number;
        }
        let number = self.ids.len() as u64;
        self.ids.push(id.clone());
        self.of.insert(id.clone(), number);
        number
    }
}

impl<'s> ByWords<'s> {
    pub(super) fn new(state: &'s ChromaState, key: &'s str) -> Self {
        Self { state, key, numbers: Mutex::default() }
    }

    fn numbers(&self) -> MutexGuard<'_, Numbers> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for the best by words: ids, and how well each fits.
    fn search(&self, question: &SparseVector, filter: &Json, most: usize) -> Result<Vec<(RecordId, f64)>> {
        let knn = json!({ "query": question.to_json(), "key": self.key, "limit": most });
        let search = json!({
            "filter": filter, "rank": { "$knn": knn }, "limit": { "limit": most, "offset": 0 },
            "select": { "keys": ["#score"] },
        });
        let http = &self.state.records.connection.http;
        let answer: SearchJson = http.read(&self.state.records.post("search", &json!({ "searches": [search] }))?)?;
        let ids = answer.ids.into_iter().flatten();
        let scores = answer.scores.into_iter().flatten().flatten();
        // Chroma's distance of sparse vectors is 1 less their product.
        Ok(ids.zip(scores).map(|(id, score)| (id, 1.0 - score.unwrap_or(1.0))).collect())
    }
}

impl Searcher for ByWords<'_> {
    fn info(&self) -> &CollectionInfo {
        self.state.info()
    }

    fn records(&self) -> u64 {
        self.state.records()
    }

    fn nearest(
        &self,
        questions: &[&[f32]],
        among: &RecordQuery,
        wanted: usize,
        exact: bool,
        include: Include,
    ) -> Result<Vec<Vec<Found>>> {
        let mut lists = self.state.nearest(questions, among, wanted, exact, include)?;
        let mut numbers = self.numbers();
        for found in lists.iter_mut().flatten() {
            found.order = Some(numbers.number(&found.record.id));
        }
        Ok(lists)
    }

    fn find(&self, among: &RecordQuery, include: Include) -> Result<RecordPage> {
        Searcher::find(self.state, among, include)
    }

    /// Few records, and those of a filter that Chroma cannot be trusted with, are answered by a copy of them.
    fn by_words(&self, question: &SparseVector, among: &RecordQuery) -> Result<Option<WordHits>> {
        let quota = self.state.records.quota()?;
        let is_told =
            among.ids.is_none() && self.state.records.only.is_none() && !Pushed::of(among, quota.tests).tests();
        if self.state.records() <= FEW || !is_told {
            return Ok(None);
        }
        if question.indices().is_empty() {
            return Ok(Some(WordHits::default()));
        }
        let filter = among.filter.as_ref().filter(|filter| !filter.is_all());
        let best = self.search(question, &filter.map_or(Json::Null, Filter::to_json), quota.results)?;
        let is_known = !best.is_empty() || filter.is_some() && !self.search(question, &Json::Null, 1)?.is_empty();
        let mut numbers = self.numbers();
        let best = best.iter().map(|(id, product)| (numbers.number(id), *product)).collect();
        Ok(Some(WordHits { best, is_known }))
    }

    fn numbered(&self, orders: &[u64], include: Include) -> Result<Vec<Found>> {
        let ids: Vec<RecordId> = {
            let numbers = self.numbers();
            let id = |order: &u64| numbers.ids.get(usize::try_from(*order).ok()?).cloned();
            orders.iter().filter_map(id).collect()
        };
        let read = self.state.records.by_ids(&ids, include)?;
        let mut numbers = self.numbers();
        let found = |record: Record| Found { order: Some(numbers.number(&record.id)), record };
        Ok(read.into_iter().map(found).collect())
    }
}
