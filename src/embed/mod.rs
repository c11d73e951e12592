//! Text to vectors.
//!
//! Knows nothing of the store or the terminal. Invariant: every vector that leaves this room has the length
//! its [`Fingerprint`] says and only finite components.

mod batch;
mod batching;
mod bert;
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
mod install;
mod manifest;
mod model_cache;
mod once;
mod onnx;
mod onnxruntime_wheel;
mod options;
mod pooling;
mod registry;
mod runtime;
mod session;
mod setup;
mod tensor;
mod token_spans;
mod tokenizer;
mod tract;
mod vocabulary;
mod wordpiece;

pub use batching::BatchingEmbedder;
pub use builtin::DEFAULT_MODEL;
pub use chunk::{ChunkSize, Chunker};
pub use deferred::DeferredEmbedder;
pub use hash::HashEmbedder;
pub use hub::{PullRequest, PullStep, pull};
pub use install::{ModelOverrides, install};
pub use model_cache::ModelCache;
pub use onnx::OnnxEmbedder;
pub use options::{HubOptions, LoadOptions, RuntimeChoice};
pub use registry::{ModelOrigin, ModelSpec, models, remove, resolve, verify};
pub use runtime::{Runtime, RuntimeKind, Skipped, runtime};
pub use setup::{Installed, SetupStep, setup};

use std::fs;
use std::sync::Arc;

use onnx::ModelParts;
use tokenizer::Tokenizer;

use crate::error::{Error, Result};
use crate::record::{CollectionInfo, EmbeddingFunction, Fingerprint, check_model};

/// What a text is to the model; some models want a different prefix for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A text that is searched with.
    Query,
    /// A text that is searched for.
    Document,
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

/// Turns texts into embeddings. Threads may share one: [`load`] returns such that embed what several threads ask for
/// together.
///
/// ```
/// use huedb::embed::{Embedder, HashEmbedder, Role};
///
/// let model = HashEmbedder::new(16);
/// let output = model.embed(&["a red fox", "a lazy dog"], Role::Document)?;
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
    fn embed(&self, texts: &[&str], role: Role) -> Result<EmbedOutput>;

    /// Returns the embedding of one text.
    ///
    /// # Errors
    /// As [`Self::embed`].
    fn embed_one(&self, text: &str, role: Role) -> Result<Vec<f32>> {
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

    fn embed(&self, texts: &[&str], role: Role) -> Result<EmbedOutput> {
        self.as_ref().embed(texts, role)
    }
}

/// Loads a model by its name or the path of its folder: the slow part, which also loads the engine.
///
/// The model stays loaded in [`LoadOptions::loaded`], and whoever asks for it again shares it. Several threads may embed
/// with it at once; what waits while all cores work is embedded together. What the engine passed over is in
/// [`Runtime::skipped`], for the caller to say.
///
/// # Errors
/// [`Error::ModelNotFound`] when there is no such model, [`Error::Runtime`] when no engine can be used,
/// [`Error::Model`] or [`Error::Io`] when the model cannot be opened.
pub fn load(model: &str, options: &LoadOptions) -> Result<Arc<dyn Embedder>> {
    if let Some(hash) = HashEmbedder::from_name(model) {
        return Ok(Arc::new(hash));
    }
    let spec = resolve(model, options)?;
    options.loaded.get_or_load(model, &spec.fingerprint, || open(open_parts(&spec)?, options))
}

/// Loads a model as a collection uses it: with the prefixes of the collection's fingerprint.
///
/// # Errors
/// As [`load`].
pub fn load_as(model: &str, used: &Fingerprint, options: &LoadOptions) -> Result<Arc<dyn Embedder>> {
    if let Some(hash) = HashEmbedder::from_name(model) {
        return Ok(Arc::new(hash.with_prefixes(&used.query_prefix, &used.document_prefix)));
    }
    options.loaded.get_or_load(model, used, || {
        let mut parts = open_parts(&resolve(model, options)?)?;
        parts.fingerprint.query_prefix.clone_from(&used.query_prefix);
        parts.fingerprint.document_prefix.clone_from(&used.document_prefix);
        if parts.fingerprint.dimension == 0 {
            // A folder that does not say it was asked when the collection was made.
            parts.fingerprint.dimension = used.dimension;
        }
        open(parts, options)
    })
}

