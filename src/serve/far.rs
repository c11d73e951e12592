//! Routes for another huedb, whose user works on this server as on a file: all that a collection can be asked, in full.
//!
//! Their bodies and answers are those of [`crate::backend`]'s protocol. Invariant: a handler reaches records through the
//! caller's restriction, and through that of the body on top of it.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use super::call::{Call, Handled, Reply, Site};
use super::fault::Fault;
use crate::backend::protocol::{
    Asked, DistinctBody, FindBody, FindReply, IndexReply, MakeBody, ReadBody, ReadReply, ScanBody, UpdateBody, Whole,
    take_page,
};
use crate::backend::{DumpPage, Records};
use crate::error::{Error, Result};
use crate::ingest::RowBatch;
use crate::query::{Query, RecordQuery};
use crate::record::{CollectionInfo, Counts, DumpRecord, Record, RecordId};
use crate::store::{Change, CollectionChange, Include};

/// Records on one page at the most.
const PAGE: usize = 4096;

/// Answers a body; `work` says how many records it was about.
fn answered<T: DeserializeOwned, R: Serialize>(
    site: &Site,
    call: &Call,
    work: impl FnOnce(&dyn Records, T) -> Result<(R, usize), Fault>,
) -> Handled {
    let Asked { only, what } = site.body(call)?;
    let records = site.records(call)?;
    let records = only.map_or_else(|| Arc::clone(&records), |only| records.only(only));
    let (reply, count) = work(records.as_ref(), what)?;
    Ok(Reply::json(&reply).about(count).into())
}

pub(super) fn whole(site: &Site, call: &Call) -> Handled {
    let records = call.access.limit(site.backend_of(call).collection(call.param("collection").into()));
    let state = records.state()?;
    let whole = Whole {
        info: state.info().clone(),
        counts: state.counts(),
        version: state.version(),
        is_restricted: state.is_restricted(),
    };
    Ok(Reply::json(&whole).into())
}

pub(super) fn count(site: &Site, call: &Call) -> Handled {
    answered(site, call, |records, (): ()| Ok((records.count()?, 0)))
}

pub(super) fn ask(site: &Site, call: &Call) -> Handled {
    answered(site, call, |records, query: Query| {
        let state = records.state()?;
        site.check_offset(query.offset as u64)?;
        let among = usize::try_from(state.counts().records).unwrap_or(usize::MAX);
        site.check_results(query.top.min(among).saturating_mul(query.asks.len()))?;
        let answer = state.query(&query.threads(site.options.threads).models(site.options.models.clone()))?;
        site.metrics().search_warnings.inc_by(answer.warnings.len() as u64);
        let hits = answer.hits.iter().map(Vec::len).sum();
        Ok((answer, hits))
    })
}

pub(super) fn find(site: &Site, call: &Call) -> Handled {
    answered(site, call, |records, FindBody { query, include }| {
        let page = records.find(&query, include)?;
        let ids = page.ids().collect::<Result<Vec<_>>>()?;
        let first = if include == Include::NONE { Vec::new() } else { take_page(page.records(), PAGE, |r| r)? };
        let count = ids.len();
        Ok((FindReply { ids, dimension: page.dimension(), records: first }, count))
    })
}

pub(super) fn read(site: &Site, call: &Call) -> Handled {
    answered(site, call, |records, ReadBody { ids, include }| {
        let ids = ids.get(..ids.len().min(PAGE)).unwrap_or_default();
        let page = records.find(&RecordQuery { ids: Some(ids.to_vec()), ..RecordQuery::default() }, include)?;
        let mut found: HashMap<RecordId, Record> = HashMap::new();
        for record in page.records() {
            let record = record?;
            found.insert(record.id.clone(), record);
        }
        let mut covered = 0;
        let in_order = ids.iter().filter_map(|id| {
            covered += 1;
            found.remove(id).map(Ok)
        });
        let records = take_page(in_order, PAGE, |record| record)?;
        let count = records.len();
        Ok((ReadReply { covered, records }, count))
    })
}

pub(super) fn distinct(site: &Site, call: &Call) -> Handled {
    answered(site, call, |records, DistinctBody { key, among }| Ok((records.distinct(&key, &among)?, 0)))
}

pub(super) fn keys(site: &Site, call: &Call) -> Handled {
    answered(site, call, |records, among: RecordQuery| Ok((records.keys(&among)?, 0)))
}

pub(super) fn key_kinds(site: &Site, call: &Call) -> Handled {
    answered(site, call, |records, (): ()| Ok((records.state()?.key_kinds()?, 0)))
}

pub(super) fn batch(site: &Site, call: &Call) -> Handled {
    answered(site, call, |records, batch: RowBatch| {
        let count = batch.changes.len();
        Ok((records.write_batch(batch)?, count))
    })
}

pub(super) fn update_where(site: &Site, call: &Call) -> Handled {
    answered(site, call, |records, UpdateBody { query, change, keep_embeddings, embedded_by }| {
        let change = |id| Change { id, ..change.clone() };
        let effects = records.update_where(&query, &change, keep_embeddings, embedded_by.as_deref())?;
        let count = effects.len();
        Ok((effects, count))
    })
}

