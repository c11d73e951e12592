//! Sparse models: one made for these tests weighs the word itself with ln 3 and the next word, its synonym, with ln 2.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::{Value as Json, json};

use crate::huedb::{World, finish};
use crate::models::{FLOAT, INT64, TINY, int, node, ok, part, run, tensor, value};

/// The words are w1 to w59, and everything else is word 0.
const WORDS: usize = 60;

/// Gives the logits of each token; or pools and activates them by itself.
fn graph(pools: bool) -> Vec<u8> {
    let logit = |i: usize| match (i / WORDS, i % WORDS) {
        (word, term) if word == term => 2.0_f32,
        (word, term) if word + 1 == term => 1.0,
        _ => -1.0,
    };
    let table: Vec<u8> = (0..WORDS * WORDS).flat_map(|i| logit(i).to_le_bytes()).collect();
    let (output, nodes) = if pools {
        let nodes = [
            node("Gather", &["table", "input_ids"], "rows"),
            node("ReduceMax", &["rows", "axes"], "largest"),
            node("Relu", &["largest"], "positive"),
            node("Add", &["positive", "one"], "more"),
            node("Log", &["more"], "kept"),
            node("Squeeze", &["kept", "axes"], "weights"),
        ];
        ("weights", nodes.concat())
    } else {
        ("logits", node("Gather", &["table", "input_ids"], "logits"))
    };
    let sides = [Err("batch"), Err("sequence"), Ok(WORDS)];
    let sides = if pools { vec![sides[0], sides[2]] } else { sides.to_vec() };
    let graph = [
        nodes,
        part(2, "sparse"),
        tensor("table", &[WORDS, WORDS], FLOAT, &table),
        tensor("axes", &[1], INT64, &1_i64.to_le_bytes()),
        tensor("one", &[], FLOAT, &1_f32.to_le_bytes()),
        value(11, "input_ids", INT64, &[Err("batch"), Err("sequence")]),
        value(12, output, FLOAT, &sides),
    ];
    [int(1, 8), part(7, graph.concat()), part(8, [part(1, ""), int(2, 18)].concat())].concat()
}

fn write_model(world: &World, name: &str, pools: bool) {
    TINY.write(world, name);
    world.write(&format!("{name}/model.onnx"), graph(pools));
}

