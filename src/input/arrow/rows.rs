//! Rows of Parquet and Arrow files.
//!
//! [`parquet`] and [`ipc`] read record batches, [`columns`] knows the mapping, [`value`] and [`vector`] read cells. A row's
//! line is its number, from 1. Invariant: one batch is held at a time, and what a damaged file makes the libraries
//! panic at is an error.

use std::collections::BTreeSet;
use std::fs::File;
use std::sync::Arc;

use arrow_array::RecordBatch;

use super::columns::ArrowColumns;
use super::ipc::{FileReader, StreamReader};
use super::panic::unpanicked;
use super::parquet::ParquetReader;
use super::seekable::Seekable;
use crate::error::{Error, Remark, Result};
use crate::input::decompress::InputBytes;
use crate::input::format::InputFormat;
use crate::input::mapping::Mapping;
use crate::input::progress::ReadProgress;
use crate::record::{NewRecord, Origin};

/// What a stream of Arrow begins with; a file begins with its name.
const STREAM_MAGIC: [u8; 4] = [0xff; 4];
/// Fields that are left out are told one by one up to this many.
const NOTICES_LIMIT: usize = 32;

/// Batches of the columns that are read; the error is a sentence.
type ArrowBatches = Box<dyn Iterator<Item = Result<RecordBatch, String>> + Send>;

/// The rows of a table of columns.
pub(in crate::input) struct ArrowRows {
    source: Arc<str>,
    columns: ArrowColumns,
    mapping: Arc<Mapping>,
    batches: ArrowBatches,
    batch: Option<RecordBatch>,
    /// Rows of the batch that were read.
    at: usize,
    /// Rows that were read.
    read: u64,
    left_out: BTreeSet<String>,
    notices: Vec<Remark>,
}

impl ArrowRows {
    /// Reads the schema and applies the mapping to it; `file` is given where the bytes are those of one.
    pub(in crate::input) fn open(
        mut bytes: InputBytes,
        file: Option<File>,
        format: InputFormat,
        mapping: Arc<Mapping>,
        progress: Arc<ReadProgress>,
    ) -> Result<Self> {
        let source = Arc::clone(bytes.source());
        let bad = |why: String| damaged(&source, &why);
        let (columns, notices, batches): (_, _, ArrowBatches) = if format == InputFormat::Parquet {
            let seekable = Seekable::of(bytes, file, progress)?;
            let reader = unpanicked(|| ParquetReader::open(seekable)).and_then(|opened| opened).map_err(bad)?;
            let (columns, notices) = ArrowColumns::resolve(reader.schema(), &mapping, &source)?;
            let batches = unpanicked(|| reader.batches(&columns.indices())).and_then(|opened| opened);
            (columns, notices, Box::new(batches.map_err(bad)?))
        } else if bytes.fill()?.starts_with(&STREAM_MAGIC) {
            let reader = StreamReader::open(bytes)?;
            let (columns, notices) = ArrowColumns::resolve(reader.schema(), &mapping, &source)?;
            let batches = projected(reader, columns.indices());
            (columns, notices, batches)
        } else {
            let seekable = Seekable::of(bytes, file, progress)?;
            let reader = unpanicked(|| FileReader::open(seekable)).and_then(|opened| opened).map_err(bad)?;
            let (columns, notices) = ArrowColumns::resolve(reader.schema(), &mapping, &source)?;
            let batches = projected(reader, columns.indices());
            (columns, notices, batches)
        };
        let (batch, at, read, left_out) = (None, 0, 0, BTreeSet::new());
        Ok(Self { source, columns, mapping, batches, batch, at, read, left_out, notices })
    }

    /// Returns what the user should know and was not told yet.
    pub(in crate::input) fn take_notices(&mut self) -> Vec<Remark> {
        std::mem::take(&mut self.notices)
    }

    /// Returns the next row.
    pub(in crate::input) fn next(&mut self) -> Result<Option<NewRecord>> {
        let batch = loop {
            if let Some(batch) = self.batch.take().filter(|batch| self.at < batch.num_rows()) {
                break batch;
            }
            let next = unpanicked(|| self.batches.next()).unwrap_or_else(|why| Some(Err(why)));
            match next {
                None => return Ok(None),
                Some(batch) => self.batch = Some(batch.map_err(|why| damaged(&self.source, &why))?),
            }
            self.at = 0;
        };
        let at = self.at;
        self.at += 1;
        self.read += 1;
        let line = self.read;
        let mut left_out = Vec::new();
        let parts = unpanicked(|| self.columns.parts(&batch, at, &self.mapping, &mut left_out));
        let parts = parts.map_err(Remark::from).and_then(|read| read);
        self.batch = Some(batch);
        for (name, why) in left_out {
            if self.left_out.len() < NOTICES_LIMIT && self.left_out.insert(name.clone()) {
                self.notices.push(format!("{}:{line}: the column {name:?} is left out: it {why}", self.source).into());
            }
        }
        let origin = Origin { source: Arc::clone(&self.source), line };
        let row = parts.and_then(|parts| parts.into_row(&self.mapping, origin));
        row.map(Some).map_err(|why| Error::bad_row(&self.source, line, why))
    }
}

/// Leaves of each batch the columns that are read.
fn projected(
    batches: impl Iterator<Item = Result<RecordBatch, String>> + Send + 'static,
    indices: Vec<usize>,
) -> ArrowBatches {
    Box::new(batches.map(move |batch| batch.and_then(|batch| batch.project(&indices).map_err(|e| e.to_string()))))
}

fn damaged(source: &str, why: &str) -> Error {
    Error::BadInput { source: source.to_owned(), why: format!("cannot be read: {why}"), hint: None }
}
