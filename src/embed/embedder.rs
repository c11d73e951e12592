//! What every model is to the rest of the library: texts in, vectors out.
//!
//! Knows no engine. Invariant: there is one vector for each text, in the order of the texts.

use std::sync::Arc;

use super::SparseEmbedder;
use crate::error::{Error, Result};
use crate::record::Fingerprint;

/// What a text is to the model; some models want a different prefix for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextRole {
    /// A text that is searched with.
    Query,
    /// A text that is searched for.
    Document,
}

impl TextRole {
    /// Returns what a model wants before a text of this role.
    pub(super) fn prefix(self, model: &Fingerprint) -> &str {
        match self {
            Self::Query => &model.query_prefix,
            Self::Document => &model.document_prefix,
        }
    }
}

/// What a model makes of texts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EmbedOutput {
    /// One embedding for each text, in the order of the texts: `[texts][dimension]`.
    pub vectors: Vec<Vec<f32>>,
    /// The texts, by their places in the list, that are longer than the model reads; the end of such a text is not in
    /// its embedding.
    pub truncated: Vec<usize>,
}

/// Turns texts into embeddings. Threads may share one: [`super::load`] returns such that embed what several threads ask for
/// together.
///
/// ```
/// use huedb::embed::{Embedder, HashEmbedder, TextRole};
///
/// let model = HashEmbedder::new(16);
/// let output = model.embed(&["a red fox", "a lazy dog"], TextRole::Document)?;
/// assert_eq!((output.vectors.len(), output.vectors[0].len()), (2, 16));
/// assert!(output.truncated.is_empty());
/// # Ok::<(), huedb::error::Error>(())
/// ```
pub trait Embedder: Send + Sync {
    /// Returns what decides its embeddings besides the text.
    fn fingerprint(&self) -> &Fingerprint;

    /// Returns one embedding for each text, in the order of the texts, and which texts were truncated.
    ///
    /// # Errors
    /// [`crate::error::Error::Model`] when the model cannot be run.
    fn embed(&self, texts: &[&str], role: TextRole) -> Result<EmbedOutput>;

    /// Returns what weighs the terms of texts beside it, where it is the model of a collection that has a sparse one
    /// ([`super::of_collection`]); loads it where it is not loaded yet.
    ///
    /// # Errors
    /// As [`SparseEmbedder::load`], and [`crate::error::Error::ModelMismatch`] when it is not the collection's.
    fn sparse(&self) -> Result<Option<&SparseEmbedder>> {
        Ok(None)
    }

    /// Returns the embedding of one text.
    ///
    /// # Errors
    /// As [`Self::embed`].
    fn embed_one(&self, text: &str, role: TextRole) -> Result<Vec<f32>> {
        self.embed(&[text], role)?.vectors.pop().ok_or_else(|| Error::Model {
            model: self.fingerprint().model.clone(),
            why: "it gave no vector for a text".into(),
            hint: None,
        })
    }
}

impl<E: Embedder + ?Sized> Embedder for Arc<E> {
    fn fingerprint(&self) -> &Fingerprint {
        self.as_ref().fingerprint()
    }

    fn embed(&self, texts: &[&str], role: TextRole) -> Result<EmbedOutput> {
        self.as_ref().embed(texts, role)
    }

    fn sparse(&self) -> Result<Option<&SparseEmbedder>> {
        self.as_ref().sparse()
    }
}
