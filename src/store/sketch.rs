//! One bit a component: what is read first when a collection is too large to read all its codes for one question.
//!
//! A segment's sketch holds, for each of its rows, the signs of `d = x - centre` as -1 and 1, and two numbers that turn
//! their product with a question's difference into what orders distances (`RaBitQ`, Gao and Long 2024; the estimate
//! `d . e ~ (d . d) / sum(abs d) * (signs . e)` has no bias when the signs of `d` are random):
//!
//! `distance ~ bias - weight * (signs . (q - centre))`, plus what all rows share
//!
//! | space | x | weight | bias |
//! |---|---|---|---|
//! | cosine | scaled to length 1 | 2 (d . d) / sum(abs d) | d . d |
//! | l2 | as given | 2 (d . d) / sum(abs d) | d . d |
//! | ip | as given | (d . d) / sum(abs d) | - x . centre |
//!
//! Layout: xxh3-64 of all that follows, rows (u32), components (u32), least weight and step of weights, least bias and
//! step of biases (f32 each); weights (u8 each), biases (u8 each), offsets of the ordinals from the first (u32 each,
//! only where there are gaps), signs row after row. Not searched with here. Invariant: a sketch has the rows of the
//! segment of the same key, in the same order.

use xxhash_rust::xxh3::xxh3_64;

use super::codec::{Reader, floats, put_floats};
use super::segment::Segment;
use super::table::MAX_VALUE_BYTES;
use crate::error::{Error, Result};
use crate::record::{Ordinal, Space};

const HEADER_BYTES: usize = 32;
/// Sums that are kept apart.
const LANES: usize = 8;
/// The longest value that fits a 128 KiB page of redb with its key.
const SKETCH_BYTES: usize = MAX_VALUE_BYTES.div_ceil(8) - 64;
/// Shorter embeddings have too few signs to tell rows apart, and few bytes to save.
pub(super) const SKETCH_FROM_DIMENSION: usize = 192;

/// The most rows a segment may have so that its sketch fits a page an eighth as large.
pub(super) fn rows_per_sketch(dimension: usize) -> usize {
    if dimension < SKETCH_FROM_DIMENSION {
        usize::MAX
    } else {
        (SKETCH_BYTES - HEADER_BYTES) / (sign_bytes(dimension) + 2)
    }
}

/// The mean of a collection's rows as the sketch sees them, fixed when it is made.
#[derive(Debug, Clone, PartialEq)]
pub struct Centre(Vec<f32>);

impl Centre {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(4 * self.0.len());
        put_floats(&mut bytes, &self.0);
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8], dimension: usize) -> Result<Self> {
        let centre: Vec<f32> = floats(bytes).collect();
        if centre.len() == dimension && bytes.len() == 4 * dimension {
            Ok(Self(centre))
        } else {
            Err(Error::damaged("the centre of the sketch has another dimension"))
        }
    }

    /// Returns the difference of a question from the centre.
    #[must_use]
    pub fn difference(&self, question: &[f32], space: Space) -> Vec<f32> {
        let scale = match space {
            Space::Cosine => 1.0 / norm(question).max(f32::MIN_POSITIVE),
            Space::Ip | Space::L2 => 1.0,
        };
        question.iter().zip(&self.0).map(|(x, c)| x * scale - c).collect()
    }
}

/// Turns estimates into distances: what all rows share, and how far an estimate may be off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimates {
    space: Space,
    /// The length of the question's difference from the centre, squared.
    squared: f32,
    /// The inner product of that difference and the centre.
    product: f32,
}

impl Estimates {
    /// Of a question, given its [`Centre::difference`].
    #[must_use]
    pub fn new(centre: &Centre, difference: &[f32], space: Space) -> Self {
        Self { space, squared: sum(difference, |x| x * x), product: dot(difference, &centre.0) }
    }

    /// Returns the standard deviation of `signs . e` around `d . e sum(abs d) / (d . d)`, both for the row of a
    /// question whose rounding has the given one.
    ///
    /// The part of a row's signs that is at a right angle to the row has length `sqrt(D (1 - 2 / pi))` where components
    /// are spread as a normal distribution's, and points anywhere (`RaBitQ`, section 3.2).
    #[must_use]
    pub fn deviation(&self, rounding: f32) -> f32 {
        const ACROSS: f32 = 1.0 - std::f32::consts::FRAC_2_PI;
        (ACROSS * self.squared + rounding * rounding).sqrt()
    }

    /// Returns the distance that an estimate stands for.
    #[must_use]
    pub fn distance(&self, estimate: f32) -> f64 {
        match self.space {
            Space::Cosine => f64::from(estimate + self.squared) / 2.0,
            Space::L2 => f64::from(estimate + self.squared),
            Space::Ip => 1.0 + f64::from(estimate - self.product),
        }
    }
}

