//! The graph of a collection in PostgreSQL: an HNSW index of pgvector, and what is known of it.
//!
//! PostgreSQL keeps it in step with the records. What it was measured to find is kept as its comment. Invariant: a build
//! that is interrupted or fails leaves the index there was.

use std::ops::ControlFlow;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use postgres::error::SqlState;
use postgres::{Client, GenericClient, Row};
use serde_json::{Value as Json, json};

use super::fault::{Done, Fault};
use super::layout::Part;
use super::measure::Kind;
use super::search::Searched;
use crate::error::Error;
use crate::index::Watch;
use crate::record::{Hnsw, Space};

/// How often the progress of a build is asked for.
const MOMENT: Duration = Duration::from_millis(200);
/// Rows of the collection that measure what a graph finds, and how many hits each asks for.
const QUESTIONS_OF_ITS_OWN: u64 = 500;
const HITS: usize = 10;
/// Rows that are compared to measure it: fewer questions are asked where there are many rows.
const MOST_COMPARED: u64 = 50_000_000;
/// Memory for a build in MiB: what a graph needs, within these.
const MEMORY: (u64, u64) = (64, 2048);

/// A graph.
#[derive(Debug, Clone)]
pub(super) struct Graph {
    /// The index, as SQL writes it.
    pub(super) name: String,
    pub(super) bytes: i64,
    /// The share of the nearest that it found then.
    pub(super) recall: Option<f64>,
}

impl Graph {
    /// Reads what [`GRAPH`] found.
    pub(super) fn read(row: &Row) -> Done<Self> {
        let comment: Option<String> = row.try_get(2)?;
        let known: Json = comment.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let recall = known.get("recall").and_then(Json::as_f64);
        Ok(Self { name: row.try_get(0)?, bytes: row.try_get(1)?, recall })
    }

    /// Returns what there is to say of it.
    pub(super) fn facts(&self, records: u64, hnsw: Hnsw) -> Vec<(&'static str, Json)> {
        let recall = self.recall.map_or_else(|| "not measured".to_owned(), |recall| format!("{recall:.4}"));
        vec![
            ("vectors", json!(records)),
            ("not_covered", json!(0)),
            ("recall", json!(recall)),
            ("size", json!(self.bytes)),
            ("ef_construction", json!(hnsw.ef_construction)),
            ("ef_search", json!(hnsw.ef_search)),
            ("max_neighbors", json!(hnsw.max_neighbors)),
            ("state", json!("whole")),
        ]
    }
}

/// Finds the graph of a table, which is written as SQL writes it; none where pgvector cannot go on with a search until there
/// are enough hits, as it can from 0.8.0 on.
pub(super) const GRAPH: &str =
    "select x.indexrelid::regclass::text, pg_relation_size(x.indexrelid), obj_description(x.indexrelid)
    from pg_index x join pg_class i on i.oid = x.indexrelid join pg_am a on a.oid = i.relam
    join pg_extension e on e.extname = 'vector' and string_to_array(e.extversion, '.')::int[] >= '{0,8}'
    where x.indrelid = to_regclass($1) and a.amname = 'hnsw' and x.indisvalid order by 1 limit 1";

/// Asks for it.
pub(super) fn graph_of(client: &mut impl GenericClient, table: &str) -> Done<Option<Graph>> {
    client.query_opt(GRAPH, &[&table])?.map(|row| Graph::read(&row)).transpose()
}

/// Drops the graph of a table; returns it.
pub(super) fn drop_graph(client: &mut impl GenericClient, table: &str) -> Done<Option<Graph>> {
    let graph = graph_of(client, table)?;
    if let Some(Graph { name, .. }) = &graph {
        client.batch_execute(&format!("drop index if exists {name}"))?;
    }
    Ok(graph)
}

/// What a build is of.
pub(super) struct ToBuild<'t> {
    /// The table, as SQL writes it.
    pub(super) table: &'t str,
    pub(super) space: Space,
    pub(super) dimension: usize,
    pub(super) rows: u64,
    pub(super) hnsw: Hnsw,
    pub(super) threads: usize,
    /// Whether its rows are on another server.
    pub(super) is_far: bool,
}

/// Builds the graph of a table, in the place of the one there is; `beside` is told how many rows are in and can stop it. What
/// it finds is still to be measured.
pub(super) fn build(client: &mut Client, beside: &mut Client, what: &ToBuild, watch: Watch) -> Done<()> {
    let old = "select extversion from pg_extension where extname = 'vector'
        and string_to_array(extversion, '.')::int[] < '{0,8}'";
    if let Some(row) = client.query_opt(old, &[])? {
        let version: String = row.try_get(0)?;
        return Err(Fault::Ours(Error::InvalidArgument {
            why: format!("pgvector {version} ends a search through a graph before there are enough hits"),
            hint: Some("upgrade it to 0.8.4 or later; until then every record is compared".into()),
        }));
    }
    let pid: i32 = client.query_one("select pg_backend_pid()", &[])?.try_get(0)?;
    let mut built = watched(client, beside, pid, what, what.threads, watch);
    // The memory that processes share may be small, as it is in containers.
    if matches!(&built, Err(Fault::Postgres(refusal)) if refusal.code() == Some(&SqlState::DISK_FULL)) {
        built = watched(client, beside, pid, what, 1, watch);
    }
    built
}

/// Has the graph of a table say what it finds.
pub(super) fn keep_recall(client: &mut Client, table: &str, recall: Option<f64>) -> Done<()> {
    let Some(graph) = graph_of(client, table)? else { return Err(Fault::Ours(Error::Interrupted)) };
    let comment = json!({"recall": recall}).to_string();
    Ok(client.batch_execute(&format!("comment on index {} is '{comment}'", graph.name))?)
}

