//! Rows of a csv or tsv table.
//!
//! Puts together [`super::records`], which cuts, and [`super::columns`], which knows the mapping. Invariant: a bad
//! record is one bad row with the line it begins on.

use std::sync::Arc;

use super::columns::Columns;
use super::decompress::Bytes;
use super::format::Format;
use super::mapping::Mapping;
use super::records::Records;
use crate::error::{Error, Result};
use crate::record::{Origin, Row};

/// The rows of a table.
pub(super) struct CsvRows {
    records: Records,
    columns: Columns,
    mapping: Arc<Mapping>,
    notices: Vec<String>,
}

impl CsvRows {
    /// Reads the header and applies the mapping to it.
    pub(super) fn open(bytes: Bytes, format: Format, mapping: Arc<Mapping>, limit_bytes: usize) -> Result<Self> {
        let records = Records::open(bytes, format, limit_bytes)?;
        let (columns, notices) = Columns::resolve(records.header(), &mapping, &records.bytes)?;
        Ok(Self { records, columns, mapping, notices })
    }

    /// Returns what the user should know and was not told yet.
    pub(super) fn take_notices(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notices)
    }

    /// Returns the next row.
    pub(super) fn next(&mut self) -> Result<Option<Row>> {
        let source = Arc::clone(self.records.bytes.source());
        let Some(record) = self.records.next()? else { return Ok(None) };
        let line = record.line;
        let row = self.columns.parts(&record).and_then(|parts| {
            let origin = Origin { source: Arc::clone(&source), line };
            parts.into_row(&self.mapping, origin)
        });
        row.map(Some).map_err(|why| Error::BadRow { source: source.to_string(), line, why })
    }
}
