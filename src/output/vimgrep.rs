//! Places in files as `grep` names them for editors: `path:line:column:text`, a line each.
//!
//! Invariant: a record takes one line, and one without a path takes none.

use std::io::Write;

use huedb::error::Result;

use super::sink::{ShownQuestion, ShownRecord, Sink, written};
use super::{FilePlace, Highlight};

/// Writes the place of each record that answers; the questions of a batch leave no mark.
pub(super) struct VimgrepSink<'w> {
    highlight: Highlight,
    out: &'w mut (dyn Write + 'w),
}

impl<'w> VimgrepSink<'w> {
    pub(super) fn new(out: &'w mut (dyn Write + 'w)) -> Self {
        Self { highlight: Highlight::default(), out }
    }
}

impl Sink for VimgrepSink<'_> {
    fn question(&mut self, _: &ShownQuestion<'_>) -> Result<()> {
        Ok(())
    }

    fn highlight(&mut self, what: Highlight) {
        self.highlight = what;
    }

    fn entry(&mut self, entry: ShownRecord<'_>) -> Result<()> {
        match FilePlace::of(entry.record, &self.highlight) {
            Some(FilePlace { path, line, column, text }) => {
                written(writeln!(self.out, "{path}:{line}:{column}:{text}"))
            }
            None => Ok(()),
        }
    }

    fn end(self: Box<Self>) -> Result<()> {
        written(self.out.flush())
    }
}
