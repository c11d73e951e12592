//! How a command ends: its exit code, and its last words when it failed.

use huedb::error::{Error, ErrorKind, Result};

use crate::cli::process::hint::hint;
use crate::output::{FailureReport, Printer, chain};

/// Usage or bad input.
pub(crate) const INPUT: u8 = 2;
/// A damaged file.
const DAMAGED: u8 = 4;
/// Any other failure.
const FAILURE: u8 = 5;

/// How a command that did not fail ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
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
    pub(crate) fn found(something: bool) -> Self {
        if something { Self::Done } else { Self::NothingFound }
    }
}

/// How a command ended that failed.
#[derive(Debug)]
pub(crate) enum Failed {
    Known(Error),
    /// A panic, in this line of the source.
    Fault {
        file: String,
        line: u32,
    },
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Known(error)
    }
}

/// Says what went wrong, if anything did, and returns the exit code.
pub(crate) fn report(result: Result<Status, Failed>, printer: &mut Printer) -> u8 {
    let failed = match result {
        Ok(Status::Done) => return 0,
        Ok(Status::NothingFound) => return 1,
        Ok(Status::Damaged) => return DAMAGED,
        Ok(Status::Incomplete) => return FAILURE,
        // Whoever read the output has read enough, as with `head`.
        Err(Failed::Known(error)) if error.is_broken_pipe() => return 0,
        Err(Failed::Known(error)) => failure(&error),
        Err(Failed::Fault { file, line }) => FailureReport {
            error: format!("a fault in huedb itself, at {file}:{line}; please report it"),
            code: FAILURE,
            kind: "fault".into(),
            hint: None,
            usage: Vec::new(),
            place: Vec::new(),
        },
    };
    printer.failure(&failed);
    failed.code
}

fn failure(error: &Error) -> FailureReport {
    let code = match error.kind() {
        ErrorKind::Input => INPUT,
        ErrorKind::Busy => 3,
        ErrorKind::Damaged => DAMAGED,
        ErrorKind::Interrupted => 130,
        ErrorKind::Failure => FAILURE,
    };
    FailureReport {
        error: chain(error),
        code,
        kind: error.name(),
        hint: hint(error),
        usage: Vec::new(),
        place: error.place(),
    }
}

/// What is said when an interrupt ends the process at once.
pub(crate) fn interrupted() -> FailureReport {
    failure(&Error::Interrupted)
}
