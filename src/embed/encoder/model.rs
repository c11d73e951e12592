//! A packed encoder, seen where it lies.
//!
//! Opening one copies nothing and reads little more than the head, so a process that embeds one question touches only the
//! pages it needs. Invariant: every array is as long as the head says, or there is no model.

use bytemuck::{AnyBitPattern, NoUninit, try_cast_slice};

use super::lanes::LANES;
use super::layout::{ALIGN, COLUMNS, Head, MAX_LAYERS, STEP};
use super::rows::EPSILON;

/// Components of a head of attention, of every model that is run.
pub(super) const HEAD_SIZE: usize = 32;
/// Bytes of a step of a panel of weights.
pub(super) const STEP_BYTES: usize = COLUMNS * STEP;

/// Sixteen numbers, as the kernels take them.
pub(super) type Sixteen = [f32; LANES];

/// A dense layer: what a column's sums are multiplied by, what a zero point adds to it, and its bias.
pub(super) struct Dense {
    pub(super) weights: &'static [[i8; STEP_BYTES]],
    pub(super) scales: &'static [Sixteen],
    pub(super) sums: &'static [Sixteen],
    pub(super) biases: &'static [Sixteen],
    /// Steps of a panel: a fourth of the rows.
    pub(super) steps: usize,
    pub(super) columns: usize,
}

/// The numbers of a layer normalisation.
pub(super) struct Norm {
    pub(super) weights: &'static [Sixteen],
    pub(super) biases: &'static [Sixteen],
}

pub(super) struct Layer {
    pub(super) query_key_value: Dense,
    pub(super) output: Dense,
    pub(super) attention_norm: Norm,
    pub(super) up: Dense,
    pub(super) down: Dense,
    pub(super) norm: Norm,
}

/// A table of embeddings: rows of bytes, with a scale and a zero point for all of them or for each.
#[derive(Clone, Copy)]
pub(super) struct Table {
    rows: &'static [u8],
    scales: &'static [[f32; 2]],
    hidden: usize,
}

impl Table {
    /// Returns a row, its scale and its zero point; nothing for one that the table does not have.
    pub(super) fn row(&self, row: usize) -> (&'static [[u8; LANES]], [f32; 2]) {
        let start = row.saturating_mul(self.hidden);
        let bytes = self.rows.get(start..start.saturating_add(self.hidden)).unwrap_or_default();
        let scale = self.scales.get(row).or(self.scales.first());
        (bytes.as_chunks().0, scale.copied().unwrap_or_default())
    }
}

/// A packed encoder.
pub(in super::super) struct Model {
    pub(super) hidden: usize,
    pub(super) feed_forward: usize,
    pub(super) words: usize,
    pub(super) positions: usize,
    /// Words, positions and segments.
    pub(super) tables: [Table; 3],
    pub(super) norm: Norm,
    pub(super) layers: Vec<Layer>,
}

impl Model {
    /// Opens a packed model.
    ///
    /// # Errors
    /// Why it is none that can be run.
    pub(in super::super) fn open(packed: &'static [u8]) -> Result<Self, String> {
        let head = Head::read(packed)?;
        let Head { hidden, feed_forward, layers, heads, rows: [words, positions, segments], .. } = head;
        let fits = |size: usize| size > 0 && size.is_multiple_of(COLUMNS) && size <= 1 << 16;
        if !fits(hidden) || !fits(feed_forward) || heads.checked_mul(HEAD_SIZE) != Some(hidden) || layers > MAX_LAYERS {
            return Err(format!(
                "{layers} layers of {hidden} components, {heads} heads and {feed_forward} between are no sizes it can have"
            ));
        }
        if [head.first_position, head.distances] != [0; 2] || head.epsilon.to_bits() != EPSILON.to_bits() {
            return Err("it is of a family that cannot be run".to_owned());
        }
        let mut arrays = Arrays { packed, at: Head::BYTES };
        let mut table = |rows| arrays.table(rows, hidden, head.scale_by_row);
        let tables = [table(words)?, table(positions)?, table(segments)?];
        let norm = arrays.norm(hidden)?;
        let layers = (0..layers).map(|_| arrays.layer(hidden, feed_forward)).collect::<Result<_, _>>()?;
        Ok(Self { hidden, feed_forward, words, positions, tables, norm, layers })
    }
}

/// The arrays of a packed model, one after another.
struct Arrays {
    packed: &'static [u8],
    at: usize,
}

impl Arrays {
    fn take<T: AnyBitPattern + NoUninit>(&mut self, count: usize) -> Result<&'static [T], String> {
        let start = self.at.checked_next_multiple_of(ALIGN).ok_or("its packed form is cut off")?;
        self.at = count.saturating_mul(size_of::<T>()).saturating_add(start);
        let bytes = self.packed.get(start..self.at).ok_or("its packed form is cut off")?;
        try_cast_slice(bytes).map_err(|error| format!("its packed form cannot be used where it lies: {error}"))
    }

    fn floats(&mut self, count: usize) -> Result<&'static [Sixteen], String> {
        Ok(self.take::<f32>(count)?.as_chunks().0)
    }

    fn table(&mut self, rows: usize, hidden: usize, scale_by_row: bool) -> Result<Table, String> {
        let bytes = self.take::<u8>(rows.saturating_mul(hidden))?;
        let scales = self.take::<[f32; 2]>(if scale_by_row { rows } else { 1 })?;
        Ok(Table { rows: bytes, scales, hidden })
    }

    fn norm(&mut self, count: usize) -> Result<Norm, String> {
        Ok(Norm { weights: self.floats(count)?, biases: self.floats(count)? })
    }

    fn dense(&mut self, rows: usize, columns: usize) -> Result<Dense, String> {
        Ok(Dense {
            weights: self.take::<i8>(rows * columns)?.as_chunks().0,
            scales: self.floats(columns)?,
            sums: self.floats(columns)?,
            biases: self.floats(columns)?,
            steps: rows / STEP,
            columns,
        })
    }

    fn layer(&mut self, hidden: usize, feed_forward: usize) -> Result<Layer, String> {
        Ok(Layer {
            query_key_value: self.dense(hidden, 3 * hidden)?,
            output: self.dense(hidden, hidden)?,
            attention_norm: self.norm(hidden)?,
            up: self.dense(hidden, feed_forward)?,
            down: self.dense(feed_forward, hidden)?,
            norm: self.norm(hidden)?,
        })
    }
}
