//! How a command ends: its exit code, and its last words when it failed.

use crate::error::{Error, ErrorKind};
use crate::output::{Printer, chain};

/// Usage or bad input.
pub(super) const INPUT: u8 = 2;
/// A damaged file.
const DAMAGED: u8 = 4;

/// How a command that did not fail ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// It did what it was to do.
    Done,
    /// It was to find something and found nothing.
    NothingFound,
    /// It was to find damage and did.
    Damaged,
}

impl Status {
    /// Found something, or nothing.
    pub(super) fn found(something: bool) -> Self {
        if something { Self::Done } else { Self::NothingFound }
    }
}

/// Says what went wrong, if anything did, and returns the exit code.
pub(super) fn report(result: anyhow::Result<Status>, printer: &mut Printer) -> u8 {
    let error = match result {
        Ok(Status::Done) => return 0,
        Ok(Status::NothingFound) => return 1,
        Ok(Status::Damaged) => return DAMAGED,
        Err(error) => error,
    };
    let known = error.downcast_ref::<Error>();
    // Whoever read the output has read enough, as with `head`.
    if known.is_some_and(Error::is_broken_pipe) {
        return 0;
    }
    printer.error(chain(error.as_ref()), known.and_then(Error::hint).as_deref());
    match known.map(Error::kind) {
        Some(ErrorKind::Input) => INPUT,
        Some(ErrorKind::Busy) => 3,
        Some(ErrorKind::Damaged) => DAMAGED,
        Some(ErrorKind::Interrupted) => 130,
        Some(ErrorKind::Failure) | None => 5,
    }
}
