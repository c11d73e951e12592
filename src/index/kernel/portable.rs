//! The kernels in plain Rust: the definition that every other variant must equal.
//!
//! Every function here is inlined into its callers, so `native.rs` compiles the same source again for wider
//! instruction sets. Invariant: f32 arithmetic is rounded step by step and never fused, so every machine gets the same
//! bits. Nothing here panics: of two slices of unequal length the shorter one counts.

#![expect(clippy::inline_always, reason = "a body must land in its caller to be compiled for that caller's features")]

use super::bit_planes::{PLANES, Planes};
use super::threshold::{Limit, Near, Thresholds};
use super::{EIGHT, RowNumbers, SignNumbers, SignTerms, Tile};

/// Returns the inner product; exact up to 65,536 dimensions.
#[inline(always)]
pub(super) fn dot_i8(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).fold(0, |sum: i32, (&x, &y)| sum.wrapping_add(i32::from(x).wrapping_mul(i32::from(y))))
}

/// Finds the rows that are near a query of a tile.
#[inline(always)]
#[expect(clippy::cast_precision_loss, reason = "codes are approximate by far more than 2^-24")]
pub(super) fn near_tile(queries: &Tile, rows: &[i8], numbers: &RowNumbers, limits: &Thresholds, found: &mut Vec<Near>) {
    for ((question, query), limit) in queries.queries().enumerate().zip(limits.of_questions()) {
        let Limit { scale, reach, farthest } = limit;
        let numbers = numbers.factors.iter().zip(numbers.biases).zip(numbers.slacks);
        for (row, (codes, ((factor, bias), slack))) in rows.chunks_exact(queries.dim()).zip(numbers).enumerate() {
            let distance = bias - dot_i8(query, codes) as f32 * (factor * scale) - reach * slack;
            if distance <= farthest {
                found.push(Near { question, row, distance });
            }
        }
    }
}

/// Writes `bias - dot * (factor * scale)` for each row and returns the least.
#[inline(always)]
pub(super) fn distances(dots: &[i32], numbers: &RowNumbers, scale: f32, out: &mut [f32]) -> f32 {
    // Cut to one length, so that blocks and rests of all four are the same rows.
    let rows = dots.len().min(numbers.factors.len()).min(numbers.biases.len()).min(out.len());
    let (dot_blocks, dots) = dots.get(..rows).unwrap_or_default().as_chunks::<LEAST_LANES>();
    let (factor_blocks, factors) = numbers.factors.get(..rows).unwrap_or_default().as_chunks::<LEAST_LANES>();
    let (bias_blocks, biases) = numbers.biases.get(..rows).unwrap_or_default().as_chunks::<LEAST_LANES>();
    let (out_blocks, out) = out.get_mut(..rows).unwrap_or_default().as_chunks_mut::<LEAST_LANES>();
    let mut lanes = [f32::INFINITY; LEAST_LANES];
    for (((dots, factors), biases), out) in dot_blocks.iter().zip(factor_blocks).zip(bias_blocks).zip(out_blocks) {
        measure(dots, factors, biases, scale, out);
        lanes.iter_mut().zip(out).for_each(|(lane, distance)| *lane = lesser(*lane, *distance));
    }
    measure(dots, factors, biases, scale, out);
    lanes.iter().chain(&*out).fold(f32::INFINITY, |least, distance| lesser(least, *distance))
}

/// Rows whose least distance is kept apart, as many as a register holds.
const LEAST_LANES: usize = 16;

#[inline(always)]
#[expect(clippy::cast_precision_loss, reason = "codes are approximate by far more than 2^-24")]
fn measure(dots: &[i32], factors: &[f32], biases: &[f32], scale: f32, out: &mut [f32]) {
    for (((dot, factor), bias), out) in dots.iter().zip(factors).zip(biases).zip(out) {
        *out = bias - *dot as f32 * (factor * scale);
    }
}

/// Returns the lesser of two; `f32::min` takes care of NaN, which takes instructions.
#[inline(always)]
fn lesser(a: f32, b: f32) -> f32 {
    if b < a { b } else { a }
}

/// Returns the sum of the components under the set bits of a row of signs.
#[inline(always)]
pub(super) fn dot_signs(planes: &Planes, row: &[u8]) -> i32 {
    let (words, rest) = row.as_chunks::<8>();
    let mut counts = [0_u32; PLANES];
    for (word, planes) in words.iter().zip(planes.words()) {
        count(&mut counts, u64::from_le_bytes(*word), planes);
    }
    if let (false, Some(planes)) = (rest.is_empty(), planes.words().get(words.len())) {
        let word = rest.iter().rev().fold(0, |word, byte| (word << 8) | u64::from(*byte));
        count(&mut counts, word, planes);
    }
    // A row has at most 65,536 bits.
    let [n0, n1, n2, n3] = counts.map(u32::cast_signed);
    n0 + 2 * n1 + 4 * n2 - 8 * n3
}

