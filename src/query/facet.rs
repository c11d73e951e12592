//! Facts about metadata: which values a key has, how often, the smallest and the largest; and records sorted by one.
//!
//! Answered from the postings; records are read only for strings too long for a posting's key. Invariant: a value
//! of an array is told apart from a scalar, and `1` and `1.0` are one value, as in filters.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use roaring::RoaringTreemap;

use super::select::{RecordQuery, choose};
use crate::error::{Error, Result};
use crate::record::{Number, Ordinal, Value};
use crate::store::{Collection, Term, TermKind, View};

/// One value of a metadata key.
#[derive(Debug, Clone, PartialEq)]
pub struct Facet {
    /// The value; of an array, one element.
    pub value: Value,
    /// What kind of value it is.
    pub kind: TermKind,
    /// The records that hold it.
    pub count: u64,
}

/// The values of one kind that a metadata key has.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyFacts {
    /// The key.
    pub key: String,
    /// The kind.
    pub kind: TermKind,
    /// The records that have such a value.
    pub records: u64,
    /// How many different values there are.
    pub distinct: u64,
    /// The smallest of them.
    pub min: Value,
    /// The largest of them.
    pub max: Value,
}

/// How records are sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    /// By the value of this metadata key.
    pub key: String,
    /// Whether the largest comes first.
    pub descending: bool,
}

impl Collection {
    /// Returns the values of a metadata key among the records of a query, with how many hold each, in the order of
    /// the values: truth values, numbers, strings, then elements of arrays.
    ///
    /// Offset, limit and sort of the query are not for values and do nothing.
    ///
    /// # Errors
    /// [`Error::CollectionNotFound`], or a damaged file.
    pub fn distinct(&self, key: &str, among: &RecordQuery) -> Result<Vec<Facet>> {
        let view = self.view()?;
        let chosen = choose(&view, among.ids.as_deref(), among.filter.as_ref())?;
        let mut facets = Vec::new();
        view.for_each_term(Some(key), |_, term, records| {
            let records = within(records, chosen.as_ref());
            if !records.is_empty() {
                let (kind, value) = (kind_of(term)?, resolve(&view, key, term, &records)?);
                facets.push(Facet { value, kind, count: records.len() });
            }
            Ok(())
        })?;
        facets.sort_by(|a, b| a.kind.cmp(&b.kind).then_with(|| compare(&a.value, &b.value)));
        Ok(facets)
    }

    /// Returns the metadata keys that the records of a query have, by name, one entry for each kind of value.
    ///
    /// # Errors
    /// As [`Collection::distinct`].
    pub fn keys(&self, among: &RecordQuery) -> Result<Vec<KeyFacts>> {
        let view = self.view()?;
        let chosen = choose(&view, among.ids.as_deref(), among.filter.as_ref())?;
        let mut found: BTreeMap<(String, TermKind), (KeyFacts, RoaringTreemap)> = BTreeMap::new();
        view.for_each_term(None, |key, term, records| {
            let records = within(records, chosen.as_ref());
            if records.is_empty() {
                return Ok(());
            }
            let (kind, value) = (kind_of(term)?, resolve(&view, key, term, &records)?);
            let (facts, holders) = found.entry((key.to_owned(), kind)).or_insert_with(|| {
                let (key, min, max) = (key.to_owned(), value.clone(), value.clone());
                (KeyFacts { key, kind, records: 0, distinct: 0, min, max }, RoaringTreemap::new())
            });
            facts.distinct += 1;
            *holders |= records;
            if compare(&value, &facts.min).is_lt() {
                facts.min = value;
            } else if compare(&value, &facts.max).is_gt() {
                facts.max = value;
            }
            Ok(())
        })?;
        let counted = found.into_values().map(|(facts, holders)| KeyFacts { records: holders.len(), ..facts });
        Ok(counted.collect())
    }
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

fn within(records: RoaringTreemap, chosen: Option<&RoaringTreemap>) -> RoaringTreemap {
    match chosen {
        Some(chosen) => records & chosen,
        None => records,
    }
}

fn kind_of(term: &Term) -> Result<TermKind> {
    term.kind().ok_or_else(|| Error::damaged("a posting of the metadata index has an unknown type"))
}

/// Returns the value of a term; of a long string, from one of the records that hold it.
fn resolve(view: &View, key: &str, term: &Term, records: &RoaringTreemap) -> Result<Value> {
    if let Some(value) = term.value() {
        return Ok(value);
    }
    let missing = || Error::damaged(format!("the metadata index holds a value of {key:?} that its record has not"));
    let stored = view.stored(Ordinal(records.min().ok_or_else(missing)?))?;
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
fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Str(a), Value::Str(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        _ => match (Number::of(a), Number::of(b)) {
            (Some(a), Some(b)) => a.compare(b),
            _ => Ordering::Equal,
        },
    }
}
