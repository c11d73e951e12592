//! Chroma's collections, records, filters and embeddings in one file.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::cast_precision_loss,
        clippy::large_stack_arrays,
        reason = "a failed test is meant to panic, and tests compute with small numbers"
    )
)]

pub mod embed;
pub mod error;
pub mod index;
pub mod input;
pub mod output;
pub mod query;
pub mod record;
pub mod store;

pub mod cli;

#[cfg(test)]
mod crash_tests;
