//! Collections in PostgreSQL with pgvector.
//!
//! A table a collection, in the schema `huedb` of a database, or a table a shard of it, here or on other servers; any number
//! of processes and machines work on it at once. All calls block, on threads that may. Invariant: a call is one transaction, and what a file answers is answered here.

mod catalogue;
mod connect;
mod doubt;
mod facets;
mod fault;
mod filter;
mod index;
mod kept;
mod layout;
mod limits;
mod measure;
mod number;
mod params;
mod password;
mod pattern;
mod pool;
mod read;
mod records;
mod schema;
mod search;
mod searcher;
mod shard_graph;
mod shard_search;
mod shard_server;
mod state;
mod tls;
mod tokens;
mod value;
mod words;
mod write;

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::database::{Backend, Which};
use super::place::{Place, PlaceFacts};
use super::records::Records;
use super::shards::Shards;
use super::tokens::TokenStore;
use crate::error::{Error, Result};
use crate::record::{CollectionInfo, CollectionName, Counts, DatabaseName, Scope, TenantName};
use crate::store::{DatabaseInfo, NewCollection, Scopes};
use catalogue::{Entry, adopt, create, find, list, name_by_id, remove, remove_database, scopes};
use fault::Done;
use layout::FarTable;
use pool::{Pool, Session};
use records::PostgresRecords;
use schema::{SCHEMA_VERSION, is_made, make, versions};

pub use schema::SCHEMA;

/// A database of PostgreSQL.
#[derive(Clone)]
pub struct PostgresBackend {
    pool: Arc<Pool>,
    scope: Scope,
    /// What new collections are spread over.
    shards: Option<Arc<Shards>>,
}

impl PostgresBackend {
    /// Connects to a database by its address, `postgresql://user@host1,host2/database?sslmode=verify-full`. What others hold
    /// is waited for no longer than `patience`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for an address that is none, [`Error::Server`] where nobody answers there or lets this
    /// user in.
    pub fn connect(address: &str, scope: Scope, patience: Duration) -> Result<Self> {
        Ok(Self { pool: Arc::new(Pool::open(address, patience)?), scope, shards: None })
    }

    /// Removes collections in a transaction, and then what other servers have of them.
    fn remove<T>(&self, mut work: impl FnMut(&mut Session, &mut Vec<FarTable>) -> Done<T>) -> Result<T> {
        let (removed, far) = self.pool.write(|session| {
            let mut far = Vec::new();
            Ok((work(session, &mut far)?, far))
        })?;
        if let Some((far, fault)) = self.pool.ask(|session| Ok(shard_server::clear(session, &far)))?.into_iter().next()
        {
            return Err(Error::Server {
                url: self.pool.place().to_string(),
                why: format!("it is dropped, but a shard was not: {}", fault.said()),
                hint: Some(format!("drop the table {} there", far.table).into()),
            });
        }
        Ok(removed)
    }
}

impl Backend for PostgresBackend {
    fn place(&self) -> &Place {
        self.pool.place()
    }

    fn scope(&self) -> &Scope {
        &self.scope
    }

    fn in_scope(&self, scope: Scope) -> Arc<dyn Backend> {
        Arc::new(Self { scope, ..self.clone() })
    }

    fn spread_over(&self, shards: Shards) -> Result<Arc<dyn Backend>> {
        Ok(Arc::new(Self { shards: Some(Arc::new(shards)), ..self.clone() }))
    }

    fn collection(&self, which: Which) -> Arc<dyn Records> {
        Arc::new(PostgresRecords::new(Arc::clone(&self.pool), self.scope.clone(), which))
    }

    fn facts(&self) -> Result<PlaceFacts> {
        self.pool.ask(|session| {
            let versions = versions(session)?;
            let mut facts = PlaceFacts { made_by: versions.made_by, ..PlaceFacts::default() };
            facts.more.extend(versions.warning.map(|warning| ("warning", warning)));
            if !is_made(&self.pool, session)? {
                return Ok(facts);
            }
            facts.format = Some(SCHEMA_VERSION);
            let sql = "select (select (value #>> '{}')::uuid from huedb.meta where key = 'id'), count(*),
                coalesce(sum(records), 0)::bigint, (select sum(pg_total_relation_size(c.oid))::bigint from pg_class c
                join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'huedb' and c.relkind in ('r', 'p'))
                from huedb.collection";
            if let Some(row) = session.row(sql, &[])? {
                let number = |at| row.try_get::<_, Option<i64>>(at).map(|n| n.and_then(|n| u64::try_from(n).ok()));
                facts.id = row.try_get(0)?;
                facts.collections = number(1)?.unwrap_or(0);
                facts.records = number(2)?.unwrap_or(0);
                facts.bytes = number(3)?;
            }
            Ok(facts)
        })
    }

