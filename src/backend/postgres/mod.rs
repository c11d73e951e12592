//! Collections in PostgreSQL with pgvector.

#![allow(dead_code, reason = "the place that uses it comes with the connection")]

mod filter;
mod index;
mod number;
mod params;
mod pattern;
mod search;
