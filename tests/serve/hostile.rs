//! Random JSON to every route: no answer is a failure of the server's, and no record is lost.
//!
//! `HUEDB_SEED` sends the same again.

use serde_json::{Map, Value as Json, json};

use crate::random::Random;
use crate::running::Running;

const REQUESTS: usize = 3000;

fn random_json(random: &mut Random, depth: usize) -> Json {
    match random.below(if depth == 0 { 7 } else { 10 }) {
        0 => Json::Null,
        1 => random.chance(50).into(),
        2 => (i64::try_from(random.below(7)).unwrap() - 2).into(),
        3 => json!(1.5e300),
        4 => json!(u64::MAX),
        5 => ["", "r1", "ghost", "$and", "#document", "\u{0}", "🦊", "index"][random.below(8)].into(),
        6 => json!(random.below(100) as f64 / 7.0),
        7 => (0..random.below(4)).map(|_| random_json(random, depth - 1)).collect(),
        8 => json!([[1, 0], [0.5, 2]]),
        _ => {
            let keys = [
                "$and",
                "$or",
                "$in",
                "$eq",
                "$gt",
                "$contains",
                "$regex",
                "#id",
                "n",
                "s",
                "#type",
                "indices",
                "values",
            ];
            let field =
                |random: &mut Random| (keys[random.below(keys.len())].to_owned(), random_json(random, depth - 1));
            Json::Object((0..random.below(4)).map(|_| field(random)).collect())
        }
    }
}

/// A body of a route with some of its fields replaced.
fn random_body(random: &mut Random) -> Json {
    let fields = [
        "ids",
        "embeddings",
        "documents",
        "uris",
        "metadatas",
        "where",
        "where_document",
        "limit",
        "offset",
        "include",
        "query_embeddings",
        "query_texts",
        "n_results",
        "searches",
        "name",
        "new_name",
        "metadata",
        "new_metadata",
        "configuration",
        "new_configuration",
        "schema",
        "get_or_create",
        "resource_name",
    ];
    if random.chance(5) {
        return random_json(random, 3);
    }
    let good = json!({"ids": ["r1"], "embeddings": [[1, 2]], "documents": ["a"], "metadatas": [{"n": 1}], "query_embeddings": [[1, 2]],
        "n_results": 2, "where": {"n": 1}, "searches": [{"rank": {"$knn": {"query": [1, 2]}}}], "include": ["documents"]});
    let mut body = Map::new();
    for field in fields {
        match random.below(6) {
            0 => drop(body.insert(field.into(), random_json(random, 3))),
            1 | 2 => {
                if let Some(value) = good.get(field) {
                    body.insert(field.into(), value.clone());
                }
            }
            _ => {}
        }
    }
    body.into()
}

#[test]
fn no_json_makes_it_fail() {
    let mut random = Random::new();
    eprintln!("HUEDB_SEED={}", random.seed());
    let server = Running::start(&[]);
    let precious = server.collection("precious");
    let row = json!({"ids": ["r1", "r2"], "embeddings": [[1, 2], [3, 4]], "documents": ["a", "b"], "metadatas": [{"n": 1}, {"s": "x"}]});
    assert_eq!(server.post(&format!("{precious}/add"), &row).status, 201);
    let before = server.ok(&["export", "precious"]);
    let target = server.collection("target");
    let described = server.get("/openapi.json").json();
    let routes: Vec<(String, String)> = described["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, of)| of.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())))
        .filter(|(method, path)| !(method == "DELETE" && path.ends_with("{database}")))
        .collect();
    let id = target.rsplit('/').next().unwrap();
    for _ in 0..REQUESTS {
        let (method, path) = &routes[random.below(routes.len())];
        let name = ["target", "x", "index", "%00", "precious%2F", "a%2Fb"][random.below(6)];
        let collection = if random.chance(70) && method != "DELETE" { id } else { name };
        let database = if random.chance(90) { "default_database" } else { "%F0%9F%A6%8A" };
        let path = path
            .replace("{tenant}", "default_tenant")
            .replace("{database}", database)
            .replace("{collection}", collection)
            .replace("{function}", "f")
            .replace("{crn}", "a:b:c");
        let query = [
            "",
            "?limit=3",
            "?limit=x&offset=",
            "?key=n",
            "?where=n%3D1",
            "?where=%7B",
            "?%%%",
            "?read_level=index_only",
        ];
        let path = format!("{path}{}", query[random.below(query.len())]);
        let body = if method == "GET" { Json::Null } else { random_body(&mut random) };
        let answer = server.request(method, &path, &body);
        // What Chroma's own clients expect of an id that is not there, and what belongs to its cloud.
        let is_chromas = answer.status == 501 || answer.text.contains("Error finding id");
        assert!(answer.status < 500 || is_chromas, "{method} {path} {body}: {} {}", answer.status, answer.text);
        assert!(!answer.text.contains("fault in huedb"), "{method} {path} {body}");
    }
    assert_eq!(server.ok(&["export", "precious"]), before);
    server.ok(&["check", "--deep"]);
}
