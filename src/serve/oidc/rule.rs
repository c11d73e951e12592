//! Rules that say what the claims of a token allow: `groups contains "search" => reader tenant=acme collection=notes-*`.
//!
//! ```text
//! rule   := (filter | "*") " => " role option*
//! option := ("tenant" | "database" | "collection") "=" (word | string)
//! ```
//! The filter is one on metadata, in either of its languages; a string stands in `"` or `'`, where a doubled quote is one.
//! Roles and patterns are words here. A test that is negated passes where the claim is missing, as in every filter: a rule is
//! safer that says what a token must have. Invariant: a rule tests claims only, neither ids nor documents.

use serde_json::{Map, Value as Json};

use super::claims;
use crate::error::{Error, Result};
use crate::query::Filter;
use crate::query::filter::RecordFields;

const ARROW: &str = " => ";
const EXAMPLE: &str = r#"write it as: groups contains "search" => reader tenant=acme collection=notes-*"#;

/// What the claims of a token allow.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::serve) struct ParsedRule {
    /// Whose tokens it is for; `None` is everyone's.
    pub(in crate::serve) filter: Option<Filter>,
    /// What they may do.
    pub(in crate::serve) role: String,
    /// In which tenant.
    pub(in crate::serve) tenant: Option<String>,
    /// In which database.
    pub(in crate::serve) database: Option<String>,
    /// With which collections.
    pub(in crate::serve) collection: Option<String>,
}

impl ParsedRule {
    /// Reads a rule.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] with the part that is wrong, in a filter with the place.
    pub(in crate::serve) fn parse(text: &str) -> Result<Self> {
        let bad = |why: String| Error::InvalidArgument {
            why: format!("in the rule {text:?}: {why}"),
            hint: Some(EXAMPLE.into()),
        };
        let Some((condition, allowed)) = split(text) else {
            return Err(bad("there is no ' => ' between the filter and the role".into()));
        };
        let mut words = RuleWords(allowed);
        let role = match words.next() {
            Some(Ok((None, role))) if !role.is_empty() && role.chars().all(|c| c.is_ascii_lowercase()) => role,
            Some(Err(why)) => return Err(bad(why)),
            _ => return Err(bad("behind ' => ' there must be a role".into())),
        };
        let mut read = Self { filter: filter(condition, &bad)?, role, tenant: None, database: None, collection: None };
        for word in words {
            let (name, value) = word.map_err(&bad)?;
            let Some(name) = name else {
                return Err(bad(format!("{value:?} is none of tenant=, database= and collection=")));
            };
            let place = match name {
                "tenant" => &mut read.tenant,
                "database" => &mut read.database,
                "collection" => &mut read.collection,
                other => return Err(bad(format!("there is no {other:?}; a role has tenant, database and collection"))),
            };
            if value.is_empty() {
                return Err(bad(format!("{name} has no value")));
            }
            if place.replace(value).is_some() {
                return Err(bad(format!("{name} stands twice")));
            }
        }
        Ok(read)
    }

    /// Returns whether it is for a token with these claims.
    pub(in crate::serve) fn matches(&self, claims: &Map<String, Json>) -> bool {
        self.filter.as_ref().is_none_or(|filter| {
            let metadata = claims::as_metadata(claims);
            filter.matches(RecordFields { metadata: Some(&metadata), ..RecordFields::default() })
        })
    }
}

fn filter(text: &str, bad: &impl Fn(String) -> Error) -> Result<Option<Filter>> {
    match text.trim() {
        "*" => return Ok(None),
        "" => return Err(bad("there is no filter; * is for everyone".into())),
        _ => {}
    }
    let filter = Filter::parse_grant(text).map_err(|error| bad(error.to_string()))?;
    if filter.tests().any(|test| test.key().is_none()) {
        return Err(bad("a filter here tests claims; they have no #id, no #uri and no #document".into()));
    }
    Ok(Some(filter))
}

/// Splits at the last arrow outside quotes.
fn split(text: &str) -> Option<(&str, &str)> {
    let (mut quote, mut escaped, mut last) = (None, false, None);
    for (at, c) in text.char_indices() {
        match quote {
            // A quote that is doubled ends one string and begins the next.
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            None if matches!(c, '"' | '\'' | '`') => quote = Some(c),
            None if text.get(at..).is_some_and(|rest| rest.starts_with(ARROW)) => last = Some(at),
            Some(_) | None => {}
        }
    }
    let (condition, rest) = text.split_at_checked(last?)?;
    Some((condition, rest.get(ARROW.len()..)?))
}

/// Reads words: a name before `=`, which may be missing, and what stands behind it.
struct RuleWords<'t>(&'t str);

