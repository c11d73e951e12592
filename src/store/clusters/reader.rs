//! The clusters of a view, read a part at a time.
//!
//! Keys, not ranges: at the end of a range redb reads a value too many. Invariant: what is missing is damage.

use redb::{AccessGuard, ReadOnlyTable};
use roaring::RoaringTreemap;

use super::rows::{self, RowList};
use super::{
    AGAIN, BASE, CENTRES, ClusterChunkRef, ClustersEntry, DIRECTORY, Directory, MOVED, ROWS_OF_CLUSTER, chunk_key,
};
use crate::error::{Error, Result};
use crate::store::View;
use crate::store::centre::Centre;
use crate::store::codec::set_from_bytes;
use crate::store::panic_guard::guarded;
use crate::store::table::{self, PairKey};

type Part = AccessGuard<'static, &'static [u8]>;

/// The open table of a view's clusters.
pub(crate) struct ClusterReader<'v> {
    view: &'v View,
    entry: ClustersEntry,
    table: ReadOnlyTable<&'static PairKey, &'static [u8]>,
}

impl<'v> ClusterReader<'v> {
    /// Opens it.
    ///
    /// # Errors
    /// [`Error::Damaged`] when there are none, or their table cannot be read.
    pub(crate) fn open(view: &'v View) -> Result<Self> {
        let entry = view.clusters().ok_or_else(|| Error::damaged("the clusters: there are none"))?;
        let table = view.named(|| guarded(|| Ok(view.tx().open_table(table::CLUSTERS)?)))?;
        Ok(Self { view, entry, table })
    }

    /// Returns what the catalogue says of them.
    pub(crate) fn entry(&self) -> &ClustersEntry {
        &self.entry
    }

    /// Returns what is known of each cluster.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it is not what was written, or of another number of clusters.
    pub(crate) fn directory(&self) -> Result<Directory> {
        let part = self.part(&self.entry.number().pair(DIRECTORY))?;
        let found = Directory::from_bytes(missing(part.as_ref(), "the directory of clusters")?)?;
        if found.clusters.len() as u64 == self.entry.clusters {
            Ok(found)
        } else {
            Err(self.view.name(Error::damaged("the directory of clusters has another number of them")))
        }
    }

    /// Returns the point that their centres are coded around.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it is not what was written.
    pub(crate) fn base(&self) -> Result<Centre> {
        let part = self.part(&self.entry.number().pair(BASE))?;
        let dimension = self.view.info().dimension.unwrap_or(0);
        Centre::from_bytes(missing(part.as_ref(), "the point around which clusters lie")?, dimension)
    }

    /// Returns the segment of centres that begins with this cluster, copied.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it is missing.
    pub(crate) fn centres(&self, first: usize) -> Result<Vec<u8>> {
        let part = self.part(&self.entry.number().pair(CENTRES + first as u64))?;
        missing(part.as_ref(), "the centres of clusters").map(<[u8]>::to_vec)
    }

    /// Returns the rows whose embedding changed since they were clustered.
    ///
    /// # Errors
    /// [`Error::Damaged`] when the set cannot be read.
    pub(crate) fn moved(&self) -> Result<RoaringTreemap> {
        self.set(MOVED)
    }

    /// Returns the rows that were clustered again.
    ///
    /// # Errors
    /// [`Error::Damaged`] when the set cannot be read.
    pub(crate) fn again(&self) -> Result<RoaringTreemap> {
        self.set(AGAIN)
    }

    /// Returns whether rows were clustered again.
    ///
    /// # Errors
    /// [`Error::Damaged`] when the table cannot be read.
    pub(crate) fn has_again(&self) -> Result<bool> {
        Ok(self.part(&self.entry.number().pair(AGAIN))?.is_some())
    }

    fn set(&self, part: u64) -> Result<RoaringTreemap> {
        match self.part(&self.entry.number().pair(part))? {
            Some(bytes) => set_from_bytes(bytes.value(), "the set of rows that moved"),
            None => Ok(RoaringTreemap::new()),
        }
    }

    /// Reads a chunk of a cluster.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it is missing, or what `visit` answers.
    pub(crate) fn chunk<T>(&self, cluster: usize, chunk: u32, visit: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
        let part = self.part(&chunk_key(self.entry.number(), cluster, chunk))?;
        visit(missing(part.as_ref(), "a chunk of a cluster")?)
    }

    /// Reads which rows a chunk of a cluster has; returns its bytes, too.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it is missing, or not what was written.
    pub(crate) fn rows_of_chunk(&self, cluster: usize, chunk: u32) -> Result<(Vec<u64>, u64)> {
        self.chunk(cluster, chunk, |bytes| {
            let found = ClusterChunkRef::verified(bytes)?;
            Ok(((0..found.rows()).map(|row| found.ordinal(row).0).collect(), bytes.len() as u64))
        })
    }

    /// Returns whether any row of a cluster may be wanted.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it is not known which rows it has.
    pub(crate) fn may_hold(&self, cluster: usize, wanted: impl FnMut(u64) -> bool) -> Result<bool> {
        let part = self.part(&chunk_key(self.entry.number(), cluster, ROWS_OF_CLUSTER))?;
        rows::any(missing(part.as_ref(), "the rows of a cluster")?, wanted)
    }

    /// Returns the rows that a cluster lists, ascending.
    ///
    /// # Errors
    /// [`Error::Damaged`] when they cannot be read.
    pub(crate) fn rows(&self, cluster: usize) -> Result<Vec<u64>> {
        let part = self.part(&chunk_key(self.entry.number(), cluster, ROWS_OF_CLUSTER))?;
        rows::all(missing(part.as_ref(), "the rows of a cluster")?)
    }

    /// Returns the rows that a cluster lists, without those that are gone, and others, as they are to be written; and the bytes that
    /// those it lists take.
    ///
    /// # Errors
    /// [`Error::Damaged`] when those it lists cannot be read.
    pub(crate) fn rows_with(&self, cluster: usize, others: &RowList, gone: &RoaringTreemap) -> Result<(Vec<u8>, u64)> {
        let part = self.part(&chunk_key(self.entry.number(), cluster, ROWS_OF_CLUSTER))?;
        let Some(part) = part else { return Ok((others.to_bytes(), 0)) };
        let mut listed = rows::all(part.value())?;
        listed.retain(|ordinal| !gone.contains(*ordinal));
        listed.extend(rows::all(&others.to_bytes())?);
        listed.sort_unstable();
        listed.dedup();
        Ok((RowList::of(listed).to_bytes(), part.value().len() as u64))
    }

    fn part(&self, key: &PairKey) -> Result<Option<Part>> {
        let read = || match guarded(|| Ok(self.table.get(key)?)) {
            Err(Error::Damaged { .. }) => Err(Error::damaged("a part of the clusters does not match its checksum")),
            part => part,
        };
        self.view.named(read)
    }
}

fn missing<'p>(part: Option<&'p Part>, what: &str) -> Result<&'p [u8]> {
    part.map(AccessGuard::value).ok_or_else(|| Error::damaged(format!("{what}: missing")))
}
