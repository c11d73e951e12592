//! The limits that the README promises: what is as large is stored and found, what is larger is refused and leaves the
//! file as it was.

use huedb::error::{Error, ErrorKind};
use huedb::query::{Query, RecordQuery};
use huedb::record::{CollectionName, MAX_METADATA_KEY_BYTES, MetadataPatch, RecordId};
use huedb::store::{
    Access, Change, Collection, Depth, Include, MAX_DIMENSION, MAX_ID_BYTES, MAX_RECORD_BYTES, Mode, NewCollection,
    Store,
};
use serde_json::json;
use tempfile::TempDir;

fn world() -> (TempDir, Store) {
    let folder = TempDir::new().unwrap();
    let store = crate::open::open(folder.path().join("test.redb"), Access::Create).unwrap();
    store.create_collection(CollectionName::parse("notes").unwrap(), NewCollection::default()).unwrap();
    (folder, store)
}

fn change(id: &str) -> Change {
    Change {
        id: RecordId::parse(id).unwrap(),
        embedding: Some(vec![1.0, 2.0]),
        embedded_here: false,
        document: None,
        uri: None,
        metadata: MetadataPatch::default(),
    }
}

/// Stores a record that must be found whole, then one that must be refused, whose message must be short.
#[track_caller]
fn as_large_but_not_larger(notes: &Collection, largest: &Change, larger: Change) {
    notes.add([change("before"), largest.clone()]).unwrap();
    let found = notes.get(std::slice::from_ref(&largest.id), Include::ALL).unwrap();
    assert!(found.len() == 1 && found[0].document == largest.document && found[0].embedding == largest.embedding);
    assert_eq!(refused(notes, larger).kind(), ErrorKind::Input);
    assert_eq!(notes.delete([&largest.id]).unwrap(), 1);
    assert_eq!(notes.store().check(None, Depth::Deep).unwrap(), []);
}

#[track_caller]
fn refused(notes: &Collection, larger: Change) -> Error {
    let count = notes.count().unwrap();
    let refused = notes.apply([change("beside"), larger], Mode::Upsert).unwrap_err();
    assert!(refused.to_string().len() < 300, "{refused}");
    assert_eq!(notes.count().unwrap(), count, "nothing of the batch is stored");
    assert_eq!(notes.store().check(None, Depth::Quick).unwrap(), []);
    refused
}

#[test]
fn an_id() {
    let (_folder, store) = world();
    let notes = store.collection("notes").unwrap();
    let (largest, larger) = ("é".repeat(MAX_ID_BYTES / 2), "x".repeat(MAX_ID_BYTES + 1));
    as_large_but_not_larger(&notes, &change(&largest), change(&larger));
}

#[test]
fn a_record() {
    let (_folder, store) = world();
    let notes = store.collection("notes").unwrap();
    // Flags, id and the lengths of both come before the document.
    let document = "x".repeat(MAX_RECORD_BYTES - (1 + 1 + 1 + 4));
    let larger = Change { document: Some(document.clone() + "x"), ..change("b") };
    as_large_but_not_larger(&notes, &Change { document: Some(document), ..change("a") }, larger);
    // By metadata that is merged into it.
    let half = "y".repeat(MAX_RECORD_BYTES / 2);
    notes.add([Change { document: Some(half.clone()), ..change("c") }]).unwrap();
    let metadata = MetadataPatch::from_json(json!({"half": half})).unwrap();
    assert_eq!(refused(&notes, Change { metadata, ..change("c") }).kind(), ErrorKind::Input);
}

#[test]
fn a_metadata_key() {
    let (_folder, store) = world();
    let notes = store.collection("notes").unwrap();
    let key = "k".repeat(MAX_METADATA_KEY_BYTES);
    let metadata = MetadataPatch::from_json(json!({key.as_str(): 1})).unwrap();
    notes.add([Change { metadata, ..change("a") }]).unwrap();
    let filter = huedb::query::Filter::parse(&json!({key.as_str(): 1}).to_string()).unwrap();
    let found = notes.find(&RecordQuery { filter: Some(filter), ..RecordQuery::default() }, Include::NONE).unwrap();
    assert_eq!(found.len(), 1);
    let larger = MetadataPatch::from_json(json!({key + "k": 1})).unwrap_err();
    assert!(larger.kind() == ErrorKind::Input && larger.to_string().len() < 300, "{larger}");
}

#[test]
fn a_dimension() {
    let (_folder, store) = world();
    let notes = store.collection("notes").unwrap();
    let largest = Change { embedding: Some(vec![0.5; MAX_DIMENSION]), ..change("a") };
    let larger = Change { embedding: Some(vec![0.5; MAX_DIMENSION + 1]), ..change("b") };
    assert_eq!(refused(&notes, Change { id: RecordId::parse("beside").unwrap(), ..larger }).kind(), ErrorKind::Input);
    notes.add([largest.clone()]).unwrap();
    let question = Query::vector(vec![0.5; MAX_DIMENSION]).top(1).include(Include::ALL).threads(1);
    let hits = notes.query(&question).unwrap().hits;
    assert!(hits[0][0].record.embedding == largest.embedding && hits[0][0].distance.abs() < 1e-6);
}

#[test]
fn a_batch_of_many_records() {
    let (_folder, store) = world();
    let notes = store.collection("notes").unwrap();
    let rows = 50_000;
    notes.add((0..rows).map(|row| change(&format!("r{row}")))).unwrap();
    assert_eq!(notes.count().unwrap(), rows);
    assert_eq!(store.check(None, Depth::Quick).unwrap(), []);
}
