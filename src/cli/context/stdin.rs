//! The standard input, as text or as what an argument `-` names.

use std::io::{self, BufRead, BufReader, IsTerminal, Read};

use huedb::error::{Error, Result};
use huedb::input::{InputSource, read_ids};
use huedb::record::RecordId;
use huedb::store::MAX_ID_BYTES;

use super::command::Context;

impl Context<'_, '_> {
    /// Reads the standard input as one text, without the line end a shell puts after it.
    pub(crate) fn read_stdin(&self) -> Result<String> {
        let mut text = String::new();
        self.stdin.clone().read_to_string(&mut text).map_err(unread_stdin)?;
        let end = text.strip_suffix('\n').map_or(text.len(), |line| line.strip_suffix('\r').unwrap_or(line).len());
        text.truncate(end);
        Ok(text)
    }

    /// Reads the standard input line by line.
    pub(crate) fn stdin_lines(&self) -> impl Iterator<Item = Result<String>> + use<> {
        BufReader::new(self.stdin.clone()).lines().map(|line| line.map_err(unread_stdin))
    }

    /// Returns what an argument names.
    pub(crate) fn source(&self, argument: &str) -> Result<InputSource> {
        Ok(match InputSource::parse(argument)? {
            InputSource::Stdin(_) => InputSource::Stdin(self.stdin.clone()),
            named => named,
        })
    }

    /// Reads a list of ids.
    pub(crate) fn read_ids(&self, list: &str) -> Result<Vec<RecordId>> {
        read_ids(list, self.stdin.clone(), self.null_terminated, MAX_ID_BYTES)
    }
}

/// Whether what comes in comes from a file or a pipe, so that a command may read it without being told to.
pub(crate) fn is_piped() -> bool {
    !io::stdin().is_terminal()
}

fn unread_stdin(error: io::Error) -> Error {
    if error.kind() == std::io::ErrorKind::InvalidData {
        return Error::BadInput { source: "-".into(), why: "it is not UTF-8 text".into(), hint: None };
    }
    Error::io("read the standard input", error)
}
