//! What it takes to open a model, gathered from its description.
//!
//! Opens no engine.

use std::fs;

use super::builtin;
use super::model_kind::ModelKind;
use super::onnx::ModelParts;
use super::registry::ModelSpec;
use super::tokenizer::Tokenizer;
use crate::error::{Error, Result};

/// Reads a model's tokenizer and gathers what it takes to open the model.
pub(super) fn open_parts(spec: &ModelSpec) -> Result<ModelParts> {
    let failure = |why: String| Error::Model { model: spec.name.clone(), why, hint: None };
    let source = spec.source.as_ref().ok_or_else(|| failure("it has no graph".into()))?;
    Ok(ModelParts {
        fingerprint: spec.fingerprint.clone(),
        tokenizer: open_tokenizer(spec, spec.fingerprint.max_tokens)?,
        model: source.model.clone(),
        quantized_by_batch: source.quantized_by_batch,
        cacheable: source.cacheable,
        dimension_known: source.dimension_known,
        kind: spec.kind,
    })
}

/// Reads a model's tokenizer, which is to make at most so many tokens of a text.
pub(super) fn open_tokenizer(spec: &ModelSpec, max_tokens: usize) -> Result<Tokenizer> {
    let Some(path) = spec.source.as_ref().and_then(|source| source.tokenizer.as_ref()) else {
        return Ok(builtin::tokenizer(max_tokens));
    };
    let json = fs::read(path).map_err(|error| Error::io(format!("read {}", path.display()), error))?;
    let read = match spec.kind {
        ModelKind::Embedder | ModelKind::Sparse => Tokenizer::from_json,
        // Our own knows single texts alone.
        ModelKind::Reranker => Tokenizer::any_from_json,
    };
    read(&json, max_tokens).map_err(|why| Error::Model {
        model: spec.name.clone(),
        why: format!("tokenizer.json: {why}"),
        hint: None,
    })
}
