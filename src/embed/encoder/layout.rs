//! What a packed model and whoever reads it agree on.
//!
//! The build script compiles this file too. Invariant: what changes here changes the version in [`MAGIC`].

/// How a packed model begins: a name and a version.
pub(crate) const MAGIC: [u8; 8] = *b"huedbBE1";
/// Every array begins at a multiple of this.
pub(crate) const ALIGN: usize = 64;
/// Columns of a panel of weights.
pub(crate) const COLUMNS: usize = 64;
/// Rows of weights in a step of a panel: what one instruction multiplies and adds.
pub(crate) const STEP: usize = 4;
