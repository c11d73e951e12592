//! Facts, lists of facts, and collections.

use huedb::record::{
    ChromaSettings, ClientSettings, CollectionInfo, CollectionName, Counts, Fingerprint, Hnsw, IndexMode, Pooling,
    Space,
};
use uuid::Uuid;

use super::*;
use crate::output::properties::{write_facts, write_list};
use crate::output::{Properties, collection_facts, collection_line};

fn about() -> Properties {
    Properties::new()
        .with("path", "./hue\u{1b}db.redb")
        .with("records", 12_345)
        .with_bytes("size_bytes", 12_345_678)
        .with("dimension", Json::Null)
        .with("graph", true)
        .with("tags", json!(["a", "b"]))
}

fn facts(format: OutputFormat) -> String {
    let mut out = Vec::new();
    write_facts(format, &about(), Style::default(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn list(format: OutputFormat, things: &[Properties]) -> String {
    let mut out = Vec::new();
    write_list(format, things, Style::default(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn facts_in_every_format() {
    let table = "\
path       ./huedb.redb
records    12,345
size       12.3 MB
dimension  none
graph      yes
tags       a, b
";
    assert_eq!(facts(OutputFormat::Table), table);
    let object = concat!(
        r#"{"path":"./hue\u001bdb.redb","records":12345,"size_bytes":12345678,"#,
        r#""dimension":null,"graph":true,"tags":["a","b"]}"#,
        "\n"
    );
    assert_eq!(facts(OutputFormat::Json), object);
    assert_eq!(facts(OutputFormat::Jsonl), object);
    let csv = "key,value\npath,./hue\u{1b}db.redb\nrecords,12345\nsize_bytes,12345678\n\
        dimension,\ngraph,true\ntags,\"[\"\"a\"\",\"\"b\"\"]\"\n";
    assert_eq!(facts(OutputFormat::Csv), csv);
    assert_eq!(facts(OutputFormat::Tsv).lines().nth(2), Some("records\t12345"));
}

#[test]
fn facts_have_no_ids() {
    let error = write_facts(OutputFormat::Ids, &about(), Style::default(), &mut Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), "the output format ids is for lists");
    assert!(error.hint().is_some());
}

fn collection(name: &str, embedder: Option<Fingerprint>) -> CollectionInfo {
    CollectionInfo {
        id: Uuid::nil(),
        name: CollectionName::parse(name).unwrap(),
        metadata: None,
        space: Space::Cosine,
        dimension: embedder.as_ref().map(|e| e.dimension),
        precision: huedb::record::EmbeddingPrecision::default(),
        embedder,
        hnsw: Hnsw::default(),
        bm25: false,
        sparse: None,
        client: ClientSettings::default(),
        index: IndexMode::Auto,
        chroma: ChromaSettings::default(),
    }
}

fn fingerprint() -> Fingerprint {
    Fingerprint {
        model: "all-MiniLM-L6-v2".into(),
        sha256: "ab".repeat(32),
        dimension: 384,
        pooling: Pooling::Mean,
        normalize: true,
        max_tokens: 256,
        query_prefix: String::new(),
        document_prefix: "passage: ".into(),
        made_by: None,
        probe: None,
    }
}

fn collections() -> [Properties; 2] {
    let counts = Counts { records: 1204, deleted: 3, sealed: 1000, tail: 207 };
    [
        collection_line(&collection("notes", Some(fingerprint())), &counts),
        collection_line(&collection("vectors", None), &Counts::default()),
    ]
}

#[test]
fn collections_in_every_format() {
    let table = "\
name     records  dimension  space   model
─────────────────────────────────────────────────────
notes      1,204        384  cosine  all-MiniLM-L6-v2
vectors        0             cosine
";
    assert_eq!(list(OutputFormat::Table, &collections()), table);
    let notes = r#"{"name":"notes","records":1204,"dimension":384,"space":"cosine","model":"all-MiniLM-L6-v2","metadata":null}"#;
    let vectors = r#"{"name":"vectors","records":0,"dimension":null,"space":"cosine","model":null,"metadata":null}"#;
    assert_eq!(list(OutputFormat::Jsonl, &collections()), format!("{notes}\n{vectors}\n"));
    assert_eq!(list(OutputFormat::Json, &collections()), format!("[\n{notes},\n{vectors}\n]\n"));
    let csv =
        "name,records,dimension,space,model,metadata\nnotes,1204,384,cosine,all-MiniLM-L6-v2,\nvectors,0,,cosine,,\n";
    assert_eq!(list(OutputFormat::Csv, &collections()), csv);
    assert_eq!(list(OutputFormat::Ids, &collections()), "notes\nvectors\n");
}

#[test]
fn a_list_of_nothing() {
    for (format, text) in
        [(OutputFormat::Table, ""), (OutputFormat::Jsonl, ""), (OutputFormat::Json, "[]\n"), (OutputFormat::Csv, "")]
    {
        assert_eq!(list(format, &[]), text, "{format}");
    }
}

#[test]
fn things_that_lack_a_fact_leave_its_cell_empty() {
    let things = [Properties::new().with("a", 1), Properties::new().with("a", 2).with("b", "x")];
    assert_eq!(list(OutputFormat::Csv, &things), "a,b\n1,\n2,x\n");
    assert_eq!(list(OutputFormat::Table, &things), "a  b\n────\n1\n2  x\n");
}

#[test]
fn show_says_everything() {
    let mut notes = collection("notes", Some(fingerprint()));
    notes.metadata = Some(Metadata::from_json(json!({"owner": "me"})).unwrap());
    let facts = collection_facts(&notes, &Counts { records: 1204, deleted: 3, sealed: 1000, tail: 207 });
    let mut out = Vec::new();
    write_facts(OutputFormat::Table, &facts, Style::default(), &mut out).unwrap();
    let expected = format!(
        "\
name             notes
records          1,204
dimension        384
space            cosine
model            all-MiniLM-L6-v2
metadata         owner=me
id               00000000-0000-0000-0000-000000000000
deleted          3
sealed           1,000
tail             207
precision        f32
index            auto
words indexed    no
ef construction  128
ef search        128
max neighbors    16
model sha256     {}
pooling          mean
normalize        yes
max tokens       256
query prefix     none
document prefix  passage:
",
        "ab".repeat(32)
    );
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}
