//! Metadata out of Chroma's tables and its queue.
//!
//! Invariant: what no metadata here can hold (a key that filters use, a number that is not finite) is counted, with the
//! first such key, and nothing else is left out.

use rusqlite::Row;
use serde_json::Value as Json;

use crate::record::{Metadata, MetadataPatch, Value};

/// What a record says besides its id and its embedding.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Said {
    pub(crate) document: Option<String>,
    pub(crate) uri: Option<String>,
    pub(crate) metadata: Metadata,
}

/// What was left out.
#[derive(Debug, Default)]
pub(crate) struct LeftOut {
    values: u64,
    first: Option<String>,
    /// Arrays that no operation on the record put there.
    strange_arrays: u64,
    first_strange: Option<String>,
}

impl LeftOut {
    pub(super) fn count(&mut self, key: &str) {
        self.values += 1;
        self.first.get_or_insert_with(|| key.to_owned());
    }

    fn count_strange(&mut self, key: String) {
        self.strange_arrays += 1;
        self.first_strange.get_or_insert(key);
    }

    /// Says so of a collection, a sentence for each reason.
    pub(crate) fn describe(&self, name: &str) -> impl Iterator<Item = String> {
        let values = self.first.as_ref().map(|first| {
            let n = self.values;
            format!("{name}: left out {n} metadata values that cannot be stored, the first of {first:?}")
        });
        let arrays = self.first_strange.as_ref().map(|first| {
            format!(
                "{name}: left out {} that no record of it was given, the first of them of {first:?}: Chroma shows those \
                 of a dropped collection in new records",
                if self.strange_arrays == 1 { "1 array".into() } else { format!("{} arrays", self.strange_arrays) }
            )
        });
        values.into_iter().chain(arrays)
    }
}

/// A row of a table of metadata: its key, and its columns of which one has the value.
pub(super) struct MetadataEntry {
    key: String,
    value: Option<Value>,
}

impl MetadataEntry {
    /// Reads `key, string, int, float, bool`.
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let bool = |n: i64| Value::Bool(n != 0);
        let value = match (row.get(1)?, row.get(2)?, row.get(3)?, row.get::<_, Option<i64>>(4)?) {
            (Some(text), ..) => Some(Value::Str(text)),
            (_, _, _, Some(truth)) => Some(bool(truth)),
            (_, Some(int), ..) => Some(Value::Int(int)),
            (_, _, Some(float), _) => Some(Value::Float(float)),
            _ => None,
        };
        Ok(Self { key: row.get(0)?, value })
    }
}

impl Said {
    /// Takes single values.
    pub(super) fn take_scalars(&mut self, entries: Vec<MetadataEntry>, left_out: &mut LeftOut) {
        for MetadataEntry { key, value } in entries {
            match (key.as_str(), value) {
                (_, None) => {}
                ("chroma:document", Some(Value::Str(text))) => self.document = Some(text),
                ("chroma:uri", Some(Value::Str(text))) => self.uri = Some(text),
                // Chroma's own, which it shows to nobody.
                (key, _) if key.starts_with("chroma:") => {}
                (_, Some(value)) => self.insert(key, value, left_out),
            }
        }
    }

    /// Takes arrays, whose elements come one by one in their order; `is_own` says of a key whether the record was given it.
    pub(super) fn take_arrays(
        &mut self,
        entries: Vec<MetadataEntry>,
        is_own: impl Fn(&str) -> bool,
        left_out: &mut LeftOut,
    ) {
        let mut arrays: Vec<(String, Vec<Json>)> = Vec::new();
        for MetadataEntry { key, value } in entries {
            let Some(value) = value.map(|value| value.to_json()) else { continue };
            match arrays.iter_mut().find(|(known, _)| *known == key) {
                Some((_, array)) => array.push(value),
                None => arrays.push((key, vec![value])),
            }
        }
        for (key, array) in arrays {
            if !is_own(&key) {
                left_out.count_strange(key);
                continue;
            }
            match Value::from_json(Json::Array(array)) {
                Ok(value) => self.insert(key, value, left_out),
                Err(_) => left_out.count(&key),
            }
        }
    }

    fn insert(&mut self, key: String, value: Value, left_out: &mut LeftOut) {
        let value = match value {
            Value::Float(float) if !float.is_finite() => return left_out.count(&key),
            Value::Float(float) => Value::Float(float + 0.0),
            other => other,
        };
        let named = key.clone();
        if self.metadata.insert(key, value).is_err() {
            left_out.count(&named);
        }
    }

    /// Applies the metadata of an operation: what it names is set, null takes a key away.
    pub(crate) fn merge(&mut self, json: Json, left_out: &mut LeftOut) {
        let Json::Object(fields) = json else { return };
        let mut patch = MetadataPatch::default();
        for (key, value) in fields {
            match (key.as_str(), value) {
                ("chroma:document", Json::String(text)) => self.document = Some(text),
                ("chroma:uri", Json::String(text)) => self.uri = Some(text),
                (key, _) if key.starts_with("chroma:") => {}
                (_, value) => {
                    let read = if value.is_null() { Ok(None) } else { Value::from_json(value).map(Some) };
                    let named = key.clone();
                    if !read.is_ok_and(|value| patch.insert(key, value).is_ok()) {
                        left_out.count(&named);
                    }
                }
            }
        }
        self.metadata.merge(patch);
    }
}
