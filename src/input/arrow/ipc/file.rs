//! An Arrow file: its footer says where its batches are.
//!
//! Invariant: a batch is read when it is asked for, the dictionaries before all batches.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_ipc::reader::FileDecoder;
use arrow_ipc::{Block, root_as_footer, root_as_message};
use arrow_schema::Schema;

use super::super::panic::unpanicked;
use super::super::seekable::Seekable;
use super::{BATCH_LIMIT_BYTES, CONTINUATION, DAMAGED, START_BYTES, check_packed, schema};

const MAGIC: &[u8; 6] = b"ARROW1";
/// Bytes of the footer's length and the magic number, with which a file ends.
const TAIL_BYTES: u64 = 10;

/// A file of record batches.
pub(in super::super) struct FileReader {
    seekable: Seekable,
    decoder: FileDecoder,
    schema: Arc<Schema>,
    batches: VecDeque<Block>,
}

impl FileReader {
    /// Reads the footer and the dictionaries; the error is a sentence.
    pub(in super::super) fn open(seekable: Seekable) -> Result<Self, String> {
        let cut_off = || "the data is cut off".to_owned();
        let tail_at = seekable.length().checked_sub(TAIL_BYTES).ok_or_else(cut_off)?;
        let tail = seekable.read(tail_at, TAIL_BYTES)?;
        let (length, magic) = tail.split_first_chunk().ok_or_else(cut_off)?;
        let length = u64::from(u32::from_le_bytes(*length));
        if magic != MAGIC {
            return Err(cut_off());
        }
        let footer = seekable.read(tail_at.checked_sub(length).ok_or(DAMAGED)?, length)?;
        let footer = root_as_footer(&footer).map_err(|_| DAMAGED)?;
        let schema = Arc::new(schema(footer.schema())?);
        let mut decoder = FileDecoder::new(Arc::clone(&schema), footer.version());
        for block in footer.dictionaries().iter().flatten() {
            let bytes = read(&seekable, block)?;
            decoder.read_dictionary(block, &bytes.into()).map_err(|e| e.to_string())?;
        }
        let batches = footer.recordBatches().iter().flatten().copied().collect();
        Ok(Self { seekable, decoder, schema, batches })
    }

    pub(in super::super) fn schema(&self) -> &Schema {
        &self.schema
    }
}

/// Reads a message and its body.
fn read(seekable: &Seekable, block: &Block) -> Result<Vec<u8>, String> {
    let length = |length: i64| u64::try_from(length).map_err(|_| DAMAGED.to_owned());
    let (start, head) = (length(block.offset())?, length(block.metaDataLength().into())?);
    let whole = head.saturating_add(length(block.bodyLength())?);
    if whole > BATCH_LIMIT_BYTES {
        return Err("a batch of it is too large, or the data is damaged".into());
    }
    let bytes = seekable.read(start, whole)?;
    let (head, body) = usize::try_from(head).ok().and_then(|head| bytes.split_at_checked(head)).ok_or(DAMAGED)?;
    let begins = if head.starts_with(&CONTINUATION) { START_BYTES } else { START_BYTES - CONTINUATION.len() };
    let message = root_as_message(head.get(begins..).ok_or(DAMAGED)?).map_err(|_| DAMAGED)?;
    check_packed(&message, body)?;
    Ok(bytes)
}

impl Iterator for FileReader {
    type Item = Result<RecordBatch, String>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let block = self.batches.pop_front()?;
            let read = unpanicked(|| {
                let bytes = read(&self.seekable, &block)?;
                self.decoder.read_record_batch(&block, &bytes.into()).map_err(|e| e.to_string())
            });
            let item = read.and_then(|read| read);
            if item.is_err() {
                self.batches.clear();
            }
            if let Some(item) = item.transpose() {
                return Some(item);
            }
        }
    }
}
