//! The points of a map: what the page draws, as `plot` does on the command line.
//!
//! Invariants: a point is of a record that whoever asks may read; the same records, sample and seed give the same points.

use serde_json::{Value as Json, json};

use super::call::{Call, Handled, Reply, Site};
use super::fault::Fault;
use super::own::{among, unescaped};
use super::rejection::Rejection;
use crate::query::{Cluster, Clusters};
use crate::record::{Record, Value};
use crate::store::Include;

/// Points unless it is told how many.
const SAMPLE: u64 = 10_000;
/// More would take a browser long, and the server: their embeddings are read up to sixty times.
const MOST_POINTS: u64 = 100_000;
/// Characters of a document that are shown with its point.
const LABEL_CHARS: usize = 120;

/// Records as points of a plane, in columns: `ids`, `points`, `labels` and, for a key, `values`; and the clusters they form,
/// named by the words that tell their records from the others.
pub(super) fn map(site: &Site, call: &Call) -> Handled {
    let records = site.records(call)?;
    let sample = call.number("sample")?.unwrap_or(SAMPLE);
    if sample > MOST_POINTS {
        return Err(Fault::beyond(Rejection::Results, format!("sample: a map has at most {MOST_POINTS} points")));
    }
    let seed = call.number("seed")?.unwrap_or(0);
    let key = call.query_value("key").and_then(unescaped);
    let local = records.local(&among(call)?, Include { uris: false, ..Include::ALL })?;
    let view = local.collection.view()?;
    let (ordinals, records) = view.sampled(&local.among, usize::try_from(sample).unwrap_or(usize::MAX), seed)?;
    site.check_results(ordinals.len())?;
    let projection = view.project(&ordinals)?;
    let mut clusters = Clusters::of(&projection.points);
    let (mut ids, mut labels, mut values) = (Vec::new(), Vec::new(), key.as_ref().map(|_| Vec::new()));
    let include = Include { documents: true, metadatas: key.is_some(), ..Include::NONE };
    for (at, ordinal) in ordinals.iter().enumerate() {
        let Record { id, document, metadata, .. } = view.record(*ordinal, include)?;
        ids.push(String::from(id));
        if let Some(document) = &document {
            clusters.read(at, document);
        }
        labels.push(document.map(|document| document.chars().take(LABEL_CHARS).collect::<String>()));
        if let (Some(values), Some(key)) = (&mut values, &key) {
            let value = metadata.as_ref().and_then(|metadata| metadata.get(key));
            values.push(value.map_or(Json::Null, Value::to_json));
        }
    }
    let cluster = |Cluster { centre, points, words }| json!({ "centre": centre, "points": points, "words": words });
    let clusters: Vec<Json> = clusters.named().into_iter().map(cluster).collect();
    let said = json!({
        "records": records, "sampled": ids.len(), "explained": projection.explained, "points": projection.points,
        "ids": ids, "labels": labels, "values": values, "clusters": clusters,
    });
    Ok(Reply::json(&said).about(ordinals.len()).into())
}
