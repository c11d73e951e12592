//! Collections in PostgreSQL, in servers that the tests start themselves, beside those of a file.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::float_cmp,
    clippy::too_many_lines,
    clippy::items_after_statements,
    clippy::print_stderr,
    reason = "a failed test is meant to panic, and tests compute with small numbers"
)]

mod alike;
mod basics;
#[path = "../contract/collections.rs"]
mod collections;
mod contract;
mod cut;
#[path = "../contract/data_model.rs"]
mod data_model;
#[path = "../contract/distance.rs"]
mod distance;
mod encrypted;
mod harness;
mod lost;
#[path = "../library/model/mod.rs"]
#[allow(dead_code, reason = "shared with the library's tests, which run it on files")]
mod model;
mod modelled;
mod oldest;
#[path = "../library/open.rs"]
#[allow(dead_code, reason = "shared with other tests, which use other parts of it")]
mod open;
#[path = "../contract/operations.rs"]
mod operations;
#[path = "../shared/postgres.rs"]
#[allow(dead_code, reason = "shared with other tests, which use other parts of it")]
mod postgres_server;
mod push;
#[path = "../library/random.rs"]
#[allow(dead_code, reason = "shared with other tests, which draw more")]
mod random;
#[path = "../contract/rows.rs"]
mod rows;
#[path = "../contract/search.rs"]
mod search;
mod shards;

mod shell {
    pub(crate) use crate::contract::check;
}
