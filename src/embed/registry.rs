//! The models there are: the one in the program, those in the data directory, and any folder with a model.
//!
//! It opens none; [`super::load`] does. Invariant: an installed model is a whole folder with a manifest, put
//! there by one rename.

use std::fs;
use std::path::{Path, PathBuf};

use super::folder::{self, FolderModel};
use super::hash::HashEmbedder;
use super::manifest::Manifest;
use super::model_cache::{GraphFacts, ModelCache};
use super::model_kind::ModelKind;
use super::service::{self, ServiceManifest, ServiceSettings};
use super::tensor::ModelBytes;
use super::{LoadOptions, builtin, digest, graph};
use crate::error::{Advice, Error, Result};
use crate::record::Fingerprint;

/// Where a model is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelOrigin {
    /// In the program.
    BuiltIn,
    /// In the data directory, under this path.
    Installed(PathBuf),
    /// A folder that was named by its path.
    Folder(PathBuf),
    /// No model: [`HashEmbedder`].
    Hash,
    /// A service that is asked over HTTP.
    Service(ServiceSettings),
}

/// A model that can be loaded.
#[derive(Debug, Clone)]
pub struct ModelSpec {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub origin: ModelOrigin,
    /// What it is for.
    pub kind: ModelKind,
    /// What decides its embeddings.
    pub fingerprint: Fingerprint,
    /// The length of its files in bytes.
    pub bytes: u64,
    /// What was found out when it was added, and is worth saying.
    pub notes: Vec<String>,
    pub(super) source: Option<ModelSource>,
    /// What it takes to ask a service instead.
    pub(super) service: Option<Box<ServiceManifest>>,
}

/// What it takes to open a model.
#[derive(Debug, Clone)]
pub(super) struct ModelSource {
    pub(super) model: ModelBytes,
    /// `tokenizer.json`; `None` for the tokenizer in the program.
    pub(super) tokenizer: Option<PathBuf>,
    pub(super) quantized_by_batch: bool,
    /// ONNX Runtime cannot keep a graph whose weights stand in other files as one `.ort` file.
    pub(super) cacheable: bool,
    pub(super) dimension_known: bool,
}

