//! Metadata keys that no record has, and kinds of values that no record has under one: a slip is told beside the answer, which
//! it leaves empty or whole.
//!
//! Invariant: never changes the answer, and never makes a command fail.

use std::collections::BTreeSet;

use huedb::backend::State;
use huedb::query::{ChromaRequest, Filter, other_kinds, unknown_among, unknown_key};
use huedb::record::MetadataPatch;

use crate::cli::context::command::Context;

/// Warns of keys of a filter that no record has, and of comparisons that none can pass.
pub(crate) fn warn_of_filter(context: &mut Context, state: &dyn State, filter: Option<&Filter>) {
    let keys: BTreeSet<&str> = filter.iter().flat_map(|filter| filter.keys()).collect();
    keys.into_iter().filter_map(|key| unknown_key(state, key)).for_each(|said| context.printer.warning(said));
    // What is damaged is told by whoever needs it.
    let kinds = filter.map(|_| state.key_kinds().unwrap_or_default()).unwrap_or_default();
    filter.iter().flat_map(|filter| other_kinds(filter, &kinds)).for_each(|said| context.printer.warning(said));
}

/// Warns of a key that records are sorted by, or whose values are asked for.
pub(crate) fn warn_of_key(context: &mut Context, state: &dyn State, key: &str) {
    warn(context, state, &BTreeSet::from([key]));
}

/// Warns of keys of the filters of a request, and of those it asks for or groups by.
pub(crate) fn warn_of_request(context: &mut Context, state: &dyn State, request: &ChromaRequest) {
    for search in &request.searches {
        warn_of_filter(context, state, search.query.filter.as_ref());
        let grouped = search.query.group_by.iter().flat_map(|groups| &groups.keys);
        let named = search.select.fields.iter().chain(grouped);
        warn(context, state, &named.map(String::as_str).collect());
    }
}

/// Warns of keys that a change deletes and that no record has.
pub(crate) fn warn_of_deleted(context: &mut Context, state: &dyn State, metadata: &MetadataPatch) {
    let deleted = metadata.iter().filter(|(_, value)| value.is_none()).map(|(key, _)| key);
    warn(context, state, &deleted.collect());
}

fn warn(context: &mut Context, state: &dyn State, keys: &BTreeSet<&str>) {
    keys.iter().filter_map(|key| unknown_among(state, key, &[])).for_each(|said| context.printer.warning(said));
}