fn watched(
    client: &mut Client,
    beside: &mut Client,
    pid: i32,
    what: &ToBuild,
    threads: usize,
    watch: Watch,
) -> Done<()> {
    let statements = statements(client, what, threads)?;
    thread::scope(|scope| {
        let (ended, end) = mpsc::channel();
        scope.spawn(move || {
            let built = client.batch_execute(&statements);
            if built.is_err() {
                drop(client.batch_execute("rollback"));
            }
            // Who waits for it is there until it comes.
            drop(ended.send(built));
        });
        let (mut told, mut is_stopped) = (0, false);
        loop {
            match end.recv_timeout(MOMENT) {
                Ok(Err(refusal)) if is_stopped && refusal.code() == Some(&SqlState::QUERY_CANCELED) => {
                    return Err(Fault::Ours(Error::Interrupted));
                }
                Ok(built) => {
                    watch(usize::try_from(what.rows).unwrap_or(usize::MAX).saturating_sub(told)).is_break();
                    return Ok(built?);
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => return Err(Fault::Ours(Error::Interrupted)),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
            let sql = "select tuples_done from pg_stat_progress_create_index where pid = $1";
            let done = beside.query_opt(sql, &[&pid]).ok().flatten().and_then(|row| row.try_get::<_, i64>(0).ok());
            let done = usize::try_from(done.unwrap_or(0)).unwrap_or(0);
            if !is_stopped && watch(done.saturating_sub(told)) == ControlFlow::Break(()) {
                is_stopped = true;
                beside.execute("select pg_cancel_backend($1)", &[&pid])?;
            }
            told = told.max(done);
        }
    })
}

/// Returns what builds it, in one transaction.
fn statements(client: &mut Client, what: &ToBuild, threads: usize) -> Done<String> {
    let ToBuild { table, space, dimension, rows, hnsw, .. } = what;
    let old = graph_of(client, table)?.map(|graph| format!("drop index {};", graph.name)).unwrap_or_default();
    let kind = Kind::of(*dimension);
    let (indexed, class) = (kind.expression("embedding", *dimension), kind.operator_class(*space));
    let hnsw = hnsw.as_built();
    // pgvector has 2 to 100 edges, and wants twice as many candidates.
    let edges = hnsw.max_neighbors.clamp(2, 100);
    let candidates = hnsw.ef_construction.clamp(2 * edges, 1000);
    let vector = u64::try_from(*dimension).unwrap_or(u64::MAX).saturating_mul(4);
    let node = vector.saturating_add(u64::try_from(edges).unwrap_or(100).saturating_mul(24)).saturating_add(200);
    let memory = (rows.saturating_mul(node) >> 20).saturating_mul(5) / 4;
    let memory = memory.clamp(MEMORY.0, MEMORY.1);
    Ok(format!(
        "begin; set local maintenance_work_mem = '{memory}MB'; \
         set local max_parallel_maintenance_workers = {}; {old} \
         create index on {table} using hnsw ({indexed} {class}) with (m = {edges}, ef_construction = {candidates}); \
         create index if not exists {} on {table} (seq) where is_zero; commit",
        threads.saturating_sub(1),
        zero_index(table),
    ))
}

/// Returns the name of the index of the records that no graph of a cosine space has.
fn zero_index(table: &str) -> String {
    let name = table.rsplit('.').next().unwrap_or(table).trim_matches('"');
    format!("\"{name}_zero\"")
}

/// Measures the share of the nearest that the graph finds; `None` where there is nothing to measure it by.
#[expect(clippy::cast_precision_loss, reason = "a share of small counts")]
pub(super) fn recall(client: &mut Client, what: &ToBuild) -> Done<Option<f64>> {
    let ToBuild { table, space, dimension, rows, hnsw, .. } = *what;
    let parts = [Part { table: table.to_owned(), far: None }];
    let ef_search = hnsw.ef_search;
    let searched = Searched { table, parts: &parts, space, dimension, columns: "seq", has_graph: true, ef_search };
    let questions = (MOST_COMPARED / rows.max(1)).clamp(QUESTIONS_OF_ITS_OWN / 10, QUESTIONS_OF_ITS_OWN);
    let share = (200.0 * questions as f64 / rows.max(1) as f64).min(100.0);
    // Another server gives no sample; by their digests rows come in no order that means anything.
    let (sample, order) = if what.is_far {
        (String::new(), "order by hash")
    } else {
        (format!("tablesample bernoulli ({share}) repeatable (1)"), "")
    };
    let sample = format!("select embedding::real[] from {table} {sample} where not is_zero {order} limit {questions}");
    let mut transaction = client.transaction()?;
    let (mut found, mut wanted) = (0_i64, 0_i64);
    for row in transaction.query(&sample, &[])? {
        let question: Vec<f32> = row.try_get(0)?;
        let candidates = searched.candidates(HITS);
        transaction.batch_execute(&format!("select {}", searched.settings(candidates)))?;
        let (distance, nearest) =
            (searched.distance_sql("$1::real[]"), searched.walk_sql(table, "$1::real[]", "true", candidates));
        // What is as near as the last of the nearest is one of them. A sum is in no index.
        let sql = format!(
            "with exact as materialized (select {distance} as d from {table} where not is_zero
                order by {distance} + 0 limit {HITS}),
            found as materialized (select distance as d from ({nearest}) walked order by d limit {HITS})
            select (select count(*) from found where d <= (select max(d) + 1e-6 * abs(max(d)) + 1e-7 from exact)),
                (select count(*) from exact)"
        );
        let counts = transaction.query_one(&sql, &[&question])?;
        found += counts.try_get::<_, i64>(0)?;
        wanted += counts.try_get::<_, i64>(1)?;
    }
    Ok((wanted > 0).then(|| found as f64 / wanted as f64))
}
