//! Runs a query along its plan.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use roaring::RoaringTreemap;

use super::filter::Filter;
use super::plan::{Facts, Plan, Way};
use super::select::choose;
use crate::error::{Error, Result};
use crate::index::{
    Allowed, First, Ranked, Walk, graph_depth, nearest as nearest_by_bounds, rank_all, rank_candidates, walk_graph,
};
use crate::record::{Hit, Ordinal, RecordId};
use crate::store::{Collection, Include, View, check_dimension, check_embedding};

/// Questions answered together, so that a batch of any size needs a bounded amount of memory.
const QUESTIONS_AT_ONCE: usize = 1024;

/// One or more questions to a collection, asked with the same conditions.
#[derive(Debug, Clone)]
pub struct Query {
    /// The questions as embeddings.
    pub questions: Vec<Vec<f32>>,
    /// Hits for each question.
    pub n: usize,
    /// Nearest hits to leave out.
    pub offset: usize,
    /// Only records of these ids.
    pub ids: Option<Vec<RecordId>>,
    /// Only records a filter keeps.
    pub filter: Option<Filter>,
    /// Only records at this distance or nearer.
    pub max_distance: Option<f32>,
    /// Which parts of the hits are read.
    pub include: Include,
    /// Rank every candidate by its embedding as given.
    pub exact: bool,
    /// Take this way, whatever it costs; `None` lets the plan choose.
    pub way: Option<Way>,
    /// Cores to use.
    pub threads: usize,
}

/// What a query found, and how.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The hits of each question, in the order of the questions.
    pub hits: Vec<Vec<Hit>>,
    /// The way taken.
    pub plan: Plan,
    /// What the plan was made from.
    pub facts: Facts,
    /// How long each stage took.
    pub timing: Timing,
    /// Rows whose embedding was compared with a question.
    pub ranked: u64,
    /// What went wrong without changing the hits, such as a damaged graph.
    pub warnings: Vec<String>,
}

/// How long the stages of a query took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Timing {
    /// Finding the records the filter keeps.
    pub filter: Duration,
    /// Finding candidates by their codes, their signs or the graph.
    pub candidates: Duration,
    /// Ranking them by their embeddings.
    pub rank: Duration,
    /// Reading the hits.
    pub read: Duration,
}

impl Collection {
    /// Finds the records nearest to each question.
    ///
    /// # Errors
    /// [`Error::DimensionMismatch`] or [`Error::InvalidEmbedding`] for a question that does not fit, or a damaged file.
    pub fn query(&self, query: &Query) -> Result<Answer> {
        let view = self.view()?;
        view.query(query).map_err(|e| self.store().name(e))
    }
}

impl View {
    /// Finds the records nearest to each question, as of this view.
    ///
    /// # Errors
    /// As [`Collection::query`].
    pub fn query(&self, query: &Query) -> Result<Answer> {
        query.questions.iter().try_for_each(|question| fits(self, question))?;
        let start = Instant::now();
        let chosen = choose(self, query.ids.as_deref(), query.filter.as_ref())?;
        let filter = start.elapsed();
        let facts = facts(self, query, chosen.as_ref())?;
        let mut answer = Answer {
            hits: Vec::new(),
            plan: Plan::choose(&facts).forced(query.way),
            facts,
            timing: Timing { filter, ..Timing::default() },
            ranked: 0,
            warnings: Vec::new(),
        };
        if answer.plan.way == Way::Nothing {
            answer.hits = vec![Vec::new(); query.questions.len()];
            return Ok(answer);
        }
        let ranked = rank(self, query, chosen.as_ref(), &mut answer)?;
        let start = Instant::now();
        answer.hits = hits(self, query, ranked)?;
        answer.timing.read = start.elapsed();
        Ok(answer)
    }
}

/// Returns the records nearest to one question, among `chosen` or all, without reading them.
pub(super) fn nearest(
    view: &View,
    question: &[f32],
    chosen: Option<&RoaringTreemap>,
    limit: usize,
    threads: usize,
    warnings: &mut Vec<String>,
) -> Result<Vec<Ranked>> {
    let query = Query {
        questions: vec![question.to_vec()],
        n: limit,
        offset: 0,
        ids: None,
        filter: None,
        max_distance: None,
        include: Include::NONE,
        exact: false,
        way: None,
        threads,
    };
    let facts = facts(view, &query, chosen)?;
    let (plan, timing) = (Plan::choose(&facts), Timing::default());
    if plan.way == Way::Nothing {
        return Ok(Vec::new());
    }
    let mut answer = Answer { hits: Vec::new(), plan, facts, timing, ranked: 0, warnings: Vec::new() };
    let mut ranked = rank(view, &query, chosen, &mut answer)?;
    warnings.append(&mut answer.warnings);
    let mut nearest = ranked.pop().unwrap_or_default();
    nearest.truncate(limit);
    Ok(nearest)
}

fn fits(view: &View, question: &[f32]) -> Result<()> {
    check_embedding(question)?;
    check_dimension(view.info(), question)
}

