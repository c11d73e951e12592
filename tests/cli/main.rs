//! The command as a shell runs it: real processes, their output, errors and exit codes together.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::print_stderr,
    clippy::format_collect,
    clippy::needless_for_each,
    reason = "a failed test is meant to panic, and tests compute with small numbers"
)]

#[path = "../shared/agree.rs"]
#[cfg(feature = "bundled-model")]
mod agree;
mod backup;
mod bad_input;
mod check;
mod chunk;
mod completion;
mod conditions;
mod config;
mod convert;
mod damage;
mod dedupe;
mod dump;
mod encrypt;
#[cfg(feature = "bundled-model")]
mod engine;
mod exec;
mod first_import;
mod foreign;
#[cfg(feature = "arrow")]
mod formats;
mod full_disk;
#[path = "../shared/help.rs"]
mod help;
mod helping;
mod hostile;
mod hub;
mod huedb;
mod hybrid;
mod ids;
mod import;
mod input;
mod keys;
mod kill;
#[cfg(feature = "mcp")]
mod mcp;
mod memory;
mod models;
mod odd_tables;
#[path = "../library/open.rs"]
#[allow(dead_code, reason = "shared with the library's tests, which open files themselves")]
mod open;
mod paths;
mod places;
mod processes;
mod push;
#[path = "../library/random.rs"]
#[allow(dead_code, reason = "shared with the library's tests, which draw vectors as well")]
mod random;
mod reembed;
mod refusal;
mod rerank;
mod results;
mod round_trip;
mod server;
mod service;
mod shell;
mod slips;
mod sparse;
#[cfg(feature = "bundled-model")]
mod steps;
mod sync;
mod tables;
mod talk;
mod terminal;
mod verbs;
