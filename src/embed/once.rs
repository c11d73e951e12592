//! A value that is made once, by the first thread that needs it, and may fail to be made.
//!
//! The standard library's `OnceLock` cannot fail yet (`get_or_try_init` is unstable). Invariant: no two threads make the
//! value at once; after a failure the next thread tries again.

use std::sync::{Mutex, OnceLock, PoisonError};

/// A cell that is filled at most once.
pub(super) struct TryOnce<T> {
    value: OnceLock<T>,
    filling: Mutex<()>,
}

impl<T> TryOnce<T> {
    pub(super) const fn new() -> Self {
        Self { value: OnceLock::new(), filling: Mutex::new(()) }
    }

    /// Returns the value, if it is there.
    pub(super) fn get(&self) -> Option<&T> {
        self.value.get()
    }

    /// Returns the value, and makes it first where it is not there yet; other threads that want it wait for that.
    pub(super) fn get_or_try_init<E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<&T, E> {
        if let Some(value) = self.value.get() {
            return Ok(value);
        }
        let _filling = self.filling.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = self.value.get() {
            return Ok(value);
        }
        let value = make()?;
        Ok(self.value.get_or_init(|| value))
    }
}

impl<T> Default for TryOnce<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn it_is_made_once_and_a_failure_is_not_kept() {
        let (cell, calls) = (TryOnce::new(), AtomicUsize::new(0));
        assert_eq!(cell.get_or_try_init(|| Err::<u8, _>("not yet")), Err("not yet"));
        assert_eq!(cell.get(), None);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let make = || {
                        calls.fetch_add(1, Ordering::Relaxed);
                        Ok::<_, ()>(7)
                    };
                    assert_eq!(cell.get_or_try_init(make), Ok(&7));
                });
            }
        });
        assert_eq!(calls.into_inner(), 1);
    }
}
