//! Records sorted by a metadata key, and the order of the values of one.
//!
//! Answered from the postings; records are read only for strings too long for a posting's key. Invariant: `1` and `1.0` are
//! one value, as in filters.

use std::cmp::Ordering;

use roaring::RoaringTreemap;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::record::{Number, Ordinal, Value};
use crate::store::{Term, TermKind, View};

/// How records are sorted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sort {
    /// By the value of this metadata key.
    pub key: String,
    /// Whether the largest comes first.
    pub descending: bool,
}

/// Returns records sorted by a key: truth values, numbers, strings, then the records that have none of these; ties in
/// the order they were inserted, in both directions.
pub(super) fn sorted(view: &View, chosen: RoaringTreemap, sort: &Sort) -> Result<Vec<u64>> {
    let mut groups: Vec<(TermKind, Value, RoaringTreemap)> = Vec::new();
    let mut left = chosen;
    view.for_each_term(Some(&sort.key), |key, term, records| {
        let kind = kind_of(term)?;
        let records = records & &left;
        if !kind.is_element() && !records.is_empty() {
            left -= &records;
            groups.push((kind, resolve(view, key, term, &records)?, records));
        }
        Ok(())
    })?;
    groups.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| compare(&a.1, &b.1)));
    if sort.descending {
        groups.reverse();
    }
    Ok(groups.iter().flat_map(|(_, _, records)| records).chain(&left).collect())
}

/// Sorts rows, which come in the order they were inserted, by the values that they have of a key; as [`Sort`] says.
#[cfg(feature = "postgres")]
pub(crate) fn sorted_by_values<T>(rows: Vec<(T, Option<Value>)>, descending: bool) -> Vec<T> {
    let kind = |value: &Value| match value {
        Value::Bool(_) => Some(TermKind::Bool),
        Value::Int(_) | Value::Float(_) => Some(TermKind::Number),
        Value::Str(_) => Some(TermKind::Str),
        _ => None,
    };
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for (row, value) in rows {
        match value.and_then(|value| Some((kind(&value)?, value))) {
            Some((kind, value)) => with.push((kind, value, row)),
            None => without.push(row),
        }
    }
    with.sort_by(|a, b| {
        let order = a.0.cmp(&b.0).then_with(|| compare(&a.1, &b.1));
        if descending { order.reverse() } else { order }
    });
    with.into_iter().map(|(.., row)| row).chain(without).collect()
}

/// Returns what kind of value a term stands for.
pub(super) fn kind_of(term: &Term) -> Result<TermKind> {
    term.kind().ok_or_else(|| Error::damaged("a posting of the metadata index has an unknown type"))
}

/// Returns the value of a term; of a long string, from one of the records that hold it.
pub(super) fn resolve(view: &View, key: &str, term: &Term, records: &RoaringTreemap) -> Result<Value> {
    if let Some(value) = term.value() {
        return Ok(value);
    }
    let missing =
        || Error::damaged(format!("the metadata index holds a value of {key:?} that its record does not have"));
    let stored = view.stored_but_document(Ordinal(records.min().ok_or_else(missing)?))?;
    match stored.metadata.get(key) {
        Some(Value::Str(text)) => Ok(Value::Str(text.clone())),
        Some(Value::StrArray(texts)) => {
            let text = texts.iter().find(|text| Term::text_element(text) == *term);
            text.cloned().map(Value::Str).ok_or_else(missing)
        }
        _ => Err(missing()),
    }
}

/// Compares two values of one kind.
pub(super) fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Str(a), Value::Str(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        _ => match (Number::of(a), Number::of(b)) {
            (Some(a), Some(b)) => a.compare(b),
            _ => Ordering::Equal,
        },
    }
}
