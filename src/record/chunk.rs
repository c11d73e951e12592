//! A part of a document that was cut: which document, and which part of it.
//!
//! Knows nothing of how documents are cut. Invariant: the id of a part says its document and number, and its metadata
//! says them again, so that a record is never taken for a part because of its name alone.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{Metadata, MetadataPatch, RecordId, Value};
use crate::error::{Error, Result};

/// One of the parts that a document was cut into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// The id of the document.
    pub of: RecordId,
    /// Its place among the parts, from 0.
    pub number: u64,
    /// How many parts there are.
    pub count: u64,
}

impl Chunk {
    /// The metadata key of the document's id.
    pub const OF: &str = "chunk_of";
    /// The metadata key of the part's number, from 0.
    pub const NUMBER: &str = "chunk";
    /// The metadata key of the byte of the document that the part begins with.
    pub const START: &str = "chunk_start";
    /// The metadata key of the byte of the document that the part ends before.
    pub const END: &str = "chunk_end";

    /// Returns the id of a part: `notes/a.md#3`.
    #[must_use]
    pub fn id(of: &RecordId, number: u64) -> RecordId {
        // Never empty, since the document's id is not.
        RecordId::parse(format!("{of}#{number}")).unwrap_or_else(|_| of.clone())
    }

    /// Returns the number that an id ends with, where it is one of a part of this document.
    #[must_use]
    pub fn number_in(id: &str, of: &RecordId) -> Option<u64> {
        let digits = id.strip_prefix(of.as_str())?.strip_prefix('#')?;
        let number = digits.parse().ok()?;
        (Self::id(of, number).as_str() == id).then_some(number)
    }

    /// Returns whether a record with this metadata is that part of the document.
    #[must_use]
    pub fn is_said_by(metadata: &Metadata, of: &RecordId, number: u64) -> bool {
        let says = |key: &str, value: &Value| metadata.get(key) == Some(value);
        says(Self::OF, &Value::Str(of.as_str().to_owned()))
            && i64::try_from(number).is_ok_and(|number| says(Self::NUMBER, &Value::Int(number)))
    }

    /// Adds to metadata what the part is, and which bytes of the document it has.
    ///
    /// # Errors
    /// [`Error::InvalidMetadata`] when one of these keys is taken.
    pub fn describe(&self, metadata: &mut MetadataPatch, bytes: &Range<usize>) -> Result<()> {
        let int = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
        let said = [
            (Self::OF, Value::Str(self.of.as_str().to_owned())),
            (Self::NUMBER, int(self.number)),
            (Self::START, int(bytes.start as u64)),
            (Self::END, int(bytes.end as u64)),
        ];
        for (key, value) in said {
            if metadata.iter().any(|(taken, _)| taken == key) {
                let why = "is reserved for chunks; give the key another name".into();
                return Err(Error::InvalidMetadata { key: key.into(), why });
            }
            metadata.insert(key, Some(value))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_as_they_are_written_are_those_of_parts() {
        let of = RecordId::parse("a#1").unwrap();
        assert_eq!(Chunk::id(&of, 12).as_str(), "a#1#12");
        for (id, number) in [("a#1#12", Some(12)), ("a#1#0", Some(0)), ("a#1", None), ("a#1#", None), ("b#1#0", None)] {
            assert_eq!(Chunk::number_in(id, &of), number, "{id}");
        }
        for id in ["a#1#01", "a#1#+1", "a#1#1x", "a#1#1#2", "a#1#99999999999999999999"] {
            assert_eq!(Chunk::number_in(id, &of), None, "{id}");
        }
    }

    #[test]
    fn a_part_is_known_by_its_metadata_and_keeps_other_keys() {
        let of = RecordId::parse("a").unwrap();
        let part = Chunk { of: of.clone(), number: 2, count: 3 };
        let mut metadata = MetadataPatch::from_json(serde_json::json!({"year": 2020})).unwrap();
        part.describe(&mut metadata, &(7..9)).unwrap();
        assert!(part.describe(&mut metadata.clone(), &(7..9)).is_err(), "the keys are taken");
        let metadata = metadata.into_metadata().unwrap();
        let json = serde_json::json!({"year": 2020, "chunk_of": "a", "chunk": 2, "chunk_start": 7, "chunk_end": 9});
        assert_eq!(metadata.to_json(), json);
        assert!(Chunk::is_said_by(&metadata, &of, 2));
        assert!(!Chunk::is_said_by(&metadata, &of, 1));
        assert!(!Chunk::is_said_by(&metadata, &RecordId::parse("b").unwrap(), 2));
        assert!(!Chunk::is_said_by(&Metadata::default(), &of, 2));
    }
}
