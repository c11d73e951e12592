//! Embeddings as an npy matrix of little-endian f32, row by row.
//!
//! Invariant: the header says as many rows as follow.

use std::io::Write;

use huedb::error::{Error, Result};

use super::layout::BinaryLayout;
use crate::output::sink::{ShownQuestion, ShownRecord, Sink, written};

/// The numbers begin at a multiple of this.
const ALIGNMENT_BYTES: usize = 64;

/// Writes a matrix.
pub(super) struct NpySink<'w> {
    dimension: usize,
    rows_left: u64,
    row: Vec<u8>,
    out: &'w mut (dyn Write + 'w),
}

impl<'w> NpySink<'w> {
    pub(super) fn begin(layout: &BinaryLayout, out: &'w mut (dyn Write + 'w)) -> Result<Self> {
        let Some(dimension) = layout.dimension else {
            return Err(Error::argument("there are no embeddings to make a matrix of"));
        };
        written(out.write_all(&header(layout.rows, dimension)))?;
        Ok(Self { dimension, rows_left: layout.rows, row: Vec::new(), out })
    }
}

fn header(rows: u64, columns: usize) -> Vec<u8> {
    let text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    let start = b"\x93NUMPY\x01\x00";
    let length = (start.len() + 2 + text.len() + 1).next_multiple_of(ALIGNMENT_BYTES) - start.len() - 2;
    // Two numbers of at most 20 digits fit.
    let length_bytes = u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes();
    let padding = vec![b' '; length - 1 - text.len()];
    [start, &length_bytes[..], text.as_bytes(), &padding, b"\n"].concat()
}

impl Sink for NpySink<'_> {
    fn question(&mut self, _: &ShownQuestion<'_>) -> Result<()> {
        Ok(())
    }

    fn entry(&mut self, entry: ShownRecord<'_>) -> Result<()> {
        let embedding = entry.record.embedding.as_deref().unwrap_or_default();
        if embedding.len() != self.dimension || self.rows_left == 0 {
            let why = "its embedding does not fit the matrix".to_owned();
            return Err(Error::argument(why).of_record(entry.record.id.as_str()));
        }
        self.rows_left -= 1;
        self.row.clear();
        self.row.extend(embedding.iter().flat_map(|x| x.to_le_bytes()));
        written(self.out.write_all(&self.row))
    }

    fn end(self: Box<Self>) -> Result<()> {
        written(self.out.flush())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_that_of_numpy() {
        let bytes = header(3, 384);
        assert_eq!(bytes.len(), 128);
        assert_eq!(bytes[..10], *b"\x93NUMPY\x01\x00\x76\x00");
        assert!(bytes.ends_with(b" \n") && header(u64::MAX, usize::MAX).len().is_multiple_of(64));
    }
}
