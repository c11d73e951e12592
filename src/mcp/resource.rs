//! Collections and records as resources: `huedb://notes`, `huedb://notes/a%20record`.
//!
//! Invariant: the address of a record is read as it was written, whatever its id has in it.

use serde_json::{Value as Json, json};

use super::catalogue::{Catalogue, Need, Refusal};
use super::page::Page;
use super::read;
use super::told::{Told, told};
use super::tool::DescribeInput;
use crate::error::Result;
use crate::query::RecordQuery;
use crate::record::{Record, RecordId};
use crate::store::Include;

/// What every address begins with.
pub(super) const SCHEME: &str = "huedb://";
/// The address of a record.
pub(super) const TEMPLATE: &str = "huedb://{collection}/{id}";

/// What is addressed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address {
    collection: String,
    id: Option<String>,
}

impl Address {
    pub(super) fn parse(uri: &str) -> Option<Self> {
        let rest = uri.strip_prefix(SCHEME)?;
        let (collection, id) = rest.split_once('/').unwrap_or((rest, ""));
        let collection = unescaped(collection)?;
        let id = Some(unescaped(id)?).filter(|id| !id.is_empty());
        (!collection.is_empty()).then_some(Self { collection, id })
    }

    pub(super) fn read(self, catalogue: &dyn Catalogue) -> Told {
        let Self { collection, id } = self;
        let Some(id) = id else { return read::describe(catalogue, &DescribeInput { collection }) };
        let opened = catalogue.collection(&collection, Need::Read)?;
        let mut page = Page::new(catalogue.limits());
        let read = || -> Result<Vec<Record>> {
            let query = RecordQuery { ids: Some(vec![RecordId::parse(&id)?]), ..RecordQuery::default() };
            opened.find(&query, Include::TEXT)?.records().collect()
        };
        let found = read().map_err(|error| catalogue.refusal(error))?;
        let filled = page.fill(found.len(), found.into_iter().map(|record| Ok((record, None))), 0);
        filled.map_err(|error| catalogue.refusal(error))?;
        match page.shown.pop() {
            Some(record) => told(record, page.notes),
            None => Err(Refusal(format!("{collection} has no record {id:?}"))),
        }
    }
}

/// Returns the collections after this one, as many as an answer holds, and whether there are more.
pub(super) fn list(catalogue: &dyn Catalogue, after: Option<&str>) -> Told {
    let names = catalogue.names()?;
    let mut rest = names.iter().filter(|name| after.is_none_or(|after| name.as_str() > after));
    let most = catalogue.limits().records;
    let shown: Vec<Json> =
        rest.by_ref().take(most).map(|name| json!({ "uri": format!("{SCHEME}{name}"), "name": name })).collect();
    Ok(json!({ "resources": shown, "more": rest.next().is_some() }))
}

/// Reads what percent signs stand for.
fn unescaped(text: &str) -> Option<String> {
    percent_encoding::percent_decode_str(text).decode_utf8().ok().map(Into::into)
}
