//! The config file: where it is, what it says, on which line, and changing it without losing a comment.
//!
//! It knows no flag; [`crate::cli::configuration::defaults`] does. Invariant: whatever the file holds is an entry or a fault with its line,
//! and a file that is not there is neither.

use std::env;
use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use huedb::error::{Error, Result};
use huedb::store::beside;
use toml_edit::{Document, DocumentMut, Item, TableLike, Value};

/// Names another config file; empty, none.
const VARIABLE: &str = "HUEDB_CONFIG";

/// The table whose keys are flags of one verb.
pub(crate) const SERVE: &str = "serve";

/// One key and its value.
pub(crate) struct ConfigEntry {
    /// Whether it stands in the table of `huedb serve`.
    pub(crate) is_of_serve: bool,
    pub(crate) key: String,
    pub(crate) line: u64,
    /// As it would stand on a command line; the error says why it cannot.
    pub(crate) value: Result<String, String>,
    /// The values of a list, where it is one.
    pub(crate) list: Option<Vec<String>>,
    /// Whether it is a number or a truth value, not a string.
    pub(crate) is_bare: bool,
}

/// What was read of the config file.
#[derive(Default)]
pub(crate) struct ConfigFile {
    path: Option<PathBuf>,
    entries: Vec<ConfigEntry>,
    faults: Vec<Error>,
}

fn is_out_of_reach(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::PermissionDenied)
}

/// The longest config file.
const MOST_BYTES: u64 = 1 << 20;

impl ConfigFile {
    /// Reads `$HUEDB_CONFIG`, or `huedb/config.toml` where configuration is kept.
    pub(crate) fn read() -> Self {
        let named = env::var_os(VARIABLE);
        let path = match &named {
            Some(path) => Some(PathBuf::from(path)).filter(|path| !path.as_os_str().is_empty()),
            None => {
                etcetera::choose_base_strategy().ok().map(|dirs| dirs.config_dir().join("huedb").join("config.toml"))
            }
        };
        let mut this = Self { path, ..Self::default() };
        let Some(path) = &this.path else { return this };
        let mut text = String::new();
        let read = fs::File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_string(&mut text));
        match read {
            Ok(bytes) if bytes as u64 > MOST_BYTES => {
                let why = format!("it has more than {MOST_BYTES} bytes, so it is not a config file");
                this.faults.push(Error::BadInput { source: this.shown(), why, hint: None });
            }
            Ok(_) => this.parse(&text),
            // HOME may be anything where nobody lives, as in a container, or another user's, as after `sudo -u`.
            Err(e) if named.is_none() && is_out_of_reach(&e) => {}
            Err(e) if e.kind() == ErrorKind::NotFound => {
                let hint = Some(format!("{VARIABLE} names it; `huedb config set` makes it").into());
                this.faults.push(Error::BadInput { source: this.shown(), why: "no such file".into(), hint });
            }
            Err(e) => {
                this.faults.push(Error::BadInput { source: this.shown(), why: e.to_string(), hint: None });
            }
        }
        this
    }

    fn parse(&mut self, text: &str) {
        let line = |at: usize| text.get(..at).map_or(0, |before| before.matches('\n').count()) as u64 + 1;
        match Document::parse(text) {
            Ok(document) => {
                self.take_table(document.as_table(), false, &line);
            }
            Err(e) => self.fault(e.span().map_or(0, |span| line(span.start)), e.message().replace('\n', "; ")),
        }
    }

    fn take_table(&mut self, table: &dyn TableLike, is_of_serve: bool, line: &dyn Fn(usize) -> u64) {
        for (key, item) in table.iter() {
            if let Some(inner) = item.as_table_like().filter(|_| key == SERVE && !is_of_serve) {
                self.take_table(inner, true, line);
                continue;
            }
            let at = table.key(key).and_then(toml_edit::Key::span).map_or(0, |span| span.start);
            let (value, list) = (worded(key, item), list_of(item).filter(|_| is_of_serve));
            let (is_bare, key) = (item.as_str().is_none(), key.to_owned());
            self.entries.push(ConfigEntry { is_of_serve, key, line: line(at), value, list, is_bare });
        }
    }

    pub(crate) fn take_entries(&mut self) -> Vec<ConfigEntry> {
        std::mem::take(&mut self.entries)
    }

    /// Notes what is wrong on a line.
    pub(crate) fn fault(&mut self, line: u64, why: String) {
        self.faults.push(Error::bad_row(self.shown(), line, why));
    }

    pub(crate) fn take_faults(&mut self) -> Vec<Error> {
        std::mem::take(&mut self.faults)
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Returns its path for messages.
    pub(crate) fn shown(&self) -> String {
        self.path.as_deref().unwrap_or(Path::new("")).display().to_string()
    }

    /// Gives a key a value, or takes it out; everything else stays as it is written.
    pub(crate) fn change(&self, key: &str, value: Option<&str>) -> Result<()> {
        let path = self.path.as_deref().ok_or_else(|| Error::argument("no config file to change"))?;
        let text = match fs::read_to_string(path) {
            Err(e) if e.kind() == ErrorKind::NotFound => String::new(),
            read => read.map_err(|e| Error::io(format!("read {}", path.display()), e))?,
        };
        let bad = |why: &str| Error::BadInput { source: self.shown(), why: why.to_owned(), hint: None };
        let mut document: DocumentMut = text.parse().map_err(|e: toml_edit::TomlError| bad(e.message()))?;
        match value {
            None => drop(document.remove(key)),
            Some(value) => {
                let mut new = bare(value).unwrap_or_else(|| Value::from(value));
                match document.get_mut(key) {
                    Some(Item::Value(old)) => {
                        // What stands behind the old value on its line.
                        *new.decor_mut() = old.decor().clone();
                        *old = new;
                    }
                    _ => drop(document.insert(key, Item::Value(new))),
                }
            }
        }
        write(path, &document.to_string())
    }
}

/// Reads a number or a truth value that is written again as it was given.
fn bare(text: &str) -> Option<Value> {
    let value: Value = text.parse().ok()?;
    matches!(value, Value::Integer(_) | Value::Float(_) | Value::Boolean(_)).then_some(value)
}

/// Returns a value as it would stand on a command line.
fn worded(key: &str, item: &Item) -> Result<String, String> {
    match item.as_value() {
        Some(Value::String(text)) => Ok(text.value().clone()),
        Some(Value::Integer(n)) => Ok(n.value().to_string()),
        Some(Value::Float(x)) => Ok(x.value().to_string()),
        Some(Value::Boolean(b)) => Ok(b.value().to_string()),
        _ => Err(format!("{key} is one value: a string, a number, true or false")),
    }
}

/// Returns the values of a list of strings.
fn list_of(item: &Item) -> Option<Vec<String>> {
    item.as_array()?.iter().map(|value| value.as_str().map(str::to_owned)).collect()
}

/// Replaces the file at once, so that no command reads half of it.
fn write(path: &Path, text: &str) -> Result<()> {
    let failed = |e| Error::io(format!("write {}", path.display()), e);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed)?;
    // A link is written through, as to the repository of somebody's dotfiles.
    let mut beside = beside(path, None)?;
    beside.as_file_mut().write_all(text.as_bytes()).map_err(failed)?;
    beside.put_in_place(true)
}
