//! Data made to deceive, as the tests of the library have it, at 100,000 rows: recall of the default way against the
//! embeddings as given, one question at a time and as a batch, and what it costs.
//!
//! `cargo bench --bench deceive [-- KIND]`; `HUEDB_BENCH_ROWS` and `HUEDB_BENCH_DIMENSIONS` (as in `3,64`) make it shorter.

#![allow(clippy::print_stdout, clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a bench")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench that fails is meant to panic")]
#![allow(dead_code, clippy::print_stderr, reason = "shared with the tests of the library")]

use std::time::Instant;

use huedb::query::{AccessPath, Answer, Query};
use huedb::record::{CollectionName, MetadataPatch, RecordId, Space};
use huedb::store::{Access, Change, Include, Mode, NewCollection, Store};

#[path = "../tests/library/deceiving.rs"]
mod deceiving;
#[path = "../tests/library/random.rs"]
mod random;

use random::Random;

const QUESTIONS: usize = 100;
const BATCH: usize = 10_000;

fn main() {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let rows = setting("HUEDB_BENCH_ROWS").and_then(|rows| rows.parse().ok()).unwrap_or(100_000);
    let dimensions = setting("HUEDB_BENCH_DIMENSIONS").unwrap_or_else(|| "3,64,384,1536".into());
    println!("{rows} rows, {QUESTIONS} questions: recall@10 one by one / batch; ms a question, rows ranked, way");
    for dimension in dimensions.split(',').filter_map(|text| text.parse().ok()) {
        for kind in deceiving::KINDS.iter().filter(|kind| wanted.as_ref().is_none_or(|wanted| kind.0.contains(wanted)))
        {
            for space in Space::ALL {
                measure(*kind, space, dimension, rows);
            }
        }
    }
}

fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn measure(kind: deceiving::Kind, space: Space, dimension: usize, rows: usize) {
    let mut random = Random::new();
    let folder = tempfile::TempDir::new().unwrap();
    let store = Store::open(folder.path().join("deceive.redb"), Access::Create).unwrap();
    let new = NewCollection { space, ..NewCollection::default() };
    store.create_collection(CollectionName::parse("vectors").unwrap(), new).unwrap();
    let collection = store.collection("vectors").unwrap();
    let mut questions = Vec::new();
    for first in (0..rows).step_by(BATCH) {
        let changes = (first..rows.min(first + BATCH)).map(|row| {
            let embedding = kind.1(&mut random, row, dimension);
            if row % (rows / QUESTIONS).max(1) == 0 && questions.len() < QUESTIONS {
                questions.push(embedding.clone());
            }
            Change {
                id: RecordId::parse(format!("r{row}")).unwrap(),
                embedding: Some(embedding),
                embedded_here: false,
                document: None,
                uri: None,
                metadata: MetadataPatch::default(),
            }
        });
        collection.apply(changes.collect::<Vec<_>>(), Mode::Add).unwrap();
    }
    let ask = |questions: &[Vec<f32>], way: Option<AccessPath>| {
        let query = Query::vectors(questions.to_vec()).include(Include::NONE).exact(way.is_some()).way(way).threads(2);
        collection.query(&query).unwrap()
    };
    let exact = ask(&questions, Some(AccessPath::Rows));
    let start = Instant::now();
    let one_by_one: Vec<Answer> = questions.iter().map(|question| ask(std::slice::from_ref(question), None)).collect();
    let each = start.elapsed().as_secs_f64() * 1000.0 / questions.len() as f64;
    let batch = ask(&questions, None);
    let singles: Vec<_> = one_by_one.iter().flat_map(|answer| answer.hits.clone()).collect();
    let ranked = one_by_one.iter().map(|answer| answer.ranked).sum::<u64>() / questions.len() as u64;
    println!(
        "{dimension:5} {space:6} {:20} {:.4} / {:.4}  {each:9.2} ms {ranked:7} {}",
        kind.0,
        recall(&singles, &exact.hits),
        recall(&batch.hits, &exact.hits),
        one_by_one[0].plan.way
    );
}

/// The share of the exact hits that stand where they must.
fn recall(found: &[Vec<huedb::record::Hit>], exact: &[Vec<huedb::record::Hit>]) -> f64 {
    let equal = found.iter().zip(exact).map(|(found, exact)| found.iter().zip(exact).filter(|(a, b)| a == b).count());
    equal.sum::<usize>() as f64 / exact.iter().map(Vec::len).sum::<usize>().max(1) as f64
}
