//! NEON with products of bytes (`sdot`), which ARM's processors have since about 2018: lanes, a tile, and their table.
//!
//! Invariant: the same bits as plain Rust, which on this architecture multiplies and adds at once too. What is read by
//! address is checked against the slices' lengths first. The tests of sums, bits and nearness ran under QEMU, for want
//! of such a processor: so the numbers are right, and nothing is known of the speed.

#![allow(unsafe_code, reason = "instructions that not every processor has")]
#![allow(clippy::wildcard_imports, reason = "the instructions are what the file is about")]

use std::arch::aarch64::*;
use std::arch::{asm, is_aarch64_feature_detected};

use super::super::kernels::Kernels;
use super::super::lanes::{LANES, Lanes, Sixteen};
use super::super::layout::{COLUMNS, STEP};
use super::super::product::{Panel, Sums};

/// Returns the table, where the processor has what it is compiled for.
pub(in super::super) fn available() -> impl Iterator<Item = &'static Kernels> {
    let has = is_aarch64_feature_detected!("neon") && is_aarch64_feature_detected!("dotprod");
    has.then_some(&NEON_DOTPROD).into_iter()
}

table!(
    NEON_DOTPROD,
    "neon-dotprod",
    neon_dotprod,
    "neon,dotprod",
    super::super::neon::Neon,
    super::super::neon::tile,
    neon_dotprod::attend::<4>,
    None
);

/// NEON that the processor has.
#[derive(Clone, Copy)]
struct Neon(());

impl Neon {
    #[inline]
    #[target_feature(enable = "neon")]
    fn here() -> Self {
        Self(())
    }
}

/// Of two zeros and with NaN the first, as in plain Rust.
#[inline]
#[target_feature(enable = "neon")]
fn smaller(x: float32x4_t, y: float32x4_t) -> float32x4_t {
    vbslq_f32(vcltq_f32(y, x), y, x)
}

/// As [`smaller`].
#[inline]
#[target_feature(enable = "neon")]
fn larger(x: float32x4_t, y: float32x4_t) -> float32x4_t {
    vbslq_f32(vcgtq_f32(y, x), y, x)
}

/// Joins halves with halves: eight numbers, four, two, one.
macro_rules! fold {
    ($x:expr, $join:expr, $join_one:expr) => {{
        let [a, b, c, d] = $x;
        let four = $join($join(a, c), $join(b, d));
        let two = $join(four, vextq_f32::<2>(four, four));
        $join_one(vgetq_lane_f32::<0>(two), vgetq_lane_f32::<1>(two))
    }};
}

#[expect(clippy::indexing_slicing, reason = "within the number of registers")]
impl Lanes for Neon {
    type Of = [float32x4_t; 4];

    by_register! {
        plus(x, y) = vaddq_f32;
        minus(x, y) = vsubq_f32;
        times(x, y) = vmulq_f32;
        times_plus(x, y, z) = |x, y, z| vfmaq_f32(z, x, y);
        smaller(x, y) = smaller;
        larger(x, y) = larger;
        raise(x, power) = |x, power| {
            let power = vshlq_n_s32::<23>(vreinterpretq_s32_f32(power));
            vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(x), power))
        };
    }

    by_instructions! {
        fn splat(self, x: f32) -> Self::Of { [vdupq_n_f32(x); 4] }
        fn load(self, from: &Sixteen) -> Self::Of {
            let at = from.as_ptr();
            [vld1q_f32(at), vld1q_f32(at.add(4)), vld1q_f32(at.add(8)), vld1q_f32(at.add(12))]
        }
        fn store(self, x: Self::Of, to: &mut Sixteen) -> () {
            let at = to.as_mut_ptr();
            vst1q_f32(at, x[0]);
            vst1q_f32(at.add(4), x[1]);
            vst1q_f32(at.add(8), x[2]);
            vst1q_f32(at.add(12), x[3]);
        }
        fn of_bytes(self, bytes: &[u8; LANES]) -> Self::Of {
            let bytes = vld1q_u8(bytes.as_ptr());
            let (lower, upper) = (vmovl_u8(vget_low_u8(bytes)), vmovl_u8(vget_high_u8(bytes)));
            [
                vcvtq_f32_u32(vmovl_u16(vget_low_u16(lower))),
                vcvtq_f32_u32(vmovl_u16(vget_high_u16(lower))),
                vcvtq_f32_u32(vmovl_u16(vget_low_u16(upper))),
                vcvtq_f32_u32(vmovl_u16(vget_high_u16(upper))),
            ]
        }
        fn of_sums(self, sums: &[i32; LANES]) -> Self::Of {
            let at = sums.as_ptr();
            [
                vcvtq_f32_s32(vld1q_s32(at)),
                vcvtq_f32_s32(vld1q_s32(at.add(4))),
                vcvtq_f32_s32(vld1q_s32(at.add(8))),
                vcvtq_f32_s32(vld1q_s32(at.add(12))),
            ]
        }
        // Rounds to even, and takes what is below 0 for 0 and what is above 255 for 255.
        fn put_bytes(self, x: Self::Of, to: &mut [u8; LANES]) -> () {
            let [a, b, c, d] = x;
            let lower = vcombine_u16(vqmovn_u32(vcvtnq_u32_f32(a)), vqmovn_u32(vcvtnq_u32_f32(b)));
            let upper = vcombine_u16(vqmovn_u32(vcvtnq_u32_f32(c)), vqmovn_u32(vcvtnq_u32_f32(d)));
            vst1q_u8(to.as_mut_ptr(), vcombine_u8(vqmovn_u16(lower), vqmovn_u16(upper)));
        }
        fn sum(self, x: Self::Of) -> f32 { fold!(x, vaddq_f32, |x: f32, y: f32| x + y) }
        fn smallest(self, x: Self::Of) -> f32 { fold!(x, smaller, |x: f32, y: f32| if y < x { y } else { x }) }
        fn largest(self, x: Self::Of) -> f32 { fold!(x, larger, |x: f32, y: f32| if y > x { y } else { x }) }
    }
}

