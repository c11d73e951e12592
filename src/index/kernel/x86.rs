//! The kernels for `x86_64`: AVX-512 with VNNI, with or without `vpopcntq` (Ice Lake, Zen 4 and later), and AVX2.
//!
//! Most are the portable source compiled for more registers, which reaches the speed of memory. Written by hand is
//! what the compiler does not find: the i8 product on `vpdpbusd`, which multiplies unsigned by signed bytes, so
//! one side is raised by 128 (its sign bit flipped) and 128 times the sum of the other is taken off again; and the
//! product with signs, which counts the bits of a whole register at once.
//! Invariant: a variant is reachable only through [`available`], which asks the processor first.

#![allow(unsafe_code, reason = "instructions that not every processor has")]

use std::arch::x86_64::{
    __m128i, __m512, __m512i, _CMP_LE_OQ, _MM_HINT_T0, _mm_prefetch, _mm_storeu_si128, _mm512_add_epi64,
    _mm512_and_si512, _mm512_castsi512_si128, _mm512_cmp_ps_mask, _mm512_cvtepi32_ps, _mm512_dpbusd_epi32,
    _mm512_extracti32x4_epi32, _mm512_loadu_ps, _mm512_loadu_si512, _mm512_maskz_loadu_epi8, _mm512_mul_ps,
    _mm512_popcnt_epi64, _mm512_reduce_add_epi32, _mm512_reduce_add_epi64, _mm512_set1_epi8, _mm512_set1_epi32,
    _mm512_set1_ps, _mm512_setzero_si512, _mm512_storeu_ps, _mm512_sub_epi32, _mm512_sub_epi64, _mm512_sub_ps,
    _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64, _mm512_xor_si512,
};
use std::array;

use super::planes::PLANES;
use super::tile::{LANES, QUAD, RAISE, Step, Tile};
use super::{Kernels, Limits, Near, Numbers, Planes, portable};

