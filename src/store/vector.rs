//! The embeddings as given: f32 rows in blocks that fill a 32 KiB page.
//!
//! Row `r` stands in block `r / rows per block`. Invariant: a row that was deleted is all zeros until its whole
//! block is dead, then the block is gone; a block never ends inside a row.

use std::collections::BTreeMap;

use redb::{AccessGuard, ReadOnlyTable, ReadableTable, Table};

use super::codec::{floats, put_floats};
use super::fault::Place;
use super::table::{CollectionNumber, PairKey};
use crate::error::{Error, Result};
use crate::record::Ordinal;

const PAGE_BYTES: usize = 32 * 1024;
/// What redb needs of the page beside the value.
const PAGE_OVERHEAD_BYTES: usize = 64;

/// Rows in a block of embeddings of this dimension.
pub(crate) fn rows_per_block(dimension: usize) -> u64 {
    ((PAGE_BYTES - PAGE_OVERHEAD_BYTES) / (4 * dimension.max(1))).max(1) as u64
}

pub(crate) fn row_range(ordinal: Ordinal, dimension: usize) -> std::ops::Range<usize> {
    #[expect(clippy::cast_possible_truncation, reason = "less than the rows of a block")]
    let row = (ordinal.0 % rows_per_block(dimension)) as usize;
    let row_bytes = 4 * dimension;
    row * row_bytes..(row + 1) * row_bytes
}

/// Reads embeddings and keeps the block of the last one.
pub struct Embeddings<'v, T = ReadOnlyTable<&'static PairKey, &'static [u8]>> {
    table: &'v T,
    collection: CollectionNumber,
    dimension: usize,
    block: Option<(u64, AccessGuard<'v, &'static [u8]>)>,
    /// The file that errors name.
    place: Option<&'v Place>,
}

impl<'v, T: ReadableTable<&'static PairKey, &'static [u8]>> Embeddings<'v, T> {
    pub(crate) fn new(table: &'v T, collection: CollectionNumber, dimension: usize) -> Self {
        Self { table, collection, dimension, block: None, place: None }
    }

    /// Has errors name the file.
    pub(crate) fn of(self, place: &'v Place) -> Self {
        Self { place: Some(place), ..self }
    }

    /// Returns the embedding at an ordinal as little-endian bytes, four a component.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it is missing.
    pub fn row(&mut self, ordinal: Ordinal) -> Result<&[u8]> {
        let place = self.place;
        let row = self.read(ordinal);
        match place {
            Some(place) => place.name(row),
            None => row,
        }
    }

    fn read(&mut self, ordinal: Ordinal) -> Result<&[u8]> {
        let missing = || Error::damaged(format!("the embedding of row {} is missing", ordinal.0));
        let wanted = ordinal.0 / rows_per_block(self.dimension);
        if self.block.as_ref().is_none_or(|(block, _)| *block != wanted) {
            let block = self.table.get(&self.collection.pair(wanted))?.ok_or_else(missing)?;
            self.block = Some((wanted, block));
        }
        let row = self.block.as_ref().and_then(|(_, block)| block.value().get(row_range(ordinal, self.dimension)));
        row.ok_or_else(missing)
    }

    /// Returns the embedding at an ordinal.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it is missing.
    pub fn floats(&mut self, ordinal: Ordinal) -> Result<Vec<f32>> {
        Ok(floats(self.row(ordinal)?).collect())
    }
}

/// Returns whether the stored embedding of `ordinal` is bit for bit this one.
pub(crate) fn equals(
    table: &impl ReadableTable<&'static PairKey, &'static [u8]>,
    collection: CollectionNumber,
    ordinal: Ordinal,
    embedding: &[f32],
) -> Result<bool> {
    let dimension = embedding.len();
    let block = table.get(&collection.pair(ordinal.0 / rows_per_block(dimension)))?;
    let row = block.as_ref().and_then(|block| block.value().get(row_range(ordinal, dimension)));
    Ok(row.is_some_and(|row| is_same(floats(row), embedding)))
}

/// Returns whether two embeddings are bit for bit the same.
pub(crate) fn is_same(one: impl Iterator<Item = f32>, other: &[f32]) -> bool {
    one.map(f32::to_bits).eq(other.iter().map(|x| x.to_bits()))
}

/// Changes to the embeddings of one collection, gathered by block so that each block is written once.
pub(crate) struct Changes {
    collection: CollectionNumber,
    dimension: usize,
    blocks: BTreeMap<u64, Vec<RowChange>>,
}

/// A row's new embedding, or `None` where it is to be zeros.
type RowChange = (Ordinal, Option<Vec<f32>>);

impl Changes {
    pub(crate) fn new(collection: CollectionNumber, dimension: usize) -> Self {
        Self { collection, dimension, blocks: BTreeMap::new() }
    }

    pub(crate) fn put(&mut self, ordinal: Ordinal, embedding: Vec<f32>) {
        self.push(ordinal, Some(embedding));
    }

    pub(crate) fn clear(&mut self, ordinal: Ordinal) {
        self.push(ordinal, None);
    }

    /// Returns the embedding that this row is to have, if a change to it is waiting.
    pub(crate) fn latest(&self, ordinal: Ordinal) -> Option<&[f32]> {
        let block = self.blocks.get(&(ordinal.0 / rows_per_block(self.dimension)))?;
        block.iter().rev().find(|(changed, _)| *changed == ordinal)?.1.as_deref()
    }

    fn push(&mut self, ordinal: Ordinal, embedding: Option<Vec<f32>>) {
        let block = ordinal.0 / rows_per_block(self.dimension);
        self.blocks.entry(block).or_default().push((ordinal, embedding));
    }

    /// Writes the changes; `is_dead` says which ordinals hold nothing once they are done.
    pub(crate) fn write(
        self,
        table: &mut Table<&'static PairKey, &'static [u8]>,
        is_dead: impl Fn(Ordinal) -> bool,
    ) -> Result<()> {
        let per_block = rows_per_block(self.dimension);
        for (block, changes) in self.blocks {
            let key = self.collection.pair(block);
            let mut bytes = table.get(&key)?.map(|old| old.value().to_vec()).unwrap_or_default();
            let mut encoded = Vec::with_capacity(4 * self.dimension);
            for (ordinal, embedding) in changes {
                let range = row_range(ordinal, self.dimension);
                encoded.clear();
                match &embedding {
                    Some(embedding) => put_floats(&mut encoded, embedding),
                    None => encoded.resize(range.len(), 0),
                }
                if bytes.len() < range.end {
                    bytes.resize(range.end, 0);
                }
                if let Some(row) = bytes.get_mut(range) {
                    row.copy_from_slice(&encoded);
                }
            }
            let rows = (bytes.len() / (4 * self.dimension)) as u64;
            let full = rows == per_block;
            if full && (0..rows).all(|row| is_dead(Ordinal(block * per_block + row))) {
                table.remove(&key)?;
            } else {
                table.insert(&key, bytes.as_slice())?;
            }
        }
        Ok(())
    }
}
