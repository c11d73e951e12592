//! `query --rerank`: a cross-encoder made for these tests reads the first hits again.
//!
//! Its number for a query and a document is the sum of the weights of the document's words, less half of the query's.

use std::fs;

use serde_json::{Value as Json, json};

use crate::huedb::{Ran, World, finish};
use crate::models::{FLOAT, INT64, int, node, ok, part, run, tensor, value};

/// The words are w1 to w59, and everything else is word 0.
const WORDS: u16 = 60;

fn weight(word: u16) -> f32 {
    if word == 0 { 0.0 } else { f32::from(word) / 10.0 - 2.0 }
}

fn expected(question: &[u16], document: &[u16]) -> f64 {
    let sum = |words: &[u16]| words.iter().map(|word| f64::from(weight(*word))).sum::<f64>();
    1.0 / (1.0 + (-(sum(document) - sum(question) / 2.0)).exp())
}

fn graph() -> Vec<u8> {
    let floats = |floats: &[f32]| floats.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
    let weights: Vec<f32> = (0..WORDS).map(weight).collect();
    let sides = [Err("batch"), Err("sequence")];
    let graph = [
        node("Gather", &["weights", "input_ids"], "weight"),
        node("Gather", &["segments", "token_type_ids"], "segment"),
        node("Mul", &["weight", "segment"], "counted"),
        node("ReduceSum", &["counted", "axes"], "logits"),
        part(2, "reranker"),
        tensor("weights", &[usize::from(WORDS)], FLOAT, &floats(&weights)),
        tensor("segments", &[2], FLOAT, &floats(&[-0.5, 1.0])),
        tensor("axes", &[1], INT64, &1_i64.to_le_bytes()),
        value(11, "input_ids", INT64, &sides),
        value(11, "token_type_ids", INT64, &sides),
        value(12, "logits", FLOAT, &[Err("batch"), Ok(1)]),
    ];
    [int(1, 8), part(7, graph.concat()), part(8, [part(1, ""), int(2, 14)].concat())].concat()
}

fn write_reranker(world: &World, name: &str) {
    fs::create_dir_all(world.path(name)).unwrap();
    let words = (1..WORDS).map(|word| (format!("w{word}"), word.into()));
    let vocabulary: serde_json::Map<_, Json> = std::iter::once(("?".into(), 0.into())).chain(words).collect();
    let text = |id: &str, segment: u8| json!({"Sequence": {"id": id, "type_id": segment}});
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
        "pre_tokenizer": {"type": "Whitespace"}, "decoder": null,
        "post_processor": {"type": "TemplateProcessing", "single": [text("A", 0)], "pair": [text("A", 0), text("B", 1)],
            "special_tokens": {}},
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "?"},
    });
    world.write(&format!("{name}/tokenizer.json"), tokenizer.to_string());
    world.write(&format!("{name}/model.onnx"), graph());
}

