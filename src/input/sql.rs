//! Rows that an `SQLite` database answers a question with, each as a JSON object.
//!
//! A thread of its own asks, so that a row at a time is in memory; [`super::json`] takes the objects apart. Invariants:
//! the database is only read; integers keep their digits, floats their bits, and bytes are an embedding or refused.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use rusqlite::Row;
use rusqlite::types::ValueRef;
use serde_json::value::RawValue;
use serde_json::{Number, Value as Json};

use super::lines::TextPiece;
use super::mapping::{METADATA, Mapping, list_names};
use super::sqlite::SqliteFile;
use crate::error::{Error, Result};

/// Rows that are read ahead.
const ROWS_AHEAD: usize = 64;

/// What the thread that asks tells.
enum Told {
    /// The columns, first of all.
    Columns(Vec<String>),
    /// A row, or why it is none.
    Row(Result<String>),
    /// There are no more rows, or they cannot be read.
    End(Result<()>),
}

/// The rows of an answer.
pub(super) struct SqlRows {
    source: Arc<str>,
    told: Receiver<Told>,
    row: u64,
    text: String,
}

impl SqlRows {
    /// Asks a file; the columns that the mapping names must be in the answer.
    ///
    /// # Errors
    /// [`Error::BadInput`] for what is no `SQLite` database, [`Error::InvalidArgument`] for what is no question to it.
    pub(super) fn open(path: &Path, sql: &str, mapping: &Mapping) -> Result<Self> {
        let source: Arc<str> = path.display().to_string().into();
        let (tell, told) = sync_channel(ROWS_AHEAD);
        let (path, sql, embedding) = (path.to_owned(), sql.to_owned(), mapping.embedding().to_owned());
        let name = Arc::clone(&source);
        std::thread::spawn(move || {
            let asked = SqliteFile::open(&path).and_then(|database| {
                let begin = |columns: &[String]| tell.send(Told::Columns(columns.to_vec())).is_ok();
                database.ask(&sql, begin, |columns, number, row| {
                    let json = object(columns, row, &embedding).map_err(|why| Error::bad_row(&name, number, why));
                    tell.send(Told::Row(json)).is_ok()
                })
            });
            // Nobody is left to be told where the reader has gone.
            drop(tell.send(Told::End(asked)));
        });
        let columns = match told.recv() {
            Ok(Told::Columns(columns)) => columns,
            Ok(Told::End(Err(error))) => return Err(error),
            _ => return Err(cut_off(&source, 0)),
        };
        let has = |name: &str| columns.iter().any(|column| column == name);
        let mapping = mapping.among(has);
        let is_inside = |name: &str| name.match_indices('.').any(|(at, _)| name.get(..at).is_some_and(has));
        let listed = list_names(columns.iter().map(String::as_str));
        let bad = |why: String| Err(Error::BadInput { source: source.to_string(), why, hint: None });
        if let Some(missing) = mapping.asked().find(|name| !has(name) && !has(METADATA) && !is_inside(name)) {
            return bad(format!("the answer has no column {missing:?}; its columns are {listed}"));
        }
        if let Some((_, twice)) =
            columns.iter().enumerate().find(|(at, name)| columns.iter().take(*at).any(|n| n == *name))
        {
            return bad(format!("the answer has the column {twice:?} twice; name one of them with AS"));
        }
        Ok(Self { source, told, row: 0, text: String::new() })
    }

    /// Returns the next row, whose line is its number.
    ///
    /// # Errors
    /// [`Error::BadRow`] for one that holds what is neither text, number nor embedding; the next call goes on.
    pub(super) fn next(&mut self) -> Result<Option<TextPiece<'_>>> {
        match self.told.recv() {
            Ok(Told::Row(row)) => {
                self.row += 1;
                self.text = row?;
                Ok(Some(TextPiece { line: self.row, text: &self.text }))
            }
            Ok(Told::End(ended)) => ended.map(|()| None),
            Ok(Told::Columns(_)) | Err(_) => Err(cut_off(&self.source, self.row)),
        }
    }

    pub(super) fn source(&self) -> &Arc<str> {
        &self.source
    }
}

/// The thread that asks is gone without a word.
fn cut_off(source: &str, row: u64) -> Error {
    Error::BadInput { source: source.to_owned(), why: format!("cannot be read behind row {row}"), hint: None }
}

