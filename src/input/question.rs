//! The questions of a batch: `query --input FILE`.
//!
//! A question is a text, an embedding, or both. Reads what rows are read from, and plain lines. Does not embed.
//! Invariants: a question that leaves has a text that is not blank, or an embedding; of plain lines the question of
//! number n, from 0, stands on line n + 1.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use serde::de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;

use super::decompress::{InputBytes, without_flag};
use super::embedding::{self, ComponentsSeed, EmbeddingSeed};
use super::embedding_scan::{CutObject, cut_embedding};
use super::format::InputFormat;
use super::json::{JsonKey, Values, id_text};
use super::json_error::why_json;
use super::lines::LineReader;
use super::options::ROW_LIMIT_BYTES;
use super::progress::ReadProgress;
use super::records::{Dialect, TableRecords, no_column};
use super::source::InputSource;
use crate::error::{Advice, Error, Result};
use crate::record::Origin;

/// The names a question's text is looked for under, the first that is there.
const TEXT_NAMES: [&str; 4] = ["text", "query", "question", "document"];

/// One question of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Its id, where it has one.
    pub id: Option<String>,
    /// Its text.
    pub text: Option<String>,
    /// Its embedding; where there is one the text need not be embedded.
    pub embedding: Option<Vec<f32>>,
    /// Where it was read.
    pub origin: Origin,
}

/// The questions of an input, read as they are asked for.
pub struct Questions {
    reader: QuestionReader,
    source: Arc<str>,
    progress: Arc<ReadProgress>,
    ended: bool,
}

enum QuestionReader {
    Lines(PlainLines),
    Json(Values),
    Table(Box<Table>),
}

struct PlainLines {
    lines: LineReader,
    /// The line read last.
    line: u64,
    /// A question that blank lines stand before, which are told first.
    behind_blank: Option<(u64, String)>,
}

struct Table {
    records: TableRecords,
    columns: QuestionColumns,
}

struct QuestionColumns {
    id: Option<usize>,
    text: Option<usize>,
    embedding: Option<usize>,
}

/// A question without its place.
#[derive(Debug, Default)]
struct RawQuestion {
    id: Option<String>,
    text: Option<String>,
    embedding: Option<Vec<f32>>,
}

impl Questions {
    /// Opens a file or standard input; what is no csv, tsv or JSON is one question a line.
    ///
    /// # Errors
    /// [`Error::BadInput`] or [`Error::Io`] when it cannot be read, or is a table without a column of texts.
    pub fn open(source: &InputSource, format: Option<InputFormat>) -> Result<Self> {
        let path = match source {
            InputSource::Stdin(stdin) => return Self::from_reader(stdin.clone(), "-", format),
            InputSource::File(path) => path,
            InputSource::Files(_) => return Err(Error::argument("questions are read from one file")),
            InputSource::Folder(path) | InputSource::Glob { base: path, .. } => {
                return Err(Error::argument(format!("questions are read from one file, not from {}", path.display())));
            }
        };
        let name = path.display().to_string();
        let file = File::open(path).map_err(|e| Error::io(format!("read {name}"), e))?;
        let size_bytes = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|data| data.len());
        let format = format.or_else(|| InputFormat::of_path(path));
        Self::start(file, &name, format, ReadProgress::new(size_bytes)).map_err(without_encoding)
    }

    /// Reads a stream as standard input would be; `name` stands for it in messages.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn from_reader(reader: impl Read + Send + 'static, name: &str, format: Option<InputFormat>) -> Result<Self> {
        Self::start(reader, name, format, ReadProgress::new(None)).map_err(without_encoding)
    }

    fn start(
        reader: impl Read + Send + 'static,
        name: &str,
        format: Option<InputFormat>,
        progress: Arc<ReadProgress>,
    ) -> Result<Self> {
        let mut bytes = InputBytes::open(reader, name.into(), Arc::clone(&progress))?;
        let format = match format {
            Some(format) => format,
            None => InputFormat::of_head(bytes.fill()?, InputFormat::Text),
        };
        let reader = match format {
            InputFormat::Text | InputFormat::Lines => QuestionReader::Lines(PlainLines {
                lines: LineReader::new(bytes, ROW_LIMIT_BYTES),
                line: 0,
                behind_blank: None,
            }),
            InputFormat::Json | InputFormat::Jsonl => {
                QuestionReader::Json(Values::open(bytes, format, ROW_LIMIT_BYTES))
            }
            InputFormat::Csv | InputFormat::Tsv => {
                let layout = Dialect {
                    format,
                    delimiter: None,
                    encoding: None,
                    names: &TEXT_NAMES,
                    limit_bytes: ROW_LIMIT_BYTES,
                };
                let records = TableRecords::open(bytes, layout)?;
                let columns = QuestionColumns::resolve(&records)?;
                QuestionReader::Table(Box::new(Table { records, columns }))
            }
            InputFormat::Html | InputFormat::Parquet | InputFormat::Arrow | InputFormat::Npy => {
                return Err(bytes.bad(format!("questions are text or JSON, not {format}"), None));
            }
        };
        Ok(Self { reader, source: name.into(), progress, ended: false })
    }

    /// Returns the bytes read and to read, which another thread may watch.
    #[must_use]
    pub fn progress(&self) -> Arc<ReadProgress> {
        Arc::clone(&self.progress)
    }

    fn read(&mut self) -> Result<Option<Question>> {
        let (line, asked) = match &mut self.reader {
            QuestionReader::Lines(lines) => {
                let Some((line, text)) = lines.next()? else { return Ok(None) };
                (line, text.map(|text| RawQuestion { text: Some(text), ..RawQuestion::default() }))
            }
            QuestionReader::Json(values) => {
                let Some(piece) = values.next()? else { return Ok(None) };
                (piece.line, from_json(piece.text, piece.line))
            }
            QuestionReader::Table(table) => {
                let Table { records, columns } = table.as_mut();
                let Some(record) = records.next()? else { return Ok(None) };
                let field =
                    |column: Option<usize>| column.map(|at| record.field(at)).filter(|text| !text.trim().is_empty());
                let embedding = field(columns.embedding).map(embedding::parse).transpose();
                let (id, text) = (field(columns.id).map(str::to_owned), field(columns.text).map(str::to_owned));
                (record.line, embedding.map(|embedding| RawQuestion { id, text, embedding }))
            }
        };
        let asked = asked.and_then(|mut asked| {
            asked.text = asked.text.filter(|text| !text.trim().is_empty());
            if asked.text.is_none() && asked.embedding.is_none() {
                return Err("has neither a text nor an embedding to ask with".into());
            }
            Ok(asked)
        });
        match asked {
            Ok(RawQuestion { id, text, embedding }) => {
                let origin = Origin { source: Arc::clone(&self.source), line };
                Ok(Some(Question { id, text, embedding, origin }))
            }
            Err(why) => Err(Error::bad_row(&self.source, line, why)),
        }
    }
}