fn world() -> World {
    let world = World::new();
    write_reranker(&world, "judge");
    let added = ok(&world, &["model", "add", "judge", "--reranker", "-o", "json"]);
    assert!(added.stdout.contains(r#""kind":"reranker""#) && added.stderr.is_empty(), "{added:?}");
    world.ok(&["create", "notes", "--model", "hash-64", "--hybrid"]);
    for (id, document) in [("a", "w1 w2"), ("b", "w30"), ("c", "w5"), ("d", "w10 w10 w10")] {
        world.ok(&["add", "notes", "--id", id, "--document", document]);
    }
    world
}

fn hits(ran: &Ran) -> Vec<(String, f64)> {
    let hit = |line: &str| {
        let hit: Json = serde_json::from_str(line).unwrap();
        assert_eq!(hit.get("distance"), None, "the score is in its place");
        (hit["id"].as_str().unwrap().to_owned(), hit["score"].as_f64().unwrap_or(f64::NAN))
    };
    ran.stdout.lines().map(hit).collect()
}

#[test]
fn hits_are_in_the_order_of_the_reranker_with_its_score() {
    let world = world();
    let mut expected: Vec<(&str, f64)> = [("a", &[1, 2][..]), ("b", &[30]), ("c", &[5]), ("d", &[10, 10, 10])]
        .map(|(id, words)| (id, expected(&[10], words)))
        .into();
    expected.sort_by(|a, b| b.1.total_cmp(&a.1));
    for more in [&[][..], &["--hybrid"], &["--include", "distances"], &["--columns", "id,score"]] {
        let ran = ok(&world, &[&["query", "notes", "w10", "--rerank", "judge", "-o", "jsonl"], more].concat());
        let found = hits(&ran);
        assert_eq!(found.len(), expected.len(), "{ran:?}");
        for ((id, score), (expected, of_expected)) in found.iter().zip(&expected) {
            assert!(id == expected && (score - of_expected).abs() < 1e-6, "{more:?} {found:?} {expected:?}");
        }
        assert_eq!(ran.stdout.contains("document"), more.is_empty() || more[0] == "--hybrid", "{ran:?}");
    }
    let page = ok(&world, &["query", "notes", "w10", "--rerank", "judge", "-n", "1", "--offset", "1", "-o", "ids"]);
    assert_eq!(page.stdout.trim(), expected[1].0);
    let few = ok(&world, &["query", "notes", "w10", "--rerank", "judge", "--id", "a", "--id", "c", "-o", "ids"]);
    assert_eq!(few.stdout, "c\na\n");
    let mut command = world.command(&[
        "query",
        "notes",
        "--input",
        "-",
        "--rerank",
        "judge",
        "-n",
        "1",
        "-o",
        "csv",
        "--columns",
        "query,id",
    ]);
    command.env("HUEDB_RUNTIME", "rten").env("HUEDB_DATA_DIR", world.path("data"));
    world.write("questions", "w10\nw59\n");
    command.stdin(fs::File::open(world.path("questions")).unwrap());
    assert_eq!(finish(command.spawn().unwrap()).stdout, "query,id\n0,b\n1,b\n");
}

#[test]
fn the_first_fifty_are_read_again_or_as_many_as_are_asked_for() {
    let world = world();
    for id in 0..60 {
        world.ok(&["add", "notes", "--id", &format!("n{id}"), "--document", "w7 w8"]);
    }
    world.ok(&["add", "notes", "--id", "far", "--document", "w59 w58 w57"]);
    let first = |n: &str| ok(&world, &["query", "notes", "w7 w8", "--rerank", "judge", "-n", n, "-o", "ids"]).stdout;
    assert_eq!(first("1"), "n0\n", "ties in their former order");
    assert!(first("65").starts_with("far\n"), "the farthest of all is the best");
}

#[test]
fn a_record_without_a_document_comes_last_and_what_is_cut_is_said() {
    let world = world();
    let bare = json!({"id": "bare", "embedding": vec![0.125; 64]}).to_string();
    world.run_with(&["import", "notes", "-", "--quiet"], &bare).is("", "", 0);
    let ran = ok(&world, &["query", "notes", "w10", "--rerank", "judge", "-o", "jsonl"]);
    let (last, score) = hits(&ran).pop().unwrap();
    assert!(last == "bare" && score.is_nan() && ran.stderr.is_empty(), "{ran:?}");
    ok(&world, &["model", "add", "judge", "--name", "short", "--reranker", "--max-tokens", "3"]);
    let ran = ok(&world, &["query", "notes", "w10", "--rerank", "short", "-o", "jsonl"]);
    let says = "warning: short reads 3 tokens of a query and a document, and read only the beginning of a document\n";
    assert_eq!(ran.stderr, says);
    let cut = hits(&ran).into_iter().find(|(id, _)| id == "d").unwrap().1;
    assert!((cut - expected(&[10], &[10, 10])).abs() < 1e-6, "{ran:?}");
}

#[test]
fn models_of_one_kind_are_not_taken_for_the_other() {
    let world = world();
    let ran = run(&world, &["create", "other", "--model", "judge"]);
    assert!(ran.status == Some(5) && ran.stderr.contains("it is a reranker, which makes no embeddings"), "{ran:?}");
    let ran = run(&world, &["query", "notes", "w10", "--rerank", "hash-64"]);
    assert!(ran.stderr.contains("it is not a reranker") && ran.stderr.contains("model add DIR --reranker"), "{ran:?}");
    let ran = run(&world, &["query", "notes", "w10", "--rerank", "none"]);
    assert_eq!(ran.status, Some(2), "{ran:?}");
    let ran = run(&world, &["model", "add", "judge", "--name", "plain"]);
    assert!(ran.stderr.contains("it gives one number for a text, as a reranker does"), "{ran:?}");
    assert_eq!(run(&world, &["query", "notes", "--embedding", "[1]", "--rerank", "judge"]).status, Some(2));
    let vectors = json!({"id": "q", "embedding": vec![0.125; 64]}).to_string();
    world.write("vectors.jsonl", vectors);
    let ran = run(&world, &["query", "notes", "--input", "vectors.jsonl", "--rerank", "judge"]);
    assert!(ran.stderr.contains("--rerank needs the text of a question"), "{ran:?}");
    crate::models::TINY.write(&world, "vectors");
    let ran = run(&world, &["model", "add", "vectors", "--reranker"]);
    assert!(ran.stderr.contains("it gives 8 numbers for a text, where a reranker gives one"), "{ran:?}");
    assert!(!world.path("data/models/vectors").exists());
}
