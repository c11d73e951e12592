//! huedb's own routes, under `/huedb/v1`: what Chroma has no route for.

use std::fs::File;
use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::sync::{Arc, PoisonError};
use std::time::SystemTime;

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::call::{Call, Handled, Reply, Site, Step};
use super::fault::Fault;
use super::records::check_schema;
use crate::backend::{BuiltIndex, Records};
use crate::embed::{Embedder, of_collection};
use crate::error::{Error, Result};
use crate::index::Watch;
use crate::ingest::{Ingest, OnError, Preparer};
use crate::input::{InputFormat, InputOptions, InputRows};
use crate::query::{Distribution, Edges, Filter, RecordQuery, StatisticsQuery};
use crate::record::{Metadata, Record, seconds};
use crate::store::{Include, Mode};

const JSON_LINES: &str = "application/jsonl";
/// Records that `stats` measures unless it is told.
const SAMPLE: u64 = 1000;
/// Bins of a histogram at the most.
const BINS: usize = 30;

pub(super) fn info(site: &Site, _call: &Call) -> Handled {
    let facts = site.backend.facts()?;
    let encrypted = facts.file.as_ref().map(|file| file.encryption.is_some());
    let said = json!({
        "version": env!("CARGO_PKG_VERSION"), "file_id": facts.id.map(|id| id.to_string()), "format": facts.format,
        "bytes": facts.bytes, "collections": facts.collections, "records": facts.records,
        "encrypted": encrypted, "read_only": site.options.read_only,
    });
    Ok(Reply::json(&said).into())
}

/// Says that the process is alive.
pub(super) fn live(_site: &Site, _call: &Call) -> Handled {
    Ok(Reply::json(&"ok").into())
}

/// Says that the place can be read.
pub(super) fn ready(site: &Site, _call: &Call) -> Handled {
    site.backend.tenants()?;
    Ok(Reply::json(&"ok").into())
}

/// A copy of the file as of one moment, checked before its first byte is sent.
pub(super) fn backup(site: &Site, _call: &Call) -> Handled {
    let store = site.file("backup")?;
    let beside = store.path().parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = tempfile::Builder::new().prefix(".huedb-backup-").tempdir_in(beside.unwrap_or(".".as_ref()));
    let folder = folder.map_err(|error| Error::io("make a folder for the backup", error))?;
    let path = folder.path().join("backup.redb");
    store.backup(&path, false)?;
    let mut file = File::open(&path).map_err(|error| Error::io("read the backup", error))?;
    let length = file.metadata().map_err(|error| Error::io("read the backup", error))?.len();
    let observed = Arc::clone(&site.observed);
    let send = move |out: &mut (dyn Write + Send)| {
        let sent = std::io::copy(&mut file, out).map_err(|error| Error::io("send the backup", error));
        drop(folder);
        sent?;
        let now = seconds(SystemTime::now());
        observed.metrics.gauges.backup.set(i64::try_from(now).unwrap_or(i64::MAX));
        Ok(())
    };
    Ok(Step::Stream("application/vnd.huedb", Some(length), Box::new(send)))
}

/// Which records a route is about, by `?where=`.
pub(super) fn among(call: &Call) -> Result<RecordQuery, Fault> {
    let Some(text) = call.query_value("where") else { return Ok(RecordQuery::default()) };
    let text =
        unescaped(text).ok_or_else(|| Fault::invalid("Failed to deserialize query string: where: it is not UTF-8"))?;
    let filter = Filter::parse(&text).map_err(|error| Fault::invalid(format!("Invalid where clause: {error}")))?;
    Ok(RecordQuery { filter: Some(filter), ..RecordQuery::default() })
}

/// Reads a value of a query string.
pub(super) fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                let (high, low) = (digit()?, digit()?);
                bytes.push(high * 16 + low);
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}

/// A filter as JSON, the keys it names that no record has, and how many records pass it.
pub(super) fn check_where(site: &Site, call: &Call) -> Handled {
    let records = site.records(call)?;
    let query = among(call)?;
    let state = records.state()?;
    check_schema(state.info(), query.filter.as_ref())?;
    let known = state.key_kinds()?;
    let mut unknown: Vec<&str> = query.filter.iter().flat_map(Filter::keys).collect();
    unknown.retain(|key| !known.iter().any(|(known, _)| known == key));
    let records = records.find(&query, Include::NONE)?.len();
    let json = query.filter.as_ref().map(Filter::to_json);
    Ok(Reply::json(&json!({ "where": json, "unknown_keys": unknown, "records": records })).into())
}

