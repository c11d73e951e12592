//! Clusters extended by rows that came since, some at a time.
//!
//! Each time is one transaction, after which those rows are searched in the clusters and the others still beside them. Invariant:
//! memory is bounded by the rows of one time, and a search meets the clusters as they were before it or after it.

use std::collections::HashSet;

use roaring::RoaringTreemap;

use super::build::{fill, replaced};
use super::centres::Centres;
use super::filling::{Filling, NUMBERS_BYTES};
use super::splitting::split;
use crate::error::Result;
use crate::index::graph::Watch;
use crate::store::{
    ClusterChunk, ClusterReader, ClustersEntry, Collection, ExtendedClusters, ROWS_OF_CLUSTER, View, sign_bytes,
};

/// Bytes of the rows that come in one time; tests come several times with few.
const BYTES_AT_ONCE: usize = if cfg!(test) { 16 << 10 } else { 96 << 20 };
/// Clusters that a row lies in.
const CLUSTERS_OF_A_ROW: usize = 2;

/// Extends the clusters that a view has by all rows it has; returns what the file then says of them, and how many rows came.
///
/// # Errors
/// [`crate::error::Error::Interrupted`] when `watch` says so, an error that says so when embeddings were replaced meanwhile, or those
/// of every write. What was added before stays.
pub(super) fn extend(
    collection: &Collection,
    first: &View,
    threads: usize,
    watch: Watch,
) -> Result<(ClustersEntry, u64)> {
    let (until, mut added) = (first.end().0, 0);
    let (mut extended, new) = extend_once(collection, first, threads, watch)?;
    added += new;
    while extended.covers_until < until {
        let view = collection.view()?;
        if view.clusters().is_none_or(|clusters| clusters.number != extended.number) {
            return Err(replaced(collection));
        }
        let new;
        (extended, new) = extend_once(collection, &view, threads, watch)?;
        added += new;
    }
    Ok((extended, added))
}

fn extend_once(collection: &Collection, view: &View, threads: usize, watch: Watch) -> Result<(ClustersEntry, u64)> {
    let reader = ClusterReader::open(view)?;
    let found = *reader.entry();
    let (new, covers_until) = next_rows(view, &found);
    let directory = reader.directory()?;
    let mut centres = Centres::read(&reader, directory.clusters.len(), view.info().space)?;
    let rows = found.rows + new.len();
    let large = split((view, &reader), &directory, &mut centres, (rows, new.len()), threads, watch)?;
    let clusters_split: HashSet<usize> = large.clusters.iter().copied().collect();
    let mut filling = Filling::new(&centres, Some(&directory))?;
    let moved = reader.moved()? - view.dead();
    let taken = filling.take_back((view, &reader), &moved, large, threads)?;
    let mut chunks = taken.full;
    fill(&mut filling, view, new.iter(), threads, watch, |chunk| {
        chunks.push(chunk);
        Ok(())
    })?;
    let first_new = directory.clusters.len();
    let mut gone = taken.bytes;
    let directory = filling.finish(|ClusterChunk { cluster, chunk, mut bytes }| {
        if chunk == ROWS_OF_CLUSTER && !clusters_split.contains(&cluster) {
            let before;
            (bytes, before) = reader.rows_with(cluster, bytes)?;
            gone += before;
        }
        chunks.push(ClusterChunk { cluster, chunk, bytes });
        Ok(())
    })?;
    let entry = ClustersEntry {
        covers_until,
        scan_from: if covers_until == view.end().0 { view.sealed_until().0 } else { found.scan_from },
        rows,
        clusters: directory.clusters.len() as u64,
        entries: directory.entries(),
        bytes: found.bytes.saturating_sub(gone) + chunks.iter().map(|chunk| chunk.bytes.len() as u64).sum::<u64>(),
        ..found
    };
    let extended = ExtendedClusters {
        removed: &taken.chunks,
        chunks: &chunks,
        centres: centres.points().segments().filter(|(first, _)| *first >= first_new).collect(),
        again: &(moved | reader.again()?),
        directory: &directory,
        entry: &entry,
    };
    let entry = collection.extend_clusters(view, &extended)?.ok_or_else(|| replaced(collection))?;
    Ok((entry, new.len()))
}

/// Returns the rows that come next, and the ordinal below which all are in clusters then.
fn next_rows(view: &View, found: &ClustersEntry) -> (RoaringTreemap, u64) {
    let of_a_row = CLUSTERS_OF_A_ROW * (sign_bytes(view.info().dimension.unwrap_or(0)) + NUMBERS_BYTES);
    let mut new = view.live();
    new.remove_range(..found.covers_until);
    let until = new.select((BYTES_AT_ONCE / of_a_row).max(1) as u64).unwrap_or(view.end().0);
    new.remove_range(until..);
    (new, until)
}
