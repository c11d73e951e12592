//! The nearest records of a collection that is spread over shards, found without its graph.
//!
//! Each shard is asked by itself, since PostgreSQL sends a limit along only then; filter, order and limit go with the question
//! and what comes back is little more than is wanted. One round as a rule: a few more than are wanted, of which the last are
//! clearly too far. Where they are not, or it cannot be told, two: how far the last that is wanted is, and then all that
//! may be as near. Invariant: as in `search.rs`, the `wanted` nearest are among what is returned.

use postgres::Row;

use super::fault::Done;
use super::kept::Kept;
use super::layout::Part;
use super::measure::Measured;
use super::params::Params;
use super::pool::Session;
use super::search::Searched;
use crate::record::Space;

/// What has a plan send to shards all that it can: values in place of parameters, and no sorting here.
pub(super) const SETTINGS: &str =
    "set_config('plan_cache_mode', 'force_custom_plan', true), set_config('enable_sort', 'off', true)";

/// Rows beyond those that are wanted that a shard is asked for, so that one round is enough.
const MARGIN: usize = 10;

/// What every shard is asked.
struct Asked<'a> {
    searched: &'a Searched<'a>,
    measured: &'a Measured<'a>,
    /// The distance of a row, as SQL writes it.
    distance: String,
    /// The same, with what cannot be measured first.
    first: String,
    /// Which records may be found.
    condition: String,
    wanted: usize,
}

/// Compares every record that may be found.
pub(super) fn by_distance(
    session: &mut Session,
    searched: &Searched,
    measured: &Measured,
    kept: &Kept,
    wanted: usize,
) -> Done<Vec<Row>> {
    session.set(SETTINGS)?;
    let mut params = Params::default();
    let asked = Asked::new(searched, measured, kept, wanted, &mut params);
    if measured.is_nowhere() {
        return session.rows(&asked.first_sql(), &params.values());
    }
    if measured.error_at(0.0).is_some() {
        let rows = session.rows(&asked.nearest_sql(), &params.values())?;
        if asked.is_enough(&rows)? {
            return Ok(rows);
        }
    }
    let farthest = session.row(&asked.farthest_sql(), &params.values())?;
    let farthest: f64 = farthest.map_or(Ok(f64::INFINITY), |row| row.try_get(0))?;
    let farthest = params.push(farthest, "float8");
    session.rows(&asked.nearer_sql(&farthest), &params.values())
}

impl<'a> Asked<'a> {
    fn new(
        searched: &'a Searched<'a>,
        measured: &'a Measured<'a>,
        kept: &Kept,
        wanted: usize,
        params: &mut Params,
    ) -> Self {
        let condition = kept.sql(params);
        // Where none is nearer than another, nothing is measured.
        let distance = (!measured.is_nowhere()).then(|| params.push(measured.question.to_vec(), "real[]"));
        let distance = distance.map(|question| searched.distance_sql(&question)).unwrap_or_default();
        let (distance, first) = (measured.distance(&distance), measured.distance_or_first(&distance));
        Self { searched, measured, distance, first, condition, wanted }
    }

    /// Asks for the first, where none is nearer than another.
    fn first_sql(&self) -> String {
        let Self { searched: Searched { columns, .. }, condition, wanted, .. } = self;
        let first =
            |table: &str| format!("(select {columns} from {table} where {condition} order by seq limit {wanted})");
        // A sum is sent to no shard, so that each keeps its limit.
        format!("select * from ({}) found order by seq + 0 limit {wanted}", self.of_all(first))
    }

    /// Returns how many each shard is asked for in one round.
    fn limit(&self) -> usize {
        self.wanted.saturating_add(MARGIN)
    }

