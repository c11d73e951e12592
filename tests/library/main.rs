//! The library as a program uses it: real files, no command line.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::float_cmp,
    clippy::large_stack_arrays,
    clippy::items_after_statements,
    clippy::print_stderr,
    reason = "a failed test is meant to panic, and tests compute with small numbers"
)]

mod ask;
mod check;
mod compact;
mod deceive;
mod deceiving;
mod dedupe;
mod facet;
mod filters;
mod formats;
mod fuse;
mod identity;
mod ingest;
mod limits;
mod model;
mod open;
mod precision;
mod query;
mod random;
mod store;
mod warm;

#[test]
fn every_operation_on_a_file_does_what_the_contract_says() {
    model::every_operation_does_what_the_contract_says(model::OPERATIONS, || Box::new(model::place::FilePlace::new()));
}
