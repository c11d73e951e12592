//! The tenants and databases of a place, and the same of another.
//!
//! Invariant: what is there is left as it is.

use super::settings::keeps_none;
use crate::backend::database::Backend;
use crate::error::{Error, Result};
use crate::record::{DatabaseName, Scope, TenantName};

/// Returns every tenant's databases, as far as they can be seen.
///
/// # Errors
/// Those of reading.
pub fn scopes(place: &dyn Backend) -> Result<Vec<Scope>> {
    let mut found = Vec::new();
    // A server of Chroma's lists the databases of a tenant, and no tenants.
    let tenants = if keeps_none(place)? { vec![place.scope().tenant.clone()] } else { place.tenants()? };
    for tenant in tenants {
        let of_tenant = place.in_scope(Scope { tenant, ..Scope::default() });
        found.extend(of_tenant.databases()?.into_iter().map(|it| Scope { tenant: it.tenant, database: it.name }));
    }
    Ok(found)
}

/// Makes the tenant and the database that a handle looks names up in, where they are missing; a file gives the database the
/// identity that it has in the other place.
///
/// # Errors
/// Those of every write.
pub fn make_scope(from: &dyn Backend, to: &dyn Backend) -> Result<()> {
    let scope = to.scope();
    if to.databases().is_ok_and(|found| found.iter().any(|database| database.name == scope.database)) {
        return Ok(());
    }
    ignoring_there(to.create_tenant(&TenantName::parse(scope.tenant.clone())?))?;
    let same = from.databases()?.into_iter().find(|database| database.name == scope.database);
    match (to.file(), same) {
        (Some(file), Some(same)) => file.adopt_database(&same),
        _ => ignoring_there(to.create_database(&DatabaseName::parse(scope.database.clone())?).map(drop)),
    }
}

fn ignoring_there(made: Result<()>) -> Result<()> {
    match made {
        Err(Error::TenantExists { .. } | Error::DatabaseExists { .. }) => Ok(()),
        made => made,
    }
}
