//! Which parts of a record are written, in what order, and what they are called.
//!
//! Knows nothing of formats. Invariant: no column appears twice, and no two have the same name.

use std::borrow::Cow;

/// Stands before a metadata key that is called like a part of a record.
const KEY_PREFIX: &str = "metadata.";

/// One part of a record, or of what a query says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RecordColumn {
    /// Which question of a batch was answered; in a table it is a heading instead of a column.
    Query,
    /// The id.
    Id,
    /// The distance to the question.
    Distance,
    /// What ranks the hits of a hybrid or reranked query, in place of a distance; larger is better.
    Score,
    /// The text.
    Document,
    /// The metadata as one value: a JSON object, or `key=value` pairs in a table.
    Metadata,
    /// The value of one metadata key.
    Key(String),
    /// Where the content lives.
    Uri,
    /// The embedding: every component, or the first few in a table.
    Embedding,
}

impl RecordColumn {
    /// The columns that are no metadata key.
    const PARTS: [Self; 8] = [
        Self::Query,
        Self::Id,
        Self::Distance,
        Self::Score,
        Self::Document,
        Self::Metadata,
        Self::Uri,
        Self::Embedding,
    ];

    /// Returns the column of a name: a part of a record, else a metadata key. `metadata.KEY` is always a key.
    #[must_use]
    pub(crate) fn named(name: &str) -> Self {
        if let Some(key) = name.strip_prefix(KEY_PREFIX) {
            return Self::Key(key.to_owned());
        }
        let part = Self::PARTS.into_iter().find(|part| part.name() == name);
        part.unwrap_or_else(|| Self::Key(name.to_owned()))
    }

    /// Returns the column's heading, which is also its key in JSON; a metadata key's is the key, or `metadata.KEY`
    /// where [`RecordColumn::named`] would take the key for something else.
    #[must_use]
    pub(crate) fn name(&self) -> Cow<'_, str> {
        Cow::Borrowed(match self {
            Self::Query => "query",
            Self::Id => "id",
            Self::Distance => "distance",
            Self::Score => "score",
            Self::Document => "document",
            Self::Metadata => "metadata",
            Self::Key(key) if key.starts_with(KEY_PREFIX) || Self::PARTS.iter().any(|part| part.name() == *key) => {
                return Cow::Owned(format!("{KEY_PREFIX}{key}"));
            }
            Self::Key(key) => key,
            Self::Uri => "uri",
            Self::Embedding => "embedding",
        })
    }
}

/// The columns to write, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecordColumns(Vec<RecordColumn>);

impl RecordColumns {
    /// Returns no columns.
    #[must_use]
    pub(crate) fn none() -> Self {
        Self(Vec::new())
    }

    /// Returns the columns of a record without its embedding: id, document, metadata, uri.
    #[must_use]
    pub(crate) fn record() -> Self {
        Self(vec![RecordColumn::Id, RecordColumn::Document, RecordColumn::Metadata, RecordColumn::Uri])
    }

    /// Returns the columns of a hit: id, distance, document, metadata, uri.
    #[must_use]
    pub(crate) fn hit() -> Self {
        Self(vec![
            RecordColumn::Id,
            RecordColumn::Distance,
            RecordColumn::Document,
            RecordColumn::Metadata,
            RecordColumn::Uri,
        ])
    }

    /// Returns the columns of a hit of a batch: those of a hit after the question it answers.
    #[must_use]
    pub(crate) fn batch() -> Self {
        std::iter::once(RecordColumn::Query).chain(Self::hit().0).collect()
    }

    /// Returns the columns of an export: everything a record holds.
    #[must_use]
    pub(crate) fn export() -> Self {
        Self::record().with(RecordColumn::Embedding)
    }

    /// Puts another column in the place of one, if it is there.
    #[must_use]
    pub(crate) fn replacing(self, column: &RecordColumn, with: &RecordColumn) -> Self {
        self.0.into_iter().map(|c| if c == *column { with.clone() } else { c }).collect()
    }

    /// Adds a column at the end, unless it is there.
    #[must_use]
    pub(crate) fn with(mut self, column: RecordColumn) -> Self {
        if !self.0.contains(&column) {
            self.0.push(column);
        }
        self
    }

    /// Removes a column, if it is there.
    #[must_use]
    pub(crate) fn without(mut self, column: &RecordColumn) -> Self {
        self.0.retain(|c| c != column);
        self
    }

    /// Returns whether a column is written.
    #[must_use]
    pub(crate) fn contains(&self, column: &RecordColumn) -> bool {
        self.0.contains(column)
    }

    /// Visits the columns in order.
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, RecordColumn> {
        self.0.iter()
    }
}

impl FromIterator<RecordColumn> for RecordColumns {
    fn from_iter<T: IntoIterator<Item = RecordColumn>>(columns: T) -> Self {
        columns.into_iter().fold(Self(Vec::new()), Self::with)
    }
}

impl<'a> IntoIterator for &'a RecordColumns {
    type Item = &'a RecordColumn;
    type IntoIter = std::slice::Iter<'a, RecordColumn>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(columns: &RecordColumns) -> Vec<Cow<'_, str>> {
        columns.iter().map(RecordColumn::name).collect()
    }

    #[test]
    fn a_key_is_never_taken_for_a_part() {
        for part in RecordColumn::PARTS {
            assert_eq!(RecordColumn::named(&part.name()), part);
        }
        for (name, key, shown) in [
            ("year", "year", "year"),
            ("metadata.year", "year", "year"),
            ("metadata.id", "id", "metadata.id"),
            ("metadata.metadata", "metadata", "metadata.metadata"),
            ("metadata.metadata.a", "metadata.a", "metadata.metadata.a"),
        ] {
            let column = RecordColumn::named(name);
            assert_eq!((&column, column.name().as_ref()), (&RecordColumn::Key(key.into()), shown));
            assert_eq!(RecordColumn::named(shown), column);
        }
    }

    #[test]
    fn columns_keep_their_order_and_stand_once() {
        assert_eq!(names(&RecordColumns::batch()), ["query", "id", "distance", "document", "metadata", "uri"]);
        let columns = RecordColumns::export()
            .without(&RecordColumn::Metadata)
            .with(RecordColumn::Key("year".into()))
            .with(RecordColumn::Id);
        assert_eq!(names(&columns), ["id", "document", "uri", "embedding", "year"]);
        assert_eq!(names(&[RecordColumn::Id, RecordColumn::Id].into_iter().collect()), ["id"]);
    }
}
