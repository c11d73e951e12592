//! Collections held by their identity, copies of them, and a file that is replaced under its handle.

use huedb::error::Error;
use huedb::query::RecordQuery;
use huedb::record::{CollectionInfo, CollectionName, DatabaseName, MetadataPatch, NewRecord, Scope, TenantName};
use huedb::store::{Access, CollectionChange, Depth, Include, Mode, NewCollection, Outcome, Store, restore};
use serde_json::json;
use tempfile::TempDir;

use crate::open::{open, options};

fn name(name: &str) -> CollectionName {
    CollectionName::parse(name).unwrap()
}

fn with_notes() -> (TempDir, Store, CollectionInfo) {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path().join("test.redb"), Access::Create).unwrap();
    store.create_collection(name("others"), NewCollection::default()).unwrap();
    let info = store.create_collection(name("notes"), NewCollection::default()).unwrap();
    (folder, store, info)
}

fn row(id: &str, x: f32) -> NewRecord {
    let record = NewRecord::new(id).unwrap().with_embedding(vec![x, 1.0]).with_document(id);
    record.with_metadata(json!({"x": x})).unwrap()
}

fn rename(to: &str) -> CollectionChange {
    CollectionChange { name: Some(name(to)), ..CollectionChange::default() }
}

#[test]
fn a_handle_by_identity_follows_a_new_name_and_never_another_collection() {
    let (_folder, store, info) = with_notes();
    let notes = store.collection_by_id(info.id);
    notes.write_rows([row("a", 0.0)], Mode::Add).unwrap();
    store.modify_collection("notes", rename("letters")).unwrap();
    notes.write_rows([row("b", 1.0)], Mode::Add).unwrap();
    assert_eq!((notes.count().unwrap(), store.collection("letters").unwrap().count().unwrap()), (2, 2));
    // Another takes its first name, then its second.
    store.create_collection(name("notes"), NewCollection::default()).unwrap();
    assert_eq!((notes.count().unwrap(), store.collection("notes").unwrap().count().unwrap()), (2, 0));
    assert_eq!(notes.modify(rename("papers")).unwrap().name, name("papers"));
    store.drop_collection("papers").unwrap();
    store.create_collection(name("papers"), NewCollection::default()).unwrap();
    assert!(matches!(notes.count(), Err(Error::CollectionNotFound { .. })));
    assert!(notes.write_rows([row("c", 2.0)], Mode::Add).is_err());
    assert!(notes.delete(&[huedb::RecordId::parse("a").unwrap()]).is_err());
    assert_eq!(store.collection("papers").unwrap().count().unwrap(), 0);
}

#[test]
fn a_handle_by_identity_sees_its_own_database_alone() {
    let (_folder, store, info) = with_notes();
    store.create_tenant(&TenantName::parse("acme").unwrap()).unwrap();
    let other = store.in_scope(Scope { tenant: "acme".into(), database: "main".into() });
    other.create_database(&DatabaseName::parse("main").unwrap()).unwrap();
    assert!(store.collection_by_id(info.id).count().is_ok());
    assert!(matches!(other.collection_by_id(info.id).count(), Err(Error::CollectionNotFound { .. })));
}

#[test]
fn a_copy_has_the_same_records_in_the_same_order_and_an_identity_of_its_own() {
    let (_folder, store, info) = with_notes();
    let notes = store.collection_by_id(info.id);
    notes.write_rows((0..50).map(|n| row(&format!("{}", 97 - n), n as f32)), Mode::Add).unwrap();
    notes.delete(&[huedb::RecordId::parse("90").unwrap()]).unwrap();
    let copied = notes.copy(name("copy")).unwrap();
    assert!(copied.id != info.id && copied.dimension == Some(2));
    let read = |collection: &huedb::Collection| {
        let page = collection.find(&RecordQuery::default(), Include::ALL).unwrap();
        page.records().collect::<huedb::Result<Vec<_>>>().unwrap()
    };
    let copy = store.collection("copy").unwrap();
    assert_eq!(read(&copy), read(&notes));
    copy.delete(&[huedb::RecordId::parse("97").unwrap()]).unwrap();
    assert_eq!((copy.count().unwrap(), notes.count().unwrap()), (48, 49));
    assert!(matches!(notes.copy(name("others")), Err(Error::CollectionExists { .. })));
    assert_eq!(store.check(None, Depth::Deep).unwrap(), []);
}

