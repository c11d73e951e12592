//! Writing clusters, and keeping them right while records change.
//!
//! New ones are written a part at a time under a number of their own, while others go on writing, and take the place of the old
//! ones in one transaction; what an interrupted build has left is removed by the next. Invariant: clusters that the catalogue
//! names are complete, and of the embeddings there are.

use redb::{ReadableTable, WriteTransaction};
use roaring::RoaringTreemap;

use super::{AGAIN, BASE, CENTRES, ClustersEntry, DIRECTORY, Directory, MOVED, chunk_key};
use crate::error::Result;
use crate::store::catalog::{self, CatalogEntry};
use crate::store::centre::Centre;
use crate::store::codec::{set_from_bytes, set_to_bytes};
use crate::store::table::{self, CollectionNumber};
use crate::store::{Collection, View};

/// A chunk that is to be written.
pub(crate) struct ClusterChunk {
    pub(crate) cluster: usize,
    pub(crate) chunk: u32,
    pub(crate) bytes: Vec<u8>,
}

/// What clusters become when they cover more rows, and rows that moved again.
pub(crate) struct ExtendedClusters<'e> {
    /// Parts that go, by cluster and number, before `chunks` come.
    pub(crate) removed: &'e [(usize, u32)],
    pub(crate) chunks: &'e [ClusterChunk],
    /// The segments of centres that come, by the first cluster of each.
    pub(crate) centres: Vec<(usize, &'e [u8])>,
    /// Rows that moved and are still looked for beside the clusters.
    pub(crate) moved: &'e RoaringTreemap,
    /// Rows that were clustered again.
    pub(crate) again: &'e RoaringTreemap,
    pub(crate) directory: &'e Directory,
    pub(crate) entry: &'e ClustersEntry,
}

/// Clusters that are being written and that nobody searches yet.
pub(crate) struct NewClusters<'c> {
    collection: &'c Collection,
    number: CollectionNumber,
}

impl Collection {
    /// Begins to write clusters, and removes what an interrupted build has left.
    ///
    /// # Errors
    /// Those of every write.
    pub(crate) fn begin_clusters(&self) -> Result<NewClusters<'_>> {
        let number = self.change_entry(|tx, _, entry| {
            remove_unfinished(tx, entry)?;
            let number = catalog::next_number(&mut tx.open_table(table::META)?)?;
            entry.unfinished_clusters = Some(number.0);
            Ok(number)
        })?;
        Ok(NewClusters { collection: self, number })
    }

    /// Changes the clusters that `seen` has; returns the entry, or `None` when embeddings were replaced or clusters built since.
    ///
    /// # Errors
    /// Those of every write.
    pub(crate) fn extend_clusters(&self, seen: &View, extended: &ExtendedClusters) -> Result<Option<ClustersEntry>> {
        self.change_entry(|tx, rows_number, entry| {
            if entry.clusters != seen.clusters() || !seen.has_same_rows(rows_number, entry) {
                return Ok(None);
            }
            let number = extended.entry.number();
            {
                let mut table = tx.open_table(table::CLUSTERS)?;
                for (cluster, chunk) in extended.removed {
                    table.remove(&chunk_key(number, *cluster, *chunk))?;
                }
                for (part, rows) in [(MOVED, extended.moved), (AGAIN, extended.again)] {
                    table.remove(&number.pair(part))?;
                    if !rows.is_empty() {
                        table.insert(&number.pair(part), set_to_bytes(rows).as_slice())?;
                    }
                }
                for (first, segment) in &extended.centres {
                    table.insert(&number.pair(CENTRES + *first as u64), *segment)?;
                }
                table.insert(&number.pair(DIRECTORY), extended.directory.to_bytes().as_slice())?;
            }
            put_chunks(tx, number, extended.chunks)?;
            entry.clusters = Some(*extended.entry);
            Ok(entry.clusters)
        })
    }

    /// Removes the collection's clusters; returns what the catalogue said of them.
    ///
    /// # Errors
    /// Those of every write.
    pub fn drop_clusters(&self) -> Result<Option<ClustersEntry>> {
        self.change_entry(|tx, _, entry| {
            remove_unfinished(tx, entry)?;
            let dropped = entry.clusters;
            remove(tx, entry)?;
            Ok(dropped)
        })
    }
}

