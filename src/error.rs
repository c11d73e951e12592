//! The one error of the library: what failed, on which thing, and what to do about it.
//!
//! Every variant is named by what happened. [`Error::kind`] says whose fault it was and so decides the exit
//! code of the command line; [`Error::hint`] says what to do. Invariant: `Display` is one line without a
//! trailing period and never repeats its source, which [`std::error::Error::source`] gives.

mod advice;
pub(crate) mod connection;
mod location;

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

pub use advice::{Advice, Remark};

/// The result of every fallible function of the library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Whose fault an [`Error`] was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The caller asked for something that cannot be: bad input, an unknown name, a wrong dimension.
    Input,
    /// Another process held the file longer than the busy timeout.
    Busy,
    /// The file, or a part of it, is damaged.
    Damaged,
    /// The work was interrupted by the user.
    Interrupted,
    /// Anything else: I/O, the embedding runtime.
    Failure,
}

/// Everything that can go wrong in the library.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// There is no collection of that name.
    CollectionNotFound {
        /// The name asked for.
        name: String,
        /// The names that do exist, in order.
        known: Vec<String>,
    },
    /// The name is taken.
    CollectionExists {
        /// The name asked for.
        name: String,
    },
    /// There is no tenant of that name.
    TenantNotFound {
        /// The name asked for.
        name: String,
        /// The names that do exist, in order.
        known: Vec<String>,
    },
    /// There is no database of that name in the tenant.
    DatabaseNotFound {
        /// The name asked for.
        name: String,
        /// The tenant it was looked for in.
        tenant: String,
        /// The names that do exist there, in order.
        known: Vec<String>,
    },
    /// The tenant exists already.
    TenantExists {
        /// The name asked for.
        name: String,
    },
    /// The database exists already.
    DatabaseExists {
        /// The name asked for.
        name: String,
        /// The tenant it is in.
        tenant: String,
    },
    /// There is no token of that name or id.
    TokenNotFound {
        /// What was asked for.
        name: String,
        /// The names that do exist, in order.
        known: Vec<String>,
    },
    /// The name of a token, or the token itself, is taken.
    TokenExists {
        /// The name it is kept under.
        name: String,
    },
    /// A tenant's name is too short.
    InvalidTenantName {
        /// The name given.
        name: String,
    },
    /// A collection or database name breaks Chroma's name rule.
    InvalidName {
        /// The name given.
        name: String,
        /// The rule it breaks.
        why: &'static str,
    },
    /// A record id is empty.
    EmptyId,
    /// An id appears twice in one batch.
    DuplicateId {
        /// The id.
        id: String,
    },
    /// An embedding has fewer or more components than the collection's.
    DimensionMismatch {
        /// The collection.
        collection: String,
        /// What the collection holds.
        expected: usize,
        /// What was given.
        got: usize,
    },
    /// An embedding is empty, too long, or holds NaN or infinity.
    InvalidEmbedding {
        /// What is wrong with it.
        why: String,
    },
    /// A metadata key or value is not allowed.
    InvalidMetadata {
        /// The key.
        key: String,
        /// The rule it breaks.
        why: String,
    },
    /// A filter does not parse.
    InvalidWhere {
        /// The filter as written.
        text: String,
        /// The byte offset in `text` where parsing stopped, where one is known.
        at: Option<usize>,
        /// What was wrong there.
        why: String,
    },
    /// An argument of a call is out of range or contradicts another.
    InvalidArgument {
        /// What is wrong.
        why: String,
        /// What to do.
        hint: Option<Advice>,
    },
    /// One row of an input is bad.
    BadRow {
        /// The file, or `-` for standard input.
        source: String,
        /// The line the row begins on, from 1; 0 where lines mean nothing.
        line: u64,
        /// What is wrong.
        why: String,
        /// What to do about it.
        hint: Option<Advice>,
    },
    /// A record of a batch is bad.
    BadRecord {
        /// Its id.
        id: String,
        /// What is wrong with it.
        cause: Box<Error>,
    },
    /// An input as a whole is bad.
    BadInput {
        /// The file, or `-` for standard input.
        source: String,
        /// What is wrong.
        why: String,
        /// What to do.
        hint: Option<Advice>,
    },
    /// An input is no text, and no other format that is read.
    NotText {
        /// The file, or `-` for standard input.
        source: String,
        /// What it is instead.
        why: String,
        /// What to do.
        hint: Option<Advice>,
    },
    /// The collection's embeddings were made by another model.
    ModelMismatch {
        /// The collection.
        collection: String,
        /// The model the collection was made with.
        stored: String,
        /// The model given.
        given: String,
    },
    /// Text was given for a collection that has no model.
    NoModel {
        /// The collection.
        collection: String,
    },
    /// There is no model of that name.
    ModelNotFound {
        /// The name or path asked for.
        model: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// A search by words of a collection without an index of them.
    WordsNotIndexed {
        /// The collection.
        collection: String,
    },
    /// What was brought to another place is not what is there.
    Differs {
        /// The collection.
        collection: String,
        /// What is otherwise.
        why: String,
    },
    /// A model cannot be read or run.
    Model {
        /// The model.
        model: String,
        /// What is wrong.
        why: String,
        /// What to do.
        hint: Option<Advice>,
    },
    /// A server that is read from cannot be reached, or fails.
    Server {
        /// Its address.
        url: String,
        /// What is wrong.
        why: String,
        /// What to do.
        hint: Option<Advice>,
    },
    /// The embedding runtime cannot be set up or used.
    Runtime {
        /// What is wrong.
        why: String,
        /// What to do.
        hint: Option<Advice>,
    },
    /// There is no database file at that path.
    FileNotFound {
        /// The path.
        path: PathBuf,
    },
    /// There is a file where one was to be written.
    FileExists {
        /// The path.
        path: PathBuf,
    },
    /// The file is not a huedb database.
    NotADatabase {
        /// The path.
        path: PathBuf,
        /// What it is instead.
        why: String,
    },
    /// The file was written by a later version.
    NewerFormat {
        /// The path.
        path: PathBuf,
        /// The format version of the file.
        found: u32,
        /// The newest format version this program reads.
        supported: u32,
    },
    /// The file is encrypted, and no key was given.
    KeyNeeded {
        /// The path.
        path: PathBuf,
    },
    /// The file is encrypted with another key.
    WrongKey {
        /// The path.
        path: PathBuf,
    },
    /// Another process held the file's lock for longer than the busy timeout.
    Busy {
        /// The path.
        path: PathBuf,
        /// How long the lock was waited for.
        waited: Duration,
    },
    /// A part of the file does not say what it must.
    Damaged {
        /// The path, where known.
        path: PathBuf,
        /// The part that is damaged, and how.
        what: String,
    },
    /// The operating system refused.
    Io {
        /// What was being done, as in `read notes.csv`.
        action: String,
        /// Its answer.
        source: std::io::Error,
    },
    /// The user interrupted the work.
    Interrupted,
}

