//! The tables that huedb keeps in a database of PostgreSQL.
//!
//! They are made with the first collection, or beforehand by whoever has the rights, from [`SCHEMA`]. Invariant: they are
//! made once, however many begin at the same time, and those of a later version are left alone.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use super::fault::Done;
use super::pool::{Pool, Session};
use crate::error::Error;
use crate::record::Chunk;

/// The statements that make the tables; a role that is to make collections needs `usage` and `create` on the schema besides.
pub const SCHEMA: &str = include_str!("schema.sql");

/// The version of the tables that this program reads and writes.
pub(super) const SCHEMA_VERSION: u32 = 1;

/// Returns the columns of a table of records.
pub(super) fn record_columns(dimension: Option<usize>) -> String {
    let vector = dimension.map_or_else(|| "vector".to_owned(), |dimension| format!("vector({dimension})"));
    format!(
        "seq bigint not null, id text collate \"C\" not null, embedding {vector} not null,
         is_zero boolean not null, embedded_here boolean not null,
         document text, uri text, metadata jsonb not null, hash bytea not null,
         terms int[], weights real[]"
    )
}

/// Returns statements that make a table of records.
pub(super) fn record_table(table: &str, dimension: Option<usize>) -> String {
    format!("{} create unique index on {table} (seq)", distributed_table(table, dimension))
}

/// Returns statements that make a table of records which is spread by their ids, and so has nothing else that is unique.
pub(super) fn distributed_table(table: &str, dimension: Option<usize>) -> String {
    format!(
        "create table {table} ({}, primary key (id));
         create index on {table} using gin (metadata jsonb_path_ops);
         create index on {table} using gin (terms) where terms is not null;
         create index on {table} ({}) where {IS_PART};",
        record_columns(dimension),
        part_of()
    )
}

/// Whether a record says that it is a part of a document; written out, so that the index of parts is used.
pub(super) const IS_PART: &str = "metadata ? 'chunk_of'";

/// How much of a document's id is in that index, whose entries have a limit.
pub(super) const PART_OF_CHARACTERS: usize = 600;

/// What that index is of.
pub(super) fn part_of() -> String {
    format!("left(metadata->>'{}', {PART_OF_CHARACTERS})", Chunk::OF)
}

/// Returns the name of the table of a collection's records.
pub(super) fn table(number: i64) -> String {
    format!("huedb.c_{number}")
}

/// Returns whether the tables are there.
pub(super) fn is_made(pool: &Pool, session: &mut Session) -> Done<bool> {
    if pool.is_made.load(Ordering::Relaxed) {
        return Ok(true);
    }
    let Some(row) = session.row("select to_regclass('huedb.meta') is not null", &[])? else { return Ok(false) };
    if !row.try_get::<_, bool>(0)? {
        return Ok(false);
    }
    let version = session.row("select value::text from huedb.meta where key = 'schema'", &[])?;
    // Tables that were made after this transaction's snapshot are seen, their rows are not.
    let Some(version) = version else { return Ok(false) };
    let version: String = version.try_get(0)?;
    let path = PathBuf::from(pool.place().to_string());
    match version.parse() {
        Ok(SCHEMA_VERSION) => {}
        Ok(found) => return Err(Error::NewerFormat { path, found, supported: SCHEMA_VERSION }.into()),
        Err(_) => {
            return Err(Error::NotADatabase { path, why: format!("its schema huedb has the version {version}") }.into());
        }
    }
    pool.is_made.store(true, Ordering::Relaxed);
    Ok(true)
}

/// Makes the tables where they are not there, in the transaction that is open.
pub(super) fn make(pool: &Pool, session: &mut Session) -> Done<()> {
    if is_made(pool, session)? {
        return Ok(());
    }
    // Who waited for that lock still remembers that there was no such schema; the second lock has PostgreSQL look again.
    session.client().batch_execute(
        "select pg_advisory_xact_lock(hashtextextended('huedb.schema', 0));
         lock table pg_catalog.pg_namespace in access share mode",
    )?;
    if !is_made(pool, session)? {
        session.client().batch_execute(SCHEMA)?;
    }
    Ok(())
}

/// What a database is made by, and what is to be said of it.
pub(super) struct Versions {
    /// PostgreSQL and pgvector.
    pub(super) made_by: String,
    /// What is wrong with these versions.
    pub(super) warning: Option<String>,
}

/// Asks for the versions.
pub(super) fn versions(session: &mut Session) -> Done<Versions> {
    let sql =
        "select current_setting('server_version'), (select extversion from pg_extension where extname = 'vector')";
    let Some(row) = session.row(sql, &[])? else { return Ok(Versions { made_by: String::new(), warning: None }) };
    let (server, vector): (String, Option<String>) = (row.try_get(0)?, row.try_get(1)?);
    let Some(vector) = vector else {
        return Ok(Versions { made_by: format!("PostgreSQL {server}, without pgvector"), warning: None });
    };
    let warning = match parsed(&vector) {
        version if version < (0, 8, 0) => Some("searches without an index; 0.8.0 or later searches with one"),
        version if version < (0, 8, 4) => Some("has faults that lose rows of an index; upgrade to 0.8.4 or later"),
        _ => None,
    };
    let warning = warning.map(|warning| format!("pgvector {vector} {warning}"));
    Ok(Versions { made_by: format!("PostgreSQL {server}, pgvector {vector}"), warning })
}

/// Reads a version such as `0.8.6`.
pub(super) fn parsed(version: &str) -> (u32, u32, u32) {
    let mut numbers = version.split(['.', '-', '+']).map(|part| part.parse().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    (next(), next(), next())
}
