//! A question cut into four bit planes, to be compared with rows of signs by counting bits.
//!
//! A component is a whole number from -8 to 7, so `sum over set bits of component = n0 + 2 n1 + 4 n2 - 8 n3`, where `nj`
//! counts the bits that a row and plane `j` have in common (Gao and Long, 2024, section 3.3). Invariant: bits past
//! the last component are zero in every plane, so what a row has there does not count.

/// Planes of one question.
pub(super) const PLANES: usize = 4;

const LOWEST: f32 = -8.0;
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
    /// Rounds a question to whole numbers of a step of its own.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "clamped to four bits before the cast")]
    pub fn new(question: &[f32]) -> Self {
        let largest = question.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
        let step = (largest / (HIGHEST + 0.5)).max(f32::MIN_POSITIVE);
        let whole = |x: &f32| (x / step).round().clamp(LOWEST, HIGHEST) as i32;
        let words = question.chunks(64).map(|components| {
            let mut planes = [0; PLANES];
            for (at, component) in components.iter().enumerate() {
                for (bit, plane) in planes.iter_mut().enumerate() {
                    *plane |= u64::from((whole(component) >> bit) & 1 == 1) << at;
                }
            }
            planes
        });
        let words = words.collect();
        #[expect(clippy::cast_precision_loss, reason = "a whole number of four bits")]
        let lost = question.iter().map(|x| (x - whole(x) as f32 * step).powi(2)).sum::<f32>().sqrt();
        Self { words, row_bytes: question.len().div_ceil(8), step, lost, sum: question.iter().map(whole).sum() }
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
