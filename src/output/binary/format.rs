//! The binary formats, and which is written by what.

use std::io::Write;

use huedb::error::Result;

#[cfg(feature = "arrow")]
use super::arrow::{Arrow, ColumnSink, Parquet};
use super::layout::BinaryLayout;
use super::npy::NpySink;
use crate::output::Sink;

/// A format that is written to files and pipes, not to a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum BinaryFormat {
    /// Parquet, packed with Zstandard.
    Parquet,
    /// Arrow's file format, which is also Feather's.
    Arrow,
    /// An npy matrix of the embeddings alone.
    Npy,
}

named!(pub(crate) BinaryFormat { Parquet: "parquet", Arrow: "arrow", Npy: "npy" });

/// Begins to write records whose columns the layout names.
///
/// # Errors
/// [`huedb::error::Error::Io`] when the output cannot be written, [`huedb::error::Error::InvalidArgument`] for a format
/// that this build lacks, or a matrix of records without embeddings.
pub(crate) fn open_binary<'w>(
    format: BinaryFormat,
    layout: &BinaryLayout,
    out: &'w mut (dyn Write + 'w),
) -> Result<Box<dyn Sink + 'w>> {
    Ok(match format {
        BinaryFormat::Npy => Box::new(NpySink::begin(layout, out)?),
        #[cfg(feature = "arrow")]
        BinaryFormat::Parquet => Box::new(ColumnSink::<Parquet>::begin(layout, out)?),
        #[cfg(feature = "arrow")]
        BinaryFormat::Arrow => Box::new(ColumnSink::<Arrow>::begin(layout, out)?),
        #[cfg(not(feature = "arrow"))]
        BinaryFormat::Parquet | BinaryFormat::Arrow => {
            return Err(huedb::error::Error::InvalidArgument {
                why: format!("this huedb was built without {format}"),
                hint: Some("build it with the feature arrow, or write jsonl".into()),
            });
        }
    })
}
