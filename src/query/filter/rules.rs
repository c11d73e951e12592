//! The rules of filters that hold in both languages: Chroma's, and those of what huedb adds.
//!
//! Knows neither grammar; it is given what a grammar read and where.

use std::mem::discriminant;

use super::lexer::Literal;
use super::parse_error::{ParseError, ParseResult};
use super::text_test::compile;
use super::{Scalar, TextTest};

/// How deep and, or, not and parentheses may be nested; it bounds the stack.
pub(super) const NESTING_LIMIT: usize = 64;

/// Operators of a metadata key: Chroma's, then huedb's own.
pub(super) const METADATA_OPERATORS: [&str; 21] = [
    "$eq",
    "$ne",
    "$gt",
    "$gte",
    "$lt",
    "$lte",
    "$in",
    "$nin",
    "$contains",
    "$not_contains",
    "$gt_text",
    "$gte_text",
    "$lt_text",
    "$lte_text",
    "$contains_text",
    "$not_contains_text",
    "$starts_with",
    "$not_starts_with",
    "$regex",
    "$not_regex",
    "$exists",
];
/// Operators of the document: Chroma's, then huedb's own.
pub(super) const DOCUMENT_OPERATORS: [&str; 6] =
    ["$contains", "$not_contains", "$regex", "$not_regex", "$starts_with", "$not_starts_with"];
/// Operators of the id and of the URI: Chroma's, then huedb's own.
pub(super) const ID_OPERATORS: [&str; 10] = [
    "$eq",
    "$ne",
    "$in",
    "$nin",
    "$contains",
    "$not_contains",
    "$regex",
    "$not_regex",
    "$starts_with",
    "$not_starts_with",
];
/// Keys of what is no metadata.
pub(super) const FIELDS: [&str; 3] = ["#id", "#uri", "#document"];

/// Checks that metadata can have such a key; one that cannot exist would hide a slip.
pub(super) fn metadata_key(key: Literal) -> ParseResult<String> {
    let name = key.value;
    if name.is_empty() {
        Err(ParseError::new(key.at, "a key has at least one character"))
    } else if name.starts_with('#') {
        Err(ParseError::unknown(key.at, "key", &name, &FIELDS))
    } else if name == "chroma:document" {
        Err(ParseError::new(key.at, "metadata has no key that starts with 'chroma:'; write #document"))
    } else if name.starts_with("chroma:") {
        Err(ParseError::new(key.at, "metadata has no key that starts with 'chroma:'"))
    } else if name.starts_with('$') {
        Err(ParseError::new(key.at, "metadata has no key that starts with '$'"))
    } else {
        Ok(name)
    }
}

/// Checks the values of a list, each with its place: one or more, all of one kind, integers and floats being one.
pub(super) fn list_of_one_kind(at: usize, values: Vec<(usize, Scalar)>) -> ParseResult<Vec<Scalar>> {
    let Some((_, first)) = values.first() else {
        return Err(ParseError::new(at, "an empty list; name one value or more"));
    };
    match values.iter().find(|(_, value)| discriminant(value) != discriminant(first)) {
        Some((other_at, other)) => {
            let why = format!("a list mixes {} and {}", first.plural(), other.plural());
            Err(ParseError::new(*other_at, why))
        }
        None => Ok(values.into_iter().map(|(_, value)| value).collect()),
    }
}

/// Checks that values are strings, as ids and URIs are.
pub(super) fn strings(field: &str, values: Vec<(usize, Scalar)>) -> ParseResult<Vec<String>> {
    let string = |(at, value)| match value {
        Scalar::Str(string) => Ok(string),
        other => Err(ParseError::new(at, format!("{field} compares with strings, not with {}", other.plural()))),
    };
    values.into_iter().map(string).collect()
}

/// Compiles a pattern; a fault points into the text it was written in.
pub(super) fn pattern(literal: &Literal) -> ParseResult<TextTest> {
    compile(&literal.value).map_err(|fault| ParseError::new(literal.place(fault.at), fault.why))
}

impl Scalar {
    pub(super) fn plural(&self) -> &'static str {
        match self {
            Self::Bool(_) => "booleans",
            Self::Number(_) => "numbers",
            Self::Str(_) => "strings",
        }
    }
}
