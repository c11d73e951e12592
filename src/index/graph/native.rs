//! `USearch`: its index of quantised rows under our own kernels.
//!
//! A vector of the index is a row coded around the origin: the codes, then the factor and, in `l2`, the bias, each as four
//! little-endian bytes (`store/quantise.rs`). Around the origin the bias of the other spaces is 0.
//! It knows nothing of chunks or checksums. Invariant: bytes reach [`Native::load`] and [`Native::view`] only after
//! [`layout::check`](super::layout::check) found every offset in them within bounds.

use usearch::{IndexOptions, MetricKind, ScalarKind};

use crate::foreign::ForeignIndex;
use crate::index::kernel::kernels;
use crate::record::{Hnsw, Space};
use crate::store::{Codes, MAX_DIMENSION};

/// `USearch` marks removed vectors with this key.
pub(super) const FREE_KEY: u64 = u64::MAX;

/// A `USearch` index of rows.
pub(super) struct Native {
    index: ForeignIndex,
}

/// What an index is made with.
#[derive(Debug, Clone, Copy)]
pub(super) struct IndexShape {
    pub(super) dim: usize,
    pub(super) space: Space,
    pub(super) hnsw: Hnsw,
    /// Searches and additions that may run at once.
    pub(super) threads: usize,
}

impl IndexShape {
    /// Returns the length of a row: its codes and its numbers.
    pub(super) fn row_bytes(&self) -> usize {
        self.dim + if self.space == Space::L2 { 8 } else { 4 }
    }

    /// Writes a row as the index holds it.
    pub(super) fn write_row(&self, row: &Codes, out: &mut Vec<i8>) {
        out.clear();
        out.extend_from_slice(&row.codes);
        out.extend(row.factor.to_le_bytes().map(u8::cast_signed));
        if self.space == Space::L2 {
            out.extend(row.bias.to_le_bytes().map(u8::cast_signed));
        }
    }

    /// Checks that `USearch` can have these settings.
    ///
    /// # Errors
    /// A sentence that names the setting.
    pub(super) fn validate(&self) -> Result<(), String> {
        let ranges = [
            ("the dimension of a graph", self.dim, 1..=MAX_DIMENSION),
            ("max_neighbors", self.hnsw.max_neighbors, 2..=1024),
            ("ef_construction", self.hnsw.ef_construction, 1..=65_536),
        ];
        match ranges.iter().find(|(_, value, range)| !range.contains(value)) {
            None => Ok(()),
            Some((name, value, range)) => {
                Err(format!("{name} must be {} to {}, not {value}", range.start(), range.end()))
            }
        }
    }
}

impl Native {
    /// Makes an empty index.
    pub(super) fn empty(shape: &IndexShape) -> Result<Self, String> {
        let mut native = Self::bare(shape)?;
        native.measure(shape)?;
        Ok(native)
    }

    /// Copies a serialised index; it can be added to.
    pub(super) fn load(shape: &IndexShape, bytes: &[u8]) -> Result<Self, String> {
        let native = Self::bare(shape)?;
        native.index.load_from_buffer(bytes).map_err(|e| e.to_string())?;
        native.adopt(shape)
    }

    /// Keeps a serialised index and reads it where it is; it can only be searched.
    pub(super) fn view(shape: &IndexShape, bytes: Vec<u8>) -> Result<Self, String> {
        let mut native = Self::bare(shape)?;
        native.index.view(bytes)?;
        native.adopt(shape)
    }

    fn bare(shape: &IndexShape) -> Result<Self, String> {
        let index = ForeignIndex::new(&IndexOptions {
            dimensions: shape.row_bytes(),
            metric: if shape.space == Space::L2 { MetricKind::L2sq } else { MetricKind::IP },
            quantization: ScalarKind::I8,
            connectivity: shape.hnsw.max_neighbors,
            expansion_add: shape.hnsw.ef_construction,
            // A search asks for as many candidates as it wants results; see `search`.
            expansion_search: 1,
            multi: false,
        })?;
        // Loading keeps the number of threads that was reserved before it.
        index.reserve_capacity_and_threads(0, shape.threads.max(1)).map_err(|e| e.to_string())?;
        Ok(Self { index })
    }

    /// Restores our metric to a loaded or viewed index: `USearch` resets it to its own.
    fn adopt(mut self, shape: &IndexShape) -> Result<Self, String> {
        let found = (self.index.dimensions(), self.index.connectivity(), self.index.scalar_kind(), self.index.multi());
        if found != (shape.row_bytes(), shape.hnsw.max_neighbors, ScalarKind::I8, false) {
            return Err("it was made with other settings than its header says".into());
        }
        self.measure(shape)?;
        Ok(self)
    }

