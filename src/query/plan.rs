//! Which way a search takes: a pure function of counts.
//!
//! Each way is given a cost in microseconds of one core from the constants of [`Costs`], and the cheapest wins.
//! Every way gives the same hits but for the recall of the graph, so a bad guess costs time, never a result.

use std::fmt;

/// What the plan is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Questions asked together.
    pub questions: usize,
    /// Hits asked for, the offset among them.
    pub wanted: usize,
    /// Rows in segments and tail, dead ones among them.
    pub rows: u64,
    /// Records the filter leaves; without a filter, all.
    pub candidates: u64,
    /// Whether there is a filter.
    pub filtered: bool,
    /// Components of an embedding.
    pub dimension: usize,
    /// Vectors in the graph, 0 when there is none.
    pub graph_rows: u64,
    /// Rows the graph does not cover or has out of date.
    pub outside_graph: u64,
    /// Candidates the graph keeps while it is searched.
    pub ef_search: usize,
    /// Whether the collection has sketches.
    pub sketched: bool,
    /// Whether the exact order is asked for.
    pub exact: bool,
}

/// A way to search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// There is nothing to find.
    Nothing,
    /// Rank the embeddings of every candidate, as given.
    Rows,
    /// Compare every quantised row, then rank the best by their embeddings.
    Scan,
    /// Compare the signs of every row, then rank many by their embeddings.
    Sketch,
    /// Walk the graph, scan the rows it does not cover, then rank the best by their embeddings.
    Graph,
}

/// The way chosen, and why.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// The way.
    pub way: Way,
    /// Quantised candidates ranked by their embeddings, for each question.
    pub depth: usize,
    /// What each way would cost, in microseconds.
    pub costs: Costs,
}

/// What the ways would cost in microseconds of one core; infinite where a way is closed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Costs {
    /// Of [`Way::Rows`].
    pub rows: f64,
    /// Of [`Way::Scan`].
    pub scan: f64,
    /// Of [`Way::Sketch`].
    pub sketch: f64,
    /// Of [`Way::Graph`].
    pub graph: f64,
}

// Microseconds, measured on one core of an EPYC (Zen 4) with a warm page cache by `cargo bench --bench plan`.
/// Reading a 32 KiB block of embeddings.
const READ_BLOCK: f64 = 2.0;
const COMPARE_ROW: f64 = 0.3;
const READ_CODES_PER_KIB: f64 = 0.11;
const COMPARE_CODES_PER_KIB: f64 = 0.0065;
const COMPARE_SIGNS_PER_KIB: f64 = 0.18;
const VIEW_GRAPH_ROW: f64 = 0.6;
const WALK_GRAPH_PER_CANDIDATE: f64 = 2.1;
const BLOCK_BYTES: f64 = 32_768.0;

/// Shorter embeddings are ranked as given.
const LEAST_DIMENSION: usize = 8;
/// Below this share of records a walk through the graph meets too few that pass the filter.
const GRAPH_FILTER_SHARE: f64 = 0.1;
/// Candidates beyond those wanted: recall@10 of the scan is 1.0000 with 30 at a million rows.
const SPARE_CANDIDATES: usize = 10;
const SKETCH_ROWS_PER_CANDIDATE: u64 = 2000;
const SKETCH_CANDIDATES_PER_HIT: usize = 20;
/// Signs from which on those candidates are enough.
const SKETCH_DIMENSION: usize = 384;

impl Plan {
    /// Chooses a way.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "costs are estimates")]
    pub fn choose(facts: &Facts) -> Self {
        let depth = scan_depth(facts);
        let sketch_depth = sketch_depth(facts);
        let questions = facts.questions as f64;
        let row_bytes = 4.0 * facts.dimension as f64;
        let kib = |rows: u64| rows as f64 * facts.dimension as f64 / 1024.0;
        let compare = COMPARE_ROW * row_bytes / 1536.0;
        let blocks = facts.rows as f64 * row_bytes / BLOCK_BYTES;
        // Rows are read in the order of the file, so no block is read twice.
        let read = |rows: f64| rows.min(blocks) * READ_BLOCK * (row_bytes / BLOCK_BYTES).max(1.0);
        let rank = |depth: usize| {
            let pairs = questions * (depth as f64).min(facts.candidates as f64);
            read(pairs) + pairs * compare
        };
        let rows = read(facts.candidates as f64) + facts.candidates as f64 * questions * compare;
        // Many questions meet only the rows that the filter keeps.
        let met = if facts.questions > 1 { facts.candidates.min(facts.rows) } else { facts.rows };
        let scan = kib(facts.rows) * READ_CODES_PER_KIB + kib(met) * questions * COMPARE_CODES_PER_KIB + rank(depth);
        let sketch =
            kib(facts.rows) / 8.0 * (READ_CODES_PER_KIB + questions * COMPARE_SIGNS_PER_KIB) + rank(sketch_depth);
        let walk = facts.ef_search.max(depth) as f64 * WALK_GRAPH_PER_CANDIDATE * row_bytes / 1536.0;
        let passing = facts.candidates as f64 / facts.rows.max(1) as f64;
        // So few components make ties that codes would order by their rounding.
        let exact = facts.exact || facts.dimension < LEAST_DIMENSION;
        let open = !exact && facts.graph_rows > 0 && (!facts.filtered || passing >= GRAPH_FILTER_SHARE);
        let graph = facts.graph_rows as f64 * VIEW_GRAPH_ROW
            + questions * (walk / passing.clamp(GRAPH_FILTER_SHARE, 1.0))
            + read(facts.outside_graph as f64)
            + facts.outside_graph as f64 * questions * compare
            + rank(depth);
        let closed = |open: bool, cost: f64| if open { cost } else { f64::INFINITY };
        let costs = Costs {
            rows,
            scan: closed(!exact, scan),
            sketch: closed(!exact && facts.sketched, sketch),
            graph: closed(open, graph),
        };
        let of = |way| costs.of(way);
        let way = if facts.candidates == 0 || facts.wanted == 0 || facts.questions == 0 {
            Way::Nothing
        } else {
            let ways = [Way::Rows, Way::Scan, Way::Sketch, Way::Graph];
            ways.into_iter().min_by(|a, b| of(*a).total_cmp(&of(*b))).unwrap_or(Way::Rows)
        };
        Self { way, depth: if way == Way::Sketch { sketch_depth } else { depth }, costs }
    }

