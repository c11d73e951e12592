//! The encoder by itself and beside the engines that run the graph.

use std::fs;
use std::path::Path;

use super::embedder::EncoderEmbedder;
use super::model::Model;
use super::portable::PLAIN;
use super::{Encoder, Kernels, PackedBytes, Pooled, pack_graph, remainder};
use crate::embed::onnx::OnnxEmbedder;
use crate::embed::parts::open_parts;
use crate::embed::{DEFAULT_MODEL, Embedder, LoadOptions, RuntimeChoice, TextRole, builtin, load, resolve};
use crate::record::Pooling;
use crate::threads;

fn encoder(kernels: &'static Kernels) -> Encoder {
    let pooled = Pooled { by: Pooling::Mean, normalize: true };
    Encoder::open(PackedBytes::Program(builtin::packed().unwrap()), kernels, pooled).unwrap()
}

fn embed(encoder: &Encoder, texts: &[Vec<u32>], threads: usize) -> Vec<Vec<f32>> {
    let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
    encoder.embed(&texts, threads, || threads::pool(threads)).unwrap()
}

/// A text of so many tokens, always the same.
fn text(tokens: usize, seed: u32) -> Vec<u32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(7);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        999 + (state >> 8) % 29_000
    };
    (0..tokens).map(|_| next()).collect()
}

fn similarity(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

fn bits(vectors: &[Vec<f32>]) -> Vec<Vec<u32>> {
    vectors.iter().map(|vector| vector.iter().map(|x| x.to_bits()).collect()).collect()
}

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
fn the_packed_model_is_the_graph_packed() {
    let (packed, graph) = (builtin::packed_bytes(), builtin::graph().unwrap());
    assert!(pack_graph::pack(&graph, 12).unwrap() == packed);
}

#[test]
fn a_graph_is_put_together_as_it_was_taken_apart() {
    let (packed, graph) = (builtin::packed_bytes(), builtin::graph().unwrap());
    let left = remainder::take_apart(&graph, packed).unwrap();
    assert!(left.len() < graph.len() / 40, "{} bytes", left.len());
    assert!(remainder::put_together(&left, packed).unwrap() == graph);
    for cut in [0, 7, 8, 500] {
        assert!(remainder::put_together(&left[..cut], packed).is_none(), "{cut}");
    }
    assert!(remainder::put_together(&left, &packed[..packed.len() / 2]).is_none());
}

#[test]
fn what_is_cut_off_or_of_other_sizes_is_no_model() {
    let (packed, graph) = (builtin::packed_bytes(), builtin::graph().unwrap());
    for cut in [0, 7, 8, 40, 200, packed.len() - 1] {
        assert!(Model::open(&packed[..cut]).is_err(), "{cut}");
    }
    // A head that asks for more than there is, or for what cannot be counted.
    for (place, number) in (1..11).flat_map(|place| [(place, u64::MAX), (place, 1 << 62), (place, 1 << 20)]) {
        let mut damaged = packed[..1 << 16].to_vec();
        damaged[place * 8..][..8].copy_from_slice(&number.to_le_bytes());
        assert!(Model::open(&damaged).is_err(), "{place}: {number}");
    }
    assert!(pack_graph::pack(&graph[..graph.len() / 2], 12).is_err());
    assert!(pack_graph::pack(b"", 12).is_err());
    assert!(pack_graph::pack(&graph, 7).is_err());
}

#[test]
fn levels_differ_by_no_more_than_is_said() {
    let texts: Vec<Vec<u32>> =
        [1, 2, 5, 16, 17, 33, 70, 130].into_iter().zip(0..).map(|(n, seed)| text(n, seed)).collect();
    let plain = embed(&encoder(&PLAIN), &texts, 1);
    let mut fused: Option<Vec<Vec<u32>>> = None;
    for kernels in Kernels::all() {
        let vectors = embed(&encoder(kernels), &texts, 1);
        let worst = vectors.iter().zip(&plain).map(|(a, b)| similarity(a, b)).fold(1.0, f64::min);
        let name = kernels.name();
        assert!(vectors.iter().flatten().all(|x| x.is_finite()), "{name}");
        match name {
            "portable" => assert!(bits(&vectors) == bits(&plain), "{name}"),
            _ if name.ends_with("bf16") => assert!(worst > 0.995, "{name}: {worst}"),
            _ => {
                assert!(worst > 0.995, "{name}: {worst}");
                let first = fused.get_or_insert_with(|| bits(&vectors));
                assert!(*first == bits(&vectors), "{name}");
            }
        }
    }
}

#[test]
fn a_text_has_the_same_bits_in_any_batch_and_on_any_number_of_threads() {
    for kernels in Kernels::all() {
        let encoder = encoder(kernels);
        let slow = kernels.name() == "portable";
        let lengths = if slow { vec![3, 40, 1, 97] } else { vec![3, 40, 1, 97, 256, 18, 64, 2, 300, 6, 7, 12] };
        let texts: Vec<Vec<u32>> = lengths.into_iter().zip(0..).map(|(n, seed)| text(n, seed)).collect();
        let alone: Vec<Vec<f32>> =
            texts.iter().flat_map(|text| embed(&encoder, std::slice::from_ref(text), 1)).collect();
        for threads in [1, 2, 3, 5] {
            assert!(bits(&embed(&encoder, &texts, threads)) == bits(&alone), "{} on {threads}", kernels.name());
        }
        let mut turned = texts.clone();
        turned.reverse();
        let mut among = embed(&encoder, &turned, 2);
        among.reverse();
        assert!(bits(&among) == bits(&alone), "{}", kernels.name());
        // A long text is cut between threads.
        let split = embed(&encoder, &texts[3..4], 4);
        assert!(bits(&split) == bits(&alone[3..4]), "{}", kernels.name());
    }
}

#[test]
fn texts_of_any_length_have_vectors_of_length_1() {
    let encoder = encoder(Kernels::best());
    for tokens in [1, 2, 15, 16, 31, 47, 48, 49, 511, 512] {
        for threads in [1, 2] {
            let vector = embed(&encoder, &[text(tokens, 3)], threads).pop().unwrap();
            assert_eq!(vector.len(), 384);
            assert!((similarity(&vector, &vector) - 1.0).abs() < 1e-5, "{tokens}");
        }
    }
    assert_eq!(embed(&encoder, &[Vec::new(), text(4, 1), Vec::new()], 1)[2], [0.0; 384]);
    assert!(embed(&encoder, &[], 2).is_empty());
}

#[test]
fn tokens_that_the_model_does_not_have_are_an_error() {
    let encoder = encoder(Kernels::best());
    let error = encoder.embed(&[&[1; 513]], 1, || threads::pool(1)).unwrap_err();
    assert!(error.contains("513 tokens, and it takes 512"), "{error}");
    let error = encoder.embed(&[&[101, 30_522]], 1, || threads::pool(1)).unwrap_err();
    assert!(error.contains("no token 30522"), "{error}");
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
    let expected: Vec<Vec<f64>> = ids.iter().map(|ids| super::reference::embed(packed, ids, Pooling::Mean)).collect();
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
