//! One bit per component: read first where a collection is too large to read all its codes for one question.
//!
//! A segment's sketch holds, for each of its rows, the signs of `t`, which is what the row's codes stand for (`d^` of
//! [`super::quantise`]) turned by a random [`Rotation`], and two numbers (`RaBitQ`, Gao and Long 2024). With `s` the signs
//! as -1 and 1, `e` a question's difference from the centre turned likewise, D components and `r = sum(abs t) / (sqrt D |t|)`,
//!
//! `distance ~ bias - weight * (s . e) + shared`,  `weight = w (t . t) / sum(abs t)`,  w = 2 for l2, else 1
//!
//! The estimate is off by `weight * sqrt(1 - r^2) |e|` times the component of a random direction, which a normal
//! distribution of variance `1 / (D - 1)` describes (there, section 3.2; the rotation makes the direction random whatever
//! the data), and by what the codes leave out. So a bound of [`DEVIATIONS`] deviations lies above the distance of one row
//! with a probability of 2.3e-4, and an answer changes only where that row is at the very edge of it.
//!
//! Layout: xxh3-64 of all that follows, rows (u32), components (u32), the number of the centre (u32); least value and step
//! of weights, of biases and of slacks, least spread, what weights, biases and slacks are off (f32 each); weights, biases
//! and slacks (u8 each), offsets of the ordinals from the first (u32 each, only where there are gaps), signs row after row.
//! A spread is `sqrt(1 - r^2)`, a slack what a row's bound lies below its estimate for each deviation and unit of `|e|`. Not
//! searched with here. Invariant: a sketch has the rows of the segment of the same key, in the same order.

use xxhash_rust::xxh3::xxh3_64;

use super::codec::{Reader, put_floats};
use super::quantise::above;
use super::rotation::{LANES, Lane, Rotation};
use super::segment::{Bounds, Segment};
use super::sketch_size::{HEADER_BYTES, sign_bytes};
use crate::error::{Error, Result};
use crate::record::{Ordinal, Space};

/// Standard deviations between an estimate and its bound.
pub(super) const DEVIATIONS: f32 = 3.5;

/// Makes sketches of rows, a few at a time.
pub(crate) struct Sketcher {
    rotation: Rotation,
    rows: Vec<Lane>,
    bounds: Bounds,
}

/// Rows on their way into a sketch: the signs of each, and what is kept besides.
#[derive(Debug, Clone)]
pub(crate) struct SketchRows {
    dimension: usize,
    signs: Vec<u8>,
    weights: Vec<f32>,
    biases: Vec<f32>,
    slacks: Vec<f32>,
    /// The least of the rows.
    spread: f32,
}

/// The sums of the squares and of the sizes of the turned codes of up to eight rows.
pub(crate) type TurnedSums = [(f32, f32); LANES];

impl Sketcher {
    pub(crate) fn new(dimension: usize) -> Self {
        Self { rotation: Rotation::new(dimension), rows: vec![[0.0; LANES]; dimension], bounds: Bounds::default() }
    }

    /// Returns the sketch of a segment.
    pub(crate) fn sketch(&mut self, segment: &Segment, space: Space) -> Vec<u8> {
        let (rows, dimension) = (segment.rows(), segment.dimension());
        let mut bounds = std::mem::take(&mut self.bounds);
        segment.read_bounds(space, &mut bounds);
        let mut sketched = SketchRows::new(dimension);
        let mut of_rows = bounds.rows();
        let mut signs = vec![0; LANES * sign_bytes(dimension)];
        for codes in segment.codes().chunks(LANES * dimension) {
            let sums = self.turn(codes, &mut signs);
            let rows = codes.chunks_exact(dimension).zip(sums).zip(signs.chunks_exact(sign_bytes(dimension)));
            for (((_, sums), signs), bounds) in rows.zip(&mut of_rows) {
                sketched.push(signs, sums, bounds, space);
            }
        }
        drop(of_rows);
        self.bounds = bounds;
        let offset = |row| segment.ordinal(row).0.saturating_sub(segment.ordinal(0).0);
        let offsets: Vec<u64> = (0..rows).filter(|_| segment.contiguous_from().is_none()).map(offset).collect();
        sketched.to_bytes(segment.centre().unwrap_or(0), &offsets)
    }