    /// Asks for the nearest and a few more, with the number of their shard and their distance. What f32 cannot measure is
    /// minus infinity, and so comes first; of zero vectors, which are all equally far, the first suffice, of no shard's number.
    fn nearest_sql(&self) -> String {
        let Self { searched: Searched { columns, parts, .. }, first, condition, .. } = self;
        let (measurable, limit) = (self.measurable(), self.limit());
        let each = |(at, part): (usize, &Part)| {
            let table = &part.table;
            let zeros = format!(
                "select {columns}, -1 as shard, float8 '1' as distance from {table} where is_zero and {condition} \
                 order by seq limit {limit}"
            );
            format!(
                "(select {columns}, {at} as shard, {first} as distance from {table} \
                   where {measurable} and {condition} order by {first} limit {limit}) {}",
                self.and_zeros(&zeros)
            )
        };
        parts.iter().enumerate().map(each).collect::<Vec<_>>().join(" union all ")
    }

    /// Returns whether all that may be among the nearest is there.
    fn is_enough(&self, rows: &[Row]) -> Done<bool> {
        let mut distances = Vec::with_capacity(rows.len());
        let mut last = vec![(0, f64::NEG_INFINITY); self.searched.parts.len()];
        for row in rows {
            let (shard, distance): (i32, f64) = (row.try_get("shard")?, row.try_get("distance")?);
            let error = self.measured.error_at(distance).unwrap_or(f64::INFINITY);
            if distance > f64::NEG_INFINITY {
                distances.push(distance + error);
            }
            if let Some((rows, least)) = usize::try_from(shard).ok().and_then(|shard| last.get_mut(shard)) {
                *rows += 1;
                *least = least.max(distance - error);
            }
        }
        distances.sort_by(f64::total_cmp);
        let farthest = self.wanted.checked_sub(1).and_then(|last| distances.get(last)).copied();
        let farthest = farthest.unwrap_or(f64::INFINITY);
        Ok(last.iter().all(|(rows, least)| *rows < self.limit() || *least > farthest))
    }

    /// Asks how far the last that is wanted may be; infinite where there are not so many.
    fn farthest_sql(&self) -> String {
        let Self { distance, condition, wanted, .. } = self;
        let (measurable, error) = (self.measurable(), self.measured.error("a"));
        let nearest = |table: &str| {
            let zeros = format!(
                "select float8 '1' as a, float8 '0' as e from {table} where is_zero and {condition} limit {wanted}"
            );
            format!(
                "(select a, {error} as e from (select embedding, {distance} as a from {table} \
                   where {measurable} and {condition}) each where a < float8 'infinity' and a <> float8 '-infinity' \
                 order by a limit {wanted}) {}",
                self.and_zeros(&zeros)
            )
        };
        format!(
            "select case when count(*) < {wanted} then 'infinity' else max(a + e) end from
                (select a, e from ({}) nearest order by a + 0.0 limit {wanted}) last",
            self.of_all(nearest)
        )
    }

    /// Asks for all that may be as near.
    fn nearer_sql(&self, farthest: &str) -> String {
        let Self { searched: Searched { columns, .. }, distance, condition, wanted, .. } = self;
        let (measurable, error) = (self.measurable(), self.measured.error(distance));
        self.of_all(|table| {
            let zeros = format!(
                "select {columns} from {table} where is_zero and {condition} and float8 '1' <= {farthest} \
                 order by seq limit {wanted}"
            );
            // What f32 cannot measure is infinite or no number, and a candidate in any case.
            format!(
                "(select {columns} from {table} where {measurable} and {condition} \
                   and ({distance} - {error} <= {farthest} or {distance} >= float8 'infinity' \
                   or {distance} = float8 '-infinity')) {}",
                self.and_zeros(&zeros)
            )
        })
    }

    fn of_all(&self, ask: impl Fn(&str) -> String) -> String {
        self.searched.parts.iter().map(|part| ask(&part.table)).collect::<Vec<_>>().join(" union all ")
    }

    fn measurable(&self) -> &'static str {
        if self.searched.space == Space::Cosine { "not is_zero" } else { "true" }
    }

    /// Zero vectors are not measured: in a cosine space their distance is 1 for certain.
    fn and_zeros(&self, zeros: &str) -> String {
        if self.searched.space == Space::Cosine { format!("union all ({zeros})") } else { String::new() }
    }
}

#[cfg(test)]
#[path = "shard_search_tests.rs"]
mod tests;