/// Writes a row as a JSON object; the error is a sentence.
fn object(columns: &[String], row: &Row<'_>, embedding: &str) -> Result<String, String> {
    let mut json = String::from("{");
    for (at, name) in columns.iter().enumerate() {
        let cell = row.get_ref(at).map_err(|e| e.to_string())?;
        let is_embedding = name == embedding;
        let value = match cell {
            ValueRef::Null => continue,
            ValueRef::Integer(integer) => integer.to_string(),
            ValueRef::Real(float) => number(float).ok_or_else(|| format!("the column {name:?} holds infinity"))?,
            ValueRef::Text(bytes) => {
                let text = std::str::from_utf8(bytes).map_err(|_| format!("the column {name:?} is not UTF-8 text"))?;
                let is_json = is_embedding && text.starts_with('[') || name == METADATA && text.starts_with('{');
                // What is no JSON is told as the text that it is.
                match serde_json::from_str::<&RawValue>(text) {
                    Ok(_) if is_json => text.to_owned(),
                    _ => Json::from(text).to_string(),
                }
            }
            ValueRef::Blob(bytes) if is_embedding => numbers(bytes).ok_or_else(|| {
                format!("the column {name:?} holds {} bytes, which are not finite f32 numbers", bytes.len())
            })?,
            ValueRef::Blob(_) => {
                return Err(format!("the column {name:?} holds bytes (a BLOB); leave it out, or ask for hex({name})"));
            }
        };
        json.push_str(if json.len() > 1 { "," } else { "" });
        json.extend([Json::from(name.as_str()).to_string(), ":".to_owned(), value]);
    }
    Ok(json + "}")
}

fn number(float: f64) -> Option<String> {
    Number::from_f64(float).map(|number| number.to_string())
}

/// Reads bytes as little-endian f32, as sqlite-vec and llm keep embeddings.
fn numbers(bytes: &[u8]) -> Option<String> {
    let (words, rest) = bytes.as_chunks::<4>();
    let each = words.iter().map(|word| number(f32::from_le_bytes(*word).into()));
    let each = each.collect::<Option<Vec<_>>>().filter(|_| rest.is_empty())?;
    Some(format!("[{}]", each.join(",")))
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;
    use serde_json::json;

    use super::*;
    use crate::input::{InputOptions, InputRows, InputSource};
    use crate::record::{NewRecord, Value};

    fn ask(sql: &str, mapping: Mapping) -> Result<Vec<NewRecord>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        let made = Connection::open(&path).unwrap();
        made.execute_batch(
            "CREATE TABLE things (sku INTEGER, title TEXT, body TEXT, price REAL, vector BLOB, more TEXT, photo BLOB);
             INSERT INTO things VALUES (7, 'A lamp', 'It shines', 49.9, X'0000803F000000BF', '{\"year\": 2020}', X'FF'),
                                       (8, 'A table', NULL, 9007199254740993, NULL, NULL, NULL)",
        )
        .unwrap();
        let options = InputOptions { mapping, sql: Some(sql.to_owned()), ..InputOptions::default() };
        let read = InputRows::open(&InputSource::File(path.clone()), options).and_then(Iterator::collect);
        let rows: i64 = made.query_row("SELECT count(*) FROM things", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 2, "nothing is written");
        read.map_err(|e| e.to_string().replace(&path.display().to_string(), "shop.db"))
    }

    #[test]
    fn columns_of_an_answer_are_those_of_a_table() {
        let sql =
            "select sku as id, title, body, price, vector as embedding, more as metadata from things order by sku";
        let mapping = Mapping { document: Some("title,body".into()), ..Mapping::default() };
        let rows = ask(sql, mapping).unwrap();
        let [lamp, table] = rows.as_slice() else { panic!("{rows:?}") };
        assert_eq!((lamp.id.as_str(), lamp.document.as_deref()), ("7", Some("A lamp\n\nIt shines")));
        assert_eq!(lamp.embedding, Some(vec![1.0, -0.5]));
        let metadata = |row: &NewRecord| {
            row.metadata.iter().map(|(key, value)| (key.to_owned(), value.map(Value::to_json))).collect::<Vec<_>>()
        };
        assert_eq!(metadata(lamp), [("price".into(), Some(json!(49.9))), ("year".into(), Some(json!(2020)))]);
        assert_eq!((table.document.as_deref(), &table.embedding), (Some("A table"), &None));
        assert_eq!(table.origin.line, 2);
    }

    #[test]
    fn what_cannot_be_asked_is_said() {
        let mapping = || Mapping { id: "auto".parse().unwrap(), document: Some("title".into()), ..Mapping::default() };
        for (sql, why) in [
            ("select titel from things", "no such column: titel"),
            ("select title from thing", "no such table: thing"),
            ("delete from things", "no question"),
            ("attach 'other.db' as other", "no question"),
            ("", "no question"),
            ("select title from things; delete from things", "one statement"),
            ("select body from things", "the answer has no column \"title\"; its columns are body"),
            ("select title, sku as a, body as a from things", "column \"a\" twice"),
            ("select title, photo from things", "shop.db:1: the column \"photo\" holds bytes (a BLOB)"),
            ("select title, photo as embedding from things", "holds 1 bytes, which are not finite f32"),
            ("select title, 9e999 as x from things", "holds infinity"),
        ] {
            let error = ask(sql, mapping()).unwrap_err();
            assert!(error.contains(why), "{sql}: {error}");
        }
    }
}
