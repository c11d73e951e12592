//! Clusters that grew too large give rows to new ones beside them.
//!
//! The centre of such a cluster stays where it is; others are put among its rows, and each row goes to the nearest of them, so that no
//! other cluster changes. Invariant: every standing row of a cluster that is split is given to one of its parts, once.

use std::collections::BTreeMap;

use super::centres::Centres;
use super::points::{CodedRow, Points};
use super::regrouping::{Regrouped, Standing};
use super::train::{means, sample};
use crate::error::{Error, Result};
use crate::index::graph::Watch;
use crate::index::work_sharing::{in_order, in_parts};
use crate::store::{ClusterReader, View};

/// A cluster in parts.
struct Parts {
    cluster: usize,
    /// The centres of the new ones.
    points: Vec<Vec<f32>>,
    /// Its rows, and the part that each goes to: 0 stays.
    rows: Vec<(u64, usize)>,
}

/// Splits clusters in so many parts each; `centres` gets the centres of what is split off.
///
/// # Errors
/// [`Error::Damaged`] when rows cannot be read, [`Error::Interrupted`] when `watch` says so.
pub(super) fn split(
    (view, reader): (&View, &ClusterReader),
    standing: &Standing,
    centres: &mut Centres,
    large: &[(usize, usize)],
    threads: usize,
    watch: Watch,
) -> Result<Regrouped> {
    let made = in_parts(large.len(), 1, threads, |part| {
        let some = large.get(part.clone()).unwrap_or_default();
        let split_one = |large: &(usize, usize)| parts_of((view, reader), standing, centres, *large, watch);
        Ok((part.start, some.iter().map(split_one).collect::<Result<Vec<_>>>()?))
    })?;
    let mut split = Regrouped::default();
    let mut groups: BTreeMap<usize, Vec<Parts>> = BTreeMap::new();
    for parts in in_order(made).into_iter().flatten() {
        groups.entry(centres.points().group_of(parts.cluster)).or_default().push(parts);
    }
    for of_group in groups.into_values() {
        let mut points = Vec::new();
        for parts in of_group {
            let next = centres.points().len() + points.len();
            let to = |part: usize| part.checked_sub(1).map_or(parts.cluster, |part| next + part);
            split.clusters.insert(parts.cluster);
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
    standing: &Standing,
    centres: &Centres,
    (cluster, parts): (usize, usize),
    watch: Watch,
) -> Result<Option<Parts>> {
    let watched = || if watch(0).is_break() { Err(Error::Interrupted) } else { Ok(()) };
    let rows = standing.rows_of(reader, cluster)?;
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
    Ok(is_split.then(|| Parts { cluster, points, rows: rows.into_iter().zip(chosen).collect() }))
}
