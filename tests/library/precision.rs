//! Embeddings kept as f16: what is kept is what is read, compared, copied and repaired.

use huedb::query::{AccessPath, Query, RecordQuery};
use huedb::record::{CollectionName, EmbeddingPrecision, NewRecord, RecordId, Space};
use huedb::store::{Access, Depth, Include, Mode, NewCollection, Store};
use tempfile::TempDir;

use crate::open::open;
use crate::random::Random;

const DIMENSION: usize = 192;

fn halves(given: &[f32]) -> Vec<f32> {
    let mut kept = given.to_vec();
    EmbeddingPrecision::F16.round(&mut kept).unwrap();
    kept
}

fn create(store: &Store, name: &str, space: Space, precision: EmbeddingPrecision) {
    let new = NewCollection { space, precision, ..NewCollection::default() };
    store.create_collection(CollectionName::parse(name).unwrap(), new).unwrap();
}

fn rows(given: &[Vec<f32>]) -> impl Iterator<Item = NewRecord> + '_ {
    given.iter().enumerate().map(|(at, row)| NewRecord::new(format!("r{at}")).unwrap().with_embedding(row.clone()))
}

#[test]
fn a_collection_of_f16_answers_as_one_of_what_it_keeps() {
    let folder = TempDir::new().unwrap();
    let mut random = Random::new();
    let store = open(folder.path().join("p.redb"), Access::Create).unwrap();
    let given: Vec<Vec<f32>> = (0..3000).map(|_| random.vector(DIMENSION)).collect();
    let kept: Vec<Vec<f32>> = given.iter().map(|row| halves(row)).collect();
    for space in Space::ALL {
        let (narrow, wide) = (format!("{space}-f16"), format!("{space}-f32"));
        create(&store, &narrow, space, EmbeddingPrecision::F16);
        create(&store, &wide, space, EmbeddingPrecision::F32);
        let (narrow, wide) = (store.collection(&narrow).unwrap(), store.collection(&wide).unwrap());
        narrow.write_rows(rows(&given), Mode::Add).unwrap();
        wide.write_rows(rows(&kept), Mode::Add).unwrap();
        let questions: Vec<Vec<f32>> = (0..20).map(|_| random.vector(DIMENSION)).collect();
        for way in [None, Some(AccessPath::Scan), Some(AccessPath::Rows)] {
            let query = Query::vectors(questions.clone()).include(Include::ALL).way(way).threads(2);
            let (found, expected) = (narrow.query(&query).unwrap(), wide.query(&query).unwrap());
            assert_eq!(found.hits, expected.hits, "{space} {way:?}");
        }
        let page = narrow.find(&RecordQuery::default(), Include::ALL).unwrap();
        for (record, kept) in page.records().zip(&kept) {
            assert_eq!(record.unwrap().embedding.as_ref(), Some(kept), "{space}");
        }
    }
    // The same again is no change, since what is kept is compared.
    let again = store.collection("cosine-f16").unwrap().write_rows(rows(&given), Mode::Upsert).unwrap();
    assert_eq!((again.unchanged, again.updated), (3000, 0));
    assert_eq!(store.check(None, Depth::Deep).unwrap(), []);
    store.compact().unwrap();
    assert_eq!(store.check(None, Depth::Deep).unwrap(), []);
}

#[test]
fn half_the_bytes_are_half_the_pages() {
    let folder = TempDir::new().unwrap();
    let mut random = Random::new();
    let given: Vec<Vec<f32>> = (0..4000).map(|_| random.vector(DIMENSION)).collect();
    let bytes = EmbeddingPrecision::ALL.map(|precision| {
        let store = open(folder.path().join(format!("{precision}.redb")), Access::Create).unwrap();
        create(&store, "rows", Space::Cosine, precision);
        store.collection("rows").unwrap().write_rows(rows(&given), Mode::Add).unwrap();
        store.compact().unwrap();
        store.file_bytes().unwrap()
    });
    // 4,000 rows of 192: 3.1 MB against 1.5 MB, beside what both have.
    let saved = bytes[0].abs_diff(bytes[1]);
    assert!(bytes[1] < bytes[0] && saved > 1_200_000, "{bytes:?}");
}

#[test]
fn what_f16_cannot_hold_is_refused_by_name_and_leaves_nothing() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path().join("p.redb"), Access::Create).unwrap();
    create(&store, "rows", Space::L2, EmbeddingPrecision::F16);
    let rows = store.collection("rows").unwrap();
    let far = [("near", 1.0), ("far", 70_000.0)].map(|(id, x)| NewRecord::new(id).unwrap().with_embedding(vec![x]));
    let error = rows.write_rows(far, Mode::Add).unwrap_err().to_string();
    assert!(error.contains("far") && error.contains("component 0 is 70000"), "{error}");
    assert_eq!(rows.count().unwrap(), 0);
    // What replaces one is rounded as well.
    rows.write_rows([NewRecord::new("a").unwrap().with_embedding(vec![0.1])], Mode::Add).unwrap();
    rows.write_rows([NewRecord::new("a").unwrap().with_embedding(vec![1.0 / 3.0])], Mode::Update).unwrap();
    let read = rows.get(&[RecordId::parse("a").unwrap()], Include::ALL).unwrap();
    assert_eq!(read[0].embedding, Some(halves(&[1.0 / 3.0])));
}
