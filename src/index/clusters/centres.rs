//! The centres of clusters, coded: what a question and every row are compared with.
//!
//! A centre is what its codes stand for, so nothing is lost by coding it. Centres and embeddings are seen as the space sees
//! them (for cosine divided by their length) and are compared as points. Invariant: the same bytes give the same centres on
//! every machine.

use crate::error::{Error, Result};
use crate::index::kernel::{RowNumbers, kernels};
use crate::index::meeting::{Around, Meeting};
use crate::index::row_filter::Allowed;
use crate::index::scan::LeastBounds;
use crate::index::top_k::Nearest;
use crate::record::{Ordinal, Space};
use crate::store::{
    Bounds, Centre, ClusterReader, Segment, decoded, lengthwise, quantise, quantise_query, rows_per_segment, seal,
};

/// Centres of which a row's second cluster is chosen.
const NEAR: usize = 12;

/// The centres of all clusters.
#[derive(Debug, Clone)]
pub(super) struct Centres {
    /// What they are coded around.
    base: Centre,
    /// Segments of centres, and the first cluster of each.
    segments: Vec<(usize, Vec<u8>)>,
}

/// Returns an embedding as its space sees it.
#[expect(clippy::cast_possible_truncation, reason = "components are f32")]
pub(super) fn seen(embedding: &[f32], space: Space) -> Vec<f32> {
    if space != Space::Cosine {
        return embedding.to_vec();
    }
    let (scale, _) = lengthwise(embedding, space);
    embedding.iter().map(|x| (f64::from(*x) * scale) as f32).collect()
}

impl Centres {
    /// Codes points around a base.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] where they cannot be kept.
    pub(super) fn of(points: &[Vec<f32>], base: Centre) -> Result<Self> {
        let at_once = rows_per_segment(base.components().len());
        let sealed = points.chunks(at_once).enumerate().map(|(part, points)| {
            let first = part * at_once;
            let coded = points.iter().zip(first as u64..);
            let coded: Vec<_> = coded.map(|(point, at)| (Ordinal(at), quantise(point, &base, Space::L2))).collect();
            let bytes = seal(&coded, 0).ok_or_else(|| Error::argument("centres cannot be coded"))?;
            Segment::verify(&bytes)?;
            Ok((first, bytes))
        });
        let segments = sealed.collect::<Result<Vec<_>>>()?;
        Ok(Self { base, segments })
    }

    /// Reads those of a view.
    ///
    /// # Errors
    /// [`Error::Damaged`] when they are not what was written.
    pub(super) fn read(reader: &ClusterReader, clusters: usize) -> Result<Self> {
        let base = reader.base()?;
        let (mut segments, mut next) = (Vec::new(), 0);
        while next < clusters {
            let bytes = reader.centres(next)?;
            Segment::verify(&bytes)?;
            let segment = Segment::parse(&bytes)?;
            if segment.dimension() != base.components().len() || segment.centre().is_none() {
                return Err(Error::damaged("centres of clusters have another dimension"));
            }
            let first = next;
            next += segment.rows();
            segments.push((first, bytes));
        }
        if next == clusters {
            Ok(Self { base, segments })
        } else {
            Err(Error::damaged("there are more centres than clusters"))
        }
    }

    /// Returns what they are coded around, and their segments.
    pub(super) fn parts(&self) -> (&Centre, &[(usize, Vec<u8>)]) {
        (&self.base, &self.segments)
    }

    /// Returns the bytes they take in memory.
    pub(super) fn bytes(&self) -> usize {
        self.segments.iter().map(|(_, bytes)| bytes.len()).sum()
    }

    /// Returns the squared distance of each centre to an embedding as the space sees it, nearly.
    #[expect(clippy::cast_possible_truncation, reason = "f32 is near enough")]
    pub(super) fn distances(&self, seen: &[f32]) -> Result<Vec<f32>> {
        let question = quantise_query(seen, &self.base, Space::L2);
        let (mut bounds, mut products, mut found) = (Bounds::default(), Vec::new(), Vec::new());
        for (first, bytes) in &self.segments {
            let segment = Segment::parse(bytes)?;
            segment.read_bounds(Space::L2, &mut bounds);
            products.resize(segment.rows(), 0);
            kernels().dot_i8_rows(&question.codes, segment.codes(), &mut products);
            let numbers = RowNumbers { factors: &bounds.factors, biases: &bounds.biases, slacks: &[] };
            found.resize(first + segment.rows(), 0.0);
            let here = found.get_mut(*first..).unwrap_or_default();
            kernels().distances(&products, &numbers, question.scale, here);
        }
        let shared = question.shared as f32;
        for distance in &mut found {
            *distance = (*distance + shared).max(0.0);
        }
        Ok(found)
    }

