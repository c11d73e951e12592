//! The model in the program, run by whichever engine the environment offers.

use std::num::NonZeroUsize;

use super::super::parts::open_parts;
use super::super::{DEFAULT_MODEL, RuntimeChoice, load, resolve};
use super::*;
use crate::record::Space;

/// Embeds with so many threads. The engine is the environment's: `make test` runs these with both.
fn embedder(threads: usize) -> OnnxEmbedder {
    let mut options = LoadOptions::from_env().unwrap();
    options.threads = NonZeroUsize::new(threads);
    OnnxEmbedder::open(open_parts(&resolve(DEFAULT_MODEL, &options).unwrap()).unwrap(), &options).unwrap()
}

fn similarity(a: &[f32], b: &[f32]) -> f64 {
    1.0 - Space::Cosine.distance(a, b)
}

#[test]
fn meaning_is_nearer_than_words() {
    let texts = ["How do foxes move?", "A red vixen runs across the field.", "How do taxes move?", ""];
    let vectors = embedder(1).embed(&texts, TextRole::Document).unwrap().vectors;
    assert!(similarity(&vectors[0], &vectors[1]) > similarity(&vectors[0], &vectors[2]));
    for vector in &vectors {
        assert_eq!(vector.len(), 384);
        assert!((vector.iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 1e-5);
    }
}

#[test]
fn a_text_has_the_same_vector_alone_and_among_others_on_one_core_and_on_many() {
    let words = "river stone cloud engine ledger violin copper harvest ";
    let texts: Vec<String> = (1..40).map(|n| words.repeat(n % 13 + 1).split_at(n * 7 % 50 + 8).0.to_owned()).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let one = embedder(1);
    let many = embedder(3);
    let together = many.embed(&texts, TextRole::Document).unwrap().vectors;
    assert_eq!(together.len(), texts.len());
    for (text, among) in texts.iter().zip(&together) {
        let alone = one.embed_one(text, TextRole::Document).unwrap();
        let worst = alone.iter().zip(among).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-6, "{text:?} differs by {worst}");
    }
}

#[test]
fn a_long_list_opens_more_sessions_and_keeps_them() {
    let embedder = embedder(2);
    let text = "one two three four five six seven eight nine ten ".repeat(12);
    let text = text.as_str();
    let texts = vec![text; 20];
    assert_eq!(embedder.sessions.lock().open, 1);
    let vectors = embedder.embed(&texts, TextRole::Document).unwrap().vectors;
    assert_eq!(embedder.sessions.lock().open, 2);
    assert!(vectors.iter().all(|vector| *vector == vectors[0]));
    assert_eq!(embedder.embed_one(text, TextRole::Query).unwrap(), vectors[0]);
    assert_eq!(embedder.sessions.lock().open, 2);
}

#[test]
fn what_follows_the_last_token_that_fits_changes_nothing() {
    let embedder = embedder(1);
    let full = "word ".repeat(254);
    let longer = format!("{full} and then something else entirely");
    let vectors = embedder.embed(&[&full, &longer], TextRole::Document).unwrap().vectors;
    assert_eq!(vectors[0], vectors[1]);
    let shorter = "word ".repeat(253);
    assert_ne!(embedder.embed_one(&shorter, TextRole::Document).unwrap(), vectors[0]);
}

#[test]
fn prefixes_go_before_the_text_of_their_role() {
    let mut embedder = embedder(1);
    let expected = embedder.embed(&["query: fox", "passage: fox"], TextRole::Document).unwrap().vectors;
    embedder.parts.fingerprint.query_prefix = "query: ".into();
    embedder.parts.fingerprint.document_prefix = "passage: ".into();
    assert_eq!(embedder.embed_one("fox", TextRole::Query).unwrap(), expected[0]);
    assert_eq!(embedder.embed_one("fox", TextRole::Document).unwrap(), expected[1]);
}

#[test]
fn a_model_of_another_dimension_than_it_says_is_an_error() {
    let mut embedder = embedder(1);
    embedder.parts.fingerprint.dimension = 512;
    let error = embedder.embed(&["fox"], TextRole::Query).unwrap_err();
    assert!(error.to_string().contains("384 components, not 512"), "{error}");
    assert_eq!(embedder.sessions.lock().open, 1, "the session is kept");
}

#[test]
fn no_texts_have_no_vectors() {
    assert!(embedder(1).embed(&[], TextRole::Query).unwrap().vectors.is_empty());
    let hash = load("hash-8", &LoadOptions::default()).unwrap();
    assert_eq!(hash.embed_one("a", TextRole::Query).unwrap().len(), 8);
}

#[test]
fn texts_longer_than_the_model_reads_are_told() {
    let embedder = embedder(1);
    let (long, fits) = ("fox ".repeat(255), "fox ".repeat(254));
    let output = embedder.embed(&["", &long, "short", &fits], TextRole::Document).unwrap();
    assert_eq!((output.vectors.len(), output.truncated), (4, vec![1]));
}

#[test]
fn threads_share_a_model_and_its_sessions() {
    let embedder = embedder(2);
    let words = ["river", "stone", "cloud", "engine", "ledger", "violin"];
    let alone = words.map(|word| embedder.embed_one(word, TextRole::Query).unwrap());
    std::thread::scope(|scope| {
        for (word, alone) in words.iter().zip(&alone) {
            let embedder = &embedder;
            scope.spawn(move || assert_eq!(embedder.embed_one(word, TextRole::Query).unwrap(), *alone, "{word}"));
        }
    });
    assert!(embedder.sessions.lock().open <= 2);
}

#[test]
fn lists_of_several_callers_go_through_one_pool() {
    let options = LoadOptions {
        runtime: RuntimeChoice::Rten,
        threads: NonZeroUsize::new(2),
        pool: Some(Arc::new(rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap())),
        ..LoadOptions::default()
    };
    let embedder =
        OnnxEmbedder::open(open_parts(&resolve(DEFAULT_MODEL, &options).unwrap()).unwrap(), &options).unwrap();
    let text = "one two three four five six seven eight nine ten ".repeat(12);
    let expected = embedder.embed_one(&text, TextRole::Document).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let (embedder, texts, expected) = (&embedder, vec![text.as_str(); 20], &expected);
            scope.spawn(move || {
                let vectors = embedder.embed(&texts, TextRole::Document).unwrap().vectors;
                assert!(vectors.len() == 20 && vectors.iter().all(|vector| vector == expected));
            });
        }
    });
    assert_eq!(embedder.sessions.lock().open, 2);
}

#[test]
fn what_is_loaded_is_shared() {
    let options = LoadOptions::from_env().unwrap();
    let (one, other) = (load(DEFAULT_MODEL, &options).unwrap(), load(DEFAULT_MODEL, &options.clone()).unwrap());
    assert!(std::sync::Arc::ptr_eq(&one, &other));
}
