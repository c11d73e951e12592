//! Record batches to Parquet and to Arrow's file format.
//!
//! The libraries write into a buffer, which is then written to the output, whose errors stay what they are. Invariant:
//! what is held is one batch and one row group, both of bounded bytes.

use std::io::{self, Write};

use arrow_array::RecordBatch;
use arrow_ipc::writer::FileWriter;
use huedb::error::Result;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use super::batch::ColumnBuffers;
use super::layout::{BinaryLayout, EMBEDDING, ID};
use crate::output::sink::{ShownQuestion, ShownRecord, Sink, written};

/// Bytes of a row group as they are written.
const ROW_GROUP_BYTES: usize = 64 << 20;

/// What makes bytes of batches, in a buffer.
pub(super) trait Encoder: Sized {
    fn begin(rows: &ColumnBuffers) -> Result<Self>;
    fn write(&mut self, batch: &RecordBatch) -> Result<()>;
    fn finish(&mut self) -> Result<()>;
    fn buffer(&mut self) -> &mut Vec<u8>;
}

/// Makes a Parquet file.
pub(super) struct Parquet(ArrowWriter<Vec<u8>>);

impl Encoder for Parquet {
    fn begin(rows: &ColumnBuffers) -> Result<Self> {
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
        made(ArrowWriter::try_new(Vec::new(), rows.schema(), Some(properties))).map(Self)
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        made(self.0.write(batch))?;
        if self.0.in_progress_size() >= ROW_GROUP_BYTES { made(self.0.flush()) } else { Ok(()) }
    }

    fn finish(&mut self) -> Result<()> {
        made(self.0.finish()).map(drop)
    }

    fn buffer(&mut self) -> &mut Vec<u8> {
        self.0.inner_mut()
    }
}

/// Makes an Arrow file.
pub(super) struct Arrow(FileWriter<Vec<u8>>);

impl Encoder for Arrow {
    fn begin(rows: &ColumnBuffers) -> Result<Self> {
        made(FileWriter::try_new(Vec::new(), &rows.schema())).map(Self)
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        made(self.0.write(batch))
    }

    fn finish(&mut self) -> Result<()> {
        made(self.0.finish())
    }

    fn buffer(&mut self) -> &mut Vec<u8> {
        self.0.get_mut()
    }
}

/// Writes records as columns.
pub(super) struct ColumnSink<'w, E> {
    rows: ColumnBuffers,
    encoder: E,
    out: &'w mut (dyn Write + 'w),
}

impl<'w, E: Encoder> ColumnSink<'w, E> {
    pub(super) fn begin(layout: &BinaryLayout, out: &'w mut (dyn Write + 'w)) -> Result<Self> {
        let rows = made(ColumnBuffers::new(layout))?;
        Ok(Self { encoder: E::begin(&rows)?, rows, out })
    }

    fn flush(&mut self) -> Result<()> {
        if let Some(batch) = made(self.rows.take())? {
            self.encoder.write(&batch)?;
        }
        drain(self.encoder.buffer(), self.out)
    }
}

impl<E: Encoder> Sink for ColumnSink<'_, E> {
    fn question(&mut self, _: &ShownQuestion<'_>) -> Result<()> {
        Ok(())
    }

    fn entry(&mut self, entry: ShownRecord<'_>) -> Result<()> {
        self.rows.push(entry.record);
        if self.rows.is_full() { self.flush() } else { Ok(()) }
    }

    fn end(mut self: Box<Self>) -> Result<()> {
        self.flush()?;
        self.encoder.finish()?;
        drain(self.encoder.buffer(), self.out)?;
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
