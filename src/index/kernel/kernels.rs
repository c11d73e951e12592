//! The kernels as one table of functions, and the numbers they are given.
//!
//! Invariant: of two slices of unequal length the shorter one counts.

use super::{Near, Planes, Thresholds, Tile};

/// One variant of every kernel. Of two slices of unequal length the shorter one counts.
#[derive(Debug)]
pub struct Kernels {
    pub(super) name: &'static str,
    pub(super) dot_i8: fn(&[i8], &[i8]) -> i32,
    pub(super) dot_i8_rows: fn(&[i8], &[i8], &mut [i32]),
    pub(super) dot_signs_rows: fn(&Planes, &[u8], &mut [i32]),
    pub(super) dot_signs_eights: fn(&Planes, &[[u64; EIGHT]], &mut [i32]),
    pub(super) sign_bounds: fn(&[i32], &SignNumbers, &SignTerms, &mut [f32]) -> f32,
    pub(super) distances: fn(&[i32], &RowNumbers, f32, &mut [f32]) -> f32,
    pub(super) near_tile: fn(&Tile, &[i8], &RowNumbers, &Thresholds, &mut Vec<Near>),
}

/// What turns the products of rows into distances, or bounds of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct RowNumbers<'a> {
    /// What the product of each row is multiplied with.
    pub factors: &'a [f32],
    /// What that is taken from.
    pub biases: &'a [f32],
    /// What is taken off as well, for each unit of a question's reach.
    pub slacks: &'a [f32],
}

/// Rows whose signs lie interleaved, a word of each in turn, so that one register holds the same word of all.
pub const EIGHT: usize = 8;

/// What turns the products of rows of signs into bounds, a number a row each.
#[derive(Debug, Clone, Copy)]
pub struct SignNumbers<'a> {
    /// What the product is multiplied with.
    pub weights: &'a [f32],
    /// What that is taken from.
    pub biases: &'a [f32],
    /// What is taken off as well, for each unit of `by_slack`.
    pub slacks: &'a [f32],
}

/// What a question makes of the numbers of rows.
#[derive(Debug, Clone, Copy)]
pub struct SignTerms {
    /// What a sum under set bits is multiplied with.
    pub scale: f32,
    /// What is added to a bound for each unit of weight.
    pub by_weight: f32,
    /// What is taken off for each unit of slack.
    pub by_slack: f32,
    /// What is taken off every bound.
    pub fixed: f32,
}

impl Kernels {
    /// Returns the variant's name.
    #[cfg(any(test, feature = "internals"))]
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the inner product of two i8 vectors.
    #[must_use]
    pub fn dot_i8(&self, a: &[i8], b: &[i8]) -> i32 {
        (self.dot_i8)(a, b)
    }

    /// Writes the inner product of the query with each row. `rows` lie one after another, each as long as the
    /// query; as many are scored as fit `out`.
    pub fn dot_i8_rows(&self, query: &[i8], rows: &[i8], out: &mut [i32]) {
        (self.dot_i8_rows)(query, rows, out);
    }

    /// Writes, for each row of signs, the sum of the question's components under its set bits. As many rows are
    /// scored as fit `out`.
    pub fn dot_signs_rows(&self, question: &Planes, rows: &[u8], out: &mut [i32]) {
        (self.dot_signs_rows)(question, rows, out);
    }

    /// Does the same for rows whose signs lie interleaved in groups of [`EIGHT`]: `words` has, for each group, one word of
    /// each of its rows, then the next word of each.
    pub fn dot_signs_eights(&self, question: &Planes, words: &[[u64; EIGHT]], out: &mut [i32]) {
        (self.dot_signs_eights)(question, words, out);
    }

    /// Writes `bias + weight * by_weight - slack * by_slack - fixed - sum * (weight * scale)` for each row, and returns the
    /// least. As many rows are bounded as fit `out`.
    pub fn sign_bounds(&self, sums: &[i32], numbers: &SignNumbers, terms: &SignTerms, out: &mut [f32]) -> f32 {
        (self.sign_bounds)(sums, numbers, terms, out)
    }

    /// Writes `bias - dot * (factor * scale)` for each row, whatever its slack, and returns the least. As many rows are
    /// measured as fit `out`.
    pub fn distances(&self, dots: &[i32], numbers: &RowNumbers, scale: f32, out: &mut [f32]) -> f32 {
        (self.distances)(dots, numbers, scale, out)
    }

    /// Appends every row whose `bias - dot * (factor * scale) - reach * slack` is at a query's limit or below, in any order.
    pub fn near_tile(
        &self,
        queries: &Tile,
        rows: &[i8],
        numbers: &RowNumbers,
        limits: &Thresholds,
        found: &mut Vec<Near>,
    ) {
        (self.near_tile)(queries, rows, numbers, limits, found);
    }
}
