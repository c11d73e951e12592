//! The whole file as it was at one moment: every tenant, database and collection.
//!
//! Invariant: all that comes from one snapshot comes from one committed state, whatever other processes write.

use std::sync::Arc;

use redb::{ReadTransaction, WriteTransaction};

use super::catalog::{self, CatalogEntry, CollectionKey};
use super::redb_error::FileContext;
use super::table;
use super::tenants::{DatabaseInfo, Scopes};
use super::{Cache, Include, MAX_DIMENSION, Store, View};
use crate::error::{Advice, Error, Result};
use crate::record::{CollectionInfo, DumpRecord, Hnsw, Ordinal, Scope};

/// One committed state of a file.
pub struct Snapshot {
    tx: Arc<ReadTransaction>,
    place: FileContext,
    cache: Arc<Cache>,
}

impl Snapshot {
    /// Lists the tenants by name.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Io`].
    pub fn tenants(&self) -> Result<Vec<String>> {
        self.place.name(Scopes::read(&self.tx)).map(|scopes| scopes.tenants)
    }

    /// Lists the databases of all tenants by name.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Io`].
    pub fn databases(&self) -> Result<Vec<DatabaseInfo>> {
        self.place.name(Scopes::read(&self.tx)).map(|scopes| scopes.databases)
    }

    /// Takes a view of every collection of a tenant's database, by name.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Io`].
    pub fn collections(&self, scope: &Scope) -> Result<Vec<View>> {
        let open = |name: &str| {
            View::open(
                Arc::clone(&self.tx),
                scope,
                &CollectionKey::named(name),
                self.place.clone(),
                Arc::clone(&self.cache),
            )
        };
        let list = || catalog::list_numbers(&self.tx.open_table(table::COLLECTIONS)?, scope);
        self.place.name(list().and_then(|numbers| numbers.iter().map(|(name, _)| open(name)).collect()))
    }
}

impl View {
    /// Reads the record at an ordinal with what a dump says of it.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it is missing or unreadable.
    pub fn dump(&self, ordinal: Ordinal) -> Result<DumpRecord> {
        let embedded_here = self.stored_but_document(ordinal)?.embedded_here;
        Ok(DumpRecord { record: self.record(ordinal, Include::ALL)?, embedded_here })
    }
}

impl Store {
    /// Takes a snapshot of the whole file.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Io`].
    pub fn snapshot(&self) -> Result<Snapshot> {
        self.read_warm(|tx, cache| Ok(Snapshot { tx: Arc::new(tx), place: self.place(), cache }))
    }

    /// Adds a database with the identity it had in another file; does nothing where there is one of its name.
    ///
    /// # Errors
    /// [`Error::TenantNotFound`], and those of every write.
    pub fn adopt_database(&self, database: &DatabaseInfo) -> Result<()> {
        self.write(|tx| {
            let scopes = Scopes::read_for_writing(tx)?;
            scopes.check_tenant(&database.tenant)?;
            if scopes.check_database(&database.tenant, &database.name).is_err() {
                let key = (database.tenant.as_str(), database.name.as_str());
                tx.open_table(table::DATABASES)?.insert(key, database.id.as_bytes())?;
            }
            Ok(())
        })
    }

    /// Adds a collection without records to the store's tenant and database, all else as it was in another file, its
    /// identity among it. One that is there already is left as it is.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when there is another collection of its name, or one of its identity under another;
    /// [`Error::DatabaseNotFound`], [`Error::TenantNotFound`], and those of every write.
    pub fn adopt_collection(&self, info: CollectionInfo) -> Result<()> {
        check_settings(&info)?;
        self.write(|tx| {
            super::tenants::check_for_writing(tx, self.scope())?;
            match find_identity(tx, self.scope(), &info)? {
                SnapshotIdentity::Free => catalog::adopt(tx, self.scope(), info).map(drop),
                SnapshotIdentity::Here => Ok(()),
                SnapshotIdentity::Elsewhere(why) => Err(Error::InvalidArgument {
                    why: format!("collection {:?} {why}", info.name.as_str()),
                    hint: Some(Advice::UseNewFile),
                }),
            }
        })
    }
}

/// Refuses settings that no create would have made.
pub(crate) fn check_settings(info: &CollectionInfo) -> Result<()> {
    let (hnsw, dimension) = (&info.hnsw, info.dimension);
    let candidates = |n| Hnsw::CANDIDATES.contains(&n);
    let sound = candidates(hnsw.ef_construction)
        && candidates(hnsw.ef_search)
        && Hnsw::NEIGHBORS.contains(&hnsw.max_neighbors)
        && dimension.is_none_or(|dimension| (1..=MAX_DIMENSION).contains(&dimension))
        && info.embedder.as_ref().is_none_or(|embedder| Some(embedder.dimension) == dimension);
    if sound {
        return Ok(());
    }
    Err(Error::argument(format!("the settings of collection {:?} are out of range", info.name.as_str())))
}

enum SnapshotIdentity {
    Free,
    /// The collection is there, under its name.
    Here,
    /// Why the collection cannot be there.
    Elsewhere(String),
}

fn find_identity(tx: &WriteTransaction, scope: &Scope, info: &CollectionInfo) -> Result<SnapshotIdentity> {
    let (names, entries) = (tx.open_table(table::COLLECTIONS)?, tx.open_table(table::COLLECTION)?);
    match catalog::find(&names, &entries, scope, info.name.as_str()) {
        Ok((_, entry)) if entry.info.id == info.id => return Ok(SnapshotIdentity::Here),
        Ok(_) => return Ok(SnapshotIdentity::Elsewhere("exists already and is another one".into())),
        Err(Error::CollectionNotFound { .. }) => {}
        Err(error) => return Err(error),
    }
    for row in redb::ReadableTable::iter(&entries)? {
        let entry = CatalogEntry::decode(row?.1.value(), "of another name")?;
        if entry.info.id == info.id {
            let name = entry.info.name;
            return Ok(SnapshotIdentity::Elsewhere(format!(
                "is in the file already, under the name {:?}",
                name.as_str()
            )));
        }
    }
    Ok(SnapshotIdentity::Free)
}
