//! An embedding as text: base64 of little-endian f32, as Chroma's clients send it.
//!
//! Invariant: what was written is read again bit for bit. Whether it is finite is not judged here.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serializer};

/// Writes an embedding.
pub(crate) fn to_base64(embedding: &[f32]) -> String {
    let bytes: Vec<u8> = embedding.iter().flat_map(|x| x.to_le_bytes()).collect();
    BASE64_STANDARD.encode(bytes)
}

/// Reads an embedding; the error is a sentence without its subject.
pub(crate) fn from_base64(text: &str) -> Result<Vec<f32>, String> {
    let bytes = BASE64_STANDARD
        .decode(text)
        .map_err(|e| format!("is neither a JSON array of numbers nor base64 of little-endian f32: {e}"))?;
    let (words, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(format!("is base64 of {} bytes; f32 takes 4 bytes each", bytes.len()));
    }
    Ok(words.iter().map(|word| f32::from_le_bytes(*word)).collect())
}

#[expect(clippy::ref_option, reason = "serde asks for this form")]
pub(crate) fn serialize<S: Serializer>(embedding: &Option<Vec<f32>>, serializer: S) -> Result<S::Ok, S::Error> {
    match embedding {
        Some(embedding) => serializer.serialize_some(&to_base64(embedding)),
        None => serializer.serialize_none(),
    }
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<f32>>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    text.map(|text| from_base64(&text)).transpose().map_err(|why| D::Error::custom(format!("the embedding {why}")))
}
