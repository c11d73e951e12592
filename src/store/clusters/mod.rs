//! Clustered rows: the signs of rows that lie near one another, next to one another in the file.
//!
//! What the clusters are is left to the index. Here is how they are stored, and how they follow what changes. Invariant: every
//! live row of an ordinal below `covers_until` stands in a chunk of one cluster or more, or among the rows that moved.

mod change;
mod chunk;
mod directory;
mod entry;
mod reader;
pub(super) mod rows;
mod turned;

pub(crate) use change::{ClusterChunk, ExtendedClusters, NewClusters, note_moved, remove, remove_unfinished};
pub(crate) use chunk::{ChunkRows, ClusterChunkRef, rows_per_chunk};
pub(crate) use directory::{ClusterFacts, Directory, MOST_CLUSTERS};
pub(crate) use entry::known_levels;
pub use entry::{CLUSTER_LEVELS, ClusterLevel, ClustersEntry};
pub(crate) use reader::ClusterReader;
pub(crate) use rows::RowList;
pub(crate) use turned::{ClusterBase, RowAround, Turned, Turner};

use super::segment::Segment;
use super::table::{CollectionNumber, PairKey};

/// The key of the directory.
const DIRECTORY: u64 = 0;
/// That of the point around which centres are coded.
const BASE: u64 = 1;
/// That of the set of rows whose embedding changed since they were clustered.
const MOVED: u64 = 2;
/// That of the set of rows that were clustered again, so that what stands in another cluster is of an embedding they had.
const AGAIN: u64 = 3;
/// Keys from here on are those of the centres: this and the first cluster of a segment of them.
const CENTRES: u64 = 1 << 24;
/// Bits of a key that number the chunks of a cluster.
const CHUNK_BITS: u32 = 32;
/// The number, among those of the chunks of a cluster, of what says which rows they hold.
pub(crate) const ROWS_OF_CLUSTER: u32 = u32::MAX;

/// The key of a part of the clusters stored under a number.
fn chunk_key(number: CollectionNumber, cluster: usize, chunk: u32) -> PairKey {
    number.pair(((cluster as u64 + 1) << CHUNK_BITS) | u64::from(chunk))
}

/// A part of the clusters, as its key names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClusterPart {
    Directory,
    Base,
    Moved,
    Again,
    /// A segment of centres, from this cluster on.
    Centres(u64),
    /// A chunk of a cluster.
    Chunk(u64, u64),
    /// The rows of a cluster.
    Rows(u64),
}

/// Returns which part a key names.
pub(super) fn part_of(key: u64) -> ClusterPart {
    match key {
        DIRECTORY => ClusterPart::Directory,
        BASE => ClusterPart::Base,
        MOVED => ClusterPart::Moved,
        AGAIN => ClusterPart::Again,
        _ => match (key >> CHUNK_BITS).checked_sub(1) {
            Some(cluster) if key & u64::from(u32::MAX) == u64::from(ROWS_OF_CLUSTER) => ClusterPart::Rows(cluster),
            Some(cluster) => ClusterPart::Chunk(cluster, key & u64::from(u32::MAX)),
            None => ClusterPart::Centres(key.saturating_sub(CENTRES)),
        },
    }
}

/// Returns the point of a row of a segment of points, which are coded around the origin.
pub(crate) fn decoded(segment: &Segment, row: usize) -> Option<Vec<f32>> {
    // The weight of l2 is 2, so half of a factor is the scale.
    let scale = segment.numbers(row)?.into_iter().next()? / 2.0;
    let codes = segment.codes().chunks_exact(segment.dimension()).nth(row)?;
    Some(codes.iter().map(|code| scale * f32::from(*code)).collect())
}
