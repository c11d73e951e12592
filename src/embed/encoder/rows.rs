//! What is done with one token after another: looked up, normalised, rounded to bytes, pooled.
//!
//! In plain Rust, compiled anew for each set of instructions. Invariant: a token's numbers depend on that token alone, so
//! it is the same wherever it stands in a block.

use super::lanes::{LANES, Lanes, Sixteen};
use super::layout::STEP;
use super::model::{Model, Norm};

/// Below every number that a softmax sees.
pub(super) const LEAST: f32 = -1e30;
/// Keeps the length of a vector from being nothing to divide by.
const SHORTEST: f32 = 1e-12;

/// What a token's bytes stand for: `scale * (byte - zero)`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Scale {
    pub(super) scale: f32,
    pub(super) zero: f32,
}

/// Tokens as bytes, each with its own scale.
#[derive(Clone, Copy)]
pub(super) struct Bytes<'a> {
    /// `[tokens][steps]`.
    pub(super) steps: &'a [[u8; STEP]],
    pub(super) scales: &'a [Scale],
}

/// Where tokens are written to as bytes.
pub(super) struct BytesMut<'a> {
    pub(super) bytes: &'a mut [[u8; LANES]],
    pub(super) scales: &'a mut [Scale],
}

/// Adds up the embeddings of a text's words, places and segment.
#[inline(always)]
pub(super) fn look_up<L: Lanes>(l: L, model: &Model<'_>, ids: &[u32], rows: &mut [Sixteen]) {
    let [words, places, segments] = &model.tables;
    let (segment, [segment_scale, segment_zero]) = segments.row(0);
    let columns = model.hidden / LANES;
    for (place, (id, row)) in ids.iter().zip(rows.chunks_exact_mut(columns)).enumerate() {
        let (word, [word_scale, word_zero]) = words.row(*id as usize);
        let (place, [place_scale, place_zero]) = places.row(model.first_position + place);
        for (x, (word, place)) in row.iter_mut().zip(word.iter().zip(place)) {
            let word = l.minus(l.of_bytes(word), l.splat(word_zero));
            let place = l.minus(l.of_bytes(place), l.splat(place_zero));
            let sum = l.times(word, l.splat(word_scale));
            l.store(l.times_plus(place, l.splat(place_scale), sum), x);
        }
        for (x, segment) in row.iter_mut().zip(segment) {
            let segment = l.minus(l.of_bytes(segment), l.splat(segment_zero));
            l.store(l.times_plus(segment, l.splat(segment_scale), l.load(x)), x);
        }
    }
}

/// Rounds each token to bytes, with a scale and a zero point by its smallest and its largest number.
#[inline(always)]
pub(super) fn quantise<L: Lanes>(l: L, rows: &[Sixteen], columns: usize, out: &mut BytesMut<'_>) {
    let each = rows.chunks_exact(columns).zip(out.bytes.chunks_exact_mut(columns));
    for ((row, bytes), scale) in each.zip(out.scales.iter_mut()) {
        let (mut least, mut most) = (l.splat(0.0), l.splat(0.0));
        for x in row {
            let x = l.load(x);
            least = l.smaller(least, x);
            most = l.larger(most, x);
        }
        *scale = quantise_row(l, row, [l.smallest(least), l.largest(most)], bytes);
    }
}

/// The ends have 0 between them.
#[inline(always)]
fn quantise_row<L: Lanes>(l: L, row: &[Sixteen], [least, most]: [f32; 2], bytes: &mut [[u8; LANES]]) -> Scale {
    let scale = if most > least { (most - least) / 255.0 } else { 1.0 };
    let inverse = 1.0 / scale;
    let zero = (-least * inverse).round_ties_even();
    let (factor, shift) = (l.splat(inverse), l.splat(zero));
    for (bytes, x) in bytes.iter_mut().zip(row) {
        l.put_bytes(l.times_plus(l.load(x), factor, shift), bytes);
    }
    Scale { scale, zero }
}

/// Normalises each token, and rounds it to bytes.
#[inline(always)]
pub(super) fn normalise<L: Lanes>(l: L, rows: &mut [Sixteen], norm: &Norm<'_>, out: &mut BytesMut<'_>) {
    let columns = norm.weights.len();
    #[expect(clippy::cast_precision_loss, reason = "some hundreds")]
    let count = (columns * LANES) as f32;
    let each = rows.chunks_exact_mut(columns).zip(out.bytes.chunks_exact_mut(columns));
    for ((row, bytes), scale) in each.zip(out.scales.iter_mut()) {
        let mut sum = l.splat(0.0);
        for x in row.iter() {
            sum = l.plus(sum, l.load(x));
        }
        let mean = l.splat(l.sum(sum) / count);
        let mut squares = l.splat(0.0);
        for x in row.iter() {
            let from_mean = l.minus(l.load(x), mean);
            squares = l.times_plus(from_mean, from_mean, squares);
        }
        let inverse = l.splat(1.0 / (l.sum(squares) / count + norm.epsilon).sqrt());
        let (mut least, mut most) = (l.splat(0.0), l.splat(0.0));
        for ((x, weight), bias) in row.iter_mut().zip(norm.weights).zip(norm.biases) {
            let normal = l.times(l.minus(l.load(x), mean), inverse);
            let y = l.times_plus(normal, l.load(weight), l.load(bias));
            least = l.smaller(least, y);
            most = l.larger(most, y);
            l.store(y, x);
        }
        *scale = quantise_row(l, row, [l.smallest(least), l.largest(most)], bytes);
    }
}

/// The mean of a text's tokens, scaled to length 1.
#[inline(always)]
pub(super) fn pool<L: Lanes>(l: L, rows: &[Sixteen], vector: &mut [Sixteen]) {
    let columns = vector.len();
    let mut squares = l.splat(0.0);
    for (column, out) in vector.iter_mut().enumerate() {
        let mut sum = l.splat(0.0);
        for x in rows.iter().skip(column).step_by(columns) {
            sum = l.plus(sum, l.load(x));
        }
        squares = l.times_plus(sum, sum, squares);
        l.store(sum, out);
    }
    let inverse = l.splat(1.0 / l.sum(squares).sqrt().max(SHORTEST));
    for x in vector {
        l.store(l.times(l.load(x), inverse), x);
    }
}
