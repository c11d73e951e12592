//! Bodies that carry records or ask for them, and the answers.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::embedding::SentEmbedding;
use super::include::Part;
use super::metadata::SentMetadata;
use crate::record::Metadata;

/// Body of `add`, `upsert` and `update`: one entry of each list for a record.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = RecordsBody)]
pub(in crate::serve) struct WriteBody {
    pub(in crate::serve) ids: Vec<String>,
    /// Numbers, or base64 of little-endian f32. May be left out where the collection has a model of huedb.
    #[schema(value_type = Option<Vec<Option<Vec<f32>>>>)]
    pub(in crate::serve) embeddings: Option<Vec<Option<SentEmbedding>>>,
    pub(in crate::serve) documents: Option<Vec<Option<String>>>,
    pub(in crate::serve) uris: Option<Vec<Option<String>>>,
    #[schema(value_type = Option<Vec<Option<Object>>>)]
    pub(in crate::serve) metadatas: Option<Vec<Option<SentMetadata>>>,
}

/// Body of `get`.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(in crate::serve) struct GetBody {
    pub(in crate::serve) ids: Option<Vec<String>>,
    #[schema(value_type = Option<Object>)]
    pub(in crate::serve) r#where: Option<Box<RawValue>>,
    #[schema(value_type = Option<Object>)]
    pub(in crate::serve) where_document: Option<Box<RawValue>>,
    pub(in crate::serve) limit: Option<u32>,
    pub(in crate::serve) offset: Option<u32>,
    pub(in crate::serve) include: Option<Vec<Part>>,
}

/// Body of `delete`.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(in crate::serve) struct DeleteBody {
    pub(in crate::serve) ids: Option<Vec<String>>,
    #[schema(value_type = Option<Object>)]
    pub(in crate::serve) r#where: Option<Box<RawValue>>,
    #[schema(value_type = Option<Object>)]
    pub(in crate::serve) where_document: Option<Box<RawValue>>,
    pub(in crate::serve) limit: Option<u32>,
}

/// Body of `query`; `query_texts` is huedb's own.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(in crate::serve) struct QueryBody {
    #[schema(value_type = Option<Vec<Vec<f32>>>)]
    pub(in crate::serve) query_embeddings: Option<Vec<SentEmbedding>>,
    /// Texts, for a collection with a model of huedb.
    pub(in crate::serve) query_texts: Option<Vec<String>>,
    pub(in crate::serve) n_results: Option<u32>,
    pub(in crate::serve) ids: Option<Vec<String>>,
    #[schema(value_type = Option<Object>)]
    pub(in crate::serve) r#where: Option<Box<RawValue>>,
    #[schema(value_type = Option<Object>)]
    pub(in crate::serve) where_document: Option<Box<RawValue>>,
    pub(in crate::serve) include: Option<Vec<Part>>,
}

/// Answer of `get`; a part that is not included is null.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GetResponse)]
pub(in crate::serve) struct GetReply {
    pub(in crate::serve) ids: Vec<String>,
    pub(in crate::serve) embeddings: Option<Vec<Option<Vec<f32>>>>,
    pub(in crate::serve) documents: Option<Vec<Option<String>>>,
    pub(in crate::serve) uris: Option<Vec<Option<String>>>,
    #[schema(value_type = Option<Vec<Option<Object>>>)]
    pub(in crate::serve) metadatas: Option<Vec<Option<Metadata>>>,
    pub(in crate::serve) include: Vec<Part>,
}

/// Answer of `query`: a list of hits for each question, nearest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QueryResponse)]
pub(in crate::serve) struct QueryReply {
    pub(in crate::serve) ids: Vec<Vec<String>>,
    pub(in crate::serve) embeddings: Option<Vec<Vec<Option<Vec<f32>>>>>,
    pub(in crate::serve) documents: Option<Vec<Vec<Option<String>>>>,
    pub(in crate::serve) uris: Option<Vec<Vec<Option<String>>>>,
    #[schema(value_type = Option<Vec<Vec<Option<Object>>>>)]
    pub(in crate::serve) metadatas: Option<Vec<Vec<Option<Metadata>>>>,
    pub(in crate::serve) distances: Option<Vec<Vec<f32>>>,
    pub(in crate::serve) include: Vec<Part>,
}

/// Answer of `delete`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeleteResponse)]
pub(in crate::serve) struct DeleteReply {
    /// Records that were deleted.
    pub(in crate::serve) deleted: u64,
}
