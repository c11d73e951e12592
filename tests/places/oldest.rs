//! PostgreSQL with a pgvector before 0.8: everything works, and no search goes through a graph.

use std::time::Duration;

use huedb::backend::{Backend, PostgresBackend, Records};
use huedb::query::{Filter, Query, RecordQuery};
use huedb::record::{CollectionName, DumpRecord, Record, RecordId, Scope, Space};
use huedb::store::{Access, NewCollection, Store};
use tempfile::TempDir;

use crate::open::options;
use crate::postgres_server::Postgres;
use crate::random::Random;

const RECORDS: usize = 1500;
const DIMENSION: usize = 12;

fn hits(records: &dyn Records, query: &Query) -> Vec<(String, f32)> {
    let answer = records.state().unwrap().query(query).unwrap();
    answer.hits[0].iter().map(|hit| (hit.record.id.to_string(), hit.distance)).collect()
}

#[test]
fn a_pgvector_too_old_for_graphs_is_searched_without_one() {
    let test = "a_pgvector_too_old_for_graphs_is_searched_without_one";
    let Some(server) = Postgres::start_oldest(test) else { return };
    let address = server.database();
    let place = PostgresBackend::connect(&address, Scope::default(), Duration::from_secs(20)).unwrap();
    let folder = TempDir::new().unwrap();
    let file = Store::open_with(folder.path().join("file.redb"), Access::Create, &options()).unwrap();
    let mut random = Random::new();
    for space in Space::ALL {
        let name = CollectionName::parse(format!("notes-{space}")).unwrap();
        let new = NewCollection { space, ..NewCollection::default() };
        file.create_collection(name.clone(), new.clone()).unwrap();
        place.create_collection(name.clone(), new).unwrap();
        let here = file.collection(name.as_str()).unwrap();
        let there = place.collection(name.as_str().into());
        let record = |n: usize, random: &mut Random| {
            let embedding = if n % 100 == 7 { vec![0.0; DIMENSION] } else { random.vector(DIMENSION) };
            let metadata = serde_json::json!({"n": n % 50, "name": format!("name {n}")});
            let record = Record {
                id: RecordId::parse(format!("r{n}")).unwrap(),
                embedding: Some(embedding),
                document: Some(format!("the text of record {n}")),
                uri: None,
                metadata: Some(huedb::record::Metadata::from_json(metadata).unwrap()),
            };
            DumpRecord { record, embedded_here: false }
        };
        let records: Vec<DumpRecord> = (0..RECORDS).map(|n| record(n, &mut random)).collect();
        for collection in [&here as &dyn Records, there.as_ref()] {
            collection.put(records.clone()).unwrap();
            let gone = RecordQuery { filter: Some(Filter::parse("n = 49").unwrap()), ..RecordQuery::default() };
            assert_eq!(collection.delete_where(&gone).unwrap(), 30);
        }
        assert_eq!(there.digests().unwrap(), here.digests().unwrap());
        let refused = there.build_index(2, &|_| std::ops::ControlFlow::Continue(())).unwrap_err();
        assert!(refused.to_string().contains("pgvector 0.6.2"), "{refused}");
        assert!(refused.hint().unwrap().contains("0.8.4"), "{refused}");
        // An index that somebody makes by hand would end most searches too early: after 40 hits, before the filter.
        let mut client = server.client(address.rsplit_once('/').unwrap().1);
        let sql = "select 'huedb.c_' || number from huedb.collection where name = $1";
        let table: String = client.query_one(sql, &[&name.as_str()]).unwrap().get(0);
        let class = match space {
            Space::L2 => "vector_l2_ops",
            Space::Ip => "vector_ip_ops",
            Space::Cosine => "vector_cosine_ops",
        };
        let index = format!("create index on {table} using hnsw ((embedding::vector({DIMENSION})) {class})");
        client.batch_execute(&format!("{index}; analyze {table}")).unwrap();
        assert!(there.index_facts().unwrap().is_none());
        for _ in 0..15 {
            let query = Query::vector(random.vector(DIMENSION)).top(200);
            assert_eq!(hits(there.as_ref(), &query), hits(&here, &query), "{space}");
            let query = query.filter(Some(Filter::parse("n < 2 and name != 'name 1'").unwrap()));
            let found = hits(there.as_ref(), &query);
            assert_eq!(found.len(), 59);
            assert_eq!(found, hits(&here, &query), "{space}");
        }
    }
    let facts = place.facts().unwrap();
    assert!(facts.made_by.contains("pgvector 0.6.2"), "{facts:?}");
    assert!(facts.more.iter().any(|(name, _)| *name == "warning"), "{facts:?}");
}