/// Returns the variants this processor runs, the fastest first.
pub(super) fn available() -> impl Iterator<Item = &'static Kernels> {
    let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("popcnt");
    let vnni = avx2
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vnni");
    let popcnt = vnni && is_x86_feature_detected!("avx512vpopcntdq");
    let variants: [(bool, &'static Kernels); 3] = [(popcnt, &AVX512_POPCNT), (vnni, &AVX512_VNNI), (avx2, &AVX2)];
    variants.into_iter().filter(|(runs, _)| *runs).map(|(_, variant)| variant)
}

/// Compiles the portable kernels for a set of features and makes a table of them, with given kernels in the
/// place of some.
macro_rules! variant {
    ($table:ident, $name:literal, $module:ident, $features:literal, {
        dot_i8: $dot_i8:path, dot_i8_rows: $dot_i8_rows:path, dot_i8_tile: $dot_i8_tile:path,
        near_tile: $near_tile:path, dot_signs_rows: $dot_signs_rows:path $(,)?
    }) => {
        mod $module {
            use super::portable;
            use crate::index::kernel::{Limits, Near, Numbers, Planes, Tile};

            #[target_feature(enable = $features)]
            #[allow(dead_code, reason = "a variant may have its own")]
            pub(super) fn dot_i8(a: &[i8], b: &[i8]) -> i32 {
                portable::dot_i8(a, b)
            }

            #[target_feature(enable = $features)]
            pub(super) fn l2_i8(a: &[i8], b: &[i8]) -> i32 {
                portable::l2_i8(a, b)
            }

            #[target_feature(enable = $features)]
            pub(super) fn dot_f32(a: &[f32], b: &[f32]) -> f32 {
                portable::dot_f32(a, b)
            }

            #[target_feature(enable = $features)]
            pub(super) fn l2_f32(a: &[f32], b: &[f32]) -> f32 {
                portable::l2_f32(a, b)
            }

            #[target_feature(enable = $features)]
            pub(super) fn hamming(a: &[u8], b: &[u8]) -> u32 {
                portable::hamming(a, b)
            }

            #[target_feature(enable = $features)]
            #[allow(dead_code, reason = "a variant may have its own")]
            pub(super) fn dot_i8_rows(query: &[i8], rows: &[i8], out: &mut [i32]) {
                portable::each_row(query, rows, out, portable::dot_i8);
            }

            #[target_feature(enable = $features)]
            pub(super) fn l2_i8_rows(query: &[i8], rows: &[i8], out: &mut [i32]) {
                portable::each_row(query, rows, out, portable::l2_i8);
            }

            #[target_feature(enable = $features)]
            pub(super) fn hamming_rows(query: &[u8], rows: &[u8], out: &mut [u32]) {
                portable::each_row(query, rows, out, portable::hamming);
            }

            #[target_feature(enable = $features)]
            #[allow(dead_code, reason = "a variant may have its own")]
            pub(super) fn dot_signs_rows(question: &Planes, rows: &[u8], out: &mut [i32]) {
                portable::each_signs(question, rows, out);
            }

            #[target_feature(enable = $features)]
            pub(super) fn distances(dots: &[i32], numbers: &Numbers, scale: f32, out: &mut [f32]) -> f32 {
                portable::distances(dots, numbers, scale, out)
            }

            #[target_feature(enable = $features)]
            #[allow(dead_code, reason = "a variant may have its own")]
            pub(super) fn near_tile(
                tile: &Tile,
                rows: &[i8],
                numbers: &Numbers,
                limits: &Limits,
                found: &mut Vec<Near>,
            ) {
                portable::near_tile(tile, rows, numbers, limits, found);
            }

            #[target_feature(enable = $features)]
            #[allow(dead_code, reason = "a variant may have its own")]
            pub(super) fn dot_i8_tile(queries: &Tile, rows: &[i8], out: &mut [i32]) {
                portable::each_query(queries, rows, out, portable::dot_i8);
            }
        }

        static $table: Kernels = Kernels {
            name: $name,
            // SAFETY: for this table as a whole: `available` gives it out only where the processor has the features.
            dot_i8: |a, b| unsafe { $dot_i8(a, b) },
            // SAFETY: as above.
            l2_i8: |a, b| unsafe { $module::l2_i8(a, b) },
            // SAFETY: as above.
            dot_f32: |a, b| unsafe { $module::dot_f32(a, b) },
            // SAFETY: as above.
            l2_f32: |a, b| unsafe { $module::l2_f32(a, b) },
            // SAFETY: as above.
            hamming: |a, b| unsafe { $module::hamming(a, b) },
            // SAFETY: as above.
            dot_i8_rows: |query, rows, out| unsafe { $dot_i8_rows(query, rows, out) },
            // SAFETY: as above.
            l2_i8_rows: |query, rows, out| unsafe { $module::l2_i8_rows(query, rows, out) },
            // SAFETY: as above.
            hamming_rows: |query, rows, out| unsafe { $module::hamming_rows(query, rows, out) },
            // SAFETY: as above.
            dot_signs_rows: |question, rows, out| unsafe { $dot_signs_rows(question, rows, out) },
            // SAFETY: as above.
            distances: |dots, numbers, scale, out| unsafe { $module::distances(dots, numbers, scale, out) },
            // SAFETY: as above.
            near_tile: |tile, rows, numbers, limits, found| unsafe { $near_tile(tile, rows, numbers, limits, found) },
            // SAFETY: as above.
            dot_i8_tile: |queries, rows, out| unsafe { $dot_i8_tile(queries, rows, out) },
        };
    };
}

variant!(AVX2, "avx2", avx2, "avx2,popcnt", {
    dot_i8: avx2::dot_i8,
    dot_i8_rows: avx2::dot_i8_rows,
    dot_i8_tile: avx2::dot_i8_tile,
    near_tile: avx2::near_tile,
    dot_signs_rows: avx2::dot_signs_rows,
});

variant!(AVX512_VNNI, "avx512-vnni", avx512, "avx512f,avx512bw,avx512vl,avx512vnni,popcnt", {
    dot_i8: vnni_dot,
    dot_i8_rows: vnni_dot_rows,
    dot_i8_tile: vnni_dot_tile,
    near_tile: vnni_near_tile,
    dot_signs_rows: avx512::dot_signs_rows,
});

variant!(AVX512_POPCNT, "avx512-popcnt", avx512_popcnt, "avx512f,avx512bw,avx512vl,avx512vnni,avx512vpopcntdq,popcnt", {
    dot_i8: vnni_dot,
    dot_i8_rows: vnni_dot_rows,
    dot_i8_tile: vnni_dot_tile,
    near_tile: vnni_near_tile,
    dot_signs_rows: popcnt_dot_signs_rows,
});

/// Bytes of a 512-bit register.
const BYTES: usize = 64;

/// Rows that share a load of the packed queries, and groups of queries that share a load of the rows.
const TILE_ROWS: usize = 4;
const TILE_GROUPS: usize = 4;

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn load(bytes: &[i8; BYTES]) -> __m512i {
    // SAFETY: the array is exactly as long as the register, and the load needs no alignment.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

/// Loads fewer than [`BYTES`] bytes; the rest of the register is zero.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn load_rest(bytes: &[i8]) -> __m512i {
    let mask = (1_u64 << (bytes.len() % BYTES)) - 1;
    // SAFETY: the mask has one bit for each byte of the slice, and bytes not in the mask are not read.
    unsafe { _mm512_maskz_loadu_epi8(mask, bytes.as_ptr()) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn load_words(words: &[i32; LANES]) -> __m512i {
    // SAFETY: as in `load`.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn load_floats(floats: &[f32; LANES]) -> __m512 {
    // SAFETY: as in `load`.
    unsafe { _mm512_loadu_ps(floats.as_ptr()) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn floats_of(register: __m512) -> [f32; LANES] {
    let mut floats = [0.0; LANES];
    // SAFETY: the array is exactly as long as the register, and the store needs no alignment.
    unsafe { _mm512_storeu_ps(floats.as_mut_ptr(), register) };
    floats
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn store_quarter(register: __m128i, words: &mut [i32; 4]) {
    // SAFETY: the array is exactly as long as the register, and the store needs no alignment.
    unsafe { _mm_storeu_si128(words.as_mut_ptr().cast(), register) };
}

/// Returns `sum((a_i + 128) * b_i)` in lanes.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn raised_dot(a: &[i8], b: &[i8]) -> __m512i {
    let flip = _mm512_set1_epi8(i8::MIN);
    let common = a.len().min(b.len());
    let (a_chunks, a_rest) = a.get(..common).unwrap_or_default().as_chunks::<BYTES>();
    let (b_chunks, b_rest) = b.get(..common).unwrap_or_default().as_chunks::<BYTES>();
    let mut sum = _mm512_setzero_si512();
    for (x, y) in a_chunks.iter().zip(b_chunks) {
        sum = _mm512_dpbusd_epi32(sum, _mm512_xor_si512(load(x), flip), load(y));
    }
    if !a_rest.is_empty() {
        sum = _mm512_dpbusd_epi32(sum, _mm512_xor_si512(load_rest(a_rest), flip), load_rest(b_rest));
    }
    sum
}

/// Returns 128 times the sum of the components.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn raise_of(components: &[i8]) -> i32 {
    components.iter().fold(0, |sum: i32, &x| sum.wrapping_add(i32::from(x))).wrapping_mul(RAISE)
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn vnni_dot(a: &[i8], b: &[i8]) -> i32 {
    let b = b.get(..a.len().min(b.len())).unwrap_or_default();
    let (chunks, rest) = b.as_chunks::<BYTES>();
    let ones = _mm512_set1_epi8(1);
    let mut sum = _mm512_setzero_si512();
    for y in chunks {
        sum = _mm512_dpbusd_epi32(sum, ones, load(y));
    }
    sum = _mm512_dpbusd_epi32(sum, ones, load_rest(rest));
    let product = _mm512_reduce_add_epi32(raised_dot(a, b));
    product.wrapping_sub(_mm512_reduce_add_epi32(sum).wrapping_mul(RAISE))
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn vnni_dot_rows(query: &[i8], rows: &[i8], out: &mut [i32]) {
    let raise = raise_of(query);
    for (row, score) in rows.chunks_exact(query.len().max(1)).zip(out) {
        *score = _mm512_reduce_add_epi32(raised_dot(row, query)).wrapping_sub(raise);
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn vnni_dot_tile(queries: &Tile, rows: &[i8], out: &mut [i32]) {
    let count = rows.len() / queries.dim();
    each_tile(queries, rows, |sums, raise, place| {
        let out = out.get_mut(place.group * LANES * count..).unwrap_or_default();
        scatter(sums, raise, out, count, place.first, place.live);
    });
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn vnni_near_tile(queries: &Tile, rows: &[i8], numbers: &Numbers, limits: &Limits, found: &mut Vec<Near>) {
    let limits: Vec<_> = limits.of_groups().collect();
    each_tile(queries, rows, |sums, raise, place| {
        let Some((scales, farthest)) = limits.get(place.group) else { return };
        let (factors, biases) = (numbers.factors.get(place.first..), numbers.biases.get(place.first..));
        let numbers = factors.unwrap_or_default().iter().zip(biases.unwrap_or_default());
        let (raise, scales, farthest) = (load_words(raise), load_floats(scales), load_floats(farthest));
        for (row, (sum, (factor, bias))) in sums.into_iter().zip(numbers).take(place.live).enumerate() {
            let dot = _mm512_cvtepi32_ps(_mm512_sub_epi32(sum, raise));
            let factors = _mm512_mul_ps(_mm512_set1_ps(*factor), scales);
            // Product and difference are rounded one by one, as in every other variant.
            let distances = _mm512_sub_ps(_mm512_set1_ps(*bias), _mm512_mul_ps(dot, factors));
            let mut near = _mm512_cmp_ps_mask::<_CMP_LE_OQ>(distances, farthest);
            if near != 0 {
                let distances = floats_of(distances);
                while near != 0 {
                    let lane = near.trailing_zeros() as usize;
                    near &= near - 1;
                    let distance = distances.get(lane).copied().unwrap_or_default();
                    found.push(Near { question: place.group * LANES + lane, row: place.first + row, distance });
                }
            }
        }
    });
}

/// Which part of a tile's work some sums are.
struct Place {
    /// The group of queries.
    group: usize,
    /// The first of the rows.
    first: usize,
    /// The rows that exist.
    live: usize,
}

/// Multiplies every group of queries with every block of rows and hands over the raised sums.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn each_tile(queries: &Tile, rows: &[i8], mut take: impl FnMut([__m512i; TILE_ROWS], &[i32; LANES], Place)) {
    let dim = queries.dim();
    let steps = dim.div_ceil(QUAD);
    let groups: Vec<(&[Step], &[i32; LANES])> = queries.groups().collect();
    let mut raised = vec![0_i32; steps * TILE_ROWS];
    for (block, rows) in rows.chunks(dim * TILE_ROWS).enumerate() {
        // A block takes long enough for the processor's own prefetching to lose track of the rows.
        prefetch(rows, 2 * dim * TILE_ROWS);
        // Rows past the last one keep what the block before left there; their sums are not used.
        for (row, words) in rows.chunks_exact(dim).zip(raised.chunks_exact_mut(steps)) {
            raise(row, words);
        }
        let mut words = raised.chunks_exact(steps);
        let words: [&[i32]; TILE_ROWS] = array::from_fn(|_| words.next().unwrap_or_default());
        let (first, live) = (block * TILE_ROWS, rows.len() / dim);
        let (whole, rest) = groups.as_chunks::<TILE_GROUPS>();
        for (index, groups) in whole.iter().enumerate() {
            let sums = products(groups.map(|(steps, _)| steps), words);
            for (offset, (sums, (_, raise))) in sums.into_iter().zip(groups).enumerate() {
                take(sums, raise, Place { group: index * TILE_GROUPS + offset, first, live });
            }
        }
        for (offset, (steps, raise)) in rest.iter().enumerate() {
            let [sums] = products([steps], words);
            take(sums, raise, Place { group: whole.len() * TILE_GROUPS + offset, first, live });
        }
    }
}

/// Asks for the cache lines that lie `ahead` bytes after these.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn prefetch(rows: &[i8], ahead: usize) {
    for line in rows.chunks(BYTES) {
        _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().wrapping_add(ahead));
    }
}

/// Raises the components of a row by 128 and puts four into each word; the last word is filled up.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn raise(row: &[i8], words: &mut [i32]) {
    let (quads, rest) = row.as_chunks::<QUAD>();
    let flip = |quad: [i8; QUAD]| i32::from_le_bytes(quad.map(i8::cast_unsigned)) ^ i32::from_le_bytes([0x80; QUAD]);
    for (word, &quad) in words.iter_mut().zip(quads) {
        *word = flip(quad);
    }
    if let Some(last) = words.get_mut(quads.len()) {
        // The packed queries are zero there, so any filling serves.
        *last = flip(array::from_fn(|i| rest.get(i).copied().unwrap_or_default()));
    }
}

/// Multiplies groups of queries with rows; lane `l` of `[g][r]` is query `l` of group `g` with row `r`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn products<const G: usize>(groups: [&[Step]; G], rows: [&[i32]; TILE_ROWS]) -> [[__m512i; TILE_ROWS]; G] {
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

/// Takes the raise off again and writes a group's scores: its queries are `count` scores apart in `out`, and the
/// block holds the rows from `first` on, of which `live` exist.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn scatter(sums: [__m512i; TILE_ROWS], raise: &[i32; LANES], out: &mut [i32], count: usize, first: usize, live: usize) {
    let raise = load_words(raise);
    let [a, b, c, d] = sums.map(|sum| _mm512_sub_epi32(sum, raise));
    // Four rows of sixteen queries become sixteen queries of four rows: query 4 l + q lies in 128-bit part l of `[q]`.
    let (ab_low, ab_high) = (_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    let (cd_low, cd_high) = (_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    let parts = [
        quarters(_mm512_unpacklo_epi64(ab_low, cd_low)),
        quarters(_mm512_unpackhi_epi64(ab_low, cd_low)),
        quarters(_mm512_unpacklo_epi64(ab_high, cd_high)),
        quarters(_mm512_unpackhi_epi64(ab_high, cd_high)),
    ];
    for (q, part) in parts.into_iter().enumerate() {
        for (l, scores) in part.into_iter().enumerate() {
            // Queries that only fill the last group up would lie past the end.
            let rest = out.get_mut((4 * l + q) * count + first..).unwrap_or_default();
            if live == TILE_ROWS
                && let Some(slots) = rest.first_chunk_mut()
            {
                store_quarter(scores, slots);
            } else {
                let mut scores_of_rows = [0; TILE_ROWS];
                store_quarter(scores, &mut scores_of_rows);
                rest.iter_mut().zip(scores_of_rows).take(live).for_each(|(slot, score)| *slot = score);
            }
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn quarters(register: __m512i) -> [__m128i; 4] {
    [
        _mm512_castsi512_si128(register),
        _mm512_extracti32x4_epi32::<1>(register),
        _mm512_extracti32x4_epi32::<2>(register),
        _mm512_extracti32x4_epi32::<3>(register),
    ]
}

/// Words of 64 bits in a register.
const WORDS: usize = BYTES / 8;

/// Loads up to 64 bytes of signs; the rest of the register is zero.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx512vpopcntdq")]
fn load_signs(bytes: &[u8]) -> __m512i {
    let mask = u64::MAX.checked_shr(u32::try_from(BYTES.saturating_sub(bytes.len())).unwrap_or(0)).unwrap_or(0);
    // SAFETY: the mask has at most one bit for each byte of the slice, and bytes not in the mask are not read.
    unsafe { _mm512_maskz_loadu_epi8(mask, bytes.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx512vpopcntdq")]
fn popcnt_dot_signs_rows(question: &Planes, rows: &[u8], out: &mut [i32]) {
    let plane = |words: &[[u64; PLANES]], at: usize| {
        let mut bytes = [0_u8; BYTES];
        for (slot, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
            *slot = word.get(at).copied().unwrap_or_default().to_le_bytes();
        }
        load_signs(&bytes)
    };
    let parts: Vec<[__m512i; PLANES]> =
        question.words().chunks(WORDS).map(|words| array::from_fn(|at| plane(words, at))).collect();
    for (row, sum) in rows.chunks_exact(question.row_bytes().max(1)).zip(out) {
        let mut sums = _mm512_setzero_si512();
        for (bytes, planes) in row.chunks(BYTES).zip(&parts) {
            let signs = load_signs(bytes);
            let [n0, n1, n2, n3] = planes.map(|plane| _mm512_popcnt_epi64(_mm512_and_si512(signs, plane)));
            // n0 + 2 (n1 + 2 (n2 - 2 n3))
            let high = _mm512_sub_epi64(n2, _mm512_add_epi64(n3, n3));
            let middle = _mm512_add_epi64(n1, _mm512_add_epi64(high, high));
            sums = _mm512_add_epi64(sums, _mm512_add_epi64(n0, _mm512_add_epi64(middle, middle)));
        }
        #[expect(clippy::cast_possible_truncation, reason = "a row has at most 65,536 bits")]
        let whole = _mm512_reduce_add_epi64(sums) as i32;
        *sum = whole;
    }
}
