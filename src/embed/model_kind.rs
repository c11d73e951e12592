//! What a model is for.
//!
//! Invariant: a model of one kind is never used as another; its name says nothing of its kind, its manifest does.

use serde::{Deserialize, Serialize};

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelKind {
    /// It makes an embedding of a text.
    #[default]
    Embedder,
    /// It reads a question and a text and gives one number ([`super::Reranker`]).
    Reranker,
    /// It weighs the terms of a text ([`super::SparseEmbedder`]).
    Sparse,
}

named!(pub ModelKind { Embedder: "embedder", Reranker: "reranker", Sparse: "sparse" });

impl ModelKind {
    /// Whether it is what manifests without a kind are of.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub(super) fn is_embedder(&self) -> bool {
        *self == Self::Embedder
    }
}
