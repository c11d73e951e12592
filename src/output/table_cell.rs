//! The text of one table cell: sanitised, and no longer than a line can show unless nothing is to be cut.
//!
//! Invariant: the memory of a cell that is cut is bounded by the terminal's width, whatever the length of the text
//! behind it.

use std::ops::Range;

use huedb::ingest::Mirror;
use huedb::record::{Chunk, LineRange, Metadata, Value};
use serde_json::Value as Json;

use super::highlight::Highlight;
use super::highlighted_text::Marked;
use super::number::grouped;
use super::sanitize::{is_break, one_line, one_line_indices};
use super::width::ELLIPSIS;

/// Characters kept for each terminal cell: enough for the marks of any script, too few to flood a line.
const CHARACTERS_A_CELL: usize = 8;

/// Returns the beginning of a text: what can be seen of it in `columns` cells, and a little more.
pub(super) fn text(text: &str, columns: usize) -> String {
    beginning(one_line(text), columns)
}

/// Returns the beginning of prose: like [`text`], with runs of white space as one space.
pub(super) fn prose(text: &str, columns: usize) -> String {
    let mut after_space = true;
    let collapsed = one_line(text).filter(move |c| {
        let again = after_space && c.is_whitespace();
        after_space = c.is_whitespace();
        !again
    });
    let mut text = beginning(collapsed, columns);
    text.truncate(text.trim_end().len());
    text
}

/// Returns as much of a document as [`prose`] does, marked: its beginning, or, where most of what is to be marked stands
/// farther on, what is around that place.
pub(super) fn document(document: &str, columns: usize, highlight: &Highlight) -> Marked {
    let Some(best) = highlight.best(document, columns) else { return prose(document, columns).into() };
    if best.end <= columns {
        return from(document, 0, 0, columns, highlight);
    }
    let before = document.get(..best.start).unwrap_or_default();
    let start = before.char_indices().rev().nth(columns).map_or(0, |(at, _)| at);
    from(document, start, best.start, columns, highlight)
}

/// Returns as much of a document as can be seen in `columns` cells, and a little more, from a byte on; marked from another
/// byte on.
pub(super) fn from(document: &str, start: usize, marked: usize, columns: usize, highlight: &Highlight) -> Marked {
    let rest = document.get(start..).unwrap_or_default();
    let end = rest.char_indices().nth(characters(columns)).map_or(document.len(), |(at, _)| start + at);
    let mut shown = Marked::default();
    if start > 0 {
        shown.push(ELLIPSIS, false);
    }
    fill(&mut shown, document, start..end, &highlight.within(document, marked..end), true);
    shown.trim_end();
    if end < document.len() {
        shown.push(ELLIPSIS, false);
    }
    shown
}

/// Returns a whole document, marked, with its line ends.
pub(super) fn whole_document(document: &str, highlight: &Highlight) -> Marked {
    let document = document.trim_end();
    let marks = highlight.within(document, 0..document.len());
    let mut shown = Marked::default();
    let mut start = 0;
    for line in document.split_inclusive(is_break) {
        // Of CR LF the CR is a line of its own with nothing after it.
        if start > 0 && !(line == "\n" && document.get(..start).is_some_and(|before| before.ends_with('\r'))) {
            shown.push('\n', false);
        }
        fill(&mut shown, document, start..start + line.trim_end_matches(is_break).len(), &marks, false);
        start += line.len();
    }
    shown
}

/// Adds a part of a document as it may be shown on one line; `collapsed`: with runs of white space as one space.
fn fill(shown: &mut Marked, document: &str, part: Range<usize>, marks: &[Range<usize>], collapsed: bool) {
    let mut after_space = true;
    let mut marks = marks.iter().peekable();
    for (at, c) in one_line_indices(document.get(part.clone()).unwrap_or_default()) {
        let at = part.start + at;
        while marks.next_if(|mark| mark.end <= at).is_some() {}
        if !(collapsed && after_space && c.is_whitespace()) {
            shown.push(c, marks.peek().is_some_and(|mark| mark.start <= at));
        }
        after_space = c.is_whitespace();
    }
}