pub(super) fn distinct(site: &Site, call: &Call) -> Handled {
    let Some(key) = call.query_value("key").and_then(unescaped) else {
        return Err(Fault::invalid("Failed to deserialize query string: key is missing"));
    };
    let facets = site.records(call)?.distinct(&key, &among(call)?)?;
    let facet = |facet: &crate::query::Facet| json!({ "value": facet.value.to_json(), "type": facet.kind.name(), "count": facet.count });
    Ok(Reply::json(&facets.iter().map(facet).collect::<Vec<Json>>()).into())
}

pub(super) fn keys(site: &Site, call: &Call) -> Handled {
    let keys = site.records(call)?.keys(&among(call)?)?;
    let key = |key: &crate::query::KeyFacts| {
        json!({
            "key": key.key, "type": key.kind.name(), "records": key.records, "distinct": key.distinct,
            "min": key.min.to_json(), "max": key.max.to_json(),
        })
    };
    Ok(Reply::json(&keys.iter().map(key).collect::<Vec<Json>>()).into())
}

pub(super) fn stats(site: &Site, call: &Call) -> Handled {
    let records = site.records(call)?;
    let among = among(call)?;
    let sample = call.number("sample")?.unwrap_or(SAMPLE);
    let seed = call.number("seed")?.unwrap_or(0);
    let sample = usize::try_from(sample).unwrap_or(usize::MAX);
    let local = records.local(&among, Include { documents: true, embeddings: true, ..Include::NONE })?;
    let RecordQuery { ids, filter, .. } = local.among;
    let asked = StatisticsQuery { ids, filter, sample, seed, threads: site.options.threads };
    let found = local.collection.view()?.statistics(&asked)?;
    // Distances are to be compared, so they have the same edges.
    let distances = Edges::around(&[&found.nearest, &found.pairs], BINS);
    let spread = |distribution: &Distribution, edges: Option<Edges>| {
        let at = |share: f64| distribution.quantile(share);
        let bins = edges.map_or(Vec::new(), |edges| distribution.bins(&edges));
        let bins: Vec<Json> = bins.iter().map(|bin| json!([bin.from, bin.to, bin.count])).collect();
        json!({
            "min": at(0.0), "p10": at(0.1), "p50": at(0.5), "p90": at(0.9), "max": at(1.0), "mean": distribution.mean(),
            "bins": bins,
        })
    };
    let alone = |distribution: &Distribution| spread(distribution, Edges::around(&[distribution], BINS));
    let said = json!({
        "records": found.records, "sampled": found.sampled, "nearest": spread(&found.nearest, distances),
        "pairs": spread(&found.pairs, distances), "norms": alone(&found.norms), "lengths": alone(&found.lengths),
    });
    Ok(Reply { notes: found.warnings, ..Reply::json(&said) }.into())
}

/// Builds the graph, and the clusters where they are due; the answer is a line for each step and one for the end.
pub(super) fn index(site: &Site, call: &Call) -> Handled {
    built(site, call, |collection, threads, watch| {
        let built = collection.build_index(threads, watch)?;
        if collection.clusters_are_due()? {
            collection.build_clusters(threads, watch)?;
        }
        Ok(built)
    })
}

/// Builds the clusters; the answer is as that of [`index`].
pub(super) fn clusters(site: &Site, call: &Call) -> Handled {
    built(site, call, |collection, threads, watch| collection.build_clusters(threads, watch))
}

