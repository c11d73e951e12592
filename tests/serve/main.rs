//! The server, as a process of its own, asked by real clients over HTTP.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::float_cmp,
    clippy::format_collect,
    clippy::large_stack_arrays,
    clippy::items_after_statements,
    clippy::print_stderr,
    clippy::too_many_lines,
    reason = "a failed test is meant to panic, and tests compute with small numbers"
)]

mod access;
mod audit;
mod beside;
mod browse;
mod chroma;
#[path = "../shared/chroma.rs"]
mod chroma_server;
mod clients;
#[path = "../contract/collections.rs"]
mod collections;
mod cors;
#[path = "../contract/data_model.rs"]
mod data_model;
mod disk;
#[path = "../contract/embedding.rs"]
mod embedding;
mod far;
mod hostile;
mod kill;
mod limits;
mod metrics;
mod model;
mod oidc;
#[path = "../contract/operations.rs"]
mod operations;
mod own;
mod page;
#[cfg(feature = "postgres")]
mod pods;
#[cfg(feature = "postgres")]
#[path = "../shared/postgres.rs"]
#[allow(dead_code, reason = "shared with other tests, which use other parts of it")]
mod postgres_server;
mod proxy;
#[path = "../library/random.rs"]
#[allow(dead_code, reason = "shared with the library's tests, which draw vectors as well")]
mod random;
#[cfg(feature = "postgres")]
mod replica;
mod routes;
#[path = "../contract/rows.rs"]
mod rows;
mod running;
#[path = "../shared/served.rs"]
mod served;
mod shell;
mod stop;
mod tls;
mod tokens;
mod worlds;
