//! Routes of records: added, changed, deleted, read, counted.
//!
//! Invariants: a batch is one write, done as a whole or not at all; what a client sends is checked before the writer sees it.

use axum::http::StatusCode;
use serde_json::value::RawValue;

use super::call::{Answered, Call, Handled, Reply, Site, Step};
use super::fault::Fault;
use super::wire::embedding::SentEmbedding;
use super::wire::include::{OF_GET, Part, read_for};
use super::wire::metadata::SentMetadata;
use super::wire::record::{DeleteBody, DeleteReply, GetBody, GetReply, WriteBody};
use super::wire::schema::check_filter;
use crate::backend::{self, Records, WriteTask};
use crate::embed::of_collection;
use crate::error::Error;
use crate::ingest::write_rows;
use crate::query::{Filter, RecordQuery};
use crate::record::{CollectionInfo, MetadataPatch, NewRecord, Record, RecordId};
use crate::store::{Change, Include, Mode, Outcome};

pub(super) fn add(site: &Site, call: &Call) -> Handled {
    write(site, call, Mode::Add)
}

pub(super) fn update(site: &Site, call: &Call) -> Handled {
    write(site, call, Mode::Update)
}

pub(super) fn upsert(site: &Site, call: &Call) -> Handled {
    write(site, call, Mode::Upsert)
}

fn write(site: &Site, call: &Call, mode: Mode) -> Handled {
    let records = site.records(call)?;
    let body: WriteBody = site.body(call)?;
    let is_without = |embeddings: &Option<Vec<Option<SentEmbedding>>>| {
        embeddings.as_ref().is_none_or(|embeddings| embeddings.iter().any(Option::is_none))
    };
    let written: fn(Outcome) -> Answered = if mode == Mode::Add { created } else { changed };
    let are_given = !is_without(&body.embeddings);
    // Text alone is enough where the server can embed it.
    let has_text = body.documents.iter().flatten().any(Option::is_some);
    let needs_none = if mode == Mode::Update { !has_text } else { are_given && !has_text };
    let model = if needs_none { None } else { text_model(records.as_ref())? };
    let Some(info) = model.filter(|info| !are_given || info.sparse.is_some()) else {
        if mode != Mode::Update && !are_given {
            return Err(embeddings_missing(call, body.embeddings.is_some()));
        }
        let task = WriteTask::Apply(changes(body, mode)?, mode);
        return Ok(Step::Write(backend::Write { records, task }, written));
    };
    let embedder = of_collection(&info, None, &site.options.models)?;
    let rows = changes(body, mode)?.into_iter().map(row).collect::<Result<Vec<_>, Error>>()?;
    let count = rows.len();
    write_rows(records.as_ref(), rows, mode, Some(&embedder))?;
    let reply = if mode == Mode::Add { Reply::empty().with_status(StatusCode::CREATED) } else { Reply::empty() };
    Ok(reply.about(count).into())
}

#[expect(clippy::unnecessary_wraps, clippy::needless_pass_by_value, reason = "what may fail has this form")]
fn created(outcome: Outcome) -> Answered {
    Ok(Reply::empty().with_status(StatusCode::CREATED).about(outcome.len()))
}

#[expect(clippy::unnecessary_wraps, clippy::needless_pass_by_value, reason = "what may fail has this form")]
fn changed(outcome: Outcome) -> Answered {
    Ok(Reply::empty().about(outcome.len()))
}

