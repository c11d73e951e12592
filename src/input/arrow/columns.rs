//! A mapping applied to a schema.
//!
//! Invariant: every column that was named exists and has a type that can be read; only columns that are wanted are.

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, Schema};
use serde_json::Value as Json;

use super::{value, vector};
use crate::error::{Advice, Error, Remark, Result};
use crate::input::json::{self, Refused};
use crate::input::mapping::{METADATA, Mapping, RowParts, list_names, without_ids, without_text};
use crate::record::{MetadataPatch, Value};

/// What pandas calls an index without a name.
const PANDAS_INDEX: &str = "__index_level_0__";

/// The columns that are read, in the order of the file.
#[derive(Debug)]
pub(super) struct ArrowColumns(Vec<ArrowColumn>);

#[derive(Debug)]
struct ArrowColumn {
    /// Its place in the file.
    index: usize,
    name: String,
    role: ColumnRole,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ColumnRole {
    Embedding,
    /// An id, a document or a uri, and metadata too where that was asked for.
    Part {
        listed: bool,
    },
    /// Metadata as JSON, a structure or a map.
    Object,
    /// One key of the metadata; what was asked for by name must be right, what is only taken along may be left out.
    Key {
        asked: bool,
    },
}

impl ArrowColumns {
    /// Looks the mapping's columns up; also returns what the user should know.
    ///
    /// # Errors
    /// [`Error::BadInput`] that lists the columns when one that was named is missing.
    pub(super) fn resolve(schema: &Schema, mapping: &Mapping, source: &str) -> Result<(Self, Vec<Remark>)> {
        let bad = |why: String, hint: Option<Advice>| Error::BadInput { source: source.to_owned(), why, hint };
        let fields = schema.fields();
        let names: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
        let all = list_names(names.iter().copied());
        let twice = names.iter().enumerate().find(|(at, name)| names.iter().take(*at).any(|before| before == *name));
        if let Some((_, name)) = twice {
            return Err(bad(format!("has the column {name:?} twice"), None));
        }
        let parts = [&mapping.document, &mapping.embedding, &mapping.uri].into_iter().flatten().map(String::as_str);
        let listed = mapping.metadata.iter().flatten().map(String::as_str);
        // Of the keys of an object nothing is known yet.
        let typed = mapping.types.names().filter(|_| !names.contains(&METADATA));
        for name in mapping.id().into_iter().chain(parts).chain(listed).chain(typed) {
            if !names.contains(&name) {
                if mapping.id() == Some(name) {
                    let Remark { text, advice } = without_ids(name, mapping, names.iter().copied());
                    return Err(bad(text, advice));
                }
                return Err(bad(format!("has no column {name:?}; its columns are {all}"), None));
            }
        }
        let (mut columns, mut notices) = (Vec::new(), Vec::new());
        for (index, field) in fields.iter().enumerate() {
            let name = field.name().as_str();
            let listed = mapping.metadata.as_ref().is_some_and(|names| names.iter().any(|listed| listed == name));
            let asked = listed || mapping.types.get(name).is_some();
            let role = if name == mapping.embedding() {
                ColumnRole::Embedding
            } else if mapping.is_part(name) {
                ColumnRole::Part { listed }
            } else if name == METADATA {
                ColumnRole::Object
            } else if listed || mapping.metadata.is_none() {
                ColumnRole::Key { asked }
            } else {
                continue;
            };
            let kind = field.data_type();
            if matches!(role, ColumnRole::Key { asked: false }) && (name == PANDAS_INDEX || name.is_empty()) {
                notices
                    .push(format!("{source}: the column {name:?} is left out: it is an index without a name").into());
            } else if value::is_read(kind) {
                columns.push(ArrowColumn { index, name: name.to_owned(), role });
            } else if matches!(role, ColumnRole::Key { asked: false }) {
                notices.push(format!("{source}: the column {name:?} is left out: its type is {kind}").into());
            } else {
                return Err(bad(format!("the column {name:?} has the type {kind}, which cannot be read"), None));
            }
        }
        let is = |column: &ArrowColumn| column.role == ColumnRole::Embedding || column.name == mapping.document();
        if mapping.expects_content && !columns.iter().any(is) {
            notices.push(without_text(source, mapping, names.iter().copied()));
        }
        Ok((Self(columns), notices))
    }

