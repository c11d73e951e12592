//! A group of queries laid out so that one pass over the rows scores all of them.
//!
//! Scoring one query is bound by memory: the rows must come from somewhere. Scoring many at once is bound by
//! arithmetic, because a row that is in a register meets every query of the tile before it is dropped.
//! Invariant: the packed copy and the plain copy hold the same components.

/// Queries that share a register: one 32-bit sum each in 512 bits.
pub(super) const LANES: usize = 16;

/// Bytes of a 512-bit register.
#[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "only AVX-512 has such registers"))]
pub(super) const BYTES: usize = 64;

/// Rows that share a load of the packed queries.
#[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "only AVX-512 meets groups"))]
pub(super) const TILE_ROWS: usize = 4;

/// Components multiplied at once: four bytes make one 32-bit lane.
pub(super) const QUAD: usize = 4;

/// What a kernel adds to the components of a row to make them unsigned.
pub(super) const RAISE: i32 = 128;

/// One group's components of one step: [`QUAD`] of each of [`LANES`] queries.
pub(super) type Step = [i8; LANES * QUAD];

/// Queries of one dimension, packed for [`Kernels::near_tile`](super::Kernels::near_tile).
#[derive(Debug, Clone)]
pub struct Tile {
    dim: usize,
    queries: Vec<i8>,
    packed: Vec<Step>,
    raises: Vec<[i32; LANES]>,
}

impl Tile {
    /// Packs `queries`, which lie one after another, `dim` components each; a rest shorter than `dim` is left out.
    #[must_use]
    pub fn new(queries: &[i8], dim: usize) -> Self {
        let dim = dim.max(1);
        let whole = queries.len() - queries.len() % dim;
        let queries = queries.get(..whole).unwrap_or_default().to_vec();
        let mut packed = Vec::new();
        let mut raises = Vec::new();
        for group in queries.chunks(dim * LANES) {
            let first = packed.len();
            packed.resize(first + dim.div_ceil(QUAD), [0; LANES * QUAD]);
            let steps = packed.get_mut(first..).unwrap_or_default();
            let mut raise_of_group = [0_i32; LANES];
            for ((lane, query), raise) in group.chunks_exact(dim).enumerate().zip(&mut raise_of_group) {
                *raise = query.iter().fold(0, |sum: i32, &x| sum.wrapping_add(i32::from(x))).wrapping_mul(RAISE);
                for (step, quad) in steps.iter_mut().zip(query.chunks(QUAD)) {
                    for (slot, &x) in step.iter_mut().skip(lane * QUAD).zip(quad) {
                        *slot = x;
                    }
                }
            }
            raises.push(raise_of_group);
        }
        Self { dim, queries, packed, raises }
    }

    /// Returns the number of components of a query.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Returns the queries as they were given.
    #[must_use]
    pub fn queries(&self) -> impl ExactSizeIterator<Item = &[i8]> {
        self.queries.chunks_exact(self.dim)
    }

    /// Returns for each group of [`LANES`] queries its steps and [`RAISE`] times the sum of each query's components.
    #[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "only AVX-512 reads the packed copy"))]
    pub(super) fn groups(&self) -> impl Iterator<Item = (&[Step], &[i32; LANES])> {
        self.packed.chunks_exact(self.dim.div_ceil(QUAD)).zip(&self.raises)
    }
}
