//! Panics of the libraries of Parquet and Arrow.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Makes a panic an error: the libraries take some of what a file says for granted.
pub(super) fn unpanicked<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    // Nothing that the work has touched is used after it panicked, but for a reader that is asked no more.
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| "the data is damaged".to_owned())
}