/// Returns how many characters are kept for a line of so many cells.
fn characters(columns: usize) -> usize {
    columns.saturating_add(1).saturating_mul(CHARACTERS_A_CELL)
}

fn beginning(mut shown: impl Iterator<Item = char>, columns: usize) -> String {
    let mut text: String = shown.by_ref().take(characters(columns)).collect();
    if shown.next().is_some() {
        text.push(ELLIPSIS);
    }
    text
}

/// Returns metadata as `key=value` pairs; a string that would be read wrongly stands in quotes. What only says how a
/// document was cut or synced is left out unless `bookkeeping` is asked for.
pub(super) fn metadata(metadata: &Metadata, columns: usize, bookkeeping: bool) -> String {
    let shown = metadata.iter().filter(|(key, _)| bookkeeping || !is_bookkeeping(metadata, key));
    joined_pairs(shown.map(|(key, value)| (key, metadata_value(value))), columns)
}

/// Returns a value of metadata as it stands in a pair.
pub(super) fn metadata_value(value: &Value) -> String {
    match value {
        Value::Str(s) => string_value(s),
        other => other.to_string(),
    }
}

/// A key of that name that somebody gave is their own: only what huedb cut or synced has the others beside it.
fn is_bookkeeping(metadata: &Metadata, key: &str) -> bool {
    let has = |key| metadata.get(key).is_some();
    match key {
        Mirror::ROOT => true,
        Chunk::OF | Chunk::NUMBER | Chunk::START | Chunk::END => has(Chunk::OF),
        LineRange::FIRST | LineRange::LAST => has(Mirror::ROOT) || has(Chunk::OF),
        _ => false,
    }
}

/// Returns a JSON object as `key=value` pairs.
pub(super) fn pairs(object: &serde_json::Map<String, Json>, columns: usize) -> String {
    let pairs = object.iter().map(|(key, value)| match value {
        Json::String(s) => (key.as_str(), string_value(s)),
        other => (key.as_str(), other.to_string()),
    });
    joined_pairs(pairs, columns)
}

/// The string `2021` is quoted, so that it is not taken for the number.
fn string_value(s: &str) -> String {
    let marks = |c: char| c.is_whitespace() || c == '"' || c == '=';
    let plain = !s.is_empty() && !s.contains(marks) && serde_json::from_str::<Json>(s).is_err();
    if plain { s.to_owned() } else { Json::from(s).to_string() }
}

fn joined_pairs<'a>(pairs: impl Iterator<Item = (&'a str, String)>, columns: usize) -> String {
    let mut line = String::new();
    for (key, value) in pairs {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(key);
        line.push('=');
        line.push_str(&value);
        if line.len() > characters(columns).saturating_mul(4) {
            break;
        }
    }
    text(&line, columns)
}

/// Returns a distance with 4 decimals, or in scientific notation where it would be longer than a column.
pub(super) fn distance(distance: f32) -> String {
    if distance.abs() >= 1e7 {
        return format!("{distance:.4e}");
    }
    let text = format!("{distance:.4}");
    if text == "-0.0000" { "0.0000".into() } else { text }
}

/// Returns every component of an embedding.
pub(super) fn whole_embedding(embedding: &[f32]) -> String {
    let components: Vec<String> = embedding.iter().map(f32::to_string).collect();
    format!("[{}]", components.join(", "))
}

/// Returns the first components of an embedding and its dimension: `[0.0123, -0.4100, …] 384`.
pub(super) fn embedding(embedding: &[f32]) -> String {
    let shown: Vec<String> = embedding.iter().take(2).map(|&x| distance(x)).collect();
    let more = if embedding.len() > 2 { ", …" } else { "" };
    format!("[{}{more}] {}", shown.join(", "), embedding.len())
}

/// Returns a fact's value: `none`, `yes`, `1,204`, items joined by commas, an object as pairs.
pub(super) fn value(value: &Json) -> String {
    match value {
        Json::Null => "none".into(),
        Json::Bool(true) => "yes".into(),
        Json::Bool(false) => "no".into(),
        Json::Number(n) if n.is_f64() => n.to_string(),
        Json::Number(n) => grouped(&n.to_string()),
        Json::String(s) => one_line(s).collect(),
        Json::Array(items) if items.is_empty() => "none".into(),
        Json::Array(items) => items.iter().map(self::value).collect::<Vec<_>>().join(", "),
        Json::Object(object) if object.is_empty() => "none".into(),
        Json::Object(object) => pairs(object, FACT_COLUMNS),
    }
}

