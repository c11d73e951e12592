//! Filters: what `--where` and `--where-document` say, as a tree that a record passes or not.
//!
//! Two languages, one tree: Chroma's JSON (`json`) and the short form (`short`). Knows nothing of files or
//! of the store; the planner answers most tests from postings, and [`Filter::matches`] is what it must equal.
//! Invariant: a text that parses is a filter of finite depth whose patterns have compiled.

mod cursor;
mod document;
mod fault;
mod json;
mod matches;
mod parse;
mod reader;
mod rules;
mod short;
mod show;
#[cfg(test)]
mod tests;
mod tree;

pub use document::{DocumentTest, PATTERN_LIMIT_BYTES};
pub use show::filter_key;
pub use tree::{Filter, Scalar, Side, Test};
