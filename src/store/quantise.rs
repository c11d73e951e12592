//! An embedding as a row of i8 codes around a [`Centre`], the form that is scanned, with proven bounds of its error.
//!
//! Let x be an embedding as its space sees it (for cosine divided by its length), q a question likewise, c the centre,
//! `d = x - c` and `e = q - c`. Both are rounded to codes of a scale of their own, `d ~ d^ = scale * codes`. In every space
//!
//! `distance(q, x) = bias(x) + shared(q) - weight * (d . e)`
//!
//! | space | weight | bias(x) | shared(q) |
//! |---|---|---|---|
//! | l2 | 2 | d . d | e . e |
//! | ip, cosine | 1 | - c . d | 1 - c . c - c . e |
//!
//! and the codes are off by no more than (Cauchy and Schwarz)
//!
//! `| d . e - d^ . e^ |  <=  |d - d^| |e| + |d^| |e - e^|  =  |e| (residual(x) + blur(q) * length(x))`
//!
//! so `bias - factor * scale(q) * dot(codes, codes(q)) - reach(q) * (residual + blur * length) + shared` never lies above
//! the distance. What f32 and f64 arithmetic is off, here, in the kernels and in the exact distance, is part of the
//! numbers: bias is rounded down, residual and length up. Invariant: codes lie in -127..=127, and that bound holds for
//! every finite embedding and question; one that f32 cannot hold a bound for has an infinite residual.

use super::centre::Centre;
use super::length::{LANES, lengthwise};
use crate::error::{Error, Result};
use crate::record::Space;

/// The largest code; -128 is not used, so that a code and its negative both exist.
const LARGEST_CODE: f32 = 127.0;

pub use crate::record::MAX_DIMENSION;

/// Lengths whose squares and products f32 holds, with room for sums.
pub(super) const LENGTHS: std::ops::RangeInclusive<f64> = 0.0..=1e18;
/// Below this, squares of components are lost in f32.
const SHORT: f64 = 1e-12;
/// The error of a bound in f32 arithmetic: three roundings, doubled twice.
pub(super) const F32_ROUNDING: f64 = 1.0 / 2_097_152.0;
/// What products that are too small for f32 may hide.
const UNDERFLOW: f64 = 1e-35;

/// A quantised embedding.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::struct_field_names, reason = "they are the codes that the numbers are about")]
pub struct Codes {
    /// The codes, one a component.
    pub codes: Vec<i8>,
    /// What the dot product of codes is multiplied with: weight times scale.
    pub factor: f32,
    /// What the product is subtracted from.
    pub bias: f32,
    /// At least the length of what the codes leave out.
    pub residual: f32,
    /// At least the length of what the codes stand for.
    pub length: f32,
}

/// A question, quantised around a centre.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantisedQuestion {
    /// The codes, one a component.
    pub codes: Vec<i8>,
    /// What a code stands for.
    pub scale: f32,
    /// What every distance to it has in common.
    pub shared: f64,
    /// The weight times the length of its difference from the centre.
    pub reach: f32,
    /// The length of what its codes leave out, as a part of that difference.
    pub blur: f32,
}

/// Refuses an embedding that is empty, too long or not finite.
///
/// # Errors
/// [`Error::InvalidEmbedding`].
pub fn check_embedding(embedding: &[f32]) -> Result<()> {
    let why = if embedding.is_empty() {
        "it has no components".to_owned()
    } else if embedding.len() > MAX_DIMENSION {
        format!("it has {} components; the maximum is {MAX_DIMENSION}", embedding.len())
    } else if let Some(at) = first_not_finite(embedding) {
        format!("component {at} is NaN or infinite")
    } else {
        return Ok(());
    };
    Err(Error::InvalidEmbedding { why })
}

fn first_not_finite(embedding: &[f32]) -> Option<usize> {
    // Without an early exit the loop runs on vector instructions; nearly always it finds nothing.
    let all_finite = embedding.iter().fold(true, |all, x| all & x.is_finite());
    if all_finite { None } else { embedding.iter().position(|x| !x.is_finite()) }
}

