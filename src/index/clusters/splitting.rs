//! Clusters that grew too large give rows to new ones beside them.
//!
//! The centre of such a cluster stays where it is; others are put among its rows, and each row goes to the nearest of them, so that no
//! other cluster changes. Invariant: every live row of a cluster that is split is given to one of its parts, once.

use std::collections::BTreeMap;

use super::build::clusters_for;
use super::centres::Centres;
use super::points::{CodedRow, Points};
use super::train::{means, sample};
use crate::error::{Error, Result};
use crate::index::graph::Watch;
use crate::index::work_sharing::{in_order, in_parts};
use crate::store::{ClusterReader, Directory, MOST_CLUSTERS, View};

/// A cluster is split when it has more than so many times the rows that one of so many clusters has.
const TOO_LARGE: u64 = 3;
/// Rows that are moved for each that comes: more than enough to keep up.
const MOVED_PER_NEW: u64 = 4;
/// Rows that may be moved however few come.
const LEAST_MOVED: u64 = 16 * 1024;

/// Which rows go where.
#[derive(Default)]
pub(super) struct Split {
    /// The clusters that are split, ascending.
    pub(super) clusters: Vec<usize>,
    /// What their chunks take.
    pub(super) bytes: u64,
    /// The rows of each, and the cluster that they go to.
    pub(super) rows: Vec<(u64, usize)>,
}

/// A cluster in parts.
struct Parts {
    cluster: usize,
    /// What its chunks take.
    bytes: u64,
    /// The centres of the new ones.
    points: Vec<Vec<f32>>,
    /// Its rows, and the part that each goes to: 0 stays.
    rows: Vec<(u64, usize)>,
}

/// Splits the largest clusters, where some are too large for so many `rows` as there will be with the `new` ones; `centres` gets the
/// centres of what is split off.
///
/// # Errors
/// [`Error::Damaged`] when rows cannot be read, [`Error::Interrupted`] when `watch` says so.
pub(super) fn split(
    (view, reader): (&View, &ClusterReader),
    directory: &Directory,
    centres: &mut Centres,
    (rows, new): (u64, u64),
    threads: usize,
    watch: Watch,
) -> Result<Split> {
    let usual = (directory.entries().saturating_mul(rows.max(1)) / reader.entry().rows.max(1))
        .div_ceil(clusters_for(rows) as u64);
    let mut large: Vec<(u64, usize)> =
        directory.clusters.iter().map(|facts| u64::from(facts.entries)).zip(0..).collect();
    large.retain(|(entries, _)| *entries > usual.saturating_mul(TOO_LARGE));
    large.sort_unstable_by(|a, b| b.cmp(a));
    let (mut left, mut room) =
        ((MOVED_PER_NEW * new).max(LEAST_MOVED), MOST_CLUSTERS.saturating_sub(directory.clusters.len()));
    let mut chosen = Vec::new();
    for (entries, cluster) in large {
        let parts = usize::try_from(entries.div_ceil(usual.max(1))).unwrap_or(usize::MAX);
        // One that is larger than what may be moved waits until more rows come, and keeps no other from being split.
        if entries <= left && parts <= room {
            (left, room) = (left - entries, room - parts);
            chosen.push((cluster, parts));
        }
    }
    chosen.sort_unstable();
    let made = in_parts(chosen.len(), 1, threads, |part| {
        let some = chosen.get(part.clone()).unwrap_or_default();
        let split_one =
            |(cluster, parts): &(usize, usize)| parts_of((view, reader), directory, centres, *cluster, *parts, watch);
        Ok((part.start, some.iter().map(split_one).collect::<Result<Vec<_>>>()?))
    })?;
    let mut split = Split::default();
    let mut groups: BTreeMap<usize, Vec<Parts>> = BTreeMap::new();
    for parts in in_order(made).into_iter().flatten() {
        groups.entry(centres.points().group_of(parts.cluster)).or_default().push(parts);
    }
    for of_group in groups.into_values() {
        let mut points = Vec::new();
        for parts in of_group {
            let next = centres.points().len() + points.len();
            let to = |part: usize| part.checked_sub(1).map_or(parts.cluster, |part| next + part);
            split.clusters.push(parts.cluster);
            split.bytes += parts.bytes;
            split.rows.extend(parts.rows.into_iter().map(|(ordinal, part)| (ordinal, to(part))));
            points.extend(parts.points);
        }
        centres.add(&points)?;
    }
    Ok(split)
}

/// Splits a cluster in so many parts; `None` where its rows cannot be told apart.
fn parts_of(
    (view, reader): (&View, &ClusterReader),
    directory: &Directory,
    centres: &Centres,
    cluster: usize,
    parts: usize,
    watch: Watch,
) -> Result<Option<Parts>> {
    let watched = || if watch(0).is_break() { Err(Error::Interrupted) } else { Ok(()) };
    let (mut rows, mut bytes) = (Vec::new(), 0);
    for chunk in 0..directory.clusters.get(cluster).map_or(0, |facts| facts.chunks) {
        let (of_chunk, taken) = reader.rows_of_chunk(cluster, chunk)?;
        rows.extend(of_chunk);
        bytes += taken;
    }
    rows.retain(|ordinal| !view.dead().contains(*ordinal));
    rows.sort_unstable();
    let coded = sample(view, centres.base(), &rows, 1)?;
    let own = centres.points().point(cluster)?;
    let mut points = means(&coded.iter().collect::<Vec<_>>(), parts, 1, &watched)?;
    // The one that lies nearest to the centre there is gives way to it.
    let nearest = Points::of([points.as_slice()])?.nearest(&CodedRow::new(&own))?;
    if nearest < points.len() {
        points.swap_remove(nearest);
    }
    let all = Points::of([[&[own], points.as_slice()].concat().as_slice()])?;
    let chosen = coded.iter().map(|row| all.nearest(row)).collect::<Result<Vec<_>>>()?;
    let is_split = chosen.iter().any(|part| Some(part) != chosen.first());
    Ok(is_split.then(|| Parts { cluster, bytes, points, rows: rows.into_iter().zip(chosen).collect() }))
}
