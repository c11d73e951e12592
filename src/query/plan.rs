//! Which way a search takes: a pure function of counts.
//!
//! Each way is given a cost in microseconds of one core from the constants below, and the cheapest wins. Every way gives
//! the same hits but the clusters and the graph, which are open only where they were measured to find nearly all of them; so a bad guess costs
//! time, never a result.

use serde::{Deserialize, Deserializer, Serialize};

use crate::index::{BATCH_FROM, graph_depth};
use crate::store::{CLUSTER_LEVELS, ClusterLevel, GraphEntry, known_levels};

/// What the plan is made from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Facts {
    /// Questions asked together.
    pub questions: usize,
    /// Hits asked for, the offset among them.
    pub wanted: usize,
    /// Rows in segments and tail, dead ones among them.
    pub rows: u64,
    /// Rows that stand in no segment: each is ranked.
    pub tail: u64,
    /// Records the filter leaves; without a filter, all.
    pub candidates: u64,
    /// Whether there is a filter.
    pub filtered: bool,
    /// Components of an embedding.
    pub dimension: usize,
    /// Vectors in the graph, 0 when there is none.
    pub graph_rows: u64,
    /// The share of the nearest that the graph found when it was built; `None` where nobody measured it.
    pub recall: Option<f64>,
    /// Rows the graph does not cover or has out of date.
    pub outside_graph: u64,
    /// Candidates the graph keeps while it is searched.
    pub ef_search: usize,
    /// The clusters, where there are any.
    #[serde(default)]
    pub clusters: Option<ClusteredRows>,
    /// Whether the collection has sketches.
    pub sketched: bool,
    /// Whether codes and signs are in memory.
    pub resident: bool,
    /// Whether the graph is.
    pub graph_resident: bool,
    /// Whether the exact order is asked for.
    pub exact: bool,
}

/// What the plan knows of clusters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ClusteredRows {
    /// How many clusters there are.
    pub clusters: u64,
    /// Rows in them, each counted in every cluster that it lies in.
    pub entries: u64,
    /// What is found in them, and what it takes, by how many rows a filter keeps.
    #[serde(deserialize_with = "known_levels")]
    pub levels: [ClusterLevel; CLUSTER_LEVELS],
    /// Rows in segments that are in no cluster.
    pub outside: u64,
    /// Rows whose embedding changed since they were clustered.
    pub moved: u64,
}

/// A way to search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessPath {
    /// There is nothing to find.
    Nothing,
    /// Rank the embeddings of every candidate, as given.
    Rows,
    /// Bound the distance of every row by its codes, then rank those that may win by their embeddings.
    Scan,
    /// Bound the distance of every row by its signs, then rank those that may win by their embeddings.
    Sketch,
    /// Read the clusters that lie nearest, bound the distance of their rows by their signs, then rank those that may win by their
    /// embeddings.
    Clusters,
    /// Walk the graph, scan the rows it does not cover, then rank the best by their embeddings.
    Graph,
    /// Have the place where the records are find the nearest, then rank those by their embeddings here.
    Remote,
}

named!(pub AccessPath { Nothing: "nothing", Rows: "rows", Scan: "scan", Sketch: "sketch", Clusters: "clusters", Graph: "graph", Remote: "remote" });

/// The way chosen, and why.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The way.
    pub way: AccessPath,
    /// What each way would cost, in microseconds.
    pub costs: Costs,
}

/// What the ways would cost in microseconds of one core; infinite where a way is closed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Costs {
    /// Of [`AccessPath::Rows`].
    #[serde(deserialize_with = "or_infinite")]
    pub rows: f64,
    /// Of [`AccessPath::Scan`].
    #[serde(deserialize_with = "or_infinite")]
    pub scan: f64,
    /// Of [`AccessPath::Sketch`].
    #[serde(deserialize_with = "or_infinite")]
    pub sketch: f64,
    /// Of [`AccessPath::Clusters`].
    #[serde(default = "infinite", deserialize_with = "or_infinite")]
    pub clusters: f64,
    /// Of [`AccessPath::Graph`].
    #[serde(deserialize_with = "or_infinite")]
    pub graph: f64,
}

/// An earlier version knows no clusters.
fn infinite() -> f64 {
    f64::INFINITY
}

/// JSON knows no infinity and says null.
fn or_infinite<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::INFINITY))
}

