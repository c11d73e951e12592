//! Records and hits as JSON: one object a line (jsonl), or the same objects in an array (json).
//!
//! An object holds the keys of its columns; `document` and `metadata` are null when there is none; `uri` and
//! `embedding` are then left out. Invariant: every float is the shortest text that parses back to the same bits,
//! so the input room reads back an equal record.

use std::io::{self, Write};

use huedb::error::Result;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::sink::{Label, ShownQuestion, ShownRecord, Sink, written};
use super::{RecordColumn, RecordColumns};

/// One entry as a JSON object.
struct Object<'a> {
    columns: &'a RecordColumns,
    query: Option<&'a Label>,
    entry: ShownRecord<'a>,
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let record = self.entry.record;
        let mut map = serializer.serialize_map(None)?;
        for column in self.columns {
            let name = column.name();
            let name = name.as_ref();
            match column {
                RecordColumn::Query => map.serialize_entry(name, &self.query)?,
                RecordColumn::Id => map.serialize_entry(name, &record.id)?,
                RecordColumn::Distance => map.serialize_entry(name, &self.entry.distance)?,
                RecordColumn::Score => map.serialize_entry(name, &self.entry.score)?,
                RecordColumn::Document => map.serialize_entry(name, &record.document)?,
                RecordColumn::Metadata => map.serialize_entry(name, &record.metadata)?,
                RecordColumn::Key(key) => {
                    map.serialize_entry(name, &record.metadata.as_ref().and_then(|m| m.get(key)))?;
                }
                RecordColumn::Uri => {
                    if let Some(uri) = &record.uri {
                        map.serialize_entry(name, uri)?;
                    }
                }
                RecordColumn::Embedding => {
                    if let Some(embedding) = &record.embedding {
                        map.serialize_entry(name, embedding)?;
                    }
                }
            }
        }
        map.end()
    }
}

/// Turns entries into objects, reusing one line's buffer: an embedding is hundreds of small writes.
struct ObjectWriter {
    columns: RecordColumns,
    query: Option<Label>,
    line: Vec<u8>,
}

impl ObjectWriter {
    fn new(columns: RecordColumns) -> Self {
        Self { columns, query: None, line: Vec::new() }
    }

    fn object(&mut self, prefix: &str, entry: ShownRecord<'_>, suffix: &str) -> io::Result<&[u8]> {
        self.line.clear();
        self.line.extend_from_slice(prefix.as_bytes());
        let object = Object { columns: &self.columns, query: self.query.as_ref(), entry };
        serde_json::to_writer(&mut self.line, &object)?;
        self.line.extend_from_slice(suffix.as_bytes());
        Ok(&self.line)
    }
}

/// Writes one object a line; in a batch each line names its question.
pub(super) struct JsonlSink<'w> {
    lines: ObjectWriter,
    out: &'w mut (dyn Write + 'w),
}

impl<'w> JsonlSink<'w> {
    pub(super) fn new(columns: RecordColumns, out: &'w mut (dyn Write + 'w)) -> Self {
        Self { lines: ObjectWriter::new(columns), out }
    }
}

impl Sink for JsonlSink<'_> {
    fn question(&mut self, question: &ShownQuestion<'_>) -> Result<()> {
        self.lines.query = Some(question.label.clone());
        Ok(())
    }

    fn entry(&mut self, entry: ShownRecord<'_>) -> Result<()> {
        let line = written(self.lines.object("", entry, "\n"))?;
        written(self.out.write_all(line))
    }

    fn end(self: Box<Self>) -> Result<()> {
        written(self.out.flush())
    }
}

/// Writes one array of objects, an object a line; a batch is an array of arrays, one a question.
pub(super) struct JsonSink<'w> {
    lines: ObjectWriter,
    out: &'w mut (dyn Write + 'w),
    /// Whether the innermost open array holds something.
    filled: bool,
    /// Whether the array of a question is open inside the outer one.
    nested: bool,
}

impl<'w> JsonSink<'w> {
    pub(super) fn begin(columns: RecordColumns, out: &'w mut (dyn Write + 'w)) -> io::Result<Self> {
        out.write_all(b"[")?;
        Ok(Self { lines: ObjectWriter::new(columns), out, filled: false, nested: false })
    }

    /// Closes the innermost array.
    fn close(&mut self) -> io::Result<()> {
        self.out.write_all(if self.filled { b"\n]" } else { b"]" })
    }

    /// Closes the array of a question, if one is open; the outer array then holds something.
    fn close_question(&mut self) -> io::Result<()> {
        if self.nested {
            self.close()?;
            self.filled = true;
            self.nested = false;
        }
        Ok(())
    }

    fn open_question(&mut self) -> io::Result<()> {
        self.close_question()?;
        self.out.write_all(if self.filled { b",\n[" } else { b"\n[" })?;
        self.filled = false;
        self.nested = true;
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.close_question()?;
        self.close()?;
        self.out.write_all(b"\n")?;
        self.out.flush()
    }
}

impl Sink for JsonSink<'_> {
    fn question(&mut self, question: &ShownQuestion<'_>) -> Result<()> {
        self.lines.query = Some(question.label.clone());
        written(self.open_question())
    }

    fn entry(&mut self, entry: ShownRecord<'_>) -> Result<()> {
        let separator = if self.filled { ",\n" } else { "\n" };
        let line = written(self.lines.object(separator, entry, ""))?;
        written(self.out.write_all(line))?;
        self.filled = true;
        Ok(())
    }

    fn end(mut self: Box<Self>) -> Result<()> {
        written(self.finish())
    }
}
