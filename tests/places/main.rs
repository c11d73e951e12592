//! Collections in PostgreSQL, in servers that the tests start themselves, beside those of a file.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::float_cmp,
    clippy::items_after_statements,
    clippy::print_stderr,
    reason = "a failed test is meant to panic, and tests compute with small numbers"
)]

mod harness;
#[path = "../shared/postgres.rs"]
#[allow(dead_code, reason = "shared with other tests, which use other parts of it")]
mod postgres_server;
mod push;