// Microseconds, measured on one core of an EPYC (Zen 4) with a warm page cache by `cargo bench --bench plan`.
/// Reading a 32 KiB block of embeddings.
const READ_BLOCK: f64 = 2.0;
const COMPARE_ROW: f64 = 0.3;
const READ_CODES_PER_KIB: f64 = 0.11;
const COMPARE_CODES_PER_KIB: f64 = 0.0065;
const COMPARE_SIGNS_PER_KIB: f64 = 0.18;
/// The same of signs that lie in memory eight rows at a time, with a look at the codes of the rows that they leave.
const COMPARE_RESIDENT_SIGNS_PER_KIB: f64 = 0.05;
const VIEW_GRAPH_ROW: f64 = 0.6;
const WALK_GRAPH_PER_CANDIDATE: f64 = 2.1;
const BLOCK_BYTES: f64 = 32_768.0;
const TAIL_QUESTIONS: f64 = 4.0;

/// Below this share of records a walk through the graph meets too few that pass the filter.
const GRAPH_FILTER_SHARE: f64 = 0.1;
/// Rows ranked for a hit, where codes or signs can tell rows apart: what is expected, not what is done.
const RANKED_BY_CODES: f64 = 1.5;
const RANKED_BY_SIGNS: f64 = 22.0;
/// What a question's difference from a cluster's centre takes, and reading the cluster's first page.
const LOOK_AROUND_CENTRE: f64 = 2.5;
const READ_CLUSTER: f64 = 12.0;
/// Reading a row's block for that row alone: a million rows were asked 1,000 questions.
const READ_SCATTERED: f64 = 20.0;
/// More hits are found by reading every row.
const MOST_IN_CLUSTERS: usize = 1000;

impl ClusteredRows {
    /// Returns what is expected where this share of the rows is kept, between what was measured where more and where fewer were; `None`
    /// where nobody measured so few.
    fn level(&self, kept: f64) -> Option<ClusterLevel> {
        let [first, ..] = self.levels;
        let fewer = self.levels.into_iter().find(|level| level.kept <= kept)?;
        let more = self.levels.into_iter().rfind(|level| level.kept > kept).unwrap_or(first);
        let part = if more.kept > fewer.kept { (more.kept / kept).ln() / (more.kept / fewer.kept).ln() } else { 1.0 };
        let between = |more: f64, fewer: f64| more + (fewer - more) * part;
        Some(ClusterLevel {
            kept,
            until: fewer.until,
            reach: fewer.reach,
            share: between(more.share, fewer.share),
            ranked: between(more.ranked, fewer.ranked),
            recall: more.recall.zip(fewer.recall).map(|(more, fewer)| more.min(fewer)),
        })
    }
}

