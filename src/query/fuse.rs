//! Meaning and words in one score: the share of the best cosine and the share of the best BM25, weighted.
//!
//! Where the collection has a sparse model, the product of its weights stands in the place of BM25. A convex combination of normalised scores, which ranks better than the fusion of ranks (Bruch, Gai and Ingber 2023).
//! Invariant: with embeddings of one length, as those of a cosine space count, and an exact search for the nearest, the
//! records returned are the best of all by this score and not only of those that one of the two rankings found. BM25 is
//! known of every record; what no record beyond the nearest exceeds is the cosine of the last of them.

use std::collections::HashMap;

use roaring::RoaringTreemap;

use super::knn::nearest;
use super::rank::best_by_words;
use crate::error::Result;
use crate::index::{Ranked, best_by_terms, cosines};
use crate::record::{Ordinal, SparseVector};
use crate::store::View;

/// What a ranking by meaning and words is made from, wherever the records are.
pub(crate) trait Fusible {
    /// Returns every record that holds a word of a question, or a term of it, with the product of their weights: the greatest
    /// first, ties by insertion.
    fn by_words(&mut self, question: FusedQuestion) -> Result<Vec<(Ordinal, f64)>>;

    /// Returns the nearest `limit` records.
    fn nearest(&mut self, embedding: &[f32], limit: usize) -> Result<Vec<Ordinal>>;

    /// Returns the distance of records in the collection's space, and the cosine of the angle between them.
    fn cosines(&mut self, embedding: &[f32], ordinals: Vec<Ordinal>) -> Result<Vec<(Ranked, f64)>>;
}

/// The records of a view.
struct OfView<'v> {
    view: &'v View,
    chosen: Option<&'v RoaringTreemap>,
    reach: Reach,
    warnings: &'v mut Vec<String>,
}

impl Fusible for OfView<'_> {
    fn by_words(&mut self, question: FusedQuestion) -> Result<Vec<(Ordinal, f64)>> {
        match (question.terms, &self.view.info().sparse) {
            (Some(terms), Some(sparse)) => best_by_terms(self.view, &sparse.key, terms, self.chosen, usize::MAX),
            _ => best_by_words(self.view, question.text, self.chosen, usize::MAX, self.warnings),
        }
    }

    fn nearest(&mut self, embedding: &[f32], limit: usize) -> Result<Vec<Ordinal>> {
        let how = (self.reach.exact, self.reach.threads);
        let nearest = nearest(self.view, embedding, self.chosen, limit, how, self.warnings)?;
        Ok(nearest.into_iter().map(|ranked| ranked.ordinal).collect())
    }

    fn cosines(&mut self, embedding: &[f32], ordinals: Vec<Ordinal>) -> Result<Vec<(Ranked, f64)>> {
        cosines(self.view, embedding, ordinals, self.reach.threads)
    }
}

/// The part of the score that meaning has: of .5 to .9, .7 and .75 are the best on the mean of three collections, by .02 of
/// nDCG@10 above the fusion of ranks (`benches/fusion.py`).
const MEANING: f64 = 0.75;
/// Records compared beyond the nearest before it is asked again whether another can win.
const FIRST_STEP: usize = 64;

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FusedQuestion<'q> {
    pub(crate) text: &'q str,
    pub(crate) embedding: &'q [f32],
    /// The weights of its terms, where the collection has a sparse model.
    pub(crate) terms: Option<&'q SparseVector>,
}

/// How far a search goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reach {
    /// Records wanted.
    pub(crate) top: usize,
    /// The nearest that are compared in any case.
    pub(crate) depth: usize,
    /// Whether the nearest are found without a graph.
    pub(crate) exact: bool,
    pub(crate) threads: usize,
}

/// A record and what ranks it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct FusedRecord {
    pub(crate) ordinal: Ordinal,
    /// Its distance in the collection's space.
    pub(crate) distance: f64,
    /// From 0 to 1 where the best by both would have 1; larger is better.
    pub(crate) score: f64,
}

/// A record compared with the question.
struct Candidate {
    ordinal: Ordinal,
    distance: f64,
    cosine: f64,
    bm25: f64,
}

/// The best cosine and the best BM25 of a question.
#[derive(Clone, Copy)]
struct Best {
    cosine: f64,
    bm25: f64,
}

