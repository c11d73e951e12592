//! The nearest records by SQL: candidates that hold every one of them, to be ranked by their embeddings elsewhere.
//!
//! pgvector sums in f32, so its distances have an error, for which there is a bound ([`Measured::error`]). Without the graph
//! every record is found whose distance, less its error, is no farther than that of the last that is wanted, with its
//! error: data that f32 cannot tell apart costs time, never a hit. Through the graph a list goes on until it is clearly past
//! the last one, and is found without the graph where it came out short. Invariant: unless the graph itself misses a
//! record, the `wanted` nearest are among what is returned.

use postgres::Row;

use super::fault::Done;
use super::filter::condition;
use super::params::Params;
use super::pool::Session;
use super::read::kept;
use crate::query::{Filter, RecordQuery};
use crate::record::Space;

/// Records of a filter that are ranked one by one: a graph meets too few of them to be quick.
const FEW: i64 = 2000;
/// Candidates beyond those that are wanted, through a graph.
const MARGIN: usize = 10;
/// The most candidates a list through the graph goes on to; what is as near as so many is found without it.
const MOST_CANDIDATES: usize = 20_000;
/// The steps of a search through a graph: PostgreSQL takes no more.
const MOST_STEPS: usize = 1000;
/// Rows that a search through the graph visits before it gives up.
const MOST_VISITED: usize = 200_000;
/// The relative rounding error of an f32.
const ROUNDING: f64 = 5.960_464_5e-8;
/// Squares of components that are longer or shorter than these leave the range of f32.
const LENGTHS: (f64, f64) = (1e-14, 1e18);

/// What is searched.
pub(super) struct Searched<'t> {
    /// The table, as SQL writes it.
    pub(super) table: &'t str,
    pub(super) space: Space,
    pub(super) dimension: usize,
    /// What is read of each record, as SQL writes it.
    pub(super) columns: &'t str,
    /// Whether there is a graph that finds nearly all.
    pub(super) has_graph: bool,
    /// The settings of the collection.
    pub(super) ef_search: usize,
}

/// How the index of a collection sees its embeddings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// As they are.
    Full,
    /// With components of half the bits.
    Half,
    /// By the signs of their components.
    Signs,
}

impl Kind {
    /// Returns what pgvector can index of so many components.
    pub(super) fn of(dimension: usize) -> Self {
        match dimension {
            0..=2000 => Self::Full,
            2001..=4000 => Self::Half,
            _ => Self::Signs,
        }
    }

    /// Returns what is indexed, of a column or a parameter, as SQL writes it.
    pub(super) fn expression(self, of: &str, dimension: usize) -> String {
        match self {
            Self::Full => format!("({of}::vector({dimension}))"),
            Self::Half => format!("({of}::halfvec({dimension}))"),
            Self::Signs => format!("(binary_quantize({of}::vector({dimension}))::bit({dimension}))"),
        }
    }

    /// Returns the class of operators that an index of it has.
    pub(super) fn operator_class(self, space: Space) -> &'static str {
        match (self, space) {
            (Self::Full, Space::L2) => "vector_l2_ops",
            (Self::Full, Space::Ip) => "vector_ip_ops",
            (Self::Full, Space::Cosine) => "vector_cosine_ops",
            (Self::Half, Space::L2) => "halfvec_l2_ops",
            (Self::Half, Space::Ip) => "halfvec_ip_ops",
            (Self::Half, Space::Cosine) => "halfvec_cosine_ops",
            (Self::Signs, _) => "bit_hamming_ops",
        }
    }

    /// Returns the operator that orders by the distance of a space.
    fn operator(self, space: Space) -> &'static str {
        if self == Self::Signs { "<~>" } else { operator(space) }
    }
}

fn operator(space: Space) -> &'static str {
    match space {
        Space::L2 => "<->",
        Space::Ip => "<#>",
        Space::Cosine => "<=>",
    }
}

/// A question as it is measured by f32.
struct Measured<'q> {
    space: Space,
    question: &'q [f32],
    length: f64,
}

impl<'q> Measured<'q> {
    fn new(space: Space, question: &'q [f32]) -> Self {
        let length = question.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
        Self { space, question, length }
    }

    /// Whether no record is nearer than another: a zero vector in a cosine space.
    fn is_nowhere(&self) -> bool {
        self.space == Space::Cosine && self.length == 0.0
    }

    /// Returns what the records are ordered by for a distance as SQL computes it, infinite where f32 is of no use; smaller is nearer.
    fn distance(&self, distance: &str) -> String {
        match self.space {
            Space::L2 => format!("power({distance}, 2)"),
            Space::Ip => distance.to_owned(),
            Space::Cosine if !(LENGTHS.0..LENGTHS.1).contains(&self.length) => {
                format!("coalesce(float8 'infinity', {distance})")
            }
            Space::Cosine => {
                let (least, most) = LENGTHS;
                format!(
                    "(case when vector_norm(embedding) between float8 '{least:e}' and float8 '{most:e}' then {distance} else 'infinity' end)"
                )
            }
        }
    }

