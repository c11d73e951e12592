//! What SQL finds against the distance that a file gives, on data made to deceive f32, graph or planner.

use std::ops::ControlFlow;
use std::sync::LazyLock;
use std::time::Duration;

use postgres::{Client, NoTls};

use super::super::index::{Graph, ToBuild, drop_graph, graph_of};
use super::super::pool::Pool;
use super::super::shard_graph::build_one;
use super::*;
use crate::backend::BuiltIndex;
use crate::error::Result;
use crate::index::Measure;
use crate::index::Watch;
use crate::postgres_server::Postgres;
use crate::query::Filter;
use crate::random::Random;
use crate::record::Hnsw;

/// What is read of each record: here its number.
const COLUMNS: &str = "seq";

/// Makes a table with these embeddings, numbered from 1; the number is in the metadata, too.
fn stored(client: &mut Client, rows: &[Vec<f32>]) {
    client
        .batch_execute(
            "create extension if not exists vector; drop table if exists r; create table r (seq bigint primary key, \
             id text collate \"C\" unique, embedding vector not null, is_zero boolean not null, embedded_here boolean not null, document text, uri text, \
             metadata jsonb not null)",
        )
        .unwrap();
    let insert = client
        .prepare(
            "insert into r values ($1::bigint, $2, $3::real[]::vector, $4, false, 'text', null, jsonb_build_object('cent', $1::bigint % 100))",
        )
        .unwrap();
    let mut transaction = client.transaction().unwrap();
    for (at, row) in (1_i64..).zip(rows) {
        let is_zero = row.iter().all(|x| *x == 0.0);
        transaction.execute(&insert, &[&at, &format!("r{at}"), row, &is_zero]).unwrap();
    }
    transaction.commit().unwrap();
    client.batch_execute("create index on r using gin (metadata jsonb_path_ops); analyze r").unwrap();
}

fn pool(address: &str) -> Pool {
    Pool::open(address, Duration::from_secs(30)).unwrap()
}

fn searched(space: Space, dimension: usize, has_graph: bool) -> Searched<'static> {
    static PARTS: LazyLock<[Part; 1]> = LazyLock::new(|| [Part { table: "r".into(), far: None }]);
    Searched { table: "r", parts: &*PARTS, space, dimension, columns: COLUMNS, has_graph, ef_search: 100 }
}

fn asked(
    pool: &Pool,
    searched: &Searched,
    question: &[f32],
    filter: Option<&str>,
    (wanted, exact): (usize, bool),
) -> Vec<i64> {
    let filter = filter.map(|filter| Filter::parse(filter).unwrap());
    let among = RecordQuery { filter, ..RecordQuery::default() };
    pool.write(|session| {
        let found = nearest(session, searched, &[question], &among, (wanted, exact))?;
        Ok(found[0].iter().map(|row| row.get(0)).collect())
    })
    .unwrap()
}

fn built(pool: &Pool, what: &ToBuild, watch: Watch) -> Result<BuiltIndex> {
    pool.ask(|session| Ok(pool.ask(|beside| build_one(session, beside, what, watch))?))
}

fn graph(pool: &Pool) -> Option<Graph> {
    pool.ask(|session| graph_of(session.client(), "r")).unwrap()
}

/// The distances and numbers of all that are kept, by the definition, ties by insertion.
fn ranked(space: Space, rows: &[Vec<f32>], question: &[f32], keep: impl Fn(i64) -> bool) -> Vec<(f64, i64)> {
    let measure = Measure::new(space, question);
    let distance = |row: &Vec<f32>| measure.distance(&row.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>());
    let kept = (1_i64..).zip(rows).filter(|(at, _)| keep(*at));
    let mut all: Vec<(f64, i64)> = kept.map(|(at, row)| (distance(row), at)).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    all
}

