//! Which parts of records an answer has.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::store::Include;

/// One part of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::serve) enum Part {
    Distances,
    Documents,
    Embeddings,
    Metadatas,
    Uris,
}

/// What `get` includes unless it is told.
pub(in crate::serve) const OF_GET: [Part; 2] = [Part::Documents, Part::Metadatas];
/// What `query` includes unless it is told.
pub(in crate::serve) const OF_QUERY: [Part; 3] = [Part::Documents, Part::Metadatas, Part::Distances];

/// Returns what is read of a record for these parts.
pub(in crate::serve) fn read_for(parts: &[Part]) -> Include {
    Include {
        documents: parts.contains(&Part::Documents),
        metadatas: parts.contains(&Part::Metadatas),
        uris: parts.contains(&Part::Uris),
        embeddings: parts.contains(&Part::Embeddings),
    }
}
