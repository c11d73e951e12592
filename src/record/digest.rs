//! What tells two versions of a record apart: a digest of all that is kept of it.
//!
//! XXH3 of 128 bits over an encoding in which every part says its length or its kind; no secret, and no proof against
//! whoever makes records collide on purpose. Invariant: equal records have equal digests, on every machine and in every
//! place; whether the collection's model made the embedding is not in it.

use xxhash_rust::xxh3::xxh3_128;

use super::{Metadata, Record, Value};

/// Returns the digest of a record that was read whole.
#[must_use]
pub fn digest(record: &Record) -> [u8; 16] {
    let mut out = Vec::new();
    text(&mut out, record.id.as_str());
    for part in [&record.document, &record.uri] {
        out.extend([u8::from(part.is_some())]);
        text(&mut out, part.as_deref().unwrap_or_default());
    }
    let embedding = record.embedding.as_deref().unwrap_or_default();
    length(&mut out, embedding.len());
    out.extend(embedding.iter().flat_map(|component| component.to_bits().to_le_bytes()));
    for (key, value) in record.metadata.iter().flat_map(Metadata::iter) {
        text(&mut out, key);
        put(&mut out, value);
    }
    xxh3_128(&out).to_le_bytes()
}

fn length(out: &mut Vec<u8>, length: usize) {
    out.extend((length as u64).to_le_bytes());
}

fn text(out: &mut Vec<u8>, text: &str) {
    length(out, text.len());
    out.extend(text.as_bytes());
}

fn put(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Bool(value) => out.extend([1, u8::from(*value)]),
        Value::Int(value) => {
            out.extend([2]);
            out.extend(value.to_le_bytes());
        }
        Value::Float(value) => {
            out.extend([3]);
            out.extend(value.to_bits().to_le_bytes());
        }
        Value::Str(value) => {
            out.extend([4]);
            text(out, value);
        }
        Value::BoolArray(values) => {
            out.extend([5]);
            length(out, values.len());
            out.extend(values.iter().map(|value| u8::from(*value)));
        }
        Value::IntArray(values) => {
            out.extend([6]);
            length(out, values.len());
            out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        }
        Value::FloatArray(values) => {
            out.extend([7]);
            length(out, values.len());
            out.extend(values.iter().flat_map(|value| value.to_bits().to_le_bytes()));
        }
        Value::StrArray(values) => {
            out.extend([8]);
            length(out, values.len());
            for value in values {
                text(out, value);
            }
        }
        Value::Sparse(vector) => {
            out.extend([9]);
            length(out, vector.iter().count());
            for (term, weight) in vector.iter() {
                out.extend(term.to_le_bytes());
                out.extend(weight.to_bits().to_le_bytes());
            }
            let tokens = vector.tokens().unwrap_or_default();
            length(out, tokens.len());
            for token in tokens {
                text(out, token);
            }
        }
    }
}
