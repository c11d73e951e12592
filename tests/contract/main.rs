//! Chroma's contract (sections 1 to 5 of its reading), one row a line of it: what is covered is what stands here.
//!
//! A row begins with its section and what the line says. "Ours:" marks the lines where Chroma's behaviour is a known
//! defect and huedb does better on purpose. Left out, because they have no meaning without a server: status codes and
//! wording of HTTP errors, payload sizes, JSON arrays of differing lengths, PATCH tenant, by-CRN and
//! by-id routes, fork, `indexing_status`, functions, reset, `schema` (1.7), conditional transactions (2.4) and system
//! routes (2.5).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::too_many_lines,
    reason = "a failed test is meant to panic, and tests compute with small numbers"
)]

mod collections;
mod data_model;
mod distance;
mod embedding;
mod filter;
#[path = "../library/open.rs"]
mod open;
mod operations;
mod rows;
mod search;
mod shell;
