//! Names of collections, tenants and databases, under Chroma's rule (`rust/types/src/validators.rs`).

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The name of a collection: 3 to 512 characters from `[a-zA-Z0-9._-]`, no `..`, not an IP address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CollectionName(String);

impl CollectionName {
    /// Checks a name against the rule.
    ///
    /// # Errors
    /// [`Error::InvalidName`] with the part of the rule that is broken.
    pub fn parse(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        match broken_rule(&name) {
            Some(why) => Err(Error::InvalidName { name, why }),
            None => Ok(Self(name)),
        }
    }

    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn broken_rule(name: &str) -> Option<&'static str> {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || b"._-".contains(&c);
    let bytes = name.as_bytes();
    let ends_well = |c: Option<&u8>| c.is_some_and(u8::is_ascii_alphanumeric);
    if !(3..=512).contains(&bytes.len()) {
        Some("must have 3 to 512 characters, as in Chroma")
    } else if !bytes.iter().copied().all(allowed) {
        Some("may hold only characters from [a-zA-Z0-9._-]")
    } else if !ends_well(bytes.first()) || !ends_well(bytes.last()) {
        Some("must start and end with a letter or a digit")
    } else if name.contains("..") {
        Some("must not hold two periods in a row")
    } else if name.parse::<IpAddr>().is_ok() {
        Some("must not be an IP address")
    } else {
        None
    }
}

impl TryFrom<String> for CollectionName {
    type Error = Error;

    fn try_from(name: String) -> Result<Self> {
        Self::parse(name)
    }
}

impl From<CollectionName> for String {
    fn from(name: CollectionName) -> Self {
        name.0
    }
}

impl fmt::Display for CollectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a database: the rule of a collection's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DatabaseName(String);

/// The name of a tenant: 3 characters or more.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantName(String);

impl DatabaseName {
    /// Checks a name against the rule.
    ///
    /// # Errors
    /// [`Error::InvalidName`] with the part of the rule that is broken.
    pub fn parse(name: impl Into<String>) -> Result<Self> {
        CollectionName::parse(name).map(|name| Self(name.0))
    }

    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TenantName {
    /// Checks a name against the rule.
    ///
    /// # Errors
    /// [`Error::InvalidTenantName`] for a name of fewer than 3 characters.
    pub fn parse(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        if name.chars().count() < 3 { Err(Error::InvalidTenantName { name }) } else { Ok(Self(name)) }
    }

    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The tenant and database a collection lives in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope {
    /// The tenant.
    pub tenant: String,
    /// The database of that tenant.
    pub database: String,
}

impl Scope {
    /// The tenant every file has.
    pub const DEFAULT_TENANT: &str = "default_tenant";
    /// The database of that tenant every file has.
    pub const DEFAULT_DATABASE: &str = "default_database";

    /// Refuses to let go of the tenant every file has.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for [`Scope::DEFAULT_TENANT`].
    pub fn check_tenant_may_go(tenant: &str) -> Result<()> {
        if tenant == Self::DEFAULT_TENANT {
            return Err(Error::argument("the default tenant is part of every file and cannot be dropped"));
        }
        Ok(())
    }

    /// Refuses to let go of the database every file has.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for the default scope.
    pub fn check_may_go(&self) -> Result<()> {
        if *self == Self::default() {
            return Err(Error::argument("the default database is part of every file and cannot be dropped"));
        }
        Ok(())
    }
}

impl Default for Scope {
    fn default() -> Self {
        Self { tenant: Self::DEFAULT_TENANT.into(), database: Self::DEFAULT_DATABASE.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_chromas_rule() {
        for good in ["abc", "a.b", "A-1", "x_y.z-0", &"a".repeat(512), "1.2.3"] {
            assert!(CollectionName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "ab", &"a".repeat(513), "-ab", "ab-", "a b", "a..b", "1.2.3.4", "añb", "a/b"] {
            assert!(matches!(CollectionName::parse(bad), Err(Error::InvalidName { .. })), "{bad}");
        }
    }
}
