//! Ids as lines, for other commands to read.
//!
//! Ids are written exactly; one that holds a newline needs the NUL terminator to be told apart.

use std::io::Write;

use huedb::error::Result;

use super::sink::{ShownQuestion, ShownRecord, Sink, written};

/// Writes each id and a terminator; the questions of a batch leave no mark.
pub(super) struct IdSink<'w> {
    terminator: u8,
    out: &'w mut (dyn Write + 'w),
}

impl<'w> IdSink<'w> {
    pub(super) fn new(terminator: u8, out: &'w mut (dyn Write + 'w)) -> Self {
        Self { terminator, out }
    }
}

impl Sink for IdSink<'_> {
    fn question(&mut self, _: &ShownQuestion<'_>) -> Result<()> {
        Ok(())
    }

    fn entry(&mut self, entry: ShownRecord<'_>) -> Result<()> {
        written(self.out.write_all(entry.record.id.as_str().as_bytes()))?;
        written(self.out.write_all(&[self.terminator]))
    }

    fn end(self: Box<Self>) -> Result<()> {
        written(self.out.flush())
    }
}
