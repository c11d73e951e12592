//! `huedb import`.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::{Args, ValueHint};
use huedb::embed::{ChunkSize, Chunker, DEFAULT_MODEL, fingerprint};
use huedb::error::{Error, Result};
use huedb::ingest::{OnError, Rules};
use huedb::input::{self, InputSource, Mapping, MatrixIds, OnDuplicate, RowBatches, TextEncoding, Types};
use huedb::record::{CollectionInfo, RecordId};
use huedb::store::{Access, Mode};

use crate::cli::arguments::global::NewFileArgs;
use crate::cli::arguments::one_of;
use crate::cli::bulk::dry_run::Rehearsal;
use crate::cli::bulk::foreign::ForeignArgs;
use crate::cli::bulk::ingest::{Ingestion, STOPPING, describe, limits};
use crate::cli::context::command::Context;
use crate::cli::context::stdin::is_piped;
use crate::cli::context::timing::TimedEmbedder;
use crate::cli::process::exit::Status;
use crate::cli::process::interrupt::Interrupt;
use crate::cli::verb::add::check_keep;
use crate::output::{count, duration};

/// Import records from files, folders or standard input
///
/// Reads csv, tsv, json, jsonl, Parquet, Arrow (Feather), npy, HTML and text files; .gz and .zst are decompressed. In a
/// folder or a glob too, tables are read as tables; each text file is one record, and so is the text of each HTML page.
/// With --lines each line of a text file is one. A .txt file whose header names the id column is
/// also a table, and an import of several kinds of files says how it read each; --format decides for all. The columns for
/// id, document, embedding, uri and metadata are found by name or named by options; without --metadata, every other column
/// becomes metadata. Several columns of text are joined (--document title,body), a blank line between them; a name with a
/// comma goes in double quotes, unless it stands alone. The fields of nested objects, and of structures in Parquet and
/// Arrow, are named by their paths: --document body.text, --metadata user.name. --flatten makes metadata of all of them.
/// Fields asked for that no row has are reported. --dry-run shows what the import would do; the collection need not exist for that.
///
/// The id of a text file is its path relative to the folder, or to the part of the glob before the first wildcard; for a
/// file named directly, it is the path as given. --prefix is put before every id. The uri is the path that opens the file.
/// Two files of different folders with the same id are refused. Files in a folder that are not text are skipped and listed,
/// the first ten without -v.
///
/// Text is UTF-8 unless --encoding says otherwise; a byte order mark decides. Nothing else is assumed: what is not UTF-8 is
/// refused with its place. latin-1 is read as windows-1252, which contains it.
///
/// --from-sql asks an SQLite database, which is only read; the columns of the answer are those of a table. A column called
/// embedding may be a blob of little-endian 32-bit floats or JSON, and metadata a JSON object; other blobs are refused.
///
/// A csv column without a type in --types becomes numbers only if every cell prints back exactly as it is written, and
/// likewise true/false or arrays; otherwise it is text (007, 1.10 and 1e3 are). The first 100,000 rows decide, or the first
/// 16 MB of a pipe; a later row that does not fit is bad. An empty cell is no value, and "" is an empty text. Integers
/// beyond 64 bits are refused, unless --types NAME:str keeps their digits.
///
/// In Parquet and Arrow, null and NaN are no value, dates and times become ISO 8601 strings (timestamps with a time zone in
/// UTC), 32-bit floats in metadata become the f64 of their shortest decimal (0.1 is 0.1), decimals become numbers where
/// these have their digits, and messages give the row number instead of the line. The rows of an .npy matrix are
/// embeddings, with ids from --ids, from --rows or from --id auto.
///
/// Repeated ids in one import are counted and reported; --on-duplicate decides which row counts.
///
/// An import can be repeated: what is already stored is not embedded again, even if its metadata changed. In a collection
/// without a model, a changed document needs an embedding of its own, or --keep-embedding.
///
/// With --chunk, every document is cut into chunks of at most this many tokens, as the model of the collection counts them.
/// The chunks of document `a` become records `a#0`, `a#1` and so on, with its metadata and uri and four more metadata keys:
/// `chunk_of` (the id of the document), `chunk` (the number), `chunk_start` and `chunk_end` (bytes of the document). A cut
/// is made in the last quarter of a chunk, preferably at the end of a paragraph, then of a line, a sentence or a word. A
/// document is stored in one transaction; if it has become shorter, the chunks it no longer has are removed. Chunks replace
/// the record of the whole document, and a later import without --chunk replaces the chunks; a record that is not a chunk
/// of the document is never replaced.
///
/// With --all, the source is a file written by `huedb export --all`; its tenants, databases and collections are restored as
/// they were, and the database file is created if needed.
///
/// Other programs: --from-chroma reads a folder written by Chroma 0.4 or later, --from-chroma-url a running server, and
/// --from-llm the embeddings of the llm tool. Embeddings are taken bit for bit; those of a cosine collection that Chroma
/// normalised stay normalised. No model is set, since none of these made them: queries need --embedding until `huedb
/// reembed`. COLLECTION is looked up in --tenant and --database; without it, everything is read, or everything in --tenant
/// and --database where these are not the defaults. The source is never changed, and the import can be repeated. A server
/// gets its credentials from `CHROMA_TOKEN` (X-Chroma-Token) and `CHROMA_AUTHORIZATION`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb import notes articles.csv --id id --document body --metadata year,lang
  cat articles.jsonl | huedb import notes -
  huedb import notes articles.parquet --types zip:str --dry-run
  huedb import notes 'parts/*.csv' --delimiter '|' --on-duplicate error
  huedb import notes articles.csv --id auto --document title,body --encoding latin-1
  huedb import notes --from-sql 'select id, body as document, year from articles' shop.db
  huedb import notes names.txt --lines
  huedb import notes vectors.npy --ids ids.txt
  huedb import notes 'docs/**/*.md' --chunk 256 --overlap 32
  huedb import notes projects/b --prefix b/
  huedb --db new.redb import --all everything.jsonl.gz
  huedb --db new.redb import --from-chroma ./chroma
  huedb import --from-chroma-url http://localhost:8000 articles --into notes
  huedb import --from-llm \"$(llm collections path)\"")]