    /// Returns all centres.
    pub(super) fn all(&self) -> Result<Vec<Centre>> {
        let mut all = Vec::new();
        for (_, bytes) in &self.segments {
            let segment = Segment::parse(bytes)?;
            all.extend((0..segment.rows()).filter_map(|row| decoded(&self.base, &segment, row)));
        }
        Ok(all)
    }

    /// Returns the centre of a cluster.
    pub(super) fn centre(&self, cluster: usize) -> Result<Centre> {
        let after = self.segments.partition_point(|(first, _)| *first <= cluster);
        let missing = || Error::damaged(format!("the centre of cluster {cluster}: missing"));
        let (first, bytes) = after.checked_sub(1).and_then(|at| self.segments.get(at)).ok_or_else(missing)?;
        decoded(&self.base, &Segment::parse(bytes)?, cluster - first).ok_or_else(missing)
    }

    /// Returns, for each embedding as the space sees it, the clusters that it lies in: that of the nearest centre, and of the near
    /// ones that which is nearest where what leads there from the first goes another way (after `SOAR`, Sun, Simcha and others 2023):
    /// a question from whose side the first is far is near the second.
    pub(super) fn clusters_of(&self, seen: &[&[f32]], points: &[Centre]) -> Result<Vec<Vec<usize>>> {
        let near = self.nearest(seen, NEAR)?;
        let chosen = seen.iter().zip(near).map(|(row, near)| {
            let first = near.first().and_then(|first| points.get(*first));
            let own = first.map_or_else(Vec::new, |first| difference(row, first.components()));
            let squared = dot(&own, &own).max(f32::MIN_POSITIVE);
            let cost = |cluster: &usize| {
                let other = points.get(*cluster).map_or_else(Vec::new, |point| difference(row, point.components()));
                dot(&other, &other) + dot(&other, &own).powi(2) / squared
            };
            let second = near.iter().skip(1).map(|cluster| (cost(cluster), *cluster));
            let second = second.min_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, cluster)| cluster);
            near.first().copied().into_iter().chain(second).collect()
        });
        Ok(chosen.collect())
    }

    /// Returns, for each embedding as the space sees it, the `depth` nearest centres, nearest first.
    pub(super) fn nearest(&self, seen: &[&[f32]], depth: usize) -> Result<Vec<Vec<usize>>> {
        let nothing = roaring::RoaringTreemap::new();
        let nearest = seen.iter().map(|_| Nearest::up_to(depth, f64::INFINITY)).collect();
        let mut goal = LeastBounds { allowed: Allowed::AllBut(&nothing), nearest };
        let mut meeting = Meeting::new(seen.to_vec(), Space::L2);
        for (_, bytes) in &self.segments {
            meeting.prepare(Around::Tail, || Ok(self.base.clone()))?;
            meeting.meet(&Segment::parse(bytes)?, &mut goal)?;
        }
        let clusters = |nearest: Nearest<f64>| {
            nearest.into_sorted().into_iter().filter_map(|(_, at)| usize::try_from(at.0).ok()).collect()
        };
        Ok(goal.nearest.into_iter().map(clusters).collect())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::random::Random;

    #[test]
    fn distances_and_the_nearest_are_those_of_the_decoded_centres() {
        let mut random = Random::new();
        for dimension in [8, 33, 384] {
            let points: Vec<Vec<f32>> = (0..300).map(|_| random.floats(dimension)).collect();
            let centres = Centres::of(&points, Centre::new(vec![0.25; dimension])).unwrap();
            let all = centres.all().unwrap();
            assert_eq!(all.len(), 300);
            assert_eq!(centres.centre(299).unwrap(), all[299]);
            assert!(centres.centre(300).is_err());
            let rows: Vec<Vec<f32>> = (0..40).map(|_| random.floats(dimension)).collect();
            let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
            let nearest = centres.nearest(&rows, 2).unwrap();
            for (row, nearest) in rows.iter().zip(nearest) {
                let exact: Vec<f64> = all.iter().map(|centre| Space::L2.distance(row, centre.components())).collect();
                for (found, exact) in centres.distances(row).unwrap().iter().zip(&exact) {
                    assert!((f64::from(*found) - exact).abs() < 0.05 * exact + 0.01, "{found} {exact}, {random:?}");
                }
                let least = exact.iter().copied().fold(f64::INFINITY, f64::min);
                assert!(nearest.len() == 2 && exact[nearest[0]] < 1.1 * least + 0.01, "{random:?}");
            }
        }
    }
}
