//! The text of one table cell: sanitised, on one line, and no longer than a line can show.
//!
//! Invariant: a cell's memory is bounded by the terminal's width, whatever the length of the text behind it.

use serde_json::Value as Json;

use super::number::grouped;
use super::sanitize::one_line;
use super::width::ELLIPSIS;
use crate::record::{Metadata, Value};

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

fn beginning(mut characters: impl Iterator<Item = char>, columns: usize) -> String {
    let mut text: String = characters.by_ref().take((columns + 1) * CHARACTERS_A_CELL).collect();
    if characters.next().is_some() {
        text.push(ELLIPSIS);
    }
    text
}

/// Returns metadata as `key=value` pairs; a string that would be read wrongly stands in quotes.
pub(super) fn metadata(metadata: &Metadata, columns: usize) -> String {
    let pairs = metadata.iter().map(|(key, value)| match value {
        Value::Str(s) => (key, string_value(s)),
        other => (key, other.to_string()),
    });
    joined_pairs(pairs, columns)
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
        if line.len() > (columns + 1) * CHARACTERS_A_CELL * 4 {
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
    fn metadata_reads_as_pairs() {
        let fields = json!({"lang": "en", "year": 2021, "score": 2.0, "ok": true, "tags": ["a", "b"],
            "title": "two words", "empty": "", "odd": "a=b", "zip": "09112", "code": "7", "bad\u{1b}": "\u{202e}x"});
        let shown = metadata(&Metadata::from_json(fields).unwrap(), 200);
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
