//! The arithmetic of a search: products and distances of i8, f32 and 1-bit vectors, for one row or a whole block.
//!
//! [`kernels`] picks once, at run time, the variant this machine runs fastest. It is not a search: nothing here
//! knows of ordinals or of the best k. Invariant: every variant returns the same bits as the portable one,
//! integers and floats alike, so a file gives the same answers on every machine.
//!
//! i8 results are exact up to 32,768 dimensions; past that they wrap.

mod native;
mod near;
mod planes;
mod portable;
mod tile;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(test)]
mod tests;

use std::sync::OnceLock;

pub use near::{Limit, Limits, Near};
pub use planes::Planes;
pub use tile::Tile;

use crate::record::Space;

/// One variant of every kernel. Of two slices of unequal length the shorter one counts.
#[derive(Debug)]
pub struct Kernels {
    name: &'static str,
    dot_i8: fn(&[i8], &[i8]) -> i32,
    l2_i8: fn(&[i8], &[i8]) -> i32,
    dot_f32: fn(&[f32], &[f32]) -> f32,
    l2_f32: fn(&[f32], &[f32]) -> f32,
    hamming: fn(&[u8], &[u8]) -> u32,
    dot_i8_rows: fn(&[i8], &[i8], &mut [i32]),
    l2_i8_rows: fn(&[i8], &[i8], &mut [i32]),
    hamming_rows: fn(&[u8], &[u8], &mut [u32]),
    dot_signs_rows: fn(&Planes, &[u8], &mut [i32]),
    distances: fn(&[i32], &Numbers, f32, &mut [f32]) -> f32,
    near_tile: fn(&Tile, &[i8], &Numbers, &Limits, &mut Vec<Near>),
    /// The output is one score a query and row, query by query, and exactly as long.
    dot_i8_tile: fn(&Tile, &[i8], &mut [i32]),
}

/// What turns the products of rows into distances, or bounds of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Numbers<'a> {
    /// What the product of each row is multiplied with.
    pub factors: &'a [f32],
    /// What that is taken from.
    pub biases: &'a [f32],
    /// What is taken off as well, for each unit of a question's reach.
    pub slacks: &'a [f32],
}

/// Returns the fastest variant this machine runs.
pub fn kernels() -> &'static Kernels {
    static CHOSEN: OnceLock<&'static Kernels> = OnceLock::new();
    CHOSEN.get_or_init(|| Kernels::available().next().unwrap_or(&PORTABLE))
}

/// The variant that runs everywhere.
static PORTABLE: Kernels = Kernels {
    name: "portable",
    dot_i8: portable::dot_i8,
    l2_i8: portable::l2_i8,
    dot_f32: portable::dot_f32,
    l2_f32: portable::l2_f32,
    hamming: portable::hamming,
    dot_i8_rows: |query, rows, out| portable::each_row(query, rows, out, portable::dot_i8),
    l2_i8_rows: |query, rows, out| portable::each_row(query, rows, out, portable::l2_i8),
    hamming_rows: |query, rows, out| portable::each_row(query, rows, out, portable::hamming),
    dot_signs_rows: portable::each_signs,
    distances: portable::distances,
    near_tile: portable::near_tile,
    dot_i8_tile: |tile, rows, out| portable::each_query(tile, rows, out, portable::dot_i8),
};

