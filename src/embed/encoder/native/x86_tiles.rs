//! Tiles: the bytes of some tokens times a panel of weights, for each set of instructions of x86-64.
//!
//! Invariant: what is read and written by address is checked against the slices' lengths first, by [`fits`]; sums are whole
//! numbers and exact, so a tile's shape changes no bit. The kernels for AVX-VNNI were compiled and not run: no processor that
//! has it was at hand, nor does QEMU know it. The tests run the same code with the instruction as AVX-512 has it.

#![allow(unsafe_code, reason = "instructions that not every processor has")]
#![allow(clippy::wildcard_imports, reason = "the instructions are what the file is about")]

use std::arch::x86_64::*;

use super::super::lanes::LANES;
use super::super::layout::{COLUMNS, STEP, STEP_BYTES};
use super::super::product::{Panel, Sums};

/// Makes a tile of up to so many rows from one for a constant number of them.
macro_rules! tile {
    ($name:ident, $rows:ident, $features:literal, $most:literal) => {
        #[target_feature(enable = $features)]
        pub(in crate::embed::encoder) fn $name(panel: Panel<'_>, tokens: &[[u8; STEP]], sums: &mut Sums) {
            let weights = panel.weights;
            let tiles = tokens.chunks($most * weights.len().max(1)).zip(sums.0.chunks_mut($most));
            for (tokens, sums) in tiles {
                match tokens.len() / weights.len().max(1) {
                    1 => $rows::<1>(tokens, weights, sums),
                    2 => $rows::<2>(tokens, weights, sums),
                    3 => $rows::<3>(tokens, weights, sums),
                    4 => $rows::<4>(tokens, weights, sums),
                    5 => $rows::<5>(tokens, weights, sums),
                    6 => $rows::<6>(tokens, weights, sums),
                    _ => {}
                }
            }
        }
    };
}

pub(super) use tile;

tile!(tile_512, rows_512, "avx512f,avx512bw,avx512vl,avx512vnni", 6);
tile!(tile_vnni, rows_vnni, "avx2,fma,avxvnni", 6);

/// Sums of a row of a tile.
pub(super) type RowSums = [[i32; LANES]; COLUMNS / LANES];

/// Whether there is as much of everything as a tile of so many rows reads and writes.
#[inline(always)]
pub(super) fn fits(rows: usize, tokens: &[[u8; STEP]], weights: &[[i8; STEP_BYTES]], sums: &[RowSums]) -> bool {
    rows.checked_mul(weights.len()).is_some_and(|fours| fours <= tokens.len()) && rows <= sums.len()
}

/// 24 registers of sums; each load of the weights is multiplied by six tokens.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
#[allow(clippy::indexing_slicing, clippy::needless_range_loop, reason = "within arrays of constant length")]
fn rows_512<const ROWS: usize>(tokens: &[[u8; STEP]], weights: &[[i8; STEP_BYTES]], sums: &mut [RowSums]) {
    /// How far ahead of the product the weights are asked for.
    const AHEAD: usize = 2048;
    if !fits(ROWS, tokens, weights, sums) {
        return;
    }
    let steps = weights.len();
    let mut found = [[_mm512_setzero_si512(); 4]; ROWS];
    let (tokens, weights) = (tokens.as_ptr(), weights.as_ptr().cast::<i8>());
    for step in 0..steps {
        // SAFETY: `step` is below the number of steps, each of 256 bytes.
        let at = unsafe { weights.add(step * STEP_BYTES) };
        // SAFETY: the four loads are the 256 bytes of the step.
        let columns = unsafe {
            [
                _mm512_loadu_si512(at.cast()),
                _mm512_loadu_si512(at.add(64).cast()),
                _mm512_loadu_si512(at.add(128).cast()),
                _mm512_loadu_si512(at.add(192).cast()),
            ]
        };
        for line in 0..4 {
            _mm_prefetch::<_MM_HINT_T0>(at.wrapping_add(AHEAD + line * 64));
        }
        for row in 0..ROWS {
            // SAFETY: there are `ROWS` times `steps` fours of bytes, which `fits` has made sure of.
            let four = _mm512_set1_epi32(i32::from_le_bytes(unsafe { *tokens.add(row * steps + step) }));
            for column in 0..4 {
                found[row][column] = _mm512_dpbusd_epi32(found[row][column], four, columns[column]);
            }
        }
    }
    for row in 0..ROWS {
        for column in 0..4 {
            // SAFETY: the array is exactly as long as the register, and the store needs no alignment.
            unsafe { _mm512_storeu_si512(sums[row][column].as_mut_ptr().cast(), found[row][column]) };
        }
    }
}

