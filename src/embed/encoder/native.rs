//! Where the encoder meets what not every processor has: the tables of kernels for it, loads, stores and casts of registers.
//!
//! The kernels themselves are safe: in [`super::rows`], [`super::product`] and [`super::attention`] as plain Rust, compiled
//! here for each set of instructions, in [`super::x86`] and [`super::halves`] by hand. Invariant: a table is reachable only
//! through [`available`], which asks the processor first; a load or store is of an array as long as the register.

#![allow(unsafe_code, reason = "instructions that not every processor has")]

#[cfg(target_arch = "x86_64")]
#[allow(clippy::wildcard_imports, reason = "the instructions are what the file is about")]
use std::arch::x86_64::*;

use super::kernels::Kernels;
#[cfg(target_arch = "x86_64")]
use super::lanes::{LANES, Lanes};
#[cfg(target_arch = "x86_64")]
use super::layout::{COLUMNS, STEP};
#[cfg(target_arch = "x86_64")]
use super::model::{STEP_BYTES, Sixteen};
#[cfg(target_arch = "x86_64")]
use super::product::Sums;

/// Returns the tables this processor can use, the fastest first.
#[cfg(target_arch = "x86_64")]
pub(super) fn available() -> impl Iterator<Item = &'static Kernels> {
    let fused = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    let vnni = fused
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vnni");
    let bf16 = vnni && is_x86_feature_detected!("avx512bf16");
    let avx_vnni = fused && is_x86_feature_detected!("avxvnni");
    let tables: [(bool, &'static Kernels); 4] =
        [(bf16, &AVX512_BF16), (vnni, &AVX512_VNNI), (avx_vnni, &AVX_VNNI), (fused, &AVX2)];
    tables.into_iter().filter(|(runs, _)| *runs).map(|(_, table)| table)
}

/// Returns no table: the portable one is all there is.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn available() -> impl Iterator<Item = &'static Kernels> {
    std::iter::empty()
}

/// The tile for what every processor of the architecture has.
#[cfg(target_arch = "x86_64")]
pub(super) fn portable_tile(tokens: &[[u8; STEP]], weights: &[[i8; STEP_BYTES]], sums: &mut Sums) {
    // SAFETY: SSE2 is part of the architecture.
    unsafe { tile_128(tokens, weights, sums) }
}

/// AVX-512 that the processor has.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
struct Avx512(());

/// AVX2 and FMA that the processor has.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
struct Avx256(());

/// SSE2, which is part of the architecture.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(super) struct Sse2(());

/// Named only in functions that are compiled for it, which only the tables lead to.
#[cfg(target_arch = "x86_64")]
const AVX512: Avx512 = Avx512(());
/// As [`AVX512`].
#[cfg(target_arch = "x86_64")]
const AVX256: Avx256 = Avx256(());
#[cfg(target_arch = "x86_64")]
pub(super) const SSE2: Sse2 = Sse2(());

/// Writes functions whose bodies are instructions.
#[cfg(target_arch = "x86_64")]
macro_rules! by_instructions {
    ($(fn $name:ident($self:ident $(, $argument:ident: $type:ty)*) -> $out:ty $body:block)*) => { $(
        #[inline(always)]
        fn $name($self $(, $argument: $type)*) -> $out {
            // SAFETY: who holds the value is where the processor has the instructions, and what is read or written by
            // address is an array as long as the registers, for which no alignment is needed.
            unsafe { $body }
        }
    )* };
}

/// Writes functions that do with each register what an instruction does with one.
#[cfg(target_arch = "x86_64")]
macro_rules! by_register {
    ($of:ty; $($name:ident($first:ident $(, $argument:ident)+) = $instruction:expr;)*) => { $(
        #[inline(always)]
        fn $name(self, $first: $of, $($argument: $of),+) -> $of {
            let mut made = $first;
            for i in 0..made.len() {
                // SAFETY: who holds the value is where the processor has the instruction.
                made[i] = unsafe { $instruction($first[i], $($argument[i]),+) };
            }
            made
        }
    )* };
}

