//! The lines of a dump ([`DumpLine`]), as bytes.
//!
//! Knows nothing of the store. Invariant: embeddings are base64 of their bits, every other float the shortest text that
//! parses back to them.

use std::io::Write;

use base64::display::Base64Display;
use base64::prelude::BASE64_STANDARD;
use huedb::error::Result;
use huedb::record::{DumpLine, DumpRecord, Metadata, RecordId};
use serde::Serialize;

use super::sink::written;

/// A record's line.
#[derive(Serialize)]
struct DumpRecordLine<'a> {
    id: &'a RecordId,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Metadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<&'a str>,
    embedding: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    embedded_here: bool,
}

/// Writes a dump line by line.
pub(crate) struct DumpWriter<'w> {
    out: &'w mut (dyn Write + 'w),
    line: Vec<u8>,
}

impl<'w> DumpWriter<'w> {
    /// Begins with no line.
    #[must_use]
    pub(crate) fn new(out: &'w mut (dyn Write + 'w)) -> Self {
        Self { out, line: Vec::new() }
    }

    /// Writes a line that is no record.
    ///
    /// # Errors
    /// [`huedb::error::Error::Io`] when the output cannot be written.
    pub(crate) fn line(&mut self, line: &DumpLine) -> Result<()> {
        self.put(line)
    }

    /// Writes a record of the collection written last.
    ///
    /// # Errors
    /// [`huedb::error::Error::Io`] when the output cannot be written.
    pub(crate) fn record(&mut self, dumped: &DumpRecord) -> Result<()> {
        let DumpRecord { record, embedded_here } = dumped;
        let bits: Vec<u8> = record.embedding.iter().flatten().flat_map(|x| x.to_le_bytes()).collect();
        self.put(&DumpRecordLine {
            id: &record.id,
            document: record.document.as_deref(),
            metadata: record.metadata.as_ref(),
            uri: record.uri.as_deref(),
            embedding: Base64Display::new(&bits, &BASE64_STANDARD).to_string(),
            embedded_here: *embedded_here,
        })
    }

    fn put(&mut self, line: &impl Serialize) -> Result<()> {
        self.line.clear();
        written(serde_json::to_writer(&mut self.line, line).map_err(Into::into))?;
        self.line.push(b'\n');
        written(self.out.write_all(&self.line))
    }
}
