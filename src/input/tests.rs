//! Inputs of every format, whole: what rows come out, and what is said of bad ones.

use std::fs;
use std::io::{Cursor, Write};
use std::sync::Arc;

use flate2::Compression;
use serde_json::{Value as Json, json};

use super::*;
use crate::error::{Error, Result};
use crate::record::{NewRecord, Value};

pub(super) fn options(format: Option<InputFormat>, mapping: Mapping) -> InputOptions {
    InputOptions { format, mapping, row_limit_bytes: 1 << 20, ..InputOptions::default() }
}

pub(super) fn open(bytes: impl Into<Vec<u8>>, options: InputOptions) -> Result<InputRows> {
    InputRows::from_reader(Cursor::new(bytes.into()), "t", options)
}

/// Reads everything; an input that cannot be opened is one error.
fn read(text: &str, mapping: Mapping) -> Vec<Result<NewRecord, String>> {
    match open(text, options(None, mapping)) {
        Ok(rows) => rows.map(|row| row.map_err(|e| e.to_string())).collect(),
        Err(e) => vec![Err(e.to_string())],
    }
}

fn rows(text: &str, mapping: Mapping) -> Vec<NewRecord> {
    read(text, mapping).into_iter().map(Result::unwrap).collect()
}

fn error(text: &str, mapping: Mapping) -> String {
    read(text, mapping).into_iter().find_map(Result::err).unwrap()
}

fn notices(text: &str, mapping: Mapping) -> Vec<String> {
    let mut rows = open(text, options(None, mapping)).unwrap();
    rows.by_ref().for_each(drop);
    rows.take_notices().iter().map(ToString::to_string).collect()
}

pub(super) fn metadata(row: &NewRecord) -> Json {
    let pairs = row.metadata.iter().map(|(key, value)| (key.to_owned(), value.map_or(Json::Null, Value::to_json)));
    Json::Object(pairs.collect())
}

pub(super) fn named(id: &str, document: &str, metadata: Option<&[&str]>) -> Mapping {
    Mapping {
        id: id.parse().unwrap(),
        document: Some(document.into()),
        metadata: metadata.map(|names| names.iter().map(|&name| name.to_owned()).collect()),
        ..Mapping::default()
    }
}

#[test]
fn all_formats_say_the_same() {
    let csv = "id,document,embedding,uri,metadata,year\n\
               a,a fox,\"[0.5,1]\",u/a,\"{\"\"lang\"\":\"\"en\"\",\"\"tags\"\":[\"\"x\"\"]}\",2021\nb,,,,,\n";
    let tsv = "id\tdocument\tembedding\turi\tmetadata\tyear\n\
               a\ta fox\t[0.5,1]\tu/a\t\"{\"\"lang\"\":\"\"en\"\",\"\"tags\"\":[\"\"x\"\"]}\"\t2021\nb\t\t\t\t\t\n";
    let object = json!({"id": "a", "document": "a fox", "embedding": [0.5, 1], "uri": "u/a",
        "metadata": {"lang": "en", "tags": ["x"]}, "year": 2021});
    let jsonl = format!("{object}\n{{\"id\":\"b\",\"document\":null}}\n");
    let array = format!("[{object:#},\n{{\"id\":\"b\"}}]");
    let sequence = format!("{object:#}\n{{\"id\":\"b\"}}\n");
    for text in [csv, tsv, &jsonl, &array, &sequence] {
        let rows = rows(text, Mapping::default());
        let [a, b] = rows.as_slice() else { panic!("{text}: {rows:?}") };
        assert_eq!((a.id.as_str(), a.document.as_deref(), a.uri.as_deref()), ("a", Some("a fox"), Some("u/a")));
        assert_eq!(a.embedding, Some(vec![0.5, 1.0]), "{text}");
        assert_eq!(metadata(a), json!({"lang": "en", "tags": ["x"], "year": 2021}), "{text}");
        assert_eq!((b.id.as_str(), &b.document, &b.embedding, &b.uri), ("b", &None, &None, &None));
        assert!(b.metadata.is_empty(), "{text}");
        assert_eq!((&*a.origin.source, a.origin.line > 0, a.origin.line < b.origin.line), ("t", true, true));
    }
}

