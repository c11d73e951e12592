//! Parquet and Arrow.

mod columns;
mod ipc;
mod panic;
mod parquet;
mod rows;
mod seekable;
#[cfg(test)]
mod tests;
mod value;
mod vector;

pub(super) use rows::ArrowRows;