    /// Returns the places of these columns in the file.
    pub(super) fn indices(&self) -> Vec<usize> {
        self.0.iter().map(|column| column.index).collect()
    }

    /// Takes a row of a batch of these columns apart; the error is a sentence.
    pub(super) fn parts(
        &self,
        batch: &RecordBatch,
        row: usize,
        mapping: &Mapping,
        left_out: &mut Vec<(String, String)>,
    ) -> Result<RowParts, Remark> {
        let mut parts = RowParts::default();
        for (ArrowColumn { name, role, .. }, array) in self.0.iter().zip(batch.columns()) {
            let named = |why: Remark| why.of(format_args!("the column {name:?}"));
            if *role == ColumnRole::Embedding {
                parts.embedding = vector::at(array, row).map_err(|why| named(why.into()))?;
                continue;
            }
            if *role == ColumnRole::Object {
                for (key, value) in object(array, row, mapping).map_err(named)?.iter() {
                    parts.metadata.insert(key, value.cloned()).map_err(|e| e.to_string())?;
                }
                continue;
            }
            if let ColumnRole::Part { listed: false } = role {
                let json = value::at(array, row).map_err(|refused| named(refused.why()))?;
                json::part(&mut parts, mapping, name, json)?;
                continue;
            }
            match key(array, row, mapping, name) {
                Ok(value) => {
                    if let Some(value) = value {
                        parts.metadata.insert(name.as_str(), Some(value)).map_err(|e| e.to_string())?;
                    }
                    if matches!(role, ColumnRole::Part { .. }) {
                        let json = value::at(array, row).map_err(|refused| named(refused.why()))?;
                        json::part(&mut parts, mapping, name, json)?;
                    }
                }
                Err(Refused::Unfit(why)) if *role == (ColumnRole::Key { asked: false }) => {
                    left_out.push((name.clone(), why));
                }
                Err(refused) => return Err(named(refused.why())),
            }
        }
        Ok(parts)
    }
}

/// Reads a cell that is the value of a key.
fn key(array: &dyn Array, row: usize, mapping: &Mapping, name: &str) -> Result<Option<Value>, Refused> {
    if array.is_null(row) {
        return Ok(None);
    }
    if let Some(wanted) = mapping.types.get(name) {
        let written = value::written(array, row)?;
        let json = match value::at(array, row) {
            Ok(Json::Null) => return Ok(None),
            Ok(json) => json,
            // Of what no JSON holds there are still its digits.
            Err(Refused::Lossy(_)) => Json::Null,
            Err(unfit) => return Err(unfit),
        };
        return wanted.convert(json, &written).map(Some).map_err(Refused::Unfit);
    }
    match value::at(array, row) {
        Ok(json) => {
            let written = json.to_string();
            json::value(mapping, name, json, &written)
        }
        Err(Refused::Lossy(why)) => Err(Refused::Lossy(Remark::with(why.text, Advice::ReadAsText(name.to_owned())))),
        Err(unfit) => Err(unfit),
    }
}

/// Reads the column of metadata; the error is a sentence.
fn object(array: &dyn Array, row: usize, mapping: &Mapping) -> Result<MetadataPatch, Remark> {
    if let (DataType::Struct(_), false) = (array.data_type(), array.is_null(row)) {
        let fields = array.as_struct();
        let mut patch = MetadataPatch::default();
        // A structure has all of its fields in every row.
        for (name, field) in fields.column_names().into_iter().zip(fields.columns()) {
            let value =
                key(field, row, mapping, name).map_err(|refused| refused.why().of(format_args!("its key {name:?}")))?;
            if let Some(value) = value {
                patch.insert(name, Some(value)).map_err(|e| e.to_string())?;
            }
        }
        return Ok(patch);
    }
    match value::at(array, row).map_err(Refused::why)? {
        Json::String(text) if text.trim().is_empty() => Ok(MetadataPatch::default()),
        Json::String(text) => json::metadata(&text, mapping),
        Json::Object(mut fields) => {
            fields.retain(|_, value| !value.is_null());
            json::metadata(&Json::Object(fields).to_string(), mapping)
        }
        other => Ok(MetadataPatch::from_json(other).map_err(|e| e.to_string())?),
    }
}
