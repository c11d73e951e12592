//! Searching the graph: candidates from it, and from the rows it does not have.
//!
//! A graph is as old as its last build. Rows added or replaced since are ranked as well, deleted ones are not let
//! through. Invariant: every allowed row can be found, and a question for which the graph finds fewer candidates than there
//! are, up to the depth, is reported.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use roaring::RoaringTreemap;

use super::graph::{Graph, GraphReader, StoredGraph};
use super::rerank::rank_all;
use super::row_filter::Allowed;
use super::work_sharing::share;
use crate::error::{Error, Result};
use crate::record::Ordinal;
use crate::store::{GraphEntry, MAX_VALUE_BYTES, View};

/// Returns how many candidates of a graph are ranked for this many hits: its distances are those of codes.
#[must_use]
pub fn graph_depth(hits: usize) -> usize {
    hits.saturating_add((hits / 2).max(10))
}

/// Searches of a graph in memory that may run at once.
const SEARCHES_AT_ONCE: usize = 64;
/// Questions a thread takes at once.
const SHARE: u64 = 8;

/// A collection's graph, read and verified, with what has changed since it was built.
pub struct GraphSearcher {
    graph: Arc<KeptGraph>,
    /// Rows the graph does not hold, or holds as they were before.
    outside: RoaringTreemap,
    ef_search: usize,
}

/// A graph that several questions of one process search.
struct KeptGraph {
    epoch: u64,
    high_water: u64,
    graph: Graph,
    /// Searches that may begin.
    free: Mutex<usize>,
    freed: Condvar,
}

/// A permit for some searches at once. Dropping it gives it back.
struct Leave<'g>(&'g KeptGraph, usize);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += self.1;
        self.0.freed.notify_all();
    }
}

impl KeptGraph {
    /// Waits until up to so many more searches may run: `USearch` has room for a fixed number.
    fn leave(&self, threads: usize) -> Leave<'_> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free == 0 {
            free = self.freed.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        let taken = threads.clamp(1, *free);
        *free -= taken;
        Leave(self, taken)
    }
}

/// Reads and verifies the graph of a view, unless it is in memory.
///
/// # Errors
/// [`Error::Damaged`] when there is none, or it is not what was written.
pub fn walk_graph(view: &View, threads: usize) -> Result<GraphSearcher> {
    let graph = match kept_graph(view) {
        Some(kept) => kept,
        None => read_kept_graph(view, threads)?,
    };
    let mut outside = view.stale()?;
    outside.insert_range(graph.high_water..view.end().0);
    outside -= view.dead();
    let ef_search = view.info().hnsw.ef_search;
    Ok(GraphSearcher { graph, outside, ef_search })
}

/// Returns whether the graph of a view is in memory.
pub(crate) fn is_graph_resident(view: &View) -> bool {
    kept_graph(view).is_some()
}

/// Reads the graph of a view into memory where it fits beside what is there and is good enough to be used.
pub(super) fn keep_graph(view: &View) {
    let fits = |graph: &GraphEntry| {
        let bytes = usize::try_from(graph.chunks).unwrap_or(usize::MAX).saturating_mul(MAX_VALUE_BYTES);
        view.cache().bytes().saturating_add(bytes) <= view.cache().budget()
    };
    let dimension = view.info().dimension.unwrap_or(0);
    let is_used = |graph: &GraphEntry| GraphEntry::is_used(graph.recall, dimension);
    if view.graph().is_some_and(|graph| is_used(&graph) && fits(&graph)) && !is_graph_resident(view) {
        // A damaged graph is reported by the question that needs it.
        let _ = read_kept_graph(view, 1);
    }
}

fn kept_graph(view: &View) -> Option<Arc<KeptGraph>> {
    let of_view = |kept: &Arc<KeptGraph>| view.graph().is_some_and(|graph| graph.epoch == kept.epoch);
    view.cache().get::<KeptGraph>(view.number(), "").filter(of_view)
}

fn read_kept_graph(view: &View, threads: usize) -> Result<Arc<KeptGraph>> {
    let stored = read_graph(view)?;
    let keeps = view.cache().budget() > 0;
    let threads = if keeps { threads.max(SEARCHES_AT_ONCE) } else { threads.max(1) };
    let (stamp, bytes) = (stored.header.stamp, stored.bytes());
    let graph = Graph::view(stored, threads)?;
    let (free, freed) = (Mutex::new(threads), Condvar::new());
    let kept = Arc::new(KeptGraph { epoch: stamp.epoch, high_water: stamp.high_water, graph, free, freed });
    if keeps {
        view.cache().put(view.number(), "", Arc::clone(&kept), bytes);
    }
    Ok(kept)
}

/// Reads the chunks of the graph and compares them with the catalogue.
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

/// What a search of the graph found for each question.
pub struct Walked {
    /// Its candidates.
    pub candidates: Vec<Vec<Ordinal>>,
    /// The questions for which it found fewer than there are.
    pub short: Vec<usize>,
}

impl GraphSearcher {
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
        let leave = self.graph.leave(threads);
        let threads = leave.1;
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
            self.graph.graph.search(question, depth, self.ef_search)?
        } else {
            let keep = |ordinal: Ordinal| allowed.contains(ordinal) && !self.outside.contains(ordinal.0);
            self.graph.graph.search_filtered(question, depth, self.ef_search, keep)?
        };
        Ok(found.into_iter().map(|(_, ordinal)| ordinal).collect())
    }
}