    /// Turns the codes of up to eight rows, which lie one after another, and writes their signs.
    pub(crate) fn turn(&mut self, codes: &[i8], signs: &mut [u8]) -> TurnedSums {
        let dimension = self.rows.len();
        for (lane, row) in codes.chunks_exact(dimension.max(1)).enumerate() {
            for (components, code) in self.rows.iter_mut().zip(row) {
                if let Some(component) = components.get_mut(lane) {
                    *component = f32::from(*code);
                }
            }
        }
        self.rotation.turn(&mut self.rows);
        signs.fill(0);
        put_signs(signs, &self.rows, sign_bytes(dimension));
        let mut sums = [(0.0_f32, 0.0_f32); LANES];
        for components in &self.rows {
            for (x, (square, sum)) in components.iter().zip(&mut sums) {
                *square += x * x;
                *sum += x.abs();
            }
        }
        sums
    }
}

impl SketchRows {
    pub(crate) fn new(dimension: usize) -> Self {
        let (weights, biases, slacks) = (Vec::new(), Vec::new(), Vec::new());
        Self { dimension, signs: Vec::new(), weights, biases, slacks, spread: 1.0 }
    }

    /// Starts with room for so many rows, taken at once: what grows step by step leaves holes behind.
    pub(crate) fn with_room(dimension: usize, rows: usize) -> Self {
        let numbers = || Vec::with_capacity(rows);
        let signs = Vec::with_capacity(rows * sign_bytes(dimension));
        Self { signs, weights: numbers(), biases: numbers(), slacks: numbers(), ..Self::new(dimension) }
    }

    /// Returns the number of rows.
    pub(crate) fn len(&self) -> usize {
        self.weights.len()
    }

    /// Forgets the rows and keeps the room.
    pub(crate) fn clear(&mut self) {
        self.signs.clear();
        self.weights.clear();
        self.biases.clear();
        self.slacks.clear();
        self.spread = 1.0;
    }

    /// Adds a row, given its signs and the sums of its turned codes.
    #[expect(clippy::cast_precision_loss, reason = "a dimension is small")]
    pub(crate) fn push(
        &mut self,
        signs: &[u8],
        (square, sum): (f32, f32),
        [factor, bias, residual, _]: [f32; 4],
        space: Space,
    ) {
        let weight = if sum > 0.0 { factor * square / sum } else { 0.0 };
        let dimension = self.dimension as f32;
        let share = if square > 0.0 { sum / (dimension * square).sqrt() } else { 1.0 };
        // Slightly more than it is, for the rounding of f32 sums.
        let spread = (1.0 - share * share).max(0.0).sqrt() * (dimension / (dimension - 1.0).max(1.0)).sqrt() + 1e-4;
        self.spread = self.spread.min(spread);
        let lost = residual * if space == Space::L2 { 2.0 } else { 1.0 };
        self.slacks.push(weight * spread + lost / DEVIATIONS);
        self.weights.push(weight);
        self.biases.push(bias);
        self.signs.extend_from_slice(signs);
    }

