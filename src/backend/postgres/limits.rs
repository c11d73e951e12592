//! What PostgreSQL and pgvector cannot hold, refused by name before anything is sent.

use crate::error::{Error, Result};
use crate::record::{MetadataPatch, RecordId, Value};
use crate::store::of_record;

/// The longest id: longer ones do not fit in an entry of an index.
pub(super) const MAX_ID_BYTES: usize = 2_600;
/// The longest embedding that pgvector stores.
pub(super) const MAX_DIMENSION: usize = 16_000;

/// Refuses embeddings that are too long; returns the dimension as PostgreSQL has it.
pub(super) fn dimension(dimension: usize) -> Result<i32> {
    match i32::try_from(dimension) {
        Ok(fits) if dimension <= MAX_DIMENSION => Ok(fits),
        _ => Err(Error::InvalidEmbedding {
            why: format!("it has {dimension} components; PostgreSQL with pgvector stores at most {MAX_DIMENSION}"),
        }),
    }
}

/// Refuses a record, or a change to one, that cannot be held.
pub(super) fn check(
    id: &RecordId,
    texts: [Option<&str>; 2],
    metadata: &MetadataPatch,
    embedding: Option<&[f32]>,
) -> Result<()> {
    checked(id, texts, metadata, embedding).map_err(|error| of_record(id, error))
}

fn checked(id: &RecordId, texts: [Option<&str>; 2], metadata: &MetadataPatch, embedding: Option<&[f32]>) -> Result<()> {
    let bytes = id.as_str().len();
    if bytes > MAX_ID_BYTES {
        return Err(Error::argument(format!("the id has {bytes} bytes; PostgreSQL takes at most {MAX_ID_BYTES}")));
    }
    let parts = [("id", Some(id.as_str())), ("document", texts[0]), ("uri", texts[1])];
    if let Some((part, _)) = parts.into_iter().find(|(_, text)| text.is_some_and(|text| text.contains('\0'))) {
        return Err(Error::argument(format!("the {part} holds the character NUL, which PostgreSQL has in no text")));
    }
    if let Some((key, _)) = metadata.iter().find(|(key, value)| key.contains('\0') || value.is_some_and(has_nul)) {
        let why = "holds the character NUL, which PostgreSQL has in no text".into();
        return Err(Error::InvalidMetadata { key: key.to_owned(), why });
    }
    embedding.map_or(Ok(()), |embedding| dimension(embedding.len()).map(drop))
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::Str(text) => text.contains('\0'),
        Value::StrArray(texts) => texts.iter().any(|text| text.contains('\0')),
        Value::Sparse(vector) => vector.tokens().is_some_and(|tokens| tokens.iter().any(|token| token.contains('\0'))),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_named() {
        let id = |id: String| RecordId::parse(id).unwrap();
        let none = MetadataPatch::default();
        let said = |checked: Result<()>| checked.unwrap_err().to_string();
        assert!(check(&id("x".repeat(2_600)), [None; 2], &none, Some(&[0.0])).is_ok());
        assert!(said(check(&id("x".repeat(2_601)), [None; 2], &none, None)).contains("2601 bytes"));
        assert!(said(check(&id("a".into()), [Some("a\0"), None], &none, None)).contains("the document holds"));
        let metadata = MetadataPatch::from_json(serde_json::json!({"k": ["a", "\0"]})).unwrap();
        assert!(said(check(&id("a".into()), [None; 2], &metadata, None)).contains("\"k\""));
        assert!(said(check(&id("a".into()), [None; 2], &none, Some(&[0.0; 16_001]))).contains("16001 components"));
    }
}
