//! A few of many, drawn at random: the same for the same seed on every machine.
//!
//! Invariant: every set of so many is as likely as any other.

use roaring::RoaringTreemap;

use crate::record::SplitMix64;

/// Random numbers that a seed decides.
#[derive(Debug, Clone)]
pub(super) struct Draw(SplitMix64);

impl Draw {
    pub(super) fn new(seed: u64) -> Self {
        Self(SplitMix64::new(seed))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0.next()
    }

    /// Returns a number below `end`, or 0.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        let product = u128::from(self.next()) * u128::from(end);
        (product >> 64) as u64
    }
}

/// Draws `count` of the ordinals, or all where there are fewer; they ascend (Knuth 3.4.2, algorithm S).
pub(super) fn sample(of: &RoaringTreemap, count: usize, seed: u64) -> Vec<u64> {
    let mut draw = Draw::new(seed);
    let mut wanted = u64::try_from(count).unwrap_or(u64::MAX).min(of.len());
    let mut left = of.len();
    let mut drawn = Vec::with_capacity(usize::try_from(wanted).unwrap_or_default());
    for ordinal in of {
        if wanted == 0 {
            break;
        }
        if draw.below(left) < wanted {
            drawn.push(ordinal);
            wanted -= 1;
        }
        left -= 1;
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_as_large_as_asked_for_and_even() {
        let of: RoaringTreemap = (0..1000).map(|n| n * 3).collect();
        let mut times = [0_u32; 10];
        for seed in 0..200 {
            let drawn = sample(&of, 100, seed);
            assert_eq!(drawn.len(), 100);
            assert!(drawn.is_sorted() && drawn.iter().all(|ordinal| of.contains(*ordinal)));
            for ordinal in drawn {
                times[ordinal as usize / 300] += 1;
            }
        }
        // Of 20,000 draws 2,000 in each tenth; five standard deviations are 212.
        assert!(times.iter().all(|times| times.abs_diff(2000) < 212), "{times:?}");
        assert_eq!(sample(&of, 5000, 1).len(), 1000);
        assert_eq!(sample(&of, 7, 1), sample(&of, 7, 1));
        assert_ne!(sample(&of, 7, 1), sample(&of, 7, 2));
        assert!(sample(&RoaringTreemap::new(), 7, 1).is_empty());
    }
}
