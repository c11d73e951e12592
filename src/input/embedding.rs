//! An embedding as an input writes it: an array of numbers, or base64 of little-endian f32.
//!
//! Does not know a collection's dimension. Invariant: what leaves is not empty and every component is finite.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, SeqAccess, Visitor};

use super::json_error::why_json;
use crate::error::{Error, Result};
use crate::record::embedding_text;

/// Reads an embedding given as one piece of text, such as the value of `--embedding`.
///
/// # Errors
/// [`Error::InvalidEmbedding`] that names `place` when the text is no embedding.
pub fn embedding_from_json(text: &str, place: &str) -> Result<Vec<f32>> {
    parse(text).map_err(|why| Error::InvalidEmbedding { why: format!("{place}: {why}") })
}

/// Reads an embedding; the error is a sentence.
pub(super) fn parse(text: &str) -> Result<Vec<f32>, String> {
    let text = text.trim();
    if !text.starts_with('[') {
        return from_base64(text);
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let numbers = json.deserialize_seq(ComponentsSeed).and_then(|numbers| json.end().map(|()| numbers));
    numbers.map_err(|e| why_json(&e, text, 1))
}

fn from_base64(text: &str) -> Result<Vec<f32>, String> {
    checked(embedding_text::from_base64(text).map_err(|why| format!("the embedding {why}"))?)
}

pub(super) fn checked(embedding: Vec<f32>) -> Result<Vec<f32>, String> {
    if embedding.is_empty() {
        return Err("the embedding is empty".into());
    }
    match embedding.iter().position(|x| !x.is_finite()) {
        Some(at) => Err(format!("the embedding holds NaN or infinity at index {at}")),
        None => Ok(embedding),
    }
}

/// Reads the value of an embedding field: numbers, base64, or null for none.
pub(super) struct EmbeddingSeed;

impl<'de> DeserializeSeed<'de> for EmbeddingSeed {
    type Value = Option<Vec<f32>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for EmbeddingSeed {
    type Value = Option<Vec<f32>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an embedding, which is an array of numbers or base64 of little-endian f32")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        from_base64(text).map(Some).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        ComponentsSeed.visit_seq(seq).map(Some)
    }
}

/// Reads the numbers straight into f32, rounded once.
pub(super) struct ComponentsSeed;

impl<'de> Visitor<'de> for ComponentsSeed {
    type Value = Vec<f32>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of numbers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut embedding = Vec::with_capacity(384);
        while let Some(component) = seq.next_element_seed(Component)? {
            embedding.push(component);
        }
        checked(embedding).map_err(A::Error::custom)
    }
}

struct Component;

impl<'de> DeserializeSeed<'de> for Component {
    type Value = f32;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<f32, D::Error> {
        deserializer.deserialize_f32(self)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "serde_json has rounded a float to f32 already when f32 is asked for; an integer is rounded here"
)]
impl Visitor<'_> for Component {
    type Value = f32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number as a component of the embedding")
    }

    fn visit_f64<E>(self, x: f64) -> Result<f32, E> {
        Ok(x as f32)
    }

    fn visit_u64<E>(self, x: u64) -> Result<f32, E> {
        Ok(x as f32)
    }

    fn visit_i64<E>(self, x: i64) -> Result<f32, E> {
        Ok(x as f32)
    }
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD, Engine as _};

    use super::*;

    #[test]
    fn both_spellings_give_the_same_numbers() {
        assert_eq!(parse(" [1, -0.5,1e-3] "), Ok(vec![1.0, -0.5, 0.001]));
        let bytes: Vec<u8> = [1.0f32, -0.5, 0.001].iter().flat_map(|x| x.to_le_bytes()).collect();
        assert_eq!(parse(&BASE64_STANDARD.encode(bytes)), Ok(vec![1.0, -0.5, 0.001]));
    }

    #[test]
    fn text_is_rounded_to_f32_once() {
        // Just above the middle of two f32: f64 first would land on the middle and then go to the even one.
        let text = "[1.00000005960464477540]";
        assert_eq!(parse(text), Ok(vec![1.000_000_1]));
    }

    #[test]
    fn what_is_not_finite_or_not_numbers_is_refused() {
        let nan = BASE64_STANDARD.encode(f32::NAN.to_le_bytes());
        for (text, why) in [
            ("[]", "empty"),
            ("", "empty"),
            ("[1e39]", "out of range"),
            ("[1,NaN]", "NaN"),
            ("[1,null]", "null"),
            ("[\"a\"]", "component"),
            ("[[1]]", "component"),
            ("[1] 2", "trailing"),
            ("[1,", "cut off"),
            ("AAA=", "4 bytes each"),
            ("foxes!", "neither"),
            (nan.as_str(), "index 0"),
        ] {
            let error = embedding_from_json(text, "--embedding").unwrap_err();
            assert!(error.to_string().contains(why), "{text}: {error}");
        }
    }
}
