//! A dump read back, line by line; packed or not, from a file or standard input.
//!
//! Does not store anything. Invariant: a dump is read to its last line or refused: its first line says what it is, a
//! collection has as many records as it says, and `#end` stands at the end.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::archive::{Archive, ArchiveSize};
use super::decompress::InputBytes;
use super::embedding::EmbeddingSeed;
use super::json_error::why_json;
use super::lines::{LineReader, TextPiece};
use super::options::ROW_LIMIT_BYTES;
use super::progress::ReadProgress;
use super::source::InputSource;
use super::stdin::Stdin;
use crate::error::{Advice, Error, Result};
use crate::record::{
    DUMP_MARK, DUMP_VERSION, DumpLine, Metadata, MetadataPatch, NewRecord, Origin, RecordId, beyond_integers, too_long,
};

/// A dump, read as far as was asked for.
pub struct Dump {
    lines: LineReader,
    progress: Arc<ReadProgress>,
    /// A line that ended the records before it and was not given out yet.
    held: Option<(u64, DumpLine)>,
    /// Records that the collection read last still has.
    left: u64,
    collections: u64,
    records: u64,
    ended: bool,
}

/// A record's line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordLine<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    document: Option<String>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
    uri: Option<String>,
    #[serde(deserialize_with = "embedding")]
    embedding: Vec<f32>,
    #[serde(default)]
    embedded_here: bool,
}

fn embedding<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f32>, D::Error> {
    let missing = || serde::de::Error::custom("the embedding is missing; a dump holds one of every record");
    serde::de::DeserializeSeed::deserialize(EmbeddingSeed, deserializer)?.ok_or_else(missing)
}

impl Dump {
    /// Opens a dump and reads its first line; `-` is the standard input given.
    ///
    /// # Errors
    /// [`Error::BadInput`] when it is not a dump, or of a later version; [`Error::Io`] when it cannot be read.
    pub fn open(argument: &str, stdin: Stdin) -> Result<Self> {
        match InputSource::parse(argument)? {
            InputSource::Stdin(_) => Self::from_reader(stdin, "-", None),
            InputSource::File(path) => {
                let read = |e| Error::io(format!("read {}", path.display()), e);
                let file = File::open(&path).map_err(read)?;
                let size_bytes = file.metadata().map_err(read)?.len();
                Self::from_reader(file, argument, Some(size_bytes))
            }
            InputSource::Folder(_) | InputSource::Glob { .. } | InputSource::Files(_) => {
                Err(no_dump(argument, "is not a file"))
            }
        }
    }

    /// Reads a stream as a dump; `name` stands for it in messages.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn from_reader(reader: impl Read + Send + 'static, name: &str, size_bytes: Option<u64>) -> Result<Self> {
        let progress = ReadProgress::new(size_bytes);
        let bytes = InputBytes::open(reader, name.into(), Arc::clone(&progress))?;
        let lines = LineReader::new(bytes, ROW_LIMIT_BYTES);
        let mut dump = Self { lines, progress, held: None, left: 0, collections: 0, records: 0, ended: false };
        match dump.lines.next()?.map(|piece| control(piece.text)) {
            Some(Some(Ok(DumpLine::Begin { dump: version, .. }))) if version <= DUMP_VERSION => Ok(dump),
            Some(Some(Ok(DumpLine::Begin { dump: version, .. }))) => {
                let why = format!("is a dump of version {version}; this huedb reads up to {DUMP_VERSION}");
                Err(dump.lines.bytes.bad(why, Some("upgrade huedb".into())))
            }
            _ => Err(no_dump(name, "is not a dump: its first line does not begin one")),
        }
    }

    fn read(&mut self) -> Result<Option<(u64, DumpItem)>> {
        let source = Arc::clone(self.lines.bytes.source());
        let Some(TextPiece { line, text }) = self.lines.next()? else { return Ok(None) };
        let bad = |why: String| Error::bad_row(&source, line, why);
        if let Some(found) = control(text) {
            let found = found.map_err(|e| bad(why_json(&e, text, line)))?;
            if let Some(integer) = beyond_integers(text) {
                return Err(bad(format!("a value {}", too_long(integer))));
            }
            return Ok(Some((line, DumpItem::Line(found))));
        }
        let read: RecordLine = serde_json::from_str(text).map_err(|e| bad(why_json(&e, text, line)))?;
        let metadata = read.metadata.map_or(Ok(Ok(Metadata::default())), |metadata| {
            let patch = MetadataPatch::from_json_text(metadata.get());
            patch.map(|patch| patch.and_then(MetadataPatch::into_metadata))
        });
        let metadata = metadata.map_err(|e| bad(why_json(&e, text, line)))?.map_err(|e| bad(e.to_string()))?;
        let row = NewRecord {
            id: RecordId::parse(read.id).map_err(|e| bad(e.to_string()))?,
            embedding: Some(read.embedding),
            embedded_here: read.embedded_here,
            document: read.document,
            uri: read.uri,
            metadata: MetadataPatch::from(metadata),
            part: None,
            origin: Origin { source: Arc::clone(&source), line },
        };
        Ok(Some((line, DumpItem::Record(Box::new(row)))))
    }

    fn cut_off(&self, how: &str) -> Error {
        self.lines.bytes.bad(format!("is cut off: {how}"), Some(Advice::ExportEverything))
    }
}