/// Makes the sums of a tile, four tokens at a time.
#[target_feature(enable = "neon,dotprod")]
fn tile(panel: Panel<'_>, tokens: &[[u8; STEP]], sums: &mut Sums) {
    let steps = panel.weights.len().max(1);
    for (tokens, sums) in tokens.chunks(4 * steps).zip(sums.0.chunks_mut(4)) {
        match tokens.len() / steps {
            1 => rows::<1>(panel, tokens, sums),
            2 => rows::<2>(panel, tokens, sums),
            3 => rows::<3>(panel, tokens, sums),
            _ => rows::<4>(panel, tokens, sums),
        }
    }
}

/// Adds to four sums the products of four times four weights and a lane of four bytes. By name, for the function for it
/// came with a later Rust.
macro_rules! dot {
    ($sum:expr, $weights:expr, $fours:expr, $lane:literal) => {
        asm!(
            concat!("sdot {sum:v}.4s, {weights:v}.16b, {fours:v}.4b[", $lane, "]"),
            sum = inout(vreg) $sum,
            weights = in(vreg) $weights,
            fours = in(vreg) $fours,
            options(pure, nomem, nostack, preserves_flags)
        )
    };
}

/// Sixteen columns at a time: up to 16 registers of sums, four of weights, four of bytes.
///
/// The instruction takes bytes with a sign. So 128 is taken off each, and the sums begin with 128 times the columns' sums.
#[target_feature(enable = "neon,dotprod")]
#[allow(clippy::indexing_slicing, clippy::needless_range_loop, reason = "within arrays of constant length")]
fn rows<const ROWS: usize>(panel: Panel<'_>, tokens: &[[u8; STEP]], sums: &mut [[[i32; LANES]; COLUMNS / LANES]]) {
    let Panel { layer, number, weights, .. } = panel;
    let (blocks, rest) = weights.as_chunks::<4>();
    let steps = weights.len();
    let Some(column_sums) = layer.sums.get(number * (COLUMNS / LANES)..).and_then(|sums| sums.first_chunk::<4>())
    else {
        return;
    };
    if !rest.is_empty() || ROWS.checked_mul(steps).is_none_or(|fours| fours > tokens.len()) || ROWS > sums.len() {
        return;
    }
    let flip = vdupq_n_u8(128);
    for quarter in 0..4 {
        let mut begin = [vdupq_n_s32(0); 4];
        for column in 0..4 {
            // SAFETY: four times four numbers are the 16 of the array.
            let four = unsafe { vld1q_f32(column_sums[quarter].as_ptr().add(column * 4)) };
            begin[column] = vcvtq_s32_f32(vmulq_n_f32(four, 128.0));
        }
        let mut found = [begin; ROWS];
        for (block, weights) in blocks.iter().enumerate() {
            let mut fours = [vreinterpretq_s8_u8(flip); ROWS];
            for row in 0..ROWS {
                // SAFETY: there are `ROWS` times `steps` fours of bytes, checked above, and four times `block` is four
                // below `steps` at most.
                let bytes = unsafe { vld1q_u8(tokens.as_ptr().add(row * steps + block * 4).cast()) };
                fours[row] = vreinterpretq_s8_u8(veorq_u8(bytes, flip));
            }
            macro_rules! step {
                ($lane:literal, $number:literal) => {
                    for column in 0..4 {
                        // SAFETY: a step has 256 weights: four times four times 16.
                        let columns = unsafe { vld1q_s8(weights[$number].as_ptr().add(quarter * 64 + column * 16)) };
                        for row in 0..ROWS {
                            // SAFETY: the instruction touches no memory, and the function is compiled for it.
                            unsafe { dot!(found[row][column], columns, fours[row], $lane) };
                        }
                    }
                };
            }
            step!("0", 0);
            step!("1", 1);
            step!("2", 2);
            step!("3", 3);
        }
        for row in 0..ROWS {
            for column in 0..4 {
                // SAFETY: four times four numbers are the 16 of the array.
                unsafe { vst1q_s32(sums[row][quarter].as_mut_ptr().add(column * 4), found[row][column]) };
            }
        }
    }
}
