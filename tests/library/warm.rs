//! A handle that stays: what is in memory says what the file says, whatever was added, changed or deleted since, here or by
//! another process.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use huedb::query::{Filter, Query};
use huedb::record::{CollectionName, Hnsw, MetadataPatch, RecordId, Space};
use huedb::store::{Access, Change, Collection, Include, Mode, NewCollection, Options, Store};
use serde_json::json;
use tempfile::TempDir;

use crate::open::{open, options};
use crate::random::Random;

fn id(row: usize) -> RecordId {
    RecordId::parse(format!("r{row}")).unwrap()
}

fn change(row: usize, embedding: Vec<f32>) -> Change {
    Change {
        id: id(row),
        embedding: Some(embedding),
        embedded_here: false,
        document: None,
        uri: None,
        metadata: MetadataPatch::from_json(json!({"tenth": row % 10, "hundredth": row % 100})).unwrap(),
    }
}

/// Near one of a few centres, which stand in one place whatever the seed.
fn near(random: &mut Random, dimension: usize) -> Vec<f32> {
    let centre = random.below(20);
    let noise = random.vector(dimension);
    (0..dimension).map(|at| ((centre * 31 + at * 7) % 13) as f32 / 6.0 - 1.0 + 0.4 * noise[at]).collect()
}

fn fresh(space: Space) -> (TempDir, Store) {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path().join("test.redb"), Access::Create).unwrap();
    let new = NewCollection { hnsw: Hnsw::default(), space, ..NewCollection::default() };
    store.create_collection(CollectionName::parse("notes").unwrap(), new).unwrap();
    (folder, store)
}

fn ids(collection: &Collection, query: &Query) -> Vec<(String, u32)> {
    let hits = collection.query(query).unwrap().hits.remove(0);
    hits.into_iter().map(|hit| (hit.record.id.to_string(), hit.distance.to_bits())).collect()
}

/// Asks several questions, each by the rows in memory and by every embedding.
fn compare(collection: &Collection, random: &mut Random, dimension: usize, what: &str) {
    for at in 0..6 {
        let filter = [None, Some("tenth < 5"), Some("hundredth = 3")][at % 3].map(|text| Filter::parse(text).unwrap());
        let top = [10, 1, 40][at / 2];
        let mut query = Query::vector(near(random, dimension)).top(top).include(Include::NONE).threads(1 + at % 2);
        query.filter = filter;
        let exact = ids(collection, &query.clone().exact(true));
        assert_eq!(ids(collection, &query), exact, "{what}, question {at}, {random:?}");
    }
}

#[test]
fn rows_in_memory_answer_as_the_embeddings_do() {
    for (space, dimension, rows) in
        [(Space::Cosine, 192, 6000), (Space::L2, 200, 3000), (Space::Ip, 384, 3000), (Space::L2, 24, 9000)]
    {
        let mut random = Random::new();
        let (_folder, store) = fresh(space);
        let notes = store.collection("notes").unwrap();
        let (mut next, mut alive) = (0, Vec::new());
        for round in 0..12 {
            let what = format!("{space:?}, {dimension} components, round {round}");
            let more = [rows / 3, 1, 63, 500, 2, 700][round % 6];
            notes.add((next..next + more).map(|row| change(row, near(&mut random, dimension)))).unwrap();
            alive.extend(next..next + more);
            next += more;
            compare(&notes, &mut random, dimension, &what);
            if round % 3 == 1 {
                let changed: Vec<Change> =
                    (0..20).map(|_| change(alive[random.below(alive.len())], near(&mut random, dimension))).collect();
                notes.apply(changed, Mode::Upsert).unwrap();
                compare(&notes, &mut random, dimension, &format!("{what}, changed"));
            }
            if round % 4 == 2 {
                let (gone, left): (Vec<usize>, Vec<usize>) = alive.iter().partition(|row| **row % 5 == round % 5);
                notes.delete(gone.iter().map(|row| id(*row)).collect::<Vec<_>>().iter()).unwrap();
                alive = left;
                compare(&notes, &mut random, dimension, &format!("{what}, deleted"));
            }
            if round == 7 {
                notes.settle().unwrap();
                compare(&notes, &mut random, dimension, &format!("{what}, settled"));
                store.compact().unwrap();
                compare(&notes, &mut random, dimension, &format!("{what}, compacted"));
            }
        }
        assert!(store.cache().bytes() > next * dimension / 2, "nothing was in memory");
    }
}

