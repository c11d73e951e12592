//! Models made to be hard: graphs that take less than their files say, files that are not what they seem.
//!
//! The graphs are written here, a field of protobuf at a time: two tables, one of tokens and one of positions, added.

use std::fs;

use crate::huedb::{Ran, World, finish};

fn number(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

pub(crate) fn int(field: u64, value: u64) -> Vec<u8> {
    [number(field << 3), number(value)].concat()
}

pub(crate) fn part(field: u64, content: impl AsRef<[u8]>) -> Vec<u8> {
    let content = content.as_ref();
    [&number(field << 3 | 2), &number(content.len() as u64), content].concat()
}

pub(crate) fn node(kind: &str, inputs: &[&str], output: &str) -> Vec<u8> {
    let inputs: Vec<u8> = inputs.iter().flat_map(|input| part(1, input)).collect();
    part(1, [inputs, part(2, output), part(4, kind)].concat())
}

pub(crate) const FLOAT: u64 = 1;
pub(crate) const INT64: u64 = 7;

pub(crate) fn tensor(name: &str, sides: &[usize], kind: u64, content: &[u8]) -> Vec<u8> {
    let sides: Vec<u8> = sides.iter().flat_map(|side| int(1, *side as u64)).collect();
    part(5, [sides, int(2, kind), part(8, name), part(9, content)].concat())
}

/// A tensor of floats in a file beside the graph.
fn tensor_beside(name: &str, sides: &[usize], file: &str, place: [usize; 2]) -> Vec<u8> {
    let sides: Vec<u8> = sides.iter().flat_map(|side| int(1, *side as u64)).collect();
    let [offset, length] = place.map(|number| number.to_string());
    let entries = [("location", file), ("offset", offset.as_str()), ("length", length.as_str())];
    let entries: Vec<u8> =
        entries.iter().flat_map(|(key, value)| part(13, [part(1, key), part(2, value)].concat())).collect();
    part(5, [sides, int(2, FLOAT), part(8, name), entries, int(14, 1)].concat())
}

pub(crate) fn value(field: u64, name: &str, kind: u64, sides: &[Result<usize, &str>]) -> Vec<u8> {
    let side = |side: &Result<usize, &str>| match side {
        Ok(known) => part(1, int(1, *known as u64)),
        Err(name) => part(1, part(2, name)),
    };
    let shape: Vec<u8> = sides.iter().flat_map(side).collect();
    part(field, [part(1, name), part(2, part(1, [int(1, kind), part(2, shape)].concat()))].concat())
}

/// A model folder: how many tokens its tokenizer and its graph have, how many positions, and the length of its vectors.
pub(crate) struct Tiny {
    words: usize,
    tokens: usize,
    positions: usize,
    dimension: usize,
    /// The only number of tokens that it takes.
    width: Option<usize>,
    /// A token whose embedding is NaN.
    nan: Option<usize>,
    /// The file beside the graph that its tables are in.
    weights: Option<&'static str>,
}

pub(crate) const TINY: Tiny =
    Tiny { words: 60, tokens: 60, positions: 64, dimension: 8, width: None, nan: None, weights: None };

impl Tiny {
    fn table(&self, rows: usize) -> Vec<u8> {
        let float = |i: usize| {
            let is_nan = rows == self.tokens && self.nan == Some(i / self.dimension);
            if is_nan { f32::NAN } else { (i * 37 % 101) as f32 / 101.0 - 0.5 }
        };
        (0..rows * self.dimension).flat_map(|i| float(i).to_le_bytes()).collect()
    }

    fn graph(&self) -> Vec<u8> {
        let table = |name: &str, rows: usize, before: usize| {
            let (sides, row) = ([rows, self.dimension], self.dimension * 4);
            match self.weights {
                None => tensor(name, &sides, FLOAT, &self.table(rows)),
                Some(file) => tensor_beside(name, &sides, file, [before * row, rows * row]),
            }
        };
        let width = self.width.ok_or("sequence");
        let graph = [
            node("Gather", &["tokens", "input_ids"], "token"),
            node("Shape", &["input_ids"], "shape"),
            node("Gather", &["shape", "one"], "length"),
            node("Range", &["zero", "length", "one"], "range"),
            node("Gather", &["positions", "range"], "position"),
            node("Add", &["token", "position"], "last_hidden_state"),
            part(2, "tiny"),
            table("tokens", self.tokens, 0),
            table("positions", self.positions, self.tokens),
            tensor("one", &[], INT64, &1_i64.to_le_bytes()),
            tensor("zero", &[], INT64, &0_i64.to_le_bytes()),
            value(11, "input_ids", INT64, &[Err("batch"), width]),
            value(12, "last_hidden_state", FLOAT, &[Err("batch"), width, Ok(self.dimension)]),
        ];
        [int(1, 8), part(7, graph.concat()), part(8, [part(1, ""), int(2, 14)].concat())].concat()
    }

    /// Writes the folder; its tokenizer adds nothing to a text, and knows the words w1, w2, ...
    pub(crate) fn write(&self, world: &World, name: &str) {
        fs::create_dir_all(world.path(name)).unwrap();
        let words = (1..self.words).map(|word| (format!("w{word}"), word.into()));
        let vocabulary: serde_json::Map<_, serde_json::Value> =
            std::iter::once(("?".into(), 0.into())).chain(words).collect();
        let tokenizer = serde_json::json!({
            "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
            "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null, "decoder": null,
            "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "?"},
        });
        world.write(&format!("{name}/tokenizer.json"), tokenizer.to_string());
        world.write(&format!("{name}/model.onnx"), self.graph());
        if let Some(file) = self.weights {
            world.write(&format!("{name}/{file}"), [self.table(self.tokens), self.table(self.positions)].concat());
        }
    }
}

pub(crate) fn run(world: &World, args: &[&str]) -> Ran {
    let mut command = world.command(args);
    // The engine that is there everywhere.
    command.env("HUEDB_RUNTIME", "rten").env("HUEDB_DATA_DIR", world.path("data"));
    finish(command.env("HUEDB_CACHE_DIR", world.path("cache")).spawn().unwrap())
}

#[track_caller]
pub(crate) fn ok(world: &World, args: &[&str]) -> Ran {
    let ran = run(world, args);
    assert_eq!(ran.status, Some(0), "{args:?}: {ran:?}");
    ran
}

fn words(count: usize) -> String {
    (0..count).map(|i| format!("w{} ", i % 50 + 1)).collect()
}

#[test]
fn what_a_graph_takes_is_found_out_when_it_is_added() {
    let world = World::new();
    TINY.write(&world, "ok");
    Tiny { tokens: 20, ..TINY }.write(&world, "few");
    Tiny { width: Some(32), ..TINY }.write(&world, "fixed");
    let added = |args: &[&str]| ok(&world, &[&["model", "add", "-o", "json"], args].concat());
    let ran = added(&["ok"]);
    assert!(ran.stderr.contains("takes 64 tokens of a text, not the 512 that its files say"), "{ran:?}");
    assert!(ran.stdout.contains("\"max_tokens\":64"), "{ran:?}");
    let ran = added(&["few"]);
    assert!(ran.stderr.contains("its tokenizer has tokens up to 59, and its graph not"), "{ran:?}");
    assert!(added(&["fixed"]).stdout.contains("\"max_tokens\":32"));
    let ran = added(&["ok", "--name", "short", "--max-tokens", "20"]);
    assert!(ran.stderr.is_empty() && ran.stdout.contains("\"max_tokens\":20"), "{ran:?}");
    let ran = run(&world, &["model", "add", "ok", "--name", "long", "--max-tokens", "100"]);
    assert!(
        ran.status == Some(5) && ran.stderr.contains("hint: the longest it runs has 64: --max-tokens 64"),
        "{ran:?}"
    );
    // A text longer than that is cut as with any model, and a short one padded.
    let embedding = |model: &str, text: &str| {
        let row: serde_json::Value =
            serde_json::from_str(&ok(&world, &["embed", "--model", model, text]).stdout).unwrap();
        row["embedding"].clone()
    };
    assert_eq!(embedding("ok", &words(200)), embedding("ok", &words(64)));
    assert_eq!(embedding("ok", "w1 w2"), embedding("fixed", "w1 w2"));
}

#[test]
fn a_text_that_a_graph_cannot_take_is_an_error_and_nothing_more() {
    let world = World::with_notes();
    TINY.write(&world, "tiny");
    Tiny { tokens: 20, ..TINY }.write(&world, "few");
    Tiny { nan: Some(7), ..TINY }.write(&world, "nan");
    // Not added, a folder is as its files say.
    for (model, text, why) in [
        ("./tiny", words(200), "Index 64 is out of range"),
        ("./few", "w50".to_owned(), "Index 50 is out of range"),
        ("./nan", "w1 w7".to_owned(), "NaN or infinity"),
    ] {
        let name = &model[2..];
        ok(&world, &["create", name, "--model", model]);
        let embed = ["embed", "--model", model, &text];
        let add = ["add", name, "--id", "a", "--document", &text];
        // A record that the model fails at is a bad row.
        for (args, status) in [(&embed[..], 5), (&add, 2)] {
            let ran = run(&world, args);
            assert_eq!((ran.status, ran.stdout.as_str()), (Some(status), ""), "{args:?}: {ran:?}");
            assert!(ran.stderr.contains(why) && !ran.stderr.contains("huedb setup"), "{args:?}: {ran:?}");
        }
        ok(&world, &["add", name, "--id", "b", "--document", "w1 w2"]);
        assert_eq!(ok(&world, &["count", name]).stdout, "1\n");
    }
    ok(&world, &["check", "--deep"]);
}

#[test]
fn weights_beside_the_graph_are_read() {
    let world = World::new();
    TINY.write(&world, "within");
    let expected = ok(&world, &["embed", "--model", "./within", "w1 w2 w3"]).stdout;
    for file in ["model.onnx_data", "model.onnx.data"] {
        Tiny { weights: Some(file), ..TINY }.write(&world, "beside");
        assert_eq!(ok(&world, &["embed", "--model", "./beside", "w1 w2 w3"]).stdout, expected, "{file}");
        ok(&world, &["model", "add", "beside", "--name", "added"]);
        assert_eq!(ok(&world, &["embed", "--model", "added", "w1 w2 w3"]).stdout, expected, "{file}");
        ok(&world, &["model", "remove", "added"]);
        fs::remove_dir_all(world.path("beside")).unwrap();
    }
}

#[test]
fn a_text_without_tokens_has_the_vector_zero() {
    let world = World::new();
    TINY.write(&world, "ok");
    ok(&world, &["model", "add", "ok"]);
    let zeros = "[0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0]";
    assert!(ok(&world, &["embed", "--model", "ok", ""]).stdout.contains(zeros));
    assert!(
        ok(&world, &["embed", "--model", "./ok", " "]).stdout.contains(zeros),
        "also where the dimension is not known"
    );
    ok(&world, &["create", "notes", "--model", "ok"]);
    world.write(
        "rows.jsonl",
        "{\"id\":\"a\",\"document\":\"w1\"}\n{\"id\":\"b\",\"document\":\"\"}\n{\"id\":\"c\",\"document\":\"w9\"}\n",
    );
    ok(&world, &["import", "notes", "rows.jsonl"]);
    let rows = ok(&world, &["get", "notes", "--include", "embeddings"]).stdout;
    let rows: Vec<&str> = rows.lines().collect();
    assert!(rows[1].contains(zeros) && !rows[0].contains(zeros) && !rows[2].contains(zeros), "{rows:?}");
    assert_eq!(ok(&world, &["query", "notes", "w9", "-n", "1", "-o", "ids"]).stdout, "c\n");
}

#[test]
fn vectors_too_long_for_a_file_are_refused_before_it_is_touched() {
    let world = World::with_notes();
    Tiny { words: 4, tokens: 4, positions: 4, dimension: 65_537, ..TINY }.write(&world, "long");
    let ran = run(&world, &["model", "add", "long"]);
    assert!(ran.status == Some(5) && ran.stderr.contains("65537 components; the maximum is 65536"), "{ran:?}");
    fs::create_dir(world.path("texts")).unwrap();
    world.write("texts/a.txt", "w1");
    for args in [
        &["create", "big", "--model", "./long"][..],
        &["sync", "big", "texts", "--create", "--model", "./long"],
        &["reembed", "notes", "--model", "./long"],
    ] {
        let ran = run(&world, args);
        assert!(matches!(ran.status, Some(2 | 5)), "{args:?}: {ran:?}");
        assert!(ran.stderr.contains("65536"), "{args:?}: {ran:?}");
        assert_eq!(ok(&world, &["list", "-o", "ids"]).stdout, "notes\n", "{args:?}");
    }
    ok(&world, &["check", "--deep"]);
    // Nor does a file that is not there yet come to be.
    let ran = run(&world, &["--db", "new.redb", "create", "big", "--model", "./long"]);
    assert_eq!(ran.status, Some(2), "{ran:?}");
}

#[test]
fn a_file_that_is_not_what_it_seems_is_named_as_what_it_is() {
    let world = World::new();
    TINY.write(&world, "model");
    let graph = TINY.graph();
    let refused = |says: &str, hint: &str| {
        let ran = run(&world, &["model", "add", "model"]);
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(5), ""), "{ran:?}");
        assert!(ran.stderr.contains(says) && ran.stderr.contains(hint), "{says}: {ran:?}");
        assert!(!ran.stderr.contains("huedb setup"), "{ran:?}");
    };
    world.write("model/model.onnx", "version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 34\n");
    refused("model.onnx is a Git LFS pointer, not the file itself", "git lfs pull");
    for cut in [0, 1, 100, graph.len() / 2, graph.len() - 1] {
        world.write("model/model.onnx", &graph[..cut]);
        refused("is not a complete ONNX graph", "copy or download the file again");
    }
    world.write("model/model.onnx", "<html>404</html>");
    refused("is not a complete ONNX graph", "download the file again");
    world.write("model/model.onnx", &graph);
    let pooling = r#"{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true}"#;
    fs::create_dir(world.path("model/1_Pooling")).unwrap();
    world.write("model/1_Pooling/config.json", pooling);
    refused("it puts 2 poolings side by side (cls, mean)", "--pooling");
    ok(&world, &["model", "add", "model", "--pooling", "cls"]);
    let ran = run(&world, &["model", "add", "./nowhere"]);
    assert!(ran.status == Some(2) && ran.stderr.contains("./nowhere is not a folder"), "{ran:?}");
    let ran = run(&world, &["create", "notes", "--model", "nothing"]);
    assert!(ran.status == Some(2) && ran.stderr.contains("`huedb model add DIR`"), "{ran:?}");
}

