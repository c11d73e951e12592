//! A record with its distance to a question, and its score where that ranks it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Record;

/// A record found by a query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// The record.
    pub record: Record,
    /// Its distance to the question in the collection's [`super::Space`], smaller is nearer; or the value of a rank
    /// expression.
    #[serde(serialize_with = "as_bits", deserialize_with = "of_bits")]
    pub distance: f32,
    /// What ranks it where that is not the distance, larger is better: the score of a hybrid or reranked query.
    pub score: Option<f32>,
}

/// The value of an expression may be infinite, which JSON cannot say; the bits are the number, whatever it is.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for this form")]
fn as_bits<S: Serializer>(distance: &f32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u32(distance.to_bits())
}

fn of_bits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f32, D::Error> {
    u32::deserialize(deserializer).map(f32::from_bits)
}
