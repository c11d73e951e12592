//! Tenants, databases and collections, as tables of PostgreSQL have them.
//!
//! Whoever writes to a collection holds its row to the end of the transaction, so that writes to it take turns, and its
//! counters are right. Invariant: a collection is found in its own tenant and database only, and there is a table of records
//! for each.

use postgres::Row;
use uuid::Uuid;

use super::fault::Done;
use super::layout::{FarTable, Layout, Part, distribute, make_tables};
use super::pool::{Pool, Session};
use super::schema::{is_made, make, record_table, table};
use crate::backend::{Shards, Which};
use crate::error::{Error, Result};
use crate::record::{CollectionInfo, Counts, Scope};
use crate::store::{DatabaseInfo, Scopes, check_settings};

const SELECT: &str = "select c.number, c.settings::text, c.version, c.next, c.records,
    c.shards::text from huedb.collection c join huedb.database d on d.id = c.database where d.tenant = $1 and d.name = $2";

/// What is known of a collection.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// What its table is called by.
    pub(super) number: i64,
    /// What it is.
    pub(super) info: CollectionInfo,
    /// Counts the commits that changed it.
    pub(super) version: u64,
    /// The ordinal of the next new record.
    pub(super) next: u64,
    /// Records that there are.
    pub(super) records: u64,
    /// Its shards, if it is spread over some.
    pub(super) layout: Option<Layout>,
}

impl Entry {
    fn read(row: &Row) -> Done<Self> {
        let settings: String = row.try_get(1)?;
        let unreadable = |error| Error::damaged(format!("the settings of a collection in PostgreSQL: {error}"));
        let info = serde_json::from_str(&settings).map_err(unreadable)?;
        let layout: Option<String> = row.try_get(5)?;
        let layout = layout.map(|layout| serde_json::from_str(&layout).map_err(unreadable)).transpose()?;
        let number = |at| row.try_get::<_, i64>(at).map(|number| u64::try_from(number).unwrap_or(0));
        Ok(Self { number: row.try_get(0)?, info, version: number(2)?, next: number(3)?, records: number(4)?, layout })
    }

    /// Returns the table of its records.
    pub(super) fn table(&self) -> String {
        table(self.number)
    }

    /// Returns the tables that have its records: its own, or those of its shards.
    pub(super) fn parts(&self) -> Vec<Part> {
        match &self.layout {
            Some(layout) => layout.parts(&self.table()),
            None => vec![Part { table: self.table(), far: None }],
        }
    }

    /// Returns whether other servers have records of it.
    pub(super) fn is_far(&self) -> bool {
        self.layout.as_ref().is_some_and(Layout::is_far)
    }

    /// Returns numbers about its content.
    pub(super) fn counts(&self) -> Counts {
        Counts { records: self.records, deleted: self.next.saturating_sub(self.records), sealed: 0, tail: 0 }
    }

    /// Writes back what was changed of it.
    pub(super) fn put(&self, session: &mut Session) -> Done<()> {
        let sql = "update huedb.collection set name = $2, dimension = $3, settings = $4::text::json,
            version = version + 1, next = $5, records = $6 where number = $1";
        let dimension = dimension(&self.info)?;
        let (name, settings) = (self.info.name.as_str(), settings(&self.info)?);
        session
            .execute(sql, &[&self.number, &name, &dimension, &settings, &signed(self.next), &signed(self.records)])?;
        Ok(())
    }
}

/// Returns a counter as PostgreSQL has it.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn settings(info: &CollectionInfo) -> Result<String> {
    serde_json::to_string(info).map_err(|error| Error::argument(error.to_string()))
}

fn dimension(info: &CollectionInfo) -> Result<Option<i32>> {
    info.dimension.map(super::limits::dimension).transpose()
}

/// Reads which tenants and databases there are.
pub(super) fn scopes(pool: &Pool, session: &mut Session) -> Done<Scopes> {
    if !is_made(pool, session)? {
        return Ok(Scopes::default());
    }
    let tenants = session.rows("select name from huedb.tenant order by name", &[])?;
    let databases = session.rows("select id, name, tenant from huedb.database order by name", &[])?;
    let database = |row: &Row| Ok(DatabaseInfo { id: row.try_get(0)?, name: row.try_get(1)?, tenant: row.try_get(2)? });
    Ok(Scopes {
        tenants: tenants.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?,
        databases: databases.iter().map(database).collect::<Result<_, postgres::Error>>()?,
    })
}

/// Refuses a scope whose tenant or database does not exist.
pub(super) fn check_scope(pool: &Pool, session: &mut Session, scope: &Scope) -> Done<()> {
    if *scope == Scope::default() {
        return Ok(());
    }
    Ok(scopes(pool, session)?.check_database(&scope.tenant, &scope.database)?)
}

/// Finds a collection; one that is to be written to is held until the transaction ends.
pub(super) fn find(pool: &Pool, session: &mut Session, scope: &Scope, which: &Which, for_writing: bool) -> Done<Entry> {
    let held = if for_writing { " for update of c" } else { "" };
    let name = match which {
        Which::Name(name) => name.clone(),
        Which::Id(id) => id.to_string(),
    };
    if is_made(pool, session)? {
        let row = match which {
            _ if name.contains('\0') => None,
            Which::Name(name) => {
                session.row(&format!("{SELECT} and c.name = $3{held}"), &[&scope.tenant, &scope.database, name])?
            }
            Which::Id(id) => {
                session.row(&format!("{SELECT} and c.id = $3{held}"), &[&scope.tenant, &scope.database, id])?
            }
        };
        if let Some(row) = row {
            return Entry::read(&row);
        }
    }
    check_scope(pool, session, scope)?;
    let known = list(pool, session, scope)?.into_iter().map(|entry| entry.info.name.to_string()).collect();
    Err(Error::CollectionNotFound { name, known }.into())
}

