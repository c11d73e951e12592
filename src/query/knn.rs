//! Searches by vectors: along a plan, in groups of bounded size, and on without what is derived and damaged.
//!
//! Knows nothing of texts and rank expressions. Invariant: hits ascend by distance, ties by insertion.

use std::borrow::Cow;
use std::time::Instant;

use roaring::RoaringTreemap;

use super::answer::{Answer, QueryTiming};
use super::plan::{AccessPath, ClusteredRows, Facts, Plan};
use crate::error::{Error, Result};
use crate::index::{
    Allowed, First, GraphSearcher, Ranked, graph_depth, is_graph_resident, is_resident, nearest as nearest_by_bounds,
    nearest_in_clusters, rank_all, rank_candidates, resident, walk_graph,
};
use crate::record::{Hit, Ordinal};
use crate::store::{ClustersEntry, Include, View, check_dimension, check_embedding};

/// Questions answered together, so that a batch of any size needs a bounded amount of memory.
const QUESTIONS_AT_ONCE: usize = 1024;

/// A search by vectors.
pub(super) struct VectorSearch<'q> {
    pub(super) questions: Vec<&'q [f32]>,
    /// Hits to skip, and how many of the others are wanted.
    pub(super) offset: usize,
    pub(super) top: usize,
    pub(super) max_distance: Option<f32>,
    pub(super) exact: bool,
    pub(super) way: Option<AccessPath>,
    pub(super) threads: usize,
}

impl<'q> VectorSearch<'q> {
    /// A search for the nearest `limit` of one question.
    fn nearest(question: &'q [f32], limit: usize, exact: bool, threads: usize) -> Self {
        let (questions, top) = (vec![question], limit);
        Self { questions, offset: 0, top, max_distance: None, exact, way: None, threads }
    }

    /// Finds the records nearest to each question, among `chosen` or all.
    pub(super) fn run(&self, view: &View, chosen: Option<&RoaringTreemap>, include: Include) -> Result<Answer> {
        let mut answer = self.plan(view, chosen)?;
        if answer.plan.way == AccessPath::Nothing {
            answer.hits = vec![Vec::new(); self.questions.len()];
            return Ok(answer);
        }
        let mut damage = None;
        let mut read = || {
            let ranked = rank_in_groups(view, self, chosen, &mut answer, &mut damage)?;
            let start = Instant::now();
            answer.hits = hits(view, self, include, ranked)?;
            answer.timing.read = start.elapsed();
            Ok(())
        };
        let read = read();
        read.map_err(|error| cause(error, damage))?;
        Ok(answer)
    }

    /// Ranks the records for each question, among `chosen` or all, without reading them.
    pub(super) fn rank(&self, view: &View, chosen: Option<&RoaringTreemap>) -> Result<(Answer, Vec<Vec<Ranked>>)> {
        let mut answer = self.plan(view, chosen)?;
        if answer.plan.way == AccessPath::Nothing {
            return Ok((answer, vec![Vec::new(); self.questions.len()]));
        }
        let mut damage = None;
        let ranked = rank_in_groups(view, self, chosen, &mut answer, &mut damage);
        let mut ranked = ranked.map_err(|error| cause(error, damage))?;
        for nearest in &mut ranked {
            nearest.truncate(answer.facts.wanted);
        }
        Ok((answer, ranked))
    }

    /// Returns the answer before anything was searched: how it will be.
    pub(super) fn plan(&self, view: &View, chosen: Option<&RoaringTreemap>) -> Result<Answer> {
        self.questions.iter().try_for_each(|question| fits(view, question))?;
        let facts = facts(view, self, chosen)?;
        Ok(Answer {
            hits: Vec::new(),
            plan: Plan::choose(&facts).forced(self.way),
            facts,
            timing: QueryTiming::default(),
            ranked: 0,
            thinned: None,
            warnings: Vec::new(),
        })
    }
}

/// Returns the records nearest to one question, among `chosen` or all, without reading them.
pub(super) fn nearest(
    view: &View,
    question: &[f32],
    chosen: Option<&RoaringTreemap>,
    limit: usize,
    (exact, threads): (bool, usize),
    warnings: &mut Vec<String>,
) -> Result<Vec<Ranked>> {
    let (mut answer, mut ranked) = VectorSearch::nearest(question, limit, exact, threads).rank(view, chosen)?;
    warnings.append(&mut answer.warnings);
    Ok(ranked.pop().unwrap_or_default())
}

