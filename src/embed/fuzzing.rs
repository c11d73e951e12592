//! What a fuzzer calls with any bytes: the tokenizer and the file that describes one.
//!
//! Invariant: the words of a text are those of the tokenizers crate. Each function returns whether the bytes were a
//! value.

#![allow(clippy::panic, reason = "a panic is what a fuzzer looks for")]

use std::sync::OnceLock;

use super::tokenizer::Tokenizer;
use crate::bm25::bm25;

const MAX_TOKENS: usize = 64;

/// Cuts a text into tokens with both tokenizers, and into the terms of BM25.
pub(crate) fn text(bytes: &[u8]) -> bool {
    static BOTH: OnceLock<(Tokenizer, Tokenizer)> = OnceLock::new();
    let (ours, theirs) = BOTH.get_or_init(|| {
        let json = include_bytes!("../../fixtures/models/all-MiniLM-L6-v2/tokenizer.json");
        match (Tokenizer::from_json(json, MAX_TOKENS), Tokenizer::any_from_json(json, MAX_TOKENS)) {
            (Ok(ours), Ok(theirs)) => (ours, theirs),
            _ => panic!("the tokenizer of the built-in model is not read"),
        }
    });
    let text = String::from_utf8_lossy(bytes);
    assert_eq!(ours.encode(&text), theirs.encode(&text), "{text:?}");
    let terms = bm25(&text);
    assert!(terms.iter().all(|(_, weight)| weight.is_finite() && weight > 0.0));
    true
}

/// Reads a `tokenizer.json` and cuts a text with it.
pub(crate) fn tokenizer_file(bytes: &[u8]) -> bool {
    let Ok(tokenizer) = Tokenizer::from_json(bytes, MAX_TOKENS) else { return false };
    ["", "The fox's 12 naïve friends [SEP] 日本語"].iter().all(|text| tokenizer.encode(text).is_ok())
}