    /// Sets the metric to the approximate distance of two rows, as `store/quantise.rs` defines it, both with all that it
    /// has.
    fn measure(&mut self, shape: &IndexShape) -> Result<(), String> {
        let kernels = kernels();
        match shape.space {
            Space::L2 => self.index.set_distance(move |a, b| {
                let ((a, bias_a), (b, bias_b)) = (split_number(a), split_number(b));
                let ((a, factor_a), (b, factor_b)) = (split_number(a), split_number(b));
                // Both factors hold the 2 of 2 a.b.
                finite(bias_a + bias_b - f64::from(kernels.dot_i8(a, b)) * factor_a * factor_b / 2.0)
            }),
            Space::Ip | Space::Cosine => self.index.set_distance(move |a, b| {
                let ((a, factor_a), (b, factor_b)) = (split_number(a), split_number(b));
                finite(1.0 - f64::from(kernels.dot_i8(a, b)) * factor_a * factor_b)
            }),
        }
    }

    /// Says whether the index is viewed and so cannot be changed.
    pub(super) fn is_viewed(&self) -> bool {
        self.index.is_viewed()
    }

    /// Returns the number of vectors that are not removed.
    pub(super) fn len(&self) -> usize {
        self.index.size()
    }

    /// Makes room for `vectors` in all, and lets `threads` work at once.
    pub(super) fn reserve(&mut self, vectors: usize, threads: usize) -> Result<(), String> {
        let capacity = self.index.capacity();
        let wanted = if vectors > capacity { vectors.max(capacity.saturating_add(capacity / 2)) } else { capacity };
        self.index.reserve_capacity_and_threads(wanted, threads.max(1)).map_err(|e| e.to_string())
    }

    /// Adds a vector. May be called from as many threads at once as were reserved, unless removed ones are left
    /// to be used again: `USearch` updates those under no lock.
    pub(super) fn add(&self, key: u64, row: &[i8]) -> Result<(), String> {
        self.index.add(key, row).map_err(|e| e.to_string())
    }

    /// Says whether a key is in the index.
    pub(super) fn contains(&self, key: u64) -> bool {
        self.index.contains(key)
    }

    /// Marks a vector as removed and says whether it was there.
    pub(super) fn remove(&mut self, key: u64) -> Result<bool, String> {
        self.index.remove(key).map(|removed| removed > 0).map_err(|e| e.to_string())
    }

    /// Returns the `wanted` nearest vectors found, nearest first, keeping as many candidates on the way.
    pub(super) fn search(&self, query: &[i8], wanted: usize) -> Result<Vec<(u64, f32)>, String> {
        // The candidates of USearch are a setting of the whole index, which threads must not change under one another;
        // but it never keeps fewer than it is asked to return.
        let found = self.index.search(query, wanted).map_err(|e| e.to_string())?;
        Ok(found.keys.into_iter().zip(found.distances).collect())
    }

    /// As [`Self::search`], for vectors whose key passes. A panic in `keep` ends the process.
    pub(super) fn search_filtered(
        &self,
        query: &[i8],
        wanted: usize,
        keep: impl Fn(u64) -> bool,
    ) -> Result<Vec<(u64, f32)>, String> {
        let found = self.index.filtered_search(query, wanted, keep).map_err(|e| e.to_string())?;
        Ok(found.keys.into_iter().zip(found.distances).collect())
    }

    /// Appends the serialised index to `bytes`.
    pub(super) fn save(&self, bytes: &mut Vec<u8>) -> Result<(), String> {
        let start = bytes.len();
        bytes.try_reserve_exact(self.index.serialized_length()).map_err(|e| e.to_string())?;
        bytes.resize(start + self.index.serialized_length(), 0);
        self.index.save_to_buffer(bytes.get_mut(start..).unwrap_or_default()).map_err(|e| e.to_string())
    }
}

/// Splits off the last number of a row.
fn split_number(row: &[i8]) -> (&[i8], f64) {
    row.split_last_chunk()
        .map_or((row, 0.0), |(rest, bytes)| (rest, f64::from(f32::from_le_bytes(bytes.map(i8::cast_unsigned)))))
}

/// Clamps a distance to finite f32, because an index that sorts by NaN has no order.
#[expect(clippy::cast_possible_truncation, reason = "clamped before")]
fn finite(distance: f64) -> f32 {
    distance.min(f64::from(f32::MAX)).max(f64::from(f32::MIN)) as f32
}
