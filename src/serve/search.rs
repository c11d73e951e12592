//! `search`, which Chroma's own server leaves to its cloud.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::call::{Call, Handled, Reply, Site};
use super::fault::Fault;
use super::records::{check_chromas, check_schema};
use crate::embed::of_collection;
use crate::query::{ChromaRequest, Query};

/// What of a body is checked for its shape alone, which is another error to Chroma than what the searches say.
#[derive(Deserialize)]
struct SearchBody {
    #[serde(rename = "searches")]
    _searches: Vec<Box<RawValue>>,
}

pub(super) fn search(site: &Site, call: &Call) -> Handled {
    let records = site.records(call)?;
    let SearchBody { .. } = site.body(call)?;
    let body: Box<RawValue> = site.body(call)?;
    site.check_depth("searches", body.get())?;
    let mut request = ChromaRequest::parse(body.get())?;
    let state = records.state()?;
    let count = usize::try_from(state.counts().records).unwrap_or(usize::MAX);
    site.check_results(request.searches.iter().map(|search| search.query.top.min(count)).sum())?;
    for search in &request.searches {
        site.check_offset(search.query.offset as u64)?;
        check_chromas(search.query.filter.as_ref())?;
        check_schema(state.info(), search.query.filter.as_ref())?;
    }
    if !request.texts_to_embed().is_empty() {
        let model = of_collection(state.info(), None, &site.options.models)?;
        Query::embed_all(request.queries_mut(), &model)?;
    }
    let (response, notes) = state.respond(&request).map_err(Fault::from)?;
    site.metrics().search_warnings.inc_by(notes.len() as u64);
    Ok(Reply { notes, ..Reply::json(&response) }.into())
}