impl Plan {
    /// Chooses a way.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "costs are estimates")]
    pub fn choose(facts: &Facts) -> Self {
        let questions = facts.questions as f64;
        let row_bytes = 4.0 * facts.dimension as f64;
        let kib = |rows: u64| rows as f64 * facts.dimension as f64 / 1024.0;
        let compare = COMPARE_ROW * row_bytes / 1536.0;
        let blocks = facts.rows as f64 * row_bytes / BLOCK_BYTES;
        // Rows are read in the order of the file, so no block is read twice.
        let read = |rows: f64| rows.min(blocks) * READ_BLOCK * (row_bytes / BLOCK_BYTES).max(1.0);
        let rank = |for_a_hit: f64| {
            let pairs = questions * (facts.wanted as f64 * for_a_hit).min(facts.candidates as f64);
            read(pairs) + pairs * compare
        };
        let rows = read(facts.candidates as f64) + facts.candidates as f64 * questions * compare;
        // Many questions meet only the rows that the filter keeps.
        let met = if facts.questions > 1 { facts.candidates.min(facts.rows) } else { facts.rows };
        let one_by_one = facts.resident && facts.questions < BATCH_FROM;
        // A batch codes the tail instead, which takes as long as ranking it for a few questions.
        let tail = if facts.resident { 0.0 } else { facts.tail as f64 };
        let tail = read(tail) + tail * questions.min(TAIL_QUESTIONS) * compare;
        let read_per_kib = if facts.resident { 0.0 } else { READ_CODES_PER_KIB };
        let signs_per_kib = if one_by_one { COMPARE_RESIDENT_SIGNS_PER_KIB } else { COMPARE_SIGNS_PER_KIB };
        // In memory the rows that signs leave are looked at by their codes before any is ranked.
        let ranked_by_signs = if one_by_one { RANKED_BY_CODES } else { RANKED_BY_SIGNS };
        let scan = tail
            + kib(facts.rows) * read_per_kib
            + kib(met) * questions * COMPARE_CODES_PER_KIB
            + rank(RANKED_BY_CODES);
        let sketch = tail + kib(facts.rows) / 8.0 * (read_per_kib + questions * signs_per_kib) + rank(ranked_by_signs);
        let passing = facts.candidates as f64 / facts.rows.max(1) as f64;
        let clusters = facts.clusters.filter(|_| !facts.exact && facts.wanted <= MOST_IN_CLUSTERS);
        let level = clusters.and_then(|of| of.level(if facts.filtered { passing } else { 1.0 }));
        let level = level.filter(|level| GraphEntry::is_used(level.recall, facts.dimension));
        let clusters = clusters.zip(level).map(|(of, level)| {
            let met = level.share * questions;
            // What several questions meet is read once.
            let read_part = 1.0 - (1.0 - level.share.clamp(0.0, 1.0)).powf(questions);
            let pairs = questions * (facts.wanted as f64 * level.ranked).min(facts.candidates as f64);
            kib(of.clusters) * (READ_CODES_PER_KIB + 2.0 * questions * COMPARE_CODES_PER_KIB)
                + of.clusters as f64 * (met * LOOK_AROUND_CENTRE + read_part * READ_CLUSTER)
                + kib(of.entries) / 8.0 * (read_part * READ_CODES_PER_KIB + met * COMPARE_SIGNS_PER_KIB)
                + kib(of.outside) / 8.0 * (READ_CODES_PER_KIB + questions * COMPARE_SIGNS_PER_KIB)
                + read(of.moved as f64)
                + of.moved as f64 * questions * compare
                + read(facts.tail as f64)
                + facts.tail as f64 * questions * compare
                + blocks * (1.0 - (-pairs / blocks.max(1.0)).exp()) * READ_SCATTERED
                + pairs * compare
        });
        let walk =
            facts.ef_search.max(graph_depth(facts.wanted)) as f64 * WALK_GRAPH_PER_CANDIDATE * row_bytes / 1536.0;
        // Codes of so few components and their numbers take as many bytes as the embeddings.
        let exact = facts.exact || facts.dimension < GraphEntry::LEAST_DIMENSION;
        let is_good = GraphEntry::is_used(facts.recall, facts.dimension);
        let open = !exact && facts.graph_rows > 0 && is_good && (!facts.filtered || passing >= GRAPH_FILTER_SHARE);
        let graph_rows = if facts.graph_resident { 0.0 } else { facts.graph_rows as f64 };
        let graph = graph_rows * VIEW_GRAPH_ROW
            + questions * (walk / passing.clamp(GRAPH_FILTER_SHARE, 1.0))
            + read(facts.outside_graph as f64)
            + facts.outside_graph as f64 * questions * compare
            + rank(RANKED_BY_CODES);
        let closed = |open: bool, cost: f64| if open { cost } else { f64::INFINITY };
        let costs = Costs {
            rows,
            scan: closed(!exact, scan),
            sketch: closed(!exact && facts.sketched, sketch),
            clusters: clusters.unwrap_or(f64::INFINITY),
            graph: closed(open, graph),
        };
        let of = |way| costs.of(way);
        let way = if facts.candidates == 0 || facts.wanted == 0 || facts.questions == 0 {
            AccessPath::Nothing
        } else {
            let ways =
                [AccessPath::Rows, AccessPath::Scan, AccessPath::Sketch, AccessPath::Clusters, AccessPath::Graph];
            ways.into_iter().min_by(|a, b| of(*a).total_cmp(&of(*b))).unwrap_or(AccessPath::Rows)
        };
        Self { way, costs }
    }

    /// The way of a collection that is in no file here, which chooses for itself.
    #[must_use]
    pub fn remote() -> Self {
        let closed = f64::INFINITY;
        let costs = Costs { rows: closed, scan: closed, sketch: closed, clusters: closed, graph: closed };
        Self { way: AccessPath::Remote, costs }
    }

    /// Replaces the way chosen, unless there is nothing to find.
    #[must_use]
    pub fn forced(self, way: Option<AccessPath>) -> Self {
        match way {
            Some(way) if self.way != AccessPath::Nothing => Self { way, ..self },
            _ => self,
        }
    }
}

