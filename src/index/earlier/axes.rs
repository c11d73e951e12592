//! The directions in which embeddings differ most, and where an embedding lies along them.
//!
//! Along orthonormal axes no two embeddings are farther apart than they are. So what is too far apart along a few of them
//! is too far apart, and the first few, of many embeddings of real texts, tell nearly all of them apart. Invariant: axes
//! are orthonormal but for the rounding of 64 bits; a place is off by no more than [`PLACE_ERROR`] of the length.

use crate::record::SplitMix64;

/// What a place along the axes, in 32 bits, is off at the most, as a part of the length of the embedding.
pub(super) const PLACE_ERROR: f64 = 1e-6;
/// How often the axes are turned towards where the embeddings differ.
const TURNS: usize = 4;

/// Some orthonormal directions, those first in which embeddings differ more.
pub(super) struct Axes {
    dimension: usize,
    /// One direction after another.
    directions: Vec<f64>,
}

impl Axes {
    /// Finds so many directions in which a sample differs most (orthogonal iteration on its covariance).
    pub(super) fn find(sample: &[Vec<f64>], dimension: usize, count: usize) -> Self {
        let mut random = SplitMix64::new(1);
        let mut draw = || f64::from(u32::try_from(random.next() >> 32).unwrap_or(0)) / f64::from(u32::MAX) - 0.5;
        let directions = (0..count.min(dimension) * dimension).map(|_| draw()).collect();
        let mut axes = Self { dimension, directions };
        axes.straighten();
        let mean = mean(sample, dimension);
        for _ in 0..TURNS {
            let mut turned = vec![0.0; axes.directions.len()];
            for row in sample {
                let centred: Vec<f64> = row.iter().zip(&mean).map(|(x, mean)| x - mean).collect();
                let directions = axes.directions.chunks_exact(dimension);
                for (direction, turned) in directions.zip(turned.chunks_exact_mut(dimension)) {
                    let along = dot(direction, &centred);
                    turned.iter_mut().zip(&centred).for_each(|(turned, x)| *turned += along * x);
                }
            }
            // Directions that the sample says nothing of stay as they are.
            for (direction, turned) in axes.directions.chunks_exact_mut(dimension).zip(turned.chunks_exact(dimension)) {
                if dot(turned, turned) > 1e-200 {
                    direction.copy_from_slice(turned);
                }
            }
            axes.straighten();
        }
        axes
    }

    pub(super) fn count(&self) -> usize {
        self.directions.len() / self.dimension
    }

    /// Says where an embedding lies along the axes.
    #[expect(clippy::cast_possible_truncation, reason = "the rounding is allowed for")]
    pub(super) fn place(&self, embedding: &[f64]) -> Vec<f32> {
        self.directions.chunks_exact(self.dimension).map(|direction| dot(direction, embedding) as f32).collect()
    }

    /// Makes the directions orthonormal: Gram and Schmidt, twice, which is enough (Kahan and Parlett).
    fn straighten(&mut self) {
        let dimension = self.dimension;
        for at in 0..self.count() {
            let (before, rest) = self.directions.split_at_mut(at * dimension);
            let Some(direction) = rest.get_mut(..dimension) else { return };
            for unit in 0..=dimension {
                for _ in 0..2 {
                    for other in before.chunks_exact(dimension) {
                        let along = dot(direction, other);
                        direction.iter_mut().zip(other).for_each(|(x, other)| *x -= along * other);
                    }
                    let length = dot(direction, direction).sqrt();
                    // What is left of a direction that the others hold already is rounding.
                    let scale = if length > 1e-9 { 1.0 / length } else { 0.0 };
                    for x in direction.iter_mut() {
                        *x *= scale;
                    }
                }
                if dot(direction, direction) > 0.5 {
                    break;
                }
                // One of the axes of the space itself is not held by the others.
                direction.fill(0.0);
                if let Some(x) = direction.get_mut(unit) {
                    *x = 1.0;
                }
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a sample is small")]
fn mean(sample: &[Vec<f64>], dimension: usize) -> Vec<f64> {
    let mut mean = vec![0.0; dimension];
    for row in sample {
        mean.iter_mut().zip(row).for_each(|(mean, x)| *mean += x / sample.len() as f64);
    }
    mean
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::random::Random;

    #[test]
    fn along_the_axes_nothing_is_farther_apart_than_it_is() {
        let mut random = Random::new();
        for dimension in [1, 2, 5, 33, 200] {
            let row = |random: &mut Random| -> Vec<f64> {
                let draw = |i: usize| (random.below(2001) as f64 - 1000.0) / 1000.0 / (1.0 + i as f64);
                (0..dimension).map(draw).collect()
            };
            let mut sample: Vec<Vec<f64>> = (0..60).map(|_| row(&mut random)).collect();
            sample.push(vec![0.0; dimension]);
            for sample in [&sample[..], &sample[..1], &[], &vec![sample[0].clone(); 5]] {
                let axes = Axes::find(sample, dimension, 32);
                assert_eq!(axes.count(), dimension.min(32));
                for (a, one) in axes.directions.chunks_exact(dimension).enumerate() {
                    for (b, other) in axes.directions.chunks_exact(dimension).enumerate() {
                        let expected = f64::from(u8::from(a == b));
                        assert!((dot(one, other) - expected).abs() < 1e-12, "{dimension}: {a} and {b}");
                    }
                }
                let (one, other) = (row(&mut random), row(&mut random));
                let apart = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
                let place = |row: &[f64]| axes.place(row).iter().map(|x| f64::from(*x)).collect::<Vec<f64>>();
                assert!(apart(&place(&one), &place(&other)) <= apart(&one, &other) + 2.0 * PLACE_ERROR * 10.0);
            }
        }
    }
}