/// Joins halves with halves: four numbers, two, one.
#[cfg(target_arch = "x86_64")]
macro_rules! fold {
    ($four:expr, $join:ident, $join_one:ident) => {{
        let four = $four;
        let two = $join(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32($join_one(two, _mm_shuffle_ps::<1>(two, two)))
    }};
}

#[cfg(target_arch = "x86_64")]
impl Lanes for Avx512 {
    type Of = __m512;

    by_instructions! {
        fn splat(self, x: f32) -> __m512 { _mm512_set1_ps(x) }
        fn load(self, from: &Sixteen) -> __m512 { _mm512_loadu_ps(from.as_ptr()) }
        fn store(self, x: __m512, to: &mut Sixteen) -> () { _mm512_storeu_ps(to.as_mut_ptr(), x) }
        fn plus(self, x: __m512, y: __m512) -> __m512 { _mm512_add_ps(x, y) }
        fn minus(self, x: __m512, y: __m512) -> __m512 { _mm512_sub_ps(x, y) }
        fn times(self, x: __m512, y: __m512) -> __m512 { _mm512_mul_ps(x, y) }
        fn times_plus(self, x: __m512, y: __m512, z: __m512) -> __m512 { _mm512_fmadd_ps(x, y, z) }
        // Of two zeros and with NaN the first, as in plain Rust.
        fn smaller(self, x: __m512, y: __m512) -> __m512 { _mm512_min_ps(y, x) }
        fn larger(self, x: __m512, y: __m512) -> __m512 { _mm512_max_ps(y, x) }
        fn of_bytes(self, bytes: &[u8; LANES]) -> __m512 {
            _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(bytes.as_ptr().cast())))
        }
        fn of_sums(self, sums: &[i32; LANES]) -> __m512 { _mm512_cvtepi32_ps(_mm512_loadu_si512(sums.as_ptr().cast())) }
        fn put_bytes(self, x: __m512, to: &mut [u8; LANES]) -> () {
            let whole = _mm512_cvtps_epi32(_mm512_max_ps(x, _mm512_setzero_ps()));
            _mm_storeu_si128(to.as_mut_ptr().cast(), _mm512_cvtusepi32_epi8(whole));
        }
        fn raise(self, x: __m512, power: __m512) -> __m512 {
            let power = _mm512_slli_epi32::<23>(_mm512_castps_si512(power));
            _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(x), power))
        }
        fn sum(self, x: __m512) -> f32 { AVX256.sum(halves(x)) }
        fn smallest(self, x: __m512) -> f32 { AVX256.smallest(halves(x)) }
        fn largest(self, x: __m512) -> f32 { AVX256.largest(halves(x)) }
    }
}

/// Returns the lower and the upper eight numbers.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f")]
fn halves(x: __m512) -> [__m256; 2] {
    let upper = _mm512_extractf64x4_pd::<1>(_mm512_castps_pd(x));
    [_mm512_castps512_ps256(x), _mm256_castpd_ps(upper)]
}

#[cfg(target_arch = "x86_64")]
#[expect(clippy::indexing_slicing, reason = "within the number of registers")]
impl Lanes for Avx256 {
    type Of = [__m256; 2];

