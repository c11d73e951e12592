//! Exact bytes of every format, and that the exact ones read back.

mod format;
mod properties;
mod round_trip;
mod snippet;
mod table;
mod vertical;

use std::io::{self, Write};

use huedb::record::{Hit, Metadata, Record, RecordId};
use serde_json::{Value as Json, json};

use super::{Label, OutputFormat, RecordColumns, ShownQuestion, ShownRecord, Sink, Style, open};

fn record(id: &str, document: Option<&str>, metadata: &Json) -> Record {
    Record {
        id: RecordId::parse(id).unwrap(),
        embedding: None,
        document: document.map(Into::into),
        uri: None,
        metadata: (!metadata.is_null()).then(|| Metadata::from_json(metadata.clone()).unwrap()),
    }
}

fn hit(id: &str, distance: f32, document: &str) -> Hit {
    Hit { record: record(id, Some(document), &json!({"year": 2021})), distance, score: None }
}

/// Returns what a sink writes in the format and style.
fn written_by(format: OutputFormat, columns: RecordColumns, style: Style, rows: impl FnOnce(&mut dyn Sink)) -> String {
    let mut out = Vec::new();
    let mut sink = open(format, columns, style, &mut out).unwrap();
    rows(sink.as_mut());
    sink.end().unwrap();
    String::from_utf8(out).unwrap()
}

fn records(format: OutputFormat, columns: RecordColumns, records: &[Record]) -> String {
    written_by(format, columns, Style::default(), |sink| {
        for record in records {
            sink.entry(record.into()).unwrap();
        }
    })
}

/// Returns two questions in a format: one by index with two hits, one by id without any.
fn batch(format: OutputFormat, style: Style) -> String {
    written_by(format, RecordColumns::batch(), style, |sink| {
        sink.question(&ShownQuestion { label: Label::Index(0), text: Some("how do\nfoxes\u{1b} move") }).unwrap();
        sink.entry(ShownRecord::from(&hit("a", 0.25, "quick fox"))).unwrap();
        sink.entry(ShownRecord::from(&hit("b", 0.1, "slow, \"dog\""))).unwrap();
        sink.question(&ShownQuestion { label: Label::Id("q2".into()), text: None }).unwrap();
    })
}

/// A reader that went away.
struct Gone;

impl Write for Gone {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
}
