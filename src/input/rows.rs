//! The rows of an input, one file after another.
//!
//! Does not know what becomes of a row. Invariant: [`Error::BadRow`] is about one row and the next call goes on
//! after it; any other error is the last item.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

#[cfg(feature = "arrow")]
use super::arrow::ArrowRows;
use super::csv::CsvRows;
use super::decompress::InputBytes;
use super::folder::what_helps;
use super::format::{InputFormat, is_tabbed, looks_like_table, table_of_head};
use super::html;
use super::json::{JsonRows, Values};
use super::lines::{LineReader, LineRows, not_utf8};
use super::mapping::{IdFrom, Mapping, RowParts};
use super::met::Met;
use super::npy::{BesideRows, NpyRows};
use super::options::InputOptions;
use super::progress::ReadProgress;
use super::records::Dialect;
use super::source::{InputSource, SourceFile};
#[cfg(feature = "foreign")]
use super::sql::SqlRows;
use crate::error::{Advice, Error, Remark, Result};
use crate::record::{NewRecord, Origin};

/// The rows of an input, read as they are asked for.
pub struct InputRows {
    options: InputOptions,
    mapping: Arc<Mapping>,
    files: std::vec::IntoIter<SourceFile>,
    /// Whether a file that cannot be read is a bad row, as in a folder.
    many: bool,
    /// Whether the files were chosen as text.
    texts: bool,
    open: Option<OpenInput>,
    met: Arc<Met>,
    progress: Arc<ReadProgress>,
    notices: Vec<Remark>,
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
    /// What to do about it, where something can be done.
    pub advice: Option<Advice>,
}

enum OpenInput {
    Csv(Box<CsvRows>),
    Json(JsonRows),
    #[cfg(feature = "arrow")]
    Arrow(Box<ArrowRows>),
    Npy(Box<NpyRows>),
    Lines(LineRows),
    Text(Box<NewRecord>),
}

impl InputRows {
    /// Opens an input.
    ///
    /// # Errors
    /// [`Error::BadInput`] or [`Error::Io`] when it cannot be read or the mapping does not fit its header.
    pub fn open(source: &InputSource, options: InputOptions) -> Result<Self> {
        Self::open_among(source, options, Arc::default())
    }

