//! The formats an input can be written in, and how one is guessed.
//!
//! Does not read inputs; it looks at a name or at the first block. Invariant: a guess never fails, it only may
//! be wrong, and `--format` overrides it.

use std::path::Path;
use std::str::FromStr;

use super::value_scan::is_closed;
use crate::error::Error;

/// How an input is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputFormat {
    /// Comma-separated values with a header (RFC 4180); `;`, tabs and `|` between the fields are recognised too.
    Csv,
    /// The same with tabs.
    Tsv,
    /// One array of objects, or objects one after another over any number of lines.
    Json,
    /// One object on each line.
    Jsonl,
    /// One document, the whole file.
    Text,
    /// A document on each line that is not blank.
    Lines,
    /// One document, the text of the page.
    Html,
    /// A Parquet file.
    Parquet,
    /// An Arrow file (Feather is another name for it) or stream.
    Arrow,
    /// An npy matrix, a row of which is an embedding.
    Npy,
}

named!(pub InputFormat {
    Csv: "csv", Tsv: "tsv", Json: "json", Jsonl: "jsonl", Text: "text", Lines: "lines", Html: "html", Parquet: "parquet", Arrow: "arrow", Npy: "npy",
});

impl InputFormat {
    /// Guesses from a file's name, with `.gz` and `.zst` looked through; `None` when it has no extension.
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Self> {
        let extension = |path: &Path| Some(path.extension()?.to_str()?.to_ascii_lowercase());
        let mut found = extension(path)?;
        if matches!(found.as_str(), "gz" | "gzip" | "zst" | "zstd") {
            found = extension(Path::new(path.file_stem()?))?;
        }
        Some(match found.as_str() {
            "csv" => Self::Csv,
            "tsv" | "tab" => Self::Tsv,
            "json" => Self::Json,
            "jsonl" | "ndjson" => Self::Jsonl,
            "parquet" | "pq" => Self::Parquet,
            "arrow" | "arrows" | "feather" | "ipc" => Self::Arrow,
            "npy" => Self::Npy,
            "html" | "htm" | "xhtml" => Self::Html,
            _ => Self::Text,
        })
    }

    /// Whether a file of this name may well be a table that is not called one.
    pub(super) fn may_be_table(path: &Path) -> bool {
        let extension = path.extension().and_then(|extension| extension.to_str());
        let packed = extension.is_some_and(|name| matches!(name, "gz" | "gzip" | "zst" | "zstd"));
        match (packed, path.file_stem()) {
            (true, Some(stem)) => Self::may_be_table(Path::new(stem)),
            _ => extension.is_none_or(|name| {
                matches!(name.to_ascii_lowercase().as_str(), "txt" | "text" | "dat" | "data" | "psv")
            }),
        }
    }

    /// Whether it has neither columns nor fields.
    pub(super) fn is_document(self) -> bool {
        matches!(self, Self::Text | Self::Lines | Self::Html)
    }

    /// Recognises a format that is not text by its first bytes.
    pub(super) fn of_magic(head: &[u8]) -> Option<Self> {
        let magic = |magic: &[u8]| head.starts_with(magic);
        // A stream of Arrow begins with the length of a schema, behind the mark that this is a length.
        let is_stream = magic(b"\xff\xff\xff\xff") && head.get(7) == Some(&0) && head.get(4..7) != Some(&[0; 3]);
        let found = [
            (magic(b"PAR1"), Self::Parquet),
            (magic(b"ARROW1\0\0") || is_stream, Self::Arrow),
            (magic(b"\x93NUMPY"), Self::Npy),
        ];
        found.into_iter().find_map(|(is, format)| is.then_some(format))
    }

    /// Whether a text editor is of no use.
    pub(super) fn is_binary(self) -> bool {
        matches!(self, Self::Parquet | Self::Arrow | Self::Npy)
    }

    /// Guesses from the first block of a stream; `otherwise` is the answer when it does not look like JSON.
    ///
    /// `[` begins a JSON array. `{` begins jsonl when the object ends on its line, else an object written over
    /// several lines. Nothing at all is jsonl without rows.
    pub(super) fn of_head(head: &[u8], otherwise: Self) -> Self {
        let text = head.trim_ascii_start();
        match text.first() {
            Some(b'[') => Self::Json,
            Some(b'{') => {
                let line = text.split(|&b| b == b'\n').next().unwrap_or_default();
                let whole = line.len() < text.len();
                if whole && !is_closed(line) { Self::Json } else { Self::Jsonl }
            }
            Some(b'<') if is_page(text) => Self::Html,
            Some(_) => otherwise,
            None => Self::Jsonl,
        }
    }
}

