//! Which columns records are written in, and of which types.
//!
//! Knows no format. Invariant: a key has a column of its own only where all its values are of one type and its name is free.

use std::collections::BTreeMap;

use huedb::record::{Metadata, Value};

/// The names of the columns that are not keys'.
pub(super) const ID: &str = "id";
pub(super) const DOCUMENT: &str = "document";
pub(super) const URI: &str = "uri";
pub(super) const EMBEDDING: &str = "embedding";
pub(super) const METADATA: &str = "metadata";

#[cfg(feature = "arrow")]
/// A key beyond this many stands in the JSON of the column `metadata`.
const COLUMNS_LIMIT: usize = 1000;

/// The type of a column of metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyType {
    Bool,
    Int,
    Float,
    Str,
    BoolArray,
    IntArray,
    FloatArray,
    StrArray,
    /// No column: values of several types, sparse vectors, and names that are other columns'.
    Json,
}

impl KeyType {
    fn of(value: &Value) -> Self {
        match value {
            Value::Bool(_) => Self::Bool,
            Value::Int(_) => Self::Int,
            Value::Float(_) => Self::Float,
            Value::Str(_) => Self::Str,
            Value::BoolArray(_) => Self::BoolArray,
            Value::IntArray(_) => Self::IntArray,
            Value::FloatArray(_) => Self::FloatArray,
            Value::StrArray(_) => Self::StrArray,
            Value::Sparse(_) => Self::Json,
        }
    }
}

/// The columns of records that were all looked at.
#[derive(Debug, Clone, Default)]
pub(crate) struct BinaryLayout {
    /// How many records there are.
    pub(super) rows: u64,
    /// Numbers of an embedding; `None` to write none.
    pub(super) dimension: Option<usize>,
    keys: BTreeMap<String, KeyType>,
}

impl BinaryLayout {
    /// Begins with no record.
    #[must_use]
    pub(crate) fn new(dimension: Option<usize>) -> Self {
        Self { rows: 0, dimension, keys: BTreeMap::new() }
    }

    /// Looks at a record's metadata.
    pub(crate) fn add(&mut self, metadata: Option<&Metadata>) {
        self.rows += 1;
        for (key, value) in metadata.iter().flat_map(|metadata| metadata.iter()) {
            let kind = KeyType::of(value);
            match self.keys.get_mut(key) {
                Some(known) if *known != kind => *known = KeyType::Json,
                Some(_) => {}
                None => {
                    let kind = if is_taken(key) { KeyType::Json } else { kind };
                    self.keys.insert(key.to_owned(), kind);
                }
            }
        }
    }

    /// Returns the keys that have a column, in their order, and whether there are others.
    #[cfg(feature = "arrow")]
    pub(super) fn columns(&self) -> (Vec<(&str, KeyType)>, bool) {
        let typed = self.keys.iter().filter(|(_, kind)| **kind != KeyType::Json);
        let columns: Vec<_> = typed.take(COLUMNS_LIMIT).map(|(key, kind)| (key.as_str(), *kind)).collect();
        let others = columns.len() < self.keys.len();
        (columns, others)
    }
}

/// Whether an import would take a column of this name for something else.
fn is_taken(key: &str) -> bool {
    // What pandas calls an index without a name is left out.
    key.starts_with("__index_level_") || [ID, DOCUMENT, URI, EMBEDDING, METADATA].contains(&key)
}
