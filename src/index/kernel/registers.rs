//! The loads and stores of registers of 512 bits, for the kernels written by hand.
//!
//! Invariant: a slice is read within its bounds, and an array is as long as the register it fills or is filled from.

#![allow(unsafe_code, reason = "loads and stores by address")]

use std::arch::x86_64::{
    __m512, __m512i, _mm256_storeu_si256, _mm512_cvtepi64_epi32, _mm512_dpbusd_epi32, _mm512_loadu_ps,
    _mm512_loadu_si512, _mm512_maskz_loadu_epi8, _mm512_set1_epi32, _mm512_setzero_si512, _mm512_storeu_ps,
};

use super::EIGHT;
use super::query_tile::{BYTES, LANES, Step, TILE_ROWS};

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub(super) fn load(bytes: &[i8; BYTES]) -> __m512i {
    // SAFETY: the array is exactly as long as the register, and the load needs no alignment.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

/// Loads fewer than [`BYTES`] bytes; the rest of the register is zero.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub(super) fn load_rest(bytes: &[i8]) -> __m512i {
    let mask = (1_u64 << (bytes.len() % BYTES)) - 1;
    // SAFETY: the mask has one bit for each byte of the slice, and bytes not in the mask are not read.
    unsafe { _mm512_maskz_loadu_epi8(mask, bytes.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub(super) fn load_words(words: &[i32; LANES]) -> __m512i {
    // SAFETY: as in `load`.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub(super) fn load_floats(floats: &[f32; LANES]) -> __m512 {
    // SAFETY: as in `load`.
    unsafe { _mm512_loadu_ps(floats.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub(super) fn floats_of(register: __m512) -> [f32; LANES] {
    let mut floats = [0.0; LANES];
    // SAFETY: the array is exactly as long as the register, and the store needs no alignment.
    unsafe { _mm512_storeu_ps(floats.as_mut_ptr(), register) };
    floats
}

/// Loads up to 64 bytes of signs; the rest of the register is zero.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx512vpopcntdq")]
pub(super) fn load_signs(bytes: &[u8]) -> __m512i {
    let mask = u64::MAX.checked_shr(u32::try_from(BYTES.saturating_sub(bytes.len())).unwrap_or(0)).unwrap_or(0);
    // SAFETY: the mask has at most one bit for each byte of the slice, and bytes not in the mask are not read.
    unsafe { _mm512_maskz_loadu_epi8(mask, bytes.as_ptr().cast()) }
}

/// Loads a word of each of eight rows.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub(super) fn load_eight(words: &[u64; EIGHT]) -> __m512i {
    // SAFETY: as in `load`.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

/// Returns the lower half of each of eight numbers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub(super) fn lower_halves(register: __m512i) -> [i32; EIGHT] {
    let mut numbers = [0; EIGHT];
    // SAFETY: the array is exactly as long as the register of halves, and the store needs no alignment.
    unsafe { _mm256_storeu_si256(numbers.as_mut_ptr().cast(), _mm512_cvtepi64_epi32(register)) };
    numbers
}

/// Multiplies groups of queries with rows; lane `l` of `[g][r]` is query `l` of group `g` with row `r`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub(super) fn products<const G: usize>(groups: [&[Step]; G], rows: [&[i32]; TILE_ROWS]) -> [[__m512i; TILE_ROWS]; G] {
    let mut sums = [[_mm512_setzero_si512(); TILE_ROWS]; G];
    let steps = groups.iter().map(|g| g.len()).chain(rows.iter().map(|r| r.len())).min().unwrap_or(0);
    for step in 0..steps {
        // SAFETY: `step` is below the length of every slice. Checks here would cost half the speed.
        let queries = groups.map(|group| load(unsafe { group.get_unchecked(step) }));
        // SAFETY: as above.
        let words = rows.map(|row| _mm512_set1_epi32(unsafe { *row.get_unchecked(step) }));
        for (sums, query) in sums.iter_mut().zip(queries) {
            for (sum, row) in sums.iter_mut().zip(words) {
                *sum = _mm512_dpbusd_epi32(*sum, row, query);
            }
        }
    }
    sums
}
