//! The embeddings database of the `llm` tool: collections of ids, embeddings, content and metadata.
//!
//! Invariants: the file is only read; of the records one at a time is in memory, besides their numbers; what metadata here
//! cannot hold is written as text or told, not dropped in silence.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value as Json;
use uuid::{Builder, Uuid};

use super::archive::{Archive, ArchiveSize};
use super::sqlite::SqliteFile;
use crate::error::{Error, Remark, Result};
use crate::record::{
    ClientSettings, CollectionInfo, CollectionName, DumpLine, Hnsw, IndexMode, Metadata, MetadataPatch, NewRecord,
    Origin, RecordId, Scope, Space, Value, beyond_integers,
};

const COLUMNS: [[&str; 2]; 3] =
    [["collections", "model"], ["embeddings", "collection_id"], ["embeddings", "embedding"]];
const HINT: &str = "`llm collections path` prints where the file is";

/// An embeddings database, read as far as was asked for.
pub struct LlmFile {
    database: SqliteFile,
    scope: Scope,
    collections: VecDeque<LlmCollection>,
    records: u64,
    open: Option<OpenRows>,
    notices: Vec<Remark>,
}

struct LlmCollection {
    number: i64,
    info: CollectionInfo,
    records: u64,
}

struct OpenRows {
    origin: Arc<str>,
    name: String,
    /// The rows of its records, the next one last.
    rows: Vec<i64>,
    /// Records whose content is bytes, which have no place here.
    binary: u64,
    /// Metadata values left out.
    left_out: u64,
}

/// What `llm` says of a record.
struct LlmColumns {
    id: String,
    embedding: Vec<u8>,
    content: Option<String>,
    is_binary: bool,
    metadata: Option<String>,
}

