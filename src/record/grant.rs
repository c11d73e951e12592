//! What a token may do: a role, and where it has it.
//!
//! Invariant: a pattern is a name, a start of names followed by `*`, or `*`; nothing that could take long to compare.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What its holder may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads the server's metrics, and nothing else.
    Monitor,
    /// Reads records and collections.
    Reader,
    /// Reads and writes records, and makes collections.
    Writer,
    /// Does everything, removing collections and databases among it.
    Admin,
}

impl Role {
    /// Every role, the least first.
    pub const ALL: [Self; 4] = [Self::Monitor, Self::Reader, Self::Writer, Self::Admin];

    /// Returns its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Monitor => "monitor",
            Self::Reader => "reader",
            Self::Writer => "writer",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            Error::argument(format!("no role is named {name:?}; there are {names}"))
        })
    }
}

/// Names that something holds for: one name, all that start alike (`notes-*`), or all (`*`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NamePattern(String);

impl NamePattern {
    /// Returns the pattern of all names.
    #[must_use]
    pub fn all() -> Self {
        Self("*".into())
    }

    /// Reads a pattern.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when it is empty, longer than 512 bytes, or has a `*` before its end.
    pub fn parse(text: impl Into<String>) -> Result<Self> {
        let text = text.into();
        let start = text.strip_suffix('*').unwrap_or(&text);
        if text.is_empty() || text.len() > 512 || start.contains('*') {
            let why = format!("{text:?} is no pattern: write a name, the start of names and `*`, or `*` alone");
            return Err(Error::argument(why));
        }
        Ok(Self(text))
    }

    /// Returns whether a name is one of them.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.0.strip_suffix('*').map_or(self.0 == name, |start| name.starts_with(start))
    }

    /// Returns whether it is the pattern of all names.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.0 == "*"
    }

    /// Returns the name, where it is of one only.
    #[must_use]
    pub fn one(&self) -> Option<&str> {
        (!self.0.ends_with('*')).then_some(self.0.as_str())
    }

    /// Returns the pattern as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for NamePattern {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::parse(text)
    }
}

impl From<NamePattern> for String {
    fn from(pattern: NamePattern) -> Self {
        pattern.0
    }
}

/// A role, and the tenants, databases, collections and records where it counts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Grant {
    /// What may be done.
    pub role: Role,
    /// In which tenants.
    pub tenant: NamePattern,
    /// In which of their databases.
    pub database: NamePattern,
    /// In which of their collections.
    pub collection: NamePattern,
    /// With which of their records, in huedb's language of filters; `None` for all.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none", default)]
    pub filter: Option<String>,
}

impl Grant {
    /// Returns a role that counts everywhere.
    #[must_use]
    pub fn everywhere(role: Role) -> Self {
        let all = NamePattern::all;
        Self { role, tenant: all(), database: all(), collection: all(), filter: None }
    }

    /// Returns whether it counts in the whole file.
    #[must_use]
    pub fn is_everywhere(&self) -> bool {
        self.tenant.is_all() && self.database.is_all() && self.collection.is_all() && self.filter.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_name_a_start_or_all() {
        let pattern = |text: &str| NamePattern::parse(text).unwrap();
        assert!(pattern("notes").matches("notes") && !pattern("notes").matches("notes-1"));
        assert!(pattern("notes-*").matches("notes-1") && pattern("notes-*").matches("notes-"));
        assert!(!pattern("notes-*").matches("notes") && !pattern("notes-*").matches("my-notes-1"));
        assert!(pattern("*").matches("") && pattern("*").is_all() && pattern("*").one().is_none());
        assert_eq!((pattern("notes").one(), pattern("notes*").one()), (Some("notes"), None));
        for bad in ["", "**", "a*b", "*a", &"a".repeat(513)] {
            assert!(NamePattern::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_role_is_read_as_it_is_written() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse::<Role>().unwrap(), role);
        }
        assert!("root".parse::<Role>().unwrap_err().to_string().contains("monitor, reader, writer, admin"));
    }
}
