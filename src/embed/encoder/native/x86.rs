//! The tables of kernels for x86-64, and which of them this processor can use.
//!
//! Invariant: [`available`] asks for every feature that a table is compiled for.

#![allow(unsafe_code, reason = "instructions that not every processor has")]

use super::super::kernels::Kernels;

/// Returns the tables this processor can use, the fastest first.
pub(in super::super) fn available() -> impl Iterator<Item = &'static Kernels> {
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
    #[cfg(test)]
    let tables = tables.into_iter().chain([(vnni, &LIKE_AVX_VNNI)]);
    tables.into_iter().filter(|(runs, _)| *runs).map(|(_, table)| table)
}

table!(
    AVX512_BF16,
    "avx512-vnni-bf16",
    avx512_bf16,
    "avx512f,avx512bw,avx512vl,avx512vnni,avx512bf16,avx2,fma",
    super::super::x86_lanes::Avx512,
    super::super::x86_tiles::tile_512,
    super::super::halves::attend,
    None
);

// As many rows as keep both of the units for sums busy.
table!(
    AVX512_VNNI,
    "avx512-vnni",
    avx512_vnni,
    "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma",
    super::super::x86_lanes::Avx512,
    super::super::x86_tiles::tile_512,
    avx512_vnni::attend::<8>,
    None
);

table!(
    AVX_VNNI,
    "avx-vnni",
    avx_vnni,
    "avx2,fma,avxvnni",
    super::super::x86_lanes::Avx256,
    super::super::x86_tiles::tile_vnni,
    avx_vnni::attend::<4>,
    None
);

// As many rows as 16 registers hold the sums of.
table!(
    AVX2,
    "avx2",
    avx2,
    "avx2,fma",
    super::super::x86_lanes::Avx256,
    super::super::x86_avx2::tile_256,
    avx2::attend::<4>,
    Some(&AVX2_WIDE)
);

table!(
    AVX2_WIDE,
    "avx2",
    avx2_wide,
    "avx2,fma",
    super::super::x86_lanes::Avx256,
    super::super::x86_avx2::tile_256_wide,
    avx2_wide::attend::<4>,
    None
);

// What is said of AVX-VNNI, on a processor that has the instruction as a part of AVX-512 alone.
#[cfg(test)]
table!(
    LIKE_AVX_VNNI,
    "like-avx-vnni",
    like_avx_vnni,
    "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma",
    super::super::x86_lanes::Avx256,
    super::super::x86_tiles::like_vnni::tile,
    like_avx_vnni::attend::<4>,
    None
);
