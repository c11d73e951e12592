//! Records as files of columns (Parquet, Arrow) and as an npy matrix.
//!
//! [`layout`] decides the columns before the first record is written. Invariant: what is written reads back as equal
//! records, embeddings bit for bit; of a matrix, with the ids that stand beside it.

#[cfg(feature = "arrow")]
mod arrow;
#[cfg(feature = "arrow")]
mod batch;
mod format;
mod layout;
mod npy;
#[cfg(all(test, feature = "arrow"))]
mod tests;

pub(crate) use format::{BinaryFormat, open_binary};
pub(crate) use layout::BinaryLayout;
