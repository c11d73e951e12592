//! Record batches to Parquet and to Arrow's file format.
//!
//! The libraries write into a buffer, which is then written to the output, whose errors stay what they are. Invariant:
//! what is held is one batch and one row group, both of bounded bytes.

use std::io::{self, Write};

use arrow_ipc::writer::FileWriter;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use super::batch::Rows;
use super::layout::{EMBEDDING, ID, Layout};
use crate::error::Result;
use crate::output::sink::{Entry, Question, Sink, written};

/// Bytes of a row group as they are written.
const ROW_GROUP_BYTES: usize = 64 << 20;

/// Writes a Parquet file.
pub(super) struct ParquetSink<'w> {
    rows: Rows,
    writer: ArrowWriter<Vec<u8>>,
    out: &'w mut (dyn Write + 'w),
}

impl<'w> ParquetSink<'w> {
    pub(super) fn begin(layout: &Layout, out: &'w mut (dyn Write + 'w)) -> Result<Self> {
        let rows = made(Rows::new(layout))?;
        // Numbers of embeddings hardly repeat, and no reader filters by them.
        let numbers = ColumnPath::new([EMBEDDING, "list", "item"].map(str::to_owned).to_vec());
        let ids = ColumnPath::new(vec![ID.to_owned()]);
        let properties = WriterProperties::builder()
            .set_created_by(concat!("huedb ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_column_dictionary_enabled(ids, false)
            .set_column_dictionary_enabled(numbers.clone(), false)
            .set_column_statistics_enabled(numbers, parquet::file::properties::EnabledStatistics::None)
            .build();
        let writer = made(ArrowWriter::try_new(Vec::new(), rows.schema(), Some(properties)))?;
        Ok(Self { rows, writer, out })
    }

    fn flush(&mut self) -> Result<()> {
        if let Some(batch) = made(self.rows.take())? {
            made(self.writer.write(&batch))?;
        }
        if self.writer.in_progress_size() >= ROW_GROUP_BYTES {
            made(self.writer.flush())?;
        }
        drain(self.writer.inner_mut(), self.out)
    }
}

impl Sink for ParquetSink<'_> {
    fn question(&mut self, _: &Question<'_>) -> Result<()> {
        Ok(())
    }

    fn entry(&mut self, entry: Entry<'_>) -> Result<()> {
        self.rows.push(entry.record);
        if self.rows.is_full() { self.flush() } else { Ok(()) }
    }

    fn end(mut self: Box<Self>) -> Result<()> {
        self.flush()?;
        made(self.writer.finish())?;
        drain(self.writer.inner_mut(), self.out)?;
        written(self.out.flush())
    }
}

/// Writes an Arrow file.
pub(super) struct ArrowSink<'w> {
    rows: Rows,
    writer: FileWriter<Vec<u8>>,
    out: &'w mut (dyn Write + 'w),
}

impl<'w> ArrowSink<'w> {
    pub(super) fn begin(layout: &Layout, out: &'w mut (dyn Write + 'w)) -> Result<Self> {
        let rows = made(Rows::new(layout))?;
        let writer = made(FileWriter::try_new(Vec::new(), &rows.schema()))?;
        Ok(Self { rows, writer, out })
    }

    fn flush(&mut self) -> Result<()> {
        if let Some(batch) = made(self.rows.take())? {
            made(self.writer.write(&batch))?;
        }
        drain(self.writer.get_mut(), self.out)
    }
}

impl Sink for ArrowSink<'_> {
    fn question(&mut self, _: &Question<'_>) -> Result<()> {
        Ok(())
    }

    fn entry(&mut self, entry: Entry<'_>) -> Result<()> {
        self.rows.push(entry.record);
        if self.rows.is_full() { self.flush() } else { Ok(()) }
    }

    fn end(mut self: Box<Self>) -> Result<()> {
        self.flush()?;
        made(self.writer.finish())?;
        drain(self.writer.get_mut(), self.out)?;
        written(self.out.flush())
    }
}

fn drain(buffer: &mut Vec<u8>, out: &mut dyn Write) -> Result<()> {
    written(out.write_all(buffer))?;
    buffer.clear();
    Ok(())
}

fn made<T, E: std::error::Error + Send + Sync + 'static>(result: Result<T, E>) -> Result<T> {
    written(result.map_err(io::Error::other))
}
