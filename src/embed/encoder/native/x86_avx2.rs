//! The tile for AVX2, which has no instruction for four products of bytes: it adds two products in 16 bits.
//!
//! Of most pairs of steps the weights are so small that four products fit 16 bits, whatever the bytes they are multiplied by:
//! of those there are three multiplications for two steps, not four. Invariant: nothing overflows, so sums are exact.

#![allow(unsafe_code, reason = "instructions that not every processor has")]
#![allow(clippy::wildcard_imports, reason = "the instructions are what the file is about")]

use std::arch::x86_64::*;

use super::super::layout::{STEP, STEP_BYTES};
use super::super::pairs::{Pairs, Quarter};
use super::super::product::{Panel, Sums};
use super::x86_tiles::{RowSums, fits, rows_of_256, tile};

/// Weights of one sign that are added up in 16 bits: times 255 they are 32,640 at most.
const MOST: i16 = 128;
/// Tokens for which it pays to look at a layer's weights first.
const WORTH: usize = 48;
/// Tokens whose sums 16 registers hold.
const MOST_ROWS: usize = 4;

/// Finds the steps of a panel whose products can be added up in 16 bits.
#[target_feature(enable = "avx2,fma")]
fn look(weights: &[[i8; STEP_BYTES]]) -> Pairs {
    let of_quarter = |quarter| {
        let (mut together, mut alone) = (Vec::new(), Vec::new());
        for (second, step) in weights.iter().enumerate() {
            let fits = |first: &usize| weights.get(*first).is_some_and(|first| fit_together(quarter, first, step));
            match alone.iter().position(fits) {
                Some(first) => together.push([alone.swap_remove(first), second]),
                None => alone.push(second),
            }
        }
        Quarter::new(weights.len(), together, alone)
    };
    Pairs([0, 1, 2, 3].map(of_quarter))
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn fit_together(quarter: usize, first: &[i8; STEP_BYTES], second: &[i8; STEP_BYTES]) -> bool {
    let (zero, ones) = (_mm256_setzero_si256(), _mm256_set1_epi8(1));
    let mut most = zero;
    for (first, second) in columns(first, quarter).into_iter().zip(columns(second, quarter)) {
        let sum = _mm256_add_epi16(_mm256_maddubs_epi16(ones, first), _mm256_maddubs_epi16(ones, second));
        let (first, second) = (_mm256_max_epi8(first, zero), _mm256_max_epi8(second, zero));
        let above = _mm256_add_epi16(_mm256_maddubs_epi16(ones, first), _mm256_maddubs_epi16(ones, second));
        let below = _mm256_sub_epi16(above, sum);
        most = _mm256_max_epi16(most, _mm256_max_epi16(above, below));
    }
    let too_large = _mm256_cmpgt_epi16(most, _mm256_set1_epi16(MOST));
    _mm256_testz_si256(too_large, too_large) == 1
}

/// Returns the weights of 16 columns.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn columns(step: &[i8; STEP_BYTES], quarter: usize) -> [__m256i; 2] {
    let at = step.as_chunks::<32>().0.as_chunks::<2>().0.get(quarter).map_or(&[[0; 32]; 2], |columns| columns);
    // SAFETY: the arrays are exactly as long as the registers, and the loads need no alignment.
    unsafe { [_mm256_loadu_si256(at[0].as_ptr().cast()), _mm256_loadu_si256(at[1].as_ptr().cast())] }
}

/// Makes the sums of some tokens: of few without looking at the weights, which takes a millisecond for the whole model.
#[target_feature(enable = "avx2,fma")]
pub(super) fn tile_256(panel: Panel<'_>, tokens: &[[u8; STEP]], sums: &mut Sums) {
    let Panel { layer, number, weights, .. } = panel;
    if panel.tokens < WORTH && layer.pairs.get().is_none() {
        return tile_alone(panel, tokens, sums);
    }
    let look = || layer.weights.chunks_exact(layer.steps.max(1)).map(|panel| look(panel)).collect();
    let Some(pairs) = layer.pairs.get_or_init(look).get(number) else { return };
    let steps = weights.len().max(1);
    for (number, quarter) in pairs.0.iter().enumerate() {
        for (tokens, sums) in tokens.chunks(MOST_ROWS * steps).zip(sums.0.chunks_mut(MOST_ROWS)) {
            match tokens.len() / steps {
                1 => rows_256::<1>(quarter, number, tokens, weights, sums),
                2 => rows_256::<2>(quarter, number, tokens, weights, sums),
                3 => rows_256::<3>(quarter, number, tokens, weights, sums),
                _ => rows_256::<MOST_ROWS>(quarter, number, tokens, weights, sums),
            }
        }
    }
}