impl Costs {
    /// Returns the cost of a way.
    #[must_use]
    pub fn of(&self, way: AccessPath) -> f64 {
        match way {
            AccessPath::Nothing | AccessPath::Remote => 0.0,
            AccessPath::Rows => self.rows,
            AccessPath::Scan => self.scan,
            AccessPath::Sketch => self.sketch,
            AccessPath::Clusters => self.clusters,
            AccessPath::Graph => self.graph,
        }
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
            tail: 0,
            candidates: 100_000,
            filtered: false,
            dimension: 384,
            graph_rows: 100_000,
            recall: Some(0.995),
            outside_graph: 0,
            ef_search: 128,
            clusters: None,
            sketched: false,
            resident: false,
            graph_resident: false,
            exact: false,
        }
    }

    #[expect(clippy::large_types_passed_by_value, reason = "written where it is asked for")]
    fn way(facts: Facts) -> AccessPath {
        Plan::choose(&facts).way
    }

    #[test]
    fn one_question_scans_and_many_walk_the_graph() {
        assert_eq!(way(facts()), AccessPath::Scan);
        let many = Facts { questions: 1000, rows: 1_000_000, candidates: 1_000_000, graph_rows: 1_000_000, ..facts() };
        assert_eq!(way(many), AccessPath::Graph);
        assert_eq!(way(Facts { graph_rows: 0, ..many }), AccessPath::Scan);
        assert_eq!(way(Facts { recall: Some(0.98), ..many }), AccessPath::Scan);
        assert_eq!(way(Facts { recall: None, ..many }), AccessPath::Scan);
        assert_eq!(
            way(Facts { rows: 1_000_000, candidates: 1_000_000, graph_rows: 1_000_000, ..facts() }),
            AccessPath::Scan
        );
    }

    #[test]
    fn one_question_reads_the_sketch_of_a_large_collection() {
        let sketched = Facts { sketched: true, ..facts() };
        assert_eq!(way(sketched), AccessPath::Sketch);
        assert_eq!(way(Facts { questions: 100, ..sketched }), AccessPath::Scan);
        assert_eq!(way(Facts { candidates: 200, filtered: true, ..sketched }), AccessPath::Rows);
        assert_eq!(way(Facts { exact: true, ..sketched }), AccessPath::Rows);
    }

    #[test]
    fn one_question_of_a_large_collection_reads_clusters_that_find_enough() {
        let level = |kept: f64, share: f64| ClusterLevel {
            kept,
            until: 1.0,
            reach: 0.3,
            share,
            ranked: 20.0,
            recall: Some(0.995),
        };
        let few = level(0.015, 0.5);
        let levels = [level(1.0, 0.04), level(0.5, 0.06), level(0.125, 0.2), few, few, few];
        let of = ClusteredRows { clusters: 4000, entries: 2_000_000, levels, outside: 0, moved: 0 };
        let rows = 1_000_000;
        let large = Facts { rows, candidates: rows, graph_rows: 0, sketched: true, clusters: Some(of), ..facts() };
        let with = |of: ClusteredRows| way(Facts { clusters: Some(of), ..large });
        let first = |level: ClusterLevel| ClusteredRows { levels: [level, levels[1], levels[2], few, few, few], ..of };
        assert_eq!(way(large), AccessPath::Clusters);
        assert_eq!(with(first(ClusterLevel { recall: Some(0.98), ..levels[0] })), AccessPath::Sketch);
        assert_eq!(with(first(ClusterLevel { recall: None, ..levels[0] })), AccessPath::Sketch);
        assert_eq!(with(first(level(1.0, 0.9))), AccessPath::Sketch);
        assert_eq!(with(ClusteredRows { moved: 100_000, ..of }), AccessPath::Sketch);
        assert_eq!(way(Facts { exact: true, ..large }), AccessPath::Rows);
        assert_eq!(way(Facts { dimension: 7, ..large }), AccessPath::Rows);
        assert_eq!(way(Facts { candidates: 300, filtered: true, ..large }), AccessPath::Rows);
        let filtered = |candidates: u64| Plan::choose(&Facts { candidates, filtered: true, ..large }).costs.clusters;
        assert_eq!(way(Facts { candidates: 600_000, filtered: true, ..large }), AccessPath::Clusters);
        assert!(filtered(600_000) < filtered(100_000) && filtered(100_000).is_finite(), "a level for each");
        assert!(filtered(10_000).is_infinite(), "nobody measured so few");
        assert_eq!(way(Facts { questions: 100, ..large }), AccessPath::Scan);
    }

    #[test]
    fn few_candidates_are_ranked_row_by_row() {
        assert_eq!(way(Facts { candidates: 1000, filtered: true, ..facts() }), AccessPath::Rows);
        assert_eq!(way(Facts { rows: 20, tail: 20, candidates: 20, graph_rows: 0, ..facts() }), AccessPath::Rows);
        assert_eq!(way(Facts { candidates: 50_000, filtered: true, ..facts() }), AccessPath::Scan);
    }

    #[test]
    fn a_narrow_filter_closes_the_graph_and_exact_closes_all_but_rows() {
        let narrow = Facts { questions: 10_000, candidates: 5000, filtered: true, ..facts() };
        assert!(Plan::choose(&narrow).costs.graph.is_infinite());
        assert_eq!(way(Facts { exact: true, questions: 1000, ..facts() }), AccessPath::Rows);
    }

    #[test]
    fn nothing_to_find_reads_nothing() {
        assert_eq!(way(Facts { candidates: 0, ..facts() }), AccessPath::Nothing);
        assert_eq!(way(Facts { wanted: 0, ..facts() }), AccessPath::Nothing);
    }
}
