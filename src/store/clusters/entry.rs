//! What the catalogue knows of a collection's clusters.
//!
//! Invariant: it changes in the transaction that changes what it says.

use serde::{Deserialize, Serialize};

use crate::store::catalog::GraphEntry;
use crate::store::table::CollectionNumber;

/// What the catalogue knows of a collection's clusters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ClustersEntry {
    /// The number that they stand under.
    pub number: u32,
    /// Ordinals below this one are in them.
    pub covers_until: u64,
    /// Segments that begin here or later may hold rows that are not in them.
    pub scan_from: u64,
    /// Rows in them, as often as they were given.
    pub rows: u64,
    /// How many clusters there are.
    pub clusters: u64,
    /// Rows in them, each counted in every cluster that it lies in.
    pub entries: u64,
    /// What they take, in bytes.
    pub bytes: u64,
    /// How far a question looks, the nearest first.
    pub reaches: [Reach; 8],
    /// What is found among all rows, and among ever fewer of them.
    pub levels: [ClusterLevel; 4],
}

/// How far a question looks whose nearest records are this far.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Reach {
    /// The distance of the farthest of the nearest, at the most.
    pub until: f64,
    /// Clusters are visited as long as the plane between them and the one nearest to the question is no farther than this part of
    /// how far the nearest records are.
    pub part: f64,
}

impl Reach {
    /// Returns how far a question looks; `kth` is the distance of the farthest of the nearest found so far. What is farther than any of
    /// those that were asked was not measured: there no plane is too far.
    #[must_use]
    pub fn at(reaches: &[Self], kth: f64) -> f64 {
        reaches.iter().find(|reach| kth <= reach.until).map_or(f64::INFINITY, |reach| reach.part)
    }
}

/// What a question finds of rows that a filter keeps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ClusterLevel {
    /// The share of the rows that is kept.
    pub kept: f64,
    /// The share of all entries that a question meets.
    pub share: f64,
    /// Rows ranked for a hit, as measured with the recall.
    pub ranked: f64,
    /// The share of the ten nearest that was found, asked for rows of the collection when they were built.
    pub recall: Option<f64>,
}

impl ClustersEntry {
    pub(super) fn number(&self) -> CollectionNumber {
        CollectionNumber(self.number)
    }

    /// Returns whether they are searched for embeddings of this many components.
    #[must_use]
    pub fn is_used(&self, dimension: usize) -> bool {
        GraphEntry::is_used(self.recall(), dimension)
    }

    /// Returns the share of the ten nearest of all rows that was found when they were built.
    #[must_use]
    pub fn recall(&self) -> Option<f64> {
        self.levels[0].recall
    }
}