/// Sums the rows of segments until their mean is asked for.
pub(crate) struct Mean {
    sums: Vec<f64>,
    rows: u64,
}

impl Mean {
    pub(crate) fn new(dimension: usize) -> Self {
        Self { sums: vec![0.0; dimension], rows: 0 }
    }

    pub(crate) fn add(&mut self, segment: &Segment, space: Space) {
        for (codes, factor) in segment.codes().chunks_exact(segment.dimension()).zip(segment.factors()) {
            let scale = f64::from(row_scale(factor, space));
            self.sums.iter_mut().zip(codes).for_each(|(sum, code)| *sum += f64::from(*code) * scale);
        }
        self.rows += segment.rows() as u64;
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a mean of f32 values")]
    pub(crate) fn centre(self) -> Centre {
        let rows = self.rows.max(1) as f64;
        Centre(self.sums.into_iter().map(|sum| (sum / rows) as f32).collect())
    }
}

/// What a row's codes are multiplied with to give the row that is sketched.
fn row_scale(factor: f32, space: Space) -> f32 {
    match space {
        Space::Cosine | Space::Ip => factor,
        Space::L2 => factor / 2.0,
    }
}

/// Returns the sketch of a segment.
pub(crate) fn sketch(segment: &Segment, centre: &Centre, space: Space) -> Vec<u8> {
    let rows = segment.rows();
    let (mut weights, mut biases) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
    let mut signs = Vec::with_capacity(rows * sign_bytes(segment.dimension()));
    let mut difference = vec![0.0; segment.dimension()];
    let centre_squared = sum(&centre.0, |x| x * x);
    for (codes, factor) in segment.codes().chunks_exact(segment.dimension()).zip(segment.factors()) {
        let scale = row_scale(factor, space);
        for ((difference, code), centre) in difference.iter_mut().zip(codes).zip(&centre.0) {
            *difference = f32::from(*code) * scale - centre;
        }
        put_signs(&mut signs, &difference);
        let squared = sum(&difference, |x| x * x);
        let weight = squared / sum(&difference, f32::abs).max(f32::MIN_POSITIVE);
        // x . centre, since x = difference + centre.
        let product = if space == Space::Ip { dot(&difference, &centre.0) + centre_squared } else { 0.0 };
        let (weight, bias) = if space == Space::Ip { (weight, -product) } else { (2.0 * weight, squared) };
        weights.push(weight);
        biases.push(bias);
    }
    let (weight_range, weight_codes) = coded(&weights);
    let (bias_range, bias_codes) = coded(&biases);
    let mut out = Vec::with_capacity(HEADER_BYTES + signs.len() + 2 * rows);
    out.extend([0; 8]);
    // Both are bounded by the size of a segment.
    for n in [rows, segment.dimension()] {
        out.extend(u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes());
    }
    put_floats(&mut out, &[weight_range.least, weight_range.step, bias_range.least, bias_range.step]);
    out.extend(weight_codes);
    out.extend(bias_codes);
    if segment.contiguous_from().is_none() {
        for row in 0..rows {
            let offset = segment.ordinal(row).0.saturating_sub(segment.ordinal(0).0);
            out.extend(u32::try_from(offset).unwrap_or(u32::MAX).to_le_bytes());
        }
    }
    out.extend(signs);
    let checksum = out.get(8..).map_or(0, xxh3_64);
    out.splice(0..8, checksum.to_le_bytes());
    out
}

/// The values that u8 codes stand for: `least + code * step`.
#[derive(Debug, Clone, Copy)]
struct Range {
    least: f32,
    step: f32,
}

impl Range {
    fn value(self, code: u8) -> f32 {
        self.least + f32::from(code) * self.step
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what a byte holds")]
fn coded(values: &[f32]) -> (Range, Vec<u8>) {
    let least = values.iter().copied().fold(f32::INFINITY, f32::min);
    let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let step = if most > least { (most - least) / 255.0 } else { 0.0 };
    if !(least.is_finite() && step.is_finite()) {
        return (Range { least: 0.0, step: 0.0 }, vec![0; values.len()]);
    }
    let code = |value: &f32| if step > 0.0 { ((value - least) / step).round().clamp(0.0, 255.0) as u8 } else { 0 };
    (Range { least, step }, values.iter().map(code).collect())
}

/// Bytes that the signs of one row take.
#[must_use]
pub fn sign_bytes(dimension: usize) -> usize {
    dimension.div_ceil(8)
}

fn put_signs(out: &mut Vec<u8>, row: &[f32]) {
    for eight in row.chunks(8) {
        out.push(eight.iter().enumerate().fold(0, |byte, (bit, x)| byte | (u8::from(*x > 0.0) << bit)));
    }
}

/// Sums in lanes, which vector instructions can do; one sum would wait for each addition.
fn sum(row: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0; LANES];
    for chunk in row.chunks(LANES) {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane += term(*x);
        }
    }
    lanes.iter().sum()
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn norm(row: &[f32]) -> f32 {
    row.iter().map(|x| x * x).sum::<f32>().sqrt()
}

/// A sketch seen in its bytes.
#[derive(Debug, Clone, Copy)]
pub struct Sketch<'a> {
    weights: &'a [u8],
    biases: &'a [u8],
    weight_range: Range,
    bias_range: Range,
    offsets: Option<&'a [u8]>,
    signs: &'a [u8],
}

impl<'a> Sketch<'a> {
    /// Finds the parts of a sketch; the checksum is not computed.
    ///
    /// # Errors
    /// [`Error::Damaged`] when the lengths do not add up.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, "a sketch");
        let _checksum = reader.u64()?;
        let (rows, dimension) = (reader.u32()? as usize, reader.u32()? as usize);
        let mut range = || {
            let (least, step) = (reader.array().map(f32::from_le_bytes)?, reader.array().map(f32::from_le_bytes)?);
            Ok::<_, Error>(Range { least, step })
        };
        let (weight_range, bias_range) = (range()?, range()?);
        let (weights, biases) = (reader.bytes(rows)?, reader.bytes(rows)?);
        let signs = rows.checked_mul(sign_bytes(dimension)).filter(|signs| *signs > 0);
        let offsets = match signs.and_then(|signs| reader.remaining().checked_sub(signs)) {
            Some(0) => None,
            Some(gaps) if gaps == 4 * rows => Some(reader.bytes(gaps)?),
            _ => return Err(reader.damaged("its parts do not add up to its length")),
        };
        Ok(Self { weights, biases, weight_range, bias_range, offsets, signs: reader.rest() })
    }