/// Returns the codes of a stored embedding around a centre.
#[must_use]
pub fn quantise(embedding: &[f32], centre: &Centre, space: Space) -> Codes {
    let difference = Difference::new(embedding, centre, space);
    let length = difference.squared.sqrt();
    if !LENGTHS.contains(&length) {
        let codes = vec![0; embedding.len()];
        return Codes { codes, factor: 0.0, bias: 0.0, residual: f32::INFINITY, length: 0.0 };
    }
    let (codes, scale, residual) = codes_of(&difference.components, difference.largest, length);
    let weight = weight(space);
    let bias = match space {
        Space::L2 => difference.squared,
        Space::Ip | Space::Cosine => -difference.product,
    };
    let rounding = rounding(embedding.len()) * centre.squared().sqrt() * length;
    Codes {
        codes,
        factor: weight * scale,
        bias: below(bias - F32_ROUNDING * bias.abs() - rounding),
        residual: short_above(residual),
        length: short_above(length + residual),
    }
}

/// Returns the codes of a question around a centre.
#[must_use]
pub fn quantise_query(embedding: &[f32], centre: &Centre, space: Space) -> QuantisedQuestion {
    let Some(asked) = difference(embedding, centre, space) else {
        let codes = vec![0; embedding.len()];
        return QuantisedQuestion { codes, scale: 0.0, shared: f64::NEG_INFINITY, reach: f32::MAX, blur: 1.0 };
    };
    let (codes, scale, residual) = asked.codes();
    let blur = if asked.length > 0.0 { (residual / asked.length).min(2.0) } else { 0.0 };
    let reach = f64::from(weight(space)) * asked.length * (1.0 + 4.0 * F32_ROUNDING) + f64::from(f32::MIN_POSITIVE);
    QuantisedQuestion {
        codes,
        scale,
        shared: asked.shared,
        reach: above(reach),
        blur: above(blur + 2.0 * F32_ROUNDING),
    }
}

/// A question's difference from a centre.
#[derive(Debug, Clone)]
pub struct AskedDifference {
    /// Its components.
    pub components: Vec<f32>,
    /// Its length.
    pub length: f64,
    /// What every distance to the question has in common, less than that by what f64 arithmetic is off.
    pub shared: f64,
    largest: f32,
}

/// Returns a question's difference from a centre; `None` where f32 cannot hold bounds for it.
#[must_use]
pub fn difference(embedding: &[f32], centre: &Centre, space: Space) -> Option<AskedDifference> {
    let Difference { components, largest, squared, product } = Difference::new(embedding, centre, space);
    let (length, to_centre) = (squared.sqrt(), centre.squared().sqrt());
    if !LENGTHS.contains(&length) || !LENGTHS.contains(&to_centre) {
        return None;
    }
    let shared = match space {
        Space::L2 => squared,
        Space::Ip | Space::Cosine => 1.0 - centre.squared() - product,
    };
    let rounding = rounding(embedding.len()) * (to_centre + length + 1.0).powi(2) + UNDERFLOW;
    Some(AskedDifference { components, length, shared: shared - rounding, largest })
}

impl AskedDifference {
    fn codes(&self) -> (Vec<i8>, f32, f64) {
        codes_of(&self.components, self.largest, self.length)
    }
}

fn weight(space: Space) -> f32 {
    if space == Space::L2 { 2.0 } else { 1.0 }
}

/// The largest error of several sums of this many f64 terms, as a share of the sum of their sizes.
#[expect(clippy::cast_precision_loss, reason = "at most 65,536 components")]
fn rounding(dimension: usize) -> f64 {
    (dimension as f64 / 8.0 + 64.0) * f64::EPSILON
}

/// An embedding less the centre.
struct Difference {
    components: Vec<f32>,
    largest: f32,
    squared: f64,
    /// Its inner product with the centre.
    product: f64,
}

