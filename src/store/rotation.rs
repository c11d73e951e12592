//! A rotation that spreads an embedding over all of its components, so that their signs describe it evenly.
//!
//! Random signs and a Hadamard transform of the first components (as many as the largest power of two), the same of the
//! last, then sums and differences of the halves; all of it twice (after Ailon and Chazelle, 2006, and `FhtKac` of `RaBitQ`'s
//! library): once leaves rows of a single component in patterns that have something in common.
//! Eight rows are turned at once, so that every step is one of vectors. Invariant: it is orthogonal, and the same on every
//! machine and in every version for a dimension.

use std::f32::consts::FRAC_1_SQRT_2;
use std::ops::Range;

use crate::record::SplitMix64;

/// Rows rotated at once.
pub(crate) const LANES: usize = 8;

/// The same component of several rows.
pub(crate) type Lane = [f32; LANES];

/// The version of the rotation; sketches of another are of no use with it.
pub(crate) const ROTATION: u8 = 1;
/// How often all of it is done.
const ROUNDS: usize = 2;

/// A rotation of vectors of one dimension.
#[derive(Debug, Clone)]
pub(crate) struct Rotation {
    /// What components are multiplied with before each transform.
    signs: [[Vec<f32>; 2]; ROUNDS],
    /// The largest power of two that is not above the dimension.
    window: usize,
}

impl Rotation {
    #[expect(clippy::cast_precision_loss, reason = "at most 65,536")]
    pub(crate) fn new(dimension: usize) -> Self {
        let mut random = SplitMix64::new(dimension as u64);
        let window = if dimension == 0 { 0 } else { 1 << dimension.ilog2() };
        // The scale that keeps a transform from growing its input is part of the signs before it.
        let scale = (window as f32).sqrt().recip();
        let mut signs = |turned: Range<usize>| -> Vec<f32> {
            let size = |at: usize| if turned.contains(&at) { scale } else { 1.0 };
            (0..dimension).map(|at| if random.next() & 1 == 1 { size(at) } else { -size(at) }).collect()
        };
        let signs = [(); ROUNDS].map(|()| [signs(0..window), signs(dimension - window..dimension)]);
        Self { signs, window }
    }

    /// Rotates rows in place; `rows` has a lane for each component.
    pub(crate) fn turn(&self, rows: &mut [Lane]) {
        for [first, second] in &self.signs {
            multiply(rows, first);
            hadamard(rows.get_mut(..self.window).unwrap_or_default());
            multiply(rows, second);
            let last = rows.len().saturating_sub(self.window);
            hadamard(rows.get_mut(last..).unwrap_or_default());
            if last > 0 {
                mix(rows);
            }
        }
    }

    /// Rotates one row.
    pub(crate) fn turn_one(&self, row: &[f32]) -> Vec<f32> {
        let mut lanes: Vec<Lane> = row.iter().map(|x| [*x, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]).collect();
        self.turn(&mut lanes);
        lanes.into_iter().map(|[x, ..]| x).collect()
    }
}

/// Makes sums and differences of the halves.
fn mix(rows: &mut [Lane]) {
    let (first, second) = rows.split_at_mut(rows.len() / 2);
    for (a, b) in first.iter_mut().zip(second) {
        for (a, b) in a.iter_mut().zip(b) {
            (*a, *b) = ((*a + *b) * FRAC_1_SQRT_2, (*a - *b) * FRAC_1_SQRT_2);
        }
    }
}

fn multiply(rows: &mut [Lane], signs: &[f32]) {
    for (row, sign) in rows.iter_mut().zip(signs) {
        for x in row.iter_mut() {
            *x *= sign;
        }
    }
}

/// The transform without its scale; the number of lanes is a power of two.
fn hadamard(rows: &mut [Lane]) {
    let mut half = 1;
    while half < rows.len() {
        for pair in rows.chunks_exact_mut(2 * half) {
            let (first, second) = pair.split_at_mut(half);
            for (a, b) in first.iter_mut().zip(second) {
                for (a, b) in a.iter_mut().zip(b) {
                    (*a, *b) = (*a + *b, *a - *b);
                }
            }
        }
        half *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::random::Random;

    #[test]
    fn lengths_and_products_stay_in_every_dimension() {
        let mut random = Random::new();
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
        for dimension in [1, 2, 3, 7, 8, 192, 255, 384, 511, 1536] {
            let (a, b) = (random.floats(dimension), random.floats(dimension));
            let rotation = Rotation::new(dimension);
            let (turned_a, turned_b) = (rotation.turn_one(&a), rotation.turn_one(&b));
            for (before, after) in [(dot(&a, &b), dot(&turned_a, &turned_b)), (dot(&a, &a), dot(&turned_a, &turned_a))]
            {
                assert!((before - after).abs() < 1e-4 * dot(&a, &a), "{dimension}: {before} {after}, {random:?}");
            }
        }
    }

    #[test]
    fn a_single_component_is_spread_over_all() {
        for dimension in [192, 255, 384, 511, 1000] {
            for at in [0, 1, dimension / 2, dimension - 1] {
                let mut row = vec![0.0; dimension];
                row[at] = 1.0;
                let largest = Rotation::new(dimension).turn_one(&row).iter().fold(0.0_f32, |most, x| most.max(x.abs()));
                assert!(largest < 0.3, "{dimension} {at}: {largest}");
            }
        }
    }
}
