//! Routes of tenants and databases.

use serde::Deserialize;
use serde_json::{Value as Json, json};
use utoipa::ToSchema;

use super::call::{Call, Handled, Reply, Site};
use super::fault::Fault;
use crate::error::Error;
use crate::record::{DatabaseName, TenantName};
use crate::store::DatabaseInfo;

/// Body that makes a tenant or a database.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct NameBody {
    name: String,
}

/// Body that changes a tenant.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct TenantBody {
    #[serde(rename = "resource_name")]
    _resource_name: String,
}

pub(super) fn create_tenant(site: &Site, call: &Call) -> Handled {
    let NameBody { name } = site.body(call)?;
    let parsed = TenantName::parse(name.as_str()).map_err(|_| {
        let value = format!("{name:?}");
        Fault::invalid(format!(
            "Validation error: name: Validation error: length [{{\"min\": Number(3), \"value\": String({value})}}]"
        ))
    })?;
    site.backend.create_tenant(&parsed)?;
    Ok(Reply::empty().into())
}

pub(super) fn get_tenant(site: &Site, call: &Call) -> Handled {
    let name = call.param("tenant");
    if !site.backend.tenants()?.iter().any(|known| known == name) {
        return Err(Error::TenantNotFound { name: name.to_owned(), known: Vec::new() }.into());
    }
    Ok(Reply::json(&json!({ "name": name, "resource_name": null })).into())
}

/// As a local Chroma does it: the body is read and nothing is kept of it.
pub(super) fn update_tenant(site: &Site, call: &Call) -> Handled {
    let _: TenantBody = site.body(call)?;
    Ok(Reply::empty().into())
}

pub(super) fn create_database(site: &Site, call: &Call) -> Handled {
    let NameBody { name } = site.body(call)?;
    let name = DatabaseName::parse(name.as_str()).map_err(|_| Fault::invalid(broken_rule(&name)))?;
    if !call.access.may_make_database(call.param("tenant"), name.as_str()) {
        return Err(Fault::forbidden("this token may not make a database of that name"));
    }
    site.backend_of(call).create_database(&name)?;
    Ok(Reply::empty().into())
}

pub(super) fn list_databases(site: &Site, call: &Call) -> Handled {
    let mut databases = site.backend_of(call).databases()?;
    databases.retain(|database| call.access.sees_database(&database.tenant, &database.name));
    let (offset, limit) = (call.number("offset")?, call.number("limit")?);
    let page = databases.iter().skip(as_count(offset.unwrap_or(0)));
    let page: Vec<Json> = page.take(limit.map_or(usize::MAX, as_count)).map(database_json).collect();
    Ok(Reply::json(&page).into())
}

pub(super) fn get_database(site: &Site, call: &Call) -> Handled {
    let name = call.param("database");
    let databases = site.backend_of(call).databases()?;
    match databases.iter().find(|database| database.name == name) {
        Some(database) => Ok(Reply::json(&database_json(database)).into()),
        None => Err(Fault::not_found(format!("Database [{name}] not found. Are you sure it exists?"))),
    }
}

pub(super) fn delete_database(site: &Site, call: &Call) -> Handled {
    let name = call.param("database");
    match site.backend_of(call).drop_database(name) {
        Err(Error::DatabaseNotFound { .. }) => Err(Fault::not_found(format!("Database [{name}] not found"))),
        done => {
            done?;
            Ok(Reply::empty().into())
        }
    }
}

fn database_json(database: &DatabaseInfo) -> Json {
    json!({ "id": database.id.to_string(), "name": database.name, "tenant": database.tenant })
}

/// Chroma's sentence about a name that breaks its rule.
pub(super) fn broken_rule(name: &str) -> String {
    if name.parse::<std::net::IpAddr>().is_ok() {
        return format!("Expected a name that is not a valid ip address. Got {name}");
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let ends_well = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let is_plain = (3..=512).contains(&name.len())
        && name.chars().all(allowed)
        && ends_well(name.chars().next())
        && ends_well(name.chars().next_back());
    if is_plain {
        return format!("Expected a name that does not contains two consecutive periods (..). Got {name}");
    }
    format!(
        "Expected a name containing 3-512 characters from [a-zA-Z0-9._-], starting and ending with a character in \
         [a-zA-Z0-9]. Got: {name}"
    )
}

pub(super) fn as_count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
