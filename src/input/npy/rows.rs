//! Rows whose embeddings are those of an npy matrix, and whose other parts stand in a file beside it.
//!
//! Invariant: the row of the matrix and that of the file beside it have the same number, bad rows counted; where both are
//! files, that they hold as many rows is known before the first is read.

use std::path::Path;
use std::sync::Arc;

use super::header::MatrixHeader;

use crate::error::{Advice, Error, Remark, Result};
use crate::input::decompress::InputBytes;
use crate::input::embedding;
use crate::input::lines::{LineReader, TextPiece};
use crate::input::mapping::{IdFrom, Mapping, RowParts};
use crate::input::met::OnDuplicate;
use crate::input::options::{InputOptions, MatrixIds};
use crate::input::progress::ReadProgress;
use crate::input::source::InputSource;
use crate::record::{NewRecord, Origin};

/// The rows of the file beside a matrix.
pub(in crate::input) trait BesideRows: Iterator<Item = Result<NewRecord>> + Send {
    /// Returns what the user should know and was not told yet.
    fn take_notices(&mut self) -> Vec<Remark>;
}

/// Opens the file beside a matrix.
pub(in crate::input) type OpenBeside = fn(&InputSource, InputOptions) -> Result<Box<dyn BesideRows>>;

/// The rows of a matrix.
pub(in crate::input) struct NpyRows {
    bytes: InputBytes,
    header: MatrixHeader,
    beside: MatrixSource,
    mapping: Arc<Mapping>,
    /// Bytes of a row.
    row: Vec<u8>,
    read: u64,
}

enum MatrixSource {
    /// Ids are made from the embeddings.
    Nothing,
    Ids(LineReader),
    Rows(Box<dyn BesideRows>),
}

impl NpyRows {
    /// Reads the header and looks at what is beside; `size_bytes` is that of the file where it is one.
    pub(in crate::input) fn open(
        mut bytes: InputBytes,
        size_bytes: Option<u64>,
        options: &InputOptions,
        open_rows: OpenBeside,
    ) -> Result<Self> {
        let header = MatrixHeader::read(&mut bytes)?;
        let row_bytes = header.row_bytes().filter(|&bytes| bytes <= options.row_limit_bytes);
        let Some(row_bytes) = row_bytes else {
            return Err(bytes.bad(format!("has rows of {} numbers, which are too long", header.columns), None));
        };
        let said = header.rows.saturating_mul(row_bytes as u64).saturating_add(header.bytes);
        if let Some(size) = size_bytes.filter(|&size| size != said && !bytes.is_packed()) {
            return Err(bytes.bad(format!("has {size} bytes where its {} rows take {said}", header.rows), None));
        }
        let open = |beside: &MatrixIds| -> Result<MatrixSource> {
            let rows = match beside {
                MatrixIds::Ids(path) => count(lines(path, options)?, |lines| Ok(lines.next()?.map(drop)))?,
                MatrixIds::Rows(InputSource::Stdin(_)) => header.rows,
                MatrixIds::Rows(source) => count(beside_rows(source, options, open_rows)?, |rows| {
                    rows.next().transpose().map(|row| row.map(drop))
                })?,
            };
            if rows != header.rows {
                return Err(mismatch(&bytes, header.rows, rows, beside));
            }
            Ok(match beside {
                MatrixIds::Ids(path) => MatrixSource::Ids(lines(path, options)?),
                MatrixIds::Rows(source) => MatrixSource::Rows(beside_rows(source, options, open_rows)?),
            })
        };
        let beside = match &options.beside {
            Some(beside) => open(beside)?,
            None if options.mapping.id == IdFrom::Content => MatrixSource::Nothing,
            None => {
                return Err(bytes.bad("is a matrix, and its rows have no ids", Some(Advice::GiveMatrixIds)));
            }
        };
        let mapping = Arc::new(options.mapping.clone());
        Ok(Self { bytes, header, beside, mapping, row: vec![0; row_bytes], read: 0 })
    }

