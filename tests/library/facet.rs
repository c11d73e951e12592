//! Values of metadata keys from the postings, against a count over the records written here.

use std::collections::BTreeMap;

use huedb::query::{RecordQuery, Sort};
use huedb::record::{CollectionName, MetadataPatch, RecordId, Value};
use huedb::store::{Access, Change, Include, NewCollection};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::open::open;
use crate::random::Random;

/// Values that share a start longer than a posting keeps, hold NUL, or are numbers no float holds.
fn value(random: &mut Random) -> Json {
    let start = "x".repeat(256);
    match random.below(10) {
        0 => json!(format!("{start}{}", random.below(20))),
        1 => json!(format!("{start}\u{0}{}", random.below(5))),
        2 => json!(start),
        3 => json!(["a\u{0}", "a", "\u{0}\u{0}"][random.below(3)]),
        4 => json!(9_007_199_254_740_990_i64 + i64::try_from(random.below(6)).unwrap()),
        5 => json!([-1.5, 0.25, 1e300, 9_007_199_254_740_992.0][random.below(4)]),
        6 => json!([i64::MIN, i64::MAX, -1, 0][random.below(4)]),
        7 => json!(random.below(2) == 0),
        8 => json!([format!("{start}{}", random.below(3)), "b"]),
        _ => json!([1, 2, 2]),
    }
}

/// A text that is equal for values that are one value, and that sorts as they do within a kind.
fn name(json: &Json) -> String {
    match json {
        Json::Number(n) if n.as_f64().is_some_and(|f| f.fract() == 0.0 && f.abs() < 9e18) && !n.is_i64() => {
            format!("{:.0}", n.as_f64().unwrap())
        }
        other => other.to_string(),
    }
}

#[test]
fn distinct_and_sort_equal_a_count_over_the_records() {
    let mut random = Random::new();
    let folder = TempDir::new().unwrap();
    let store = open(folder.path().join("f.redb"), Access::Create).unwrap();
    store.create_collection(CollectionName::parse("notes").unwrap(), NewCollection::default()).unwrap();
    let notes = store.collection("notes").unwrap();
    let values: Vec<Option<Json>> = (0..600).map(|_| (random.below(8) > 0).then(|| value(&mut random))).collect();
    let change = |(at, value): (usize, &Option<Json>)| Change {
        id: RecordId::parse(at.to_string()).unwrap(),
        embedding: Some(vec![1.0]),
        embedded_here: false,
        document: None,
        uri: None,
        metadata: value
            .as_ref()
            .map_or_else(MetadataPatch::default, |v| MetadataPatch::from_json(json!({"k": v, "other": at})).unwrap()),
    };
    notes.add(values.iter().enumerate().map(change)).unwrap();

    let mut expected: BTreeMap<(bool, String), u64> = BTreeMap::new();
    for value in values.iter().flatten() {
        let mut held = match value {
            Json::Array(items) => items.iter().map(|item| (true, name(item))).collect(),
            scalar => vec![(false, name(scalar))],
        };
        held.sort();
        held.dedup();
        for one in held {
            *expected.entry(one).or_default() += 1;
        }
    }
    let facets = notes.distinct("k", &RecordQuery::default()).unwrap();
    let found: BTreeMap<(bool, String), u64> =
        facets.iter().map(|f| ((f.kind.is_element(), name(&f.value.to_json())), f.count)).collect();
    assert_eq!(found.len(), facets.len(), "each value once");
    assert_eq!(found, expected);

    let rank = |at: &usize| -> (u8, f64, i64, String) {
        match values[*at].as_ref().map(|v| Value::from_json(v.clone()).unwrap()) {
            Some(Value::Bool(b)) => (0, f64::from(u8::from(b)), 0, String::new()),
            // Whole numbers beyond 2^53 that one float stands for are told apart by the integer.
            Some(Value::Int(i)) => (1, i as f64, i, String::new()),
            Some(Value::Float(f)) => (1, f, f as i64, String::new()),
            Some(Value::Str(s)) => (2, 0.0, 0, s),
            _ => (3, 0.0, 0, String::new()),
        }
    };
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| {
        let (a, b) = (rank(a), rank(b));
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(&b.2)).then_with(|| a.3.cmp(&b.3))
    });
    let sort = Some(Sort { key: "k".into(), descending: false });
    let page = notes.find(&RecordQuery { sort, ..RecordQuery::default() }, Include::NONE).unwrap();
    let sorted: Vec<usize> = page.records().map(|record| record.unwrap().id.as_str().parse().unwrap()).collect();
    assert_eq!(sorted, order);
}
