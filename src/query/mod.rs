//! The query room.

pub mod filter;
