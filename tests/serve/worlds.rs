//! Two worlds that differ only in what a token's filter hides: everything its holder can ask for is answered alike.
//!
//! `HUEDB_SEED` runs a sequence again, `HUEDB_REQUESTS` sets its length.

use std::fs;

use serde_json::{Value as Json, json};

use crate::random::Random;
use crate::running::{DATABASE, Running};

const REQUESTS: usize = 600;
const SHOWN: usize = 40;
const WORDS: [&str; 6] = ["fox", "dog", "tax", "whale", "red", "deep"];

/// Records that the token shows, and those that it hides.
fn record(random: &mut Random, id: &str, user: &str) -> Json {
    let mut metadata = json!({"user": user, "n": random.below(9), "tags": [WORDS[random.below(6)], "all"]});
    if random.chance(30) {
        metadata[format!("{user}-key")] = json!(random.below(3));
    }
    metadata["sparse"] =
        json!({"#type": "sparse_vector", "indices": [random.below(4), 5 + random.below(4)], "values": [1.5, 0.5]});
    let words: Vec<&str> = (0..3).map(|_| WORDS[random.below(6)]).collect();
    json!({"ids": [id], "embeddings": [random.vector(3)], "metadatas": [metadata], "documents": [words.join(" ")]})
}

fn filter(random: &mut Random) -> Json {
    match random.below(7) {
        0 => json!({"user": "bob"}),
        1 => json!({"user": {"$ne": "ann"}}),
        2 => json!({"$or": [{"user": "bob"}, {"n": {"$gte": random.below(9)}}]}),
        3 => json!({"tags": {"$contains": WORDS[random.below(6)]}}),
        4 => json!({"bob-key": {"$nin": [1, 2]}}),
        5 => json!({"n": {"$lt": random.below(9)}}),
        _ => json!({"#id": {"$in": ["hidden-1", "shown-2", "none"]}}),
    }
}

fn id(random: &mut Random) -> String {
    let kind = ["shown", "hidden", "none"][random.below(3)];
    format!("{kind}-{}", random.below(SHOWN))
}

/// Returns a method, what comes after the collection's path, and a body.
fn request(random: &mut Random) -> (&'static str, String, Json) {
    let ids: Vec<String> = (0..=random.below(3)).map(|_| id(random)).collect();
    let include = json!(["documents", "metadatas", "embeddings"]);
    match random.below(15) {
        0 => ("POST", "/get".into(), json!({"ids": ids, "include": include})),
        1 => (
            "POST",
            "/get".into(),
            json!({"where": filter(random), "limit": random.below(9), "offset": random.below(5)}),
        ),
        2 => (
            "POST",
            "/get".into(),
            json!({"where_document": {"$contains": WORDS[random.below(6)]}, "include": include}),
        ),
        3 => ("GET", "/count".into(), Json::Null),
        4 => {
            let dimension = if random.chance(90) { 3 } else { 2 };
            let body = json!({"query_embeddings": [random.vector(dimension)], "n_results": 1 + random.below(60)});
            ("POST", "/query".into(), body)
        }
        5 => {
            let body = json!({"query_embeddings": [random.vector(3)], "ids": ids, "n_results": 5});
            ("POST", "/query".into(), body)
        }
        6 => {
            let body = json!({"query_embeddings": [random.vector(3)], "where": filter(random), "include": ["distances", "metadatas"]});
            ("POST", "/query".into(), body)
        }
        7 => {
            let knn = json!({"$knn": {"query": random.vector(3), "limit": 1 + random.below(30), "return_rank": random.chance(50)}});
            let search = json!({"rank": {"$sum": [{"$mul": [knn, {"$val": 2}]}, {"$val": 1}]}, "limit": {"limit": 20}, "select": {"keys": ["#document", "#score", "#metadata"]}});
            ("POST", "/search".into(), json!({"searches": [search]}))
        }
        8 => {
            let sparse = json!({"indices": [random.below(4), 6], "values": [1.0, 2.0]});
            let rank = json!({"$knn": {"query": sparse, "key": "sparse", "limit": 20, "default": 5}});
            (
                "POST",
                "/search".into(),
                json!({"searches": [{"rank": rank, "filter": filter(random), "limit": {"limit": 9, "offset": random.below(3)}, "select": {"keys": ["#score"]}}]}),
            )
        }
        9 => {
            let rank = json!({"$knn": {"query": {"indices": [3], "values": [1.0]}, "key": "#document", "limit": 9}});
            (
                "POST",
                "/search".into(),
                json!({"searches": [{"rank": rank, "select": {"keys": ["#score"]}}, {"limit": {"limit": 4}}]}),
            )
        }
        10 => (
            "GET",
            format!(
                "/huedb{}",
                [
                    "/keys",
                    "/distinct?key=user",
                    "/distinct?key=bob-key",
                    "/stats?sample=1000",
                    "/export",
                    "/map?key=user",
                    "/where?where=bob-key=1"
                ][random.below(7)]
            ),
            Json::Null,
        ),
        11 => ("GET", ["/indexing_status", "/fork_count", ""][random.below(3)].into(), Json::Null),
        12 => ("POST", "/delete".into(), json!({"ids": ids})),
        13 => ("POST", "/delete".into(), json!({"where": filter(random), "limit": random.below(2)})),
        _ => {
            let what = ["/add", "/upsert", "/update", "/fork"][random.below(4)];
            ("POST", what.into(), json!({"ids": ids, "embeddings": [[1, 2, 3]], "new_name": "copy"}))
        }
    }
}

