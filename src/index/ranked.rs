//! Exact ranking: the nearest of a set of records, by their embeddings as given.
//!
//! Three ways in: every question against one set ([`rank_all`]), each question against candidates of its own
//! ([`rank_candidates`]), and one question against candidates until the rest are too far ([`rank_bounded`]). All visit
//! records in the order of the file, so a block is read once at a time. Invariant: results ascend by distance, ties by
//! insertion.

use std::iter;
use std::ops::Range;
use std::thread;

use roaring::RoaringTreemap;

use super::measure::Measure;
use super::turns::with;
use crate::error::Result;
use crate::record::{Ordinal, Space};
use crate::store::View;

/// A record and its exact distance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked {
    /// Which record.
    pub ordinal: Ordinal,
    /// Its distance to the question.
    pub distance: f64,
}

/// A candidate and the distance it hardly lies below.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounded {
    /// Which record.
    pub ordinal: Ordinal,
    /// Its bound.
    pub at_least: f64,
}

/// Fewer rows than this are not worth a thread: scattered, they take 8 microseconds each.
const ROWS_PER_THREAD: usize = 128;

/// Candidates ranked between two looks at the bounds: of a million rows some 50 are enough for 10 hits.
const BOUNDED_AT_ONCE: usize = 32;

/// Returns the `k` nearest of `among` for each question.
///
/// # Errors
/// [`crate::error::Error::Damaged`] when an embedding is missing.
pub fn rank_all(
    view: &View,
    questions: &[&[f32]],
    among: &RoaringTreemap,
    k: usize,
    threads: usize,
) -> Result<Vec<Vec<Ranked>>> {
    let space = view.info().space;
    let ordinals: Vec<u64> = among.iter().collect();
    let parts = in_parts(ordinals.len(), threads, |part| {
        let prepared: Vec<_> = questions.iter().map(|question| Measure::new(space, question)).collect();
        let mut nearest = vec![Vec::new(); questions.len()];
        let mut embeddings = view.embeddings();
        for &ordinal in ordinals.get(part).unwrap_or_default() {
            let row = embeddings.row(Ordinal(ordinal))?;
            for (measure, nearest) in prepared.iter().zip(&mut nearest) {
                keep(nearest, Ranked { ordinal: Ordinal(ordinal), distance: measure.distance(row) }, k);
            }
        }
        Ok(nearest)
    })?;
    let mut all = vec![Vec::new(); questions.len()];
    for part in parts {
        all.iter_mut().zip(part).for_each(|(all, mut part)| all.append(&mut part));
    }
    for nearest in &mut all {
        cut(nearest, k);
    }
    Ok(all)
}

/// Ranks, for each question, its own candidates; returns the `k` nearest of them.
///
/// # Errors
/// [`crate::error::Error::Damaged`] when an embedding is missing.
pub fn rank_candidates(
    view: &View,
    questions: &[&[f32]],
    candidates: &[Vec<Ordinal>],
    k: usize,
    threads: usize,
) -> Result<Vec<Vec<Ranked>>> {
    let space: Space = view.info().space;
    let of_question = candidates.iter().enumerate();
    let mut pairs: Vec<(Ordinal, usize)> =
        of_question.flat_map(|(question, ordinals)| ordinals.iter().map(move |ordinal| (*ordinal, question))).collect();
    pairs.sort_unstable();
    let prepared: Vec<_> = questions.iter().map(|question| Measure::new(space, question)).collect();
    let parts = in_parts(pairs.len(), threads, |part| {
        let mut embeddings = view.embeddings();
        let measured = pairs.get(part).unwrap_or_default().iter().filter_map(|(ordinal, question)| {
            let measure = prepared.get(*question)?;
            let row = embeddings.row(*ordinal);
            Some(row.map(|row| (*question, Ranked { ordinal: *ordinal, distance: measure.distance(row) })))
        });
        measured.collect::<Result<Vec<_>>>()
    })?;
    let mut all = vec![Vec::new(); questions.len()];
    for (question, ranked) in parts.into_iter().flatten() {
        if let Some(nearest) = all.get_mut(question) {
            nearest.push(ranked);
        }
    }
    for nearest in &mut all {
        cut(nearest, k);
    }
    Ok(all)
}

/// Ranks candidates in the order of their bounds until `k` are nearer than the next bound; returns those.
///
/// # Errors
/// [`crate::error::Error::Damaged`] when an embedding is missing.
pub fn rank_bounded(
    view: &View,
    question: &[f32],
    candidates: &[Bounded],
    k: usize,
    threads: usize,
) -> Result<Vec<Ranked>> {
    let mut nearest: Vec<Ranked> = Vec::new();
    let unbounded = candidates.partition_point(|candidate| candidate.at_least == f64::NEG_INFINITY);
    let (first, rest) = candidates.split_at(unbounded);
    for some in iter::once(first).chain(rest.chunks(k.max(BOUNDED_AT_ONCE))) {
        let last = k.checked_sub(1).and_then(|last| nearest.get(last));
        if some.first().zip(last).is_some_and(|(next, last)| next.at_least > last.distance) {
            break;
        }
        let ordinals = some.iter().map(|candidate| candidate.ordinal).collect();
        nearest.extend(rank_candidates(view, &[question], &[ordinals], k, threads)?.into_iter().flatten());
        cut(&mut nearest, k);
    }
    Ok(nearest)
}

/// Collects without sorting each time: sorts when twice `k` have gathered.
fn keep(nearest: &mut Vec<Ranked>, new: Ranked, k: usize) {
    nearest.push(new);
    if nearest.len() >= 2 * k.max(64) {
        cut(nearest, k);
    }
}

/// Sorts and keeps the first `k`.
fn cut(nearest: &mut Vec<Ranked>, k: usize) {
    nearest.sort_unstable_by(|a, b| a.distance.total_cmp(&b.distance).then(a.ordinal.cmp(&b.ordinal)));
    nearest.truncate(k);
}

/// Splits `len` items over threads and runs `work` on each part.
fn in_parts<T: Send>(len: usize, threads: usize, work: impl Fn(Range<usize>) -> Result<T> + Sync) -> Result<Vec<T>> {
    let parts = threads.min(len.div_ceil(ROWS_PER_THREAD)).max(1);
    let size = len.div_ceil(parts);
    let ranges = (0..parts).map(|part| part * size..((part + 1) * size).min(len));
    if parts == 1 {
        return ranges.map(work).collect();
    }
    thread::scope(|scope| {
        let work = &work;
        let running: Vec<_> = ranges.map(|range| scope.spawn(move || work(range))).collect();
        let mut parts = Ok(Vec::new());
        for part in running {
            parts = with(parts, part, Vec::push);
        }
        parts
    })
}
