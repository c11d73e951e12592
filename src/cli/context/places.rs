//! Places that are not files: how they are reached, and who asks.

use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "postgres")]
use huedb::backend::PostgresBackend;
use huedb::backend::{Backend, Place, ServerBackend};
use huedb::error::{Error, Result};
use huedb::record::Scope;

use super::token::TokenSource;

/// How a place that is not a file is reached.
#[derive(Clone)]
pub(crate) struct Reach {
    pub(crate) scope: Scope,
    /// Who asks a server.
    pub(crate) token: TokenSource,
    /// How long others in the database are waited for.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "only a database is waited for"))]
    pub(crate) patience: Duration,
}

impl Reach {
    /// Connects to a server or to PostgreSQL.
    pub(crate) fn connect(&self, place: &Place) -> Result<Arc<dyn Backend>> {
        let scope = self.scope.clone();
        match place {
            Place::Server(address) => Ok(Arc::new(ServerBackend::connect(address, scope, &self.token.options()?)?)),
            #[cfg(feature = "postgres")]
            Place::Postgres(address) => Ok(Arc::new(PostgresBackend::connect(address, scope, self.patience)?)),
            #[cfg(not(feature = "postgres"))]
            Place::Postgres(_) => Err(Error::argument(format!("{place}: this huedb was built without PostgreSQL"))),
            Place::File(path) => Err(Error::argument(format!("{} is a file", path.display()))),
        }
    }
}
