//! Records in and out of a real file: merge rules, order, counts, and what a failure leaves behind.

use huedb::embed::{Embedder, HashEmbedder, TextRole};
use huedb::error::Error;
use huedb::ingest::{Ingest, OnError, Preparer};
use huedb::query::{Filter, RecordQuery};
use huedb::record::{CollectionName, DatabaseName, MetadataPatch, NewRecord, Ordinal, Origin, Record, RecordId, Scope};
use huedb::store::{
    Access, Change, Collection, CollectionChange, Effect, Include, Mode, NewCollection, Options, Store, restore,
};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::open::{open, options};

fn id(id: &str) -> RecordId {
    RecordId::parse(id).unwrap()
}

fn change(name: &str, embedding: &[f32], metadata: Json) -> Change {
    Change {
        id: id(name),
        embedding: (!embedding.is_empty()).then(|| embedding.to_vec()),
        embedded_here: false,
        document: None,
        uri: None,
        metadata: MetadataPatch::from_json(metadata).unwrap(),
    }
}

fn fresh() -> (TempDir, Store) {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path().join("test.redb"), Access::Create).unwrap();
    store.create_collection(CollectionName::parse("notes").unwrap(), NewCollection::default()).unwrap();
    (folder, store)
}

fn all(collection: &Collection) -> Vec<Record> {
    let view = collection.view().unwrap();
    view.live().iter().map(|ordinal| view.record(Ordinal(ordinal), Include::ALL).unwrap()).collect()
}

fn ids(collection: &Collection) -> Vec<String> {
    all(collection).into_iter().map(|record| record.id.to_string()).collect()
}

#[test]
fn records_come_back_as_they_went_in_and_in_order() {
    let (_folder, store) = fresh();
    let notes = store.collection("notes").unwrap();
    let mut first = change("b", &[0.1, -2.5e-8], json!({"year": 2020, "tags": ["x", "y"]}));
    first.document = Some("text".into());
    first.uri = Some("file:///x".into());
    assert_eq!(notes.add([first, change("a", &[1.0, 2.0], Json::Null)]).unwrap(), [Effect::Added, Effect::Added]);
    let records = all(&notes);
    assert_eq!(records[0].id, id("b"));
    assert_eq!(records[0].embedding.as_deref(), Some(&[0.1, -2.5e-8][..]));
    assert_eq!(records[0].document.as_deref(), Some("text"));
    assert_eq!(records[0].metadata.as_ref().unwrap().to_json(), json!({"tags": ["x", "y"], "year": 2020}));
    assert_eq!(records[1].metadata, None);
}

#[test]
fn add_ignores_ids_that_exist_and_a_deleted_id_comes_back_last() {
    let (_folder, store) = fresh();
    let notes = store.collection("notes").unwrap();
    notes.add(["a", "b", "c"].map(|name| change(name, &[1.0], json!({"n": 1})))).unwrap();
    let again = notes.add([change("a", &[9.0], json!({"n": 2})), change("d", &[1.0], json!({}))]).unwrap();
    assert_eq!(again, [Effect::Exists, Effect::Added]);
    assert_eq!(notes.delete(&[id("a"), id("ghost")]).unwrap(), 1);
    notes.add([change("a", &[1.0], Json::Null)]).unwrap();
    assert_eq!(ids(&notes), ["b", "c", "d", "a"]);
    assert_eq!(notes.count().unwrap(), 4);
}

#[test]
fn update_merges_and_null_deletes_a_key() {
    let (_folder, store) = fresh();
    let notes = store.collection("notes").unwrap();
    notes.add([change("a", &[1.0], json!({"keep": 1, "drop": 2, "change": 3}))]).unwrap();
    let merged = change("a", &[], json!({"drop": null, "change": "new"}));
    assert_eq!(notes.apply([merged.clone()], Mode::Update).unwrap(), [Effect::Updated]);
    assert_eq!(notes.apply([merged], Mode::Upsert).unwrap(), [Effect::Unchanged]);
    assert_eq!(notes.apply([change("x", &[1.0], Json::Null)], Mode::Update).unwrap(), [Effect::Missing]);
    let record = &all(&notes)[0];
    assert_eq!(record.metadata.as_ref().unwrap().to_json(), json!({"change": "new", "keep": 1}));
    assert_eq!(record.embedding.as_deref(), Some(&[1.0][..]));
}

/// The ids of the records that a filter keeps, in order.
fn kept(notes: &Collection, filter: &str) -> Vec<String> {
    let query = RecordQuery { filter: Some(Filter::parse(filter).unwrap()), ..RecordQuery::default() };
    notes.find(&query, Include::NONE).unwrap().ids().map(|id| id.unwrap().to_string()).collect()
}