/// Returns the collection where the server embeds its texts.
fn text_model(records: &dyn Records) -> Result<Option<CollectionInfo>, Fault> {
    match records.state() {
        Ok(state) => Ok(Some(state.info().clone()).filter(|info| info.embedder.is_some())),
        // The body is refused first, as in Chroma.
        Err(Error::CollectionNotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn embeddings_missing(call: &Call, are_given: bool) -> Fault {
    if are_given {
        return Fault::shape("embeddings: invalid type: null, expected an embedding for each record");
    }
    Fault::shape(format!("missing field `embeddings` at line 1 column {}", call.body.len()))
}

fn row(change: Change) -> Result<NewRecord, Error> {
    let Change { id, embedding, document, uri, metadata, .. } = change;
    Ok(NewRecord { embedding, document, uri, metadata, ..NewRecord::new(id.as_str())? })
}

/// Reads a batch into changes, in the order of the ids.
fn changes(body: WriteBody, mode: Mode) -> Result<Vec<Change>, Fault> {
    let WriteBody { ids, embeddings, documents, uris, metadatas } = body;
    let fits = |length: Option<usize>| length.is_none_or(|length| length == ids.len());
    let lengths = [
        embeddings.as_ref().map(Vec::len),
        documents.as_ref().map(Vec::len),
        uris.as_ref().map(Vec::len),
        metadatas.as_ref().map(Vec::len),
    ];
    if !lengths.into_iter().all(fits) {
        return Err(Fault::invalid("Inconsistent number of IDs, embeddings, documents, URIs and metadatas"));
    }
    let mut embeddings = embeddings.into_iter().flatten();
    let mut documents = documents.into_iter().flatten();
    let mut uris = uris.into_iter().flatten();
    let mut metadatas = metadatas.into_iter().flatten();
    let mut dimension = None;
    let change = |(at, id): (usize, String)| {
        let id = RecordId::parse(id)?;
        let embedding = embeddings.next().flatten().map(SentEmbedding::components).transpose()?;
        if let Some(embedding) = &embedding
            && *dimension.get_or_insert(embedding.len()) != embedding.len()
        {
            return Err(Fault::invalid("Inconsistent dimensions in provided embeddings"));
        }
        let metadata = metadatas.next().flatten().map(|sent| patch(sent, at, mode)).transpose()?.unwrap_or_default();
        let (document, uri) = (documents.next().flatten(), uris.next().flatten());
        Ok(Change { id, embedding, embedded_here: false, document, uri, metadata })
    };
    ids.into_iter().enumerate().map(change).collect()
}

fn patch(sent: SentMetadata, at: usize, mode: Mode) -> Result<MetadataPatch, Fault> {
    if mode == Mode::Add
        && let Some(key) = sent.null_key()
    {
        let why = "data did not match any variant of untagged enum MetadataValue";
        return Err(Fault::shape(format!("metadatas[{at}].{key}: {why}")));
    }
    let invalid = || Fault::invalid(format!("Validation error: metadatas: Invalid metadata at index {at}"));
    sent.patch().ok_or_else(invalid)
}

/// Reads ids of a request.
pub(super) fn record_ids(ids: Vec<String>) -> Result<Vec<RecordId>, Fault> {
    Ok(ids.into_iter().map(RecordId::parse).collect::<Result<_, _>>()?)
}

/// Reads both filters of a request and joins them.
pub(super) fn filter(
    site: &Site,
    r#where: Option<&RawValue>,
    document: Option<&RawValue>,
) -> Result<Option<Filter>, Fault> {
    for (name, json) in [("where", r#where), ("where_document", document)] {
        json.map_or(Ok(()), |json| site.check_depth(name, json.get()))?;
    }
    let metadata = r#where.map(|json| where_clause(json.get())).transpose()?;
    let document = document.map(|json| where_document_clause(json.get())).transpose()?;
    let joined = match (metadata, document) {
        (Some(metadata), Some(document)) => Some(metadata.and(document)),
        (metadata, document) => metadata.or(document),
    };
    check_chromas(joined.as_ref())?;
    Ok(joined)
}

fn where_clause(json: &str) -> Result<Filter, Fault> {
    let refused = |why: &str| Fault::invalid(format!("Invalid where clause: {why}"));
    if !json.starts_with('{') {
        return Err(refused("it is not an object"));
    }
    Filter::parse(json).map_err(|error| refused(&error.to_string()))
}

/// Refuses what only huedb can say: a program that was written against Chroma's routes must run against Chroma as well,
/// which refuses an operator it does not know.
pub(super) fn check_chromas(filter: Option<&Filter>) -> Result<(), Fault> {
    filter.and_then(Filter::beyond_chroma).map_or(Ok(()), |test| {
        let why = format!("`{test}` is beyond Chroma; huedb's routes under /huedb/v1 and its command line take it");
        Err(Fault::invalid(format!("Invalid where clause: {why}")))
    })
}

fn where_document_clause(json: &str) -> Result<Filter, Fault> {
    let refused = |why: &str| Fault::invalid(format!("Invalid where document clause: {why}"));
    if !json.starts_with('{') {
        return Err(refused("it is not an object"));
    }
    Filter::parse_document(json).map_err(|error| {
        let text = error.to_string();
        // As in Chroma, misspelling included.
        match text.split_once("in the pattern: ") {
            Some((_, why)) => Fault::invalid(format!("Regex syntax errror: regex parse error: {why}")),
            None => refused(&text),
        }
    })
}

/// Refuses a filter on a key that the collection's client has disabled.
pub(super) fn check_schema(info: &CollectionInfo, filter: Option<&Filter>) -> Result<(), Fault> {
    filter.map_or(Ok(()), |filter| check_filter(info.client.schema.as_ref(), filter).map_err(Fault::invalid))
}

pub(super) fn delete(site: &Site, call: &Call) -> Handled {
    let records = site.records(call)?;
    let DeleteBody { ids, r#where, where_document, limit } = site.body(call)?;
    let filter = filter(site, r#where.as_deref(), where_document.as_deref())?;
    if filter.is_none() && limit.is_some() {
        let why = "limit can only be specified when a where clause is provided";
        return Err(Fault::invalid(format!("Validation error: limit, where: {why}")));
    }
    let ids = ids.map(record_ids).transpose()?;
    match (&ids, &filter) {
        (Some(ids), None) if ids.is_empty() => {
            let why = "Either ids or where must be specified";
            return Err(Fault::invalid(format!("Validation error: ids, where: {why}")));
        }
        // As in Chroma: what selects nothing deletes nothing.
        (None, None) => {
            records.count()?;
            return Ok(Reply::json(&DeleteReply { deleted: 0 }).into());
        }
        _ => {}
    }
    if filter.is_some() {
        check_schema(records.state()?.info(), filter.as_ref())?;
    }
    let mut query = RecordQuery { ids, filter, limit: limit.map(u64::from), ..RecordQuery::default() };
    // The one thread that writes to a file is not kept by a search; it tests again what was found.
    if query.filter.is_some() && records.file().is_some() {
        let found = records.find(&query, Include::NONE)?.ids().collect::<Result<_, _>>()?;
        query = RecordQuery { ids: Some(found), limit: None, ..query };
    }
    let deleted = |outcome: Outcome| {
        let deleted = outcome.deleted()?;
        Ok(Reply { records: Some(deleted), ..Reply::json(&DeleteReply { deleted }) })
    };
    Ok(Step::Write(backend::Write { records, task: WriteTask::Delete(query) }, deleted))
}

pub(super) fn get(site: &Site, call: &Call) -> Handled {
    let records = site.records(call)?;
    let GetBody { ids, r#where, where_document, limit, offset, include } = site.body(call)?;
    let include = include.unwrap_or_else(|| OF_GET.to_vec());
    let filter = filter(site, r#where.as_deref(), where_document.as_deref())?;
    let ids = ids.map(record_ids).transpose()?;
    if filter.is_some() {
        check_schema(records.state()?.info(), filter.as_ref())?;
    }
    let offset = offset.map_or(0, u64::from);
    site.check_offset(offset)?;
    let query = RecordQuery { ids, filter, offset, limit: limit.map(u64::from), sort: None };
    let page = records.find(&query, read_for(&include))?;
    site.check_results(page.len())?;
    let mut reply = GetReply {
        ids: Vec::with_capacity(page.len()),
        embeddings: include.contains(&Part::Embeddings).then(Vec::new),
        documents: include.contains(&Part::Documents).then(Vec::new),
        uris: include.contains(&Part::Uris).then(Vec::new),
        metadatas: include.contains(&Part::Metadatas).then(Vec::new),
        include,
    };
    for record in page.records() {
        let Record { id, embedding, document, uri, metadata } = record?;
        reply.ids.push(id.into());
        put(&mut reply.embeddings, embedding);
        put(&mut reply.documents, document);
        put(&mut reply.uris, uri);
        put(&mut reply.metadatas, metadata.filter(|metadata| !metadata.is_empty()));
    }
    Ok(Reply::json(&reply).about(page.len()).into())
}

/// Adds to a column that is asked for.
pub(super) fn put<T>(column: &mut Option<Vec<T>>, value: T) {
    if let Some(column) = column {
        column.push(value);
    }
}

pub(super) fn count(site: &Site, call: &Call) -> Handled {
    const LEVELS: [&str; 3] = ["index_and_wal", "index_only", "index_and_bounded_wal"];
    if let Some(level) = call.query_value("read_level").filter(|level| !LEVELS.contains(level)) {
        let levels = LEVELS.map(|level| format!("`{level}`")).join(", ");
        let why = format!("read_level: unknown variant `{level}`, expected one of {levels}");
        return Err(Fault::invalid(format!("Failed to deserialize query string: {why}")));
    }
    Ok(Reply::json(&site.records(call)?.count()?).into())
}