fn fits(view: &View, question: &[f32]) -> Result<()> {
    check_embedding(question)?;
    check_dimension(view.info(), question)
}

fn facts(view: &View, query: &VectorSearch, chosen: Option<&RoaringTreemap>) -> Result<Facts> {
    let counts = view.counts();
    let graph = view.graph();
    let outside = match graph {
        Some(graph) => view.end().0.saturating_sub(graph.covers_until).saturating_add(view.stale()?.len()),
        None => 0,
    };
    Ok(Facts {
        questions: query.questions.len(),
        wanted: query.offset.saturating_add(query.top).min(usize::try_from(counts.records).unwrap_or(usize::MAX)),
        rows: counts.sealed.saturating_add(counts.tail),
        tail: counts.tail,
        candidates: chosen.map_or(counts.records, RoaringTreemap::len),
        filtered: chosen.is_some(),
        dimension: view.info().dimension.unwrap_or(0),
        graph_rows: graph.map_or(0, |graph| graph.rows),
        recall: graph.and_then(|graph| graph.recall),
        outside_graph: outside,
        ef_search: view.info().hnsw.ef_search,
        clusters: clustered(view),
        sketched: view.is_sketched(),
        resident: is_resident(view),
        graph_resident: is_graph_resident(view),
        // What is found by a graph depends on every record in it, and none may show that is not shown.
        exact: query.exact || view.is_restricted(),
    })
}

/// Returns what the plan needs to know of clusters; damage is reported by the search itself.
fn clustered(view: &View) -> Option<ClusteredRows> {
    let ClustersEntry { clusters, entries, levels, scan_from, .. } =
        view.clusters().filter(ClustersEntry::is_turned_as_now)?;
    let moved = view.rows_moved().map_or(0, |moved| moved.len());
    let outside = view.sealed_until().0.saturating_sub(scan_from);
    Some(ClusteredRows { clusters, entries, levels, outside, moved })
}

/// Returns what went wrong first: once reading has failed, redb tells whoever goes on only that it has.
fn cause(error: Error, damage: Option<Error>) -> Error {
    damage.filter(|_| error.is_consequence()).unwrap_or(error)
}

/// Returns the nearest records of each question, in groups of bounded size, and goes on without what is derived and damaged.
fn rank_in_groups(
    view: &View,
    query: &VectorSearch,
    chosen: Option<&RoaringTreemap>,
    answer: &mut Answer,
    damage: &mut Option<Error>,
) -> Result<Vec<Vec<Ranked>>> {
    let mut go_on = |error: Error, how: &str, warnings: &mut Vec<String>| {
        warnings.push(format!("{error}; {how}"));
        damage.get_or_insert(error);
    };
    let mut graph = None;
    if answer.plan.way == AccessPath::Graph {
        match walk_graph(view, query.threads) {
            Ok(loaded) => graph = Some(loaded),
            Err(e @ Error::Damaged { .. }) => {
                go_on(e, "searching without the graph", &mut answer.warnings);
                answer.plan.way = AccessPath::Scan;
            }
            Err(e) => return Err(e),
        }
    }
    let mut ranked = Vec::with_capacity(query.questions.len());
    for group in query.questions.chunks(QUESTIONS_AT_ONCE) {
        let mut ranked_here = loop {
            let (how, next) = match answer.plan.way {
                AccessPath::Clusters if view.is_sketched() => ("searching without the clusters", AccessPath::Sketch),
                AccessPath::Clusters => ("searching without the clusters", AccessPath::Scan),
                AccessPath::Sketch => ("searching without the sketch", AccessPath::Scan),
                _ => ("ranking every record by its embedding", AccessPath::Rows),
            };
            match rank_group(view, query, group, chosen, graph.as_ref(), answer) {
                Err(e @ Error::Damaged { .. }) if answer.plan.way != AccessPath::Rows => {
                    go_on(e, how, &mut answer.warnings);
                    answer.plan.way = next;
                }
                ranked => break ranked?,
            }
        };
        ranked.append(&mut ranked_here);
    }
    Ok(ranked)
}