#[expect(clippy::struct_excessive_bools, clippy::doc_markdown, reason = "each flag is by itself; help is no code")]
pub(crate) struct ImportArgs {
    /// Collection
    #[arg(required_unless_present_any = ["all", "foreign"])]
    collection: Option<String>,

    /// Files, folders or globs; `-`, or nothing where a pipe or a file is put in, for standard input
    #[arg(value_name = "SOURCE")]
    sources: Vec<String>,

    /// Create the collection (and the database file if needed); it goes again if nothing of the import is stored
    #[arg(long, conflicts_with_all = ["all", "foreign"])]
    create: bool,

    #[command(flatten)]
    file: NewFileArgs,

    /// Read a file written by `export --all`; `-` for standard input
    #[arg(long, value_name = "SOURCE", conflicts_with_all = ["collection", "sources", "id", "document", "embedding", "uri",
        "metadata", "flatten", "types", "format", "delimiter", "encoding", "lines", "from_sql", "ids", "rows", "dry_run", "on_error", "on_duplicate", "batch_size", "model",
        "foreign", "prefix", "moved_from", "keep_embedding"])]
    all: Option<String>,

    #[command(flatten)]
    from: ForeignArgs,

    /// Name for the collection read from another program
    #[arg(long, value_name = "NAME", requires = "foreign", requires = "collection")]
    into: Option<String>,

    /// Column of the id; `auto` derives ids from the content [default: id]
    #[arg(long, value_name = "COLUMN")]
    id: Option<String>,

    /// Prefix for every id
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    prefix: String,

    /// Path the folder was imported from before: its records are replaced (repeatable)
    #[arg(long, value_name = "DIR")]
    moved_from: Vec<PathBuf>,

    /// Keep the old embedding when the document changes, in a collection without a model
    #[arg(long)]
    keep_embedding: bool,

    /// Column of the text; several as title,body are joined, a blank line between them [default: document]
    #[arg(long, value_name = "COLUMNS")]
    document: Option<String>,

    /// Column of the embedding [default: embedding]
    #[arg(long, value_name = "COLUMN")]
    embedding: Option<String>,

    /// Column of the uri [default: uri]
    #[arg(long, value_name = "COLUMN")]
    uri: Option<String>,

    /// Columns that become metadata; a.b is the field b of the object a [default: all others]
    #[arg(long, value_name = "COLUMNS")]
    metadata: Option<Vec<String>>,

    /// Make metadata of all that stands in nested objects, each by its path: user.name
    #[arg(long)]
    flatten: bool,

    /// Types of metadata columns: str, int, float, decimal-comma (49,90), bool or array, such as year:int,zip:str [default:
    /// inferred]
    #[arg(long, value_name = "COLUMN:TYPE")]
    types: Option<Types>,

    /// Format of the sources [default: detected from the name or content]
    #[arg(long, value_parser = one_of!(input::InputFormat))]
    format: Option<input::InputFormat>,

    /// Field separator of csv files [default: detected: , ; tab or |]
    #[arg(long, value_name = "CHAR", value_parser = delimiter)]
    delimiter: Option<u8>,

    /// Encoding of text that is not UTF-8: latin-1, windows-1252, utf-16, shift_jis and others
    #[arg(long, value_name = "NAME")]
    encoding: Option<TextEncoding>,

    /// Make a record of each line that is not blank, with the id FILE:LINE; short for --format lines
    #[arg(long, conflicts_with_all = ["format", "delimiter"])]
    lines: bool,

    /// Ask the SOURCE, an SQLite database, and import the rows of the answer
    #[arg(long, value_name = "SQL", conflicts_with_all = ["format", "delimiter", "encoding", "lines", "ids", "rows"])]
    from_sql: Option<String>,

    /// File with the ids of an .npy matrix, one per line
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    ids: Option<PathBuf>,

    /// File with everything that an .npy matrix lacks, row by row: ids, documents, metadata
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "ids")]
    rows: Option<String>,

    /// Read everything and store nothing; show what each column becomes, the first records, and every error
    #[arg(long, conflicts_with = "foreign")]
    dry_run: bool,

    /// How to treat ids: add ignores existing ones, update ignores new ones, upsert does both
    #[arg(long, value_parser = one_of!(Mode), default_value = "upsert")]
    mode: Mode,

    /// What to do at a bad row
    #[arg(long, value_parser = one_of!(OnError), value_name = "ACTION", default_value = "stop")]
    on_error: OnError,

    /// What to do with a repeated id: error stops, last keeps the later row, first keeps the earlier one
    #[arg(long, value_parser = one_of!(OnDuplicate), value_name = "ACTION", default_value = "last")]
    on_duplicate: OnDuplicate,

    /// Rows per transaction [default: 256 when embedding, else 8192]
    #[arg(long, value_name = "ROWS")]
    batch_size: Option<std::num::NonZeroUsize>,

    /// Cut documents into chunks of at most this many tokens
    #[arg(long, value_name = "TOKENS")]
    chunk: Option<usize>,

    /// Tokens that consecutive chunks share, at most half of a chunk
    #[arg(long, value_name = "TOKENS", requires = "chunk", default_value_t = 0, hide_default_value = true)]
    overlap: usize,

    /// Fail unless the collection uses this model; with --create, the model of a new collection
    #[arg(long)]
    model: Option<String>,
}

