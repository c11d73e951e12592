//! Files that pyarrow, pandas, Polars and `DuckDB` wrote (`fixtures/columns/write.py`), as they are, packed, and damaged.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, StructArray};
use arrow_schema::{DataType, Field, Fields, Schema};
use serde_json::{Value as Json, json};

use crate::error::{Advice, Error, Remark};
use crate::input::{IdFrom, InputFormat, InputOptions, InputRows, InputSource, Mapping};
use crate::record::{MetadataPatch, NewRecord};

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

fn rows(name: &str, mapping: Mapping) -> Result<Vec<NewRecord>, Error> {
    InputRows::open(&InputSource::File(path(name)), InputOptions { mapping, ..InputOptions::default() })?.collect()
}

fn read(name: &str) -> Vec<NewRecord> {
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
fn a_structure_is_read_by_its_fields() {
    let person: Fields = [("name", DataType::Utf8), ("age", DataType::Int64)]
        .map(|(name, kind)| Field::new(name, kind, true))
        .to_vec()
        .into();
    let names: ArrayRef = Arc::new(StringArray::from(vec![Some("Ada"), Some("under null")]));
    let ages: ArrayRef = Arc::new(Int64Array::from(vec![Some(36), Some(1)]));
    let people = StructArray::new(person.clone(), vec![names, ages], Some(vec![true, false].into()));
    let schema = Arc::new(Schema::new(vec![
        Field::new("id", DataType::Utf8, false),
        Field::new("who", DataType::Struct(person), true),
        Field::new("body", DataType::Utf8, true),
    ]));
    let ids: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
    let bodies: ArrayRef = Arc::new(StringArray::from(vec!["text", "other"]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![ids, Arc::new(people), bodies]).unwrap();
    let mut file = Vec::new();
    let mut writer = arrow_ipc::writer::FileWriter::try_new(&mut file, &schema).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    drop(writer);
    let read = |mapping: Mapping| {
        let options = InputOptions { mapping, ..InputOptions::default() };
        let mut rows = InputRows::from_reader(Cursor::new(file.clone()), "t", options)?;
        let read: Vec<NewRecord> = rows.by_ref().collect::<Result<_, _>>()?;
        let said: Vec<String> = rows.take_notices().iter().map(ToString::to_string).collect();
        let rows: Vec<_> = read.into_iter().map(|row| (row.document.clone(), metadata(&row.metadata))).collect();
        Ok::<_, crate::Error>((rows, said))
    };
    let of = |document: &str| Mapping { document: Some(document.into()), ..Mapping::default() };
    let (rows, said) = read(Mapping { flatten: true, ..of("body") }).unwrap();
    let (a, b) = (Some("text".to_owned()), Some("other".to_owned()));
    assert_eq!(rows, [(a.clone(), json!({"who.name": "Ada", "who.age": 36})), (b.clone(), json!({}))]);
    assert_eq!(said, [""; 0]);
    let (rows, _) = read(Mapping { metadata: Some(vec!["who.age".into()]), ..of("body") }).unwrap();
    assert_eq!(rows, [(a, json!({"who.age": 36})), (b.clone(), json!({}))]);
    let (rows, said) = read(of("who.name,body")).unwrap();
    assert_eq!(rows, [(Some("Ada\n\ntext".into()), json!({})), (b, json!({}))]);
    assert!(said.len() == 1 && said[0].contains("\"who.age\" is left out: it is in a structure"), "{said:?}");
    let error = read(Mapping { metadata: Some(vec!["who.height".into()]), ..of("body") }).unwrap_err().to_string();
    assert!(error.contains("no column \"who.height\"; its columns are id, who.name, who.age, body"), "{error}");
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
    let mut read = InputRows::open(
        &InputSource::File(path("pyarrow.parquet")),
        InputOptions { mapping, ..InputOptions::default() },
    )
    .unwrap();
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
            document: document.map(Into::into),
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
            let read: Result<Vec<NewRecord>, _> =
                InputRows::from_reader(Cursor::new(bytes), "-", InputOptions::default()).unwrap().collect();
            let ids: Vec<_> = read.unwrap().iter().map(|row| row.id.to_string()).collect();
            assert_eq!(ids, ["a", "b", "ü🦊"], "{name}");
        }
    }
}

