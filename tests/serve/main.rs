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
    reason = "a failed test is meant to panic, and tests compute with small numbers"
)]

mod access;
mod audit;
mod beside;
mod browse;
mod clients;
mod cors;
mod disk;
mod far;
mod hostile;
mod kill;
mod limits;
mod metrics;
mod model;
mod oidc;
mod own;
mod page;
mod proxy;
#[path = "../library/random.rs"]
#[allow(dead_code, reason = "shared with the library's tests, which draw vectors as well")]
mod random;
mod routes;
mod running;
mod stop;
mod tls;
mod tokens;
mod worlds;
