//! `huedb import --dry-run`: what an import would make of its sources.
//!
//! Opens the database for reading, where there is one. Invariants: the records it prints are those that the import would
//! store, before any is embedded or cut; what the import would refuse it refuses, and it goes on after a bad row to tell all.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use huedb::backend::State;
use huedb::error::{Error, Result};
use huedb::ingest::{OnError, Preparer, Rules};
use huedb::input::{IdFrom, InputOptions, InputSource, Mapping, RowBatches, Split};
use huedb::record::{CollectionInfo, NewRecord, Record, Value};
use huedb::store::Mode;

use crate::cli::bulk::ingest::{ROWS_AT_ONCE, limits, refuse_no_text, say_met, say_skipped};
use crate::cli::context::command::Context;
use crate::cli::process::advice::remark;
use crate::cli::process::exit::Status;
use crate::cli::process::hint::passing;
use crate::cli::process::interrupt::Interrupt;
use crate::output::{RecordColumns, ShownRecord, count};

/// Records that are printed.
const SHOWN_ROWS: usize = 3;
/// Bad rows that are told one by one.
const TOLD_ROWS: u64 = 20;

type SplitOf<'i> = Box<dyn Fn(&Context, &CollectionInfo) -> Result<Option<Split>> + 'i>;

/// An import that is to be tried.
pub(crate) struct Rehearsal<'i> {
    pub(crate) rules: Rules,
    /// Returns what becomes of each row of a collection before it is stored, if anything does.
    pub(crate) split: SplitOf<'i>,
    pub(crate) name: &'i str,
    pub(crate) sources: Vec<InputSource>,
    pub(crate) options: InputOptions,
    pub(crate) mode: Mode,
    pub(crate) on_error: OnError,
}

/// Reads the sources to their end, says what becomes of their columns, and prints the first records.
pub(crate) fn run(context: &mut Context, rehearsal: Rehearsal) -> Result<Status> {
    let Rehearsal { rules, split, name, sources, options, mode, on_error } = rehearsal;
    let interrupt = Interrupt::listen();
    let view = match context.look(name) {
        Err(Error::CollectionNotFound { .. } | Error::FileNotFound { .. }) => None,
        looked => Some(looked?),
    };
    let mut target = view.map(|view| DryRunTarget::of(context, view, &split, (rules.clone(), mode))).transpose()?;
    let (mapping, on_duplicate) = (options.mapping.clone(), options.on_duplicate);
    let mut batches = RowBatches::open(sources, options, limits(None, false))?;
    let (notices, skipped) = (batches.notices(), batches.skipped());
    let mut survey = Survey::default();
    let met = batches.met();
    for rows in batches.by_ref() {
        interrupt.check()?;
        for row in rows {
            match row {
                Ok(row) => {
                    survey.add(&row);
                    if let Some(target) = &mut target {
                        survey.fail(context, target.add(row)?);
                    }
                }
                Err(error @ Error::BadRow { .. }) => survey.fail(context, vec![error]),
                Err(error) => return Err(error),
            }
        }
    }
    if let Some(target) = &mut target {
        survey.fail(context, target.flush()?);
    }
    let gathered = std::mem::take(&mut *notices.lock().unwrap_or_else(PoisonError::into_inner));
    for notice in &gathered {
        context.printer.notice(remark(notice));
    }
    if survey.rows + survey.bad == 0 {
        refuse_no_text(context, &skipped, "import")?;
    }
    say_skipped(context, &skipped.lock().unwrap_or_else(PoisonError::into_inner));
    say_met(context, &met, on_duplicate);
    if survey.bad > TOLD_ROWS {
        context.printer.warning(format!("{} more bad rows", count(survey.bad - TOLD_ROWS)));
    }
    survey.lines(&mapping).iter().for_each(|line| context.printer.notice(line));
    let (rows, bad) = (count(survey.rows), count(survey.bad));
    context.printer.notice(format!("rows {rows}, bad {bad}; nothing was stored"));
    if target.is_none() {
        context.printer.notice(format!("there is no collection {name:?}, so the rows were not checked against one"));
    }
    let mut sink = context.sink(RecordColumns::export())?;
    for record in &survey.first {
        sink.entry(ShownRecord::from(record))?;
    }
    sink.end()?;
    if survey.bad > 0 && on_error == OnError::Stop {
        return Err(Error::InvalidArgument {
            why: format!("the import would stop at the first bad row; there {}", of_bad_rows(survey.bad)),
            hint: Some("fix the bad rows, or skip them with --on-error skip".into()),
        });
    }
    Ok(Status::Done)
}

fn of_bad_rows(bad: u64) -> String {
    format!("{} {}", if bad == 1 { "is" } else { "are" }, count(bad))
}

/// The collection that the rows would go to, which says what it would refuse.
struct DryRunTarget {
    view: Box<dyn State>,
    preparer: Preparer<'static>,
    split: Option<Split>,
    rows: Vec<Result<NewRecord>>,
}

impl DryRunTarget {
    fn of(context: &Context, view: Box<dyn State>, split: &SplitOf, (rules, mode): (Rules, Mode)) -> Result<Self> {
        let split = split(context, view.info())?;
        let preparer = Preparer::new(view.info(), None, mode, OnError::Skip)?.following(rules);
        Ok(Self { view, preparer, split, rows: Vec::new() })
    }

    /// Takes a row; returns what is wrong with those that were gathered.
    fn add(&mut self, row: NewRecord) -> Result<Vec<Error>> {
        match &mut self.split {
            None => self.rows.push(Ok(row)),
            Some(split) => match split(row) {
                Ok(rows) => self.rows.extend(rows.into_iter().map(Ok)),
                Err(error) => self.rows.push(Err(error)),
            },
        }
        if self.rows.len() < ROWS_AT_ONCE { Ok(Vec::new()) } else { self.flush() }
    }

    fn flush(&mut self) -> Result<Vec<Error>> {
        self.preparer.rehearse(self.view.as_ref(), std::mem::take(&mut self.rows))
    }
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
    /// Tells bad rows, the first ones by one.
    fn fail(&mut self, context: &mut Context, errors: Vec<Error>) {
        for error in errors {
            self.bad += 1;
            if self.bad <= TOLD_ROWS {
                context.printer.warning(passing(&error));
            }
        }
    }

    fn add(&mut self, row: &NewRecord) {
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
            let NewRecord { id, embedding, document, uri, metadata, .. } = row.clone();
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
        let documents = mapping.document.as_ref().map(ToString::to_string);
        line(named(&documents, "document"), "document", &self.document);
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
