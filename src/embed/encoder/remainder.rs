//! What is left of an ONNX graph once its packed form has its weights, and the graph made again of both.
//!
//! The program holds a model once: as the encoder uses it. The graph is for other engines. A number of holes, four numbers for
//! each, then the bytes between the holes. Invariant: the graph has the bytes that it was taken apart from. The build script
//! compiles this file too, so it uses nothing of the library.

use super::initializers;
use super::layout::{ALIGN, COLUMNS, STEP};

/// Numbers of a hole, each of eight bytes.
const NUMBERS: usize = 4;
/// Smaller constants stay where they are.
const WORTH: usize = 4096;
/// The kind of a constant of signed bytes.
const I8: u64 = 3;

/// A constant that the packed form has.
#[derive(Clone, Copy)]
struct Hole {
    /// Where it begins in the graph.
    at: usize,
    /// Rows of weights that stand in panels; 0 of bytes that stand as they are.
    rows: usize,
    /// Columns of weights, or how many bytes there are.
    columns: usize,
    /// Where it begins in the packed form.
    place: usize,
}

impl Hole {
    fn len(self) -> Option<usize> {
        self.rows.max(1).checked_mul(self.columns)
    }
}

/// Takes away from a graph what its packed form has.
///
/// # Errors
/// Says that it is no whole graph.
#[cfg_attr(not(test), allow(dead_code, reason = "the build script calls it"))]
pub(crate) fn take_apart(onnx: &[u8], packed: &[u8]) -> Result<Vec<u8>, String> {
    let found = initializers::read(onnx).ok_or("it is no whole ONNX graph")?;
    let mut holes = Vec::new();
    for tensor in found.tensors.values().filter(|tensor| tensor.bytes.len() >= WORTH) {
        let at = (tensor.bytes.as_ptr() as usize).wrapping_sub(onnx.as_ptr() as usize);
        let (rows, columns) = match *tensor.sides.as_slice() {
            [rows, columns] if tensor.kind == I8 => (rows, columns),
            _ => (0, tensor.bytes.len()),
        };
        // All of a panel's rows, of its first column.
        let column = |row: usize| tensor.bytes.get(row * columns).copied();
        let begins = |place: usize| match packed.get(place..) {
            Some(rest) if rows == 0 => rest.starts_with(tensor.bytes),
            Some(rest) => {
                (0..rows).all(|row| rest.get(row / STEP * STEP * COLUMNS + row % STEP).copied() == column(row))
            }
            None => false,
        };
        let places = (0..packed.len()).step_by(ALIGN).filter(|place| begins(*place));
        holes.extend(
            places
                .map(|place| Hole { at, rows, columns, place })
                .find(|hole| filled(*hole, packed).as_deref() == Some(tensor.bytes)),
        );
    }
    holes.sort_by_key(|hole| hole.at);
    let numbers = holes.iter().flat_map(|hole| [hole.at, hole.rows, hole.columns, hole.place]);
    let numbers = std::iter::once(holes.len()).chain(numbers);
    let mut left: Vec<u8> = numbers.flat_map(|number| (number as u64).to_le_bytes()).collect();
    let mut from = 0;
    for hole in &holes {
        left.extend(onnx.get(from..hole.at).unwrap_or_default());
        from = hole.at + hole.len().unwrap_or(0);
    }
    left.extend(onnx.get(from..).unwrap_or_default());
    Ok(left)
}

/// Makes the graph of what is left of it and of the packed form; `None` where they do not belong together.
#[allow(dead_code, reason = "the build script has the graph")]
pub(crate) fn put_together(left: &[u8], packed: &[u8]) -> Option<Vec<u8>> {
    let (count, rest) = left.split_first_chunk::<8>()?;
    let holes = usize::try_from(u64::from_le_bytes(*count)).ok()?;
    let (numbers, mut rest) = rest.split_at_checked(holes.checked_mul(NUMBERS * 8)?)?;
    let mut onnx = Vec::with_capacity(packed.len());
    for numbers in numbers.as_chunks::<8>().0.as_chunks::<NUMBERS>().0 {
        let [at, rows, columns, place] = numbers.map(|number| usize::try_from(u64::from_le_bytes(number)).unwrap_or(0));
        let (before, after) = rest.split_at_checked(at.checked_sub(onnx.len())?)?;
        onnx.extend(before);
        onnx.extend(filled(Hole { at, rows, columns, place }, packed)?);
        rest = after;
    }
    onnx.extend(rest);
    Some(onnx)
}

/// Returns a constant's bytes as they are in the graph.
fn filled(hole: Hole, packed: &[u8]) -> Option<Vec<u8>> {
    let bytes = packed.get(hole.place..hole.place.checked_add(hole.len()?)?)?;
    if hole.rows == 0 {
        return Some(bytes.to_vec());
    }
    let mut rows = vec![0; bytes.len()];
    for (panel, bytes) in bytes.chunks_exact(hole.rows * COLUMNS).enumerate() {
        let steps = bytes.as_chunks::<{ STEP * COLUMNS }>().0;
        for (rows, step) in rows.chunks_exact_mut(STEP * hole.columns).zip(steps) {
            for (lane, row) in rows.chunks_exact_mut(hole.columns).enumerate() {
                let places = row.get_mut(panel * COLUMNS..)?.iter_mut();
                places.zip(step.iter().skip(lane).step_by(STEP)).for_each(|(place, byte)| *place = *byte);
            }
        }
    }
    Some(rows)
}
