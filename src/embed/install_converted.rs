//! What is particular about installing a converted model: no graph is copied, and the encoder in the program tries it.
//!
//! Invariant: its fingerprint is of what it was made of and how, so it is never taken for the model unconverted.

use std::fs;
use std::path::{Path, PathBuf};

use super::convert::Converted;
use super::encoder::EncoderEmbedder;
use super::folder::FolderModel;
use super::manifest::PACKED_NAME;
use super::model_kind::ModelKind;
use super::onnx::SENTENCE;
use super::parts::open_parts;
use super::registry::{ModelOrigin, ModelSource, ModelSpec};
use super::tensor::ModelBytes;
use super::{Embedder, LoadOptions, RuntimeChoice, TextRole, digest};
use crate::error::{Advice, Error, Result};

/// The file of a folder whose weights are converted where none is named; `None` for its graph.
pub(super) fn weights_of(dir: &Path) -> Option<PathBuf> {
    ["model.safetensors", "model.safetensors.index.json"]
        .into_iter()
        .map(PathBuf::from)
        .find(|name| dir.join(name).is_file())
}

/// Says that a model is not converted, and why.
pub(super) fn not_converted(name: &str, why: &str) -> Error {
    Error::Model {
        model: name.to_owned(),
        why: format!("it cannot be converted to int8: {why}"),
        hint: Some(Advice::LeaveUnconverted),
    }
}

/// Writes a converted model into a folder that has its other files, and tries it; returns its sha256, what it is, and what is
/// worth saying of it. `asked` is how many tokens of a text the user wants it to take.
pub(super) fn put(
    name: &str,
    found: &FolderModel,
    converted: Converted,
    dir: &Path,
    asked: Option<usize>,
    options: &LoadOptions,
) -> Result<(String, ModelSpec, Vec<String>)> {
    let path = dir.join(PACKED_NAME);
    fs::write(&path, &converted.packed).map_err(|error| Error::io(format!("write {}", path.display()), error))?;
    let sha256 = digest::of_bytes(&converted.packed);
    let mut spec = describe(name.to_owned(), found, &converted, dir)?;
    let mut notes = try_out(&mut spec, asked, options)?;
    notes.extend(converted.notes);
    Ok((sha256, spec, notes))
}

/// Describes a converted model whose files are in a folder.
fn describe(name: String, found: &FolderModel, converted: &Converted, dir: &Path) -> Result<ModelSpec> {
    // Of what it was made, and how: the same model unconverted is another one, since its vectors are others.
    let weights = digest::of_files([found.graph.as_path()])?;
    let sha256 = digest::of_bytes(format!("{weights} {}", converted.made_with).as_bytes());
    let fingerprint = found.fingerprint(name.clone(), sha256, converted.dimension);
    let source = ModelSource {
        model: ModelBytes::Packed(dir.join(PACKED_NAME)),
        tokenizer: Some(dir.join("tokenizer.json")),
        quantized_by_batch: false,
        cacheable: false,
        dimension_known: true,
    };
    let origin = ModelOrigin::Folder(dir.into());
    let kind = ModelKind::Embedder;
    Ok(ModelSpec { name, origin, kind, fingerprint, bytes: 0, notes: Vec::new(), source: Some(source), service: None })
}

/// Embeds a text with a converted model, and compares the tokens it takes with those that its files say.
fn try_out(spec: &mut ModelSpec, asked: Option<usize>, options: &LoadOptions) -> Result<Vec<String>> {
    let parts = open_parts(spec)?;
    let largest = parts.tokenizer.largest_id();
    // Whatever engine is chosen for other models.
    let own = LoadOptions { runtime: RuntimeChoice::BuiltIn, ..options.clone() };
    let embedder = EncoderEmbedder::open(parts, &own)?;
    let failure = |why: String, hint: Option<Advice>| Error::Model { model: spec.name.clone(), why, hint };
    let sizes = embedder.sizes().map_err(|why| failure(why, None))?;
    embedder.embed_one(SENTENCE, TextRole::Document)?;
    let mut notes = Vec::new();
    let said = spec.fingerprint.max_tokens;
    if said > sizes.tokens {
        if let Some(asked) = asked {
            let why = format!("it does not run a text of {asked} tokens: it has {} positions", sizes.tokens);
            return Err(failure(why, Some(Advice::LimitTokens(sizes.tokens))));
        }
        notes.push(format!("it takes {} tokens of a text, not the {said} that its files say", sizes.tokens));
    }
    if largest as usize >= sizes.words {
        notes.push(format!("its tokenizer has tokens up to {largest}, and its table not: a text with one is an error"));
    }
    spec.fingerprint.max_tokens = said.min(sizes.tokens);
    Ok(notes)
}