#[test]
fn a_question_longer_than_the_model_reads_is_told_once() {
    let world = World::new();
    TINY.write(&world, "ok");
    ok(&world, &["model", "add", "ok", "--name", "tiny"]);
    ok(&world, &["create", "notes", "--model", "tiny"]);
    ok(&world, &["add", "notes", "--id", "a", "--document", "w1 w2"]);
    let (short, long) = (words(5), words(300));
    assert_eq!(ok(&world, &["query", "notes", &short]).stderr, "");
    let told = "the question is longer than the 64 tokens the model reads; the rest is not searched by meaning";
    let ran = ok(&world, &["query", "notes", &long]);
    assert_eq!(ran.stderr.matches(told).count(), 1, "{ran:?}");
    let request = format!(r#"{{"searches": [{{"rank": {{"$knn": {{"query": "{long}"}}}}}}]}}"#);
    let ran = ok(&world, &["search", "notes", "--json", &request]);
    assert_eq!(ran.stderr.matches(told).count(), 1, "{ran:?}");
    std::fs::write(world.path("questions"), format!("{short}\n{long}\n{long}\n")).unwrap();
    let ran = ok(&world, &["query", "notes", "--input", "questions"]);
    assert!(ran.stderr.contains("2 of 3 questions are longer than the 64 tokens the model reads"), "{ran:?}");
    let ran = ok(&world, &["embed", "--model", "tiny", "--question", &long]);
    assert!(ran.stderr.contains("longer than the 64 tokens"), "{ran:?}");
}
