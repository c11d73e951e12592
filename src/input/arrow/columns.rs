//! A mapping applied to a schema.
//!
//! Invariant: every column that was named exists and has a type that can be read; only columns that are wanted are.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Fields, Schema};
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
pub(super) struct ArrowColumns {
    columns: Vec<ArrowColumn>,
    /// The places in the file of what they are in, each once.
    indices: Vec<usize>,
}

#[derive(Debug)]
struct ArrowColumn {
    /// Its place in the file, and below that in the structures it is in.
    path: Vec<usize>,
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
        let is_top = |name: &str| schema.fields().iter().any(|field| field.name() == name);
        let mapping = &mapping.among(is_top);
        let mut fields = Vec::new();
        leaves_of(schema.fields(), mapping, (&[], ""), &mut fields);
        let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        let all = list_names(names.iter().copied());
        let twice = names.iter().enumerate().find(|(at, name)| names.iter().take(*at).any(|before| before == *name));
        if let Some((_, name)) = twice {
            return Err(bad(format!("has the column {name:?} twice"), None));
        }
        let documents = mapping.documents().into_iter().filter(|_| mapping.document.is_some());
        let parts = [&mapping.embedding, &mapping.uri].into_iter().flatten().map(String::as_str).chain(documents);
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
        for Leaf { path, name, kind } in &fields {
            let name = name.as_str();
            let listed = mapping.is_listed(name);
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
            if path.len() > 1 && !mapping.flatten && role == (ColumnRole::Key { asked: false }) {
                let notice = format!("{source}: the column {name:?} is left out: it is in a structure");
                notices.push(Remark::with(notice, Advice::Flatten));
            } else if matches!(role, ColumnRole::Key { asked: false }) && (name == PANDAS_INDEX || name.is_empty()) {
                notices
                    .push(format!("{source}: the column {name:?} is left out: it is an index without a name").into());
            } else if value::is_read(kind) {
                columns.push(ArrowColumn { path: path.clone(), name: name.to_owned(), role });
            } else if matches!(role, ColumnRole::Key { asked: false }) {
                notices.push(format!("{source}: the column {name:?} is left out: its type is {kind}").into());
            } else {
                return Err(bad(format!("the column {name:?} has the type {kind}, which cannot be read"), None));
            }
        }
        let is = |column: &ArrowColumn| {
            column.role == ColumnRole::Embedding || mapping.document_place(&column.name).is_some()
        };
        if mapping.expects_content && !columns.iter().any(is) {
            notices.push(without_text(source, mapping, names.iter().copied()));
        }
        let mut indices: Vec<usize> = columns.iter().filter_map(|column| column.path.first().copied()).collect();
        indices.dedup();
        Ok((Self { columns, indices }, notices))
    }

    /// Returns the places in the file of what is read.
    pub(super) fn indices(&self) -> Vec<usize> {
        self.indices.clone()
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
        for ArrowColumn { name, role, path } in &self.columns {
            let Some(array) = cell(batch, &self.indices, path, row) else { continue };
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
                Err(Refused::Unfit(why)) if *role == (ColumnRole::Key { asked: false }) || is_nothing(array, row) => {
                    left_out.push((name.clone(), why));
                }
                Err(refused) => return Err(named(refused.why())),
            }
        }
        Ok(parts.join_pieces())
    }
}

/// A column, or a field of a structure that is read as one.
struct Leaf<'s> {
    path: Vec<usize>,
    name: String,
    kind: &'s DataType,
}

/// Lists the columns, and of a structure that is gone into its fields by their paths.
fn leaves_of<'s>(fields: &'s Fields, mapping: &Mapping, (path, name): (&[usize], &str), leaves: &mut Vec<Leaf<'s>>) {
    for (at, field) in fields.iter().enumerate() {
        let path = [path, &[at]].concat();
        let name = if name.is_empty() { field.name().clone() } else { format!("{name}.{}", field.name()) };
        match field.data_type() {
            DataType::Struct(inner) if name != METADATA && mapping.goes_into(&name) => {
                leaves_of(inner, mapping, (&path, &name), leaves);
            }
            kind => leaves.push(Leaf { path, name, kind }),
        }
    }
}

/// Returns the column of a cell, which is at this row of it; `None` where a structure it is in is null there.
fn cell<'b>(batch: &'b RecordBatch, indices: &[usize], path: &[usize], row: usize) -> Option<&'b ArrayRef> {
    let (first, inner) = path.split_first()?;
    let mut array = batch.columns().get(indices.iter().position(|index| index == first)?)?;
    for at in inner {
        let fields = array.as_struct_opt().filter(|fields| fields.is_valid(row))?;
        array = fields.columns().get(*at)?;
    }
    Some(array)
}

/// Whether a cell is a list of nothing.
fn is_nothing(array: &dyn Array, row: usize) -> bool {
    value::at(array, row).is_ok_and(|json| json.as_array().is_some_and(Vec::is_empty))
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
