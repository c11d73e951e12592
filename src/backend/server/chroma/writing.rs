//! Writes to a Chroma server: a file's own code decides on a copy of what they touch, and the difference is sent.
//!
//! Invariant: a record that is beyond a quota is refused before anything is sent; what is sent may be sent again; new
//! records come first and deletions last, so that a write that breaks off has lost nothing.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value as Json, json};

use super::quota::Quota;
use super::records::ChromaRecords;
use super::word_index::sent;
use crate::backend::LocalRecords;
use crate::backend::records::bytes_of;
use crate::error::Result;
use crate::query::{Filter, RecordQuery, Scalar, Test};
use crate::record::embedding_text::to_base64;
use crate::record::{Chunk, Metadata, Record, RecordId, Value};
use crate::store::{Change, Collection, Form, Include};

/// Bytes of one request, well below the 40 MiB that Chroma takes.
const REQUEST_BYTES: usize = 16 << 20;

/// What a write may touch.
#[derive(Debug, Default)]
pub(super) struct Touched {
    pub(super) ids: Vec<RecordId>,
    /// Documents whose parts may be replaced.
    pub(super) documents: Vec<RecordId>,
}

impl Touched {
    pub(super) fn by(changes: &[(Change, Form)]) -> Self {
        let (mut ids, mut documents) = (HashSet::new(), HashSet::new());
        for (change, form) in changes {
            ids.insert(change.id.clone());
            match form {
                Form::Record => {}
                Form::Whole => drop(documents.insert(change.id.clone())),
                Form::Part { part, .. } => {
                    ids.insert(part.of.clone());
                    documents.insert(part.of.clone());
                }
            }
        }
        Self { ids: ids.into_iter().collect(), documents: documents.into_iter().collect() }
    }
}

/// Does a write on a copy of what it touches, and sends what became different.
pub(super) fn through_copy<T>(
    records: &ChromaRecords,
    touched: &Touched,
    work: impl FnOnce(&Collection) -> Result<T>,
) -> Result<T> {
    let info = records.described()?.info;
    let mut before: HashMap<RecordId, Record> = HashMap::new();
    let mut found = records.by_ids(&touched.ids, Include::ALL)?;
    for of in touched.documents.chunks(100) {
        let of = of.iter().map(|of| Scalar::Str(of.as_str().to_owned())).collect();
        let parts = Filter::Test(Test::In { key: Chunk::OF.to_owned(), values: of, negated: false });
        found.extend(records.all(&RecordQuery { filter: Some(parts), ..RecordQuery::default() }, Include::ALL)?);
    }
    found.retain(|record| before.insert(record.id.clone(), record.clone()).is_none());
    let copy = LocalRecords::copy_of(&info, found.into_iter().map(Ok))?;
    let outcome = work(&copy.collection)?;
    let (mut added, mut changed) = (Vec::new(), Vec::new());
    let words = records.words()?;
    let quota = records.quota()?.with_kept_keys(usize::from(words.is_some()));
    for after in copy.collection.find(&RecordQuery::default(), Include::ALL)?.records() {
        let after = after?;
        match before.remove(&after.id) {
            None => {
                quota.check(&after)?;
                added.push(after);
            }
            Some(before) if before != after => {
                quota.check(&after)?;
                changed.push((before, after));
            }
            Some(_) => {}
        }
    }
    let removed: Vec<RecordId> = before.into_keys().collect();
    let words = words.as_deref();
    records.add(quota, words, &added)?;
    records.update(quota, words, changed)?;
    records.delete(&removed)?;
    Ok(outcome)
}

impl ChromaRecords {
    fn add(&self, quota: Quota, words: Option<&str>, records: &[Record]) -> Result<()> {
        for batch in batches(records, quota, bytes_of) {
            let embeddings: Vec<Json> =
                batch.iter().map(|record| self.embedding(record.embedding.as_deref())).collect();
            let metadata = |record: &Record| sent(record.metadata.as_ref(), record.document.as_deref(), words);
            let metadatas: Vec<Json> = batch.iter().map(metadata).collect();
            let body = json!({
                "ids": column(batch, |record| &record.id), "embeddings": embeddings, "metadatas": metadatas,
                "documents": column(batch, |record| &record.document), "uris": column(batch, |record| &record.uri),
            });
            self.post("add", &body)?;
        }
        Ok(())
    }

