//! Records one below the other.

use super::*;
use crate::output::{Highlight, RecordColumn, width};

fn vertical(columns: RecordColumns, style: Style, records: &[Record]) -> String {
    written_by(OutputFormat::Vertical, columns, style, |sink| {
        sink.highlight(Highlight::new(Some("foxes"), None));
        for record in records {
            sink.entry(record.into()).unwrap();
        }
    })
}

fn two() -> [Record; 2] {
    let mut full = record(
        "a",
        Some("The quick\u{1b} brown fox jumps.\n\n  It goes on."),
        &json!({"year": 2021, "id": "x y", "a key of a very great length": [1, 2]}),
    );
    full.uri = Some("file:a.txt".into());
    full.embedding = Some(vec![0.25; 384]);
    [full, record("日本", None, &Json::Null)]
}

#[test]
fn each_part_has_lines_of_its_own() {
    let style = Style { width: 34, ..Style::default() };
    let expected = "\
id           a
document     The quick brown fox
             jumps.

               It goes on.
a key of a very great length  [1,2]
metadata.id  x y
year         2021
uri          file:a.txt
embedding    [0.2500, 0.2500, …]
             384

id  日本
";
    assert_eq!(vertical(RecordColumns::export(), style, &two()), expected);
}

#[test]
fn names_are_dim_and_words_marked() {
    let style = Style { color: true, ..Style::default() };
    let columns: RecordColumns = [RecordColumn::Key("year".into()), RecordColumn::Document].into_iter().collect();
    let shown = vertical(columns, style, &two()[..1]);
    let first =
        "\u{1b}[2myear\u{1b}[0m      2021\n\u{1b}[2mdocument\u{1b}[0m  The quick brown \u{1b}[1;31mfox\u{1b}[0m ";
    assert!(shown.starts_with(first), "{shown:?}");
}

#[test]
fn a_batch_has_its_questions() {
    let expected = "\
0: how do foxes move
id        a
distance  0.2500
document  quick fox
year      2021

id        b
distance  0.1000
document  slow, \"dog\"
year      2021

q2
nothing found
";
    assert_eq!(batch(OutputFormat::Vertical, Style::default()), expected);
}

#[test]
fn a_narrow_terminal_does_not_panic() {
    for columns in 0..40 {
        let shown = vertical(RecordColumns::export(), Style { width: columns, ..Style::default() }, &two());
        assert!(shown.lines().all(|line| width(line) <= columns.max(13 + 22)), "{columns}: {shown}");
    }
}
