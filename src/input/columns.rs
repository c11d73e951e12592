//! A mapping applied to the header of a table.
//!
//! Invariant: every column that was named exists; a column is looked up once, not once a row. A column of metadata has one
//! type, asked for or decided by its cells together, before the first row is taken.

use super::cell_type::CellType;
use super::decompress::InputBytes;
use super::embedding;
use super::infer::{Evidence, Inferred};
use super::json;
use super::mapping::{METADATA, Mapping, RowParts, without_ids, without_text};
use super::records::{TableRecord, no_column};
use crate::error::{Advice, Error, Remark, Result};
use crate::record::{Metadata, Value};

/// Where the parts of a record are in a table.
#[derive(Debug)]
pub(super) struct TableColumns {
    id: Option<usize>,
    documents: Vec<usize>,
    embedding: Option<usize>,
    uri: Option<usize>,
    object: Option<usize>,
    metadata: Vec<TableColumn>,
}

#[derive(Debug)]
struct TableColumn {
    at: usize,
    name: String,
    kind: ColumnKind,
}

#[derive(Debug, Clone, Copy)]
enum ColumnKind {
    Asked(CellType),
    Inferred(Inferred),
}

impl TableColumns {
    /// Looks the mapping's columns up; also returns what the user should know.
    ///
    /// # Errors
    /// [`Error::BadInput`] that lists the columns when one that was named is missing.
    pub(super) fn resolve(header: &[String], mapping: &Mapping, bytes: &InputBytes) -> Result<(Self, Vec<Remark>)> {
        let find = |name: &str| header.iter().position(|column| column == name);
        let must = |name: &str| find(name).ok_or_else(|| no_column(bytes, name, header, None));
        let part = |named: Option<&String>, default: &str| match named {
            Some(name) => must(name).map(Some),
            None => Ok(find(default)),
        };
        let id = match mapping.id() {
            Some(name) => Some(find(name).ok_or_else(|| {
                let Remark { text, advice } = without_ids(name, mapping, header.iter().map(String::as_str));
                bytes.bad(text, advice)
            })?),
            None => None,
        };
        let mut this = Self {
            id,
            documents: match &mapping.document {
                Some(columns) => columns.names().iter().map(|name| must(name)).collect::<Result<_>>()?,
                None => find("document").into_iter().collect(),
            },
            embedding: part(mapping.embedding.as_ref(), mapping.embedding())?,
            uri: part(mapping.uri.as_ref(), mapping.uri())?,
            object: find(METADATA).filter(|_| !mapping.is_part(METADATA)),
            metadata: Vec::new(),
        };
        // Of the keys of the object nothing is known yet.
        for name in mapping.types.names().filter(|_| this.object.is_none()) {
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
            let kind = mapping.types.get(name).map_or(ColumnKind::Inferred(Inferred::Text), ColumnKind::Asked);
            this.metadata.push(TableColumn { at: must(name)?, name: name.to_owned(), kind });
        }
        let notices = this.notices(header, mapping, bytes);
        Ok((this, notices))
    }

    fn notices(&self, header: &[String], mapping: &Mapping, bytes: &InputBytes) -> Vec<Remark> {
        let mut notices = Vec::new();
        let source = bytes.source();
        if let Some(at) = header.iter().position(String::is_empty) {
            notices.push(format!("{source}: column {} has no name and is left out", at + 1).into());
        }
        if mapping.expects_content && self.documents.is_empty() && self.embedding.is_none() {
            notices.push(without_text(source, mapping, header.iter().map(String::as_str)));
        }
        notices
    }

    /// Returns the columns whose type is not said: their places, names, and what nothing was met of yet.
    pub(super) fn untyped(&self) -> Vec<(usize, String, Evidence)> {
        let untyped = self.metadata.iter().filter(|column| matches!(column.kind, ColumnKind::Inferred(_)));
        untyped.map(|column| (column.at, column.name.clone(), Evidence::default())).collect()
    }

    /// Decides the type of a column.
    pub(super) fn decide(&mut self, at: usize, inferred: Inferred) {
        for column in self.metadata.iter_mut().filter(|column| column.at == at) {
            column.kind = ColumnKind::Inferred(inferred);
        }
    }

    /// Takes a record apart; the error is a sentence.
    pub(super) fn parts(&self, record: &TableRecord<'_>, mapping: &Mapping) -> Result<RowParts, Remark> {
        // Quotes around nothing are an empty text; nothing is no text.
        let text = |column: Option<usize>| column.and_then(|at| record.given(at)).map(str::to_owned);
        let mut parts = RowParts {
            // An empty id is an empty id, not a missing column.
            id: self.id.map(|at| record.field(at).to_owned()),
            uri: text(self.uri),
            ..RowParts::default()
        };
        if let [one] = self.documents.as_slice() {
            parts.document = text(Some(*one));
        } else {
            let given = self.documents.iter().enumerate().filter_map(|(place, at)| Some((place, record.given(*at)?)));
            let pieces = given.filter(|(_, text)| !text.trim().is_empty());
            parts.pieces = pieces.map(|(place, text)| (place, text.to_owned())).collect();
        }
        if let Some(cell) = self.embedding.map(|at| record.field(at)).filter(|cell| !cell.trim().is_empty()) {
            parts.embedding = Some(embedding::parse(cell)?);
        }
        for TableColumn { at, name, kind } in &self.metadata {
            let Some(cell) = record.given(*at) else { continue };
            let is_blank = cell.trim().is_empty();
            let value = match kind {
                ColumnKind::Inferred(inferred) => inferred.read(cell, name),
                ColumnKind::Asked(CellType::Str) => Ok(Some(Value::Str(cell.to_owned()))),
                ColumnKind::Asked(_) if is_blank => Ok(None),
                ColumnKind::Asked(asked) => asked.read(cell).map(Some).map_err(Remark::from),
            };
            if let Some(value) = value.map_err(|why| why.of(format_args!("the column {name:?}")))? {
                parts.metadata.insert(name.as_str(), Some(value)).map_err(|e| e.to_string())?;
            }
        }
        if let Some(cell) = self.object.map(|at| record.field(at)).filter(|cell| !cell.trim().is_empty()) {
            for (key, value) in json::metadata(cell, mapping)?.iter() {
                parts.metadata.insert(key, value.cloned()).map_err(|e| e.to_string())?;
            }
        }
        Ok(parts.join_pieces())
    }
}

fn check_key(name: &str, bytes: &InputBytes) -> Result<()> {
    match Metadata::default().insert(name, Value::Bool(true)) {
        Err(Error::InvalidMetadata { why, .. }) => {
            Err(bytes.bad(format!("the column {name:?} cannot be metadata: {why}"), Some(Advice::ChooseMetadata)))
        }
        other => other,
    }
}
