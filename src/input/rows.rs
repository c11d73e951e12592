//! The rows of an input, one file after another.
//!
//! Does not know what becomes of a row. Invariant: [`Error::BadRow`] is about one row and the next call goes on
//! after it; any other error is the last item.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;

#[cfg(feature = "arrow")]
use super::arrow::ArrowRows;
use super::csv::CsvRows;
use super::decompress::Bytes;
use super::format::{Format, table_of_head};
use super::json::{JsonRows, Values};
use super::mapping::{IdFrom, Mapping, Parts};
use super::npy::{Beside, NpyRows};
use super::progress::Progress;
use super::source::{Entry, Source};
use super::stdin::Stdin;
use crate::error::{Error, Result};
use crate::record::{Origin, Row};

/// The longest row that is read, so that a hostile input cannot take all memory.
pub const ROW_LIMIT_BYTES: usize = 256 << 20;

/// How an input is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The format; `None` to guess it from the name or the first block.
    pub format: Option<Format>,
    /// What the parts of a record are called.
    pub mapping: Mapping,
    /// Where the rows of an npy matrix have their ids from.
    pub beside: Option<Beside>,
    /// The longest row.
    pub row_limit_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { format: None, mapping: Mapping::default(), beside: None, row_limit_bytes: ROW_LIMIT_BYTES }
    }
}

/// The rows of an input, read as they are asked for.
pub struct Rows {
    options: Options,
    mapping: Arc<Mapping>,
    files: std::vec::IntoIter<Entry>,
    /// Whether a file that cannot be read is a bad row, as in a folder.
    many: bool,
    open: Option<Open>,
    progress: Arc<Progress>,
    notices: Vec<String>,
    skipped: Vec<SkippedFile>,
    ended: bool,
}

/// A file of a folder or glob that is passed over, since it is no text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedFile {
    /// The file.
    pub path: String,
    /// What it is instead.
    pub why: String,
}

enum Open {
    Csv(Box<CsvRows>),
    Json(JsonRows),
    #[cfg(feature = "arrow")]
    Arrow(Box<ArrowRows>),
    Npy(Box<NpyRows>),
    Text(Box<Row>),
}

impl Rows {
    /// Opens an input.
    ///
    /// # Errors
    /// [`Error::BadInput`] or [`Error::Io`] when it cannot be read or the mapping does not fit its header.
    pub fn open(source: &Source, options: Options) -> Result<Self> {
        Self::open_counted(source, options, Progress::new(source.size_bytes()?))
    }

