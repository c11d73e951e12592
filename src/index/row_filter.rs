//! Which rows are met, and rows brought together so that a tile of questions meets them while they are in the cache.
//!
//! Invariant: what is gathered holds every row that is allowed and no other, each with its own numbers.

use roaring::RoaringTreemap;

use super::kernel::RowNumbers;
use crate::error::Result;
use crate::record::{Ordinal, Space};
use crate::store::{Centre, Segment, View, quantise, seal};

/// Rows compared with many questions before their limits are lowered.
pub(super) const BLOCK_ROWS: usize = 256;

/// From this many questions on, a set of rows is made bits.
const BITS_FROM: usize = 16;

/// Which rows may be found.
#[derive(Debug, Clone, Copy)]
pub enum Allowed<'a> {
    /// Every row but these.
    AllBut(&'a RoaringTreemap),
    /// Only these, all of them live.
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

/// Which rows may be found, for many who ask: a bit a row, which takes a nanosecond where a set takes twenty.
pub(super) enum AllowedBits<'a> {
    Set(Allowed<'a>),
    Bits(Vec<u64>),
}

impl<'a> AllowedBits<'a> {
    /// Takes what is allowed of the rows below an ordinal, for so many questions.
    pub(super) fn new(allowed: Allowed<'a>, end: u64, questions: usize) -> Self {
        match allowed {
            Allowed::Only(set) if questions >= BITS_FROM => {
                let mut bits = vec![0_u64; usize::try_from(end.div_ceil(64)).unwrap_or(0)];
                for ordinal in set {
                    if let Some(word) = usize::try_from(ordinal / 64).ok().and_then(|at| bits.get_mut(at)) {
                        *word |= 1 << (ordinal % 64);
                    }
                }
                Self::Bits(bits)
            }
            _ => Self::Set(allowed),
        }
    }

    pub(super) fn contains(&self, ordinal: Ordinal) -> bool {
        match self {
            Self::Set(allowed) => allowed.contains(ordinal),
            Self::Bits(bits) => {
                let word = usize::try_from(ordinal.0 / 64).ok().and_then(|at| bits.get(at));
                word.is_some_and(|word| word >> (ordinal.0 % 64) & 1 == 1)
            }
        }
    }
}

/// Rows gathered, so that only they are compared, and while they are in the cache.
#[derive(Default)]
pub(super) struct Gathered {
    codes: Vec<i8>,
    factors: Vec<f32>,
    biases: Vec<f32>,
    slacks: Vec<f32>,
}

/// Some contiguous rows.
pub(super) struct RowBlock<'b> {
    pub(super) codes: &'b [i8],
    pub(super) numbers: RowNumbers<'b>,
}

impl Gathered {
    /// Gathers rows of a segment, unless they are contiguous already.
    pub(super) fn gather<'b>(
        &'b mut self,
        segment: &Segment<'b>,
        rows: &[usize],
        numbers: &RowNumbers<'b>,
    ) -> RowBlock<'b> {
        let dimension = segment.dimension();
        let (Some(&first), Some(&last)) = (rows.first(), rows.last()) else {
            return RowBlock { codes: &[], numbers: RowNumbers::default() };
        };
        let codes = |from: usize, to: usize| segment.codes().get(from * dimension..to * dimension).unwrap_or_default();
        if last - first + 1 == rows.len() {
            let part = |numbers: &'b [f32]| numbers.get(first..=last).unwrap_or_default();
            let RowNumbers { factors, biases, slacks } = numbers;
            let numbers = RowNumbers { factors: part(factors), biases: part(biases), slacks: part(slacks) };
            return RowBlock { codes: codes(first, last + 1), numbers };
        }
        self.codes.clear();
        for row in rows {
            self.codes.extend_from_slice(codes(*row, row + 1));
        }
        let Self { factors, biases, slacks, .. } = self;
        for (kept, all) in [(factors, numbers.factors), (biases, numbers.biases), (slacks, numbers.slacks)] {
            kept.clear();
            kept.extend(rows.iter().filter_map(|row| all.get(*row)));
        }
        let numbers = RowNumbers { factors: &self.factors, biases: &self.biases, slacks: &self.slacks };
        RowBlock { codes: &self.codes, numbers }
    }
}

/// The rows that may be found and are in no segment yet, coded to be compared with one question after another.
pub(super) struct Tail {
    pub(super) centre: Centre,
    pub(super) segment: Vec<u8>,
}

impl Tail {
    /// Codes them; `None` where there are none.
    pub(super) fn coded(view: &View, rows: &RoaringTreemap) -> Result<Option<Self>> {
        let read = read_rows(view, rows.iter())?;
        let centre = centre_of(&read, view.info().space);
        let segment = code(&read, (0, &centre), view.info().space);
        Ok(segment.map(|segment| Self { centre, segment }))
    }

    /// Returns which rows they are.
    pub(super) fn rows(view: &View, allowed: Allowed) -> RoaringTreemap {
        let mut rows = RoaringTreemap::new();
        rows.insert_range(view.sealed_until().0..view.end().0);
        match allowed {
            Allowed::AllBut(dead) => rows - dead,
            Allowed::Only(set) => rows & set,
        }
    }
}

/// Reads the embeddings of rows, which come in ascending order.
pub(super) fn read_rows(view: &View, ordinals: impl Iterator<Item = u64>) -> Result<Vec<(Ordinal, Vec<f32>)>> {
    let mut embeddings = view.embeddings();
    ordinals.map(Ordinal).map(|ordinal| Ok((ordinal, embeddings.floats(ordinal)?))).collect()
}

/// Returns a centre of rows.
pub(super) fn centre_of(rows: &[(Ordinal, Vec<f32>)], space: Space) -> Centre {
    Centre::of(&rows.iter().map(|(_, embedding)| embedding.as_slice()).collect::<Vec<_>>(), space)
}

/// Codes rows around the centre of a number as a segment; `None` for no rows.
pub(super) fn code(rows: &[(Ordinal, Vec<f32>)], (number, centre): (u32, &Centre), space: Space) -> Option<Vec<u8>> {
    let coded = rows.iter().map(|(ordinal, embedding)| (*ordinal, quantise(embedding, centre, space)));
    seal(&coded.collect::<Vec<_>>(), number)
}