/// A tile in registers of 256 bits, 16 columns at a time, with `$dot` for four products of bytes added to a sum.
macro_rules! rows_of_256 {
    ($rows:ident, $features:literal, $dot:expr) => {
        #[target_feature(enable = $features)]
        #[allow(clippy::indexing_slicing, clippy::needless_range_loop, reason = "within arrays of constant length")]
        fn $rows<const ROWS: usize>(tokens: &[[u8; STEP]], weights: &[[i8; STEP_BYTES]], sums: &mut [RowSums]) {
            if !fits(ROWS, tokens, weights, sums) {
                return;
            }
            let steps = weights.len();
            let (tokens, weights) = (tokens.as_ptr(), weights.as_ptr().cast::<i8>());
            for quarter in 0..4 {
                let mut found = [[_mm256_setzero_si256(); 2]; ROWS];
                for step in 0..steps {
                    // SAFETY: `step` is below the number of steps, each of four times 64 bytes.
                    let columns = unsafe {
                        let at = weights.add(step * STEP_BYTES + quarter * 64);
                        [_mm256_loadu_si256(at.cast()), _mm256_loadu_si256(at.add(32).cast())]
                    };
                    for row in 0..ROWS {
                        // SAFETY: there are `ROWS` times `steps` fours of bytes, which `fits` has made sure of.
                        let four = _mm256_set1_epi32(i32::from_le_bytes(unsafe { *tokens.add(row * steps + step) }));
                        for column in 0..2 {
                            found[row][column] = $dot(found[row][column], four, columns[column]);
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
        }
    };
}

pub(super) use rows_of_256;

rows_of_256!(rows_vnni, "avx2,fma,avxvnni", |sum, bytes, weights| _mm256_dpbusd_avx_epi32(sum, bytes, weights));

/// As [`rows_vnni`], with the instruction as AVX-512 has it.
#[cfg(test)]
pub(super) mod like_vnni {
    use super::*;

    tile!(tile, rows, "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma", 6);
    rows_of_256!(rows, "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma", |sum, bytes, weights| {
        _mm256_dpbusd_epi32(sum, bytes, weights)
    });
}

/// The tile for what every processor of the architecture has.
pub(in super::super) fn tile_sse2(panel: Panel<'_>, tokens: &[[u8; STEP]], sums: &mut Sums) {
    // SAFETY: SSE2 is part of the architecture.
    unsafe { tile_128(panel, tokens, sums) }
}

tile!(tile_128, rows_128, "sse2", 2);

/// SSE2: eight columns at a time, products of 16 bits, two sums a column until the end.
#[target_feature(enable = "sse2")]
#[allow(clippy::indexing_slicing, clippy::needless_range_loop, reason = "within arrays of constant length")]
fn rows_128<const ROWS: usize>(tokens: &[[u8; STEP]], weights: &[[i8; STEP_BYTES]], sums: &mut [RowSums]) {
    if !fits(ROWS, tokens, weights, sums) {
        return;
    }
    let zero = _mm_setzero_si128();
    let steps = weights.len();
    let (tokens, weights) = (tokens.as_ptr(), weights.as_ptr().cast::<i8>());
    for eighth in 0..8 {
        let mut found = [[zero; 4]; ROWS];
        for step in 0..steps {
            // SAFETY: `step` is below the number of steps, each of eight times 32 bytes.
            let [lower, upper] = unsafe {
                let at = weights.add(step * STEP_BYTES + eighth * 32);
                [_mm_loadu_si128(at.cast()), _mm_loadu_si128(at.add(16).cast())]
            };
            let (lower_sign, upper_sign) = (_mm_cmpgt_epi8(zero, lower), _mm_cmpgt_epi8(zero, upper));
            let columns = [
                _mm_unpacklo_epi8(lower, lower_sign),
                _mm_unpackhi_epi8(lower, lower_sign),
                _mm_unpacklo_epi8(upper, upper_sign),
                _mm_unpackhi_epi8(upper, upper_sign),
            ];
            for row in 0..ROWS {
                // SAFETY: there are `ROWS` times `steps` fours of bytes, which `fits` has made sure of.
                let four = _mm_set1_epi32(i32::from_le_bytes(unsafe { *tokens.add(row * steps + step) }));
                let bytes = _mm_unpacklo_epi8(four, zero);
                for column in 0..4 {
                    found[row][column] = _mm_add_epi32(found[row][column], _mm_madd_epi16(columns[column], bytes));
                }
            }
        }
        for row in 0..ROWS {
            let (places, _) = sums[row].as_flattened_mut().as_chunks_mut::<2>();
            for column in 0..4 {
                let mut halves = [0; 4];
                // SAFETY: the array is exactly as long as the register, and the store needs no alignment.
                unsafe { _mm_storeu_si128(halves.as_mut_ptr().cast(), found[row][column]) };
                let [a, b, c, d] = halves;
                places[eighth * 4 + column] = [a + b, c + d];
            }
        }
    }
}
