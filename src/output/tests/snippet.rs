//! Hits as snippets.

use super::*;
use crate::output::{Highlight, RecordColumn, width};

/// A chunk of a file that was synced.
fn chunk(number: u64, document: &str) -> Hit {
    let id = format!("apt/README.md#{number}");
    let metadata = json!({
        "topic": "apt", "chunk_of": "apt/README.md", "chunk": number, "chunk_start": 0, "chunk_end": 9,
        "line": 40, "line_end": 50, "synced_from": "/usr/share/doc",
    });
    let mut hit = hit(&id, 0.467_91, document);
    hit.record.metadata = Some(Metadata::from_json(metadata).unwrap());
    hit.record.uri = Some("/usr/share/doc/apt/README.md".into());
    hit
}

fn snippets(question: &str, style: Style, hits: &[Hit]) -> String {
    written_by(OutputFormat::Snippets, RecordColumns::hit(), style, |sink| {
        sink.highlight(Highlight::new(Some(question), None));
        for hit in hits {
            sink.entry(hit.into()).unwrap();
        }
    })
}

fn style(width: usize) -> Style {
    Style { width, ..Style::default() }
}

#[test]
fn a_hit_is_its_source_its_distance_and_the_lines_that_answer() {
    let text = format!(
        "Apt is a tool for packages. It is old, and much used.\n{}\n\nA proxy is configured in apt.conf: \
         Acquire::http::Proxy \"URL\". Without one it connects directly to the servers, as it does when told DIRECT, which \
         is also what most people want who have no proxy at all in their network, or do not know of one.",
        "It knows mirrors. ".repeat(20).trim_end()
    );
    let fox = hit("fox-1", 0.123_456_7, "The quick\n brown fox");
    let expected = "\
1. /usr/share/doc/apt/README.md:43  distance 0.4679
   …A proxy is configured in apt.conf: Acquire::http::Proxy \"URL\". Without
   one it connects directly to the servers, as it does when told DIRECT,
   which is also what most people want who have no proxy at all in their…
   id apt/README.md#3  topic=apt

2. fox-1  distance 0.1235
   The quick brown fox
   year=2021
";
    let hits = [chunk(3, &text), fox];
    assert_eq!(snippets("how do I configure apt to use a proxy", style(74), &hits), expected);
    let nothing = snippets("cheese", style(74), &hits);
    assert!(nothing.starts_with("1. /usr/share/doc/apt/README.md:40  distance 0.4679\n   Apt is a tool"), "{nothing}");
}

#[test]
fn a_path_is_cut_at_its_head_and_an_id_never() {
    let shown = snippets("", style(44), &[chunk(123_456_789, "text")]);
    let expected = "\
1. …/doc/apt/README.md:40  distance 0.4679
   text
   id apt/README.md#123456789  topic=apt
";
    assert_eq!(shown, expected);
    let long = "a-very-long-id-".repeat(9);
    let shown = snippets("", style(44), &[hit(&long, 0.5, "text")]);
    assert!(shown.starts_with(&format!("1. {long}  distance 0.5000\n   text\n")), "{shown}");
}

#[test]
fn what_was_asked_for_is_all_there() {
    let style = Style { full: true, bookkeeping: true, ..style(200) };
    let shown = snippets("", style, &[chunk(1, &"word ".repeat(100))]);
    assert_eq!(shown.matches("word").count(), 100);
    assert!(shown.contains("chunk=1 chunk_end=9") && shown.contains("synced_from=/usr"), "{shown}");
}

#[test]
fn scores_are_named_and_questions_numbered_anew() {
    let mut scored = hit("a", 0.25, "quick fox");
    scored.score = Some(0.75);
    let columns = RecordColumns::batch().replacing(&RecordColumn::Distance, &RecordColumn::Score);
    let shown = written_by(OutputFormat::Snippets, columns, style(80), |sink| {
        for label in [Label::Index(0), Label::Index(1)] {
            sink.question(&ShownQuestion { label, text: Some("fox") }).unwrap();
            sink.entry((&scored).into()).unwrap();
        }
        sink.question(&ShownQuestion { label: Label::Index(2), text: None }).unwrap();
    });
    let hit = "1. a  score 0.7500\n   quick fox\n   year=2021\n";
    assert_eq!(shown, format!("0: fox\n{hit}\n1: fox\n{hit}\n2\nnothing found\n"));
}

#[test]
fn no_line_is_wider_than_the_terminal_and_nothing_controls_it() {
    let text = "日本語のとても長い文章 🦊🦊🦊 e\u{301}e\u{301}\u{1b}[2J and \u{202e}more of it. ".repeat(20);
    let mut wide = chunk(1, &text);
    wide.record.uri = Some(format!("/{}\u{1b}/日本.md", "日本語/".repeat(20)));
    for columns in 0..140 {
        let shown = snippets("more 文章", style(columns), &[wide.clone()]);
        assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown:?}");
        let lines: Vec<&str> = shown.lines().collect();
        assert!((4..=5).contains(&lines.len()), "{columns}: {shown}");
        for line in lines {
            // A source of twenty cells, its line, and a distance need this much.
            assert!(width(line) <= columns.max(3 + 20 + 3 + 17), "{columns}: {line}");
        }
    }
    let colored = snippets("quick", Style { color: true, ..style(80) }, &[hit("a", 0.5, "a quick fox")]);
    let expected = "1. \u{1b}[1ma\u{1b}[0m\u{1b}[2m  distance 0.5000\u{1b}[0m\n   a \u{1b}[1;31mquick\u{1b}[0m fox\n   \u{1b}[2myear=2021\u{1b}[0m\n";
    assert_eq!(colored, expected);
}
