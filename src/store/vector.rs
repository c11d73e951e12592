//! The embeddings as given, or rounded to f16: rows in blocks that fill a 32 KiB page.
//!
//! Row `r` is in block `r / rows per block`. A deleted row stays as it was, so that deleting rewrites no block,
//! until its whole block is dead: then the block is removed. [`clear`] zeroes it before. Invariant: nobody reads
//! a deleted row; a block never ends inside a row.

use std::collections::BTreeMap;

use redb::{AccessGuard, ReadOnlyTable, ReadableTable, Table};
use roaring::RoaringTreemap;

use super::codec::floats;
use super::redb_error::FileContext;
use super::table::{CollectionNumber, PairKey};
use crate::error::{Error, Result};
use crate::record::{EmbeddingPrecision, Ordinal};

const PAGE_BYTES: usize = 32 * 1024;
/// What redb needs of the page besides the value.
const PAGE_OVERHEAD_BYTES: usize = 64;

/// What the rows of a collection's embeddings look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RowForm {
    pub(crate) dimension: usize,
    pub(crate) precision: EmbeddingPrecision,
}

impl RowForm {
    pub(crate) fn row_bytes(self) -> usize {
        self.precision.bytes() * self.dimension.max(1)
    }

    pub(crate) fn rows_per_block(self) -> u64 {
        ((PAGE_BYTES - PAGE_OVERHEAD_BYTES) / self.row_bytes()).max(1) as u64
    }

    /// Where a row is in its block.
    pub(crate) fn range(self, ordinal: Ordinal) -> std::ops::Range<usize> {
        #[expect(clippy::cast_possible_truncation, reason = "less than the rows of a block")]
        let row = (ordinal.0 % self.rows_per_block()) as usize;
        row * self.row_bytes()..(row + 1) * self.row_bytes()
    }

    /// Reads a row.
    pub(crate) fn floats(self, row: &[u8]) -> Vec<f32> {
        let mut floats = Vec::new();
        self.precision.read(row, &mut floats);
        floats
    }
}

/// Reads embeddings and keeps the block of the last one.
pub(crate) struct Embeddings<'v, T = ReadOnlyTable<&'static PairKey, &'static [u8]>> {
    table: &'v T,
    collection: CollectionNumber,
    form: RowForm,
    block: Option<(u64, AccessGuard<'v, &'static [u8]>)>,
    /// The last row as f32, where it is kept otherwise.
    widened: (Vec<f32>, Vec<u8>),
    /// The file that errors name.
    place: Option<&'v FileContext>,
}

impl<'v, T: ReadableTable<&'static PairKey, &'static [u8]>> Embeddings<'v, T> {
    pub(crate) fn new(table: &'v T, collection: CollectionNumber, form: RowForm) -> Self {
        Self { table, collection, form, block: None, widened: Default::default(), place: None }
    }

    /// Has errors name the file.
    pub(crate) fn of(self, place: &'v FileContext) -> Self {
        Self { place: Some(place), ..self }
    }

    /// Returns the embedding at an ordinal as little-endian bytes of f32, however it is kept.
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
        let wanted = ordinal.0 / self.form.rows_per_block();
        if self.block.as_ref().is_none_or(|(block, _)| *block != wanted) {
            let block = self.table.get(&self.collection.pair(wanted))?.ok_or_else(missing)?;
            self.block = Some((wanted, block));
        }
        let row = self.block.as_ref().and_then(|(_, block)| block.value().get(self.form.range(ordinal)));
        let row = row.ok_or_else(missing)?;
        if self.form.precision == EmbeddingPrecision::F32 {
            return Ok(row);
        }
        let (floats, bytes) = &mut self.widened;
        self.form.precision.read(row, floats);
        bytes.clear();
        EmbeddingPrecision::F32.put(bytes, floats);
        Ok(bytes)
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
    precision: EmbeddingPrecision,
    ordinal: Ordinal,
    embedding: &[f32],
) -> Result<bool> {
    let form = RowForm { dimension: embedding.len(), precision };
    let block = table.get(&collection.pair(ordinal.0 / form.rows_per_block()))?;
    let row = block.as_ref().and_then(|block| block.value().get(form.range(ordinal)));
    Ok(row.is_some_and(|row| is_same(form.floats(row).into_iter(), embedding)))
}

/// Returns whether two embeddings are bit for bit the same.
pub(crate) fn is_same(one: impl Iterator<Item = f32>, other: &[f32]) -> bool {
    one.map(f32::to_bits).eq(other.iter().map(|x| x.to_bits()))
}

/// Changes to the embeddings of one collection, gathered by block so that each block is written once.
pub(crate) struct VectorChanges {
    collection: CollectionNumber,
    form: RowForm,
    blocks: BTreeMap<u64, Vec<RowChange>>,
}

/// A row's new embedding, or `None` where it was deleted.
type RowChange = (Ordinal, Option<Vec<f32>>);

impl VectorChanges {
    pub(crate) fn new(collection: CollectionNumber, form: RowForm) -> Self {
        Self { collection, form, blocks: BTreeMap::new() }
    }

    pub(crate) fn put(&mut self, ordinal: Ordinal, embedding: Vec<f32>) {
        self.push(ordinal, Some(embedding));
    }

    pub(crate) fn delete(&mut self, ordinal: Ordinal) {
        self.push(ordinal, None);
    }

    /// Returns the embedding that this row will have, if a change to it is waiting.
    pub(crate) fn latest(&self, ordinal: Ordinal) -> Option<&[f32]> {
        let block = self.blocks.get(&(ordinal.0 / self.form.rows_per_block()))?;
        block.iter().rev().find(|(changed, _)| *changed == ordinal)?.1.as_deref()
    }

    fn push(&mut self, ordinal: Ordinal, embedding: Option<Vec<f32>>) {
        let block = ordinal.0 / self.form.rows_per_block();
        self.blocks.entry(block).or_default().push((ordinal, embedding));
    }

    /// Writes the changes; `is_dead` says which ordinals hold nothing once they are done.
    pub(crate) fn write(
        self,
        table: &mut Table<&'static PairKey, &'static [u8]>,
        is_dead: impl Fn(Ordinal) -> bool,
    ) -> Result<()> {
        let per_block = self.form.rows_per_block();
        let is_gone = |block: u64, bytes: usize| {
            let rows = (bytes / self.form.row_bytes()) as u64;
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
            let mut encoded = Vec::with_capacity(self.form.row_bytes());
            for (ordinal, embedding) in changes {
                let range = self.form.range(ordinal);
                encoded.clear();
                match &embedding {
                    Some(embedding) => self.form.precision.put(&mut encoded, embedding),
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
    form: RowForm,
    dead: &RoaringTreemap,
) -> Result<()> {
    let per_block = form.rows_per_block();
    let mut blocks: Vec<u64> = dead.iter().map(|ordinal| ordinal / per_block).collect();
    blocks.dedup();
    for block in blocks {
        let key = collection.pair(block);
        let Some(mut bytes) = table.get(&key)?.map(|block| block.value().to_vec()) else { continue };
        let (first, mut cleared) = (block * per_block, false);
        for row in bytes.chunks_exact_mut(form.row_bytes()).zip(first..).filter(|(_, row)| dead.contains(*row)) {
            cleared |= row.0.iter().any(|byte| *byte != 0);
            row.0.fill(0);
        }
        if cleared {
            table.insert(&key, bytes.as_slice())?;
        }
    }
    Ok(())
}
