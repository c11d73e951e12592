//! Search by words and by rank expressions, as a shell runs it.

use serde_json::{Value as Json, json};

use crate::huedb::World;

fn world() -> World {
    let world = World::new();
    world.ok(&["create", "notes", "--model", "hash-64", "--hybrid"]);
    for (id, text, metadata) in [
        ("a", "the quick red fox", r#"{"lang":"en","year":2020}"#),
        ("b", "a blue whale swims", r#"{"lang":"en","year":2021}"#),
        ("c", "green frogs jump over a whale", r#"{"lang":"de","year":2022}"#),
        ("d", "ein roter Fuchs", r#"{"lang":"de"}"#),
    ] {
        world.ok(&["add", "notes", "--id", id, "--document", text, "--metadata", metadata]);
    }
    world
}

fn search(world: &World, searches: &Json) -> Json {
    let request = json!({ "searches": searches }).to_string();
    serde_json::from_str(&world.run(&["search", "notes", "--json", &request]).stdout).unwrap()
}

#[test]
fn words_and_meaning_are_fused() {
    let world = world();
    assert_eq!(world.ok(&["query", "notes", "whales", "--hybrid", "-n", "2", "-o", "ids"]).lines().count(), 2);
    let first = world.ok(&["query", "notes", "a frog jumping", "--hybrid", "-n", "1", "--include", "distances"]);
    let first: Json = serde_json::from_str(&first).unwrap();
    assert_eq!(first["id"], "c");
    // First of both rankings, or first of one: -2/60 or a little more.
    let score = first["score"].as_f64().unwrap();
    assert!((-2.0 / 60.0 - 1e-6..-1.0 / 60.0).contains(&score), "{score}");
    world
        .run(&["query", "notes", "whale", "--hybrid", "--where", "lang = \"de\"", "-n", "1", "-o", "ids"])
        .is("c\n", "", 0);
    world.run(&["query", "notes", "whale", "--hybrid", "--where", "lang = \"fr\""]).is("", "", 1);
    world.ok(&["update", "notes", "--id", "a", "--document", "a whale of a whale"]);
    world.ok(&["delete", "notes", "--id", "b"]);
    let words = json!([{"rank": {"$knn": {"query": "whale", "key": "#document"}}}]);
    assert_eq!(search(&world, &words)["ids"], json!([["a", "c"]]));
}

#[test]
fn a_collection_without_the_words_says_how_to_index_them() {
    let world = World::with_notes();
    world.ok(&["add", "notes", "--id", "a", "--document", "red fox"]);
    let error = "error: collection \"notes\" has no index of the words of its documents\n\nhint: make one with `huedb index build notes --hybrid`\n";
    world.run(&["query", "notes", "fox", "--hybrid"]).is("", error, 2);
    let request = r##"{"searches":[{"rank":{"$knn":{"query":"fox","key":"#document"}}}]}"##;
    world.run(&["search", "notes", "--json", request]).is("", error, 2);
    world.ok(&["index", "build", "notes", "--hybrid"]);
    world.run(&["query", "notes", "foxes", "--hybrid", "-o", "ids"]).is("a\n", "", 0);
    world.ok(&["index", "drop", "notes", "--hybrid"]);
    world.run(&["query", "notes", "fox", "--hybrid"]).is("", error, 2);
}

#[test]
fn a_request_of_the_search_api_is_answered_in_its_shape() {
    let world = world();
    let searches = json!([
        {"filter": {"year": {"$gte": 2021}}, "select": {"keys": ["#document", "year"]}, "limit": {"offset": 1, "limit": 5}},
        {"rank": {"$sub": {"left": {"$val": 1}, "right": {"$knn": {"query": "whale", "key": "#document", "return_rank": true}}}},
         "select": {"keys": ["#score"]}},
    ]);
    let expected = json!({
        "ids": [["c"], ["c", "b"]],
        "documents": [["green frogs jump over a whale"], null],
        "embeddings": [null, null],
        "metadatas": [[{"year": 2022}], null],
        "scores": [null, [0.0, 1.0]],
        "select": [["#document", "year"], ["#score"]],
    });
    assert_eq!(search(&world, &searches), expected);
    let grouped = json!([{
        "rank": {"$knn": {"query": "whale fox fuchs"}},
        "group_by": {"keys": ["lang"], "aggregate": {"$max_k": {"keys": ["year"], "k": 1}}},
        "select": {"keys": ["#metadata", "#embedding"]},
    }]);
    let found = search(&world, &grouped);
    let mut ids: Vec<&str> = found["ids"][0].as_array().unwrap().iter().filter_map(Json::as_str).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["b", "c"]);
    assert_eq!(found["embeddings"][0][0].as_array().unwrap().len(), 64);
    let fused = json!([{"rank": {"$rrf": {"ranks": [
        {"$knn": {"query": "whale", "return_rank": true, "default": 1000}},
        {"$knn": {"query": "whale", "key": "#document", "return_rank": true, "default": 1000}},
    ]}}}]);
    assert_eq!(search(&world, &fused)["ids"][0].as_array().unwrap().len(), 4);
    world.run_with(&["search", "notes", "--json", "-"], r#"{"searches":[{"filter":{"year":1}}]}"#).is(
        "{\"ids\":[[]],\"documents\":[null],\"embeddings\":[null],\"metadatas\":[null],\"scores\":[null],\"select\":[[]]}\n",
        "",
        1,
    );
    let bad = world.run(&["search", "notes", "--json", r#"{"searches":[{"rank":{"$sum":[{"$val":"x"}]}}]}"#]);
    bad.is("", "error: in the request at searches[0].rank.$sum[0].$val: expected a number\n", 2);
}

#[test]
fn sparse_vectors_go_in_out_and_are_searched() {
    let world = World::new();
    world.ok(&["create", "notes", "--no-model"]);
    let row = |id: &str, terms: &str| {
        format!(
            "{{\"id\":\"{id}\",\"document\":null,\"metadata\":{{\"terms\":{{\"#type\":\"sparse_vector\",{terms}}}}},\"embedding\":[1.0]}}\n"
        )
    };
    let rows = row("a", "\"indices\":[1,5],\"values\":[0.1,2.0]")
        + &row("b", "\"indices\":[5,4294967295],\"values\":[3.0,1.0],\"tokens\":[\"fox\",\"red\"]");
    world.run_with(&["import", "notes", "-", "--quiet"], &rows).is("", "", 0);
    world.run(&["export", "notes"]).is(&rows, "", 0);
    let csv = world.ok(&["export", "notes", "-o", "csv"]);
    world.ok(&["create", "copy", "--no-model"]);
    world.run_with(&["import", "copy", "-", "--quiet"], &csv).is("", "", 0);
    world.run(&["export", "copy"]).is(&rows, "", 0);
    let knn = json!([{"rank": {"$knn": {"query": {"indices": [5], "values": [2]}, "key": "terms"}}, "select": {"keys": ["#score"]}}]);
    let found = search(&world, &knn);
    assert_eq!((&found["ids"], &found["scores"]), (&json!([["b", "a"]]), &json!([[-5.0, -3.0]])));
    let merge = r##"{"terms":{"#type":"sparse_vector","indices":[5],"values":[9]}}"##;
    world.ok(&["update", "notes", "--id", "a", "--metadata", merge]);
    assert_eq!(search(&world, &knn)["ids"], json!([["a", "b"]]));
    world.ok(&["update", "notes", "--id", "a", "--metadata", r#"{"terms":null}"#]);
    assert_eq!(search(&world, &knn)["ids"], json!([["b"]]));
    let bad = world.run(&[
        "update",
        "notes",
        "--id",
        "a",
        "--metadata",
        r##"{"t":{"#type":"sparse_vector","indices":[2,1],"values":[1,1]}}"##,
    ]);
    assert_eq!(bad.status, Some(2));
    assert!(
        bad.stderr.contains("metadata key \"t\": is a sparse vector that has indices that do not ascend"),
        "{bad:?}"
    );
}