impl NewClusters<'_> {
    /// Writes some chunks.
    ///
    /// # Errors
    /// Those of every write.
    pub(crate) fn put(&self, chunks: &[ClusterChunk]) -> Result<()> {
        self.collection.change_entry(|tx, _, entry| {
            if entry.unfinished_clusters == Some(self.number.0) { put_chunks(tx, self.number, chunks) } else { Ok(()) }
        })
    }

    /// Has them searched from now on; returns the entry, or `None` when embeddings were replaced, or others built, since.
    ///
    /// # Errors
    /// Those of every write.
    pub(crate) fn finish(
        self,
        seen: &View,
        (base, centres): &(&Centre, Vec<(usize, &[u8])>),
        directory: &Directory,
        found: &ClustersEntry,
    ) -> Result<Option<ClustersEntry>> {
        self.collection.change_entry(|tx, number, entry| {
            if entry.unfinished_clusters != Some(self.number.0) {
                return Ok(None);
            }
            if !seen.has_same_rows(number, entry) {
                remove_unfinished(tx, entry)?;
                return Ok(None);
            }
            remove(tx, entry)?;
            let mut table = tx.open_table(table::CLUSTERS)?;
            table.insert(&self.number.pair(DIRECTORY), directory.to_bytes().as_slice())?;
            table.insert(&self.number.pair(BASE), base.to_bytes().as_slice())?;
            for (first, segment) in centres {
                table.insert(&self.number.pair(CENTRES + *first as u64), *segment)?;
            }
            entry.unfinished_clusters = None;
            entry.clusters = Some(ClustersEntry { number: self.number.0, ..*found });
            Ok(entry.clusters)
        })
    }
}

impl Collection {
    /// Keeps what was measured of the clusters that were just built or extended; `None` when others were built since.
    ///
    /// # Errors
    /// Those of every write.
    pub(crate) fn put_measured(&self, measured: &ClustersEntry) -> Result<Option<ClustersEntry>> {
        let ClustersEntry { number, reached_of, judged_of, levels, .. } = *measured;
        self.change_entry(|_, _, entry| {
            let same = entry.clusters.as_mut().filter(|clusters| clusters.number == number);
            Ok(same.map(|clusters| {
                *clusters = ClustersEntry { reached_of, judged_of, levels, ..*clusters };
                *clusters
            }))
        })
    }
}

fn put_chunks(tx: &WriteTransaction, number: CollectionNumber, chunks: &[ClusterChunk]) -> Result<()> {
    let mut table = tx.open_table(table::CLUSTERS)?;
    for ClusterChunk { cluster, chunk, bytes } in chunks {
        table.insert(&chunk_key(number, *cluster, *chunk), bytes.as_slice())?;
    }
    Ok(())
}

/// Removes the clusters that are searched.
pub(crate) fn remove(tx: &WriteTransaction, entry: &mut CatalogEntry) -> Result<()> {
    match entry.clusters.take() {
        Some(clusters) => catalog::remove_pairs(tx, table::CLUSTERS, clusters.number()),
        None => Ok(()),
    }
}

/// Removes what an interrupted build has left.
pub(crate) fn remove_unfinished(tx: &WriteTransaction, entry: &mut CatalogEntry) -> Result<()> {
    match entry.unfinished_clusters.take() {
        Some(number) => catalog::remove_pairs(tx, table::CLUSTERS, CollectionNumber(number)),
        None => Ok(()),
    }
}

/// Notes rows whose embedding was replaced, so that they are looked for beside the clusters.
pub(crate) fn note_moved(tx: &WriteTransaction, entry: &CatalogEntry, replaced: &RoaringTreemap) -> Result<()> {
    let Some(clusters) = entry.clusters else { return Ok(()) };
    let mut moved = replaced.clone();
    moved.remove_range(clusters.covers_until..);
    if moved.is_empty() {
        return Ok(());
    }
    let mut table = tx.open_table(table::CLUSTERS)?;
    let key = clusters.number().pair(MOVED);
    let before = match table.get(&key)? {
        Some(bytes) => set_from_bytes(bytes.value(), "the set of rows that moved")?,
        None => RoaringTreemap::new(),
    };
    table.insert(&key, set_to_bytes(&(before | moved)).as_slice())?;
    Ok(())
}
