//! Rows of a csv or tsv table.
//!
//! Puts together [`super::records`], which cuts, [`super::columns`], which knows the mapping, and [`super::infer`], which
//! decides types. Invariant: a bad record is one bad row with the line it begins on, and no row is taken before the columns
//! that have no type yet were looked through.

use std::fs::File;
use std::sync::Arc;

use super::cell_type::{Look, look};
use super::columns::TableColumns;
use super::decompress::InputBytes;
use super::infer::{self, Evidence};
use super::mapping::Mapping;
use super::met::Met;
use super::progress::ReadProgress;
use super::records::{Dialect, TableRecords};
use super::text_columns::join_names;
use crate::error::{Advice, Error, Remark, Result};
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
        mapping: &Mapping,
        met: &Met,
    ) -> Result<Self> {
        let mut records = TableRecords::open(bytes, layout)?;
        let mapping = Arc::new(mapping.trimmed().among(|name| records.header().iter().any(|column| column == name)));
        let (mut columns, mut notices) = match TableColumns::resolve(records.header(), &mapping, &records.bytes) {
            Err(Error::BadInput { source, why, hint: Some(Advice::NameIdAndTextColumns(likely)) }) => {
                return Err(Error::BadInput { source, why, hint: Some(what_to_name(&mut records, likely)?) });
            }
            resolved => resolved?,
        };
        for notice in &mut notices {
            if let Some(Advice::NameTextColumn(likely @ None)) = &mut notice.advice {
                *likely = wordiest(&mut records)?.0;
            }
        }
        let mut untyped = columns.untyped();
        if !untyped.is_empty() {
            let mut ahead = match again {
                Some(file) => {
                    let source = Arc::clone(records.bytes.source());
                    let bytes = InputBytes::unpack(file, source, ReadProgress::new(None))?;
                    TableRecords::open(bytes.decoded(layout.encoding)?, layout)?
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

/// Says which columns to name, and in what the text is, so that one more try is enough.
fn what_to_name(records: &mut TableRecords, likely: Option<String>) -> Result<Advice> {
    let (wordiest, encoding) = wordiest(records)?;
    let name = Advice::NameIdAndTextColumns(likely.or(wordiest));
    Ok(encoding.map_or_else(|| name.clone(), |encoding| Advice::Both(Box::new(name.clone()), Box::new(encoding))))
}

/// Returns the column with the most text in the next rows, as an argument names it, and what is to be said of their encoding.
fn wordiest(records: &mut TableRecords) -> Result<(Option<String>, Option<Advice>)> {
    const ROWS: usize = 100;
    let mut ahead = records.start(ROWS, infer::HELD_BYTES)?;
    let mut lengths = vec![0; records.header().len()];
    let mut encoding = None;
    for _ in 0..ROWS {
        match ahead.next() {
            Ok(Some(record)) => {
                for (at, length) in lengths.iter_mut().enumerate() {
                    let cell = record.field(at);
                    *length += if look(cell) == Some(Look::Other) { cell.len() } else { 0 };
                }
            }
            Err(Error::BadRow { hint: Some(hint @ Advice::NameEncoding(_)), .. }) => encoding = Some(hint),
            Err(Error::BadRow { .. }) => {}
            Ok(None) | Err(_) => break,
        }
    }
    let most = records.header().iter().zip(lengths).filter(|(_, length)| *length > 0).max_by_key(|(_, length)| *length);
    Ok((most.map(|(name, _)| join_names(std::iter::once(name.as_str()))), encoding))
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
