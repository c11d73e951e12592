//! Clusters whose rows are given out again, so that size and shape follow what comes and goes without a rebuild.
//!
//! One that grew too large is split. One that has lost half of its rows, because they were deleted or their embeddings changed, is
//! written again without them or, where few are left, closed: its rows go to the clusters nearest to them, and it takes none any
//! more. Each row that is given out for a loss has a lost one to pay for it. Invariant: every row that stands in such a cluster is
//! given to one again.

use std::collections::{BTreeSet, HashSet};

use roaring::RoaringTreemap;

use super::build::clusters_for;
use super::centres::Centres;
use super::points::CodedRow;
use super::splitting::split;
use crate::error::Result;
use crate::index::graph::Watch;
use crate::index::work_sharing::{in_order, in_parts};
use crate::store::{ClusterFacts, ClusterReader, Directory, MOST_CLUSTERS, View};

/// Clusters that a row lies in.
pub(super) const CLUSTERS_OF_A_ROW: usize = 2;
/// A cluster is split when it has more than so many times the rows that one of so many clusters has.
const TOO_LARGE: u64 = 3;
/// One that has lost half of its rows is closed when it has less than one of so many parts of them.
const TOO_SMALL: u64 = 3;
/// Rows given out by splits for each that comes: more than enough to keep up.
const SPLIT_PER_NEW: u64 = 4;
/// Rows that may be given out by splits however few come.
const LEAST_SPLIT: u64 = 16 * 1024;

/// What stands in the clusters of a view: rows that are neither dead nor moved.
pub(super) struct Standing {
    /// How many there are in each cluster.
    rows: Vec<u64>,
    /// Clusters that list rows which moved.
    pub(super) with_moved: BTreeSet<usize>,
    /// Rows that are dead or moved.
    pub(super) gone: RoaringTreemap,
}

/// Which rows go where.
#[derive(Default)]
pub(super) struct Regrouped {
    /// The clusters whose rows are given out.
    pub(super) clusters: BTreeSet<usize>,
    /// The rows that stood in them, and the cluster that each goes to.
    pub(super) rows: Vec<(u64, usize)>,
    /// Clusters that take no row: those that had none, and those of which all are given to others.
    pub(super) closed: HashSet<usize>,
    /// The rows that stood in the latter, ascending; one that stood in two of them twice.
    pub(super) homeless: Vec<u64>,
    /// Whether others are to be written again, for which there was no room.
    pub(super) waits: bool,
}

impl Standing {
    /// Counts them; `moved` are the rows whose embedding changed.
    ///
    /// # Errors
    /// [`crate::error::Error::Damaged`] when it is not known which rows a cluster has.
    pub(super) fn of(
        view: &View,
        reader: &ClusterReader,
        directory: &Directory,
        moved: &RoaringTreemap,
        threads: usize,
    ) -> Result<Self> {
        let mut standing = Self { rows: Vec::new(), with_moved: BTreeSet::new(), gone: view.dead() | moved };
        let parts = in_parts(directory.clusters.len(), 64, threads, |part| {
            let mut counted = Vec::with_capacity(part.len());
            for cluster in part.clone() {
                let (mut rows, mut has_moved) = (0, false);
                if directory.clusters.get(cluster).is_some_and(|facts| !facts.is_empty()) {
                    let listed = reader.rows(cluster)?;
                    has_moved = !moved.is_empty() && listed.iter().any(|ordinal| moved.contains(*ordinal));
                    rows = standing.of_listed(listed).len() as u64;
                }
                counted.push((rows, has_moved));
            }
            Ok((part.start, counted))
        })?;
        let counted: Vec<(u64, bool)> = in_order(parts);
        standing.with_moved = counted.iter().zip(0..).filter(|((_, moved), _)| *moved).map(|(_, at)| at).collect();
        standing.rows = counted.into_iter().map(|(rows, _)| rows).collect();
        Ok(standing)
    }

    /// Returns the rows that stand in a cluster, ascending.
    ///
    /// # Errors
    /// [`crate::error::Error::Damaged`] when it is not known which they are.
    pub(super) fn rows_of(&self, reader: &ClusterReader, cluster: usize) -> Result<Vec<u64>> {
        Ok(self.of_listed(reader.rows(cluster)?))
    }