impl<'t> Iterator for RuleWords<'t> {
    type Item = Result<(Option<&'t str>, String), String>;

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.0.trim_start();
        if text.is_empty() {
            return None;
        }
        let end = text.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(text.len());
        let (name, rest) = text.split_at_checked(end)?;
        let Some(value) = rest.strip_prefix('=') else {
            self.0 = rest;
            return Some(Ok((None, name.to_owned())));
        };
        let Some(quote @ ('"' | '\'')) = value.chars().next() else {
            let (value, rest) = value.split_at_checked(value.find(char::is_whitespace).unwrap_or(value.len()))?;
            self.0 = rest;
            return Some(Ok((Some(name), value.to_owned())));
        };
        let mut read = String::new();
        let mut chars = value.char_indices().skip(1).peekable();
        while let Some((at, c)) = chars.next() {
            if c != quote {
                read.push(c);
            } else if chars.next_if(|(_, next)| *next == quote).is_some() {
                read.push(quote);
            } else {
                self.0 = value.get(at + 1..)?;
                return Some(Ok((Some(name), read)));
            }
        }
        self.0 = "";
        Some(Err(format!("{name} has a string without a closing quote")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn matches(rule: &str, claims: &Json) -> bool {
        ParsedRule::parse(rule).unwrap().matches(claims.as_object().unwrap())
    }

    #[test]
    fn a_rule_is_read_whole() {
        let read = ParsedRule::parse(r#"groups contains "search" => reader tenant=acme collection=notes-*"#).unwrap();
        let wanted = ParsedRule {
            filter: Some(Filter::parse(r#"groups has "search""#).unwrap()),
            role: "reader".into(),
            tenant: Some("acme".into()),
            database: None,
            collection: Some("notes-*".into()),
        };
        assert_eq!(read, wanted);
        let read = ParsedRule::parse(r#"  * =>  admin  database="a ""b"" => c"  tenant='it''s' "#).unwrap();
        assert_eq!(read.filter, None);
        assert_eq!((read.role.as_str(), read.collection), ("admin", None));
        assert_eq!((read.database.as_deref(), read.tenant.as_deref()), (Some(r#"a "b" => c"#), Some("it's")));
    }

    #[test]
    fn an_arrow_in_quotes_is_text() {
        let claims = json!({"team": "a => b", "a => b": 1, "odd": "\" => "});
        assert!(matches("team = 'a => b' => reader", &claims));
        assert!(matches("`a => b` = 1 => reader", &claims));
        assert!(matches(r#"odd = "\" => " => reader"#, &claims));
        assert!(matches(r#"odd = """ => " => reader"#, &claims));
        assert!(matches(r#"{"team": "a => b"} => reader"#, &claims));
    }

    #[test]
    fn rules_are_for_tokens_whose_claims_pass() {
        let claims = json!({
            "sub": "ann", "groups": ["search", "dev"], "email_verified": true, "level": 3,
            "realm_access": {"roles": ["admin"]}, "https://acme.example/team": "core",
        });
        for yes in [
            "* => reader",
            r#"groups contains "dev" => reader"#,
            r#"realm_access.roles contains "admin" => admin"#,
            r#"`https://acme.example/team` = "core" => writer"#,
            r#"email_verified = true and level >= 3 and sub in ("ann", "bob") => writer"#,
            "banned != true => reader",
            "level exists and sub starts with 'a' and banned is null => reader",
            "sub not contains 'ann' => reader",
        ] {
            assert!(matches(yes, &claims), "{yes}");
        }
        for no in [
            r#"groups contains "de" => reader"#,
            r#"groups = "dev" => reader"#,
            r#"roles contains "admin" => admin"#,
            r#"sub contains "ann" => reader"#,
            r#"not (sub not contains "an") => reader"#,
            r#"email_verified = "true" => reader"#,
            r#"realm_access = "admin" => admin"#,
        ] {
            assert!(!matches(no, &claims), "{no}");
        }
    }

    #[test]
    fn errors_say_which_part_is_wrong() {
        for (text, why) in [
            ("", "no ' => '"),
            ("reader", "no ' => '"),
            ("a = 1 =>reader", "no ' => '"),
            ("a = ' => reader", "no ' => '"),
            (" => reader", "no filter"),
            ("* => ", "must be a role"),
            ("* => tenant=acme", "must be a role"),
            ("* => Reader", "must be a role"),
            ("* => reader acme", "\"acme\" is none of"),
            ("* => reader tenants=acme", "no \"tenants\""),
            ("* => =reader", "must be a role"),
            ("* => reader =acme", "no \"\""),
            ("* => reader tenant=", "tenant has no value"),
            ("* => reader tenant=''", "tenant has no value"),
            ("* => reader tenant=a tenant=b", "tenant stands twice"),
            ("* => reader tenant='acme", "tenant has a string without"),
            ("groups holds 'x' => reader", "at character 8: "),
            ("a = 1 => b = 2 => reader", "in the filter \"a = 1 => b = 2\" at character"),
            ("#id = 'x' => reader", "no #id"),
            ("#document contains 'x' => reader", "no #id"),
            ("#uri exists => reader", "no #uri"),
        ] {
            let error = ParsedRule::parse(text).unwrap_err();
            assert!(error.to_string().contains(why), "{text}: {error}");
            assert!(error.hint().is_some_and(|hint| hint.contains("groups contains")), "{text}");
        }
    }
}
