//! Matrices of `NumPy`.

mod header;
mod rows;
#[cfg(test)]
mod tests;

pub(super) use rows::{BesideRows, NpyRows};
