//! rten, the engine inside the program for the graphs that huedb's own encoder does not run.
//!
//! Invariants: whatever the graph and the numbers put in, the outcome is numbers or an error; all sessions of a model
//! share one copy of its weights.

use std::any::Any;
use std::ffi::OsStr;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use rten::{Dimension, Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value, ValueOrView};
use rten_tensor::Layout;

use super::builtin;
use super::tensor::{Given, ModelBytes, ModelOutput, TensorShape, other_numbers};

/// Its version, as it stands in `Cargo.toml`.
pub(super) const VERSION: &str = "0.27.0";

/// A model open in rten.
pub(super) struct RtenModel(Arc<Model>);

/// What runs a model, on threads of its own.
pub(super) struct RtenSession {
    model: Arc<Model>,
    threads: Arc<ThreadPool>,
}

impl RtenModel {
    pub(super) fn open(model: &ModelBytes) -> Result<Self, String> {
        apart(|| {
            let mut options = ModelOptions::with_all_ops();
            // Else the weights are laid out for the kernels at every run: a text of 16 tokens takes three times as long.
            options.prepack_weights(true);
            let model = match model {
                ModelBytes::BuiltIn => options.load(builtin::graph()?),
                // By the path it finds the files of weights beside the graph, and takes no other name for one.
                ModelBytes::File(path) if path.extension() == Some(OsStr::new("onnx")) => options.load_file(path),
                ModelBytes::File(path) | ModelBytes::Packed(path) => {
                    options.load(fs::read(path).map_err(|error| error.to_string())?)
                }
            };
            model.map(|model| Self(Arc::new(model))).map_err(|error| error.to_string())
        })
    }

    pub(super) fn session(&self, threads: usize) -> RtenSession {
        RtenSession { model: Arc::clone(&self.0), threads: Arc::new(ThreadPool::with_num_threads(threads)) }
    }
}

impl RtenSession {
    pub(super) fn inputs(&self) -> Vec<(String, TensorShape)> {
        let side = |side| match side {
            Dimension::Fixed(side) => Some(side),
            Dimension::Symbolic(_) => None,
        };
        let shape = |id| self.model.node_info(id).and_then(|node| node.shape()).unwrap_or_default();
        let ids = self.model.input_ids().iter();
        ids.map(|&id| (self.name(id), shape(id).into_iter().map(side).collect())).collect()
    }

    pub(super) fn outputs(&self) -> Vec<String> {
        self.model.output_ids().iter().map(|&id| self.name(id)).collect()
    }

    fn name(&self, id: NodeId) -> String {
        self.model.node_info(id).and_then(|node| node.name()).unwrap_or_default().to_owned()
    }

    /// Runs the graph.
    pub(super) fn run(&self, given: Vec<(&str, Given)>, output: &str) -> Result<ModelOutput, String> {
        apart(|| self.run_here(given, output))
    }

    fn run_here(&self, given: Vec<(&str, Given)>, output: &str) -> Result<ModelOutput, String> {
        let node = |name| self.model.node_id(name).map_err(|error| error.to_string());
        let mut inputs: Vec<(NodeId, ValueOrView<'_>)> = Vec::with_capacity(given.len());
        for (name, Given { shape, data }) in given {
            // It has integers of this size alone.
            let data: Result<Vec<i32>, _> = data.into_iter().map(i32::try_from).collect();
            let value = Value::from_shape(shape, data.map_err(|error| error.to_string())?);
            inputs.push((node(name)?, value.map_err(|error| error.to_string())?.into()));
        }
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&self.threads)));
        let outputs = self.model.run(inputs, &[node(output)?], Some(options)).map_err(|error| error.to_string())?;
        match outputs.into_iter().next() {
            Some(Value::FloatTensor(found)) => {
                Ok(ModelOutput { shape: found.shape().to_vec(), values: found.into_data() })
            }
            Some(other) => Err(other_numbers(&other.dtype().to_string())),
            None => Err("it gave no output".to_owned()),
        }
    }
}

/// Does work on threads of rten's, and waits for it.
fn apart<T: Send>(work: impl FnOnce() -> Result<T, String> + Send) -> Result<T, String> {
    let work = || unpanicked(work);
    if rayon::current_thread_index().is_none() {
        return work();
    }
    // A worker of one pool that waits for another takes up more of its own pool's work meanwhile. Here that would be the
    // next batch, which may wait for the very session that this one has.
    thread::scope(|scope| {
        let thread = thread::Builder::new().spawn_scoped(scope, work);
        let thread = thread.map_err(|error| format!("no thread can be started: {error}"))?;
        thread.join().unwrap_or_else(|panic| Err(gave_up(&*panic)))
    })
}

/// Makes a panic an error, and an error one line.
fn unpanicked<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    // A model keeps nothing of a run that failed; one that did not open is gone.
    let done = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(gave_up(&*panic)));
    done.map_err(|why| why.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn gave_up(panic: &(dyn Any + Send)) -> String {
    let said = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    format!("rten gave up: {}", said.unwrap_or("it does not say why"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_one_that_is_built_in() {
        let cargo = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap();
        assert!(cargo.contains(&format!("rten = {{ version = \"={VERSION}\"")));
    }
}