#[test]
fn columns_are_chosen_by_name() {
    let csv = "key,body,year,zip,lang\nk,text,2021,01234,en\n";
    let jsonl = "{\"key\":\"k\",\"body\":\"text\",\"year\":2021,\"zip\":\"01234\",\"lang\":\"en\"}\n";
    for text in [csv, jsonl] {
        let one = rows(text, named("key", "body", Some(&["year", "zip"])));
        assert_eq!(metadata(&one[0]), json!({"year": 2021, "zip": "01234"}), "{text}");
        assert_eq!(one[0].document.as_deref(), Some("text"));
        let all = rows(text, named("key", "body", None));
        assert_eq!(metadata(&all[0]), json!({"year": 2021, "zip": "01234", "lang": "en"}), "{text}");
        let none = rows(text, named("key", "body", Some(&[])));
        assert_eq!(metadata(&none[0]), json!({}));
        let both = rows(text, named("key", "key", Some(&["key"])));
        assert_eq!((both[0].document.as_deref(), metadata(&both[0])), (Some("k"), json!({"key": "k"})));
        let types = Mapping { types: "year:str,zip:int".parse().unwrap(), ..named("key", "body", None) };
        assert_eq!(metadata(&rows(text, types)[0]), json!({"year": "2021", "zip": 1234, "lang": "en"}));
        let wrong = Mapping { types: "lang:int".parse().unwrap(), ..named("key", "body", None) };
        assert!(error(text, wrong).contains("\"lang\" holds \"en\", which is not an integer"), "{text}");
        let auto = rows(text, named("auto", "body", Some(&[])));
        assert_eq!(auto[0].id.as_str(), "982d9e3eb996f559e633f4d194def376", "sha256 of text");
    }
}

#[test]
fn the_metadata_object_is_taken_whatever_is_listed_and_wins() {
    let csv = "id,metadata,k,x\n1,\"{\"\"k\"\":1,\"\"gone\"\":null}\",2,3\n";
    let jsonl = "{\"id\":1,\"metadata\":{\"k\":1,\"gone\":null},\"k\":2,\"x\":3}\n";
    for text in [csv, jsonl] {
        let listed = |names: &[&str]| metadata(&rows(text, named_id(names))[0]);
        assert_eq!(listed(&["k"]), json!({"gone": null, "k": 1}), "{text}");
        assert_eq!(listed(&["metadata", "x"]), json!({"gone": null, "k": 1, "x": 3}), "{text}");
    }
}

fn named_id(metadata: &[&str]) -> Mapping {
    Mapping { document: None, ..named("id", "", Some(metadata)) }
}

#[test]
fn a_column_that_is_not_there_is_named_with_those_that_are() {
    let csv = "key,body\nk,text\n";
    let missing = "t: has no column \"id\" and none \"document\"; its columns are key, body";
    assert_eq!(error(csv, Mapping::default()), missing);
    assert_eq!(error(csv, named("id", "body", None)), "t: has no column \"id\"; its columns are key, body");
    let hint = open(csv, InputOptions::default()).err().unwrap().hint().unwrap();
    assert!(hint.contains("columns of the ids and of the text"), "{hint}");
    assert!(error(csv, named("key", "bdoy", None)).contains("no column \"bdoy\"; its columns are key, body"));
    assert!(error(csv, named("key", "body", Some(&["year"]))).contains("no column \"year\""));
    let types = Mapping { types: "year:int".parse().unwrap(), ..named("key", "body", None) };
    assert!(error(csv, types).contains("no column \"year\""));
    let missing = error("{\"key\":1,\"body\":2}\n", Mapping::default());
    let missing_both = "t:1: has no \"id\" and no \"document\"; its fields are key, body";
    assert_eq!(missing, missing_both);
    let missing = error("{\"key\":1,\"document\":\"2\"}\n", Mapping::default());
    assert!(missing.starts_with("t:1: \"id\" is missing") && missing.contains("fields are key, document"), "{missing}");
    let twice = Mapping { embedding: Some("id".into()), ..Mapping::default() };
    assert!(error(csv, twice).contains("another part"));
    assert!(error("id,#x\n1,2\n", Mapping::default()).contains("\"#x\" cannot be metadata"));
}

