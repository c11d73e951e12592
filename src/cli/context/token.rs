//! Who asks a server: a token from a variable, a file or a command, never from the command line itself.
//!
//! Invariant: it is got only when a server is asked, and never printed.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use huedb::error::{Error, Result};
use huedb::input::ServerOptions;
use zeroize::Zeroizing;

/// Whose token it is.
#[derive(Debug, Clone, Copy, Default)]
enum TokenEnd {
    /// That for the place of --db.
    #[default]
    Own,
    /// That for the other place of a push or a pull.
    Other,
}

/// Where the token comes from, and whom its server's certificate may be from.
#[derive(Debug, Clone, Default)]
pub(crate) struct TokenSource {
    pub(crate) file: Option<PathBuf>,
    pub(crate) command: Option<String>,
    pub(crate) ca: Option<PathBuf>,
    end: TokenEnd,
}

impl TokenSource {
    pub(crate) fn new(file: Option<PathBuf>, command: Option<String>, ca: Option<PathBuf>) -> Self {
        Self { file, command, ca, end: TokenEnd::Own }
    }

    /// Returns where the token for the other place of a push or a pull comes from. Without one of its own it is this one, but
    /// no server is told the token for another: `is_free` says that this one is for none.
    pub(crate) fn of_other_place(&self, file: Option<PathBuf>, command: Option<String>, is_free: bool) -> Self {
        let has_own = file.is_some() || command.is_some() || variable(TokenEnd::Other.variable()).is_some();
        if is_free && !has_own {
            return self.clone();
        }
        Self { file, command, ca: self.ca.clone(), end: TokenEnd::Other }
    }

    /// Returns how a server is spoken to.
    pub(crate) fn options(&self) -> Result<ServerOptions> {
        match self.token()? {
            Some(token) => Ok(self.anonymous().with_token(&token)),
            None => Ok(self.of_chroma()),
        }
    }

    fn anonymous(&self) -> ServerOptions {
        let ca = self.ca.clone().or_else(|| variable("SSL_CERT_FILE").map(PathBuf::from));
        ServerOptions { ca, ..ServerOptions::default() }
    }

    /// Returns how a Chroma server is spoken to that collections are only read from: a token for the place is not for it.
    pub(crate) fn of_chroma(&self) -> ServerOptions {
        let mut options = self.anonymous();
        for (name, header) in [("CHROMA_TOKEN", "x-chroma-token"), ("CHROMA_AUTHORIZATION", "authorization")] {
            options.headers.extend(variable(name).map(|value| (header.to_owned(), value)));
        }
        options
    }

    fn token(&self) -> Result<Option<Zeroizing<String>>> {
        let text = match (&self.file, &self.command) {
            (Some(file), _) => {
                let read = fs::read_to_string(file).map(Zeroizing::new);
                read.map_err(|error| Error::io(format!("read the token in {}", file.display()), error))?
            }
            (None, Some(command)) => run(command)?,
            (None, None) => match std::env::var(self.end.variable()).ok().map(Zeroizing::new) {
                Some(token) => token,
                None => return Ok(None),
            },
        };
        let token = Zeroizing::new(text.trim().to_owned());
        if token.is_empty() && (self.file.is_some() || self.command.is_some()) {
            return Err(Error::argument("what was named for a token gives none"));
        }
        Ok(Some(token).filter(|token| !token.is_empty()))
    }
}

impl TokenEnd {
    fn variable(self) -> &'static str {
        match self {
            Self::Own => "HUEDB_TOKEN",
            Self::Other => "HUEDB_PLACE_TOKEN",
        }
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Runs a command without a shell; what it says beside the token is for whoever sees the standard error.
fn run(command: &str) -> Result<Zeroizing<String>> {
    let words = shlex::split(command).unwrap_or_default();
    let Some((program, arguments)) = words.split_first() else {
        return Err(Error::argument(format!("the token command {command:?} names no program")));
    };
    let failed = |error| Error::io(format!("run the token command {program:?}"), error);
    let output =
        Command::new(program).args(arguments).stdin(Stdio::null()).stderr(Stdio::inherit()).output().map_err(failed)?;
    if !output.status.success() {
        return Err(Error::argument(format!("the token command {program:?} failed with {}", output.status)));
    }
    let text = String::from_utf8(output.stdout);
    text.map(Zeroizing::new).map_err(|_| Error::argument(format!("the token command {program:?} printed no text")))
}