pub(super) fn delete_where(site: &Site, call: &Call) -> Handled {
    answered(site, call, |records, query: RecordQuery| {
        let deleted = records.delete_where(&query)?;
        Ok((deleted, usize::try_from(deleted).unwrap_or(usize::MAX)))
    })
}

pub(super) fn scan(site: &Site, call: &Call) -> Handled {
    answered(site, call, |records, ScanBody { after, limit }| {
        // What does not fit is read again by the next page.
        let mut limit = limit.clamp(1, PAGE);
        loop {
            let page = records.scan(after, limit)?;
            let fits = take_page(page.records.iter().map(Ok), PAGE, |record| &record.record)?.len();
            if fits == page.records.len() || limit == 1 {
                let count = page.records.len();
                return Ok::<(DumpPage, usize), Fault>((page, count));
            }
            limit = fits;
        }
    })
}

pub(super) fn digests(site: &Site, call: &Call) -> Handled {
    answered(site, call, |records, (): ()| {
        let digests = records.digests()?;
        let count = digests.len();
        Ok((digests, count))
    })
}

pub(super) fn dump(site: &Site, call: &Call) -> Handled {
    answered(site, call, |records, ids: Vec<RecordId>| {
        let records = records.dump(&ids)?;
        let count = records.len();
        Ok((records, count))
    })
}

pub(super) fn put(site: &Site, call: &Call) -> Handled {
    answered(site, call, |records, dumped: Vec<DumpRecord>| {
        let count = dumped.len();
        Ok((records.put(dumped)?, count))
    })
}

pub(super) fn modify(site: &Site, call: &Call) -> Handled {
    answered(site, call, |records, change: CollectionChange| {
        if let Some(name) = &change.name {
            check_name(site, call, name.as_str())?;
        }
        Ok((records.modify(change)?, 0))
    })
}

pub(super) fn words(site: &Site, call: &Call) -> Handled {
    answered(site, call, |records, on: bool| Ok((records.index_documents(on)?, 0)))
}

pub(super) fn settle(site: &Site, call: &Call) -> Handled {
    answered(site, call, |records, (): ()| Ok((records.settle()?, 0)))
}

/// Which indexes of embeddings are due, and what there is to say of those that are there.
pub(super) fn index_facts(site: &Site, call: &Call) -> Handled {
    answered(site, call, |records, (): ()| {
        let (is_due, clusters_are_due) = (records.index_is_due()?, records.clusters_are_due()?);
        let named = |facts: Vec<(&str, Json)>| facts.into_iter().map(|(name, fact)| (name.to_owned(), fact)).collect();
        Ok((IndexReply { is_due, clusters_are_due, facts: records.index_facts()?.map(named) }, 0))
    })
}

pub(super) fn drop_index(site: &Site, call: &Call) -> Handled {
    let records = site.records(call)?;
    Ok(Reply::json(&records.drop_index()?).into())
}

pub(super) fn drop_clusters(site: &Site, call: &Call) -> Handled {
    let records = site.records(call)?;
    Ok(Reply::json(&records.drop_clusters()?).into())
}

fn check_name(site: &Site, call: &Call, name: &str) -> Result<(), Fault> {
    if call.access.may_make_collection(site.backend_of(call).scope(), name) {
        return Ok(());
    }
    Err(Fault::forbidden("this token may not make a collection of that name"))
}

/// The collections that there are to whoever asks, by name.
pub(super) fn collections(site: &Site, call: &Call) -> Handled {
    let place = site.backend_of(call);
    let mut seen: Vec<(CollectionInfo, Counts)> = Vec::new();
    for (info, _) in place.collections()? {
        let name = info.name.as_str();
        let Some(records) = call.access.seen(place.collection(name.into()), place.scope(), name)? else { continue };
        match records.state() {
            Ok(state) => seen.push((state.info().clone(), state.counts())),
            // It was dropped or renamed since.
            Err(Error::CollectionNotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Reply::json(&seen).into())
}

pub(super) fn make(site: &Site, call: &Call) -> Handled {
    let place = site.backend_of(call);
    match site.body(call)? {
        MakeBody::New(name, new) => {
            check_name(site, call, name.as_str())?;
            Ok(Reply::json(&place.create_collection(name, *new)?).into())
        }
        MakeBody::Adopt(info) => {
            check_name(site, call, info.name.as_str())?;
            place.adopt_collection(*info)?;
            Ok(Reply::json(&()).into())
        }
    }
}

pub(super) fn tenants(site: &Site, _call: &Call) -> Handled {
    Ok(Reply::json(&site.backend.tenants()?).into())
}

pub(super) fn drop_tenant(site: &Site, call: &Call) -> Handled {
    Ok(Reply::json(&site.backend.drop_tenant(call.param("tenant"))?).into())
}

/// An example of a body.
pub(super) fn example() -> Json {
    json!({"what": null})
}
