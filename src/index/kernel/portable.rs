//! The kernels in plain Rust: the definition that every other variant must equal.
//!
//! Every function here is inlined into its callers, so `x86.rs` and `aarch64.rs` compile the same source again
//! for wider instruction sets. Invariant: f32 sums are added in one fixed order and never fused, so every
//! machine gets the same bits. Nothing here panics: of two slices of unequal length the shorter one counts.

#![expect(clippy::inline_always, reason = "a body must land in its caller to be compiled for that caller's features")]

use super::Tile;
use super::planes::{PLANES, Planes};

/// Partial sums an f32 kernel keeps: two AVX-512 registers, four of AVX2, eight of SSE2 or NEON.
const LANES: usize = 32;

/// Returns the inner product; exact up to 65,536 dimensions.
#[inline(always)]
pub(super) fn dot_i8(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).fold(0, |sum: i32, (&x, &y)| sum.wrapping_add(i32::from(x).wrapping_mul(i32::from(y))))
}

/// Returns the squared Euclidean distance; exact up to 32,768 dimensions.
#[inline(always)]
pub(super) fn l2_i8(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).fold(0, |sum: i32, (&x, &y)| {
        // A 16-bit difference lets the compiler use the multiply-add of 16-bit pairs.
        let difference = i32::from(i16::from(x).wrapping_sub(i16::from(y)));
        sum.wrapping_add(difference.wrapping_mul(difference))
    })
}

/// Returns the inner product.
#[inline(always)]
pub(super) fn dot_f32(a: &[f32], b: &[f32]) -> f32 {
    sum_f32(a, b, |x, y| x * y)
}

/// Returns the squared Euclidean distance.
#[inline(always)]
pub(super) fn l2_f32(a: &[f32], b: &[f32]) -> f32 {
    sum_f32(a, b, |x, y| (x - y) * (x - y))
}

/// Sums the terms: term `i` goes to lane `i % 32`, then the upper half of the lanes is added to the lower, five times.
#[inline(always)]
fn sum_f32(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let common = a.len().min(b.len());
    let (a_chunks, a_rest) = a.get(..common).unwrap_or_default().as_chunks::<LANES>();
    let (b_chunks, b_rest) = b.get(..common).unwrap_or_default().as_chunks::<LANES>();
    let mut lanes = [0.0_f32; LANES];
    for (x, y) in a_chunks.iter().zip(b_chunks) {
        for ((lane, &x), &y) in lanes.iter_mut().zip(x).zip(y) {
            *lane += term(x, y);
        }
    }
    for ((lane, &x), &y) in lanes.iter_mut().zip(a_rest).zip(b_rest) {
        *lane += term(x, y);
    }
    let mut width = LANES / 2;
    while width > 0 {
        let (lower, upper) = lanes.split_at_mut(width);
        for (low, high) in lower.iter_mut().zip(upper) {
            *low += *high;
        }
        width /= 2;
    }
    let [sum, ..] = lanes;
    sum
}

/// Returns how many bits differ.
#[inline(always)]
pub(super) fn hamming(a: &[u8], b: &[u8]) -> u32 {
    let common = a.len().min(b.len());
    let (a_words, a_rest) = a.get(..common).unwrap_or_default().as_chunks::<8>();
    let (b_words, b_rest) = b.get(..common).unwrap_or_default().as_chunks::<8>();
    let words = a_words.iter().zip(b_words);
    let bits = words
        .fold(0, |bits: u32, (&x, &y)| bits.wrapping_add((u64::from_le_bytes(x) ^ u64::from_le_bytes(y)).count_ones()));
    a_rest.iter().zip(b_rest).fold(bits, |bits, (&x, &y)| bits.wrapping_add((x ^ y).count_ones()))
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

/// Scores a query against rows that lie one after another, each as long as the query.
#[inline(always)]
pub(super) fn each_row<T, S>(query: &[T], rows: &[T], out: &mut [S], score: impl Fn(&[T], &[T]) -> S) {
    for (row, score_of_row) in rows.chunks_exact(query.len().max(1)).zip(out) {
        *score_of_row = score(query, row);
    }
}

/// Scores every query of a tile against every row, query by query.
#[inline(always)]
pub(super) fn each_query(queries: &Tile, rows: &[i8], out: &mut [i32], score: impl Fn(&[i8], &[i8]) -> i32) {
    let count = rows.len() / queries.dim();
    for (query, scores) in queries.queries().zip(out.chunks_exact_mut(count.max(1))) {
        each_row(query, rows, scores, &score);
    }
}
