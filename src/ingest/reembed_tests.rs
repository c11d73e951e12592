//! Re-embedding against what a collection embedded from the start has, with others that write meanwhile.

use redb::ReadableTable;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::embed::{HashEmbedder, TextRole};
use crate::record::random::Random;
use crate::record::{CollectionName, MetadataPatch, Space};
use crate::store::{Access, Change, Depth, Form, Include, Mode, NewCollection, Store, VECTORS};

const OLD: usize = 24;
const NEW: usize = 2048;

fn below(random: &mut Random, end: usize) -> usize {
    usize::try_from(random.below(end as u64)).unwrap()
}

fn id(row: usize) -> RecordId {
    RecordId::parse(format!("r{row}")).unwrap()
}

fn text(row: usize) -> String {
    format!("text of number {row} of many")
}

fn change(row: usize, document: &str) -> Change {
    let embedding = HashEmbedder::new(OLD).embed_one(document, TextRole::Document).unwrap();
    Change {
        id: id(row),
        embedding: Some(embedding),
        embedded_here: true,
        document: Some(document.into()),
        uri: None,
        metadata: MetadataPatch::from_json(json!({"row": row})).unwrap(),
    }
}

/// A file with two collections; `notes` has this many records.
fn notes(rows: usize) -> (TempDir, Store) {
    let folder = TempDir::new().unwrap();
    let store = Store::open(folder.path().join("test.redb"), Access::Create).unwrap();
    for name in ["notes", "other"] {
        let embedder = Some(HashEmbedder::new(OLD).fingerprint().clone());
        let new = NewCollection { space: Space::L2, embedder, ..NewCollection::default() };
        store.create_collection(CollectionName::parse(name).unwrap(), new).unwrap();
        store.collection(name).unwrap().add((0..rows).map(|row| change(row, &text(row)))).unwrap();
    }
    (folder, store)
}

#[track_caller]
fn assert_sound(store: &mut Store) {
    assert_eq!(store.check(None, Depth::Deep).unwrap(), []);
}

/// Checks that every record of `notes` has the embedding that a model makes of its document, and is found by it.
#[track_caller]
fn assert_embedded_by(store: &Store, dimension: usize) {
    let view = store.view("notes").unwrap();
    let model = HashEmbedder::new(dimension);
    assert_eq!(view.info().embedder.as_ref(), Some(model.fingerprint()));
    assert_eq!(view.info().dimension, Some(dimension));
    assert_eq!(view.live().len(), view.counts().records);
    assert_eq!(view.live().range_cardinality(view.sealed_until().0..), view.counts().tail);
    for ordinal in view.live() {
        let record = view.record(Ordinal(ordinal), Include::ALL).unwrap();
        let made = model.embed_one(record.document.as_deref().unwrap(), TextRole::Document).unwrap();
        assert_eq!(record.embedding, Some(made), "{ordinal}");
    }
}

/// Runs until `heard` was called so many times.
fn run_until(store: &Store, calls: usize) -> Result<Reembedded> {
    let mut left = calls;
    reembed(&store.collection("notes").unwrap(), &HashEmbedder::new(NEW), &mut |_| {
        left = left.checked_sub(1).ok_or(Error::Interrupted)?;
        Ok(())
    })
}

fn texts_without_embeddings(store: &Store) -> Vec<crate::record::Record> {
    let view = store.view("notes").unwrap();
    view.live().iter().map(|ordinal| view.record(Ordinal(ordinal), Include::TEXT).unwrap()).collect()
}

