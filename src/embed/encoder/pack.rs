//! The arrays of a packed model as they are written: dense layers in panels, numbers at their boundaries.
//!
//! [`super::layout`] says how the bytes lie. The build script compiles this file too, so it uses nothing of the library.
//! Invariant: the same numbers make the same bytes.

use super::layout::{ALIGN, COLUMNS, STEP};

/// A dense layer.
pub(crate) struct Weights {
    pub(crate) columns: Vec<Vec<i8>>,
    pub(crate) scales: Vec<f32>,
    pub(crate) biases: Vec<f32>,
}

impl Weights {
    pub(crate) fn scaled(mut self, scale: f32) -> Self {
        for x in self.scales.iter_mut().chain(&mut self.biases) {
            *x *= scale;
        }
        self
    }

    pub(crate) fn append(&mut self, mut other: Self) {
        self.columns.append(&mut other.columns);
        self.scales.append(&mut other.scales);
        self.biases.append(&mut other.biases);
    }
}

/// The bytes made so far.
pub(crate) struct Packed(pub(crate) Vec<u8>);

impl Packed {
    pub(crate) fn align(&mut self) {
        self.0.resize(self.0.len().next_multiple_of(ALIGN), 0);
    }

    pub(crate) fn floats(&mut self, floats: impl IntoIterator<Item = f32>) {
        self.align();
        self.0.extend(floats.into_iter().flat_map(f32::to_le_bytes));
    }

    pub(crate) fn dense(&mut self, layer: &Weights) -> Result<(), String> {
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
        // Sums of at most 65,536 weights of eight bits: exact as floats.
        #[expect(clippy::cast_precision_loss, reason = "far below 2^24")]
        let sum = |column: &Vec<i8>| column.iter().map(|weight| i32::from(*weight)).sum::<i32>() as f32;
        self.floats(layer.columns.iter().map(sum));
        self.floats(layer.biases.iter().copied());
        Ok(())
    }
}
