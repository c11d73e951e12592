//! What `compact` leaves in the file: everything that is stored, nothing that was deleted.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use huedb::error::Error;
use huedb::record::{CollectionName, MetadataPatch, Ordinal, RecordId};
use huedb::store::{Access, Change, Include, Mode, NewCollection, Options, Store};
use serde_json::json;
use tempfile::TempDir;

use crate::open::{encrypted, options};
use crate::random::Random;

/// In the id, the text, the uri, a metadata key and a metadata value of every record that is deleted.
const MARKER: &str = "Zanzibar";
const ROWS: usize = 600;

fn name(row: usize, marked: bool) -> String {
    if marked { format!("{MARKER}-{row}") } else { format!("row-{row}") }
}

fn change(random: &mut Random, row: usize, marked: bool) -> Change {
    let name = name(row, marked);
    let text = format!("{name} ").repeat(1 + random.below(60));
    Change {
        id: RecordId::parse(&name).unwrap(),
        embedding: Some(random.vector(8)),
        embedded_here: false,
        metadata: MetadataPatch::from_json(json!({
            "of": name,
            name.as_str(): true,
            format!("terms of {name}"): {"#type": "sparse_vector", "indices": [1, 2], "values": [1.0, 1.0]},
            "row": row,
        }))
        .unwrap(),
        uri: Some(format!("file:///{name}")),
        document: Some(text),
    }
}

fn open(path: &PathBuf, busy_timeout: Duration) -> Store {
    Store::open_with(path, Access::Create, &Options { busy_timeout, ..options() }).unwrap()
}

fn fresh() -> (TempDir, PathBuf, Store) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("test.redb");
    let store = open(&path, Duration::from_millis(300));
    store.create_collection(CollectionName::parse("notes").unwrap(), NewCollection::default()).unwrap();
    (folder, path, store)
}

fn markers(path: &PathBuf) -> usize {
    let bytes = std::fs::read(path).unwrap();
    memchr::memmem::find_iter(&bytes, MARKER.as_bytes()).count()
}

/// How many of these embeddings stand in the file as given.
fn embeddings(path: &PathBuf, of: &[Vec<f32>]) -> usize {
    let bytes = std::fs::read(path).unwrap();
    let stands = |embedding: &&Vec<f32>| {
        let embedding: Vec<u8> = embedding.iter().flat_map(|x| x.to_le_bytes()).collect();
        memchr::memmem::find(&bytes, &embedding).is_some()
    };
    of.iter().filter(stands).count()
}

#[test]
fn deleted_records_are_gone_from_the_file_and_the_others_are_there() {
    let mut random = Random::new();
    let (_folder, path, mut store) = fresh();
    let notes = store.collection("notes").unwrap();
    let marked: Vec<bool> = (0..ROWS).map(|_| random.below(3) == 0).collect();
    let changes: Vec<Change> = (0..ROWS).map(|row| change(&mut random, row, marked[row])).collect();
    for some in changes.chunks(50) {
        notes.add(some.to_vec()).unwrap();
    }
    let ids: Vec<RecordId> = changes.iter().map(|change| change.id.clone()).collect();
    // Some alone and some together: the pages they leave behind differ.
    let dead: Vec<&RecordId> = ids.iter().zip(&marked).filter(|(_, marked)| **marked).map(|(id, _)| id).collect();
    let (alone, together) = dead.split_at(10);
    for id in alone {
        assert_eq!(notes.delete([*id]).unwrap(), 1);
    }
    assert_eq!(notes.delete(together.iter().copied()).unwrap(), together.len() as u64);
    let (gone, kept): (Vec<_>, Vec<_>) = changes.into_iter().zip(&marked).partition(|(_, marked)| **marked);
    let kept: Vec<Change> = kept.into_iter().map(|(change, _)| change).collect();
    let gone: Vec<Vec<f32>> = gone.into_iter().filter_map(|(change, _)| change.embedding).collect();
    drop(notes);
    store.close().unwrap();
    assert_eq!(markers(&path) > 0, !encrypted(), "nothing to remove");
    assert_eq!(embeddings(&path, &gone) > 0, !encrypted(), "nothing to remove");

    store = open(&path, Duration::from_secs(1));
    let compacted = store.compact().unwrap();
    assert!(compacted.after <= compacted.before, "{compacted:?}");
    store.close().unwrap();
    assert_eq!((markers(&path), embeddings(&path, &gone)), (0, 0));

    let store = open(&path, Duration::from_secs(1));
    let view = store.view("notes").unwrap();
    let records: Vec<_> = view.live().iter().map(|o| view.record(Ordinal(o), Include::ALL).unwrap()).collect();
    assert_eq!(records.len(), kept.len());
    for (record, change) in records.iter().zip(&kept) {
        assert_eq!((&record.id, &record.document, &record.uri), (&change.id, &change.document, &change.uri));
        assert_eq!(record.embedding, change.embedding);
    }
}