#[test]
fn a_collection_is_as_if_the_other_model_had_made_it() {
    let (_folder, mut store) = notes(700);
    store.collection("notes").unwrap().delete(&[id(3), id(699)]).unwrap();
    let before = texts_without_embeddings(&store);
    let done = run_until(&store, usize::MAX).unwrap();
    assert_eq!(done, Reembedded { embedded: 698, cut: 0, done: 698, records: 698 });
    assert_embedded_by(&store, NEW);
    assert_eq!(texts_without_embeddings(&store), before);
    let other = store.view("other").unwrap();
    assert_eq!((other.info().dimension, other.counts().records), (Some(OLD), 700));
    drop(other);
    assert_sound(&mut store);
    // Nothing of the old embeddings is left, and once more is nothing to do.
    assert_eq!(run_until(&store, 0).unwrap().embedded, 0);
    let rows = store.read(|tx| {
        let vectors = tx.open_table(VECTORS)?;
        Ok(vectors.iter()?.filter(|row| row.as_ref().unwrap().0.value().starts_with(&[0, 0, 0, 0])).count())
    });
    assert_eq!(rows.unwrap(), 0);
    // And what is done to it afterwards is done to the new embeddings.
    let notes = store.collection("notes").unwrap();
    notes.delete(&[id(5)]).unwrap();
    store.collection("other").unwrap().delete(&[id(5)]).unwrap();
    drop(notes);
    assert_sound(&mut store);
}

#[test]
fn searches_see_the_old_model_until_the_end_and_a_run_goes_on_where_one_stopped() {
    let (_folder, mut store) = notes(1400);
    let mut done = 0;
    for calls in [1, 1, 2] {
        assert!(matches!(run_until(&store, calls), Err(Error::Interrupted)));
        assert_embedded_by(&store, OLD);
        assert_sound(&mut store);
        let view = store.view("notes").unwrap();
        assert_eq!(view.next_embedder(), Some(HashEmbedder::new(NEW).fingerprint()));
        let now = view.reembedded(0);
        assert!(now.done > done && now.done < 1400, "{now:?}");
        done = now.done;
    }
    let rest = run_until(&store, usize::MAX).unwrap();
    assert_eq!(rest.embedded, 1400 - done);
    assert_embedded_by(&store, NEW);
    assert_sound(&mut store);
}

#[test]
fn what_others_do_meanwhile_is_done_to_the_new_embeddings_too() {
    let mut random = Random::new();
    let (_folder, mut store) = notes(600);
    let mut next = 600;
    let mut calls = 0;
    let outcome = reembed(&store.collection("notes").unwrap(), &HashEmbedder::new(NEW), &mut |_| {
        calls += 1;
        if calls > 12 {
            return Ok(());
        }
        let notes = store.collection("notes")?;
        // Added, replaced, reworded and deleted, of what is embedded already and of what is not.
        let added: Vec<usize> = (next..next + below(&mut random, 40)).collect();
        next += added.len();
        notes.add(added.iter().map(|row| change(*row, &text(*row))))?;
        let some: Vec<usize> = (0..20).map(|_| below(&mut random, next)).collect();
        let reworded = some.iter().map(|row| change(*row, &format!("{} {calls}", text(*row))));
        notes.apply(reworded, Mode::Update)?;
        let gone: Vec<RecordId> = (0..60).map(|_| id(below(&mut random, next))).collect();
        notes.delete(&gone)?;
        // Of one batch, in one transaction.
        let row = next;
        next += 1;
        notes.apply([change(row, "first"), change(row, "second")], Mode::Upsert)?;
        Ok(())
    });
    let outcome = outcome.unwrap();
    assert!(outcome.embedded > 600, "{outcome:?} {random:?}");
    assert_embedded_by(&store, NEW);
    assert_sound(&mut store);
}

#[test]
fn interrupted_runs_survive_deletes_and_changes_between_them() {
    let mut random = Random::new();
    let (_folder, mut store) = notes(900);
    for _ in 0..6 {
        let _ = run_until(&store, 1);
        let notes = store.collection("notes").unwrap();
        let gone: Vec<RecordId> = (0..100).map(|_| id(below(&mut random, 900))).collect();
        notes.delete(&gone).unwrap();
        let reworded = (0..30).map(|_| below(&mut random, 900)).map(|row| change(row, "another text"));
        notes.apply(reworded.collect::<Vec<_>>(), Mode::Update).unwrap();
        drop(notes);
        assert_sound(&mut store);
    }
    run_until(&store, usize::MAX).unwrap();
    assert_embedded_by(&store, NEW);
    assert_sound(&mut store);
}

