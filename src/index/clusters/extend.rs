//! Clusters extended by rows that came since, and cleared of those that went, some at a time.
//!
//! Each time is one transaction, after which those rows are searched in the clusters and the others still beside them. Invariant:
//! memory is bounded by the rows of one time, and a search meets the clusters as they were before it or after it.

use std::collections::BTreeSet;

use roaring::RoaringTreemap;

use super::build::{fill, replaced};
use super::centres::Centres;
use super::filling::{Filling, Made, NUMBERS_BYTES};
use super::regrouping::{CLUSTERS_OF_A_ROW, Standing, regroup};
use crate::error::Result;
use crate::index::graph::Watch;
use crate::store::{
    ClusterChunk, ClusterReader, ClustersEntry, Collection, ExtendedClusters, ROWS_OF_CLUSTER, RowList, View,
    sign_bytes,
};

/// Bytes of the rows that come in one time; tests come several times with few.
const BYTES_AT_ONCE: usize = if cfg!(test) { 16 << 10 } else { 96 << 20 };

/// What one time came to.
struct Extended {
    entry: ClustersEntry,
    /// Rows that came.
    new: u64,
    /// Whether rows that moved, or clusters that lost rows, wait for another time.
    waits: bool,
}

/// Extends the clusters that a view has by all rows it has, and clears them of what it lost; returns what the file then says of them, and
/// how many rows came.
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
    let until = first.end().0;
    let mut extended = extend_once(collection, first, threads, watch)?;
    let mut added = extended.new;
    while extended.entry.covers_until < until || extended.waits {
        let view = collection.view()?;
        if view.clusters().is_none_or(|clusters| clusters.number != extended.entry.number) {
            return Err(replaced(collection));
        }
        extended = extend_once(collection, &view, threads, watch)?;
        added += extended.new;
    }
    Ok((extended.entry, added))
}

fn extend_once(collection: &Collection, view: &View, threads: usize, watch: Watch) -> Result<Extended> {
    let reader = ClusterReader::open(view)?;
    let found = *reader.entry();
    let directory = reader.directory()?;
    let mut centres = Centres::read(&reader, directory.clusters.len(), view.info().space)?;
    let most = rows_at_once(view);
    let mut later = reader.moved()? - view.dead();
    let moved: RoaringTreemap = later.iter().take(usize::try_from(most).unwrap_or(usize::MAX)).collect();
    later -= &moved;
    let (new, covers_until) = next_rows(view, &found, most - moved.len());
    let rows = view.live_below(covers_until);
    let standing = Standing::of(view, &reader, &directory, &moved, threads)?;
    let counts = (rows, new.len(), most - moved.len() - new.len());
    let mut regrouped = regroup((view, &reader), (&directory, &standing), &mut centres, counts, threads, watch)?;
    let mut filling = Filling::new(&centres, Some((&directory, &regrouped.closed)))?;
    let taken = filling.take_back((view, &reader), (&moved, &mut regrouped), threads, watch)?;
    let mut chunks = taken.full;
    fill(&mut filling, view, new.iter(), threads, watch, |chunk| {
        chunks.push(chunk);
        Ok(())
    })?;
    let first_new = directory.clusters.len();
    let (mut gone, mut lists) = (taken.bytes, Vec::new());
    let directory = filling.finish(|made| {
        match made {
            Made::Chunk(chunk) => chunks.push(chunk),
            Made::Rows(cluster, rows) => lists.push((cluster, rows)),
        }
        Ok(())
    })?;
    let listed: BTreeSet<usize> = lists.iter().map(|(cluster, _)| *cluster).collect();
    let unlisted = standing.with_moved.difference(&listed).filter(|cluster| !regrouped.clusters.contains(cluster));
    lists.extend(unlisted.map(|cluster| (*cluster, RowList::default())));
    for (cluster, new) in lists {
        // What was listed of a cluster whose rows are given out again has been taken back.
        let (bytes, before) = if regrouped.clusters.contains(&cluster) {
            (new.to_bytes(), 0)
        } else {
            reader.rows_with(cluster, &new, &standing.gone)?
        };
        gone += before;
        chunks.push(ClusterChunk { cluster, chunk: ROWS_OF_CLUSTER, bytes });
    }
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
        moved: &later,
        again: &(moved | reader.again()?),
        directory: &directory,
        entry: &entry,
    };
    let entry = collection.extend_clusters(view, &extended)?.ok_or_else(|| replaced(collection))?;
    Ok(Extended { entry, new: new.len(), waits: regrouped.waits || !later.is_empty() })
}

/// Returns how many rows are put into clusters in one time, but for those that splits give out.
fn rows_at_once(view: &View) -> u64 {
    let of_a_row = CLUSTERS_OF_A_ROW * (sign_bytes(view.info().dimension.unwrap_or(0)) + NUMBERS_BYTES);
    (BYTES_AT_ONCE / of_a_row).max(1) as u64
}

/// Returns the rows that come next, at most so many, and the ordinal below which all are in clusters then.
fn next_rows(view: &View, found: &ClustersEntry, most: u64) -> (RoaringTreemap, u64) {
    let mut new = view.live();
    new.remove_range(..found.covers_until);
    let until = new.select(most).unwrap_or(view.end().0);
    new.remove_range(until..);
    (new, until)
}
