//! Tables of records and hits.

use super::*;
use crate::output::{Highlight, RecordColumn, width};

fn style(width: usize) -> Style {
    Style { width, ..Style::default() }
}

fn hits(width: usize, hits: &[Hit]) -> String {
    written_by(OutputFormat::Table, RecordColumns::hit(), style(width), |sink| {
        for hit in hits {
            sink.entry(hit.into()).unwrap();
        }
    })
}

#[test]
fn a_table_of_hits() {
    let shown =
        [hit("fox-1", 0.123_456_7, "The quick\n brown fox"), hit("日本", 12.5, "jumps \u{202e}over\u{1b}[2J the dog")];
    let expected = "\
id     distance  document               metadata
─────────────────────────────────────────────────
fox-1    0.1235  The quick brown fox    year=2021
日本    12.5000  jumps over[2J the dog  year=2021
";
    assert_eq!(hits(80, &shown), expected);
}

#[test]
fn the_document_gives_way_first() {
    let shown = [hit("fox-1", 0.1, "The quick brown fox jumps over the lazy dog and goes on running")];
    let expected = "\
id     distance  document                  metadata
────────────────────────────────────────────────────
fox-1    0.1000  The quick brown fox jum…  year=2021
";
    assert_eq!(hits(52, &shown), expected);
}

#[test]
fn columns_that_no_row_fills_are_left_out() {
    let expected = "id\n──\na\n";
    assert_eq!(records(OutputFormat::Table, RecordColumns::export(), &[record("a", None, &Json::Null)]), expected);
    assert_eq!(records(OutputFormat::Table, RecordColumns::export(), &[]), "");
}

#[test]
fn metadata_keys_and_embeddings_have_columns() {
    let mut one = record("a", None, &json!({"year": 2021, "lang": "en"}));
    one.embedding = Some(vec![0.25; 384]);
    let columns = [RecordColumn::Id, RecordColumn::Key("lang".into()), RecordColumn::Embedding].into_iter().collect();
    let expected = "\
id  lang  embedding
─────────────────────────────────
a   en    [0.2500, 0.2500, …] 384
";
    assert_eq!(records(OutputFormat::Table, columns, &[one]), expected);
}

#[test]
fn each_question_of_a_batch_has_its_table() {
    let expected = "\
0: how do foxes move
id  distance  document     metadata
────────────────────────────────────
a     0.2500  quick fox    year=2021
b     0.1000  slow, \"dog\"  year=2021

q2
nothing found
";
    assert_eq!(batch(OutputFormat::Table, style(80)), expected);
    let bold = batch(OutputFormat::Table, Style { color: true, ..style(80) });
    assert!(bold.starts_with("\u{1b}[1m0: how do foxes move\u{1b}[0m\n"), "{bold:?}");
}

#[test]
fn a_narrow_terminal_is_respected_and_never_panics() {
    let text = "日本語のとても長い文章 🦊🦊🦊 e\u{301}e\u{301} and more of it";
    for columns in 0..60 {
        let shown = hits(columns, &[hit("a-rather-long-id", 0.5, text), hit("b", -49.0, "x")]);
        assert_eq!(shown.lines().count(), 4, "{columns}: {shown}");
        for line in shown.lines() {
            // Four columns, three gaps and a distance of eight cells need this much.
            assert!(width(line) <= columns.max(1 + 8 + 1 + 1 + 6 + 1), "{columns}: {line}");
        }
    }
}

#[test]
fn a_long_list_is_paged_under_one_header() {
    let all: Vec<Record> = (0..2500).map(|n| record(&format!("id-{n}"), Some("text"), &Json::Null)).collect();
    let shown = records(OutputFormat::Table, RecordColumns::record(), &all);
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines.len(), 2502);
    assert_eq!(lines[0], "id      document  metadata  uri");
    assert_eq!(lines[2], "id-0    text");
    assert_eq!(lines[1001], "id-999  text");
    assert_eq!(lines[1002], "id-1000  text");
    assert_eq!(lines[2501], "id-2499  text");
}

