//! Meaning and words in one score, where the place has an index of words: the file's own way to fuse them, over what the
//! place finds by each.
//!
//! Invariant: hits and scores are those of a file with the same records.

use std::collections::HashMap;
use std::time::Instant;

use super::ranked::{distance, nearest};
use super::{Among, Found, Searcher};
use crate::bm25::Words;
use crate::error::{Error, Result};
use crate::index::{Measure, Ranked};
use crate::query::rank::no_word_indexed;
use crate::query::{Answer, FusedQuestion, FusedRecord, Fusible, Query, Reach, fused_of};
use crate::record::{Hit, Ordinal, Record, Space};
use crate::store::Include;

/// Returns whether a query can be ranked so: by words, and by nothing on top of them.
pub(super) fn is_fused(place: &dyn Searcher, query: &Query) -> bool {
    query.hybrid && place.info().sparse.is_none() && query.group_by.is_none() && !query.thins()
}

/// The records of a place.
struct Far<'f> {
    place: &'f dyn Searcher,
    among: &'f Among,
    /// What was found by words already.
    by_words: Vec<(Ordinal, f64)>,
    exact: bool,
    include: Include,
    answer: &'f mut Answer,
    /// Records that are here.
    records: HashMap<u64, Record>,
}

/// Returns the hits of a text and its embedding; `None` where the place has no index of words.
#[expect(clippy::cast_possible_truncation, reason = "scores are shown as f32, as in Chroma")]
pub(super) fn fused_hits(
    place: &dyn Searcher,
    query: &Query,
    (text, embedding): (&str, &[f32]),
    among: &Among,
    answer: &mut Answer,
) -> Result<Option<Vec<Hit>>> {
    let start = Instant::now();
    let Some(found) = place.by_words(&Words::default().of_question(text), &among.query)? else { return Ok(None) };
    answer.timing.candidates += start.elapsed();
    if !found.is_known && place.records() > 0 {
        answer.warnings.push(no_word_indexed(place.info(), text));
    }
    let by_words = found.best.into_iter().map(|(order, product)| (Ordinal(order), product)).collect();
    let include = Include { embeddings: true, ..query.include };
    let mut far = Far { place, among, by_words, exact: query.exact, include, answer, records: HashMap::new() };
    let top = query.top.saturating_add(query.offset);
    let reach = Reach { top, depth: query.ranking_depth(), exact: query.exact, threads: query.threads_to_use() };
    let fused = fused_of(&mut far, FusedQuestion { text, embedding, terms: None }, reach)?;
    let hit = |FusedRecord { ordinal, distance, score }: FusedRecord| {
        let mut record = far.records.remove(&ordinal.0)?;
        record.embedding = record.embedding.filter(|_| query.include.embeddings);
        Some(Hit { record, distance: distance as f32, score: Some(score as f32) })
    };
    Ok(Some(fused.into_iter().skip(query.offset).take(query.top).filter_map(hit).collect()))
}

impl Far<'_> {
    fn keep(&mut self, found: impl IntoIterator<Item = (Option<u64>, Record)>) -> Result<Vec<Ordinal>> {
        let unknown = || Error::damaged("a place that finds by words does not say where a record stands");
        let mut ordinals = Vec::new();
        for (order, record) in found {
            let order = order.ok_or_else(unknown)?;
            self.records.insert(order, record);
            ordinals.push(Ordinal(order));
        }
        Ok(ordinals)
    }
}

impl Fusible for Far<'_> {
    fn by_words(&mut self, _question: FusedQuestion) -> Result<Vec<(Ordinal, f64)>> {
        Ok(std::mem::take(&mut self.by_words))
    }

    fn nearest(&mut self, embedding: &[f32], limit: usize) -> Result<Vec<Ordinal>> {
        let limit = limit.min(usize::try_from(self.place.records()).unwrap_or(usize::MAX));
        let (exact, include) = (self.exact, self.include);
        let found = nearest(self.place, &[embedding], self.among, limit, exact, include, self.answer)?;
        self.keep(found.into_iter().flatten().map(|near| (near.order, near.record)))
    }

    fn cosines(&mut self, embedding: &[f32], ordinals: Vec<Ordinal>) -> Result<Vec<(Ranked, f64)>> {
        let new: Vec<u64> =
            ordinals.iter().map(|ordinal| ordinal.0).filter(|order| !self.records.contains_key(order)).collect();
        if !new.is_empty() {
            let found = self.place.numbered(&new, self.include)?;
            self.keep(found.into_iter().map(|Found { record, order }| (order, record)))?;
        }
        let space = self.place.info().space;
        let (measure, angle) = (Measure::new(space, embedding), Measure::new(Space::Cosine, embedding));
        let missing = || Error::damaged("a record that was found by its words is not there");
        let measured = |ordinal: Ordinal| {
            let record = self.records.get(&ordinal.0).ok_or_else(missing)?;
            let ranked = Ranked { ordinal, distance: distance(&measure, record) };
            Ok((ranked, 1.0 - distance(&angle, record)))
        };
        ordinals.into_iter().map(measured).collect()
    }
}