#[test]
fn two_runs_at_once_do_no_harm() {
    let (_folder, mut store) = notes(1100);
    std::thread::scope(|scope| {
        let runs = [0, 1].map(|_| scope.spawn(|| run_until(&store, usize::MAX)));
        for run in runs {
            run.join().unwrap().unwrap();
        }
    });
    assert_embedded_by(&store, NEW);
    assert_sound(&mut store);
}

#[test]
fn a_record_without_a_document_is_refused_before_anything_is_embedded() {
    let (_folder, mut store) = notes(10);
    let bare = Change { document: None, embedded_here: false, ..change(10, "") };
    store.collection("notes").unwrap().add([bare]).unwrap();
    let error = run_until(&store, usize::MAX).unwrap_err();
    assert!(error.to_string().ends_with("1; the first is \"r10\""), "{error}");
    assert!(error.hint().unwrap().contains("delete them"));
    assert_eq!(store.view("notes").unwrap().next_embedder(), None);
    assert_embedded_by_old_but_bare(&store);
    assert_sound(&mut store);
}

fn assert_embedded_by_old_but_bare(store: &Store) {
    let view = store.view("notes").unwrap();
    assert_eq!((view.info().dimension, view.counts().records), (Some(OLD), 11));
}

#[test]
fn another_model_waits_for_the_first_or_for_its_end() {
    let (_folder, mut store) = notes(600);
    assert!(run_until(&store, 2).is_err());
    let notes = store.collection("notes").unwrap();
    let third = HashEmbedder::new(16);
    let error = reembed(&notes, &third, &mut |_| Ok(())).unwrap_err();
    assert!(error.to_string().contains("hash-2048") && error.hint().unwrap().contains("discard"), "{error}");
    assert_eq!(notes.discard_reembedding().unwrap().as_ref(), Some(HashEmbedder::new(NEW).fingerprint()));
    assert_eq!(notes.discard_reembedding().unwrap(), None);
    reembed(&notes, &third, &mut |_| Ok(())).unwrap();
    drop(notes);
    assert_embedded_by(&store, 16);
    assert_sound(&mut store);
}

#[test]
fn a_dropped_collection_takes_both_its_embeddings_along() {
    let (_folder, mut store) = notes(600);
    assert!(run_until(&store, 2).is_err());
    store.drop_collection("notes").unwrap();
    assert_sound(&mut store);
}

#[test]
fn embeddings_of_the_old_model_are_refused_after_the_change() {
    let (_folder, store) = notes(10);
    let notes = store.collection("notes").unwrap();
    let old = HashEmbedder::new(OLD).fingerprint().clone();
    run_until(&store, usize::MAX).unwrap();
    // What an import had embedded when the model changed; of the same dimension it would not be noticed.
    let batch = [(change(11, "late"), Form::Record)];
    let error = notes.apply_prepared(batch, Mode::Upsert, true, Some(&old)).unwrap_err();
    assert!(matches!(error, Error::ModelMismatch { .. }), "{error}");
    assert_eq!(notes.count().unwrap(), 10);
}

#[test]
fn the_space_of_the_old_embeddings_is_given_back() {
    let (_folder, mut store) = notes(2000);
    run_until(&store, usize::MAX).unwrap();
    let compacted = store.compact().unwrap();
    run_back(&store);
    let back = store.compact().unwrap();
    assert!(back.after * 3 < compacted.after, "{back:?} {compacted:?}");
    assert_sound(&mut store);
}

fn run_back(store: &Store) {
    reembed(&store.collection("notes").unwrap(), &HashEmbedder::new(OLD), &mut |_| Ok(())).unwrap();
}
