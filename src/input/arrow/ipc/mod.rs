//! Record batches of Arrow's IPC formats: the stream, which is read as it comes, and the file, which is read from its end.
//!
//! Invariant: no length that the data claims is allocated before it is known to be bounded by what is there.

mod file;
mod stream;

use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::{Message, Schema as IpcSchema};
use arrow_schema::Schema;

pub(super) use file::FileReader;
pub(super) use stream::StreamReader;

/// What precedes the length of a message.
const CONTINUATION: [u8; 4] = [0xff; 4];
/// Bytes of that mark and the length.
const START_BYTES: usize = 8;
/// The most that a batch may take, packed or not.
const BATCH_LIMIT_BYTES: u64 = 4 << 30;
/// Bytes of the length that precedes a packed buffer.
const PREFIX_BYTES: usize = 8;

const DAMAGED: &str = "the data is damaged";

fn schema(schema: Option<IpcSchema>) -> Result<Schema, String> {
    let schema = schema.ok_or("it has no schema")?;
    if !schema.endianness().equals_to_target_endianness() {
        return Err("its numbers are in another machine's byte order".into());
    }
    try_fb_to_schema(schema).map_err(|e| e.to_string())
}

/// Refuses packed buffers that claim to unpack to more than memory could hold.
fn check_packed(head: &Message, body: &[u8]) -> Result<(), String> {
    let batch = head.header_as_record_batch().or_else(|| head.header_as_dictionary_batch()?.data());
    let Some(batch) = batch.filter(|batch| batch.compression().is_some()) else { return Ok(()) };
    let mut unpacked: u64 = 0;
    for buffer in batch.buffers().iter().flatten() {
        let prefix = usize::try_from(buffer.offset()).ok().and_then(|start| body.get(start..)?.first_chunk());
        let Some(prefix): Option<&[u8; PREFIX_BYTES]> = prefix.filter(|_| buffer.length() > 0) else { continue };
        // -1 stands before what is not packed.
        let claimed = u64::try_from(i64::from_le_bytes(*prefix).max(0)).unwrap_or_default();
        unpacked = unpacked.saturating_add(claimed);
    }
    if unpacked > BATCH_LIMIT_BYTES {
        return Err("a batch of it unpacks to too much, or the data is damaged".into());
    }
    Ok(())
}
