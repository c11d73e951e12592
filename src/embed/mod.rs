//! Text to vectors.
//!
//! Knows nothing of the store or the terminal. Invariant: every vector that leaves this room has the length
//! its [`Fingerprint`](crate::record::Fingerprint) says and only finite components.

mod batch;
mod batching;
mod bert;
mod builtin;
mod cache;
mod chunk;
mod collection_model;
mod convert;
mod deferred;
mod digest;
mod embedder;
mod encoder;
#[cfg(all(test, unix))]
mod fake_runtime;
mod folder;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod graph;
mod hash;
mod hub;
mod install;
mod install_converted;
mod load;
mod manifest;
mod model_cache;
mod model_kind;
mod once;
mod onnx;
mod onnxruntime_wheel;
mod options;
mod parts;
mod pooling;
mod registry;
mod reranker;
mod rten;
mod runtime;
mod service;
mod session;
mod setup;
mod sparse;
mod tensor;
mod token_spans;
mod tokenizer;
mod vocabulary;
mod wordpiece;

pub use batching::BatchingEmbedder;
pub use builtin::DEFAULT_MODEL;
pub use chunk::{ChunkSize, Chunker};
pub use collection_model::{asked_with_model_of_client, model_of, of_collection};
pub use deferred::DeferredEmbedder;
pub use embedder::{EmbedOutput, Embedder, TextRole};
pub use hash::HashEmbedder;
pub use hub::{PullRequest, PullStep, pull};
pub use install::{ModelOverrides, Precision, install};
pub use load::{fingerprint, load, load_as, runtime_of};
pub use model_cache::ModelCache;
pub use model_kind::ModelKind;
pub use onnx::OnnxEmbedder;
pub use options::{HubOptions, LoadOptions, RuntimeChoice};
pub use registry::{ModelOrigin, ModelSpec, models, remove, resolve, verify};
pub use reranker::{RerankOutput, Reranker};
pub use runtime::{Runtime, RuntimeKind, Skipped, runtime};
pub use service::{KeySource, ServiceApi, ServiceLimits, ServiceSettings, add_service};
pub use setup::{Installed, SetupStep, setup};
pub use sparse::{SparseEmbedder, SparseOutput, sparse_fingerprint};
