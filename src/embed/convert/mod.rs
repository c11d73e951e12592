//! Models of others made models of the encoder in the program: weights of 32 or 16 bits rounded to 8, once, when asked for.
//!
//! It installs nothing. Invariant: the same files make the same bytes, and what cannot be converted says why and is left as
//! it is.

mod architecture;
#[cfg(test)]
mod format_tests;
mod onnx;
mod quantise;
#[cfg(test)]
mod reference;
mod safetensors;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::Path;

use super::encoder::{DISTANCES, Head, Packed, Weights};
use architecture::{Architecture, Places};

/// A model converted.
pub(super) struct Converted {
    /// As the encoder in the program uses it.
    pub(super) packed: Vec<u8>,
    /// The components of a vector.
    pub(super) dimension: usize,
    /// What its numbers were made with besides the weights: two that differ in it give one text other embeddings.
    pub(super) made_with: String,
    /// What is worth saying of it.
    pub(super) notes: Vec<String>,
}

/// Where the numbers of an encoder are read from.
///
/// A dense layer is named by its place, as in `encoder/layer.0/output/dense`; other tensors by their names, as in
/// `encoder.layer.0.output.LayerNorm.weight`.
trait Source {
    /// Returns a tensor of these sides.
    fn floats(&self, name: &str, sides: &[usize]) -> Result<Vec<f32>, String>;

    /// Returns some rows of a table of these sides.
    fn rows(&self, name: &str, sides: [usize; 2], rows: std::ops::Range<usize>) -> Result<Vec<f32>, String>;

    /// Returns a dense layer of so many rows and columns, rounded.
    fn dense(&self, place: &str, sides: [usize; 2]) -> Result<Weights, String>;

    /// Returns what is worth saying once all is read.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Reads the `config.json` of a folder.
///
/// # Errors
/// Why it is of no model that the encoder in the program runs.
pub(super) fn recognise(dir: &Path) -> Result<(), String> {
    architecture_of(dir).map(drop)
}

fn architecture_of(dir: &Path) -> Result<Architecture, String> {
    let config = fs::read(dir.join("config.json")).map_err(|error| format!("config.json: {error}"))?;
    Architecture::of_config(&config)
}

/// Converts a model: `weights` are `model.safetensors` or an ONNX graph, and `config.json` of its folder says what they are of.
///
/// # Errors
/// Why it is none that the encoder in the program runs.
pub(super) fn convert(dir: &Path, weights: &Path) -> Result<Converted, String> {
    let architecture = architecture_of(dir)?;
    if weights.extension().is_some_and(|extension| extension == "json") {
        return Err("its weights are in several files, of which huedb converts none: save them as one".to_owned());
    }
    let said = |why: String| format!("{}: {why}", weights.file_name().unwrap_or_default().display());
    let onnx;
    let source: Box<dyn Source + '_> = if weights.extension().is_some_and(|extension| extension == "safetensors") {
        Box::new(safetensors::Safetensors::open(weights).map_err(said)?)
    } else {
        onnx = fs::read(weights).map_err(|error| said(error.to_string()))?;
        Box::new(onnx::Graph::read(&onnx).map_err(said)?)
    };
    let packed = pack(&architecture, source.as_ref()).map_err(said)?;
    let Head { heads, first_position, distances, epsilon, .. } = architecture.head;
    let made_with =
        format!("int8, {heads} heads, positions from {first_position}, {distances} biases, epsilon {epsilon:e}");
    Ok(Converted { packed, dimension: architecture.head.hidden, made_with, notes: source.notes() })
}

fn pack(architecture: &Architecture, source: &dyn Source) -> Result<Vec<u8>, String> {
    let head = architecture.head;
    let Head { hidden, feed_forward, layers, heads, .. } = head;
    let mut packed = Packed(head.to_bytes());
    for (name, rows) in ["word", "position", "token_type"].into_iter().zip(head.rows) {
        if rows > 0 {
            let of_file = if name == "token_type" { architecture.segments } else { rows };
            pack_table(source, &format!("embeddings.{name}_embeddings.weight"), [of_file, hidden], rows, &mut packed)?;
        }
    }
    pack_norm(source, "embeddings/LayerNorm", hidden, &mut packed)?;
    if head.distances > 0 {
        let table = source.floats("encoder.relative_attention_bias.weight", &[DISTANCES, heads])?;
        // The softmax is of powers of 2.
        let of_head = |head| table.iter().skip(head).step_by(heads).map(|bias| bias * std::f32::consts::LOG2_E);
        packed.floats((0..heads).flat_map(of_head));
    }
    #[expect(clippy::cast_precision_loss, reason = "a head has some tens of components")]
    let scale = std::f32::consts::LOG2_E / ((hidden / heads) as f32).sqrt();
    for layer in 0..layers {
        let places = Places::of(architecture.family, layer);
        let [query, key, value] = &places.query_key_value;
        let square = [hidden, hidden];
        let mut all = source.dense(query, square)?.scaled(scale);
        all.append(source.dense(key, square)?);
        all.append(source.dense(value, square)?);
        packed.dense(&all)?;
        packed.dense(&source.dense(&places.output, square)?)?;
        pack_norm(source, &places.attention_norm, hidden, &mut packed)?;
        packed.dense(&source.dense(&places.up, [hidden, feed_forward])?)?;
        packed.dense(&source.dense(&places.down, [feed_forward, hidden])?)?;
        pack_norm(source, &places.norm, hidden, &mut packed)?;
    }
    Ok(packed.0)
}

/// Packs the first rows of a table, some at a time: those of many languages are large.
fn pack_table(
    source: &dyn Source,
    name: &str,
    sides: [usize; 2],
    rows: usize,
    packed: &mut Packed,
) -> Result<(), String> {
    const AT_ONCE: usize = 1024;
    let mut scales = Vec::with_capacity(2 * rows);
    packed.align();
    for start in (0..rows).step_by(AT_ONCE) {
        let some = source.rows(name, sides, start..(start + AT_ONCE).min(rows))?;
        for row in some.chunks_exact(sides[1]) {
            scales.extend(quantise::row(row, &mut packed.0));
        }
    }
    packed.floats(finite(name, scales)?);
    Ok(())
}

fn pack_norm(source: &dyn Source, place: &str, hidden: usize, packed: &mut Packed) -> Result<(), String> {
    let name = place.replace('/', ".");
    for part in ["weight", "bias"] {
        packed.floats(source.floats(&format!("{name}.{part}"), &[hidden])?);
    }
    Ok(())
}

/// Refuses numbers with which no text would have an embedding.
fn finite(name: &str, numbers: Vec<f32>) -> Result<Vec<f32>, String> {
    if numbers.iter().all(|x| x.is_finite()) { Ok(numbers) } else { Err(format!("{name} has NaN or infinity")) }
}
