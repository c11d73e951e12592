//! The BM25 weights of a text, as Chroma computes them.

use super::stem::{English, Release};
use super::{murmur, stop};
use crate::record::SparseVector;
use std::collections::BTreeMap;
use std::ops::Range;
use unicode_categories::UnicodeCategories;

// Chroma's constants (`chroma_bm25_embedding_function.py`). Measured in hybrid queries against the mean length of each
// collection: nDCG@10 of .715 against .708 on the mean of three collections, and better on each of them.
const K: f64 = 1.2;
const B: f64 = 0.75;
const AVERAGE_LENGTH: f64 = 256.0;
const LONGEST_TOKEN_CHARS: usize = 40;

/// Returns the BM25 weights of a text: `tf (k + 1) / (tf + k (1 - b + b length / average))` for each term.
#[must_use]
pub fn bm25(text: &str) -> SparseVector {
    weigh(chroma_terms(text, English::new(Release::ThreeOne)).map(|(_, term)| (term, true)))
}

/// Weighs the terms of a text; each says whether it counts towards the length.
#[expect(clippy::cast_possible_truncation, reason = "weights are stored as f32, as in Chroma")]
pub(super) fn weigh(terms: impl Iterator<Item = (u32, bool)>) -> SparseVector {
    let mut counts: BTreeMap<u32, f64> = BTreeMap::new();
    let mut length = 0.0;
    for (term, is_long) in terms {
        *counts.entry(term).or_default() += 1.0;
        length += f64::from(u8::from(is_long));
    }
    let weight = |tf: f64| (tf * (K + 1.0) / (tf + K * (1.0 - B + B * length / AVERAGE_LENGTH))) as f32;
    let values = counts.values().map(|tf| weight(*tf)).collect();
    // The keys of a map ascend strictly and the weights are finite, so this is a vector.
    SparseVector::new(counts.into_keys().collect(), values, None).unwrap_or_default()
}

/// Visits Chroma's words of a text that count, in its order: where each stands, in bytes, and the number of its term.
pub(super) fn chroma_terms(text: &str, stemmer: English) -> impl Iterator<Item = (Range<usize>, u32)> + '_ {
    word_places(text).filter_map(move |place| {
        let term = term(text.get(place.clone())?, &stemmer)?;
        Some((place, term))
    })
}

/// Visits the places of what Chroma takes for a word, in bytes and in order.
pub(super) fn word_places(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut end = 0;
    let places = text.split_inclusive(|c| !is_word_character(c)).map(move |piece| {
        let start = end;
        end += piece.len();
        start..start + piece.trim_end_matches(|c| !is_word_character(c)).len()
    });
    places.filter(|place| !place.is_empty())
}

/// Returns the number of a word's term; `None` when it does not count.
pub(super) fn term(word: &str, stemmer: &English) -> Option<u32> {
    let word = word.to_lowercase();
    if stop::is_stop_word(&word) || word.chars().count() > LONGEST_TOKEN_CHARS {
        return None;
    }
    let stem = stemmer.stem(&word);
    (!stem.is_empty()).then(|| number(&stem))
}

/// Chroma takes the absolute value of the hash as a signed number.
pub(super) fn number(term: &str) -> u32 {
    murmur::murmur3_32(term.as_bytes()).cast_signed().unsigned_abs()
}

/// Returns whether Python's `\w` matches a character: letters and numbers of any script, and the underscore.
///
/// Marks do not count, unlike in the `\w` of the regex crate.
pub(super) fn is_word_character(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() || c == '_' } else { c.is_letter() || c.is_number() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct ExpectedVector {
        text: String,
        indices: Vec<u32>,
        values: Vec<f64>,
    }

    /// Made once by `ChromaBm25EmbeddingFunction()([text])` of chromadb 1.5.9 with snowballstemmer 3.1.1 and mmh3 5.3.1.
    #[test]
    fn vectors_are_those_of_chroma() {
        let expected: Vec<ExpectedVector> = serde_json::from_str(include_str!("chroma.json")).unwrap();
        assert!(expected.len() > 10);
        for ExpectedVector { text, indices, values } in expected {
            let vector = bm25(&text);
            assert_eq!(vector.indices(), indices, "{text:?}");
            for (ours, theirs) in vector.values().iter().zip(values) {
                assert!((f64::from(*ours) - theirs).abs() < 1e-6, "{text:?}: {ours} {theirs}");
            }
        }
    }
}
