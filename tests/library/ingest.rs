//! Texts that a model fails at or does not read to the end: which records that concerns is told, the others are stored.

use huedb::embed::{EmbedOutput, Embedder, HashEmbedder, TextRole};
use huedb::error::{Error, Result};
use huedb::ingest::{Ingest, OnError, Preparer, Tally, reembed, reembed_leaving_out};
use huedb::record::{CollectionName, Fingerprint, MetadataPatch, NewRecord, Ordinal, Origin, RecordId};
use huedb::store::{Access, Collection, Include, Mode, NewCollection, Store};
use tempfile::TempDir;

use crate::open::open;

/// Makes NaN of texts with "nan" in them, fails at those with "fail", and reads three words of any text.
struct Odd {
    inner: HashEmbedder,
}

impl Odd {
    fn new(dimension: usize) -> Self {
        Self { inner: HashEmbedder::new(dimension) }
    }
}

impl Embedder for Odd {
    fn fingerprint(&self) -> &Fingerprint {
        self.inner.fingerprint()
    }

    fn embed(&self, texts: &[&str], role: TextRole) -> Result<EmbedOutput> {
        if texts.iter().any(|text| text.contains("fail")) {
            return Err(Error::Model { model: "odd".into(), why: "it cannot".into(), hint: None });
        }
        let mut vectors = self.inner.embed(texts, role)?.vectors;
        for (vector, text) in vectors.iter_mut().zip(texts) {
            if text.contains("nan") {
                vector[0] = f32::NAN;
            }
        }
        let truncated = texts.iter().enumerate().filter(|(_, text)| text.split(' ').count() > 3).map(|(at, _)| at);
        Ok(EmbedOutput { vectors, truncated: truncated.collect() })
    }
}

fn fresh() -> (TempDir, Store) {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path().join("test.redb"), Access::Create).unwrap();
    let embedder = Some(Odd::new(8).fingerprint().clone());
    let new = NewCollection { embedder, ..NewCollection::default() };
    store.create_collection(CollectionName::parse("notes").unwrap(), new).unwrap();
    (folder, store)
}

fn row(line: u64, text: &str) -> NewRecord {
    NewRecord {
        id: RecordId::parse(format!("r{line}")).unwrap(),
        embedding: None,
        embedded_here: false,
        document: Some(text.to_owned()),
        uri: None,
        metadata: MetadataPatch::default(),
        part: None,
        origin: Origin { source: "rows.jsonl".into(), line },
    }
}

fn import(notes: &Collection, texts: &[&str], on_error: OnError) -> Result<(Tally, Vec<String>)> {
    let model = Odd::new(8);
    let view = notes.view()?;
    let mut preparer = Preparer::new(view.info(), Some(&model), Mode::Upsert, on_error)?;
    let rows = texts.iter().zip(1..).map(|(text, line)| Ok(row(line, text)));
    let ready = preparer.prepare(&view, rows)?;
    drop(view);
    let batch = Ingest::new(notes, preparer).store(ready)?;
    Ok((batch.tally, batch.refused.iter().map(ToString::to_string).collect()))
}

fn ids(notes: &Collection) -> Vec<String> {
    let view = notes.view().unwrap();
    view.live().iter().map(|ordinal| view.record(Ordinal(ordinal), Include::NONE).unwrap().id.to_string()).collect()
}

#[test]
fn an_import_names_the_record_that_the_model_fails_at() {
    let (_folder, store) = fresh();
    let notes = store.collection("notes").unwrap();
    let texts = ["red fox", "nan", "blue whale", "fail", "green frog"];
    let error = import(&notes, &texts, OnError::Stop).unwrap_err();
    let place = matches!(&error, Error::BadRow { source, line: 2, .. } if source == "rows.jsonl");
    assert!(place && error.to_string().contains("record \"r2\": "), "{error}");
    assert_eq!(notes.count().unwrap(), 0);
    let (tally, refused) = import(&notes, &texts, OnError::Skip).unwrap();
    assert_eq!((tally.added, tally.failed, tally.embedded), (3, 2, 3));
    assert_eq!(ids(&notes), ["r1", "r3", "r5"]);
    assert!(refused[0].starts_with("rows.jsonl:2: record \"r2\": ") && refused[0].contains("NaN"), "{refused:?}");
    assert!(refused[1].starts_with("rows.jsonl:4: record \"r4\": model odd: it cannot"), "{refused:?}");
    // What is embedded beside a text that fails is embedded as ever.
    let alone = HashEmbedder::new(8).embed_one("green frog", TextRole::Document).unwrap();
    let view = notes.view().unwrap();
    let found = view.ordinal(&RecordId::parse("r5").unwrap()).unwrap().unwrap();
    assert_eq!(view.embedding(found).unwrap(), alone);
}

