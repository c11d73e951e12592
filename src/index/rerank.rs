//! Exact ranking: the nearest of a set of records, by their embeddings as given.
//!
//! Three ways in: every question against one set ([`rank_all`]), each question against candidates of its own
//! ([`rank_candidates`]), and each against its candidates until the rest are too far ([`rank_bounded`]); [`cosines`] ranks
//! nothing. All visit records in the order of the file, so a block is read once at a time. Invariant: results ascend by
//! distance, ties by insertion.

use roaring::RoaringTreemap;

use super::candidates::{Bounded, Candidates};
use super::exact_distance::Measure;
use super::ranked::{Ranked, cut, farthest};
use super::work_sharing::in_parts;
use crate::error::Result;
use crate::record::{Ordinal, Space};
use crate::store::View;

/// Fewer rows than this are not worth a thread: scattered, they take 8 microseconds each.
const ROWS_PER_THREAD: usize = 128;
/// Candidates ranked in a second round at least.
const LEAST_STEP: usize = 16;

/// Returns the `k` nearest of `among` for each question.
///
/// # Errors
/// [`crate::error::Error::Damaged`] when an embedding is missing.
pub(crate) fn rank_all(
    view: &View,
    questions: &[&[f32]],
    among: &RoaringTreemap,
    k: usize,
    threads: usize,
) -> Result<Vec<Vec<Ranked>>> {
    let space = view.info().space;
    let ordinals: Vec<u64> = among.iter().collect();
    let parts = in_parts(ordinals.len(), ROWS_PER_THREAD, threads, |part| {
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
pub(crate) fn rank_candidates(
    view: &View,
    questions: &[&[f32]],
    candidates: &[Vec<Ordinal>],
    k: usize,
    threads: usize,
) -> Result<Vec<Vec<Ranked>>> {
    let of_question = candidates.iter().enumerate();
    let pairs = of_question.flat_map(|(question, ordinals)| ordinals.iter().map(move |ordinal| (*ordinal, question)));
    let mut all = vec![Vec::new(); questions.len()];
    rank_pairs(view, &prepared(view, questions), pairs.collect(), &mut all, threads)?;
    for nearest in &mut all {
        cut(nearest, k);
    }
    Ok(all)
}

/// Returns the distance of some records to a question in the collection's space, and the cosine of the angle between them.
///
/// # Errors
/// [`crate::error::Error::Damaged`] when an embedding is missing.
pub(crate) fn cosines(
    view: &View,
    question: &[f32],
    mut ordinals: Vec<Ordinal>,
    threads: usize,
) -> Result<Vec<(Ranked, f64)>> {
    ordinals.sort_unstable();
    let parts = in_parts(ordinals.len(), ROWS_PER_THREAD, threads, |part| {
        let (measure, angle) = (Measure::new(view.info().space, question), Measure::new(Space::Cosine, question));
        let mut embeddings = view.embeddings();
        let measured = ordinals.get(part).unwrap_or_default().iter().map(|&ordinal| {
            let row = embeddings.row(ordinal)?;
            Ok((Ranked { ordinal, distance: measure.distance(row) }, 1.0 - angle.distance(row)))
        });
        measured.collect::<Result<Vec<_>>>()
    })?;
    Ok(parts.into_iter().flatten().collect())
}

/// Ranks, for each question, its candidates in the order of their bounds until the next bound is too far, and adds them to
/// the up to `k` `nearest` it has; returns how many that took.
///
/// # Errors
/// [`crate::error::Error::Damaged`] when an embedding is missing.
pub(super) fn rank_bounded(
    view: &View,
    questions: &[&[f32]],
    candidates: &[&Candidates],
    nearest: &mut [Vec<Ranked>],
    k: usize,
    threads: usize,
) -> Result<u64> {
    let mut rest: Vec<&[Bounded]> = candidates.iter().map(|candidates| candidates.rows.as_slice()).collect();
    let prepared = prepared(view, questions);
    // Nearly always enough with codes; each round reads the file from end to end.
    let (mut step, mut ranked) = (k.saturating_mul(2), 0);
    loop {
        let mut pairs = Vec::new();
        for (question, (rest, nearest)) in rest.iter_mut().zip(&*nearest).enumerate() {
            let farthest = farthest(nearest, k);
            let near = rest.iter().take(step).take_while(|candidate| candidate.at_least <= farthest).count();
            let (next, later) = rest.split_at(near);
            pairs.extend(next.iter().map(|candidate| (candidate.ordinal, question)));
            *rest = later;
        }
        if pairs.is_empty() {
            return Ok(ranked);
        }
        ranked += pairs.len() as u64;
        rank_pairs(view, &prepared, pairs, nearest, threads)?;
        for nearest in nearest.iter_mut() {
            cut(nearest, k);
        }
        step = step.max(LEAST_STEP).saturating_mul(2);
    }
}

fn prepared<'q>(view: &View, questions: &[&'q [f32]]) -> Vec<Measure<'q>> {
    questions.iter().map(|question| Measure::new(view.info().space, question)).collect()
}

/// Adds the distance of each pair to what its question has.
fn rank_pairs(
    view: &View,
    prepared: &[Measure],
    mut pairs: Vec<(Ordinal, usize)>,
    nearest: &mut [Vec<Ranked>],
    threads: usize,
) -> Result<()> {
    pairs.sort_unstable();
    let parts = in_parts(pairs.len(), ROWS_PER_THREAD, threads, |part| {
        let mut embeddings = view.embeddings();
        let measured = pairs.get(part).unwrap_or_default().iter().filter_map(|(ordinal, question)| {
            let measure = prepared.get(*question)?;
            let row = embeddings.row(*ordinal);
            Some(row.map(|row| (*question, Ranked { ordinal: *ordinal, distance: measure.distance(row) })))
        });
        measured.collect::<Result<Vec<_>>>()
    })?;
    for (question, ranked) in parts.into_iter().flatten() {
        if let Some(nearest) = nearest.get_mut(question) {
            nearest.push(ranked);
        }
    }
    Ok(())
}

/// Collects without sorting each time: sorts when twice `k` have gathered.
fn keep(nearest: &mut Vec<Ranked>, new: Ranked, k: usize) {
    nearest.push(new);
    if nearest.len() >= 2 * k.max(64) {
        cut(nearest, k);
    }
}
