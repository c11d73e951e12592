//! Facts about metadata by SQL: which values a key has, how often, the smallest and the largest.
//!
//! PostgreSQL counts, and what comes here is one row a value, or one a key. Invariant: a value of an array is told apart from a
//! scalar, and `1` and `1.0` are one value, as in a file.

use postgres::Row;

use super::fault::Done;
use super::kept::Kept;
use super::params::Params;
use super::pool::Session;
use super::value::value;
use crate::error::{Error, Result};
use crate::query::{Facet, KeyFacts, RecordQuery, in_order_of_values};
use crate::record::{Number, Value};
use crate::store::{Term, TermKind};

/// The kinds as SQL numbers them.
const KINDS: [TermKind; 7] = [
    TermKind::Bool,
    TermKind::Number,
    TermKind::Str,
    TermKind::BoolElement,
    TermKind::IntElement,
    TermKind::FloatElement,
    TermKind::StrElement,
];

/// One row for each value of a record, and for each element of an array; `entries` has `seq`, `key` and `value`. No filter looks
/// into a sparse vector, which is an object.
const TERMS: &str = "terms as (
    select seq, key, value as term,
        case jsonb_typeof(value) when 'boolean' then 0 when 'number' then 1 else 2 end as kind
    from entries where jsonb_typeof(value) not in ('object', 'array')
    union all select seq, key, element,
        case jsonb_typeof(element) when 'boolean' then 3 when 'number' then
            case when element::text like '%.%' then 5 else 4 end else 6 end
    from entries, jsonb_array_elements(case jsonb_typeof(value) when 'array' then value else '[]' end) element)";

/// Returns the values of a key among records, with how many hold each.
pub(super) fn distinct(session: &mut Session, table: &str, key: &str, among: &RecordQuery) -> Done<Vec<Facet>> {
    if key.contains('\0') {
        return Ok(Vec::new());
    }
    let kept = Kept::of(session, table, among)?;
    let mut params = Params::default();
    let (key, kept) = (params.text(key), kept.sql(&mut params));
    // nosemgrep: sql-of-pieces -- a table's name, made of its number, and a condition whose values are parameters
    let sql = format!(
        "with entries as (select seq, {key} as key, metadata->{key} as value from {table}
            where metadata ? {key} and {kept}), {TERMS}
         select kind, term::text, count(distinct seq) from terms group by kind, term"
    );
    let rows = session.rows(&sql, &params.values())?;
    let facet = |row: &Row| -> Done<Facet> {
        let (kind, text, count): (_, String, i64) = (kind(row.try_get(0)?)?, row.try_get(1)?, row.try_get(2)?);
        Ok(Facet { value: canonical(kind, value(&text)?), kind, count: u64::try_from(count).unwrap_or(0) })
    };
    let mut facets = rows.iter().map(facet).collect::<Done<Vec<_>>>()?;
    in_order_of_values(&mut facets);
    Ok(facets)
}

/// Returns the keys that records have, by name, one entry for each kind of value.
pub(super) fn keys(session: &mut Session, table: &str, among: &RecordQuery) -> Done<Vec<KeyFacts>> {
    let kept = Kept::of(session, table, among)?;
    let mut params = Params::default();
    let kept = kept.sql(&mut params);
    // nosemgrep: sql-of-pieces -- a table's name, made of its number, and a condition whose values are parameters
    let sql = format!(
        "with kept as (select seq, metadata from {table} where {kept}),
         entries as (select seq, key, value from kept, jsonb_each(metadata)), {TERMS},
         valued as (select seq, key, kind, term, case when kind in (1, 4, 5) then (term #>> '{{}}')::numeric end as number,
            case when kind in (0, 2, 3, 6) then term #>> '{{}}' collate \"C\" end as text from terms)
         select key, kind, count(distinct seq), count(distinct term), coalesce(min(number)::text, min(text)),
            coalesce(max(number)::text, max(text)) from valued group by key, kind"
    );
    let rows = session.rows(&sql, &params.values())?;
    let facts = |row: &Row| -> Done<KeyFacts> {
        let kind = kind(row.try_get(1)?)?;
        let number = |at| row.try_get::<_, i64>(at).map(|n| u64::try_from(n).unwrap_or(0));
        let bound = |at| -> Done<Value> { Ok(canonical(kind, of_text(kind, row.try_get(at)?)?)) };
        let (records, distinct, min, max) = (number(2)?, number(3)?, bound(4)?, bound(5)?);
        Ok(KeyFacts { key: row.try_get(0)?, kind, records, distinct, min, max })
    };
    let mut facts = rows.iter().map(facts).collect::<Done<Vec<_>>>()?;
    facts.sort_by(|a, b| a.key.cmp(&b.key).then(a.kind.cmp(&b.kind)));
    Ok(facts)
}

fn kind(number: i32) -> Result<TermKind> {
    let kind = usize::try_from(number).ok().and_then(|number| KINDS.get(number));
    kind.copied().ok_or_else(|| Error::damaged("metadata in PostgreSQL: a value of no kind"))
}

/// Reads what is not written as JSON: a string is itself.
fn of_text(kind: TermKind, text: String) -> Result<Value> {
    match kind {
        TermKind::Str | TermKind::StrElement => Ok(Value::Str(text)),
        _ => value(&text),
    }
}

/// A whole number is an integer where 64 bits hold it, as in a file.
fn canonical(kind: TermKind, value: Value) -> Value {
    match (kind, Number::of(&value)) {
        (TermKind::Number, Some(number)) => Term::number(number).value().unwrap_or(value),
        _ => value,
    }
}

#[cfg(test)]
#[path = "facets_tests.rs"]
mod tests;
