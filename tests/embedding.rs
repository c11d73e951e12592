//! The model in the program, in processes of their own: a process has one engine, and the environment decides.
//!
//! The encoder in the program runs it, or another engine that is asked for. Passes with ONNX Runtime and without. Each case starts
//! this program again as `--exact child`, which prints the engine, what it passed over, and a vector for each text.

#![cfg(feature = "bundled-model")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failed test is meant to panic")]

use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use huedb::embed::{self, DEFAULT_MODEL, LoadOptions, RuntimeKind, TextRole};
use huedb::record::Space;
use serde::{Deserialize, Serialize};

const TEXTS: [&str; 4] = [
    "Glaciers carve valleys as they move.",
    "Ice flowing downhill shapes the land beneath it.",
    "A sourdough starter is fed with flour and water.",
    "Él tomó un café en la plaza, ¿no?",
];

#[derive(Debug, Serialize, Deserialize)]
struct Report {
    onnx_runtime: bool,
    version: String,
    skipped: Vec<(PathBuf, String)>,
    vectors: Vec<Vec<f32>>,
}

/// Not a test: what the others start. Prints its report on the line after the mark.
#[test]
#[ignore = "started by the other tests"]
fn child() {
    let options = LoadOptions::from_env().unwrap();
    let embedder = embed::load(DEFAULT_MODEL, &options).unwrap();
    let vectors = embedder.embed(&TEXTS, TextRole::Document).unwrap().vectors;
    let runtime = embed::runtime(&options).unwrap();
    let report = Report {
        onnx_runtime: runtime.kind == RuntimeKind::OnnxRuntime,
        version: runtime.version.clone(),
        skipped: runtime.skipped.iter().map(|skipped| (skipped.path.clone(), skipped.why.clone())).collect(),
        vectors,
    };
    writeln!(std::io::stdout(), "\nREPORT {}", serde_json::to_string(&report).unwrap()).unwrap();
}

fn run(cache: &Path, variables: &[(&str, &Path)]) -> Report {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env("HUEDB_CACHE_DIR", cache)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let report = stdout.lines().find_map(|line| line.strip_prefix("REPORT "));
    let report = report.unwrap_or_else(|| panic!("{}\n{stdout}\n{stderr}", output.status));
    serde_json::from_str(report).unwrap()
}

/// What runs the graph here.
fn engine_of_graphs() -> [(&'static str, &'static Path); 1] {
    let kind = embed::runtime(&LoadOptions::from_env().unwrap()).unwrap().kind;
    let name = if kind == RuntimeKind::OnnxRuntime { "onnxruntime" } else { "rten" };
    [("HUEDB_RUNTIME", Path::new(name))]
}

fn cached(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir.join("models")).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn vectors_tell_what_is_alike_in_any_engine() {
    let cache = tempfile::tempdir().unwrap();
    let found = run(cache.path(), &[]);
    let rten = run(cache.path(), &[("HUEDB_RUNTIME", Path::new("rten"))]);
    assert!(!rten.onnx_runtime);
    let graph = run(cache.path(), &engine_of_graphs());
    for report in [&found, &graph, &rten] {
        let distance = |a: usize, b: usize| Space::Cosine.distance(&report.vectors[a], &report.vectors[b]);
        assert!(distance(0, 1) < 0.5 && distance(0, 2) > 0.8, "{} {}", distance(0, 1), distance(0, 2));
    }
    for (a, b) in found.vectors.iter().zip(&rten.vectors) {
        let distance = Space::Cosine.distance(a, b);
        assert!(distance < 0.01, "the engines differ by {distance}");
    }
}

