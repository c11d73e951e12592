//! Metadata keys that no record has: a slip in one is told beside the answer, which it leaves empty or whole.
//!
//! Invariant: never changes the answer, and never makes a command fail.

use std::collections::BTreeSet;

use huedb::query::{ChromaRequest, Filter};
use huedb::record::MetadataPatch;
use huedb::store::View;

use crate::cli::arguments::did_you_mean::nearest;
use crate::cli::context::command::Context;

/// Keys that are named when none of them is near.
const MOST_KEYS: usize = 20;

/// What stands in a filter for parts of a record that are no metadata.
const PARTS: [&str; 2] = ["#id", "#document"];

/// Warns of keys of a filter that no record has.
pub(crate) fn warn_of_filter(context: &mut Context, view: &View, filter: Option<&Filter>) {
    let keys = filter.iter().flat_map(|filter| filter.keys()).collect();
    warn(context, view, &keys, &PARTS);
}

/// Warns of a key that records are sorted by, or whose values are asked for.
pub(crate) fn warn_of_key(context: &mut Context, view: &View, key: &str) {
    warn(context, view, &BTreeSet::from([key]), &[]);
}

/// Warns of keys of the filters of a request, and of those it asks for or groups by.
pub(crate) fn warn_of_request(context: &mut Context, view: &View, request: &ChromaRequest) {
    for search in &request.searches {
        warn_of_filter(context, view, search.query.filter.as_ref());
        let grouped = search.query.group_by.iter().flat_map(|groups| &groups.keys);
        let named = search.select.fields.iter().chain(grouped);
        warn(context, view, &named.map(String::as_str).collect(), &[]);
    }
}

/// Warns of keys that a change deletes and that no record has.
pub(crate) fn warn_of_deleted(context: &mut Context, view: &View, metadata: &MetadataPatch) {
    let deleted = metadata.iter().filter(|(_, value)| value.is_none()).map(|(key, _)| key);
    warn(context, view, &deleted.collect(), &[]);
}

fn warn(context: &mut Context, view: &View, keys: &BTreeSet<&str>, parts: &[&str]) {
    // Of no records nothing can be said.
    if view.counts().records == 0 {
        return;
    }
    for key in keys {
        // What is damaged is told by whoever needs it.
        if !view.has_metadata_key(key).unwrap_or(true) {
            context.printer.warning(unknown(key, &view.metadata_keys().unwrap_or_default(), parts));
        }
    }
}

fn unknown(key: &str, keys: &[String], parts: &[&str]) -> String {
    let said = format!("no record has the metadata key {key:?}");
    let known = keys.iter().cloned().chain(parts.iter().map(|part| (*part).to_owned()));
    if let Some(name) = nearest(key, known) {
        return format!("{said}; did you mean {name}?");
    }
    if keys.is_empty() {
        return format!("{said}; no record has metadata");
    }
    let shown = keys.iter().take(MOST_KEYS).map(String::as_str).chain((keys.len() > MOST_KEYS).then_some("..."));
    format!("{said}; the keys are {}", shown.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_named_and_else_what_there_is() {
        let keys = ["lang".to_owned(), "year".to_owned()];
        for (key, says) in [
            ("yaer", "did you mean year?"),
            ("id", "did you mean #id?"),
            ("Document", "did you mean #document?"),
            ("author", "the keys are lang, year"),
        ] {
            let said = unknown(key, &keys, &PARTS);
            assert_eq!(said, format!("no record has the metadata key {key:?}; {says}"));
        }
        assert_eq!(unknown("id", &[], &[]), "no record has the metadata key \"id\"; no record has metadata");
    }
}
