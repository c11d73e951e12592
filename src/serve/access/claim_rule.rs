//! What the claims of a signed token or a certificate allow, as a grant.
//!
//! Invariant: a rule grants nothing unless its role and its patterns were read.

use crate::error::{Error, Result};
use crate::record::{Grant, NamePattern};
use crate::serve::oidc::ParsedRule;

/// What is said of somebody, by whom they are vouched for.
pub(in crate::serve) type Claims = serde_json::Map<String, serde_json::Value>;

/// A rule and what it grants.
#[derive(Debug)]
pub(in crate::serve) struct ClaimRule {
    rule: ParsedRule,
    grant: Grant,
}

impl ClaimRule {
    /// Reads a rule as people write it.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] or [`Error::InvalidWhere`] with what is wrong.
    pub(in crate::serve) fn parse(text: &str) -> Result<Self> {
        let rule = ParsedRule::parse(text)?;
        let pattern = |text: &Option<String>| text.clone().map_or(Ok(NamePattern::all()), NamePattern::parse);
        let grant = || {
            let (tenant, database) = (pattern(&rule.tenant)?, pattern(&rule.database)?);
            Ok(Grant {
                role: rule.role.parse()?,
                tenant,
                database,
                collection: pattern(&rule.collection)?,
                filter: None,
            })
        };
        let grant = grant().map_err(|error: Error| Error::argument(format!("in the rule {text:?}: {error}")))?;
        Ok(Self { rule, grant })
    }

    /// Returns what somebody of whom this is said may do.
    pub(in crate::serve) fn grant(&self, claims: &Claims) -> Option<Grant> {
        self.rule.matches(claims).then(|| self.grant.clone())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::record::Role;

    #[test]
    fn a_rule_grants_what_it_says() {
        let rule = ClaimRule::parse(r#"groups contains "search" => reader tenant=acme collection=notes-*"#).unwrap();
        let claims = |groups: serde_json::Value| json!({ "groups": groups }).as_object().unwrap().clone();
        let grant = rule.grant(&claims(json!(["search"]))).unwrap();
        assert_eq!((grant.role, grant.tenant.as_str(), grant.database.as_str()), (Role::Reader, "acme", "*"));
        assert_eq!((grant.collection.as_str(), grant.filter), ("notes-*", None));
        assert!(rule.grant(&claims(json!(["other"]))).is_none());
        for bad in ["* => root", "* => reader tenant=a*b", "reader"] {
            let why = ClaimRule::parse(bad).unwrap_err().to_string();
            assert!(why.contains("in the rule"), "{why}");
        }
    }
}
