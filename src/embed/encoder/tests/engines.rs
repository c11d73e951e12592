//! The encoder beside the engines that run the graph, and as one of them.

use std::fs;
use std::path::Path;

use super::levels::{embed, encoder, similarity};
use crate::embed::encoder::embedder::EncoderEmbedder;
use crate::embed::encoder::{Kernels, reference};
use crate::embed::onnx::OnnxEmbedder;
use crate::embed::parts::open_parts;
use crate::embed::{DEFAULT_MODEL, Embedder, LoadOptions, RuntimeChoice, TextRole, builtin, load, resolve};
use crate::record::Pooling;

/// Records of the corpus that the tests have, of all lengths.
fn real_texts(count: usize) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/corpus");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let words: Vec<String> = paths
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .flat_map(|text| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    (0..count).map(|n| words[n * 37 % (words.len() - 120)..][..n * 7 % 90 + 3].join(" ")).collect()
}

#[test]
fn real_texts_are_embedded_as_by_the_engine_that_runs_the_graph() {
    let mut options = LoadOptions { runtime: RuntimeChoice::Rten, ..LoadOptions::default() };
    let parts = || open_parts(&resolve(DEFAULT_MODEL, &LoadOptions::default()).unwrap()).unwrap();
    let graph = OnnxEmbedder::open(parts(), &options).unwrap();
    options.runtime = RuntimeChoice::BuiltIn;
    let encoder = EncoderEmbedder::open(parts(), &options).unwrap();
    let texts = real_texts(40);
    let texts: Vec<&str> = texts.iter().map(String::as_str).chain(["", "fox", "!"]).collect();
    let (expected, found) =
        (graph.embed(&texts, TextRole::Document).unwrap(), encoder.embed(&texts, TextRole::Document).unwrap());
    let mut near: Vec<f64> = expected.vectors.iter().zip(&found.vectors).map(|(a, b)| similarity(a, b)).collect();
    near.sort_by(f64::total_cmp);
    // That engine takes one scale for a whole text, which moves the vectors of the shortest most.
    assert!(near[0] > 0.96 && near[2] > 0.985 && near[near.len() / 2] > 0.992, "{near:?}");
    assert_eq!(found.truncated, expected.truncated);
}

#[test]
fn every_level_is_near_to_the_model_with_nothing_but_its_weights_rounded() {
    let (packed, tokenizer) = (builtin::packed().unwrap(), builtin::tokenizer(256));
    let texts =
        ["A red vixen runs across the field.", "tax law", "Fungal spores survive drought; how long is not known."];
    let ids: Vec<Vec<u32>> = texts.iter().map(|text| tokenizer.encode(text).unwrap().ids).collect();
    let expected: Vec<Vec<f64>> = ids.iter().map(|ids| reference::embed(packed, ids, Pooling::Mean)).collect();
    for kernels in Kernels::all() {
        for (vector, expected) in embed(&encoder(kernels), &ids, 1).iter().zip(&expected) {
            let near: f64 = vector.iter().zip(expected).map(|(a, b)| f64::from(*a) * b).sum();
            assert!(near > 0.9975, "{}: {near}", kernels.name());
        }
    }
}

#[test]
fn it_is_chosen_by_name_and_runs_no_other_model() {
    let options = LoadOptions { runtime: RuntimeChoice::BuiltIn, ..LoadOptions::default() };
    let model = load(DEFAULT_MODEL, &options).unwrap();
    let long = "fox ".repeat(255);
    let texts: Vec<&str> = std::iter::repeat_n("a red fox", 200).chain([long.as_str()]).collect();
    let output = model.embed(&texts, TextRole::Document).unwrap();
    assert_eq!((output.vectors.len(), output.truncated), (201, vec![200]));
    assert_eq!(output.vectors[0], model.embed_one("a red fox", TextRole::Query).unwrap());
    let mut parts = open_parts(&resolve(DEFAULT_MODEL, &options).unwrap()).unwrap();
    parts.model = crate::embed::tensor::ModelBytes::File("model.onnx".into());
    let error = EncoderEmbedder::open(parts, &options).err().unwrap();
    assert!(error.to_string().contains("the built-in model and converted ones alone"), "{error}");
}
