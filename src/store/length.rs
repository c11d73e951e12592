//! How long an embedding is, and what its space makes of it before it is coded.
//!
//! Invariant: sums are of f64 and in a fixed order, so that the same embedding gives the same length on every machine.

use crate::record::Space;

/// What Chroma adds to the length of an embedding before it divides by it.
const SHORTEST: f64 = 1e-32;
/// Sums that are kept apart, which vector instructions can do; one sum would wait for each addition.
pub(super) const LANES: usize = 8;

/// Returns what a space multiplies an embedding with, and the length of what that gives.
#[must_use]
pub(crate) fn lengthwise(embedding: &[f32], space: Space) -> (f64, f64) {
    let length = sum(embedding, |x| x * x).sqrt();
    match space {
        Space::Cosine => ((length + SHORTEST).recip(), if length > 0.0 { 1.0 } else { 0.0 }),
        Space::Ip | Space::L2 => (1.0, length),
    }
}

/// Sums a term of each component.
pub(super) fn sum(row: &[f32], term: impl Fn(f64) -> f64) -> f64 {
    let mut lanes = [0.0_f64; LANES];
    for chunk in row.chunks(LANES) {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane += term(f64::from(*x));
        }
    }
    lanes.iter().sum()
}
