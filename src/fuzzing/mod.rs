//! What `fuzz/` calls: everything that reads bytes from outside, as functions of bytes. No part of the library.
//!
//! The tests of this module call the same functions with the seeds of `fuzz/seeds` and mutations of them.

#![allow(clippy::panic, missing_docs, reason = "a panic is what a fuzzer looks for, and the names say what is called")]

#[cfg(test)]
mod replay;
mod targets;
mod world;

pub use targets::{FuzzTarget, TARGETS, run};