    by_register! { [__m256; 2];
        plus(x, y) = _mm256_add_ps;
        minus(x, y) = _mm256_sub_ps;
        times(x, y) = _mm256_mul_ps;
        times_plus(x, y, z) = _mm256_fmadd_ps;
        smaller(x, y) = |x, y| _mm256_min_ps(y, x);
        larger(x, y) = |x, y| _mm256_max_ps(y, x);
        raise(x, power) = |x, power| {
            let power = _mm256_slli_epi32::<23>(_mm256_castps_si256(power));
            _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(x), power))
        };
    }

    by_instructions! {
        fn splat(self, x: f32) -> [__m256; 2] { [_mm256_set1_ps(x); 2] }
        fn load(self, from: &Sixteen) -> [__m256; 2] {
            [_mm256_loadu_ps(from.as_ptr()), _mm256_loadu_ps(from.as_ptr().add(8))]
        }
        fn store(self, x: [__m256; 2], to: &mut Sixteen) -> () {
            _mm256_storeu_ps(to.as_mut_ptr(), x[0]);
            _mm256_storeu_ps(to.as_mut_ptr().add(8), x[1]);
        }
        fn of_bytes(self, bytes: &[u8; LANES]) -> [__m256; 2] {
            let bytes = _mm_loadu_si128(bytes.as_ptr().cast());
            let upper = _mm_unpackhi_epi64(bytes, bytes);
            [bytes, upper].map(|eight| _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(eight)))
        }
        fn of_sums(self, sums: &[i32; LANES]) -> [__m256; 2] {
            [sums.as_ptr(), sums.as_ptr().add(8)].map(|at| _mm256_cvtepi32_ps(_mm256_loadu_si256(at.cast())))
        }
        fn put_bytes(self, x: [__m256; 2], to: &mut [u8; LANES]) -> () {
            let [lower, upper] = x.map(|x| {
                let whole = _mm256_cvtps_epi32(_mm256_max_ps(x, _mm256_setzero_ps()));
                _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256::<1>(whole))
            });
            _mm_storeu_si128(to.as_mut_ptr().cast(), _mm_packus_epi16(lower, upper));
        }
        fn sum(self, x: [__m256; 2]) -> f32 {
            let eight = _mm256_add_ps(x[0], x[1]);
            fold!(_mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight)), _mm_add_ps, _mm_add_ss)
        }
        fn smallest(self, x: [__m256; 2]) -> f32 {
            let eight = _mm256_min_ps(x[1], x[0]);
            fold!(_mm_min_ps(_mm256_extractf128_ps::<1>(eight), _mm256_castps256_ps128(eight)), _mm_min_ps, _mm_min_ss)
        }
        fn largest(self, x: [__m256; 2]) -> f32 {
            let eight = _mm256_max_ps(x[1], x[0]);
            fold!(_mm_max_ps(_mm256_extractf128_ps::<1>(eight), _mm256_castps256_ps128(eight)), _mm_max_ps, _mm_max_ss)
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[expect(clippy::indexing_slicing, reason = "within the number of registers")]
impl Lanes for Sse2 {
    type Of = [__m128; 4];

    by_register! { [__m128; 4];
        plus(x, y) = _mm_add_ps;
        minus(x, y) = _mm_sub_ps;
        times(x, y) = _mm_mul_ps;
        times_plus(x, y, z) = |x, y, z| _mm_add_ps(_mm_mul_ps(x, y), z);
        smaller(x, y) = |x, y| _mm_min_ps(y, x);
        larger(x, y) = |x, y| _mm_max_ps(y, x);
        raise(x, power) = |x, power| {
            let power = _mm_slli_epi32::<23>(_mm_castps_si128(power));
            _mm_castsi128_ps(_mm_add_epi32(_mm_castps_si128(x), power))
        };
    }

    by_instructions! {
        fn splat(self, x: f32) -> [__m128; 4] { [_mm_set1_ps(x); 4] }
        fn load(self, from: &Sixteen) -> [__m128; 4] { [0, 4, 8, 12].map(|at| _mm_loadu_ps(from.as_ptr().add(at))) }
        fn store(self, x: [__m128; 4], to: &mut Sixteen) -> () {
            for (four, at) in x.into_iter().zip([0, 4, 8, 12]) {
                _mm_storeu_ps(to.as_mut_ptr().add(at), four);
            }
        }
        fn of_bytes(self, bytes: &[u8; LANES]) -> [__m128; 4] {
            let (bytes, zero) = (_mm_loadu_si128(bytes.as_ptr().cast()), _mm_setzero_si128());
            let (lower, upper) = (_mm_unpacklo_epi8(bytes, zero), _mm_unpackhi_epi8(bytes, zero));
            [
                _mm_unpacklo_epi16(lower, zero),
                _mm_unpackhi_epi16(lower, zero),
                _mm_unpacklo_epi16(upper, zero),
                _mm_unpackhi_epi16(upper, zero),
            ]
            .map(|four| _mm_cvtepi32_ps(four))
        }
        fn of_sums(self, sums: &[i32; LANES]) -> [__m128; 4] {
            [0, 4, 8, 12].map(|at| _mm_cvtepi32_ps(_mm_loadu_si128(sums.as_ptr().add(at).cast())))
        }
        fn put_bytes(self, x: [__m128; 4], to: &mut [u8; LANES]) -> () {
            let [a, b, c, d] = x.map(|x| _mm_cvtps_epi32(_mm_max_ps(x, _mm_setzero_ps())));
            let bytes = _mm_packus_epi16(_mm_packs_epi32(a, b), _mm_packs_epi32(c, d));
            _mm_storeu_si128(to.as_mut_ptr().cast(), bytes);
        }
        fn sum(self, x: [__m128; 4]) -> f32 {
            let [a, b, c, d] = x;
            fold!(_mm_add_ps(_mm_add_ps(a, c), _mm_add_ps(b, d)), _mm_add_ps, _mm_add_ss)
        }
        fn smallest(self, x: [__m128; 4]) -> f32 {
            let [a, b, c, d] = x;
            fold!(_mm_min_ps(_mm_min_ps(d, b), _mm_min_ps(c, a)), _mm_min_ps, _mm_min_ss)
        }
        fn largest(self, x: [__m128; 4]) -> f32 {
            let [a, b, c, d] = x;
            fold!(_mm_max_ps(_mm_max_ps(d, b), _mm_max_ps(c, a)), _mm_max_ps, _mm_max_ss)
        }
    }
}

/// Compiles the plain kernels for a set of features, with a tile and an attention of its own.
#[cfg(target_arch = "x86_64")]
macro_rules! table {
    ($table:ident, $name:literal, $module:ident, $features:literal, $lanes:ident, $tile:path, $attend:path, $wide:expr) => {
        mod $module {
            use std::ops::Range;

            use crate::embed::encoder::attention::{self, Room, Text};
            use crate::embed::encoder::model::{Dense, Model, Norm, Sixteen};
            use crate::embed::encoder::product::{product, then};
            use crate::embed::encoder::rows::{self, Bytes, BytesMut};

            #[target_feature(enable = $features)]
            pub(super) fn look_up(model: &Model, ids: &[u32], out: &mut [Sixteen]) {
                rows::look_up(super::$lanes, model, ids, out);
            }

            #[target_feature(enable = $features)]
            pub(super) fn quantise(rows: &[Sixteen], columns: usize, out: &mut BytesMut<'_>) {
                rows::quantise(super::$lanes, rows, columns, out);
            }

            #[target_feature(enable = $features)]
            pub(super) fn normalise(rows: &mut [Sixteen], norm: &Norm, out: &mut BytesMut<'_>) {
                rows::normalise(super::$lanes, rows, norm, out);
            }

            #[target_feature(enable = $features)]
            pub(super) fn store(tokens: Bytes<'_>, layer: &Dense, out: &mut [Sixteen]) {
                product::<_, { then::STORE }>(super::$lanes, tokens, layer, out, |a, b, sums| $tile(a, b, sums));
            }

            #[target_feature(enable = $features)]
            pub(super) fn add(tokens: Bytes<'_>, layer: &Dense, out: &mut [Sixteen]) {
                product::<_, { then::ADD }>(super::$lanes, tokens, layer, out, |a, b, sums| $tile(a, b, sums));
            }

            #[target_feature(enable = $features)]
            pub(super) fn gelu(tokens: Bytes<'_>, layer: &Dense, out: &mut [Sixteen]) {
                product::<_, { then::GELU }>(super::$lanes, tokens, layer, out, |a, b, sums| $tile(a, b, sums));
            }

            #[target_feature(enable = $features)]
            pub(super) fn pool(rows: &[Sixteen], vector: &mut [Sixteen]) {
                rows::pool(super::$lanes, rows, vector);
            }

            /// As many rows as half of 16 registers hold.
            #[target_feature(enable = $features)]
            #[allow(dead_code, reason = "a table may have its own")]
            pub(super) fn attend_by_4(text: Text<'_>, asked: Range<usize>, out: &mut [Sixteen], room: &mut Room) {
                attention::attend::<_, 4>(super::$lanes, text, asked, out, room);
            }

            /// As many rows as keep both of the units for sums busy.
            #[target_feature(enable = $features)]
            #[allow(dead_code, reason = "a table may have its own")]
            pub(super) fn attend_by_8(text: Text<'_>, asked: Range<usize>, out: &mut [Sixteen], room: &mut Room) {
                attention::attend::<_, 8>(super::$lanes, text, asked, out, room);
            }
        }

        static $table: Kernels = Kernels {
            name: $name,
            // SAFETY: for this table as a whole: `available` gives it out only where the processor has the features.
            look_up: |model, ids, out| unsafe { $module::look_up(model, ids, out) },
            // SAFETY: as above.
            quantise: |rows, columns, out| unsafe { $module::quantise(rows, columns, out) },
            // SAFETY: as above.
            normalise: |rows, norm, out| unsafe { $module::normalise(rows, norm, out) },
            // SAFETY: as above.
            store: |tokens, layer, out| unsafe { $module::store(tokens, layer, out) },
            // SAFETY: as above.
            add: |tokens, layer, out| unsafe { $module::add(tokens, layer, out) },
            // SAFETY: as above.
            gelu: |tokens, layer, out| unsafe { $module::gelu(tokens, layer, out) },
            // SAFETY: as above.
            attend: |text, asked, out, room| unsafe { $attend(text, asked, out, room) },
            // SAFETY: as above.
            pool: |rows, vector| unsafe { $module::pool(rows, vector) },
            wide: $wide,
        };
    };
}

#[cfg(target_arch = "x86_64")]
table!(
    AVX512_BF16,
    "avx512-vnni-bf16",
    avx512_bf16,
    "avx512f,avx512bw,avx512vl,avx512vnni,avx512bf16,avx2,fma",
    AVX512,
    super::tile_512,
    super::halves::attend,
    None
);

#[cfg(target_arch = "x86_64")]
table!(
    AVX512_VNNI,
    "avx512-vnni",
    avx512_vnni,
    "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma",
    AVX512,
    super::tile_512,
    avx512_vnni::attend_by_8,
    None
);

#[cfg(target_arch = "x86_64")]
table!(AVX_VNNI, "avx-vnni", avx_vnni, "avx2,fma,avxvnni", AVX256, super::tile_vnni, avx_vnni::attend_by_4, None);

#[cfg(target_arch = "x86_64")]
table!(AVX2, "avx2", avx2, "avx2,fma", AVX256, super::tile_256, avx2::attend_by_4, Some(&AVX2_WIDE));

#[cfg(target_arch = "x86_64")]
table!(AVX2_WIDE, "avx2", avx2_wide, "avx2,fma", AVX256, super::tile_256_wide, avx2_wide::attend_by_4, None);

/// Makes the loads and stores of a register.
#[cfg(target_arch = "x86_64")]
macro_rules! moves {
    (loads: { $($name:ident: $features:literal, $array:ty => $register:ty, $load:ident;)* }
     stores: { $($store:ident: $store_features:literal, $from:ty => $to:ty, $write:ident;)* }) => {
        $(
            #[inline]
            #[target_feature(enable = $features)]
            pub(super) fn $name(array: &$array) -> $register {
                const { assert!(size_of::<$array>() == size_of::<$register>()) };
                // SAFETY: the array is exactly as long as the register, and the load needs no alignment.
                unsafe { $load(array.as_ptr().cast()) }
            }
        )*
        $(
            #[inline]
            #[target_feature(enable = $store_features)]
            pub(super) fn $store(array: &mut $to, register: $from) {
                const { assert!(size_of::<$to>() == size_of::<$from>()) };
                // SAFETY: the array is exactly as long as the register, and the store needs no alignment.
                unsafe { $write(array.as_mut_ptr().cast(), register) }
            }
        )*
    };
}

#[cfg(target_arch = "x86_64")]
moves! {
    loads: {
        load_pairs: "avx512f", [u32; 16] => __m512i, _mm512_loadu_si512;
        load_floats: "avx512f", [f32; 16] => __m512, _mm512_loadu_ps;
    }
    stores: {
        store_pairs: "avx512f", __m512i => [u32; 16], _mm512_storeu_si512;
        store_half_pairs: "avx512f", __m256i => [u32; 8], _mm256_storeu_si256;
        store_floats: "avx512f", __m512 => [f32; 16], _mm512_storeu_ps;
    }
}

/// Takes a register for one of half floats.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f,avx512bf16")]
pub(super) fn as_halves(pairs: __m512i) -> __m512bh {
    // SAFETY: both are 512 bits, of which any are a value.
    unsafe { std::mem::transmute::<__m512i, __m512bh>(pairs) }
}

/// Takes a register of half floats for one of their bits.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f,avx512bf16")]
pub(super) fn as_pairs(halves: __m512bh) -> __m512i {
    // SAFETY: as in `as_halves`.
    unsafe { std::mem::transmute::<__m512bh, __m512i>(halves) }
}

/// Takes a half register of half floats for one of their bits.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f,avx512bf16")]
pub(super) fn as_half_pairs(halves: std::arch::x86_64::__m256bh) -> __m256i {
    // SAFETY: both are 256 bits, of which any are a value.
    unsafe { std::mem::transmute::<std::arch::x86_64::__m256bh, __m256i>(halves) }
}

/// Makes a tile of up to so many rows from one for a constant number of them.
#[cfg(target_arch = "x86_64")]
macro_rules! tile {
    ($name:ident, $rows:ident, $features:literal, $most:literal) => {
        #[target_feature(enable = $features)]
        pub(super) fn $name(tokens: &[[u8; STEP]], weights: &[[i8; STEP_BYTES]], sums: &mut Sums) {
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

#[cfg(target_arch = "x86_64")]
tile!(tile_512, rows_512, "avx512f,avx512bw,avx512vl,avx512vnni", 6);
#[cfg(target_arch = "x86_64")]
tile!(tile_vnni, rows_vnni, "avx2,fma,avxvnni", 3);
#[cfg(target_arch = "x86_64")]
tile!(tile_256, rows_256, "avx2,fma", 3);
#[cfg(target_arch = "x86_64")]
tile!(tile_256_wide, rows_256_wide, "avx2,fma", 3);
#[cfg(target_arch = "x86_64")]
tile!(tile_128, rows_128, "sse2", 2);

/// Sums of a row of a tile.
#[cfg(target_arch = "x86_64")]
type RowSums = [[i32; LANES]; COLUMNS / LANES];

/// Whether there is as much of everything as a tile of so many rows reads and writes.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn fits(rows: usize, tokens: &[[u8; STEP]], weights: &[[i8; STEP_BYTES]], sums: &[RowSums]) -> bool {
    rows.checked_mul(weights.len()).is_some_and(|fours| fours <= tokens.len()) && rows <= sums.len()
}

/// 24 registers of sums; each load of the weights is multiplied by six tokens.
#[cfg(target_arch = "x86_64")]
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
#[cfg(target_arch = "x86_64")]
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

#[cfg(target_arch = "x86_64")]
// Two products of a byte and a weight of seven bits fit 16 bits, so this is exact.
rows_of_256!(rows_256, "avx2,fma", |sum, bytes, weights| {
    let pairs = _mm256_maddubs_epi16(bytes, weights);
    _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
});

#[cfg(target_arch = "x86_64")]
// Of weights of eight bits one product fits 16, so every other byte is multiplied by itself.
rows_of_256!(rows_256_wide, "avx2,fma", |sum, bytes, weights| {
    let (ones, even) = (_mm256_set1_epi16(1), _mm256_set1_epi16(0xff));
    let first = _mm256_maddubs_epi16(_mm256_and_si256(bytes, even), weights);
    let second = _mm256_maddubs_epi16(_mm256_andnot_si256(even, bytes), weights);
    let sum = _mm256_add_epi32(sum, _mm256_madd_epi16(first, ones));
    _mm256_add_epi32(sum, _mm256_madd_epi16(second, ones))
});

#[cfg(target_arch = "x86_64")]
rows_of_256!(rows_vnni, "avx2,fma,avxvnni", |sum, bytes, weights| _mm256_dpbusd_avx_epi32(sum, bytes, weights));

/// SSE2: eight columns at a time, products of 16 bits, two sums a column until the end.
#[cfg(target_arch = "x86_64")]
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
