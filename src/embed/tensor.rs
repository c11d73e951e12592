//! What is put into a model's graph and what comes out, whichever engine runs it.
//!
//! Knows no engine.

use std::path::PathBuf;

/// Where a model's graph is read from.
#[derive(Debug, Clone)]
pub(super) enum ModelBytes {
    /// The program itself: [`super::builtin`].
    BuiltIn,
    /// A file, with its weights or beside them.
    File(PathBuf),
    /// A file in the form that the encoder in the program uses where it lies.
    Packed(PathBuf),
}

/// The sides of a tensor; `None` for one that a graph leaves open.
pub(super) type TensorShape = Vec<Option<usize>>;

/// What is put into one input: texts x tokens.
pub(super) struct Given {
    pub(super) shape: [usize; 2],
    pub(super) data: Vec<i64>,
}

/// What a graph gives.
pub(super) struct ModelOutput {
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f32>,
}

/// Says that a graph gives numbers of another kind.
pub(super) fn other_numbers(kind: &str) -> String {
    format!(
        "its output is of {}, where huedb reads 32-bit floats: take another export of its graph",
        kind.to_lowercase()
    )
}
