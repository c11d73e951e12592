//! Records gathered into a record batch.
//!
//! Does not write. Invariant: every batch has the same schema.

use std::mem;
use std::sync::Arc;

use arrow_array::builder::{
    ArrayBuilder, BooleanBuilder, FixedSizeListBuilder, Float32Builder, Float64Builder, Int64Builder, ListBuilder,
    StringBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, Field, Schema};
use huedb::record::{Metadata, Record, Value};
use serde_json::{Map, Value as Json};

use super::layout::{BinaryLayout, DOCUMENT, EMBEDDING, ID, KeyType, METADATA, URI};

const BATCH_ROWS: usize = 4096;
const BATCH_BYTES: usize = 8 << 20;

/// The columns of a batch that is being filled.
pub(super) struct ColumnBuffers {
    schema: Arc<Schema>,
    id: StringBuilder,
    document: StringBuilder,
    uri: StringBuilder,
    embedding: Option<FixedSizeListBuilder<Float32Builder>>,
    dimension: usize,
    keys: Vec<(String, ColumnKey)>,
    /// What has no column of its own.
    others: Option<StringBuilder>,
    bytes: usize,
}

enum ColumnKey {
    Bool(BooleanBuilder),
    Int(Int64Builder),
    Float(Float64Builder),
    Str(StringBuilder),
    Bools(ListBuilder<BooleanBuilder>),
    Ints(ListBuilder<Int64Builder>),
    Floats(ListBuilder<Float64Builder>),
    Strs(ListBuilder<StringBuilder>),
}

impl ColumnBuffers {
    pub(super) fn new(layout: &BinaryLayout) -> Result<Self, ArrowError> {
        let dimension = layout.dimension.unwrap_or_default();
        let size = i32::try_from(dimension).map_err(|_| ArrowError::InvalidArgumentError("dimension".into()))?;
        let (keys, others) = layout.columns();
        let mut this = Self {
            schema: Arc::new(Schema::empty()),
            id: StringBuilder::new(),
            document: StringBuilder::new(),
            uri: StringBuilder::new(),
            embedding: layout.dimension.map(|_| FixedSizeListBuilder::new(Float32Builder::new(), size)),
            dimension,
            keys: keys.into_iter().filter_map(|(key, kind)| Some((key.to_owned(), ColumnKey::new(kind)?))).collect(),
            others: others.then(StringBuilder::new),
            bytes: 0,
        };
        let columns = this.columns();
        let fields = columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), *name != ID));
        this.schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        Ok(this)
    }

    pub(super) fn schema(&self) -> Arc<Schema> {
        Arc::clone(&self.schema)
    }

    pub(super) fn is_full(&self) -> bool {
        self.id.len() >= BATCH_ROWS || self.bytes >= BATCH_BYTES
    }

    pub(super) fn push(&mut self, record: &Record) {
        let Record { id, document, uri, embedding, metadata } = record;
        self.id.append_value(id.as_str());
        self.document.append_option(document.as_deref());
        self.uri.append_option(uri.as_deref());
        if let Some(builder) = &mut self.embedding {
            match embedding {
                Some(embedding) => builder.values().append_slice(embedding),
                None => builder.values().append_nulls(self.dimension),
            }
            builder.append(embedding.is_some());
        }
        let value = |key: &str| metadata.as_ref().and_then(|metadata| metadata.get(key));
        for (key, builder) in &mut self.keys {
            builder.append(value(key));
        }
        if let Some(others) = &mut self.others {
            let keys = &self.keys;
            let is_other = |key: &str| keys.binary_search_by(|(known, _)| known.as_str().cmp(key)).is_err();
            let pairs = metadata.iter().flat_map(Metadata::iter).filter(|(key, _)| is_other(key));
            let rest: Map<String, Json> = pairs.map(|(key, value)| (key.to_owned(), value.to_json())).collect();
            others.append_option((!rest.is_empty()).then(|| Json::Object(rest).to_string()));
        }
        let texts = [document, uri].into_iter().flatten().map(String::len).sum::<usize>();
        self.bytes +=
            texts + 4 * self.dimension + metadata.as_ref().map_or(0, |m| m.iter().map(|(_, v)| size(v)).sum());
    }

    /// Returns what was gathered; `None` when that is nothing.
    pub(super) fn take(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        if mem::take(&mut self.bytes) == 0 && self.id.is_empty() {
            return Ok(None);
        }
        let arrays = self.columns().into_iter().map(|(_, array)| array).collect();
        RecordBatch::try_new(self.schema(), arrays).map(Some)
    }

    /// Finishes every column.
    fn columns(&mut self) -> Vec<(&str, ArrayRef)> {
        let mut columns: Vec<(&str, ArrayRef)> = vec![
            (ID, Arc::new(self.id.finish())),
            (DOCUMENT, Arc::new(self.document.finish())),
            (URI, Arc::new(self.uri.finish())),
        ];
        if let Some(builder) = &mut self.embedding {
            columns.push((EMBEDDING, Arc::new(builder.finish())));
        }
        columns.extend(self.keys.iter_mut().map(|(key, builder)| (key.as_str(), builder.finish())));
        if let Some(others) = &mut self.others {
            columns.push((METADATA, Arc::new(others.finish())));
        }
        columns
    }
}