impl Error {
    /// Wraps an I/O error with what was being done.
    pub fn io(action: impl Into<String>, source: std::io::Error) -> Self {
        Self::Io { action: action.into(), source }
    }

    /// An argument that is out of range or contradicts another.
    pub fn argument(why: impl Into<String>) -> Self {
        Self::InvalidArgument { why: why.into(), hint: None }
    }

    /// Names the record a failure was about.
    #[must_use]
    pub fn of_record(self, id: &str) -> Self {
        match self {
            named @ (Self::BadRecord { .. } | Self::BadRow { .. }) => named,
            cause => Self::BadRecord { id: id.to_owned(), cause: Box::new(cause) },
        }
    }

    /// One row of an input is bad; `line` is 0 where lines mean nothing.
    pub fn bad_row(source: impl fmt::Display, line: u64, why: impl Into<Remark>) -> Self {
        let Remark { text: why, advice: hint } = why.into();
        Self::BadRow { source: source.to_string(), line, why, hint }
    }

    /// Returns whether the reader of the output is gone, which ends a command quietly.
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == std::io::ErrorKind::BrokenPipe)
    }

    /// Returns whether a name was asked for that there is not: of a collection, a tenant, a database.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::CollectionNotFound { .. } | Self::TenantNotFound { .. } | Self::DatabaseNotFound { .. })
    }

    /// Says whose fault the error was.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::CollectionNotFound { .. }
            | Self::CollectionExists { .. }
            | Self::TenantNotFound { .. }
            | Self::DatabaseNotFound { .. }
            | Self::TenantExists { .. }
            | Self::DatabaseExists { .. }
            | Self::TokenNotFound { .. }
            | Self::TokenExists { .. }
            | Self::InvalidTenantName { .. }
            | Self::InvalidName { .. }
            | Self::EmptyId
            | Self::DuplicateId { .. }
            | Self::DimensionMismatch { .. }
            | Self::InvalidEmbedding { .. }
            | Self::InvalidMetadata { .. }
            | Self::InvalidWhere { .. }
            | Self::InvalidArgument { .. }
            | Self::BadRow { .. }
            | Self::BadInput { .. }
            | Self::NotText { .. }
            | Self::ModelMismatch { .. }
            | Self::NoModel { .. }
            | Self::ModelNotFound { .. }
            | Self::WordsNotIndexed { .. }
            | Self::FileNotFound { .. }
            | Self::FileExists { .. }
            | Self::KeyNeeded { .. }
            | Self::WrongKey { .. } => ErrorKind::Input,
            Self::BadRecord { cause, .. } => cause.kind(),
            Self::Busy { .. } => ErrorKind::Busy,
            Self::NotADatabase { .. } | Self::NewerFormat { .. } | Self::Damaged { .. } => ErrorKind::Damaged,
            Self::Interrupted => ErrorKind::Interrupted,
            Self::Differs { .. }
            | Self::Model { .. }
            | Self::Server { .. }
            | Self::Runtime { .. }
            | Self::Io { .. } => ErrorKind::Failure,
        }
    }

    /// Returns what to do as the place that made the error put it, where it did.
    #[must_use]
    pub fn advice(&self) -> Option<&Advice> {
        match self {
            Self::InvalidArgument { hint, .. }
            | Self::BadInput { hint, .. }
            | Self::BadRow { hint, .. }
            | Self::NotText { hint, .. }
            | Self::Model { hint, .. }
            | Self::Server { hint, .. }
            | Self::Runtime { hint, .. } => hint.as_ref(),
            _ => None,
        }
    }

    /// Says what to do, where there is something to do. It names no command and no flag: how an error is put right there,
    /// the command line says.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::CollectionNotFound { known, .. }
            | Self::DatabaseNotFound { known, .. }
            | Self::TokenNotFound { known, .. }
                if known.is_empty() =>
            {
                return None;
            }
            Self::ModelNotFound { known, .. } if known.is_empty() => "no models are installed".into(),
            Self::ModelNotFound { known, .. } => format!("there are {}", known.join(", ")),
            Self::CollectionNotFound { known, .. }
            | Self::TenantNotFound { known, .. }
            | Self::DatabaseNotFound { known, .. }
            | Self::TokenNotFound { known, .. } => format!("available: {}", known.join(", ")),
            Self::InvalidName { name, .. } if name.len() < 3 && !name.is_empty() => {
                format!("choose a longer one, such as {name}-notes")
            }
            Self::InvalidName { .. } => {
                "a name has 3 to 512 characters from [a-zA-Z0-9._-] and starts and ends with a letter or a digit".into()
            }
            Self::ModelMismatch { stored, .. } => format!("use the model {stored}, or re-embed the collection"),
            Self::NoModel { .. } => "give an embedding, or create the collection with a model".into(),
            Self::WordsNotIndexed { .. } => "index the words of its documents first".into(),
            Self::Differs { .. } => "records were written meanwhile; run again, it brings over what differs".into(),
            Self::KeyNeeded { .. } => "give its key".into(),
            Self::WrongKey { .. } => "its key is the one it was last encrypted with".into(),
            Self::Busy { .. } => "wait for the other process to finish, or wait longer".into(),
            Self::Damaged { .. } => "check it, and repair what can be repaired".into(),
            Self::NewerFormat { .. } => "upgrade huedb".into(),
            Self::Interrupted => "what was stored is complete; the same can be run again".into(),
            Self::Io { source, .. } if is_full(source) => "free some space and run it again".into(),
            Self::BadRecord { cause, .. } => return cause.hint(),
            error => return error.advice().map(ToString::to_string),
        })
    }

    /// Returns the message with its causes and what to do about it, in one sentence.
    #[must_use]
    pub fn with_hint(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        match self.hint() {
            Some(hint) => format!("{text} ({hint})"),
            None => text,
        }
    }
}

