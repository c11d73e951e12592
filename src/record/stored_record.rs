//! A record as it is read back.

use serde::{Deserialize, Serialize};

use super::{Metadata, RecordId, embedding_text};

/// A record as read from a collection; parts that were not asked for are `None`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its id.
    pub id: RecordId,
    /// Its embedding, as given (never normalised); serialised as base64 of little-endian f32.
    #[serde(default, with = "embedding_text", skip_serializing_if = "Option::is_none")]
    pub embedding: Option<Vec<f32>>,
    /// Its text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// Where its content lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// Its metadata; `None` when it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
}
