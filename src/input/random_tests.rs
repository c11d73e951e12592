//! Random inputs: no bytes make a reader panic or go on for ever, and what is written is read back.
//!
//! A failure prints its seed; `HUEDB_SEED=N` runs that one again.

use std::io::{Cursor, Write};

use flate2::Compression;
use serde_json::{Value as Json, json};

use super::tests::{metadata, named, open, options};
use super::*;
use crate::record::random::Random;
use crate::record::{Metadata, NewRecord};

/// Returns a number below `end`.
fn below(random: &mut Random, end: usize) -> usize {
    usize::try_from(random.below(end as u64)).unwrap()
}

fn byte(random: &mut Random) -> u8 {
    random.next().to_le_bytes()[0]
}

fn text(random: &mut Random) -> String {
    let bits = ["a", "fox ", "\"", "\n", "\r\n", ",", ";", "\t", "é", "\u{1f98a}", "\\", "{", "]", " ", "007", "'"];
    (0..random.below(12)).map(|_| *random.pick(&bits)).collect()
}

#[test]
fn no_bytes_make_it_panic_or_go_on_for_ever() {
    const FORMATS: [Option<InputFormat>; 8] = [
        None,
        Some(InputFormat::Csv),
        Some(InputFormat::Tsv),
        Some(InputFormat::Json),
        Some(InputFormat::Jsonl),
        Some(InputFormat::Text),
        Some(InputFormat::Lines),
        Some(InputFormat::Html),
    ];
    let samples = [
        "id,document,embedding,metadata\na,\"x \"\"y\"\"\",\"[1,2]\",\"{\"\"k\"\":1}\"\r\nb,,,\n",
        "[{\"id\":\"a\",\"embedding\":[1,2.5e3],\"metadata\":{\"k\":[true]}},\n{\"id\":1,\"x\":\"\\u00e9\\\"\"}]",
        "{\"id\":\"a\",\"document\":\"d\"}\n{\"id\":\"b\",\"embedding\":\"AACAPw==\"}\n",
    ];
    let mut random = Random::new();
    let random = &mut random;
    for _ in 0..3_000 {
        let mut bytes = random.pick(&samples).as_bytes().to_vec();
        match below(random, 4) {
            0 => bytes = (0..below(random, 300)).map(|_| byte(random)).collect(),
            1 => bytes = zstd::encode_all(bytes.as_slice(), 1).unwrap(),
            2 => {
                let mut packer = flate2::write::GzEncoder::new(Vec::new(), Compression::default());
                packer.write_all(&bytes).unwrap();
                bytes = packer.finish().unwrap();
            }
            _ => {}
        }
        for _ in 0..below(random, 6) {
            let at = below(random, bytes.len() + 1);
            let structural = b"\"{}[],:\\\n\r\0\xff\xc3;\t0-eN";
            match below(random, 3) {
                0 => bytes.insert(at, structural[below(random, structural.len())]),
                1 if at < bytes.len() => bytes[at] = byte(random),
                _ => bytes.truncate(at),
            }
        }
        let most = bytes.len() * 1_000 + 1;
        for format in FORMATS {
            let mapping = if below(random, 2) == 0 { named("auto", "document", None) } else { Mapping::default() };
            let limit = if below(random, 4) == 0 { 16 } else { 1 << 20 };
            if let Ok(mut rows) =
                open(bytes.clone(), InputOptions { row_limit_bytes: limit, ..options(format, mapping) })
            {
                assert!(rows.by_ref().take(most + 1).count() <= most);
                rows.take_notices();
            }
            if let Ok(questions) = Questions::from_reader(Cursor::new(bytes.clone()), "q", format) {
                assert!(questions.take(most + 1).count() <= most);
            }
        }
    }
}

#[test]
fn what_is_written_is_read_back() {
    let mut random = Random::new();
    let random = &mut random;
    for _ in 0..300 {
        let written: Vec<Json> = (0..below(random, 8))
            .map(|i| {
                let document = Some(text(random)).filter(|text| !text.is_empty());
                let embedding: Option<Vec<f32>> = (below(random, 2) == 0).then(|| {
                    (0..=below(random, 4))
                        .map(|_| f32::from(i16::from_le_bytes([byte(random), byte(random)])) / 321.0)
                        .collect()
                });
                let metadata = json!({"text": text(random), "n": below(random, 99), "b": [true], "f": 0.1});
                json!({"id": format!("{i}{}", text(random)), "document": document, "embedding": embedding,
                    "metadata": metadata})
            })
            .collect();
        let mut table = ::csv::Writer::from_writer(Vec::new());
        table.write_record(["id", "document", "embedding", "metadata"]).unwrap();
        for row in &written {
            let cell = |name: &str| match &row[name] {
                Json::Null => String::new(),
                Json::String(text) => text.clone(),
                json => json.to_string(),
            };
            table.write_record(["id", "document", "embedding", "metadata"].map(cell)).unwrap();
        }
        let jsonl = written.iter().map(Json::to_string).collect::<Vec<_>>().join("\n");
        let array = serde_json::to_string_pretty(&written).unwrap();
        let table = String::from_utf8(table.into_inner().unwrap()).unwrap();
        for (text, format) in [(table, InputFormat::Csv), (jsonl, InputFormat::Jsonl), (array, InputFormat::Json)] {
            let read: Vec<NewRecord> =
                open(text.clone(), options(Some(format), Mapping::default())).unwrap().map(Result::unwrap).collect();
            assert_eq!(read.len(), written.len(), "{text}");
            for (row, json) in read.iter().zip(&written) {
                assert_eq!(Json::from(row.id.as_str()), json["id"]);
                assert_eq!(json!(row.document), json["document"]);
                let embedding: Option<Vec<f32>> = serde_json::from_value(json["embedding"].clone()).unwrap();
                assert_eq!(row.embedding, embedding);
                let expected = Metadata::from_json(json["metadata"].clone()).unwrap();
                assert_eq!(metadata(row), expected.to_json());
            }
        }
    }
}