#[test]
fn a_commit_of_another_handle_is_seen_at_the_next_question() {
    let mut random = Random::new();
    let (_folder, store) = fresh(Space::L2);
    let notes = store.collection("notes").unwrap();
    notes.add((0..3000).map(|row| change(row, near(&mut random, 192)))).unwrap();
    let reader = open(store.path(), Access::Read).unwrap();
    let read = reader.collection("notes").unwrap();
    for row in 3000..3100 {
        let embedding = near(&mut random, 192);
        compare(&read, &mut random, 192, "beside a writer");
        notes.add([change(row, embedding.clone())]).unwrap();
        let found = ids(&read, &Query::vector(embedding).top(1).include(Include::NONE));
        assert_eq!(found[0].0, id(row).to_string(), "{random:?}");
        notes.delete([&id(row - 1000)]).unwrap();
        compare(&read, &mut random, 192, "after a deletion");
    }
    assert!(reader.cache().bytes() > 0);
}

#[test]
fn a_cache_that_is_too_small_answers_the_same() {
    let mut random = Random::new();
    let (folder, store) = fresh(Space::Cosine);
    let notes = store.collection("notes").unwrap();
    notes.add((0..3000).map(|row| change(row, near(&mut random, 192)))).unwrap();
    store.close().unwrap();
    drop(notes);
    for warm_bytes in [0, 1000, 400_000] {
        let options = Options { warm_bytes, ..options() };
        let store = Store::open_with(folder.path().join("test.redb"), Access::Read, &options).unwrap();
        compare(&store.collection("notes").unwrap(), &mut random, 192, &format!("{warm_bytes} bytes"));
        assert!(store.cache().bytes() <= warm_bytes);
    }
}

#[test]
fn threads_of_one_process_ask_and_write_at_once() {
    let mut random = Random::new();
    let (_folder, store) = fresh(Space::L2);
    let notes = store.collection("notes").unwrap();
    notes.add((0..2000).map(|row| change(row, near(&mut random, 192)))).unwrap();
    let done = AtomicBool::new(false);
    let seeds: Vec<Vec<Vec<f32>>> = (0..8).map(|_| (0..40).map(|_| near(&mut random, 192)).collect()).collect();
    thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|writer: usize| {
                let (notes, embeddings) = (notes.clone(), &seeds[writer]);
                scope.spawn(move || {
                    for (n, embedding) in embeddings.iter().enumerate() {
                        let row = 10_000 + 1000 * writer + n;
                        notes.add([change(row, embedding.clone())]).unwrap();
                        let found = ids(&notes, &Query::vector(embedding.clone()).top(1).include(Include::NONE));
                        assert_eq!(found[0].0, id(row).to_string());
                        if n % 4 == 3 {
                            assert_eq!(notes.delete([&id(row)]).unwrap(), 1);
                        }
                    }
                })
            })
            .collect();
        for questions in &seeds[4..] {
            let (notes, done) = (notes.clone(), &done);
            scope.spawn(move || {
                for question in questions.iter().cycle() {
                    if done.load(Ordering::Relaxed) {
                        return;
                    }
                    assert_eq!(ids(&notes, &Query::vector(question.clone()).include(Include::NONE)).len(), 10);
                }
            });
        }
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(notes.count().unwrap(), 2000 + 4 * 30);
    compare(&notes, &mut random, 192, "at the end");
    assert_eq!(store.check(None, huedb::store::Depth::Deep).unwrap(), []);
}