#[test]
fn a_wrong_name_or_format_is_said() {
    let open = |bytes: &[u8], format| {
        let options = InputOptions { format: Some(format), ..InputOptions::default() };
        InputRows::from_reader(Cursor::new(bytes.to_vec()), "t", options).err().unwrap().to_string()
    };
    let parquet = fs::read(path("polars.parquet")).unwrap();
    assert_eq!(open(&parquet, InputFormat::Csv), "t: is a file of the format parquet, not csv");
    assert_eq!(open(b"id,a\n", InputFormat::Parquet), "t: is not a file of the format parquet");
    assert!(open(b"FEA1....", InputFormat::Arrow).contains("not a file"));
    for cut in [4, 100, parquet.len() - 1] {
        assert!(open(&parquet[..cut], InputFormat::Parquet).starts_with("t: cannot be read: "));
    }
}

/// Writes a Parquet file of these columns.
fn parquet_of(columns: Vec<(&str, arrow_array::ArrayRef)>) -> Vec<u8> {
    let batch = arrow_array::RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

#[test]
fn numbers_keep_their_digits_or_are_refused_by_name() {
    use arrow_array::{ArrayRef, Decimal128Array, Float32Array, ListArray, StringArray, UInt64Array};
    let decimals = |numbers: Vec<i128>| Decimal128Array::from(numbers).with_precision_and_scale(22, 2).unwrap();
    let column = |name: &'static str| -> ArrayRef {
        match name {
            "id" => Arc::new(StringArray::from(vec!["a", "b"])),
            "small" => Arc::new(UInt64Array::from(vec![i64::MAX as u64, 0])),
            "big" => Arc::new(UInt64Array::from(vec![1, u64::MAX])),
            "price" => Arc::new(decimals(vec![1210, -5])),
            "exact" => Arc::new(decimals(vec![100, 1_234_567_890_123_456_789_012])),
            "list" => Arc::new(ListArray::from_iter_primitive::<arrow_array::types::UInt64Type, _, _>([
                Some(vec![Some(1)]),
                Some(vec![Some(u64::MAX)]),
            ])),
            _ => Arc::new(Float32Array::from(vec![0.1, -16.7])),
        }
    };
    let read = |names: &[&'static str], types: &str| -> Vec<Result<Json, (String, Option<Advice>)>> {
        let bytes = parquet_of(names.iter().map(|&name| (name, column(name))).collect());
        let mapping = Mapping { types: types.parse().unwrap(), ..Mapping::default() };
        let rows = InputRows::from_reader(Cursor::new(bytes), "t", InputOptions { mapping, ..InputOptions::default() })
            .unwrap();
        rows.map(|row| row.map(|row| metadata(&row.metadata)).map_err(|e| (e.to_string(), e.advice().cloned())))
            .collect()
    };
    let plain = read(&["id", "small", "price", "f"], "");
    assert_eq!(plain[0], Ok(json!({"small": i64::MAX, "price": 12.1, "f": 0.1})));
    assert_eq!(plain[1], Ok(json!({"small": 0, "price": -0.05, "f": -16.7})));
    for (name, digits, text) in [
        ("big", "18446744073709551615", "18446744073709551615"),
        ("exact", "12345678901234567890.12", "12345678901234567890.12"),
        ("list", "18446744073709551615", "[18446744073709551615]"),
    ] {
        let (refused, advice) = read(&["id", name], "").remove(1).unwrap_err();
        let said = [format!("t:2: the column {name:?}"), digits.into()];
        assert_eq!(advice, Some(Advice::ReadAsText(name.to_owned())));
        assert!(said.iter().all(|said| refused.contains(said)), "{refused}");
        assert_eq!(read(&["id", name], &format!("{name}:str"))[1], Ok(json!({name: text})));
    }
    assert_eq!(read(&["id", "price"], "price:str")[0], Ok(json!({"price": "12.10"})));
    assert_eq!(read(&["id", "f"], "f:str")[0], Ok(json!({"f": "0.1"})));
}

#[test]
fn a_table_without_content_names_its_columns() {
    let ids: arrow_array::ArrayRef = Arc::new(arrow_array::StringArray::from(vec!["a"]));
    let bytes = parquet_of(vec![("id", Arc::clone(&ids)), ("body", ids)]);
    let mut rows = InputRows::from_reader(Cursor::new(bytes.clone()), "t", InputOptions::default()).unwrap();
    let said = rows.take_notices();
    let why = "t: no column \"document\" and no embedding; the columns are id, body";
    assert_eq!(said, [Remark::with(why, Advice::NameTextColumn(Some("body".into())))]);
    let mapping = Mapping { expects_content: false, ..Mapping::default() };
    let mut rows =
        InputRows::from_reader(Cursor::new(bytes), "t", InputOptions { mapping, ..InputOptions::default() }).unwrap();
    assert_eq!(rows.take_notices(), []);
}
