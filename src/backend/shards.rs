//! What a new collection is spread over, where a place can spread one.

use crate::error::{Error, Result};

/// Shards: how many, and on which servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shards {
    count: usize,
    servers: Vec<String>,
}

impl Shards {
    /// The most that a collection is spread over.
    pub const MOST: usize = 256;

    /// Takes a number of shards and the addresses of the PostgreSQL servers that have them in turn; with none, all shards
    /// are where the collection is. Without a number, each server has one.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for no shard, too many, or fewer than servers.
    pub fn new(count: Option<usize>, servers: Vec<String>) -> Result<Self> {
        let count = count.unwrap_or(servers.len());
        if count == 0 || count > Self::MOST {
            return Err(Error::argument(format!(
                "a collection is spread over 1 to {} shards, not {count}",
                Self::MOST
            )));
        }
        if count < servers.len() {
            return Err(Error::InvalidArgument {
                why: format!("{count} shards are fewer than the {} servers that are to have some", servers.len()),
                hint: Some("every server needs one at least".into()),
            });
        }
        Ok(Self { count, servers })
    }

    /// Returns how many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Returns the addresses of the servers that have them; none where they are all in one place.
    #[must_use]
    pub fn servers(&self) -> &[String] {
        &self.servers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_server_has_a_shard() {
        let of = |count, servers: &[&str]| Shards::new(count, servers.iter().map(ToString::to_string).collect());
        assert_eq!(of(None, &["a", "b"]).unwrap().count(), 2);
        assert_eq!(of(Some(4), &["a", "b"]).unwrap().count(), 4);
        assert_eq!(of(Some(3), &[]).unwrap().count(), 3);
        for (count, servers) in [(None, vec![]), (Some(0), vec![]), (Some(257), vec![]), (Some(1), vec!["a", "b"])] {
            assert!(of(count, &servers).is_err(), "{count:?} {servers:?}");
        }
    }
}
