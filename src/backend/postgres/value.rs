//! Parts of a record as PostgreSQL keeps them, and back.
//!
//! Metadata is `jsonb`: a float has a decimal, an integer none ([`super::number`]); `numeric` has no negative zero, so the
//! weight of a sparse vector that is one is the text `-0`. Invariant: what is read is equal to what was written, every bit
//! of an embedding and of a number.

use serde_json::{Value as Json, json};

use super::number::digits;
use crate::error::{Error, Result};
use crate::record::{Metadata, Number, SparseVector, Value, short};

/// What a weight of -0.0 is written as.
const MINUS_ZERO: &str = "-0";

/// Reads an embedding as pgvector sends it (`vector_send`): length and a zero, 16 bits each, then the components, the highest
/// byte first.
pub(super) fn embedding(raw: &[u8]) -> Result<Vec<f32>> {
    let damaged = || Error::damaged("a vector in PostgreSQL has another length than it says");
    let (length, rest) = raw.split_first_chunk().ok_or_else(damaged)?;
    let (components, rest) = rest.get(2..).ok_or_else(damaged)?.as_chunks::<4>();
    if !rest.is_empty() || usize::from(u16::from_be_bytes(*length)) != components.len() {
        return Err(damaged());
    }
    Ok(components.iter().map(|bytes| f32::from_be_bytes(*bytes)).collect())
}

/// Appends an embedding as pgvector takes it.
pub(super) fn put_embedding(out: &mut Vec<u8>, embedding: &[f32]) {
    let length = u16::try_from(embedding.len()).unwrap_or(u16::MAX);
    out.extend(length.to_be_bytes());
    out.extend([0, 0]);
    out.extend(embedding.iter().flat_map(|component| component.to_be_bytes()));
}

/// Returns metadata as text for `jsonb`.
pub(super) fn metadata_text(metadata: &Metadata) -> String {
    let entries: Vec<String> = metadata.iter().map(|(key, value)| format!("{}:{}", json!(key), text(value))).collect();
    format!("{{{}}}", entries.join(","))
}

fn text(value: &Value) -> String {
    let float = |f: &f64| digits(Number::Float(*f));
    match value {
        Value::Float(f) => float(f),
        Value::FloatArray(items) => list(items.iter().map(float)),
        Value::Sparse(vector) => sparse_text(vector),
        other => other.to_json().to_string(),
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

fn sparse_text(vector: &SparseVector) -> String {
    let weight = |weight: &f32| {
        if *weight == 0.0 && weight.is_sign_negative() {
            return format!("\"{MINUS_ZERO}\"");
        }
        digits(Number::Float(short(*weight)))
    };
    let (indices, weights) = (json!(vector.indices()), list(vector.values().iter().map(weight)));
    let tokens = vector.tokens().map(|tokens| format!(",\"tokens\":{}", json!(tokens))).unwrap_or_default();
    format!("{{\"#type\":\"sparse_vector\",\"indices\":{indices},\"values\":{weights}{tokens}}}")
}

/// Reads the text of a record's metadata.
pub(super) fn metadata(text: &str) -> Result<Metadata> {
    let damaged = |why: String| Error::damaged(format!("metadata in PostgreSQL: {why}"));
    let mut json: Json = serde_json::from_str(text).map_err(|error| damaged(error.to_string()))?;
    if text.contains("\"-0\"") {
        json.as_object_mut().into_iter().flatten().for_each(|(_, value)| mend_weights(value));
    }
    Metadata::from_json(json).map_err(|error| damaged(error.to_string()))
}

/// Reads the text of one value.
pub(super) fn value(text: &str) -> Result<Value> {
    let damaged = |why: String| Error::damaged(format!("metadata in PostgreSQL: {why}"));
    let mut json: Json = serde_json::from_str(text).map_err(|error| damaged(error.to_string()))?;
    mend_weights(&mut json);
    Value::from_json(json).map_err(damaged)
}

fn mend_weights(value: &mut Json) {
    let weights = value.as_object_mut().and_then(|object| object.get_mut("values")).and_then(Json::as_array_mut);
    for weight in weights.into_iter().flatten().filter(|weight| weight.as_str() == Some(MINUS_ZERO)) {
        *weight = json!(-0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_reads_back_equal() {
        let mut metadata_ = Metadata::default();
        let sparse =
            SparseVector::new(vec![1, 2, 9], vec![-0.0, 2.0, 0.1], Some(vec!["a".into(), "-0".into(), String::new()]));
        for (at, value) in [
            Value::Int(i64::MAX),
            Value::Int(-5),
            Value::Float(1.0),
            Value::Float(1e300),
            Value::Float(5e-324),
            Value::Float(f64::MAX),
            Value::Float(9_007_199_254_740_993.0),
            Value::Str("\"-0\" \\ é\n".into()),
            Value::Bool(true),
            Value::FloatArray(vec![1.0, 0.1, -2.0]),
            Value::IntArray(vec![1, 2]),
            Value::StrArray(vec!["-0".into()]),
            Value::BoolArray(vec![false]),
            Value::Sparse(sparse.unwrap()),
        ]
        .into_iter()
        .enumerate()
        {
            let text = text(&value);
            assert_eq!(super::value(&text).unwrap(), value, "{text}");
            metadata_.insert(format!("k{at}"), value).unwrap();
        }
        let read = metadata(&metadata_text(&metadata_)).unwrap();
        assert_eq!(read, metadata_);
        let Some(Value::Sparse(read)) = read.get("k13") else { panic!("a sparse vector") };
        assert!(read.values()[0].is_sign_negative());
    }

    #[test]
    fn embeddings_keep_every_bit() {
        let embedding = vec![-0.0, f32::MIN_POSITIVE, 1.5e-42, f32::MAX, -1.0];
        let mut bytes = Vec::new();
        put_embedding(&mut bytes, &embedding);
        let read = super::embedding(&bytes).unwrap();
        assert!(read.iter().zip(&embedding).all(|(a, b)| a.to_bits() == b.to_bits()) && read.len() == embedding.len());
        assert!(super::embedding(&bytes[..9]).is_err());
    }
}