/// Returns the model of a collection, to be loaded when the first text is embedded: found by the name that is `asked` for,
/// else by the collection's, and with the collection's prefixes.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let store = huedb::Store::open(folder.path().join("n.redb"), huedb::Access::Create)?;
/// # store.create_collection(huedb::CollectionName::parse("notes")?, huedb::NewCollection::default())?;
/// # let notes = store.collection("notes")?;
/// # notes.write_rows(["fox", "dog"].map(|id| huedb::NewRecord::new(id).unwrap().with_embedding(vec![1.0, 0.0])), huedb::Mode::Add)?;
/// use huedb::embed::of_collection;
/// use huedb::{CollectionName, Embedder, HashEmbedder, LoadOptions, NewCollection, Role};
///
/// let embedder = Some(HashEmbedder::new(8).fingerprint().clone());
/// let new = NewCollection { embedder, ..NewCollection::default() };
/// let info = store.create_collection(CollectionName::parse("texts")?, new)?;
/// let model = of_collection(&info, None, &LoadOptions::default())?;
/// assert_eq!(model.embed_one("a fox", Role::Query)?.len(), 8);
/// assert!(of_collection(&info, Some("hash-9"), &LoadOptions::default()).is_err());
/// # Ok::<(), huedb::Error>(())
/// ```
///
/// # Errors
/// [`Error::NoModel`] when the collection has none and none is asked for; [`Error::ModelMismatch`], with both names, when it
/// is not the model that the collection's embeddings were made with; those of [`fingerprint`].
pub fn of_collection(
    collection: &CollectionInfo,
    asked: Option<&str>,
    options: &LoadOptions,
) -> Result<DeferredEmbedder> {
    let stored = model_of(collection);
    let stored = stored.as_ref();
    let Some(name) = asked.or(stored.map(|stored| stored.model.as_str())) else {
        return Err(Error::NoModel { collection: collection.name.to_string() });
    };
    let mut found = fingerprint(name, options)?;
    if let Some(stored) = stored {
        // Prefixes are the collection's own.
        found.query_prefix.clone_from(&stored.query_prefix);
        found.document_prefix.clone_from(&stored.document_prefix);
    }
    check_model(collection.name.as_str(), stored, &found)?;
    Ok(DeferredEmbedder::new(name, found, options.clone()))
}

/// Returns the model that texts are embedded with to ask a collection: its own, or the built-in one where a client of Chroma
/// filled it by Chroma's default function, which is the same model.
#[must_use]
pub fn model_of(collection: &CollectionInfo) -> Option<Fingerprint> {
    if collection.embedder.is_some() {
        return collection.embedder.clone();
    }
    let model = builtin::fingerprint();
    let function = collection.client.embedding_function.as_ref()?;
    let is_built_in = EmbeddingFunction::from_json(function).is_ok_and(|said| said == EmbeddingFunction::BuiltIn);
    let fits = collection.dimension.is_none_or(|dimension| dimension == model.dimension);
    (is_built_in && fits).then_some(model)
}

fn open(parts: ModelParts, options: &LoadOptions) -> Result<Arc<dyn Embedder>> {
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
    let spec = resolve(model, options)?;
    if spec.fingerprint.dimension > 0 {
        return Ok(spec.fingerprint);
    }
    Ok(load(model, options)?.fingerprint().clone())
}

/// Reads a model's tokenizer and gathers what it takes to open the model.
fn open_parts(spec: &ModelSpec) -> Result<ModelParts> {
    let failure = |why: String| Error::Model { model: spec.name.clone(), why, hint: None };
    let source = spec.source.as_ref().ok_or_else(|| failure("it has no graph".into()))?;
    Ok(ModelParts {
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
