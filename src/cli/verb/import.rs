//! `huedb import`.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::{Args, ValueEnum, ValueHint};
use huedb::embed::{ChunkSize, Chunker};
use huedb::error::{Error, Result};
use huedb::input::{self, InputSource, Mapping, MatrixIds, OnDuplicate, RowBatches, Types};
use huedb::record::{CollectionInfo, RecordId};
use huedb::store::{Mode, OnError, Rules};

use crate::cli::arguments::global::NewFileArgs;
use crate::cli::bulk::dry_run::Rehearsal;
use crate::cli::bulk::foreign::ForeignArgs;
use crate::cli::bulk::ingest::{Ingestion, describe, limits};
use crate::cli::context::command::Context;
use crate::cli::context::timing::TimedEmbedder;
use crate::cli::process::exit::Status;
use crate::cli::process::interrupt::Interrupt;
use crate::cli::verb::add::check_keep;
use crate::output::{count, duration};

/// Read many records from files, folders or standard input
///
/// csv, tsv, json, jsonl, Parquet, Arrow (Feather), npy or text files; .gz and .zst are unpacked. Tables are tables also in a
/// folder or a glob; a text file there is one record. A .txt whose header names the id's column is a table too, and one
/// import of several kinds says what it took each for; --format says it for all. The id, document, embedding, uri and
/// metadata columns are found by their names or named by options; without --metadata every other column becomes metadata.
/// --dry-run shows what would be made of them; the collection need not exist for that.
///
/// The id of a text file is its path from the folder, or from the part of the glob before the first wildcard; of a file that
/// is named by itself, the path as it is given; --prefix puts something before every id. Its uri is the path that opens it.
/// A file whose id is that of a file of another folder is refused. Files of a folder that are no text are passed over and
/// named, the first ten without -v.
///
/// A column of a csv table without a type in --types is numbers only where every cell of it is one that prints back as it
/// stands, and true or false, or arrays, likewise; else all of it is text (007, 1.10 and 1e3 are). The first 100,000 rows
/// decide, of a pipe those within 16 MB; a later row that does not fit is bad. Nothing is no value, and a pair of quotes
/// around nothing an empty text. Integers beyond 64 bits are of no type here: they are refused, unless --types NAME:str
/// keeps their digits.
///
/// Of Parquet and Arrow, null and NaN are no value, dates and times become strings in ISO 8601 (points in time of a zone
/// in UTC), floats of 32 bits in metadata become the f64 of their shortest decimal (0.1 is 0.1), decimals become numbers
/// where these have their digits, and the row's number stands where messages have a line. The rows of an .npy matrix are
/// embeddings, whose ids come from --ids, from --rows, or from --id auto.
///
/// An id that comes again in one import is counted and warned of; --on-duplicate says what becomes of its rows.
///
/// An import can be run again: what is stored already is not embedded again, also where only metadata changed. In a
/// collection without a model a new document of a record needs an embedding of its own, or --keep-embedding.
///
/// With --chunk every document is cut into chunks of at most so many tokens, as the collection's model counts them.
/// The chunks of a document with the id `a` are records `a#0`, `a#1` and so on, with its metadata and uri and, as
/// metadata, `chunk_of` (the document's id), `chunk` (its number), `chunk_start` and `chunk_end` (bytes of the
/// document). A cut is made, in the last quarter of a chunk, at the end of a paragraph, else of a line, of a sentence,
/// of a word. A document is stored in one transaction; when it has become shorter, the chunks it no longer has are
/// removed. Chunks take the place of the record of the whole document, and a later import without --chunk that of the
/// chunks; a record that is no chunk of the document is never replaced by one.
///
/// With --all the source is what `huedb export --all` wrote, and its tenants, databases and collections are made as they
/// were; a file that does not exist is made.
///
/// So are those of other programs: with --from-chroma a folder that Chroma 0.4 or later wrote, with --from-chroma-url a
/// running server, with --from-llm the embeddings of the llm tool. Embeddings come as the program answers them, bit for
/// bit; a collection of space cosine whose lengths Chroma rounded stays rounded. No model is set, for none here made them:
/// questions need --embedding until `huedb reembed`. A COLLECTION is looked up in --tenant and --database; without one
/// everything is read, of --tenant and --database where these are not the defaults. What is read is not changed, and the
/// same import can be run again. A server is told who asks by `CHROMA_TOKEN` (X-Chroma-Token) and `CHROMA_AUTHORIZATION`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb import notes articles.csv --id id --document body --metadata year,lang
  cat articles.jsonl | huedb import notes -
  huedb import notes articles.parquet --types zip:str --dry-run
  huedb import notes 'parts/*.csv' --delimiter '|' --on-duplicate error
  huedb import notes vectors.npy --ids ids.txt
  huedb import notes 'docs/**/*.md' --chunk 256 --overlap 32
  huedb import notes projects/b --prefix b/
  huedb --db new.redb import --all everything.jsonl.gz
  huedb --db new.redb import --from-chroma ./chroma
  huedb import --from-chroma-url http://localhost:8000 articles --into notes
  huedb import --from-llm \"$(llm collections path)\"")]
