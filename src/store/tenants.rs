//! Tenants and databases: the scopes that collections live in.
//!
//! The default tenant and its default database are in every file without being written. A collection is found
//! only in its own scope. Invariant: no collection is in a database that does not exist.

use redb::{ReadTransaction, ReadableTable, TableError, WriteTransaction};
use uuid::Uuid;

use super::{Store, catalog, table};
use crate::error::{Error, Result};
use crate::record::{DatabaseName, Scope, TenantName};

/// A database: a name for a set of collections inside a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseInfo {
    /// Its identity; the default database has the nil uuid, as in Chroma.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// The tenant it is in.
    pub tenant: String,
}

/// Which tenants and databases there are, read from one state of the file.
pub(crate) struct Scopes {
    pub(crate) tenants: Vec<String>,
    pub(crate) databases: Vec<DatabaseInfo>,
}

impl Scopes {
    pub(super) fn read(tx: &ReadTransaction) -> Result<Self> {
        Self::from_tables(
            known(tx.open_table(table::TENANTS))?.as_ref(),
            known(tx.open_table(table::DATABASES))?.as_ref(),
        )
    }

    pub(super) fn read_for_writing(tx: &WriteTransaction) -> Result<Self> {
        Self::from_tables(Some(&tx.open_table(table::TENANTS)?), Some(&tx.open_table(table::DATABASES)?))
    }

    fn from_tables(
        tenants: Option<&impl ReadableTable<&'static str, ()>>,
        databases: Option<&impl ReadableTable<(&'static str, &'static str), &'static [u8; 16]>>,
    ) -> Result<Self> {
        let mut found = Self::default();
        if let Some(tenants) = tenants {
            for row in tenants.iter()? {
                found.tenants.push(row?.0.value().to_owned());
            }
        }
        if let Some(databases) = databases {
            for row in databases.iter()? {
                let (key, id) = row?;
                let (tenant, name) = key.value();
                let id = Uuid::from_bytes(*id.value());
                found.databases.push(DatabaseInfo { id, name: name.to_owned(), tenant: tenant.to_owned() });
            }
        }
        found.tenants.sort();
        found.databases.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    pub(crate) fn of_tenant(&self, tenant: &str) -> impl Iterator<Item = &DatabaseInfo> {
        self.databases.iter().filter(move |database| database.tenant == tenant)
    }

    pub(crate) fn check_tenant(&self, tenant: &str) -> Result<()> {
        if self.tenants.iter().any(|known| known == tenant) {
            return Ok(());
        }
        Err(Error::TenantNotFound { name: tenant.to_owned(), known: self.tenants.clone() })
    }

    pub(crate) fn check_database(&self, tenant: &str, database: &str) -> Result<()> {
        self.check_tenant(tenant)?;
        if self.of_tenant(tenant).any(|known| known.name == database) {
            return Ok(());
        }
        let known = self.of_tenant(tenant).map(|database| database.name.clone()).collect();
        Err(Error::DatabaseNotFound { name: database.to_owned(), tenant: tenant.to_owned(), known })
    }
}

/// What there is without being written.
impl Default for Scopes {
    fn default() -> Self {
        Self {
            tenants: vec![Scope::DEFAULT_TENANT.into()],
            databases: vec![DatabaseInfo {
                id: Uuid::nil(),
                name: Scope::DEFAULT_DATABASE.into(),
                tenant: Scope::DEFAULT_TENANT.into(),
            }],
        }
    }
}

/// Takes a table that is not there for one without rows.
fn known<T>(opened: std::result::Result<T, TableError>) -> Result<Option<T>> {
    match opened {
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        opened => Ok(Some(opened?)),
    }
}

/// Refuses a scope whose tenant or database does not exist.
pub(crate) fn check(tx: &ReadTransaction, scope: &Scope) -> Result<()> {
    if *scope == Scope::default() { Ok(()) } else { Scopes::read(tx)?.check_database(&scope.tenant, &scope.database) }
}

/// Does the same inside a write.
pub(crate) fn check_for_writing(tx: &WriteTransaction, scope: &Scope) -> Result<()> {
    if *scope == Scope::default() {
        return Ok(());
    }
    Scopes::read_for_writing(tx)?.check_database(&scope.tenant, &scope.database)
}

impl Store {
    /// Adds a tenant.
    ///
    /// # Errors
    /// [`Error::TenantExists`], and those of every write.
    pub fn create_tenant(&self, name: &TenantName) -> Result<()> {
        self.write(|tx| {
            if Scopes::read_for_writing(tx)?.check_tenant(name.as_str()).is_ok() {
                return Err(Error::TenantExists { name: name.as_str().to_owned() });
            }
            tx.open_table(table::TENANTS)?.insert(name.as_str(), ())?;
            Ok(())
        })
    }

