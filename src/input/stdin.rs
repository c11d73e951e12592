//! The standard input, which is an error when it is closed, and not empty.
//!
//! Invariant: all that reads it reads it through [`Stdin`].

use std::io::{self, Read};

use crate::foreign::was_closed;

/// The standard input; of a closed one the standard library makes an empty one.
#[derive(Debug)]
pub struct Stdin;

impl Read for Stdin {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if was_closed(0) { Err(closed_stream()) } else { io::stdin().read(buffer) }
    }
}

/// What the system says of a descriptor that is closed.
#[must_use]
pub fn closed_stream() -> io::Error {
    io::Error::from_raw_os_error(libc::EBADF)
}
