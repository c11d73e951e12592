//! What a filter means, record by record, and which parts of a record it needs.
//!
//! The definition (contract, section 3), not the fast way: the planner answers metadata and ids from postings
//! and is tested against this. Invariant: a negated test passes exactly the records its opposite does not,
//! those without the key or the document among them; types do not mix, and a scalar test never looks into an array.

use std::cmp::Ordering;

use super::{Filter, Scalar, Test, TextField};
use crate::record::{Metadata, Number, Record, Value};

/// The parts of a record that a filter tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct RecordFields<'r> {
    /// Its id.
    pub id: &'r str,
    /// Its metadata.
    pub metadata: Option<&'r Metadata>,
    /// Its document.
    pub document: Option<&'r str>,
    /// Its URI.
    pub uri: Option<&'r str>,
}

impl<'r> From<&'r Record> for RecordFields<'r> {
    fn from(record: &'r Record) -> Self {
        let Record { id, metadata, document, uri, .. } = record;
        Self { id: id.as_str(), metadata: metadata.as_ref(), document: document.as_deref(), uri: uri.as_deref() }
    }
}

impl Filter {
    /// Returns whether a record passes.
    ///
    /// ```
    /// use huedb::Filter;
    /// use huedb::query::filter::RecordFields;
    ///
    /// let filter = Filter::parse("#id starts with 'note-' and #document exists")?;
    /// let record = RecordFields { id: "note-1", document: Some("a red fox"), ..RecordFields::default() };
    /// assert!(filter.matches(record) && !filter.matches(RecordFields { document: None, ..record }));
    /// # Ok::<(), huedb::Error>(())
    /// ```
    #[must_use]
    pub fn matches(&self, record: RecordFields<'_>) -> bool {
        match self {
            Self::And(children) => children.iter().all(|child| child.matches(record)),
            Self::Or(children) => children.iter().any(|child| child.matches(record)),
            Self::Test(test) => test.matches(record),
        }
    }

    /// Returns the first test that no `where` of Chroma can say; `None` for a filter that Chroma understands.
    #[must_use]
    pub fn beyond_chroma(&self) -> Option<&Test> {
        self.tests().find(|test| match test {
            Test::In { .. } | Test::Contains { .. } | Test::Id { .. } => false,
            Test::Range { bound, .. } => matches!(bound, Scalar::Str(_)),
            Test::Text { field, test } => *field != TextField::Document || test.as_prefix().is_some(),
            Test::Exists { .. } | Test::Uri { .. } => true,
        })
    }

    /// Visits the tests in the order they were written.
    pub fn tests(&self) -> impl Iterator<Item = &Test> {
        let mut ahead = vec![self];
        std::iter::from_fn(move || {
            loop {
                match ahead.pop()? {
                    Self::And(children) | Self::Or(children) => ahead.extend(children.iter().rev()),
                    Self::Test(test) => return Some(test),
                }
            }
        })
    }

    /// Visits the metadata keys tested, as often as they are tested.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.tests().filter_map(Test::key)
    }

    /// Returns whether a document must be read to decide.
    #[must_use]
    pub fn needs_document(&self) -> bool {
        self.tests().any(Test::needs_document)
    }

    /// Returns a filter without document tests that passes every record this one does.
    ///
    /// What it leaves are the candidates whose documents must be read; without document tests it is this filter.
    #[must_use]
    pub fn without_document(&self) -> Self {
        match self {
            Self::And(children) => Self::all_of(children.iter().map(Self::without_document).collect()),
            Self::Or(children) => Self::any_of(children.iter().map(Self::without_document).collect()),
            Self::Test(test) if test.needs_document() => Self::ALL,
            Self::Test(_) => self.clone(),
        }
    }

    /// Splits the filter into two that are joined by and: the first needs no document, the second does or is
    /// [`Filter::ALL`].
    #[must_use]
    pub fn split_document(self) -> (Self, Self) {
        let children = match self {
            Self::And(children) => children,
            other => vec![other],
        };
        let (reading, others) = children.into_iter().partition(Self::needs_document);
        (Self::all_of(others), Self::all_of(reading))
    }
}

impl Test {
    /// Returns whether a record passes.
    #[must_use]
    pub fn matches(&self, record: RecordFields<'_>) -> bool {
        let value = |key: &str| record.metadata.and_then(|metadata| metadata.get(key));
        match self {
            Self::In { key, values, negated } => {
                value(key).is_some_and(|value| values.iter().any(|one| one.equals(value))) != *negated
            }
            Self::Range { key, side, bound } => {
                value(key).and_then(|value| bound.compared_with(value)).is_some_and(|order| side.holds(order))
            }
            Self::Contains { key, element, negated } => {
                value(key).is_some_and(|value| element.is_element_of(value)) != *negated
            }
            Self::Exists { key, negated } => {
                let is_empty = |value: &Value| matches!(value, Value::Sparse(vector) if vector.iter().next().is_none());
                value(key).is_some_and(|value| !is_empty(value)) != *negated
            }
            Self::Text { field: TextField::Key(key), test } => test.matches_value(value(key)),
            Self::Text { field: TextField::Id, test } => test.matches(Some(record.id)),
            Self::Text { field: TextField::Uri, test } => test.matches(record.uri),
            Self::Text { field: TextField::Document, test } => test.matches(record.document),
            Self::Id { ids, negated } => ids.iter().any(|one| one == record.id) != *negated,
            Self::Uri { uris, negated } => record.uri.is_some_and(|uri| uris.iter().any(|one| one == uri)) != *negated,
        }
    }

    /// Returns the metadata key tested; tests of the id, the URI and the document have none.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::In { key, .. } | Self::Range { key, .. } | Self::Contains { key, .. } | Self::Exists { key, .. } => {
                Some(key)
            }
            Self::Text { field: TextField::Key(key), .. } => Some(key),
            Self::Text { .. } | Self::Id { .. } | Self::Uri { .. } => None,
        }
    }

    fn needs_document(&self) -> bool {
        matches!(self, Self::Text { field: TextField::Document, .. })
    }
}

impl Scalar {
    /// Returns whether a metadata value is this scalar; integers and floats are one kind, booleans another.
    #[must_use]
    pub fn equals(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Bool(a), Value::Bool(b)) => a == b,
            (Self::Str(a), Value::Str(b)) => a == b,
            (Self::Number(a), _) => Number::of(value).is_some_and(|b| a.compare(b) == Ordering::Equal),
            _ => false,
        }
    }

    /// Returns how a metadata value compares with this; `None` for values of different kinds, and for booleans.
    fn compared_with(&self, value: &Value) -> Option<Ordering> {
        match (self, value) {
            (Self::Str(bound), Value::Str(text)) => Some(text.cmp(bound)),
            (Self::Number(bound), _) => Number::of(value).map(|number| number.compare(*bound)),
            _ => None,
        }
    }

    /// Returns whether a metadata value is an array that holds this scalar, type and value alike.
    #[must_use]
    pub fn is_element_of(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Bool(one), Value::BoolArray(array)) => array.contains(one),
            (Self::Str(one), Value::StrArray(array)) => array.contains(one),
            (Self::Number(Number::Int(one)), Value::IntArray(array)) => array.contains(one),
            (Self::Number(Number::Float(one)), Value::FloatArray(array)) => array.contains(one),
            _ => false,
        }
    }
}