    /// Returns the sketch of the rows, which lie around the centre of this number; `offsets` are those of their ordinals from
    /// the first, none where they follow it without a gap.
    pub(crate) fn to_bytes(&self, centre: u32, offsets: &[u64]) -> Vec<u8> {
        let rows = self.len();
        let (weights, weight_codes, weights_off) = coded(&self.weights);
        let (biases, bias_codes, biases_off) = coded(&self.biases);
        let (slacks, slack_codes, slacks_off) = coded(&self.slacks);
        let mut out = Vec::with_capacity(HEADER_BYTES + self.signs.len() + 7 * rows);
        out.extend([0; 8]);
        // Both are bounded by the size of a segment.
        for n in [rows, self.dimension] {
            out.extend(u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes());
        }
        out.extend(centre.to_le_bytes());
        for range in [weights, biases, slacks] {
            put_floats(&mut out, &[range.least, range.step]);
        }
        put_floats(&mut out, &[self.spread, weights_off, biases_off, slacks_off]);
        out.extend(weight_codes);
        out.extend(bias_codes);
        out.extend(slack_codes);
        for offset in offsets {
            out.extend(u32::try_from(*offset).unwrap_or(u32::MAX).to_le_bytes());
        }
        out.extend(&self.signs);
        let checksum = out.get(8..).map_or(0, xxh3_64);
        out.splice(0..8, checksum.to_le_bytes());
        out
    }
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

/// Returns codes, what they stand for, and their largest error, including that of f32 arithmetic with them.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what a byte holds")]
fn coded(values: &[f32]) -> (Range, Vec<u8>, f32) {
    const ROUNDING: f64 = 1.0 / 1_048_576.0;
    let least = values.iter().copied().fold(f32::INFINITY, f32::min);
    let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let step = if most > least { (most - least) / 255.0 } else { 0.0 };
    if !(least.is_finite() && step.is_finite()) {
        return (Range { least: 0.0, step: 0.0 }, vec![0; values.len()], f32::INFINITY);
    }
    let code = |value: &f32| if step > 0.0 { ((value - least) / step).round().clamp(0.0, 255.0) as u8 } else { 0 };
    let (range, codes) = (Range { least, step }, values.iter().map(code).collect::<Vec<u8>>());
    let off = values.iter().zip(&codes).map(|(value, code)| {
        (f64::from(*value) - f64::from(range.value(*code))).abs() + ROUNDING * f64::from(value.abs())
    });
    let off = above(off.fold(0.0, f64::max));
    (range, codes, off)
}

/// Writes the signs of up to eight rows, `row_bytes` each.
fn put_signs(out: &mut [u8], rows: &[Lane], row_bytes: usize) {
    for (at, components) in rows.chunks(8).enumerate() {
        let mut bytes = [0_u8; LANES];
        for (bit, lanes) in components.iter().enumerate() {
            for (byte, x) in bytes.iter_mut().zip(lanes) {
                *byte |= u8::from(*x > 0.0) << bit;
            }
        }
        for (row, byte) in out.chunks_mut(row_bytes.max(1)).zip(bytes) {
            if let Some(slot) = row.get_mut(at) {
                *slot = byte;
            }
        }
    }
}

/// A question as it is compared with sketches.
#[derive(Debug, Clone)]
pub(crate) struct SketchQuestion {
    /// Its difference from the centre, rotated as the rows are.
    pub turned: Vec<f32>,
    /// An upper bound of the length of that.
    length: f32,
}

/// What the numbers of a row are multiplied with, for one question and one sketch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SketchTerms {
    pub(crate) by_weight: f32,
    pub(crate) by_slack: f32,
    pub(crate) fixed: f32,
}

/// A sketch seen in its bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sketch<'a> {
    weights: &'a [u8],
    biases: &'a [u8],
    slacks: &'a [u8],
    weight_range: Range,
    bias_range: Range,
    slack_range: Range,
    accuracy: SketchAccuracy,
    centre: u32,
    offsets: Option<&'a [u8]>,
    signs: &'a [u8],
}

/// The errors of the numbers of a sketch's rows, and how much the signs leave open.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SketchAccuracy {
    spread: f32,
    weights_off: f32,
    biases_off: f32,
    slacks_off: f32,
    dimension: usize,
}

impl SketchQuestion {
    /// Rotates a question's difference from the centre as the rows of sketches are.
    #[must_use]
    pub(crate) fn new(difference: &[f32], length: f64) -> Self {
        Self::of(Rotation::new(difference.len()).turn_one(difference), length)
    }

    /// Takes a difference of this length, turned.
    pub(super) fn of(turned: Vec<f32>, length: f64) -> Self {
        Self { turned, length: above(length * (1.0 + 1e-5)) }
    }
}

