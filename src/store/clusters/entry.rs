//! What the catalogue knows of a collection's clusters.
//!
//! Invariant: it changes in the transaction that changes what it says.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::store::catalog::GraphEntry;
use crate::store::rotation::ROTATION;
use crate::store::table::CollectionNumber;

/// How many levels are measured.
pub const CLUSTER_LEVELS: usize = 6;

/// What the catalogue knows of a collection's clusters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ClustersEntry {
    /// The number that they stand under.
    pub number: u32,
    /// The rotation that they are turned by; of clusters of another only the rows are of use.
    #[serde(default)]
    pub rotation: u8,
    /// Ordinals below this one are in them.
    pub covers_until: u64,
    /// Segments that begin here or later may hold rows that are not in them.
    pub scan_from: u64,
    /// Records in them when they were built or last extended.
    pub rows: u64,
    /// Rows there were when it was measured how far a question looks.
    #[serde(default)]
    pub reached_of: u64,
    /// Rows there were when it was last measured what is found.
    #[serde(default)]
    pub judged_of: u64,
    /// How many clusters there are.
    pub clusters: u64,
    /// Rows in them, each counted in every cluster that it lies in.
    pub entries: u64,
    /// What they take, in bytes.
    pub bytes: u64,
    /// How far a question looks and what it finds, among all rows and among ever fewer of them.
    #[serde(deserialize_with = "known_levels")]
    pub levels: [ClusterLevel; CLUSTER_LEVELS],
}

/// How far a question looks among the rows that a filter keeps, and what it finds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ClusterLevel {
    /// The share of the rows that is kept.
    pub kept: f64,
    /// How far the nearest records may be, by the farthest of them, for this to hold.
    pub until: f64,
    /// Clusters are visited as long as the plane between them and the one nearest to the question is no farther than this part of
    /// how far the nearest records are.
    pub reach: f64,
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
        self.is_turned_as_now() && GraphEntry::is_used(self.recall(), dimension)
    }

    /// The rotation of clusters that are built now.
    pub(crate) const ROTATION: u8 = ROTATION;

    /// Returns whether what is asked today can be compared with them.
    pub(crate) fn is_turned_as_now(&self) -> bool {
        self.rotation == Self::ROTATION
    }

    /// Returns the share of the ten nearest of all rows that was found when they were built.
    #[must_use]
    pub fn recall(&self) -> Option<f64> {
        self.levels[0].recall
    }
}

impl ClusterLevel {
    /// Returns how far a question looks of whose rows this share is kept; `kth` is the distance of the farthest of the nearest found so
    /// far. Where nobody measured so few rows, or any as far away, no plane is too far.
    #[must_use]
    pub fn reach(levels: &[Self], kept: f64, kth: f64) -> f64 {
        let level = levels.iter().find(|level| level.kept <= kept && kth <= level.until);
        level.map_or(f64::INFINITY, |level| level.reach)
    }
}

/// Reads levels as another version may have measured them: where they are fewer, the last stands for those it lacks, and where they are
/// more, those of the fewest rows are left out.
///
/// # Errors
/// Says so where there are none.
pub(crate) fn known_levels<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<[ClusterLevel; CLUSTER_LEVELS], D::Error> {
    let mut levels = Vec::<ClusterLevel>::deserialize(deserializer)?;
    let last = *levels.last().ok_or_else(|| D::Error::invalid_length(0, &"the levels of clusters"))?;
    levels.resize(CLUSTER_LEVELS, last);
    levels.try_into().map_err(|_| D::Error::custom("the levels of clusters cannot be counted"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_looks_as_far_as_those_that_were_as_far_away_among_as_few_rows() {
        let level = |kept, until, reach| ClusterLevel { kept, until, reach, share: 0.1, ranked: 9.0, recall: None };
        let levels = [level(1.0, 0.5, 0.25), level(0.5, 0.6, 0.3), level(0.1, 0.7, 0.4)];
        let reach = |kept, kth| format!("{}", ClusterLevel::reach(&levels, kept, kth));
        assert_eq!([reach(1.0, 0.4), reach(1.0, 0.6), reach(1.0, 0.8)], ["0.25", "0.3", "inf"]);
        assert_eq!([reach(0.7, 0.4), reach(0.2, 0.4), reach(0.01, 0.4)], ["0.3", "0.4", "inf"]);
    }

    #[test]
    fn levels_of_another_version_are_read() {
        let level = |kept: f64| ClusterLevel { kept, until: 1.0, reach: 0.3, share: 0.1, ranked: 9.0, recall: None };
        let entry = |levels: &[ClusterLevel]| {
            let fields =
                r#""number":1,"rotation":1,"covers_until":9,"scan_from":9,"rows":9,"clusters":1,"entries":9,"bytes":9"#;
            let levels = serde_json::to_string(levels).unwrap();
            serde_json::from_str::<ClustersEntry>(&format!("{{{fields},\"levels\":{levels}}}"))
        };
        for count in 1..9_u8 {
            let levels: Vec<ClusterLevel> = (0..count).map(|at| level(1.0 / f64::from(at + 1))).collect();
            let read = entry(&levels).unwrap().levels;
            assert_eq!(read[0], levels[0]);
            assert_eq!(read[5], levels[5.min(levels.len() - 1)]);
        }
        assert!(entry(&[]).is_err());
    }
}
