//! Random records through every format that reads back, plain and packed.

use std::io::{Cursor, Write};

use crate::random::Random;
use huedb::input::{self, InputOptions, InputRows, InputSource, MatrixIds};
use huedb::record::{Metadata, Record, RecordId, Value};

use super::{BinaryFormat, BinaryLayout, open_binary};
use crate::output::{Compressed, Compression, OutputFormat, RecordColumns, ShownRecord, Sink, Style, open};

const DIMENSION: usize = 5;
const TEXTS: [&str; 8] = ["", " ", "fox", "ü🦊\u{301}", "a,\"b\"\r\nc\t;", "[1, 2]", "007", "null"];

fn text(random: &mut Random) -> String {
    (*random.pick(&TEXTS)).to_owned()
}

fn int(random: &mut Random) -> i64 {
    #[expect(clippy::cast_possible_wrap, reason = "any bits are an integer")]
    let any = random.next() as i64;
    *random.pick(&[0, -1, 2021, i64::MIN, i64::MAX, any])
}

fn float(random: &mut Random) -> f64 {
    let any = f64::from_bits(random.next());
    let any = if any.is_finite() && any != 0.0 { any } else { 2.0 };
    *random.pick(&[0.0, 1.0, 0.1, f64::MAX, f64::MIN_POSITIVE, any])
}

fn value(random: &mut Random, kind: u64) -> Value {
    let count = 1 + random.below(3);
    match kind {
        0 => Value::Bool(random.below(2) == 0),
        1 => Value::Int(int(random)),
        2 => Value::Float(float(random)),
        3 => Value::Str(text(random)),
        4 => Value::BoolArray((0..count).map(|_| random.below(2) == 0).collect()),
        5 => Value::IntArray((0..count).map(|_| int(random)).collect()),
        6 => Value::FloatArray((0..count).map(|_| float(random)).collect()),
        7 => Value::StrArray((0..count).map(|_| text(random)).collect()),
        _ => Value::from_json(serde_json::json!({"#type": "sparse_vector", "indices": [1, 7], "values": [0.5, 2.0]}))
            .unwrap(),
    }
}

/// A key of one type for each type, one of all, and some whose names are taken.
fn metadata(random: &mut Random) -> Option<Metadata> {
    let mut metadata = Metadata::default();
    for kind in (0..9).filter(|_| random.below(3) > 0).collect::<Vec<_>>() {
        let value = value(random, kind);
        metadata.insert(format!("ключ {kind}"), value).unwrap();
    }
    for key in ["mixed", "id", "document", "metadata", "__index_level_0__"] {
        if random.below(4) == 0 {
            let kind = random.below(9);
            let value = value(random, kind);
            metadata.insert(key, value).unwrap();
        }
    }
    (!metadata.is_empty()).then_some(metadata)
}

fn record(random: &mut Random, n: usize) -> Record {
    let optional = |random: &mut Random| (random.below(3) > 0).then(|| text(random));
    Record {
        id: RecordId::parse(format!("{n} {}", random.pick(&["a", "ü,\"", "🦊\n"]))).unwrap(),
        embedding: Some(random.floats(DIMENSION)),
        document: optional(random),
        uri: optional(random),
        metadata: metadata(random),
    }
}

fn fill(mut sink: Box<dyn Sink + '_>, records: &[Record]) {
    for record in records {
        sink.entry(ShownRecord::from(record)).unwrap();
    }
    sink.end().unwrap();
}

fn binary(format: BinaryFormat, records: &[Record], dimension: Option<usize>, out: &mut dyn Write) {
    let mut layout = BinaryLayout::new(dimension);
    for record in records {
        layout.add(record.metadata.as_ref());
    }
    fill(open_binary(format, &layout, out).unwrap(), records);
}

fn read(bytes: Vec<u8>, options: InputOptions) -> Vec<Record> {
    let rows = InputRows::from_reader(Cursor::new(bytes), "t", options).unwrap();
    let record = |row: huedb::record::NewRecord| {
        let metadata = Some(row.metadata.into_metadata().unwrap()).filter(|metadata| !metadata.is_empty());
        Record { id: row.id, embedding: row.embedding, document: row.document, uri: row.uri, metadata }
    };
    rows.map(|row| record(row.unwrap())).collect()
}

fn packed(packing: Option<Compression>, write: impl FnOnce(&mut dyn Write)) -> Vec<u8> {
    let mut out = Compressed::new(Vec::new(), packing).unwrap();
    write(&mut out);
    out.finish().unwrap()
}

#[test]
fn every_format_reads_back_what_was_written() {
    let mut random = Random::new();
    for packing in [None, Some(Compression::Gzip), Some(Compression::Zstd)] {
        // More than one batch of rows is read and written.
        let records: Vec<Record> = (0..5000).map(|n| record(&mut random, n)).collect();
        for format in [BinaryFormat::Parquet, BinaryFormat::Arrow] {
            let bytes = packed(packing, |out| binary(format, &records, Some(DIMENSION), out));
            assert!(read(bytes, InputOptions::default()) == records, "{format} {packing:?} {random:?}");
        }
        for (format, read_as) in [
            (OutputFormat::Jsonl, input::InputFormat::Jsonl),
            (OutputFormat::Json, input::InputFormat::Json),
            (OutputFormat::Csv, input::InputFormat::Csv),
            (OutputFormat::Tsv, input::InputFormat::Tsv),
        ] {
            let write = |out: &mut dyn Write| {
                fill(open(format, RecordColumns::export(), Style::default(), out).unwrap(), &records);
            };
            let mut again =
                read(packed(packing, write), InputOptions { format: Some(read_as), ..InputOptions::default() });
            let mut wanted = records.clone();
            if matches!(format, OutputFormat::Csv | OutputFormat::Tsv) {
                // An absent and an empty text are the same empty cell.
                for record in wanted.iter_mut().chain(&mut again) {
                    record.document.get_or_insert_default();
                    record.uri.get_or_insert_default();
                }
            }
            assert!(again == wanted, "{format} {packing:?} {random:?}");
        }
    }
}

#[test]
fn a_matrix_reads_back_with_the_rows_beside_it() {
    let mut random = Random::new();
    let records: Vec<Record> = (0..100).map(|n| record(&mut random, n)).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.jsonl");
    let beside = RecordColumns::record();
    let mut lines = Vec::new();
    fill(open(OutputFormat::Jsonl, beside, Style::default(), &mut lines).unwrap(), &records);
    std::fs::write(&path, lines).unwrap();
    let mut matrix = Vec::new();
    binary(BinaryFormat::Npy, &records, Some(DIMENSION), &mut matrix);
    let options = InputOptions { beside: Some(MatrixIds::Rows(InputSource::File(path))), ..InputOptions::default() };
    assert!(read(matrix, options) == records, "{random:?}");
}

#[test]
fn nothing_and_no_embeddings_are_written_too() {
    for format in [BinaryFormat::Parquet, BinaryFormat::Arrow] {
        let mut empty = Vec::new();
        binary(format, &[], None, &mut empty);
        assert_eq!(read(empty, InputOptions::default()), [], "{format}");
        let one = Record { embedding: None, ..record(&mut Random::new(), 0) };
        let mut bytes = Vec::new();
        binary(format, std::slice::from_ref(&one), None, &mut bytes);
        assert_eq!(read(bytes, InputOptions::default()), [one], "{format}");
    }
    let mut out = Vec::new();
    assert!(open_binary(BinaryFormat::Npy, &BinaryLayout::new(None), &mut out).is_err());
}
