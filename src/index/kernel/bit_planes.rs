//! A question cut into four bit planes, to be compared with rows of signs by counting bits.
//!
//! A component is a whole number from -7 to 7, so `sum over set bits of component = n0 + 2 n1 + 4 n2 - 8 n3`, where `nj`
//! counts the bits that a row and plane `j` have in common (Gao and Long, 2024, section 3.3). Invariant: bits past
//! the last component are zero in every plane, so what a row has there does not count.

/// What a component is raised by before it is cut to a whole number, from 0 to just below 1: random, so that what rounding
/// takes away says nothing of the question, whose components may be all of one size, and adds up with no row.
fn dither(at: usize) -> f32 {
    // The fractional part of multiples of an irrational number would be regular; a hash is not.
    let mut z = (at as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    #[expect(clippy::cast_precision_loss, reason = "24 bits fit an f32")]
    let part = ((z ^ (z >> 31)) >> 40) as f32 / (1 << 24) as f32;
    part
}

/// Planes of one question.
pub(super) const PLANES: usize = 4;

const LOWEST: f32 = -7.0;
const HIGHEST: f32 = 7.0;

/// A question ready for [`super::Kernels::dot_signs_rows`].
#[derive(Debug, Clone)]
pub struct Planes {
    /// Bit `i % 64` of word `i / 64` of each plane belongs to component `i`.
    words: Vec<[u64; PLANES]>,
    row_bytes: usize,
    /// What a whole number stands for.
    step: f32,
    /// The length of what rounding takes away.
    lost: f32,
    /// The sum of all components.
    sum: i32,
}

impl Planes {
    /// Rounds a question to whole numbers of a step of its own, each up or down at random as it is nearer.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "clamped to four bits before the cast")]
    pub fn new(question: &[f32]) -> Self {
        let largest = question.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
        let step = (largest / HIGHEST).max(f32::MIN_POSITIVE);
        let whole = |at: usize, x: &f32| (x / step + dither(at)).floor().clamp(LOWEST, HIGHEST) as i32;
        let whole: Vec<i32> = question.iter().enumerate().map(|(at, x)| whole(at, x)).collect();
        let words = whole.chunks(64).map(|components| {
            let mut planes = [0; PLANES];
            for (at, component) in components.iter().enumerate() {
                for (bit, plane) in planes.iter_mut().enumerate() {
                    *plane |= u64::from((component >> bit) & 1 == 1) << at;
                }
            }
            planes
        });
        let words = words.collect();
        #[expect(clippy::cast_precision_loss, reason = "a whole number of four bits")]
        let lost = question.iter().zip(&whole).map(|(x, whole)| (x - *whole as f32 * step).powi(2)).sum::<f32>().sqrt();
        Self { words, row_bytes: question.len().div_ceil(8), step, lost, sum: whole.iter().sum() }
    }

    /// Returns the bytes a row of signs has.
    #[must_use]
    pub fn row_bytes(&self) -> usize {
        self.row_bytes
    }

    pub(super) fn words(&self) -> &[[u64; PLANES]] {
        &self.words
    }

    /// Returns the length of what rounding takes away from the question: the standard deviation of what that adds to its
    /// product with a row of random signs.
    #[must_use]
    pub fn lost(&self) -> f32 {
        self.lost
    }

    /// Returns what turns sums into products: the inner product of the question and a row of -1 and 1, of which a set
    /// bit is 1, is `scale * (sum of the components under its set bits) - shift`.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a sum of at most 65,536 components of four bits")]
    pub fn scale_and_shift(&self) -> (f32, f32) {
        (2.0 * self.step, self.sum as f32 * self.step)
    }
}