#[test]
fn a_full_page_is_not_followed_by_an_empty_table() {
    let all: Vec<Record> = (0..1000).map(|n| record(&format!("{n:03}"), Some("text"), &Json::Null)).collect();
    assert_eq!(records(OutputFormat::Table, RecordColumns::record(), &all).lines().count(), 1002);
}

#[test]
fn what_was_looked_for_is_marked_and_seen() {
    let far = format!("A den. {} foxes trot and gallop when they hunt mice", "So it goes. ".repeat(20));
    let shown = |color| {
        written_by(OutputFormat::Table, RecordColumns::hit(), Style { color, ..style(70) }, |sink| {
            sink.highlight(Highlight::new(Some("a fox hunts"), None));
            sink.entry((&hit("far", 0.5, &far)).into()).unwrap();
            sink.entry((&hit("日本", 0.25, "🦊 hunting: e\u{301} FOX")).into()).unwrap();
            sink.entry((&hit("none", 1.0, "a dog")).into()).unwrap();
        })
    };
    let expected = "\
id    distance  document                                     metadata
──────────────────────────────────────────────────────────────────────
far     0.5000  …So it goes. foxes trot and gallop when th…  year=2021
日本    0.2500  🦊 hunting: e\u{301} FOX                            year=2021
none    1.0000  a dog                                        year=2021
";
    assert_eq!(shown(false), expected);
    let marked = "…So it goes. \u{1b}[1;31mfoxes\u{1b}[0m trot and gallop when th…  \u{1b}[2myear=2021\u{1b}[0m\n";
    assert!(shown(true).contains(marked), "{:?}", shown(true));
    assert!(shown(true).contains("🦊 \u{1b}[1;31mhunting\u{1b}[0m: e\u{301} \u{1b}[1;31mFOX\u{1b}[0m  "));
}

#[test]
fn data_formats_mark_nothing() {
    for format in [OutputFormat::Jsonl, OutputFormat::Json, OutputFormat::Csv, OutputFormat::Tsv, OutputFormat::Ids] {
        let text = written_by(format, RecordColumns::hit(), Style { color: true, full: true, ..style(20) }, |sink| {
            sink.highlight(Highlight::new(Some("quick"), None));
            sink.entry((&hit("a", 0.5, "the quick brown fox jumps over the lazy dog")).into()).unwrap();
        });
        assert!(!text.contains('\u{1b}') && !text.contains('…'), "{format}: {text:?}");
    }
}

#[test]
fn nothing_is_cut_where_all_is_asked_for() {
    let long = hit("a-long-identifier-of-a-record", 0.5, "the quick brown\n  fox\u{1b} jumps over the lazy dog");
    let shown = written_by(OutputFormat::Table, RecordColumns::hit(), Style { full: true, ..style(50) }, |sink| {
        sink.entry((&long).into()).unwrap();
        sink.entry((&hit("b", 1.0, "short")).into()).unwrap();
    });
    let expected = "\
id          distance  document           metadata
──────────────────────────────────────────────────
a-long-ide    0.5000  the quick brown    year=2021
ntifier-of              fox jumps over
-a-record             the lazy dog
b             1.0000  short              year=2021
";
    assert_eq!(shown, expected);
}

#[test]
fn documents_of_any_length_are_laid_out_a_page_at_a_time() {
    let long = "word ".repeat(500_000);
    let all: Vec<Record> = (0..5).map(|n| record(&format!("{n}"), Some(&long), &Json::Null)).collect();
    let shown = written_by(OutputFormat::Table, RecordColumns::record(), Style { full: true, ..style(80) }, |sink| {
        for record in &all {
            sink.entry(record.into()).unwrap();
        }
    });
    assert_eq!(shown.matches("word").count(), 2_500_000);
    assert_eq!(shown.matches("document").count(), 1);
}