#[test]
fn several_columns_are_one_document() {
    let csv = "id,title,body,\"a,b\"\n1,A fox,It trots,x\n2,,Only this,\n3,,,\n";
    let jsonl = "{\"id\":1,\"body\":\"It trots\",\"title\":\"A fox\",\"a,b\":\"x\"}\n\
                 {\"id\":2,\"title\":\"\",\"body\":\"Only this\"}\n{\"id\":3,\"title\":null}\n";
    for text in [csv, jsonl] {
        let documents = |document: &str| {
            let rows = rows(text, named("id", document, Some(&[])));
            rows.into_iter().map(|row| row.document).collect::<Vec<_>>()
        };
        let joined = [Some("A fox\n\nIt trots".to_owned()), Some("Only this".into()), None];
        assert_eq!(documents("title,body"), joined, "{text}");
        assert_eq!(documents("body, title")[0].as_deref(), Some("It trots\n\nA fox"));
        assert_eq!(documents("a,b"), [Some("x".into()), None, None], "a name that holds a comma");
        assert_eq!(documents("title,\"a,b\"")[0].as_deref(), Some("A fox\n\nx"));
    }
    assert!(error(csv, named("id", "title,text", None)).contains("has no column \"text\""));
    let padded = " id ,\" body \"\n1,text\n";
    let row = &rows(padded, named("id", " body ", None))[0];
    assert_eq!((row.document.as_deref(), metadata(row)), (Some("text"), json!({})));
}

#[test]
fn nested_fields_are_named_by_their_paths() {
    let line = "{\"id\":1,\"body\":{\"text\":\"a fox\",\"lang\":\"en\"},\"user\":{\"login\":\"ada\",\"org\":{\"n\":7}},\
                \"embedding\":[1],\"tags\":[]}\n";
    let body = |metadata: Option<&[&str]>| named("id", "body.text", metadata);
    let row = &rows(line, body(Some(&["user.login", "tags"])))[0];
    assert_eq!((row.document.as_deref(), metadata(row)), (Some("a fox"), json!({"user.login": "ada"})));
    let said = notices(line, body(None)).join("\n");
    assert!(said.contains("\"body.lang\" is left out: it is in an object"), "{said}");
    assert!(said.contains("\"user\" is left out: it is an object") && said.contains("flattened"), "{said}");
    // Digits that no integer here holds are refused at any depth.
    let long = &line.replace('7', "18446744073709551615");
    assert!(error(long, Mapping { flatten: true, ..body(None) }).contains("\"user.org.n\" is the integer 1844674"));
    let types = "user.org.n:str".parse().unwrap();
    let flat = &rows(long, Mapping { flatten: true, types, ..body(None) })[0];
    let expected = json!({"body.lang": "en", "user.login": "ada", "user.org.n": "18446744073709551615"});
    assert_eq!(metadata(flat), expected);
    let object = "{\"id\":1,\"document\":\"d\",\"metadata\":{\"a\":{\"b\":1},\"c\":2}}\n";
    assert!(error(object, Mapping::default()).contains("\"a\""));
    let flat = Mapping { flatten: true, ..Mapping::default() };
    assert_eq!(metadata(&rows(object, flat.clone())[0]), json!({"a.b": 1, "c": 2}));
    let deep = format!("{{\"id\":1,\"document\":\"d\",\"x\":{}1{}}}\n", "{\"y\":".repeat(100), "}".repeat(100));
    assert!(error(&deep, flat.clone()).contains("nested more than 64 deep"));
    assert!(error("{\"id\":1,\"document\":\"d\",\"a.b\":1,\"a\":{\"b\":2}}\n", flat).contains("twice"));
}

