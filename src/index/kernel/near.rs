//! What a tile of questions finds among rows when only near rows count.
//!
//! Most rows are farther from a question than the best it has seen, so their distances need not be written anywhere.
//! Invariant: every row at a question's limit or nearer is found, and nothing else.

use super::tile::LANES;

/// How far a row may be from each question of a tile.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    scales: Vec<f32>,
    farthest: Vec<f32>,
}

impl Limits {
    /// Gathers, question by question, what its products are multiplied with and the farthest distance that counts.
    #[must_use]
    pub fn new(questions: impl IntoIterator<Item = (f32, f32)>) -> Self {
        let (mut scales, mut farthest): (Vec<f32>, Vec<f32>) = questions.into_iter().unzip();
        // Whole registers; nothing is near a question that is not there.
        let lanes = scales.len().next_multiple_of(LANES);
        scales.resize(lanes, 0.0);
        farthest.resize(lanes, f32::NEG_INFINITY);
        Self { scales, farthest }
    }

    /// Returns scale and farthest distance of each question.
    pub(super) fn of_questions(&self) -> impl Iterator<Item = (f32, f32)> {
        self.scales.iter().copied().zip(self.farthest.iter().copied())
    }

    /// Returns the same in groups of questions that share a register.
    #[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "only AVX-512 meets groups"))]
    pub(super) fn of_groups(&self) -> impl Iterator<Item = (&[f32; LANES], &[f32; LANES])> {
        self.scales.as_chunks::<LANES>().0.iter().zip(self.farthest.as_chunks::<LANES>().0)
    }
}

/// A row that is near a question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Near {
    /// Which question of the tile.
    pub question: usize,
    /// Which of the rows.
    pub row: usize,
    /// Its distance, without what all rows share.
    pub distance: f32,
}
