//! Metadata keys that no record has: a slip in one is told beside the answer, which it leaves empty or whole.
//!
//! Invariant: never changes the answer, and never makes a command fail.

use std::collections::BTreeSet;

use huedb::query::{ChromaRequest, Filter, unknown_among, unknown_key};
use huedb::record::MetadataPatch;
use huedb::store::View;

use crate::cli::context::command::Context;

/// Warns of keys of a filter that no record has.
pub(crate) fn warn_of_filter(context: &mut Context, view: &View, filter: Option<&Filter>) {
    let keys: BTreeSet<&str> = filter.iter().flat_map(|filter| filter.keys()).collect();
    keys.into_iter().filter_map(|key| unknown_key(view, key)).for_each(|said| context.printer.warning(said));
}

/// Warns of a key that records are sorted by, or whose values are asked for.
pub(crate) fn warn_of_key(context: &mut Context, view: &View, key: &str) {
    warn(context, view, &BTreeSet::from([key]));
}

/// Warns of keys of the filters of a request, and of those it asks for or groups by.
pub(crate) fn warn_of_request(context: &mut Context, view: &View, request: &ChromaRequest) {
    for search in &request.searches {
        warn_of_filter(context, view, search.query.filter.as_ref());
        let grouped = search.query.group_by.iter().flat_map(|groups| &groups.keys);
        let named = search.select.fields.iter().chain(grouped);
        warn(context, view, &named.map(String::as_str).collect());
    }
}

/// Warns of keys that a change deletes and that no record has.
pub(crate) fn warn_of_deleted(context: &mut Context, view: &View, metadata: &MetadataPatch) {
    let deleted = metadata.iter().filter(|(_, value)| value.is_none()).map(|(key, _)| key);
    warn(context, view, &deleted.collect());
}

fn warn(context: &mut Context, view: &View, keys: &BTreeSet<&str>) {
    keys.iter().filter_map(|key| unknown_among(view, key, &[])).for_each(|said| context.printer.warning(said));
}
