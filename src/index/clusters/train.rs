//! The centres of clusters, by k-means over a sample of the rows: groups first, then clusters in each, then a little of both.
//!
//! Lloyd's iterations from rows drawn at random: with many clusters of few rows each, a better start gains little. The sample is
//! kept in codes, since so do the centres in the file. Invariant: memory is bounded by the sample, not by the collection.

use roaring::RoaringTreemap;

use super::centres::Centres;
use super::points::{CodedRow, Points};
use crate::error::{Error, Result};
use crate::index::graph::Watch;
use crate::index::work_sharing::{in_order, in_parts};
use crate::record::{Ordinal, SplitMix64};
use crate::store::{Centre, ClusterBase, Turner, View};

/// Rows of the sample for each cluster.
const SAMPLED: usize = 24;
/// Iterations over groups and, in each group, over its clusters.
const ITERATIONS: usize = 8;
/// Iterations over all clusters afterwards, across the edges of groups.
const POLISHED: usize = 2;
/// Rows turned at once.
const AT_ONCE: usize = 1024;
/// Rows whose mean all are seen from.
const BASE_ROWS: usize = 1024;

/// The sums of the rows that are nearest to each point.
struct Sums {
    sums: Vec<f32>,
    counts: Vec<u32>,
}

/// Returns the centres of about so many clusters of rows.
///
/// # Errors
/// [`Error::Interrupted`] when `watch` says so, or when embeddings cannot be read.
pub(super) fn train(
    view: &View,
    live: &RoaringTreemap,
    clusters: usize,
    threads: usize,
    watch: Watch,
) -> Result<Centres> {
    let step = (live.len() / (clusters * SAMPLED).max(1) as u64).max(1);
    // One of each stretch, at no regular distance: what is inserted may repeat itself.
    let stretches = (0..live.len()).step_by(usize::try_from(step).unwrap_or(usize::MAX)).zip(0..);
    let picked = stretches.filter_map(|(first, number)| {
        let length = step.min(live.len() - first);
        live.select(first + SplitMix64::new(number).next() % length)
    });
    let picked: Vec<u64> = picked.collect();
    let mut embeddings = view.embeddings();
    let first = picked.iter().step_by((picked.len() / BASE_ROWS).max(1));
    let first = first.map(|ordinal| embeddings.floats(Ordinal(*ordinal))).collect::<Result<Vec<_>>>()?;
    let first: Vec<&[f32]> = first.iter().map(Vec::as_slice).collect();
    let space = view.info().space;
    let base = ClusterBase::new(Centre::of(&first, space), space);
    let sample = sample(view, &base, &picked, threads)?;
    let watched = || if watch(0).is_break() { Err(Error::Interrupted) } else { Ok(()) };
    let all: Vec<&CodedRow> = sample.iter().collect();
    let groups = clusters.isqrt().max(1);
    let groups = Points::of([means(&all, groups, threads, &watched)?.as_slice()])?;
    let mut members = vec![Vec::new(); groups.len()];
    for (group, row) in nearest_of(&all, threads, |row| groups.nearest(row))?.into_iter().zip(&sample) {
        if let Some(members) = members.get_mut(group) {
            members.push(row);
        }
    }
    let made = in_parts(members.len(), 1, threads, |part| {
        let (first, some) = (part.start, members.get(part).unwrap_or_default());
        let of_each = some.iter().enumerate().filter(|(_, rows)| !rows.is_empty()).map(|(at, rows)| {
            let wanted = (rows.len() * clusters).div_ceil(sample.len().max(1));
            Ok((first + at, means(rows, wanted, 1, &watched)?))
        });
        of_each.collect::<Result<Vec<_>>>()
    })?;
    let mut made = made.concat();
    made.sort_unstable_by_key(|(group, _)| *group);
    let mut made: Vec<Vec<Vec<f32>>> = made.into_iter().map(|(_, points)| points).collect();
    for _ in 0..POLISHED {
        watched()?;
        let centres = Centres::of(made.iter().map(Vec::as_slice), base.clone())?;
        let choosers = centres.choosers(|_| false)?;
        let choose = |row: &CodedRow| Ok(centres.nearest(&choosers, row, 1)?.first().copied().unwrap_or(0));
        let chosen = nearest_of(&all, threads, choose)?;
        let sums = Sums::of(&all, &chosen, centres.points().len());
        made.iter_mut().flatten().enumerate().for_each(|(at, point)| sums.move_to_mean(at, point));
    }
    Centres::of(made.iter().map(Vec::as_slice), base)
}