    fn update(&self, quota: Quota, words: Option<&str>, changed: Vec<(Record, Record)>) -> Result<()> {
        // Chroma takes no document or uri away, so such a record is made anew.
        let loses = |(before, after): &(Record, Record)| {
            before.document.is_some() && after.document.is_none() || before.uri.is_some() && after.uri.is_none()
        };
        let (anew, changed): (Vec<_>, Vec<_>) = changed.into_iter().partition(loses);
        for batch in batches(&changed, quota, |(_, after)| bytes_of(after)) {
            let differs = |pair: &(Record, Record)| pair.0.embedding != pair.1.embedding;
            let new = |pair: &'_ (Record, Record)| pair.1.embedding.clone().filter(|_| differs(pair));
            let embeddings: Vec<Json> = batch.iter().map(|pair| self.embedding(new(pair).as_deref())).collect();
            let metadatas: Vec<Json> = batch.iter().map(|(before, after)| patch(before, after, words)).collect();
            let body = json!({
                "ids": column(batch, |(_, after)| &after.id), "embeddings": embeddings, "metadatas": metadatas,
                "documents": column(batch, |(_, after)| &after.document), "uris": column(batch, |(_, after)| &after.uri),
            });
            self.post("update", &body)?;
        }
        let (ids, records): (Vec<RecordId>, Vec<Record>) =
            anew.into_iter().map(|(_, after)| (after.id.clone(), after)).unzip();
        self.delete(&ids)?;
        self.add(quota, words, &records)
    }

    pub(super) fn delete(&self, ids: &[RecordId]) -> Result<()> {
        for ids in ids.chunks(self.quota()?.writes) {
            self.post("delete", &json!({ "ids": ids }))?;
        }
        Ok(())
    }

    /// Writes an embedding as the server takes it.
    fn embedding(&self, embedding: Option<&[f32]>) -> Json {
        match embedding {
            Some(embedding) if self.connection.takes_base64() => to_base64(embedding).into(),
            embedding => json!(embedding),
        }
    }
}

/// Returns what to say of metadata for one to become the other: Chroma merges, and null takes a key away.
fn patch(before: &Record, after: &Record, words: Option<&str>) -> Json {
    let of = |record: &Record| -> Map<String, Json> {
        let entries = record.metadata.iter().flat_map(Metadata::iter);
        entries.map(|(key, value)| (key.to_owned(), Value::to_json(value))).collect()
    };
    // Words follow their document.
    let document = after.document.as_deref().filter(|_| before.document != after.document);
    let made = sent(None, document, words);
    let (before, mut after) = (of(before), of(after));
    let gone: Vec<String> = before.keys().filter(|key| !after.contains_key(*key)).cloned().collect();
    after.retain(|key, value| before.get(key) != Some(value));
    after.extend(gone.into_iter().map(|key| (key, Json::Null)));
    after.extend(made.as_object().cloned().unwrap_or_default());
    if after.is_empty() { Json::Null } else { Json::Object(after) }
}

fn column<'r, T, V: serde::Serialize + 'r>(records: &'r [T], part: impl Fn(&'r T) -> &'r V) -> Json {
    json!(records.iter().map(part).collect::<Vec<_>>())
}

/// Cuts what is written into requests that a server takes.
fn batches<T>(mut rest: &[T], quota: Quota, bytes: impl Fn(&T) -> usize) -> Vec<&[T]> {
    let mut cut = Vec::new();
    while !rest.is_empty() {
        let mut sum = 0;
        let fits = rest.iter().take(quota.writes).take_while(|item| {
            let is_first = sum == 0;
            sum += bytes(item);
            is_first || sum <= REQUEST_BYTES
        });
        let (batch, left) = rest.split_at(fits.count().max(1));
        cut.push(batch);
        rest = left;
    }
    cut
}
