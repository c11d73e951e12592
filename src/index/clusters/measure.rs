//! How far a question must look, and what is found then, measured with rows of the collection itself.
//!
//! Some rows say how far: their ten nearest of all rows, and of ever fewer as a filter keeps them, are looked for in the clusters, and what
//! nearly all of those need is kept by how far away they were. Others are asked afterwards, and the shares found are kept beside.
//! Invariant: nothing is measured with the rows that it was chosen by.

use std::collections::HashMap;

use roaring::RoaringTreemap;

use super::centres::{Centres, seen};
use super::rule::Choosing;
use super::search::nearest_in_clusters;
use crate::error::Result;
use crate::index::exact::{First, nearest};
use crate::index::ranked::{Ranked, farthest};
use crate::index::row_filter::Allowed;
use crate::record::{Ordinal, SplitMix64};
use crate::store::{ClusterLevel, Directory, Reach, View};

/// Rows asked, each time.
const QUESTIONS_OF_ITS_OWN: u64 = 500;
const HITS: usize = 10;
/// The rows kept at each level: one of so many.
const ONE_OF: [u32; 4] = [1, 2, 8, 64];
/// The share of the nearest that must lie within reach.
const WITHIN_REACH: f64 = 0.998;
/// No reach is longer: JSON knows no infinity.
const FARTHEST: f64 = 1e9;

/// Rows of the collection, and what is nearest to each.
pub(super) struct Asked {
    /// Their ordinals and embeddings.
    questions: Vec<(Ordinal, Vec<f32>)>,
    /// The live rows that each level but the first keeps, chosen without regard to what they are.
    kept: Vec<RoaringTreemap>,
    /// For each level, the nearest to each question.
    exact: Vec<Vec<Vec<Ranked>>>,
}

/// Where a row stands that is one of the nearest to a question.
#[derive(Debug, Clone, Copy)]
struct Met {
    /// How far the farthest of the nearest is.
    kth: f64,
    /// How much of it the plane is away that must be passed to meet this row.
    needs: f64,
}

impl Asked {
    /// Picks rows of a view and finds what is nearest; `other` picks others.
    pub(super) fn of(view: &View, other: bool, threads: usize) -> Result<Self> {
        let live = view.live();
        let step = live.len().div_ceil(QUESTIONS_OF_ITS_OWN).max(1);
        let first = if other { step / 2 } else { 0 };
        let picked = (first..live.len()).step_by(usize::try_from(step).unwrap_or(usize::MAX));
        let mut embeddings = view.embeddings();
        let picked = picked.filter_map(|rank| live.select(rank)).map(Ordinal);
        let questions = picked.map(|ordinal| Ok((ordinal, embeddings.floats(ordinal)?))).collect::<Result<Vec<_>>>()?;
        let kept = ONE_OF.into_iter().skip(1).map(|one_of| {
            let is_kept = |ordinal: &u64| SplitMix64::new(*ordinal).next().is_multiple_of(u64::from(one_of));
            live.iter().filter(is_kept).collect()
        });
        let mut asked = Self { questions, kept: kept.collect(), exact: Vec::new() };
        for level in 0..ONE_OF.len() {
            let (embeddings, allowed) = (asked.embeddings(), asked.allowed(view, level));
            let how = (First::Codes, threads);
            let exact = nearest(view, &embeddings, allowed, HITS, how, None)?.nearest;
            asked.exact.push(exact);
        }
        Ok(asked)
    }

    fn embeddings(&self) -> Vec<&[f32]> {
        self.questions.iter().map(|(_, embedding)| embedding.as_slice()).collect()
    }

    fn allowed<'a>(&'a self, view: &'a View, level: usize) -> Allowed<'a> {
        match level.checked_sub(1).and_then(|at| self.kept.get(at)) {
            Some(kept) => Allowed::Only(kept),
            None => Allowed::AllBut(view.dead()),
        }
    }

    /// Returns how far these questions have to look, and the share of all entries that they meet at each level.
    #[expect(clippy::cast_precision_loss, reason = "counts of rows")]
    pub(super) fn reach(
        &self,
        view: &View,
        centres: &Centres,
        directory: &Directory,
    ) -> Result<([Reach; 8], [ClusterLevel; 4])> {
        let space = view.info().space;
        let clusters_of = self.clusters_of_hits(view, centres)?;
        let choosing = self.questions.iter().map(|(_, question)| Choosing::new(&seen(question, space), centres, space));
        let choosing = choosing.collect::<Result<Vec<_>>>()?;
        let of_all = |choosing: &Choosing, kth: f64| -> Vec<f64> {
            let clusters = directory.clusters.iter().enumerate();
            clusters.map(|(at, facts)| choosing.lying(at, facts, kth).needs).collect()
        };
        let mut met = Vec::new();
        for exact in &self.exact {
            for (((own, _), choosing), exact) in self.questions.iter().zip(&choosing).zip(exact) {
                let kth = farthest(exact, HITS);
                let needs = of_all(choosing, kth);
                // A question is among its own nearest, which says nothing.
                for hit in exact.iter().filter(|hit| hit.ordinal != *own) {
                    let clusters = clusters_of.get(&hit.ordinal).into_iter().flatten();
                    let least =
                        clusters.filter_map(|cluster| needs.get(*cluster)).copied().fold(f64::INFINITY, f64::min);
                    met.push(Met { kth, needs: least });
                }
            }
        }
        let reaches = reaches(met);
        let all: u64 = directory.clusters.iter().map(|facts| u64::from(facts.entries)).sum();
        let asked = (all.max(1) * self.questions.len().max(1) as u64) as f64;
        let mut levels = ONE_OF.map(|one_of| {
            let kept = 1.0 / f64::from(one_of);
            ClusterLevel { kept, share: 1.0, ranked: 0.0, recall: None }
        });
        for (level, exact) in levels.iter_mut().zip(&self.exact) {
            let met = choosing.iter().zip(exact).map(|(choosing, exact)| {
                let kth = farthest(exact, HITS);
                let part = Reach::at(&reaches, kth);
                let within =
                    of_all(choosing, kth).into_iter().zip(&directory.clusters).filter(|(needs, _)| *needs <= part);
                within.map(|(_, facts)| u64::from(facts.entries)).sum::<u64>()
            });
            level.share = met.sum::<u64>() as f64 / asked;
        }
        Ok((reaches, levels))
    }