#[test]
fn writes_that_are_done_together_share_a_commit() {
    let (_folder, store, info) = with_notes();
    let (notes, others) = (store.collection_by_id(info.id), store.collection("others").unwrap());
    notes.write_rows([row("a", 0.0)], Mode::Add).unwrap();
    let before = store.commits();
    let change = |id: &str, embedding: &[f32]| huedb::Change {
        id: huedb::RecordId::parse(id).unwrap(),
        embedding: Some(embedding.to_vec()),
        embedded_here: false,
        document: None,
        uri: None,
        metadata: MetadataPatch::default(),
    };
    let outcomes = store.write_together(vec![
        notes.to_apply(vec![change("b", &[1.0, 1.0])], Mode::Add),
        notes.to_apply(vec![change("c", &[1.0, 1.0, 1.0])], Mode::Add),
        others.to_apply(vec![change("d", &[1.0, 1.0, 1.0])], Mode::Upsert),
        notes.to_delete(&RecordQuery::default()).unwrap(),
    ]);
    assert!(matches!(outcomes[0], Ok(Outcome::Effects(_))) && outcomes[1].is_err() && outcomes[2].is_ok());
    assert!(matches!(outcomes[3], Ok(Outcome::Deleted(1))), "what was found when it was asked for: {outcomes:?}");
    assert_eq!((store.commits() - before, notes.count().unwrap(), others.count().unwrap()), (1, 1, 1));
}

#[test]
fn a_reset_leaves_the_default_tenant_and_nothing_in_it() {
    let (_folder, store, info) = with_notes();
    store.create_tenant(&TenantName::parse("acme").unwrap()).unwrap();
    let other = store.in_scope(Scope { tenant: "acme".into(), database: "main".into() });
    other.create_database(&DatabaseName::parse("main").unwrap()).unwrap();
    other.create_collection(name("notes"), NewCollection::default()).unwrap();
    store.collection_by_id(info.id).write_rows([row("a", 0.0)], Mode::Add).unwrap();
    store.reset().unwrap();
    assert_eq!(store.tenants().unwrap(), [Scope::DEFAULT_TENANT]);
    assert_eq!(store.databases().unwrap().len(), 1);
    assert!(store.collections().unwrap().is_empty());
    assert_eq!(store.check(None, Depth::Deep).unwrap(), []);
}

#[test]
fn a_handle_goes_on_with_the_file_that_was_put_in_its_place() {
    let (folder, store, info) = with_notes();
    let notes = store.collection_by_id(info.id);
    notes.write_rows([row("a", 0.0)], Mode::Add).unwrap();
    let backup = folder.path().join("backup.redb");
    store.backup(&backup, false).unwrap();
    notes.write_rows([row("b", 1.0)], Mode::Add).unwrap();
    let reader = open(store.path(), Access::Read).unwrap();
    assert!(!store.follow().unwrap() && !reader.follow().unwrap());
    restore(&backup, store.path(), true, &options()).unwrap();
    assert!(notes.write_rows([row("c", 2.0)], Mode::Add).is_err(), "the old file has lost its name");
    assert!(store.follow().unwrap() && reader.follow().unwrap());
    assert_eq!((notes.count().unwrap(), reader.collection_by_id(info.id).count().unwrap()), (1, 1));
    notes.write_rows([row("c", 2.0)], Mode::Add).unwrap();
    assert_eq!(reader.collection("notes").unwrap().count().unwrap(), 2);
    std::fs::remove_file(store.path()).unwrap();
    assert!(matches!(store.follow(), Err(Error::FileNotFound { .. })));
}