#[test]
fn postings_follow_every_change() {
    let (_folder, store) = fresh();
    let notes = store.collection("notes").unwrap();
    let rows = (0..5000_u16).map(|i| change(&format!("r{i}"), &[f32::from(i)], json!({"lang": "en", "n": i})));
    notes.add(rows).unwrap();
    notes.apply([change("r7", &[], json!({"lang": "de"}))], Mode::Update).unwrap();
    notes.delete(&[id("r9")]).unwrap();
    assert_eq!(kept(&notes, "lang = \"en\"").len(), 4998);
    assert_eq!(kept(&notes, "lang = \"de\""), ["r7"]);
    assert_eq!(kept(&notes, "n >= 5 and n < 12"), ["r5", "r6", "r7", "r8", "r10", "r11"]);
    assert_eq!(kept(&notes, "n > 5").len(), 4993);
}

#[test]
fn a_bad_change_leaves_nothing_of_its_batch() {
    let (_folder, store) = fresh();
    let notes = store.collection("notes").unwrap();
    notes.add([change("a", &[1.0, 2.0], Json::Null)]).unwrap();
    for bad in [&[1.0][..], &[f32::NAN, 1.0], &[f32::INFINITY, 1.0]] {
        let error = notes.add([change("b", &[1.0, 1.0], json!({"k": 1})), change("c", bad, Json::Null)]).unwrap_err();
        assert!(matches!(&error, Error::BadRecord { id, .. } if id == "c"), "{error}");
    }
    assert_eq!(ids(&notes), ["a"]);
    assert_eq!(kept(&notes, "k = 1"), [""; 0]);
}

#[test]
fn a_file_closed_and_opened_again_says_the_same() {
    let (folder, store) = fresh();
    let notes = store.collection("notes").unwrap();
    notes.add((0..40_u8).map(|i| change(&i.to_string(), &vec![f32::from(i); 9000], json!({"i": i})))).unwrap();
    notes.apply([change("3", &vec![0.5; 9000], Json::Null)], Mode::Update).unwrap();
    notes.delete(&[id("0"), id("39")]).unwrap();
    let before = all(&notes);
    store.close().unwrap();
    let store = open(folder.path().join("test.redb"), Access::Read).unwrap();
    assert_eq!(all(&store.collection("notes").unwrap()), before);
    assert_eq!(before.len(), 38);
}

#[test]
fn a_dropped_collection_leaves_the_others_alone() {
    let (_folder, store) = fresh();
    for name in ["other", "third"] {
        store.create_collection(CollectionName::parse(name).unwrap(), NewCollection::default()).unwrap();
        store.collection(name).unwrap().add([change("a", &[1.0, 2.0, 3.0], json!({"k": name}))]).unwrap();
    }
    let (_, counts) = store.drop_collection("other").unwrap();
    assert_eq!(counts.records, 1);
    assert!(
        matches!(store.collection("other"), Err(Error::CollectionNotFound { known, .. }) if known == ["notes", "third"])
    );
    assert_eq!(ids(&store.collection("third").unwrap()), ["a"]);
    assert!(matches!(
        store.create_collection(CollectionName::parse("third").unwrap(), NewCollection::default()),
        Err(Error::CollectionExists { .. })
    ));
}

#[test]
fn files_that_are_not_ours_are_refused_and_not_touched() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("x.redb");
    assert!(matches!(open(&path, Access::Read), Err(Error::FileNotFound { .. })));
    for bytes in [&b""[..], b"hello", &[7; 100_000]] {
        std::fs::write(&path, bytes).unwrap();
        for access in [Access::Read, Access::Write] {
            let error = open(&path, access).err().unwrap();
            assert!(matches!(error, Error::NotADatabase { .. } | Error::Damaged { .. }), "{error:?}");
        }
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
    assert!(matches!(open(folder.path(), Access::Write), Err(Error::NotADatabase { .. })));
}

#[test]
fn a_file_that_was_replaced_is_not_written_to() {
    let (folder, store) = fresh();
    let (path, backup) = (folder.path().join("test.redb"), folder.path().join("backup.redb"));
    store.backup(&backup, false).unwrap();
    restore(&backup, &path, true, &options()).unwrap();
    let error = store.collection("notes").unwrap().add([change("lost", &[1.0], Json::Null)]).unwrap_err();
    assert!(matches!(&error, Error::Io { action, .. } if action.starts_with("write to ")), "{error:?}");
    let now = open(&path, Access::Write).unwrap();
    now.collection("notes").unwrap().add([change("kept", &[1.0], Json::Null)]).unwrap();
    std::fs::remove_file(&path).unwrap();
    let error = now.collection("notes").unwrap().add([change("lost", &[1.0], Json::Null)]).unwrap_err();
    assert!(matches!(&error, Error::Io { action, .. } if action.starts_with("write to ")), "{error:?}");
}

