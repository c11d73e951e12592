//! `huedb import`.

use std::time::Instant;

use clap::{Args, ValueEnum};

use super::context::Context;
use super::exit::Status;
use super::interrupt::Interrupt;
use crate::embed::{Embedder, RuntimeKind, runtime};
use crate::error::{Error, Result};
use crate::input::{self, Mapping, Rows, Source, Types};
use crate::output::{ProgressKind, count, duration};
use crate::record::Row;
use crate::store::{Collection, Ingest, Mode, OnError, Tally};

/// Texts embedded and stored in one transaction: what a kill can undo, at the most.
const TEXTS_AT_ONCE: usize = 256;
/// Rows stored in one transaction when nothing has to be embedded.
const ROWS_AT_ONCE: usize = 8192;
/// Bytes of rows in one transaction, far under half of the import's cache.
const BYTES_AT_ONCE: usize = 32 << 20;

/// Read many records from files, folders or standard input
///
/// csv, tsv, json, jsonl, or text files; .gz and .zst are unpacked. A folder or a glob of text files makes
/// one record a file, its path the id. The id, document, embedding, uri and metadata columns are found by their
/// names or named by options; without --metadata every other column becomes metadata.
///
/// An import can be run again: what is stored already is not embedded again.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb import notes articles.csv --id id --document body --metadata year,lang
  cat articles.jsonl | huedb import notes -
  huedb import notes 'docs/**/*.md'")]
pub(super) struct Import {
    /// The collection
    collection: String,

    /// Files, folders or globs; `-` for standard input
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<String>,

    /// Column of the id; `auto` makes ids from the content [default: id]
    #[arg(long, value_name = "COLUMN")]
    id: Option<String>,

    /// Column of the text [default: document]
    #[arg(long, value_name = "COLUMN")]
    document: Option<String>,

    /// Column of the embedding [default: embedding]
    #[arg(long, value_name = "COLUMN")]
    embedding: Option<String>,

    /// Column of the uri [default: uri]
    #[arg(long, value_name = "COLUMN")]
    uri: Option<String>,

    /// Columns that become metadata [default: all others]
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    metadata: Option<Vec<String>>,

    /// Types of metadata columns, as in year:int,zip:str [default: inferred]
    #[arg(long, value_name = "COLUMN:TYPE")]
    types: Option<Types>,

