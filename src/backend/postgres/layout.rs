//! How the records of a collection are laid out: in one table, or spread over shards by a hash of their ids.
//!
//! A shard is a partition of the collection's table: a table of this database, or a foreign one whose rows another server
//! keeps. Every index is a shard's own. Invariant: the records of an id are in one shard and no other, in its table alone.

use serde::{Deserialize, Serialize};

use super::fault::Done;
use super::pool::Session;
use super::schema::{distributed_table, record_columns, record_table};
use super::shard_server;
use crate::backend::Shards;

/// Where the tables of shards are on their servers.
const FAR_SCHEMA: &str = "huedb_shard";

/// The shards of a collection, as the catalogue keeps them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Layout {
    /// The foreign server that has each shard; none where it is in this database.
    servers: Vec<Option<String>>,
    /// What the tables of its shards on other servers are called by, before the number of each.
    far: String,
}

/// A table with records of a collection: all of them, or those of a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// The table in this database, as SQL writes it.
    pub(super) table: String,
    /// Where its rows are, if not here.
    pub(super) far: Option<FarTable>,
}

/// A table on another server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FarTable {
    /// The foreign server.
    pub(super) server: String,
    /// The table there, as SQL writes it.
    pub(super) table: String,
}

impl Layout {
    /// Makes the foreign servers of shards known to this database; the collection has this number.
    pub(super) fn make(session: &mut Session, shards: &Shards, number: i64) -> Done<Self> {
        let mut servers = Vec::new();
        for address in shards.servers() {
            servers.push(shard_server::make(session, address)?);
        }
        let server = |at: usize| servers.get(at % servers.len().max(1)).cloned();
        let row = session.row("select replace(value #>> '{}', '-', '') from huedb.meta where key = 'id'", &[])?;
        // Several databases may have shards on one server.
        let database: String = row.map_or_else(|| Ok(String::new()), |row| row.try_get(0))?;
        Ok(Self { servers: (0..shards.count()).map(server).collect(), far: format!("{database}_{number}") })
    }

    /// Returns the tables of the shards of a table.
    pub(super) fn parts(&self, table: &str) -> Vec<Part> {
        let far = |(at, server): (usize, &Option<String>)| {
            let there = |server: &String| FarTable {
                server: server.clone(),
                table: format!("{FAR_SCHEMA}.\"{}_{at}\"", self.far),
            };
            Part { table: format!("{table}_{at}"), far: server.as_ref().map(there) }
        };
        self.servers.iter().enumerate().map(far).collect()
    }

    /// Returns whether there are shards on other servers.
    pub(super) fn is_far(&self) -> bool {
        self.servers.iter().any(Option::is_some)
    }

    /// Returns what another collection is spread over that is laid out as this one.
    pub(super) fn shards(&self, session: &mut Session) -> Done<Shards> {
        let mut servers: Vec<&String> = Vec::new();
        for server in self.servers.iter().flatten() {
            if !servers.contains(&server) {
                servers.push(server);
            }
        }
        let addresses = servers.into_iter().map(|server| shard_server::address(session, server));
        Ok(Shards::new(Some(self.servers.len()), addresses.collect::<Done<_>>()?)?)
    }

    /// Returns the servers of its shards, as people write them, one for each shard.
    pub(super) fn places(&self, session: &mut Session) -> Done<Vec<String>> {
        let of = |server: &Option<String>| match server {
            None => Ok("here".to_owned()),
            Some(server) => shard_server::place(session, server),
        };
        self.servers.iter().map(of).collect()
    }
}

/// Makes the table of a collection that is spread over shards, and theirs.
pub(super) fn make_tables(session: &mut Session, table: &str, layout: &Layout, dimension: Option<usize>) -> Done<()> {
    let columns = record_columns(dimension);
    session.client().batch_execute(&format!("create table {table} ({columns}) partition by hash (id)"))?;
    let count = layout.servers.len();
    let mut made = Vec::new();
    for (at, part) in layout.parts(table).into_iter().enumerate() {
        let values = format!("for values with (modulus {count}, remainder {at})");
        let done = match &part.far {
            None => session.client().batch_execute(&format!(
                "{}; alter table {table} attach partition {} {values}",
                record_table(&part.table, dimension),
                part.table
            )),
            Some(far) => {
                if let Err(fault) = make_far(session, far, dimension) {
                    shard_server::clear(session, &made);
                    return Err(fault);
                }
                made.push(far.clone());
                let name = far.table.rsplit('.').next().unwrap_or_default().trim_matches('"');
                session.client().batch_execute(&format!(
                    "create foreign table {} partition of {table} {values} server {} \
                     options (schema_name '{FAR_SCHEMA}', table_name '{name}')",
                    part.table, far.server
                ))
            }
        };
        if let Err(fault) = done {
            shard_server::clear(session, &made);
            return Err(fault.into());
        }
    }
    Ok(())
}

/// Makes the table of a collection that Citus spreads over shards of its own, where this database has it; returns whether it
/// has. Written by the manual of Citus: it cannot be had where huedb is tested.
pub(super) fn distribute(session: &mut Session, shards: &Shards, table: &str, dimension: Option<usize>) -> Done<bool> {
    let found = session.row("select exists (select from pg_extension where extname = 'citus')", &[])?;
    if !shards.servers().is_empty() || !found.map_or(Ok(false), |row| row.try_get::<_, bool>(0))? {
        return Ok(false);
    }
    let count = shards.count();
    session.client().batch_execute(&format!(
        "{} create index on {table} (seq);
         select create_distributed_table('{table}', 'id', colocate_with => 'none', shard_count => {count})",
        distributed_table(table, dimension)
    ))?;
    Ok(true)
}

fn make_far(session: &mut Session, far: &FarTable, dimension: Option<usize>) -> Done<()> {
    let table = record_table(&far.table, dimension);
    // Several may begin at the same time, and only one makes what is there once.
    let sql = format!(
        "begin; select pg_advisory_xact_lock(hashtextextended('huedb.shard', 0));
         lock table pg_catalog.pg_namespace in access share mode;
         create extension if not exists vector; create schema if not exists {FAR_SCHEMA}; {table}; commit"
    );
    shard_server::work(session, &far.server, |client| Ok(client.batch_execute(&sql)?))
}
