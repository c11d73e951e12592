//! How far a question must look, and what is found then, measured with rows of the collection itself.
//!
//! Some rows say how far: their ten nearest are looked for in the clusters, and what nearly all of those need is kept. Others are
//! asked afterwards, and the share found is kept beside. Invariant: nothing is measured with the rows that it was chosen by.

use std::collections::HashMap;

use super::centres::{Centres, seen};
use super::rule::Choosing;
use super::search::nearest_in_clusters;
use crate::error::Result;
use crate::index::exact::{First, nearest};
use crate::index::ranked::{Ranked, farthest};
use crate::index::row_filter::Allowed;
use crate::record::Ordinal;
use crate::store::{Directory, View};

/// Rows asked, each time.
const QUESTIONS_OF_ITS_OWN: u64 = 500;
const HITS: usize = 10;
/// The share of the nearest that must lie within reach. Rows lie nearer to one another than questions do: with .998, 100 held-out
/// questions of a million rows found .993 of theirs, with .9995 they found .999.
const WITHIN_REACH: f64 = 0.9995;

/// No reach is longer: JSON knows no infinity.
const FARTHEST: f64 = 1e9;

/// Rows of the collection, and what is nearest to each.
pub(super) struct Asked {
    questions: Vec<Vec<f32>>,
    exact: Vec<Vec<Ranked>>,
}

/// What was measured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach {
    /// As in [`crate::store::ClustersEntry::reach`].
    pub(super) cosine: f64,
    /// The share of all entries that a question meets.
    pub(super) share: f64,
}

impl Asked {
    /// Picks rows of a view and finds what is nearest; `other` picks others.
    pub(super) fn of(view: &View, other: bool, threads: usize) -> Result<Self> {
        let live = view.live();
        let step = live.len().div_ceil(QUESTIONS_OF_ITS_OWN).max(1);
        let first = if other { step / 2 } else { 0 };
        let picked = (first..live.len()).step_by(usize::try_from(step).unwrap_or(usize::MAX));
        let mut embeddings = view.embeddings();
        let picked = picked.filter_map(|rank| live.select(rank)).map(|ordinal| embeddings.floats(Ordinal(ordinal)));
        let questions = picked.collect::<Result<Vec<_>>>()?;
        let asked: Vec<&[f32]> = questions.iter().map(Vec::as_slice).collect();
        let how = (First::Codes, threads);
        let exact = nearest(view, &asked, Allowed::AllBut(view.dead()), HITS, how, None)?.nearest;
        Ok(Self { questions, exact })
    }

    /// Returns how far these questions have to look.
    #[expect(clippy::cast_precision_loss, reason = "counts of rows")]
    pub(super) fn reach(&self, view: &View, centres: &Centres, directory: &Directory) -> Result<Reach> {
        let space = view.info().space;
        let mut clusters_of: HashMap<Ordinal, Vec<usize>> = HashMap::new();
        let (mut embeddings, points) = (view.embeddings(), centres.all()?);
        let mut hits: Vec<Ordinal> = self.exact.iter().flatten().map(|hit| hit.ordinal).collect();
        hits.sort_unstable();
        hits.dedup();
        for ordinals in hits.chunks(1024) {
            let rows = ordinals.iter().map(|ordinal| Ok(seen(&embeddings.floats(*ordinal)?, space)));
            let rows = rows.collect::<Result<Vec<_>>>()?;
            let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
            clusters_of.extend(ordinals.iter().copied().zip(centres.clusters_of(&rows, &points)?));
        }
        let mut lying = Vec::new();
        for (question, exact) in self.questions.iter().zip(&self.exact) {
            let question = seen(question, space);
            let (choosing, kth) = (Choosing::new(&question, centres, space)?, farthest(exact, HITS));
            let clusters = directory.clusters.iter().enumerate();
            let of_question: Vec<f64> = clusters.map(|(at, facts)| choosing.lying(at, facts, kth).needs).collect();
            lying.push(of_question);
        }
        let mut needed = Vec::new();
        for (needs, exact) in lying.iter().zip(&self.exact) {
            // A question is among its own nearest, which says nothing.
            for hit in exact.iter().skip(1) {
                let clusters = clusters_of.get(&hit.ordinal).into_iter().flatten();
                let least = clusters.filter_map(|cluster| needs.get(*cluster)).copied().fold(f64::INFINITY, f64::min);
                needed.push(least);
            }
        }
        needed.sort_unstable_by(f64::total_cmp);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index below a length")]
        let at = (needed.len() as f64 * WITHIN_REACH) as usize;
        let cosine =
            needed.get(at.min(needed.len().saturating_sub(1))).copied().unwrap_or(1.0).clamp(-FARTHEST, FARTHEST);
        let all: u64 = directory.clusters.iter().map(|facts| u64::from(facts.entries)).sum();
        let met = lying.iter().map(|needs| {
            let within = needs.iter().zip(&directory.clusters).filter(|(needs, _)| **needs <= cosine);
            within.map(|(_, facts)| u64::from(facts.entries)).sum::<u64>()
        });
        let share = met.sum::<u64>() as f64 / (all.max(1) * self.questions.len().max(1) as u64) as f64;
        Ok(Reach { cosine, share })
    }

    /// Returns the share of the nearest that a view's clusters find, where a row as near as the tenth counts, and how many rows
    /// were ranked for a hit.
    #[expect(clippy::cast_precision_loss, reason = "a few thousand hits")]
    pub(super) fn recall(&self, view: &View, threads: usize) -> Result<(f64, f64)> {
        let asked: Vec<&[f32]> = self.questions.iter().map(Vec::as_slice).collect();
        let found = nearest_in_clusters(view, &asked, Allowed::AllBut(view.dead()), HITS, threads)?;
        let hits: usize = self.exact.iter().map(Vec::len).sum();
        let good = self.exact.iter().zip(&found.nearest).map(|(exact, found)| {
            let farthest = exact.last().map_or(f64::NEG_INFINITY, |last| last.distance);
            found.iter().filter(|ranked| ranked.distance <= farthest).count()
        });
        let hits = hits.max(1) as f64;
        Ok((good.sum::<usize>() as f64 / hits, found.ranked as f64 / hits))
    }
}
