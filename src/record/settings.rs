//! What a collection is: its name, space, dimension, model and index settings.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{CollectionName, Metadata, Space};

/// A collection as its catalogue entry describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CollectionInfo {
    /// Its identity, kept when it is renamed.
    pub id: Uuid,
    /// Its name.
    pub name: CollectionName,
    /// Its metadata; `None` when it has none.
    pub metadata: Option<Metadata>,
    /// How distances are measured.
    pub space: Space,
    /// The length of its embeddings, fixed by the first one.
    pub dimension: Option<usize>,
    /// The model its texts are embedded with; `None` when embeddings are always given.
    pub embedder: Option<Fingerprint>,
    /// The graph's settings.
    pub hnsw: Hnsw,
    /// When the graph is built.
    pub index: IndexMode,
    /// Chroma's settings that mean nothing here.
    #[serde(default, skip_serializing_if = "ChromaSettings::is_default")]
    pub chroma: ChromaSettings,
    /// Whether the words of its documents are indexed by BM25.
    #[serde(default)]
    pub bm25: bool,
}

/// Numbers about a collection's content.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Records that can be found.
    pub records: u64,
    /// Ordinals of deleted records.
    pub deleted: u64,
    /// Rows in sealed segments, deleted ones among them.
    pub sealed: u64,
    /// Rows not yet sealed.
    pub tail: u64,
}

/// Chroma's HNSW settings, under Chroma's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hnsw {
    /// Candidates kept while a vector is added to the graph.
    pub ef_construction: usize,
    /// Candidates kept while the graph is searched.
    pub ef_search: usize,
    /// Edges of a vector.
    pub max_neighbors: usize,
}

impl Hnsw {
    /// Numbers of candidates that size memory: 2, as Chroma's client asks for, to 4,096.
    pub const CANDIDATES: RangeInclusive<usize> = 2..=4096;
    /// Numbers of edges. With fewer than 8, vectors were lost to the search once others had been removed.
    pub const NEIGHBORS: RangeInclusive<usize> = 8..=4096;
}

impl Default for Hnsw {
    /// 128 candidates and 16 edges: recall@10 of .9993 with rerank at 100,000 vectors of 384 dimensions.
    fn default() -> Self {
        Self { ef_construction: 128, ef_search: 128, max_neighbors: 16 }
    }
}

/// Settings of Chroma's `hnsw` object that mean nothing here; kept so that they are shown as they were given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChromaSettings {
    /// Threads of its index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_threads: Option<u64>,
    /// Vectors it gathers before it adds them to its index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_size: Option<u64>,
    /// Vectors after which it writes its index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync_threshold: Option<u64>,
    /// By how much its index grows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resize_factor: Option<f64>,
}

impl ChromaSettings {
    /// Returns these settings, and the others' where these say nothing.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        Self {
            num_threads: self.num_threads.or(others.num_threads),
            batch_size: self.batch_size.or(others.batch_size),
            sync_threshold: self.sync_threshold.or(others.sync_threshold),
            resize_factor: self.resize_factor.or(others.resize_factor),
        }
    }

    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// When the graph is built.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IndexMode {
    /// At the end of an import that leaves 4,000,000 records or more: below, it takes about 100,000 questions before the
    /// time saved is the time of building.
    #[default]
    Auto,
    /// At the end of every import.
    Hnsw,
    /// Never, unless asked for.
    Flat,
}

/// How a model's token vectors become one vector.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The mean of all tokens that are not padding.
    #[default]
    Mean,
    /// The first token.
    Cls,
    /// The last token that is not padding.
    Last,
}

impl Pooling {
    /// Returns its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Cls => "cls",
            Self::Last => "last",
        }
    }
}

/// The longest embedding: the dot product of two rows of extreme codes still fits 31 bits.
pub const MAX_DIMENSION: usize = 65_536;

/// What decides an embedding besides the text: two embeddings compare only when these are equal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// The model's name, for people.
    pub model: String,
    /// The sha256 of the model file, in hexadecimal.
    pub sha256: String,
    /// The length of its embeddings.
    pub dimension: usize,
    /// How its token vectors become one.
    pub pooling: Pooling,
    /// Whether embeddings are scaled to length 1.
    pub normalize: bool,
    /// Tokens read from a text; the rest is cut off.
    pub max_tokens: usize,
    /// Put before a question.
    pub query_prefix: String,
    /// Put before a document.
    pub document_prefix: String,
}
