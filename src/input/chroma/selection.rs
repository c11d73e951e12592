//! Which collections of Chroma are taken.

use crate::error::{Advice, Error};
use crate::record::Scope;

/// Which collections are taken.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// The tenant and database of the collection. When none is named, a part that is not the default one says of which
    /// tenant or database all collections are taken.
    pub scope: Scope,
    /// One collection.
    pub collection: Option<String>,
}

impl Selection {
    /// Returns whether a collection in a tenant's database is wanted.
    pub(super) fn takes(&self, tenant: &str, database: &str, name: &str) -> bool {
        let all = self.collection.is_none();
        let is_in = |wanted: &str, default: &str, found: &str| wanted == found || all && wanted == default;
        is_in(&self.scope.tenant, Scope::DEFAULT_TENANT, tenant)
            && is_in(&self.scope.database, Scope::DEFAULT_DATABASE, database)
            && self.collection.as_ref().is_none_or(|wanted| wanted == name)
    }

    /// Returns whether everything there is is wanted.
    pub(super) fn is_everything(&self) -> bool {
        self.collection.is_none() && self.scope == Scope::default()
    }

    /// The error when nothing is taken; `known` are the names that the wanted database has.
    pub(super) fn not_found(&self, source: &str, known: &[String]) -> Error {
        let Scope { tenant, database } = &self.scope;
        let wanted =
            self.collection.as_ref().map_or("no collection".to_owned(), |name| format!("no collection named {name:?}"));
        Error::BadInput {
            source: source.to_owned(),
            why: format!("has {wanted} in the database {database:?} of the tenant {tenant:?}"),
            hint: Some(match known {
                [] => Advice::NameOtherDatabase,
                known => format!("available: {}", known.join(", ")).into(),
            }),
        }
    }
}
