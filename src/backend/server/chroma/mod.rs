//! A server of Chroma, by its API v2: what it can do it does, and the rest is done here over pages of its records.
//!
//! Invariant: what becomes of a write is decided by a file's own code, on a copy of the records it touches.

mod hybrid;
mod quota;
mod records;
mod select;
mod state;
mod word_index;
mod writing;

pub(super) use quota::{Quota, is_cloud};
pub(super) use records::{ChromaRecords, creation, describe};
