//! `model.safetensors`: a length of eight bytes, a header in JSON, and tensors one after another.
//!
//! Tensors are read when they are asked for. Invariant: whatever the file says, what is read lies inside of it and is as
//! long as the tensor's sides say; a damaged header is an error.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::super::encoder::Weights;
use super::{Source, finite, quantise};

/// The longest header: as the format's own library has it.
const LONGEST_HEADER: u64 = 100_000_000;

/// The tensor that tells what stands before all names.
const LANDMARK: &str = "embeddings.word_embeddings.weight";

/// A file of tensors.
pub(super) struct Safetensors {
    file: File,
    tensors: BTreeMap<String, Tensor>,
    /// What stands before every name of the encoder: `bert.`, or nothing.
    prefix: String,
    /// Where the tensors begin.
    start: u64,
}

#[derive(Deserialize)]
struct Tensor {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: [u64; 2],
}

/// How a number is kept.
#[derive(Clone, Copy)]
enum Kind {
    F32,
    F16,
    Bf16,
}

impl Safetensors {
    /// Reads the header of a file.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let mut file = File::open(path).map_err(|error| error.to_string())?;
        let bytes = file.metadata().map_err(|error| error.to_string())?.len();
        let cut_off = |_| "it is cut off".to_owned();
        let mut length = [0; 8];
        file.read_exact(&mut length).map_err(cut_off)?;
        let length = u64::from_le_bytes(length);
        let start = length.checked_add(8).filter(|start| *start <= bytes && length <= LONGEST_HEADER);
        let start = start.ok_or("it is no safetensors file, or cut off")?;
        let mut header = vec![0; usize::try_from(length).map_err(|error| error.to_string())?];
        file.read_exact(&mut header).map_err(cut_off)?;
        let header: BTreeMap<String, Value> =
            serde_json::from_slice(&header).map_err(|error| format!("its header: {error}"))?;
        let mut tensors = BTreeMap::new();
        for (name, value) in header.into_iter().filter(|(name, _)| name != "__metadata__") {
            let tensor = Tensor::deserialize(value).map_err(|error| format!("its header: {name}: {error}"))?;
            let [first, end] = tensor.data_offsets;
            if first > end || end > bytes - start {
                return Err(format!("{name} does not lie inside of it: it is cut off or damaged"));
            }
            tensors.insert(name, tensor);
        }
        let prefixes: Vec<&str> = tensors.keys().filter_map(|name| name.strip_suffix(LANDMARK)).collect();
        let prefix = match prefixes.as_slice() {
            [prefix] => (*prefix).to_owned(),
            [] => return Err(format!("it has no {LANDMARK}")),
            _ => return Err(format!("it has more than one {LANDMARK}")),
        };
        Ok(Self { file, tensors, prefix, start })
    }

    /// Returns the numbers of a tensor from one place to another.
    fn read(&self, name: &str, sides: &[usize], places: Range<usize>) -> Result<Vec<f32>, String> {
        let tensor = self.tensors.get(&format!("{}{name}", self.prefix)).ok_or_else(|| format!("it has no {name}"))?;
        if !tensor.shape.iter().copied().eq(sides.iter().map(|side| *side as u64)) {
            return Err(format!("{name} has the sides {:?}, not {sides:?}", tensor.shape));
        }
        let kind = match tensor.dtype.as_str() {
            "F32" => Kind::F32,
            "F16" => Kind::F16,
            "BF16" => Kind::Bf16,
            other => return Err(format!("{name} is of {other}, not of F32, F16 or BF16")),
        };
        let width = if matches!(kind, Kind::F32) { 4 } else { 2 };
        let count = tensor.shape.iter().try_fold(width, |count: u64, side| count.checked_mul(*side));
        let [first, end] = tensor.data_offsets;
        if count != Some(end - first) {
            return Err(format!("{name} has {} bytes, which its sides {sides:?} do not fill", end - first));
        }
        if (places.end as u64).saturating_mul(width) > end - first {
            return Err(format!("{name} has fewer rows than are asked for"));
        }
        let mut bytes = vec![0; places.len().saturating_mul(if matches!(kind, Kind::F32) { 4 } else { 2 })];
        let at = (places.start as u64).saturating_mul(width).saturating_add(self.start + first);
        let mut file = &self.file;
        let read = file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut bytes));
        read.map_err(|error| format!("{name}: {error}"))?;
        finite(name, numbers(&bytes, kind))
    }
}

fn numbers(bytes: &[u8], kind: Kind) -> Vec<f32> {
    let halves = || bytes.as_chunks::<2>().0.iter().map(|bytes| u16::from_le_bytes(*bytes));
    match kind {
        Kind::F32 => bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
        Kind::F16 => halves().map(of_half).collect(),
        Kind::Bf16 => halves().map(|half| f32::from_bits(u32::from(half) << 16)).collect(),
    }
}

/// Widens a number of 16 bits: a sign, five bits of exponent, ten of fraction.
fn of_half(half: u16) -> f32 {
    let (sign, exponent, fraction) = (u32::from(half >> 15) << 31, u32::from(half >> 10 & 31), u32::from(half & 1023));
    match exponent {
        // Below the smallest with a whole first digit: fractions of 2 to the power of -24.
        #[expect(clippy::cast_precision_loss, reason = "ten bits")]
        0 => f32::from_bits((fraction as f32 / 16_777_216.0).to_bits() | sign),
        31 => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
    }
}

impl Source for Safetensors {
    fn floats(&self, name: &str, sides: &[usize]) -> Result<Vec<f32>, String> {
        // The oldest files have the names of the first implementation.
        let old = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta");
        let is_old = self.tensors.contains_key(&format!("{}{old}", self.prefix));
        let count = sides.iter().try_fold(1, |count: usize, side| count.checked_mul(*side)).unwrap_or(usize::MAX);
        self.read(if is_old { &old } else { name }, sides, 0..count)
    }

    fn rows(&self, name: &str, sides: [usize; 2], rows: Range<usize>) -> Result<Vec<f32>, String> {
        let [_, columns] = sides;
        self.read(name, &sides, rows.start * columns..rows.end * columns)
    }

    fn dense(&self, place: &str, [rows, columns]: [usize; 2]) -> Result<Weights, String> {
        let name = place.replace('/', ".");
        // Here a layer's columns are rows.
        let weights = self.floats(&format!("{name}.weight"), &[columns, rows])?;
        let biases = self.floats(&format!("{name}.bias"), &[columns])?;
        Ok(quantise::dense(weights.chunks_exact(rows), biases))
    }
}
