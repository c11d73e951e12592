//! What a program settles for its whole process: closed streams, and writes that the system would end it for.
//!
//! A library changes none of this by itself; the `huedb` command calls it first of all.

pub use crate::foreign::{take_limits_as_errors, was_closed};