impl ColumnKey {
    fn new(kind: KeyType) -> Option<Self> {
        Some(match kind {
            KeyType::Bool => Self::Bool(BooleanBuilder::new()),
            KeyType::Int => Self::Int(Int64Builder::new()),
            KeyType::Float => Self::Float(Float64Builder::new()),
            KeyType::Str => Self::Str(StringBuilder::new()),
            KeyType::BoolArray => Self::Bools(ListBuilder::new(BooleanBuilder::new())),
            KeyType::IntArray => Self::Ints(ListBuilder::new(Int64Builder::new())),
            KeyType::FloatArray => Self::Floats(ListBuilder::new(Float64Builder::new())),
            KeyType::StrArray => Self::Strs(ListBuilder::new(StringBuilder::new())),
            KeyType::Json => return None,
        })
    }

    /// Appends a value of the column's type, or null.
    fn append(&mut self, value: Option<&Value>) {
        match (self, value) {
            (Self::Bool(column), Some(Value::Bool(x))) => column.append_value(*x),
            (Self::Int(column), Some(Value::Int(x))) => column.append_value(*x),
            (Self::Float(column), Some(Value::Float(x))) => column.append_value(*x),
            (Self::Str(column), Some(Value::Str(x))) => column.append_value(x),
            (Self::Bools(column), Some(Value::BoolArray(xs))) => column.append_value(xs.iter().copied().map(Some)),
            (Self::Ints(column), Some(Value::IntArray(xs))) => column.append_value(xs.iter().copied().map(Some)),
            (Self::Floats(column), Some(Value::FloatArray(xs))) => column.append_value(xs.iter().copied().map(Some)),
            (Self::Strs(column), Some(Value::StrArray(xs))) => column.append_value(xs.iter().map(Some)),
            (Self::Bool(column), _) => column.append_null(),
            (Self::Int(column), _) => column.append_null(),
            (Self::Float(column), _) => column.append_null(),
            (Self::Str(column), _) => column.append_null(),
            (Self::Bools(column), _) => column.append_null(),
            (Self::Ints(column), _) => column.append_null(),
            (Self::Floats(column), _) => column.append_null(),
            (Self::Strs(column), _) => column.append_null(),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Bool(column) => ArrayBuilder::finish(column),
            Self::Int(column) => ArrayBuilder::finish(column),
            Self::Float(column) => ArrayBuilder::finish(column),
            Self::Str(column) => ArrayBuilder::finish(column),
            Self::Bools(column) => ArrayBuilder::finish(column),
            Self::Ints(column) => ArrayBuilder::finish(column),
            Self::Floats(column) => ArrayBuilder::finish(column),
            Self::Strs(column) => ArrayBuilder::finish(column),
        }
    }
}

/// Returns about how many bytes a value takes.
fn size(value: &Value) -> usize {
    match value {
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => 8,
        Value::Str(text) => text.len(),
        Value::BoolArray(items) => items.len(),
        Value::IntArray(items) => 8 * items.len(),
        Value::FloatArray(items) => 8 * items.len(),
        Value::StrArray(items) => items.iter().map(String::len).sum(),
        Value::Sparse(vector) => 32 * vector.indices().len(),
    }
}
