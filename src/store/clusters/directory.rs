//! What is known of each cluster without reading it.
//!
//! Layout: xxh3-64 of all that follows, then for each cluster its radius and the squared length of its centre (f32 each), its
//! entries and its chunks (u32 each). Invariant: what is read was written.

use xxhash_rust::xxh3::xxh3_64;

use crate::error::Result;
use crate::store::codec::Reader;
use crate::store::table::MAX_VALUE_BYTES;

/// Bytes of a cluster.
const FACTS_BYTES: usize = 16;
/// How many clusters fit the directory.
pub(crate) const MOST_CLUSTERS: usize = (MAX_VALUE_BYTES - 8) / FACTS_BYTES;

/// What is known of a cluster.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct ClusterFacts {
    /// How far its rows lie from its centre: the root of the mean of the squares.
    pub radius: f32,
    /// The inner product of the centre with itself.
    pub squared: f32,
    /// Rows in it.
    pub entries: u32,
    /// Chunks that hold them.
    pub chunks: u32,
}

impl ClusterFacts {
    /// Returns whether it has no rows; none are put into it any more then.
    pub(crate) fn is_empty(&self) -> bool {
        self.chunks == 0
    }
}

/// What is known of every cluster, in their order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Directory {
    pub clusters: Vec<ClusterFacts>,
}

impl Directory {
    /// Returns how many rows stand in clusters, each counted in every one.
    pub(crate) fn entries(&self) -> u64 {
        self.clusters.iter().map(|facts| u64::from(facts.entries)).sum()
    }

    /// Returns its bytes in the file.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![0; 8];
        for facts in &self.clusters {
            out.extend(facts.radius.to_le_bytes());
            out.extend(facts.squared.to_le_bytes());
            out.extend(facts.entries.to_le_bytes());
            out.extend(facts.chunks.to_le_bytes());
        }
        let checksum = out.get(8..).map_or(0, xxh3_64);
        out.splice(0..8, checksum.to_le_bytes());
        out
    }

    /// Reads it from the file.
    ///
    /// # Errors
    /// [`crate::error::Error::Damaged`] when it is not what was written.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, "the directory of clusters");
        let checksum = reader.u64()?;
        if bytes.get(8..).map_or(0, xxh3_64) != checksum {
            return Err(reader.damaged("it does not match its checksum"));
        }
        if !reader.remaining().is_multiple_of(FACTS_BYTES) {
            return Err(reader.damaged("its parts do not add up to its length"));
        }
        let mut clusters = Vec::with_capacity(reader.remaining() / FACTS_BYTES);
        while reader.remaining() > 0 {
            let (radius, squared) = (reader.array().map(f32::from_le_bytes)?, reader.array().map(f32::from_le_bytes)?);
            clusters.push(ClusterFacts { radius, squared, entries: reader.u32()?, chunks: reader.u32()? });
        }
        Ok(Self { clusters })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_round_trips_and_damage_is_seen() {
        let facts = |n: u32| ClusterFacts { radius: 0.5, squared: 1.5, entries: n, chunks: n / 7 };
        let directory = Directory { clusters: (0..9).map(facts).collect() };
        let bytes = directory.to_bytes();
        assert_eq!(Directory::from_bytes(&bytes).unwrap(), directory);
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 4;
            assert!(Directory::from_bytes(&flipped).is_err() && Directory::from_bytes(&bytes[..at]).is_err(), "{at}");
        }
        let most = Directory { clusters: vec![facts(1); MOST_CLUSTERS] };
        assert!(most.to_bytes().len() <= MAX_VALUE_BYTES);
    }
}
