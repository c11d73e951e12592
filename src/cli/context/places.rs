//! Places that are not files: how they are reached, and who asks.

use std::sync::Arc;

use huedb::backend::{Backend, Place, ServerBackend};
use huedb::error::{Error, Result};
use huedb::record::Scope;

use super::token::TokenSource;

/// Connects to a server or to PostgreSQL.
pub(crate) fn connect(place: &Place, scope: &Scope, token: &TokenSource) -> Result<Arc<dyn Backend>> {
    match place {
        Place::Server(address) => Ok(Arc::new(ServerBackend::connect(address, scope.clone(), &token.options()?)?)),
        Place::File(_) | Place::Postgres(_) => Err(Error::argument(format!("{place} cannot be reached yet"))),
    }
}
