//! The best few of many scores.
//!
//! Keeps at most twice what is asked for and sorts only when that is full, so a score that is too large costs one
//! comparison. Invariant: of equal scores the smaller ordinal, the earlier insertion, wins.

use crate::record::Ordinal;

/// A score; smaller is nearer.
pub trait Score: Copy {
    /// Compares in a total order.
    fn order(&self, other: &Self) -> std::cmp::Ordering;
}

impl Score for f32 {
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        self.total_cmp(other)
    }
}

impl Score for f64 {
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        self.total_cmp(other)
    }
}

/// Collects the `k` smallest scores.
#[derive(Debug, Clone)]
pub struct Nearest<S> {
    k: usize,
    threshold: S,
    /// Whether a score was discarded that was not above the threshold of the time.
    cut: bool,
    kept: Vec<(S, Ordinal)>,
}

impl<S: Score> Nearest<S> {
    /// Starts empty, for scores that are not above a limit.
    #[must_use]
    pub fn up_to(k: usize, limit: S) -> Self {
        Self { k, threshold: limit, cut: false, kept: Vec::new() }
    }

    /// Returns the score at which another is certainly too large; a caller may skip those.
    pub fn threshold(&self) -> S {
        self.threshold
    }

    /// Offers a score.
    pub fn push(&mut self, score: S, ordinal: Ordinal) {
        self.kept.push((score, ordinal));
        if self.kept.len() >= 2 * self.k.max(1) {
            self.cut();
        }
    }

    /// Merges what another has kept.
    pub fn merge(&mut self, other: Self) {
        self.kept.extend(other.kept);
        self.cut |= other.cut;
        if other.threshold.order(&self.threshold).is_lt() {
            self.threshold = other.threshold;
        }
        self.cut();
    }

    /// Notes a score that is unknown and may be anything.
    pub fn give_up(&mut self, least: S) {
        self.cut = true;
        self.threshold = least;
        self.kept.clear();
    }

    /// Returns the least score that something discarded may have, where that is not just above the limit.
    #[must_use]
    pub fn cut_at(&self) -> Option<S> {
        self.cut.then_some(self.threshold)
    }

    /// Returns what was kept, nearest first.
    #[must_use]
    pub fn into_sorted(mut self) -> Vec<(S, Ordinal)> {
        self.cut();
        self.kept.sort_unstable_by(Self::compare);
        self.kept
    }

    fn compare(a: &(S, Ordinal), b: &(S, Ordinal)) -> std::cmp::Ordering {
        a.0.order(&b.0).then(a.1.cmp(&b.1))
    }

    /// Discards all but the best.
    pub fn cut(&mut self) {
        if self.k > 0 && self.kept.len() > self.k {
            self.kept.select_nth_unstable_by(self.k - 1, Self::compare);
            self.kept.truncate(self.k);
            self.cut = true;
            // The k-th is the largest kept; an equal score may still win by its ordinal, so it is not refused.
            if let Some((largest, _)) = self.kept.last() {
                self.threshold = *largest;
            }
        } else if self.k == 0 {
            self.cut |= !self.kept.is_empty();
            self.kept.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::random::Random;

    #[test]
    fn keeps_what_sorting_everything_keeps() {
        let mut random = Random::new();
        for k in [0, 1, 2, 10, 1000] {
            let scores: Vec<f32> = (0..500).map(|_| random.below(40) as f32).collect();
            let mut all: Vec<_> = scores.iter().zip(0..).map(|(score, ordinal)| (*score, Ordinal(ordinal))).collect();
            let mut halves = [Nearest::up_to(k, f32::INFINITY), Nearest::up_to(k, f32::INFINITY)];
            for (at, (score, ordinal)) in all.iter().enumerate() {
                let half = &mut halves[at % 2];
                if *score <= half.threshold() {
                    half.push(*score, *ordinal);
                }
            }
            let [mut nearest, other] = halves;
            nearest.merge(other);
            all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            all.truncate(k);
            assert_eq!(nearest.into_sorted(), all, "k {k}, {random:?}");
        }
    }
}