/// Whether a text begins as a page does.
fn is_page(text: &[u8]) -> bool {
    [&b"<!doctype html"[..], b"<html"]
        .iter()
        .any(|begins| text.get(..begins.len()).is_some_and(|head| head.eq_ignore_ascii_case(begins)))
}

/// The bytes that may stand between fields, the likeliest first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Guesses between csv and tsv by the first line.
pub(super) fn table_of_head(head: &[u8], names: &[&str]) -> InputFormat {
    if delimiter(head, names) == b'\t' { InputFormat::Tsv } else { InputFormat::Csv }
}

/// Guesses the byte between the fields: one that gives the header a column of these names, else a comma, unless the header
/// has none outside quotes and has semicolons, tabs or bars.
pub(super) fn delimiter(head: &[u8], names: &[&str]) -> u8 {
    let header = first_line(head);
    let has_name = |delimiter: &u8| fields(header, *delimiter).any(|field| names.contains(&field));
    let stands = |delimiter: &u8| fields(header, *delimiter).nth(1).is_some();
    let found = DELIMITERS.into_iter().filter(stands).find(has_name);
    found.or_else(|| DELIMITERS.into_iter().find(stands)).unwrap_or(b',')
}

/// Recognises a table in a file whose name says nothing, or that it is text: its header has a column of these names among
/// others, and every line of the first block as many fields.
pub(super) fn looks_like_table(head: &[u8], names: &[&str]) -> bool {
    const LINES: usize = 16;
    let delimiter = delimiter(head, names);
    let columns = fields(first_line(head), delimiter).count();
    let has_name = fields(first_line(head), delimiter).any(|field| names.contains(&field));
    // The last line may be cut off by the end of the block.
    let whole = head.iter().rposition(|&b| b == b'\n').and_then(|end| head.get(..end)).unwrap_or_default();
    let lines = whole.split(|&b| b == b'\n').filter(|line| !line.trim_ascii().is_empty()).take(LINES);
    // Of a record over several lines nothing can be said here.
    let mut plain = lines.take_while(|line| memchr::memchr_iter(b'"', line).count().is_multiple_of(2));
    let header = plain.next();
    header.is_some() && columns > 1 && has_name && plain.all(|line| fields(line, delimiter).count() == columns)
}

/// Whether every line of the first block, of which there are several, has as many fields with tabs between them.
pub(super) fn is_tabbed(head: &[u8]) -> bool {
    let whole = head.iter().rposition(|&b| b == b'\n').and_then(|end| head.get(..end)).unwrap_or_default();
    let mut lines = whole.split(|&b| b == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let columns = |line: &[u8]| fields(line, b'\t').count();
    let first = lines.next().map_or(1, columns);
    let mut rest = lines.peekable();
    first > 1 && rest.peek().is_some() && rest.all(|line| columns(line) == first)
}

/// Returns the first line that is not blank; a line end in quotes is none.
fn first_line(head: &[u8]) -> &[u8] {
    let start = head.iter().position(|b| !b"\r\n".contains(b)).unwrap_or(head.len());
    let text = head.get(start..).unwrap_or_default();
    let mut quoted = false;
    let ends = |b: &u8| {
        quoted ^= *b == b'"';
        !quoted && (*b == b'\n' || *b == b'\r')
    };
    let end = text.iter().position(ends).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// Splits a line at a delimiter outside quotes; blanks and quotes around a field are left out, and what is no text is "".
fn fields(line: &[u8], delimiter: u8) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let fields = line.split(move |&b| {
        quoted ^= b == b'"';
        !quoted && b == delimiter
    });
    fields.map(|field| {
        let text = std::str::from_utf8(field).unwrap_or_default().trim();
        text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).map_or(text, str::trim)
    })
}