impl Archive for Dump {
    /// # Errors
    /// [`Error::BadRow`] for a line that does not belong there, [`Error::BadInput`] when the dump is cut off.
    fn next_line(&mut self) -> Result<Option<DumpLine>> {
        let line = match self.held.take() {
            Some(held) => Some(held),
            None => match self.read()? {
                Some((line, DumpItem::Line(found))) => Some((line, found)),
                Some((line, DumpItem::Record(_))) => {
                    return Err(self.lines.bytes.bad_row(line, "a record outside of any collection"));
                }
                None => None,
            },
        };
        let Some((line, found)) = line else {
            return if self.ended { Ok(None) } else { Err(self.cut_off("its last line, `#end`, is missing")) };
        };
        if self.left > 0 {
            let why = format!("the collection before this line lacks {} of its records", self.left);
            return Err(self.lines.bytes.bad_row(line, why));
        }
        if self.ended {
            return Err(self.lines.bytes.bad_row(line, "a line follows the end of the dump"));
        }
        match &found {
            DumpLine::Collection { records, .. } => {
                self.left = *records;
                self.collections += 1;
                self.records = self.records.saturating_add(*records);
            }
            DumpLine::End { collections, records } => {
                if (*collections, *records) != (self.collections, self.records) {
                    return Err(self.cut_off("its last line gives another number of collections and records"));
                }
                self.ended = true;
            }
            DumpLine::Begin { .. } => return Err(self.lines.bytes.bad_row(line, "another dump begins")),
            DumpLine::Tenant { .. } | DumpLine::Database { .. } => {}
        }
        Ok(Some(found))
    }

    fn next_record(&mut self) -> Result<Option<NewRecord>> {
        if self.held.is_some() {
            return Ok(None);
        }
        match self.read()? {
            Some((line, DumpItem::Record(row))) => {
                self.left = self.left.checked_sub(1).ok_or_else(|| {
                    self.lines.bytes.bad_row(line, "the collection has more records than its line says")
                })?;
                Ok(Some(*row))
            }
            Some((line, DumpItem::Line(found))) => {
                self.held = Some((line, found));
                Ok(None)
            }
            None if self.left > 0 => Err(self.cut_off("records are missing at its end")),
            None => Ok(None),
        }
    }

    fn size(&self) -> ArchiveSize {
        ArchiveSize::Bytes(Arc::clone(&self.progress))
    }
}

enum DumpItem {
    Line(DumpLine),
    Record(Box<NewRecord>),
}

/// Reads a line that is no record; `None` when it is one.
fn control(text: &str) -> Option<serde_json::Result<DumpLine>> {
    text.starts_with(DUMP_MARK).then(|| serde_json::from_str(text))
}

fn no_dump(source: &str, why: &str) -> Error {
    Error::BadInput { source: source.to_owned(), why: why.to_owned(), hint: Some(Advice::ExportEverything) }
}