/// Lists the collections of a scope by name.
pub(super) fn list(pool: &Pool, session: &mut Session, scope: &Scope) -> Done<Vec<Entry>> {
    check_scope(pool, session, scope)?;
    if !is_made(pool, session)? {
        return Ok(Vec::new());
    }
    let rows = session.rows(&format!("{SELECT} order by c.name"), &[&scope.tenant, &scope.database])?;
    rows.iter().map(Entry::read).collect()
}

/// Makes a collection without records, in one table or spread over shards.
pub(super) fn create(
    pool: &Pool,
    session: &mut Session,
    scope: &Scope,
    info: &CollectionInfo,
    shards: Option<&Shards>,
) -> Done<Entry> {
    make(pool, session)?;
    check_scope(pool, session, scope)?;
    let sql = "insert into huedb.collection (id, database, name, space, dimension, settings, version)
        select $1, d.id, $2, $3, $4, $5::text::json, 1 from huedb.database d where d.tenant = $6 and d.name = $7
        on conflict (database, name) do nothing returning number";
    let (name, space, settings) = (info.name.as_str(), info.space.as_str(), settings(info)?);
    let dimension = dimension(info)?;
    let values: [&(dyn postgres::types::ToSql + Sync); 7] =
        [&info.id, &name, &space, &dimension, &settings, &scope.tenant, &scope.database];
    let Some(row) = session.row(sql, &values)? else {
        return Err(Error::CollectionExists { name: info.name.to_string() }.into());
    };
    let number: i64 = row.try_get(0)?;
    let layout = match shards {
        Some(shards) if distribute(session, shards, &table(number), info.dimension)? => None,
        None => {
            session.client().batch_execute(&record_table(&table(number), info.dimension))?;
            None
        }
        Some(shards) => {
            let layout = Layout::make(session, shards, number)?;
            let shards = serde_json::to_string(&layout).map_err(|error| Error::argument(error.to_string()))?;
            let sql = "update huedb.collection set shards = $2::text::json where number = $1";
            session.execute(sql, &[&number, &shards])?;
            make_tables(session, &table(number), &layout, info.dimension)?;
            Some(layout)
        }
    };
    Ok(Entry { number, info: info.clone(), version: 1, next: 0, records: 0, layout })
}

/// Makes a collection that is described already; one of its identity that is there under its name is left as it is.
pub(super) fn adopt(
    pool: &Pool,
    session: &mut Session,
    scope: &Scope,
    info: &CollectionInfo,
    shards: Option<&Shards>,
) -> Done<()> {
    check_settings(info)?;
    make(pool, session)?;
    let elsewhere = |why: String| Error::InvalidArgument {
        why: format!("collection {:?} {why}", info.name.as_str()),
        hint: Some("take another database or another name".into()),
    };
    match find(pool, session, scope, &Which::Name(info.name.to_string()), false) {
        Ok(entry) if entry.info.id == info.id => return Ok(()),
        Ok(_) => return Err(elsewhere("exists already and is another one".into()).into()),
        Err(super::fault::Fault::Ours(Error::CollectionNotFound { .. })) => {}
        Err(fault) => return Err(fault),
    }
    if let Some(row) = session.row("select name from huedb.collection where id = $1", &[&info.id])? {
        let name: String = row.try_get(0)?;
        return Err(elsewhere(format!("is in the database already, under the name {name:?}")).into());
    }
    create(pool, session, scope, info, shards).map(drop)
}

/// Removes a collection with its records; what other servers have of it is to be dropped once this is committed.
pub(super) fn remove(session: &mut Session, entry: &Entry, far: &mut Vec<FarTable>) -> Done<()> {
    session.client().batch_execute(&format!("drop table if exists {}", entry.table()))?;
    session.execute("delete from huedb.doubt where collection = $1", &[&entry.number])?;
    session.execute("delete from huedb.collection where number = $1", &[&entry.number])?;
    far.extend(entry.parts().into_iter().filter_map(|part| part.far));
    Ok(())
}

/// Removes a database with its collections, as [`remove`] each; returns how many those were.
pub(super) fn remove_database(
    pool: &Pool,
    session: &mut Session,
    scope: &Scope,
    far: &mut Vec<FarTable>,
) -> Done<usize> {
    let entries = list(pool, session, scope)?;
    entries.iter().try_for_each(|entry| remove(session, entry, far))?;
    if *scope != Scope::default() {
        session
            .execute("delete from huedb.database where tenant = $1 and name = $2", &[&scope.tenant, &scope.database])?;
    }
    Ok(entries.len())
}

/// Returns the name of a collection of an identity.
pub(super) fn name_by_id(pool: &Pool, session: &mut Session, scope: &Scope, id: Uuid) -> Done<Option<String>> {
    if !is_made(pool, session)? {
        return Ok(None);
    }
    let row = session.row(&format!("{SELECT} and c.id = $3"), &[&scope.tenant, &scope.database, &id])?;
    row.map(|row| Entry::read(&row).map(|entry| entry.info.name.to_string())).transpose()
}
