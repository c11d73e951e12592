//! Models whose weights are converted to int8 for huedb's own encoder, as a user does it: added, pulled, used and refused.
//!
//! That the numbers are right is shown in `embed/convert`; here a tiny XLM-R is written, its weights from a fixed seed.

use std::fs;

use crate::huedb::{Ran, World, finish};

const WORDS: usize = 60;

fn floats(seed: &mut u64, count: usize, middle: f32) -> Vec<u8> {
    let mut next = || {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 40) as f32 / (1_u64 << 24) as f32 * 0.4 - 0.2 + middle
    };
    (0..count).flat_map(|_| next().to_le_bytes()).collect()
}

/// `model.safetensors` of one layer of 64 components.
fn weights() -> Vec<u8> {
    let layer = |part: &str| format!("encoder.layer.0.{part}");
    let mut tensors = vec![
        ("embeddings.word_embeddings.weight".to_owned(), vec![WORDS, 64]),
        ("embeddings.position_embeddings.weight".to_owned(), vec![66, 64]),
        ("embeddings.token_type_embeddings.weight".to_owned(), vec![1, 64]),
    ];
    for place in ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"] {
        tensors.push((layer(&format!("{place}.weight")), vec![64, 64]));
        tensors.push((layer(&format!("{place}.bias")), vec![64]));
    }
    for (place, columns, rows) in [("intermediate.dense", 128, 64), ("output.dense", 64, 128)] {
        tensors.push((layer(&format!("{place}.weight")), vec![columns, rows]));
        tensors.push((layer(&format!("{place}.bias")), vec![columns]));
    }
    let norms = ["attention.output.LayerNorm", "output.LayerNorm"].map(layer);
    for norm in [&["embeddings.LayerNorm".to_owned()][..], &norms].concat() {
        tensors.extend(["weight", "bias"].map(|part| (format!("{norm}.{part}"), vec![64])));
    }
    let (mut header, mut data, mut seed) = (serde_json::Map::new(), Vec::new(), 5);
    for (name, sides) in tensors {
        let start = data.len();
        let middle = if name.ends_with("LayerNorm.weight") { 1.0 } else { 0.0 };
        data.extend(floats(&mut seed, sides.iter().product(), middle));
        let entry = serde_json::json!({"dtype": "F32", "shape": sides, "data_offsets": [start, data.len()]});
        header.insert(format!("roberta.{name}"), entry);
    }
    let header = serde_json::to_vec(&header).unwrap();
    [&(header.len() as u64).to_le_bytes()[..], &header, &data].concat()
}

/// The files of the model, by name.
pub(crate) fn files() -> Vec<(&'static str, Vec<u8>)> {
    let config = serde_json::json!({
        "model_type": "xlm-roberta", "hidden_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2,
        "intermediate_size": 128, "vocab_size": WORDS, "max_position_embeddings": 66, "type_vocab_size": 1,
        "layer_norm_eps": 1e-5, "hidden_act": "gelu", "pad_token_id": 1,
    });
    let vocabulary: serde_json::Map<_, _> = (0..WORDS).map(|id| (format!("w{id}"), id.into())).collect();
    let tokenizer = serde_json::json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
        "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null, "decoder": null,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "w0"},
    });
    vec![
        ("config.json", config.to_string().into_bytes()),
        ("tokenizer.json", tokenizer.to_string().into_bytes()),
        ("model.safetensors", weights()),
    ]
}

fn written(world: &World, name: &str) {
    for (file, content) in files() {
        let path = world.path(&format!("{name}/{file}"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

fn run_with(world: &World, runtime: &str, args: &[&str]) -> Ran {
    let mut command = world.command(args);
    command.env("HUEDB_RUNTIME", runtime).env("HUEDB_DATA_DIR", world.path("data"));
    finish(command.env("HUEDB_CACHE_DIR", world.path("cache")).spawn().unwrap())
}

#[track_caller]
fn ok(world: &World, args: &[&str]) -> Ran {
    let ran = run_with(world, "auto", args);
    assert_eq!(ran.status, Some(0), "{args:?}: {ran:?}");
    ran
}

#[test]
fn a_model_is_converted_once_and_used_without_any_other_engine() {
    let world = World::new();
    written(&world, "tiny");
    let added = ok(&world, &["model", "add", "tiny", "--precision", "int8", "-o", "json"]);
    assert!(added.stderr.contains("takes 64 tokens of a text, not the 512") || added.stderr.is_empty(), "{added:?}");
    for said in ["\"dimension\":64", "\"max_tokens\":64"] {
        assert!(added.stdout.replace(": ", ":").contains(said), "{added:?}");
    }
    ok(&world, &["model", "verify", "tiny"]);
    ok(&world, &["create", "notes", "--model", "tiny"]);
    for (id, text) in [("a", "w1 w2 w3"), ("b", "w40 w41"), ("c", "w7 w50")] {
        ok(&world, &["add", "notes", "--id", id, "--document", text]);
    }
    assert_eq!(ok(&world, &["query", "notes", "w40 w41", "-n", "1", "-o", "ids"]).stdout, "b\n");
    let shown = ok(&world, &["show", "notes", "-o", "json"]).stdout;
    assert!(shown.contains("built-in"), "{shown}");
    // Asked for by name, another engine is not replaced unsaid.
    let ran = run_with(&world, "rten", &["embed", "--model", "tiny", "w1"]);
    assert!(ran.status == Some(5) && ran.stderr.contains("no other engine runs it"), "{ran:?}");
    fs::write(world.path("data/models/tiny/model.packed"), "damaged").unwrap();
    let ran = run_with(&world, "auto", &["embed", "--model", "tiny", "w1"]);
    assert!(ran.status == Some(5) && ran.stderr.contains("its packed form"), "{ran:?}");
    let ran = run_with(&world, "auto", &["model", "verify", "tiny"]);
    assert!(ran.status == Some(5) && ran.stderr.contains("model.packed"), "{ran:?}");
}

#[test]
fn what_cannot_be_converted_says_why_and_installs_nothing() {
    let world = World::new();
    written(&world, "tiny");
    let refused = |args: &[&str], why: &str| {
        let ran = run_with(&world, "auto", &[&["model", "add", "tiny"], args].concat());
        assert!(ran.status == Some(5) && ran.stderr.contains(why), "{ran:?}");
        assert!(!world.path("data/models/tiny").exists());
    };
    refused(&[], "hint: convert its model.safetensors with --precision int8");
    refused(&["--precision", "int8", "--max-tokens", "65"], "hint: the longest it runs has 64: --max-tokens 64");
    fs::rename(world.path("tiny/model.safetensors"), world.path("tiny/model.safetensors.index.json")).unwrap();
    refused(&["--precision", "int8"], "its weights are in several files");
    fs::write(world.path("tiny/model.safetensors"), b"\xff\xff\xff\xff\xff\xff\xff\xff{}").unwrap();
    refused(&["--precision", "int8"], "model.safetensors: it is no safetensors file, or cut off");
    let config = fs::read_to_string(world.path("tiny/config.json")).unwrap();
    fs::write(world.path("tiny/config.json"), config.replace("xlm-roberta", "modernbert")).unwrap();
    refused(
        &["--precision", "int8"],
        "it cannot be converted to int8: config.json: its model_type \"modernbert\" is none of",
    );
}
