//! Filters: what `--where` and `--where-document` say, as a tree that a record passes or not.
//!
//! Two languages, one tree: Chroma's JSON (`json`) and the short form (`short`). Knows nothing of files or
//! of the store; the planner answers most tests from postings, and [`Filter::matches`] is what it must equal.
//! Invariant: a text that parses is a filter of finite depth whose patterns have compiled.

mod document;
mod json;
mod json_parser;
mod lexer;
mod matches;
mod parse;
mod parse_error;
mod rules;
mod short_form;
#[cfg(test)]
mod tests;
mod to_text;
mod tree;

pub use document::{DocumentTest, PATTERN_LIMIT_BYTES};
pub use to_text::filter_key;
pub use tree::{Filter, Scalar, Side, Test};
