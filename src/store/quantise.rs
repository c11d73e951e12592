//! An embedding as one row of i8 codes, the form that is scanned.
//!
//! A row keeps its own scale: `x_i ~ code_i * largest |x| / 127`. With one scale a collection, a single
//! outlier would coarsen every row. What the scan needs of the rest is folded into two numbers a row, so that in
//! every space
//!
//! `distance(q, x) ~ bias - dot(code(q), code(x)) * factor(x) * scale(q)`
//!
//! | space | factor(x) | bias |
//! |---|---|---|
//! | cosine | scale / norm | 1 |
//! | ip | scale | 1 |
//! | l2 | 2 * scale | squared norm of x, plus that of q, which every row shares |
//!
//! Invariant: codes lie in -127..=127, factor and bias are finite.

use crate::error::{Error, Result};
use crate::record::Space;

/// The largest code; -128 is not used, so that a code and its negative both exist.
const LARGEST_CODE: f32 = 127.0;

pub use crate::record::MAX_DIMENSION;

/// A quantised embedding.
#[derive(Debug, Clone, PartialEq)]
pub struct Codes {
    /// The codes, one a component.
    pub codes: Vec<i8>,
    /// What the dot product of codes is multiplied with.
    pub factor: f32,
    /// What the product is subtracted from.
    pub bias: f32,
}

/// Refuses an embedding that is empty, too long or not finite.
///
/// # Errors
/// [`Error::InvalidEmbedding`].
pub fn check_embedding(embedding: &[f32]) -> Result<()> {
    let why = if embedding.is_empty() {
        "it has no components".to_owned()
    } else if embedding.len() > MAX_DIMENSION {
        format!("it has {} components; the most is {MAX_DIMENSION}", embedding.len())
    } else if let Some(at) = first_not_finite(embedding) {
        format!("component {at} is NaN or infinite")
    } else {
        return Ok(());
    };
    Err(Error::InvalidEmbedding { why })
}

fn first_not_finite(embedding: &[f32]) -> Option<usize> {
    // Without an early end the loop runs on vector instructions; nearly always it finds nothing.
    let all_finite = embedding.iter().fold(true, |all, x| all & x.is_finite());
    if all_finite { None } else { embedding.iter().position(|x| !x.is_finite()) }
}

/// Returns the codes of a stored embedding.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "sums are kept in f64 and clamped to what f32 holds")]
pub fn quantise(embedding: &[f32], space: Space) -> Codes {
    let (codes, scale) = scaled(embedding);
    let squared_norm = squared_norm(embedding);
    let (factor, bias) = match space {
        Space::Cosine => (f64::from(scale) / squared_norm.sqrt().max(f64::from(f32::MIN_POSITIVE)), 1.0),
        Space::Ip => (f64::from(scale), 1.0),
        Space::L2 => (2.0 * f64::from(scale), squared_norm),
    };
    let finite = |x: f64| x.min(f64::from(f32::MAX)) as f32;
    Codes { codes, factor: finite(factor), bias: finite(bias) }
}

/// Returns the codes of a question: its factor is its scale, its bias what its distances have in common.
#[must_use]
pub fn quantise_query(embedding: &[f32], space: Space) -> Codes {
    let as_row = quantise(embedding, space);
    match space {
        Space::Cosine => as_row,
        Space::Ip => Codes { bias: 0.0, ..as_row },
        Space::L2 => Codes { factor: as_row.factor / 2.0, ..as_row },
    }
}

/// Sums in lanes, which vector instructions can do; one sum would wait for each addition.
fn squared_norm(embedding: &[f32]) -> f64 {
    let mut lanes = [0.0_f64; 8];
    for chunk in embedding.chunks(lanes.len()) {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += f64::from(x) * f64::from(x);
        }
    }
    lanes.iter().sum()
}

#[expect(clippy::cast_possible_truncation, reason = "rounded into -127..=127 before the cast")]
fn scaled(embedding: &[f32]) -> (Vec<i8>, f32) {
    let largest = embedding.iter().fold(0.0_f32, |m, x| m.max(x.abs()));
    if largest < f32::MIN_POSITIVE {
        return (vec![0; embedding.len()], 0.0);
    }
    let to_code = LARGEST_CODE / largest;
    // A cast cuts towards zero, so half a step outwards first rounds; `round` itself is a call for each component.
    let code = |x: &f32| {
        let x = (x * to_code).clamp(-LARGEST_CODE, LARGEST_CODE);
        (x + 0.5_f32.copysign(x)) as i32 as i8
    };
    // The reciprocal of a subnormal-sized maximum overflows; dividing each component does not.
    let slow = |x: &f32| (x / largest * LARGEST_CODE).round() as i8;
    let codes =
        if to_code.is_finite() { embedding.iter().map(code).collect() } else { embedding.iter().map(slow).collect() };
    (codes, largest / LARGEST_CODE)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the scan computes.
    fn approximate(q: &[f32], x: &[f32], space: Space) -> f32 {
        let (q, x) = (quantise_query(q, space), quantise(x, space));
        let dot: i32 = q.codes.iter().zip(&x.codes).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum();
        let shared = if space == Space::L2 { q.bias } else { 0.0 };
        shared + x.bias - dot as f32 * x.factor * q.factor
    }

    #[test]
    fn the_formula_approximates_every_space() {
        let q: Vec<f32> = (0..384_u16).map(|i| (f32::from(i) * 0.7).sin()).collect();
        let x: Vec<f32> = (0..384_u16).map(|i| (f32::from(i) * 0.9).cos() * 3.0).collect();
        for space in Space::ALL {
            let exact = space.distance(&q, &x);
            let scale = if space == Space::Cosine { 1.0 } else { 1000.0 };
            assert!((f64::from(approximate(&q, &x, space)) - exact).abs() / scale < 0.01, "{space}");
        }
    }

    #[test]
    fn zero_tiny_and_huge_embeddings_have_finite_codes() {
        for x in [0.0, f32::MIN_POSITIVE, 1e-45, f32::MAX] {
            for space in Space::ALL {
                let row = quantise(&[x, -x, 0.0], space);
                assert!(row.factor.is_finite() && row.bias.is_finite(), "{x} {space}");
            }
        }
    }

    #[test]
    fn bad_embeddings_are_refused() {
        for bad in [vec![], vec![f32::NAN], vec![0.0, f32::INFINITY], vec![0.0; MAX_DIMENSION + 1]] {
            assert!(check_embedding(&bad).is_err());
        }
        assert!(check_embedding(&[0.0; MAX_DIMENSION]).is_ok());
    }
}
