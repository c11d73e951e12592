//! `huedb import --dry-run`: what an import would make of its sources.
//!
//! Opens no database. Invariant: the records it prints are those that the import would store, before any is embedded or cut.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::context::Context;
use super::exit::Status;
use super::ingest::say_met;
use super::interrupt::Interrupt;
use crate::error::{Error, Result};
use crate::input::{IdFrom, Mapping, Met, Options, Rows, Source};
use crate::output::{Columns, Entry, count};
use crate::record::{Record, Row, Value};

/// Records that are printed.
const SHOWN_ROWS: usize = 3;
/// Bad rows that are told one by one.
const TOLD_ROWS: u64 = 20;

/// Reads the sources to their end, says what becomes of their columns, and prints the first records.
pub(super) fn run(context: &mut Context, sources: &[Source], options: &Options) -> Result<Status> {
    let interrupt = Interrupt::listen();
    let mut survey = Survey::default();
    let met = Arc::new(Met::default());
    sources.iter().try_for_each(|source| Rows::check_files(source, options))?;
    for source in sources {
        let mut rows = Rows::open_among(source, options.clone(), Arc::clone(&met))?;
        for row in rows.by_ref() {
            interrupt.check()?;
            match row {
                Ok(row) => survey.add(row),
                Err(error @ Error::BadRow { .. }) => {
                    survey.bad += 1;
                    if survey.bad <= TOLD_ROWS {
                        context.printer.warning(&error);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        rows.take_notices().iter().for_each(|notice| context.printer.notice(notice));
    }
    say_met(context, &met, options.on_duplicate);
    if survey.bad > TOLD_ROWS {
        context.printer.warning(format!("{} more bad rows", count(survey.bad - TOLD_ROWS)));
    }
    survey.lines(&options.mapping).iter().for_each(|line| context.printer.notice(line));
    let (rows, bad) = (count(survey.rows), count(survey.bad));
    context.printer.notice(format!("rows {rows}, bad {bad}; nothing was stored"));
    let mut sink = context.sink(Columns::export())?;
    for record in &survey.first {
        sink.entry(Entry::from(record))?;
    }
    sink.end()?;
    Ok(Status::Done)
}

/// How often each type was met.
type Kinds = BTreeMap<String, u64>;

/// What the rows hold.
#[derive(Default)]
struct Survey {
    rows: u64,
    bad: u64,
    document: Kinds,
    embedding: Kinds,
    uri: Kinds,
    metadata: BTreeMap<String, Kinds>,
    first: Vec<Record>,
}

impl Survey {
    fn add(&mut self, row: Row) {
        let met = |kinds: &mut Kinds, kind: String| *kinds.entry(kind).or_default() += 1;
        self.rows += 1;
        row.document.iter().for_each(|_| met(&mut self.document, "string".into()));
        row.uri.iter().for_each(|_| met(&mut self.uri, "string".into()));
        row.embedding.iter().for_each(|numbers| met(&mut self.embedding, format!("{} numbers", numbers.len())));
        for (key, value) in row.metadata.iter() {
            let kinds = self.metadata.entry(key.to_owned()).or_default();
            met(kinds, value.map_or("null", kind).to_owned());
        }
        if self.first.len() < SHOWN_ROWS {
            let Row { id, embedding, document, uri, metadata, .. } = row;
            let metadata = Some(metadata.into_metadata_dropping_nulls()).filter(|metadata| !metadata.is_empty());
            self.first.push(Record { id, embedding, document, uri, metadata });
        }
    }

    /// Says which column becomes what, one line each.
    fn lines(&self, mapping: &Mapping) -> Vec<String> {
        let named = |name: &Option<String>, part: &str| name.clone().unwrap_or_else(|| part.to_owned());
        let id = match &mapping.id {
            IdFrom::Column(name) => name.clone(),
            IdFrom::Content => "(the content)".into(),
        };
        let ids = Kinds::from([("string".to_owned(), self.rows)]);
        let mut lines = vec![["column", "becomes", "type", "rows"].map(str::to_owned)];
        let mut line = |column: String, becomes: &str, kinds: &Kinds| {
            if !kinds.is_empty() {
                let each =
                    |(kind, n): (&String, &u64)| if kinds.len() > 1 { format!("{kind} ({n})") } else { kind.clone() };
                let types = kinds.iter().map(each).collect::<Vec<_>>().join(", ");
                lines.push([column, becomes.to_owned(), types, count(kinds.values().sum())]);
            }
        };
        line(id, "id", &ids);
        line(named(&mapping.document, "document"), "document", &self.document);
        line(named(&mapping.embedding, "embedding"), "embedding", &self.embedding);
        line(named(&mapping.uri, "uri"), "uri", &self.uri);
        self.metadata.iter().for_each(|(key, kinds)| line(key.clone(), "metadata", kinds));
        aligned(&lines)
    }
}

/// Puts cells under one another.
fn aligned(lines: &[[String; 4]]) -> Vec<String> {
    let mut widths = [0; 4];
    for line in lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = crate::output::width(cell).max(*width);
        }
    }
    let padded = |(cell, width): (&String, &usize)| format!("{cell}{}", " ".repeat(width - crate::output::width(cell)));
    let line = |line: &[String; 4]| line.iter().zip(&widths).map(padded).collect::<Vec<_>>().join("  ");
    lines.iter().map(|cells| line(cells).trim_end().to_owned()).collect()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Float(_) => "float",
        Value::Str(_) => "string",
        Value::BoolArray(_) => "bool[]",
        Value::IntArray(_) => "int[]",
        Value::FloatArray(_) => "float[]",
        Value::StrArray(_) => "string[]",
        Value::Sparse(_) => "sparse vector",
    }
}