    /// Opens an input that is one of several, whose ids and types are to be known together.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_among(source: &InputSource, options: InputOptions, met: Arc<Met>) -> Result<Self> {
        Self::open_counted(source, options, ReadProgress::new(source.size_bytes()?), met)
    }

    /// Opens an input whose bytes are counted with those of others as well.
    pub(super) fn open_counted(
        source: &InputSource,
        options: InputOptions,
        progress: Arc<ReadProgress>,
        met: Arc<Met>,
    ) -> Result<Self> {
        let mut rows = Self::over(source.entries()?, progress, options)?;
        rows.met = met;
        rows.many = matches!(source, InputSource::Folder(_) | InputSource::Glob { .. } | InputSource::Files(_));
        rows.texts = matches!(source, InputSource::Files(_));
        match source {
            InputSource::Stdin(stdin) => rows.open_stream(stdin.clone(), "-")?,
            // One file is opened at once so that what is wrong with it is known before the first row.
            InputSource::File(_) => rows.open_next()?,
            InputSource::Folder(_) | InputSource::Glob { .. } | InputSource::Files(_) => {}
        }
        Ok(rows)
    }

    /// Refuses what was said for tables alone where files of the source are documents.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for the first such file; [`Error::Io`] when the source cannot be listed.
    pub fn check_files(source: &InputSource, options: &InputOptions) -> Result<()> {
        if options.sql.is_some() {
            let is_file = matches!(source, InputSource::File(_));
            return if is_file { Ok(()) } else { Err(Error::argument("SQL is asked of files, one by one")) };
        }
        if options.only_tables.is_none() && options.delimiter.is_none() && options.encoding.is_none() {
            return Ok(());
        }
        let mut rows = Self::over(source.entries()?, ReadProgress::new(None), options.clone())?;
        rows.many = matches!(source, InputSource::Folder(_) | InputSource::Glob { .. });
        // A pipe can be read but once.
        for entry in source.entries()?.iter().filter(|entry| entry.size_bytes.is_some()) {
            if let Err(error @ Error::InvalidArgument { .. }) = rows.look_at(entry) {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Reads a stream as standard input would be; `name` stands for it in messages.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn from_reader(reader: impl Read + Send + 'static, name: &str, options: InputOptions) -> Result<Self> {
        let mut rows = Self::over(Vec::new(), ReadProgress::new(None), options)?;
        rows.open_stream(reader, name)?;
        Ok(rows)
    }

    fn over(files: Vec<SourceFile>, progress: Arc<ReadProgress>, options: InputOptions) -> Result<Self> {
        options.mapping.check()?;
        let mapping = Arc::new(options.mapping.clone());
        let (files, met, notices, skipped) = (files.into_iter(), Arc::default(), Vec::new(), Vec::new());
        let (many, texts, open, ended) = (false, false, None, false);
        Ok(Self { options, mapping, files, many, texts, open, met, progress, notices, skipped, ended })
    }

    /// Returns the bytes read and to read, which another thread may watch.
    #[must_use]
    pub fn progress(&self) -> Arc<ReadProgress> {
        Arc::clone(&self.progress)
    }

    /// Returns what the user should know and was not told yet, such as fields that are left out.
    pub fn take_notices(&mut self) -> Vec<Remark> {
        let mut notices = std::mem::take(&mut self.notices);
        match &mut self.open {
            Some(OpenInput::Csv(rows)) => notices.append(&mut rows.take_notices()),
            Some(OpenInput::Json(rows)) => notices.append(&mut rows.take_notices()),
            #[cfg(feature = "arrow")]
            Some(OpenInput::Arrow(rows)) => notices.append(&mut rows.take_notices()),
            Some(OpenInput::Npy(rows)) => notices.append(&mut rows.take_notices()),
            Some(OpenInput::Text(_) | OpenInput::Lines(_)) | None => {}
        }
        notices
    }

    /// Returns the files passed over that were not told yet.
    pub fn take_skipped(&mut self) -> Vec<SkippedFile> {
        std::mem::take(&mut self.skipped)
    }

    fn open_stream(&mut self, reader: impl Read + Send + 'static, name: &str) -> Result<()> {
        let mut bytes = InputBytes::unpack(reader, name.into(), self.progress())?.decoded(self.options.encoding)?;
        let open = if let Some(format) = self.binary_format(&mut bytes, None)? {
            self.check_flags(format, name)?;
            self.start_binary(bytes, format, None)?
        } else {
            let format = self.format_of_stream(&mut bytes)?;
            self.check_flags(format, name)?;
            self.start(bytes, None, format, (Ok(name), ""))?
        };
        self.open = Some(open);
        Ok(())
    }

    /// Opens the next file; leaves `open` empty when there is none.
    fn open_next(&mut self) -> Result<()> {
        self.notices = self.take_notices();
        self.open = None;
        while let Some(entry) = self.files.next() {
            // What was said wrongly is no fault of the file.
            let many = self.many;
            let is_row = |e: &Error| many && !matches!(e, Error::InvalidArgument { .. });
            match self.open_entry(&entry) {
                Err(Error::NotText { source, why, hint }) if self.many => {
                    self.skipped.push(SkippedFile { path: source, why, advice: what_helps(hint) });
                }
                opened => {
                    self.open = Some(opened.map_err(|e| if is_row(&e) { as_row_error(e, &entry) } else { e })?);
                    break;
                }
            }
        }
        Ok(())
    }

    fn open_entry(&mut self, entry: &SourceFile) -> Result<OpenInput> {
        if let Some(sql) = &self.options.sql {
            return self.start_sql(entry, sql);
        }
        let name = entry.path.display().to_string();
        let (bytes, file, format) = self.look_at(entry)?;
        let is_guessed = match InputFormat::of_path(&entry.path) {
            Some(InputFormat::Text) => !format.is_document() && !format.is_binary(),
            None => matches!(format, InputFormat::Csv | InputFormat::Tsv),
            Some(_) => false,
        };
        let is_said = self.options.format.is_some() || self.options.delimiter.is_some();
        if is_guessed && !is_said && entry.size_bytes.is_some() {
            let notice = format!("{name}: looks like a table and is read as one ({format})");
            self.notices.push(Remark::with(notice, Advice::ReadAsDocument));
        }
        if format.is_binary() {
            return self.start_binary(bytes, format, entry.size_bytes.map(|size| (file, size)));
        }
        let again = match entry.size_bytes {
            Some(_) => Some(File::open(&entry.path).map_err(|e| Error::io(format!("read {name}"), e))?),
            None => None,
        };
        let started = self.start(bytes, again, format, (entry.id.as_deref(), &name));
        started.map_err(|error| match error {
            Error::BadInput { source, why, hint: Some(advice) } if is_guessed && !is_said => {
                let hint = Some(Advice::Both(Box::new(advice), Box::new(Advice::ReadAsDocument)));
                Error::BadInput { source, why: format!("looks like a table ({format}), but {why}"), hint }
            }
            other => other,
        })
    }

    /// Opens a file and finds out its format.
    fn look_at(&self, entry: &SourceFile) -> Result<(InputBytes, File, InputFormat)> {
        let name = entry.path.display().to_string();
        let file = File::open(&entry.path).map_err(|e| Error::io(format!("read {name}"), e))?;
        let again = file.try_clone().map_err(|e| Error::io(format!("read {name}"), e))?;
        let bytes = InputBytes::unpack(file, name.as_str().into(), self.progress())?;
        let mut bytes = bytes.decoded(self.options.encoding)?;
        let named = InputFormat::of_path(&entry.path).filter(|_| !self.texts);
        let format = match self.binary_format(&mut bytes, named)? {
            Some(format) => format,
            None => self.text_format(&mut bytes, named, entry.size_bytes.is_some(), &entry.path)?,
        };
        self.check_flags(format, &name)?;
        Ok((bytes, again, format))
    }

    /// Finds out the format of what is text: by its name, else by what it looks like.
    fn text_format(
        &self,
        bytes: &mut InputBytes,
        named: Option<InputFormat>,
        is_file: bool,
        path: &Path,
    ) -> Result<InputFormat> {
        let wanted = self.mapping.wanted();
        Ok(match (self.options.format, named) {
            (Some(format), _) => format,
            (None, _) if self.texts => {
                InputFormat::of_path(path).filter(|named| *named == InputFormat::Html).unwrap_or(InputFormat::Text)
            }
            (None, _) if !is_file => self.format_of_stream(bytes)?,
            // Among other files one that has nothing of a table is a document, such as a package.json.
            (None, Some(InputFormat::Json)) if self.many && !has_name(bytes.fill()?, &wanted) => InputFormat::Text,
            (None, Some(named)) if named != InputFormat::Text => named,
            (None, _) if self.options.delimiter.is_some() => InputFormat::Csv,
            (None, _) if InputFormat::may_be_table(path) => {
                let head = bytes.fill()?;
                match InputFormat::of_head(head, InputFormat::Text) {
                    InputFormat::Text if looks_like_table(head, &wanted) => table_of_head(head, &wanted),
                    // In a folder of texts a list with tabs is one of them.
                    InputFormat::Text if !self.many && is_tabbed(head) => InputFormat::Tsv,
                    found if named.is_none() && !self.many => found,
                    found if has_name(head, &wanted) => found,
                    _ => InputFormat::Text,
                }
            }
            (None, _) => InputFormat::Text,
        })
    }

    /// Refuses what was said and the format has no use for.
    fn check_flags(&self, format: InputFormat, name: &str) -> Result<()> {
        if let (true, Some(flag)) = (format.is_document(), self.options.only_tables) {
            let what = if format == InputFormat::Lines { "line by line" } else { "as one document" };
            return Err(Error::InvalidArgument {
                why: format!("{name} is read {what}, which has no columns: {flag} is for tables"),
                hint: Some(Advice::NameTableFormat),
            });
        }
        if self.options.delimiter.is_some() && !matches!(format, InputFormat::Csv | InputFormat::Tsv) {
            return Err(Error::argument(format!("{name} is read as {format}, which has no delimiter")));
        }
        if self.options.encoding.is_some() && format.is_binary() {
            return Err(Error::argument(format!("{name} is read as {format}, which has no encoding")));
        }
        Ok(())
    }

    /// Guesses the format of a stream that has no name.
    fn format_of_stream(&self, bytes: &mut InputBytes) -> Result<InputFormat> {
        if let Some(format) = self.options.format {
            return Ok(format);
        }
        let head = bytes.fill()?;
        Ok(InputFormat::of_head(head, table_of_head(head, &self.mapping.wanted())))
    }

    /// Returns which format that is no text these bytes are in.
    ///
    /// # Errors
    /// [`Error::BadInput`] when they are not what was said, or neither text nor a format that is read.
    fn binary_format(&self, bytes: &mut InputBytes, named: Option<InputFormat>) -> Result<Option<InputFormat>> {
        let found = InputFormat::of_magic(bytes.fill()?);
        if self.options.beside.is_some() && found != Some(InputFormat::Npy) {
            return Err(bytes.bad("is not a NumPy file", Some(Advice::OnlyForMatrix)));
        }
        match (self.options.format.or(named.filter(|named| named.is_binary())), found) {
            (Some(said), Some(found)) if said != found && self.options.format.is_some() => {
                Err(bytes.bad(format!("is a file of the format {found}, not {said}"), Some(Advice::DetectFormat)))
            }
            (_, Some(found)) => Ok(Some(found)),
            (Some(said), None) if said.is_binary() => {
                Err(bytes.bad(format!("is not a file of the format {said}"), Some(Advice::NameFormat)))
            }
            _ => bytes.refuse_binary().map(|()| None),
        }
    }

    /// Begins to read what is no text; of a file its size is known, and it can be read at any place.
    fn start_binary(&self, bytes: InputBytes, format: InputFormat, file: Option<(File, u64)>) -> Result<OpenInput> {
        self.met.format(format, bytes.source());
        if format == InputFormat::Npy {
            let size_bytes = file.map(|(_, size)| size);
            return NpyRows::open(bytes, size_bytes, &self.options, open_beside)
                .map(|rows| OpenInput::Npy(Box::new(rows)));
        }
        #[cfg(feature = "arrow")]
        {
            let (file, mapping) = (file.map(|(file, _)| file), Arc::clone(&self.mapping));
            let rows = ArrowRows::open(bytes, file, format, mapping, self.progress())?;
            Ok(OpenInput::Arrow(Box::new(rows)))
        }
        #[cfg(not(feature = "arrow"))]
        Err(bytes.bad(
            format!("is a file of the format {format}, which this huedb was built without"),
            Some("build it with the feature arrow".into()),
        ))
    }

    /// Asks a database.
    #[cfg(feature = "foreign")]
    fn start_sql(&self, entry: &SourceFile, sql: &str) -> Result<OpenInput> {
        let values = Values::Sql(SqlRows::open(&entry.path, sql, &self.mapping)?);
        Ok(OpenInput::Json(JsonRows::new(values, Arc::clone(&self.mapping), Arc::clone(&self.met))))
    }

    #[cfg(not(feature = "foreign"))]
    #[expect(clippy::unused_self, reason = "with the feature it asks")]
    fn start_sql(&self, _: &SourceFile, _: &str) -> Result<OpenInput> {
        Err(Error::InvalidArgument {
            why: "this huedb was built without SQLite".into(),
            hint: Some("build it with the feature foreign".into()),
        })
    }

    /// Begins to read text; `again` is the same file from its beginning, and a document has this id and uri.
    fn start(
        &self,
        bytes: InputBytes,
        again: Option<File>,
        format: InputFormat,
        (id, uri): (Result<&str, &String>, &str),
    ) -> Result<OpenInput> {
        let (mapping, limit_bytes) = (Arc::clone(&self.mapping), self.options.row_limit_bytes);
        if !format.is_binary() {
            self.met.format(format, bytes.source());
        }
        Ok(match format {
            InputFormat::Csv | InputFormat::Tsv => {
                let names = self.mapping.wanted();
                let InputOptions { delimiter, encoding, .. } = self.options;
                let layout = Dialect { format, delimiter, encoding, names: &names, limit_bytes };
                OpenInput::Csv(Box::new(CsvRows::open(bytes, again, layout, &mapping, &self.met)?))
            }
            InputFormat::Json | InputFormat::Jsonl => {
                OpenInput::Json(JsonRows::new(Values::open(bytes, format, limit_bytes), mapping, Arc::clone(&self.met)))
            }
            InputFormat::Lines => {
                let id = id.map_err(|why| bytes.bad(why.as_str(), None))?;
                OpenInput::Lines(LineRows::new(LineReader::new(bytes, limit_bytes), mapping, (id, uri)))
            }
            InputFormat::Text | InputFormat::Html => {
                OpenInput::Text(Box::new(self.text_row(bytes, format, (id, uri))?))
            }
            InputFormat::Parquet | InputFormat::Arrow | InputFormat::Npy => self.start_binary(bytes, format, None)?,
        })
    }

    /// Makes the one row of a text file: its path is the id, and its uri the way to open it.
    fn text_row(
        &self,
        mut bytes: InputBytes,
        format: InputFormat,
        (id, uri): (Result<&str, &String>, &str),
    ) -> Result<NewRecord> {
        let text = bytes.read_all(self.options.row_limit_bytes)?;
        let not_text = "choose text files with a glob such as 'docs/**/*.md'";
        if memchr::memchr(0, &text).is_some() {
            return Err(bytes.no_text("holds a NUL byte, so it is not text", Some(not_text.into())));
        }
        let document = String::from_utf8(text).map_err(|e| {
            let why = not_utf8(e.as_bytes(), e.utf8_error());
            bytes.no_text(why.text, why.advice)
        })?;
        let document = if format == InputFormat::Html { html::text_of(&document) } else { document };
        if format == InputFormat::Html && document.is_empty() {
            return Err(bytes.no_text("is a page without text", None));
        }
        let id = match self.mapping.id {
            IdFrom::Content => None,
            IdFrom::Column(_) => Some(id.map_err(|why| bytes.bad(why.as_str(), None))?.to_owned()),
        };
        let uri = Some(uri.to_owned()).filter(|uri| !uri.is_empty());
        let parts = RowParts { id, document: Some(document), uri, ..RowParts::default() };
        let origin = Origin { source: Arc::clone(bytes.source()), line: 0 };
        parts.into_row(&self.mapping, origin).map_err(|why| bytes.bad(why.text, why.advice))
    }

    fn read(&mut self) -> Result<Option<NewRecord>> {
        loop {
            let row = match self.open.take() {
                Some(OpenInput::Text(row)) => Some(*row),
                Some(mut open) => {
                    let row = match &mut open {
                        OpenInput::Csv(rows) => rows.next(),
                        OpenInput::Json(rows) => rows.next(),
                        #[cfg(feature = "arrow")]
                        OpenInput::Arrow(rows) => rows.next(),
                        OpenInput::Npy(rows) => rows.next(),
                        OpenInput::Lines(rows) => rows.next(),
                        OpenInput::Text(_) => Ok(None),
                    };
                    self.open = Some(open);
                    row?
                }
                None => None,
            };
            if let Some(row) = row {
                match self.met.row(row, self.options.on_duplicate)? {
                    None => continue,
                    row => return Ok(row),
                }
            }
            self.open_next()?;
            if self.open.is_none() {
                return Ok(None);
            }
        }
    }
}

impl BesideRows for InputRows {
    fn take_notices(&mut self) -> Vec<Remark> {
        Self::take_notices(self)
    }
}

/// Opens the file beside a matrix.
fn open_beside(source: &InputSource, options: InputOptions) -> Result<Box<dyn BesideRows>> {
    let rows = InputRows::open_counted(source, options, ReadProgress::new(None), Arc::default())?;
    Ok(Box::new(rows))
}

impl Iterator for InputRows {
    type Item = Result<NewRecord>;

    fn next(&mut self) -> Option<Result<NewRecord>> {
        if self.ended {
            return None;
        }
        let item = self.read().transpose();
        self.ended = !matches!(item, Some(Ok(_) | Err(Error::BadRow { .. })));
        item
    }
}

/// Whether a JSON text names one of these fields near its beginning.
fn has_name(head: &[u8], names: &[&str]) -> bool {
    names.iter().any(|name| memchr::memmem::find(head, format!("{name:?}").as_bytes()).is_some())
}

/// Makes what is wrong with one file of many a bad row, so that the others can be read.
fn as_row_error(error: Error, entry: &SourceFile) -> Error {
    let source = entry.path.display().to_string();
    match error {
        Error::BadRow { .. } => error,
        Error::BadInput { why, hint, .. } => Error::BadRow { source, line: 0, why, hint },
        Error::Io { source: cause, .. } => Error::bad_row(source, 0, format!("cannot be read: {cause}")),
        other => Error::bad_row(source, 0, other.to_string()),
    }
}
