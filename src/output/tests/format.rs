//! The data formats, byte by byte.

use super::*;
use crate::output::properties::{write_facts, write_list};
use crate::output::{Properties, RecordColumn};

fn two() -> [Record; 2] {
    let mut full = record("a", Some("two\nlines, \"quoted\""), &json!({"year": 2021, "ok": true, "score": 2.0}));
    full.uri = Some("file:a.txt".into());
    full.embedding = Some(vec![0.1, -0.0, 1e-30, 3.0]);
    [full, record("b\tc", None, &Json::Null)]
}

#[test]
fn jsonl_is_one_object_a_line() {
    let expected = concat!(
        r#"{"id":"a","document":"two\nlines, \"quoted\"","metadata":{"ok":true,"score":2.0,"year":2021},"#,
        r#""uri":"file:a.txt","embedding":[0.1,-0.0,1e-30,3.0]}"#,
        "\n",
        r#"{"id":"b\tc","document":null,"metadata":null}"#,
        "\n"
    );
    assert_eq!(records(OutputFormat::Jsonl, RecordColumns::export(), &two()), expected);
    assert_eq!(records(OutputFormat::Jsonl, RecordColumns::export(), &[]), "");
}

#[test]
fn json_is_the_same_objects_in_an_array() {
    let lines = records(OutputFormat::Jsonl, RecordColumns::export(), &two());
    let array = format!("[\n{}\n]\n", lines.trim_end().replace('\n', ",\n"));
    assert_eq!(records(OutputFormat::Json, RecordColumns::export(), &two()), array);
    assert_eq!(records(OutputFormat::Json, RecordColumns::export(), &[]), "[]\n");
}

#[test]
fn csv_holds_metadata_and_embedding_as_json() {
    let expected = concat!(
        "id,document,metadata,uri,embedding\n",
        "a,\"two\nlines, \"\"quoted\"\"\",\"{\"\"ok\"\":true,\"\"score\"\":2.0,\"\"year\"\":2021}\",file:a.txt,",
        "\"[0.1,-0.0,1e-30,3.0]\"\n",
        "b\tc,,,,\n"
    );
    assert_eq!(records(OutputFormat::Csv, RecordColumns::export(), &two()), expected);
    assert_eq!(records(OutputFormat::Csv, RecordColumns::record(), &[]), "id,document,metadata,uri\n");
}

#[test]
fn csv_does_not_change_what_looks_like_a_formula() {
    let formula = record("=1+1", Some("@SUM(A1)"), &Json::Null);
    assert_eq!(
        records(OutputFormat::Csv, RecordColumns::record(), &[formula]),
        "id,document,metadata,uri\n=1+1,@SUM(A1),,\n"
    );
}

#[test]
fn tsv_quotes_a_tab() {
    let expected = "id\tdocument\na\t\"two\nlines, \"\"quoted\"\"\"\n\"b\tc\"\t\n";
    let columns = [RecordColumn::Id, RecordColumn::Document].into_iter().collect();
    assert_eq!(records(OutputFormat::Tsv, columns, &two()), expected);
}

#[test]
fn metadata_keys_are_columns_on_request() {
    let columns: RecordColumns =
        [RecordColumn::Id, RecordColumn::Key("year".into()), RecordColumn::Key("score".into())].into_iter().collect();
    assert_eq!(records(OutputFormat::Csv, columns.clone(), &two()), "id,year,metadata.score\na,2021,2.0\nb\tc,,\n");
    assert_eq!(
        records(OutputFormat::Jsonl, columns, &two()),
        "{\"id\":\"a\",\"year\":2021,\"metadata.score\":2.0}\n{\"id\":\"b\\tc\",\"year\":null,\"metadata.score\":null}\n"
    );
}

#[test]
fn ids_end_with_a_newline_or_nul() {
    assert_eq!(records(OutputFormat::Ids, RecordColumns::record(), &two()), "a\nb\tc\n");
    let style = Style { id_terminator: 0, ..Style::default() };
    let text = written_by(OutputFormat::Ids, RecordColumns::record(), style, |sink| {
        for record in &two() {
            sink.entry(record.into()).unwrap();
        }
    });
    assert_eq!(text, "a\0b\tc\0");
    assert_eq!(batch(OutputFormat::Ids, Style::default()), "a\nb\n");
}

#[test]
fn hits_have_a_distance() {
    let hits = |format| {
        written_by(format, RecordColumns::hit(), Style::default(), |sink| {
            sink.entry((&hit("a", 0.1, "fox")).into()).unwrap();
        })
    };
    let line = r#"{"id":"a","distance":0.1,"document":"fox","metadata":{"year":2021}}"#;
    assert_eq!(hits(OutputFormat::Jsonl), format!("{line}\n"));
    assert_eq!(hits(OutputFormat::Json), format!("[\n{line}\n]\n"));
    assert_eq!(hits(OutputFormat::Csv), "id,distance,document,metadata,uri\na,0.1,fox,\"{\"\"year\"\":2021}\",\n");
}

#[test]
fn a_batch_names_the_question() {
    let a = r#"{"query":0,"id":"a","distance":0.25,"document":"quick fox","metadata":{"year":2021}}"#;
    let b = r#"{"query":0,"id":"b","distance":0.1,"document":"slow, \"dog\"","metadata":{"year":2021}}"#;
    assert_eq!(batch(OutputFormat::Jsonl, Style::default()), format!("{a}\n{b}\n"));
    assert_eq!(batch(OutputFormat::Json, Style::default()), format!("[\n[\n{a},\n{b}\n],\n[]\n]\n"));
    let csv = batch(OutputFormat::Csv, Style::default());
    assert_eq!(csv.lines().next(), Some("query,id,distance,document,metadata,uri"));
    assert_eq!(csv.lines().nth(1), Some("0,a,0.25,quick fox,\"{\"\"year\"\":2021}\","));
}

#[test]
fn a_batch_of_nothing_is_an_empty_array() {
    assert_eq!(written_by(OutputFormat::Json, RecordColumns::batch(), Style::default(), |_| {}), "[]\n");
}

#[test]
fn a_question_named_by_its_id_keeps_it() {
    let text = written_by(OutputFormat::Jsonl, RecordColumns::batch(), Style::default(), |sink| {
        sink.question(&ShownQuestion { label: Label::Id("7".into()), text: None }).unwrap();
        sink.entry((&hit("a", 0.5, "x")).into()).unwrap();
    });
    assert!(text.starts_with(r#"{"query":"7","id":"a""#), "{text}");
}

#[test]
fn a_closed_pipe_is_told_apart() {
    for format in OutputFormat::ALL {
        let mut gone = Gone;
        let written = open(format, RecordColumns::record(), Style::default(), &mut gone).and_then(|mut sink| {
            two().iter().try_for_each(|record| sink.entry(record.into()))?;
            sink.end()
        });
        assert!(written.unwrap_err().is_broken_pipe(), "{format}");
        let facts = Properties::new().with("a", 1);
        let list = write_list(format, std::slice::from_ref(&facts), Style::default(), &mut Gone);
        let has_lists = format != OutputFormat::Vimgrep;
        assert_eq!(list.unwrap_err().is_broken_pipe(), has_lists, "list as {format}");
        if has_lists && format != OutputFormat::Ids {
            let facts = write_facts(format, &facts, Style::default(), &mut Gone);
            assert!(facts.unwrap_err().is_broken_pipe(), "facts as {format}");
        }
    }
}
