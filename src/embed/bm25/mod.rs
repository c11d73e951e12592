//! Text to a sparse vector of BM25 weights, equal to Chroma's `chroma_bm25`.
//!
//! A weight knows its own text alone: lengths are measured against a fixed average, and how rare a term is counts
//! when a question is asked, if at all. Invariant: equal texts give equal vectors in every version of a file.

mod murmur;
mod stop;

use std::collections::BTreeMap;
use std::ops::Range;

use unicode_categories::UnicodeCategories;
use waken_snowball::Algorithm;

use crate::record::SparseVector;

// Chroma's constants (`chroma_bm25_embedding_function.py`).
const K: f64 = 1.2;
const B: f64 = 0.75;
const AVERAGE_LENGTH: f64 = 256.0;
const LONGEST_TOKEN_CHARS: usize = 40;

/// Returns the BM25 weights of a text: `tf (k + 1) / (tf + k (1 - b + b length / average))` for each term.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "weights are stored as f32, as in Chroma")]
pub fn bm25(text: &str) -> SparseVector {
    let mut counts: BTreeMap<u32, f64> = BTreeMap::new();
    let mut length = 0.0;
    for (_, term) in terms(text) {
        *counts.entry(term).or_default() += 1.0;
        length += 1.0;
    }
    let weight = |tf: f64| (tf * (K + 1.0) / (tf + K * (1.0 - B + B * length / AVERAGE_LENGTH))) as f32;
    let values = counts.values().map(|tf| weight(*tf)).collect();
    // The keys of a map ascend strictly and the weights are finite, so this is a vector.
    SparseVector::new(counts.into_keys().collect(), values, None).unwrap_or_default()
}

/// Visits the words of a text that count, in its order: where each stands, in bytes, and the number of its term.
pub fn terms(text: &str) -> impl Iterator<Item = (Range<usize>, u32)> + '_ {
    let stemmer = Algorithm::English.stemmer();
    let mut end = 0;
    let words = text.split_inclusive(|c| !is_word_character(c)).map(move |piece| {
        let start = end;
        end += piece.len();
        let word = piece.trim_end_matches(|c| !is_word_character(c));
        (start..start + word.len(), word)
    });
    words.filter(|(_, word)| !word.is_empty()).filter_map(move |(place, word)| {
        let word = word.to_lowercase();
        if stop::is_stop_word(&word) || word.chars().count() > LONGEST_TOKEN_CHARS {
            return None;
        }
        let stem = stemmer.stem(&word);
        // Chroma takes the absolute value of the hash as a signed number.
        (!stem.is_empty()).then(|| (place, murmur::murmur3_32(stem.as_bytes()).cast_signed().unsigned_abs()))
    })
}

/// Returns whether Python's `\w` matches a character: letters and numbers of any script, and the underscore.
///
/// Marks do not count, unlike in the `\w` of the regex crate.
fn is_word_character(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() || c == '_' } else { c.is_letter() || c.is_number() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[test]
    fn terms_know_their_place() {
        let text = "The foxes: ÜBER-Fuchs 日本 fox_";
        let shown: Vec<(&str, u32)> = terms(text).map(|(place, term)| (&text[place], term)).collect();
        assert_eq!(shown.iter().map(|(word, _)| *word).collect::<Vec<_>>(), ["foxes", "ÜBER", "Fuchs", "日本", "fox_"]);
        assert_eq!(shown[0].1, terms("FOX").next().unwrap().1);
    }

    #[derive(Deserialize)]
    struct Expected {
        text: String,
        indices: Vec<u32>,
        values: Vec<f64>,
    }

    /// Made once by `ChromaBm25EmbeddingFunction()([text])` of chromadb 1.5.9 with snowballstemmer 3.1.1 and mmh3 5.3.1.
    #[test]
    fn vectors_are_those_of_chroma() {
        let expected: Vec<Expected> = serde_json::from_str(include_str!("chroma.json")).unwrap();
        assert!(expected.len() > 10);
        for Expected { text, indices, values } in expected {
            let vector = bm25(&text);
            assert_eq!(vector.indices(), indices, "{text:?}");
            for (ours, theirs) in vector.values().iter().zip(values) {
                assert!((f64::from(*ours) - theirs).abs() < 1e-6, "{text:?}: {ours} {theirs}");
            }
        }
    }
}