    /// Returns how far that may be off, as SQL computes it from the distance in a column `a`.
    #[expect(clippy::cast_precision_loss, reason = "dimensions are small")]
    fn error(&self) -> String {
        // Each product and each sum is rounded once, the norms and the root too.
        let part = (self.question.len() as f64 + 16.0) * ROUNDING * 2.0;
        // A file subtracts products from 1, which rounds them in f64.
        match self.space {
            Space::L2 => format!("(float8 '{part:e}' * a + float8 '1e-37')"),
            Space::Ip => format!("(float8 '{:e}' * vector_norm(embedding) + float8 '3e-16')", part * self.length),
            Space::Cosine => format!("float8 '{:e}'", 2.0 * part),
        }
    }
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
            None => by_distance(session, searched, &measured, &kept, wanted)?,
        });
    }
    Ok(lists)
}

/// Which records may be found.
#[derive(Debug)]
pub(super) enum Kept {
    /// All.
    All,
    /// Those of ids and a filter that PostgreSQL understands.
    Where(RecordQuery),
    /// Those of these numbers, which were tested here.
    Numbers(Vec<i64>),
}

impl Kept {
    /// Takes what ids and a filter keep, with what is left of it to be tested here tested.
    pub(super) fn of(session: &mut Session, table: &str, among: &RecordQuery) -> Done<Self> {
        let filter = among.filter.as_ref().filter(|filter| !filter.is_all());
        if among.ids.is_none() && filter.is_none() {
            return Ok(Self::All);
        }
        let check = filter.and_then(|filter| condition(filter, &mut Params::default()).check_here);
        Ok(match check {
            Some(_) => Self::Numbers(kept(session, table, among.ids.as_deref(), filter)?),
            None => {
                let (ids, filter) = (among.ids.clone(), among.filter.clone());
                Self::Where(RecordQuery { ids, filter, ..RecordQuery::default() })
            }
        })
    }

    /// Returns the condition.
    pub(super) fn sql(&self, params: &mut Params) -> String {
        match self {
            Self::All => "true".to_owned(),
            Self::Numbers(numbers) => format!("seq = any({})", params.push(numbers.clone(), "bigint[]")),
            Self::Where(among) => {
                let sql = condition(among.filter.as_ref().unwrap_or(&Filter::ALL), params).sql;
                match &among.ids {
                    None => sql,
                    Some(ids) => {
                        let ids = ids.iter().map(|id| id.as_str()).filter(|id| !id.contains('\0'));
                        let ids: Vec<String> = ids.map(str::to_owned).collect();
                        format!("(id = any({}) and {sql})", params.push(ids, "text[]"))
                    }
                }
            }
        }
    }

    /// Returns whether so few are kept that comparing each is quick; they are counted no farther than it matters.
    fn are_few(&self, session: &mut Session, table: &str) -> Done<bool> {
        match self {
            Self::All => Ok(false),
            Self::Numbers(numbers) => Ok(i64::try_from(numbers.len()).is_ok_and(|kept| kept <= FEW)),
            Self::Where(_) => {
                let mut params = Params::default();
                let sql = self.sql(&mut params);
                let count = format!("select count(*) from (select from {table} where {sql} limit {}) few", FEW + 1);
                let kept = session.row(&count, &params.values())?.map_or(Ok(0), |row| row.try_get(0))?;
                Ok::<bool, _>(FEW >= kept)
            }
        }
    }
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
    let (distance, error) = (measured.distance(&searched.distance_sql(&question)), measured.error());
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
    let Searched { table, columns, space, .. } = searched;
    let mut params = Params::default();
    let kept = kept.sql(&mut params);
    let question = params.push(measured.question.to_vec(), "real[]");
    session.client().batch_execute(&searched.settings(limit))?;
    let walked = searched.walk_sql(&question, &kept, limit);
    let zeros = match space {
        Space::Cosine => format!(
            "union all (select {columns}, float8 '1' as distance from {table} where is_zero and {kept} \
             order by seq limit {wanted})"
        ),
        Space::L2 | Space::Ip => String::new(),
    };
    let sql = format!("select * from (({walked}) {zeros}) found order by distance");
    session.rows(&sql, &params.values())
}

impl Searched<'_> {
    /// Returns the distance by pgvector's measure of a question, as SQL writes both.
    pub(super) fn distance_sql(&self, question: &str) -> String {
        format!("(embedding {} {question}::vector({}))", operator(self.space), self.dimension)
    }

    /// Returns what is set before a walk through the graph for so many candidates.
    pub(super) fn settings(&self, limit: usize) -> String {
        let steps = limit.saturating_mul(2).max(self.ef_search).clamp(1, MOST_STEPS);
        format!(
            "set local hnsw.ef_search = {steps}; set local hnsw.iterative_scan = strict_order; \
             set local hnsw.max_scan_tuples = {MOST_VISITED}; set local hnsw.scan_mem_multiplier = 4"
        )
    }

    /// Returns the walk itself: so many candidates that are kept, with their distance.
    pub(super) fn walk_sql(&self, question: &str, kept: &str, limit: usize) -> String {
        let Self { table, columns, space, dimension, .. } = self;
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