/// Returns whether there was no room to write.
fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

/// Returns a short filter whole, of a long one the part around a place, with dots where it was cut.
fn excerpt(text: &str, at: usize) -> Cow<'_, str> {
    const AROUND: usize = 32;
    if text.chars().count() <= 2 * AROUND + 16 {
        return text.into();
    }
    let (before, after) = text.split_at_checked(at).unwrap_or((text, ""));
    let start = before.char_indices().rev().nth(AROUND - 1).map_or(0, |(start, _)| start);
    let end = after.char_indices().nth(AROUND).map_or(text.len(), |(end, _)| before.len() + end);
    let dots = |cut: bool| if cut { "..." } else { "" };
    format!("{}{}{}", dots(start > 0), text.get(start..end).unwrap_or(text), dots(end < text.len())).into()
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CollectionNotFound { name, .. } => write!(f, "no collection named {name:?}"),
            Self::CollectionExists { name } => write!(f, "a collection named {name:?} exists already"),
            Self::TenantNotFound { name, .. } => write!(f, "no tenant named {name:?}"),
            Self::DatabaseNotFound { name, tenant, .. } => {
                write!(f, "no database named {name:?} in the tenant {tenant:?}")
            }
            Self::TenantExists { name } => write!(f, "a tenant named {name:?} exists already"),
            Self::DatabaseExists { name, tenant } => {
                write!(f, "a database named {name:?} exists already in the tenant {tenant:?}")
            }
            Self::TokenNotFound { name, .. } => write!(f, "no token named {name:?}"),
            Self::TokenExists { name } => write!(f, "a token named {name:?} exists already"),
            Self::InvalidTenantName { name } => write!(f, "the tenant's name {name:?} must have 3 characters or more"),
            Self::InvalidName { name, why } => write!(f, "the name {name:?} {why}"),
            Self::EmptyId => write!(f, "the id is empty; an id has at least one character"),
            Self::DuplicateId { id } => write!(f, "the id {id:?} appears twice in one batch"),
            Self::DimensionMismatch { collection, expected, got } => {
                write!(f, "collection {collection:?} holds embeddings of dimension {expected}, got {got}")
            }
            Self::InvalidEmbedding { why } => write!(f, "invalid embedding: {why}"),
            Self::InvalidMetadata { key, why } => write!(f, "metadata key {key:?}: {why}"),
            Self::InvalidWhere { text, at, why } => match at {
                Some(at) => write!(
                    f,
                    "in the filter {:?} at character {}: {why}",
                    excerpt(text, *at),
                    text.get(..*at).map_or(*at, |s| s.chars().count()) + 1
                ),
                None => write!(f, "in the filter {:?}: {why}", excerpt(text, 0)),
            },
            Self::InvalidArgument { why, .. } | Self::Runtime { why, .. } => write!(f, "{why}"),
            Self::BadRecord { id, cause } => write!(f, "record {id:?}: {cause}"),
            Self::BadRow { source, line: 0, why, .. }
            | Self::BadInput { source, why, .. }
            | Self::NotText { source, why, .. } => write!(f, "{source}: {why}"),
            Self::BadRow { source, line, why, .. } => write!(f, "{source}:{line}: {why}"),
            Self::Server { url, why, .. } => write!(f, "{url}: {why}"),
            Self::ModelMismatch { collection, stored, given } => {
                write!(f, "collection {collection:?} was made with the model {stored}, not {given}")
            }
            Self::ModelNotFound { model, .. } => write!(f, "no model or folder named {model:?}"),
            Self::Differs { collection, why } => {
                write!(f, "collection {collection:?} is not the same in both places: {why}")
            }
            Self::WordsNotIndexed { collection } => {
                write!(f, "collection {collection:?} has no index of the words of its documents")
            }
            Self::NoModel { collection } => write!(f, "collection {collection:?} has no model to embed text with"),
            Self::Model { model, why, .. } => write!(f, "model {model}: {why}"),
            Self::FileNotFound { path } => write!(f, "no database at {}", path.display()),
            Self::FileExists { path } => write!(f, "{} exists already", path.display()),
            Self::NotADatabase { path, why } => write!(f, "{} is not a huedb database: {why}", path.display()),
            Self::KeyNeeded { path } => write!(f, "{} is encrypted, and no key was given", path.display()),
            Self::WrongKey { path } => write!(f, "the key does not open {}", path.display()),
            Self::NewerFormat { path, found, supported } => {
                write!(f, "{} has format version {found}; this huedb reads up to {supported}", path.display())
            }
            Self::Busy { path, waited } => {
                write!(f, "{} is locked by another process (waited {:.1} s)", path.display(), waited.as_secs_f64())
            }
            Self::Damaged { path, what } => write!(f, "{} is damaged: {what}", path.display()),
            Self::Io { action, .. } => write!(f, "cannot {action}"),
            Self::Interrupted => write!(f, "interrupted"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_filter_is_shown_around_the_place() {
        let text = format!("{} ! {}", "é".repeat(1000), "z".repeat(1000));
        let at = text.find('!').unwrap();
        let message = Error::InvalidWhere { text, at: Some(at), why: "no".into() }.to_string();
        let (before, after) = ("é".repeat(31), "z".repeat(30));
        assert_eq!(message, format!("in the filter \"...{before} ! {after}...\" at character 1002: no"));
        let long = Error::InvalidWhere { text: "x".repeat(100), at: None, why: "no".into() }.to_string();
        assert_eq!(long, format!("in the filter \"{}...\": no", "x".repeat(32)));
        let short = Error::InvalidWhere { text: "a >< 1".into(), at: Some(2), why: "no".into() }.to_string();
        assert_eq!(short, "in the filter \"a >< 1\" at character 3: no");
    }
}
