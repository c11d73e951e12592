//! Checks a file and lists its damage, one finding at a time.
//!
//! A quick check compares counters and checksums; a deep one computes everything derived again and compares. Neither
//! changes a record. Invariant: damage to one thing does not hide damage to another: each part is checked by itself,
//! and what cannot be read is a [`Finding`], not an error.

mod catalogue;
mod clusters;
mod finding;
mod graph;
mod pages;
mod postings;
mod records;
mod rows;
mod run;
mod sketches;
mod subject;
mod terms;
#[cfg(test)]
mod tests;

pub use finding::{Depth, Finding, MOST_FINDINGS};
