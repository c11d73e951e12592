//! Which clusters a question visits, and when it stops.
//!
//! Let c be the centre nearest to the question q, and t the squared distance of the farthest of the nearest found so far, all as the
//! space sees them. A row within t of q lies nearer to another centre only if what leads there from q crosses the plane halfway
//! between the two: it is `margin = (|q - other|^2 - |q - c|^2) / 2 |other - c|` away. In many dimensions hardly a direction leads straight
//! there, so a plane at a large part of the root of t is hardly ever crossed. How large that part is where it matters is measured with rows
//! of the collection when clusters are built. Invariant: as long as fewer than enough are found, every cluster counts.

use super::centres::Centres;
use super::points::CodedRow;
use crate::error::Result;
use crate::record::Space;
use crate::store::{ClusterFacts, Directory, Turned};

/// In ip, the nearest count as at least this part of the squared lengths of question and row away.
const SHORTEST: f64 = 0.05;

/// A question, as far as clusters are chosen by it.
#[derive(Debug, Clone)]
pub(super) struct Choosing {
    space: Space,
    /// Its inner product with itself, as the space sees it.
    squared: f64,
    /// How far the plane to each cluster is.
    margins: Vec<f32>,
}

/// How a cluster lies to a question: what counts first, the less the sooner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Lying {
    /// The margin as a part of how far the nearest are.
    pub(super) needs: f64,
    pub(super) margin: f64,
}

impl Lying {
    pub(super) fn order(&self, other: &Self) -> std::cmp::Ordering {
        self.needs.total_cmp(&other.needs).then(self.margin.total_cmp(&other.margin))
    }
}

impl Choosing {
    /// Compares a question with the centres of all clusters; those without rows tell nothing.
    pub(super) fn new(question: &[f32], turned: &Turned, centres: &Centres, directory: &Directory) -> Result<Self> {
        let squared = question.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
        let points = centres.points();
        let mut margins = points.distances(&CodedRow::new(&turned.components))?;
        let with_rows = margins.iter().zip(&directory.clusters).zip(0..).filter(|((_, facts), _)| !facts.is_empty());
        let nearest =
            with_rows.map(|((margin, _), cluster)| (*margin, cluster)).min_by(|(a, _), (b, _)| a.total_cmp(b));
        if let Some((least, cluster)) = nearest {
            let between = points.distances(&CodedRow::new(&points.point(cluster)?))?;
            for (margin, between) in margins.iter_mut().zip(between) {
                *margin = (*margin - least) / (2.0 * between.sqrt()).max(f32::MIN_POSITIVE);
            }
            if let Some(own) = margins.get_mut(cluster) {
                *own = 0.0;
            }
        }
        Ok(Self { space: centres.base().space(), squared, margins })
    }

    /// Returns how a cluster lies; `kth` is the distance of the farthest of enough records, infinite where there are fewer.
    pub(super) fn lying(&self, cluster: usize, facts: &ClusterFacts, kth: f64) -> Lying {
        let margin = self.margins.get(cluster).map_or(0.0, |margin| f64::from(*margin));
        let far = match self.space {
            Space::L2 => kth,
            Space::Cosine => 2.0 * kth,
            // How long its rows are is known of a cluster.
            Space::Ip => {
                let rows = f64::from(facts.squared) + f64::from(facts.radius).powi(2);
                let both = self.squared + rows;
                // Longer rows than those of the cluster may be nearer than any of its length could be.
                (both - 2.0 * (1.0 - kth)).max(SHORTEST * both)
            }
        };
        let needs = if kth == f64::INFINITY || margin <= 0.0 {
            f64::NEG_INFINITY
        } else {
            margin / far.max(0.0).sqrt().max(1e-18)
        };
        // What f32 cannot tell is looked at.
        Lying { needs: if needs.is_nan() { f64::NEG_INFINITY } else { needs }, margin }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::random::Random;
    use crate::store::{Centre, ClusterBase, Turner};

    #[test]
    fn a_row_in_another_cluster_is_no_nearer_than_its_margin() {
        let mut random = Random::new();
        for space in Space::ALL {
            let base = ClusterBase::new(Centre::new(random.floats(12)), space);
            let mut turner = Turner::new(&base);
            let points: Vec<Vec<f32>> = (0..40).map(|_| turner.turn_one(&random.floats(12)).components).collect();
            let centres = Centres::of([points.as_slice()], base.clone()).unwrap();
            let directory = Directory { clusters: vec![ClusterFacts { chunks: 1, ..ClusterFacts::default() }; 40] };
            let choosers = centres.choosers(|_| false).unwrap();
            for _ in 0..100 {
                let (question, row) = (random.floats(12), random.floats(12));
                let choosing = Choosing::new(&question, &turner.turn_one(&question), &centres, &directory).unwrap();
                let coded = CodedRow::new(&turner.turn_one(&row).components);
                let cluster = centres.nearest(&choosers, &coded, 1).unwrap()[0];
                let kth = space.distance(&question, &row);
                let facts = ClusterFacts { squared: row.iter().map(|x| x * x).sum(), ..ClusterFacts::default() };
                let lying = choosing.lying(cluster, &facts, kth);
                assert!(lying.needs <= 1.1, "{space}: {lying:?}, {random:?}");
                assert!(choosing.lying(cluster, &facts, f64::INFINITY).needs == f64::NEG_INFINITY);
            }
        }
    }
}
