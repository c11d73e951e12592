//! Hybrid queries against the score as it is defined, computed over every record.

use std::collections::HashMap;

use huedb::query::rank::{Knn, KnnQuery};
use huedb::query::{Ask, Filter, Query, Rank};
use huedb::record::{CollectionName, MetadataPatch, RecordId, Space};
use huedb::store::{Access, Change, Collection, Include, NewCollection, Store};
use serde_json::json;
use tempfile::TempDir;

use crate::open::open;
use crate::random::Random;

const RECORDS: usize = 500;
const DIMENSION: usize = 12;
const WORDS: [&str; 8] = ["fox", "whale", "frog", "tax", "income", "comet", "granite", "violin"];

/// A collection of random embeddings, of length 1 unless they are `uneven`, and random words; every tenth has none.
fn world(space: Space, uneven: bool, random: &mut Random) -> (TempDir, Store, Vec<(String, Vec<f32>)>) {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path().join("fuse.redb"), Access::Create).unwrap();
    let new = NewCollection { space, bm25: true, ..NewCollection::default() };
    store.create_collection(CollectionName::parse("notes").unwrap(), new).unwrap();
    let rows: Vec<(String, Vec<f32>)> = (0..RECORDS).map(|i| (format!("r{i}"), vector(uneven, random))).collect();
    let changes: Vec<Change> = rows
        .iter()
        .enumerate()
        .map(|(i, (id, vector))| Change {
            id: RecordId::parse(id.as_str()).unwrap(),
            embedding: Some(vector.clone()),
            embedded_here: false,
            document: (i % 10 > 0).then(|| words(1 + random.below(6), random)),
            uri: None,
            metadata: MetadataPatch::from_json(json!({"third": i % 3 == 0})).unwrap(),
        })
        .collect();
    store.collection("notes").unwrap().add(changes).unwrap();
    (folder, store, rows)
}

fn vector(uneven: bool, random: &mut Random) -> Vec<f32> {
    let vector = random.vector(DIMENSION);
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    vector.into_iter().map(|x| if uneven { x } else { x / length }).collect()
}

fn words(count: usize, random: &mut Random) -> String {
    (0..count).map(|_| WORDS[random.below(WORDS.len())]).collect::<Vec<_>>().join(" ")
}

/// Every record that passes the filter with its score, best first, ties by insertion.
fn defined(
    notes: &Collection,
    rows: &[(String, Vec<f32>)],
    question: (&str, &[f32]),
    filter: &str,
) -> Vec<(String, f64)> {
    let limit = RECORDS;
    let query = KnnQuery::Words(question.0.to_owned());
    let words = Rank::Knn(Knn { query, key: "#document".into(), limit, default: None, return_rank: false });
    let filter = || Filter::parse(filter).unwrap();
    let ask = |query: Query| notes.query(&query.filter(filter()).top(limit).include(Include::NONE)).unwrap().hits;
    // Chroma's distance by words is 1 less their product.
    let by_words: HashMap<String, f64> = ask(Query::rank(words))[0]
        .iter()
        .map(|hit| (hit.record.id.to_string(), 1.0 - f64::from(hit.distance)))
        .collect();
    let kept: Vec<String> = ask(Query::all())[0].iter().map(|hit| hit.record.id.to_string()).collect();
    let embeddings: HashMap<&str, &[f32]> = rows.iter().map(|(id, x)| (id.as_str(), x.as_slice())).collect();
    let cosine = |id: &String| 1.0 - Space::Cosine.distance(question.1, embeddings[id.as_str()]);
    let best_cosine = kept.iter().map(cosine).fold(-1.0, f64::max);
    let best_words = by_words.values().copied().fold(0.0, f64::max);
    let score = |id: &String| {
        let words = by_words.get(id).map_or(0.0, |words| words / best_words);
        0.75 * (1.0 + cosine(id)) / (1.0 + best_cosine) + 0.25 * words
    };
    let mut scored: Vec<(String, f64)> = kept.iter().map(|id| (id.clone(), score(id))).collect();
    scored.sort_by(|a, b| b.1.total_cmp(&a.1));
    scored
}

fn check(space: Space, uneven: bool, depth: usize, random: &mut Random) {
    let (_folder, store, rows) = world(space, uneven, random);
    let notes = store.collection("notes").unwrap();
    for filter in ["third in (true, false)", "third = true", "third = 7"] {
        for text in ["whale", "fox comet tax income violin", "nothing of these"] {
            let question = vector(uneven, random);
            let expected = defined(&notes, &rows, (text, &question), filter);
            let (offset, top) = (random.below(4), 1 + random.below(12));
            let ask = Ask::Text { text: text.into(), vector: Some(question.clone()), sparse: None };
            let query = Query::new([ask]).hybrid(true).depth(depth).offset(offset).top(top);
            let found = notes.query(&query.filter(Filter::parse(filter).unwrap())).unwrap().hits.remove(0);
            let expected: Vec<&(String, f64)> = expected.iter().skip(offset).take(top).collect();
            assert_eq!(found.len(), expected.len(), "{space} {filter} {text}");
            for (hit, (id, score)) in found.iter().zip(expected) {
                let (place, shown) = (format!("{space} {filter} {text} depth {depth}"), f64::from(hit.score.unwrap()));
                // BM25 comes here as an f32.
                assert!((shown - score).abs() < 1e-6, "{place}: {} {shown}, not {id} {score}", hit.record.id);
                let (_, embedding) = rows.iter().find(|(id, _)| *id == hit.record.id.to_string()).unwrap();
                assert!((f64::from(hit.distance) - space.distance(&question, embedding)).abs() < 1e-5, "{place}");
            }
        }
    }
}

#[test]
fn the_hits_are_the_best_of_all_records_however_few_are_looked_at_first() {
    let mut random = Random::new();
    for depth in [1, 7, 100] {
        check(Space::Cosine, true, depth, &mut random);
        check(Space::L2, false, depth, &mut random);
        check(Space::Ip, false, depth, &mut random);
    }
}

#[test]
fn embeddings_of_any_length_are_compared_by_their_angle() {
    let mut random = Random::new();
    for space in [Space::L2, Space::Ip] {
        check(space, true, RECORDS, &mut random);
    }
}
