//! Sections 1.4 to 1.6: records, metadata values, and what is refused.

use huedb::record::{Metadata, MetadataPatch, RecordId};
use serde_json::{Value as Json, json};

use crate::shell::check;

const VECTORS: &str = "huedb create vec --no-model --space l2 -q";

#[test]
fn section_1_4_ids() {
    for (line, id, good) in [
        ("1.4 empty", "", false),
        ("1.4 a space", " ", true),
        ("1.4 a slash", "a/b", true),
        ("1.4 NUL", "a\0b", true),
        ("1.4 an emoji", "🦊", true),
        ("1.4 a newline", "a\nb", true),
        ("1.4 10,000 characters", &*"x".repeat(10_000), true),
    ] {
        assert_eq!(RecordId::parse(id).is_ok(), good, "{line}");
    }
    check(
        VECTORS,
        &[
            ("1.4 empty", "huedb add vec --id '' --embedding '[1]'", "", "the id is empty", 2),
            (
                "1.4 odd ids are stored and found",
                "printf '{\"id\":\"a\\\\u0000 /\\\\n\",\"embedding\":[1]}' | huedb import vec - -q; huedb get vec",
                r#"{"id":"a\u0000 /\n","document":null,"metadata":null}"#,
                "",
                0,
            ),
        ],
    );
}

#[test]
fn section_1_4_records() {
    check(
        VECTORS,
        &[
            (
                "1.4 the first vector fixes the dimension",
                "huedb add vec --id a --embedding '[1,2]'; huedb add vec --id b --embedding '[1]'",
                "",
                "dimension 2, got 1",
                2,
            ),
            (
                "1.4 even an update of an id that does not exist fixes it",
                "huedb update vec --id ghost --embedding '[1,2]'; huedb add vec --id b --embedding '[1]'",
                "",
                "dimension 2, got 1",
                2,
            ),
            (
                "1.4 it stays fixed when all records are deleted",
                "huedb add vec --id a --embedding '[1,2]'; huedb delete vec --id a
                 huedb add vec --id b --embedding '[1]'",
                "",
                "dimension 2, got 1",
                2,
            ),
            (
                "1.4 ours: a uri makes no metadata",
                "huedb add vec --id a --embedding '[1]' --uri u; huedb get vec",
                r#"{"id":"a","document":null,"metadata":null,"uri":"u"}"#,
                "",
                0,
            ),
            (
                "1.4 an empty document is a document",
                "huedb add vec --id a --embedding '[1]' --document ''; huedb get vec",
                r#"{"id":"a","document":"","metadata":null}"#,
                "",
                0,
            ),
            (
                "1.4 a record may have no document and no metadata",
                "huedb add vec --id a --embedding '[1]'; huedb get vec",
                r#"{"id":"a","document":null,"metadata":null}"#,
                "",
                0,
            ),
            (
                "1.4 a uri",
                "huedb add vec --id a --embedding '[1]' --uri file:///x; huedb get vec --include uris",
                r#"{"id":"a","uri":"file:///x"}"#,
                "",
                0,
            ),
            (
                "1.4 ours: keys that start with chroma: are refused, not hidden",
                "huedb add vec --id a --embedding '[1]' --metadata '{\"chroma:foo\": 1}'",
                "",
                "start with 'chroma:'",
                2,
            ),
            (
                "1.4 metadata {} reads back as null",
                "huedb add vec --id a --embedding '[1]' --metadata '{}'; huedb get vec --include metadatas",
                r#"{"id":"a","metadata":null}"#,
                "",
                0,
            ),
            (
                "1.4 a record whose last key is removed reads back null",
                "huedb add vec --id a --embedding '[1]' --metadata '{\"k\": 1}'
                 huedb update vec --id a --metadata '{\"k\": null}'; huedb get vec --include metadatas",
                r#"{"id":"a","metadata":null}"#,
                "",
                0,
            ),
        ],
    );
}

