//! How far a question must look, and what is found then, measured with rows of the collection itself.
//!
//! Some rows say how far: their ten nearest of all rows, and of ever fewer as a filter keeps them, are looked for in the clusters, and what
//! nearly all of those need is kept. Others are asked afterwards, and the shares found are kept beside.
//! Invariant: nothing is measured with the rows that it was chosen by.

use std::collections::HashMap;

use roaring::RoaringTreemap;

use super::centres::Centres;
use super::rule::Choosing;
use super::search::{MOST_READ_PART, nearest_in_clusters, patience};
use crate::error::Result;
use crate::index::exact::{First, nearest};
use crate::index::ranked::{Ranked, farthest};
use crate::index::row_filter::Allowed;
use crate::record::{Ordinal, SplitMix64};
use crate::store::{CLUSTER_LEVELS, ClusterLevel, ClusterReader, ClustersEntry, Directory, Turner, View};

/// Rows asked, each time.
const QUESTIONS_OF_ITS_OWN: u64 = 500;
const HITS: usize = 10;
/// Questions asked together: more share more of what is read, and take more memory.
const ASKED_AT_ONCE: usize = 125;
/// The rows kept at each level: one of so many.
const ONE_OF: [u32; CLUSTER_LEVELS] = [1, 2, 8, 32, 128, 1024];
/// The share of the nearest that must lie within reach.
const WITHIN_REACH: f64 = 0.998;
/// The share of these rows whose nearest are as near as a question's are taken for.
const NEARLY_AS_FAR: f64 = 0.99;
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

impl Asked {
    /// Picks rows of a view and finds what is nearest at so many levels; `other` picks others.
    pub(super) fn of(view: &View, other: bool, levels: usize, threads: usize) -> Result<Self> {
        let live = view.live();
        let step = live.len().div_ceil(QUESTIONS_OF_ITS_OWN).max(1);
        let half = (step / 2).max(1);
        // One of each half of a stretch, at no regular distance: what is inserted may repeat itself.
        let picked = (0..live.len().div_ceil(step)).map(|number| {
            let first = number * step + if other { step / 2 } else { 0 };
            first + SplitMix64::new(2 * number + u64::from(other)).next() % half
        });
        let mut embeddings = view.embeddings();
        let picked = picked.filter_map(|rank| live.select(rank)).map(Ordinal);
        let questions = picked.map(|ordinal| Ok((ordinal, embeddings.floats(ordinal)?))).collect::<Result<Vec<_>>>()?;
        let kept = ONE_OF.into_iter().take(levels).skip(1).map(|one_of| {
            let is_kept = |ordinal: &u64| SplitMix64::new(*ordinal).next().is_multiple_of(u64::from(one_of));
            live.iter().filter(is_kept).collect()
        });
        let mut asked = Self { questions, kept: kept.collect(), exact: Vec::new() };
        for level in 0..levels {
            let (embeddings, allowed) = (asked.embeddings(), asked.allowed(view, level));
            let how = (First::Codes, threads);
            let exact = nearest(view, &embeddings, allowed, HITS + 1, how, None)?.nearest;
            let exact = asked.others(exact);
            asked.exact.push(exact);
        }
        Ok(asked)
    }

