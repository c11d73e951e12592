//! From the ONNX graph of an int8 BERT encoder to the form its weights are used in.
//!
//! A head of eight-byte numbers, then arrays one after another, each at a multiple of 64 bytes. The weights of a layer stand
//! as `[columns / 64][rows / 4][64][4]`, which every kernel reads from end to end. The tables of the embeddings stay where
//! they are in the graph: the head says where. Invariant: the same graph makes the same bytes. The build script compiles
//! this file too, so it uses nothing of the library.

use super::initializers::{self, Initializer, Initializers};
use super::layout::{ALIGN, COLUMNS, MAGIC, STEP};

/// The kernels for AVX2 add two products in 16 bits: 2 x 255 x 64 is what fits.
const LARGEST_WEIGHT: i8 = 64;

/// More than any model of the kind has.
const MAX_LAYERS: usize = 256;

const FLOAT: u64 = 1;
const U8: u64 = 2;
const I8: u64 = 3;

/// Packs a graph whose attention has so many heads.
///
/// # Errors
/// What the graph lacks of an encoder that can be packed.
pub(crate) fn pack(onnx: &[u8], heads: usize) -> Result<Vec<u8>, String> {
    let graph = Graph { onnx, found: initializers::read(onnx).ok_or("it is no whole ONNX graph")? };
    let tables: Vec<&Initializer<'_>> = ["word", "position", "token_type"]
        .iter()
        .map(|name| graph.tensor(&format!("embeddings.{name}_embeddings.weight_quantized"), U8))
        .collect::<Result<_, _>>()?;
    let [[words, hidden], [positions, _]] = [sides(tables.first())?, sides(tables.get(1))?];
    let layers = (0..MAX_LAYERS).take_while(|layer| graph.has_layer(*layer)).count();
    let feed_forward = graph.tensor("encoder.layer.0.intermediate.dense.bias", FLOAT)?.bytes.len() / 4;
    if heads == 0 || hidden % heads != 0 {
        return Err(format!("{hidden} components do not make {heads} heads"));
    }
    let mut packed = Packed(MAGIC.to_vec());
    for number in [hidden, feed_forward, layers, heads, words, positions] {
        packed.number(number);
    }
    for table in &tables {
        packed.number(graph.place_of(table)?);
    }
    packed.floats(graph.table_scales()?);
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
struct Graph<'b> {
    onnx: &'b [u8],
    found: Initializers<'b>,
}

impl<'b> Graph<'b> {
    fn tensor(&self, name: &str, kind: u64) -> Result<&Initializer<'b>, String> {
        let tensor = self.found.tensors.get(name).ok_or_else(|| format!("it has no {name}"))?;
        if tensor.kind == kind { Ok(tensor) } else { Err(format!("{name} is of the kind {}, not {kind}", tensor.kind)) }
    }

    fn has_layer(&self, layer: usize) -> bool {
        self.found.products.contains_key(&format!("/encoder/layer.{layer}/output/dense"))
    }

    fn floats(&self, name: &str) -> Result<Vec<f32>, String> {
        let (floats, _) = self.tensor(name, FLOAT)?.bytes.as_chunks::<4>();
        Ok(floats.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect())
    }

    /// Returns where a tensor begins in the file.
    fn place_of(&self, tensor: &Initializer<'_>) -> Result<usize, String> {
        let place = (tensor.bytes.as_ptr() as usize).checked_sub(self.onnx.as_ptr() as usize);
        place.ok_or_else(|| "its constants are not in it".to_owned())
    }

    /// Returns the scales of the three tables, then their zero points.
    fn table_scales(&self) -> Result<Vec<f32>, String> {
        let (mut scales, mut zeros) = (Vec::new(), Vec::new());
        for name in ["word", "position", "token_type"] {
            let name = format!("embeddings.{name}_embeddings.weight");
            scales.extend(self.floats(&format!("{name}_scale"))?);
            zeros.extend(self.zero_points(&name, U8)?.into_iter().map(f32::from));
        }
        scales.extend(zeros);
        if scales.len() == 6 { Ok(scales) } else { Err("its tables have more than one scale".to_owned()) }
    }

    /// Returns zero points, which are bytes or numbers.
    fn zero_points(&self, name: &str, kind: u64) -> Result<Vec<u8>, String> {
        let tensor = self.tensor(&format!("{name}_zero_point"), kind)?;
        let numbers = tensor.numbers.iter().map(|number| u8::try_from(*number).unwrap_or(u8::MAX));
        Ok(tensor.bytes.iter().copied().chain(numbers).collect())
    }

    fn dense(&self, layer: usize, place: &str) -> Result<Weights, String> {
        let product = format!("/encoder/layer.{layer}/{place}");
        let name = self.found.products.get(&product).ok_or_else(|| format!("it has no integer product {product}"))?;
        let tensor = self.tensor(name, I8)?;
        let [rows, columns] = sides(Some(&tensor))?;
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

fn sides(tensor: Option<&&Initializer<'_>>) -> Result<[usize; 2], String> {
    let [rows, columns] = tensor.map_or(&[][..], |tensor| &tensor.sides) else {
        return Err("a table of it has other than two sides".to_owned());
    };
    Ok([*rows, *columns])
}

/// A dense layer.
struct Weights {
    columns: Vec<Vec<i8>>,
    scales: Vec<f32>,
    biases: Vec<f32>,
}

impl Weights {
    fn scaled(mut self, scale: f32) -> Self {
        for x in self.scales.iter_mut().chain(&mut self.biases) {
            *x *= scale;
        }
        self
    }

    fn append(&mut self, mut other: Self) {
        self.columns.append(&mut other.columns);
        self.scales.append(&mut other.scales);
        self.biases.append(&mut other.biases);
    }
}

/// The bytes made so far.
struct Packed(Vec<u8>);

impl Packed {
    fn number(&mut self, number: usize) {
        self.0.extend((number as u64).to_le_bytes());
    }

    fn align(&mut self) {
        self.0.resize(self.0.len().next_multiple_of(ALIGN), 0);
    }

    fn floats(&mut self, floats: impl IntoIterator<Item = f32>) {
        self.align();
        self.0.extend(floats.into_iter().flat_map(f32::to_le_bytes));
    }

    fn dense(&mut self, layer: &Weights) -> Result<(), String> {
        self.align();
        let (panels, rest) = layer.columns.as_chunks::<COLUMNS>();
        let rows = layer.columns.first().map_or(0, Vec::len);
        if !rest.is_empty() || !rows.is_multiple_of(STEP) {
            return Err(format!("a layer of {rows} x {} does not fit the panels", layer.columns.len()));
        }
        for panel in panels {
            let mut steps: Vec<_> = panel.iter().map(|column| column.as_chunks::<STEP>().0.iter()).collect();
            for _ in 0..rows / STEP {
                for column in &mut steps {
                    self.0.extend(column.next().into_iter().flatten().map(|weight| weight.cast_unsigned()));
                }
            }
        }
        self.floats(layer.scales.iter().copied());
        // Sums of 1,536 weights of seven bits: exact as floats.
        #[expect(clippy::cast_precision_loss, reason = "far below 2^24")]
        let sum = |column: &Vec<i8>| column.iter().map(|weight| i32::from(*weight)).sum::<i32>() as f32;
        self.floats(layer.columns.iter().map(sum));
        self.floats(layer.biases.iter().copied());
        Ok(())
    }
}
