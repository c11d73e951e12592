//! Installing a model from a folder.
//!
//! The folder may come from anywhere; fetching one is not done here. Invariant: the model is tried before it
//! is installed, and is either installed whole or not at all.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::convert;
use super::install_converted::{not_converted, put, weights_of};
use super::manifest::{Manifest, PACKED_NAME};
use super::model_kind::ModelKind;
use super::parts::open_parts;
use super::registry::{ModelOrigin, ModelSource, ModelSpec, is_model_name, models_dir, resolve, spec_of};
use super::tensor::ModelBytes;
use super::{Embedder, LoadOptions, OnnxEmbedder, Reranker, digest, folder};
use crate::error::{Advice, Error, Result};
use crate::record::{MAX_DIMENSION, Pooling};

/// To what the numbers of a model are rounded, once, for the encoder in the program to run it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Precision {
    /// Weights of 8 bits.
    Int8,
}

named!(pub Precision { Int8: "int8" });

/// What to take from the user instead of from the folder.
#[derive(Debug, Clone, Default)]
pub struct ModelOverrides {
    /// The graph inside the folder, or the weights to convert.
    pub graph: Option<PathBuf>,
    /// What its weights are rounded to; left as they are when `None`.
    pub precision: Option<Precision>,
    /// How token vectors become one.
    pub pooling: Option<Pooling>,
    /// Whether vectors are scaled to length 1.
    pub normalize: Option<bool>,
    /// Tokens read from a text.
    pub max_tokens: Option<usize>,
    /// Put before a question.
    pub query_prefix: Option<String>,
    /// Put before a document.
    pub document_prefix: Option<String>,
    /// What the model is for.
    pub kind: ModelKind,
}

/// How the names of folders begin in which models are put together.
const STAGING: &str = ".adding-";
/// A folder younger than this may be about to be locked.
const JUST_MADE: Duration = Duration::from_secs(10);

/// Files that are copied when the folder has them; only the first is needed to embed.
const COMPANIONS: [&str; 7] = [
    "tokenizer.json",
    "config.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "sentence_bert_config.json",
    "LICENSE",
    "README.md",
];

/// Installs the model of a folder under a name: copies its files, embeds a text to see that it runs and what
/// dimension it has, and writes its manifest.
///
/// # Errors
/// [`Error::InvalidArgument`] when the name is taken or none, or a setting is out of range; [`Error::Model`]
/// when the folder lacks something or the model does not run; [`Error::Io`] when copying fails.
pub fn install(dir: &Path, name: &str, overrides: &ModelOverrides, options: &LoadOptions) -> Result<ModelSpec> {
    let models = models_dir(options)
        .ok_or_else(|| Error::argument("no data directory to install models in; set HUEDB_DATA_DIR"))?;
    check_name(name, &models)?;
    if overrides.kind != ModelKind::Embedder && overrides.precision.is_some() {
        return Err(Error::argument(format!(
            "a model of the kind {} is not converted: it runs as it is",
            overrides.kind
        )));
    }
    let weights = overrides.graph.clone().or_else(|| overrides.precision.and_then(|_| weights_of(dir)));
    let mut found = folder::read(dir, weights.as_deref(), overrides.pooling)?;
    found.normalize = overrides.normalize.unwrap_or(found.normalize);
    found.max_tokens = overrides.max_tokens.unwrap_or(found.max_tokens);
    if found.max_tokens < 3 {
        return Err(Error::argument("a text has at least 3 tokens, its two ends included"));
    }
    found.query_prefix = overrides.query_prefix.clone().unwrap_or(found.query_prefix);
    found.document_prefix = overrides.document_prefix.clone().unwrap_or(found.document_prefix);
    // Found out by running it: what config.json says may be of another layer.
    found.dimension = None;

    let converted = overrides.precision.map(|Precision::Int8| convert::convert(dir, &found.graph)).transpose();
    let converted = converted.map_err(|why| not_converted(name, &why))?;

    let (staging, _alive) = stage(&models)?;
    let companions: Vec<PathBuf> = COMPANIONS.iter().map(|name| dir.join(name)).filter(|path| path.is_file()).collect();
    let mut files = BTreeMap::new();
    let graph = [&found.graph].into_iter().chain(&found.weights).filter(|_| converted.is_none());
    for from in graph.chain(&companions) {
        let (name, sha256) = copy(from, staging.path())?;
        files.insert(name, sha256);
    }

    let (graph, spec, notes) = match converted {
        None => {
            let mut spec = spec_of(name.to_owned(), dir, found, &options.loaded)?;
            spec.kind = overrides.kind;
            if spec.kind != ModelKind::Embedder {
                // What it gives stands as it is.
                (spec.fingerprint.pooling, spec.fingerprint.normalize) = (Pooling::Cls, false);
            }
            let graph = staged(&mut spec, staging.path())?;
            let notes = try_out(&mut spec, overrides.max_tokens, options)?;
            (graph, spec, notes)
        }
        Some(converted) => {
            let (sha256, spec, notes) = put(name, &found, converted, staging.path(), overrides.max_tokens, options)?;
            files.insert(PACKED_NAME.to_owned(), sha256);
            (PACKED_NAME.to_owned(), spec, notes)
        }
    };

    let quantized_by_batch = spec.source.as_ref().is_some_and(|source| source.quantized_by_batch);
    let mut manifest = Manifest::new(graph, quantized_by_batch, spec.fingerprint, files);
    manifest.kind = spec.kind;
    manifest.write(staging.path())?;
    // What could not be read would be in the way of every other model.
    Manifest::read(staging.path())?;
    put_in_place(staging, name, &models)?;
    Ok(ModelSpec { notes, ..resolve(name, options)? })
}