    /// Takes each question out of what is nearest to it: that it finds itself says nothing.
    fn others(&self, nearest: Vec<Vec<Ranked>>) -> Vec<Vec<Ranked>> {
        let others = self.questions.iter().zip(nearest).map(|((own, _), mut nearest)| {
            nearest.retain(|hit| hit.ordinal != *own);
            nearest.truncate(HITS);
            nearest
        });
        others.collect()
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

    /// Returns how far these questions have to look, and the share of all entries that they meet, at each level; what was found of
    /// each is as it was.
    #[expect(clippy::cast_precision_loss, reason = "counts of rows")]
    pub(super) fn reach(
        &self,
        view: &View,
        before: &[ClusterLevel; CLUSTER_LEVELS],
    ) -> Result<[ClusterLevel; CLUSTER_LEVELS]> {
        let reader = ClusterReader::open(view)?;
        let directory = reader.directory()?;
        let centres = Centres::read(&reader, directory.clusters.len(), view.info().space)?;
        let clusters_of = self.clusters_of_hits(&reader, &directory)?;
        let mut turner = Turner::new(centres.base());
        let choosing = self.questions.iter();
        let choosing = choosing.map(|(_, asked)| Choosing::new(asked, &turner.turn_one(asked), &centres, &directory));
        let choosing = choosing.collect::<Result<Vec<_>>>()?;
        let asked = (directory.entries().max(1) * self.questions.len().max(1) as u64) as f64;
        let mut levels = *before;
        let (mut until, mut reach) = (-FARTHEST, -FARTHEST);
        for ((level, one_of), exact) in levels.iter_mut().zip(&ONE_OF).zip(&self.exact) {
            let (mut farthest_of_each, mut needed, mut lying) = (Vec::new(), Vec::new(), Vec::new());
            for (choosing, exact) in choosing.iter().zip(exact) {
                let kth = farthest(exact, HITS);
                let clusters = directory.clusters.iter().enumerate();
                let needs: Vec<f64> = clusters.map(|(at, facts)| choosing.lying(at, facts, kth).needs).collect();
                for hit in exact {
                    let clusters = clusters_of.get(&hit.ordinal.0).into_iter().flatten();
                    let needs = clusters.filter_map(|cluster| needs.get(*cluster)).copied();
                    needed.push(needs.fold(f64::INFINITY, f64::min));
                }
                farthest_of_each.push(kth);
                lying.push(needs);
            }
            // A search comes from farther away, so that it looks no less far among fewer rows.
            until = quantile(&mut farthest_of_each, NEARLY_AS_FAR).clamp(until, FARTHEST);
            reach = quantile(&mut needed, WITHIN_REACH).clamp(reach, FARTHEST);
            let met = lying.iter().map(|needs| {
                let within = needs.iter().zip(&directory.clusters).filter(|(needs, _)| **needs <= reach);
                within.map(|(_, facts)| u64::from(facts.entries)).sum::<u64>()
            });
            *level = ClusterLevel {
                kept: 1.0 / f64::from(*one_of),
                until,
                reach,
                share: met.sum::<u64>() as f64 / asked,
                ..*level
            };
        }
        Ok(levels)
    }

    /// Returns the clusters that every hit lies in.
    fn clusters_of_hits(&self, reader: &ClusterReader, directory: &Directory) -> Result<HashMap<u64, Vec<usize>>> {
        let hits = self.exact.iter().flatten().flatten().map(|hit| (hit.ordinal.0, Vec::new()));
        let mut clusters_of: HashMap<u64, Vec<usize>> = hits.collect();
        let with_rows = directory.clusters.iter().enumerate().filter(|(_, facts)| !facts.is_empty());
        for (cluster, _) in with_rows {
            reader.may_hold(cluster, |ordinal| {
                if let Some(clusters) = clusters_of.get_mut(&ordinal) {
                    clusters.push(cluster);
                }
                false
            })?;
        }
        Ok(clusters_of)
    }

    /// Returns what each level that is asked about finds and takes, where a row as near as the tenth counts as found; a level whose
    /// questions would rather read all rows stays closed.
    #[expect(clippy::cast_precision_loss, reason = "a few thousand hits")]
    pub(super) fn recall(
        &self,
        view: &View,
        built: &ClustersEntry,
        threads: usize,
    ) -> Result<[ClusterLevel; CLUSTER_LEVELS]> {
        let embeddings = self.embeddings();
        let mut levels = built.levels;
        for (level, (measured, exact)) in levels.iter_mut().zip(&self.exact).enumerate() {
            let share = measured.share.min(patience(measured.kept) as f64 / built.clusters.max(1) as f64);
            if level > 0 && share * MOST_READ_PART as f64 > 1.0 {
                *measured = ClusterLevel { recall: None, ranked: 0.0, ..*measured };
                continue;
            }
            let (mut found, mut ranked, mut read) = (Vec::new(), 0, 0);
            for some in embeddings.chunks(ASKED_AT_ONCE) {
                let of_these = nearest_in_clusters(view, some, self.allowed(view, level), HITS + 1, threads)?;
                found.extend(of_these.nearest);
                ranked += of_these.ranked;
                read += of_these.read;
            }
            let found = self.others(found);
            let hits: usize = exact.iter().map(Vec::len).sum();
            let good = exact.iter().zip(&found).map(|(exact, found)| {
                let farthest = exact.last().map_or(f64::NEG_INFINITY, |last| last.distance);
                found.iter().filter(|ranked| ranked.distance <= farthest).count()
            });
            let (hits, asked) = (hits.max(1) as f64, (embeddings.len() as u64 * built.entries).max(1) as f64);
            *measured = ClusterLevel {
                share: read as f64 / asked,
                ranked: ranked as f64 / hits,
                recall: Some(good.sum::<usize>() as f64 / hits),
                ..*measured
            };
        }
        Ok(levels)
    }
}

/// What is said of clusters that nobody has measured.
pub(super) fn unmeasured() -> [ClusterLevel; CLUSTER_LEVELS] {
    ONE_OF.map(|one_of| {
        let kept = 1.0 / f64::from(one_of);
        ClusterLevel { kept, until: -FARTHEST, reach: FARTHEST, share: 1.0, ranked: 0.0, recall: None }
    })
}

/// Returns the least of numbers that so large a share of them do not exceed; the largest there is where there are none.
fn quantile(numbers: &mut [f64], share: f64) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index below a length"
    )]
    let at = (numbers.len() as f64 * share) as usize;
    numbers.get(at.min(numbers.len().saturating_sub(1))).copied().unwrap_or(FARTHEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearly_all_numbers_are_within_their_quantile() {
        let mut numbers: Vec<f64> = (0..5000).rev().map(f64::from).collect();
        assert_eq!(quantile(&mut numbers, 0.999).total_cmp(&4995.0), std::cmp::Ordering::Equal);
        assert_eq!(quantile(&mut [1.0], 1.0).total_cmp(&1.0), std::cmp::Ordering::Equal);
        assert!(quantile(&mut [], 0.5) >= FARTHEST);
    }
}
