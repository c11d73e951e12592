//! The operations, each on a small file of its own.

use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::disk::{folder, undisturbed};
use crate::embed::{Embedder, HashEmbedder};
use crate::error::Result;
use crate::index::{build_clusters, build_graph, unwatched};
use crate::ingest::{Ingest, OnError, ParsedBatch, Preparer, reembed};
use crate::record::{CollectionName, MetadataPatch, NewRecord, Origin, RecordId};
use crate::store::fault_injection::{Disk, Fault};
use crate::store::{Access, Change, CollectionChange, MAX_DIMENSION, Mode, NewCollection, Store, rows_per_segment};

/// The collection that an operation makes.
pub(super) const NEW: &str = "new";
/// The collection that operations work on.
const NOTES: &str = "notes";
/// The collection that stays as it is.
const OTHER: &str = "other";
const DIMENSION: usize = 16;
/// Long enough that few rows fill a segment.
const LONG: usize = MAX_DIMENSION;
const ROWS: usize = 24;

type RunOperation = fn(&Path, &mut dyn FnMut()) -> Result<()>;

/// What is done, and to which file.
pub(super) struct CrashOperation {
    pub(super) name: &'static str,
    /// The file before; empty when there is none.
    before: Vec<u8>,
    /// Does it, and calls back after each acknowledged write.
    pub(super) run: RunOperation,
    /// Does the same and acknowledges each write before the next, where `run` may write on meanwhile.
    pub(super) one_by_one: Option<RunOperation>,
    /// Whether it can be run again wherever it ended, and then does the rest.
    pub(super) goes_on: bool,
    /// Whether the rig can tell what a loss of power leaves.
    pub(super) survives_power: bool,
}

impl CrashOperation {
    fn new(name: &'static str, before: Vec<u8>, run: RunOperation) -> Self {
        Self { name, before, run, one_by_one: None, goes_on: false, survives_power: true }
    }

    /// Makes its file.
    pub(super) fn file(&self) -> (TempDir, PathBuf) {
        let (folder, path) = folder();
        if !self.before.is_empty() {
            std::fs::write(&path, &self.before).unwrap();
        }
        (folder, path)
    }
}

fn row(i: usize, text: &str, metadata: Json) -> NewRecord {
    NewRecord {
        id: RecordId::parse(format!("r{i}")).unwrap(),
        embedding: None,
        embedded_here: false,
        document: Some(format!("{text} of row {i}")),
        uri: i.is_multiple_of(3).then(|| format!("file:///{i}")),
        metadata: MetadataPatch::from_json(metadata).unwrap(),
        part: None,
        origin: Origin { source: "rows".into(), line: 0 },
    }
}

fn change(i: usize, text: &str) -> Change {
    let row = row(i, text, json!({"n": i, "even": i.is_multiple_of(2), "tags": ["a", text]}));
    let embedding = (0..DIMENSION).map(|at| ((i * 31 + at * 7 + text.len()) % 13) as f32 - 6.0).collect();
    Change {
        id: row.id,
        embedding: Some(embedding),
        embedded_here: false,
        document: row.document,
        uri: row.uri,
        metadata: row.metadata,
    }
}

fn ids(rows: std::ops::Range<usize>) -> Vec<RecordId> {
    rows.map(|i| RecordId::parse(format!("r{i}")).unwrap()).collect()
}

fn name(name: &str) -> CollectionName {
    CollectionName::parse(name).unwrap()
}

/// A file with two collections of records, changed and deleted ones among them, that `more` is done to.
fn file(bm25: bool, more: impl FnOnce(&mut Store) -> Result<()>) -> Vec<u8> {
    let (_folder, path) = folder();
    undisturbed(&path, || {
        let mut store = Store::open_in_test(&path, Access::Create)?;
        let embedder = Some(HashEmbedder::new(DIMENSION).fingerprint().clone());
        store.create_collection(name(NOTES), NewCollection { embedder, bm25, ..NewCollection::default() })?;
        store.create_collection(name(OTHER), NewCollection::default())?;
        for collection in [NOTES, OTHER] {
            let collection = store.collection(collection)?;
            collection.add((0..ROWS).map(|i| change(i, "first")))?;
            collection.apply((3..6).map(|i| change(i, "second")), Mode::Update)?;
            collection.delete(&ids(8..11))?;
        }
        more(&mut store)?;
        store.close()
    })
    .unwrap();
    std::fs::read(path).unwrap()
}

fn with_graph(store: &mut Store) -> Result<()> {
    build_graph(&store.collection(NOTES)?, 1, &unwatched).map(drop)
}

/// The file of most operations: it has a graph and knows its words.
fn whole() -> Vec<u8> {
    file(true, with_graph)
}

/// Does one thing in one write.
fn once<T>(path: &Path, acknowledge: &mut dyn FnMut(), work: impl FnOnce(&mut Store) -> Result<T>) -> Result<()> {
    drop(Store::open_in_test(path, Access::Read)?);
    let mut store = Store::open_in_test(path, Access::Write)?;
    work(&mut store)?;
    acknowledge();
    store.close()
}

