//! Record batches of a Parquet file.
//!
//! Invariant: a row group is read page by page, and of its columns only those that are wanted.

use std::io::BufReader;

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use bytes::Bytes as Chunk;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::reader::{ChunkReader, Length};

use super::seekable::{From, Seekable};

/// Rows decoded at a time.
const BATCH_ROWS: usize = 1024;

impl Length for Seekable {
    fn len(&self) -> u64 {
        self.length()
    }
}

impl ChunkReader for Seekable {
    type T = BufReader<From>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        Ok(BufReader::new(self.from(start)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Chunk> {
        self.read(start, length as u64).map(Chunk::from).map_err(ParquetError::EOF)
    }
}

/// A file whose schema is known.
pub(super) struct ParquetReader {
    seekable: Seekable,
    metadata: ArrowReaderMetadata,
}

impl ParquetReader {
    /// Reads the end of the file; the error is a sentence.
    pub(super) fn open(seekable: Seekable) -> Result<Self, String> {
        let metadata = ArrowReaderMetadata::load(&seekable, ArrowReaderOptions::new()).map_err(|e| e.to_string())?;
        Ok(Self { seekable, metadata })
    }

    pub(super) fn schema(&self) -> &Schema {
        self.metadata.schema()
    }

    /// Begins to read some of the columns; the error is a sentence.
    pub(super) fn batches(
        self,
        columns: &[usize],
    ) -> Result<impl Iterator<Item = Result<RecordBatch, String>> + Send + use<>, String> {
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), columns.iter().copied());
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(self.seekable, self.metadata);
        let reader = builder.with_projection(mask).with_batch_size(BATCH_ROWS).build().map_err(|e| e.to_string())?;
        Ok(reader.map(|batch| batch.map_err(|e| e.to_string())))
    }
}