#[inline(always)]
fn count(counts: &mut [u32; PLANES], word: u64, planes: &[u64; PLANES]) {
    for (count, plane) in counts.iter_mut().zip(planes) {
        *count += (word & plane).count_ones();
    }
}

/// Sums the components of a question under the set bits of each of the rows.
#[inline(always)]
pub(super) fn each_signs(planes: &Planes, rows: &[u8], out: &mut [i32]) {
    for (row, sum) in rows.chunks_exact(planes.row_bytes().max(1)).zip(out) {
        *sum = dot_signs(planes, row);
    }
}

/// Does the same for rows whose signs lie interleaved, eight at a time.
#[inline(always)]
pub(super) fn dot_signs_eights(planes: &Planes, words: &[[u64; EIGHT]], out: &mut [i32]) {
    let of_question = planes.words();
    for (group, sums) in words.chunks_exact(of_question.len().max(1)).zip(out.as_chunks_mut::<EIGHT>().0) {
        let mut counts = [[0_u64; EIGHT]; PLANES];
        for (signs, planes) in group.iter().zip(of_question) {
            for (counts, plane) in counts.iter_mut().zip(planes) {
                for (count, signs) in counts.iter_mut().zip(signs) {
                    *count += u64::from((signs & plane).count_ones());
                }
            }
        }
        let [n0, n1, n2, n3] = counts;
        for (((sum, n0), n1), (n2, n3)) in sums.iter_mut().zip(n0).zip(n1).zip(n2.into_iter().zip(n3)) {
            // A row has at most 65,536 bits; the sum is below zero where plane 3 counts most.
            let whole = n0.wrapping_add(2 * n1).wrapping_add(4 * n2).wrapping_sub(8 * n3);
            #[expect(clippy::cast_possible_truncation, reason = "the low half of a small number's two's complement")]
            let whole = (whole as u32).cast_signed();
            *sum = whole;
        }
    }
}

/// Writes the bound of each row and returns the least.
#[inline(always)]
pub(super) fn sign_bounds(sums: &[i32], numbers: &SignNumbers, terms: &SignTerms, out: &mut [f32]) -> f32 {
    let SignNumbers { weights, biases, slacks } = numbers;
    let rows = [sums.len(), weights.len(), biases.len(), slacks.len(), out.len()].into_iter().min().unwrap_or(0);
    let (sum_blocks, sums) = sums.get(..rows).unwrap_or_default().as_chunks::<LEAST_LANES>();
    let (weight_blocks, weights) = weights.get(..rows).unwrap_or_default().as_chunks::<LEAST_LANES>();
    let (bias_blocks, biases) = biases.get(..rows).unwrap_or_default().as_chunks::<LEAST_LANES>();
    let (slack_blocks, slacks) = slacks.get(..rows).unwrap_or_default().as_chunks::<LEAST_LANES>();
    let (out_blocks, out) = out.get_mut(..rows).unwrap_or_default().as_chunks_mut::<LEAST_LANES>();
    let mut lanes = [f32::INFINITY; LEAST_LANES];
    let blocks = sum_blocks.iter().zip(weight_blocks).zip(bias_blocks.iter().zip(slack_blocks)).zip(out_blocks);
    for (((sums, weights), (biases, slacks)), out) in blocks {
        bound_signs(sums, (weights, biases, slacks), terms, out);
        lanes.iter_mut().zip(out).for_each(|(lane, bound)| *lane = lesser(*lane, *bound));
    }
    bound_signs(sums, (weights, biases, slacks), terms, out);
    lanes.iter().chain(&*out).fold(f32::INFINITY, |least, bound| lesser(least, *bound))
}

#[inline(always)]
#[expect(clippy::cast_precision_loss, reason = "a sum is below 2^20")]
fn bound_signs(sums: &[i32], (weights, biases, slacks): (&[f32], &[f32], &[f32]), terms: &SignTerms, out: &mut [f32]) {
    let SignTerms { scale, by_weight, by_slack, fixed } = terms;
    for (((sum, weight), (bias, slack)), out) in sums.iter().zip(weights).zip(biases.iter().zip(slacks)).zip(out) {
        *out = bias + weight * by_weight - slack * by_slack - fixed - *sum as f32 * (weight * scale);
    }
}

/// Scores a query against rows that lie one after another, each as long as the query.
#[inline(always)]
pub(super) fn each_row<T, S>(query: &[T], rows: &[T], out: &mut [S], score: impl Fn(&[T], &[T]) -> S) {
    for (row, score_of_row) in rows.chunks_exact(query.len().max(1)).zip(out) {
        *score_of_row = score(query, row);
    }
}