impl PlainLines {
    /// Returns the next question and its line, or a blank line that stands before it.
    fn next(&mut self) -> Result<Option<(u64, Result<String, String>)>> {
        if let Some((line, text)) = self.behind_blank.take() {
            return Ok(Some((line, Ok(text))));
        }
        let read = self.lines.next();
        let Some(piece) = read.inspect_err(|_| self.line += 1)? else { return Ok(None) };
        let (blank, text) = (self.line + 1, piece.text.trim().to_owned());
        self.line = piece.line;
        if blank == piece.line {
            return Ok(Some((blank, Ok(text))));
        }
        self.behind_blank = Some((piece.line, text));
        Ok(Some((blank, Err("the line is blank; remove it, or write the queries as jsonl".into()))))
    }
}

impl Iterator for Questions {
    type Item = Result<Question>;

    /// Goes on after an [`Error::BadRow`]; any other error is the last item.
    fn next(&mut self) -> Option<Result<Question>> {
        if self.ended {
            return None;
        }
        let item = self.read().map_err(without_encoding).transpose();
        self.ended = !matches!(item, Some(Ok(_) | Err(Error::BadRow { .. })));
        item
    }
}

/// Words what is to be done about text that is not UTF-8: nothing says how questions are read.
fn without_encoding(mut error: Error) -> Error {
    if let Error::BadRow { hint, .. } | Error::BadInput { hint, .. } | Error::NotText { hint, .. } = &mut error {
        *hint = hint.take().map(without_flag);
    }
    error
}

impl QuestionColumns {
    fn resolve(records: &TableRecords) -> Result<Self> {
        let header = records.header();
        let find = |name: &str| header.iter().position(|column| column == name);
        let this = Self { id: find("id"), text: TEXT_NAMES.into_iter().find_map(find), embedding: find("embedding") };
        if this.text.is_none() && this.embedding.is_none() {
            return Err(no_column(&records.bytes, "text", header, Some(Advice::NameQuestionColumn)));
        }
        Ok(this)
    }
}

/// Reads one question, its embedding the quick way where that is sure.
fn from_json(text: &str, line: u64) -> Result<RawQuestion, String> {
    if let Some(CutObject { embedding, rest }) = cut_embedding(text, "embedding")
        && let Ok(asked @ RawQuestion { embedding: None, .. }) = parse(&rest)
    {
        return Ok(RawQuestion { embedding: Some(embedding), ..asked });
    }
    // The whole text says better what is wrong, and where.
    parse(text).map_err(|e| why_json(&e, text, line))
}

fn parse(text: &str) -> serde_json::Result<RawQuestion> {
    let mut json = serde_json::Deserializer::from_str(text);
    let read = serde::Deserializer::deserialize_any(&mut json, AskedVisitor);
    read.and_then(|asked| json.end().map(|()| asked))
}

