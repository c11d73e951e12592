//! Random sequences of requests, and after each the same answer as the contract in plain memory.
//!
//! The contract is that of the library's test (`tests/library/model`). `HUEDB_SEED` runs a sequence again,
//! `HUEDB_REQUESTS` sets its length.

#[path = "../../library/model/contract.rs"]
#[allow(dead_code, reason = "shared with the library's test, which asks for more")]
mod contract;
#[path = "../../library/model/draw.rs"]
#[allow(dead_code, reason = "shared with the library's test, which asks for more")]
mod draw;
#[path = "../../library/model/filter.rs"]
#[allow(dead_code, reason = "shared with the library's test, which asks for more")]
mod filter;
#[path = "../../library/model/value.rs"]
#[allow(dead_code, reason = "shared with the library's test, which asks for more")]
mod value;

use huedb::record::Space;
use huedb::store::Mode;
use serde_json::{Map, Value as Json, json};

use crate::random::Random;
use crate::running::{DATABASE, Running};
use contract::{Change, Collection, Record};
use filter::Filter;

const REQUESTS: usize = 1500;
const NAMES: [&str; 3] = ["one", "two", "three"];

struct World {
    server: Running,
    /// What the contract says, and the path of the collection.
    collections: Vec<(Collection, String)>,
}

#[test]
fn every_request_is_answered_as_the_contract_says() {
    let mut random = Random::new();
    let requests = std::env::var("HUEDB_REQUESTS").map_or(REQUESTS, |given| given.parse().unwrap());
    eprintln!("HUEDB_SEED={} HUEDB_REQUESTS={requests}", random.seed());
    let server = Running::start(&[]);
    let make = |name: &str| {
        let space = [Space::L2, Space::Cosine, Space::Ip][NAMES.iter().position(|known| *known == name).unwrap()];
        let body = json!({"name": name, "configuration": {"hnsw": {"space": space.as_str()}}});
        let made = server.post(&format!("{DATABASE}/collections"), &body).json();
        let path = format!("{DATABASE}/collections/{}", made["id"].as_str().unwrap());
        (Collection { space, ..Collection::stand_in() }, path)
    };
    let collections = NAMES.map(make).into_iter().collect();
    let mut world = World { server, collections };
    for request in 0..requests {
        world.step(&mut random, request);
    }
    world.server.ok(&["check", "--deep"]);
}

impl World {
    fn step(&mut self, random: &mut Random, request: usize) {
        let at = random.below(self.collections.len());
        match random.below(10) {
            0..4 => self.write(random, at, request),
            4 => self.delete(random, at, request),
            5..7 => self.get(random, at, request),
            _ => self.query(random, at, request),
        }
        let (collection, path) = &self.collections[at];
        assert_eq!(self.server.get(&format!("{path}/count")).text, collection.records.len().to_string());
    }

    fn write(&mut self, random: &mut Random, at: usize, request: usize) {
        let mode = draw::pick(random, &[Mode::Add, Mode::Update, Mode::Upsert]);
        let count = if random.chance(5) { 200 } else { 1 + random.below(6) };
        let (collection, path) = &mut self.collections[at];
        let mut changes = draw::changes(random, collection, count, mode);
        if mode != Mode::Update {
            // Chroma asks for an embedding of each.
            let dimension = changes.iter().find_map(|change| change.embedding.as_ref().map(Vec::len)).unwrap_or(3);
            for change in &mut changes {
                change.embedding.get_or_insert_with(|| (0..dimension).map(|_| random.below(9) as f32).collect());
            }
        }
        let route = match mode {
            Mode::Add => "add",
            Mode::Update => "update",
            Mode::Upsert => "upsert",
        };
        let body = body_of(&changes, mode);
        let answer = self.server.post(&format!("{path}/{route}"), &body);
        match collection.apply(&changes, mode) {
            Ok(_) => assert!(matches!(answer.status, 200 | 201), "{request}: {route} {body}: {}", answer.text),
            Err(_) => assert!(matches!(answer.status, 400 | 422), "{request}: {route} {body}: {}", answer.text),
        }
    }

    fn delete(&mut self, random: &mut Random, at: usize, request: usize) {
        let (collection, path) = &mut self.collections[at];
        let ids: Vec<String> = (0..=random.below(6)).map(|_| draw::id_in(random, collection)).collect();
        let filter = random.chance(50).then(|| Filter::draw(random, 2));
        let limit = filter.is_some().then(|| random.below(9));
        let mut body = Map::new();
        let asks_ids = filter.is_none() || random.chance(50);
        if asks_ids {
            body.insert("ids".into(), json!(ids));
        }
        if let (Some(filter), Some(limit)) = (&filter, limit) {
            body.insert("where".into(), filter.json());
            body.insert("limit".into(), limit.into());
        }
        let body = Json::from(body);
        let answer = self.server.post(&format!("{path}/delete"), &body);
        let mut doomed = collection.matching(asks_ids.then_some(&ids), filter.as_ref());
        doomed.truncate(limit.unwrap_or(usize::MAX));
        let deleted = collection.delete(&doomed);
        assert_eq!(answer.text, format!("{{\"deleted\":{deleted}}}"), "{request}: delete {body}");
    }

