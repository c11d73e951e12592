//! The kernels for `x86_64` that are written by hand, because the compiler does not come up with them.
//!
//! The i8 product on `vpdpbusd`, which multiplies unsigned by signed bytes, so one side is raised by 128 (its sign bit
//! flipped) and 128 times the sum of the other is taken off again; and the product with signs, which counts the bits
//! of a whole register at once. Invariant: called only through the tables of [`super::native`].

use std::arch::x86_64::{
    __m512i, _CMP_LE_OQ, _MM_HINT_T0, _mm_prefetch, _mm512_add_epi64, _mm512_and_si512, _mm512_cmp_ps_mask,
    _mm512_cvtepi32_ps, _mm512_dpbusd_epi32, _mm512_mul_ps, _mm512_popcnt_epi64, _mm512_reduce_add_epi32,
    _mm512_reduce_add_epi64, _mm512_set1_epi8, _mm512_set1_epi64, _mm512_set1_ps, _mm512_setzero_si512,
    _mm512_sub_epi32, _mm512_sub_epi64, _mm512_sub_ps, _mm512_xor_si512,
};
use std::array;

use super::bit_planes::PLANES;
use super::query_tile::{BYTES, LANES, QUAD, RAISE, Step, TILE_ROWS, Tile};
use super::registers::{
    floats_of, load, load_eight, load_floats, load_rest, load_signs, load_words, lower_halves, products,
};
use super::{EIGHT, Near, Planes, RowNumbers, Thresholds};

/// Groups of queries that share a load of the rows.
const TILE_GROUPS: usize = 4;

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
pub(super) fn vnni_dot(a: &[i8], b: &[i8]) -> i32 {
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
pub(super) fn vnni_dot_rows(query: &[i8], rows: &[i8], out: &mut [i32]) {
    let raise = raise_of(query);
    for (row, score) in rows.chunks_exact(query.len().max(1)).zip(out) {
        *score = _mm512_reduce_add_epi32(raised_dot(row, query)).wrapping_sub(raise);
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub(super) fn vnni_near_tile(
    queries: &Tile,
    rows: &[i8],
    numbers: &RowNumbers,
    limits: &Thresholds,
    found: &mut Vec<Near>,
) {
    let limits: Vec<_> = limits.of_groups().collect();
    each_tile(queries, rows, |sums, raise, place| {
        let Some([scales, reaches, farthest]) = limits.get(place.group) else { return };
        let rows = place.first..place.first + place.live;
        let of_rows = [numbers.factors, numbers.biases, numbers.slacks].map(|numbers| numbers.get(rows.clone()));
        let [Some(factors), Some(biases), Some(slacks)] = of_rows else { return };
        let (raise, scales) = (load_words(raise), load_floats(scales));
        let (reaches, farthest) = (load_floats(reaches), load_floats(farthest));
        for (row, sum) in sums.into_iter().enumerate() {
            let numbers = (factors.get(row), biases.get(row), slacks.get(row));
            let (Some(factor), Some(bias), Some(slack)) = numbers else { break };
            let dot = _mm512_cvtepi32_ps(_mm512_sub_epi32(sum, raise));
            let factors = _mm512_mul_ps(_mm512_set1_ps(*factor), scales);
            // Products and differences are rounded one by one, as in every other variant.
            let distances = _mm512_sub_ps(_mm512_set1_ps(*bias), _mm512_mul_ps(dot, factors));
            let distances = _mm512_sub_ps(distances, _mm512_mul_ps(reaches, _mm512_set1_ps(*slack)));
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
struct TilePart {
    /// The group of queries.
    group: usize,
    /// The first of the rows.
    first: usize,
    /// The rows that exist.
    live: usize,
}

/// Multiplies every group of queries with every block of rows and hands over the raised sums.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn each_tile(queries: &Tile, rows: &[i8], mut take: impl FnMut([__m512i; TILE_ROWS], &[i32; LANES], TilePart)) {
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
                take(sums, raise, TilePart { group: index * TILE_GROUPS + offset, first, live });
            }
        }
        for (offset, (steps, raise)) in rest.iter().enumerate() {
            let [sums] = products([steps], words);
            take(sums, raise, TilePart { group: whole.len() * TILE_GROUPS + offset, first, live });
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
        // The packed queries are zero there, so any filling will do.
        *last = flip(array::from_fn(|i| rest.get(i).copied().unwrap_or_default()));
    }
}

/// Words of 64 bits in a register.
const WORDS: usize = BYTES / 8;

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx512vpopcntdq")]
pub(super) fn popcnt_dot_signs_rows(question: &Planes, rows: &[u8], out: &mut [i32]) {
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

/// Counts the bits of eight rows at once, a word of each.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx512vpopcntdq")]
pub(super) fn popcnt_dot_signs_eights(question: &Planes, words: &[[u64; EIGHT]], out: &mut [i32]) {
    let everywhere = |words: &[u64; PLANES]| words.map(|word| _mm512_set1_epi64(word.cast_signed()));
    let planes: Vec<[__m512i; PLANES]> = question.words().iter().map(everywhere).collect();
    for (group, sums) in words.chunks_exact(planes.len().max(1)).zip(out.as_chunks_mut::<EIGHT>().0) {
        let mut counts = [_mm512_setzero_si512(); PLANES];
        for (signs, planes) in group.iter().zip(&planes) {
            let signs = load_eight(signs);
            for (count, plane) in counts.iter_mut().zip(planes) {
                *count = _mm512_add_epi64(*count, _mm512_popcnt_epi64(_mm512_and_si512(signs, *plane)));
            }
        }
        let [n0, n1, n2, n3] = counts;
        // n0 + 2 (n1 + 2 (n2 - 2 n3))
        let high = _mm512_sub_epi64(n2, _mm512_add_epi64(n3, n3));
        let middle = _mm512_add_epi64(n1, _mm512_add_epi64(high, high));
        *sums = lower_halves(_mm512_add_epi64(n0, _mm512_add_epi64(middle, middle)));
    }
}
