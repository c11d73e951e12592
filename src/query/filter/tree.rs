//! The tree every filter becomes, whichever language it was written in.
//!
//! Knows neither text nor records. Negation stands only at the leaves, where each operator has its opposite, as
//! in Chroma, which has no `$not`. Invariant, kept by [`Filter::all_of`] and [`Filter::any_of`]: no junction
//! holds a junction of its own kind, [`Filter::ALL`], [`Filter::NONE`] or only one child; so a tree that is
//! written out and parsed again is the same tree.

use std::cmp::Ordering;
use std::ops::Not;

use super::TextTest;
use crate::record::Number;

/// A condition on records.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// Every child holds; with no child every record passes.
    And(Vec<Filter>),
    /// A child holds; with no child no record passes.
    Or(Vec<Filter>),
    /// One test.
    Test(Test),
}

/// A test of one metadata key, of the id, of the URI, or of the document.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// The key's value is a scalar equal to one of these (`$eq`, `$in`); negated: it is not, or the key is missing
    /// (`$ne`, `$nin`).
    In {
        /// The metadata key.
        key: String,
        /// One value or more, all of one kind.
        values: Vec<Scalar>,
        /// Whether the test is for the complement.
        negated: bool,
    },
    /// The key's value is of the bound's kind and on that side of it (`$gt`, `$gte`, `$lt`, `$lte`; of strings, which
    /// compare byte by byte, `$gt_text`, `$gte_text`, `$lt_text`, `$lte_text`).
    Range {
        /// The metadata key.
        key: String,
        /// The side.
        side: Side,
        /// The bound; no value is on any side of a boolean.
        bound: Scalar,
    },
    /// The key's value is an array with an element of the same type and value (`$contains`); negated: it is not, or
    /// the key is missing (`$not_contains`).
    Contains {
        /// The metadata key.
        key: String,
        /// The element; `1` and `1.0` differ here, as in Chroma.
        element: Scalar,
        /// Whether the test is for the complement.
        negated: bool,
    },
    /// The record has the key (`$exists`), whatever its value; a sparse vector without weights counts as none.
    Exists {
        /// The metadata key.
        key: String,
        /// Whether the test is for the complement.
        negated: bool,
    },
    /// A text contains, begins with, or matches another.
    Text {
        /// Which text of the record.
        field: TextField,
        /// What it is tested for.
        test: TextTest,
    },
    /// The record's id is one of these (`#id`).
    Id {
        /// One id or more.
        ids: Vec<String>,
        /// Whether the test is for the complement.
        negated: bool,
    },
    /// The record's URI is one of these (`#uri`).
    Uri {
        /// One URI or more.
        uris: Vec<String>,
        /// Whether the test is for the complement.
        negated: bool,
    },
}

/// A text of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextField {
    /// The value of a metadata key. For a substring, this may also be an array that has it as an element.
    Key(String),
    /// The id (`#id`).
    Id,
    /// The URI (`#uri`).
    Uri,
    /// The document (`#document`).
    Document,
}

/// A value to compare with.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// A truth value.
    Bool(bool),
    /// A number; `1` and `1.0` compare equal.
    Number(Number),
    /// A string.
    Str(String),
}

/// A side of a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Above it.
    Above,
    /// Above or at it.
    AtLeast,
    /// Below it.
    Below,
    /// Below or at it.
    AtMost,
}

impl Side {
    /// Returns whether a number that compares so with the bound is on this side.
    #[must_use]
    pub fn holds(self, with_bound: Ordering) -> bool {
        match self {
            Self::Above => with_bound.is_gt(),
            Self::AtLeast => with_bound.is_ge(),
            Self::Below => with_bound.is_lt(),
            Self::AtMost => with_bound.is_le(),
        }
    }
}

impl Not for Side {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::Above => Self::AtMost,
            Self::AtLeast => Self::Below,
            Self::Below => Self::AtLeast,
            Self::AtMost => Self::Above,
        }
    }
}

impl Filter {
    /// The filter every record passes.
    pub const ALL: Self = Self::And(Vec::new());
    /// The filter no record passes.
    pub const NONE: Self = Self::Or(Vec::new());

    /// Joins filters into the one that holds where all of them do.
    #[must_use]
    pub fn all_of(filters: Vec<Self>) -> Self {
        let mut children = Vec::with_capacity(filters.len());
        for filter in filters {
            match filter {
                none if none.is_none() => return Self::NONE,
                Self::And(inner) => children.extend(inner),
                other => children.push(other),
            }
        }
        only_child(children).unwrap_or_else(Self::And)
    }

    /// Joins filters into the one that holds where one of them does.
    #[must_use]
    pub fn any_of(filters: Vec<Self>) -> Self {
        let mut children = Vec::with_capacity(filters.len());
        for filter in filters {
            match filter {
                all if all.is_all() => return Self::ALL,
                Self::Or(inner) => children.extend(inner),
                other => children.push(other),
            }
        }
        only_child(children).unwrap_or_else(Self::Or)
    }

    /// Joins two filters, as `where` and `where_document` of one call are joined.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::all_of(vec![self, other])
    }

    /// Returns whether this is [`Filter::ALL`].
    #[must_use]
    pub fn is_all(&self) -> bool {
        matches!(self, Self::And(children) if children.is_empty())
    }

    /// Returns whether this is [`Filter::NONE`].
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self, Self::Or(children) if children.is_empty())
    }
}

/// Returns the only child as the filter it is, or the children back.
fn only_child(mut children: Vec<Filter>) -> Result<Filter, Vec<Filter>> {
    if children.len() == 1 { children.pop().ok_or(children) } else { Err(children) }
}

impl Not for Filter {
    type Output = Self;

    /// Turns every operator into its opposite and every junction into the other, by De Morgan.
    ///
    /// The opposite of `>` is `<=`: a record without the key, or with a value of another kind, passes neither. The other
    /// opposites are complements.
    fn not(self) -> Self {
        match self {
            Self::And(children) => Self::any_of(children.into_iter().map(Not::not).collect()),
            Self::Or(children) => Self::all_of(children.into_iter().map(Not::not).collect()),
            Self::Test(test) => Self::Test(!test),
        }
    }
}

impl Not for Test {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::In { key, values, negated } => Self::In { key, values, negated: !negated },
            Self::Range { key, side, bound } => Self::Range { key, side: !side, bound },
            Self::Contains { key, element, negated } => Self::Contains { key, element, negated: !negated },
            Self::Id { ids, negated } => Self::Id { ids, negated: !negated },
            Self::Uri { uris, negated } => Self::Uri { uris, negated: !negated },
            Self::Exists { key, negated } => Self::Exists { key, negated: !negated },
            Self::Text { field, test } => Self::Text { field, test: !test },
        }
    }
}