    /// Compares the checksum of a sketch with its bytes.
    ///
    /// # Errors
    /// [`Error::Damaged`] when they differ.
    pub fn verify(bytes: &'a [u8]) -> Result<()> {
        let mut reader = Reader::new(bytes, "a sketch");
        if reader.u64()? == xxh3_64(reader.rest()) {
            Self::parse(bytes).map(drop)
        } else {
            Err(Error::damaged("a sketch does not match its checksum"))
        }
    }

    /// Returns the number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.weights.len()
    }

    /// Returns the ordinal of row `row` of the sketch whose key ends with `first`.
    #[must_use]
    pub fn ordinal(&self, first: Ordinal, row: usize) -> Ordinal {
        let offset = match self.offsets {
            None => row as u64,
            Some(offsets) => offsets.as_chunks::<4>().0.get(row).map_or(0, |b| u64::from(u32::from_le_bytes(*b))),
        };
        Ordinal(first.0.saturating_add(offset))
    }

    /// Returns the signs of all rows, one row after the other.
    #[must_use]
    pub fn signs(&self) -> &'a [u8] {
        self.signs
    }

    /// Returns the weight of each row.
    pub fn weights(&self) -> impl Iterator<Item = f32> + use<'a> {
        let range = self.weight_range;
        self.weights.iter().map(move |code| range.value(*code))
    }

    /// Returns the bias of each row.
    pub fn biases(&self) -> impl Iterator<Item = f32> + use<'a> {
        let range = self.bias_range;
        self.biases.iter().map(move |code| range.value(*code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::random::Random;
    use crate::store::quantise::quantise;
    use crate::store::segment::seal;

    fn segment(random: &mut Random, dimension: usize, space: Space) -> (Vec<Vec<f32>>, Vec<u8>) {
        let embeddings: Vec<Vec<f32>> =
            (0..200).map(|_| random.floats(dimension).iter().map(|x| x + 0.3).collect()).collect();
        let rows: Vec<_> = embeddings.iter().zip(0..).map(|(e, o)| (Ordinal(o), quantise(e, space))).collect();
        (embeddings, seal(&rows, space).unwrap())
    }

    /// What the search computes, without what all rows share.
    fn estimates(bytes: &[u8], centre: &Centre, question: &[f32], space: Space) -> Vec<f32> {
        let sketch = Sketch::parse(bytes).unwrap();
        let difference = centre.difference(question, space);
        let rows = sketch.signs().chunks_exact(sign_bytes(question.len())).zip(sketch.weights().zip(sketch.biases()));
        rows.map(|(row, (weight, bias))| {
            let sign = |at: usize| if row[at / 8] >> (at % 8) & 1 == 1 { 1.0 } else { -1.0 };
            bias - weight * difference.iter().enumerate().map(|(at, e)| sign(at) * e).sum::<f32>()
        })
        .collect()
    }

    #[test]
    fn estimates_follow_the_distance_in_every_space() {
        let mut random = Random::new();
        for space in Space::ALL {
            let (embeddings, bytes) = segment(&mut random, 512, space);
            let parsed = Segment::parse(&bytes).unwrap();
            let mut mean = Mean::new(512);
            mean.add(&parsed, space);
            let centre = mean.centre();
            let bytes = sketch(&parsed, &centre, space);
            Sketch::verify(&bytes).unwrap();
            // A question near row 0: its estimate is the least, and no estimate is far off in order.
            let question: Vec<f32> = embeddings[0].iter().zip(random.floats(512)).map(|(x, y)| x + 0.05 * y).collect();
            let estimates = estimates(&bytes, &centre, &question, space);
            let least = (0..200).min_by(|a, b| estimates[*a].total_cmp(&estimates[*b]));
            assert_eq!(least, Some(0), "{space}, {random:?}");
        }
    }

    #[test]
    fn two_deviations_below_an_estimate_hardly_any_distance_lies() {
        let mut random = Random::new();
        for space in Space::ALL {
            let (rows, bytes) = segment(&mut random, 512, space);
            let parsed = Segment::parse(&bytes).unwrap();
            let mut mean = Mean::new(512);
            mean.add(&parsed, space);
            let centre = mean.centre();
            let bytes = sketch(&parsed, &centre, space);
            let question = random.floats(512);
            let to_distance = Estimates::new(&centre, &centre.difference(&question, space), space);
            let estimates = estimates(&bytes, &centre, &question, space);
            let weights = Sketch::parse(&bytes).unwrap().weights();
            let deviation = to_distance.deviation(0.0);
            let off = estimates.iter().zip(weights).zip(&rows).map(|((estimate, weight), row)| {
                let at = to_distance.distance(*estimate);
                (at - space.distance(row, &question)) / (at - to_distance.distance(estimate - weight * deviation))
            });
            let off: Vec<f64> = off.collect();
            // 2.3 % of a normal distribution lie there; the mean of 200 is off by more than this once in 40,000 times.
            assert!(off.iter().filter(|off| **off > 2.0).count() <= 14, "{space}: {off:?}, {random:?}");
            assert!((off.iter().sum::<f64>() / 200.0).abs() < 0.3, "{space}: {off:?}, {random:?}");
        }
    }

    #[test]
    fn centres_and_odd_dimensions_round_trip() {
        let mut random = Random::new();
        for dimension in [1, 7, 8, 9, 33] {
            let (_, bytes) = segment(&mut random, dimension, Space::L2);
            let parsed = Segment::parse(&bytes).unwrap();
            let mut mean = Mean::new(dimension);
            mean.add(&parsed, Space::L2);
            let centre = mean.centre();
            assert_eq!(Centre::from_bytes(&centre.to_bytes(), dimension).unwrap(), centre);
            assert!(Centre::from_bytes(&centre.to_bytes(), dimension + 1).is_err());
            let bytes = sketch(&parsed, &centre, Space::L2);
            let sketch = Sketch::parse(&bytes).unwrap();
            assert_eq!((sketch.rows(), sketch.signs().len()), (200, 200 * sign_bytes(dimension)));
        }
    }

    #[test]
    fn rows_keep_their_ordinals_over_gaps() {
        let row = quantise(&[1.0, -2.0], Space::Cosine);
        let rows: Vec<_> = [5, 9, 70_000].map(|o| (Ordinal(o), row.clone())).to_vec();
        let bytes = seal(&rows, Space::Cosine).unwrap();
        let bytes = sketch(&Segment::parse(&bytes).unwrap(), &Centre(vec![0.0; 2]), Space::Cosine);
        let sketch = Sketch::parse(&bytes).unwrap();
        assert_eq!([0, 1, 2].map(|row| sketch.ordinal(Ordinal(5), row).0), [5, 9, 70_000]);
    }

    #[test]
    fn damage_is_seen() {
        let (_, bytes) = segment(&mut Random::new(), 9, Space::Ip);
        let bytes = sketch(&Segment::parse(&bytes).unwrap(), &Centre(vec![0.0; 9]), Space::Ip);
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            assert!(Sketch::verify(&flipped).is_err(), "flipped at {at}");
            let _ = Sketch::parse(&flipped).map(|sketch| sketch.weights().chain(sketch.biases()).count());
            assert!(Sketch::verify(&bytes[..at]).is_err(), "cut at {at}");
        }
    }
}
