//! Lanes and a tile in plain Rust: for processors that nothing is written for by hand, and to compare what is with.
//!
//! Invariant: sums are made in the order that [`super::lanes`] says.

use super::lanes::{LANES, Lanes, ROUNDS, Sixteen};
use super::layout::STEP;
use super::product::{Panel, Sums};

/// Plain Rust, which every processor runs. `FUSED` where every one of the architecture multiplies and adds at once.
#[derive(Clone, Copy)]
pub(super) struct Plain<const FUSED: bool>;

impl<const FUSED: bool> Plain<FUSED> {
    #[inline(always)]
    fn with(x: Sixteen, y: Sixteen, join: impl Fn(f32, f32) -> f32) -> Sixteen {
        let mut joined = x;
        for (x, y) in joined.iter_mut().zip(y) {
            *x = join(*x, y);
        }
        joined
    }

    #[inline(always)]
    fn fold(x: Sixteen, join: impl Fn(f32, f32) -> f32) -> f32 {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = x;
        let [a, b, c, d] = [
            join(join(a, i), join(e, m)),
            join(join(b, j), join(f, n)),
            join(join(c, k), join(g, o)),
            join(join(d, l), join(h, p)),
        ];
        join(join(a, c), join(b, d))
    }
}

impl<const FUSED: bool> Lanes for Plain<FUSED> {
    type Of = Sixteen;

    #[inline(always)]
    fn splat(self, x: f32) -> Sixteen {
        [x; LANES]
    }

    #[inline(always)]
    fn load(self, from: &Sixteen) -> Sixteen {
        *from
    }

    #[inline(always)]
    fn store(self, x: Sixteen, to: &mut Sixteen) {
        *to = x;
    }

    #[inline(always)]
    fn plus(self, x: Sixteen, y: Sixteen) -> Sixteen {
        Self::with(x, y, |x, y| x + y)
    }

    #[inline(always)]
    fn minus(self, x: Sixteen, y: Sixteen) -> Sixteen {
        Self::with(x, y, |x, y| x - y)
    }

    #[inline(always)]
    fn times(self, x: Sixteen, y: Sixteen) -> Sixteen {
        Self::with(x, y, |x, y| x * y)
    }

    #[inline(always)]
    fn times_plus(self, x: Sixteen, y: Sixteen, z: Sixteen) -> Sixteen {
        if FUSED {
            let mut sums = z;
            for ((z, x), y) in sums.iter_mut().zip(x).zip(y) {
                *z = x.mul_add(y, *z);
            }
            return sums;
        }
        self.plus(self.times(x, y), z)
    }

    #[inline(always)]
    fn smaller(self, x: Sixteen, y: Sixteen) -> Sixteen {
        Self::with(x, y, |x, y| if y < x { y } else { x })
    }

    #[inline(always)]
    fn larger(self, x: Sixteen, y: Sixteen) -> Sixteen {
        Self::with(x, y, |x, y| if y > x { y } else { x })
    }

    #[inline(always)]
    fn of_bytes(self, bytes: &[u8; LANES]) -> Sixteen {
        bytes.map(f32::from)
    }

    #[inline(always)]
    #[expect(clippy::cast_precision_loss, reason = "rounded the same way everywhere")]
    fn of_sums(self, sums: &[i32; LANES]) -> Sixteen {
        sums.map(|sum| sum as f32)
    }

    #[inline(always)]
    fn put_bytes(self, x: Sixteen, to: &mut [u8; LANES]) {
        for (byte, x) in to.iter_mut().zip(x) {
            let x = if x > 0.0 { x } else { 0.0 };
            let x = if x < 255.0 { x } else { 255.0 };
            // The last eight bits of the sum are the number.
            let [.., last] = (x + ROUNDS).to_bits().to_be_bytes();
            *byte = last;
        }
    }

    #[inline(always)]
    fn raise(self, x: Sixteen, power: Sixteen) -> Sixteen {
        Self::with(x, power, |x, power| f32::from_bits(x.to_bits().wrapping_add(power.to_bits() << 23)))
    }

    #[inline(always)]
    fn sum(self, x: Sixteen) -> f32 {
        Self::fold(x, |x, y| x + y)
    }

    #[inline(always)]
    fn smallest(self, x: Sixteen) -> f32 {
        Self::fold(x, |x, y| if y < x { y } else { x })
    }

    #[inline(always)]
    fn largest(self, x: Sixteen) -> f32 {
        Self::fold(x, |x, y| if y > x { y } else { x })
    }
}

/// Multiplies the bytes of up to six tokens by a panel of weights.
pub(super) fn plain_tile(panel: Panel<'_>, tokens: &[[u8; STEP]], sums: &mut Sums) {
    let weights = panel.weights;
    for (tokens, sums) in tokens.chunks_exact(weights.len().max(1)).zip(&mut sums.0) {
        let sums = sums.as_flattened_mut();
        sums.fill(0);
        for (token, step) in tokens.iter().zip(weights) {
            for (sum, weights) in sums.iter_mut().zip(step.as_chunks::<STEP>().0) {
                let products = token.iter().zip(weights).map(|(byte, weight)| i32::from(*byte) * i32::from(*weight));
                *sum += products.sum::<i32>();
            }
        }
    }
}