    /// Returns the next row.
    pub(in crate::input) fn next(&mut self) -> Result<Option<NewRecord>> {
        if self.read == self.header.rows {
            return self.end().map(|()| None);
        }
        if self.bytes.read_full(&mut self.row)? < self.row.len() {
            return Err(self.bytes.bad(format!("is cut off after {} of {} rows", self.read, self.header.rows), None));
        }
        self.read += 1;
        let embedding = embedding::checked(self.header.numbers(&self.row));
        let origin = Origin { source: Arc::clone(self.bytes.source()), line: self.read };
        let row = match &mut self.beside {
            MatrixSource::Nothing => Some(RowParts::default()),
            MatrixSource::Ids(lines) => lines.next()?.map(|TextPiece { text, .. }| RowParts {
                id: Some(text.strip_suffix('\r').unwrap_or(text).to_owned()),
                ..RowParts::default()
            }),
            MatrixSource::Rows(rows) => match rows.next().transpose()? {
                Some(NewRecord { embedding: Some(_), origin, .. }) => {
                    let why = "has its own embedding besides that of the matrix";
                    return Err(Error::bad_row(origin.source, origin.line, why));
                }
                Some(row) => {
                    let embedding = embedding.map_err(|why| self.bytes.bad_row(self.read, why))?;
                    return Ok(Some(NewRecord { embedding: Some(embedding), ..row }));
                }
                None => None,
            },
        };
        let Some(parts) = row else { return Err(self.bytes.bad("has more rows than its companion file", None)) };
        let row = embedding
            .map_err(Into::into)
            .and_then(|embedding| RowParts { embedding: Some(embedding), ..parts }.into_row(&self.mapping, origin));
        row.map(Some).map_err(|why| self.bytes.bad_row(self.read, why))
    }

    fn end(&mut self) -> Result<()> {
        let more = match &mut self.beside {
            MatrixSource::Nothing => false,
            MatrixSource::Ids(lines) => lines.next()?.is_some(),
            MatrixSource::Rows(rows) => rows.next().is_some(),
        };
        if more {
            return Err(self.bytes.bad(format!("has {} rows, its companion file more", self.header.rows), None));
        }
        if self.bytes.fill()?.is_empty() { Ok(()) } else { Err(self.bytes.bad("has data after its rows", None)) }
    }

    /// Returns what the user should know and was not told yet.
    pub(in crate::input) fn take_notices(&mut self) -> Vec<Remark> {
        match &mut self.beside {
            MatrixSource::Rows(rows) => rows.take_notices(),
            MatrixSource::Nothing | MatrixSource::Ids(_) => Vec::new(),
        }
    }
}

fn lines(path: &Path, options: &InputOptions) -> Result<LineReader> {
    let name = path.display().to_string();
    let file = std::fs::File::open(path).map_err(|e| Error::io(format!("read {name}"), e))?;
    Ok(LineReader::new(InputBytes::open(file, name.into(), ReadProgress::new(None))?, options.row_limit_bytes))
}

fn beside_rows(source: &InputSource, options: &InputOptions, open: OpenBeside) -> Result<Box<dyn BesideRows>> {
    // The format asked for, if any, is that of the matrix.
    let mapping = Mapping { expects_content: false, ..options.mapping.clone() };
    // Both are read row by row, so that none of these may be left out.
    let (only_tables, on_duplicate) = (None, OnDuplicate::Last);
    let options = InputOptions { format: None, mapping, beside: None, only_tables, on_duplicate, ..options.clone() };
    open(source, options)
}

/// Counts items; a bad one is an item.
fn count<T>(mut items: T, mut next: impl FnMut(&mut T) -> Result<Option<()>>) -> Result<u64> {
    let mut counted = 0;
    loop {
        match next(&mut items) {
            Ok(None) => return Ok(counted),
            Ok(Some(())) | Err(Error::BadRow { .. }) => counted += 1,
            Err(error) => return Err(error),
        }
    }
}

fn mismatch(bytes: &InputBytes, rows: u64, beside_rows: u64, beside: &MatrixIds) -> Error {
    let name = match beside {
        MatrixIds::Ids(path) | MatrixIds::Rows(InputSource::File(path) | InputSource::Folder(path)) => {
            path.display().to_string()
        }
        MatrixIds::Rows(InputSource::Stdin(_)) => "-".into(),
        MatrixIds::Rows(InputSource::Glob { base, pattern }) => base.join(pattern).display().to_string(),
        MatrixIds::Rows(InputSource::Files(files)) => format!("the list of {} files", files.len()),
    };
    bytes
        .bad(format!("has {rows} rows, but {name} has {beside_rows}"), Some("both hold one row for each record".into()))
}
