//! Bytes to rows: csv, tsv, json, jsonl, Parquet, Arrow, npy, `SQLite`, text files and pages, plain or packed; whole
//! collections from dumps, from Chroma and llm.
//!
//! [`InputSource::parse`] says what an argument names, [`InputRows::open`] reads it, [`Questions::open`] reads the questions of
//! a batch, [`RowBatches`] cuts rows into what is stored together; an [`Archive`] brings collections. Knows nothing of collections or terminals. Invariant: no input is held whole, only one row of a bounded
//! length, and every error names the source and the line.
//!
//! To add a format: a variant of [`InputFormat`], a file that yields [`crate::record::NewRecord`]s, and an arm in `rows`.

mod archive;
#[cfg(feature = "arrow")]
mod arrow;
mod batches;
mod cell_type;
#[cfg(feature = "foreign")]
pub(crate) mod chroma;
mod columns;
mod csv;
mod decompress;
mod dump;
mod embedding;
mod embedding_scan;
mod encoding;
mod folder;
mod format;
mod gzip;
mod html;
#[cfg_attr(not(feature = "foreign"), allow(dead_code, reason = "servers are read from by that feature"))]
pub(crate) mod http;
mod ids;
mod infer;
mod json;
mod json_error;
mod json_stream;
mod lines;
#[cfg(feature = "foreign")]
mod llm;
mod mapping;
mod met;
mod metadata;
mod npy;
mod options;
mod progress;
mod question;
#[cfg(test)]
mod random_tests;
mod records;
pub(crate) mod retry;
mod rows;
mod source;
#[cfg(feature = "foreign")]
mod sql;
#[cfg(feature = "foreign")]
mod sqlite;
mod stdin;
#[cfg(test)]
mod tests;
mod text_columns;
mod value_scan;

pub use archive::{Archive, ArchiveBatches, ArchiveSize};
pub use batches::{BatchLimits, Notices, RowBatches, SkippedFiles, Split};
pub use cell_type::{CellType, Types};
#[cfg(feature = "foreign")]
pub use chroma::{ChromaFolder, ChromaServer, Selection};
pub use dump::Dump;
pub use embedding::embedding_from_json;
pub use encoding::TextEncoding;
pub use folder::{Folder, FolderListing, TextFile, Unread, read_text};
pub use format::InputFormat;
pub use http::ServerOptions;
pub use ids::read_ids;
#[cfg(feature = "foreign")]
pub use llm::LlmFile;
pub use mapping::{IdFrom, Mapping};
pub use met::{Met, OnDuplicate, Repeats};
pub use metadata::metadata_from_json;
pub use options::{InputOptions, MatrixIds, ROW_LIMIT_BYTES};
pub use progress::ReadProgress;
pub use question::{Question, Questions};
pub use rows::{InputRows, SkippedFile};
pub use source::{InputSource, SourceFile};
pub use stdin::{Stdin, closed_stream};
pub use text_columns::{TextColumns, split_names};
