//! Where collections are: a file, a server, or PostgreSQL, told apart by how the place is written.
//!
//! Invariant: a place that is shown has no password in it.

use std::fmt;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::store::FileFacts;

/// A place, as `--db` names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A file of this machine.
    File(PathBuf),
    /// A server of huedb or of Chroma: `http://host:8000` or `https://..`.
    Server(String),
    /// A database of PostgreSQL: `postgresql://user@host1,host2/database`.
    Postgres(String),
}

impl Place {
    /// Takes what was written for one; whatever does not begin as an address is a path.
    #[must_use]
    pub fn parse(text: &Path) -> Self {
        let starts = |schemes: &[&str]| {
            text.to_str().filter(|text| schemes.iter().any(|scheme| text.starts_with(scheme))).map(str::to_owned)
        };
        if let Some(address) = starts(&["http://", "https://"]) {
            return Self::Server(address);
        }
        starts(&["postgresql://", "postgres://"]).map_or_else(|| Self::File(text.to_owned()), Self::Postgres)
    }

    /// Returns the path, where it is a file.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Server(_) | Self::Postgres(_) => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Server(address) | Self::Postgres(address) => f.write_str(&without_password(address)),
        }
    }
}

/// Leaves the password out of an address: the part after `user:` and the parameter of that name.
fn without_password(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    let authority = match authority.rsplit_once('@') {
        Some((user, hosts)) => format!("{}@{hosts}", user.split(':').next().unwrap_or_default()),
        None => authority.to_owned(),
    };
    let Some((path, parameters)) = tail.split_once('?') else { return format!("{scheme}://{authority}{tail}") };
    let kept: Vec<&str> = parameters.split('&').filter(|parameter| !parameter.starts_with("password=")).collect();
    let mark = if kept.is_empty() { "" } else { "?" };
    format!("{scheme}://{authority}{path}{mark}{}", kept.join("&"))
}

/// Facts about a place as a whole.
#[derive(Debug, Clone, Default)]
pub struct PlaceFacts {
    /// Its identity, where it has one.
    pub id: Option<Uuid>,
    /// What it is made by: a program and its version.
    pub made_by: String,
    /// The version of its format or its schema.
    pub format: Option<u32>,
    /// How many bytes it takes, where that is known.
    pub bytes: Option<u64>,
    /// Collections in all databases that can be seen.
    pub collections: u64,
    /// Records in all of them.
    pub records: u64,
    /// What else is worth knowing, by name.
    pub more: Vec<(&'static str, String)>,
    /// The facts of a file.
    pub file: Option<FileFacts>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_told_by_how_it_begins() {
        let parse = |text: &str| Place::parse(Path::new(text));
        assert_eq!(parse("notes.redb"), Place::File("notes.redb".into()));
        assert_eq!(parse("./http:/x"), Place::File("./http:/x".into()));
        assert_eq!(parse("https://h:8000/"), Place::Server("https://h:8000/".into()));
        assert_eq!(parse("postgres://h/d"), Place::Postgres("postgres://h/d".into()));
    }

    #[test]
    fn a_password_is_not_shown() {
        let shown = |text: &str| Place::parse(Path::new(text)).to_string();
        assert_eq!(
            shown("postgresql://ann:s3@cret@h1,h2/db?sslmode=require"),
            "postgresql://ann@h1,h2/db?sslmode=require"
        );
        assert_eq!(shown("postgresql:///db?host=/run&password=x"), "postgresql:///db?host=/run");
        assert_eq!(shown("postgresql:///db?password=x"), "postgresql:///db");
        assert_eq!(shown("http://ann:pw@h:8000/a@b"), "http://ann@h:8000/a@b");
        assert_eq!(shown("http://h:8000"), "http://h:8000");
    }
}
