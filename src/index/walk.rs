//! The walk: candidates from the graph, and from the rows it does not know.
//!
//! A graph is as old as its last build. Rows added or replaced since are ranked beside it, deleted ones are not let
//! pass. Invariant: every allowed row can be found, and a question for which the graph finds fewer candidates than there
//! are, up to the depth, is named.

use roaring::RoaringTreemap;

use super::graph::{Graph, GraphReader, StoredGraph};
use super::ranked::rank_all;
use super::rows::Allowed;
use super::turns::share;
use crate::error::{Error, Result};
use crate::record::Ordinal;
use crate::store::View;

/// Returns how many candidates of a graph are ranked for this many hits: its distances are those of codes.
#[must_use]
pub fn graph_depth(hits: usize) -> usize {
    hits.saturating_add((hits / 2).max(10))
}

/// Questions a thread takes at once.
const SHARE: u64 = 8;

/// A collection's graph, read and verified, with what has changed since it was built.
pub struct Walk {
    graph: Graph,
    /// Rows the graph does not hold, or holds as they were before.
    outside: RoaringTreemap,
    ef_search: usize,
}

/// Reads and verifies the graph of a view.
///
/// # Errors
/// [`Error::Damaged`] when there is none, or it is not what was written.
pub fn walk_graph(view: &View, threads: usize) -> Result<Walk> {
    let stored = read_graph(view)?;
    let mut outside = view.stale()?;
    outside.insert_range(stored.header.stamp.high_water..view.end().0);
    outside -= view.dead();
    let ef_search = view.info().hnsw.ef_search;
    Ok(Walk { graph: Graph::view(stored, threads)?, outside, ef_search })
}

/// Reads the chunks of the graph and holds them against the catalogue.
pub(super) fn read_graph(view: &View) -> Result<StoredGraph> {
    let mut reader = GraphReader::new();
    view.for_each_graph_chunk(|chunk| reader.push(chunk))?;
    let stored = reader.finish()?;
    let known = view.graph().ok_or_else(|| Error::damaged("the graph: there is none"))?;
    let header = &stored.header;
    let is_this_one = header.stamp.epoch == known.epoch
        && header.stamp.high_water == known.covers_until
        && Some(header.dim) == view.info().dimension
        && header.space == view.info().space;
    if is_this_one {
        Ok(stored)
    } else {
        Err(Error::damaged("the graph: it belongs to another state of the collection"))
    }
}

/// What a walk found for each question.
pub struct Walked {
    /// Its candidates.
    pub candidates: Vec<Vec<Ordinal>>,
    /// The questions for which it found fewer than there are.
    pub short: Vec<usize>,
}

impl Walk {
    /// Returns candidates for each question, `depth` of them where there are as many.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Io`].
    pub fn candidates(
        &self,
        view: &View,
        questions: &[&[f32]],
        allowed: Allowed,
        depth: usize,
        threads: usize,
    ) -> Result<Walked> {
        let outside = match allowed {
            Allowed::AllBut(_) => self.outside.clone(),
            Allowed::Only(set) => &self.outside & set,
        };
        let inside = match allowed {
            Allowed::AllBut(dead) => view.end().0 - dead.len() - outside.len(),
            Allowed::Only(set) => set.len() - outside.len(),
        };
        let enough = depth.min(usize::try_from(inside).unwrap_or(usize::MAX));
        let mut candidates = self.search(questions, allowed, depth, threads)?;
        let short = (0..).zip(&candidates).filter(|(_, found)| found.len() < enough).map(|(at, _)| at).collect();
        if !outside.is_empty() {
            let beside = rank_all(view, questions, &outside, depth, threads)?;
            for (found, beside) in candidates.iter_mut().zip(beside) {
                found.extend(beside.into_iter().map(|ranked| ranked.ordinal));
            }
        }
        Ok(Walked { candidates, short })
    }

    fn search(
        &self,
        questions: &[&[f32]],
        allowed: Allowed,
        depth: usize,
        threads: usize,
    ) -> Result<Vec<Vec<Ordinal>>> {
        let threads = threads.min(self.graph.threads());
        let found = share(
            questions.len() as u64,
            SHARE,
            threads,
            |turns| {
                let mut found = Vec::new();
                for at in turns.flatten() {
                    let at = usize::try_from(at).unwrap_or(usize::MAX);
                    let Some(question) = questions.get(at) else { continue };
                    found.push((at, self.search_one(question, allowed, depth)?));
                }
                Ok(found)
            },
            |found: &mut Vec<_>, mut other| found.append(&mut other),
        )?;
        let mut in_order = vec![Vec::new(); questions.len()];
        for (at, one) in found {
            if let Some(slot) = in_order.get_mut(at) {
                *slot = one;
            }
        }
        Ok(in_order)
    }

    fn search_one(&self, question: &[f32], allowed: Allowed, depth: usize) -> Result<Vec<Ordinal>> {
        let everything = self.outside.is_empty() && matches!(allowed, Allowed::AllBut(dead) if dead.is_empty());
        let found = if everything {
            self.graph.search(question, depth, self.ef_search)?
        } else {
            let keep = |ordinal: Ordinal| allowed.contains(ordinal) && !self.outside.contains(ordinal.0);
            self.graph.search_filtered(question, depth, self.ef_search, keep)?
        };
        Ok(found.into_iter().map(|(_, ordinal)| ordinal).collect())
    }
}
