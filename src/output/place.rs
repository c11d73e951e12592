//! Where a record's text lives: the path of a file, and the line of it that answers.
//!
//! Knows nothing of the file system. Invariant: a line is said only where the record says which one it begins with.

use std::ops::Range;

use huedb::record::{LineCounter, LineRange, Record, Value};

/// Before the path in a uri of a file.
const FILE: &str = "file://";

/// Returns the path that a record's uri is, if it is one.
pub(super) fn path(record: &Record) -> Option<&str> {
    let uri = record.uri.as_deref()?;
    match uri.strip_prefix(FILE) {
        Some(path) => path.starts_with('/').then_some(path),
        None => (!uri.contains("://")).then_some(uri),
    }
}

/// Returns the line of the file that a place in the document stands in, where the record says which line it begins with.
pub(super) fn known_line(record: &Record, place: &Range<usize>) -> Option<u64> {
    let Some(Value::Int(first)) = record.metadata.as_ref()?.get(LineRange::FIRST) else { return None };
    let first = u64::try_from(*first).ok().filter(|first| *first > 0)?;
    Some(first + record.document.as_deref().map_or(0, |document| lines_before(document, place)))
}

/// Of white space at the start no line is counted, as where the lines of a chunk are.
fn lines_before(document: &str, place: &Range<usize>) -> u64 {
    let mut lines = LineCounter::of(document);
    let first = lines.range(&(0..document.len())).first;
    let start = document.len() - document.trim_start().len();
    lines.range(&(place.start.max(start)..place.end.max(start))).first.saturating_sub(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use huedb::record::{Metadata, RecordId};
    use serde_json::json;

    fn record(uri: &str, document: &str, metadata: serde_json::Value) -> Record {
        Record {
            id: RecordId::parse("a").unwrap(),
            embedding: None,
            document: Some(document.into()),
            uri: Some(uri.into()),
            metadata: Some(Metadata::from_json(metadata).unwrap()),
        }
    }

    #[test]
    fn paths_are_told_from_addresses() {
        let path = |uri: &str| path(&record(uri, "", json!({}))).map(str::to_owned);
        assert_eq!(path("/a/b.md").as_deref(), Some("/a/b.md"));
        assert_eq!(path("a:b.md").as_deref(), Some("a:b.md"));
        assert_eq!(path("file:///a/b.md").as_deref(), Some("/a/b.md"));
        assert_eq!(path("file://host/b.md"), None);
        assert_eq!(path("https://example.com/b.md"), None);
    }

    #[test]
    fn the_line_is_that_of_the_place() {
        let text = "\n one\n two\nthree";
        let place = |word: &str| text.find(word).map(|at| at..at + word.len()).unwrap();
        let chunk = record("a.md", text, json!({"line": 40, "chunk_of": "a", "chunk": 3}));
        assert_eq!(["one", "two", "three"].map(|word| known_line(&chunk, &place(word)).unwrap()), [40, 41, 42]);
        assert_eq!(known_line(&chunk, &(0..0)), Some(40));
        assert_eq!(known_line(&record("a.md", text, json!({})), &place("two")), None);
    }
}
