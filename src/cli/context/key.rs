//! Where the key of an encrypted file comes from: a file, a command, or a terminal; never the command line itself.
//!
//! Invariant: a key is got once for all commands of a process, and only when a file needs it; it is never printed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use huedb::error::{Error, Result};
use huedb::store::{Key, MOST_KEY_BYTES};
use zeroize::Zeroizing;

/// One place that a key comes from.
#[derive(Debug)]
pub(crate) enum KeySource {
    File(PathBuf),
    Command(String),
    /// Somebody can be asked.
    Terminal,
    Nowhere,
}

impl KeySource {
    /// Decides by the options; `is_terminal` says whether the standard error is one.
    pub(crate) fn given(file: Option<PathBuf>, command: Option<String>, is_terminal: bool) -> Self {
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
                let source = format!("the key file {}", file.display());
                let bytes = File::open(file).and_then(all_of).map_err(|e| bad(&source, &e))?;
                Key::new(bytes).map_err(|e| bad(&source, &e))
            }
            Self::Command(command) => run(command),
            Self::Terminal => asked(&format!("{what} of {}: ", path.display())),
            Self::Nowhere => Err(Error::KeyNeeded { path: path.to_owned() }),
        }
    }

    /// Returns a key for what is to be encrypted; it is typed twice, since a slip would lock everybody out.
    fn new_key(&self, path: &Path) -> Result<Key> {
        let Self::Terminal = self else { return self.key("New key", path) };
        let first = typed(&format!("New key of {}: ", path.display()))?;
        if typed("The same again: ")? != first {
            return Err(Error::argument("the two are not the same"));
        }
        Key::new(first)
    }

    /// Returns another key for a file that is encrypted.
    pub(crate) fn other_key(&self, path: &Path) -> Result<Key> {
        if let Self::Nowhere = self {
            return Err(Error::InvalidArgument {
                why: format!("no new key was given for {}", path.display()),
                hint: Some("give it with --new-key-file FILE or --new-key-command COMMAND".into()),
            });
        }
        self.new_key(path)
    }

    /// Names what a key that comes from here is the key of: one is typed for each file.
    fn origin(&self, path: &Path) -> KeyOrigin {
        match self {
            Self::File(file) => KeyOrigin::File(file.clone()),
            Self::Command(command) => KeyOrigin::Command(command.clone()),
            Self::Terminal | Self::Nowhere => KeyOrigin::Typed(path.canonicalize().unwrap_or_else(|_| path.to_owned())),
        }
    }
}

/// Where a key came from.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum KeyOrigin {
    File(PathBuf),
    Command(String),
    /// Typed, for this file.
    Typed(PathBuf),
}

/// The keys that the commands of a process have got.
#[derive(Debug, Clone, Default)]
pub(crate) struct KnownKeys(Rc<RefCell<BTreeMap<KeyOrigin, Key>>>);

/// The key of the files of one command.
#[derive(Debug)]
pub(crate) struct KeyRing {
    source: KeySource,
    known: KnownKeys,
}

impl KeyRing {
    pub(crate) fn new(source: KeySource, known: KnownKeys) -> Self {
        Self { source, known }
    }

    /// Returns the key of a file that is encrypted, and whether it was got only now.
    pub(crate) fn of(&self, path: &Path) -> Result<(Key, bool)> {
        if let Some(key) = self.known.0.borrow().get(&self.source.origin(path)) {
            return Ok((key.clone(), false));
        }
        let key = self.source.key("Key", path)?;
        self.know(path, &key);
        Ok((key, true))
    }

    /// Returns the key of a file that is to be encrypted.
    pub(crate) fn new_of(&self, path: &Path) -> Result<Key> {
        let key = match &self.source {
            KeySource::Nowhere => return Err(no_key_for(path)),
            KeySource::Terminal => self.source.new_key(path)?,
            KeySource::File(_) | KeySource::Command(_) => return self.of(path).map(|(key, _)| key),
        };
        self.know(path, &key);
        Ok(key)
    }

    /// Gets the key anew the next time: this one does not open the file, or no longer.
    pub(crate) fn forget(&self, path: &Path) {
        self.known.0.borrow_mut().remove(&self.source.origin(path));
    }

    fn know(&self, path: &Path, key: &Key) {
        self.known.0.borrow_mut().insert(self.source.origin(path), key.clone());
    }

    /// Returns whether a key was given, whatever becomes of the files.
    pub(crate) fn are_given(&self) -> bool {
        matches!(self.source, KeySource::File(_) | KeySource::Command(_))
    }
}

fn no_key_for(path: &Path) -> Error {
    Error::InvalidArgument {
        why: format!("no key was given to encrypt {} with", path.display()),
        hint: Some(
            "give one with --key-file FILE (or HUEDB_KEY_FILE), with --key-command COMMAND (or HUEDB_KEY_COMMAND), or on a \
             terminal, where it is asked for"
                .into(),
        ),
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
        Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {
            // Whoever listens for ctrl-C may end the process and say so; twice said is once too often.
            std::thread::sleep(Duration::from_millis(200));
            Err(Error::Interrupted)
        }
        Err(e) => Err(Error::io("ask for the key", e)),
    }
}
