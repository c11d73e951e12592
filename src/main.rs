//! The `huedb` command: the command line and its output, written against the library's public API alone.
//!
//! The compiler proves it: this is a crate of its own.

#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::format_collect,
        reason = "a failed test is meant to panic, and tests compute with small numbers"
    )
)]

#[macro_use]
mod named;

mod cli;
mod output;
#[cfg(test)]
#[path = "record/random.rs"]
#[allow(dead_code, reason = "shared with the library's tests")]
mod random;
#[cfg(test)]
#[path = "record/split_mix.rs"]
mod split_mix;

use std::process::ExitCode;

use mimalloc::MiMalloc;
#[cfg(test)]
use split_mix::SplitMix64;

/// An import parses rows on one thread and frees them on another, and a query reads values of up to 1 MiB again and
/// again: this allocator does both without a lock or a system call.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    cli::main()
}
