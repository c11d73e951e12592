//! What shards are sent: filter, order and limit, so that no more rows travel than are wanted.

use std::time::Duration;

use super::super::catalogue::{Entry, find};
use super::super::pool::Pool;
use super::*;
use crate::backend::{Backend, PostgresBackend, Shards};
use crate::postgres_server::Postgres;
use crate::query::{Filter, RecordQuery};
use crate::random::Random;
use crate::record::{CollectionName, DumpRecord, Metadata, Record, RecordId, Scope};
use crate::store::NewCollection;

const DIMENSION: usize = 8;

/// Makes a collection on two servers, which here are databases of one.
fn spread(server: &Postgres, space: Space, random: &mut Random) -> (Pool, Entry) {
    let (address, patience) = (server.database(), Duration::from_secs(30));
    let servers = vec![server.database(), server.database()];
    let place = PostgresBackend::connect(&address, Scope::default(), patience).unwrap();
    let place = place.spread_over(Shards::new(None, servers).unwrap()).unwrap();
    let new = NewCollection { space, ..NewCollection::default() };
    place.create_collection(CollectionName::parse("notes").unwrap(), new).unwrap();
    let row = |n: u64| DumpRecord {
        record: Record {
            id: RecordId::parse(format!("r{n}")).unwrap(),
            embedding: Some(if n.is_multiple_of(50) { vec![0.0; DIMENSION] } else { random.floats(DIMENSION) }),
            document: Some("a fox".into()),
            uri: None,
            metadata: Some(Metadata::from_json(serde_json::json!({"n": n % 20, "f": 0.5, "l": [1, 2]})).unwrap()),
        },
        embedded_here: false,
    };
    place.collection("notes".into()).put((0..4000).map(row).collect()).unwrap();
    let pool = Pool::open(&address, patience).unwrap();
    let entry = pool.ask(|session| find(&pool, session, &Scope::default(), &"notes".into(), false)).unwrap();
    (pool, entry)
}

#[test]
fn filter_order_and_limit_are_sent_to_every_shard() {
    let Some(server) = Postgres::shared("filter_order_and_limit_are_sent_to_every_shard") else { return };
    let mut random = Random::new();
    for space in Space::ALL {
        let (pool, entry) = spread(&server, space, &mut random);
        let (table, parts, columns) =
            (entry.table(), entry.parts(), super::super::read::columns(crate::store::Include::ALL));
        let searched = Searched {
            table: &table,
            parts: &parts,
            space,
            dimension: DIMENSION,
            columns: &columns,
            has_graph: false,
            ef_search: 100,
        };
        // PostgreSQL takes it that few have a value, and then sends no limit along, but takes in no more than 500 rows.
        let filters = [
            ("n > 3", true),
            ("n exists and f < 2.5", true),
            ("l contains 1", false),
            ("n in (1, 2)", false),
            ("#document contains 'fox'", true),
            ("n != 7", true),
        ];
        for (filter, is_limited) in filters {
            let question = random.floats(DIMENSION);
            let measured = Measured::new(space, &question);
            let among = RecordQuery { filter: Some(Filter::parse(filter).unwrap()), ..RecordQuery::default() };
            let sent: Vec<(String, f64)> = pool
                .write(|session| {
                    session.set(SETTINGS)?;
                    let kept = Kept::of(session, &table, &among)?;
                    let mut params = Params::default();
                    let asked = Asked::new(&searched, &measured, &kept, 5, &mut params);
                    let mut sent = explained(session, &asked.farthest_sql(), &params);
                    sent.extend(explained(session, &asked.nearest_sql(), &params));
                    let far = params.push(0.9_f64, "float8");
                    sent.extend(explained(session, &asked.nearer_sql(&far), &params));
                    Ok(sent)
                })
                .unwrap();
            let measuring = sent.iter().filter(|(sql, _)| sql.contains("ORDER BY") && sql.contains("OPERATOR"));
            let measuring: Vec<_> = measuring.collect();
            assert_eq!(measuring.len(), 4, "{filter}: {sent:#?}");
            let limits = ["LIMIT 5", "LIMIT 15"];
            let has_limit = |sql: &str| limits.iter().any(|limit| sql.contains(limit));
            let few = measuring.iter().all(|(sql, rows)| !is_limited || has_limit(sql) && *rows <= 15.0);
            assert!(few, "{filter}: {sent:#?}");
            let is_filtered = |sql: &str| {
                let condition = sql.split_once(" WHERE ").map_or("", |(_, condition)| condition);
                condition.contains(if filter.starts_with('#') { "document" } else { "metadata" })
            };
            assert!(sent.iter().all(|(sql, _)| is_filtered(sql)), "{filter}: {sent:#?}");
        }
    }
}

/// Runs a statement; returns what was sent to other servers, and how many rows each gave.
fn explained(session: &mut Session, sql: &str, params: &Params) -> Vec<(String, f64)> {
    let sql = format!("explain (analyze, verbose, costs off, timing off, buffers off, format json) {sql}");
    let row = session.row(&sql, &params.values()).unwrap().unwrap();
    let plan: serde_json::Value = row.get(0);
    let mut sent = Vec::new();
    collect(&plan[0]["Plan"], &mut sent);
    sent
}

fn collect(plan: &serde_json::Value, sent: &mut Vec<(String, f64)>) {
    if let Some(sql) = plan["Remote SQL"].as_str() {
        assert_eq!(plan["Rows Removed by Filter"].as_u64().unwrap_or(0), 0, "all of a filter is sent: {plan}");
        sent.push((sql.to_owned(), plan["Actual Rows"].as_f64().unwrap()));
    }
    for part in plan["Plans"].as_array().into_iter().flatten() {
        collect(part, sent);
    }
}