fn built(
    site: &Site,
    call: &Call,
    build: impl FnOnce(&dyn Records, usize, Watch) -> Result<Option<BuiltIndex>> + Send + 'static,
) -> Handled {
    let collection = site.records(call)?;
    let records = collection.count()?;
    let threads = site.options.threads;
    let lines = move |out: &mut (dyn Write + Send)| {
        let out = std::sync::Mutex::new(out);
        let line = |json: Json| {
            let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
            writeln!(out, "{json}").and_then(|()| out.flush())
        };
        let watch = |added: usize| match line(json!({ "added": added, "records": records })) {
            Ok(()) => ControlFlow::Continue(()),
            // Nobody waits for it any longer.
            Err(_) => ControlFlow::Break(()),
        };
        let last = match build(collection.as_ref(), threads, &watch) {
            Ok(Some(BuiltIndex { rows, added, extended, recall, is_used })) => json!({
                "built": true, "rows": rows, "added": added, "extended": extended, "recall": recall, "is_used": is_used,
            }),
            Ok(None) => json!({ "built": false }),
            Err(error) => json!({ "error": error.to_string() }),
        };
        line(last).map_err(|error| Error::io("send the answer", error))
    };
    Ok(Step::Stream(JSON_LINES, None, Box::new(lines)))
}

/// A line of an export.
#[derive(Serialize)]
struct ExportedRecord<'a> {
    id: &'a str,
    document: Option<String>,
    uri: Option<String>,
    metadata: Option<Metadata>,
    embedding: Vec<f32>,
}

/// All records as the command's `export` writes them: one JSON object a line, embeddings included.
pub(super) fn export(site: &Site, call: &Call) -> Handled {
    let page = site.records(call)?.find(&among(call)?, Include::ALL)?;
    let send = move |out: &mut (dyn Write + Send)| {
        for record in page.records() {
            let record = record?;
            let Record { id, embedding, document, uri, metadata } = record;
            let line =
                ExportedRecord { id: id.as_str(), document, uri, metadata, embedding: embedding.unwrap_or_default() };
            serde_json::to_writer(&mut *out, &line).map_err(|error| Error::io("send the records", error.into()))?;
            out.write_all(b"\n").map_err(|error| Error::io("send the records", error))?;
        }
        Ok(())
    };
    Ok(Step::Stream(JSON_LINES, None, Box::new(send)))
}

/// Reads records, one JSON object a line, while they arrive; texts without an embedding are embedded by the collection's
/// model. What was stored before a bad line stays, and the error says how much that is.
pub(super) fn import(site: &Site, call: &Call) -> Handled {
    let records = site.records(call)?;
    let info = records.state()?.info().clone();
    let mode = match call.query_value("mode") {
        None | Some("upsert") => Mode::Upsert,
        Some("add") => Mode::Add,
        Some("update") => Mode::Update,
        Some(other) => {
            let why = format!("mode: unknown variant `{other}`, expected one of `add`, `update`, `upsert`");
            return Err(Fault::invalid(format!("Failed to deserialize query string: {why}")));
        }
    };
    let upload = call.upload.as_ref().and_then(|upload| upload.lock().unwrap_or_else(PoisonError::into_inner).take());
    let upload: Box<dyn Read + Send> = match upload {
        Some(upload) => Box::new(upload),
        None => Box::new(std::io::empty()),
    };
    let options = InputOptions { format: Some(InputFormat::Jsonl), ..InputOptions::default() };
    let mut rows = InputRows::from_reader(upload, "body", options)?;
    let model = match &info.embedder {
        Some(_) => Some(of_collection(&info, None, &site.options.models)?),
        None => None,
    };
    let mut preparer = Preparer::new(&info, model.as_ref().map(|model| model as &dyn Embedder), mode, OnError::Stop)?;
    let first: Vec<_> = rows.by_ref().take(BATCH_ROWS).collect();
    let first = preparer.prepare(records.existing()?.as_ref(), first)?;
    let batches = std::iter::from_fn(move || {
        let batch: Vec<_> = rows.by_ref().take(BATCH_ROWS).collect();
        (!batch.is_empty()).then_some(batch)
    });
    let mut ingest = Ingest::new(records.as_ref(), preparer);
    let stored = ingest.store_all(first, batches, |_| Ok(()));
    let tally = ingest.tally();
    if let Err(error) = stored {
        let fault = Fault::from(error);
        let message = format!("{}; {} rows before it are stored", fault.message, tally.rows());
        return Err(Fault { message, ..fault });
    }
    records.settle()?;
    let said = json!({
        "added": tally.added, "updated": tally.updated, "unchanged": tally.unchanged, "skipped": tally.skipped,
        "embedded": tally.embedded,
    });
    Ok(Reply::json(&said).into())
}

/// Rows that are stored in one transaction.
const BATCH_ROWS: usize = 8192;
