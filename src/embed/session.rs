//! One model, open in the engine: batches of token ids in, vectors out.
//!
//! It knows nothing of text. Invariant: a vector has the dimension its model was opened for and finite
//! components, or the batch is an error.

use std::path::{Path, PathBuf};

use ort::environment::Environment;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::session::{Session, SessionInputValue};
use ort::value::{Tensor, TensorElementType, ValueType};

use super::builtin;
use super::cache::{self, CachedModel, Draft};
use super::once::TryOnce;
use super::pooling::Head;
use super::rten::{RtenModel, RtenSession};
use super::runtime::Runtime;
use super::tensor::{Given, ModelBytes, ModelOutput, TensorShape, other_numbers};
use super::tokenizer::Encoding;

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

enum Engine {
    /// The bytes that the session reads its weights from are dropped after it, as fields drop in order.
    OnnxRuntime(Box<Session>, #[expect(dead_code, reason = "kept for as long as the session")] Option<CachedModel>),
    Rten(RtenSession),
}

impl Engine {
    fn open(
        model: &ModelBytes,
        sha256: &str,
        runtime: &Runtime,
        threads: usize,
        cache_dir: Option<&Path>,
        shared: &TryOnce<RtenModel>,
    ) -> Result<Self, String> {
        let Some(environment) = runtime.environment() else {
            let model = shared.get_or_try_init(|| RtenModel::open(model))?;
            return Ok(Self::Rten(model.session(threads)));
        };
        let place = cache_dir.map(|dir| cache::path_of(dir, sha256, &runtime.version));
        let (session, cached) = onnx_runtime(model, environment, threads, place)?;
        Ok(Self::OnnxRuntime(Box::new(session), cached))
    }

    fn inputs(&self) -> Vec<(String, TensorShape)> {
        match self {
            Self::Rten(session) => session.inputs(),
            Self::OnnxRuntime(session, _) => {
                session.inputs().iter().map(|input| (input.name().to_owned(), shape_of(input.dtype()))).collect()
            }
        }
    }

    fn outputs(&self) -> Vec<String> {
        match self {
            Self::Rten(session) => session.outputs(),
            Self::OnnxRuntime(session, _) => session.outputs().iter().map(|output| output.name().to_owned()).collect(),
        }
    }