pub(super) fn making_a_file() -> CrashOperation {
    let operation = CrashOperation::new("making a file", Vec::new(), |path, acknowledge| {
        let store = Store::open_in_test(path, Access::Create)?;
        acknowledge();
        store.create_collection(name(NEW), NewCollection::default())?;
        acknowledge();
        store.close()
    });
    // It is made under another name.
    CrashOperation { survives_power: false, ..operation }
}

pub(super) fn creating_a_collection() -> CrashOperation {
    CrashOperation::new("creating a collection", whole(), |path, acknowledge| {
        once(path, acknowledge, |store| store.create_collection(name(NEW), NewCollection::default()))
    })
}

pub(super) fn adding() -> CrashOperation {
    CrashOperation::new("adding", whole(), |path, acknowledge| {
        once(path, acknowledge, |store| store.collection(NOTES)?.add((20..30).map(|i| change(i, "third"))))
    })
}

/// Adds enough long documents for a dictionary.
pub(super) fn packing() -> CrashOperation {
    fn long(i: usize) -> Change {
        let words =
            (0..160).map(|at| ["alpha ", "beta ", "gamma, ", "delta ", "epsilon. "][(i * 31 + at * at * 7 / 3) % 5]);
        Change { document: Some(words.collect()), ..change(i, "packed") }
    }
    CrashOperation::new("packing", whole(), |path, acknowledge| {
        once(path, acknowledge, |store| store.collection(NOTES)?.add((100..300).map(long)))
    })
}

pub(super) fn updating() -> CrashOperation {
    CrashOperation::new("updating", whole(), |path, acknowledge| {
        once(path, acknowledge, |store| {
            store.collection(NOTES)?.apply((0..30).map(|i| change(i, "fourth")), Mode::Update)
        })
    })
}

pub(super) fn upserting() -> CrashOperation {
    CrashOperation::new("upserting", whole(), |path, acknowledge| {
        once(path, acknowledge, |store| {
            store.collection(NOTES)?.apply((10..30).map(|i| change(i, "fifth")), Mode::Upsert)
        })
    })
}

pub(super) fn importing() -> CrashOperation {
    let operation = CrashOperation::new("importing", whole(), |path, acknowledge| import(path, acknowledge, true));
    let one_by_one: RunOperation = |path, acknowledge| import(path, acknowledge, false);
    CrashOperation { one_by_one: Some(one_by_one), goes_on: true, ..operation }
}

/// Imports four batches, two of which overlap; batches are prepared while others are written, or one by one.
fn import(path: &Path, acknowledge: &mut dyn FnMut(), at_once: bool) -> Result<()> {
    let view = Store::open_in_test(path, Access::Read)?.view(NOTES)?;
    let embedder = HashEmbedder::new(DIMENSION);
    let mut preparer = Preparer::new(view.info(), Some(&embedder), Mode::Upsert, OnError::Stop)?;
    let batch = |rows: std::ops::Range<usize>| -> ParsedBatch {
        rows.map(|i| Ok(row(i, "imported", json!({"n": i, "new": true})))).collect()
    };
    let first = preparer.prepare(&view, batch(15..25))?;
    drop(view);
    let store = Store::open_in_test(path, Access::Write)?;
    let notes = store.collection(NOTES)?;
    let mut ingest = Ingest::new(&notes, preparer);
    let rest = [batch(25..35), batch(30..40), batch(40..60)].into_iter();
    let mut heard = |stored: bool| {
        if stored {
            acknowledge();
        }
        Ok(())
    };
    if at_once {
        ingest.store_all(first, rest, |stored| heard(stored.is_some()))?;
    } else {
        ingest.store_all(first, std::iter::empty(), |stored| heard(stored.is_some()))?;
        for batch in rest {
            let embedder = HashEmbedder::new(DIMENSION);
            let view = notes.view()?;
            let mut preparer = Preparer::new(view.info(), Some(&embedder), Mode::Upsert, OnError::Stop)?;
            let ready = preparer.prepare(&view, batch)?;
            Ingest::new(&notes, preparer).store(ready)?;
            heard(true)?;
        }
    }
    store.close()
}

pub(super) fn filling_a_segment() -> CrashOperation {
    fn long(i: usize) -> Change {
        let embedding = (0..LONG).map(|at| ((i * 31 + at * 7) % 13) as f32 - 6.0).collect();
        Change { embedding: Some(embedding), ..change(i, "long") }
    }
    let before = file(false, |store| {
        store.create_collection(name(NEW), NewCollection::default())?;
        store.collection(NEW)?.add((0..rows_per_segment(LONG) - 2).map(long)).map(drop)
    });
    CrashOperation::new("filling a segment", before, |path, acknowledge| {
        let store = Store::open_in_test(path, Access::Write)?;
        let new = store.collection(NEW)?;
        new.add((rows_per_segment(LONG) - 2..rows_per_segment(LONG) + 2).map(long))?;
        acknowledge();
        new.sketch()?;
        acknowledge();
        store.close()
    })
}

