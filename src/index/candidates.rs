//! What a scan leaves to be ranked: rows that may be near, each with a bound, and one bound for all others.
//!
//! Invariant: no allowed row outside the candidates is nearer than `beyond`, so a question is decided once enough
//! candidates are ranked for the next bound to be too far.

use super::ranked::{Ranked, farthest};
use super::top_k::Nearest;
use crate::record::Ordinal;

/// A row and a lower bound of its distance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bounded {
    /// Which row.
    pub ordinal: Ordinal,
    /// Its bound.
    pub at_least: f64,
}

/// What a scan found for one question.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Candidates {
    /// Rows that may be near, by their bounds.
    pub rows: Vec<Bounded>,
    /// No other allowed row is nearer.
    pub beyond: f64,
}

impl Candidates {
    /// Takes what was collected up to a limit.
    pub(super) fn new(mut nearest: Nearest<f64>, limit: f64) -> Self {
        nearest.cut();
        let beyond = nearest.cut_at().unwrap_or_else(|| limit.next_up());
        let bounded = |(at_least, ordinal)| Bounded { ordinal, at_least };
        Self { rows: nearest.into_sorted().into_iter().map(bounded).collect(), beyond }
    }

    /// Returns whether the `k` nearest are known once the candidates that may be among them are ranked.
    pub(super) fn decide(&self, ranked: &[Ranked], k: usize) -> bool {
        self.beyond == f64::INFINITY || farthest(ranked, k) < self.beyond
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranked(distances: &[f64]) -> Vec<Ranked> {
        (0..).zip(distances).map(|(at, distance)| Ranked { ordinal: Ordinal(at), distance: *distance }).collect()
    }

    #[test]
    fn what_was_let_go_bounds_the_rest() {
        let mut nearest = Nearest::up_to(2, f64::INFINITY);
        (0..9_u32).for_each(|at| nearest.push(f64::from(at), Ordinal(at.into())));
        let candidates = Candidates::new(nearest, f64::INFINITY);
        assert_eq!((candidates.rows.len(), candidates.beyond), (2, 1.0));
        assert!(candidates.decide(&ranked(&[0.5, 0.9]), 2));
        // A discarded row may be as near, and earlier.
        assert!(!candidates.decide(&ranked(&[0.5, 1.0]), 2));
        assert!(!candidates.decide(&ranked(&[0.5]), 2));
    }

    #[test]
    fn what_lies_past_the_limit_is_no_nearer_than_just_past_it() {
        let mut nearest = Nearest::up_to(5, 1.0);
        nearest.push(1.0, Ordinal(3));
        let candidates = Candidates::new(nearest, 1.0);
        assert!(candidates.decide(&ranked(&[0.5, 1.0]), 2));
        assert!(!candidates.decide(&ranked(&[0.5, 1.0_f64.next_up()]), 2));
        assert!(Candidates::new(Nearest::up_to(5, f64::INFINITY), f64::INFINITY).decide(&[], 2));
        let mut unknown = Nearest::up_to(5, f64::INFINITY);
        unknown.give_up(f64::NEG_INFINITY);
        assert!(!Candidates::new(unknown, f64::INFINITY).decide(&ranked(&[0.0]), 1));
    }
}
