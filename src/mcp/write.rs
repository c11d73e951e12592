//! The tools that write. Invariant: one call is one transaction, done as a whole or not at all.

use serde_json::{Map, Value as Json, json};

use super::catalogue::{Catalogue, Need};
use super::read::{record_ids, slips};
use super::told::{Told, told};
use super::tool::{DeleteInput, RecordInput, RecordsInput};
use crate::backend::Records;
use crate::embed::{Embedder, of_collection};
use crate::error::{Error, Result};
use crate::ingest::{Existing, Tally, write_rows};
use crate::query::{Filter, RecordQuery};
use crate::record::{NewRecord, Origin};
use crate::store::Mode;

/// Ids that an answer names.
const NAMED: usize = 20;

pub(super) fn add(catalogue: &dyn Catalogue, input: RecordsInput) -> Told {
    let collection = catalogue.collection(&input.collection, Need::Add)?;
    let (tally, notes) =
        write(catalogue, collection.as_ref(), input, Mode::Add).map_err(|error| catalogue.refusal(error))?;
    told(json!({ "added": tally.added }), notes)
}

pub(super) fn update(catalogue: &dyn Catalogue, input: RecordsInput) -> Told {
    let collection = catalogue.collection(&input.collection, Need::Update)?;
    let (tally, notes) =
        write(catalogue, collection.as_ref(), input, Mode::Update).map_err(|error| catalogue.refusal(error))?;
    told(json!({ "updated": tally.updated, "unchanged": tally.unchanged }), notes)
}

fn write(
    catalogue: &dyn Catalogue,
    collection: &dyn Records,
    input: RecordsInput,
    mode: Mode,
) -> Result<(Tally, Vec<String>)> {
    let rows: Vec<NewRecord> = input.records.into_iter().enumerate().map(row).collect::<Result<_>>()?;
    let existing = collection.existing()?;
    let mut notes = Vec::from_iter(left_out(existing.as_ref(), &rows, mode)?);
    let info = existing.info().clone();
    drop(existing);
    // Loaded by the first text that needs it.
    let model = info.embedder.as_ref().map(|_| of_collection(&info, None, catalogue.models())).transpose()?;
    let tally = write_rows(collection, rows, mode, model.as_ref().map(|model| model as &dyn Embedder))?;
    if let (1.., Some(model)) = (tally.cut, &info.embedder) {
        notes.push(format!(
            "{} of {} texts are longer than the {} tokens the model reads; the rest is not found by meaning: add it in parts",
            tally.cut, tally.embedded, model.max_tokens
        ));
    }
    Ok((tally, notes))
}

fn row((at, input): (usize, RecordInput)) -> Result<NewRecord> {
    let RecordInput { id, document, uri, metadata, embedding } = input;
    let row = NewRecord::new(id)?.with_metadata(Json::Object(metadata.unwrap_or_else(Map::new)))?;
    let origin = Origin { source: format!("records[{at}]").into(), line: 0 };
    Ok(NewRecord { embedding, document, uri, origin, ..row })
}

/// Names the records that a write leaves alone.
fn left_out(existing: &dyn Existing, rows: &[NewRecord], mode: Mode) -> Result<Option<String>> {
    existing.look_up(&mut rows.iter().map(|row| row.id.clone()))?;
    let mut ids = Vec::new();
    for row in rows {
        if existing.exists(&row.id)? == (mode == Mode::Add) {
            ids.push(format!("{:?}", row.id.as_str()));
        }
    }
    let count = ids.len();
    if count > NAMED {
        ids.truncate(NAMED);
        ids.push(format!("and {} others", count - NAMED));
    }
    let why = if mode == Mode::Add {
        "left as they are, for these ids exist"
    } else {
        "left out, for these ids do not exist"
    };
    Ok((count > 0).then(|| format!("{why}: {}", ids.join(", "))))
}

pub(super) fn delete(catalogue: &dyn Catalogue, input: DeleteInput) -> Told {
    let collection = catalogue.collection(&input.collection, Need::Delete)?;
    let mut notes = Vec::new();
    let delete = || -> Result<u64> {
        if input.ids.is_none() && input.filter.is_none() {
            let hint = Some("give ids, or a filter".into());
            return Err(Error::InvalidArgument { why: "nothing to delete was specified".into(), hint });
        }
        input.filter.as_deref().map(Filter::refuse_empty_junctions).transpose()?;
        let filter = input.filter.as_deref().map(Filter::parse).transpose()?;
        notes.extend(slips(collection.state()?.as_ref(), filter.as_ref(), None));
        let ids = record_ids(input.ids)?;
        collection.delete_where(&RecordQuery { ids, filter, ..RecordQuery::default() })
    };
    let deleted = delete().map_err(|error| catalogue.refusal(error))?;
    told(json!({ "deleted": deleted }), notes)
}
