//! Filters: what `--where` and `--where-document` say, as a tree that a record passes or not.
//!
//! Two languages, one tree: Chroma's JSON (`json`), with operators of huedb's own for what Chroma cannot say, and the short
//! form (`short_form`). Knows nothing of files or of the store; the planner answers most tests from postings, and [`Filter::matches`] is what it must equal.
//! Invariant: a text that parses is a filter of finite depth whose patterns have compiled.

mod json;
mod json_operand;
mod json_parser;
mod lexer;
mod matches;
mod parse;
mod parse_error;
mod rules;
mod short_form;
mod short_parser;
mod short_words;
#[cfg(test)]
pub(crate) mod tests;
mod text_test;
mod to_text;
mod tree;

pub use matches::RecordFields;
pub use text_test::{PATTERN_LIMIT_BYTES, TextTest};
pub use to_text::filter_key;
pub use tree::{Filter, Scalar, Side, Test, TextField};
