//! Random operations on a file and on PostgreSQL, side by side: every call has the same answer, to the last field of an error.
//!
//! What the model knows (`modelled.rs`: collections and their settings, databases, searches) is left to it; here is what it has not:
//! parts of documents, records as they travel, digests, what an ingest looks up, copies. Invariant: what differs is shown whole.
//!
//! `HUEDB_SEED` runs a sequence again, `HUEDB_OPERATIONS` sets its length.

#![allow(clippy::redundant_closure_for_method_calls, reason = "methods of trait objects take closures better")]

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use huedb::backend::{Backend, FileBackend, PostgresBackend, Records, Which};
use huedb::error::Result;
use huedb::ingest::RowBatch;
use huedb::query::{Filter, RecordPage, RecordQuery, Sort};
use huedb::record::{Chunk, CollectionName, MetadataPatch, Record, RecordId, Scope, Space};
use huedb::store::{Access, Change, Form, Include, Mode, NewCollection, Store};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::postgres_server::Postgres;
use crate::random::Random;

const NAMES: [&str; 3] = ["aaa", "bbb", "ccc"];
const MODES: [Mode; 3] = [Mode::Add, Mode::Update, Mode::Upsert];
const FILTERS: [&str; 12] = [
    "year > 3",
    "year <= 2.5",
    "lang = 'en'",
    "lang != 'de'",
    "year in (1, 2.0, 9007199254740993)",
    "tags contains 'a'",
    "#document contains 'fox'",
    "#document not contains 'fox'",
    "#id starts with 'i1'",
    "year exists and lang = 'en' or #uri = 'u1'",
    r#"{"f": {"$contains": 1.0}}"#,
    r##"{"#document": {"$regex": "\\bfo.$"}}"##,
];

struct World {
    _folder: TempDir,
    places: [Arc<dyn Backend>; 2],
}

/// What both answered, or both refused.
fn same<T: Debug>(what: &str, answers: [Result<T>; 2]) -> Option<[T; 2]> {
    let shown = answers.each_ref().map(|answer| match answer {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("refused: {error:?}"),
    });
    let [file, far] = &shown;
    assert_eq!(file, far, "{what}");
    let [Ok(file), Ok(far)] = answers else { return None };
    Some([file, far])
}

impl World {
    fn new(address: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let file = Store::open(folder.path().join("alike.redb"), Access::Create).unwrap();
        let far = PostgresBackend::connect(address, Scope::default(), Duration::from_secs(20)).unwrap();
        Self { _folder: folder, places: [Arc::new(FileBackend::new(file)), Arc::new(far)] }
    }

    fn both<T: Debug>(&self, what: &str, work: impl Fn(&dyn Backend) -> Result<T>) -> Option<[T; 2]> {
        same(what, self.places.each_ref().map(|place| work(place.as_ref())))
    }

    fn records<T: Debug>(&self, what: &str, name: &str, work: impl Fn(&dyn Records) -> Result<T>) -> Option<[T; 2]> {
        self.both(what, |place| work(place.collection(name.into()).as_ref()))
    }

    fn step(&self, random: &mut Random) {
        let name = NAMES[random.below(NAMES.len())];
        match random.below(100) {
            0..5 => self.create(random, name),
            5..7 => drop(self.both("drop", |place| Ok(place.drop_collection(name)?.0))),
            7..10 => {
                let to = NAMES[random.below(NAMES.len())];
                self.records("copy", name, |records| {
                    let made = records.copy(CollectionName::parse(to)?)?;
                    Ok((made.name, made.dimension, made.space))
                });
                // The copies' identities differ.
                self.both("drop a copy", |place| place.drop_collection(to).map(|(_, counts)| counts.records));
            }
            10..45 => self.apply(random, name),
            45..60 => self.write_batch(random, name),
            60..65 => {
                let (query, n) = (query(random), random.below(9));
                let change = |id| Change { metadata: patch(json!({"year": n, "lang": null})), ..bare(id) };
                self.records("update_where", name, |records| records.update_where(&query, &change, true, None));
            }
            65..70 => {
                let query = query(random);
                self.records(&format!("delete {query:?}"), name, |records| records.delete_where(&query));
            }
            70..74 => self.put(random, name),
            74..90 => self.find(random, name),
            _ => self.look(name),
        }
    }

