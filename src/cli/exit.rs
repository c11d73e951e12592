//! How a command ends: its exit code, and its last words when it failed.

use crate::error::{Error, ErrorKind};
use crate::output::{Failure, Printer, chain};

/// Usage or bad input.
pub(super) const INPUT: u8 = 2;
/// A damaged file.
const DAMAGED: u8 = 4;
/// Any other failure.
const FAILURE: u8 = 5;

/// How a command that did not fail ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// It did what it was to do.
    Done,
    /// It was to find something and found nothing.
    NothingFound,
    /// It was to find damage and did.
    Damaged,
    /// It did what it could, and has said what it could not.
    Incomplete,
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
        Ok(Status::Incomplete) => return FAILURE,
        Err(error) => error,
    };
    let known = error.downcast_ref::<Error>();
    // Whoever read the output has read enough, as with `head`.
    if known.is_some_and(Error::is_broken_pipe) {
        return 0;
    }
    let code = code_of(known);
    printer.failure(&Failure { error: chain(error.as_ref()), ..failure(known, code) });
    code
}

fn code_of(error: Option<&Error>) -> u8 {
    match error.map(Error::kind) {
        Some(ErrorKind::Input) => INPUT,
        Some(ErrorKind::Busy) => 3,
        Some(ErrorKind::Damaged) => DAMAGED,
        Some(ErrorKind::Interrupted) => 130,
        Some(ErrorKind::Failure) | None => FAILURE,
    }
}

fn failure(error: Option<&Error>, code: u8) -> Failure {
    Failure {
        error: error.map(ToString::to_string).unwrap_or_default(),
        code,
        kind: error.map_or("fault".to_owned(), Error::name),
        hint: error.and_then(Error::hint),
        place: error.map(Error::place).unwrap_or_default(),
    }
}

/// What is said when an interrupt ends the process at once.
pub(super) fn interrupted() -> Failure {
    failure(Some(&Error::Interrupted), 130)
}
