//! Text to vectors.
//!
//! Knows nothing of the store or the terminal. Invariant: every vector that leaves this room has the length
//! its [`Fingerprint`] says and only finite components.

mod add;
mod batch;
mod bert;
mod bm25;
mod builtin;
mod cache;
mod chunk;
mod deferred;
mod digest;
#[cfg(all(test, unix))]
mod fake_runtime;
mod folder;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod graph;
mod hash;
mod hub;
mod kept;
mod manifest;
mod onnx;
mod options;
mod pieces;
mod pooling;
mod registry;
mod runtime;
mod session;
mod setup;
mod tokenizer;
mod tract;
mod vocabulary;
mod wheel;
mod wordpiece;

pub use add::{ModelOverrides, add};
pub use bm25::{Words, bm25};
pub use builtin::DEFAULT_MODEL;
pub use chunk::{ChunkSize, Chunker};
pub use deferred::DeferredEmbedder;
pub use hash::HashEmbedder;
pub use hub::{PullRequest, PullStep, pull};
pub use kept::KeptModels;
pub use onnx::OnnxEmbedder;
pub use options::{HubOptions, LoadOptions, RuntimeChoice};
pub use registry::{ModelOrigin, ModelSpec, models, remove, resolve, verify};
pub use runtime::{Runtime, RuntimeKind, Skipped, runtime};
pub use setup::{Installed, SetupStep, setup};

use std::fs;

use onnx::Parts;
use tokenizer::Tokenizer;

use crate::error::{Error, Result};
use crate::record::Fingerprint;

/// What a text is to the model; some models want a different prefix for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A text that is searched with.
    Query,
    /// A text that is searched for.
    Document,
}

/// Turns texts into embeddings.
pub trait Embedder: Send {
    /// Returns what decides its embeddings besides the text.
    fn fingerprint(&self) -> &Fingerprint;

    /// Returns one embedding for each text, in the order of the texts.
    ///
    /// # Errors
    /// [`crate::error::Error::Model`] when the model cannot be run.
    fn embed(&mut self, texts: &[&str], role: Role) -> Result<Vec<Vec<f32>>>;

    /// Returns how many documents since the last call were longer than the model reads; the end of such is not in its
    /// embedding.
    fn take_cut(&mut self) -> u64 {
        0
    }
}

/// Loads a model by its name or the path of its folder: the slow part, which also loads the engine.
///
/// What the engine passed over is in [`Runtime::skipped`], for the caller to say.
///
/// # Errors
/// [`Error::InvalidArgument`] when there is no such model, [`Error::Runtime`] when no engine can be used,
/// [`Error::Model`] or [`Error::Io`] when the model cannot be opened.
pub fn load(model: &str, options: &LoadOptions) -> Result<Box<dyn Embedder>> {
    if let Some(hash) = HashEmbedder::from_name(model) {
        return Ok(Box::new(hash));
    }
    Ok(Box::new(OnnxEmbedder::open(open_parts(&resolve(model, options)?)?, options)?))
}

/// Loads a model as a collection uses it: with the prefixes of the collection's fingerprint.
///
/// # Errors
/// As [`load`].
pub fn load_as(model: &str, used: &Fingerprint, options: &LoadOptions) -> Result<Box<dyn Embedder>> {
    if let Some(hash) = HashEmbedder::from_name(model) {
        return Ok(Box::new(hash.with_prefixes(&used.query_prefix, &used.document_prefix)));
    }
    let load = || load_onnx_as(model, used, options);
    match &options.kept {
        Some(kept) => kept.get(model, used, load),
        None => load(),
    }
}

fn load_onnx_as(model: &str, used: &Fingerprint, options: &LoadOptions) -> Result<Box<dyn Embedder>> {
    let mut parts = open_parts(&resolve(model, options)?)?;
    parts.fingerprint.query_prefix.clone_from(&used.query_prefix);
    parts.fingerprint.document_prefix.clone_from(&used.document_prefix);
    if parts.fingerprint.dimension == 0 {
        // A folder that does not say it was asked when the collection was made.
        parts.fingerprint.dimension = used.dimension;
    }
    Ok(Box::new(OnnxEmbedder::open(parts, options)?))
}

/// Returns what decides a model's embeddings, without loading it.
///
/// Quick for the model in the program and for installed ones; any other folder is hashed, and a folder that
/// does not say its dimension is loaded after all.
///
/// # Errors
/// As [`load`].
pub fn fingerprint(model: &str, options: &LoadOptions) -> Result<Fingerprint> {
    let spec = resolve(model, options)?;
    if spec.fingerprint.dimension > 0 {
        return Ok(spec.fingerprint);
    }
    let mut embedder = OnnxEmbedder::open(open_parts(&spec)?, options)?;
    embedder.embed(&["dimension"], Role::Document)?;
    Ok(embedder.fingerprint().clone())
}

/// Reads a model's tokenizer and gathers what it takes to open the model.
fn open_parts(spec: &ModelSpec) -> Result<Parts> {
    let failure = |why: String| Error::Model { model: spec.name.clone(), why, hint: None };
    let source = spec.source.as_ref().ok_or_else(|| failure("it has no graph".into()))?;
    Ok(Parts {
        fingerprint: spec.fingerprint.clone(),
        tokenizer: open_tokenizer(spec, spec.fingerprint.max_tokens)?,
        model: source.model.clone(),
        quantized_by_batch: source.quantized_by_batch,
        cacheable: source.cacheable,
        dimension_known: source.dimension_known,
    })
}

/// Reads a model's tokenizer, which is to make at most so many tokens of a text.
fn open_tokenizer(spec: &ModelSpec, max_tokens: usize) -> Result<Tokenizer> {
    let Some(path) = spec.source.as_ref().and_then(|source| source.tokenizer.as_ref()) else {
        return Ok(builtin::tokenizer(max_tokens));
    };
    let json = fs::read(path).map_err(|error| Error::io(format!("read {}", path.display()), error))?;
    Tokenizer::from_json(&json, max_tokens).map_err(|why| Error::Model {
        model: spec.name.clone(),
        why: format!("tokenizer.json: {why}"),
        hint: None,
    })
}