    /// Returns the clusters that every hit lies in.
    fn clusters_of_hits(&self, view: &View, centres: &Centres) -> Result<HashMap<Ordinal, Vec<usize>>> {
        let (mut embeddings, points, space) = (view.embeddings(), centres.all()?, view.info().space);
        let mut hits: Vec<Ordinal> = self.exact.iter().flatten().flatten().map(|hit| hit.ordinal).collect();
        hits.sort_unstable();
        hits.dedup();
        let mut clusters_of = HashMap::new();
        for ordinals in hits.chunks(1024) {
            let rows = ordinals.iter().map(|ordinal| Ok(seen(&embeddings.floats(*ordinal)?, space)));
            let rows = rows.collect::<Result<Vec<_>>>()?;
            let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
            clusters_of.extend(ordinals.iter().copied().zip(centres.clusters_of(&rows, &points)?));
        }
        Ok(clusters_of)
    }

    /// Returns, for each level, the share of the nearest that a view's clusters find, where a row as near as the tenth counts, and how
    /// many rows were ranked for a hit.
    #[expect(clippy::cast_precision_loss, reason = "a few thousand hits")]
    pub(super) fn recall(&self, view: &View, threads: usize) -> Result<Vec<(f64, f64)>> {
        let of_level = |(level, exact): (usize, &Vec<Vec<Ranked>>)| {
            let found = nearest_in_clusters(view, &self.embeddings(), self.allowed(view, level), HITS, threads)?;
            let hits: usize = exact.iter().map(Vec::len).sum();
            let good = exact.iter().zip(&found.nearest).map(|(exact, found)| {
                let farthest = exact.last().map_or(f64::NEG_INFINITY, |last| last.distance);
                found.iter().filter(|ranked| ranked.distance <= farthest).count()
            });
            let hits = hits.max(1) as f64;
            Ok((good.sum::<usize>() as f64 / hits, found.ranked as f64 / hits))
        };
        self.exact.iter().enumerate().map(of_level).collect()
    }
}

/// Divides what was met by how far the nearest were, into parts of as many, and returns what nearly all of each part need: never less
/// than what is nearer does, since a search comes from farther away.
fn reaches(mut met: Vec<Met>) -> [Reach; 8] {
    met.sort_unstable_by(|a, b| a.kth.total_cmp(&b.kth));
    let mut reaches = [Reach { until: -FARTHEST, part: FARTHEST }; 8];
    let each = met.len().div_ceil(reaches.len()).max(1);
    let mut before = -FARTHEST;
    for (reach, met) in reaches.iter_mut().zip(met.chunks_mut(each)) {
        let until = met.last().map_or(-FARTHEST, |last| last.kth);
        met.sort_unstable_by(|a, b| a.needs.total_cmp(&b.needs));
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an index below a length"
        )]
        let at = (met.len() as f64 * WITHIN_REACH) as usize;
        let part = met.get(at.min(met.len().saturating_sub(1))).map_or(FARTHEST, |met| met.needs);
        before = part.clamp(before, FARTHEST);
        *reach = Reach { until: until.clamp(-FARTHEST, FARTHEST), part: before };
    }
    reaches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reach_is_what_nearly_all_need_and_grows_with_the_distance() {
        let met = |part: u32, needs: f64| (0..2000).map(move |n| Met { kth: f64::from(2000 * part + n), needs });
        let strays = (0..3).map(|_| Met { kth: 1.0, needs: 0.9 });
        let needs = [0.3, 0.2, 0.4, 0.5, 0.6, 0.5, 0.6, 0.7];
        let all = (0..8).zip(needs).flat_map(|(part, needs)| met(part, needs)).chain(strays);
        let found = reaches(all.collect());
        let parts = found.map(|reach| format!("{:.1}", reach.part));
        assert_eq!(parts, ["0.3", "0.3", "0.4", "0.5", "0.6", "0.6", "0.6", "0.7"]);
        assert!(found.windows(2).all(|pair| pair[0].until < pair[1].until), "{found:?}");
        assert!(Reach::at(&found, 1e8).is_infinite());
        assert!(reaches(Vec::new()).iter().all(|reach| reach.part >= FARTHEST));
    }
}
