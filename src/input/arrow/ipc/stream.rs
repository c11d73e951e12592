//! An Arrow stream: messages one after another, the schema first.
//!
//! Invariant: one message is held at a time.

use std::collections::VecDeque;

use arrow_array::RecordBatch;
use arrow_ipc::reader::StreamDecoder;
use arrow_ipc::root_as_message;
use arrow_schema::Schema;

use super::super::panic::unpanicked;
use super::{BATCH_LIMIT_BYTES, CONTINUATION, DAMAGED, START_BYTES, check_packed, schema};
use crate::error::Result;
use crate::input::decompress::InputBytes;

/// What ends a stream.
const END: [u8; START_BYTES] = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];
/// The longest description of a batch, which grows with the number of columns.
const HEAD_LIMIT_BYTES: usize = 256 << 20;

/// A stream of record batches.
pub(in super::super) struct StreamReader {
    bytes: InputBytes,
    decoder: StreamDecoder,
    schema: Schema,
    /// The decoder looks at a message without a body only when the next one has come.
    decoded: VecDeque<RecordBatch>,
    ended: bool,
}

impl StreamReader {
    /// Reads up to the schema.
    pub(in super::super) fn open(bytes: InputBytes) -> Result<Self> {
        let (decoder, schema) = (StreamDecoder::new(), Schema::empty());
        let mut this = Self { bytes, decoder, schema, decoded: VecDeque::new(), ended: false };
        let opened = this.message().and_then(|first| {
            let first = first.ok_or("it has no schema")?;
            this.schema = unpanicked(|| schema_of(&first))??;
            this.decode(first)
        });
        opened.map_err(|why| this.bytes.bad(format!("cannot be read: {why}"), None))?;
        Ok(this)
    }

    pub(in super::super) fn schema(&self) -> &Schema {
        &self.schema
    }

    fn decode(&mut self, message: Vec<u8>) -> Result<(), String> {
        unpanicked(|| {
            let mut message = message.into();
            while let Some(batch) = self.decoder.decode(&mut message).map_err(|e| e.to_string())? {
                self.decoded.push_back(batch);
            }
            Ok(())
        })?
    }

    /// Returns the next message with its body, as the decoder takes it; `None` at the end.
    fn message(&mut self) -> Result<Option<Vec<u8>>, String> {
        let mut start = [0; START_BYTES];
        let read = self.bytes.read_full(&mut start).map_err(|e| e.to_string())?;
        let (mark, length) = start.split_at(4);
        let is_message = read == start.len() && mark == CONTINUATION;
        let length = u32::from_le_bytes(length.try_into().unwrap_or_default()) as usize;
        if is_message && length == 0 {
            return Ok(None);
        }
        if !is_message {
            // The mark of an end may be missing.
            return if read == 0 { Ok(None) } else { Err("the data is cut off or damaged".into()) };
        }
        let mut message = start.to_vec();
        if length > HEAD_LIMIT_BYTES {
            return Err(DAMAGED.into());
        }
        self.append(&mut message, length as u64)?;
        let head = message.get(start.len()..).unwrap_or_default().to_vec();
        let head = root_as_message(&head).map_err(|_| DAMAGED)?;
        let body_bytes = u64::try_from(head.bodyLength()).ok().filter(|&bytes| bytes <= BATCH_LIMIT_BYTES);
        let body_bytes = body_bytes.ok_or("a batch of it is too large, or the data is damaged")?;
        let body = message.len();
        self.append(&mut message, body_bytes)?;
        check_packed(&head, message.get(body..).unwrap_or_default())?;
        Ok(Some(message))
    }

    fn append(&mut self, message: &mut Vec<u8>, mut length: u64) -> Result<(), String> {
        while length > 0 {
            let block = self.bytes.fill().map_err(|e| e.to_string())?;
            let n = usize::try_from(length).map_or(block.len(), |length| block.len().min(length));
            if n == 0 {
                return Err("the data is cut off".into());
            }
            message.extend_from_slice(block.get(..n).unwrap_or_default());
            self.bytes.consume(n);
            length -= n as u64;
        }
        Ok(())
    }
}

fn schema_of(message: &[u8]) -> Result<Schema, String> {
    let head = message.get(START_BYTES..).unwrap_or_default();
    schema(root_as_message(head).ok().and_then(|head| head.header_as_schema()))
}

impl Iterator for StreamReader {
    type Item = Result<RecordBatch, String>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.decoded.is_empty() && !self.ended {
            let read = self.message().and_then(|message| {
                self.ended = message.is_none();
                self.decode(message.unwrap_or_else(|| END.to_vec()))
            });
            if let Err(why) = read {
                self.ended = true;
                return Some(Err(why));
            }
        }
        self.decoded.pop_front().map(Ok)
    }
}