    fn run(&mut self, given: Vec<(&str, Given)>, output: &str) -> Result<ModelOutput, String> {
        match self {
            Self::Rten(session) => session.run(given, output),
            Self::OnnxRuntime(session, _) => run_onnx_runtime(session, given, output),
        }
    }
}

fn shape_of(kind: &ValueType) -> TensorShape {
    let sides = |shape: &[i64]| shape.iter().map(|side| usize::try_from(*side).ok()).collect();
    kind.tensor_shape().map_or_else(Vec::new, |shape| sides(shape))
}

fn run_onnx_runtime(session: &mut Session, given: Vec<(&str, Given)>, output: &str) -> Result<ModelOutput, String> {
    let words = |error: ort::Error| error.to_string();
    let mut inputs: Vec<(&str, SessionInputValue<'_>)> = Vec::with_capacity(given.len());
    for (name, Given { shape, data }) in given {
        inputs.push((name, Tensor::from_array((shape, data)).map_err(words)?.into()));
    }
    let outputs = session.run(inputs).map_err(words)?;
    let found = outputs.get(output).ok_or("it gave no output")?;
    if let ValueType::Tensor { ty, .. } = found.dtype()
        && *ty != TensorElementType::Float32
    {
        return Err(other_numbers(&format!("{ty:?}")));
    }
    let (shape, values) = found.try_extract_tensor::<f32>().map_err(words)?;
    let shape = shape.iter().filter_map(|&side| usize::try_from(side).ok()).collect();
    Ok(ModelOutput { shape, values: values.to_vec() })
}

/// A model open in the engine.
pub(super) struct ModelSession {
    engine: Engine,
    inputs: Vec<(String, Input)>,
    output: String,
    head: Head,
    /// How many texts and tokens the graph takes at once, where it was exported for so many alone.
    fixed: [Option<usize>; 2],
}

impl ModelSession {
    /// Opens a model with `threads` threads of its own; `shared` is what its sessions in rten have in common.
    pub(super) fn open(
        model: &ModelBytes,
        sha256: &str,
        runtime: &Runtime,
        threads: usize,
        cache_dir: Option<&Path>,
        shared: &TryOnce<RtenModel>,
        head: Head,
    ) -> Result<Self, String> {
        let engine = Engine::open(model, sha256, runtime, threads, cache_dir, shared)?;
        let mut fixed = [None; 2];
        let mut inputs = Vec::new();
        for (name, shape) in engine.inputs() {
            let kind = Input::of(&name)
                .ok_or_else(|| format!("it wants the input {name:?}, which no text embedding model has"))?;
            if let [rows, width] = *shape.as_slice() {
                fixed = [fixed[0].or(rows), fixed[1].or(width)];
            }
            inputs.push((name, kind));
        }
        let names = engine.outputs();
        let output = head
            .outputs()
            .iter()
            .copied()
            .find(|name| names.iter().any(|known| known == name))
            .or_else(|| names.first().map(String::as_str))
            .ok_or("it has no output")?
            .to_owned();
        Ok(Self { engine, inputs, output, head, fixed })
    }

    /// Embeds a batch of texts that have tokens: one vector for each encoding, in order.
    ///
    /// `dimension` is what the model is known to give; `None` takes what comes.
    pub(super) fn run(&mut self, batch: &[&Encoding], dimension: Option<usize>) -> Result<Vec<Vec<f32>>, String> {
        let mut vectors = Vec::with_capacity(batch.len());
        for batch in batch.chunks(self.fixed[0].unwrap_or(batch.len()).max(1)) {
            vectors.extend(self.run_once(batch, dimension)?);
        }
        Ok(vectors)
    }

    fn run_once(&mut self, batch: &[&Encoding], dimension: Option<usize>) -> Result<Vec<Vec<f32>>, String> {
        let longest = batch.iter().map(|encoding| encoding.ids.len()).max().unwrap_or(0);
        let width = self.fixed[1].unwrap_or(longest);
        if longest > width {
            return Err(format!("a text has {longest} tokens, and its graph takes {width}"));
        }
        // A graph for a fixed number of texts is given the last one again.
        let count = self.fixed[0].unwrap_or(batch.len());
        let last = batch.last().ok_or("a batch has no text")?;
        let padded: Vec<&Encoding> = batch.iter().chain(std::iter::repeat(last)).take(count).copied().collect();
        let mut given = Vec::with_capacity(self.inputs.len());
        for (name, kind) in &self.inputs {
            let data = padded.iter().flat_map(|encoding| (0..width).map(|at| kind.value(encoding, at))).collect();
            given.push((name.as_str(), Given { shape: [count, width], data }));
        }
        let ModelOutput { shape, values } = self.engine.run(given, &self.output)?;
        let (rows, per_row, found) = match *shape.as_slice() {
            [rows, tokens, found] if tokens == width => (rows, tokens, found),
            [rows, found] => (rows, 1, found),
            [rows] => (rows, 1, 1),
            _ => return Err(format!("its output has the shape {shape:?}, not texts x tokens x dimension")),
        };
        if rows != count || per_row == 0 || found == 0 {
            return Err(format!("its output has the shape {shape:?} for {count} texts"));
        }
        if let Some(expected) = dimension.filter(|&expected| expected != found) {
            return Err(format!("its vectors have {found} components, not {expected}"));
        }
        values
            .chunks_exact(per_row * found)
            .zip(batch)
            .map(|(tokens, encoding)| {
                // A model that pools by itself gives one vector a text.
                let length = (shape.len() == 3).then_some(encoding.ids.len());
                self.head
                    .apply(tokens, length, found)
                    .filter(|vector| vector.iter().all(|x| x.is_finite()))
                    .ok_or_else(|| "it gave a vector with NaN or infinity".to_owned())
            })
            .collect()
    }
}

fn commit(mut builder: SessionBuilder, model: &ModelBytes) -> ort::Result<Session> {
    match model {
        ModelBytes::BuiltIn => builder.commit_from_memory(&builtin::graph().map_err(ort::Error::new)?),
        ModelBytes::File(path) | ModelBytes::Packed(path) => builder.commit_from_file(path),
    }
}

fn onnx_runtime(
    model: &ModelBytes,
    environment: &Environment,
    threads: usize,
    place: Option<PathBuf>,
) -> Result<(Session, Option<CachedModel>), String> {
    let builder = || -> ort::Result<SessionBuilder> {
        // Threads that spin between operators take the core from whatever runs beside: reading, writing, parsing.
        Ok(Session::builder(environment)?.with_intra_threads(threads)?.with_intra_op_spinning(false)?)
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
