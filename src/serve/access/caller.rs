//! Who asks, with what they may do, as handlers see it.
//!
//! Invariant: a handler reaches a collection through it alone, so that what is hidden from the asker is hidden from the handler.

use std::fmt;
use std::sync::Arc;

use super::action::Action;
use super::decision::{Decision, Resource, decide};
use crate::backend::Records;
use crate::error::Result;
use crate::query::Filter;
use crate::record::{Grant, NamePattern, Rate, Role, Scope};

/// Who asks, as logs name them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::serve) enum Identity {
    /// Nobody in particular.
    Anonymous,
    /// The holder of a token.
    Token { id: String, name: String },
    /// Whom an identity provider vouches for.
    Signed(String),
    /// The subject of a client certificate.
    Certificate(String),
}

impl Identity {
    /// Returns how they showed who they are.
    pub(in crate::serve) fn kind(&self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Token { .. } => "token",
            Self::Signed(_) => "oidc",
            Self::Certificate(_) => "certificate",
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => Ok(()),
            Self::Token { name, .. } => f.write_str(name),
            Self::Signed(subject) | Self::Certificate(subject) => f.write_str(subject),
        }
    }
}

/// Who asks, and what they may do.
#[derive(Debug, Clone)]
pub(in crate::serve) struct Caller {
    pub(in crate::serve) subject: Identity,
    pub(in crate::serve) grants: Arc<[Grant]>,
    /// How many requests they may send; `None` for as many as the server lets everybody.
    pub(in crate::serve) rate: Option<Rate>,
    /// The records of the collection of the path that there are to them; `None` for all.
    pub(in crate::serve) filter: Option<Filter>,
}

impl Caller {
    /// Whoever it is, with one role everywhere.
    pub(in crate::serve) fn anonymous(role: Role) -> Self {
        Self { subject: Identity::Anonymous, grants: [Grant::everywhere(role)].into(), rate: None, filter: None }
    }

    /// Returns a collection of the path as they see it.
    pub(in crate::serve) fn limit(&self, records: Arc<dyn Records>) -> Arc<dyn Records> {
        match &self.filter {
            Some(filter) => records.only(filter.clone()),
            None => records,
        }
    }

    /// Returns a collection of a list as they see it; `None` where there is none to them.
    pub(in crate::serve) fn seen(
        &self,
        records: Arc<dyn Records>,
        scope: &Scope,
        name: &str,
    ) -> Result<Option<Arc<dyn Records>>> {
        Ok(self.reach(Action::Get, records, scope, name)?.ok())
    }

    /// Returns a collection as they may do something with it, or what was decided instead.
    pub(in crate::serve) fn reach(
        &self,
        action: Action,
        records: Arc<dyn Records>,
        scope: &Scope,
        name: &str,
    ) -> Result<Result<Arc<dyn Records>, Decision>> {
        Ok(match decide(&self.grants, action, Resource::collection(scope, name)) {
            Decision::Allowed => Ok(records),
            Decision::Filtered(filters) => Ok(records.only(any_of(&filters)?)),
            refused @ (Decision::Forbidden | Decision::Hidden) => Err(refused),
        })
    }

    /// Returns whether there is a collection to them.
    pub(in crate::serve) fn sees_collection(&self, scope: &Scope, name: &str) -> bool {
        let decision = decide(&self.grants, Action::Get, Resource::collection(scope, name));
        matches!(decision, Decision::Allowed | Decision::Filtered(_))
    }

    /// Returns whether there is a database of a tenant to them.
    pub(in crate::serve) fn sees_database(&self, tenant: &str, database: &str) -> bool {
        decide(&self.grants, Action::GetDatabase, Resource::database(tenant, database)) == Decision::Allowed
    }

    /// Returns whether they may make a database of this name.
    pub(in crate::serve) fn may_make_database(&self, tenant: &str, database: &str) -> bool {
        decide(&self.grants, Action::DeleteDatabase, Resource::database(tenant, database)) == Decision::Allowed
    }

    /// Returns whether they may make a collection of this name, or give one this name.
    pub(in crate::serve) fn may_make_collection(&self, scope: &Scope, name: &str) -> bool {
        decide(&self.grants, Action::Upsert, Resource::collection(scope, name)) == Decision::Allowed
    }

    /// Returns the tenant that their grants are in, and the databases, where they are names; `*` otherwise.
    pub(in crate::serve) fn home(&self) -> (String, Vec<String>) {
        let only = |of: fn(&Grant) -> &NamePattern| -> Option<Vec<String>> {
            let mut names: Vec<String> =
                self.grants.iter().map(|grant| of(grant).one().map(str::to_owned)).collect::<Option<_>>()?;
            names.sort();
            names.dedup();
            Some(names)
        };
        let any = || vec!["*".to_owned()];
        match only(|grant| &grant.tenant).as_deref() {
            Some([tenant]) => (tenant.clone(), only(|grant| &grant.database).unwrap_or_else(any)),
            _ => ("*".into(), any()),
        }
    }
}

/// Returns the filter that keeps what any of several keeps.
pub(super) fn any_of(filters: &[String]) -> Result<Filter> {
    Ok(Filter::any_of(filters.iter().map(|filter| Filter::parse_grant(filter)).collect::<Result<_>>()?))
}