#[test]
fn a_second_writer_waits_and_then_names_the_file() {
    let (folder, store) = fresh();
    let path = folder.path().join("test.redb");
    let notes = store.collection("notes").unwrap();
    let options = Options { busy_timeout: std::time::Duration::from_millis(100), ..options() };
    let changes = std::iter::once_with(|| {
        // Inside the first writer's transaction.
        let error = match Store::open_with(&path, Access::Write, &options) {
            Ok(second) => second.collection("notes").unwrap().add([change("b", &[1.0], Json::Null)]).unwrap_err(),
            Err(error) => error,
        };
        assert!(matches!(&error, Error::Busy { path: named, .. } if *named == path), "{error:?}");
        change("a", &[1.0], Json::Null)
    });
    notes.add(changes).unwrap();
    assert_eq!(ids(&notes), ["a"]);
}

#[test]
fn rows_of_one_batch_are_imported_in_their_order() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path().join("test.redb"), Access::Create).unwrap();
    let embedder = HashEmbedder::new(4);
    let new = NewCollection { embedder: Some(embedder.fingerprint().clone()), ..NewCollection::default() };
    store.create_collection(CollectionName::parse("notes").unwrap(), new).unwrap();
    let notes = store.collection("notes").unwrap();
    let import = |rows: &[(&str, Option<&str>)]| {
        let row = |(name, document): &(&str, Option<&str>)| NewRecord {
            id: id(name),
            embedding: None,
            document: document.map(str::to_owned),
            uri: document.is_none().then(|| "file:///x".to_owned()),
            embedded_here: false,
            part: None,
            metadata: MetadataPatch::default(),
            origin: Origin { source: "rows".into(), line: 1 },
        };
        let view = notes.view().unwrap();
        let mut preparer = Preparer::new(view.info(), Some(&embedder), Mode::Upsert, OnError::Stop).unwrap();
        let batch = preparer.prepare(&view, rows.iter().map(|one| Ok(row(one)))).unwrap();
        Ingest::new(&notes, preparer).store(batch).unwrap().tally
    };
    import(&[("a", Some("second"))]);
    // The second row says what the file says, but not what the first row makes of it.
    import(&[("a", Some("first")), ("a", Some("second")), ("a", Some("third"))]);
    // A row without text or embedding is no new record, unless a row before it is.
    let tally = import(&[("b", Some("text")), ("b", None)]);
    assert_eq!((tally.added, tally.updated), (1, 1));
    let records = all(&notes);
    assert_eq!(records[0].document.as_deref(), Some("third"));
    assert_eq!(records[0].embedding, Some(HashEmbedder::new(4).embed_one("third", TextRole::Document).unwrap()));
    assert_eq!(records[1].uri.as_deref(), Some("file:///x"));
}

#[test]
fn a_change_that_stands_twice_in_a_batch_changes_once() {
    let (_folder, store) = fresh();
    let notes = store.collection("notes").unwrap();
    let effects = notes.apply([1.0, 1.0, 2.0, 2.0].map(|x| change("a", &[x], Json::Null)), Mode::Upsert).unwrap();
    assert_eq!(effects, [Effect::Added, Effect::Unchanged, Effect::Updated, Effect::Unchanged]);
}

#[test]
fn null_is_refused_on_add_whether_or_not_the_id_exists() {
    let (_folder, store) = fresh();
    let notes = store.collection("notes").unwrap();
    notes.add([change("a", &[1.0], Json::Null)]).unwrap();
    for name in ["a", "b"] {
        let error = notes.add([change("c", &[1.0], Json::Null), change(name, &[1.0], json!({"k": null}))]).unwrap_err();
        assert!(matches!(&error, Error::BadRecord { id, .. } if id == name), "{error}");
    }
    assert_eq!(ids(&notes), ["a"]);
}

#[test]
fn a_database_that_is_gone_is_what_an_error_names() {
    let (folder, store) = fresh();
    store.create_database(&DatabaseName::parse("staging").unwrap()).unwrap();
    let scope = Scope { database: "staging".into(), ..Scope::default() };
    let options = Options { scope, ..options() };
    let staging = Store::open_with(folder.path().join("test.redb"), Access::Write, &options).unwrap();
    staging.create_collection(CollectionName::parse("notes").unwrap(), NewCollection::default()).unwrap();
    let notes = staging.collection("notes").unwrap();
    store.drop_database("staging").unwrap();
    for error in [
        notes.add([change("a", &[1.0], Json::Null)]).unwrap_err(),
        notes.drop_graph().unwrap_err(),
        staging.modify_collection("notes", CollectionChange::default()).unwrap_err(),
        staging.drop_collection("notes").unwrap_err(),
    ] {
        assert!(matches!(&error, Error::DatabaseNotFound { name, .. } if name == "staging"), "{error}");
    }
}
