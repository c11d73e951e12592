//! What a filter means, record by record, and which parts of a record it needs.
//!
//! The definition (contract, section 3), not the fast way: the planner answers metadata and ids from postings
//! and is tested against this. Invariant: a negated test passes exactly the records its opposite does not,
//! those without the key or the document among them; a scalar test never looks into an array.

use std::cmp::Ordering;

use super::{Filter, Scalar, Test};
use crate::record::{Metadata, Number, Value};

impl Filter {
    /// Returns whether a record passes.
    #[must_use]
    pub fn matches(&self, id: &str, metadata: Option<&Metadata>, document: Option<&str>) -> bool {
        match self {
            Self::And(children) => children.iter().all(|child| child.matches(id, metadata, document)),
            Self::Or(children) => children.iter().any(|child| child.matches(id, metadata, document)),
            Self::Test(test) => test.matches(id, metadata, document),
        }
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
        self.tests().any(|test| matches!(test, Test::Document(_)))
    }

    /// Returns a filter without document tests that passes every record this one does.
    ///
    /// What it leaves are the candidates whose documents must be read; without document tests it is this filter.
    #[must_use]
    pub fn without_document(&self) -> Self {
        match self {
            Self::And(children) => Self::all_of(children.iter().map(Self::without_document).collect()),
            Self::Or(children) => Self::any_of(children.iter().map(Self::without_document).collect()),
            Self::Test(Test::Document(_)) => Self::ALL,
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
    pub fn matches(&self, id: &str, metadata: Option<&Metadata>, document: Option<&str>) -> bool {
        let value = |key: &str| metadata.and_then(|metadata| metadata.get(key));
        match self {
            Self::In { key, values, negated } => {
                value(key).is_some_and(|value| values.iter().any(|one| one.equals(value))) != *negated
            }
            Self::Range { key, side, bound } => {
                value(key).and_then(Number::of).is_some_and(|number| side.holds(number.compare(*bound)))
            }
            Self::Contains { key, element, negated } => {
                value(key).is_some_and(|value| element.is_element_of(value)) != *negated
            }
            Self::Id { ids, negated } => ids.iter().any(|one| one == id) != *negated,
            Self::Document(test) => test.matches(document),
        }
    }

    /// Returns the metadata key tested; tests of the id and of the document have none.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::In { key, .. } | Self::Range { key, .. } | Self::Contains { key, .. } => Some(key),
            Self::Id { .. } | Self::Document(_) => None,
        }
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