    fn of_listed(&self, mut listed: Vec<u64>) -> Vec<u64> {
        listed.retain(|ordinal| !self.gone.contains(*ordinal));
        listed
    }

    fn in_cluster(&self, cluster: usize) -> u64 {
        self.rows.get(cluster).copied().unwrap_or(0)
    }
}

/// Gives out the rows of clusters that are too large for so many `rows` as there will be with the `new` ones, and of those that lost
/// many, as far as `most` rows allow; `centres` gets the centres of what is split off.
///
/// # Errors
/// [`crate::error::Error::Damaged`] when rows cannot be read, [`crate::error::Error::Interrupted`] when `watch` says so.
pub(super) fn regroup(
    (view, reader): (&View, &ClusterReader),
    (directory, standing): (&Directory, &Standing),
    centres: &mut Centres,
    (rows, new, most): (u64, u64, u64),
    threads: usize,
    watch: Watch,
) -> Result<Regrouped> {
    let usual = (CLUSTERS_OF_A_ROW as u64).saturating_mul(rows).div_ceil(clusters_for(rows) as u64);
    let large = too_large(directory, standing, usual, new);
    let mut regrouped = split((view, reader), standing, centres, &large, threads, watch)?;
    let empty = directory.clusters.iter().enumerate().filter(|(_, facts)| facts.is_empty());
    regrouped.closed.extend(empty.map(|(cluster, _)| cluster));
    let lost = |(cluster, facts): (usize, &ClusterFacts)| {
        let left = standing.in_cluster(cluster);
        (!facts.is_empty() && 2 * left < u64::from(facts.entries)).then_some((left, cluster))
    };
    let mut thinned: Vec<(u64, usize)> = directory.clusters.iter().enumerate().filter_map(lost).collect();
    thinned.retain(|(_, cluster)| !regrouped.clusters.contains(cluster));
    thinned.sort_unstable();
    let (mut given, mut kept) = (0, HashSet::new());
    for (left, cluster) in thinned {
        if given > 0 && given + left > most {
            regrouped.waits = true;
            break;
        }
        given += left.max(1);
        let rows = standing.rows_of(reader, cluster)?;
        let is_small = left * TOO_SMALL < usual && !kept.contains(&cluster);
        let near = if is_small { nearest_open(centres, &regrouped.closed, cluster)? } else { None };
        if let Some(near) = near {
            // What takes its rows stays open, so that clusters close one by one where many are small.
            kept.insert(near);
            regrouped.closed.insert(cluster);
            regrouped.homeless.extend(rows);
        } else {
            regrouped.rows.extend(rows.into_iter().map(|ordinal| (ordinal, cluster)));
        }
        regrouped.clusters.insert(cluster);
    }
    regrouped.homeless.sort_unstable();
    Ok(regrouped)
}

/// Returns the clusters that are to be split, ascending, and in how many parts each.
fn too_large(directory: &Directory, standing: &Standing, usual: u64, new: u64) -> Vec<(usize, usize)> {
    let mut large: Vec<(u64, usize)> = standing.rows.iter().copied().zip(0..).collect();
    large.retain(|(rows, _)| *rows > usual.saturating_mul(TOO_LARGE));
    large.sort_unstable_by(|a, b| b.cmp(a));
    let mut left = SPLIT_PER_NEW.saturating_mul(new).max(LEAST_SPLIT);
    let mut room = MOST_CLUSTERS.saturating_sub(directory.clusters.len());
    let mut chosen = Vec::new();
    for (rows, cluster) in large {
        let parts = usize::try_from(rows.div_ceil(usual.max(1))).unwrap_or(usize::MAX);
        // One that is larger than what may be given out waits until more rows come, and keeps no other from being split.
        if rows <= left && parts <= room {
            (left, room) = (left - rows, room - parts);
            chosen.push((cluster, parts));
        }
    }
    chosen.sort_unstable();
    chosen
}

/// Returns the open cluster whose centre is nearest to that of a cluster.
fn nearest_open(centres: &Centres, closed: &HashSet<usize>, cluster: usize) -> Result<Option<usize>> {
    let own = CodedRow::new(&centres.points().point(cluster)?);
    let distances = centres.points().distances(&own)?.into_iter().enumerate();
    let open = distances.filter(|(at, _)| *at != cluster && !closed.contains(at));
    Ok(open.min_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(at, _)| at))
}
