//! One model, open in the engine: batches of token ids in, vectors out.
//!
//! It knows nothing of text. Invariant: a vector has the dimension its model was opened for and finite
//! components, or the batch is an error.

use std::path::{Path, PathBuf};

use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::session::{Session, SessionInputValue};
use ort::value::Tensor;

use super::cache::{self, CachedModel, Draft};
use super::pooling;
use super::runtime::{Runtime, RuntimeKind};
use super::tokenizer::Encoding;
use crate::record::Fingerprint;

/// Where a model's graph is read from.
#[derive(Debug, Clone)]
pub(super) enum ModelBytes {
    /// The program itself.
    Program(&'static [u8]),
    /// A file, with its weights or beside them.
    File(PathBuf),
}

/// A model's input, by what is put into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    Ids,
    Mask,
    Types,
    Positions,
}

impl Input {
    fn of(name: &str) -> Option<Self> {
        match name {
            "input_ids" => Some(Self::Ids),
            "attention_mask" => Some(Self::Mask),
            "token_type_ids" => Some(Self::Types),
            "position_ids" => Some(Self::Positions),
            _ => None,
        }
    }

    fn value(self, encoding: &Encoding, at: usize) -> i64 {
        let of = |list: &[u32]| list.get(at).copied().map_or(0, i64::from);
        match self {
            Self::Ids => of(&encoding.ids),
            Self::Types => of(&encoding.types),
            Self::Mask => i64::from(at < encoding.ids.len()),
            Self::Positions => i64::try_from(at).unwrap_or(0),
        }
    }
}

/// A model open in the engine.
pub(super) struct ModelSession {
    session: Session,
    inputs: Vec<(String, Input)>,
    output: String,
    /// The bytes that `session` reads its weights from: dropped after it, as fields drop in order.
    _cached: Option<CachedModel>,
}

impl ModelSession {
    /// Opens a model with `threads` threads of its own.
    pub(super) fn open(
        model: &ModelBytes,
        sha256: &str,
        runtime: &Runtime,
        threads: usize,
        cache_dir: Option<&Path>,
    ) -> Result<Self, String> {
        let (session, cached) = match runtime.kind {
            RuntimeKind::Tract => (tract(model, runtime).map_err(|error| error.to_string())?, None),
            RuntimeKind::OnnxRuntime => {
                let place = cache_dir.map(|dir| cache::path_of(dir, sha256, &runtime.version));
                onnx_runtime(model, runtime, threads, place)?
            }
        };
        let inputs = session
            .inputs()
            .iter()
            .map(|input| match Input::of(input.name()) {
                Some(kind) => Ok((input.name().to_owned(), kind)),
                None => Err(format!("it wants the input {:?}, which no text embedding model has", input.name())),
            })
            .collect::<Result<_, _>>()?;
        let names: Vec<&str> = session.outputs().iter().map(ort::value::Outlet::name).collect();
        let output = ["last_hidden_state", "token_embeddings"]
            .into_iter()
            .find(|name| names.contains(name))
            .or_else(|| names.first().copied())
            .ok_or("it has no output")?
            .to_owned();
        Ok(Self { session, inputs, output, _cached: cached })
    }