impl ImportArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        let makes_file = self.all.is_some() || self.from.is_given() || self.create;
        if self.file.encrypt && !makes_file {
            let hint = Some("create the collection with `huedb create NAME --encrypt`".into());
            return Err(Error::InvalidArgument { why: "this import makes no file to encrypt".into(), hint });
        }
        context.prepare(self.file)?;
        if let Some(dump) = &self.all {
            return crate::cli::bulk::archive::import(context, dump, self.mode);
        }
        if self.from.is_given() {
            return self.from.run(context, self.collection, self.into, (self.mode, self.on_error));
        }
        let name = self.collection.as_deref().unwrap_or_default();
        let sources = self.sources(context)?;
        if self.dry_run {
            return crate::cli::bulk::dry_run::run(context, self.rehearsal(context, sources)?);
        }
        let made = self.create(context, name)?;
        let outcome = self.store(context, name, sources);
        if made && outcome.is_err() {
            unmake(context, name)?;
        }
        outcome
    }

    /// Makes the collection, if that is asked for and there is none; returns whether it was made.
    fn create(&self, context: &mut Context, name: &str) -> Result<bool> {
        match context.look(name) {
            Err(Error::CollectionNotFound { .. } | Error::FileNotFound { .. }) if self.create => {
                let model = fingerprint(self.model.as_deref().unwrap_or(DEFAULT_MODEL), &context.models)?;
                context.make_collection(self.file, name, &model)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn store(&self, context: &mut Context, name: &str, sources: Vec<InputSource>) -> Result<Status> {
        let view = context.look(name)?;
        let info = view.info().clone();
        check_keep(self.keep_embedding, &info)?;
        let start = Instant::now();
        let interrupt = Interrupt::listen_saying(STOPPING);
        let mut batches =
            RowBatches::open(sources, self.options(context)?, limits(self.batch_size, info.embedder.is_some()))?;
        let chunks = ChunkCount::default();
        let chunker = self.chunker(context, &info)?;
        if let Some(split) = chunks.split(&self.prefix, chunker) {
            batches = batches.splitting(split);
        }
        let embedder = self.embedder(context, &info)?;
        let (mode, on_error, on_duplicate) = (self.mode, self.on_error, self.on_duplicate);
        let rules = self.rules();
        let run = Ingestion {
            action: "import",
            name,
            view,
            batches,
            embedder,
            mode,
            on_error,
            on_duplicate,
            rules,
            interrupt,
        };
        let tally = run.store(context, &info, |_| Ok(0))?;
        let nothing_new = tally.unchanged > 0 && tally.embedded == 0 && info.embedder.is_some();
        let said = if nothing_new { "; nothing was embedded" } else { "" };
        chunks.say(context);
        context.printer.notice(format!("{} in {}{said}", describe(&tally), duration(start.elapsed())));
        Ok(Status::Done)
    }

    /// Returns what is to be read.
    fn sources(&self, context: &Context) -> Result<Vec<InputSource>> {
        if self.sources.is_empty() && !is_piped() {
            return Err(Error::InvalidArgument {
                why: "nothing to import is named".into(),
                hint: Some("name files, folders or globs, or `-` to type it".into()),
            });
        }
        let stdin = ["-".to_owned()];
        let named = if self.sources.is_empty() { stdin.as_slice() } else { &self.sources };
        named.iter().map(|source| context.source(source)).collect()
    }

    /// Gathers what a dry run needs to know.
    fn rehearsal(&self, context: &Context, sources: Vec<InputSource>) -> Result<Rehearsal<'_>> {
        Ok(Rehearsal {
            rules: self.rules(),
            split: Box::new(|context, info| self.split(context, info)),
            name: self.collection.as_deref().unwrap_or_default(),
            sources,
            options: self.options(context)?,
            mode: self.mode,
            on_error: self.on_error,
        })
    }

    fn rules(&self) -> Rules {
        Rules {
            keep_embedding: self.keep_embedding,
            one_form: true,
            keep_folders: true,
            moved_from: self.moved_from.clone(),
        }
    }

    /// Returns what becomes of each row before it is stored, if anything does.
    fn split(&self, context: &Context, info: &CollectionInfo) -> Result<Option<input::Split>> {
        check_keep(self.keep_embedding, info)?;
        self.embedder(context, info)?;
        Ok(ChunkCount::default().split(&self.prefix, self.chunker(context, info)?))
    }

    fn options(&self, context: &Context) -> Result<input::InputOptions> {
        let named = Mapping::default();
        let id = self.id.as_deref().map(str::parse).transpose();
        Ok(input::InputOptions {
            format: self.format.or(self.lines.then_some(input::InputFormat::Lines)),
            mapping: Mapping {
                id: id.unwrap_or_else(|never: std::convert::Infallible| match never {}).unwrap_or(named.id),
                document: self.document.as_deref().map(Into::into),
                embedding: self.embedding.clone(),
                uri: self.uri.clone(),
                metadata: self.metadata.as_deref().map(listed),
                flatten: self.flatten,
                types: self.types.clone().unwrap_or_default(),
                expects_content: !matches!(self.mode, Mode::Update),
            },
            delimiter: self.delimiter,
            encoding: self.encoding,
            sql: self.from_sql.clone(),
            only_tables: self.only_tables(),
            on_duplicate: self.on_duplicate,
            beside: self.beside(context)?,
            ..input::InputOptions::default()
        })
    }

    /// Returns a flag that only tables heed, where one was given.
    fn only_tables(&self) -> Option<&'static str> {
        let given = [
            (self.id.as_deref().is_some_and(|id| id != "auto"), "--id"),
            (self.document.is_some(), "--document"),
            (self.embedding.is_some(), "--embedding"),
            (self.uri.is_some(), "--uri"),
            (self.metadata.is_some(), "--metadata"),
            (self.types.is_some(), "--types"),
            (self.flatten, "--flatten"),
        ];
        given.into_iter().find_map(|(is, flag)| is.then_some(flag))
    }

    /// Returns what stands beside a matrix.
    fn beside(&self, context: &Context) -> Result<Option<MatrixIds>> {
        let rows = self.rows.as_deref().map(|rows| context.source(rows)).transpose()?.map(MatrixIds::Rows);
        let beside = self.ids.clone().map(MatrixIds::Ids).or(rows);
        if beside.is_some() && self.sources.len() != 1 {
            return Err(Error::argument("--ids and --rows go with one .npy matrix"));
        }
        if matches!(beside, Some(MatrixIds::Rows(InputSource::Stdin(_))))
            && self.sources.iter().any(|source| source == "-")
        {
            return Err(Error::argument("the matrix and its rows cannot both come from the standard input"));
        }
        Ok(beside)
    }

    fn chunker(&self, context: &Context, info: &CollectionInfo) -> Result<Option<Chunker>> {
        let Some(tokens) = self.chunk else { return Ok(None) };
        let Some(model) = &info.embedder else {
            return Err(Error::NoModel { collection: info.name.to_string() });
        };
        let name = self.model.as_deref().unwrap_or(&model.model);
        let size = ChunkSize { tokens, overlap: self.overlap };
        Chunker::open(name, model, size, &context.models).map(Some)
    }

    /// Stands for the collection's model until a text needs it.
    fn embedder(&self, context: &Context, info: &CollectionInfo) -> Result<Option<TimedEmbedder>> {
        if info.embedder.is_none() && self.model.is_none() {
            return Ok(None);
        }
        context.deferred_embedder(info, self.model.as_deref()).map(Some)
    }
}

