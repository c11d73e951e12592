//! Records with their exact distances, in lists of the nearest.
//!
//! Invariant: a list that was cut ascends by distance, ties by insertion, and has each record once.

use crate::record::Ordinal;

/// A record and its exact distance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked {
    /// Which record.
    pub ordinal: Ordinal,
    /// Its distance to the question.
    pub distance: f64,
}

/// Sorts and keeps the first `k`, each once.
pub(super) fn cut(nearest: &mut Vec<Ranked>, k: usize) {
    nearest.sort_unstable_by(|a, b| a.distance.total_cmp(&b.distance).then(a.ordinal.cmp(&b.ordinal)));
    nearest.dedup_by_key(|ranked| ranked.ordinal);
    nearest.truncate(k);
}

/// Returns the distance of the `k`-th, infinite where there are fewer.
pub(super) fn farthest(ranked: &[Ranked], k: usize) -> f64 {
    k.checked_sub(1).and_then(|last| ranked.get(last)).map_or(f64::INFINITY, |last| last.distance)
}
