//! A sparse model: the weight of each term of its vocabulary in a text, as SPLADE and its kin give them.
//!
//! The engine runs it as any other model. Invariant: a vector has the terms of positive weight and no other, by ascending
//! number, and there is one vector for each text, in the order of the texts.

use std::fmt;
use std::sync::Arc;

use super::load::open_as;
use super::model_kind::ModelKind;
use super::registry::resolve_as;
use super::{EmbedOutput, Embedder, LoadOptions, TextRole};
use crate::error::Result;
use crate::record::{Fingerprint, SparseVector};

/// Texts that are weighed together: as wide as a vocabulary, the weights of more are many megabytes before the zeros go.
const TEXTS_AT_ONCE: usize = 32;

/// A model that was installed as a sparse one, open in its engine. Threads may share it.
#[derive(Clone)]
pub struct SparseEmbedder {
    model: Arc<dyn Embedder>,
}

/// What a sparse model makes of texts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SparseOutput {
    /// One vector for each text, in the order of the texts; terms are the numbers of the model's tokens.
    pub vectors: Vec<SparseVector>,
    /// The texts, by their places in the list, of which the model read the beginning only.
    pub truncated: Vec<usize>,
}

impl SparseEmbedder {
    /// Loads a sparse model by its name, or by the path of the folder it is installed in: the slow part.
    ///
    /// # Errors
    /// [`crate::error::Error::ModelNotFound`] when there is no such model, [`crate::error::Error::Model`] when it is no sparse
    /// one or cannot be opened, [`crate::error::Error::Runtime`] when no engine can be used.
    pub fn load(model: &str, options: &LoadOptions) -> Result<Self> {
        let spec = resolve_as(ModelKind::Sparse, model, options)?;
        let open = || open_as(&spec, &spec.fingerprint, options);
        Ok(Self { model: options.loaded.get_or_load(model, &spec.fingerprint, open)? })
    }

    /// Returns what decides its vectors besides the text; the dimension is the number of terms.
    #[must_use]
    pub fn fingerprint(&self) -> &Fingerprint {
        self.model.fingerprint()
    }

    /// Returns the weights of the terms of each text.
    ///
    /// # Errors
    /// [`crate::error::Error::Model`] when the model cannot be run.
    pub fn embed(&self, texts: &[&str], role: TextRole) -> Result<SparseOutput> {
        let mut output = SparseOutput::default();
        for texts in texts.chunks(TEXTS_AT_ONCE) {
            let EmbedOutput { vectors, truncated } = self.model.embed(texts, role)?;
            let before = output.vectors.len();
            output.truncated.extend(truncated.into_iter().map(|at| before + at));
            output.vectors.extend(vectors.iter().map(|weights| without_zeros(weights)));
        }
        Ok(output)
    }
}

/// Returns what decides the vectors of a sparse model, without loading it.
///
/// # Errors
/// As [`SparseEmbedder::load`], but for those of the engine.
pub fn sparse_fingerprint(model: &str, options: &LoadOptions) -> Result<Fingerprint> {
    Ok(resolve_as(ModelKind::Sparse, model, options)?.fingerprint)
}

fn without_zeros(weights: &[f32]) -> SparseVector {
    let (indices, values) = (0_u32..).zip(weights).filter(|(_, weight)| **weight > 0.0).unzip();
    // Numbers that are counted ascend, and the engine gives finite weights.
    SparseVector::new(indices, values, None).unwrap_or_default()
}

impl fmt::Debug for SparseEmbedder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SparseEmbedder").field(&self.fingerprint().model).finish()
    }
}
