//! The directions in which embeddings differ most.
//!
//! Along orthonormal axes no two embeddings are farther apart than they are. So what is too far apart along a few of them
//! is too far apart, and some dozens, of many embeddings of real texts, tell nearly all of them apart. Invariant: axes are
//! orthonormal but for the rounding of 32 bits.

use crate::record::SplitMix64;

/// Iterations that turn the axes towards where the embeddings differ.
const TURNS: usize = 4;

/// Some orthonormal directions.
struct Axes {
    dimension: usize,
    /// One direction after another.
    directions: Vec<f64>,
}

/// Finds so many directions in which a sample differs most, one after another.
#[expect(clippy::cast_possible_truncation, reason = "the rounding is allowed for")]
pub(super) fn axes(sample: &[Vec<f64>], dimension: usize, count: usize) -> Vec<f32> {
    Axes::find(sample, dimension, count).directions.into_iter().map(|x| x as f32).collect()
}

impl Axes {
    /// Orthogonal iteration on the covariance of the sample.
    fn find(sample: &[Vec<f64>], dimension: usize, count: usize) -> Self {
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
            // Directions about which the sample says nothing stay as they are.
            for (direction, turned) in axes.directions.chunks_exact_mut(dimension).zip(turned.chunks_exact(dimension)) {
                if dot(turned, turned) > 1e-200 {
                    direction.copy_from_slice(turned);
                }
            }
            axes.straighten();
        }
        axes
    }

    fn count(&self) -> usize {
        self.directions.len() / self.dimension
    }

    /// Makes the directions orthonormal: Gram and Schmidt, twice, which is enough (Kahan and Parlett).
    fn straighten(&mut self) {
        let dimension = self.dimension;
        // One that was held by the directions before is held by them and more.
        let mut units = 0..dimension;
        for at in 0..self.count() {
            let (before, rest) = self.directions.split_at_mut(at * dimension);
            let Some(direction) = rest.get_mut(..dimension) else { return };
            shorten(direction, 0.0);
            loop {
                for _ in 0..2 {
                    for other in before.chunks_exact(dimension) {
                        let along = dot(direction, other);
                        direction.iter_mut().zip(other).for_each(|(x, other)| *x -= along * other);
                    }
                    // What is left of a direction that the others hold already is rounding.
                    shorten(direction, 1e-9);
                }
                if dot(direction, direction) > 0.5 {
                    break;
                }
                // One of the axes of the space itself is not held by the others.
                let Some(unit) = units.next() else { break };
                direction.fill(0.0);
                if let Some(x) = direction.get_mut(unit) {
                    *x = 1.0;
                }
            }
        }
    }
}

/// Gives a direction the length 1, or none where it is not longer than that.
fn shorten(direction: &mut [f64], longer_than: f64) {
    let length = dot(direction, direction).sqrt();
    let scale = if length > longer_than { 1.0 / length } else { 0.0 };
    for x in direction {
        *x *= scale;
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

/// Sums in independent lanes, which the compiler turns into vector instructions.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    const LANES: usize = 8;
    let mut lanes = [0.0; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        lanes.iter_mut().zip(a).zip(b).for_each(|((lane, a), b)| *lane += a * b);
    }
    lanes.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::random::Random;

    #[test]
    fn axes_are_orthonormal_whatever_the_sample() {
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
            }
        }
    }
}
