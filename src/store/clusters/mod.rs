//! Clustered rows: the signs of rows that lie near one another, next to one another in the file.
//!
//! What the clusters are is left to the index. Here is how they are stored, and how they follow what changes. Invariant: every
//! live row of an ordinal below `covers_until` stands in a chunk of one cluster or more, or among the rows that moved.

mod change;
mod chunk;
mod directory;
mod entry;
mod reader;

pub(crate) use change::{ClusterChunk, note_moved, remove, remove_unfinished};
pub(crate) use chunk::{ChunkRows, ClusterChunkRef, rows_per_chunk};
pub(crate) use directory::{ClusterFacts, Directory, MOST_CLUSTERS};
pub use entry::{ClusterLevel, ClustersEntry};
pub(crate) use reader::ClusterReader;

use super::centre::Centre;
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
}

/// Returns which part a key names.
pub(super) fn part_of(key: u64) -> ClusterPart {
    match key {
        DIRECTORY => ClusterPart::Directory,
        BASE => ClusterPart::Base,
        MOVED => ClusterPart::Moved,
        AGAIN => ClusterPart::Again,
        _ => match (key >> CHUNK_BITS).checked_sub(1) {
            Some(cluster) => ClusterPart::Chunk(cluster, key & u64::from(u32::MAX)),
            None => ClusterPart::Centres(key.saturating_sub(CENTRES)),
        },
    }
}

/// Returns the centre of a row of a segment of centres: what its codes stand for.
pub(crate) fn decoded(base: &Centre, segment: &Segment, row: usize) -> Option<Centre> {
    // The weight of l2 is 2, so half of a factor is the scale.
    let scale = segment.numbers(row)?.into_iter().next()? / 2.0;
    let codes = segment.codes().chunks_exact(segment.dimension()).nth(row)?;
    let components = codes.iter().zip(base.components()).map(|(code, base)| base + scale * f32::from(*code));
    Some(Centre::new(components.collect()))
}