pub(crate) struct ImportArgs {
    /// The collection
    #[arg(required_unless_present_any = ["all", "foreign"])]
    collection: Option<String>,

    /// Files, folders or globs; `-` for standard input
    #[arg(required_unless_present_any = ["all", "foreign"], value_name = "SOURCE")]
    sources: Vec<String>,

    #[command(flatten)]
    file: NewFileArgs,

    /// Read everything that `export --all` wrote; `-` for standard input
    #[arg(long, value_name = "SOURCE", conflicts_with_all = ["collection", "sources", "id", "document", "embedding", "uri",
        "metadata", "types", "format", "delimiter", "ids", "rows", "dry_run", "on_error", "on_duplicate", "batch_size", "model",
        "foreign", "prefix", "moved_from", "keep_embedding"])]
    all: Option<String>,

    #[command(flatten)]
    from: ForeignArgs,

    /// The name that the collection read from another program is to have
    #[arg(long, value_name = "NAME", requires = "foreign", requires = "collection")]
    into: Option<String>,

    /// Column of the id; `auto` makes ids from the content [default: id]
    #[arg(long, value_name = "COLUMN")]
    id: Option<String>,

    /// Put before every id
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    prefix: String,

    /// The folder was here before: take the place of its records; may be repeated
    #[arg(long, value_name = "DIR")]
    moved_from: Vec<PathBuf>,

    /// Leave the old embedding beside a new document, in a collection without a model
    #[arg(long)]
    keep_embedding: bool,

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

    /// Types of metadata columns: str, int, float, bool or array, as in year:int,zip:str [default: inferred]
    #[arg(long, value_name = "COLUMN:TYPE")]
    types: Option<Types>,

    /// Format of the sources [default: from their names or first bytes]
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(input::InputFormat::ALL.map(input::InputFormat::as_str)))]
    format: Option<String>,

    /// Character between the fields of a csv table [default: what the header shows of , ; tab and |]
    #[arg(long, value_name = "CHAR", value_parser = delimiter)]
    delimiter: Option<u8>,

    /// File with the ids of an .npy matrix, one a line
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    ids: Option<PathBuf>,

    /// File with all that an .npy matrix lacks, row by row: ids, documents, metadata
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "ids")]
    rows: Option<String>,

    /// Read all, store nothing, refuse what the import would; show what each column becomes, and the first records
    #[arg(long, conflicts_with = "foreign")]
    dry_run: bool,

    /// What happens to ids: add leaves existing ones alone, update leaves new ones out, upsert does both
    #[arg(long, value_enum, default_value = "upsert")]
    mode: ModeName,

    /// What happens at a bad row
    #[arg(long, value_enum, value_name = "ACTION", default_value = "stop")]
    on_error: OnErrorName,

    /// What happens to a row whose id came before: error stops, last takes it over the earlier one, first leaves it out
    #[arg(long, value_enum, value_name = "ACTION", default_value = "last")]
    on_duplicate: OnDuplicateName,

    /// Rows stored in one transaction [default: 256 to embed, else 8192]
    #[arg(long, value_name = "ROWS")]
    batch_size: Option<std::num::NonZeroUsize>,

    /// Cut documents into chunks of at most this many tokens
    #[arg(long, value_name = "TOKENS")]
    chunk: Option<usize>,

    /// Tokens that a chunk repeats of the one before, at the most half of a chunk
    #[arg(long, value_name = "TOKENS", requires = "chunk", default_value_t = 0, hide_default_value = true)]
    overlap: usize,

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
enum OnDuplicateName {
    Error,
    Last,
    First,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum OnErrorName {
    Stop,
    Skip,
}

impl ImportArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        let makes_file = self.all.is_some() || self.from.is_given();
        if self.file.encrypt && !makes_file {
            let hint = Some("make the collection with `huedb create NAME --encrypt`".into());
            return Err(Error::InvalidArgument { why: "this import makes no file to encrypt".into(), hint });
        }
        context.prepare(self.file)?;
        if let Some(dump) = &self.all {
            return crate::cli::bulk::archive::import(context, dump, self.mode.into());
        }
        if self.from.is_given() {
            return self.from.run(context, self.collection, self.into, (self.mode.into(), self.on_error.into()));
        }
        let name = self.collection.as_deref().unwrap_or_default();
        let sources: Vec<InputSource> =
            self.sources.iter().map(|source| InputSource::parse(source)).collect::<Result<_>>()?;
        if self.dry_run {
            return crate::cli::bulk::dry_run::run(context, self.rehearsal(sources)?);
        }
        let view = context.look(name)?;
        let info = view.info().clone();
        check_keep(self.keep_embedding, &info)?;
        let start = Instant::now();
        let interrupt = Interrupt::listen();
        let mut batches = RowBatches::open(sources, self.options()?, limits(self.batch_size, info.embedder.is_some()))?;
        let chunks = ChunkCount::default();
        let chunker = self.chunker(context, &info)?;
        if let Some(split) = chunks.split(&self.prefix, chunker) {
            batches = batches.splitting(split);
        }
        let embedder = self.embedder(context, &info)?;
        let (mode, on_error, on_duplicate) = (self.mode.into(), self.on_error.into(), self.on_duplicate.into());
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
        let said = if nothing_new { "; nothing had to be embedded" } else { "" };
        chunks.say(context);
        context.printer.notice(format!("{} in {}{said}", describe(&tally), duration(start.elapsed())));
        Ok(Status::Done)
    }

    /// Gathers what a dry run needs to know.
    fn rehearsal(&self, sources: Vec<InputSource>) -> Result<Rehearsal<'_>> {
        Ok(Rehearsal {
            import: self,
            name: self.collection.as_deref().unwrap_or_default(),
            sources,
            options: self.options()?,
            mode: self.mode.into(),
            on_error: self.on_error.into(),
        })
    }

    pub(crate) fn rules(&self) -> Rules {
        Rules {
            keep_embedding: self.keep_embedding,
            one_form: true,
            keep_folders: true,
            moved_from: self.moved_from.clone(),
        }
    }

    /// Returns what becomes of each row before it is stored, if anything does.
    pub(crate) fn split(&self, context: &Context, info: &CollectionInfo) -> Result<Option<input::Split>> {
        check_keep(self.keep_embedding, info)?;
        self.embedder(context, info)?;
        Ok(ChunkCount::default().split(&self.prefix, self.chunker(context, info)?))
    }

    fn options(&self) -> Result<input::InputOptions> {
        let named = Mapping::default();
        let id = self.id.as_deref().map(str::parse).transpose();
        Ok(input::InputOptions {
            format: self.format.as_deref().map(str::parse).transpose()?,
            mapping: Mapping {
                id: id.unwrap_or_else(|never: std::convert::Infallible| match never {}).unwrap_or(named.id),
                document: self.document.clone(),
                embedding: self.embedding.clone(),
                uri: self.uri.clone(),
                metadata: self.metadata.clone(),
                types: self.types.clone().unwrap_or_default(),
                expects_content: !matches!(self.mode, ModeName::Update),
            },
            delimiter: self.delimiter,
            only_tables: self.only_tables(),
            on_duplicate: self.on_duplicate.into(),
            beside: self.beside()?,
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
        ];
        given.into_iter().find_map(|(is, flag)| is.then_some(flag))
    }

    /// Returns what stands beside a matrix.
    fn beside(&self) -> Result<Option<MatrixIds>> {
        let rows = self.rows.as_deref().map(InputSource::parse).transpose()?.map(MatrixIds::Rows);
        let beside = self.ids.clone().map(MatrixIds::Ids).or(rows);
        if beside.is_some() && self.sources.len() != 1 {
            return Err(Error::argument("--ids and --rows go with one .npy matrix"));
        }
        if beside == Some(MatrixIds::Rows(InputSource::Stdin)) && self.sources.iter().any(|source| source == "-") {
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

impl From<ModeName> for Mode {
    fn from(name: ModeName) -> Self {
        match name {
            ModeName::Add => Self::Add,
            ModeName::Upsert => Self::Upsert,
            ModeName::Update => Self::Update,
        }
    }
}

/// Reads the character between fields.
fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        _ if text == "tab" || text == "\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !b"\"\r\n\0".contains(byte) => Ok(*byte),
        _ => Err("it must be one ASCII character, but no quote and no line end; tab is written tab".into()),
    }
}

impl From<OnDuplicateName> for OnDuplicate {
    fn from(name: OnDuplicateName) -> Self {
        match name {
            OnDuplicateName::Error => Self::Error,
            OnDuplicateName::Last => Self::Last,
            OnDuplicateName::First => Self::First,
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