impl Difference {
    #[expect(clippy::cast_possible_truncation, reason = "what f32 cannot hold is infinite and refused")]
    fn new(embedding: &[f32], centre: &Centre, space: Space) -> Self {
        let scale = if space == Space::Cosine { lengthwise(embedding, space).0 } else { 1.0 };
        let mut components = vec![0.0_f32; embedding.len()];
        let (mut squares, mut products) = ([0.0_f64; LANES], [0.0_f64; LANES]);
        let centres = centre.components().chunks(LANES);
        for ((out, xs), centres) in components.chunks_mut(LANES).zip(embedding.chunks(LANES)).zip(centres) {
            let lanes = squares.iter_mut().zip(&mut products);
            for (((out, x), c), (square, product)) in out.iter_mut().zip(xs).zip(centres).zip(lanes) {
                let difference = f64::from(*x) * scale - f64::from(*c);
                *square += difference * difference;
                *product += difference * f64::from(*c);
                *out = difference as f32;
            }
        }
        let largest = largest(&components);
        Self { components, largest, squared: squares.iter().sum(), product: products.iter().sum() }
    }
}

/// Returns codes, their scale, and an upper bound of the length of what they leave out.
fn codes_of(components: &[f32], largest: f32, length: f64) -> (Vec<i8>, f32, f64) {
    let scale = largest / LARGEST_CODE;
    let to_code = scale.recip();
    if length < SHORT || !to_code.is_finite() || scale < f32::MIN_POSITIVE {
        return codes_of_the_short(components, scale, length);
    }
    let mut codes = vec![0_i8; components.len()];
    let mut squares = [0.0_f32; LANES];
    for (out, xs) in codes.chunks_mut(LANES).zip(components.chunks(LANES)) {
        for ((out, x), square) in out.iter_mut().zip(xs).zip(&mut squares) {
            let (code, value) = code(x * to_code);
            let left = x - value * scale;
            *square += left * left;
            *out = code;
        }
    }
    let left_out: f64 = squares.iter().map(|square| f64::from(*square)).sum();
    // Sums of f32 are off by a rounding a term, products by two of the largest.
    let rounding = f64::from(f32::EPSILON);
    #[expect(clippy::cast_precision_loss, reason = "at most 65,536 components")]
    let off = (1.0 + rounding * codes.len() as f64 / 8.0) * (1.0 + 1e-6);
    (codes, scale, left_out.sqrt() * off + 2.0 * rounding * length)
}

/// Does the same in f64, for components whose squares f32 does not hold.
fn codes_of_the_short(components: &[f32], scale: f32, length: f64) -> (Vec<i8>, f32, f64) {
    let step = f64::from(scale);
    let mut squared = 0.0;
    let codes = components.iter().map(|x| {
        let x = f64::from(*x);
        let (code, _) = if step > 0.0 { code(above(x / step)) } else { (0, 0.0) };
        squared += (x - f64::from(code) * step).powi(2);
        code
    });
    let codes = codes.collect();
    // A component below the smallest of f32 was rounded to it.
    #[expect(clippy::cast_precision_loss, reason = "at most 65,536 components")]
    let lost = 1e-44 * (components.len() as f64).sqrt();
    (codes, scale, squared.sqrt() * (1.0 + 1e-6) + f64::from(f32::EPSILON) * length + lost)
}

/// Rounds to a code; returns it as a float as well.
#[expect(clippy::cast_possible_truncation, reason = "clamped to what i8 holds")]
fn code(x: f32) -> (i8, f32) {
    let x = x.clamp(-LARGEST_CODE, LARGEST_CODE);
    // A cast truncates, so adding half a step outwards rounds; `round` itself is a call for each component.
    let whole = (x + 0.5_f32.copysign(x)) as i32;
    #[expect(clippy::cast_precision_loss, reason = "at most 127")]
    let value = whole as f32;
    (whole as i8, value)
}

/// Rounds to f32, downwards.
#[expect(clippy::cast_possible_truncation, reason = "put right below")]
pub(super) fn below(x: f64) -> f32 {
    let near = x as f32;
    if f64::from(near) > x { near.next_down() } else { near }
}

/// Rounds to f32, upwards.
#[expect(clippy::cast_possible_truncation, reason = "put right below")]
pub(crate) fn above(x: f64) -> f32 {
    let near = x as f32;
    if f64::from(near) < x { near.next_up() } else { near }
}

/// Rounds up to the upper half of an f32's bits, which is what the file keeps.
fn short_above(x: f64) -> f32 {
    let bits = above(x.max(0.0)).to_bits();
    f32::from_bits(bits.saturating_add(0xffff).min(f32::INFINITY.to_bits()) & 0xffff_0000)
}

