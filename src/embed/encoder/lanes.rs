//! Sixteen numbers at once, in whatever registers a processor has for them.
//!
//! Invariant: the order of every sum is written down here, so a set of instructions changes no bit; but for whether a product
//! is rounded before it is added ([`Lanes::times_plus`]), as the oldest processors must.

/// Numbers at once.
pub(super) const LANES: usize = 16;

/// Sixteen numbers, as the kernels take them.
pub(super) type Sixteen = [f32; LANES];

/// The powers of 2 from -1/2 to 1/2; off by 4e-6 at most.
pub(super) const POWERS: [f32; 5] = [1.0, 0.693_121_03, 0.240_221_07, 0.055_922_035, 0.009_676_037];
/// The error function over its argument, by the square of it; off by 5e-5 at most.
const ERROR_FUNCTION: [f32; 9] = [
    0.328_107_73,
    -0.160_076_69,
    0.111_120_08,
    -0.079_432_44,
    0.052_308_09,
    -0.029_035_034,
    0.018_134_494,
    -0.014_073_01,
    0.005_505_51,
];
/// Beyond this the error function of an argument over the root of 2 is 1.
const ERROR_FUNCTION_END: f32 = 4.3;
/// Added and taken off again, it leaves a whole number: the nearest, of two the even one.
pub(super) const ROUNDS: f32 = 12_582_912.0;

/// A set of instructions that the processor has: who holds one may use them.
pub(super) trait Lanes: Copy {
    /// Sixteen numbers.
    type Of: Copy;

    fn splat(self, x: f32) -> Self::Of;
    fn load(self, from: &Sixteen) -> Self::Of;
    fn store(self, x: Self::Of, to: &mut Sixteen);
    fn plus(self, x: Self::Of, y: Self::Of) -> Self::Of;
    fn minus(self, x: Self::Of, y: Self::Of) -> Self::Of;
    fn times(self, x: Self::Of, y: Self::Of) -> Self::Of;
    /// Multiplies `x` and `y` and adds `z`.
    fn times_plus(self, x: Self::Of, y: Self::Of, z: Self::Of) -> Self::Of;
    fn smaller(self, x: Self::Of, y: Self::Of) -> Self::Of;
    fn larger(self, x: Self::Of, y: Self::Of) -> Self::Of;
    fn of_bytes(self, bytes: &[u8; LANES]) -> Self::Of;
    fn of_sums(self, sums: &[i32; LANES]) -> Self::Of;
    /// Rounds to whole numbers from 0 to 255.
    fn put_bytes(self, x: Self::Of, to: &mut [u8; LANES]);
    /// Multiplies by 2 to the power of the last bits of a number that [`ROUNDS`] was added to.
    fn raise(self, x: Self::Of, power: Self::Of) -> Self::Of;
    /// Halves with halves: 8 sums, 4, 2, 1.
    fn sum(self, x: Self::Of) -> f32;
    fn smallest(self, x: Self::Of) -> f32;
    fn largest(self, x: Self::Of) -> f32;

    /// 2 to the power of each; of what is below -126, nearly nothing.
    #[inline(always)]
    fn exp2(self, x: Self::Of) -> Self::Of {
        let rounds = self.splat(ROUNDS);
        let x = self.larger(x, self.splat(-126.0));
        let shifted = self.plus(x, rounds);
        let rest = self.minus(x, self.minus(shifted, rounds));
        let [a, b, c, d, e] = POWERS;
        let mut power = self.splat(e);
        for factor in [d, c, b, a] {
            power = self.times_plus(power, rest, self.splat(factor));
        }
        self.raise(power, shifted)
    }

    /// The activation between the halves of a feed-forward: x/2 (1 + erf(x / sqrt 2)).
    #[inline(always)]
    fn gelu(self, x: Self::Of) -> Self::Of {
        let within = self.smaller(x, self.splat(ERROR_FUNCTION_END));
        let within = self.larger(within, self.splat(-ERROR_FUNCTION_END));
        let scale = self.splat(2.0 / (ERROR_FUNCTION_END * ERROR_FUNCTION_END));
        let square = self.times_plus(self.times(within, within), scale, self.splat(-1.0));
        let mut ratio = self.splat(0.0);
        for factor in ERROR_FUNCTION.into_iter().rev() {
            ratio = self.times_plus(ratio, square, self.splat(factor));
        }
        let half = self.times(x, self.splat(0.5));
        self.times_plus(half, self.times(within, ratio), half)
    }
}