    fn get(&mut self, random: &mut Random, at: usize, request: usize) {
        let (collection, path) = &self.collections[at];
        let filter = random.chance(60).then(|| Filter::draw(random, 3));
        let ids: Option<Vec<String>> =
            random.chance(25).then(|| (0..random.below(30)).map(|_| draw::id_in(random, collection)).collect());
        let (offset, limit) = (random.below(4), random.chance(50).then(|| random.below(30)));
        let include = ["documents", "metadatas", "uris", "embeddings"];
        let body = json!({"ids": ids, "where": filter.as_ref().map(Filter::json), "offset": offset, "limit": limit, "include": include});
        let answer = self.server.post(&format!("{path}/get"), &body);
        assert_eq!(answer.status, 200, "{request}: get {body}: {}", answer.text);
        let found = collection.matching(ids.as_deref(), filter.as_ref());
        let found: Vec<&Record> = found
            .into_iter()
            .skip(offset)
            .take(limit.unwrap_or(usize::MAX))
            .map(|at| &collection.records[at])
            .collect();
        let column = |of: &dyn Fn(&Record) -> Json| found.iter().map(|record| of(record)).collect::<Json>();
        let said = answer.json();
        for (name, expected) in [
            ("ids", column(&|record| json!(record.id))),
            ("documents", column(&|record| json!(record.document))),
            ("uris", column(&|record| json!(record.uri))),
            ("metadatas", column(&|record| metadata(record))),
        ] {
            assert_eq!(said[name], expected, "{request}: get {body}: {name}");
        }
        let embeddings: Vec<Vec<f32>> = serde_json::from_value(said["embeddings"].clone()).unwrap();
        let bits = |embedding: &[f32]| embedding.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        let expected: Vec<_> = found.iter().map(|record| bits(&record.embedding)).collect();
        assert_eq!(
            embeddings.iter().map(|embedding| bits(embedding)).collect::<Vec<_>>(),
            expected,
            "{request}: get {body}"
        );
    }

    fn query(&mut self, random: &mut Random, at: usize, request: usize) {
        let (collection, path) = &self.collections[at];
        let Some(dimension) = collection.dimension else { return };
        let questions: Vec<Vec<f32>> =
            (0..=random.below(3)).map(|_| draw::embedding(random, collection, dimension)).collect();
        let filter = random.chance(40).then(|| Filter::draw(random, 2));
        let top = random.below(12);
        let body = json!({"query_embeddings": questions, "n_results": top, "where": filter.as_ref().map(Filter::json), "include": ["distances"]});
        let answer = self.server.post(&format!("{path}/query"), &body);
        assert_eq!(answer.status, 200, "{request}: query {body}: {}", answer.text);
        let said = answer.json();
        let among = collection.matching(None, filter.as_ref());
        for (question, (ids, distances)) in
            questions.iter().zip(said["ids"].as_array().unwrap().iter().zip(said["distances"].as_array().unwrap()))
        {
            let expected: Vec<(usize, f64)> = collection.ranked(question, &among).into_iter().take(top).collect();
            assert_eq!(ids.as_array().unwrap().len(), expected.len(), "{request}: query {body}");
            for (place, (at, distance)) in expected.iter().enumerate() {
                let found = distances[place].as_f64().unwrap();
                assert!(
                    (found - distance).abs() <= 1e-4 * (1.0 + distance.abs()),
                    "{request}: {found} {distance}, query {body}"
                );
                if collection.has_exact_distances() {
                    assert_eq!(ids[place], collection.records[*at].id.as_str(), "{request}: query {body}");
                }
            }
        }
    }
}

fn metadata(record: &Record) -> Json {
    // Metadata without keys reads back as null.
    if record.metadata.is_empty() {
        return Json::Null;
    }
    record.metadata.iter().map(|(key, value)| (key.clone(), value.json())).collect::<Map<_, _>>().into()
}

fn body_of(changes: &[Change], mode: Mode) -> Json {
    let metadata = |change: &Change| {
        let value = |(key, value): (&String, &Option<value::Value>)| {
            (key.clone(), value.as_ref().map_or(Json::Null, value::Value::json))
        };
        Json::Object(change.metadata.iter().map(value).collect())
    };
    let embeddings: Vec<&Option<Vec<f32>>> = changes.iter().map(|change| &change.embedding).collect();
    let none = mode == Mode::Update && embeddings.iter().all(|embedding| embedding.is_none());
    json!({
        "ids": changes.iter().map(|change| &change.id).collect::<Vec<_>>(),
        "embeddings": if none { Json::Null } else { json!(embeddings) },
        "documents": changes.iter().map(|change| &change.document).collect::<Vec<_>>(),
        "uris": changes.iter().map(|change| &change.uri).collect::<Vec<_>>(),
        "metadatas": changes.iter().map(metadata).collect::<Vec<_>>(),
    })
}