impl<'a> Sketch<'a> {
    /// Finds the parts of a sketch; the checksum is not computed.
    ///
    /// # Errors
    /// [`Error::Damaged`] when the lengths do not add up.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, "a sketch");
        let _checksum = reader.u64()?;
        let (rows, dimension) = (reader.u32()? as usize, reader.u32()? as usize);
        let centre = reader.u32()?;
        let mut float = || reader.array().map(f32::from_le_bytes);
        let weight_range = Range { least: float()?, step: float()? };
        let bias_range = Range { least: float()?, step: float()? };
        let slack_range = Range { least: float()?, step: float()? };
        let (spread, weights_off, biases_off, slacks_off) = (float()?, float()?, float()?, float()?);
        let (weights, biases, slacks) = (reader.bytes(rows)?, reader.bytes(rows)?, reader.bytes(rows)?);
        let signs = rows.checked_mul(sign_bytes(dimension)).filter(|signs| *signs > 0);
        let offsets = match signs.and_then(|signs| reader.remaining().checked_sub(signs)) {
            Some(0) => None,
            Some(gaps) if gaps == 4 * rows => Some(reader.bytes(gaps)?),
            _ => return Err(reader.damaged("its parts do not add up to its length")),
        };
        let signs = reader.rest();
        Ok(Self {
            weights,
            biases,
            slacks,
            weight_range,
            bias_range,
            slack_range,
            accuracy: SketchAccuracy { spread, weights_off, biases_off, slacks_off, dimension },
            centre,
            offsets,
            signs,
        })
    }

    /// Compares the checksum of a sketch with its bytes.
    ///
    /// # Errors
    /// [`Error::Damaged`] when they differ.
    pub(crate) fn verify(bytes: &'a [u8]) -> Result<()> {
        let mut reader = Reader::new(bytes, "a sketch");
        if reader.u64()? == xxh3_64(reader.rest()) {
            Self::parse(bytes).map(drop)
        } else {
            Err(Error::damaged("a sketch does not match its checksum"))
        }
    }

    /// Returns the number of rows.
    #[must_use]
    pub(crate) fn rows(&self) -> usize {
        self.weights.len()
    }

    /// Returns the ordinal of row `row` of the sketch whose key ends with `first`.
    #[must_use]
    pub(crate) fn ordinal(&self, first: Ordinal, row: usize) -> Ordinal {
        let offset = match self.offsets {
            None => row as u64,
            Some(offsets) => offsets.as_chunks::<4>().0.get(row).map_or(0, |b| u64::from(u32::from_le_bytes(*b))),
        };
        Ordinal(first.0.saturating_add(offset))
    }

    /// Returns the number of the centre that its rows are coded around.
    #[must_use]
    pub(crate) fn centre(&self) -> u32 {
        self.centre
    }

    /// Returns the signs of all rows, one row after the other.
    #[must_use]
    pub(crate) fn signs(&self) -> &'a [u8] {
        self.signs
    }

    /// Writes the weight, the bias and the slack of each row.
    pub(crate) fn read_numbers(&self, weights: &mut Vec<f32>, biases: &mut Vec<f32>, slacks: &mut Vec<f32>) {
        weights.extend(self.weights.iter().map(|code| self.weight_range.value(*code)));
        biases.extend(self.biases.iter().map(|code| self.bias_range.value(*code)));
        slacks.extend(self.slacks.iter().map(|code| self.slack_range.value(*code)));
    }

    /// Returns what its bounds depend on besides the numbers of the rows.
    pub(crate) fn accuracy(&self) -> SketchAccuracy {
        self.accuracy
    }

    /// Writes the weight of each row, and what its product with a question is taken from to give a bound.
    ///
    /// The product is `scale * (sum under the set bits) - shift`, of a question whose rounding has length `rounded`.
    pub(crate) fn read_bounds(&self, question: &SketchQuestion, (shift, rounded): (f32, f32), out: &mut Bounds) {
        self.read_bounds_at(question, (shift, rounded), DEVIATIONS, out);
    }

    /// Does the same for bounds that lie another number of deviations below the estimates.
    pub(crate) fn read_bounds_at(
        &self,
        question: &SketchQuestion,
        (shift, rounded): (f32, f32),
        deviations: f32,
        out: &mut Bounds,
    ) {
        out.clear();
        out.factors.extend(self.weights.iter().map(|code| self.weight_range.value(*code)));
        let biases = self.biases.iter().map(|code| self.bias_range.value(*code));
        let Some(terms) = self.accuracy.terms_of(question, (shift, rounded), deviations) else {
            out.biases.extend(biases.map(|_| f32::NEG_INFINITY));
            return;
        };
        let slacks = self.slacks.iter().map(|code| self.slack_range.value(*code));
        let numbers = biases.zip(&out.factors).zip(slacks);
        out.biases.extend(numbers.map(|((bias, weight), slack)| terms.of_row(*weight, bias, slack)));
    }
}

