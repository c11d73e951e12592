//! Random filters over random records: what a file finds, by postings and record by record, against a naive evaluation.
//!
//! The naive one is written here and knows nothing of huedb's: it is given the same test as text and as a function of JSON.

use std::cmp::Ordering;

use huedb::query::filter::RecordFields;
use huedb::query::{Filter, RecordQuery};
use huedb::record::{CollectionName, Metadata, MetadataPatch, RecordId};
use huedb::store::{Access, Change, Collection, Include, NewCollection};
use serde_json::{Map, Value as Json, json};
use tempfile::TempDir;

use crate::open::open;
use crate::random::Random;

/// Enough that a filter within three of them reads these alone instead of an index.
const RECORDS: usize = 160;
const KEYS: [&str; 3] = ["date", "k", "two words"];

struct Row {
    id: String,
    document: Option<String>,
    uri: Option<String>,
    metadata: Map<String, Json>,
}

/// Texts that begin alike, hold NUL, or are longer than what a posting keeps of them.
fn text(random: &mut Random) -> String {
    let long = "x".repeat(256);
    match random.below(9) {
        0 => String::new(),
        1 => format!("2026-1{}-2{}", random.below(2), random.below(3)),
        2 => ["a", "a\u{0}", "a\u{0}b", "ab", "A"][random.below(5)].into(),
        3 => long,
        4 => format!("{long}{}", ["a", "b", "\u{0}", "ab"][random.below(4)]),
        5 => ["日", "日本", "é", "\u{10ffff}"][random.below(4)].into(),
        6 => format!("{}é", "x".repeat(255)),
        7 => ["5", "true", "null", "it's \"x\""][random.below(4)].into(),
        _ => format!("a{}", random.below(12)),
    }
}

fn value(random: &mut Random) -> Json {
    match random.below(7) {
        0 => json!(random.below(4)),
        1 => json!([0.5, 2.0, -1.5][random.below(3)]),
        2 => json!(random.chance(50)),
        3 => json!([text(random), text(random)]),
        4 if random.chance(30) => json!({"#type": "sparse_vector", "indices": [3], "values": [0.5]}),
        _ => json!(text(random)),
    }
}

fn row(random: &mut Random, at: usize) -> Row {
    let mut some = |percent| random.chance(percent).then(|| text(random));
    let (document, uri) = (some(70), some(60));
    let id = format!("{}{at}", ["a", "note-", "日"][random.below(3)]);
    let mut metadata = Map::new();
    for key in KEYS {
        if random.chance(70) {
            metadata.insert(key.to_owned(), value(random));
        }
    }
    Row { id, document, uri, metadata }
}

type Naive = Box<dyn Fn(&Row) -> bool>;
type NaiveText = Box<dyn Fn(&str) -> bool>;

fn quoted(text: &str) -> String {
    // JSON writes as escapes what the short form reads as such.
    json!(text).to_string()
}

/// A test of a text that may be missing, and of what the elements of an array do with it.
fn text_test(random: &mut Random) -> (String, NaiveText, Option<String>) {
    let wanted: String = text(random).chars().take(1 + random.below(300)).collect();
    let copy = wanted.clone();
    match random.below(3) {
        0 => (format!("starts with {}", quoted(&wanted)), Box::new(move |text| text.starts_with(&copy)), None),
        1 => (format!("contains {}", quoted(&wanted)), Box::new(move |text| text.contains(&copy)), Some(wanted)),
        // The pattern for a text that ends with one of two letters.
        _ => ("~ \"[ab]$\"".into(), Box::new(|text| text.ends_with(['a', 'b'])), None),
    }
}

/// A test as the short form writes it, and what it means.
fn test(random: &mut Random) -> (String, Naive) {
    let key = KEYS[random.below(3)].to_owned();
    let short = if key == "two words" { "`two words`".to_owned() } else { key.clone() };
    let negated = random.chance(40);
    let not = if negated { "not " } else { "" };
    match random.below(7) {
        0 | 1 => {
            let (symbol, holds): (_, fn(Ordering) -> bool) = [
                ("<", Ordering::is_lt as fn(Ordering) -> bool),
                ("<=", Ordering::is_le),
                (">", Ordering::is_gt),
                (">=", Ordering::is_ge),
            ][random.below(4)];
            let bound = if random.chance(25) { json!(random.below(3)) } else { json!(text(random)) };
            let test = format!("{short} {symbol} {bound}");
            let passes = move |row: &Row| match (row.metadata.get(&key), &bound) {
                (Some(Json::String(held)), Json::String(bound)) => holds(held.as_bytes().cmp(bound.as_bytes())),
                (Some(Json::Number(n)), Json::Number(bound)) => {
                    holds(n.as_f64().unwrap().total_cmp(&bound.as_f64().unwrap()))
                }
                _ => false,
            };
            (test, Box::new(passes))
        }
        2 => {
            let test = if random.chance(50) {
                format!("{short} {not}exists")
            } else {
                format!("{short} is {}null", if negated { "" } else { "not " })
            };
            (test, Box::new(move |row| row.metadata.contains_key(&key) != negated))
        }
        3 | 4 => {
            let (written, found, element) = text_test(random);
            let test = if written.starts_with('~') && negated {
                format!("{short} !{written}")
            } else {
                format!("{short} {not}{written}")
            };
            let passes = move |row: &Row| {
                let value = row.metadata.get(&key);
                let is_found = match value {
                    Some(Json::String(held)) => found(held),
                    Some(Json::Array(texts)) => {
                        element.as_ref().is_some_and(|element| texts.iter().any(|text| text == element))
                    }
                    _ => false,
                };
                is_found != negated
            };
            (test, Box::new(passes))
        }
        5 => {
            let (written, found, _) = text_test(random);
            let field = random.below(3);
            let written =
                if written.starts_with('~') && negated { format!("!{written}") } else { format!("{not}{written}") };
            let passes = move |row: &Row| {
                let text = [Some(&row.id), row.uri.as_ref(), row.document.as_ref()][field];
                text.is_some_and(|text| found(text)) != negated
            };
            (format!("{} {written}", ["#id", "#uri", "#document"][field]), Box::new(passes))
        }
        _ => {
            let uris = [text(random), text(random)];
            let test = format!("#uri {not}in ({}, {})", quoted(&uris[0]), quoted(&uris[1]));
            (test, Box::new(move |row| row.uri.as_ref().is_some_and(|uri| uris.contains(uri)) != negated))
        }
    }
}

