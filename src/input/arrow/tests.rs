//! Files that pyarrow, pandas, Polars and `DuckDB` wrote (`fixtures/columns/write.py`), as they are, packed, and damaged.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use crate::error::Error;
use crate::input::{Format, IdFrom, Mapping, Options, Rows, Source};
use crate::record::{MetadataPatch, Row};

const FULL: [&str; 9] = [
    "pyarrow.parquet",
    "gzip.parquet",
    "stream.arrows",
    "lz4.feather",
    "pandas.parquet",
    "polars.parquet",
    "polars.arrow",
    "duckdb.parquet",
    "duckdb.zst.parquet",
];
const EMBEDDINGS: [[f32; 3]; 3] = [[0.1, -0.25, 1e-30], [3.0, 0.5, 2.0], [-1.5, 0.0, 65504.0]];

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/columns").join(name)
}

fn rows(name: &str, mapping: Mapping) -> Result<Vec<Row>, Error> {
    Rows::open(&Source::File(path(name)), Options { mapping, ..Options::default() })?.collect()
}

fn read(name: &str) -> Vec<Row> {
    rows(name, Mapping::default()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn metadata(patch: &MetadataPatch) -> Json {
    patch.iter().map(|(key, value)| (key.to_owned(), value.unwrap().to_json())).collect()
}

#[test]
fn every_program_writes_the_same_rows() {
    for name in FULL {
        let rows = read(name);
        let zone =
            if ["pyarrow.parquet", "gzip.parquet", "stream.arrows", "lz4.feather"].contains(&name) { "Z" } else { "" };
        let at = format!("2024-02-29T23:59:58.250{zone}");
        let parts: Vec<_> =
            rows.iter().map(|row| (row.id.as_str(), row.document.as_deref(), row.origin.line)).collect();
        assert_eq!(parts, [("a", Some("the quick brown fox"), 1), ("b", None, 2), ("ü🦊", Some(""), 3)], "{name}");
        let expected = [
            json!({"year": 2021, "score": 0.5, "draft": true, "lang": "en", "day": "2024-02-29", "at": at,
                "tags": ["x", "y"], "counts": [1, 2]}),
            json!({"score": 1.0, "draft": false, "lang": "de", "at": at, "counts": [3]}),
            json!({"year": -5, "lang": "en", "day": "2024-02-29", "tags": ["z"]}),
        ];
        for ((row, expected), embedding) in rows.iter().zip(expected).zip(EMBEDDINGS) {
            assert_eq!(metadata(&row.metadata), expected, "{name}");
            let read = row.embedding.as_deref().unwrap();
            if name == "lz4.feather" {
                let halves = embedding.map(|x| half::f16::from_f32(x).to_f32());
                assert_eq!(read, halves, "{name}");
            } else {
                let bits = |e: &[f32]| e.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(read), bits(&embedding), "{name}");
            }
        }
    }
}

#[test]
fn metadata_may_be_a_structure_or_json() {
    for name in ["struct.parquet", "json.arrow"] {
        let rows = read(name);
        let kept: Vec<Json> =
            rows.iter().map(|row| metadata(&row.metadata.clone().into_metadata_dropping_nulls().into())).collect();
        assert_eq!(kept, [json!({"year": 2021, "lang": "en"}), json!({"lang": "de"}), json!({})], "{name}");
    }
}

#[test]
fn columns_are_chosen_and_typed_by_the_same_flags() {
    let mapping = Mapping {
        id: IdFrom::Column("year".into()),
        document: Some("lang".into()),
        metadata: Some(vec!["score".into(), "draft".into()]),
        types: "score:str".parse().unwrap(),
        ..Mapping::default()
    };
    let mut read =
        Rows::open(&Source::File(path("pyarrow.parquet")), Options { mapping, ..Options::default() }).unwrap();
    let first = read.next().unwrap().unwrap();
    assert_eq!((first.id.as_str(), first.document.as_deref()), ("2021", Some("en")));
    assert_eq!(metadata(&first.metadata), json!({"score": "0.5", "draft": true}));
    let error = read.next().unwrap().unwrap_err().to_string();
    assert!(error.contains("pyarrow.parquet:2: \"year\" is missing"), "{error}");
    for (id, document, metadata, why) in [
        ("key", None, None, "no column \"key\"; its columns are id, document"),
        ("id", Some("text"), None, "no column \"text\""),
        ("id", Some("year"), None, ":1: the field \"year\" is a number"),
        ("id", None, Some("title"), "no column \"title\""),
    ] {
        let mapping = Mapping {
            id: IdFrom::Column(id.into()),
            document: document.map(str::to_owned),
            metadata: metadata.map(|name: &str| vec![name.to_owned()]),
            ..Mapping::default()
        };
        let error = rows("polars.parquet", mapping).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn pipes_and_packed_files_are_read_as_well() {
    for name in ["pyarrow.parquet", "polars.arrow", "stream.arrows"] {
        let plain = fs::read(path(name)).unwrap();
        let packed = zstd::encode_all(&plain[..], 1).unwrap();
        for bytes in [plain, packed] {
            let read: Result<Vec<Row>, _> =
                Rows::from_reader(Cursor::new(bytes), "-", Options::default()).unwrap().collect();
            let ids: Vec<_> = read.unwrap().iter().map(|row| row.id.to_string()).collect();
            assert_eq!(ids, ["a", "b", "ü🦊"], "{name}");
        }
    }
}

#[test]
fn a_wrong_name_or_format_is_said() {
    let open = |bytes: &[u8], format| {
        let options = Options { format: Some(format), ..Options::default() };
        Rows::from_reader(Cursor::new(bytes.to_vec()), "t", options).err().unwrap().to_string()
    };
    let parquet = fs::read(path("polars.parquet")).unwrap();
    assert_eq!(open(&parquet, Format::Csv), "t: is a file of the format parquet, not csv");
    assert_eq!(open(b"id,a\n", Format::Parquet), "t: is not a file of the format parquet");
    assert!(open(b"FEA1....", Format::Arrow).contains("not a file"));
    for cut in [4, 100, parquet.len() - 1] {
        assert!(open(&parquet[..cut], Format::Parquet).starts_with("t: cannot be read: "));
    }
}
