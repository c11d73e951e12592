//! A place with tenants, databases and collections, seen from one tenant's database.
//!
//! Invariant: a name is looked up in the scope of the handle and nowhere else.

use std::sync::Arc;

use uuid::Uuid;

use super::place::{Place, PlaceFacts};
use super::records::Records;
use super::refused::{Only, only_in};
use super::shards::Shards;
use super::state::State;
use super::tokens::TokenStore;
use super::write::Write;
use crate::error::Result;
use crate::record::{CollectionInfo, CollectionName, Counts, DatabaseName, Scope, TenantName};
use crate::store::{DatabaseInfo, NewCollection, Outcome, Store};

/// Which collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// By its name.
    Name(String),
    /// By its identity, which stays when it is renamed.
    Id(Uuid),
}

impl From<&str> for Which {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

impl From<Uuid> for Which {
    fn from(id: Uuid) -> Self {
        Self::Id(id)
    }
}

/// Where collections are kept. Handles are cheap to copy ([`Backend::in_scope`]) and share the connections of the first.
///
/// Every method but the first five may fail with [`crate::error::Error::Io`], `Server` or `Damaged`, whatever is at fault
/// with the place; those that read a scope with `TenantNotFound` or `DatabaseNotFound`; those that write with `Busy`.
pub trait Backend: Send + Sync {
    /// Returns which place it is, for messages; never with a password.
    fn place(&self) -> &Place;

    /// Returns the tenant and database that names are looked up in.
    fn scope(&self) -> &Scope;

    /// Returns a handle that looks names up in another tenant and database; whether that exists is checked when it is used.
    fn in_scope(&self, scope: Scope) -> Arc<dyn Backend>;

    /// Returns a handle whose new collections are spread over shards.
    ///
    /// # Errors
    /// [`crate::error::Error::InvalidArgument`] where a collection is always in one piece.
    fn spread_over(&self, _shards: Shards) -> Result<Arc<dyn Backend>> {
        Err(only_in(self.place(), Only::Postgres("--shards")))
    }

    /// Returns a handle to a collection; whether it exists is checked when it is used.
    fn collection(&self, which: Which) -> Arc<dyn Records>;

    /// Returns the file, where the place is one: for what only a file can do.
    fn file(&self) -> Option<&Store> {
        None
    }

    /// Returns facts about the place as a whole.
    fn facts(&self) -> Result<PlaceFacts>;

    /// Lists the tenants by name.
    fn tenants(&self) -> Result<Vec<String>>;

    /// Makes a tenant; [`crate::error::Error::TenantExists`] when there is one of that name.
    fn create_tenant(&self, name: &TenantName) -> Result<()>;

    /// Removes a tenant with all that is in it; returns how many collections those were.
    fn drop_tenant(&self, name: &str) -> Result<usize>;

    /// Lists the databases of the tenant by name.
    fn databases(&self) -> Result<Vec<DatabaseInfo>>;

    /// Makes a database of the tenant; [`crate::error::Error::DatabaseExists`] when there is one of that name.
    fn create_database(&self, name: &DatabaseName) -> Result<DatabaseInfo>;

    /// Removes a database with its collections; returns how many those were.
    fn drop_database(&self, name: &str) -> Result<usize>;

    /// Lists the collections by name.
    fn collections(&self) -> Result<Vec<(CollectionInfo, Counts)>>;

    /// Returns the name that a collection of an identity has in this scope; `None` where there is none, or no such scope.
    fn name_by_id(&self, id: Uuid) -> Result<Option<String>>;

    /// Makes a collection, and what the place needs before its first one; [`crate::error::Error::CollectionExists`].
    fn create_collection(&self, name: CollectionName, new: NewCollection) -> Result<CollectionInfo>;

    /// Makes a collection without records, all else as it is in another place, its identity among it where the place lets
    /// it be chosen. One of that identity that is there under its name is left as it is.
    fn adopt_collection(&self, info: CollectionInfo) -> Result<()>;

    /// Removes a collection with its records; returns its description.
    fn drop_collection(&self, name: &str) -> Result<(CollectionInfo, Counts)>;

    /// Does writes that wait together, with as few commits as they fit in; returns the outcome of each, in their order.
    fn write_together(&self, writes: Vec<Write>) -> Vec<Result<Outcome>> {
        writes.into_iter().map(Write::run).collect()
    }

    /// Removes everything but tokens.
    fn reset(&self) -> Result<()> {
        Err(only_in(self.place(), Only::File("reset")))
    }

    /// Returns the tokens of its server.
    fn tokens(&self) -> Result<&dyn TokenStore> {
        Err(only_in(self.place(), Only::Keeper("token")))
    }

    /// Ends the use of the place cleanly; does nothing while copies of the handle are left.
    fn close(self: Arc<Self>) -> Result<()> {
        Ok(())
    }
}

impl dyn Backend + '_ {
    /// Takes one state of the collection of a name.
    ///
    /// # Errors
    /// As [`Records::state`].
    pub fn state_of(&self, name: &str) -> Result<Box<dyn State>> {
        self.collection(name.into()).state()
    }
}
