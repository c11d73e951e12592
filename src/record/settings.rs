//! What a collection is: its name, space, dimension, model and index settings.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use uuid::Uuid;

use super::{CollectionName, EmbeddingPrecision, Metadata, Probe, Space};

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
    /// How its embeddings are kept.
    #[serde(default, skip_serializing_if = "EmbeddingPrecision::is_default")]
    pub precision: EmbeddingPrecision,
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
    /// The model that weighs the terms of its documents, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sparse: Option<SparseSettings>,
    /// What Chroma's clients keep with it.
    #[serde(default, skip_serializing_if = "ClientSettings::is_empty")]
    pub client: ClientSettings,
}

/// How a collection keeps a sparse vector of each document, for hybrid queries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SparseSettings {
    /// The metadata key of the vectors.
    pub key: String,
    /// The model that makes them; its dimension is the number of its terms.
    pub model: Fingerprint,
}

impl SparseSettings {
    /// The key that Chroma's documentation gives such vectors.
    pub const KEY: &str = "sparse_embedding";

    /// Takes a model, under the usual key.
    #[must_use]
    pub fn new(model: Fingerprint) -> Self {
        Self { key: Self::KEY.to_owned(), model }
    }
}

/// What Chroma's clients say of a collection when they make it and read back later, as they sent it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClientSettings {
    /// The function by which they embed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub embedding_function: Option<Json>,
    /// Which keys they mean to index, and how.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<Json>,
}

impl ClientSettings {
    /// Returns whether they said nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
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
    /// Numbers of candidates: what sizes memory has a bound.
    pub const CANDIDATES: RangeInclusive<usize> = 1..=4096;
    /// Numbers of edges that a collection may say, as in Chroma.
    pub const NEIGHBORS: RangeInclusive<usize> = 2..=4096;
    /// Numbers of edges that a graph is built with, whatever is said: with fewer than 8, vectors were lost to the search
    /// once others had been removed.
    const BUILT_NEIGHBORS: RangeInclusive<usize> = 8..=1024;

    /// Returns the settings that a graph is built with.
    #[must_use]
    pub fn as_built(self) -> Self {
        let (least, most) = (*Self::BUILT_NEIGHBORS.start(), *Self::BUILT_NEIGHBORS.end());
        Self { max_neighbors: self.max_neighbors.clamp(least, most), ..self }
    }
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

impl IndexMode {
    /// Records from which on [`IndexMode::Auto`] has a graph built, where clusters do not find enough.
    pub const AUTO_RECORDS: u64 = 4_000_000;
    /// Records from which on clusters are built at the end of an import, unless the mode is [`IndexMode::Flat`].
    pub const CLUSTERS_RECORDS: u64 = 1_000_000;
}

/// When the graph is built.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IndexMode {
    /// At the end of an import that leaves [`IndexMode::AUTO_RECORDS`] or more whose clusters do not find enough: for others it takes
    /// about 100,000 questions before the time saved is the time of building.
    #[default]
    Auto,
    /// At the end of every import.
    Hnsw,
    /// Never, unless asked for.
    Flat,
}

named!(pub IndexMode { Auto: "auto", Hnsw: "hnsw", Flat: "flat" });

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

named!(pub Pooling { Mean: "mean", Cls: "cls", Last: "last" });

/// What multiplies the numbers of a model.
///
/// Of a model in 32-bit floats all give a text the same embedding but for rounding. Of one in int8 two give embeddings that
/// differ in the third decimal: measured, cosines of .988 to 1, and as many relevant records found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arithmetic {
    /// ONNX Runtime.
    OnnxRuntime,
    /// tract, which earlier versions ran models in.
    Tract,
    /// The encoder in the program.
    BuiltIn,
    /// rten.
    Rten,
}

named!(pub Arithmetic { OnnxRuntime: "ONNX Runtime", Tract: "tract", BuiltIn: "built-in", Rten: "rten" });

