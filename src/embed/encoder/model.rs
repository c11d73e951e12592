//! A packed encoder, seen where it lies.
//!
//! Opening one copies nothing and reads little more than the head, so a process that embeds one question touches only the
//! pages it needs. Invariant: every array is as long as the head says, or there is no model.

use bytemuck::{AnyBitPattern, NoUninit, try_cast_slice};

use super::lanes::{LANES, Sixteen};
use super::layout::{ALIGN, Head, STEP, STEP_BYTES};

/// A dense layer: what a column's sums are multiplied by, what a zero point adds to it, and its bias.
pub(super) struct Dense<'b> {
    pub(super) weights: &'b [[i8; STEP_BYTES]],
    pub(super) scales: &'b [Sixteen],
    pub(super) sums: &'b [Sixteen],
    pub(super) biases: &'b [Sixteen],
    /// Steps of a panel: a fourth of the rows.
    pub(super) steps: usize,
    pub(super) columns: usize,
    /// What the kernels for AVX2 have found out about the weights.
    #[cfg(target_arch = "x86_64")]
    pub(super) pairs: std::sync::OnceLock<Vec<super::pairs::Pairs>>,
}

/// The numbers of a layer normalisation.
pub(super) struct Norm<'b> {
    pub(super) weights: &'b [Sixteen],
    pub(super) biases: &'b [Sixteen],
    /// Keeps it from dividing by nothing.
    pub(super) epsilon: f32,
}

pub(super) struct Layer<'b> {
    pub(super) query_key_value: Dense<'b>,
    pub(super) output: Dense<'b>,
    pub(super) attention_norm: Norm<'b>,
    pub(super) up: Dense<'b>,
    pub(super) down: Dense<'b>,
    pub(super) norm: Norm<'b>,
}

/// A table of embeddings: rows of bytes, with a scale and a zero point for all of them or for each.
#[derive(Clone, Copy)]
pub(super) struct Table<'b> {
    rows: &'b [u8],
    scales: &'b [[f32; 2]],
    hidden: usize,
}

impl<'b> Table<'b> {
    /// Returns a row, its scale and its zero point; nothing for one that the table does not have.
    pub(super) fn row(&self, row: usize) -> (&'b [[u8; LANES]], [f32; 2]) {
        let start = row.saturating_mul(self.hidden);
        let bytes = self.rows.get(start..start.saturating_add(self.hidden)).unwrap_or_default();
        let scale = self.scales.get(row).or(self.scales.first());
        (bytes.as_chunks().0, scale.copied().unwrap_or_default())
    }
}

/// A packed encoder.
pub(in super::super) struct Model<'b> {
    pub(super) hidden: usize,
    pub(super) feed_forward: usize,
    pub(super) words: usize,
    /// The most tokens of a text.
    pub(super) positions: usize,
    pub(super) first_position: usize,
    /// Whether its weights have more than seven bits.
    pub(super) wide: bool,
    /// Sixteens of a head of attention.
    pub(super) parts: usize,
    /// Words, positions and segments.
    pub(super) tables: [Table<'b>; 3],
    pub(super) norm: Norm<'b>,
    /// What is added to scores by distance: `[heads][distances]`, or nothing.
    pub(super) biases: &'b [f32],
    pub(super) layers: Vec<Layer<'b>>,
}

impl<'b> Model<'b> {
    /// Opens a packed model.
    ///
    /// # Errors
    /// Why it is none that can be run.
    pub(in super::super) fn open(packed: &'b [u8]) -> Result<Self, String> {
        let head = Head::read(packed)?;
        head.check()?;
        let Head { hidden, feed_forward, layers, heads, rows: [words, positions, segments], .. } = head;
        let mut arrays = Arrays { packed, at: Head::BYTES };
        let mut table = |rows| arrays.table(rows, hidden, head.scale_by_row);
        let tables = [table(words)?, table(positions)?, table(segments)?];
        let norm = arrays.norm(hidden, head.epsilon)?;
        let biases = if head.distances > 0 { arrays.take(heads * head.distances)? } else { &[] };
        let layers = (0..layers).map(|_| arrays.layer(&head)).collect::<Result<_, _>>()?;
        Ok(Self {
            hidden,
            feed_forward,
            words,
            positions: positions - head.first_position,
            first_position: head.first_position,
            wide: head.wide,
            parts: hidden / heads / LANES,
            tables,
            norm,
            biases,
            layers,
        })
    }
}

/// The arrays of a packed model, one after another.
struct Arrays<'b> {
    packed: &'b [u8],
    at: usize,
}

impl<'b> Arrays<'b> {
    fn take<T: AnyBitPattern + NoUninit>(&mut self, count: usize) -> Result<&'b [T], String> {
        let start = self.at.checked_next_multiple_of(ALIGN).ok_or("its packed form is cut off")?;
        self.at = count.saturating_mul(size_of::<T>()).saturating_add(start);
        let bytes = self.packed.get(start..self.at).ok_or("its packed form is cut off")?;
        try_cast_slice(bytes).map_err(|error| format!("its packed form cannot be used where it lies: {error}"))
    }

    fn floats(&mut self, count: usize) -> Result<&'b [Sixteen], String> {
        Ok(self.take::<f32>(count)?.as_chunks().0)
    }

    fn table(&mut self, rows: usize, hidden: usize, scale_by_row: bool) -> Result<Table<'b>, String> {
        if rows == 0 {
            return Ok(Table { rows: &[], scales: &[], hidden });
        }
        let bytes = self.take::<u8>(rows.saturating_mul(hidden))?;
        let scales = self.take::<[f32; 2]>(if scale_by_row { rows } else { 1 })?;
        Ok(Table { rows: bytes, scales, hidden })
    }

    fn norm(&mut self, count: usize, epsilon: f32) -> Result<Norm<'b>, String> {
        Ok(Norm { weights: self.floats(count)?, biases: self.floats(count)?, epsilon })
    }

    fn dense(&mut self, rows: usize, columns: usize) -> Result<Dense<'b>, String> {
        Ok(Dense {
            weights: self.take::<i8>(rows.saturating_mul(columns))?.as_chunks().0,
            scales: self.floats(columns)?,
            sums: self.floats(columns)?,
            biases: self.floats(columns)?,
            steps: rows / STEP,
            columns,
            #[cfg(target_arch = "x86_64")]
            pairs: std::sync::OnceLock::new(),
        })
    }

    fn layer(&mut self, head: &Head) -> Result<Layer<'b>, String> {
        let Head { hidden, feed_forward, epsilon, .. } = *head;
        Ok(Layer {
            query_key_value: self.dense(hidden, 3 * hidden)?,
            output: self.dense(hidden, hidden)?,
            attention_norm: self.norm(hidden, epsilon)?,
            up: self.dense(hidden, feed_forward)?,
            down: self.dense(feed_forward, hidden)?,
            norm: self.norm(hidden, epsilon)?,
        })
    }
}
