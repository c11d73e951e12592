//! The standard input of a command: that of this process, or a text in its place.
//!
//! Invariant: all that reads it reads it through [`Stdin`], whose clones read on where the other stopped. That of the
//! process is an error when it is closed, and not empty.

use std::io::{self, Cursor, Read};
use std::sync::{Arc, Mutex, PoisonError};

use crate::foreign::was_closed;

/// A standard input.
#[derive(Debug, Clone, Default)]
pub struct Stdin(Option<Arc<Mutex<Cursor<Vec<u8>>>>>);

impl Stdin {
    /// One that holds a text, and nothing else.
    #[must_use]
    pub fn holding(text: impl Into<Vec<u8>>) -> Self {
        Self(Some(Arc::new(Mutex::new(Cursor::new(text.into())))))
    }
}

impl Read for Stdin {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &self.0 {
            Some(text) => text.lock().unwrap_or_else(PoisonError::into_inner).read(buffer),
            // Of a closed one the standard library makes an empty one.
            None if was_closed(0) => Err(closed_stream()),
            None => io::stdin().read(buffer),
        }
    }
}

/// What the system says of a descriptor that is closed.
#[must_use]
pub fn closed_stream() -> io::Error {
    io::Error::from_raw_os_error(libc::EBADF)
}