fn tree(random: &mut Random, depth: usize) -> (String, Naive) {
    if depth == 0 || random.chance(40) {
        return test(random);
    }
    let ((a, a_passes), (b, b_passes)) = (tree(random, depth - 1), tree(random, depth - 1));
    if random.chance(50) {
        (format!("({a}) and ({b})"), Box::new(move |row| a_passes(row) && b_passes(row)))
    } else {
        (format!("({a}) or ({b})"), Box::new(move |row| a_passes(row) || b_passes(row)))
    }
}

fn store_rows(notes: &Collection, rows: &[Row]) {
    let change = |row: &Row| Change {
        id: RecordId::parse(&row.id).unwrap(),
        embedding: Some(vec![1.0]),
        embedded_here: false,
        document: row.document.clone(),
        uri: row.uri.clone(),
        metadata: MetadataPatch::from_json(Json::Object(row.metadata.clone())).unwrap(),
    };
    notes.add(rows.iter().map(change)).unwrap();
}

#[test]
fn what_is_found_is_what_a_naive_evaluation_keeps() {
    let mut random = Random::new();
    let folder = TempDir::new().unwrap();
    let store = open(folder.path().join("f.redb"), Access::Create).unwrap();
    for name in ["notes", "neighbour"] {
        store.create_collection(CollectionName::parse(name).unwrap(), NewCollection::default()).unwrap();
    }
    let notes = store.collection("notes").unwrap();
    let mut rows: Vec<Row> = (0..RECORDS).map(|at| row(&mut random, at)).collect();
    store_rows(&notes, &rows);
    // Ids and keys of another collection stand beside these in every table.
    let others: Vec<Row> = (0..RECORDS).map(|at| row(&mut random, at)).collect();
    store_rows(&store.collection("neighbour").unwrap(), &others);
    let gone: Vec<RecordId> =
        rows.iter().filter(|_| random.chance(10)).map(|row| RecordId::parse(&row.id).unwrap()).collect();
    notes.delete(&gone).unwrap();
    rows.retain(|row| gone.iter().all(|id| id.as_str() != row.id));
    let found = |filter: &Filter| {
        let query = RecordQuery { filter: Some(filter.clone()), ..RecordQuery::default() };
        let page = notes.find(&query, Include::NONE).unwrap();
        page.ids().map(|id| id.unwrap().to_string()).collect::<Vec<_>>()
    };
    for _ in 0..1500 {
        let (text, passes) = tree(&mut random, 2);
        let filter = Filter::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let expected: Vec<_> = rows.iter().filter(|row| passes(row)).map(|row| row.id.clone()).collect();
        assert_eq!(found(&filter), expected, "{text}");
        let defined = rows.iter().filter(|row| {
            let metadata = Metadata::from_json(Json::Object(row.metadata.clone())).unwrap();
            let (document, uri) = (row.document.as_deref(), row.uri.as_deref());
            filter.matches(RecordFields { id: &row.id, metadata: Some(&metadata), document, uri })
        });
        assert_eq!(defined.map(|row| row.id.clone()).collect::<Vec<_>>(), expected, "{text} by definition");
        // Of three records each is read, of all of them none but for documents and URIs.
        let three: Vec<_> = (0..3).map(|_| rows[random.below(rows.len())].id.clone()).collect();
        let ids = three.iter().map(|id| quoted(id)).collect::<Vec<_>>().join(", ");
        let within = Filter::parse(&format!("#id in ({ids}) and ({text})")).unwrap();
        let expected: Vec<_> = expected.into_iter().filter(|id| three.contains(id)).collect();
        assert_eq!(found(&within), expected, "{within}");
        // It comes back from both languages.
        assert_eq!(Filter::parse(&filter.to_string()).unwrap(), filter, "{text}");
        assert_eq!(Filter::from_json(&filter.to_json()).unwrap(), filter, "{text}");
    }
}