#[test]
fn a_dropped_collection_is_gone_from_the_file() {
    let mut random = Random::new();
    let (_folder, path, store) = fresh();
    store.create_collection(CollectionName::parse(MARKER).unwrap(), NewCollection::default()).unwrap();
    for collection in ["notes", MARKER] {
        let changes = (0..ROWS).map(|row| change(&mut random, row, collection == MARKER));
        store.collection(collection).unwrap().add(changes).unwrap();
    }
    store.drop_collection(MARKER).unwrap();
    let compacted = store.compact().unwrap();
    assert!(compacted.after < compacted.before, "{compacted:?}");
    store.close().unwrap();
    assert_eq!(markers(&path), 0);
    let store = open(&path, Duration::from_secs(1));
    assert_eq!(store.collection("notes").unwrap().count().unwrap(), ROWS as u64);
}

#[test]
fn the_old_text_of_an_updated_record_is_gone_from_the_file() {
    let mut random = Random::new();
    let (_folder, path, store) = fresh();
    let notes = store.collection("notes").unwrap();
    notes.add([change(&mut random, 1, false)]).unwrap();
    let mut marked = change(&mut random, 1, true);
    marked.id = RecordId::parse("row-1").unwrap();
    notes.apply([marked.clone()], Mode::Update).unwrap();
    notes.apply([Change { document: Some("plain".into()), ..marked }], Mode::Update).unwrap();
    let before = markers(&path);
    drop(notes);
    store.compact().unwrap();
    store.close().unwrap();
    let after = markers(&path);
    // Uri and metadata still say it, the text no longer does.
    assert!(encrypted() || 0 < after && after < before, "{after} of {before}");
    let store = open(&path, Duration::from_secs(1));
    let record =
        &store.collection("notes").unwrap().get(&[RecordId::parse("row-1").unwrap()], Include::ALL).unwrap()[0];
    assert_eq!(record.document.as_deref(), Some("plain"));
}

#[test]
fn a_reader_in_the_way_is_busy_not_a_hang() {
    let (_folder, path, store) = fresh();
    let reader = Store::open_with(&path, Access::Read, &options()).unwrap();
    let view = reader.view("notes").unwrap();
    let start = Instant::now();
    assert!(!store.give_back_space().unwrap(), "an import leaves it");
    assert!(matches!(store.compact(), Err(Error::Busy { .. })));
    assert!(start.elapsed() < Duration::from_secs(30), "it waited without end");
    drop(view);
    store.compact().unwrap();
    assert_eq!(reader.collection("notes").unwrap().count().unwrap(), 0);
}

