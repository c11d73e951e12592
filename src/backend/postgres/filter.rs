//! Filters as conditions of PostgreSQL on a table of records (columns `id`, `document`, `uri`, `metadata`).
//!
//! Numbers compare as `numeric`, so integers and floats exactly; texts by their bytes; patterns by their translation
//! (`pattern.rs`). No text of PostgreSQL has NUL in it, so a test for one that has is decided here. Paths and `case` stand
//! where `->>`, casts and `coalesce` would be shorter: `postgres_fdw` sends no condition with one of those to a shard.
//! Invariant: the condition passes every record that [`Filter::matches`] does, and no other where nothing is left to be
//! checked here.

use serde_json::json;

use super::number::digits;
use super::params::Params;
use super::pattern::translated;
use crate::query::filter::{RecordFields, Side, TextField};
use crate::query::{Filter, Scalar, Test};
use crate::record::Number;

/// A condition.
#[derive(Debug)]
pub(super) struct Condition {
    /// Never null; in brackets where it needs them.
    pub(super) sql: String,
    /// What records that pass are still to be tested for, here.
    pub(super) check_here: Option<Filter>,
}

impl Condition {
    fn exact(sql: String) -> Self {
        Self { sql, check_here: None }
    }
}

/// Returns the condition of a filter.
pub(super) fn condition(filter: &Filter, params: &mut Params) -> Condition {
    match filter {
        Filter::And(children) => {
            let children: Vec<Condition> = children.iter().map(|child| condition(child, params)).collect();
            let sql = joined(&children, " and ", "true");
            let checks: Vec<Filter> = children.into_iter().filter_map(|child| child.check_here).collect();
            Condition { sql, check_here: (!checks.is_empty()).then(|| Filter::all_of(checks)) }
        }
        Filter::Or(children) => {
            let children: Vec<Condition> = children.iter().map(|child| condition(child, params)).collect();
            let is_exact = children.iter().all(|child| child.check_here.is_none());
            Condition { sql: joined(&children, " or ", "false"), check_here: (!is_exact).then(|| filter.clone()) }
        }
        Filter::Test(test) => tested(test, params)
            .map_or_else(|| Condition { sql: "true".into(), check_here: Some(filter.clone()) }, Condition::exact),
    }
}

fn joined(children: &[Condition], by: &str, of_none: &str) -> String {
    if children.is_empty() {
        return of_none.to_owned();
    }
    let parts: Vec<&str> = children.iter().map(|child| child.sql.as_str()).collect();
    format!("({})", parts.join(by))
}

/// Returns the condition of a test; `None` for what PostgreSQL cannot be asked.
fn tested(test: &Test, params: &mut Params) -> Option<String> {
    if test.key().is_some_and(|key| key.contains('\0')) {
        return Some(test.matches(RecordFields::default()).to_string());
    }
    Some(match test {
        Test::In { key, values, negated } => {
            let entries: Vec<String> = values.iter().filter(|value| !has_nul(value)).map(|v| entry(key, v)).collect();
            negated_if(*negated, &holds_any(entries, params))
        }
        Test::Range { key, side, bound } => range(key, *side, bound, params),
        Test::Contains { key, element, negated } => negated_if(*negated, &contains(key, element, params)),
        Test::Exists { key, negated } => {
            // A sparse vector without weights counts as none.
            let is_empty = r#"@.type() == "object" && @.indices.size() == 0"#;
            negated_if(*negated, &finds(key, &format!("!({is_empty})"), params))
        }
        Test::Text { field, test } => {
            let found = |target: &str, params: &mut Params| {
                if let Some(text) = test.as_substring() {
                    return Some(is_in(target, text, params));
                }
                match (test.as_prefix(), test.as_pattern()) {
                    (Some(prefix), _) if prefix.contains('\0') => Some("false".to_owned()),
                    (Some(prefix), _) => Some(format!("{target} ^@ {}", params.text(prefix))),
                    (_, pattern) => Some(format!("{target} ~ {}", params.text(translated(pattern?)?))),
                }
            };
            let sql = match field {
                TextField::Document => found("document", params)?,
                TextField::Id => found("id", params)?,
                TextField::Uri => found("uri", params)?,
                TextField::Key(key) => {
                    let name = params.text(key);
                    let string =
                        format!("(case when jsonb_typeof(metadata->{name}) = 'string' then metadata->>{name} end)");
                    let sql = is_true(&found(&string, params)?);
                    match test.as_substring() {
                        Some(wanted) if !wanted.contains('\0') => {
                            let element = params.text(json!({key: [wanted]}).to_string());
                            format!("({sql} or metadata @> {element}::jsonb)")
                        }
                        _ => sql,
                    }
                }
            };
            negated_if(test.is_negated(), &is_true(&sql))
        }
        Test::Id { ids, negated } => negated_if(*negated, &one_of("id", ids, params)),
        Test::Uri { uris, negated } => negated_if(*negated, &is_true(&one_of("uri", uris, params))),
    })
}

