//! Rows of a csv or tsv table.
//!
//! Puts together [`super::records`], which cuts, [`super::columns`], which knows the mapping, and [`super::infer`], which
//! decides types. Invariant: a bad record is one bad row with the line it begins on, and no row is taken before the columns
//! that have no type yet were looked through.

use std::fs::File;
use std::sync::Arc;

use super::columns::TableColumns;
use super::decompress::InputBytes;
use super::infer::{self, Evidence};
use super::mapping::Mapping;
use super::met::Met;
use super::progress::ReadProgress;
use super::records::{Dialect, TableRecords};
use crate::error::{Error, Remark, Result};
use crate::record::{NewRecord, Origin};

/// The rows of a table.
pub(super) struct CsvRows {
    records: TableRecords,
    columns: TableColumns,
    mapping: Arc<Mapping>,
    notices: Vec<Remark>,
}

impl CsvRows {
    /// Reads the header, applies the mapping to it, and decides the types of its columns; `again` is the same input from its
    /// beginning where that can be read twice.
    pub(super) fn open(
        bytes: InputBytes,
        again: Option<File>,
        layout: Dialect<'_>,
        mapping: Arc<Mapping>,
        met: &Met,
    ) -> Result<Self> {
        let mut records = TableRecords::open(bytes, layout)?;
        let (mut columns, mut notices) = TableColumns::resolve(records.header(), &mapping, &records.bytes)?;
        let mut untyped = columns.untyped();
        if !untyped.is_empty() {
            let mut ahead = match again {
                Some(file) => {
                    let source = Arc::clone(records.bytes.source());
                    TableRecords::open(InputBytes::unpack(file, source, ReadProgress::new(None))?, layout)?
                }
                None => records.start(infer::ROWS, infer::HELD_BYTES)?,
            };
            look_through(&mut ahead, &mut untyped);
            let source = records.bytes.source();
            for (at, name, evidence) in untyped {
                let inferred = evidence.decide();
                columns.decide(at, inferred);
                notices.extend(evidence.notice(&name).map(|notice| notice.of(format_args!("{source}:"))));
                if evidence.is_any() {
                    notices.extend(met.column(&name, inferred, source));
                }
            }
        }
        Ok(Self { records, columns, mapping, notices })
    }

    /// Returns what the user should know and was not told yet.
    pub(super) fn take_notices(&mut self) -> Vec<Remark> {
        std::mem::take(&mut self.notices)
    }

    /// Returns the next row.
    pub(super) fn next(&mut self) -> Result<Option<NewRecord>> {
        let source = Arc::clone(self.records.bytes.source());
        let Some(record) = self.records.next()? else { return Ok(None) };
        let line = record.line;
        let row = self.columns.parts(&record, &self.mapping).and_then(|parts| {
            let origin = Origin { source: Arc::clone(&source), line };
            parts.into_row(&self.mapping, origin)
        });
        row.map(Some).map_err(|why| Error::bad_row(source, line, why))
    }
}

/// Looks at the cells of columns; what is wrong with the input is told when its rows are read.
fn look_through(records: &mut TableRecords, columns: &mut [(usize, String, Evidence)]) {
    for _ in 0..infer::ROWS {
        match records.next() {
            Ok(Some(record)) => {
                for (at, _, evidence) in &mut *columns {
                    evidence.add(record.field(*at), record.line);
                }
            }
            Err(Error::BadRow { .. }) => {}
            Ok(None) | Err(_) => break,
        }
    }
}
