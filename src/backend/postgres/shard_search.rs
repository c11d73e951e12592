//! The nearest records of a collection that is spread over shards, found without its graph.
//!
//! Each shard is asked by itself, since PostgreSQL sends a limit along only then; filter, order and limit go with the question
//! and what comes back is little more than is wanted. Two rounds: how far the last that is wanted is, and then all that may
//! be as near. Invariant: as in `search.rs`, the `wanted` nearest are among what is returned.

use postgres::Row;

use super::fault::Done;
use super::kept::Kept;
use super::measure::Measured;
use super::params::Params;
use super::pool::Session;
use super::search::Searched;
use crate::record::Space;

/// What has a plan send to shards all that it can: values in place of parameters, and no sorting here.
pub(super) const SETTINGS: &str = "set local plan_cache_mode = force_custom_plan; set local enable_sort = off;";

/// Compares every record that may be found.
pub(super) fn by_distance(
    session: &mut Session,
    searched: &Searched,
    measured: &Measured,
    kept: &Kept,
    wanted: usize,
) -> Done<Vec<Row>> {
    session.client().batch_execute(SETTINGS)?;
    let Searched { columns, .. } = searched;
    let mut params = Params::default();
    let condition = kept.sql(&mut params);
    if measured.is_nowhere() {
        let first =
            |table: &str| format!("(select {columns} from {table} where {condition} order by seq limit {wanted})");
        // A sum is sent to no shard, so that each keeps its limit.
        let sql = format!("select * from ({}) found order by seq + 0 limit {wanted}", of_all(searched, first));
        return session.rows(&sql, &params.values());
    }
    let question = params.push(measured.question.to_vec(), "real[]");
    let distance = measured.distance(&searched.distance_sql(&question));
    let (measurable, has_zeros) = match searched.space {
        Space::Cosine => ("not is_zero", true),
        Space::L2 | Space::Ip => ("true", false),
    };
    let far = far(
        session,
        searched,
        (&distance, &measured.error("a")),
        (measurable, has_zeros),
        &condition,
        &params,
        wanted,
    )?;
    let far = params.push(far, "float8");
    let error = measured.error(&distance);
    let near = |table: &str| {
        let zeros = format!(
            " union all (select {columns} from {table} where is_zero and {condition} and float8 '1' <= {far} \
             order by seq limit {wanted})"
        );
        // What f32 cannot measure is infinite or no number, and a candidate in any case.
        format!(
            "(select {columns} from {table} where {measurable} and {condition} and ({distance} - {error} <= {far} \
             or {distance} >= float8 'infinity' or {distance} = float8 '-infinity')){}",
            if has_zeros { zeros.as_str() } else { "" }
        )
    };
    let sql = of_all(searched, near);
    session.rows(&sql, &params.values())
}

/// Returns how far the last that is wanted may be; infinite where there are not so many.
fn far(
    session: &mut Session,
    searched: &Searched,
    (distance, error): (&str, &str),
    (measurable, has_zeros): (&str, bool),
    condition: &str,
    params: &Params,
    wanted: usize,
) -> Done<f64> {
    let nearest = |table: &str| {
        let zeros = format!(
            " union all (select float8 '1' as a, float8 '0' as e from {table} where is_zero and {condition} limit {wanted})"
        );
        format!(
            "(select a, {error} as e from (select embedding, {distance} as a from {table} \
               where {measurable} and {condition}) each where a < float8 'infinity' and a > float8 '-infinity' \
             order by a limit {wanted}){}",
            if has_zeros { zeros.as_str() } else { "" }
        )
    };
    let sql = format!(
        "select case when count(*) < {wanted} then 'infinity' else max(a + e) end from
            (select a, e from ({}) nearest order by a + 0.0 limit {wanted}) last",
        of_all(searched, nearest)
    );
    Ok(session.row(&sql, &params.values())?.map_or(Ok(f64::INFINITY), |row| row.try_get(0))?)
}

/// Returns one statement that asks each shard.
fn of_all(searched: &Searched, ask: impl Fn(&str) -> String) -> String {
    searched.parts.iter().map(|part| ask(&part.table)).collect::<Vec<_>>().join(" union all ")
}