fn negated_if(negated: bool, sql: &str) -> String {
    if negated { format!("not ({sql})") } else { sql.to_owned() }
}

/// Returns metadata of one key; numbers with every digit and floats with a decimal.
fn entry(key: &str, value: &Scalar) -> String {
    format!("{{{}:{}}}", json!(key), literal(value))
}

fn literal(value: &Scalar) -> String {
    match value {
        Scalar::Bool(b) => b.to_string(),
        Scalar::Number(number) => digits(*number),
        Scalar::Str(text) => json!(text).to_string(),
    }
}

fn has_nul(value: &Scalar) -> bool {
    matches!(value, Scalar::Str(text) if text.contains('\0'))
}

fn holds_any(entries: Vec<String>, params: &mut Params) -> String {
    if entries.is_empty() {
        return "false".into();
    }
    format!("metadata @> any({}::jsonb[])", params.push(entries, "text[]"))
}

fn range(key: &str, side: Side, bound: &Scalar, params: &mut Params) -> String {
    let (kind, bound, side) = match bound {
        // No value is on any side of one.
        Scalar::Bool(_) => return "false".into(),
        Scalar::Number(number) => ("number", digits(*number), side),
        // What goes on after the same beginning is above it, whatever it goes on with: no text there has a NUL.
        Scalar::Str(text) => match (text.split_once('\0'), side) {
            (None, side) => ("string", json!(text).to_string(), side),
            (Some((start, _)), Side::Above | Side::AtLeast) => ("string", json!(start).to_string(), Side::Above),
            (Some((start, _)), _) => ("string", json!(start).to_string(), Side::AtMost),
        },
    };
    let side = match side {
        Side::Above => ">",
        Side::AtLeast => ">=",
        Side::Below => "<",
        Side::AtMost => "<=",
    };
    finds(key, &format!("@.type() == \"{kind}\" && @ {side} {bound}"), params)
}

/// Returns whether there is a value under a key of which a condition of a path holds.
fn finds(key: &str, condition: &str, params: &mut Params) -> String {
    // What is not strict looks into arrays.
    let path = params.text(format!("strict $.{} ? ({condition})", json!(key)));
    is_true(&format!("metadata @? {path}::jsonpath"))
}

/// Returns a condition that is never null.
fn is_true(sql: &str) -> String {
    format!("(case when {sql} then true else false end)")
}

fn contains(key: &str, element: &Scalar, params: &mut Params) -> String {
    if has_nul(element) {
        return "false".into();
    }
    let array = params.text(format!("{{{}:[{}]}}", json!(key), literal(element)));
    let holds = format!("metadata @> {array}::jsonb");
    let Scalar::Number(number) = element else { return holds };
    // An array has one kind of numbers, and those of floats have decimals.
    let scale = if matches!(number, Number::Int(_)) { "=" } else { ">" };
    let first = format!("strict $.{}[0]", json!(key));
    let (is_number, first) = (params.text(format!("{first} ? (@.type() == \"number\")")), params.text(first));
    format!(
        "({holds} and case when metadata @? {is_number}::jsonpath \
         then scale((jsonb_path_query_first(metadata, {first}::jsonpath))::numeric) {scale} 0 else false end)"
    )
}

/// Returns whether a text is in another, in words that an index of trigrams knows.
fn is_in(target: &str, text: &str, params: &mut Params) -> String {
    if text.contains('\0') {
        return "false".into();
    }
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("{target} like {}", params.text(format!("%{escaped}%")))
}

fn one_of(column: &str, texts: &[String], params: &mut Params) -> String {
    let texts: Vec<String> = texts.iter().filter(|text| !text.contains('\0')).cloned().collect();
    format!("{column} = any({})", params.push(texts, "text[]"))
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