pub(super) fn deleting() -> CrashOperation {
    CrashOperation::new("deleting", whole(), |path, acknowledge| {
        once(path, acknowledge, |store| store.collection(NOTES)?.delete(&ids(5..20)))
    })
}

pub(super) fn indexing() -> CrashOperation {
    let stale = file(true, |store| {
        with_graph(store)?;
        store.collection(NOTES)?.apply((18..40).map(|i| change(i, "later")), Mode::Upsert).map(drop)
    });
    CrashOperation::new("indexing", stale, |path, acknowledge| once(path, acknowledge, with_graph))
}

pub(super) fn indexing_words() -> CrashOperation {
    CrashOperation::new("indexing words", file(false, |_| Ok(())), |path, acknowledge| {
        once(path, acknowledge, |store| store.collection(NOTES)?.index_documents(true))
    })
}

pub(super) fn dropping_an_index() -> CrashOperation {
    CrashOperation::new("dropping an index", whole(), |path, acknowledge| {
        once(path, acknowledge, |store| store.collection(NOTES)?.drop_graph())
    })
}

fn with_clusters(store: &mut Store) -> Result<()> {
    build_clusters(&store.collection(NOTES)?, 1, &unwatched).map(drop)
}

pub(super) fn clustering() -> CrashOperation {
    let operation =
        CrashOperation::new("clustering", whole(), |path, acknowledge| once(path, acknowledge, with_clusters));
    CrashOperation { goes_on: true, ..operation }
}

pub(super) fn extending_clusters() -> CrashOperation {
    let older = file(true, |store| {
        with_clusters(store)?;
        store.collection(NOTES)?.apply((20..30).map(|i| change(i, "later")), Mode::Upsert).map(drop)
    });
    let operation =
        CrashOperation::new("extending clusters", older, |path, acknowledge| once(path, acknowledge, with_clusters));
    CrashOperation { goes_on: true, ..operation }
}

/// A file with much to give back.
fn with_holes() -> Vec<u8> {
    file(true, |store| {
        let notes = store.collection(NOTES)?;
        notes.add((100..300).map(|i| change(i, "deleted")))?;
        notes.delete(&ids(100..290)).map(drop)
    })
}

pub(super) fn compacting() -> CrashOperation {
    CrashOperation::new("compacting", with_holes(), |path, acknowledge| {
        once(path, acknowledge, |store| store.compact())
    })
}

pub(super) fn embedding_anew() -> CrashOperation {
    let operation = CrashOperation::new("embedding anew", whole(), |path, acknowledge| {
        let store = Store::open_in_test(path, Access::Write)?;
        let notes = store.collection(NOTES)?;
        reembed(&notes, &HashEmbedder::new(2 * DIMENSION), &mut |_| {
            acknowledge();
            Ok(())
        })?;
        acknowledge();
        store.close()
    });
    CrashOperation { goes_on: true, ..operation }
}

pub(super) fn renaming() -> CrashOperation {
    CrashOperation::new("renaming", whole(), |path, acknowledge| {
        let change = CollectionChange { name: Some(name("renamed")), ..CollectionChange::default() };
        once(path, acknowledge, |store| store.modify_collection(NOTES, change))
    })
}

pub(super) fn dropping_a_collection() -> CrashOperation {
    CrashOperation::new("dropping a collection", whole(), |path, acknowledge| {
        once(path, acknowledge, |store| store.drop_collection(NOTES))
    })
}

/// Opens a file for reading, which puts it right where it has to be.
fn open(path: &Path, acknowledge: &mut dyn FnMut()) -> Result<()> {
    drop(Store::open_in_test(path, Access::Read)?);
    acknowledge();
    Ok(())
}

pub(super) fn opening_after_a_kill() -> CrashOperation {
    CrashOperation::new("opening after a kill", killed(&adding(), 3), open)
}

pub(super) fn opening_after_a_killed_compaction() -> CrashOperation {
    CrashOperation::new("opening after a killed compaction", killed(&compacting(), 2), open)
}

/// The file that an operation leaves behind when it dies after so many quarters of its calls.
fn killed(operation: &CrashOperation, quarters: u64) -> Vec<u8> {
    let (_folder, path) = operation.file();
    let whole = Disk::new(&path, Fault::Never);
    whole.under(|| (operation.run)(&path, &mut || {})).unwrap();
    let (_folder, path) = operation.file();
    let dying = Disk::new(&path, Fault::Call { at: whole.calls() * quarters / 4, lasting: true });
    dying.under(|| (operation.run)(&path, &mut || {})).unwrap_err();
    std::fs::read(path).unwrap()
}