/// Data of a kind, by its number.
fn data(kind: u64, rows: usize, dimension: usize, random: &mut Random) -> Vec<Vec<f32>> {
    let places: Vec<Vec<f32>> = (0..20).map(|_| random.floats(dimension)).collect();
    let row = |at: usize, random: &mut Random| -> Vec<f32> {
        let noise = random.floats(dimension);
        match kind {
            // Many at one place, some at none.
            0 if at.is_multiple_of(10) => vec![0.0; dimension],
            0 => random.pick(&places).clone(),
            // So far away that f32 sees no difference.
            1 => noise.iter().map(|x| 1000.0 + x * 1e-3).collect(),
            // A component whose square is beyond f32.
            2 => std::iter::once(1e19).chain(noise.into_iter().skip(1)).collect(),
            // Squares that vanish.
            3 => noise.iter().map(|x| x * 1e-22).collect(),
            // Lengths of every order.
            4 => noise.iter().map(|x| x * 10_f32.powi(random.below(30) as i32 - 15)).collect(),
            6 if at.is_multiple_of(50) => vec![0.0; dimension],
            _ => noise,
        }
    };
    (0..rows).map(|at| row(at, random)).collect()
}

#[test]
fn without_a_graph_no_hit_is_lost_whatever_f32_makes_of_it() {
    let Some(server) = Postgres::shared("without_a_graph_no_hit_is_lost_whatever_f32_makes_of_it") else { return };
    let address = server.database();
    let mut client = Client::connect(&address, NoTls).unwrap();
    let pool = self::pool(&address);
    let mut random = Random::new();
    for kind in 0..6 {
        let dimension = *random.pick(&[1, 3, 40, 300]);
        let rows = data(kind, 400, dimension, &mut random);
        stored(&mut client, &rows);
        for space in Space::ALL {
            for ask in 0..6 {
                let mut question = random.pick(&rows).clone();
                if ask % 3 == 1 {
                    question = random.floats(dimension);
                }
                if ask == 5 {
                    question.fill(0.0);
                }
                let wanted = 1 + random.below(30) as usize;
                let filter = [None, Some("cent < 30"), Some("cent < 30 and #document ~ '\\bt'")][ask % 3];
                let found = asked(&pool, &searched(space, dimension, false), &question, filter, (wanted, true));
                let keep = |at: i64| filter.is_none() || at % 100 < 30;
                for (_, at) in ranked(space, &rows, &question, keep).into_iter().take(wanted) {
                    assert!(found.contains(&at), "{space}, data {kind}, dimension {dimension}: {at} of {found:?}");
                }
            }
        }
    }
}

#[test]
fn through_a_graph_lists_are_whole_and_near() {
    let Some(server) = Postgres::shared("through_a_graph_lists_are_whole_and_near") else { return };
    let address = server.database();
    let mut client = Client::connect(&address, NoTls).unwrap();
    let pool = self::pool(&address);
    let mut random = Random::new();
    for (space, kind, dimension) in [(Space::Cosine, 6, 12), (Space::L2, 5, 12), (Space::Ip, 5, 12)] {
        let rows = data(kind, 6000, dimension, &mut random);
        stored(&mut client, &rows);
        let hnsw = Hnsw::default();
        let what = ToBuild { table: "r", space, dimension, rows: 6000, hnsw, threads: 2, is_far: false };
        let built = self::built(&pool, &what, &|_| ControlFlow::Continue(())).unwrap();
        assert!(built.recall.unwrap() > 0.9 && built.rows == 6000, "{space} {built:?}");
        let known = graph(&pool).unwrap();
        assert_eq!(known.recall, built.recall);
        let (mut hits, mut found_hits) = (0, 0);
        for _ in 0..25 {
            let question = random.floats(dimension);
            for (filter, wanted) in [(None, 10), (None, 300), (Some("cent = 7"), 10), (Some("cent < 60"), 100)] {
                let found = asked(&pool, &searched(space, dimension, true), &question, filter, (wanted, false));
                let keep = |at: i64| filter.is_none_or(|f| if f.contains('=') { at % 100 == 7 } else { at % 100 < 60 });
                let all = ranked(space, &rows, &question, keep);
                let wanted = wanted.min(all.len());
                assert!(found.len() >= wanted, "{space} {filter:?}: {} of {wanted}", found.len());
                // One of several that are as near is as good as another: a graph may know only some of them.
                let last = all[wanted - 1].0 + 1e-9;
                let near = all.iter().take_while(|(distance, _)| *distance <= last);
                hits += wanted;
                found_hits += near.filter(|(_, at)| found.contains(at)).count().min(wanted);
            }
        }
        let share = f64::from(found_hits as u32) / f64::from(hits as u32);
        assert!(share > 0.98, "{space}: {share}");
        assert!(pool.write(|session| drop_graph(session.client(), "r")).unwrap().is_some() && graph(&pool).is_none());
    }
}