tile!(tile_alone, rows_alone, "avx2,fma", 4);

// Two products of a byte and a weight of seven bits fit 16 bits, so this is exact.
rows_of_256!(rows_alone, "avx2,fma", |sum, bytes, weights| {
    let pairs = _mm256_maddubs_epi16(bytes, weights);
    _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
});

tile!(tile_256_wide, rows_256_wide, "avx2,fma", 3);

// Of weights of eight bits one product fits 16, so every other byte is multiplied by itself.
rows_of_256!(rows_256_wide, "avx2,fma", |sum, bytes, weights| {
    let (ones, even) = (_mm256_set1_epi16(1), _mm256_set1_epi16(0xff));
    let first = _mm256_maddubs_epi16(_mm256_and_si256(bytes, even), weights);
    let second = _mm256_maddubs_epi16(_mm256_andnot_si256(even, bytes), weights);
    let sum = _mm256_add_epi32(sum, _mm256_madd_epi16(first, ones));
    _mm256_add_epi32(sum, _mm256_madd_epi16(second, ones))
});

/// As [`rows_alone`], but that of most steps the products are added up in 16 bits by twos.
#[target_feature(enable = "avx2,fma")]
#[allow(clippy::indexing_slicing, clippy::needless_range_loop, reason = "within arrays of constant length")]
fn rows_256<const ROWS: usize>(
    how: &Quarter,
    quarter: usize,
    tokens: &[[u8; STEP]],
    weights: &[[i8; STEP_BYTES]],
    sums: &mut [RowSums],
) {
    let steps = how.steps();
    if steps != weights.len() || quarter >= 4 || !fits(ROWS, tokens, weights, sums) {
        return;
    }
    let ones = _mm256_set1_epi16(1);
    let tokens = tokens.as_ptr();
    let weights = weights.as_ptr().cast::<[[i8; 32]; 2]>().wrapping_add(quarter);
    let mut found = [[_mm256_setzero_si256(); 2]; ROWS];
    for &[first, second] in how.together() {
        // SAFETY: both are below `steps`, as `Quarter` makes sure; a step is four times the 64 bytes that are read.
        let (a, b) = unsafe { (load(weights.add(first * 4)), load(weights.add(second * 4))) };
        for row in 0..ROWS {
            // SAFETY: there are `ROWS` times `steps` fours of bytes, which `fits` has made sure of.
            let (x, y) = unsafe { (splat(tokens.add(row * steps + first)), splat(tokens.add(row * steps + second))) };
            for column in 0..2 {
                let pairs = _mm256_add_epi16(_mm256_maddubs_epi16(x, a[column]), _mm256_maddubs_epi16(y, b[column]));
                found[row][column] = _mm256_add_epi32(found[row][column], _mm256_madd_epi16(pairs, ones));
            }
        }
    }
    for &step in how.alone() {
        // SAFETY: as above.
        let weights = unsafe { load(weights.add(step * 4)) };
        for row in 0..ROWS {
            // SAFETY: as above.
            let four = unsafe { splat(tokens.add(row * steps + step)) };
            for column in 0..2 {
                let pairs = _mm256_maddubs_epi16(four, weights[column]);
                found[row][column] = _mm256_add_epi32(found[row][column], _mm256_madd_epi16(pairs, ones));
            }
        }
    }
    for row in 0..ROWS {
        let (places, _) = sums[row][quarter].as_chunks_mut::<8>();
        for column in 0..2 {
            // SAFETY: the array is exactly as long as the register, and the store needs no alignment.
            unsafe { _mm256_storeu_si256(places[column].as_mut_ptr().cast(), found[row][column]) };
        }
    }
}

/// # Safety
/// There is such an array.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn load(columns: *const [[i8; 32]; 2]) -> [__m256i; 2] {
    // SAFETY: as the caller says; the arrays are as long as the registers, and the loads need no alignment.
    unsafe { [_mm256_loadu_si256(columns.cast()), _mm256_loadu_si256((&raw const (*columns)[1]).cast())] }
}

/// # Safety
/// There is such an array.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn splat(four: *const [u8; STEP]) -> __m256i {
    // SAFETY: as the caller says.
    _mm256_set1_epi32(i32::from_le_bytes(unsafe { *four }))
}
