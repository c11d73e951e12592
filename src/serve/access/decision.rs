//! Whether a request may be done: a pure function of grants, an action and what it is about.
//!
//! Invariants: nothing is allowed that no grant allows; what is outside every grant is answered as what does not exist, so
//! that nobody learns whether it does; a grant with a filter never lets touch what it hides.

use super::action::{Action, Level};
use crate::record::{Grant, Role, Scope};

/// What a request is about; what its path does not name is `None`.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::serve) struct Resource<'a> {
    pub(in crate::serve) tenant: Option<&'a str>,
    pub(in crate::serve) database: Option<&'a str>,
    /// The collection's name; `None` also where there is no such collection.
    pub(in crate::serve) collection: Option<&'a str>,
}

impl<'a> Resource<'a> {
    pub(super) fn database(tenant: &'a str, database: &'a str) -> Self {
        Self { tenant: Some(tenant), database: Some(database), collection: None }
    }

    pub(super) fn collection(scope: &'a Scope, name: &'a str) -> Self {
        Self { collection: Some(name), ..Self::database(&scope.tenant, &scope.database) }
    }
}

/// What comes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::serve) enum Decision {
    /// Done with all records.
    Allowed,
    /// Done with the records that pass one of these filters.
    Filtered(Vec<String>),
    /// 403.
    Forbidden,
    /// 404: to whoever asks it does not exist.
    Hidden,
}

fn covers(grant: &Grant, target: Resource) -> bool {
    let fits = |pattern: &crate::record::NamePattern, name: Option<&str>| name.is_none_or(|name| pattern.matches(name));
    fits(&grant.tenant, target.tenant) && fits(&grant.database, target.database)
}

/// Returns whether a grant covers the target's collection; one that nobody can name is covered by the pattern of all.
fn covers_collection(grant: &Grant, target: Resource) -> bool {
    covers(grant, target) && target.collection.map_or(grant.collection.is_all(), |name| grant.collection.matches(name))
}

/// Returns whether a grant is of everything inside what it covers.
fn is_whole(grant: &Grant) -> bool {
    grant.collection.is_all() && grant.filter.is_none()
}

/// Decides.
pub(in crate::serve) fn decide(grants: &[Grant], action: Action, target: Resource) -> Decision {
    let role = action.role();
    let is_any = |allowed: bool| if allowed { Decision::Allowed } else { Decision::Forbidden };
    match action.level() {
        Level::Public => Decision::Allowed,
        Level::Asker => is_any(!grants.is_empty()),
        Level::Metrics => is_any(grants.iter().any(|grant| match grant.role {
            Role::Monitor => true,
            Role::Admin => grant.is_everywhere(),
            Role::Reader | Role::Writer => false,
        })),
        Level::File => is_any(grants.iter().any(|grant| may(grant, role) && grant.is_everywhere())),
        Level::Tenant => {
            let of = |grant: &Grant| covers(grant, Resource { database: None, ..target });
            in_scope(grants, &of, |grant| may(grant, role) && (role < Role::Admin || is_whole(grant)))
        }
        Level::Database => {
            let of = |grant: &Grant| covers(grant, target);
            in_scope(grants, &of, |grant| match role {
                Role::Admin => may(grant, role) && is_whole(grant),
                Role::Writer => may(grant, role) && grant.filter.is_none(),
                Role::Reader | Role::Monitor => may(grant, role),
            })
        }
        Level::Collection => {
            let of = |grant: &Grant| covers_collection(grant, target);
            in_scope(grants, &of, |grant| may(grant, role) && grant.filter.is_none())
        }
        Level::Records => {
            let of = |grant: &Grant| covers_collection(grant, target);
            match in_scope(grants, &of, |grant| may(grant, role)) {
                Decision::Allowed => filters(grants.iter().filter(|grant| of(grant) && may(grant, role))),
                refused => refused,
            }
        }
    }
}

/// A monitor reads figures, and nothing that others may.
fn may(grant: &Grant, role: Role) -> bool {
    grant.role != Role::Monitor && grant.role >= role
}

fn in_scope(grants: &[Grant], covers: &dyn Fn(&Grant) -> bool, allows: impl Fn(&Grant) -> bool) -> Decision {
    let mut in_scope = grants.iter().filter(|grant| grant.role != Role::Monitor && covers(grant)).peekable();
    if in_scope.peek().is_none() {
        return Decision::Hidden;
    }
    if in_scope.any(allows) { Decision::Allowed } else { Decision::Forbidden }
}

/// All records where one of the grants is of all, else those of any.
fn filters<'a>(grants: impl Iterator<Item = &'a Grant>) -> Decision {
    let filters: Option<Vec<String>> = grants.map(|grant| grant.filter.clone()).collect();
    filters.map_or(Decision::Allowed, Decision::Filtered)
}

#[cfg(test)]
#[path = "decision_tests.rs"]
mod tests;
