//! The nearest records by SQL: candidates that hold every one of them, to be ranked by their embeddings elsewhere.
//!
//! pgvector sums in f32, so its distances have an error, for which there is a bound ([`Measured::error`]). Without the graph
//! every record is found whose distance, less its error, is no farther than that of the last that is wanted, with its
//! error: data that f32 cannot tell apart costs time, never a hit. Through the graph a list goes on until it is clearly past
//! the last one, and is found without the graph where it came out short. Invariant: unless the graph itself misses a
//! record, the `wanted` nearest are among what is returned.

use postgres::Row;

use super::fault::Done;
use super::kept::Kept;
use super::layout::Part;
use super::measure::{Kind, Measured, ROUNDING, operator};
use super::params::Params;
use super::pool::Session;
use super::shard_search;
use crate::query::RecordQuery;
use crate::record::Space;

/// Candidates beyond those that are wanted, through a graph.
const MARGIN: usize = 10;
/// The most candidates a list through the graph goes on to; what is as near as so many is found without it.
const MOST_CANDIDATES: usize = 20_000;
/// The steps of a search through a graph: PostgreSQL takes no more.
const MOST_STEPS: usize = 1000;
/// Rows that a search through the graph visits before it gives up.
const MOST_VISITED: usize = 200_000;

/// What is searched.
pub(super) struct Searched<'t> {
    /// The table, as SQL writes it.
    pub(super) table: &'t str,
    /// The tables that have its records: itself, or shards.
    pub(super) parts: &'t [Part],
    pub(super) space: Space,
    pub(super) dimension: usize,
    /// What is read of each record, as SQL writes it.
    pub(super) columns: &'t str,
    /// Whether there is a graph that finds nearly all.
    pub(super) has_graph: bool,
    /// The settings of the collection.
    pub(super) ef_search: usize,
}

/// Finds, for each question, records among which are the `wanted` nearest of those that ids and filter keep, in any order.
/// The transaction is only read in.
pub(super) fn nearest(
    session: &mut Session,
    searched: &Searched,
    questions: &[&[f32]],
    among: &RecordQuery,
    (wanted, exact): (usize, bool),
) -> Done<Vec<Vec<Row>>> {
    let kept = Kept::of(session, searched.table, among)?;
    let through_graph = searched.has_graph && !exact && !kept.are_few(session, searched.table)?;
    let mut lists = Vec::with_capacity(questions.len());
    for question in questions {
        let measured = Measured::new(searched.space, question);
        let found = if through_graph && !measured.is_nowhere() {
            by_graph(session, searched, &measured, &kept, wanted)?
        } else {
            None
        };
        lists.push(match found {
            Some(rows) => rows,
            None if searched.is_spread() => shard_search::by_distance(session, searched, &measured, &kept, wanted)?,
            None => by_distance(session, searched, &measured, &kept, wanted)?,
        });
    }
    Ok(lists)
}

/// Compares every record that may be found.
fn by_distance(
    session: &mut Session,
    searched: &Searched,
    measured: &Measured,
    kept: &Kept,
    wanted: usize,
) -> Done<Vec<Row>> {
    let mut params = Params::default();
    let sql = by_distance_sql(searched, measured, kept, wanted, &mut params);
    session.rows(&sql, &params.values())
}

fn by_distance_sql(
    searched: &Searched,
    measured: &Measured,
    kept: &Kept,
    wanted: usize,
    params: &mut Params,
) -> String {
    let Searched { table, columns, .. } = searched;
    let kept = kept.sql(params);
    if measured.is_nowhere() {
        return format!("select {columns} from {table} where {kept} order by seq limit {wanted}");
    }
    let question = params.push(measured.question.to_vec(), "real[]");
    let (distance, error) = (measured.distance(&searched.distance_sql(&question)), measured.error("a"));
    // Those that are zero are not measured: their distance is 1 for certain.
    let (measurable, zeros) = match searched.space {
        Space::Cosine => (
            "not is_zero",
            format!(
                "union all (select seq, float8 '1', float8 '0' from {table} where is_zero and {kept} \
                 order by seq limit {wanted})"
            ),
        ),
        Space::L2 | Space::Ip => ("true", String::new()),
    };
    // What f32 cannot measure is infinite or no number, and a candidate in any case.
    format!(
        "with measured as materialized (
            select seq, a, {error} as e from (select seq, embedding, {distance} as a from {table}
                where {measurable} and {kept} offset 0) each {zeros}),
        last as (select case when count(*) < {wanted} then 'infinity' else max(a + e) end as farthest from
            (select a, e from measured where a < 'infinity' and a > '-infinity' order by a limit {wanted}) nearest)
        select {columns} from {table} where seq = any(array(select seq from measured, last
            where a - e <= farthest or a >= 'infinity' or a = '-infinity'))"
    )
}

