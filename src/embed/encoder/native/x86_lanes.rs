//! Sixteen numbers in the registers of x86-64.
//!
//! Invariant: who holds a value of [`Avx512`], [`Avx256`] or [`Sse2`] is where the processor has the instructions: `here` of
//! each is a function compiled for them, which safe code can call only in another such.

#![allow(unsafe_code, reason = "instructions that not every processor has")]
#![allow(clippy::wildcard_imports, reason = "the instructions are what the file is about")]

use std::arch::x86_64::*;

use super::super::lanes::{LANES, Lanes, Sixteen};

/// AVX-512 that the processor has, and with it AVX2 and FMA.
#[derive(Clone, Copy)]
pub(super) struct Avx512(());

impl Avx512 {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx2,fma")]
    pub(super) fn here() -> Self {
        Self(())
    }

    /// What is part of it.
    const WITH: Avx256 = Avx256(());
}

/// AVX2 and FMA that the processor has.
#[derive(Clone, Copy)]
pub(super) struct Avx256(());

impl Avx256 {
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn here() -> Self {
        Self(())
    }
}

/// SSE2, which is part of the architecture.
#[derive(Clone, Copy)]
pub(in super::super) struct Sse2;

/// Joins halves with halves: four numbers, two, one.
macro_rules! fold {
    ($four:expr, $join:ident, $join_one:ident) => {{
        let four = $four;
        let two = $join(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32($join_one(two, _mm_shuffle_ps::<1>(two, two)))
    }};
}

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
        fn sum(self, x: __m512) -> f32 { Self::WITH.sum(halves(x)) }
        fn smallest(self, x: __m512) -> f32 { Self::WITH.smallest(halves(x)) }
        fn largest(self, x: __m512) -> f32 { Self::WITH.largest(halves(x)) }
    }
}

/// Returns the lower and the upper eight numbers.
#[inline]
#[target_feature(enable = "avx512f")]
fn halves(x: __m512) -> [__m256; 2] {
    let upper = _mm512_extractf64x4_pd::<1>(_mm512_castps_pd(x));
    [_mm512_castps512_ps256(x), _mm256_castpd_ps(upper)]
}

#[expect(clippy::indexing_slicing, reason = "within the number of registers")]
impl Lanes for Avx256 {
    type Of = [__m256; 2];

    by_register! {
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
            let lower = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
            [lower, _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_unpackhi_epi64(bytes, bytes)))]
        }
        fn of_sums(self, sums: &[i32; LANES]) -> [__m256; 2] {
            let lower = _mm256_cvtepi32_ps(_mm256_loadu_si256(sums.as_ptr().cast()));
            [lower, _mm256_cvtepi32_ps(_mm256_loadu_si256(sums.as_ptr().add(8).cast()))]
        }
        fn put_bytes(self, x: [__m256; 2], to: &mut [u8; LANES]) -> () {
            let lower = _mm256_cvtps_epi32(_mm256_max_ps(x[0], _mm256_setzero_ps()));
            let upper = _mm256_cvtps_epi32(_mm256_max_ps(x[1], _mm256_setzero_ps()));
            let lower = _mm_packs_epi32(_mm256_castsi256_si128(lower), _mm256_extracti128_si256::<1>(lower));
            let upper = _mm_packs_epi32(_mm256_castsi256_si128(upper), _mm256_extracti128_si256::<1>(upper));
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

#[expect(clippy::indexing_slicing, reason = "within the number of registers")]
impl Lanes for Sse2 {
    type Of = [__m128; 4];

    by_register! {
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
