//! A mapping applied to the header of a table.
//!
//! Invariant: every column that was named exists; a column is looked up once, not once a row.

use super::cell::{CellType, infer};
use super::decompress::Bytes;
use super::mapping::{METADATA, Mapping, Parts, list_names};
use super::records::{Record, no_column};
use super::{embedding, metadata};
use crate::error::{Error, Result};
use crate::record::{Metadata, Value};

/// Where the parts of a record are in a table.
#[derive(Debug)]
pub(super) struct Columns {
    id: Option<usize>,
    document: Option<usize>,
    embedding: Option<usize>,
    uri: Option<usize>,
    object: Option<usize>,
    metadata: Vec<Column>,
}

#[derive(Debug)]
struct Column {
    at: usize,
    name: String,
    kind: Option<CellType>,
}

impl Columns {
    /// Looks the mapping's columns up; also returns what the user should know.
    ///
    /// # Errors
    /// [`Error::BadInput`] that lists the columns when one that was named is missing.
    pub(super) fn resolve(header: &[String], mapping: &Mapping, bytes: &Bytes) -> Result<(Self, Vec<String>)> {
        let find = |name: &str| header.iter().position(|column| column == name);
        let must = |name: &str| find(name).ok_or_else(|| no_column(bytes, name, header, None));
        let part = |named: Option<&String>, default: &str| match named {
            Some(name) => must(name).map(Some),
            None => Ok(find(default)),
        };
        let id = match mapping.id() {
            Some(name) => {
                let hint = "name the id's column with --id, or use --id auto to make ids from the content";
                Some(find(name).ok_or_else(|| no_column(bytes, name, header, Some(hint)))?)
            }
            None => None,
        };
        let mut this = Self {
            id,
            document: part(mapping.document.as_ref(), mapping.document())?,
            embedding: part(mapping.embedding.as_ref(), mapping.embedding())?,
            uri: part(mapping.uri.as_ref(), mapping.uri())?,
            object: find(METADATA).filter(|_| !mapping.is_part(METADATA)),
            metadata: Vec::new(),
        };
        for name in mapping.types.names() {
            must(name)?;
        }
        let names: Vec<&str> = if let Some(names) = &mapping.metadata {
            // `metadata` is the object, whose keys are taken whatever is listed.
            names.iter().map(String::as_str).filter(|name| this.object.is_none() || *name != METADATA).collect()
        } else {
            let rest = header.iter().map(String::as_str);
            rest.filter(|name| !name.is_empty() && *name != METADATA && !mapping.is_part(name)).collect()
        };
        for name in names {
            check_key(name, bytes)?;
            this.metadata.push(Column { at: must(name)?, name: name.to_owned(), kind: mapping.types.get(name) });
        }
        let notices = this.notices(header, mapping, bytes);
        Ok((this, notices))
    }

    fn notices(&self, header: &[String], mapping: &Mapping, bytes: &Bytes) -> Vec<String> {
        let mut notices = Vec::new();
        let source = bytes.source();
        if let Some(at) = header.iter().position(String::is_empty) {
            notices.push(format!("{source}: column {} has no name and is left out", at + 1));
        }
        if mapping.expects_content && self.document.is_none() && self.embedding.is_none() {
            let (document, columns) = (mapping.document(), list_names(header.iter().map(String::as_str)));
            notices.push(format!("{source}: no column {document:?} and no embedding; the columns are {columns}"));
        }
        notices
    }

    /// Takes a record apart; the error is a sentence.
    pub(super) fn parts(&self, record: &Record<'_>) -> Result<Parts, String> {
        let text = |column: Option<usize>| {
            column.map(|at| record.field(at)).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let mut parts = Parts {
            // An empty id is an empty id, not a missing column.
            id: self.id.map(|at| record.field(at).to_owned()),
            document: text(self.document),
            uri: text(self.uri),
            ..Parts::default()
        };
        if let Some(cell) = self.embedding.map(|at| record.field(at)).filter(|cell| !cell.trim().is_empty()) {
            parts.embedding = Some(embedding::parse(cell)?);
        }
        for Column { at, name, kind } in &self.metadata {
            let cell = record.field(*at);
            let value = match kind {
                _ if cell.trim().is_empty() => None,
                Some(kind) => Some(kind.read(cell).map_err(|why| format!("the column {name:?} {why}"))?),
                None => infer(cell),
            };
            if let Some(value) = value {
                parts.metadata.insert(name.as_str(), Some(value)).map_err(|e| e.to_string())?;
            }
        }
        if let Some(cell) = self.object.map(|at| record.field(at)).filter(|cell| !cell.trim().is_empty()) {
            for (key, value) in metadata::parse(cell)?.iter() {
                parts.metadata.insert(key, value.cloned()).map_err(|e| e.to_string())?;
            }
        }
        Ok(parts)
    }
}

fn check_key(name: &str, bytes: &Bytes) -> Result<()> {
    match Metadata::default().insert(name, Value::Bool(true)) {
        Err(Error::InvalidMetadata { why, .. }) => Err(bytes.bad(
            format!("the column {name:?} cannot be metadata: {why}"),
            Some("choose the columns to keep with --metadata"),
        )),
        other => other,
    }
}