    /// Opens an input whose bytes are counted with those of others.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_counted(source: &Source, options: Options, progress: Arc<Progress>) -> Result<Self> {
        let many = matches!(source, Source::Folder(_) | Source::Glob { .. } | Source::Files(_));
        let mut rows = Self::over(source.entries()?, many, progress, options)?;
        match source {
            Source::Stdin => rows.open_stream(Stdin, "-")?,
            // One file is opened at once so that what is wrong with it is known before the first row.
            Source::File(_) => rows.open_next()?,
            Source::Folder(_) | Source::Glob { .. } | Source::Files(_) => {}
        }
        Ok(rows)
    }

    /// Reads a stream as standard input would be; `name` stands for it in messages.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn from_reader(reader: impl Read + Send + 'static, name: &str, options: Options) -> Result<Self> {
        let mut rows = Self::over(Vec::new(), false, Progress::new(None), options)?;
        rows.open_stream(reader, name)?;
        Ok(rows)
    }

    fn over(files: Vec<Entry>, many: bool, progress: Arc<Progress>, options: Options) -> Result<Self> {
        options.mapping.check()?;
        let mapping = Arc::new(options.mapping.clone());
        let files = files.into_iter();
        Ok(Self {
            options,
            mapping,
            files,
            many,
            open: None,
            progress,
            notices: Vec::new(),
            skipped: Vec::new(),
            ended: false,
        })
    }

    /// Returns the bytes read and to read, which another thread may watch.
    #[must_use]
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// Returns what the user should know and was not told yet, such as fields that are left out.
    pub fn take_notices(&mut self) -> Vec<String> {
        let mut notices = std::mem::take(&mut self.notices);
        match &mut self.open {
            Some(Open::Csv(rows)) => notices.append(&mut rows.take_notices()),
            Some(Open::Json(rows)) => notices.append(&mut rows.take_notices()),
            #[cfg(feature = "arrow")]
            Some(Open::Arrow(rows)) => notices.append(&mut rows.take_notices()),
            Some(Open::Npy(rows)) => notices.append(&mut rows.take_notices()),
            Some(Open::Text(_)) | None => {}
        }
        notices
    }

    /// Returns the files passed over that were not told yet.
    pub fn take_skipped(&mut self) -> Vec<SkippedFile> {
        std::mem::take(&mut self.skipped)
    }

    fn open_stream(&mut self, reader: impl Read + Send + 'static, name: &str) -> Result<()> {
        let mut bytes = Bytes::unpack(reader, name.into(), self.progress())?;
        let open = if let Some(format) = self.binary_format(&mut bytes, None)? {
            self.start_binary(bytes, format, None)?
        } else {
            let format = format_of_stream(&mut bytes, self.options.format)?;
            self.start(bytes, format, Ok(name), "")?
        };
        self.open = Some(open);
        Ok(())
    }

    /// Opens the next file; leaves `open` empty when there is none.
    fn open_next(&mut self) -> Result<()> {
        self.notices = self.take_notices();
        self.open = None;
        while let Some(entry) = self.files.next() {
            match self.open_entry(&entry) {
                Err(Error::NotText { source, why, .. }) if self.many => {
                    self.skipped.push(SkippedFile { path: source, why });
                }
                opened => {
                    self.open = Some(opened.map_err(|e| if self.many { as_row_error(e, &entry) } else { e })?);
                    break;
                }
            }
        }
        Ok(())
    }

    fn open_entry(&self, entry: &Entry) -> Result<Open> {
        let name = entry.path.display().to_string();
        let file = File::open(&entry.path).map_err(|e| Error::io(format!("read {name}"), e))?;
        let again = file.try_clone().map_err(|e| Error::io(format!("read {name}"), e))?;
        let mut bytes = Bytes::unpack(file, name.as_str().into(), self.progress())?;
        let named = Format::of_path(&entry.path);
        if let Some(format) = self.binary_format(&mut bytes, named)? {
            return self.start_binary(bytes, format, entry.size_bytes.map(|size| (again, size)));
        }
        let format = match (self.options.format, named) {
            (Some(format), _) => format,
            (None, _) if self.many => Format::Text,
            (None, Some(format)) if entry.size_bytes.is_some() => format,
            (None, _) if entry.size_bytes.is_some() => Format::of_head(bytes.fill()?, Format::Text),
            (None, _) => format_of_stream(&mut bytes, None)?,
        };
        self.start(bytes, format, entry.id.as_deref(), &name)
    }

    /// Returns which format that is no text these bytes are in.
    ///
    /// # Errors
    /// [`Error::BadInput`] when they are not what was said, or neither text nor a format that is read.
    fn binary_format(&self, bytes: &mut Bytes, named: Option<Format>) -> Result<Option<Format>> {
        let found = Format::of_magic(bytes.fill()?);
        if self.options.beside.is_some() && found != Some(Format::Npy) {
            return Err(bytes.bad("is not a NumPy file", Some("--ids and --rows say what the rows of one are")));
        }
        match (self.options.format.or(named.filter(|named| named.is_binary())), found) {
            (Some(said), Some(found)) if said != found && self.options.format.is_some() => {
                let hint = "leave --format out: what a file is stands in its first bytes";
                Err(bytes.bad(format!("is a file of the format {found}, not {said}"), Some(hint)))
            }
            (_, Some(found)) => Ok(Some(found)),
            (Some(said), None) if said.is_binary() => {
                let hint = "name what it is with --format";
                Err(bytes.bad(format!("is not a file of the format {said}"), Some(hint)))
            }
            _ => bytes.refuse_binary().map(|()| None),
        }
    }

    /// Begins to read what is no text; of a file its size is known, and it can be read at any place.
    fn start_binary(&self, bytes: Bytes, format: Format, file: Option<(File, u64)>) -> Result<Open> {
        if format == Format::Npy {
            let size_bytes = file.map(|(_, size)| size);
            return NpyRows::open(bytes, size_bytes, &self.options).map(|rows| Open::Npy(Box::new(rows)));
        }
        #[cfg(feature = "arrow")]
        {
            let (file, mapping) = (file.map(|(file, _)| file), Arc::clone(&self.mapping));
            let rows = ArrowRows::open(bytes, file, format, mapping, self.progress())?;
            Ok(Open::Arrow(Box::new(rows)))
        }
        #[cfg(not(feature = "arrow"))]
        Err(bytes.bad(
            format!("is a file of the format {format}, which this huedb was built without"),
            Some("build it with the feature arrow"),
        ))
    }

    fn start(&self, bytes: Bytes, format: Format, id: Result<&str, &String>, uri: &str) -> Result<Open> {
        let (mapping, limit_bytes) = (Arc::clone(&self.mapping), self.options.row_limit_bytes);
        Ok(match format {
            Format::Csv | Format::Tsv => Open::Csv(Box::new(CsvRows::open(bytes, format, mapping, limit_bytes)?)),
            Format::Json | Format::Jsonl => {
                Open::Json(JsonRows::new(Values::open(bytes, format, limit_bytes), mapping))
            }
            Format::Text => Open::Text(Box::new(self.text_row(bytes, id, uri)?)),
            Format::Parquet | Format::Arrow | Format::Npy => self.start_binary(bytes, format, None)?,
        })
    }

    /// Makes the one row of a text file: its path is the id, and its uri the way to open it.
    fn text_row(&self, mut bytes: Bytes, id: Result<&str, &String>, uri: &str) -> Result<Row> {
        let text = bytes.read_all(self.options.row_limit_bytes)?;
        let not_text = "choose text files with a glob such as 'docs/**/*.md'";
        if memchr::memchr(0, &text).is_some() {
            return Err(bytes.no_text("holds a NUL byte, so it is not text", not_text));
        }
        let document = String::from_utf8(text)
            .map_err(|e| bytes.no_text(super::lines::not_utf8(e.as_bytes(), e.utf8_error()), not_text))?;
        let id = match self.mapping.id {
            IdFrom::Content => None,
            IdFrom::Column(_) => Some(id.map_err(|why| bytes.bad(why.as_str(), None))?.to_owned()),
        };
        let uri = Some(uri.to_owned()).filter(|uri| !uri.is_empty());
        let parts = Parts { id, document: Some(document), uri, ..Parts::default() };
        let origin = Origin { source: Arc::clone(bytes.source()), line: 0 };
        parts.into_row(&self.mapping, origin).map_err(|why| bytes.bad(why, None))
    }

    fn read(&mut self) -> Result<Option<Row>> {
        loop {
            let row = match self.open.take() {
                Some(Open::Text(row)) => return Ok(Some(*row)),
                Some(mut open) => {
                    let row = match &mut open {
                        Open::Csv(rows) => rows.next(),
                        Open::Json(rows) => rows.next(),
                        #[cfg(feature = "arrow")]
                        Open::Arrow(rows) => rows.next(),
                        Open::Npy(rows) => rows.next(),
                        Open::Text(_) => Ok(None),
                    };
                    self.open = Some(open);
                    row?
                }
                None => None,
            };
            if row.is_some() {
                return Ok(row);
            }
            self.open_next()?;
            if self.open.is_none() {
                return Ok(None);
            }
        }
    }
}

impl Iterator for Rows {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Result<Row>> {
        if self.ended {
            return None;
        }
        let item = self.read().transpose();
        self.ended = !matches!(item, Some(Ok(_) | Err(Error::BadRow { .. })));
        item
    }
}

/// Guesses the format of a stream that has no name.
fn format_of_stream(bytes: &mut Bytes, given: Option<Format>) -> Result<Format> {
    if let Some(format) = given {
        return Ok(format);
    }
    let head = bytes.fill()?;
    Ok(Format::of_head(head, table_of_head(head)))
}

/// Makes what is wrong with one file of many a bad row, so that the others can be read.
fn as_row_error(error: Error, entry: &Entry) -> Error {
    let source = entry.path.display().to_string();
    let why = match &error {
        Error::BadRow { .. } => return error,
        Error::BadInput { why, hint: Some(hint), .. } => format!("{why}; {hint}"),
        Error::BadInput { why, .. } => why.clone(),
        Error::Io { source, .. } => format!("cannot be read: {source}"),
        other => other.to_string(),
    };
    Error::BadRow { source, line: 0, why }
}
