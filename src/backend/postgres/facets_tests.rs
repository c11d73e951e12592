//! What `distinct` and `keys` say of a file and of PostgreSQL: the same.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::backend::{Backend, PostgresBackend, Records};
use crate::postgres_server::Postgres;
use crate::query::{Filter, RecordQuery};
use crate::random::Random;
use crate::record::{CollectionName, NewRecord, RecordId, Scope};
use crate::store::{Access, Mode, NewCollection, Store};

const KEYS: [&str; 6] = ["a", "b", "b.c", "é\"'\\", "half", ""];

/// A value of any kind; equal ones of different types are frequent.
fn value(random: &mut Random) -> Json {
    let long = |n: u64| format!("{}{n}", "ö".repeat(200));
    let text = |random: &mut Random| -> String {
        match random.below(6) {
            0 => long(random.below(3)),
            1 => "1.5".into(),
            2 => "true".into(),
            3 => "Z\u{301}\n".into(),
            n => format!("t{n}"),
        }
    };
    let float = |random: &mut Random| *random.pick(&[1.0, 2.0, -0.5, 1e300, 9_007_199_254_740_993.0, 0.0]);
    let int =
        |random: &mut Random| *random.pick(&[1_i64, 2, 9_007_199_254_740_993, 9_007_199_254_740_992, i64::MAX, -7]);
    let times = 1 + random.below(3);
    match random.below(9) {
        0 => json!(random.below(2) == 0),
        1 | 2 => json!(int(random)),
        3 => json!(float(random)),
        4 => json!(text(random)),
        5 => json!((0..times).map(|_| text(random)).collect::<Vec<_>>()),
        6 => json!((0..times).map(|_| int(random)).collect::<Vec<_>>()),
        7 => json!((0..times).map(|_| float(random)).collect::<Vec<_>>()),
        _ if random.below(2) == 0 => json!([random.below(2) == 0]),
        _ => json!({"#type": "sparse_vector", "indices": [1, 4], "values": [0.5, 1.0]}),
    }
}

#[test]
fn values_and_keys_are_those_of_a_file() {
    let Some(server) = Postgres::shared("values_and_keys_are_those_of_a_file") else { return };
    let mut random = Random::new();
    let folder = TempDir::new().unwrap();
    let store = Store::open(folder.path().join("facets.redb"), Access::Create).unwrap();
    store.create_collection(CollectionName::parse("notes").unwrap(), NewCollection::default()).unwrap();
    let notes = store.collection("notes").unwrap();
    let rows = (0..600).map(|n| {
        let mut metadata = serde_json::Map::new();
        for key in KEYS.iter().take(5) {
            if random.below(3) > 0 {
                metadata.insert((*key).to_owned(), value(&mut random));
            }
        }
        metadata.insert("half".into(), json!(n % 2 == 0));
        let row = NewRecord::new(format!("r{n}")).unwrap().with_embedding(vec![1.0, 2.0]);
        row.with_document(format!("text {}", n % 7)).with_metadata(Json::Object(metadata)).unwrap()
    });
    notes.write_rows(rows.collect::<Vec<_>>(), Mode::Add).unwrap();
    let place = PostgresBackend::connect(&server.database(), Scope::default(), Duration::from_secs(30)).unwrap();
    place.adopt_collection(notes.view().unwrap().info().clone()).unwrap();
    let there = place.collection("notes".into());
    there.put(notes.scan(None, 10_000).unwrap().records).unwrap();
    let half = || Filter::parse("half = true").unwrap();
    let pairs: [(Arc<dyn Records>, Arc<dyn Records>); 2] =
        [(Arc::new(notes.clone()), Arc::clone(&there)), (Arc::new(notes.only(half())), there.only(half()))];
    // The last is tested here, for PostgreSQL cannot say it.
    let filters = ["", "a > 1", "b = 'true' or half = false", "#document contains 'text 3'", r"#document ~ '\b[36]$'"];
    for (here, there) in pairs {
        for filter in filters {
            let filter = (!filter.is_empty()).then(|| Filter::parse(filter).unwrap());
            for ids in [None, Some((0..300).map(|n| RecordId::parse(format!("r{}", n * 3)).unwrap()).collect())] {
                let among = RecordQuery { ids, filter: filter.clone(), ..RecordQuery::default() };
                assert_eq!(there.keys(&among).unwrap(), here.keys(&among).unwrap(), "{filter:?}");
                for key in KEYS {
                    let [far, near] = [&there, &here].map(|records| records.distinct(key, &among).unwrap());
                    assert_eq!(far, near, "{key:?} {filter:?}");
                }
            }
        }
    }
}
