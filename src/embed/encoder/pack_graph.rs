//! From the ONNX graph of an int8 BERT encoder to the form its weights are used in.
//!
//! Those of the tables are as they are in the graph. The build script compiles this file too, for the built-in model, so it uses
//! nothing of the library. Invariant: the same graph makes the same bytes.

use super::initializers::{self, Initializer, Initializers};
use super::layout::{Head, MAX_LAYERS};
use super::pack::{Packed, Weights};

/// The kernels for AVX2 add two products in 16 bits: 2 x 255 x 64 is what fits.
const LARGEST_WEIGHT: i8 = 64;

/// The tables, as they are called in the graph.
const TABLES: [&str; 3] = ["word", "position", "token_type"];
/// What the models whose graphs are packed all have.
const EPSILON: f32 = 1e-12;

const FLOAT: u64 = 1;
const U8: u64 = 2;
const I8: u64 = 3;

/// Packs a graph whose attention has so many heads.
///
/// # Errors
/// What the graph lacks of an encoder that can be packed.
pub(crate) fn pack(onnx: &[u8], heads: usize) -> Result<Vec<u8>, String> {
    let graph = Graph(initializers::read(onnx).ok_or("it is no whole ONNX graph")?);
    let tables: Vec<&Initializer<'_>> = TABLES
        .iter()
        .map(|name| graph.tensor(&format!("embeddings.{name}_embeddings.weight_quantized"), U8))
        .collect::<Result<_, _>>()?;
    let &[words, positions, segments] = tables.as_slice() else { return Err("it has other tables".to_owned()) };
    let [[words_rows, hidden], [positions_rows, _], [segments_rows, _]] =
        [sides(words)?, sides(positions)?, sides(segments)?];
    let layers = (0..MAX_LAYERS).take_while(|layer| graph.has_layer(*layer)).count();
    let feed_forward = graph.tensor("encoder.layer.0.intermediate.dense.bias", FLOAT)?.bytes.len() / 4;
    if heads == 0 || hidden % heads != 0 {
        return Err(format!("{hidden} components do not make {heads} heads"));
    }
    let head = Head {
        hidden,
        feed_forward,
        layers,
        heads,
        rows: [words_rows, positions_rows, segments_rows],
        scale_by_row: false,
        first_position: 0,
        distances: 0,
        epsilon: EPSILON,
        wide: false,
    };
    let mut packed = Packed(head.to_bytes());
    for (table, name) in tables.iter().zip(TABLES) {
        if sides(table)? != [table.bytes.len() / hidden.max(1), hidden] {
            return Err(format!("its table {name} has sides that do not fit"));
        }
        packed.align();
        packed.0.extend_from_slice(table.bytes);
        packed.floats(graph.table_scale(name)?);
    }
    for part in ["weight", "bias"] {
        packed.floats(graph.floats(&format!("embeddings.LayerNorm.{part}"))?);
    }
    for layer in 0..layers {
        pack_layer(&graph, layer, hidden / heads, &mut packed)?;
    }
    Ok(packed.0)
}

fn pack_layer(graph: &Graph<'_>, layer: usize, head: usize, packed: &mut Packed) -> Result<(), String> {
    // The softmax is of powers of 2, and its scale is in the questions.
    #[expect(clippy::cast_precision_loss, reason = "a head has some tens of components")]
    let scale = std::f32::consts::LOG2_E / (head as f32).sqrt();
    let mut all = graph.dense(layer, "attention/self/query")?.scaled(scale);
    for name in ["key", "value"] {
        all.append(graph.dense(layer, &format!("attention/self/{name}"))?);
    }
    packed.dense(&all)?;
    packed.dense(&graph.dense(layer, "attention/output/dense")?)?;
    pack_norm(graph, layer, "attention.output", packed)?;
    packed.dense(&graph.dense(layer, "intermediate/dense")?)?;
    packed.dense(&graph.dense(layer, "output/dense")?)?;
    pack_norm(graph, layer, "output", packed)
}

