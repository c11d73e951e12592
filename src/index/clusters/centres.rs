//! The centres of clusters, in groups of those that lie near one another, and the clusters that a row lies in.
//!
//! A row is compared with the centres of the groups whose means are nearest, not with all. Invariant: the same bytes put the same
//! row into the same clusters on every machine.

use std::ops::Range;

use super::points::{CodedRow, Points};
use crate::error::{Error, Result};
use crate::index::top_k::Nearest;
use crate::record::{Ordinal, Space};
use crate::store::{ClusterBase, ClusterReader, Turned};

/// Centres of which a row's second cluster is chosen.
const NEAR: usize = 12;
/// Groups of the usual size that a row is compared with.
const PROBED_GROUPS: usize = 8;

/// The centres of all clusters.
#[derive(Debug, Clone)]
pub(super) struct Centres {
    base: ClusterBase,
    points: Points,
}

/// Centres ready to have rows put into their clusters.
pub(super) struct Choosers {
    /// The mean of each group.
    means: Points,
    /// The centres, decoded.
    points: Vec<Vec<f32>>,
    /// Which of them take no rows.
    closed: Vec<bool>,
}

impl Centres {
    /// Takes groups of points as centres.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] where they cannot be kept.
    pub(super) fn of<'p>(groups: impl IntoIterator<Item = &'p [Vec<f32>]>, base: ClusterBase) -> Result<Self> {
        Ok(Self { base, points: Points::of(groups)? })
    }

    /// Reads those of a view.
    ///
    /// # Errors
    /// [`Error::Damaged`] when they are not what was written.
    pub(super) fn read(reader: &ClusterReader, clusters: usize, space: Space) -> Result<Self> {
        let base = ClusterBase::new(reader.base()?, space);
        let mut points = Points::default();
        while points.len() < clusters {
            let before = points.len();
            points.push(reader.centres(before)?)?;
            if points.len() == before {
                return Err(Error::damaged("a group of clusters is empty"));
            }
        }
        if points.len() != clusters {
            return Err(Error::damaged("there are more centres than clusters"));
        }
        if points.point(0).is_ok_and(|point| point.len() != base.turned().len()) {
            return Err(Error::damaged("centres of clusters have another dimension"));
        }
        Ok(Self { base, points })
    }

    /// Adds a group of centres.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] where they cannot be kept.
    pub(super) fn add(&mut self, group: &[Vec<f32>]) -> Result<()> {
        self.points.add(group)
    }

    /// Returns what they are seen from.
    pub(super) fn base(&self) -> &ClusterBase {
        &self.base
    }

    /// Returns the points that they are kept as.
    pub(super) fn points(&self) -> &Points {
        &self.points
    }

    /// Returns what chooses the clusters of rows, of those that are not closed.
    pub(super) fn choosers(&self, is_closed: impl Fn(usize) -> bool) -> Result<Choosers> {
        let points = self.points.all()?;
        let mean = |group: Range<usize>| -> Vec<f32> {
            let group = points.get(group).unwrap_or_default();
            let mut mean = vec![0.0; group.first().map_or(0, Vec::len)];
            for point in group {
                mean.iter_mut().zip(point).for_each(|(sum, x)| *sum += x);
            }
            #[expect(clippy::cast_precision_loss, reason = "centres of a group")]
            for sum in &mut mean {
                *sum /= group.len().max(1) as f32;
            }
            mean
        };
        let means: Vec<Vec<f32>> = self.points.groups().map(mean).collect();
        let closed = (0..points.len()).map(is_closed).collect();
        Ok(Choosers { means: Points::of([means.as_slice()])?, points, closed })
    }

    /// Returns the `depth` centres that are nearest to a row, nearest first, of those in the groups that are nearest.
    pub(super) fn nearest(&self, choosers: &Choosers, row: &CodedRow, depth: usize) -> Result<Vec<usize>> {
        let of_groups = choosers.means.distances(row)?;
        let mut groups: Vec<(f32, Range<usize>)> = of_groups.into_iter().zip(self.points.groups()).collect();
        groups.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.start.cmp(&b.1.start)));
        let mut nearest = Nearest::up_to(depth, f32::INFINITY);
        let mut found = Vec::new();
        // Groups of what was split off are small, so centres are counted.
        let (mut met, enough) = (0, PROBED_GROUPS * self.points.len().isqrt());
        for (_, members) in groups {
            if met >= enough {
                break;
            }
            met += members.clone().filter(|at| choosers.is_open(*at)).count();
            found.clear();
            self.points.distances_of(self.points.group_of(members.start), row, &mut found)?;
            for (distance, at) in found.iter().zip(members) {
                if *distance <= nearest.threshold() && choosers.is_open(at) {
                    nearest.push(*distance, Ordinal(at as u64));
                }
            }
        }
        Ok(nearest.into_sorted().into_iter().filter_map(|(_, at)| usize::try_from(at.0).ok()).collect())
    }

    /// Returns the clusters that a row lies in: that of the nearest centre, and of the near ones that which is nearest where what
    /// leads there from the first goes another way (after `SOAR`, Sun, Simcha and others 2023): a question from whose side the first is
    /// far is near the second.
    pub(super) fn clusters_of(&self, choosers: &Choosers, row: &Turned) -> Result<Vec<usize>> {
        let near = self.nearest(choosers, &CodedRow::new(&row.components), NEAR)?;
        let Some((first, others)) = near.split_first() else { return Ok(Vec::new()) };
        let own = difference(&row.components, choosers.point(*first));
        let squared = dot(&own, &own).max(f32::MIN_POSITIVE);
        let cost = |cluster: usize| {
            let other = difference(&row.components, choosers.point(cluster));
            dot(&other, &other) + dot(&other, &own).powi(2) / squared
        };
        let second = others.iter().map(|cluster| (cost(*cluster), *cluster));
        let second = second.min_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, cluster)| cluster);
        Ok([*first].into_iter().chain(second).collect())
    }
}

impl Choosers {
    fn is_open(&self, cluster: usize) -> bool {
        self.closed.get(cluster) == Some(&false)
    }

    /// Returns the centre of a cluster.
    pub(super) fn point(&self, cluster: usize) -> &[f32] {
        self.points.get(cluster).map(Vec::as_slice).unwrap_or_default()
    }
}

fn difference(from: &[f32], to: &[f32]) -> Vec<f32> {
    from.iter().zip(to).map(|(from, to)| from - to).collect()
}

/// Sums products in independent lanes, which the compiler turns into vector instructions.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; 8];
    for (a, b) in a.chunks(8).zip(b.chunks(8)) {
        lanes.iter_mut().zip(a.iter().zip(b)).for_each(|(lane, (a, b))| *lane += a * b);
    }
    lanes.iter().sum()
}