impl SketchAccuracy {
    /// Returns what turns the numbers of a row into what its product with a question is taken from to give a bound:
    /// `bias + weight * by_weight - slack * by_slack - fixed`; `None` where f32 cannot hold that.
    ///
    /// The product is `scale * (sum under the set bits) - shift`, of a question whose rounding has length `rounded`; the bound
    /// is to lie so many deviations below the estimate, [`DEVIATIONS`] or more.
    #[expect(clippy::cast_precision_loss, reason = "a dimension is small")]
    pub(crate) fn terms_of(
        &self,
        question: &SketchQuestion,
        (shift, rounded): (f32, f32),
        deviations: f32,
    ) -> Option<SketchTerms> {
        let (length, root) = (question.length, (self.dimension as f32).sqrt());
        // sqrt(a^2 + b^2) <= a + b^2 / 2a: what the question's rounding adds to the deviation of any row.
        let by_weight = deviations * (rounded * rounded / (2.0 * self.spread * length)).min(rounded);
        let by_slack = deviations * length;
        let fixed =
            self.weights_off * (root * (length + rounded) + by_weight) + self.biases_off + self.slacks_off * by_slack;
        let by_weight = shift - by_weight;
        (by_weight.is_finite() && fixed.is_finite()).then_some(SketchTerms { by_weight, by_slack, fixed })
    }
}