fn pack_norm(graph: &Graph<'_>, layer: usize, place: &str, packed: &mut Packed) -> Result<(), String> {
    for part in ["weight", "bias"] {
        packed.floats(graph.floats(&format!("encoder.layer.{layer}.{place}.LayerNorm.{part}"))?);
    }
    Ok(())
}

/// A graph and its constants.
struct Graph<'b>(Initializers<'b>);

impl<'b> Graph<'b> {
    fn tensor(&self, name: &str, kind: u64) -> Result<&Initializer<'b>, String> {
        let tensor = self.0.tensors.get(name).ok_or_else(|| format!("it has no {name}"))?;
        if tensor.kind == kind { Ok(tensor) } else { Err(format!("{name} is of the kind {}, not {kind}", tensor.kind)) }
    }

    fn has_layer(&self, layer: usize) -> bool {
        self.0.products.contains_key(&format!("/encoder/layer.{layer}/output/dense"))
    }

    fn floats(&self, name: &str) -> Result<Vec<f32>, String> {
        let (floats, _) = self.tensor(name, FLOAT)?.bytes.as_chunks::<4>();
        Ok(floats.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect())
    }

    /// Returns the scale and the zero point of a table.
    fn table_scale(&self, table: &str) -> Result<[f32; 2], String> {
        let name = format!("embeddings.{table}_embeddings.weight");
        let zeros = self.zero_points(&name, U8)?;
        match (self.floats(&format!("{name}_scale"))?.as_slice(), zeros.as_slice()) {
            (&[scale], &[zero]) => Ok([scale, f32::from(zero)]),
            _ => Err(format!("its table {table} has more than one scale")),
        }
    }

    /// Returns zero points, which are bytes or numbers.
    fn zero_points(&self, name: &str, kind: u64) -> Result<Vec<u8>, String> {
        let tensor = self.tensor(&format!("{name}_zero_point"), kind)?;
        let numbers = tensor.numbers.iter().map(|number| u8::try_from(*number).unwrap_or(u8::MAX));
        Ok(tensor.bytes.iter().copied().chain(numbers).collect())
    }

    fn dense(&self, layer: usize, place: &str) -> Result<Weights, String> {
        let product = format!("/encoder/layer.{layer}/{place}");
        let name = self.0.products.get(&product).ok_or_else(|| format!("it has no integer product {product}"))?;
        let tensor = self.tensor(name, I8)?;
        let [rows, columns] = sides(tensor)?;
        let name = name.trim_end_matches("_quantized");
        let weights: Vec<i8> = tensor.bytes.iter().map(|byte| byte.cast_signed()).collect();
        if self.zero_points(name, I8)?.iter().any(|zero| *zero != 0) {
            return Err(format!("the weights of {product} have a zero point other than 0"));
        }
        if weights.iter().any(|weight| weight.unsigned_abs() > LARGEST_WEIGHT.unsigned_abs()) {
            return Err(format!("the weights of {product} are of more than seven bits"));
        }
        let mut scales = self.floats(&format!("{name}_scale"))?;
        if let [one] = *scales.as_slice() {
            scales = vec![one; columns];
        }
        let biases = self.floats(&format!("encoder.layer.{layer}.{}.bias", place.replace('/', ".")))?;
        let fits = weights.len() == rows * columns && scales.len() == columns && biases.len() == columns;
        let by_columns = |column| weights.iter().skip(column).step_by(columns.max(1)).copied().collect();
        let columns = (0..columns).map(by_columns).collect();
        if fits { Ok(Weights { columns, scales, biases }) } else { Err(format!("{product} has sides that do not fit")) }
    }
}

fn sides(tensor: &Initializer<'_>) -> Result<[usize; 2], String> {
    match tensor.sides.as_slice() {
        &[rows, columns] => Ok([rows, columns]),
        _ => Err("a table of it has other than two sides".to_owned()),
    }
}