/// Lists the model in the program and the installed ones, by name.
///
/// # Errors
/// [`Error::Io`] when the data directory cannot be read, [`Error::Model`] when a manifest is damaged.
pub fn models(options: &LoadOptions) -> Result<Vec<ModelSpec>> {
    let mut found: Vec<ModelSpec> = built_in().into_iter().collect();
    let Some(dir) = models_dir(options) else { return Ok(found) };
    let action = || format!("read {}", dir.display());
    let entries = match fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(Error::io(action(), error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(|error| Error::io(action(), error))?.file_name();
        names.extend(name.into_string().ok().filter(|name| is_model_name(name)));
    }
    names.sort_unstable();
    for name in names {
        let path = dir.join(&name);
        found.extend(read_installed(name, &path)?);
    }
    Ok(found)
}

/// Finds a model by its name, or by the path of a folder.
///
/// A name that is also a folder here means the name; write `./NAME` for the folder. `hash-N` is
/// [`HashEmbedder`] with N components.
///
/// # Errors
/// [`Error::ModelNotFound`] when there is none, with the names that there are; [`Error::Model`] when the
/// folder lacks something.
pub fn resolve(model: &str, options: &LoadOptions) -> Result<ModelSpec> {
    if let Some(built_in) = built_in().filter(|built_in| built_in.name == model) {
        return Ok(built_in);
    }
    if let Some(hash) = HashEmbedder::from_name(model) {
        let fingerprint = super::Embedder::fingerprint(&hash).clone();
        return Ok(ModelSpec {
            name: model.into(),
            origin: ModelOrigin::Hash,
            kind: ModelKind::Embedder,
            fingerprint,
            bytes: 0,
            notes: Vec::new(),
            source: None,
            service: None,
        });
    }
    if let Some(dir) = models_dir(options).filter(|_| is_model_name(model))
        && let Some(found) = read_installed(model.into(), &dir.join(model))?
    {
        return Ok(found);
    }
    let path = Path::new(model);
    if path.is_dir() {
        return named_folder(path, &options.loaded);
    }
    let known: Vec<String> = models(options)?.into_iter().map(|model| model.name).collect();
    Err(Error::ModelNotFound { model: model.to_owned(), known })
}

/// Reads what is installed in a folder of the data directory, if anything is.
fn read_installed(name: String, path: &Path) -> Result<Option<ModelSpec>> {
    if let Some(manifest) = Manifest::read(path)? {
        return Ok(Some(installed(name, path, manifest)));
    }
    let service = ServiceManifest::read(path)?.map(Box::new);
    Ok(service.map(|manifest| ModelSpec {
        name,
        origin: ModelOrigin::Service(manifest.settings.clone()),
        kind: ModelKind::Embedder,
        fingerprint: manifest.fingerprint.clone(),
        bytes: 0,
        notes: Vec::new(),
        source: None,
        service: Some(manifest),
    }))
}

/// Checks the files of a model against their checksums; a service embeds a text again, which is compared.
///
/// # Errors
/// [`Error::Model`] with the file that differs, [`Error::Io`] when one cannot be read; those of a service as of
/// [`super::add_service`], and [`Error::Server`] when its model is another.
pub fn verify(model: &str, options: &LoadOptions) -> Result<ModelSpec> {
    let spec = resolve(model, options)?;
    let failure = |why: String| Error::Model {
        model: spec.name.clone(),
        why,
        hint: Some("remove the model and add it again".into()),
    };
    match (&spec.origin, spec.source.as_ref().map(|source| &source.model)) {
        (ModelOrigin::Installed(dir) | ModelOrigin::Folder(dir), _) => {
            let manifest = Manifest::read(dir)?.ok_or_else(|| failure("it has no checksums to compare with".into()))?;
            if let Some(name) = manifest.first_difference(dir)? {
                return Err(failure(format!("{name} is not the file that was added")));
            }
        }
        (ModelOrigin::BuiltIn, _)
            if digest::of_bytes(&builtin::graph().map_err(failure)?) != spec.fingerprint.sha256 =>
        {
            return Err(failure("the built-in model is damaged".into()));
        }
        _ => {}
    }
    if let Some(manifest) = &spec.service {
        service::ask_again(manifest, options)?;
    }
    Ok(spec)
}

/// Removes an installed model.
///
/// # Errors
/// [`Error::InvalidArgument`] when no such model is installed, [`Error::Io`] when it cannot be removed.
pub fn remove(model: &str, options: &LoadOptions) -> Result<()> {
    let spec = resolve(model, options)?;
    let (dir, manifest) = match (&spec.origin, models_dir(options)) {
        (ModelOrigin::Installed(dir), _) => (dir.clone(), super::manifest::FILE_NAME),
        (ModelOrigin::Service(_), Some(models)) => (models.join(&spec.name), service::FILE_NAME),
        _ => return Err(Error::argument(format!("the model {model:?} is not an installed one"))),
    };
    let action = || format!("remove {}", dir.display());
    // The manifest first: what is left of a removal that stops half-way is no model any more.
    fs::remove_file(dir.join(manifest)).map_err(|error| Error::io(action(), error))?;
    fs::remove_dir_all(&dir).map_err(|error| Error::io(action(), error))
}

/// Finds a model that is for one thing.
///
/// # Errors
/// As [`resolve`], and [`Error::Model`] when it is for another.
pub(super) fn resolve_as(wanted: ModelKind, model: &str, options: &LoadOptions) -> Result<ModelSpec> {
    let spec = resolve(model, options)?;
    let (why, hint) = match (wanted, spec.kind) {
        (wanted, kind) if wanted == kind => return Ok(spec),
        (ModelKind::Reranker, _) => ("it is not a reranker", Advice::InstallReranker),
        (ModelKind::Sparse, _) => ("it is not a sparse model", Advice::InstallSparse),
        (ModelKind::Embedder, ModelKind::Reranker) => {
            ("it is a reranker, which makes no embeddings", Advice::RerankWith)
        }
        (ModelKind::Embedder, _) => ("it is a sparse model, which makes no embeddings", Advice::SearchTermsWith),
    };
    Err(Error::Model { model: spec.name, why: why.into(), hint: Some(hint) })
}

/// Whether an installed model was converted for the encoder in the program.
pub(super) fn is_converted(model: &str, options: &LoadOptions) -> bool {
    let dir = models_dir(options).filter(|_| is_model_name(model));
    dir.is_some_and(|dir| matches!(Manifest::read(&dir.join(model)), Ok(Some(manifest)) if manifest.is_packed()))
}

/// Where models are installed.
pub(super) fn models_dir(options: &LoadOptions) -> Option<PathBuf> {
    options.data_dir.as_ref().map(|dir| dir.join("models"))
}

/// Whether a name can be that of an installed model: 1 to 128 of `[a-zA-Z0-9._-]`, the first no sign.
pub(super) fn is_model_name(name: &str) -> bool {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || b"._-".contains(&c);
    name.len() <= 128 && name.bytes().all(allowed) && name.bytes().next().is_some_and(|c| c.is_ascii_alphanumeric())
}

fn built_in() -> Option<ModelSpec> {
    if !builtin::IN_PROGRAM {
        return None;
    }
    let source = ModelSource {
        model: ModelBytes::BuiltIn,
        tokenizer: None,
        quantized_by_batch: true,
        cacheable: true,
        dimension_known: true,
    };
    Some(ModelSpec {
        name: builtin::DEFAULT_MODEL.into(),
        origin: ModelOrigin::BuiltIn,
        kind: ModelKind::Embedder,
        fingerprint: builtin::fingerprint(),
        bytes: builtin::bytes(),
        notes: Vec::new(),
        source: Some(source),
        service: None,
    })
}

fn installed(name: String, dir: &Path, manifest: Manifest) -> ModelSpec {
    let graph = dir.join(&manifest.graph);
    let bytes = manifest.files.keys().filter_map(|file| Some(fs::metadata(dir.join(file)).ok()?.len())).sum();
    let source = ModelSource {
        cacheable: folder::weights_of(&graph).is_empty(),
        model: if manifest.is_packed() { ModelBytes::Packed(graph) } else { ModelBytes::File(graph) },
        tokenizer: Some(dir.join("tokenizer.json")),
        quantized_by_batch: manifest.quantized_by_batch,
        dimension_known: true,
    };
    let origin = ModelOrigin::Installed(dir.into());
    let Manifest { kind, fingerprint, .. } = manifest;
    ModelSpec { name, origin, kind, fingerprint, bytes, notes: Vec::new(), source: Some(source), service: None }
}

/// A folder without a manifest is read each time, and hashed where its files changed.
fn named_folder(dir: &Path, cache: &ModelCache) -> Result<ModelSpec> {
    if let Some(manifest) = Manifest::read(dir)? {
        let name = manifest.fingerprint.model.clone();
        return Ok(ModelSpec { origin: ModelOrigin::Folder(dir.into()), ..installed(name, dir, manifest) });
    }
    let found = folder::read(dir, None, None)?;
    let name = dir.canonicalize().unwrap_or_else(|_| dir.into());
    let name = name.file_name().map_or_else(|| dir.display().to_string(), |name| name.to_string_lossy().into_owned());
    spec_of(name, dir, found, cache)
}

/// Makes a model of what a folder says; hashes the graph, unless the cache knows its files.
pub(super) fn spec_of(name: String, dir: &Path, found: FolderModel, cache: &ModelCache) -> Result<ModelSpec> {
    let graph_files = || std::iter::once(&found.graph).chain(&found.weights);
    let bytes = graph_files().filter_map(|file| Some(fs::metadata(file).ok()?.len())).sum();
    let paths = || graph_files().map(PathBuf::as_path);
    let facts = cache.graph_facts(paths(), || {
        let sha256 = digest::of_files(paths())?;
        Ok(GraphFacts { sha256, quantized_by_batch: quantizes_by_batch(&name, &found.graph)? })
    })?;
    let fingerprint = found.fingerprint(name.clone(), facts.sha256, found.dimension.unwrap_or(0));
    let source = ModelSource {
        quantized_by_batch: facts.quantized_by_batch,
        cacheable: found.weights.is_empty(),
        model: ModelBytes::File(found.graph),
        tokenizer: Some(found.tokenizer),
        dimension_known: found.dimension.is_some(),
    };
    let origin = ModelOrigin::Folder(dir.into());
    let kind = ModelKind::default();
    Ok(ModelSpec { name, origin, kind, fingerprint, bytes, notes: Vec::new(), source: Some(source), service: None })
}

/// Whether a graph has the operator that scales activations over its whole input; refuses one that is not whole.
fn quantizes_by_batch(model: &str, graph: &Path) -> Result<bool> {
    let bytes = fs::read(graph).map_err(|error| Error::io(format!("read {}", graph.display()), error))?;
    let cut = |file: &str, why: &str| Error::Model {
        model: model.to_owned(),
        why: format!("{file} {why}"),
        hint: Some("copy or download the file again".into()),
    };
    let weights = graph::weights_in(&bytes).ok_or_else(|| {
        cut(&graph.display().to_string(), "is not a complete ONNX graph: it is cut off or something else")
    })?;
    for (name, bytes) in weights {
        let found = graph.parent().and_then(|dir| fs::metadata(dir.join(&name)).ok()).map(|facts| facts.len());
        match found {
            None => return Err(cut(&name, "is not there, and its graph has its weights in it")),
            Some(found) if found < bytes => return Err(cut(&name, &format!("is cut off: {found} of {bytes} bytes"))),
            Some(_) => {}
        }
    }
    Ok(memchr::memmem::find(&bytes, b"DynamicQuantizeLinear").is_some())
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
