//! What a new collection is spread over.

use std::sync::Arc;

use clap::Args;
use huedb::backend::{Backend, Only, Place, Shards, only_in};
use huedb::error::Result;

#[derive(Debug, Args)]
pub(crate) struct ShardArgs {
    /// Spread the collection over N shards (on PostgreSQL)
    ///
    /// Each record is in one shard, by a hash of its id; each shard has its own indexes, and all are searched at once. The
    /// number is fixed once the collection is made.
    #[arg(long, value_name = "N")]
    shards: Option<usize>,

    /// PostgreSQL servers that keep the shards in turn, separated by commas
    ///
    /// The database of --db reaches them itself, so their addresses must be good from there and from here. A
    /// password of theirs may be in the address or in ~/.pgpass. Without --shards each has one shard.
    #[arg(long, value_name = "URL,URL")]
    shard_servers: Vec<String>,
}

impl ShardArgs {
    /// Returns whether shards were asked for.
    pub(crate) fn is_given(&self) -> bool {
        self.shards.is_some() || !self.shard_servers.is_empty()
    }

    /// Takes what was said; `None` where nothing was. Refuses a place whose collections are always in one piece, before
    /// anything is made there.
    pub(crate) fn shards(&self, place: &Place) -> Result<Option<Shards>> {
        if !self.is_given() {
            return Ok(None);
        }
        if !matches!(place, Place::Postgres(_)) {
            return Err(only_in(place, Only::Postgres("--shards")));
        }
        let servers = self.shard_servers.iter().flat_map(|text| addresses(text)).collect();
        Shards::new(self.shards, servers).map(Some)
    }
}

/// Returns a handle that makes collections so; without shards the one there is.
pub(crate) fn spread(place: Arc<dyn Backend>, shards: Option<Shards>) -> Result<Arc<dyn Backend>> {
    match shards {
        Some(shards) => place.spread_over(shards),
        None => Ok(place),
    }
}

/// Says that shards were asked for in vain.
pub(crate) fn stays(name: &str) -> String {
    format!("{name} exists, and stays as it is laid out: shards are of a new collection")
}

/// Tells addresses apart: one may name several hosts, with commas between them, too.
fn addresses(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for piece in text.split(',').map(str::trim) {
        match found.last_mut() {
            Some(last) if !piece.starts_with("postgres://") && !piece.starts_with("postgresql://") => {
                last.push(',');
                last.push_str(piece);
            }
            _ => found.push(piece.to_owned()),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_with_several_hosts_are_told_apart() {
        assert_eq!(
            addresses("postgresql://a:1,b:2/x, postgres://c/y"),
            ["postgresql://a:1,b:2/x", "postgres://c/y"].map(str::to_owned)
        );
        assert_eq!(addresses("h1,h2"), ["h1,h2".to_owned()]);
    }
}