#[test]
fn a_field_asked_for_that_is_nowhere_is_told() {
    let lines = "{\"id\":1,\"body\":\"d\",\"user\":{\"login\":\"a\"}}\n{\"id\":2,\"body\":\"d\",\"late\":1}\n";
    let met = Arc::new(Met::default());
    let read = |lines: &str, names: &[&str]| {
        let (folder, mapping) = (tempfile::tempdir().unwrap(), named("id", "body", Some(names)));
        let path = folder.path().join("t.jsonl");
        std::fs::write(&path, lines).unwrap();
        let options = InputOptions { mapping, ..InputOptions::default() };
        let rows = InputRows::open_among(&InputSource::File(path), options, Arc::clone(&met)).unwrap();
        assert_eq!(rows.flatten().count(), lines.lines().count());
        met.not_found().iter().map(|said| said.split("; ").next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(read(lines, &["user.login", "late"]), [""; 0]);
    let said = ["no row has the field \"topc\"", "no row has the field \"user.logn\""];
    assert_eq!(read(lines, &["user.logn", "topc"]), said);
    // Another input has it.
    assert_eq!(read("{\"id\":1,\"body\":\"d\",\"topc\":1}\n", &["topc"]), said[1..]);
}

#[test]
fn what_is_left_out_is_said_once() {
    let line = "{\"id\":1,\"document\":\"d\",\"nested\":{\"a\":1},\"year\":1,\"gone\":null}\n".repeat(3);
    let said = notices(&line, Mapping::default());
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("t:1: the field \"nested\" is left out: it is an object"), "{said:?}");
    let listed = Mapping { metadata: Some(vec!["year".into()]), ..Mapping::default() };
    assert_eq!(notices(&line, listed), [""; 0], "what was not asked for is not missed");
    let asked = Mapping { metadata: Some(vec!["nested".into()]), ..Mapping::default() };
    assert!(error(&line, asked).contains("\"nested\" is an object"));
    for text in ["{\"id\":1,\"text\":\"d\"}\n", "id,text\n1,d\n"] {
        let said = notices(text, Mapping::default());
        assert!(said.len() == 1 && said[0].contains("no document") || said[0].contains("no column \"document\""));
        assert!(said[0].contains("id, text"), "{said:?}");
        // What changes records, or stands beside their embeddings, may well bring neither.
        let part = Mapping { expects_content: false, ..Mapping::default() };
        assert_eq!(notices(text, part), [""; 0]);
    }
    assert!(notices(",id,document\n0,1,d\n", Mapping::default())[0].contains("column 1 has no name"));
}

#[test]
fn a_bad_row_has_its_line_and_the_rest_is_read() {
    let bad_rows = [
        ("{\"id\":\"x\"", "cut off"),
        ("nonsense", "is not JSON"),
        ("[1]", "expected an object with fields"),
        ("{\"id\":\"\"}", "the id is empty"),
        ("{\"id\":null}", "\"id\" is missing"),
        ("{\"id\":1.5}", "write it as a string"),
        ("{\"id\":\"x\",\"id\":\"y\"}", "\"id\" appears twice"),
        ("{\"id\":\"x\",\"year\":1,\"year\":2}", "\"year\" appears twice"),
        ("{\"id\":\"x\",\"metadata\":{\"year\":1,\"year\":2}}", "the metadata has the key \"year\" twice"),
        ("{\"id\":\"x\",\"document\":3}", "\"document\" is a number; it must be a string"),
        ("{\"id\":\"x\",\"embedding\":[1,NaN]}", "NaN is not a JSON number"),
        ("{\"id\":\"x\",\"embedding\":[1e39]}", "out of range"),
        ("{\"id\":\"x\",\"embedding\":[]}", "the embedding is empty"),
        ("{\"id\":\"x\",\"embedding\":[\"1\"]}", "component"),
        ("{\"id\":\"x\",\"embedding\":{}}", "expected an embedding"),
        ("{\"id\":\"x\",\"metadata\":[1]}", "metadata is a JSON object"),
        ("{\"id\":\"x\",\"metadata\":{\"a\":[]}}", "\"a\": is an empty array"),
        ("{\"id\":\"x\"} {}", "trailing"),
    ];
    for (bad, why) in bad_rows {
        let read = read(&format!("{{\"id\":\"a\"}}\n\n{bad}\n{{\"id\":\"b\"}}\n"), Mapping::default());
        assert_eq!(read.len(), 3, "{bad}: {read:?}");
        let said = read[1].as_ref().unwrap_err();
        assert!(said.starts_with("t:3: ") && said.contains(why), "{said}");
        assert_eq!(read[2].as_ref().unwrap().id.as_str(), "b");
    }
    let array = read("[{\"id\":\"a\"},\n{\"id\":\n tru },\n{\"id\":\"b\"}]", Mapping::default());
    assert!(array[1].as_ref().unwrap_err().starts_with("t:2: is not JSON"), "{array:?}");
    assert!(array[1].as_ref().unwrap_err().ends_with("on line 3"), "{array:?}");
    assert_eq!(array[2].as_ref().unwrap().id.as_str(), "b");
    let csv = read("id,embedding\na,\"[1,\nx]\"\n,[1]\nb,[1]\n", Mapping::default());
    assert!(csv[0].as_ref().unwrap_err().starts_with("t:2: "), "{csv:?}");
    assert!(csv[1].as_ref().unwrap_err().starts_with("t:4: the id is empty"), "{csv:?}");
    assert!(csv[2].is_ok());
}

#[test]
fn after_an_error_of_the_whole_input_nothing_follows() {
    let read = read("[{\"id\":\"a\"}\n{\"id\":\"b\"}]", Mapping::default());
    assert_eq!(read.len(), 2);
    assert_eq!(read[1], Err("t: line 2: expected ',' or ']' after an element".into()));
    let ids = (0..60_000u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let text = ids.map(|id| json!({ "id": id }).to_string()).collect::<Vec<_>>().join("\n");
    let mut packed = zstd::encode_all(text.as_bytes(), 1).unwrap();
    packed.truncate(packed.len() - 100);
    let mut rows = open(packed, InputOptions::default()).unwrap();
    let last = rows.by_ref().last().unwrap().unwrap_err();
    assert!(matches!(&last, Error::BadInput { why, .. } if why.contains("zstd")), "{last}");
    assert!(rows.next().is_none());
}

#[test]
fn binary_files_are_one_clear_error() {
    let format = |format| options(Some(format), Mapping::default());
    for kind in [InputFormat::Csv, InputFormat::Jsonl, InputFormat::Json, InputFormat::Text] {
        let error = open(&b"\x7fELF\x02\x01\x01\0\0\0"[..], format(kind)).err().unwrap();
        assert!(matches!(error, Error::NotText { .. }) && error.hint().is_some(), "{error}");
    }
}

#[test]
fn a_folder_is_one_document_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("sub")).unwrap();
    fs::write(path("a.md"), "\u{feff}alpha").unwrap();
    fs::write(path("sub/b.md"), "beta").unwrap();
    fs::write(path("latin.txt"), b"Gr\xfc\xdfe").unwrap();
    fs::write(path("logo.png"), b"\x89PNG\0\0").unwrap();
    let mut packer = flate2::write::GzEncoder::new(fs::File::create(path("c.md.gz")).unwrap(), Compression::default());
    packer.write_all(b"gamma").unwrap();
    packer.finish().unwrap();
    let source = InputSource::parse(folder.path().to_str().unwrap()).unwrap();
    let mut rows = InputRows::open(&source, InputOptions::default()).unwrap();
    let progress = rows.progress();
    let (good, bad): (Vec<_>, Vec<_>) = rows.by_ref().partition(Result::is_ok);
    let good: Vec<_> = good.into_iter().map(Result::unwrap).collect();
    let documents: Vec<_> = good.iter().map(|row| (row.id.as_str(), row.document.as_deref().unwrap())).collect();
    assert_eq!(documents, [("a.md", "alpha"), ("c.md.gz", "gamma"), ("sub/b.md", "beta")]);
    assert_eq!(good[2].uri.as_deref(), path("sub/b.md").to_str());
    assert!(good.iter().all(|row| row.metadata.is_empty()));
    assert!(bad.is_empty(), "{bad:?}");
    let skipped = rows.take_skipped();
    let [latin, logo] = skipped.as_slice() else { panic!("{skipped:?}") };
    assert!(latin.path.ends_with("latin.txt") && latin.why.starts_with("is not UTF-8"), "{latin:?}");
    assert!(logo.path.ends_with("logo.png") && logo.why.starts_with("is a binary"), "{logo:?}");
    assert_eq!(Some(progress.read_bytes()), progress.total_bytes());
}

