//! How many bytes a sketch takes, and so how many rows a segment may have.
//!
//! Knows nothing of what the bytes mean.

use super::table::MAX_VALUE_BYTES;

/// Bytes of a sketch before those of its rows.
pub(super) const HEADER_BYTES: usize = 60;
/// The longest value that fits a 128 KiB page of redb with its key.
const SKETCH_BYTES: usize = MAX_VALUE_BYTES.div_ceil(8) - 64;
/// Shorter embeddings have too few signs to tell rows apart, and few bytes to save.
pub(crate) const SKETCH_FROM_DIMENSION: usize = 192;

/// The most rows a segment may have so that its sketch fits a page an eighth as large.
pub(super) fn rows_per_sketch(dimension: usize) -> usize {
    if dimension < SKETCH_FROM_DIMENSION {
        usize::MAX
    } else {
        (SKETCH_BYTES - HEADER_BYTES) / (sign_bytes(dimension) + 3)
    }
}

/// Bytes that the signs of one row take.
#[must_use]
pub(crate) fn sign_bytes(dimension: usize) -> usize {
    dimension.div_ceil(8)
}