/// Ranks some questions by the way of the plan.
fn rank_group(
    view: &View,
    query: &VectorSearch,
    questions: &[&[f32]],
    chosen: Option<&RoaringTreemap>,
    graph: Option<&GraphSearcher>,
    answer: &mut Answer,
) -> Result<Vec<Vec<Ranked>>> {
    let (wanted, threads) = (answer.facts.wanted, query.threads);
    let allowed = chosen.map_or(Allowed::AllBut(view.dead()), Allowed::Only);
    let first = if answer.plan.way == AccessPath::Sketch { First::Signs } else { First::Codes };
    let start = Instant::now();
    match (answer.plan.way, graph) {
        (AccessPath::Nothing, _) => Ok(vec![Vec::new(); questions.len()]),
        (AccessPath::Rows, _) => {
            let among = chosen.map_or_else(|| Cow::Owned(view.live()), Cow::Borrowed);
            let ranked = rank_all(view, questions, &among, wanted, threads)?;
            answer.ranked += among.len() * questions.len() as u64;
            answer.timing.rank += start.elapsed();
            Ok(ranked)
        }
        (AccessPath::Clusters, _) if view.clusters().is_some() => {
            let found = nearest_in_clusters(view, questions, allowed, wanted, threads)?;
            answer.ranked += found.ranked;
            answer.timing.candidates += found.candidates;
            answer.timing.rank += found.rank;
            Ok(found.nearest)
        }
        (AccessPath::Graph, Some(graph)) => {
            let walked = graph.candidates(view, questions, allowed, graph_depth(wanted), threads)?;
            answer.timing.candidates += start.elapsed();
            let start = Instant::now();
            let mut ranked = rank_candidates(view, questions, &walked.candidates, wanted, threads)?;
            answer.ranked += walked.candidates.iter().map(|found| found.len() as u64).sum::<u64>();
            answer.timing.rank += start.elapsed();
            let short: Vec<&[f32]> = walked.short.iter().filter_map(|at| questions.get(*at).copied()).collect();
            if !short.is_empty() {
                let again = by_bounds(view, &short, allowed, First::Codes, threads, answer)?;
                for (at, again) in walked.short.iter().zip(again) {
                    if let Some(slot) = ranked.get_mut(*at) {
                        *slot = again;
                    }
                }
            }
            Ok(ranked)
        }
        (AccessPath::Graph | AccessPath::Clusters | AccessPath::Scan | AccessPath::Sketch | AccessPath::Remote, _) => {
            by_bounds(view, questions, allowed, first, threads, answer)
        }
    }
}

fn by_bounds(
    view: &View,
    questions: &[&[f32]],
    allowed: Allowed,
    first: First,
    threads: usize,
    answer: &mut Answer,
) -> Result<Vec<Vec<Ranked>>> {
    let resident = resident(view);
    let how = (first, threads);
    let found = nearest_by_bounds(view, questions, allowed, answer.facts.wanted, how, resident.as_deref())?;
    answer.ranked += found.ranked;
    answer.timing.candidates += found.candidates;
    answer.timing.rank += found.rank;
    Ok(found.nearest)
}

/// Reads the hits of each question that are asked for, all in the order of the file.
#[expect(clippy::cast_possible_truncation, reason = "distances are shown as f32, as in Chroma")]
fn hits(view: &View, query: &VectorSearch, include: Include, ranked: Vec<Vec<Ranked>>) -> Result<Vec<Vec<Hit>>> {
    let near = |ranked: &Ranked| query.max_distance.is_none_or(|max| ranked.distance as f32 <= max);
    let page = |nearest: Vec<Ranked>| -> Vec<Ranked> {
        nearest.into_iter().skip(query.offset).take(query.top).take_while(near).collect()
    };
    let pages: Vec<Vec<Ranked>> = ranked.into_iter().map(page).collect();
    let mut ordinals: Vec<Ordinal> = pages.iter().flatten().map(|ranked| ranked.ordinal).collect();
    ordinals.sort_unstable();
    ordinals.dedup();
    let records = ordinals.iter().map(|ordinal| view.record(*ordinal, include)).collect::<Result<Vec<_>>>()?;
    let hit = |ranked: Ranked| {
        let at = ordinals.binary_search(&ranked.ordinal).ok()?;
        Some(Hit { record: records.get(at)?.clone(), distance: ranked.distance as f32, score: None })
    };
    Ok(pages.into_iter().map(|page| page.into_iter().filter_map(hit).collect()).collect())
}