/// The longest object a fact shows, in terminal cells; facts are wrapped by the terminal, not cut.
const FACT_COLUMNS: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn prose_is_one_line() {
        assert_eq!(prose("  The quick\n\n\tbrown  fox \r\n", 80), "The quick brown fox");
        assert_eq!(text("a  b\n", 80), "a  b ");
    }

    #[test]
    fn a_long_text_is_read_no_further_than_needed() {
        let shown = prose(&"x".repeat(1_000_000), 10);
        assert_eq!(shown.len(), 88 + ELLIPSIS.len_utf8());
        let stacked = format!("e{}", "\u{301}".repeat(1_000_000));
        assert_eq!(text(&stacked, 10).chars().count(), 89);
    }

    #[test]
    fn documents_are_shown_where_their_marks_are() {
        let highlight = Highlight::new(Some("foxes"), None);
        let shown = |text: &str, columns| document(text, columns, &highlight).styled(true);
        let (on, off) = ("\u{1b}[1;31m", "\u{1b}[0m");
        assert_eq!(shown("a \n\n fox\u{1b} \u{202e}sits ", 80), format!("a {on}fox{off} sits"));
        assert_eq!(shown("nothing", 80), "nothing");
        let far = format!("{} a fox runs{}", "x".repeat(1000), " on".repeat(1000));
        let text = shown(&far, 10);
        assert!(text.starts_with("…xxxxxxxx a ") && text.contains(&format!(" a {on}fox{off} runs on")), "{text}");
        assert!(text.ends_with("on…") && text.chars().count() < 120, "{text}");
        let beyond = format!("{} fox", "x".repeat(1 << 20));
        assert!(shown(&beyond, 10).starts_with("xxx"));
    }

    #[test]
    fn a_whole_document_keeps_its_lines() {
        let highlight = Highlight::new(Some("fox"), None);
        let shown = whole_document("a\tfox\r\n\n  in\u{1b}deed\u{2028}more\n\n", &highlight);
        assert_eq!(shown.styled(false), "a fox\n\n  indeed\nmore");
        assert_eq!(whole_document("\r\rb", &highlight).styled(false), "\n\nb");
        assert_eq!(whole_document("", &highlight).styled(false), "");
    }

    #[test]
    fn metadata_reads_as_pairs() {
        let fields = json!({"lang": "en", "year": 2021, "score": 2.0, "ok": true, "tags": ["a", "b"],
            "title": "two words", "empty": "", "odd": "a=b", "zip": "09112", "code": "7", "bad\u{1b}": "\u{202e}x"});
        let shown = metadata(&Metadata::from_json(fields).unwrap(), 200, false);
        let expected = r#"bad=x code="7" empty="" lang=en odd="a=b" ok=true score=2.0 tags=["a","b"] title="two words" year=2021 zip=09112"#;
        assert_eq!(shown, expected);
    }

    #[test]
    fn distances_have_four_decimals() {
        for (d, text) in [(0.123_456, "0.1235"), (-1e-9, "0.0000"), (-49.0, "-49.0000"), (1.5e30, "1.5000e30")] {
            assert_eq!(distance(d), text);
        }
        assert_eq!(distance(f32::INFINITY), "inf");
    }

    #[test]
    fn embeddings_are_shortened() {
        assert_eq!(embedding(&[0.5]), "[0.5000] 1");
        assert_eq!(embedding(&[0.5, -0.25, 3.0]), "[0.5000, -0.2500, …] 3");
    }

    #[test]
    fn facts_read_as_words() {
        assert_eq!(value(&json!(null)), "none");
        assert_eq!(value(&json!([])), "none");
        assert_eq!(value(&json!(-1234)), "-1,234");
        assert_eq!(value(&json!(0.25)), "0.25");
        assert_eq!(value(&json!(["a", 1, true])), "a, 1, yes");
        assert_eq!(value(&json!({"a": 1, "b": "x y"})), "a=1 b=\"x y\"");
    }
}