/// The longest embedding: the dot product of two rows of extreme codes still fits 31 bits.
pub const MAX_DIMENSION: usize = 65_536;

/// What decides an embedding besides the text: two embeddings compare only when these are equal.
#[derive(Debug, Clone, Eq, Serialize, Deserialize)]
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
    /// What made the embeddings so far; `None` where that is not known. It is no part of the comparison, since what they
    /// give is near enough to be searched together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_by: Option<BTreeSet<Arithmetic>>,
    /// What a service that embeds made of a fixed text; `None` for models that run here, which [`Self::sha256`] tells
    /// apart. Of a service it is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Probe>,
}

impl Fingerprint {
    /// Returns whether no engine here makes its embeddings: a service does, or they are hashed words.
    #[must_use]
    pub fn needs_no_engine(&self) -> bool {
        self.probe.is_some() || self.model.starts_with("hash-")
    }

    /// Returns the fingerprint of embeddings of which none is made yet.
    #[must_use]
    pub fn with_none_made(self) -> Self {
        Self { made_by: Some(BTreeSet::new()), ..self }
    }

    /// Notes that embeddings of another embedder of this fingerprint are among these.
    pub fn add_made_by(&mut self, other: &Self) {
        if let Some(made_by) = &mut self.made_by {
            made_by.extend(other.made_by.iter().flatten());
        }
    }
}

impl PartialEq for Fingerprint {
    fn eq(&self, other: &Self) -> bool {
        let Self {
            model,
            sha256,
            dimension,
            pooling,
            normalize,
            max_tokens,
            query_prefix,
            document_prefix,
            made_by: _,
            probe,
        } = self;
        *model == other.model
            && *sha256 == other.sha256
            && *dimension == other.dimension
            && *pooling == other.pooling
            && *normalize == other.normalize
            && *max_tokens == other.max_tokens
            && *query_prefix == other.query_prefix
            && *document_prefix == other.document_prefix
            && *probe == other.probe
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made_by(arithmetics: Option<&[Arithmetic]>) -> Fingerprint {
        let made_by = arithmetics.map(|arithmetics| arithmetics.iter().copied().collect());
        let json = serde_json::json!({"model": "m", "sha256": "", "dimension": 3, "pooling": "mean", "normalize": true,
            "max_tokens": 9, "query_prefix": "", "document_prefix": ""});
        Fingerprint { made_by, ..serde_json::from_value(json).unwrap() }
    }

    #[test]
    fn what_made_embeddings_is_noted_and_no_part_of_the_comparison() {
        use Arithmetic::{OnnxRuntime, Rten, Tract};
        for stored in [None, Some(&[][..]), Some(&[Rten][..]), Some(&[Tract, OnnxRuntime])] {
            let (mut stored, now) = (made_by(stored), made_by(Some(&[Rten])));
            assert_eq!(stored, now);
            let known = stored.made_by.is_some();
            stored.add_made_by(&now);
            assert_eq!(stored.made_by.is_some_and(|made_by| made_by.contains(&Rten)), known);
        }
    }

    #[test]
    fn a_fingerprint_without_a_mark_is_read_and_written_without_one() {
        let json = serde_json::to_string(&made_by(None)).unwrap();
        assert!(!json.contains("made_by"), "{json}");
        let json = serde_json::to_string(&made_by(Some(&[Arithmetic::Tract, Arithmetic::OnnxRuntime]))).unwrap();
        assert!(json.ends_with(r#""made_by":["onnxruntime","tract"]}"#), "{json}");
        assert_eq!(serde_json::from_str::<Fingerprint>(&json).unwrap().made_by.unwrap().len(), 2);
    }

    #[test]
    fn a_graph_has_edges_enough() {
        for (said, built) in [(2, 8), (8, 8), (16, 16), (4096, 1024)] {
            assert_eq!(Hnsw { max_neighbors: said, ..Hnsw::default() }.as_built().max_neighbors, built);
        }
    }
}
