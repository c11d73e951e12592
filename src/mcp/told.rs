//! What a tool tells: its answer, and what is to be said beside it.
//!
//! Knows no tool. Invariant: an answer is an object.

use serde_json::Value as Json;

use super::catalogue::Refusal;

/// What a tool answers.
pub(super) type Told = Result<Json, Refusal>;

/// An answer, with what is to be said beside it.
#[expect(clippy::unnecessary_wraps, reason = "every tool ends with it")]
pub(super) fn told(mut answer: Json, notes: Vec<String>) -> Told {
    if !notes.is_empty() {
        put(&mut answer, "notes", notes);
    }
    Ok(answer)
}

/// Adds to an object.
pub(super) fn put(object: &mut Json, key: &str, value: impl Into<Json>) {
    if let Some(object) = object.as_object_mut() {
        object.insert(key.to_owned(), value.into());
    }
}
