//! Loading a model by its name or folder.
//!
//! Invariant: a model is loaded once for all that ask for it ([`LoadOptions::loaded`]).

use std::sync::Arc;

use super::batching::BatchingEmbedder;
use super::builtin::DEFAULT_MODEL;
use super::embedder::Embedder;
use super::encoder::EncoderEmbedder;
use super::hash::HashEmbedder;
use super::model_kind::ModelKind;
use super::onnx::{ModelParts, OnnxEmbedder};
use super::options::{LoadOptions, RuntimeChoice};
use super::parts::open_parts;
use super::registry::{ModelSpec, is_converted, resolve_as};
use super::runtime::{Runtime, runtime};
use super::service::{ServiceEmbedder, ServiceManifest};
use super::tensor::ModelBytes;
use crate::error::Result;
use crate::record::Fingerprint;

/// Loads a model by its name or the path of its folder: the slow part, which also loads the engine.
///
/// The model stays loaded in [`LoadOptions::loaded`], and whoever asks for it again shares it. Several threads may embed
/// with it at once; what waits while all cores work is embedded together. What the engine passed over is in
/// [`super::Runtime::skipped`], for the caller to say.
///
/// # Errors
/// [`crate::error::Error::ModelNotFound`] when there is no such model, [`crate::error::Error::Runtime`] when no engine can be used,
/// [`crate::error::Error::Model`] or [`crate::error::Error::Io`] when the model cannot be opened.
pub fn load(model: &str, options: &LoadOptions) -> Result<Arc<dyn Embedder>> {
    if let Some(hash) = HashEmbedder::from_name(model) {
        return Ok(Arc::new(hash));
    }
    let spec = embedder_of(model, options)?;
    options.loaded.get_or_load(model, &spec.fingerprint, || open_as(&spec, &spec.fingerprint, options))
}

/// Loads a model as a collection uses it: with the prefixes of the collection's fingerprint.
///
/// # Errors
/// As [`load`].
pub fn load_as(model: &str, used: &Fingerprint, options: &LoadOptions) -> Result<Arc<dyn Embedder>> {
    if let Some(hash) = HashEmbedder::from_name(model) {
        return Ok(Arc::new(hash.with_prefixes(&used.query_prefix, &used.document_prefix)));
    }
    options.loaded.get_or_load(model, used, || open_as(&embedder_of(model, options)?, used, options))
}

pub(super) fn open_as(spec: &ModelSpec, used: &Fingerprint, options: &LoadOptions) -> Result<Arc<dyn Embedder>> {
    if let Some(service) = &spec.service {
        return open_service(service, used, options);
    }
    let mut parts = open_parts(spec)?;
    parts.fingerprint.query_prefix.clone_from(&used.query_prefix);
    parts.fingerprint.document_prefix.clone_from(&used.document_prefix);
    if parts.fingerprint.dimension == 0 {
        // A folder that does not say it was asked when the collection was made.
        parts.fingerprint.dimension = used.dimension;
    }
    open(parts, options)
}

fn open_service(service: &ServiceManifest, used: &Fingerprint, options: &LoadOptions) -> Result<Arc<dyn Embedder>> {
    let embedder = ServiceEmbedder::open(service, used, options)?;
    let parallel = embedder.parallel();
    Ok(Arc::new(BatchingEmbedder::new(embedder, parallel)))
}

/// Returns the engine that runs a model, and loads it where it is not loaded yet; `None` for a model that needs none.
///
/// # Errors
/// As [`super::runtime`].
pub fn runtime_of(model: &Fingerprint, options: &LoadOptions) -> Result<Option<Runtime>> {
    if model.needs_no_engine() {
        return Ok(None);
    }
    if has_own_encoder(model, options) || is_converted(&model.model, options) {
        Ok(Some(Runtime::built_in()))
    } else {
        runtime(options).map(Some)
    }
}

/// Whether the encoder in the program runs a model.
fn has_own_encoder(model: &Fingerprint, options: &LoadOptions) -> bool {
    match options.runtime {
        RuntimeChoice::Auto => model.model == DEFAULT_MODEL,
        RuntimeChoice::BuiltIn => true,
        RuntimeChoice::OnnxRuntime | RuntimeChoice::Rten => false,
    }
}

/// Finds a model that makes embeddings.
fn embedder_of(model: &str, options: &LoadOptions) -> Result<ModelSpec> {
    resolve_as(ModelKind::Embedder, model, options)
}

fn open(parts: ModelParts, options: &LoadOptions) -> Result<Arc<dyn Embedder>> {
    if has_own_encoder(&parts.fingerprint, options) || matches!(parts.model, ModelBytes::Packed(_)) {
        let embedder = EncoderEmbedder::open(parts, options)?;
        let parallel = embedder.parallel();
        return Ok(Arc::new(BatchingEmbedder::new(embedder, parallel)));
    }
    let embedder = OnnxEmbedder::open(parts, options)?;
    let parallel = embedder.parallel();
    Ok(Arc::new(BatchingEmbedder::new(embedder, parallel)))
}

/// Returns what decides a model's embeddings, without loading it.
///
/// Quick for the model in the program and for installed ones; any other folder is hashed once for each state of its
/// files, and a folder that does not say its dimension is loaded after all.
///
/// # Errors
/// As [`load`].
pub fn fingerprint(model: &str, options: &LoadOptions) -> Result<Fingerprint> {
    let spec = embedder_of(model, options)?;
    if spec.fingerprint.dimension > 0 {
        return Ok(spec.fingerprint);
    }
    Ok(load(model, options)?.fingerprint().clone())
}