    fn tenants(&self) -> Result<Vec<String>> {
        self.pool.ask(|session| Ok(scopes(&self.pool, session)?.tenants))
    }

    fn create_tenant(&self, name: &TenantName) -> Result<()> {
        self.pool.write(|session| {
            make(&self.pool, session)?;
            let made =
                session.execute("insert into huedb.tenant values ($1) on conflict do nothing", &[&name.as_str()])?;
            if made == 0 { Err(Error::TenantExists { name: name.as_str().to_owned() }.into()) } else { Ok(()) }
        })
    }

    fn drop_tenant(&self, name: &str) -> Result<usize> {
        Scope::check_tenant_may_go(name)?;
        self.remove(|session, far| {
            let scopes = scopes(&self.pool, session)?;
            scopes.check_tenant(name)?;
            let mut dropped = 0;
            for database in scopes.of_tenant(name) {
                let scope = Scope { tenant: name.to_owned(), database: database.name.clone() };
                dropped += remove_database(&self.pool, session, &scope, far)?;
            }
            session.execute("delete from huedb.tenant where name = $1", &[&name])?;
            Ok(dropped)
        })
    }

    fn databases(&self) -> Result<Vec<DatabaseInfo>> {
        self.pool.ask(|session| {
            let scopes: Scopes = scopes(&self.pool, session)?;
            scopes.check_tenant(&self.scope.tenant)?;
            Ok(scopes.of_tenant(&self.scope.tenant).cloned().collect())
        })
    }

    fn create_database(&self, name: &DatabaseName) -> Result<DatabaseInfo> {
        let (tenant, name) = (&self.scope.tenant, name.as_str());
        let id = Uuid::new_v4();
        self.pool.write(|session| {
            make(&self.pool, session)?;
            scopes(&self.pool, session)?.check_tenant(tenant)?;
            let sql = "insert into huedb.database values ($1, $2, $3) on conflict (tenant, name) do nothing";
            if session.execute(sql, &[&id, tenant, &name])? == 0 {
                return Err(Error::DatabaseExists { name: name.to_owned(), tenant: tenant.clone() }.into());
            }
            Ok(DatabaseInfo { id, name: name.to_owned(), tenant: tenant.clone() })
        })
    }

    fn drop_database(&self, name: &str) -> Result<usize> {
        let scope = Scope { tenant: self.scope.tenant.clone(), database: name.to_owned() };
        scope.check_may_go()?;
        self.remove(|session, far| {
            scopes(&self.pool, session)?.check_database(&scope.tenant, name)?;
            remove_database(&self.pool, session, &scope, far)
        })
    }

    fn collections(&self) -> Result<Vec<(CollectionInfo, Counts)>> {
        let of = |entry: Entry| {
            let counts = entry.counts();
            (entry.info, counts)
        };
        self.pool.ask(|session| Ok(list(&self.pool, session, &self.scope)?.into_iter().map(of).collect()))
    }

    fn name_by_id(&self, id: Uuid) -> Result<Option<String>> {
        self.pool.ask(|session| name_by_id(&self.pool, session, &self.scope, id))
    }

    fn create_collection(&self, name: CollectionName, new: NewCollection) -> Result<CollectionInfo> {
        let info = new.into_info(name);
        let shards = self.shards.as_deref();
        self.pool.write(|session| Ok(create(&self.pool, session, &self.scope, &info, shards)?.info))
    }

    fn adopt_collection(&self, info: CollectionInfo) -> Result<()> {
        let shards = self.shards.as_deref();
        self.pool.write(|session| adopt(&self.pool, session, &self.scope, &info, shards))
    }

    fn drop_collection(&self, name: &str) -> Result<(CollectionInfo, Counts)> {
        self.remove(|session, far| {
            let entry = find(&self.pool, session, &self.scope, &name.into(), true)?;
            remove(session, &entry, far)?;
            let counts = entry.counts();
            Ok((entry.info, counts))
        })
    }

    fn reset(&self) -> Result<()> {
        self.remove(|session, far| {
            for database in scopes(&self.pool, session)?.databases {
                let scope = Scope { tenant: database.tenant, database: database.name };
                remove_database(&self.pool, session, &scope, far)?;
            }
            if is_made(&self.pool, session)? {
                session.execute("delete from huedb.tenant where name <> $1", &[&Scope::DEFAULT_TENANT])?;
            }
            Ok(())
        })
    }

    fn tokens(&self) -> Result<&dyn TokenStore> {
        Ok(self)
    }
}
