//! A model that is loaded when the first text is to be embedded.
//!
//! Records that bring their embeddings need no model, but which ones do is only known as they come. Invariant: its
//! fingerprint is that of the model it will load.

use std::sync::Arc;

use super::once::TryOnce;
use super::{EmbedOutput, Embedder, LoadOptions, SparseEmbedder, TextRole, load_as};
use crate::error::Result;
use crate::record::{CollectionInfo, Fingerprint, check_model};

/// An embedder that loads its model at the first text.
pub struct DeferredEmbedder {
    model: String,
    options: LoadOptions,
    fingerprint: Fingerprint,
    loaded: TryOnce<Arc<dyn Embedder>>,
    /// The fingerprint of the collection's sparse model, and the collection's name.
    sparse_of: Option<(Fingerprint, String)>,
    sparse: TryOnce<SparseEmbedder>,
}

impl DeferredEmbedder {
    /// Stands for a model with this fingerprint, whose prefixes are the collection's.
    #[must_use]
    pub fn new(model: &str, fingerprint: Fingerprint, options: LoadOptions) -> Self {
        let model = model.to_owned();
        Self { model, options, fingerprint, loaded: TryOnce::new(), sparse_of: None, sparse: TryOnce::new() }
    }

    /// Adds the sparse model of a collection, if it has one.
    pub(super) fn with_sparse_of(self, collection: &CollectionInfo) -> Self {
        let sparse_of = collection.sparse.as_ref().map(|sparse| (sparse.model.clone(), collection.name.to_string()));
        Self { sparse_of, ..self }
    }

    /// Returns whether the model is loaded.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        self.loaded.get().is_some()
    }

    /// Loads the model, if it is not loaded yet.
    ///
    /// # Errors
    /// As [`load_as`].
    pub fn load(&self) -> Result<&dyn Embedder> {
        let load = || load_as(&self.model, &self.fingerprint, &self.options);
        Ok(self.loaded.get_or_try_init(load)?.as_ref())
    }
}

impl Embedder for DeferredEmbedder {
    /// Once the model is loaded, it also says what runs it.
    fn fingerprint(&self) -> &Fingerprint {
        self.loaded.get().map_or(&self.fingerprint, |embedder| embedder.fingerprint())
    }

    fn embed(&self, texts: &[&str], role: TextRole) -> Result<EmbedOutput> {
        self.load()?.embed(texts, role)
    }

    fn sparse(&self) -> Result<Option<&SparseEmbedder>> {
        let Some((stored, collection)) = &self.sparse_of else { return Ok(None) };
        let load = || {
            let sparse = SparseEmbedder::load(&stored.model, &self.options)?;
            check_model(collection, Some(stored), sparse.fingerprint())?;
            Ok(sparse)
        };
        self.sparse.get_or_try_init(load).map(Some)
    }
}
