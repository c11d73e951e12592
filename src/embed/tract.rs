//! tract, the engine inside the program, called directly: it panics at what a graph has no row for, and through the
//! functions of ONNX Runtime a panic would end the process.
//!
//! Invariant: whatever the graph and the numbers put in, the outcome is numbers or an error.

use std::fs;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use tract_onnx::model::ParseResult;
use tract_onnx::prelude::{
    DatumType, Framework, Graph, InferenceModelExt, Tensor, TractError, TractResult, TypedFact, TypedOp, tvec,
};
use tract_onnx::tract_core::model::IntoRunnable;
use tract_onnx::tract_core::plan::SimplePlan;

use super::builtin;
use super::tensor::{Given, ModelBytes, ModelOutput, TensorShape, other_numbers};

/// Its version, as it stands in `Cargo.toml`.
pub(super) const VERSION: &str = "0.23.9";

type TractPlan = Arc<SimplePlan<TypedFact, Box<dyn TypedOp>>>;

/// A model open in tract.
pub(super) struct TractSession {
    plan: TractPlan,
    inputs: Vec<(String, TensorShape)>,
    outputs: Vec<String>,
}

impl TractSession {
    pub(super) fn open(model: &ModelBytes) -> Result<Self, String> {
        unpanicked(|| match model {
            ModelBytes::BuiltIn => Self::read(&builtin::graph().map_err(TractError::msg)?, None),
            ModelBytes::File(path) => Self::read(&fs::read(path)?, path.parent()),
        })
    }

    fn read(mut bytes: &[u8], folder: Option<&Path>) -> TractResult<Self> {
        let onnx = tract_onnx::onnx();
        let proto = onnx.proto_model_for_read(&mut bytes as &mut dyn Read)?;
        let outputs = proto.graph.as_ref().map(|graph| graph.output.iter().map(|output| output.name.clone()).collect());
        let ParseResult { model, unresolved_inputs, .. } = onnx.parse(&proto, folder.and_then(Path::to_str))?;
        if !unresolved_inputs.is_empty() {
            return Err(TractError::msg("it has inputs that nothing is put into"));
        }
        let graph: Graph<TypedFact, Box<dyn TypedOp>> = model.into_optimized()?;
        let mut inputs = Vec::new();
        for outlet in graph.input_outlets()? {
            let sides = graph.outlet_fact(*outlet)?.shape.iter();
            let sides = sides.map(|side| side.to_i64().ok().and_then(|side| usize::try_from(side).ok())).collect();
            inputs.push((graph.node(outlet.node).name.clone(), sides));
        }
        Ok(Self { plan: graph.into_runnable()?, inputs, outputs: outputs.unwrap_or_default() })
    }

    pub(super) fn inputs(&self) -> &[(String, TensorShape)] {
        &self.inputs
    }

    pub(super) fn outputs(&self) -> &[String] {
        &self.outputs
    }

    /// Runs the graph on inputs in the order of [`Self::inputs`].
    pub(super) fn run(&self, given: Vec<Given>, output: &str) -> Result<ModelOutput, String> {
        unpanicked(|| {
            let mut inputs = tvec!();
            for Given { shape, data } in given {
                inputs.push(Tensor::from_shape(&shape, &data)?.into());
            }
            let outputs = self.plan.run(inputs)?;
            let place = self.outputs.iter().position(|name| name == output).unwrap_or(0);
            let found = outputs.get(place).ok_or_else(|| TractError::msg("it gave no output"))?;
            if found.datum_type() != DatumType::F32 {
                return Err(TractError::msg(other_numbers(&format!("{:?}", found.datum_type()))));
            }
            Ok(ModelOutput {
                shape: found.shape().to_vec(),
                values: found.try_as_plain_ram()?.as_slice::<f32>()?.to_vec(),
            })
        })
    }
}

/// Makes a panic an error, and an error one line.
fn unpanicked<T>(work: impl FnOnce() -> TractResult<T>) -> Result<T, String> {
    // A plan keeps nothing of a run that failed; a model that did not open is gone.
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(|e| one_line(&format!("{e:#}"))),
        Err(panic) => {
            let said =
                panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
            Err(format!("tract gave up: {}", one_line(said.unwrap_or("it does not say why"))))
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_one_that_is_built_in() {
        let cargo = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap();
        assert!(cargo.contains(&format!("tract-onnx = \"={VERSION}\"")));
    }
}
