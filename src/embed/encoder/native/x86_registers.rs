//! Loads and stores of registers, and casts between their kinds, for the kernels by hand in [`super::super::halves`].
//!
//! Invariant: a load or store is of an array exactly as long as the register.

#![allow(unsafe_code, reason = "instructions that not every processor has")]
#![allow(clippy::wildcard_imports, reason = "the instructions are what the file is about")]

use std::arch::x86_64::*;

/// Makes the loads and stores of a register.
macro_rules! moves {
    (loads: { $($name:ident: $features:literal, $array:ty => $register:ty, $load:ident;)* }
     stores: { $($store:ident: $store_features:literal, $from:ty => $to:ty, $write:ident;)* }) => {
        $(
            #[inline]
            #[target_feature(enable = $features)]
            pub(in super::super) fn $name(array: &$array) -> $register {
                const { assert!(size_of::<$array>() == size_of::<$register>()) };
                // SAFETY: the array is exactly as long as the register, and the load needs no alignment.
                unsafe { $load(array.as_ptr().cast()) }
            }
        )*
        $(
            #[inline]
            #[target_feature(enable = $store_features)]
            pub(in super::super) fn $store(array: &mut $to, register: $from) {
                const { assert!(size_of::<$to>() == size_of::<$from>()) };
                // SAFETY: the array is exactly as long as the register, and the store needs no alignment.
                unsafe { $write(array.as_mut_ptr().cast(), register) }
            }
        )*
    };
}

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
#[inline]
#[target_feature(enable = "avx512f,avx512bf16")]
pub(in super::super) fn as_halves(pairs: __m512i) -> __m512bh {
    // SAFETY: both are 512 bits, of which any are a value.
    unsafe { std::mem::transmute::<__m512i, __m512bh>(pairs) }
}

/// Takes a register of half floats for one of their bits.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16")]
pub(in super::super) fn as_pairs(halves: __m512bh) -> __m512i {
    // SAFETY: as in `as_halves`.
    unsafe { std::mem::transmute::<__m512bh, __m512i>(halves) }
}

/// Takes a half register of half floats for one of their bits.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16")]
pub(in super::super) fn as_half_pairs(halves: __m256bh) -> __m256i {
    // SAFETY: both are 256 bits, of which any are a value.
    unsafe { std::mem::transmute::<__m256bh, __m256i>(halves) }
}
