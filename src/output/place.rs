//! Where a record's text lives: the path of a file, and the line of it that answers.
//!
//! Knows nothing of the file system. Invariant: people are told a line only where the record says which one it begins with.

use std::ops::Range;

use huedb::record::{Chunk, LineCounter, LineRange, Record, Value};

use super::Highlight;

/// How many bytes apart words stand that one place of a file answers with.
const CLOSE: usize = 200;
/// Before the path in a uri of a file.
const FILE: &str = "file://";

/// A place in a file, for an editor to go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FilePlace<'r> {
    /// The path of the file.
    pub(crate) path: &'r str,
    /// The line, from 1; 1 where nobody knows.
    pub(crate) line: u64,
    /// The byte of that line, from 1.
    pub(super) column: usize,
    /// The line as far as the record has it.
    pub(super) text: &'r str,
}

impl<'r> FilePlace<'r> {
    /// Returns where a record answers; `None` where it has no path.
    pub(crate) fn of(record: &'r Record, highlight: &Highlight) -> Option<Self> {
        let path = path(record)?;
        let document = record.document.as_deref().unwrap_or_default();
        let begin = document.len() - document.trim_start().len();
        let best = highlight.best(document, CLOSE).unwrap_or(begin..begin);
        let is_part = record.metadata.as_ref().is_some_and(|metadata| metadata.get(Chunk::OF).is_some());
        let line = known_line(record, &best)
            .unwrap_or_else(|| if is_part { 1 } else { LineCounter::of(document).range(&best).first });
        let start = document.get(..best.start).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
        let text = document.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        Some(Self { path, line, column: best.start - start + 1, text })
    }
}

/// Returns the path that a record's uri is, if it is one.
pub(crate) fn path(record: &Record) -> Option<&str> {
    // No line could name such a path, and no file has one with a NUL.
    let uri = record.uri.as_deref().filter(|uri| !uri.contains(['\n', '\0']))?;
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

    #[test]
    fn an_editor_is_told_the_place_that_answers() {
        let text = "\n one\n two foxes \nthree";
        let fox = Highlight::new(Some("a fox"), None);
        let place = |metadata, highlight: &Highlight| {
            let record = record("a.md", text, metadata);
            let FilePlace { line, column, text, .. } = FilePlace::of(&record, highlight).unwrap();
            (line, column, text.to_owned())
        };
        let two = || " two foxes ".to_owned();
        assert_eq!(place(json!({"line": 40, "chunk_of": "a", "chunk": 3}), &fox), (41, 6, two()));
        // The whole of a file, and a part of it without lines.
        assert_eq!(place(json!({}), &fox), (3, 6, two()));
        assert_eq!(place(json!({"chunk_of": "a", "chunk": 3}), &fox), (1, 6, two()));
        assert_eq!(place(json!({"line": 40}), &Highlight::default()), (40, 2, " one".to_owned()));
        assert_eq!(FilePlace::of(&record("https://a/b", text, json!({})), &fox), None);
        let bare = Record { document: None, ..record("a.md", text, json!({"line": 7})) };
        assert_eq!(FilePlace::of(&bare, &fox).unwrap(), FilePlace { path: "a.md", line: 7, column: 1, text: "" });
    }
}
