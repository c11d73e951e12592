//! redb's errors as huedb's.
//!
//! The conversions do not know the path; [`Error::at`] fills it in at the edge of the room. Invariant: a lock
//! that was not released in time is always [`Error::Busy`], an invalid part of the file
//! is always [`Error::Damaged`].

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::page::DamagedPage;
use crate::error::Error;

/// Which file a read is of, for errors that do not say it.
#[derive(Debug, Clone)]
pub(crate) struct FileContext {
    pub(crate) path: Arc<Path>,
    /// How long a lock is waited for.
    pub(crate) patience: Duration,
}

impl FileContext {
    /// Names the file in what went wrong.
    pub(crate) fn name<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        result.map_err(|error| error.at(&self.path, self.patience))
    }
}

impl Error {
    /// An invalid part of the file.
    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { path: PathBuf::new(), what: what.into() }
    }

    /// Names the file in an error that is about a file and does not say which, and how long a lock was waited for.
    #[must_use]
    pub fn at(mut self, file: &Path, waited: Duration) -> Self {
        match &mut self {
            Self::Damaged { path, .. } | Self::NotADatabase { path, .. } | Self::NewerFormat { path, .. }
                if path.as_os_str().is_empty() =>
            {
                file.clone_into(path);
            }
            Self::Busy { path, waited: time } if path.as_os_str().is_empty() => {
                file.clone_into(path);
                *time = waited;
            }
            Self::Io { action, .. } if action.is_empty() => *action = format!("use {}", file.display()),
            _ => {}
        }
        self
    }

    /// Returns whether this only reports an earlier error.
    pub(crate) fn is_consequence(&self) -> bool {
        let inner = match self {
            Self::Io { source, .. } => source.get_ref(),
            _ => None,
        };
        inner.is_some_and(<dyn std::error::Error + Send + Sync>::is::<FailedBefore>)
    }
}

/// What redb answers to everything after a failure that it has reported already.
#[derive(Debug)]
struct FailedBefore;

impl fmt::Display for FailedBefore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the disk has failed before")
    }
}

impl std::error::Error for FailedBefore {}

impl From<redb::Error> for Error {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::DatabaseAlreadyOpen => Self::Busy { path: PathBuf::new(), waited: Duration::ZERO },
            redb::Error::Io(io) if matches!(io.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock) => {
                Self::Busy { path: PathBuf::new(), waited: Duration::ZERO }
            }
            redb::Error::Io(io)
                if io.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<DamagedPage>) =>
            {
                Self::damaged(io.to_string())
            }
            redb::Error::Io(io) if io.kind() == ErrorKind::InvalidData => {
                Self::NotADatabase { path: PathBuf::new(), why: io.to_string() }
            }
            redb::Error::Io(io) if io.kind() == ErrorKind::UnexpectedEof => {
                Self::damaged("it ends before what it should hold")
            }
            redb::Error::Io(io) => Self::Io { action: String::new(), source: io },
            redb::Error::PreviousIo => Self::Io { action: String::new(), source: std::io::Error::other(FailedBefore) },
            redb::Error::UpgradeRequired(version) => {
                Self::NotADatabase { path: PathBuf::new(), why: format!("it has the old page format {version}") }
            }
            other => Self::damaged(other.to_string()),
        }
    }
}

macro_rules! through_redb_error {
    ($($error:ty),+) => {
        $(impl From<$error> for Error {
            fn from(error: $error) -> Self {
                redb::Error::from(error).into()
            }
        })+
    };
}

through_redb_error!(
    redb::StorageError,
    redb::TableError,
    redb::TransactionError,
    redb::CommitError,
    redb::DatabaseError,
    redb::CompactionError
);