#[test]
fn a_glob_with_a_format_reads_rows_of_all_files() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in
        [("1.jsonl", "{\"id\":\"a\"}\n"), ("2.jsonl", "{\"id\":\"b\"}\nx\n"), ("3.jsonl", "{\"id\":\"c\"}")]
    {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let source = InputSource::parse(&format!("{}/*.jsonl", folder.path().display())).unwrap();
    let rows: Vec<_> =
        InputRows::open(&source, options(Some(InputFormat::Jsonl), Mapping::default())).unwrap().collect();
    let ids: Vec<_> = rows.iter().filter_map(|row| row.as_ref().ok()).map(|row| row.id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "c"]);
    assert!(rows[2].as_ref().unwrap_err().to_string().contains("2.jsonl:2: is not JSON"));
}

#[test]
fn one_file_is_read_by_its_extension() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text, id) in [
        ("a.csv", "id,document\nx,y\n", "x"),
        ("b.json", "{\"id\":\"x\"}\n{\"id\":\"y\"}\n", "x"),
        ("c", "[{\"id\":\"x\"}]", "x"),
        ("d.md", "{not json", "d.md"),
        ("e", "plain", "e"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        let source = InputSource::parse(path.to_str().unwrap()).unwrap();
        let row = InputRows::open(&source, InputOptions::default()).unwrap().next().unwrap().unwrap();
        assert!(row.id.as_str().ends_with(id), "{name}: {row:?}");
    }
    let none = InputSource::File(folder.path().join("none.csv"));
    assert!(matches!(InputRows::open(&none, InputOptions::default()), Err(Error::Io { .. })));
}