    /// Replaces the way chosen, unless there is nothing to find.
    #[must_use]
    pub fn forced(self, way: Option<Way>, facts: &Facts) -> Self {
        match way {
            Some(Way::Sketch) if self.way != Way::Nothing => {
                Self { way: Way::Sketch, depth: sketch_depth(facts), ..self }
            }
            Some(way) if self.way != Way::Nothing => Self { way, depth: scan_depth(facts), ..self },
            _ => self,
        }
    }
}

impl Costs {
    /// Of any way.
    #[must_use]
    pub fn of(&self, way: Way) -> f64 {
        match way {
            Way::Nothing => 0.0,
            Way::Rows => self.rows,
            Way::Scan => self.scan,
            Way::Sketch => self.sketch,
            Way::Graph => self.graph,
        }
    }
}

/// Candidates of codes and of the graph that are ranked.
fn scan_depth(facts: &Facts) -> usize {
    facts.wanted.saturating_add(SPARE_CANDIDATES.max(facts.wanted / 2))
}

/// Candidates of signs that are ranked: signs are less sure, and the less so the more rows there are.
fn sketch_depth(facts: &Facts) -> usize {
    let by_rows = usize::try_from(facts.rows / SKETCH_ROWS_PER_CANDIDATE).unwrap_or(usize::MAX);
    let candidates = by_rows.saturating_add(facts.wanted.saturating_mul(SKETCH_CANDIDATES_PER_HIT));
    // The error of an estimate falls with the root of the signs it counts.
    candidates.saturating_mul(SKETCH_DIMENSION.div_ceil(facts.dimension.max(1)))
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "nothing",
            Self::Rows => "rows",
            Self::Scan => "scan",
            Self::Sketch => "sketch",
            Self::Graph => "graph",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            questions: 1,
            wanted: 10,
            rows: 100_000,
            candidates: 100_000,
            filtered: false,
            dimension: 384,
            graph_rows: 100_000,
            outside_graph: 0,
            ef_search: 128,
            sketched: false,
            exact: false,
        }
    }

    fn way(facts: Facts) -> Way {
        Plan::choose(&facts).way
    }

    #[test]
    fn one_question_scans_and_many_walk_the_graph() {
        assert_eq!(way(facts()), Way::Scan);
        let many = Facts { questions: 1000, rows: 1_000_000, candidates: 1_000_000, graph_rows: 1_000_000, ..facts() };
        assert_eq!(way(many), Way::Graph);
        assert_eq!(way(Facts { graph_rows: 0, ..many }), Way::Scan);
        assert_eq!(way(Facts { rows: 1_000_000, candidates: 1_000_000, graph_rows: 1_000_000, ..facts() }), Way::Scan);
    }

    #[test]
    fn one_question_reads_the_sketch_of_a_large_collection() {
        let sketched = Facts { sketched: true, ..facts() };
        assert_eq!(way(sketched), Way::Sketch);
        assert_eq!(way(Facts { questions: 100, ..sketched }), Way::Scan);
        assert_eq!(way(Facts { candidates: 200, filtered: true, ..sketched }), Way::Rows);
        assert_eq!(way(Facts { exact: true, ..sketched }), Way::Rows);
    }

    #[test]
    fn few_candidates_are_ranked_row_by_row() {
        assert_eq!(way(Facts { candidates: 1000, filtered: true, ..facts() }), Way::Rows);
        assert_eq!(way(Facts { rows: 20, candidates: 20, graph_rows: 0, ..facts() }), Way::Rows);
        assert_eq!(way(Facts { candidates: 50_000, filtered: true, ..facts() }), Way::Scan);
    }

    #[test]
    fn a_narrow_filter_closes_the_graph_and_exact_closes_all_but_rows() {
        let narrow = Facts { questions: 10_000, candidates: 5000, filtered: true, ..facts() };
        assert!(Plan::choose(&narrow).costs.graph.is_infinite());
        assert_eq!(way(Facts { exact: true, questions: 1000, ..facts() }), Way::Rows);
    }

    #[test]
    fn nothing_to_find_reads_nothing() {
        assert_eq!(way(Facts { candidates: 0, ..facts() }), Way::Nothing);
        assert_eq!(way(Facts { wanted: 0, ..facts() }), Way::Nothing);
    }
}