    /// Embeds a batch: one vector for each encoding, in order.
    ///
    /// `dimension` is what the model is known to give; `None` takes what comes.
    pub(super) fn run(
        &mut self,
        batch: &[&Encoding],
        fingerprint: &Fingerprint,
        dimension: Option<usize>,
    ) -> Result<Vec<Vec<f32>>, String> {
        let width = batch.iter().map(|encoding| encoding.ids.len()).max().unwrap_or(0);
        let mut inputs: Vec<(&str, SessionInputValue<'_>)> = Vec::with_capacity(self.inputs.len());
        for (name, kind) in &self.inputs {
            let data: Vec<i64> =
                batch.iter().flat_map(|encoding| (0..width).map(|at| kind.value(encoding, at))).collect();
            let tensor = Tensor::from_array(([batch.len(), width], data)).map_err(|error| error.to_string())?;
            inputs.push((name, tensor.into()));
        }
        let outputs = self.session.run(inputs).map_err(|error| error.to_string())?;
        let output = outputs.get(self.output.as_str()).ok_or("it gave no output")?;
        let (shape, values) = output.try_extract_tensor::<f32>().map_err(|error| error.to_string())?;
        let shape: Vec<usize> = shape.iter().filter_map(|&side| usize::try_from(side).ok()).collect();
        let (rows, per_row, found) = match *shape.as_slice() {
            [rows, tokens, found] if tokens == width => (rows, tokens, found),
            [rows, found] => (rows, 1, found),
            _ => return Err(format!("its output has the shape {shape:?}, not texts x tokens x dimension")),
        };
        if rows != batch.len() || found == 0 {
            return Err(format!("its output has the shape {shape:?} for {} texts", batch.len()));
        }
        if let Some(expected) = dimension.filter(|&expected| expected != found) {
            return Err(format!("its vectors have {found} components, not {expected}"));
        }
        values
            .chunks_exact(per_row * found)
            .zip(batch)
            .map(|(tokens, encoding)| {
                // A model that pools by itself gives one vector a text.
                let length = if shape.len() == 2 { 1 } else { encoding.ids.len() };
                pooling::pool(tokens, length, found, fingerprint.pooling, fingerprint.normalize)
                    .filter(|vector| vector.iter().all(|x| x.is_finite()))
                    .ok_or_else(|| "it gave a vector with NaN or infinity".to_owned())
            })
            .collect()
    }
}

fn tract(model: &ModelBytes, runtime: &Runtime) -> ort::Result<Session> {
    let builder = Session::builder(runtime.environment())?.with_optimization_level(GraphOptimizationLevel::All)?;
    commit(builder, model)
}

fn commit(mut builder: SessionBuilder, model: &ModelBytes) -> ort::Result<Session> {
    match model {
        ModelBytes::Program(bytes) => builder.commit_from_memory(bytes),
        ModelBytes::File(path) => builder.commit_from_file(path),
    }
}

fn onnx_runtime(
    model: &ModelBytes,
    runtime: &Runtime,
    threads: usize,
    place: Option<PathBuf>,
) -> Result<(Session, Option<CachedModel>), String> {
    let builder = || -> ort::Result<SessionBuilder> {
        // Threads that spin between operators take the core from whatever runs beside: reading, writing, parsing.
        Ok(Session::builder(runtime.environment())?.with_intra_threads(threads)?.with_intra_op_spinning(false)?)
    };
    if let Some(cached) = place.as_deref().and_then(cache::open) {
        let session = builder().and_then(|builder| {
            builder
                .with_optimization_level(GraphOptimizationLevel::Disable)?
                .with_config_entry("session.use_ort_model_bytes_directly", "1")?
                .with_config_entry("session.use_ort_model_bytes_for_initializers", "1")?
                .commit_from_memory(cached.bytes())
        });
        // One that the runtime refuses is written again below.
        if let Ok(session) = session {
            return Ok((session, Some(cached)));
        }
    }
    if let Some(draft) = place.and_then(Draft::begin) {
        let session = builder().and_then(|builder| {
            let builder = builder
                .with_optimization_level(GraphOptimizationLevel::All)?
                .with_config_entry("session.save_model_format", "ORT")?
                .with_optimized_model_path(draft.path())?;
            commit(builder, model)
        });
        if let Ok(session) = session {
            // A cache that cannot be finished costs the next start its time, nothing more.
            let _ = draft.finish();
            return Ok((session, None));
        }
    }
    builder()
        .and_then(|builder| commit(builder.with_optimization_level(GraphOptimizationLevel::All)?, model))
        .map(|session| (session, None))
        .map_err(|error| error.to_string())
}
