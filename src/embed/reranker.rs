//! A cross-encoder: how well a text answers a question, by a model that reads both at once.
//!
//! It makes no embeddings and no collection knows of it. Invariant: there is one finite number for each text, in the order of
//! the texts, and larger is better.

use std::fmt;

use super::LoadOptions;
use super::model_kind::ModelKind;
use super::onnx::OnnxEmbedder;
use super::parts::open_parts;
use super::registry::{ModelSpec, resolve_as};
use crate::error::Result;

/// A model that was installed as a reranker, open in its engine. Threads may share it.
pub struct Reranker {
    model: OnnxEmbedder,
}

/// What a reranker makes of a question and texts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RerankOutput {
    /// One number for each text, in the order of the texts: what the model gives, any finite number; larger is better.
    pub logits: Vec<f32>,
    /// The texts, by their places in the list, of which the model read the beginning only: with the question they have more
    /// tokens than it takes.
    pub truncated: Vec<usize>,
}

impl Reranker {
    /// Loads a reranker by its name, or by the path of the folder it is installed in: the slow part.
    ///
    /// # Errors
    /// [`crate::error::Error::ModelNotFound`] when there is no such model, [`crate::error::Error::Model`] when it is no
    /// reranker or cannot be opened, [`crate::error::Error::Runtime`] when no engine can be used.
    pub fn load(model: &str, options: &LoadOptions) -> Result<Self> {
        let spec = resolve_as(ModelKind::Reranker, model, options)?;
        Ok(Self { model: OnnxEmbedder::open(open_parts(&spec)?, options)? })
    }

    /// Sees that a model which is being installed takes a question and a text, and gives one number.
    pub(super) fn try_out(spec: &ModelSpec, options: &LoadOptions) -> Result<()> {
        let model = Self { model: OnnxEmbedder::open(open_parts(spec)?, options)? };
        model.score("what does the fox do", &["The quick brown fox jumps over the lazy dog."]).map(drop)
    }

    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.model.known().model
    }

    /// Returns how many tokens it reads of a question and a text together.
    #[must_use]
    pub fn max_tokens(&self) -> usize {
        self.model.known().max_tokens
    }

    /// Returns how well each text answers a question.
    ///
    /// # Errors
    /// [`crate::error::Error::Model`] when the model cannot be run.
    pub fn score(&self, question: &str, texts: &[&str]) -> Result<RerankOutput> {
        let output = self.model.embed_pairs(question, texts)?;
        let logits = output.vectors.into_iter().filter_map(|vector| vector.first().copied());
        Ok(RerankOutput { logits: logits.collect(), truncated: output.truncated })
    }
}

impl fmt::Debug for Reranker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reranker").field(&self.name()).finish()
    }
}