impl FromStr for InputFormat {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let name = name.to_ascii_lowercase();
        Self::named(&name).or((name == "ndjson").then_some(Self::Jsonl)).ok_or_else(|| Error::InvalidArgument {
            why: format!("no format named {name:?}"),
            hint: Some(format!("the formats are {}", Self::ALL.map(Self::as_str).join(", ")).into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_looked_at_through_the_packing() {
        for (path, format) in [
            ("a/b.csv", Some(InputFormat::Csv)),
            ("b.TSV", Some(InputFormat::Tsv)),
            ("b.jsonl.gz", Some(InputFormat::Jsonl)),
            ("b.ndjson.zst", Some(InputFormat::Jsonl)),
            ("b.json.ZST", Some(InputFormat::Json)),
            ("b.md", Some(InputFormat::Text)),
            ("b.HTM", Some(InputFormat::Html)),
            ("b.Parquet", Some(InputFormat::Parquet)),
            ("b.feather", Some(InputFormat::Arrow)),
            ("b.npy.zst", Some(InputFormat::Npy)),
            ("b.gz", None),
            ("b", None),
        ] {
            assert_eq!(InputFormat::of_path(Path::new(path)), format, "{path}");
        }
    }

    #[test]
    fn the_first_block_tells_json_from_a_table() {
        for (head, format) in [
            (" \n[{\"id\":1}]", InputFormat::Json),
            ("{\"id\":\"}{\"}\n{\"id\":2}\n", InputFormat::Jsonl),
            ("{\"id\":1}", InputFormat::Jsonl),
            ("{\n  \"id\": 1\n}\n", InputFormat::Json),
            ("{\"id\":1, \"embedding\":[0.1, 0.2", InputFormat::Jsonl),
            ("id,document\n", InputFormat::Csv),
            ("\n<!DOCTYPE HTML>", InputFormat::Html),
            ("<a>,b\n", InputFormat::Csv),
            ("", InputFormat::Jsonl),
        ] {
            assert_eq!(InputFormat::of_head(head.as_bytes(), InputFormat::Csv), format, "{head}");
        }
        assert_eq!(table_of_head(b"id\tdocument\na,b\tc", &["id"]), InputFormat::Tsv);
        assert_eq!(table_of_head(b"id,a document\twith a tab", &["id"]), InputFormat::Csv);
        for (head, found) in [
            (&b"id;document\n1;a,b\n"[..], b';'),
            (b"id;\"a, b\";embedding\n", b';'),
            (b"id|document\n", b'|'),
            (b"a, b|id\n", b'|'),
            (b"a, b|c\n", b','),
            (b"\"a\n,b\"\tid\n", b'\t'),
            (b"id\n", b','),
        ] {
            assert_eq!(char::from(delimiter(head, &["id"])), char::from(found), "{}", head.escape_ascii());
        }
    }

    #[test]
    fn a_table_shows_whatever_its_file_is_called() {
        for (head, is_table) in [
            ("id\tdocument\na\tx\n", true),
            ("document;id\r\nx;a\r\n", true),
            ("id\tdocument\n", true),
            ("\"id\",\"document\"\n\"1\",\"a, b\"\n2,\"cut", true),
            ("id, please\nand more, much more, of it\n", false),
            ("A letter\n\nid\tx\n", false),
            ("id\na\n", false),
            ("", false),
        ] {
            assert_eq!(looks_like_table(head.as_bytes(), &["id"]), is_table, "{head:?}");
        }
        for (head, tabbed) in
            [("a b\tc\n1\t2\n\n3\t4\n5", true), ("a\tc\n", false), ("a\tc\n1\n", false), ("a\n1\n", false), ("", false)]
        {
            assert_eq!(is_tabbed(head.as_bytes()), tabbed, "{head:?}");
        }
    }

    #[test]
    fn the_first_bytes_tell_what_is_no_text() {
        for (head, format) in [
            (&b"PAR1\x15\0"[..], Some(InputFormat::Parquet)),
            (b"ARROW1\0\0\xff\xff\xff\xff", Some(InputFormat::Arrow)),
            (b"\xff\xff\xff\xff\x10\x01\0\0", Some(InputFormat::Arrow)),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff", None),
            (b"\x93NUMPY\x01\0", Some(InputFormat::Npy)),
            (b"id,document\n", None),
            (b"", None),
        ] {
            assert_eq!(InputFormat::of_magic(head), format, "{head:?}");
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        assert_eq!("NDJSON".parse::<InputFormat>().unwrap(), InputFormat::Jsonl);
        assert!("xml".parse::<InputFormat>().unwrap_err().hint().unwrap().contains("jsonl"));
    }
}