impl Best {
    /// Larger in both, larger in the sum: rounding keeps the order, so that bounds hold.
    fn score(self, cosine: f64, bm25: f64) -> f64 {
        let meaning = share(1.0 + cosine, 1.0 + self.cosine);
        MEANING * meaning + (1.0 - MEANING) * share(bm25, self.bm25)
    }
}

/// Where even the best is nothing, all are nothing.
fn share(of: f64, best: f64) -> f64 {
    if best > 0.0 { of / best } else { 0.0 }
}

/// Returns the records of the best scores, among `chosen` or all, best first, ties by insertion.
///
/// # Errors
/// [`crate::error::Error::WordsNotIndexed`], and those of a search by a vector.
pub(super) fn fused(
    view: &View,
    question: FusedQuestion,
    chosen: Option<&RoaringTreemap>,
    reach: Reach,
    warnings: &mut Vec<String>,
) -> Result<Vec<FusedRecord>> {
    fused_of(&mut OfView { view, chosen, reach, warnings }, question, reach)
}

/// Does so wherever the records are.
///
/// # Errors
/// Those of the three parts.
pub(crate) fn fused_of(place: &mut dyn Fusible, question: FusedQuestion, reach: Reach) -> Result<Vec<FusedRecord>> {
    // Beyond the last that is wanted, so that what is farther needs many words to win and few are compared.
    let depth = reach.depth.max(reach.top.saturating_mul(2));
    let embedding = question.embedding;
    let by_words = place.by_words(question)?;
    let nearest = place.nearest(embedding, depth)?;
    let bm25: HashMap<u64, f64> = by_words.iter().map(|(ordinal, bm25)| (ordinal.0, *bm25)).collect();
    let mut compare = |ordinals: Vec<Ordinal>| -> Result<Vec<Candidate>> {
        let compared = place.cosines(embedding, ordinals)?.into_iter();
        let candidate = |(ranked, cosine): (Ranked, f64)| {
            let bm25 = bm25.get(&ranked.ordinal.0).copied().unwrap_or(0.0);
            Candidate { ordinal: ranked.ordinal, distance: ranked.distance, cosine, bm25 }
        };
        Ok(compared.map(candidate).collect())
    };
    let mut candidates = compare(nearest)?;
    let is_near: RoaringTreemap = candidates.iter().map(|candidate| candidate.ordinal.0).collect();
    let farther = candidates.iter().map(|candidate| candidate.cosine).fold(f64::INFINITY, f64::min);
    let mut rest = by_words.iter().filter(|(ordinal, _)| !is_near.contains(ordinal.0)).peekable();
    let (mut best, mut step) =
        (Best { cosine: -1.0, bm25: by_words.first().map_or(0.0, |(_, bm25)| *bm25) }, FIRST_STEP);
    loop {
        best.cosine = candidates.iter().map(|candidate| candidate.cosine).fold(best.cosine, f64::max);
        let last = score_of_last(&candidates, best, reach.top);
        let mut next = Vec::new();
        while next.len() < step
            && let Some((ordinal, _)) = rest.next_if(|(_, bm25)| best.score(farther, *bm25) >= last)
        {
            next.push(*ordinal);
        }
        if next.is_empty() {
            break;
        }
        candidates.append(&mut compare(next)?);
        step *= 2;
    }
    let fused = |candidate: &Candidate| FusedRecord {
        ordinal: candidate.ordinal,
        distance: candidate.distance,
        score: best.score(candidate.cosine, candidate.bm25),
    };
    let mut fused: Vec<FusedRecord> = candidates.iter().map(fused).collect();
    fused.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then(a.ordinal.cmp(&b.ordinal)));
    fused.truncate(reach.top);
    Ok(fused)
}

/// Returns the score of the last that is wanted; below any where there are fewer.
fn score_of_last(candidates: &[Candidate], best: Best, top: usize) -> f64 {
    let mut scores: Vec<f64> =
        candidates.iter().map(|candidate| best.score(candidate.cosine, candidate.bm25)).collect();
    scores.sort_unstable_by(|a, b| b.total_cmp(a));
    match top.checked_sub(1) {
        None => f64::INFINITY,
        Some(last) => scores.get(last).copied().unwrap_or(f64::NEG_INFINITY),
    }
}