    /// Format of the sources [default: from their names or first bytes]
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(["csv", "tsv", "json", "jsonl", "text"]))]
    format: Option<String>,

    /// What happens to ids: add leaves existing ones alone, update leaves new ones out, upsert does both
    #[arg(long, value_enum, default_value = "upsert")]
    mode: ModeName,

    /// What happens at a bad row
    #[arg(long, value_enum, value_name = "ACTION", default_value = "stop")]
    on_error: OnErrorName,

    /// Rows stored in one transaction [default: 256 to embed, else 8192]
    #[arg(long, value_name = "ROWS")]
    batch_size: Option<std::num::NonZeroUsize>,

    /// Refuse to embed with another model than this
    #[arg(long)]
    model: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ModeName {
    Add,
    Upsert,
    Update,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OnErrorName {
    Stop,
    Skip,
}

impl Import {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Status> {
        let options = self.options()?;
        let sources: Vec<Source> = self.sources.iter().map(|source| Source::parse(source)).collect::<Result<_>>()?;
        drop(context.look(&self.collection)?);
        let store = context.open_for_import()?;
        let collection = store.collection(&self.collection)?;
        let start = Instant::now();
        let interrupt = Interrupt::listen()?;
        let mut tally = Tally::default();
        let outcome = self.import(context, &collection, &sources, &options, &interrupt, &mut tally);
        if let Err(error) = outcome {
            store.close()?;
            if tally.rows() > 0 {
                let said = describe(&tally);
                let next = "these are stored, and the same import can be run again";
                context.printer.notice(format!("{said} before it stopped; {next}"));
            }
            return Err(error.into());
        }
        super::index::build_if_due(context, &collection, &interrupt)?;
        store.close()?;
        context.printer.notice(format!("{} in {}", describe(&tally), duration(start.elapsed())));
        Ok(Status::Done)
    }

    fn options(&self) -> Result<input::Options> {
        let named = Mapping::default();
        let id = self.id.as_deref().map(str::parse).transpose();
        Ok(input::Options {
            format: self.format.as_deref().map(str::parse).transpose()?,
            mapping: Mapping {
                id: id.unwrap_or_else(|never: std::convert::Infallible| match never {}).unwrap_or(named.id),
                document: self.document.clone(),
                embedding: self.embedding.clone(),
                uri: self.uri.clone(),
                metadata: self.metadata.clone(),
                types: self.types.clone().unwrap_or_default(),
            },
            ..input::Options::default()
        })
    }

    fn import(
        &self,
        context: &mut Context,
        collection: &Collection,
        sources: &[Source],
        options: &input::Options,
        interrupt: &Interrupt,
        tally: &mut Tally,
    ) -> Result<()> {
        let mut embedder = self.embedder(context, collection)?;
        let embeds = embedder.is_some();
        let embedder = embedder.as_mut().map(|embedder| embedder.as_mut() as &mut dyn Embedder);
        let (mode, on_error) = (self.mode.into(), self.on_error.into());
        let mut ingest = Ingest::new(collection, embedder, mode, on_error)?;
        let mut sources = sources.iter();
        let done =
            sources.try_for_each(|source| self.import_source(context, &mut ingest, source, options, embeds, interrupt));
        *tally = ingest.tally();
        done
    }

    /// Loads the collection's model; rows that all come with embeddings do not need it, but who knows that before.
    fn embedder(&self, context: &mut Context, collection: &Collection) -> Result<Option<Box<dyn Embedder>>> {
        let info = collection.view()?.info().clone();
        if info.embedder.is_none() && self.model.is_none() {
            return Ok(None);
        }
        let embedder = context.embedder(&info, self.model.as_deref())?;
        let needs_engine = info.embedder.is_some_and(|embedder| !embedder.model.starts_with("hash"));
        if needs_engine && runtime(&context.models)?.kind == RuntimeKind::Tract {
            context.printer.notice("embedding with tract; `huedb setup` installs ONNX Runtime, which is faster");
        }
        Ok(Some(embedder))
    }

    fn import_source(
        &self,
        context: &mut Context,
        ingest: &mut Ingest,
        source: &Source,
        options: &input::Options,
        embeds: bool,
        interrupt: &Interrupt,
    ) -> Result<()> {
        let mut rows = Rows::open(source, options.clone())?;
        let read = rows.progress();
        let kind = if read.total_bytes().is_some() { ProgressKind::RowsOfBytes } else { ProgressKind::Rows };
        let progress = context.printer.progress("import", kind, read.total_bytes());
        let mut batch = Batch::new(self.batch_size.map(std::num::NonZeroUsize::get), embeds);
        loop {
            let row = rows.next();
            let ended = row.is_none();
            match row {
                Some(Ok(row)) => batch.push(row),
                Some(Err(error @ Error::BadRow { .. })) => {
                    if matches!(self.on_error, OnErrorName::Stop) {
                        ingest.store(batch.take())?;
                    }
                    let skipped = ingest.refuse(error)?;
                    progress.suspend(|| skipped.iter().for_each(|error| context.printer.warning(error)));
                }
                Some(Err(error)) => {
                    ingest.store(batch.take())?;
                    return Err(error);
                }
                None => {}
            }
            if batch.is_full() || ended {
                let rows = batch.take();
                let stored = rows.len() as u64;
                let skipped = ingest.store(rows)?;
                progress.suspend(|| skipped.iter().for_each(|error| context.printer.warning(error)));
                progress.add_rows(stored);
                progress.set_bytes(read.read_bytes());
                interrupt.check()?;
            }
            if ended {
                break;
            }
        }
        progress.finish();
        rows.take_notices().iter().for_each(|notice| context.printer.notice(notice));
        Ok(())
    }
}

/// Rows that wait to be stored together.
struct Batch {
    rows: Vec<Row>,
    limit: Option<usize>,
    embeds: bool,
    texts: usize,
    bytes: usize,
}

impl Batch {
    fn new(limit: Option<usize>, embeds: bool) -> Self {
        Self { rows: Vec::new(), limit, embeds, texts: 0, bytes: 0 }
    }

    fn push(&mut self, row: Row) {
        self.texts += usize::from(self.embeds && row.embedding.is_none());
        self.bytes += row.document.as_ref().map_or(0, String::len) + row.embedding.as_ref().map_or(0, |e| 4 * e.len());
        self.rows.push(row);
    }

    fn is_full(&self) -> bool {
        let rows = self.rows.len();
        let enough = |limit| rows >= limit;
        self.limit.map_or(self.texts >= TEXTS_AT_ONCE || enough(ROWS_AT_ONCE), enough) || self.bytes >= BYTES_AT_ONCE
    }

    fn take(&mut self) -> Vec<Row> {
        (self.texts, self.bytes) = (0, 0);
        std::mem::take(&mut self.rows)
    }
}

fn describe(tally: &Tally) -> String {
    let counts = [
        (tally.added, "added"),
        (tally.updated, "updated"),
        (tally.unchanged, "unchanged"),
        (tally.skipped, "skipped"),
        (tally.failed, "failed"),
        (tally.embedded, "embedded"),
    ];
    let always = 4;
    let said = counts.iter().enumerate().filter(|(at, (n, _))| *n > 0 || *at < always);
    said.map(|(_, (n, what))| format!("{what} {}", count(*n))).collect::<Vec<_>>().join(", ")
}

impl From<ModeName> for Mode {
    fn from(name: ModeName) -> Self {
        match name {
            ModeName::Add => Self::Add,
            ModeName::Upsert => Self::Upsert,
            ModeName::Update => Self::Update,
        }
    }
}

impl From<OnErrorName> for OnError {
    fn from(name: OnErrorName) -> Self {
        match name {
            OnErrorName::Stop => Self::Stop,
            OnErrorName::Skip => Self::Skip,
        }
    }
}
