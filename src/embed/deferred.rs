//! A model that is loaded when the first text is to be embedded.
//!
//! Records that bring their embeddings need no model, but which ones do is only known as they come. Invariant: its
//! fingerprint is that of the model it will load.

use super::{Embedder, LoadOptions, Role, load_as};
use crate::error::Result;
use crate::record::Fingerprint;

/// An embedder that loads its model at the first text.
pub struct DeferredEmbedder {
    model: String,
    options: LoadOptions,
    fingerprint: Fingerprint,
    loaded: Option<Box<dyn Embedder>>,
}

impl DeferredEmbedder {
    /// Stands for a model with this fingerprint, whose prefixes are the collection's.
    #[must_use]
    pub fn new(model: &str, fingerprint: Fingerprint, options: LoadOptions) -> Self {
        Self { model: model.to_owned(), options, fingerprint, loaded: None }
    }
}

impl DeferredEmbedder {
    /// Returns whether the model is loaded.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        self.loaded.is_some()
    }

    /// Loads the model, if it is not loaded yet.
    ///
    /// # Errors
    /// As [`load_as`].
    pub fn load(&mut self) -> Result<&mut dyn Embedder> {
        let embedder = match &mut self.loaded {
            Some(embedder) => embedder,
            none => none.insert(load_as(&self.model, &self.fingerprint, &self.options)?),
        };
        Ok(embedder.as_mut())
    }
}

impl Embedder for DeferredEmbedder {
    /// Once the model is loaded, it also says what runs it.
    fn fingerprint(&self) -> &Fingerprint {
        self.loaded.as_ref().map_or(&self.fingerprint, |embedder| embedder.fingerprint())
    }

    fn embed(&mut self, texts: &[&str], role: Role) -> Result<Vec<Vec<f32>>> {
        self.load()?.embed(texts, role)
    }

    fn take_cut(&mut self) -> u64 {
        self.loaded.as_mut().map_or(0, |loaded| loaded.take_cut())
    }
}
