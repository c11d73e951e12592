//! The numbers of an encoder in an ONNX graph: of 32 bits, or rounded to 8 by ONNX Runtime's own tools.
//!
//! Layers are found by the names of their nodes, which exports keep; a graph that was fused has none of them. Invariant:
//! weights of 8 bits are taken as they are; but for those that lie more to one side, which are rounded anew, and that is said.

use std::cell::Cell;
use std::ops::Range;

use super::super::encoder::{Initializer, Initializers, Weights, read_initializers};
use super::{Source, finite, quantise};

const FLOAT: u64 = 1;
const U8: u64 = 2;
const I8: u64 = 3;

/// The tensor that tells what stands before all names.
const LANDMARK: &str = "embeddings.word_embeddings.weight";
/// What ONNX Runtime's tools put behind the name of a tensor that they round.
const ROUNDED: &str = "_quantized";

/// A graph's constants.
pub(super) struct Graph<'b> {
    found: Initializers<'b>,
    /// What stands before every name of the encoder: `bert.`, or nothing.
    prefix: String,
    /// Whether weights of 8 bits were rounded anew.
    rounded_again: Cell<bool>,
}

/// What a byte of a rounded tensor stands for.
struct Steps {
    scales: Vec<f32>,
    zeros: Vec<f32>,
}

impl<'b> Graph<'b> {
    /// Reads a graph.
    pub(super) fn read(onnx: &'b [u8]) -> Result<Self, String> {
        let found = read_initializers(onnx).ok_or("it is no whole ONNX graph")?;
        let prefix = |name: &String| Some(name.trim_end_matches(ROUNDED).strip_suffix(LANDMARK)?.to_owned());
        let prefix = found.tensors.keys().find_map(prefix).ok_or_else(|| format!("it has no {LANDMARK}"))?;
        Ok(Self { found, prefix, rounded_again: Cell::new(false) })
    }

    fn tensor(&self, name: &str, kinds: &[u64]) -> Result<&Initializer<'b>, String> {
        let tensor = self.found.tensors.get(name).ok_or_else(|| format!("it has no {name}"))?;
        let width = if tensor.kind == FLOAT { 4 } else { 1 };
        let count = tensor.sides.iter().try_fold(width, |count: usize, side| count.checked_mul(*side));
        if !kinds.contains(&tensor.kind) {
            return Err(format!("{name} is of the kind {}, not of {kinds:?}", tensor.kind));
        }
        // A single number may stand elsewhere.
        if count != Some(tensor.bytes.len()) && tensor.numbers.is_empty() {
            return Err(format!("{name} has {} bytes in the graph, which its sides do not fill", tensor.bytes.len()));
        }
        Ok(tensor)
    }

    fn sized(&self, name: &str, kinds: &[u64], sides: &[usize]) -> Result<&Initializer<'b>, String> {
        let tensor = self.tensor(name, kinds)?;
        if tensor.sides == sides {
            Ok(tensor)
        } else {
            Err(format!("{name} has the sides {:?}, not {sides:?}", tensor.sides))
        }
    }

    fn all_floats(&self, name: &str) -> Result<Vec<f32>, String> {
        let bytes = self.tensor(name, &[FLOAT])?.bytes.as_chunks::<4>().0;
        finite(name, bytes.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }

    /// Returns the scales and the zero points of a rounded tensor, by its name before it was rounded.
    fn steps(&self, name: &str) -> Result<Steps, String> {
        let zeros = self.tensor(&format!("{name}_zero_point"), &[U8, I8])?;
        let signed = zeros.kind == I8;
        let bytes = zeros.numbers.iter().map(|number| number.to_le_bytes()[0]).chain(zeros.bytes.iter().copied());
        Ok(Steps {
            scales: self.all_floats(&format!("{name}_scale"))?,
            zeros: bytes.map(|byte| number(byte, signed)).collect(),
        })
    }
}

