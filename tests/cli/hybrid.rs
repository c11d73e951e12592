//! Search by words and by rank expressions, as a shell runs it.

use std::io::Read;

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
    let score = first["score"].as_f64().unwrap();
    assert!(score > 0.25 && score < 1.0 && first.get("distance").is_none(), "best by words alone: {first}");
    let itself = world.ok(&["query", "notes", "a blue whale swims", "--hybrid", "-n", "1", "--columns", "id,score"]);
    assert_eq!(itself, "{\"id\":\"b\",\"score\":1.0}\n");
    let scores = world.ok(&["query", "notes", "whale", "--hybrid", "--columns", "id,score", "-o", "csv"]);
    let scores: Vec<(&str, f64)> = scores
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(','))
        .map(|(id, x)| (id, x.parse().unwrap()))
        .collect();
    assert_eq!(scores.len(), 4, "also what has no word of the query");
    assert!(
        scores.is_sorted_by(|a, b| a.1 >= b.1) && scores.iter().all(|(_, x)| (0.0..=1.0).contains(x)),
        "{scores:?}"
    );
    let table = world.ok(&["query", "notes", "whale", "--hybrid", "-o", "table", "--exact"]);
    assert!(table.lines().next().unwrap().contains("score"), "{table}");
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
fn text_without_spaces_and_decomposed_text_are_found() {
    let world = World::new();
    world.ok(&["create", "notes", "--hybrid", "--model", "hash-64"]);
    let rows = [
        ("nfc", "the caf\u{e9} menu"),
        ("nfd", "the cafe\u{301} terrace"),
        ("ja", "今日は成語しりとりをした"),
        ("zh", "把機器推論洗成權威事實"),
        ("ko", "게임을 했다"),
        ("th", "ฉันชอบดื่มน้ำชาเย็น"),
    ];
    let rows: String = rows.map(|(id, document)| json!({"id": id, "document": document}).to_string() + "\n").concat();
    world.run_with(&["import", "notes", "-", "-q"], rows).is("", "", 0);
    for (question, ids) in [
        ("しりとり", json!([["ja"]])),
        ("今日は成語しりとりをした", json!([["ja"]])),
        ("權威事實", json!([["zh"]])),
        ("게임", json!([["ko"]])),
        ("น้ำ", json!([["th"]])),
        ("caf\u{e9}", json!([["nfc", "nfd"]])),
        ("cafe\u{301}", json!([["nfc", "nfd"]])),
        ("cafe", json!([[]])),
    ] {
        let words = json!([{"rank": {"$knn": {"query": question, "key": "#document"}}}]);
        assert_eq!(search(&world, &words)["ids"], ids, "{question}");
    }
    world.run(&["query", "notes", "しりとり", "--hybrid", "-n", "1", "-o", "ids"]).is("ja\n", "", 0);
    world.run(&["check", "--deep"]).is("", "no damage found in test.redb\n", 0);
    world.ok(&["delete", "notes", "--id", "ja"]);
    world.ok(&["update", "notes", "--id", "zh", "--document", "x"]);
    world.run(&["check", "--deep"]).is("", "no damage found in test.redb\n", 0);
}

#[test]
fn a_question_none_of_whose_words_is_indexed_says_so() {
    let world = world();
    let says =
        |question: &str| format!("warning: no word of the question \"{question}\" is in the word index of notes\n");
    world.run(&["query", "notes", "zebra of the", "--hybrid", "-n", "0"]).is("", &says("zebra of the"), 1);
    world.run(&["query", "notes", "zebra whale", "--hybrid", "-n", "0"]).is("", "", 1);
    // Its words are there, if only in other records.
    world.run(&["query", "notes", "fox", "--hybrid", "-n", "0", "--where", "lang = \"de\""]).is("", "", 1);
    let questions = "zebra\nwhale\nzebra\nlynx\n";
    let ran = world.run_with(&["query", "notes", "--input", "-", "--hybrid", "-n", "0"], questions);
    assert_eq!(ran.stderr, says("zebra") + &says("lynx"), "{ran:?}");
    let words = r##"{"searches":[{"rank":{"$knn":{"query":"zebra","key":"#document"}}}]}"##;
    assert_eq!(world.run(&["search", "notes", "--json", words]).stderr, says("zebra"));
}

#[test]
fn words_that_an_earlier_version_indexed_are_told_of_and_indexed_again() {
    let world = World::plain();
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/words/first.redb.gz");
    let mut file = Vec::new();
    flate2::read::GzDecoder::new(std::fs::File::open(fixture).unwrap()).read_to_end(&mut file).unwrap();
    world.write("test.redb", file);
    let says = "warning: the words of collection \"notes\" were indexed by an earlier huedb, and fewer are found; `huedb index build notes --hybrid` indexes them again\n";
    let found = |question: &str| {
        let words = json!({"searches": [{"rank": {"$knn": {"query": question, "key": "#document"}}}]});
        let ran = world.run(&["search", "notes", "--json", &words.to_string()]);
        let found: Json = serde_json::from_str(&ran.stdout).unwrap();
        (found["ids"][0].to_string(), ran.stderr)
    };
    assert_eq!(found("intervals"), (r#"["a"]"#.into(), says.into()));
    let (ids, said) = found("しりとり");
    assert!(ids == "[]" && said.starts_with(says), "{said}");
    // Written to, it stays as it was made.
    world.ok(&["add", "notes", "--id", "d", "--document", "no interval"]);
    world.ok(&["update", "notes", "--id", "b", "--document", "a cafe\u{301}"]);
    world.ok(&["delete", "notes", "--id", "a"]);
    assert_eq!(found("interval"), (r#"["d"]"#.into(), says.into()));
    world.run(&["check", "--deep"]).is("", "no damage found in test.redb\n", 0);
    let ran = world.run(&["index", "build", "notes", "--hybrid"]);
    assert!(ran.stderr.starts_with("indexed the words of 3 documents of notes in "), "{ran:?}");
    assert_eq!(found("intervals"), (r#"["d"]"#.into(), String::new()));
    assert_eq!(found("しりとり"), (r#"["c"]"#.into(), String::new()));
    assert_eq!(found("caf\u{e9}"), (r#"["b"]"#.into(), String::new()));
    world.run(&["check", "--deep"]).is("", "no damage found in test.redb\n", 0);
    let ran = world.run(&["index", "build", "notes", "--hybrid"]);
    assert!(ran.stderr.starts_with("indexed the words of 0 documents of notes in "), "{ran:?}");
}

#[test]
fn a_collection_without_the_words_says_how_to_index_them() {
    let world = World::with_notes();
    world.ok(&["add", "notes", "--id", "a", "--document", "red fox"]);
    let error = "error: collection \"notes\" has no index of the words of its documents\n\nhint: create one with `huedb index build notes --hybrid`\n";
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