/// Gives a folder in which a model was put together its name.
pub(super) fn put_in_place(staging: TempDir, name: &str, models: &Path) -> Result<()> {
    let place = models.join(name);
    let staging = staging.keep();
    if let Err(error) = fs::rename(&staging, &place) {
        let _ = fs::remove_dir_all(&staging);
        // Another process may have added one of this name meanwhile.
        check_name(name, models)?;
        return Err(Error::io(format!("create {}", place.display()), error));
    }
    Ok(())
}

/// Makes a folder in which a model is put together, and locks it for as long as the returned file is open.
///
/// The lock ends with the process, however that ends: so a folder that nobody locks is left behind.
pub(super) fn stage(models: &Path) -> Result<(TempDir, File)> {
    fs::create_dir_all(models).map_err(|error| Error::io(format!("create {}", models.display()), error))?;
    remove_left_behind(models);
    let failure = |error: io::Error| Error::io(format!("write in {}", models.display()), error.kind().into());
    let staging = tempfile::Builder::new().prefix(STAGING).tempdir_in(models).map_err(failure)?;
    let lock = File::open(staging.path()).map_err(failure)?;
    // Where folders cannot be locked none is taken for left behind either.
    let _ = lock.try_lock();
    Ok((staging, lock))
}

/// Removes what processes left that were killed while they installed a model; what cannot be removed is in nobody's way.
fn remove_left_behind(models: &Path) {
    for entry in fs::read_dir(models).into_iter().flatten().flatten() {
        let is_staging = entry.file_name().to_str().is_some_and(|name| name.starts_with(STAGING));
        let is_old = || {
            let modified = entry.metadata().and_then(|facts| facts.modified()).ok()?;
            modified.elapsed().ok().map(|age| age > JUST_MADE)
        };
        if is_staging
            && is_old() == Some(true)
            && File::open(entry.path()).is_ok_and(|folder| folder.try_lock().is_ok())
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Embeds texts to see that the model runs, what dimension it has and how much of a text its graph takes; returns what
/// is worth saying of that.
fn try_out(spec: &mut ModelSpec, asked_tokens: Option<usize>, options: &LoadOptions) -> Result<Vec<String>> {
    let mut embedder = OnnxEmbedder::open_untried(open_parts(spec)?, options)?;
    let limits = embedder.limits()?;
    let mut fingerprint = embedder.fingerprint().clone();
    drop(embedder);
    let failure = |why: String, hint: Option<Advice>| Error::Model { model: spec.name.clone(), why, hint };
    if spec.kind != ModelKind::Sparse && fingerprint.dimension > MAX_DIMENSION {
        let why = format!("its embeddings have {} components; the maximum is {MAX_DIMENSION}", fingerprint.dimension);
        return Err(failure(why, None));
    }
    let mut notes = Vec::new();
    if let Some((tokens, why)) = limits.max_tokens {
        if let Some(asked) = asked_tokens {
            let why = format!("it does not run a text of {asked} tokens: {why}");
            return Err(failure(why, Some(Advice::LimitTokens(tokens))));
        }
        let said = fingerprint.max_tokens;
        notes.push(format!("its graph takes {tokens} tokens of a text, not the {said} that its files say"));
        fingerprint.max_tokens = tokens;
    }
    if let Some(token) = limits.unknown_token {
        notes.push(format!("its tokenizer has tokens up to {token}, and its graph not: a text with one is an error"));
    }
    let components = fingerprint.dimension;
    match spec.kind {
        ModelKind::Reranker if components != 1 => {
            let why = format!("it gives {components} numbers for a text, where a reranker gives one");
            return Err(failure(why, None));
        }
        ModelKind::Embedder if components == 1 => {
            notes.push("it gives one number for a text, as a reranker does, which is installed as one".into());
        }
        ModelKind::Sparse if components <= limits.largest_token as usize => {
            let tokens = limits.largest_token;
            let why = format!("it gives {components} numbers for a text, where a sparse one weighs all {tokens} terms");
            return Err(failure(why, None));
        }
        ModelKind::Reranker | ModelKind::Embedder | ModelKind::Sparse => {}
    }
    spec.fingerprint = fingerprint;
    if let (ModelKind::Reranker, Some(source)) = (spec.kind, &mut spec.source) {
        source.dimension_known = true;
        Reranker::try_out(spec, options)?;
    }
    Ok(notes)
}

/// Refuses a name that cannot be a model's, or is taken.
pub(super) fn check_name(name: &str, models: &Path) -> Result<()> {
    if !is_model_name(name) {
        return Err(Error::InvalidArgument {
            why: format!("{name:?} cannot be the name of a model"),
            hint: Some("a name has 1 to 128 characters from [a-zA-Z0-9._-] and starts with a letter or a digit".into()),
        });
    }
    let taken = name == super::DEFAULT_MODEL || super::HashEmbedder::from_name(name).is_some();
    if taken || models.join(name).exists() {
        return Err(Error::InvalidArgument {
            why: format!("there already is a model named {name:?}"),
            hint: Some("choose another name, or remove that model first".into()),
        });
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<(String, String)> {
    let name = from.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let copy = to.join(&name);
    fs::copy(from, &copy).map_err(|error| Error::io(format!("copy {}", from.display()), error))?;
    Ok((name, digest::of_files([copy.as_path()])?))
}

/// Points a model at its copy, and returns the graph's name there.
fn staged(spec: &mut ModelSpec, dir: &Path) -> Result<String> {
    spec.origin = ModelOrigin::Folder(dir.into());
    let Some(ModelSource { model: ModelBytes::File(graph), tokenizer: Some(tokenizer), .. }) = &mut spec.source else {
        return Err(Error::argument("the model has no files"));
    };
    let name = graph.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    *graph = dir.join(&name);
    *tokenizer = dir.join("tokenizer.json");
    Ok(name)
}