fn largest(row: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    for chunk in row.chunks(LANES) {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane = if x.abs() > *lane { x.abs() } else { *lane };
        }
    }
    lanes.into_iter().fold(0.0, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::random::Random;

    /// What the scan computes, as the kernels do.
    fn lower_bound(q: &QuantisedQuestion, x: &Codes) -> f64 {
        let dot: i32 = q.codes.iter().zip(&x.codes).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum();
        let slack = x.residual + q.blur * x.length;
        let bound = x.bias - dot as f32 * (x.factor * q.scale) - q.reach * slack;
        if bound.is_nan() { f64::NEG_INFINITY } else { f64::from(bound) + q.shared }
    }

    /// Embeddings made to deceive, around a place of their own.
    fn rows(random: &mut Random, kind: usize, dimension: usize) -> Vec<Vec<f32>> {
        let mut row = |at: usize| -> Vec<f32> {
            let noise = random.floats(dimension);
            match kind {
                0 => noise,
                1 => noise.iter().map(|x| x + 1e6).collect(),
                2 => noise.iter().enumerate().map(|(i, x)| if i == 0 { 1e6 } else { *x }).collect(),
                3 => noise.iter().map(|x| 0.5 + x * 1e-6).collect(),
                4 => noise.iter().map(|x| x * 1e-38).collect(),
                5 => noise.iter().map(|x| x * 1e-44).collect(),
                6 => noise.iter().map(|x| x * 1e30).collect(),
                7 => noise.iter().map(|x| if at.is_multiple_of(3) { x * 3e38 } else { *x }).collect(),
                8 => vec![0.25; dimension],
                9 => (0..dimension).map(|i| if i == at % dimension { 1.0 } else { 0.0 }).collect(),
                _ => noise.iter().map(|x| (x * 2.0).round()).collect(),
            }
        };
        (0..40).map(&mut row).collect()
    }

    #[test]
    fn no_distance_lies_below_its_bound() {
        let mut random = Random::new();
        for space in Space::ALL {
            for (kind, dimension) in (0..11).flat_map(|kind| [1, 3, 8, 61, 384].map(|dimension| (kind, dimension))) {
                let rows = rows(&mut random, kind, dimension);
                let own = Centre::of(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>(), space);
                for centre in [own, Centre::origin(dimension)] {
                    let codes: Vec<Codes> = rows.iter().map(|row| quantise(row, &centre, space)).collect();
                    for question in &rows {
                        let asked = quantise_query(question, &centre, space);
                        for (row, codes) in rows.iter().zip(&codes) {
                            let (bound, exact) = (lower_bound(&asked, codes), space.distance(question, row));
                            assert!(
                                bound <= exact,
                                "{space} {kind} {dimension}: {bound} > {exact}\n{asked:?}\n{codes:?}"
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn the_bound_is_near_the_distance() {
        let mut random = Random::new();
        for (space, offset) in Space::ALL.into_iter().flat_map(|space| [0.0, 0.3].map(|offset| (space, offset))) {
            let rows: Vec<Vec<f32>> =
                (0..50).map(|_| random.floats(384).iter().map(|x| x + offset).collect()).collect();
            let centre = Centre::of(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>(), space);
            let asked = quantise_query(&rows[0], &centre, space);
            // For cosine lengths are 1.
            let size = if space == Space::Cosine { 1.0 } else { super::super::length::sum(&rows[0], |x| x * x) };
            for row in &rows {
                let off = space.distance(&rows[0], row) - lower_bound(&asked, &quantise(row, &centre, space));
                assert!((0.0..0.03 * size).contains(&off), "{space} {offset}: {off} of {size}, {random:?}");
            }
        }
    }

    #[test]
    fn zero_tiny_and_huge_embeddings_have_numbers_that_end() {
        for x in [0.0, f32::MIN_POSITIVE, 1e-45, f32::MAX] {
            for space in Space::ALL {
                let row = quantise(&[x, -x, 0.0], &Centre::origin(3), space);
                assert!(row.factor.is_finite() && row.bias.is_finite() && row.length.is_finite(), "{x} {space}");
                let question = quantise_query(&[x, -x, 0.0], &Centre::origin(3), space);
                assert!(question.reach > 0.0 && question.blur >= 0.0 && question.scale.is_finite(), "{x} {space}");
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