    fn create(&self, random: &mut Random, name: &str) {
        let space = Space::ALL[random.below(Space::ALL.len())];
        let metadata = random.chance(50).then(|| huedb::Metadata::from_json(json!({"a": 1.0, "b": [1, 2]})).unwrap());
        let new = || NewCollection { space, metadata: metadata.clone(), ..NewCollection::default() };
        let [file, far] = &self.places;
        let made = file.create_collection(CollectionName::parse(name).unwrap(), new());
        match made {
            Ok(info) => {
                far.adopt_collection(info.clone()).unwrap();
                far.adopt_collection(info).unwrap();
            }
            Err(error) => {
                let refused = far.create_collection(CollectionName::parse(name).unwrap(), new()).unwrap_err();
                assert_eq!(format!("{error:?}"), format!("{refused:?}"));
            }
        }
    }

    fn apply(&self, random: &mut Random, name: &str) {
        let mode = MODES[random.below(3)];
        let changes: Vec<Change> = (0..random.below(8)).map(|_| change(random)).collect();
        self.records(&format!("{mode} {changes:?}"), name, |records| records.apply(changes.clone(), mode));
    }

    fn write_batch(&self, random: &mut Random, name: &str) {
        let mut changes = Vec::new();
        for _ in 0..random.below(4) {
            let change = change(random);
            let replaces_whole = random.chance(50);
            match random.below(3) {
                0 => changes.push((change, Form::Record)),
                1 => changes.push((change, Form::Whole)),
                _ => {
                    let (of, count) = (change.id.clone(), 1 + random.below(3) as u64);
                    for number in 0..count {
                        let part = Chunk { of: of.clone(), number, count };
                        let mut change = Change { id: Chunk::id(&of, number), ..change.clone() };
                        if part.describe(&mut change.metadata, &(0..1)).is_ok() {
                            changes.push((change, Form::Part { part, replaces_whole }));
                        }
                    }
                }
            }
        }
        let (mode, keep_embeddings) = (MODES[random.below(3)], random.chance(50));
        self.records(&format!("{mode} {changes:?}"), name, |records| {
            let changes = changes.clone();
            let done = records.write_batch(RowBatch { changes, mode, keep_embeddings, embedded_by: None })?;
            Ok((done.effects, done.removed))
        });
    }

    fn put(&self, random: &mut Random, name: &str) {
        let ids: Vec<RecordId> = (0..random.below(6)).map(|_| id(random)).collect();
        let Some([mut dumps, _]) = self.records("dump", name, |records| records.dump(&ids)) else { return };
        for dump in &mut dumps {
            dump.embedded_here ^= random.chance(50);
            dump.record.document = Some(text(random));
            if random.chance(50) {
                dump.record.id = id(random);
            }
        }
        self.records(&format!("put {dumps:?}"), name, |records| records.put(dumps.clone()));
    }

    fn find(&self, random: &mut Random, name: &str) {
        let query = query(random);
        let only = random.chance(20).then(|| filter(random));
        let include = if random.chance(50) { Include::ALL } else { Include::NONE };
        self.records(&format!("find {query:?} only {only:?}"), name, |records| match &only {
            None => read(&records.find(&query, include)?),
            Some(filter) => {
                let part = records.only(filter.clone());
                let refused = part.apply(Vec::new(), Mode::Add).unwrap_err();
                assert!(refused.to_string().contains("a part of a collection"));
                let digests = part.state()?.counts().records;
                assert_eq!(digests, part.count()?);
                read(&part.find(&query, include)?)
            }
        });
    }

    fn look(&self, name: &str) {
        let list = |place: &dyn Backend| {
            let all = place.collections()?.into_iter();
            Ok(all.map(|(info, counts)| (info, counts.records, counts.deleted)).collect::<Vec<_>>())
        };
        self.both("collections", list);
        self.records("digests", name, |records| records.digests());
        self.records("scan", name, |records| {
            let first = records.scan(None, 3)?;
            let rest = first.next.map(|next| records.scan(Some(next), 1000)).transpose()?;
            Ok((first.records, rest.map(|rest| rest.records)))
        });
        self.records("keys", name, |records| {
            let state = records.state()?;
            let mut kinds = state.key_kinds()?;
            kinds.sort_by(|a, b| a.0.cmp(&b.0));
            Ok((state.metadata_keys()?, kinds, state.has_no_records(), records.keys(&RecordQuery::default())?))
        });
        self.records("looked up", name, |records| {
            let existing = records.existing()?;
            let ids: Vec<RecordId> = (0..6).map(|n| RecordId::parse(format!("i{n}")).unwrap()).collect();
            existing.look_up(&mut ids.iter().cloned())?;
            let found = ids.iter().map(|id| existing.stored(id)).collect::<Result<Vec<_>>>()?;
            Ok((found, existing.having("lang", "en")?, existing.exists(&id_of("none"))?))
        });
        if let Some([Some(id), _]) = self.records("identity", name, |records| Ok(Some(records.state()?.info().id))) {
            self.both("by identity", |place| Ok((place.name_by_id(id)?, place.collection(Which::Id(id)).count()?)));
        }
    }
}