#[test]
fn long_embeddings_have_a_graph_of_what_can_be_indexed() {
    let Some(server) = Postgres::shared("long_embeddings_have_a_graph_of_what_can_be_indexed") else { return };
    let address = server.database();
    let mut client = Client::connect(&address, NoTls).unwrap();
    let pool = self::pool(&address);
    let mut random = Random::new();
    for dimension in [2001, 4097] {
        let rows = data(5, 300, dimension, &mut random);
        stored(&mut client, &rows);
        let what = ToBuild {
            table: "r",
            space: Space::Cosine,
            dimension,
            rows: 300,
            hnsw: Hnsw::default(),
            threads: 1,
            is_far: false,
        };
        let built = self::built(&pool, &what, &|_| ControlFlow::Continue(())).unwrap();
        assert!(built.recall.unwrap() > 0.5, "{dimension} {built:?}");
        let found = asked(&pool, &searched(Space::Cosine, dimension, true), &rows[7], None, (10, false));
        assert!(found.contains(&8) && found.len() >= 10);
    }
}

#[test]
fn a_build_can_be_stopped_and_leaves_nothing() {
    let Some(server) = Postgres::shared("a_build_can_be_stopped_and_leaves_nothing") else { return };
    let address = server.database();
    let mut client = Client::connect(&address, NoTls).unwrap();
    let pool = self::pool(&address);
    let mut random = Random::new();
    stored(&mut client, &data(5, 8000, 64, &mut random));
    let hnsw = Hnsw { ef_construction: 800, max_neighbors: 64, ..Hnsw::default() };
    let what = ToBuild { table: "r", space: Space::L2, dimension: 64, rows: 8000, hnsw, threads: 1, is_far: false };
    let stopped = built(&pool, &what, &|_| ControlFlow::Break(()));
    assert!(matches!(stopped, Err(crate::Error::Interrupted)), "{stopped:?}");
    assert!(graph(&pool).is_none());
}

#[test]
fn the_plan_takes_the_graph_where_it_is_meant_and_nowhere_else() {
    let Some(server) = Postgres::shared("the_plan_takes_the_graph_where_it_is_meant_and_nowhere_else") else { return };
    let address = server.database();
    let mut client = Client::connect(&address, NoTls).unwrap();
    let pool = self::pool(&address);
    let mut random = Random::new();
    let rows = data(5, 5000, 32, &mut random);
    stored(&mut client, &rows);
    let hnsw = Hnsw::default();
    for space in Space::ALL {
        let what = ToBuild { table: "r", space, dimension: 32, rows: 5000, hnsw, threads: 1, is_far: false };
        built(&pool, &what, &|_| ControlFlow::Continue(())).unwrap();
        let searched = searched(space, 32, true);
        let mut transaction = client.transaction().unwrap();
        let mut plan = |sql: &str, params: &Params| -> String {
            let rows = transaction.query(&format!("explain {sql}"), &params.values()).unwrap();
            rows.iter().map(|row| row.get::<_, String>(0) + "\n").collect()
        };
        let mut params = Params::default();
        let measured = Measured::new(space, &rows[0]);
        let sql = by_distance_sql(&searched, &measured, &Kept::All, 10, &mut params);
        let said = plan(&sql, &params);
        assert!(!said.contains("embedding_idx"), "{said}");
        let mut params = Params::default();
        let question = params.push(rows[0].clone(), "real[]");
        let said = plan(&searched.walk_sql("r", &question, "true", 20), &params);
        assert!(said.contains("embedding_idx") && said.contains("Order By"), "{said}");
    }
}