impl Kernels {
    /// Returns every variant this machine runs, the fastest first and the portable one last.
    pub fn available() -> impl Iterator<Item = &'static Self> {
        native::available().chain(std::iter::once(&PORTABLE))
    }

    /// Returns the variant's name, as in `avx512-vnni`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the inner product of two i8 vectors.
    #[must_use]
    pub fn dot_i8(&self, a: &[i8], b: &[i8]) -> i32 {
        (self.dot_i8)(a, b)
    }

    /// Returns the squared Euclidean distance of two i8 vectors.
    #[must_use]
    pub fn l2_i8(&self, a: &[i8], b: &[i8]) -> i32 {
        (self.l2_i8)(a, b)
    }

    /// Returns the inner product of two f32 vectors, summed in 32 lanes.
    #[must_use]
    pub fn dot_f32(&self, a: &[f32], b: &[f32]) -> f32 {
        (self.dot_f32)(a, b)
    }

    /// Returns the squared Euclidean distance of two f32 vectors, summed in 32 lanes.
    #[must_use]
    pub fn l2_f32(&self, a: &[f32], b: &[f32]) -> f32 {
        (self.l2_f32)(a, b)
    }

    /// Returns how many bits of two 1-bit vectors differ.
    #[must_use]
    pub fn hamming(&self, a: &[u8], b: &[u8]) -> u32 {
        (self.hamming)(a, b)
    }

    /// Writes the inner product of the query with each row. `rows` lie one after another, each as long as the
    /// query; as many are scored as fit `out`.
    pub fn dot_i8_rows(&self, query: &[i8], rows: &[i8], out: &mut [i32]) {
        (self.dot_i8_rows)(query, rows, out);
    }

    /// Writes the squared Euclidean distance of the query to each row, as [`Self::dot_i8_rows`] does.
    pub fn l2_i8_rows(&self, query: &[i8], rows: &[i8], out: &mut [i32]) {
        (self.l2_i8_rows)(query, rows, out);
    }

    /// Writes how many bits of the query and each row differ, as [`Self::dot_i8_rows`] does.
    pub fn hamming_rows(&self, query: &[u8], rows: &[u8], out: &mut [u32]) {
        (self.hamming_rows)(query, rows, out);
    }

    /// Writes, for each row of signs, the sum of the question's components under its set bits. As many rows are
    /// scored as fit `out`.
    pub fn dot_signs_rows(&self, question: &Planes, rows: &[u8], out: &mut [i32]) {
        (self.dot_signs_rows)(question, rows, out);
    }

    /// Writes `bias - dot * (factor * scale)` for each row, whatever its slack, and returns the least. As many rows are
    /// measured as fit `out`.
    pub fn distances(&self, dots: &[i32], numbers: &Numbers, scale: f32, out: &mut [f32]) -> f32 {
        (self.distances)(dots, numbers, scale, out)
    }

    /// Appends every row whose `bias - dot * (factor * scale) - reach * slack` is at a query's limit or below, in any order.
    pub fn near_tile(&self, queries: &Tile, rows: &[i8], numbers: &Numbers, limits: &Limits, found: &mut Vec<Near>) {
        (self.near_tile)(queries, rows, numbers, limits, found);
    }

    /// Writes the inner products of every query with every row: query `q` and row `r` of `n` meet at `out[q * n + r]`.
    ///
    /// `out` is resized to fit. A block of a few hundred rows keeps it in the second-level cache.
    pub fn dot_i8_tile(&self, queries: &Tile, rows: &[i8], out: &mut Vec<i32>) {
        out.resize(queries.len() * (rows.len() / queries.dim()), 0);
        (self.dot_i8_tile)(queries, rows, out);
    }

    /// Writes the squared Euclidean distances of every query to every row, laid out as by [`Self::dot_i8_tile`].
    pub fn l2_i8_tile(&self, queries: &Tile, rows: &[i8], out: &mut Vec<i32>) {
        self.dot_i8_tile(queries, rows, out);
        // |q - r|^2 = |q|^2 + |r|^2 - 2 q.r, exact in integers.
        let squares: Vec<i32> = rows.chunks_exact(queries.dim()).map(|row| self.dot_i8(row, row)).collect();
        for (query, scores) in queries.queries().zip(out.chunks_exact_mut(squares.len().max(1))) {
            let square = self.dot_i8(query, query);
            for (score, &square_of_row) in scores.iter_mut().zip(&squares) {
                *score = square.wrapping_add(square_of_row).wrapping_sub(score.wrapping_mul(2));
            }
        }
    }

    /// Writes a score for each row under which nearer is smaller: the squared distance in `l2`, else the negative
    /// inner product. As many rows are scored as fit `out`.
    pub fn scores(&self, space: Space, query: &[i8], rows: &[i8], out: &mut [i32]) {
        match space {
            Space::L2 => self.l2_i8_rows(query, rows, out),
            Space::Ip | Space::Cosine => {
                self.dot_i8_rows(query, rows, out);
                negate(out);
            }
        }
    }

    /// Writes the scores of [`Self::scores`] for every query, laid out as by [`Self::dot_i8_tile`].
    pub fn scores_tile(&self, space: Space, queries: &Tile, rows: &[i8], out: &mut Vec<i32>) {
        match space {
            Space::L2 => self.l2_i8_tile(queries, rows, out),
            Space::Ip | Space::Cosine => {
                self.dot_i8_tile(queries, rows, out);
                negate(out);
            }
        }
    }
}

fn negate(scores: &mut [i32]) {
    for score in scores {
        *score = score.wrapping_neg();
    }
}
