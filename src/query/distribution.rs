//! Many numbers as a few: quantiles, and how many fall between round edges.
//!
//! Invariant: the numbers are finite and ascend; the bins of a set of numbers hold each of them once.

/// Numbers, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Distribution(Vec<f64>);

/// How many numbers are from one edge up to the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// The smallest number in it.
    pub from: f64,
    /// Larger than every number in it, but in the last bin.
    pub to: f64,
    /// Numbers in it.
    pub count: u64,
}

/// Equally wide bins between round numbers, such as 0.2, 0.25, 0.3.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edges {
    /// The first edge in units of the step.
    first: f64,
    /// How far edges lie apart.
    step: f64,
    /// How many bins there are.
    bins: usize,
}

impl FromIterator<f64> for Distribution {
    fn from_iter<T: IntoIterator<Item = f64>>(numbers: T) -> Self {
        let mut numbers: Vec<f64> = numbers.into_iter().filter(|number| number.is_finite()).collect();
        numbers.sort_by(f64::total_cmp);
        Self(numbers)
    }
}

impl Distribution {
    /// Returns how many numbers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the smallest number that at least this share of all are not above (the inverse of the empirical
    /// distribution): 0 for the smallest, 0.5 for a median, 1 for the largest.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the length")]
    #[expect(clippy::cast_precision_loss, reason = "a position is needed only nearly")]
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let rank = (share * self.0.len() as f64).ceil() as usize;
        self.0.get(rank.saturating_sub(1)).copied()
    }

    /// Returns the mean.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a count is needed only nearly")]
    pub fn mean(&self) -> Option<f64> {
        (!self.is_empty()).then(|| self.0.iter().map(|number| number / self.0.len() as f64).sum())
    }

    /// Returns the share of the numbers that are not above a limit.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a count is needed only nearly")]
    pub fn share_up_to(&self, limit: f64) -> f64 {
        self.0.partition_point(|number| *number <= limit) as f64 / self.0.len().max(1) as f64
    }

    /// Counts the numbers between edges; those outside belong to the first and the last bin.
    #[must_use]
    pub fn bins(&self, edges: &Edges) -> Vec<Bin> {
        let below = |edge: f64| self.0.partition_point(|number| *number < edge);
        let bin = |at: usize| {
            let (from, to) = (edges.edge(at), edges.edge(at + 1));
            let before = if at == 0 { 0 } else { below(from) };
            let until = if at + 1 == edges.bins { self.0.len() } else { below(to) };
            Bin { from, to, count: (until - before) as u64 }
        };
        (0..edges.bins).map(bin).collect()
    }
}

impl Edges {
    /// Returns edges around all the numbers, at most `most` bins; `None` when there are no numbers.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most `most`, and not negative")]
    #[expect(clippy::cast_precision_loss, reason = "a few bins")]
    pub fn around(all: &[&Distribution], most: usize) -> Option<Self> {
        let numbers = || all.iter().flat_map(|numbers| [numbers.0.first(), numbers.0.last()]).flatten().copied();
        let (min, max) = (numbers().min_by(f64::total_cmp)?, numbers().max_by(f64::total_cmp)?);
        let most = most.max(2) as f64;
        // Numbers that differ in their last bits only are as good as one.
        let range = (max - min).max(min.abs().max(max.abs()) * 1e-6).max(f64::MIN_POSITIVE * 1e6);
        let magnitude = 10_f64.powf((range / most).log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0].map(|step| step * magnitude);
        let bins = |step: f64| (max / step).floor() - (min / step).floor() + 1.0;
        let step = steps.into_iter().find(|step| bins(*step) <= most)?;
        Some(Self { first: (min / step).floor(), step, bins: bins(step) as usize })
    }

    /// Returns how far edges lie apart.
    #[must_use]
    pub fn step(&self) -> f64 {
        self.step
    }

    #[expect(clippy::cast_precision_loss, reason = "a few bins")]
    fn edge(&self, at: usize) -> f64 {
        let units = self.first + at as f64;
        // A step below one is not exact, but one over it is: 3 / 10 is 0.3, 3 * 0.1 is not.
        if self.step < 1.0 { units / (1.0 / self.step).round() } else { units * self.step }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::random::Random;

    fn of(numbers: &[f64]) -> Distribution {
        numbers.iter().copied().collect()
    }

    #[test]
    fn quantiles_are_numbers_of_the_set() {
        let numbers = of(&[4.0, 1.0, f64::NAN, 3.0, 2.0, f64::INFINITY]);
        let quantiles = [0.0, 0.05, 0.25, 0.26, 0.5, 0.95, 1.0].map(|share| numbers.quantile(share).unwrap());
        assert_eq!(quantiles.map(|quantile| quantile.to_string()), ["1", "1", "1", "2", "2", "4", "4"]);
        assert_eq!((numbers.mean(), numbers.share_up_to(2.0)), (Some(2.5), 0.5));
        assert_eq!((of(&[]).quantile(0.5), of(&[]).mean(), of(&[]).share_up_to(1.0)), (None, None, 0.0));
    }

    #[test]
    fn edges_are_round() {
        let numbers = of(&[0.21, 0.3, 0.49]);
        let bins = numbers.bins(&Edges::around(&[&numbers], 6).unwrap());
        let edges: Vec<(f64, u64)> = bins.iter().map(|bin| (bin.from, bin.count)).collect();
        assert_eq!(edges, [(0.2, 1), (0.25, 0), (0.3, 1), (0.35, 0), (0.4, 0), (0.45, 1)]);
        assert_eq!(Edges::around(&[&of(&[])], 6), None);
        let one = of(&[0.7; 3]);
        assert_eq!(one.bins(&Edges::around(&[&one], 6).unwrap()).iter().map(|bin| bin.count).sum::<u64>(), 3);
    }

    #[test]
    fn each_number_is_in_one_bin() {
        let mut random = Random::new();
        for round in 0..2000_u32 {
            let scale = 10_f64.powf(f64::from(round % 600) - 300.0);
            let numbers: Distribution =
                random.floats(1 + round as usize % 50).into_iter().map(|x| f64::from(x) * scale).collect();
            let most = 2 + round as usize % 30;
            let edges = Edges::around(&[&numbers], most).unwrap();
            let bins = numbers.bins(&edges);
            assert!((1..=most).contains(&bins.len()), "{numbers:?} {edges:?}");
            assert_eq!(bins.iter().map(|bin| bin.count).sum::<u64>(), numbers.len() as u64);
            assert!(bins.iter().all(|bin| bin.from < bin.to && bin.to.is_finite()), "{bins:?}");
            for bin in bins.iter().filter(|bin| bin.count > 0) {
                let inside = numbers.0.iter().filter(|x| (bin.from..bin.to).contains(*x)).count() as u64;
                assert!(inside.abs_diff(bin.count) <= 1, "{numbers:?} {bin:?}");
            }
        }
    }
}