type Read = (usize, Option<usize>, Vec<Record>);

fn read(page: &RecordPage) -> Result<Read> {
    Ok((page.len(), page.dimension(), page.records().collect::<Result<_>>()?))
}

fn id_of(id: &str) -> RecordId {
    RecordId::parse(id).unwrap()
}

fn id(random: &mut Random) -> RecordId {
    let n = random.below(20);
    id_of(&if random.chance(5) { format!("i{n}#{}", random.below(3)) } else { format!("i{n}") })
}

fn text(random: &mut Random) -> String {
    ["a red fox", "a lazy dog", "", "fox\nfog", "é % _ \\ '"][random.below(5)].to_owned()
}

fn patch(json: Json) -> MetadataPatch {
    MetadataPatch::from_json(json).unwrap()
}

fn bare(id: RecordId) -> Change {
    Change { id, embedding: None, embedded_here: false, document: None, uri: None, metadata: MetadataPatch::default() }
}

fn value(random: &mut Random) -> Json {
    let sparse = json!({"#type": "sparse_vector", "indices": [1, 7], "values": [-0.0, 2.0], "tokens": ["a", "b"]});
    [
        json!(random.below(6)),
        json!(random.below(6) as f64 / 2.0),
        json!(9_007_199_254_740_993_i64),
        json!("en"),
        json!("de"),
        json!(random.chance(50)),
        json!(["a", "b"]),
        json!([1, 2]),
        json!([1.0, 0.5]),
        json!([true]),
        json!(1e300),
        sparse,
        Json::Null,
    ][random.below(13)]
    .clone()
}

fn change(random: &mut Random) -> Change {
    let mut metadata = serde_json::Map::new();
    for key in ["year", "lang", "tags", "f"] {
        if random.chance(40) {
            metadata.insert(key.to_owned(), value(random));
        }
    }
    if random.chance(90) {
        metadata.retain(|_, value| !value.is_null());
    }
    let dimension = if random.chance(97) { 3 } else { 2 };
    let embedding = match random.below(10) {
        0 => vec![0.0; dimension],
        1 => vec![-0.0; dimension],
        2 => vec![f32::INFINITY; dimension],
        _ => random.vector(dimension),
    };
    let embedding = if random.chance(98) && embedding[0].is_infinite() { vec![1.0; dimension] } else { embedding };
    Change {
        embedding: random.chance(80).then_some(embedding),
        embedded_here: random.chance(50),
        document: random.chance(70).then(|| text(random)),
        uri: random.chance(30).then(|| format!("u{}", random.below(3))),
        metadata: patch(Json::Object(metadata)),
        ..bare(id(random))
    }
}

fn filter(random: &mut Random) -> Filter {
    Filter::parse(FILTERS[random.below(FILTERS.len())]).unwrap()
}

fn query(random: &mut Random) -> RecordQuery {
    RecordQuery {
        ids: random.chance(30).then(|| (0..random.below(8)).map(|_| id(random)).collect()),
        filter: random.chance(60).then(|| filter(random)),
        offset: if random.chance(30) { random.below(4) as u64 } else { 0 },
        limit: random.chance(40).then(|| random.below(6) as u64),
        sort: random.chance(30).then(|| Sort { key: "year".into(), descending: random.chance(50) }),
    }
}

#[test]
fn a_file_and_postgresql_answer_alike() {
    let Some(server) = Postgres::shared("a_file_and_postgresql_answer_alike") else { return };
    let mut random = Random::new();
    let operations = std::env::var("HUEDB_OPERATIONS").map_or(1500, |given| given.parse().unwrap());
    eprintln!("HUEDB_SEED={} HUEDB_OPERATIONS={operations}", random.seed());
    let world = World::new(&server.database());
    for _ in 0..operations {
        world.step(&mut random);
    }
    for name in NAMES {
        world.look(name);
    }
}
