//! The targets: each a function of bytes.
//!
//! Invariant: a function that returns has found nothing; what it finds is a panic or worse. It returns whether the bytes
//! were read as a value, so that seeds that have gone stale are seen.

use std::io::Cursor;
use std::sync::{Arc, Mutex, PoisonError};

use super::world::{self, FuzzWorld};
use crate::embed::HashEmbedder;
use crate::error::Error;
use crate::input::{Archive, ArchiveBatches, BatchLimits, Dump, IdFrom, InputFormat, InputOptions, InputRows, Mapping};
use crate::output::{RecordColumns, ShownRecord, Style};
use crate::query::{ChromaRequest, Filter, Query, RecordQuery};
use crate::record::{NamePattern, NewRecord, Rate, Record, Token, TokenText};
use crate::store::Include;
use crate::{embed, index, output, store};

/// A target by its name, which is also that of its seeds' folder.
pub type FuzzTarget = (&'static str, fn(&[u8]) -> bool);

/// Every target.
pub const TARGETS: [FuzzTarget; 25] = [
    ("filter", filter),
    ("request", request),
    ("table", table),
    ("json", json),
    ("columns", columns),
    ("matrix", matrix),
    ("dump", dump),
    ("record", store::fuzzing::stored_record),
    ("segment", store::fuzzing::segment),
    ("centre", store::fuzzing::centre),
    ("sketch", store::fuzzing::stored_sketch),
    ("clusters", store::fuzzing::clusters),
    ("cluster_chunk", store::fuzzing::cluster_chunk),
    ("cluster_rows", store::fuzzing::cluster_rows),
    ("posting", store::fuzzing::stored_posting),
    ("terms", store::fuzzing::terms_block),
    ("collection", store::fuzzing::collection),
    ("ordinals", store::fuzzing::ordinals),
    ("graph", index::graph_fuzzing::index),
    ("graph_chunks", index::graph_fuzzing::chunks),
    ("tokenizer", embed::fuzzing::text),
    ("tokenizer_file", embed::fuzzing::tokenizer_file),
    ("jwt", jwt),
    ("headers", headers),
    ("token", token),
];

/// Calls a target by its name.
///
/// # Panics
/// When the target finds something, or there is none of the name.
pub fn run(name: &str, bytes: &[u8]) -> bool {
    let Some((_, target)) = TARGETS.iter().find(|(known, _)| *known == name) else { panic!("no target {name:?}") };
    target(bytes)
}

/// An error must have a text and say whether it has a hint, whatever it quotes.
fn refused(error: &Error) -> bool {
    assert!(!error.to_string().is_empty());
    let _ = error.hint();
    false
}

/// A filter: the first byte chooses between `where` and `where_document`.
fn filter(bytes: &[u8]) -> bool {
    let Some((&language, text)) = bytes.split_first() else { return false };
    let text = String::from_utf8_lossy(text);
    let parsed = if language % 2 == 0 { Filter::parse(&text) } else { Filter::parse_document(&text) };
    let filter = match parsed {
        Ok(filter) => filter,
        Err(error) => {
            if let Error::InvalidWhere { at: Some(at), text, .. } = &error {
                assert!(text.is_char_boundary(*at));
            }
            return refused(&error);
        }
    };
    let json = filter.to_json();
    let again = [Filter::parse(&json.to_string()), Filter::from_json(&json), Filter::parse(&filter.to_string())];
    assert!(again.into_iter().all(|again| again.is_ok_and(|again| again == filter)), "{filter}");
    // The planner, which reads postings, finds what the filter says of each record.
    let world = FuzzWorld::get();
    let wanted = world.records.iter().filter(|record| filter.matches((*record).into()));
    let wanted: Vec<&str> = wanted.map(|record| record.id.as_str()).collect();
    let query = RecordQuery { filter: Some(filter.clone()), ..RecordQuery::default() };
    let found =
        world.collection().and_then(|c| c.find(&query, Include::NONE)?.records().collect::<Result<Vec<_>, _>>());
    let found = found.unwrap_or_else(|error| panic!("{filter}: {error}"));
    assert_eq!(found.iter().map(|record| record.id.as_str()).collect::<Vec<_>>(), wanted, "{filter}");
    true
}

/// A request of the Search API, answered.
fn request(bytes: &[u8]) -> bool {
    let request = match ChromaRequest::parse(&String::from_utf8_lossy(bytes)) {
        Ok(request) => request,
        Err(error) => return refused(&error),
    };
    let mut request = request;
    Query::embed_all(request.queries_mut(), &HashEmbedder::new(world::DIMENSION)).unwrap();
    assert!(request.texts_to_embed().is_empty());
    request.queries_mut().for_each(|query| query.threads = 1);
    let answer = FuzzWorld::get().collection().and_then(|c| c.view()?.respond(&request));
    match answer {
        Ok((json, _)) => !json.to_string().is_empty(),
        Err(error @ (Error::Damaged { .. } | Error::Io { .. })) => panic!("{error}"),
        Err(error) => refused(&error),
    }
}

/// csv and tsv: the first byte chooses.
fn table(bytes: &[u8]) -> bool {
    let Some((&format, text)) = bytes.split_first() else { return false };
    let format = [Some(InputFormat::Csv), Some(InputFormat::Tsv), None][usize::from(format % 3)];
    rows(text, format)
}

/// json and jsonl, and anything packed: the first byte chooses.
fn json(bytes: &[u8]) -> bool {
    let Some((&format, text)) = bytes.split_first() else { return false };
    let format = [Some(InputFormat::Json), Some(InputFormat::Jsonl), None][usize::from(format % 3)];
    rows(text, format)
}

/// Parquet and Arrow.
fn columns(bytes: &[u8]) -> bool {
    cfg!(not(feature = "arrow")) || rows(bytes, None)
}

/// A token of an identity provider, its keys, or a rule about its claims.
fn jwt(bytes: &[u8]) -> bool {
    #[cfg(feature = "serve")]
    return crate::serve::oidc::fuzzing::jwt(bytes);
    #[cfg(not(feature = "serve"))]
    bytes.is_ascii()
}

/// The head of a request.
fn headers(bytes: &[u8]) -> bool {
    #[cfg(feature = "serve")]
    return crate::serve::fuzzing::headers(bytes);
    #[cfg(not(feature = "serve"))]
    bytes.is_ascii()
}

/// A token as it is sent and as it is kept, a pattern, a rate.
fn token(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    if let Some(token) = TokenText::parse(text) {
        assert_eq!((token.as_str(), token.id()), (text, &text[4..12]));
        return true;
    }
    if let Ok(kept) = serde_json::from_str::<Token>(text) {
        let again = serde_json::to_string(&kept).unwrap_or_default();
        assert_eq!(serde_json::from_str::<Token>(&again).ok(), Some(kept));
        return true;
    }
    let pattern = NamePattern::parse(text).map(|pattern| assert!(pattern.matches(text) || text.ends_with('*')));
    let rate = text.parse::<Rate>().map(|rate| assert_eq!(rate.to_string().parse::<Rate>().ok(), Some(rate)));
    pattern.is_ok() || rate.is_ok()
}

/// An npy matrix, with ids from its content.
fn matrix(bytes: &[u8]) -> bool {
    let mapping = Mapping { id: IdFrom::Content, ..Mapping::default() };
    rows_of(bytes, InputOptions { mapping, ..InputOptions::default() })
}

/// A dump of `export --all`, to its end.
fn dump(bytes: &[u8]) -> bool {
    let limits = BatchLimits { rows: 7, texts: usize::MAX, bytes: 1 << 20 };
    let dump: Arc<Mutex<dyn Archive>> = match Dump::from_reader(Cursor::new(bytes.to_vec()), "-", None) {
        Ok(dump) => Arc::new(Mutex::new(dump)),
        Err(error) => return refused(&error),
    };
    loop {
        let line = dump.lock().unwrap_or_else(PoisonError::into_inner).next_line();
        match line {
            Ok(None) => return true,
            Ok(Some(_)) => {}
            Err(error) => return refused(&error),
        }
        for row in ArchiveBatches::new(Arc::clone(&dump), limits, false).flatten() {
            if let Err(error) = row {
                return refused(&error);
            }
        }
    }
}

/// Reads rows; a record that is made of one is written in every format and read again equal.
fn rows(text: &[u8], format: Option<InputFormat>) -> bool {
    rows_of(text, InputOptions { format, ..InputOptions::default() })
}

fn rows_of(bytes: &[u8], options: InputOptions) -> bool {
    let options = InputOptions { row_limit_bytes: 1 << 16, ..options };
    let mut rows = match InputRows::from_reader(Cursor::new(bytes.to_vec()), "-", options) {
        Ok(rows) => rows,
        Err(error) => return refused(&error),
    };
    let mut read = false;
    // A packed input may unpack to any length.
    for row in rows.by_ref().take(1000) {
        match row {
            Ok(row) => {
                if let Some(record) = record(row) {
                    comes_back(&record, output::OutputFormat::Jsonl, InputFormat::Jsonl);
                    comes_back(&record, output::OutputFormat::Json, InputFormat::Json);
                    comes_back(&record, output::OutputFormat::Csv, InputFormat::Csv);
                    comes_back(&record, output::OutputFormat::Tsv, InputFormat::Tsv);
                    let mut shown = Vec::new();
                    write(&record, output::OutputFormat::Table, &mut shown);
                    let shown = String::from_utf8_lossy(&shown);
                    assert!(shown.chars().all(|c| c == '\n' || !output::is_removed(c)), "{shown:?}");
                }
                read = true;
            }
            Err(error) => {
                refused(&error);
            }
        }
    }
    rows.take_notices();
    read
}

fn record(row: NewRecord) -> Option<Record> {
    let metadata = row.metadata.into_metadata().ok()?;
    let metadata = Some(metadata).filter(|metadata| !metadata.is_empty());
    Some(Record { id: row.id, embedding: row.embedding, document: row.document, uri: row.uri, metadata })
}

fn write(record: &Record, format: output::OutputFormat, out: &mut Vec<u8>) {
    let sink = output::open(format, RecordColumns::export(), Style::default(), out);
    let written = sink.and_then(|mut sink| sink.entry(ShownRecord::from(record)).and_then(|()| sink.end()));
    assert!(written.is_ok(), "{written:?}");
}

/// Whether a table refuses the record.
fn holds_nul(record: &Record) -> bool {
    let texts = [Some(record.id.as_str()), record.document.as_deref(), record.uri.as_deref()];
    texts.into_iter().flatten().any(|text| text.contains('\0'))
}

fn comes_back(record: &Record, format: output::OutputFormat, read_as: InputFormat) {
    if matches!(read_as, InputFormat::Csv | InputFormat::Tsv) && holds_nul(record) {
        return;
    }
    let mut text = Vec::new();
    write(record, format, &mut text);
    let options = InputOptions { format: Some(read_as), ..InputOptions::default() };
    let again = InputRows::from_reader(Cursor::new(text), "-", options).and_then(|mut rows| rows.next().transpose());
    let again = match again {
        Ok(row) => row.and_then(self::record),
        Err(error) => panic!("{record:?}: {error}"),
    };
    let wanted = record;
    let bits = |record: &Record| record.embedding.iter().flatten().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert!(
        again.as_ref().is_some_and(|again| *again == *wanted && bits(again) == bits(wanted)),
        "{wanted:?}: {again:?}"
    );
}