#[test]
fn a_reembedding_names_it_too_and_leaves_it_out_when_asked_to() {
    let (_folder, store) = fresh();
    let notes = store.collection("notes").unwrap();
    // Embedded by a model that can.
    let texts: Vec<String> = (0..600).map(|n| if n == 300 { "fail".into() } else { format!("text {n}") }).collect();
    let able = HashEmbedder::new(8);
    let view = notes.view().unwrap();
    let mut preparer = Preparer::new(view.info(), Some(&able), Mode::Upsert, OnError::Stop).unwrap();
    let rows = texts.iter().zip(0..).map(|(text, line)| Ok(row(line, text)));
    let ready = preparer.prepare(&view, rows).unwrap();
    drop(view);
    Ingest::new(&notes, preparer).store(ready).unwrap();

    let other = Odd::new(16);
    let error = reembed(&notes, &other, &mut |_| Ok(())).unwrap_err();
    assert!(error.to_string().starts_with("record \"r300\": model odd: it cannot"), "{error}");
    assert_eq!(notes.view().unwrap().info().dimension, Some(8), "the old embeddings are searched");
    let mut left_out = Vec::new();
    let mut leave_out = |error: Error| {
        left_out.push(error.to_string());
        Ok(())
    };
    let done = reembed_leaving_out(&notes, &other, &mut leave_out, &mut |_| Ok(())).unwrap();
    assert_eq!((done.done, done.records, left_out.len()), (600, 600, 1));
    assert!(left_out[0].starts_with("record \"r300\": "), "{left_out:?}");
    let view = notes.view().unwrap();
    let found = view.ordinal(&RecordId::parse("r300").unwrap()).unwrap().unwrap();
    assert_eq!(view.embedding(found).unwrap(), [0.0; 16]);
    assert_eq!(store.check(None, huedb::store::Depth::Deep).unwrap(), []);
}

#[test]
fn documents_that_are_cut_are_counted_once() {
    let (_folder, store) = fresh();
    let notes = store.collection("notes").unwrap();
    let texts = ["one two three", "one two three four", "a text of many more words", "fail", "five six"];
    let (tally, _) = import(&notes, &texts, OnError::Skip).unwrap();
    assert_eq!((tally.cut, tally.embedded), (2, 4), "also where the model failed at a text beside them");
    let (again, _) = import(&notes, &texts[..2], OnError::Skip).unwrap();
    assert_eq!((again.cut, again.embedded), (0, 0), "what is stored already is not embedded again");
    notes.delete(&[RecordId::parse("r4").unwrap()]).unwrap();
    let other = Odd::new(16);
    let done = reembed(&notes, &other, &mut |_| Ok(())).unwrap();
    assert_eq!((done.cut, done.embedded), (2, 4));
}

#[test]
fn an_interrupt_leaves_no_stored_batch_untold() {
    for stop_after in 0..6 {
        let (_folder, store) = fresh();
        let notes = store.collection("notes").unwrap();
        let view = notes.view().unwrap();
        let model = HashEmbedder::new(8);
        let mut preparer = Preparer::new(view.info(), Some(&model), Mode::Upsert, OnError::Stop).unwrap();
        let batch = |n: u64| vec![Ok(row(2 * n, &format!("text {n}"))), Ok(row(2 * n + 1, "another"))];
        let first = preparer.prepare(&view, batch(0)).unwrap();
        drop(view);
        let mut ingest = Ingest::new(&notes, preparer);
        let mut heard = 0;
        let result = ingest.store_all(first, (1..200).map(batch), |stored| {
            heard += usize::from(stored.is_some());
            if heard > stop_after { Err(Error::Interrupted) } else { Ok(()) }
        });
        assert!(matches!(result, Err(Error::Interrupted)), "{result:?}");
        assert_eq!(ingest.tally().added, notes.count().unwrap(), "stopped after {stop_after}");
    }
}

#[test]
fn a_text_that_stays_keeps_its_embedding_though_its_record_is_met_again() {
    let (_folder, store) = fresh();
    let notes = store.collection("notes").unwrap();
    let own = vec![0.5; 8];
    let given = NewRecord { embedding: Some(own.clone()), ..row(1, "red fox") };
    let without_text = || NewRecord { document: None, ..row(1, "") };
    let model = Odd::new(8);
    let embedding = || {
        let view = notes.view().unwrap();
        view.record(Ordinal(0), Include::ALL).unwrap().embedding.unwrap()
    };
    for in_one_batch in [true, false] {
        // Rows, and whether the last text is another than the one before it.
        let cases = [
            (vec![given.clone(), row(1, "red fox")], false),
            (vec![without_text(), row(1, "red fox")], false),
            (vec![given.clone(), without_text(), row(1, "red fox")], false),
            (vec![row(1, "red dog"), row(1, "red fox")], true),
        ];
        for (rows, is_another) in cases {
            notes.write_rows_with([given.clone()], Mode::Upsert, &model).unwrap();
            let view = notes.view().unwrap();
            let mut preparer = Preparer::new(view.info(), Some(&model), Mode::Update, OnError::Stop).unwrap();
            let batches: Vec<Vec<NewRecord>> =
                if in_one_batch { vec![rows] } else { rows.into_iter().map(|row| vec![row]).collect() };
            let prepare = |batch: Vec<NewRecord>| preparer.prepare(&view, batch.into_iter().map(Ok)).unwrap();
            let ready: Vec<_> = batches.into_iter().map(prepare).collect();
            let mut ingest = Ingest::new(&notes, preparer);
            for batch in ready {
                ingest.store(batch).unwrap();
            }
            assert_eq!(embedding() != own, is_another, "in one batch: {in_one_batch}");
        }
    }
}
