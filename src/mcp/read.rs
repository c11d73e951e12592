//! The tools that read.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::catalogue::{Catalogue, Need};
use super::page::Page;
use super::told::{Told, put, told};
use super::tool::{DescribeInput, GetInput, SearchInput};
use crate::backend::State;
use crate::embed::{asked_with_model_of_client, model_of};
use crate::error::{Error, Result};
use crate::query::{Filter, KeyFacts, Query, RecordQuery, Sort, unknown_key};
use crate::record::{Hit, Metadata, RecordId, check_key};
use crate::store::Include;

/// Hits that a search finds unless it is told.
const HITS: usize = 10;
/// Records that are read at once unless more are asked for.
const RECORDS: usize = 20;
/// Characters of a value that stands for many.
const VALUE: usize = 80;

pub(super) fn list(catalogue: &dyn Catalogue) -> Told {
    let names = catalogue.names()?;
    let mut lines = Vec::new();
    for name in &names {
        match catalogue.collection(name, Need::Read)?.state() {
            Ok(state) => lines.push(summary(state.as_ref())),
            // It was dropped or renamed since.
            Err(Error::CollectionNotFound { .. }) => {}
            Err(error) => return Err(catalogue.refusal(error)),
        }
    }
    let mut page = Page::new(catalogue.limits());
    page.list("collections", lines.into_iter());
    told(json!({ "collections": page.shown }), page.notes)
}

/// The same names for the same things as the command's.
fn summary(state: &dyn State) -> Json {
    let info = state.info();
    json!({
        "name": info.name.as_str(),
        "records": state.counts().records,
        "dimension": info.dimension,
        "space": info.space.as_str(),
        "model": info.embedder.as_ref().map(|embedder| embedder.model.as_str()),
        "metadata": info.metadata.as_ref().map(Metadata::to_json),
    })
}

pub(super) fn describe(catalogue: &dyn Catalogue, input: &DescribeInput) -> Told {
    let collection = catalogue.collection(&input.collection, Need::Read)?;
    let read = || -> Result<(Json, Vec<KeyFacts>)> {
        let state = collection.state()?;
        let mut facts = summary(state.as_ref());
        put(&mut facts, "words_indexed", state.info().bm25);
        put(&mut facts, "max_tokens", state.info().embedder.as_ref().map(|embedder| embedder.max_tokens));
        Ok((facts, collection.keys(&RecordQuery::default())?))
    };
    let (mut facts, keys) = read().map_err(|error| catalogue.refusal(error))?;
    let mut page = Page::new(catalogue.limits());
    page.list("metadata keys", keys.iter().map(key));
    put(&mut facts, "keys", page.shown);
    told(facts, page.notes)
}

fn key(key: &KeyFacts) -> Json {
    json!({
        "key": key.key, "type": key.kind.name(), "records": key.records, "distinct": key.distinct,
        "min": short(key.min.to_json()), "max": short(key.max.to_json()),
    })
}

/// One value of a key may be a whole text.
fn short(value: Json) -> Json {
    match value.as_str().and_then(|text| text.char_indices().nth(VALUE).and_then(|(end, _)| text.get(..end))) {
        Some(start) => format!("{start}…").into(),
        None => value,
    }
}

pub(super) fn search(catalogue: &dyn Catalogue, input: SearchInput) -> Told {
    let collection = catalogue.collection(&input.collection, Need::Read)?;
    let mut page = Page::new(catalogue.limits());
    let ask = || -> Result<()> {
        if input.query.trim().is_empty() {
            let hint = Some("say in words what to look for; `get` reads records without a question".into());
            return Err(Error::InvalidArgument { why: "the query is empty".into(), hint });
        }
        let filter = input.filter.as_deref().map(Filter::parse).transpose()?;
        let state = collection.state()?;
        page.notes.extend(slips(state.as_ref(), filter.as_ref(), None));
        let records = usize::try_from(state.counts().records).unwrap_or(usize::MAX);
        let query = Query::text(input.query)
            .top(page.most(input.limit.unwrap_or(HITS), records.saturating_sub(input.offset)))
            .offset(input.offset)
            .filter(filter)
            .max_distance(input.max_distance)
            .hybrid(input.hybrid)
            .threads(catalogue.threads())
            .models(catalogue.models().clone());
        let answer = state.query(&query)?;
        page.notes.extend(answer.warnings);
        if state.info().embedder.is_none()
            && let Some(model) = model_of(state.info())
        {
            page.notes.push(asked_with_model_of_client(state.info(), &model.model));
        }
        let hits = answer.hits.into_iter().next().unwrap_or_default();
        let ranked = |Hit { record, distance, score }: Hit| {
            let rank = score.map_or(("distance", distance), |score| ("score", score));
            Ok((record, Some(rank)))
        };
        page.fill(hits.len(), hits.into_iter().map(ranked), 0)
    };
    ask().map_err(|error| catalogue.refusal(error))?;
    told(json!({ "hits": page.shown }), page.notes)
}

/// What is to be said of keys that no record has: they leave an answer empty, or whole.
pub(super) fn slips(state: &dyn State, filter: Option<&Filter>, sort: Option<&str>) -> Vec<String> {
    let keys: BTreeSet<&str> = filter.into_iter().flat_map(Filter::keys).chain(sort).collect();
    keys.into_iter().filter_map(|key| unknown_key(state, key)).collect()
}

pub(super) fn record_ids(ids: Option<Vec<String>>) -> Result<Option<Vec<RecordId>>> {
    ids.map(|ids| ids.into_iter().map(RecordId::parse).collect()).transpose()
}

pub(super) fn get(catalogue: &dyn Catalogue, input: GetInput) -> Told {
    let collection = catalogue.collection(&input.collection, Need::Read)?;
    let mut page = Page::new(catalogue.limits());
    let read = || -> Result<usize> {
        input.sort.as_deref().map(check_key).transpose()?;
        let filter = input.filter.as_deref().map(Filter::parse).transpose()?;
        page.notes.extend(slips(collection.state()?.as_ref(), filter.as_ref(), input.sort.as_deref()));
        let ids = record_ids(input.ids)?;
        let asked = ids.as_ref().map_or(0, Vec::len);
        let is_narrowed = filter.is_some();
        let sort = input.sort.map(|key| Sort { key, descending: input.descending });
        let query = RecordQuery { ids, filter, sort, ..RecordQuery::default() };
        let found = collection.find(&query, Include::TEXT)?;
        let total = found.len();
        if asked > total && !is_narrowed {
            page.notes.push(format!("{} of {asked} ids do not exist", asked - total));
        }
        let skipped = usize::try_from(input.offset).unwrap_or(usize::MAX);
        let limit = input.limit.unwrap_or(if asked > 0 { asked } else { RECORDS });
        let most = page.most(limit, total.saturating_sub(skipped));
        let count = most.min(total.saturating_sub(skipped));
        let records = found.records().skip(skipped).take(count).map(|record| record.map(|record| (record, None)));
        page.fill(count, records, input.document_offset)?;
        Ok(total)
    };
    let total = read().map_err(|error| catalogue.refusal(error))?;
    told(json!({ "total": total, "records": page.shown }), page.notes)
}
