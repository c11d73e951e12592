//! What goes wrong between here and PostgreSQL, told apart by what may be done about it.
//!
//! Invariant: what reaches the user says what failed at which place, without a password, and what to do.

use std::path::PathBuf;
use std::time::Duration;

use postgres::error::SqlState;

use super::tls;
use crate::backend::Place;
use crate::error::connection::words_of;
use crate::error::{Advice, Error};

/// Why work on a connection failed.
#[derive(Debug)]
pub(super) enum Fault {
    /// It was refused here.
    Ours(Error),
    /// PostgreSQL refused it, or cannot be reached.
    Postgres(postgres::Error),
    /// One of several servers failed while they committed, so that others may have written; what it said.
    InPart(String),
}

/// What work on a connection gives.
pub(super) type Done<T> = Result<T, Fault>;

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

impl From<postgres::Error> for Fault {
    fn from(error: postgres::Error) -> Self {
        Self::Postgres(error)
    }
}

impl From<std::io::Error> for Fault {
    /// What is written to a copy wraps what PostgreSQL answers.
    fn from(error: std::io::Error) -> Self {
        let kind = error.kind();
        match error.into_inner().map(<dyn std::error::Error + Send + Sync>::downcast::<postgres::Error>) {
            Some(Ok(error)) => Self::Postgres(*error),
            _ => Self::Ours(Error::io("send records to PostgreSQL", kind.into())),
        }
    }
}

impl Fault {
    fn code(&self) -> Option<&SqlState> {
        match self {
            Self::Postgres(error) => error.code(),
            Self::Ours(_) | Self::InPart(_) => None,
        }
    }

    /// Returns whether the connection is of no use any more, or leads to a server that takes no writes (any more).
    pub(super) fn is_lost(&self) -> bool {
        match self {
            Self::Postgres(error) => match error.code() {
                Some(code) => {
                    [
                        SqlState::ADMIN_SHUTDOWN,
                        SqlState::CRASH_SHUTDOWN,
                        SqlState::CANNOT_CONNECT_NOW,
                        SqlState::READ_ONLY_SQL_TRANSACTION,
                    ]
                    .contains(code)
                        || code.code().starts_with("08")
                }
                None => error.is_closed() || is_io(error),
            },
            Self::Ours(Error::Io { .. }) => true,
            Self::Ours(_) | Self::InPart(_) => false,
        }
    }

    /// Returns whether the same may succeed a moment later: others were in the way.
    pub(super) fn may_pass(&self) -> bool {
        let others = [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED];
        self.code().is_some_and(|code| others.contains(code))
    }

    /// Returns what went wrong, in a few words.
    pub(super) fn said(&self) -> String {
        match self {
            Self::Ours(error) => error.to_string(),
            Self::InPart(said) => said.clone(),
            Self::Postgres(error) => {
                error.as_db_error().map_or_else(|| error.to_string(), |db| db.message().to_owned())
            }
        }
    }

    /// Returns what to tell.
    pub(super) fn at(self, place: &Place, waited: Duration) -> Error {
        match self {
            Self::Ours(error) => error,
            Self::InPart(said) => Error::Server {
                url: place.to_string(),
                why: format!(
                    "a server failed while a write to shards was committed, and some may have written it: {said}"
                ),
                hint: Some("write it again: each record is there as it was or as it was to be".into()),
            },
            Self::Postgres(error) => told(&error, place, waited),
        }
    }
}

fn is_io(error: &postgres::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if cause.is::<std::io::Error>() {
            return true;
        }
        source = cause.source();
    }
    false
}

fn told(error: &postgres::Error, place: &Place, waited: Duration) -> Error {
    let url = place.to_string();
    let Some(db) = error.as_db_error() else {
        let mut why = error.to_string();
        let mut source = std::error::Error::source(error);
        if let Some(why) = source.and_then(tls::refusal) {
            let hint = "sslrootcert names a file of authorities to trust, and sslmode how much is verified";
            return Error::Server { url, why, hint: Some(hint.into()) };
        }
        while let Some(cause) = source.filter(|cause| !why.ends_with(&cause.to_string())) {
            let cause_words = cause.downcast_ref().map_or_else(|| cause.to_string(), words_of);
            why = format!("{why}: {cause_words}");
            source = cause.source();
        }
        let hint = Some("check that PostgreSQL runs there and lets this machine in".into());
        return Error::Server { url, why, hint };
    };
    let code = db.code();
    let busy = [
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::TOO_MANY_CONNECTIONS,
    ];
    if busy.contains(code) {
        return Error::Busy { path: PathBuf::from(url), waited };
    }
    let hint = if [SqlState::INVALID_PASSWORD, SqlState::INVALID_AUTHORIZATION_SPECIFICATION].contains(code) {
        Some(Advice::Text("give the password in the address, in PGPASSWORD or in ~/.pgpass".into()))
    } else if *code == SqlState::INVALID_CATALOG_NAME {
        Some(Advice::Text("make the database first, as `createdb` does".into()))
    } else if *code == SqlState::INSUFFICIENT_PRIVILEGE {
        Some(Advice::PrintSchema)
    } else if [SqlState::DISK_FULL, SqlState::OUT_OF_MEMORY].contains(code) {
        Some(Advice::Text("free some space there and run it again".into()))
    } else if *code == SqlState::READ_ONLY_SQL_TRANSACTION {
        Some(Advice::Text("name the server that takes writes, or all of them, separated by commas".into()))
    } else if db.message().contains("extension \"vector\" is not available") {
        Some(Advice::Text("install pgvector on the server".into()))
    } else {
        db.hint().map(|hint| Advice::Text(hint.to_owned().into()))
    };
    let detail = db.detail().map(|detail| format!(" ({detail})")).unwrap_or_default();
    Error::Server { url, why: format!("{}{detail}", db.message()), hint }
}