/// Reads a question: a string, an array of numbers, or an object.
struct AskedVisitor;

impl<'de> Visitor<'de> for AskedVisitor {
    type Value = RawQuestion;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a question, which is an object with text or embedding, a string, or an array of numbers")
    }

    fn visit_str<E>(self, text: &str) -> Result<RawQuestion, E> {
        Ok(RawQuestion { text: Some(text.to_owned()), ..RawQuestion::default() })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<RawQuestion, A::Error> {
        Ok(RawQuestion { embedding: Some(ComponentsSeed.visit_seq(seq)?), ..RawQuestion::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawQuestion, A::Error> {
        let mut asked = RawQuestion::default();
        let mut rank = TEXT_NAMES.len();
        while let Some(JsonKey(key)) = map.next_key::<JsonKey<'de>>()? {
            let named = TEXT_NAMES.iter().position(|name| *name == key);
            match (key.as_ref(), named) {
                ("id", _) => asked.id = id_text(&map.next_value()?).map_err(A::Error::custom)?,
                ("embedding", _) => asked.embedding = map.next_value_seed(EmbeddingSeed)?,
                (_, Some(found)) => match map.next_value()? {
                    Json::String(text) if found < rank => {
                        rank = found;
                        asked.text = Some(text);
                    }
                    Json::String(_) | Json::Null => {}
                    _ => return Err(A::Error::custom(format!("the field {key:?} must be a string"))),
                },
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(asked)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn ask(text: &str, format: Option<InputFormat>) -> Vec<Result<Question, String>> {
        let questions = Questions::from_reader(Cursor::new(text.to_owned().into_bytes()), "q", format);
        match questions {
            Ok(questions) => questions.map(|q| q.map_err(|e| e.to_string())).collect(),
            Err(e) => vec![Err(e.to_string())],
        }
    }

    fn texts(text: &str, format: Option<InputFormat>) -> Vec<(Option<String>, String)> {
        ask(text, format).into_iter().map(Result::unwrap).map(|q| (q.id, q.text.unwrap())).collect()
    }

    #[test]
    fn every_spelling_of_a_question() {
        let id = |id: &str, text: &str| (Some(id.to_owned()), text.to_owned());
        let no_id = |text: &str| (None, text.to_owned());
        assert_eq!(texts("how?\n why? \r\n\n \n", None), [no_id("how?"), no_id("why?")]);
        assert_eq!(texts("{\"id\":7,\"text\":\"how?\"}\n{\"query\":\"why?\"}", None), [id("7", "how?"), no_id("why?")]);
        assert_eq!(texts("[\"how?\",{\"document\":\"a\",\"text\":\"b\"}]", None), [no_id("how?"), no_id("b")]);
        assert_eq!(texts("id,query\na,\"how, why?\"\n", Some(InputFormat::Csv)), [id("a", "how, why?")]);
        let vectors = ask("[[1,2],{\"embedding\":[3]}]", None);
        let embeddings: Vec<_> = vectors.into_iter().map(|q| q.unwrap().embedding.unwrap()).collect();
        assert_eq!(embeddings, [vec![1.0, 2.0], vec![3.0]]);
        let both = ask("{\"embedding\":[1,-2.5e0],\"id\":\"q\",\"text\":\"t\"}", None).remove(0).unwrap();
        assert_eq!((both.id.as_deref(), both.text.as_deref()), (Some("q"), Some("t")));
        assert_eq!(both.embedding, Some(vec![1.0, -2.5]));
    }

    #[test]
    fn a_blank_line_between_questions_is_told_once_and_the_next_is_read() {
        let read = ask("how?\n\n\nwhy?\nwho?\n", None);
        assert_eq!(read.len(), 4, "{read:?}");
        assert!(read[1].as_ref().unwrap_err().starts_with("q:2: the line is blank"), "{read:?}");
        assert_eq!((read[2].as_ref().unwrap().origin.line, read[3].as_ref().unwrap().origin.line), (4, 5));
    }

    #[test]
    fn a_bad_question_has_its_line_and_the_next_is_read() {
        let read =
            ask("{\"text\":\"a\"}\n{\"text\":\" \"}\n{\"text\":1}\nx\n{\"text\":\"b\"}\n", Some(InputFormat::Jsonl));
        assert!(read[0].is_ok() && read[4].is_ok());
        let errors: Vec<_> = read[1..4].iter().map(|r| r.as_ref().unwrap_err().as_str()).collect();
        assert_eq!(errors[0], "q:2: has neither a text nor an embedding to ask with");
        assert_eq!(errors[1], "q:3: the field \"text\" must be a string");
        assert!(errors[2].starts_with("q:4: is not JSON"), "{errors:?}");
        let table = ask("id,a\n1,b\n", Some(InputFormat::Csv));
        assert_eq!(table, [Err("q: has no column \"text\"; its columns are id, a".to_owned())]);
    }
}