    /// Lists the tenants by name.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Io`].
    pub fn tenants(&self) -> Result<Vec<String>> {
        self.read(|tx| Ok(Scopes::read(&tx)?.tenants))
    }

    /// Removes a tenant with its databases and their collections; returns how many collections.
    ///
    /// # Errors
    /// [`Error::TenantNotFound`], [`Error::InvalidArgument`] for the default tenant, and those of every write.
    pub fn drop_tenant(&self, name: &str) -> Result<usize> {
        Scope::check_tenant_may_go(name)?;
        self.write(|tx| {
            let scopes = Scopes::read_for_writing(tx)?;
            scopes.check_tenant(name)?;
            let dropped = scopes.of_tenant(name).map(|database| remove_database(tx, name, &database.name));
            let dropped = dropped.sum::<Result<usize>>()?;
            tx.open_table(table::TENANTS)?.remove(name)?;
            Ok(dropped)
        })
    }

    /// Adds a database to the store's tenant.
    ///
    /// # Errors
    /// [`Error::TenantNotFound`], [`Error::DatabaseExists`], and those of every write.
    pub fn create_database(&self, name: &DatabaseName) -> Result<DatabaseInfo> {
        let (tenant, name) = (self.scope().tenant.as_str(), name.as_str());
        self.write(|tx| {
            let scopes = Scopes::read_for_writing(tx)?;
            scopes.check_tenant(tenant)?;
            if scopes.check_database(tenant, name).is_ok() {
                return Err(Error::DatabaseExists { name: name.to_owned(), tenant: tenant.to_owned() });
            }
            let id = Uuid::new_v4();
            tx.open_table(table::DATABASES)?.insert((tenant, name), id.as_bytes())?;
            Ok(DatabaseInfo { id, name: name.to_owned(), tenant: tenant.to_owned() })
        })
    }

    /// Lists the databases of the store's tenant by name.
    ///
    /// # Errors
    /// [`Error::TenantNotFound`], [`Error::Damaged`] or [`Error::Io`].
    pub fn databases(&self) -> Result<Vec<DatabaseInfo>> {
        let tenant = self.scope().tenant.as_str();
        self.read(|tx| {
            let scopes = Scopes::read(&tx)?;
            scopes.check_tenant(tenant)?;
            Ok(scopes.of_tenant(tenant).cloned().collect())
        })
    }

    /// Removes a database of the store's tenant with its collections; returns how many collections.
    ///
    /// # Errors
    /// [`Error::TenantNotFound`], [`Error::DatabaseNotFound`], [`Error::InvalidArgument`] for the default database,
    /// and those of every write.
    pub fn drop_database(&self, name: &str) -> Result<usize> {
        let tenant = self.scope().tenant.as_str();
        Scope { tenant: tenant.to_owned(), database: name.to_owned() }.check_may_go()?;
        self.write(|tx| {
            Scopes::read_for_writing(tx)?.check_database(tenant, name)?;
            remove_database(tx, tenant, name)
        })
    }
}

pub(super) fn remove_database(tx: &WriteTransaction, tenant: &str, name: &str) -> Result<usize> {
    let scope = Scope { tenant: tenant.to_owned(), database: name.to_owned() };
    let collections = catalog::list_numbers(&tx.open_table(table::COLLECTIONS)?, &scope)?;
    for (collection, _) in &collections {
        catalog::drop_collection(tx, &scope, collection)?;
    }
    tx.open_table(table::DATABASES)?.remove((tenant, name))?;
    Ok(collections.len())
}