/// A world, as the holder of the token sees it.
struct World {
    server: Running,
    token: String,
    admin: String,
}

impl World {
    fn add(&self, collection: &str, record: &Json) {
        let added = self.server.with(&self.admin, "POST", &format!("{DATABASE}/collections/{collection}/add"), record);
        assert_eq!(added.status, 201, "{}", added.text);
    }

    fn ask(&self, name: &str, id: &str, (method, rest, body): &(&str, String, Json)) -> (u16, String) {
        let path = match rest.strip_prefix("/huedb") {
            Some(rest) => {
                let own = DATABASE.replace("/api/v2", "/huedb/v1");
                format!("{own}/collections/{id}{rest}")
            }
            None if rest.is_empty() => format!("{DATABASE}/collections/{name}"),
            None => format!("{DATABASE}/collections/{id}{rest}"),
        };
        let answer = self.server.with(&self.token, method, &path, body);
        (answer.status, answer.text)
    }
}

#[test]
fn a_filtered_token_learns_nothing_of_what_it_hides() {
    let mut random = Random::new();
    let requests = std::env::var("HUEDB_REQUESTS").map_or(REQUESTS, |given| given.parse().unwrap());
    eprintln!("HUEDB_SEED={} HUEDB_REQUESTS={requests}", random.seed());
    let first = Running::start(&[]);
    let mut ids = Vec::new();
    for name in ["notes", "empty"] {
        let path = first.collection(name);
        ids.push(path.rsplit('/').next().unwrap().to_owned());
        first.ok(&["index", "build", name, "--hybrid"]);
    }
    let token = first.token(&["ann", "--role", "writer", "--where", "user = 'ann'"]);
    let admin = first.token(&["admin", "--role", "admin"]);
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let folder = first.kill();
    fs::copy(folder.path().join("test.redb"), other.path().join("test.redb")).unwrap();
    fs::copy(folder.path().join("test.redb"), one.path().join("test.redb")).unwrap();
    let world = |folder| World { server: Running::over(folder, &[]), token: token.clone(), admin: admin.clone() };
    let worlds = [world(one), world(other)];
    for at in 0..SHOWN {
        let shown = record(&mut random, &format!("shown-{at}"), "ann");
        for world in &worlds {
            world.add(&ids[0], &shown);
        }
        // One world has more, before and between.
        for _ in 0..random.below(3) {
            let id = format!("hidden-{}", random.next());
            worlds[1].add(&ids[0], &record(&mut random, &id, "bob"));
        }
        worlds[1].add(&ids[at % 2], &record(&mut random, &format!("hidden-{at}"), "bob"));
    }
    let mut seen = std::collections::BTreeSet::new();
    for at in 0..requests {
        let asked = request(&mut random);
        let which = usize::from(random.chance(20));
        let name = ["notes", "empty"][which];
        let [one, other] = worlds.each_ref().map(|world| world.ask(name, &ids[which], &asked));
        assert_eq!(one, other, "request {at}: {asked:?} of {name}");
        assert!(
            !one.1.contains("hidden-") || one.0 >= 400 && asked.2.to_string().contains("hidden-"),
            "{asked:?}: {}",
            one.1
        );
        seen.insert((asked.0, asked.1.clone(), one.0));
    }
    // Most of what can be asked for was, and with success.
    assert!(seen.iter().filter(|(.., status)| *status == 200).count() >= 12, "{seen:?}");
    let lists = worlds.each_ref().map(|world| {
        let path = format!("{DATABASE}/collections");
        world.server.with(&token, "GET", &path, &Json::Null).text
    });
    assert_eq!(lists[0], lists[1]);
    // What was hidden is still there.
    let left = worlds[1].server.with(&admin, "GET", &format!("{DATABASE}/collections/{}/count", ids[1]), &Json::Null);
    assert_eq!(left.text, (SHOWN / 2).to_string());
    for path in ["/huedb/v1/info", "/huedb/v1/backup", "/metrics"] {
        assert_eq!(worlds[1].server.with(&token, "GET", path, &Json::Null).status, 403);
    }
}
