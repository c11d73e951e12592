//! The standard input as text.

use std::io::{BufRead, BufReader, Read};

use huedb::error::{Error, Result};
use huedb::input::Stdin;

/// Reads the standard input as one text, without the line end a shell puts after it.
pub(crate) fn read_stdin() -> Result<String> {
    let mut text = String::new();
    Stdin.read_to_string(&mut text).map_err(unread_stdin)?;
    let end = text.strip_suffix('\n').map_or(text.len(), |line| line.strip_suffix('\r').unwrap_or(line).len());
    text.truncate(end);
    Ok(text)
}

/// Reads the standard input line by line.
pub(crate) fn stdin_lines() -> impl Iterator<Item = Result<String>> {
    BufReader::new(Stdin).lines().map(|line| line.map_err(unread_stdin))
}

fn unread_stdin(error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::InvalidData => {
            Error::BadInput { source: "-".into(), why: "it is not UTF-8 text".into(), hint: None }
        }
        _ => Error::io("read the standard input", error),
    }
}
