//! Re-embedding: the embeddings by another model, until they replace those that are searched.
//!
//! Everything here runs inside a transaction of the caller. Invariants: every live record of an ordinal below `until`
//! has an embedding and a quantised row under the number, and no other record has; the `stale` table has, under the
//! number, those of them whose document is another than was embedded.

use redb::{Table, WriteTransaction};
use roaring::RoaringTreemap;

use super::catalog::{self, CatalogEntry, NextEmbeddings, Sealing};
use super::clusters;
use super::codec::set_to_bytes;
use super::quantised_rows::{HeldEmbeddings, QuantisedRows};
use super::record_table::RecordTable;
use super::table::{self, CollectionNumber, PairKey};
use super::vector;
use super::write::read_set;
use crate::error::Result;
use crate::record::{EmbeddingPrecision, Fingerprint, Ordinal, Space};

/// A document and the embedding that was made of it.
pub(crate) struct NewEmbedding {
    pub(crate) ordinal: Ordinal,
    pub(crate) document: String,
    pub(crate) embedding: Vec<f32>,
}

/// Embeddings of a range of records, or of rows that are stale.
pub(crate) struct ReembedBatch {
    /// What `until` was when the documents were read.
    pub(crate) from: u64,
    /// Its next value; unchanged for rows that are stale.
    pub(crate) until: u64,
    pub(crate) made: Vec<NewEmbedding>,
    /// The model, and what ran it.
    pub(crate) made_by: Fingerprint,
}

impl NextEmbeddings {
    pub(crate) fn new(embedder: Fingerprint, number: CollectionNumber) -> Self {
        let embedder = embedder.with_none_made();
        Self { embedder, until: 0, number: number.0, sealed: Sealing::new() }
    }

    fn rows_number(&self) -> CollectionNumber {
        CollectionNumber(self.number)
    }

    /// Stores embeddings; those of records deleted since are left out, those of documents changed since are stale.
    ///
    /// Does nothing if another process was faster.
    pub(crate) fn put(
        &mut self,
        tx: &WriteTransaction,
        (own, dictionary): (CollectionNumber, Option<u64>),
        (space, precision): (Space, EmbeddingPrecision),
        batch: ReembedBatch,
    ) -> Result<()> {
        if batch.from != self.until {
            return Ok(());
        }
        self.embedder.add_made_by(&batch.made_by);
        let is_new = batch.until > batch.from;
        let dead = read_set(&tx.open_table(table::DEAD)?, own, "the set of deleted rows")?;
        let mut stale = self.stale(tx)?;
        let mut vectors = vector::VectorChanges::new(self.rows_number(), self.row_form(precision));
        let mut changed = RoaringTreemap::new();
        let records = RecordTable::open(tx, own, dictionary)?;
        for made in batch.made {
            let NewEmbedding { ordinal, document, mut embedding } = made;
            precision.round(&mut embedding)?;
            // A row that was stale may have been deleted, or embedded by another process.
            if dead.contains(ordinal.0) || (!is_new && !stale.contains(ordinal.0)) {
                continue;
            }
            if records.get(ordinal)?.document.as_ref() == Some(&document) {
                stale.remove(ordinal.0);
            } else if is_new {
                stale.insert(ordinal.0);
            } else {
                continue;
            }
            vectors.put(ordinal, embedding);
            changed.insert(ordinal.0);
        }
        self.until = batch.until;
        let mut table = tx.open_table(table::VECTORS)?;
        vectors.write(&mut table, |ordinal| self.is_dead(ordinal, &dead))?;
        let held = HeldEmbeddings { vectors: &table, form: self.row_form(precision), end: self.until, dead: &dead };
        let mut rows = QuantisedRows::open(tx, self.rows_number(), space)?;
        if is_new {
            self.sealed.tail_rows += changed.len();
        } else if self.sealed.bounded {
            rows.replace(&mut self.sealed, &held, &changed)?;
        }
        rows.upgrade(&mut self.sealed, &held)?;
        rows.seal(&mut self.sealed, &held)?;
        self.put_stale(tx, &stale)
    }

    /// Follows a transaction that deleted records or changed documents.
    pub(crate) fn follow(
        &mut self,
        tx: &WriteTransaction,
        (space, precision): (Space, EmbeddingPrecision),
        vectors: &mut Table<&'static PairKey, &'static [u8]>,
        (died, dead): (&RoaringTreemap, &RoaringTreemap),
        mut reworded: RoaringTreemap,
    ) -> Result<()> {
        let mut died = died.clone();
        died.remove_range(self.until..);
        reworded.remove_range(self.until..);
        if died.is_empty() && reworded.is_empty() {
            return Ok(());
        }
        let mut changes = vector::VectorChanges::new(self.rows_number(), self.row_form(precision));
        died.iter().for_each(|ordinal| changes.delete(Ordinal(ordinal)));
        changes.write(vectors, |ordinal| self.is_dead(ordinal, dead))?;
        let mut rows = QuantisedRows::open(tx, self.rows_number(), space)?;
        let held = HeldEmbeddings { vectors, form: self.row_form(precision), end: self.until, dead };
        if self.sealed.bounded {
            let touched = rows.remove(&mut self.sealed, &died, dead)?;
            rows.purge(&mut self.sealed, &touched, dead)?;
        }
        rows.upgrade(&mut self.sealed, &held)?;
        let stale = (self.stale(tx)? | reworded) - dead;
        self.put_stale(tx, &stale)
    }

    /// What the rows on their way look like.
    pub(crate) fn row_form(&self, precision: EmbeddingPrecision) -> vector::RowForm {
        vector::RowForm { dimension: self.embedder.dimension, precision }
    }

    fn is_dead(&self, ordinal: Ordinal, dead: &RoaringTreemap) -> bool {
        ordinal.0 < self.until && dead.contains(ordinal.0)
    }

    fn stale(&self, tx: &WriteTransaction) -> Result<RoaringTreemap> {
        read_set(&tx.open_table(table::STALE)?, self.rows_number(), "the set of changed documents")
    }

    fn put_stale(&self, tx: &WriteTransaction, stale: &RoaringTreemap) -> Result<()> {
        let mut sets = tx.open_table(table::STALE)?;
        if stale.is_empty() {
            sets.remove(&self.rows_number().key())?;
        } else {
            sets.insert(&self.rows_number().key(), set_to_bytes(stale).as_slice())?;
        }
        Ok(())
    }

    /// Returns whether every record of the collection has its embedding here.
    pub(crate) fn is_complete(&self, tx: &WriteTransaction, entry: &CatalogEntry) -> Result<bool> {
        Ok(self.until == entry.next_ordinal && self.stale(tx)?.is_empty())
    }

    /// Replaces the embeddings searched so far, which are removed with their graph and clusters.
    pub(crate) fn take_place(
        self,
        tx: &WriteTransaction,
        own: CollectionNumber,
        entry: &mut CatalogEntry,
    ) -> Result<()> {
        catalog::remove_rows(tx, entry.rows_number(own))?;
        catalog::remove_pairs(tx, table::GRAPH, own)?;
        tx.open_table(table::STALE)?.remove(&own.key())?;
        entry.graph = None;
        clusters::remove(tx, entry)?;
        clusters::remove_unfinished(tx, entry)?;
        entry.rows_number = Some(self.number);
        entry.sealed = self.sealed;
        entry.info.dimension = Some(self.embedder.dimension);
        entry.info.embedder = Some(self.embedder);
        Ok(())
    }
}
