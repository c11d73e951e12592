//! The `USearch` graph over quantised rows: what makes many queries fast.
//!
//! It is not the truth: rows, deletions and exact distances are elsewhere, and a graph can be thrown away and built
//! again. It holds rows coded around the origin, because `USearch`'s own cast to i8 caps recall near .95; what is lost where
//! that is far from the embeddings shows in the recall that is measured when a graph is built.
//! Invariant: a search never runs beside a change (`&self` and `&mut self` see to that), and `USearch` is given bytes
//! only after both the checksums and `layout::check` passed.

mod file;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod hnsw;
mod layout;
mod native;
#[cfg(test)]
mod tests;

pub use file::{GraphReader, Stamp, StoredGraph};
pub use hnsw::{Graph, Watch};
