//! Which rows are met, and rows brought together so that a tile of questions meets them while they are in the cache.
//!
//! Invariant: what is gathered holds every row that is allowed and no other, each with its own numbers.

use roaring::RoaringTreemap;

use super::kernel::Numbers;
use crate::error::Result;
use crate::record::Ordinal;
use crate::store::{Segment, View};

/// Rows met by many questions before their limits are drawn closer.
pub(super) const BLOCK_ROWS: usize = 256;

/// Which rows may be found.
#[derive(Debug, Clone, Copy)]
pub enum Allowed<'a> {
    /// Every row but these.
    AllBut(&'a RoaringTreemap),
    /// Only these, all of them alive.
    Only(&'a RoaringTreemap),
}

impl Allowed<'_> {
    pub(super) fn contains(&self, ordinal: Ordinal) -> bool {
        match self {
            Self::AllBut(dead) => !dead.contains(ordinal.0),
            Self::Only(set) => set.contains(ordinal.0),
        }
    }
}

/// Rows brought together, so that only they are compared, and while they are in the cache.
#[derive(Default)]
pub(super) struct Gathered {
    codes: Vec<i8>,
    factors: Vec<f32>,
    biases: Vec<f32>,
}

/// Some rows that stand together.
pub(super) struct Block<'b> {
    pub(super) codes: &'b [i8],
    pub(super) numbers: Numbers<'b>,
}

impl Gathered {
    /// Brings rows of a segment together, unless they stand together already.
    pub(super) fn gather<'b>(
        &'b mut self,
        segment: &Segment<'b>,
        rows: &[usize],
        numbers: (&'b [f32], &'b [f32]),
    ) -> Block<'b> {
        let dimension = segment.dimension();
        let (Some(&first), Some(&last)) = (rows.first(), rows.last()) else {
            return Block { codes: &[], numbers: Numbers { factors: &[], biases: &[] } };
        };
        let codes = |from: usize, to: usize| segment.codes().get(from * dimension..to * dimension).unwrap_or_default();
        if last - first + 1 == rows.len() {
            let part = |numbers: &'b [f32]| numbers.get(first..=last).unwrap_or_default();
            let numbers = Numbers { factors: part(numbers.0), biases: part(numbers.1) };
            return Block { codes: codes(first, last + 1), numbers };
        }
        self.codes.clear();
        for row in rows {
            self.codes.extend_from_slice(codes(*row, row + 1));
        }
        for (kept, all) in [(&mut self.factors, numbers.0), (&mut self.biases, numbers.1)] {
            kept.clear();
            kept.extend(rows.iter().filter_map(|row| all.get(*row)));
        }
        Block { codes: &self.codes, numbers: Numbers { factors: &self.factors, biases: &self.biases } }
    }
}

/// The rows that may be found and stand in no segment yet; all of a view's make less than a segment.
pub(super) struct Tail {
    rows: Gathered,
    ordinals: Vec<Ordinal>,
    dimension: usize,
}

impl Tail {
    /// Reads them.
    pub(super) fn gather(view: &View, allowed: Allowed) -> Result<Self> {
        let (mut rows, mut ordinals) = (Gathered::default(), Vec::new());
        view.for_each_tail_row(|ordinal, factor, bias, codes| {
            if allowed.contains(ordinal) {
                rows.codes.extend_from_slice(codes);
                rows.factors.push(factor);
                rows.biases.push(bias);
                ordinals.push(ordinal);
            }
            Ok(())
        })?;
        Ok(Self { rows, ordinals, dimension: view.info().dimension.unwrap_or(1) })
    }

    /// Returns them block by block, each with its ordinals.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (Block<'_>, &[Ordinal])> {
        let numbers = self.rows.factors.chunks(BLOCK_ROWS).zip(self.rows.biases.chunks(BLOCK_ROWS));
        let codes = self.rows.codes.chunks(BLOCK_ROWS * self.dimension);
        let blocks = codes.zip(numbers).zip(self.ordinals.chunks(BLOCK_ROWS));
        blocks.map(|((codes, (factors, biases)), ordinals)| {
            (Block { codes, numbers: Numbers { factors, biases } }, ordinals)
        })
    }
}
