//! Vectors from hashed words: a stand-in for a model, for tests and dry runs of pipelines.
//!
//! It understands nothing; texts that share words are near each other, and that is all. Invariant: the same
//! text gives the same vector on every machine and in every version.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::embedder::{EmbedOutput, Embedder, TextRole};
use super::pooling::scale_to_length_1;
use crate::error::Result;
use crate::record::{Fingerprint, Pooling};

/// The longest vectors it makes.
const MAX_DIMENSION: usize = 4096;

/// Makes a unit vector from the words of a text, without a model.
///
/// Each distinct word has a fixed direction; the vector of a text is the sum of its words' directions, scaled
/// to length 1. A text without words has the direction of the empty word.
#[derive(Debug, Clone)]
pub struct HashEmbedder {
    fingerprint: Fingerprint,
}

impl HashEmbedder {
    /// Makes one with vectors of `dimension` components, between 1 and 4,096.
    #[must_use]
    pub fn new(dimension: usize) -> Self {
        let dimension = dimension.clamp(1, MAX_DIMENSION);
        Self {
            fingerprint: Fingerprint {
                model: format!("hash-{dimension}"),
                sha256: String::new(),
                dimension,
                pooling: Pooling::Mean,
                normalize: true,
                max_tokens: usize::from(u16::MAX),
                query_prefix: String::new(),
                document_prefix: String::new(),
                made_by: None,
                probe: None,
            },
        }
    }

    /// Reads a name such as `hash-384`; `None` when it is not one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let dimension = name.strip_prefix("hash-")?.parse().ok()?;
        (1..=MAX_DIMENSION).contains(&dimension).then(|| Self::new(dimension))
    }

    /// Puts these before questions and documents.
    pub(super) fn with_prefixes(mut self, query: &str, document: &str) -> Self {
        query.clone_into(&mut self.fingerprint.query_prefix);
        document.clone_into(&mut self.fingerprint.document_prefix);
        self
    }

    fn vector(&self, text: &str) -> Vec<f32> {
        let text = text.to_lowercase();
        let mut words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        words.sort_unstable();
        words.dedup();
        if words.is_empty() {
            words.push("");
        }
        let mut vector: Vec<f32> = (0..self.fingerprint.dimension as u64)
            .map(|seed| words.iter().map(|word| component(word, seed)).sum())
            .collect();
        scale_to_length_1(&mut vector);
        vector
    }
}

/// A number between -1 and 1, never 0, so that no word has a zero vector.
#[expect(clippy::cast_precision_loss, reason = "23 bits are exact in an f32")]
fn component(word: &str, seed: u64) -> f32 {
    let bits = xxh3_64_with_seed(word.as_bytes(), seed) >> 41;
    (bits as f32 + 0.5) / 4_194_304.0 - 1.0
}

impl Embedder for HashEmbedder {
    fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    fn embed(&self, texts: &[&str], role: TextRole) -> Result<EmbedOutput> {
        let prefix = role.prefix(&self.fingerprint);
        let vectors = texts.iter().map(|text| self.vector(&format!("{prefix}{text}"))).collect();
        Ok(EmbedOutput { vectors, truncated: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Space;

    #[test]
    fn texts_that_share_words_are_nearer() {
        let embedder = HashEmbedder::from_name("hash-64").unwrap();
        let texts = ["the quick brown fox", "a quick brown dog", "tax law of 1921", "Quick, BROWN the fox!"];
        let vectors = embedder.embed(&texts, TextRole::Document).unwrap().vectors;
        let distance = |a: usize, b: usize| Space::Cosine.distance(&vectors[a], &vectors[b]);
        assert!(distance(0, 1) < distance(0, 2));
        assert!(distance(0, 3).abs() < 1e-6, "order, case and punctuation do not count");
        for vector in &vectors {
            assert_eq!(vector.len(), 64);
            assert!((vector.iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 1e-5);
        }
    }

    #[test]
    fn vectors_never_change() {
        let embedder = HashEmbedder::new(4);
        let vector = embedder.embed_one("a stable promise", TextRole::Query).unwrap();
        let text = format!("{vector:.4?}");
        assert_eq!(text, "[-0.1410, 0.7224, 0.0461, 0.6754]");
    }

    #[test]
    fn empty_texts_and_the_smallest_dimension_have_vectors() {
        for dimension in [1, 2, 4096] {
            let vectors = HashEmbedder::new(dimension).embed(&["", "?!", "x"], TextRole::Query).unwrap().vectors;
            assert!(vectors.iter().flatten().all(|x| x.is_finite()), "{dimension}");
            assert_eq!(vectors[0], vectors[1]);
        }
    }

    #[test]
    fn only_names_with_a_dimension_in_range_are_its_own() {
        assert_eq!(HashEmbedder::from_name("hash-384").unwrap().fingerprint().dimension, 384);
        for name in ["hash", "hash-", "hash-0", "hash-4097", "hash--1", "all-MiniLM-L6-v2"] {
            assert!(HashEmbedder::from_name(name).is_none(), "{name}");
        }
    }
}
