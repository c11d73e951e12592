//! The rows of Chroma's contract that are shell scripts, run on a server.

use crate::rows::{Row, failures};
use crate::served::ServerPlace;

/// Runs `before` and then each row; reports every row that fails.
#[track_caller]
pub(crate) fn check(before: &str, rows: &[Row]) {
    let failed = failures(&ServerPlace, before, rows);
    assert!(failed.is_empty(), "{} of {} rows failed\n\n{}", failed.len(), rows.len(), failed.join("\n"));
}
