//! The kernels for instructions that not every processor has.
//!
//! Most are the portable source compiled for wider registers, which is as fast as memory; those written by hand
//! are in [`super::x86`].
//! Invariant: a variant is reachable only through [`available`], which asks the processor first.

#![allow(unsafe_code, reason = "instructions that not every processor has")]

#[cfg(target_arch = "x86_64")]
use super::x86;
use super::{Kernels, portable};

/// Returns the variants this processor runs, the fastest first: AVX-512 with VNNI, with or without `vpopcntq` (Ice Lake,
/// Zen 4 and later), and AVX2.
#[cfg(target_arch = "x86_64")]
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

/// Returns the variants this processor runs. NEON itself is the portable variant, because every processor of this
/// architecture has it; the compiler turns the loops into its dot product instructions.
#[cfg(target_arch = "aarch64")]
pub(super) fn available() -> impl Iterator<Item = &'static Kernels> {
    std::arch::is_aarch64_feature_detected!("dotprod").then_some(&NEON_DOTPROD).into_iter()
}

/// Returns no variant: the portable one is all there is.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(super) fn available() -> impl Iterator<Item = &'static Kernels> {
    std::iter::empty()
}

/// Compiles the portable kernels for a set of features and makes a table of them, with given kernels in the
/// place of some.
macro_rules! variant {
    ($table:ident, $name:literal, $module:ident, $features:literal, {
        dot_i8: $dot_i8:path, dot_i8_rows: $dot_i8_rows:path, near_tile: $near_tile:path, dot_signs_rows: $dot_signs_rows:path,
        dot_signs_eights: $dot_signs_eights:path $(,)?
    }) => {
        mod $module {
            use super::portable;
            use crate::index::kernel::{EIGHT, Near, Planes, RowNumbers, SignNumbers, SignTerms, Thresholds, Tile};

            #[target_feature(enable = $features)]
            #[allow(dead_code, reason = "a variant may have its own")]
            pub(super) fn dot_i8(a: &[i8], b: &[i8]) -> i32 {
                portable::dot_i8(a, b)
            }

            #[target_feature(enable = $features)]
            #[allow(dead_code, reason = "a variant may have its own")]
            pub(super) fn dot_i8_rows(query: &[i8], rows: &[i8], out: &mut [i32]) {
                portable::each_row(query, rows, out, portable::dot_i8);
            }

            #[target_feature(enable = $features)]
            #[allow(dead_code, reason = "a variant may have its own")]
            pub(super) fn dot_signs_rows(question: &Planes, rows: &[u8], out: &mut [i32]) {
                portable::each_signs(question, rows, out);
            }

            #[target_feature(enable = $features)]
            #[allow(dead_code, reason = "a variant may have its own")]
            pub(super) fn dot_signs_eights(question: &Planes, words: &[[u64; EIGHT]], out: &mut [i32]) {
                portable::dot_signs_eights(question, words, out);
            }

            #[target_feature(enable = $features)]
            pub(super) fn sign_bounds(sums: &[i32], numbers: &SignNumbers, terms: &SignTerms, out: &mut [f32]) -> f32 {
                portable::sign_bounds(sums, numbers, terms, out)
            }

            #[target_feature(enable = $features)]
            pub(super) fn distances(dots: &[i32], numbers: &RowNumbers, scale: f32, out: &mut [f32]) -> f32 {
                portable::distances(dots, numbers, scale, out)
            }

            #[target_feature(enable = $features)]
            #[allow(dead_code, reason = "a variant may have its own")]
            pub(super) fn near_tile(
                tile: &Tile,
                rows: &[i8],
                numbers: &RowNumbers,
                limits: &Thresholds,
                found: &mut Vec<Near>,
            ) {
                portable::near_tile(tile, rows, numbers, limits, found);
            }
        }

        static $table: Kernels = Kernels {
            name: $name,
            // SAFETY: for this table as a whole: `available` gives it out only where the processor has the features.
            dot_i8: |a, b| unsafe { $dot_i8(a, b) },
            // SAFETY: as above.
            dot_i8_rows: |query, rows, out| unsafe { $dot_i8_rows(query, rows, out) },
            // SAFETY: as above.
            dot_signs_rows: |question, rows, out| unsafe { $dot_signs_rows(question, rows, out) },
            // SAFETY: as above.
            dot_signs_eights: |question, words, out| unsafe { $dot_signs_eights(question, words, out) },
            // SAFETY: as above.
            sign_bounds: |sums, numbers, terms, out| unsafe { $module::sign_bounds(sums, numbers, terms, out) },
            // SAFETY: as above.
            distances: |dots, numbers, scale, out| unsafe { $module::distances(dots, numbers, scale, out) },
            // SAFETY: as above.
            near_tile: |tile, rows, numbers, limits, found| unsafe { $near_tile(tile, rows, numbers, limits, found) },
        };
    };
}

#[cfg(target_arch = "x86_64")]
variant!(AVX2, "avx2", avx2, "avx2,popcnt", {
    dot_i8: avx2::dot_i8,
    dot_i8_rows: avx2::dot_i8_rows,
    near_tile: avx2::near_tile,
    dot_signs_rows: avx2::dot_signs_rows,
    dot_signs_eights: avx2::dot_signs_eights,
});

#[cfg(target_arch = "x86_64")]
variant!(AVX512_VNNI, "avx512-vnni", avx512, "avx512f,avx512bw,avx512vl,avx512vnni,popcnt", {
    dot_i8: x86::vnni_dot,
    dot_i8_rows: x86::vnni_dot_rows,
    near_tile: x86::vnni_near_tile,
    dot_signs_rows: avx512::dot_signs_rows,
    dot_signs_eights: avx512::dot_signs_eights,
});

#[cfg(target_arch = "x86_64")]
variant!(AVX512_POPCNT, "avx512-popcnt", avx512_popcnt, "avx512f,avx512bw,avx512vl,avx512vnni,avx512vpopcntdq,popcnt", {
    dot_i8: x86::vnni_dot,
    dot_i8_rows: x86::vnni_dot_rows,
    near_tile: x86::vnni_near_tile,
    dot_signs_rows: x86::popcnt_dot_signs_rows,
    dot_signs_eights: x86::popcnt_dot_signs_eights,
});

#[cfg(target_arch = "aarch64")]
variant!(NEON_DOTPROD, "neon-dotprod", neon_dotprod, "neon,dotprod", {
    dot_i8: neon_dotprod::dot_i8,
    dot_i8_rows: neon_dotprod::dot_i8_rows,
    near_tile: neon_dotprod::near_tile,
    dot_signs_rows: neon_dotprod::dot_signs_rows,
    dot_signs_eights: neon_dotprod::dot_signs_eights,
});