impl LlmFile {
    /// Opens a file and lists its collections, or the one wanted, which are to be in `scope`.
    ///
    /// # Errors
    /// [`Error::BadInput`] when it is none of `llm`'s or has no such collection; [`Error::Busy`] while it is written.
    pub fn open(path: &Path, scope: Scope, wanted: Option<&str>) -> Result<Self> {
        let database = SqliteFile::open(path)?;
        database.check_columns(&COLUMNS, "an embeddings database of llm", Some(HINT))?;
        let sql = "SELECT id, name, model FROM collections ORDER BY id";
        let all: Vec<(i64, String, Option<String>)> =
            database.all(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let known: Vec<String> = all.iter().map(|(_, name, _)| name.clone()).collect();
        let (mut collections, mut notices) = (VecDeque::new(), Vec::new());
        let mut taken: Vec<CollectionName> = Vec::new();
        for (number, name, model) in all {
            // Every collection has its name, whether it is wanted or not, so that the same one always has the same.
            let here = name_here(&name, number, &taken)?;
            taken.push(here.clone());
            if wanted.is_some_and(|wanted| wanted != name) {
                continue;
            }
            if here.as_str() != name {
                notices
                    .push(format!("collection {name:?} is named {here} here, since names follow Chroma's rule").into());
            }
            let sql = "SELECT count(*) FROM embeddings WHERE collection_id = ?1";
            let records = database.first(sql, [number], |row| row.get::<_, i64>(0))?.map_or(0, i64::unsigned_abs);
            collections.push_back(LlmCollection { number, info: info(here, &name, model.as_deref())?, records });
        }
        if let Some(wanted) = wanted.filter(|_| collections.is_empty()) {
            return Err(database
                .bad(&format!("has no collection {wanted:?}"), Some(&format!("available: {}", known.join(", ")))));
        }
        let records = collections.iter().map(|found| found.records).sum();
        Ok(Self { database, scope, collections, records, open: None, notices })
    }

    fn row(&self, open: &mut OpenRows, number: i64) -> Result<Option<NewRecord>> {
        let sql = "SELECT id, embedding, content, content_blob IS NOT NULL, metadata FROM embeddings WHERE rowid = ?1";
        let columns = self.database.first(sql, [number], |row| {
            Ok(LlmColumns {
                id: row.get(0)?,
                embedding: row.get(1)?,
                content: row.get(2)?,
                is_binary: row.get(3)?,
                metadata: row.get(4)?,
            })
        })?;
        let Some(LlmColumns { id, embedding, content, is_binary, metadata }) = columns else { return Ok(None) };
        let bad = |why: String| Error::bad_row(&open.origin, 0, why);
        let (words, rest) = embedding.as_chunks::<4>();
        if words.is_empty() || !rest.is_empty() {
            return Err(bad(format!(
                "record {id:?} has an embedding of {} bytes; f32 takes 4 bytes each",
                embedding.len()
            )));
        }
        let id = RecordId::parse(id).map_err(|e| bad(e.to_string()))?;
        open.binary += u64::from(is_binary);
        let metadata = metadata.map_or_else(Metadata::default, |text| flat(&text, &mut open.left_out));
        Ok(Some(NewRecord {
            id,
            embedding: Some(words.iter().map(|word| f32::from_le_bytes(*word)).collect()),
            embedded_here: false,
            document: content,
            uri: None,
            metadata: MetadataPatch::from(metadata),
            part: None,
            origin: Origin { source: Arc::clone(&open.origin), line: 0 },
        }))
    }
}

/// Makes a collection of llm's; it compares by cosine.
fn info(here: CollectionName, name: &str, model: Option<&str>) -> Result<CollectionInfo> {
    let mut metadata = Metadata::default();
    if let Some(model) = model {
        metadata.insert("llm_model", Value::Str(model.to_owned()))?;
    }
    Ok(CollectionInfo {
        id: identity(name, model),
        name: here,
        metadata: Some(metadata).filter(|metadata| !metadata.is_empty()),
        space: Space::Cosine,
        dimension: None,
        precision: crate::record::EmbeddingPrecision::default(),
        embedder: None,
        hnsw: Hnsw::default(),
        index: IndexMode::default(),
        chroma: crate::record::ChromaSettings::default(),
        bm25: false,
        sparse: None,
        client: ClientSettings::default(),
    })
}

/// Makes an identity of what llm knows a collection by, so that it is the same collection when it is imported again.
fn identity(name: &str, model: Option<&str>) -> Uuid {
    let known_by = format!("llm\0{name}\0{}", model.unwrap_or_default());
    Builder::from_random_bytes(xxhash_rust::xxh3::xxh3_128(known_by.as_bytes()).to_be_bytes()).into_uuid()
}

/// Makes a name that follows the rule, and that no other collection has.
fn name_here(name: &str, number: i64, taken: &[CollectionName]) -> Result<CollectionName> {
    if let Ok(same) = CollectionName::parse(name)
        && !taken.contains(&same)
    {
        return Ok(same);
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    let plain: String = name.chars().take(400).map(|c| if allowed(c) { c } else { '-' }).collect();
    let plain = plain.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let plain = if plain.is_empty() { "llm".to_owned() } else { plain.to_owned() };
    let candidates =
        [plain.clone(), format!("llm-{plain}"), format!("{plain}-{number}"), format!("llm-{plain}-{number}")];
    let mut valid = candidates.into_iter().filter_map(|name| CollectionName::parse(name).ok());
    valid
        .find(|name| !taken.contains(name))
        .map_or_else(|| CollectionName::parse(format!("llm-collection-{number}")), Ok)
}

/// Makes metadata of llm's JSON: an object in an object becomes keys with a dot, a list that is no array here its text.
/// Counts what has no form here: null, an empty list or object, a key that filters use.
fn flat(text: &str, left_out: &mut u64) -> Metadata {
    let mut metadata = Metadata::default();
    // Integers that no type here holds keep their digits in the text of it all.
    if beyond_integers(text).is_some() {
        put(&mut metadata, "metadata", Json::String(text.to_owned()), left_out);
        return metadata;
    }
    match serde_json::from_str(text) {
        Ok(Json::Object(fields)) => {
            for (key, value) in fields {
                put(&mut metadata, &key, value, left_out);
            }
        }
        Ok(Json::Null) => {}
        Ok(other) => put(&mut metadata, "metadata", other, left_out),
        // Not JSON, but what somebody wrote.
        Err(_) => put(&mut metadata, "metadata", Json::String(text.to_owned()), left_out),
    }
    metadata
}

fn put(metadata: &mut Metadata, key: &str, value: Json, left_out: &mut u64) {
    let value = match value {
        Json::Object(fields) if !fields.is_empty() => {
            for (inner, value) in fields {
                put(metadata, &format!("{key}.{inner}"), value, left_out);
            }
            return;
        }
        Json::Array(items) if !items.is_empty() => {
            Value::from_json(Json::Array(items.clone())).or_else(|_| Ok(Value::Str(Json::Array(items).to_string())))
        }
        other => Value::from_json(other),
    };
    let is_free = metadata.get(key).is_none();
    if !value.is_ok_and(|value| is_free && metadata.insert(key, value).is_ok()) {
        *left_out += 1;
    }
}

impl Archive for LlmFile {
    fn next_line(&mut self) -> Result<Option<DumpLine>> {
        let Some(LlmCollection { number, info, records }) = self.collections.pop_front() else { return Ok(None) };
        let sql = "SELECT rowid FROM embeddings WHERE collection_id = ?1";
        let mut rows: Vec<i64> = self.database.all(sql, [number], |row| row.get(0))?;
        rows.sort_unstable_by(|a, b| b.cmp(a));
        let name = info.name.to_string();
        let origin = format!("{}: collection {name:?}", self.database.shown()).into();
        self.open = Some(OpenRows { origin, name, rows, binary: 0, left_out: 0 });
        let Scope { tenant, database } = self.scope.clone();
        Ok(Some(DumpLine::Collection { tenant, database, records, collection: Box::new(info) }))
    }

    fn next_record(&mut self) -> Result<Option<NewRecord>> {
        let Some(mut open) = self.open.take() else { return Ok(None) };
        while let Some(number) = open.rows.pop() {
            match self.row(&mut open, number) {
                Ok(None) => {}
                row => {
                    self.open = Some(open);
                    return row;
                }
            }
        }
        let OpenRows { name, binary, left_out, .. } = open;
        if binary > 0 {
            self.notices.push(format!("{name}: contents left out, since they are bytes: {binary}").into());
        }
        if left_out > 0 {
            let what = "null, empty, or under a key that is not allowed";
            self.notices.push(format!("{name}: left out {left_out} metadata values, which are {what}").into());
        }
        Ok(None)
    }

    fn size(&self) -> ArchiveSize {
        ArchiveSize::Records(self.records)
    }

    fn take_notices(&mut self) -> Vec<Remark> {
        std::mem::take(&mut self.notices)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rule_and_differ() {
        let mut taken = Vec::new();
        for (number, (name, here)) in (0..).zip([
            ("notes", "notes"),
            ("my docs", "my-docs"),
            ("my/docs", "llm-my-docs"),
            ("my+docs", "my-docs-3"),
            ("qa", "llm-qa"),
            ("", "llm"),
            ("1.2.3.4", "1-2-3-4"),
            ("...", "llm-llm"),
        ]) {
            let found = name_here(name, number, &taken).unwrap();
            assert_eq!(found.as_str(), here, "{name}");
            taken.push(found);
        }
    }

    #[test]
    fn nested_metadata_is_flattened() {
        let mut left_out = 0;
        let text = r##"{"a": {"b": 1, "c": {"d": "x"}}, "list": [1, "x"], "ints": [1, 2], "no": null, "#k": 1, "e": {}, "a.b": 2}"##;
        let expected = serde_json::json!({"a.b": 1, "a.c.d": "x", "list": "[1,\"x\"]", "ints": [1, 2]});
        assert_eq!((flat(text, &mut left_out).to_json(), left_out), (expected, 4));
        assert_eq!(flat("[1, 2]", &mut left_out).to_json(), serde_json::json!({"metadata": [1, 2]}));
        assert_eq!(flat("plain", &mut left_out).to_json(), serde_json::json!({"metadata": "plain"}));
    }
}
