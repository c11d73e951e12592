//! How the graph is stored: chunks of bytes, and their entry in the catalogue.
//!
//! What the bytes mean is left to the index. Invariant: the chunks and the catalogue's entry change in
//! one transaction, and a new graph starts with no row out of date.

use redb::Table;

use super::catalog::{CatalogEntry, GraphEntry};
use super::table::{self, CollectionNumber, PairKey};
use super::{Collection, View};
use crate::error::Result;
use crate::record::Ordinal;

/// A serialised graph to be stored.
pub(crate) struct GraphFile<'a> {
    /// Which build it is: [`View::next_epoch`] of the view it was built from.
    pub epoch: u64,
    /// Ordinals below this one are in it.
    pub covers_until: Ordinal,
    /// Vectors in it.
    pub rows: u64,
    /// The share of the ten nearest that it finds.
    pub recall: f64,
    /// Its parts, each at most [`super::MAX_VALUE_BYTES`] long.
    pub chunks: &'a [Vec<u8>],
}

impl Collection {
    /// Replaces the collection's graph by one built from `seen`; returns its entry in the catalogue, or `None` when
    /// embeddings were replaced since, so that the graph is of no use.
    ///
    /// # Errors
    /// Those of every write.
    pub(crate) fn put_graph(&self, seen: &View, graph: &GraphFile) -> Result<Option<GraphEntry>> {
        self.change_graph(|number, entry, chunks| {
            if !seen.has_same_embeddings(number, entry) {
                entry.graph = None;
                return Ok(None);
            }
            entry.epoch = graph.epoch;
            for (place, chunk) in (0..).zip(graph.chunks) {
                chunks.insert(&number.pair(place), chunk.as_slice())?;
            }
            entry.graph = Some(GraphEntry {
                epoch: entry.epoch,
                covers_until: graph.covers_until.0,
                rows: graph.rows,
                bytes: graph.chunks.iter().map(|chunk| chunk.len() as u64).sum(),
                chunks: graph.chunks.len() as u64,
                recall: Some(graph.recall),
            });
            Ok(entry.graph)
        })
    }

    /// Removes the collection's graph; returns its entry in the catalogue.
    ///
    /// # Errors
    /// Those of every write.
    pub fn drop_graph(&self) -> Result<Option<GraphEntry>> {
        self.change_graph(|_, entry, _| Ok(entry.graph.take()))
    }

    /// Runs `change` once the old chunks are gone; the entry is then written as `change` leaves it.
    fn change_graph(
        &self,
        change: impl FnOnce(CollectionNumber, &mut CatalogEntry, &mut ChunkTable) -> Result<Option<GraphEntry>>,
    ) -> Result<Option<GraphEntry>> {
        self.change_entry(|tx, number, entry| {
            let mut chunks = tx.open_table(table::GRAPH)?;
            let (first, last) = (number.pair(0), number.pair(u64::MAX));
            chunks.retain_in::<&PairKey, _>(&first..=&last, |_, _| false)?;
            tx.open_table(table::STALE)?.remove(&number.key())?;
            change(number, entry, &mut chunks)
        })
    }
}

type ChunkTable<'tx> = Table<'tx, &'static PairKey, &'static [u8]>;
