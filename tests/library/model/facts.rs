//! Facts about metadata (issue part 6): sort, distinct, keys, by a look at every record.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::BTreeSet;

use huedb::query::{RecordQuery, Sort};
use huedb::store::TermKind;
use serde_json::Value as Json;

use super::contract::Collection;
use super::draw;
use super::filter::Filter;
use super::records::{id, parsed, some_ids};
use super::value::Value;
use super::world::{Same, World, both, same};
use crate::random::Random;

/// Truth values, numbers, strings, what has none of these.
fn kind(value: Option<&Value>) -> u8 {
    match value {
        Some(Value::Bool(_)) => 0,
        Some(Value::Int(_) | Value::Float(_)) => 1,
        Some(Value::Text(_)) => 2,
        _ => 3,
    }
}

fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        _ => a.compare_numbers(b).unwrap_or(Ordering::Equal),
    }
}

/// Sorts records by a key: by kind, then value; those without come last in both directions, ties by insertion.
pub(crate) fn sort(records: &mut [usize], collection: &Collection, sort: &Sort) {
    let value = |at: usize| collection.records[at].metadata.get(&sort.key).filter(|value| kind(Some(*value)) < 3);
    records.sort_by(|a, b| match (value(*a), value(*b)) {
        (Some(a), Some(b)) => {
            let order = kind(Some(a)).cmp(&kind(Some(b))).then_with(|| compare(a, b));
            if sort.descending { order.reverse() } else { order }
        }
        (a, b) => a.is_none().cmp(&b.is_none()),
    });
}

/// A value as it is listed: of a whole number that 64 bits hold, the integer.
fn listed(value: &Value, kind: TermKind) -> Json {
    match value {
        Value::Float(f) if kind == TermKind::Number && f.fract() == 0.0 && f.abs() < 9_223_372_036_854_775_808.0 => {
            (*f as i64).into()
        }
        other => other.json(),
    }
}

/// The values of a key that a record counts for, each once, with their kind.
fn values(value: &Value) -> Vec<(TermKind, Value)> {
    let kind = |value: &Value, element: bool| match (value, element) {
        (Value::Bool(_), false) => TermKind::Bool,
        (Value::Text(_), false) => TermKind::Str,
        (_, false) => TermKind::Number,
        (Value::Bool(_), true) => TermKind::BoolElement,
        (Value::Int(_), true) => TermKind::IntElement,
        (Value::Text(_), true) => TermKind::StrElement,
        (_, true) => TermKind::FloatElement,
    };
    match value {
        Value::Sparse(_) => Vec::new(),
        Value::Bools(_) | Value::Ints(_) | Value::Floats(_) | Value::Texts(_) => {
            let mut different: Vec<(TermKind, Value)> = Vec::new();
            for element in value.elements() {
                if different.iter().all(|(_, known)| *known != element) {
                    different.push((kind(&element, true), element));
                }
            }
            different
        }
        scalar => vec![(kind(scalar, false), scalar.clone())],
    }
}

/// The values of a key among some records, in order, and the records that hold each.
fn facets(collection: &Collection, among: &[usize], key: &str) -> Vec<(TermKind, Value, Vec<usize>)> {
    let mut found: Vec<(TermKind, Value, Vec<usize>)> = Vec::new();
    for at in among {
        for (kind, value) in collection.records[*at].metadata.get(key).map(values).unwrap_or_default() {
            match found.iter_mut().find(|(k, v, _)| *k == kind && compare(v, &value).is_eq()) {
                Some((_, _, holders)) => holders.push(*at),
                None => found.push((kind, value, vec![*at])),
            }
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| compare(&a.1, &b.1)));
    found
}

impl World {
    pub(crate) fn facts(&mut self, random: &mut Random, what: &RefCell<String>) -> Same {
        let (name, key) = (self.name(random), draw::key(random));
        let ids = some_ids(random, &self.collection_or_none(name));
        let filter = random.chance(50).then(|| Filter::draw(random, 1));
        what.replace(format!("facts of {key:?} in {name}: {ids:?} {filter:?}"));
        let among = RecordQuery {
            ids: ids.as_ref().map(|ids| ids.iter().map(|one| id(one)).collect()),
            filter: filter.as_ref().map(|filter| parsed(filter, random)),
            ..RecordQuery::default()
        };
        let records = self.records(name);
        let found = records.distinct(&key, &among).and_then(|distinct| Ok((distinct, records.keys(&among)?)));
        let Some(((distinct, keys), collection)) = both(found, self.collection(name))? else { return Ok(()) };
        let records = collection.matching(ids.as_deref(), filter.as_ref());
        let expected = facets(collection, &records, &key);
        let expected: Vec<_> = expected.iter().map(|(k, v, h)| (*k, listed(v, *k), h.len() as u64)).collect();
        let distinct: Vec<_> =
            distinct.into_iter().map(|facet| (facet.kind, facet.value.to_json(), facet.count)).collect();
        same("distinct", &distinct, &expected)?;
        let all: BTreeSet<&String> = records.iter().flat_map(|at| collection.records[*at].metadata.keys()).collect();
        let mut expected = Vec::new();
        for key in all {
            let facets = facets(collection, &records, key);
            for of_kind in facets.chunk_by(|a, b| a.0 == b.0) {
                let mut holders: Vec<usize> = of_kind.iter().flat_map(|(_, _, holders)| holders.clone()).collect();
                holders.sort_unstable();
                holders.dedup();
                let (kind, first, _) = &of_kind[0];
                let last = &of_kind[of_kind.len() - 1].1;
                let (first, last) = (listed(first, *kind), listed(last, *kind));
                expected.push((key.clone(), *kind, holders.len() as u64, of_kind.len() as u64, first, last));
            }
        }
        let keys: Vec<_> = keys
            .into_iter()
            .map(|k| (k.key, k.kind, k.records, k.distinct, k.min.to_json(), k.max.to_json()))
            .collect();
        same("keys", &keys, &expected)
    }
}
