//! What tells two versions of a record apart: a digest of all that is kept of it.
//!
//! XXH3 of 128 bits over an encoding in which every part says its length or its kind; no secret, and no proof against
//! whoever makes records collide on purpose. Invariant: equal records have equal digests, on every machine and in every
//! place; whether the collection's model made the embedding is not in it.

use xxhash_rust::xxh3::Xxh3;

use super::{Record, Value};

/// Returns the digest of a record that was read whole.
#[must_use]
pub fn digest(record: &Record) -> [u8; 16] {
    let mut out = Xxh3::new();
    text(&mut out, record.id.as_str());
    for part in [&record.document, &record.uri] {
        out.update(&[u8::from(part.is_some())]);
        text(&mut out, part.as_deref().unwrap_or_default());
    }
    let embedding = record.embedding.as_deref().unwrap_or_default();
    length(&mut out, embedding.len());
    embedding.iter().for_each(|component| out.update(&component.to_bits().to_le_bytes()));
    for (key, value) in record.metadata.iter().flat_map(|metadata| metadata.iter()) {
        text(&mut out, key);
        put(&mut out, value);
    }
    out.digest128().to_le_bytes()
}

fn length(out: &mut Xxh3, length: usize) {
    out.update(&(length as u64).to_le_bytes());
}

fn text(out: &mut Xxh3, text: &str) {
    length(out, text.len());
    out.update(text.as_bytes());
}

fn put(out: &mut Xxh3, value: &Value) {
    match value {
        Value::Bool(value) => out.update(&[1, u8::from(*value)]),
        Value::Int(value) => {
            out.update(&[2]);
            out.update(&value.to_le_bytes());
        }
        Value::Float(value) => {
            out.update(&[3]);
            out.update(&value.to_bits().to_le_bytes());
        }
        Value::Str(value) => {
            out.update(&[4]);
            text(out, value);
        }
        Value::BoolArray(values) => {
            out.update(&[5]);
            length(out, values.len());
            values.iter().for_each(|value| out.update(&[u8::from(*value)]));
        }
        Value::IntArray(values) => {
            out.update(&[6]);
            length(out, values.len());
            values.iter().for_each(|value| out.update(&value.to_le_bytes()));
        }
        Value::FloatArray(values) => {
            out.update(&[7]);
            length(out, values.len());
            values.iter().for_each(|value| out.update(&value.to_bits().to_le_bytes()));
        }
        Value::StrArray(values) => {
            out.update(&[8]);
            length(out, values.len());
            values.iter().for_each(|value| text(out, value));
        }
        Value::Sparse(vector) => {
            out.update(&[9]);
            length(out, vector.iter().count());
            for (term, weight) in vector.iter() {
                out.update(&term.to_le_bytes());
                out.update(&weight.to_bits().to_le_bytes());
            }
            let tokens = vector.tokens().unwrap_or_default();
            length(out, tokens.len());
            tokens.iter().for_each(|token| text(out, token));
        }
    }
}
