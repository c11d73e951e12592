//! redb's panics on damaged pages, as errors.
//!
//! Only for calls of redb alone, so that a fault of ours is never taken for damage.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Error, Result};

/// Calls redb; a panic is a page that it took for sound.
pub(super) fn guarded<T, E: From<Error>>(call: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    // What the call worked on is dropped with it.
    catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|_| Err(Error::damaged("a page that it needs cannot be read").into()))
}
