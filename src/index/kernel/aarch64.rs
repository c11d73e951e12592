//! The kernels for `aarch64`: the portable source compiled for NEON, and for NEON with its dot product instructions.
//!
//! Nothing is written by hand: the compiler turns the loops into NEON. Invariant: a variant is reachable only
//! through [`available`], which asks the processor first.

#![allow(unsafe_code, reason = "instructions that not every processor has")]

use std::arch::is_aarch64_feature_detected;

use super::{Kernels, Limits, Near, Numbers, Tile, portable};

/// Returns the variants this processor runs, the fastest first. NEON itself is the portable variant, because
/// every processor of this architecture has it.
pub(super) fn available() -> impl Iterator<Item = &'static Kernels> {
    is_aarch64_feature_detected!("dotprod").then_some(&NEON_DOTPROD).into_iter()
}

static NEON_DOTPROD: Kernels = Kernels {
    name: "neon-dotprod",
    // SAFETY: for this table as a whole: `available` gives it out only where the processor has the features.
    dot_i8: |a, b| unsafe { dot_i8(a, b) },
    l2_i8: portable::l2_i8,
    dot_f32: portable::dot_f32,
    l2_f32: portable::l2_f32,
    hamming: portable::hamming,
    // SAFETY: as above.
    dot_i8_rows: |query, rows, out| unsafe { dot_i8_rows(query, rows, out) },
    l2_i8_rows: |query, rows, out| portable::each_row(query, rows, out, portable::l2_i8),
    hamming_rows: |query, rows, out| portable::each_row(query, rows, out, portable::hamming),
    dot_signs_rows: portable::each_signs,
    distances: portable::distances,
    // SAFETY: as above.
    near_tile: |queries, rows, numbers, limits, found| unsafe { near_tile(queries, rows, numbers, limits, found) },
    // SAFETY: as above.
    dot_i8_tile: |queries, rows, out| unsafe { dot_i8_tile(queries, rows, out) },
};

#[target_feature(enable = "neon,dotprod")]
fn dot_i8(a: &[i8], b: &[i8]) -> i32 {
    portable::dot_i8(a, b)
}

#[target_feature(enable = "neon,dotprod")]
fn near_tile(queries: &Tile, rows: &[i8], numbers: &Numbers, limits: &Limits, found: &mut Vec<Near>) {
    portable::near_tile(queries, rows, numbers, limits, found);
}

#[target_feature(enable = "neon,dotprod")]
fn dot_i8_rows(query: &[i8], rows: &[i8], out: &mut [i32]) {
    portable::each_row(query, rows, out, portable::dot_i8);
}

#[target_feature(enable = "neon,dotprod")]
fn dot_i8_tile(queries: &Tile, rows: &[i8], out: &mut [i32]) {
    portable::each_query(queries, rows, out, portable::dot_i8);
}