fn facts(view: &View, query: &Query, chosen: Option<&RoaringTreemap>) -> Result<Facts> {
    let counts = view.counts();
    let graph = view.graph();
    let outside = match graph {
        Some(graph) => view.end().0.saturating_sub(graph.covers_until).saturating_add(view.stale()?.len()),
        None => 0,
    };
    Ok(Facts {
        questions: query.questions.len(),
        wanted: query.offset.saturating_add(query.n).min(usize::try_from(counts.records).unwrap_or(usize::MAX)),
        rows: counts.sealed.saturating_add(counts.tail),
        tail: counts.tail,
        candidates: chosen.map_or(counts.records, RoaringTreemap::len),
        filtered: chosen.is_some(),
        dimension: view.info().dimension.unwrap_or(0),
        graph_rows: graph.map_or(0, |graph| graph.rows),
        recall: graph.and_then(|graph| graph.recall),
        outside_graph: outside,
        ef_search: view.info().hnsw.ef_search,
        sketched: view.is_sketched(),
        exact: query.exact,
    })
}

/// Returns the nearest records of each question.
fn rank(view: &View, query: &Query, chosen: Option<&RoaringTreemap>, answer: &mut Answer) -> Result<Vec<Vec<Ranked>>> {
    let mut damage = None;
    let ranked = rank_in_groups(view, query, chosen, answer, &mut damage);
    // Once reading has failed, redb tells whoever goes on only that it has.
    ranked.map_err(|error| damage.filter(|_| error.is_consequence()).unwrap_or(error))
}

/// Does it in groups of bounded size, and goes on without what is derived and damaged.
fn rank_in_groups(
    view: &View,
    query: &Query,
    chosen: Option<&RoaringTreemap>,
    answer: &mut Answer,
    damage: &mut Option<Error>,
) -> Result<Vec<Vec<Ranked>>> {
    let mut go_on = |error: Error, how: &str, warnings: &mut Vec<String>| {
        warnings.push(format!("{error}; {how}"));
        damage.get_or_insert(error);
    };
    let mut graph = None;
    if answer.plan.way == Way::Graph {
        match walk_graph(view, query.threads) {
            Ok(loaded) => graph = Some(loaded),
            Err(e @ Error::Damaged { .. }) => {
                go_on(e, "searching without the graph", &mut answer.warnings);
                answer.plan.way = Way::Scan;
            }
            Err(e) => return Err(e),
        }
    }
    let mut ranked = Vec::with_capacity(query.questions.len());
    for group in query.questions.chunks(QUESTIONS_AT_ONCE) {
        let questions: Vec<&[f32]> = group.iter().map(Vec::as_slice).collect();
        let mut ranked_here = loop {
            let (how, next) = match answer.plan.way {
                Way::Sketch => ("searching without the sketch", Way::Scan),
                _ => ("ranking every record by its embedding", Way::Rows),
            };
            match rank_group(view, query, &questions, chosen, graph.as_ref(), answer) {
                Err(e @ Error::Damaged { .. }) if answer.plan.way != Way::Rows => {
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
    query: &Query,
    questions: &[&[f32]],
    chosen: Option<&RoaringTreemap>,
    graph: Option<&Walk>,
    answer: &mut Answer,
) -> Result<Vec<Vec<Ranked>>> {
    let (wanted, threads) = (answer.facts.wanted, query.threads);
    let allowed = chosen.map_or(Allowed::AllBut(view.dead()), Allowed::Only);
    let first = if answer.plan.way == Way::Sketch { First::Signs } else { First::Codes };
    let start = Instant::now();
    match (answer.plan.way, graph) {
        (Way::Nothing, _) => Ok(vec![Vec::new(); questions.len()]),
        (Way::Rows, _) => {
            let among = chosen.map_or_else(|| Cow::Owned(view.live()), Cow::Borrowed);
            let ranked = rank_all(view, questions, &among, wanted, threads)?;
            answer.ranked += among.len() * questions.len() as u64;
            answer.timing.rank += start.elapsed();
            Ok(ranked)
        }
        (Way::Graph, Some(graph)) => {
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
        (Way::Graph | Way::Scan | Way::Sketch, _) => by_bounds(view, questions, allowed, first, threads, answer),
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
    let found = nearest_by_bounds(view, questions, allowed, answer.facts.wanted, first, threads)?;
    answer.ranked += found.ranked;
    answer.timing.candidates += found.candidates;
    answer.timing.rank += found.rank;
    Ok(found.nearest)
}

/// Reads the hits of each question that are asked for, all in the order of the file.
#[expect(clippy::cast_possible_truncation, reason = "distances are shown as f32, as in Chroma")]
fn hits(view: &View, query: &Query, ranked: Vec<Vec<Ranked>>) -> Result<Vec<Vec<Hit>>> {
    let near = |ranked: &Ranked| query.max_distance.is_none_or(|max| ranked.distance as f32 <= max);
    let page = |nearest: Vec<Ranked>| -> Vec<Ranked> {
        nearest.into_iter().skip(query.offset).take(query.n).take_while(near).collect()
    };
    let pages: Vec<Vec<Ranked>> = ranked.into_iter().map(page).collect();
    let mut ordinals: Vec<Ordinal> = pages.iter().flatten().map(|ranked| ranked.ordinal).collect();
    ordinals.sort_unstable();
    ordinals.dedup();
    let records = ordinals.iter().map(|ordinal| view.record(*ordinal, query.include)).collect::<Result<Vec<_>>>()?;
    let hit = |ranked: Ranked| {
        let at = ordinals.binary_search(&ranked.ordinal).ok()?;
        Some(Hit { record: records.get(at)?.clone(), distance: ranked.distance as f32 })
    };
    Ok(pages.into_iter().map(|page| page.into_iter().filter_map(hit).collect()).collect())
}
