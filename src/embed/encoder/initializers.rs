//! The constants of an ONNX graph, and which constant each product multiplies by.
//!
//! ONNX is protobuf; only what an encoder is packed from is read, where it lies. Invariant: reading any bytes ends, without
//! a panic. The build script compiles this file too, so it uses nothing of the library.

use std::collections::BTreeMap;

use super::protobuf::{Field, fields, number};

/// A constant: its sides and its bytes, little-endian.
pub(crate) struct Initializer<'b> {
    pub(crate) sides: Vec<usize>,
    pub(crate) kind: u64,
    pub(crate) bytes: &'b [u8],
    /// The numbers of one that has no bytes, as they are kept where there are few.
    pub(crate) numbers: Vec<u64>,
}

/// The constants of a graph by their names, and the weights of its products by the place of the product.
#[derive(Default)]
pub(crate) struct Initializers<'b> {
    pub(crate) tensors: BTreeMap<String, Initializer<'b>>,
    /// `/encoder/layer.0/attention/self/query` to the name of what is multiplied by there.
    pub(crate) products: BTreeMap<String, String>,
}

/// Reads a graph's constants; `None` where it is no whole graph.
pub(crate) fn read(onnx: &[u8]) -> Option<Initializers<'_>> {
    const GRAPH: u64 = 7;
    const NODE: u64 = 1;
    const INITIALIZER: u64 = 5;
    let mut found = Initializers::default();
    for model in fields(onnx) {
        let (GRAPH, Field::Bytes(graph)) = model? else { continue };
        for part in fields(graph) {
            match part? {
                (NODE, Field::Bytes(node)) => {
                    if let Product { operator: b"MatMulInteger" | b"MatMul", place, weights } = product(node)? {
                        found.products.insert(place, weights);
                    }
                }
                (INITIALIZER, Field::Bytes(tensor)) => {
                    let (name, tensor) = initializer(tensor)?;
                    found.tensors.insert(name, tensor);
                }
                _ => {}
            }
        }
    }
    Some(found)
}

/// An operator: the place it stands at, and the second of what goes into it.
struct Product<'b> {
    operator: &'b [u8],
    place: String,
    weights: String,
}

fn product(node: &[u8]) -> Option<Product<'_>> {
    let (mut inputs, mut name, mut operator) = (Vec::new(), String::new(), &[][..]);
    for field in fields(node) {
        match field? {
            (1, Field::Bytes(input)) => inputs.push(text(input)),
            (2, Field::Bytes(output)) if name.is_empty() => name = text(output),
            (4, Field::Bytes(kind)) => operator = kind,
            _ => {}
        }
    }
    let place = name.rsplit_once('/').map_or("", |(place, _)| place).to_owned();
    let weights = inputs.into_iter().nth(1).unwrap_or_default();
    Some(Product { operator, place, weights })
}

fn initializer(tensor: &[u8]) -> Option<(String, Initializer<'_>)> {
    let mut name = String::new();
    let mut read = Initializer { sides: Vec::new(), kind: 0, bytes: &[], numbers: Vec::new() };
    for field in fields(tensor) {
        match field? {
            (1, Field::Number(side)) => read.sides.push(usize::try_from(side).ok()?),
            (1, Field::Bytes(packed)) => {
                for side in numbers(packed)? {
                    read.sides.push(usize::try_from(side).ok()?);
                }
            }
            (2, Field::Number(kind)) => read.kind = kind,
            (5, Field::Number(value)) => read.numbers.push(value),
            (5, Field::Bytes(packed)) => read.numbers = numbers(packed)?,
            (8, Field::Bytes(bytes)) => name = text(bytes),
            (9, Field::Bytes(bytes)) => read.bytes = bytes,
            // Floats that are not raw bytes are the same bytes.
            (4, Field::Bytes(bytes)) if read.bytes.is_empty() => read.bytes = bytes,
            _ => {}
        }
    }
    Some((name, read))
}

fn numbers(mut packed: &[u8]) -> Option<Vec<u64>> {
    let mut found = Vec::new();
    while !packed.is_empty() {
        let (value, rest) = number(packed)?;
        found.push(value);
        packed = rest;
    }
    Some(found)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
