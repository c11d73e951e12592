//! The collections of a tenant's database: made, changed, listed, removed.

use uuid::Uuid;

use super::catalog::{self, CollectionKey};
use super::tenants::{self, Scopes};
use super::{Collection, CollectionChange, NewCollection, Store, table};
use crate::error::Result;
use crate::record::{CollectionInfo, CollectionName, Counts};

impl Store {
    /// Adds a collection.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = huedb::Store::open(folder.path().join("n.redb"), huedb::Access::Create)?;
    /// # store.create_collection(huedb::CollectionName::parse("notes")?, huedb::NewCollection::default())?;
    /// # let notes = store.collection("notes")?;
    /// # notes.write_rows(["fox", "dog"].map(|id| huedb::NewRecord::new(id).unwrap().with_embedding(vec![1.0, 0.0])), huedb::Mode::Add)?;
    /// use huedb::{CollectionName, NewCollection, Space};
    ///
    /// let new = NewCollection { space: Space::L2, ..NewCollection::default() };
    /// let info = store.create_collection(CollectionName::parse("images")?, new)?;
    /// assert_eq!(info.dimension, None, "the first embedding says it");
    /// # Ok::<(), huedb::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`crate::error::Error::CollectionExists`], `DatabaseNotFound`, `TenantNotFound`, and those of every write: `Busy`,
    /// `Damaged`, `Io`.
    pub fn create_collection(&self, name: CollectionName, new: NewCollection) -> Result<CollectionInfo> {
        self.write(|tx| {
            tenants::check_for_writing(tx, self.scope())?;
            Ok(catalog::create(tx, self.scope(), name, new)?.1.info)
        })
    }

    /// Changes a collection's name or settings; returns its new description.
    ///
    /// # Errors
    /// [`crate::error::Error::CollectionNotFound`] (or of its database or tenant), `CollectionExists` for a name that is
    /// taken, `InvalidArgument` for a change its content does not allow, and those of every write.
    pub fn modify_collection(&self, name: &str, change: CollectionChange) -> Result<CollectionInfo> {
        Collection::new(self.clone(), CollectionKey::named(name)).modify(change)
    }

    /// Removes a collection with all its records; returns its description.
    ///
    /// # Errors
    /// [`crate::error::Error::CollectionNotFound`] (or of its database or tenant), and those of every write.
    pub fn drop_collection(&self, name: &str) -> Result<(CollectionInfo, Counts)> {
        self.write(|tx| {
            tenants::check_for_writing(tx, self.scope())?;
            let entry = catalog::drop_collection(tx, self.scope(), name)?;
            let counts = entry.counts();
            Ok((entry.info, counts))
        })
    }

    /// Removes every collection, and every tenant and database but the default ones, in one transaction. Tokens stay: without
    /// them a server would let everybody in.
    ///
    /// # Errors
    /// Those of every write.
    pub fn reset(&self) -> Result<()> {
        self.write(|tx| {
            for database in Scopes::read_for_writing(tx)?.databases {
                tenants::remove_database(tx, &database.tenant, &database.name)?;
            }
            tx.open_table(table::TENANTS)?.retain(|_, ()| false)?;
            Ok(())
        })
    }

    /// Lists the collections by name.
    ///
    /// # Errors
    /// [`crate::error::Error::Damaged`] or `Io`.
    pub fn collections(&self) -> Result<Vec<(CollectionInfo, Counts)>> {
        self.read(|tx| {
            tenants::check(&tx, self.scope())?;
            let entries = tx.open_table(table::COLLECTION)?;
            let numbers = catalog::list_numbers(&tx.open_table(table::COLLECTIONS)?, self.scope())?;
            let entries = numbers.into_iter().map(|(name, number)| catalog::entry(&entries, number, &name));
            entries.map(|entry| entry.map(|entry| (entry.info.clone(), entry.counts()))).collect()
        })
    }

    /// Returns a handle to a collection that exists.
    ///
    /// # Errors
    /// [`crate::error::Error::CollectionNotFound`], `Damaged` or `Io`.
    pub fn collection(&self, name: &str) -> Result<Collection> {
        self.view(name)?;
        Ok(Collection::new(self.clone(), CollectionKey::named(name)))
    }

    /// Returns a handle to a collection by its name. Whether it exists is checked when it is used.
    #[must_use]
    pub fn collection_by_name(&self, name: &str) -> Collection {
        Collection::new(self.clone(), CollectionKey::named(name))
    }

    /// Returns the name that a collection of an identity has in this scope; `None` where there is none, or no such scope.
    ///
    /// # Errors
    /// [`crate::error::Error::Damaged`] or `Io`.
    pub fn name_by_id(&self, id: Uuid) -> Result<Option<String>> {
        let key = CollectionKey { name: self.last_name(id).unwrap_or_default(), id: Some(id) };
        let found = self.read(|tx| {
            tenants::check(&tx, self.scope())?;
            key.find(&tx.open_table(table::COLLECTIONS)?, &tx.open_table(table::COLLECTION)?, self.scope())
        });
        match found {
            Ok((_, entry)) => {
                self.saw_name(id, entry.info.name.as_str());
                Ok(Some(entry.info.name.to_string()))
            }
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns a handle to a collection by its identity, which stays when it is renamed. Whether it exists, in this scope,
    /// is checked when it is used.
    #[must_use]
    pub fn collection_by_id(&self, id: Uuid) -> Collection {
        let name = self.last_name(id).unwrap_or_default();
        Collection::new(self.clone(), CollectionKey { name, id: Some(id) })
    }
}