#[test]
fn section_1_5_metadata_values() {
    let read = |value: &str| {
        let json: Json = serde_json::from_str(&format!("{{\"l\": {value}}}")).unwrap();
        Metadata::from_json(json).map(|metadata| metadata.to_json()["l"].clone()).map_err(|e| e.to_string())
    };
    for (line, value, kept) in [
        ("1.5 bool", "true", json!(true)),
        ("1.5 int", "5", json!(5)),
        ("1.5 float", "1.5", json!(1.5)),
        ("1.5 a float that is whole stays a float", "2.0", json!(2.0)),
        ("1.5 string", "\"x\"", json!("x")),
        ("1.5 bools", "[true, false]", json!([true, false])),
        ("1.5 ints", "[1, 2]", json!([1, 2])),
        ("1.5 floats", "[1.5, 2.0]", json!([1.5, 2.0])),
        ("1.5 strings", "[\"p\", \"q\"]", json!(["p", "q"])),
        ("1.5 arrays keep order and repeats", "[\"q\", \"p\", \"q\"]", json!(["q", "p", "q"])),
        ("1.5 -0.0 is 0.0", "-0.0", json!(0.0)),
        ("1.5 i64::MAX is exact", "9223372036854775807", json!(i64::MAX)),
        ("1.5 a float as large stays one", "18446744073709551615.0", json!(1.844_674_407_370_955_2e19)),
        ("1.5 ints and floats mixed are floats", "[1, 2.5]", json!([1.0, 2.5])),
        (
            "1.5 ours: a sparse vector is kept (Chroma answers 501 locally)",
            r##"{"#type": "sparse_vector", "indices": [1, 7], "values": [1.0, 0.5]}"##,
            json!({"#type": "sparse_vector", "indices": [1, 7], "values": [1.0, 0.5]}),
        ),
    ] {
        assert_eq!(read(value).unwrap().to_string(), kept.to_string(), "{line}");
    }
    for (line, value, why) in [
        ("1.5 ours: [] is refused, not dropped", "[]", "an empty array"),
        ("1.5 mixed types", "[1, \"a\"]", "mixes types"),
        ("1.5 ours: a larger int is refused, not rounded", "18446744073709551615", "no type here holds"),
        ("1.5 ours: nor in an array", "[1, 9223372036854775808]", "no type here holds"),
        ("1.5 ours: nor one beside floats", "[0.5, 9007199254740993]", "lose its last digits"),
        ("1.5 bool is no int", "[true, 1]", "mixes types"),
        ("1.5 null on add", "null", "is null"),
        ("1.5 null in an array", "[null]", "not a string, number or boolean"),
        ("1.5 a nested object", "{\"a\": 1}", "is an object"),
        ("1.5 a nested array", "[[1]]", "not a string, number or boolean"),
        (
            "1.5 a sparse vector of unequal lengths",
            r##"{"#type": "sparse_vector", "indices": [1], "values": [1.0, 2.0]}"##,
            "indices",
        ),
        (
            "1.5 a sparse vector whose indices do not ascend",
            r##"{"#type": "sparse_vector", "indices": [2, 1], "values": [1.0, 2.0]}"##,
            "indices",
        ),
    ] {
        let said = read(value).unwrap_err();
        assert!(said.contains(why), "{line}: {said}");
    }
    for (line, key) in [("1.5 an empty key", ""), ("1.5 a # key", "#a"), ("1.5 a $ key", "$a")] {
        assert!(MetadataPatch::from_json(json!({key: 1})).is_err(), "{line}");
    }
}

#[test]
fn section_1_6_batches() {
    let import = |rows: &str, flags: &str| format!("printf '{rows}' | huedb import vec - {flags}");
    let a = r#"{"id":"a","embedding":[1,2]}"#;
    let rows: &[(&str, String, &str, &str, i32)] = &[
        (
            "1.6 dimensions differ within a batch",
            import(&format!("{a}\\n{{\"id\":\"b\",\"embedding\":[1]}}\\n"), ""),
            "",
            "-:2:",
            2,
        ),
        (
            "1.6 then nothing of the batch is there",
            format!("{} || huedb count vec", import(&format!("{a}\\n{{\"id\":\"b\",\"embedding\":[1]}}\\n"), "")),
            "0",
            "-:2:",
            0,
        ),
        ("1.6 [[]]", import(r#"{"id":"a","embedding":[]}"#, ""), "", "-:1:", 2),
        ("1.6 1e39 is no f32", import(r#"{"id":"a","embedding":[1e39]}"#, ""), "", "-:1:", 2),
        ("1.6 NaN", import(r#"{"id":"a","embedding":[NaN]}"#, ""), "", "-:1:", 2),
        (
            "1.6 base64 of little-endian f32",
            format!("{}; huedb get vec --include embeddings", import(r#"{"id":"a","embedding":"AACAPwAAAEA="}"#, "-q")),
            r#"{"id":"a","embedding":[1.0,2.0]}"#,
            "",
            0,
        ),
        ("1.6 base64 of NaN", import(r#"{"id":"a","embedding":"AADAfw=="}"#, ""), "", "-:1:", 2),
        ("1.6 bad base64", import(r#"{"id":"a","embedding":"!!"}"#, ""), "", "-:1:", 2),
        ("1.6 no records at all are no error", "huedb import vec - < /dev/null; huedb count vec".into(), "0", "", 0),
        (
            "1.6 ours: embeddings of a question are checked too",
            "huedb query vec --embedding '[1e39]'".into(),
            "",
            "--embedding",
            2,
        ),
        (
            "1.6 an existing id on add is left alone, others are added",
            format!(
                "{}; {}; huedb get vec --include embeddings",
                import(a, "-q"),
                import(r#"{"id":"a","embedding":[9,9]}\n{"id":"b","embedding":[3,4]}\n"#, "-q --mode add")
            ),
            "{\"id\":\"a\",\"embedding\":[1.0,2.0]}\n{\"id\":\"b\",\"embedding\":[3.0,4.0]}",
            "",
            0,
        ),
        (
            "1.6 more than 5,461 records in one go",
            "seq 6000 | sed 's/.*/{\"id\":\"&\",\"embedding\":[&]}/' | huedb import vec - -q; huedb count vec".into(),
            "6000",
            "",
            0,
        ),
        (
            "1.6 deleting more than 32,766 ids at once (10.19)",
            "seq 33000 | sed 's/.*/{\"id\":\"&\",\"embedding\":[&],\"metadata\":{\"n\":1}}/' | huedb import vec - -q
             huedb delete vec --where 'n = 1'; huedb count vec"
                .into(),
            "0",
            "deleted 33,000",
            0,
        ),
    ];
    for (line, script, stdout, says, status) in rows {
        check(VECTORS, &[(line, script, stdout, says, *status)]);
    }
}
