//! The embeddings as given: f32 rows in blocks that fill a 32 KiB page.
//!
//! Row `r` is in block `r / rows per block`. A deleted row stays as it was, so that deleting rewrites no block,
//! until its whole block is dead: then the block is removed. [`clear`] zeroes it before. Invariant: nobody reads
//! a deleted row; a block never ends inside a row.

use std::collections::BTreeMap;

use redb::{AccessGuard, ReadOnlyTable, ReadableTable, Table};
use roaring::RoaringTreemap;

use super::codec::{floats, put_floats};
use super::redb_error::FileContext;
use super::table::{CollectionNumber, PairKey};
use crate::error::{Error, Result};
use crate::record::Ordinal;

const PAGE_BYTES: usize = 32 * 1024;
/// What redb needs of the page besides the value.
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
pub(crate) struct Embeddings<'v, T = ReadOnlyTable<&'static PairKey, &'static [u8]>> {
    table: &'v T,
    collection: CollectionNumber,
    dimension: usize,
    block: Option<(u64, AccessGuard<'v, &'static [u8]>)>,
    /// The file that errors name.
    place: Option<&'v FileContext>,
}

impl<'v, T: ReadableTable<&'static PairKey, &'static [u8]>> Embeddings<'v, T> {
    pub(crate) fn new(table: &'v T, collection: CollectionNumber, dimension: usize) -> Self {
        Self { table, collection, dimension, block: None, place: None }
    }

    /// Has errors name the file.
    pub(crate) fn of(self, place: &'v FileContext) -> Self {
        Self { place: Some(place), ..self }
    }

    /// Returns the embedding at an ordinal as little-endian bytes, four a component.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it is missing.
    pub(crate) fn row(&mut self, ordinal: Ordinal) -> Result<&[u8]> {
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
    pub(crate) fn floats(&mut self, ordinal: Ordinal) -> Result<Vec<f32>> {
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
pub(crate) struct VectorChanges {
    collection: CollectionNumber,
    dimension: usize,
    blocks: BTreeMap<u64, Vec<RowChange>>,
}

/// A row's new embedding, or `None` where it was deleted.
type RowChange = (Ordinal, Option<Vec<f32>>);

impl VectorChanges {
    pub(crate) fn new(collection: CollectionNumber, dimension: usize) -> Self {
        Self { collection, dimension, blocks: BTreeMap::new() }
    }

    pub(crate) fn put(&mut self, ordinal: Ordinal, embedding: Vec<f32>) {
        self.push(ordinal, Some(embedding));
    }

    pub(crate) fn delete(&mut self, ordinal: Ordinal) {
        self.push(ordinal, None);
    }

    /// Returns the embedding that this row will have, if a change to it is waiting.
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
        let is_gone = |block: u64, bytes: usize| {
            let rows = (bytes / (4 * self.dimension)) as u64;
            rows == per_block && (0..rows).all(|row| is_dead(Ordinal(block * per_block + row)))
        };
        for (block, changes) in self.blocks {
            let key = self.collection.pair(block);
            if changes.iter().all(|(_, embedding)| embedding.is_none()) {
                let bytes = table.get(&key)?.map(|old| old.value().len());
                if bytes.is_some_and(|bytes| is_gone(block, bytes)) {
                    table.remove(&key)?;
                }
                continue;
            }
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
            if is_gone(block, bytes.len()) {
                table.remove(&key)?;
            } else {
                table.insert(&key, bytes.as_slice())?;
            }
        }
        Ok(())
    }
}

/// Zeroes deleted rows.
pub(crate) fn clear(
    table: &mut Table<&'static PairKey, &'static [u8]>,
    collection: CollectionNumber,
    dimension: usize,
    dead: &RoaringTreemap,
) -> Result<()> {
    let per_block = rows_per_block(dimension);
    let mut blocks: Vec<u64> = dead.iter().map(|ordinal| ordinal / per_block).collect();
    blocks.dedup();
    for block in blocks {
        let key = collection.pair(block);
        let Some(mut bytes) = table.get(&key)?.map(|block| block.value().to_vec()) else { continue };
        let (first, mut cleared) = (block * per_block, false);
        for row in bytes.chunks_exact_mut(4 * dimension.max(1)).zip(first..).filter(|(_, row)| dead.contains(*row)) {
            cleared |= row.0.iter().any(|byte| *byte != 0);
            row.0.fill(0);
        }
        if cleared {
            table.insert(&key, bytes.as_slice())?;
        }
    }
    Ok(())
}