fn world() -> World {
    let world = World::new();
    write_model(&world, "exported", false);
    let added = ok(&world, &["model", "add", "exported", "--name", "splade", "--sparse", "-o", "json"]);
    assert!(added.stdout.contains(r#""kind":"sparse""#) && added.stderr.is_empty(), "{added:?}");
    ok(&world, &["create", "notes", "--model", "hash-64", "--sparse-model", "splade"]);
    world
}

/// Returns the terms of a record and their weights.
fn weights(world: &World, id: &str) -> Vec<(usize, f64)> {
    let got = world.ok(&["get", "notes", "--id", id, "-o", "jsonl"]);
    let record: Json = serde_json::from_str(&got).unwrap();
    let vector = &record["metadata"]["sparse_embedding"];
    let list = |name: &str| vector[name].as_array().cloned().unwrap_or_default();
    let term = |(index, value): (Json, Json)| (index.as_u64().unwrap() as usize, value.as_f64().unwrap());
    list("indices").into_iter().zip(list("values")).map(term).collect()
}

/// What the model makes of words.
fn expected(words: &[usize]) -> Vec<(usize, f64)> {
    let mut weights = [0.0_f64; WORDS];
    for word in words {
        weights[*word] = 3_f64.ln();
        weights[word + 1] = weights[word + 1].max(2_f64.ln());
    }
    weights.into_iter().enumerate().filter(|(_, weight)| *weight > 0.0).collect()
}

#[track_caller]
fn assert_weights(world: &World, id: &str, words: &[usize]) {
    let (found, expected) = (weights(world, id), expected(words));
    let same = |((a, x), (b, y)): (&(usize, f64), &(usize, f64))| a == b && (x - y).abs() < 1e-6;
    assert!(found.len() == expected.len() && found.iter().zip(&expected).all(same), "{id}: {found:?} {expected:?}");
}

#[test]
fn every_way_of_writing_weighs_the_terms_of_new_documents() {
    let world = world();
    ok(&world, &["add", "notes", "--id", "added", "--document", "w1 w2"]);
    ok(&world, &["upsert", "notes", "--id", "upserted", "--document", "w7"]);
    assert_weights(&world, "added", &[1, 2]);
    assert_weights(&world, "upserted", &[7]);
    ok(&world, &["update", "notes", "--id", "added", "--document", "w5"]);
    assert_weights(&world, "added", &[5]);
    // What is no new text needs no model.
    fs::rename(world.path("data/models/splade"), world.path("away")).unwrap();
    ok(&world, &["update", "notes", "--id", "added", "--metadata", r#"{"year": 2020}"#]);
    ok(&world, &["upsert", "notes", "--id", "added", "--document", "w5"]);
    fs::rename(world.path("away"), world.path("data/models/splade")).unwrap();
    assert_weights(&world, "added", &[5]);

    let embedding = vec![0.5; 64];
    let given = json!({"indices": [3], "values": [0.25], "#type": "sparse_vector"});
    let rows = [
        json!({"id": "text", "document": "w9"}),
        json!({"id": "vector", "document": "w10", "embedding": embedding}),
        json!({"id": "own", "document": "w11", "metadata": {"sparse_embedding": given}}),
        json!({"id": "bare", "embedding": embedding}),
    ];
    world.write("rows.jsonl", rows.map(|row| row.to_string()).join("\n"));
    for verb in [&["import", "notes", "rows.jsonl"][..], &["import", "notes", "rows.jsonl", "--mode", "upsert"]] {
        ok(&world, verb);
        assert_weights(&world, "text", &[9]);
        assert_weights(&world, "vector", &[10]);
        assert_eq!(weights(&world, "own"), [(3, 0.25)]);
        assert_eq!(weights(&world, "bare"), []);
    }
    fs::create_dir(world.path("folder")).unwrap();
    world.write("folder/a.txt", "w20 w30");
    ok(&world, &["sync", "notes", "folder"]);
    assert_weights(&world, "a.txt#0", &[20, 30]);
    world.write("folder/a.txt", "w21");
    ok(&world, &["sync", "notes", "folder"]);
    assert_weights(&world, "a.txt#0", &[21]);

    ok(&world, &["update", "notes", "--where", "#id in ('text', 'vector')", "--document", "w40"]);
    assert_weights(&world, "text", &[40]);
    assert_weights(&world, "vector", &[40]);

    // Out and in again, with the models and, since it is whole, without.
    let out = ok(&world, &["export", "notes"]).stdout;
    world.write("out.jsonl", out);
    ok(&world, &["create", "again", "--model", "hash-64", "--sparse-model", "splade"]);
    fs::rename(world.path("data/models/splade"), world.path("away")).unwrap();
    ok(&world, &["import", "again", "out.jsonl"]);
    let all = |name: &str| world.ok(&["get", name, "-o", "jsonl", "--include", "documents,metadatas,embeddings"]);
    assert_eq!(all("again"), all("notes"));
    ok(&world, &["export", "--all", "all.jsonl"]);
    let restored = ok(&world, &["--db", "other.redb", "import", "--all", "all.jsonl"]);
    assert_eq!(restored.status, Some(0));
}

#[test]
fn hybrid_queries_rank_by_the_weights_of_terms() {
    let world = world();
    let documents = [("same", &[10][..]), ("synonym", &[9]), ("shares", &[10, 40]), ("other", &[30])];
    for (id, words) in documents {
        let text: Vec<String> = words.iter().map(|word| format!("w{word}")).collect();
        ok(&world, &["add", "notes", "--id", id, "--document", &text.join(" ")]);
    }
    let embedded = |id: &str| {
        let got = world.ok(&["get", "notes", "--id", id, "-o", "jsonl", "--include", "embeddings"]);
        let record: Json = serde_json::from_str(&got).unwrap();
        let floats = record["embedding"].as_array().unwrap();
        floats.iter().map(|x| x.as_f64().unwrap()).collect::<Vec<f64>>()
    };
    let cosine = |a: &[f64], b: &[f64]| {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
    };
    let product = |words: &[usize]| {
        let of_document = expected(words);
        let weight = |term| of_document.iter().find(|(known, _)| *known == term).map_or(0.0, |(_, weight)| *weight);
        expected(&[10]).into_iter().map(|(term, asked)| asked * weight(term)).sum::<f64>()
    };
    // The question is the text of a record, so its embedding is known.
    let question = embedded("same");
    let cosines = documents.map(|(id, _)| cosine(&question, &embedded(id)));
    let products = documents.map(|(_, words)| product(words));
    let best = |of: [f64; 4]| of.into_iter().fold(0.0, f64::max);
    let score = |at: usize| 0.75 * (1.0 + cosines[at]) / (1.0 + best(cosines)) + 0.25 * products[at] / best(products);
    let mut expected: Vec<(&str, f64)> = documents.iter().enumerate().map(|(at, (id, _))| (*id, score(at))).collect();
    expected.sort_by(|a, b| b.1.total_cmp(&a.1));
    assert!(products[1] > 0.0 && products[3] == 0.0, "the synonym shares a term and no word");
    let found = ok(&world, &["query", "notes", "w10", "--hybrid", "-o", "jsonl"]).stdout;
    let found: Vec<Json> = found.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(found.len(), expected.len());
    for (hit, (id, score)) in found.iter().zip(&expected) {
        assert!(hit["id"] == *id && (hit["score"].as_f64().unwrap() - score).abs() < 1e-5, "{found:?} {expected:?}");
    }
    let filtered = ok(&world, &["query", "notes", "w10", "--hybrid", "--id", "other", "--id", "synonym", "-o", "ids"]);
    assert_eq!(filtered.stdout, "synonym\nother\n");
    let shown = world.ok(&["show", "notes", "-o", "json"]);
    assert!(shown.contains(r#""sparse_model":"splade""#), "{shown}");
}

#[test]
fn a_model_that_pools_by_itself_gives_the_same_weights() {
    let world = world();
    write_model(&world, "pooled", true);
    ok(&world, &["model", "add", "pooled", "--sparse"]);
    ok(&world, &["create", "other", "--model", "hash-64", "--sparse-model", "pooled"]);
    for name in ["notes", "other"] {
        ok(&world, &["add", name, "--id", "a", "--document", "w1 w4 w9"]);
    }
    let all = |name: &str| world.ok(&["get", name, "-o", "jsonl", "--include", "metadatas"]);
    assert_weights(&world, "a", &[1, 4, 9]);
    assert_eq!(all("notes"), all("other"));
}

#[test]
fn what_is_no_sparse_model_is_refused_and_what_is_cut_is_said() {
    let world = world();
    TINY.write(&world, "dense");
    let refused = run(&world, &["model", "add", "dense", "--sparse"]);
    assert!(refused.status != Some(0) && refused.stderr.contains("it gives 8 numbers for a text"), "{refused:?}");
    ok(&world, &["model", "add", "dense"]);
    for (args, why) in [
        (&["create", "n2x", "--sparse-model", "dense"][..], "it is not a sparse model"),
        (&["create", "n2x", "--model", "splade"], "it is a sparse model, which makes no embeddings"),
        (&["query", "notes", "w1", "--rerank", "splade"], "it is not a reranker"),
        (&["model", "add", "exported", "--name", "x", "--sparse", "--precision", "int8"], "cannot be used with"),
        (&["create", "n2x", "--no-model", "--sparse-model", "splade"], "cannot be used with"),
    ] {
        let refused = run(&world, args);
        assert!(refused.status != Some(0) && refused.stderr.contains(why), "{args:?} {refused:?}");
    }
    ok(&world, &["model", "add", "exported", "--name", "short", "--sparse", "--max-tokens", "3"]);
    ok(&world, &["create", "cut", "--model", "hash-64", "--sparse-model", "short"]);
    let ran = ok(&world, &["add", "cut", "--id", "a", "--document", "w1 w2 w3 w4"]);
    assert!(ran.stderr.contains("the sparse model read only the first 3 tokens of 1 document"), "{ran:?}");

    // Neither without the model nor with another of its name is anything stored or answered.
    ok(&world, &["add", "notes", "--id", "a", "--document", "w1"]);
    let before = world.ok(&["get", "notes", "-o", "jsonl"]);
    ok(&world, &["model", "remove", "splade"]);
    let asks = [&["add", "notes", "--id", "x", "--document", "w1"][..], &["query", "notes", "w1", "--hybrid"]];
    for args in asks {
        let refused = run(&world, args);
        assert!(refused.status != Some(0) && refused.stderr.contains("\"splade\""), "{refused:?}");
    }
    ok(&world, &["model", "add", "exported", "--name", "splade", "--sparse", "--max-tokens", "9"]);
    for args in asks {
        let refused = run(&world, args);
        assert!(refused.status != Some(0) && refused.stderr.contains("9 tokens"), "{refused:?}");
    }
    assert_eq!(world.ok(&["get", "notes", "-o", "jsonl"]), before);
}

#[test]
fn the_server_weighs_terms_too() {
    let world = world();
    let mut command = world.command(&["serve", "--port", "0"]);
    command.env("HUEDB_RUNTIME", "rten").env("HUEDB_DATA_DIR", world.path("data")).stderr(Stdio::piped());
    let mut server = command.spawn().unwrap();
    let lines = BufReader::new(server.stderr.take().unwrap()).lines().map(Result::unwrap);
    let address = { lines }.find_map(|line| Some(format!("http://{}", line.split_once("://")?.1))).unwrap();
    let info: Json = serde_json::from_str(&world.ok(&["show", "notes", "-o", "json"])).unwrap();
    let id = info["id"].as_str().unwrap();
    let path = format!("{address}/api/v2/tenants/default_tenant/databases/default_database/collections/{id}");
    let send = |verb: &str, body: Json| {
        ureq::post(format!("{path}/{verb}")).header("content-type", "application/json").send(body.to_string()).unwrap();
    };
    let embeddings = json!([vec![0.5; 64]]);
    send("add", json!({"ids": ["text"], "documents": ["w1"]}));
    send("add", json!({"ids": ["both"], "documents": ["w2"], "embeddings": embeddings}));
    send("upsert", json!({"ids": ["text"], "documents": ["w3"], "embeddings": embeddings}));
    send("update", json!({"ids": ["both"], "documents": ["w4"], "embeddings": embeddings}));
    send("add", json!({"ids": ["bare"], "embeddings": embeddings}));
    server.kill().unwrap();
    finish(server);
    assert_weights(&world, "text", &[3]);
    assert_weights(&world, "both", &[4]);
    assert_eq!(weights(&world, "bare"), []);
}
