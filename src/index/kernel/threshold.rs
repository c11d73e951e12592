//! The rows that are near the questions of a tile.
//!
//! Most rows are farther from a question than the best it has seen, so their distances need not be written anywhere.
//! Invariant: every row at a question's limit or nearer is found, and nothing else.

use super::query_tile::LANES;

/// How far a row may be from each question of a tile.
#[derive(Debug, Clone, Default)]
pub struct Thresholds {
    scales: Vec<f32>,
    reaches: Vec<f32>,
    farthest: Vec<f32>,
}

/// What rows are compared with of one question.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// What its products are multiplied with.
    pub scale: f32,
    /// What slacks are multiplied with.
    pub reach: f32,
    /// The farthest bound that counts.
    pub farthest: f32,
}

impl Thresholds {
    /// Gathers them, question by question.
    #[must_use]
    pub fn new(questions: impl IntoIterator<Item = Limit>) -> Self {
        let mut limits = Self::default();
        for Limit { scale, reach, farthest } in questions {
            limits.scales.push(scale);
            limits.reaches.push(reach);
            limits.farthest.push(farthest);
        }
        // Padded to whole registers; no row is near a question that does not exist.
        let lanes = limits.scales.len().next_multiple_of(LANES);
        limits.scales.resize(lanes, 0.0);
        limits.reaches.resize(lanes, 0.0);
        limits.farthest.resize(lanes, f32::NEG_INFINITY);
        limits
    }

    /// Updates the limits of the questions.
    pub fn draw(&mut self, farthest: impl IntoIterator<Item = f32>) {
        self.farthest.iter_mut().zip(farthest).for_each(|(slot, farthest)| *slot = farthest);
    }

    /// Returns the numbers of each question.
    pub(super) fn of_questions(&self) -> impl Iterator<Item = Limit> {
        let numbers = self.scales.iter().zip(&self.reaches).zip(&self.farthest);
        numbers.map(|((scale, reach), farthest)| Limit { scale: *scale, reach: *reach, farthest: *farthest })
    }

    /// Returns the same in groups of questions that share a register.
    #[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "only AVX-512 meets groups"))]
    pub(super) fn of_groups(&self) -> impl Iterator<Item = [&[f32; LANES]; 3]> {
        let numbers = self.scales.as_chunks::<LANES>().0.iter().zip(self.reaches.as_chunks::<LANES>().0);
        numbers
            .zip(self.farthest.as_chunks::<LANES>().0)
            .map(|((scales, reaches), farthest)| [scales, reaches, farthest])
    }
}

/// A row that is near a question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Near {
    /// Which question of the tile.
    pub question: usize,
    /// Which of the rows.
    pub row: usize,
    /// Its bound, without what all rows share.
    pub distance: f32,
}
