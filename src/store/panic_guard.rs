//! redb's panics on damaged pages, turned into errors.
//!
//! Only for calls into redb, so that a bug of ours is never taken for damage.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Error, Result};

/// Calls redb; a panic means a damaged page that it took for sound.
pub(super) fn guarded<T, E: From<Error>>(call: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    // What the call worked on is dropped with it.
    catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|_| Err(Error::damaged("a page that it needs cannot be read").into()))
}
