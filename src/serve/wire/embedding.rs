//! An embedding of a request: numbers, or base64 of little-endian f32.
//!
//! Read straight into f32, without a tree. Whether it is finite is the handler's question, since Chroma answers that with 400
//! and a wrong type with 422.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::de::{Deserialize, Deserializer, Error as _, SeqAccess, Visitor};

use crate::serve::fault::Fault;

/// An embedding as it was sent.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::serve) enum SentEmbedding {
    Numbers(Vec<f32>),
    Base64(String),
}

impl SentEmbedding {
    /// Returns the components, all finite and at least one.
    pub(in crate::serve) fn components(self) -> Result<Vec<f32>, Fault> {
        let components = match self {
            Self::Numbers(components) => {
                if components.iter().any(|x| !x.is_finite()) {
                    let why = "Validation error: embeddings: Embeddings must not contain NaN or Infinity values";
                    return Err(Fault::invalid(why));
                }
                components
            }
            Self::Base64(text) => decoded(&text)?,
        };
        if components.is_empty() {
            let why = "Validation error: embeddings: Each embedding must have at least 1 dimension";
            return Err(Fault::invalid(why));
        }
        Ok(components)
    }
}

fn decoded(text: &str) -> Result<Vec<f32>, Fault> {
    let bytes = BASE64_STANDARD.decode(text).map_err(|e| Fault::invalid(format!("Invalid base64 string: {e}")))?;
    let (words, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        let why = format!("Invalid base64 string: {} bytes, where f32 takes 4 each", bytes.len());
        return Err(Fault::invalid(why));
    }
    let components: Vec<f32> = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
    match components.iter().enumerate().find(|(_, x)| !x.is_finite()) {
        Some((at, x)) => Err(Fault::invalid(format!("Non-finite float value at embedding index {at}: {x}"))),
        None => Ok(components),
    }
}

impl<'de> Deserialize<'de> for SentEmbedding {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EmbeddingVisitor)
    }
}

struct EmbeddingVisitor;

impl<'de> Visitor<'de> for EmbeddingVisitor {
    type Value = SentEmbedding;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of numbers, or base64 of little-endian f32")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<SentEmbedding, E> {
        Ok(SentEmbedding::Base64(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<SentEmbedding, A::Error> {
        let mut components = Vec::with_capacity(seq.size_hint().unwrap_or(384));
        while let Some(component) = seq.next_element::<f32>()? {
            if components.len() == crate::record::MAX_DIMENSION {
                let most = crate::record::MAX_DIMENSION;
                return Err(A::Error::custom(format!("an embedding has at most {most} components")));
            }
            components.push(component);
        }
        Ok(SentEmbedding::Numbers(components))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Vec<f32>, String> {
        let sent: SentEmbedding = serde_json::from_str(json).map_err(|error| error.to_string())?;
        sent.components().map_err(|fault| fault.message)
    }

    #[test]
    fn numbers_and_base64_are_the_same_embedding() {
        assert_eq!(read("[1, -2.5e-8, 0.1]").unwrap(), [1.0, -2.5e-8, 0.1]);
        let bytes: Vec<u8> = [1.0_f32, -2.5e-8, 0.1].iter().flat_map(|x| x.to_le_bytes()).collect();
        assert_eq!(read(&format!("{:?}", BASE64_STANDARD.encode(bytes))).unwrap(), [1.0, -2.5e-8, 0.1]);
    }

    #[test]
    fn what_is_no_embedding_is_refused() {
        for (json, why) in [
            ("[]", "at least 1 dimension"),
            ("[\"a\"]", "invalid type: string \"a\", expected f32"),
            ("[[1]]", "invalid type: sequence, expected f32"),
            ("{}", "an array of numbers, or base64"),
            ("\"?\"", "Invalid base64 string"),
            ("\"AAAA\"", "3 bytes"),
            ("\"AADAfw==\"", "Non-finite float value at embedding index 0: NaN"),
            ("\"\"", "at least 1 dimension"),
        ] {
            let error = read(json).unwrap_err();
            assert!(error.contains(why), "{json}: {error}");
        }
    }
}