/// Walks the graph; `None` where it is of no use for this.
fn by_graph(
    session: &mut Session,
    searched: &Searched,
    measured: &Measured,
    kept: &Kept,
    wanted: usize,
) -> Done<Option<Vec<Row>>> {
    let kind = Kind::of(searched.dimension);
    let is_too_large = |x: &f32| x.abs() > 65_000.0;
    if kind == Kind::Half && measured.question.iter().any(is_too_large) {
        return Ok(None);
    }
    let mut limit = searched.candidates(wanted);
    while limit <= MOST_CANDIDATES {
        let rows = walk(session, searched, measured, kept, (wanted, limit))?;
        let distances = rows.iter().map(|row| row.try_get("distance")).collect::<Result<Vec<f64>, _>>()?;
        let Some(last_wanted) = wanted.checked_sub(1).and_then(|last| distances.get(last)) else { return Ok(None) };
        let last = distances.last().copied().unwrap_or(f64::INFINITY);
        let scale = if searched.space == Space::Cosine { last_wanted.abs().max(1.0) } else { last_wanted.abs() };
        #[expect(clippy::cast_precision_loss, reason = "dimensions are small")]
        let error = 4.0 * (searched.dimension as f64 + 16.0).sqrt() * ROUNDING * scale;
        if kind != Kind::Full || rows.len() < limit || last > last_wanted + error {
            return Ok(Some(rows));
        }
        limit = limit.saturating_mul(2);
    }
    Ok(None)
}

fn walk(
    session: &mut Session,
    searched: &Searched,
    measured: &Measured,
    kept: &Kept,
    (wanted, limit): (usize, usize),
) -> Done<Vec<Row>> {
    let Searched { columns, space, .. } = searched;
    let mut params = Params::default();
    let kept = kept.sql(&mut params);
    let question = params.push(measured.question.to_vec(), "real[]");
    session.set(&searched.settings(limit))?;
    let walked = |part: &Part| {
        let table = &part.table;
        let walked = searched.walk_sql(table, &question, &kept, limit);
        let zeros = format!(
            "union all (select {columns}, float8 '1' as distance from {table} where is_zero and {kept} \
             order by seq limit {wanted})"
        );
        format!("({walked}) {}", if *space == Space::Cosine { &zeros } else { "" })
    };
    let walked: Vec<String> = searched.parts.iter().map(walked).collect();
    // Of shards each gives so many, and beyond as many in all nothing is known.
    let is_cut = searched.is_spread() && Kind::of(searched.dimension) == Kind::Full;
    let most = if is_cut { format!("limit {limit}") } else { String::new() };
    let sql = format!("select * from ({}) found order by distance {most}", walked.join(" union all "));
    session.rows(&sql, &params.values())
}

impl Searched<'_> {
    /// Returns whether there are shards.
    pub(super) fn is_spread(&self) -> bool {
        self.parts.iter().any(|part| part.table != self.table)
    }

    /// Returns the distance by pgvector's measure of a question, as SQL writes both.
    pub(super) fn distance_sql(&self, question: &str) -> String {
        format!("(embedding {} {question}::vector({}))", operator(self.space), self.dimension)
    }

    /// Returns what is set before a walk through the graph for so many candidates, as calls that set it.
    pub(super) fn settings(&self, limit: usize) -> String {
        let steps = limit.saturating_mul(2).max(self.ef_search).clamp(1, MOST_STEPS);
        let far = if self.is_spread() { format!("{}, ", shard_search::SETTINGS) } else { String::new() };
        format!(
            "{far}set_config('hnsw.ef_search', '{steps}', true), set_config('hnsw.iterative_scan', 'strict_order', true), \
             set_config('hnsw.max_scan_tuples', '{MOST_VISITED}', true), set_config('hnsw.scan_mem_multiplier', '4', true)"
        )
    }

    /// Returns the walk itself: so many candidates that are kept, with their distance.
    pub(super) fn walk_sql(&self, table: &str, question: &str, kept: &str, limit: usize) -> String {
        let Self { columns, space, dimension, .. } = self;
        let (kind, distance) = (Kind::of(*dimension), self.distance_sql(question));
        let (stored, asked) =
            (kind.expression("embedding", *dimension), kind.expression(&format!("{question}::vector"), *dimension));
        let measurable = if *space == Space::Cosine { "not is_zero and" } else { "" };
        format!(
            "select {columns}, {distance} as distance from {table} where {measurable} {kept} \
             order by {stored} {} {asked} limit {limit}",
            kind.operator(*space)
        )
    }

    /// Returns how many candidates a walk for so many hits begins with: signs tell little, and half the bits not all.
    pub(super) fn candidates(&self, wanted: usize) -> usize {
        let beyond = wanted.saturating_add(MARGIN);
        match Kind::of(self.dimension) {
            Kind::Full => beyond,
            Kind::Half => beyond.saturating_mul(2),
            Kind::Signs => beyond.saturating_mul(20),
        }
    }
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