impl Steps {
    fn of(&self, place: usize) -> [f32; 2] {
        let of = |all: &[f32]| all.get(place).or(all.first()).copied().unwrap_or(f32::NAN);
        [of(&self.scales), of(&self.zeros)]
    }
}

fn number(byte: u8, signed: bool) -> f32 {
    if signed { f32::from(byte.cast_signed()) } else { f32::from(byte) }
}

impl Source for Graph<'_> {
    fn floats(&self, name: &str, sides: &[usize]) -> Result<Vec<f32>, String> {
        let name = format!("{}{name}", self.prefix);
        self.sized(&name, &[FLOAT], sides)?;
        self.all_floats(&name)
    }

    fn rows(&self, name: &str, sides: [usize; 2], rows: Range<usize>) -> Result<Vec<f32>, String> {
        let [_, columns] = sides;
        let name = format!("{}{name}", self.prefix);
        let rounded = format!("{name}{ROUNDED}");
        let cut = |bytes: &'_ [u8], width: usize| -> Option<Vec<u8>> {
            Some(bytes.get(rows.start * columns * width..rows.end * columns * width)?.to_vec())
        };
        let outside = || format!("{name} has fewer rows than are asked for");
        if !self.found.tensors.contains_key(&rounded) {
            let bytes = cut(self.sized(&name, &[FLOAT], &sides)?.bytes, 4).ok_or_else(outside)?;
            return finite(&name, bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect());
        }
        let tensor = self.sized(&rounded, &[U8, I8], &sides)?;
        let [scale, zero] = self.steps(&name)?.of(0);
        let bytes = cut(tensor.bytes, 1).ok_or_else(outside)?;
        finite(&name, bytes.iter().map(|byte| (number(*byte, tensor.kind == I8) - zero) * scale).collect())
    }

    fn dense(&self, place: &str, [rows, columns]: [usize; 2]) -> Result<Weights, String> {
        let here = |key: &str| key.strip_suffix(place).is_some_and(|before| before.ends_with('/'));
        let found = self.found.products.iter().find(|(key, _)| here(key));
        let (_, name) = found.ok_or_else(|| format!("it has no product at {place}"))?;
        let biases = self.floats(&format!("{}.bias", place.replace('/', ".")), &[columns])?;
        let tensor = self.sized(name, &[FLOAT, U8, I8], &[rows, columns])?;
        let weights: Vec<f32> = match tensor.kind {
            FLOAT => self.all_floats(name)?,
            kind => tensor.bytes.iter().map(|byte| number(*byte, kind == I8)).collect(),
        };
        let mut by_columns: Vec<Vec<f32>> =
            (0..columns).map(|column| weights.iter().skip(column).step_by(columns).copied().collect()).collect();
        if tensor.kind != FLOAT {
            let steps = self.steps(name.trim_end_matches(ROUNDED))?;
            for (place, column) in by_columns.iter_mut().enumerate() {
                let [_, zero] = steps.of(place);
                for x in column {
                    *x -= zero;
                }
            }
            if by_columns.iter().flatten().all(|weight| weight.abs() <= quantise::LARGEST_WEIGHT) {
                let exact = by_columns.iter().map(|column| column.iter().map(|x| quantise::whole(*x)).collect());
                let scales = finite(name, (0..columns).map(|column| steps.of(column)[0]).collect())?;
                return Ok(Weights { columns: exact.collect(), scales, biases });
            }
            self.rounded_again.set(true);
            for (place, column) in by_columns.iter_mut().enumerate() {
                let [scale, _] = steps.of(place);
                *column = finite(name, column.iter().map(|x| x * scale).collect())?;
            }
        }
        Ok(quantise::dense(by_columns.iter().map(Vec::as_slice), biases))
    }

    fn notes(&self) -> Vec<String> {
        let note = "its weights of 8 bits lie more to one side of zero, and were rounded anew to lie about it";
        self.rounded_again.get().then(|| note.to_owned()).into_iter().collect()
    }
}