impl SketchTerms {
    fn of_row(self, weight: f32, bias: f32, slack: f32) -> f32 {
        bias + weight * self.by_weight - slack * self.by_slack - self.fixed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::random::Random;
    use crate::store::centre::Centre;
    use crate::store::quantise::{difference, quantise};
    use crate::store::segment::seal;

    fn segment(embeddings: &[Vec<f32>], space: Space) -> (Centre, Vec<u8>) {
        let centre = Centre::of(&embeddings.iter().map(Vec::as_slice).collect::<Vec<_>>(), space);
        let rows: Vec<_> = embeddings.iter().zip(0..).map(|(e, o)| (Ordinal(o), quantise(e, &centre, space))).collect();
        (centre, seal(&rows, 0).unwrap())
    }

    fn sketch(bytes: &[u8], space: Space) -> Vec<u8> {
        let segment = Segment::parse(bytes).unwrap();
        Sketcher::new(segment.dimension()).sketch(&segment, space)
    }

    /// What the search computes, of a question that is not rounded.
    fn bounds(bytes: &[u8], centre: &Centre, question: &[f32], space: Space) -> Vec<f64> {
        let sketch = Sketch::parse(bytes).unwrap();
        let asked = difference(question, centre, space).unwrap();
        let turned = SketchQuestion::new(&asked.components, asked.length);
        let mut numbers = Bounds::default();
        sketch.read_bounds(&turned, (0.0, 0.0), &mut numbers);
        let rows =
            sketch.signs().chunks_exact(sign_bytes(question.len())).zip(numbers.factors.iter().zip(&numbers.biases));
        rows.map(|(row, (weight, bias))| {
            let sign = |at: usize| if row[at / 8] >> (at % 8) & 1 == 1 { 1.0 } else { -1.0 };
            let product: f32 = turned.turned.iter().enumerate().map(|(at, e)| sign(at) * e).sum();
            f64::from(bias - weight * product) + asked.shared
        })
        .collect()
    }

    #[test]
    fn hardly_a_distance_lies_below_its_bound_whatever_the_data() {
        let mut random = Random::new();
        let wave =
            |n: f32, phase: f32| (0..384_u16).map(|i| (f32::from(i) * n / 60.0 + phase).sin()).collect::<Vec<f32>>();
        let mut kinds: Vec<(&str, Vec<Vec<f32>>)> = Vec::new();
        kinds.push(("random", (0..200).map(|_| random.floats(384)).collect()));
        kinds.push(("waves", (0..200_u16).map(|i| wave(1.0, f32::from(i) / 9.0)).collect()));
        kinds.push(("harmonics", (0..200_u16).map(|i| wave(f32::from(i % 5) * 2.0 + 1.0, f32::from(i))).collect()));
        kinds.push((
            "one-hot",
            (0..200).map(|i| (0..384).map(|at| if at == i { 1.0 } else { 0.0 }).collect()).collect(),
        ));
        kinds.push((
            "whole",
            (0..200).map(|_| random.floats(384).iter().map(|x| (x * 2.0).round()).collect()).collect(),
        ));
        for (space, (kind, rows)) in
            Space::ALL.into_iter().flat_map(|space| kinds.iter().map(move |kind| (space, kind)))
        {
            let (centre, segment) = segment(rows, space);
            let bytes = sketch(&segment, space);
            Sketch::verify(&bytes).unwrap();
            let mut below = 0;
            for question in rows.iter().step_by(10) {
                let bounds = bounds(&bytes, &centre, question, space);
                below += rows.iter().zip(bounds).filter(|(row, bound)| space.distance(question, row) < *bound).count();
            }
            // Of 4,000 pairs 0.9 are expected at 3.5 deviations.
            assert!(below <= 8, "{space} {kind}: {below}, {random:?}");
        }
    }

    #[test]
    fn bounds_tell_the_nearest_from_the_rest() {
        let mut random = Random::new();
        for space in Space::ALL {
            let rows: Vec<Vec<f32>> = (0..200).map(|_| random.floats(512).iter().map(|x| x + 0.3).collect()).collect();
            let (centre, segment) = segment(&rows, space);
            let bytes = sketch(&segment, space);
            let question: Vec<f32> = rows[0].iter().zip(random.floats(512)).map(|(x, y)| x + 0.05 * y).collect();
            let bounds = bounds(&bytes, &centre, &question, space);
            let nearest = space.distance(&question, &rows[0]);
            let left = bounds.iter().filter(|bound| **bound <= nearest).count();
            assert!(left <= 20, "{space}: {left}, {random:?}");
        }
    }

    #[test]
    fn rows_keep_their_ordinals_over_gaps_and_odd_dimensions_round_trip() {
        let mut random = Random::new();
        for dimension in [1, 2, 7, 8, 9, 33] {
            let row = quantise(&random.floats(dimension), &Centre::origin(dimension), Space::Cosine);
            let rows: Vec<_> = [5, 9, 70_000].map(|o| (Ordinal(o), row.clone())).to_vec();
            let bytes = sketch(&seal(&rows, 0).unwrap(), Space::Cosine);
            let sketch = Sketch::parse(&bytes).unwrap();
            assert_eq!([0, 1, 2].map(|row| sketch.ordinal(Ordinal(5), row).0), [5, 9, 70_000]);
            assert_eq!((sketch.rows(), sketch.signs().len()), (3, 3 * sign_bytes(dimension)));
        }
    }

    #[test]
    fn a_row_without_a_bound_leaves_its_segment_none() {
        let rows = [vec![f32::MAX; 200], vec![1.0; 200]];
        let codes = rows.iter().zip(0..).map(|(row, o)| (Ordinal(o), quantise(row, &Centre::origin(200), Space::L2)));
        let bytes = sketch(&seal(&codes.collect::<Vec<_>>(), 0).unwrap(), Space::L2);
        let bounds = bounds(&bytes, &Centre::origin(200), &[0.5; 200], Space::L2);
        assert!(bounds.iter().all(|bound| *bound == f64::NEG_INFINITY), "{bounds:?}");
    }

    #[test]
    fn damage_is_seen() {
        let mut random = Random::new();
        let (_, segment) = segment(&(0..20).map(|_| random.floats(9)).collect::<Vec<_>>(), Space::Ip);
        let bytes = sketch(&segment, Space::Ip);
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            assert!(Sketch::verify(&flipped).is_err(), "flipped at {at}");
            let question = SketchQuestion::new(&[0.5; 9], 1.5);
            let _ =
                Sketch::parse(&flipped).map(|sketch| sketch.read_bounds(&question, (0.0, 0.0), &mut Bounds::default()));
            assert!(Sketch::verify(&bytes[..at]).is_err(), "cut at {at}");
        }
    }
}