/// Reads, turns and codes these rows, in their order.
pub(super) fn sample(view: &View, base: &ClusterBase, picked: &[u64], threads: usize) -> Result<Vec<CodedRow>> {
    let parts = in_parts(picked.len(), AT_ONCE, threads, |part| {
        let (mut embeddings, mut turner, mut coded) = (view.embeddings(), Turner::new(base), Vec::new());
        let first = part.start;
        for ordinals in picked.get(part).unwrap_or_default().chunks(AT_ONCE) {
            let rows = turner.read(&mut embeddings, ordinals.iter().map(|ordinal| Ordinal(*ordinal)))?;
            coded.extend(rows.iter().map(|row| CodedRow::new(&row.components)));
        }
        Ok((first, coded))
    })?;
    Ok(in_order(parts))
}

/// Returns the point that is nearest to each row.
fn nearest_of(
    rows: &[&CodedRow],
    threads: usize,
    nearest: impl Fn(&CodedRow) -> Result<usize> + Sync,
) -> Result<Vec<usize>> {
    let parts = in_parts(rows.len(), AT_ONCE, threads, |part| {
        let (first, rows) = (part.start, rows.get(part).unwrap_or_default());
        Ok((first, rows.iter().map(|row| nearest(row)).collect::<Result<Vec<_>>>()?))
    })?;
    Ok(in_order(parts))
}

/// Returns up to so many means of rows that lie near one another.
pub(super) fn means(
    rows: &[&CodedRow],
    wanted: usize,
    threads: usize,
    watched: &(impl Fn() -> Result<()> + Sync),
) -> Result<Vec<Vec<f32>>> {
    // One row of each stretch, so that none is drawn twice.
    let stretch = rows.len().div_ceil(wanted.max(1)).max(1);
    let start = rows.chunks(stretch).enumerate().filter_map(|(at, rows)| rows.get(at * 7 % rows.len().max(1)));
    let mut points: Vec<Vec<f32>> = start.map(|row| row.components().collect()).collect();
    let mut random = SplitMix64::new(rows.len() as u64);
    for _ in 0..ITERATIONS {
        watched()?;
        let coded = Points::of([points.as_slice()])?;
        let chosen = nearest_of(rows, threads, |row| coded.nearest(row))?;
        let sums = Sums::of(rows, &chosen, points.len());
        for (at, point) in points.iter_mut().enumerate() {
            if sums.counts.get(at) == Some(&0) {
                let drawn = usize::try_from(random.next() % rows.len().max(1) as u64).unwrap_or(0);
                *point = rows.get(drawn).map(|row| row.components().collect()).unwrap_or_default();
            } else {
                sums.move_to_mean(at, point);
            }
        }
    }
    Ok(points)
}

impl Sums {
    fn of(rows: &[&CodedRow], chosen: &[usize], points: usize) -> Self {
        let dimension = rows.first().map_or(0, |row| row.codes.len());
        let (mut sums, mut counts) = (vec![0.0_f32; points * dimension], vec![0; points]);
        for (row, point) in rows.iter().zip(chosen) {
            let here = sums.get_mut(point * dimension..(point + 1) * dimension).unwrap_or_default();
            here.iter_mut().zip(row.components()).for_each(|(sum, x)| *sum += x);
            if let Some(count) = counts.get_mut(*point) {
                *count += 1;
            }
        }
        Self { sums, counts }
    }

    /// Moves a point to the mean of the rows that are nearest to it, if there are any.
    #[expect(clippy::cast_precision_loss, reason = "rows of a cluster")]
    fn move_to_mean(&self, at: usize, point: &mut [f32]) {
        let count = self.counts.get(at).copied().unwrap_or(0);
        if count > 0 {
            let sum = self.sums.get(at * point.len()..(at + 1) * point.len()).unwrap_or_default();
            point.iter_mut().zip(sum).for_each(|(x, sum)| *x = sum / count as f32);
        }
    }
}