/// Takes a collection away again that was made for an import of which nothing is stored.
fn unmake(context: &mut Context, name: &str) -> Result<()> {
    let place = context.open(Access::Write)?;
    if place.state_of(name)?.counts().records == 0 {
        place.drop_collection(name)?;
        context.printer.notice(format!("{name} is removed again, since nothing was stored in it"));
    }
    place.close()
}

/// How many documents were cut, and into how many chunks.
#[derive(Default)]
struct ChunkCount(Arc<(AtomicU64, AtomicU64)>);

impl ChunkCount {
    /// Prefixes ids, cuts documents, and counts what comes of them.
    fn split(&self, prefix: &str, chunker: Option<Chunker>) -> Option<input::Split> {
        if prefix.is_empty() && chunker.is_none() {
            return None;
        }
        let (counts, prefix) = (Arc::clone(&self.0), prefix.to_owned());
        Some(Box::new(move |mut row| {
            if !prefix.is_empty() {
                row.id = RecordId::parse(format!("{prefix}{}", row.id))?;
            }
            let Some(chunker) = &chunker else { return Ok(vec![row]) };
            let rows = chunker.split(row)?;
            let chunks = rows.iter().filter(|row| row.part.is_some()).count() as u64;
            counts.0.fetch_add(u64::from(chunks > 0), Ordering::Relaxed);
            counts.1.fetch_add(chunks, Ordering::Relaxed);
            Ok(rows)
        }))
    }

    fn say(&self, context: &mut Context) {
        let (documents, chunks) = (self.0.0.load(Ordering::Relaxed), self.0.1.load(Ordering::Relaxed));
        if documents > 0 {
            context.printer.notice(format!("documents {}, cut into chunks {}", count(documents), count(chunks)));
        }
    }
}

/// Reads lists of columns; commas stand between them, and a name in double quotes may hold one.
fn listed(lists: &[String]) -> Vec<String> {
    lists.iter().flat_map(|list| input::split_names(list).unwrap_or_default()).collect()
}

/// Reads the character between fields.
fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        _ if text == "tab" || text == "\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !b"\"\r\n\0".contains(byte) => Ok(*byte),
        _ => Err("it must be one ASCII character, but no quote and no line end; tab is written tab".into()),
    }
}