#[test]
fn a_library_that_cannot_be_used_is_passed_over_and_named() {
    let (cache, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let library = dir.path().join("libonnxruntime.so");
    fs::write(&library, "this is no library").unwrap();
    let report = run(cache.path(), &[("ORT_DYLIB_PATH", &library)]);
    assert_eq!(report.skipped.first().unwrap(), &(library, "it is not a shared library".to_owned()));
    assert_eq!(report.vectors.len(), TEXTS.len());
}

#[test]
fn the_cache_changes_no_vector_and_damage_to_it_is_mended() {
    let cache = tempfile::tempdir().unwrap();
    let first = run(cache.path(), &engine_of_graphs());
    let files = cached(cache.path());
    assert_eq!(files.len(), usize::from(first.onnx_runtime), "rten has nothing to keep");
    assert_eq!(run(cache.path(), &engine_of_graphs()).vectors, first.vectors);
    for file in files {
        let whole = fs::read(&file).unwrap();
        let mut damaged = whole.clone();
        damaged[whole.len() / 2] ^= 0x10;
        for content in [&damaged[..], &whole[..whole.len() / 2], b""] {
            fs::write(&file, content).unwrap();
            assert_eq!(run(cache.path(), &engine_of_graphs()).vectors, first.vectors);
            assert_ne!(fs::read(&file).unwrap(), content, "it is written again");
        }
    }
}

#[test]
fn a_cache_that_cannot_be_written_is_no_error() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "in the way").unwrap();
    assert_eq!(run(&file, &engine_of_graphs()).vectors.len(), TEXTS.len());
    assert_eq!(fs::read(&file).unwrap(), b"in the way");
}

#[test]
fn a_fingerprint_is_the_loaded_models() {
    let options = LoadOptions::from_env().unwrap();
    let cheap = embed::fingerprint(DEFAULT_MODEL, &options).unwrap();
    let embedder = embed::load(DEFAULT_MODEL, &options).unwrap();
    assert_eq!(*embedder.fingerprint(), cheap);
    assert_eq!((cheap.dimension, cheap.max_tokens), (384, 256));
}

#[test]
fn what_the_model_does_not_read_is_told_by_every_verb_that_embeds() {
    let (cache, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let run = |args: &[&str]| {
        let ran = Command::new(env!("CARGO_BIN_EXE_huedb"))
            .args(args)
            .current_dir(dir.path())
            .envs([("HUEDB_CONFIG", ""), ("HUEDB_FILE", "test.redb")])
            .env("HUEDB_CACHE_DIR", cache.path())
            .env_remove("HUEDB_KEY_FILE")
            .output()
            .unwrap();
        let stderr = String::from_utf8(ran.stderr).unwrap();
        assert!(ran.status.success(), "{args:?}: {stderr}");
        stderr
    };
    let long = "the fox runs over the hill ".repeat(60);
    let file = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    fs::create_dir(dir.path().join("docs")).unwrap();
    file("docs/long.md", &long);
    file("docs/short.md", "short");
    file("rows.jsonl", &format!("{{\"id\":\"a\",\"document\":\"{long}\"}}\n{{\"id\":\"b\",\"document\":\"b\"}}\n"));
    for collection in ["notes", "chunks", "folder"] {
        run(&["create", collection]);
    }
    let says =
        |of: &str| format!("{of} is longer than the 256 tokens the model reads; the rest is not found by meaning");
    let two = says("1 of 2 documents");
    assert!(run(&["import", "notes", "rows.jsonl"]).contains(&format!("{two}: --chunk 256")));
    assert!(!run(&["import", "notes", "rows.jsonl"]).contains("is longer"), "it was embedded before");
    assert!(!run(&["import", "chunks", "rows.jsonl", "--chunk", "256"]).contains("is longer"));
    assert!(run(&["sync", "folder", "docs", "--no-chunk"]).contains(&two));
    assert!(!run(&["sync", "folder", "docs"]).contains("is longer"));
    let one = says("1 of 1 document");
    for verb in ["add", "upsert", "update"] {
        let document = format!("{verb} {long}");
        let said = run(&[verb, "notes", "--id", "c", "--document", &document]);
        assert!(said.contains(&format!("{one}: `huedb import --chunk 256` stores it in chunks")), "{verb}: {said}");
    }
    assert!(run(&["embed", &long, "short"]).contains("1 of 2 texts longer than the 256 tokens the model reads"));
    run(&["create", "old", "--model", "hash-8"]);
    run(&["import", "old", "rows.jsonl"]);
    assert!(run(&["reembed", "old", "--model", DEFAULT_MODEL]).contains(&two));
}
