//! The graph of a collection, whether it is one or each shard has its own.
//!
//! What a shard's graph finds is measured through this database, the way searches go, and what all of them find is kept as the
//! comment of the collection's table. Invariant: a graph that is known here is on every shard.

use std::sync::{Mutex, PoisonError};
use std::thread;

use serde_json::{Value as Json, json};

use super::catalogue::Entry;
use super::fault::{Done, Fault};
use super::index::{self, Graph, ToBuild};
use super::layout::Part;
use super::pool::Session;
use super::shard_server;
use crate::backend::BuiltIndex;
use crate::error::Error;
use crate::index::Watch;
use crate::store::GraphEntry;

/// Finds the graph of a collection.
pub(super) fn graph_of(session: &mut Session, entry: &Entry) -> Done<Option<Graph>> {
    graph_and(session, entry, "")
}

/// Finds the graph of a collection, and with the same message sets what a walk through it wants set.
pub(super) fn graph_to_walk(session: &mut Session, entry: &Entry, settings: &str) -> Done<Option<Graph>> {
    let graph = graph_and(session, entry, &format!(", {settings}"))?;
    if graph.is_some() {
        session.has_set(settings);
    }
    Ok(graph)
}

fn graph_and(session: &mut Session, entry: &Entry, settings: &str) -> Done<Option<Graph>> {
    let table = entry.table();
    if entry.layout.is_none() {
        let sql = format!("select found.*{settings} from ({}) found", index::GRAPH);
        return session.row(&sql, &[&table])?.map(|row| Graph::read(&row)).transpose();
    }
    let sql = format!(
        "select text{settings} from (select obj_description(to_regclass($1), 'pg_class') as text) c where text is not null"
    );
    let Some(row) = session.row(&sql, &[&table])? else { return Ok(None) };
    let Ok(known) = serde_json::from_str::<Json>(row.try_get(0)?) else { return Ok(None) };
    let Some(bytes) = known.get("bytes").and_then(Json::as_i64) else { return Ok(None) };
    Ok(Some(Graph { name: table, bytes, recall: known.get("recall").and_then(Json::as_f64) }))
}

/// Builds the graph of a collection in the place of the one there is. One connection builds, and the other asks how far it
/// is; shards build at the same time.
pub(super) fn build(
    session: &mut Session,
    beside: &mut Session,
    entry: &Entry,
    what: &ToBuild,
    watch: Watch,
) -> Done<BuiltIndex> {
    if entry.layout.is_none() {
        return build_one(session, beside, what, watch);
    }
    let parts = entry.parts();
    session.client().batch_execute(&format!("comment on table {} is null", what.table))?;
    let rows = what.rows.div_ceil(parts.len().max(1) as u64);
    let (here, far): (Vec<&Part>, Vec<&Part>) = parts.iter().partition(|part| part.far.is_none());
    for part in here {
        let what = ToBuild { table: &part.table, rows, ..*what };
        index::build(session.client(), beside.client(), &what, watch)?;
    }
    build_far(session, &far, &ToBuild { rows, ..*what }, watch)?;
    let (mut shares, mut bytes) = (Vec::new(), 0);
    for part in &parts {
        session.client().batch_execute(&format!("analyze {}", part.table))?;
        let what = ToBuild { table: &part.table, rows, is_far: part.far.is_some(), ..*what };
        shares.extend(index::recall(session.client(), &what)?);
        bytes += size(session, part)?;
    }
    #[expect(clippy::cast_precision_loss, reason = "there are few shards")]
    let recall = (!shares.is_empty()).then(|| shares.iter().sum::<f64>() / shares.len() as f64);
    let comment = json!({"recall": recall, "bytes": bytes});
    session.client().batch_execute(&format!("comment on table {} is '{comment}'", what.table))?;
    Ok(built(what, recall))
}

/// Builds the graph of a table that is in one piece.
pub(super) fn build_one(session: &mut Session, beside: &mut Session, what: &ToBuild, watch: Watch) -> Done<BuiltIndex> {
    index::build(session.client(), beside.client(), what, watch)?;
    let recall = index::recall(session.client(), what)?;
    index::keep_recall(session.client(), what.table, recall)?;
    Ok(built(what, recall))
}

fn built(what: &ToBuild, recall: Option<f64>) -> BuiltIndex {
    let is_used = GraphEntry::is_used(recall, what.dimension);
    BuiltIndex { rows: what.rows, added: what.rows, extended: false, recall, is_used }
}

/// Builds those of shards on other servers, each server by itself.
fn build_far(session: &mut Session, parts: &[&Part], what: &ToBuild, watch: Watch) -> Done<()> {
    let mut clients = Vec::new();
    for far in parts.iter().filter_map(|part| part.far.as_ref()) {
        let both = (shard_server::connect(session, &far.server)?, shard_server::connect(session, &far.server)?);
        clients.push((far, both));
    }
    let failed: Mutex<Option<Fault>> = Mutex::new(None);
    thread::scope(|scope| {
        for (far, (mut client, mut beside)) in clients {
            let failed = &failed;
            scope.spawn(move || {
                let what = ToBuild { table: &far.table, ..*what };
                if let Err(fault) = index::build(&mut client, &mut beside, &what, watch) {
                    failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(fault);
                }
            });
        }
    });
    failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

fn size(session: &mut Session, part: &Part) -> Done<i64> {
    let missing = || Fault::Ours(Error::Interrupted);
    let graph = match &part.far {
        None => index::graph_of(session.client(), &part.table)?,
        Some(far) => shard_server::work(session, &far.server, |client| index::graph_of(client, &far.table))?,
    };
    Ok(graph.ok_or_else(missing)?.bytes)
}

/// Drops the graph of a collection; returns it.
pub(super) fn drop_graph(session: &mut Session, entry: &Entry) -> Done<Option<Graph>> {
    let graph = graph_of(session, entry)?;
    if entry.layout.is_some() {
        session.client().batch_execute(&format!("comment on table {} is null", entry.table()))?;
    }
    for part in entry.parts() {
        match &part.far {
            None => index::drop_graph(session.client(), &part.table)?,
            Some(far) => shard_server::work(session, &far.server, |client| index::drop_graph(client, &far.table))?,
        };
    }
    Ok(graph)
}
