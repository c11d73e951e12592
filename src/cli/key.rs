//! Where the key of an encrypted file comes from: a file, a command, or a terminal; never the command line itself.
//!
//! Invariant: a key is asked for at most once, and only when a file needs it; it is never printed.

use std::cell::OnceCell;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::store::{Key, MOST_KEY_BYTES};

/// One place that a key comes from.
#[derive(Debug)]
pub(super) enum KeySource {
    File(PathBuf),
    Command(String),
    /// Somebody can be asked.
    Terminal,
    Nowhere,
}

impl KeySource {
    /// Decides by the options; `is_terminal` says whether the standard error is one.
    pub(super) fn given(file: Option<PathBuf>, command: Option<String>, is_terminal: bool) -> Self {
        match (command, file) {
            (Some(command), _) => Self::Command(command),
            (None, Some(file)) => Self::File(file),
            (None, None) if is_terminal => Self::Terminal,
            (None, None) => Self::Nowhere,
        }
    }

    /// Returns the key; `what` it is for is shown where somebody is asked.
    fn key(&self, what: &str, path: &Path) -> Result<Key> {
        match self {
            Self::File(file) => {
                let opened = File::open(file).and_then(all_of);
                let bytes = opened.map_err(|e| Error::io(format!("read the key file {}", file.display()), e))?;
                Key::new(bytes).map_err(|e| bad(&file.display().to_string(), &e))
            }
            Self::Command(command) => run(command),
            Self::Terminal => asked(&format!("{what} of {}: ", path.display())),
            Self::Nowhere => Err(Error::KeyNeeded { path: path.to_owned() }),
        }
    }

    /// Returns a key for what is to be encrypted; it is typed twice, since a slip would lock everybody out.
    pub(super) fn new_key(&self, path: &Path) -> Result<Key> {
        let Self::Terminal = self else { return self.key("New key", path) };
        let first = typed(&format!("New key of {}: ", path.display()))?;
        if typed("The same again: ")? != first {
            return Err(Error::argument("the two are not the same"));
        }
        Key::new(first)
    }
}

/// The key of the files of one command.
#[derive(Debug)]
pub(super) struct Keys {
    source: KeySource,
    known: OnceCell<Key>,
}

impl Keys {
    pub(super) fn new(source: KeySource) -> Self {
        Self { source, known: OnceCell::new() }
    }

    /// Returns the key of a file that is encrypted.
    pub(super) fn of(&self, path: &Path) -> Result<Key> {
        self.once(|| self.source.key("Key", path))
    }

    /// Returns the key of a file that is to be encrypted.
    pub(super) fn new_of(&self, path: &Path) -> Result<Key> {
        self.once(|| self.source.new_key(path))
    }

    /// Returns whether a key was given, whatever becomes of the files.
    pub(super) fn are_given(&self) -> bool {
        matches!(self.source, KeySource::File(_) | KeySource::Command(_))
    }

    fn once(&self, get: impl FnOnce() -> Result<Key>) -> Result<Key> {
        if let Some(key) = self.known.get() {
            return Ok(key.clone());
        }
        let key = get()?;
        Ok(self.known.get_or_init(|| key).clone())
    }
}

/// Reads a key's worth, and one byte more of what is no key.
fn all_of(from: impl Read) -> std::io::Result<Zeroizing<Vec<u8>>> {
    // Room for all of it, since a vector that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * MOST_KEY_BYTES));
    from.take(MOST_KEY_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn run(command: &str) -> Result<Key> {
    let failed = |e| Error::io(format!("run the key command {command:?}"), e);
    // Its input is not what huedb is to read; what it says is for whoever sees the standard error.
    let mut child =
        Command::new("sh").args(["-c", command]).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(failed)?;
    let bytes = child.stdout.take().map_or_else(|| Ok(Zeroizing::default()), all_of).map_err(failed)?;
    let status = child.wait().map_err(failed)?;
    let source = format!("the key command {command:?}");
    if !status.success() {
        return Err(bad(&source, &format!("it failed with {status}")));
    }
    Key::new(bytes).map_err(|e| bad(&source, &e))
}

fn bad(source: &str, why: &impl ToString) -> Error {
    Error::BadInput { source: source.to_owned(), why: why.to_string(), hint: None }
}

fn asked(prompt: &str) -> Result<Key> {
    Key::new(typed(prompt)?)
}

fn typed(prompt: &str) -> Result<Zeroizing<Vec<u8>>> {
    match rpassword::prompt_password(prompt) {
        Ok(line) => Ok(Zeroizing::new(line.into_bytes())),
        Err(e) if e.kind() == std::io::ErrorKind::Interrupted => Err(Error::Interrupted),
        Err(e) => Err(Error::io("ask for the key", e)),
    }
}