#[test]
fn words_and_names_that_were_deleted_are_gone_from_the_file() {
    let (_folder, path, store) = fresh();
    let name = |start: &str| CollectionName::parse(format!("{start}{MARKER}")).unwrap();
    let new = NewCollection {
        bm25: true,
        sparse: None,
        metadata: Some(huedb::record::Metadata::from_json(json!({MARKER: MARKER})).unwrap()),
        ..NewCollection::default()
    };
    store.create_collection(name("old"), new).unwrap();
    let sparse = json!({"#type": "sparse_vector", "indices": [7], "values": [1.0], "tokens": [MARKER]});
    let change = Change {
        id: RecordId::parse("a").unwrap(),
        embedding: Some(vec![1.0; 4]),
        embedded_here: false,
        document: Some(format!("{MARKER} is an island")),
        uri: None,
        metadata: MetadataPatch::from_json(json!({MARKER: sparse, "list": [MARKER, "other"]})).unwrap(),
    };
    let old = store.collection(name("old").as_str()).unwrap();
    old.add([change.clone()]).unwrap();
    // Its terms stand under the key of the sparse vector.
    old.apply(
        [Change {
            metadata: MetadataPatch::from_json(json!({MARKER: null, "list": null})).unwrap(),
            document: Some("plain".into()),
            ..change
        }],
        Mode::Update,
    )
    .unwrap();
    drop(old);
    let renamed = huedb::store::CollectionChange {
        name: Some(CollectionName::parse("new").unwrap()),
        metadata: Some(huedb::record::Metadata::default()),
        ..Default::default()
    };
    store.modify_collection(name("old").as_str(), renamed).unwrap();
    store.compact().unwrap();
    assert_eq!(store.check(None, huedb::store::Depth::Deep).unwrap(), []);
    store.close().unwrap();
    assert_eq!(markers(&path), 0);
}

#[test]
fn many_upserts_of_one_record_do_not_lengthen_the_file() {
    let mut random = Random::new();
    let (_folder, _path, store) = fresh();
    let notes = store.collection("notes").unwrap();
    let mut upsert = || {
        let mut change = change(&mut random, 1, false);
        change.document = Some(format!("{} words", random.below(1000)).repeat(20));
        notes.apply([change], Mode::Upsert).unwrap();
    };
    (0..100).for_each(|_| upsert());
    let early = store.file_bytes().unwrap();
    (0..upserts()).for_each(|_| upsert());
    let late = store.file_bytes().unwrap();
    assert!(late <= 2 * early, "{late} bytes after {early}");
    assert_eq!(store.collection("notes").unwrap().count().unwrap(), 1);
}

/// `HUEDB_UPSERTS=10000` takes a minute where the disk is slow.
fn upserts() -> usize {
    std::env::var("HUEDB_UPSERTS").ok().and_then(|n| n.parse().ok()).unwrap_or(1000)
}

#[cfg(unix)]
#[test]
fn to_delete_half_hardly_lengthens_the_file() {
    use std::os::unix::fs::MetadataExt;
    let mut random = Random::new();
    let (_folder, path, store) = fresh();
    let notes = store.collection("notes").unwrap();
    let rows = 12_000;
    let changes: Vec<Change> = (0..rows)
        .map(|row| Change {
            embedding: Some(random.vector(512)),
            document: None,
            uri: None,
            metadata: MetadataPatch::default(),
            ..change(&mut random, row, false)
        })
        .collect();
    let ids: Vec<RecordId> = changes.iter().map(|change| change.id.clone()).collect();
    notes.add(changes).unwrap();
    drop(notes);
    // Free space would hide what a delete writes.
    store.compact().unwrap();
    let on_disk = || path.metadata().unwrap().blocks() * 512;
    let before = on_disk();
    let notes = store.collection("notes").unwrap();
    assert_eq!(notes.delete(ids.iter().step_by(2)).unwrap(), rows as u64 / 2);
    // No embedding is written anew, and the quantised rows, a quarter of them, a few at a time.
    let after = on_disk();
    assert!(after < before * 11 / 10, "{before} bytes before, {after} after, {random:?}");
    let counts = notes.view().unwrap().counts();
    assert_eq!(counts.sealed + counts.tail, counts.records, "rows of deleted records are left: {counts:?}");
    assert_eq!(store.check(None, huedb::store::Depth::Deep).unwrap(), []);
}
