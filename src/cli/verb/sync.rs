//! `huedb sync`.
//!
//! First all files are compared with the records, by reading only; then what is new is embedded and stored, and last what
//! is no longer there is removed. Invariants: a file that could not be read loses no record; wherever the work stops, the
//! same command goes on from there.

mod plan;

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, ValueHint};
use huedb::backend::State;
use huedb::embed::{ChunkSize, Chunker, DEFAULT_MODEL, fingerprint};
use huedb::error::{Error, Result};
use huedb::ingest::{Existing, Mirror, OnError, Rules, Standing, Stray, Tally};
use huedb::input::{
    self, Folder, FolderListing, InputFormat, InputSource, RowBatches, SkippedFile, TextFile, read_text,
};
use huedb::query::{Filter, RecordQuery, Scalar, Test};
use huedb::record::{Fingerprint, LineCounter, LineRange, NewRecord, RecordId};
use huedb::store::Mode;
use plan::{Seen, SyncPlan, describe_records, old_root_name, root_name};

use crate::cli::arguments::global::NewFileArgs;
use crate::cli::bulk::ingest::{Ingestion, STOPPING, limits, say_skipped};
use crate::cli::context::command::Context;
use crate::cli::process::exit::Status;
use crate::cli::process::interrupt::Interrupt;
use crate::output::{ProgressKind, duration};

/// The tokens of a chunk when none are asked for, where the model reads as many.
const CHUNK_TOKENS: usize = 256;

/// Keep a collection in sync with the text files of a folder
///
/// New and changed files are embedded and stored, records of deleted files are removed, and unchanged files are not
/// touched. Only records made by a sync of the same folder are changed or removed; their metadata says so (`synced_from`:
/// the path of the folder relative to that of the database, or its full path if it lies elsewhere). If the folder was
/// renamed, or moved alone, give its old path with --moved-from. An interrupted run is completed by the same command.
///
/// Files are chosen as by ripgrep: hidden files and those ignored by .gitignore, .ignore or git's own exclude lists are
/// left out, and links are not followed. --glob selects among the rest; records of files no longer selected are removed.
/// HTML pages are read as their text, which is what the records hold. Files without text (binary, not UTF-8, or only white
/// space) are skipped and listed, the first ten without -v. A file
/// that cannot be read is a warning: its records stay, and the exit code is 5. If no text file is found, nothing is done
/// unless --allow-empty is given.
///
/// Each file is cut into chunks by the tokens of the collection's model; each chunk is a record: `a/b.md#0`, `a/b.md#1`. In
/// addition to the metadata of `huedb import --chunk`, chunks have `line` and `line_end`, counted from 1, and the uri is
/// the path of the file, so that a hit opens in an editor; of a page, whose text has other lines, they are left out.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb sync notes ~/notes --glob '**/*.md' --create
  huedb sync docs . --glob '*.md' --glob '*.rst' --glob '!drafts/' --dry-run
  huedb query docs \"rotate keys\" --open")]
#[expect(clippy::struct_excessive_bools, reason = "each flag is by itself")]
pub(crate) struct SyncArgs {
    /// Collection
    collection: String,

    /// Folder
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    folder: PathBuf,

    /// Only files matching this glob, as in .gitignore; `!GLOB` excludes (repeatable)
    #[arg(long = "glob", short, value_name = "GLOB")]
    globs: Vec<String>,

    /// Ignore .gitignore, .ignore and git's exclude lists
    #[arg(long)]
    no_ignore: bool,

    /// Include hidden files and folders
    #[arg(long)]
    hidden: bool,

    /// Follow symbolic links
    #[arg(long, short = 'L')]
    follow: bool,

    /// Prefix for the ids of records
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    prefix: String,

    /// Former path of the folder: its records are taken over (repeatable)
    #[arg(long, value_name = "DIR")]
    moved_from: Vec<String>,

    /// Maximum number of tokens per chunk; 0 for no limit [default: 256, or what the model reads]
    #[arg(long, value_name = "TOKENS")]
    chunk: Option<usize>,

    /// Store each file as one record; the model does not read the end of a long one
    #[arg(long, conflicts_with_all = ["chunk", "overlap"])]
    no_chunk: bool,

    /// Tokens that consecutive chunks share [default: an eighth of a chunk]
    #[arg(long, value_name = "TOKENS")]
    overlap: Option<usize>,

    /// Create the collection (and the database file if needed)
    #[arg(long)]
    create: bool,

    #[command(flatten)]
    file: NewFileArgs,

    /// Fail unless the collection uses this model; with --create, the model of a new collection
    #[arg(long)]
    model: Option<String>,

    /// Allow removing all records if no file is left
    #[arg(long)]
    allow_empty: bool,

    /// Print what would be done, without doing it
    #[arg(long)]
    dry_run: bool,
}

impl SyncArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        let start = Instant::now();
        let interrupt = Interrupt::listen_saying(STOPPING);
        let listing = context.timing.of("list files", || self.files().list())?;
        let view = match context.look(&self.collection) {
            Err(Error::CollectionNotFound { .. } | Error::FileNotFound { .. }) if self.create => None,
            looked => Some(looked?),
        };
        let model = match &view {
            Some(view) => view.info().embedder.clone(),
            None => Some(fingerprint(self.model.as_deref().unwrap_or(DEFAULT_MODEL), &context.models)?),
        };
        let model = model.ok_or_else(|| Error::NoModel { collection: self.collection.clone() })?;
        if let Some(view) = &view {
            context.deferred_embedder(view.info(), self.model.as_deref())?;
        }
        let cutter = self.cutter(context, &model)?;
        let moved_from = self.moved_from(context, view.as_deref())?;
        let existing = view.as_deref().map(|state| state as &dyn Existing);
        let mirror = Mirror::new(existing, cutter.root.clone(), moved_from.clone())?;
        let compare = Instant::now();
        let mut plan = self.compare(context, listing, &cutter, mirror, &interrupt)?;
        plan.info = view.map(|view| view.info().clone());
        context.timing.add("compare", compare.elapsed());
        plan.tell(context);
        if plan.is_empty_folder() && !self.allow_empty {
            return Err(Error::BadInput {
                source: self.folder.display().to_string(),
                why: "no matching text files".into(),
                hint: Some(
                    "--glob, --hidden and --no-ignore choose files; --allow-empty removes the records of all".into(),
                ),
            });
        }
        let tally = if self.dry_run {
            context.list(&plan.facts())?;
            Tally::default()
        } else {
            self.store(context, &model, &mut plan, cutter, moved_from, &interrupt)?
        };
        let said = plan.files.describe();
        let records = if self.dry_run { "; nothing was changed".into() } else { describe_records(&tally) };
        context.printer.notice(format!("files: {said}{records} in {}", duration(start.elapsed())));
        Ok(if plan.files.failed > 0 { Status::Incomplete } else { Status::Done })
    }

    fn files(&self) -> Folder {
        Folder {
            root: self.folder.clone(),
            globs: self.globs.clone(),
            heeds_ignores: !self.no_ignore,
            hidden: self.hidden,
            follows_links: self.follow,
        }
    }

    fn cutter(&self, context: &Context, model: &Fingerprint) -> Result<FileChunker> {
        let (folder, root) = root_name(&self.folder, &context.db)?;
        let tokens = self.chunk.unwrap_or(CHUNK_TOKENS.min(model.max_tokens));
        let chunker = if self.no_chunk || tokens == 0 {
            None
        } else {
            let name = self.model.as_deref().unwrap_or(&model.model);
            let size = ChunkSize { tokens, overlap: self.overlap.unwrap_or(tokens / 8) };
            Some(Chunker::open(name, model, size, &context.models)?.telling_lines())
        };
        Ok(FileChunker { chunker, prefix: self.prefix.clone(), root, folder })
    }

    /// Reads all files and finds out how they stand to the records.
    fn compare(
        &self,
        context: &mut Context,
        listing: FolderListing,
        cutter: &FileChunker,
        mut mirror: Mirror,
        interrupt: &Interrupt,
    ) -> Result<SyncPlan> {
        let mut plan = SyncPlan::default();
        let bytes = listing.files.iter().filter_map(|file| file.size_bytes).sum();
        let progress = context.printer.progress("compare", ProgressKind::OfBytes("files"), Some(bytes));
        // What they held stays: nobody knows whether it is gone.
        let mut kept: Vec<String> = Vec::new();
        for unread in listing.unread {
            plan.fail(context, &progress, &unread.error);
            kept.push(format!("{}{}", self.prefix, unread.relative));
        }
        let (mut read_bytes, mut skipped) = (0, Vec::new());
        for entry in listing.files {
            interrupt.check()?;
            read_bytes += entry.size_bytes.unwrap_or(0);
            let document = entry.id.as_ref().map_or_else(|_| String::new(), |id| format!("{}{id}", self.prefix));
            progress.add_rows(1);
            progress.set_bytes(read_bytes);
            match read_text(&entry) {
                Ok(TextFile::NoText { why, advice }) => {
                    skipped.push(SkippedFile { path: entry.path.display().to_string(), why, advice });
                }
                Ok(TextFile::Row(row)) => {
                    let rows = cutter.rows(*row)?;
                    let standing = mirror.meet(&rows)?;
                    if let Standing::Taken { id, follows } = &standing {
                        let why = format!(
                            "its record {:?} exists already and was not made by a sync of this folder",
                            id.as_str()
                        );
                        let hint = hint_of_taken(follows.as_deref());
                        let source = entry.path.display().to_string();
                        plan.fail(context, &progress, &Error::BadInput { source, why, hint: Some(hint.into()) });
                    }
                    plan.diff.put(entry, document, &standing, rows.len() as u64);
                }
                Err(error) => {
                    plan.fail(context, &progress, &error);
                    kept.push(document);
                }
            }
        }
        progress.finish();
        plan.files.skipped = skipped.len() as u64;
        say_skipped(context, &skipped);
        plan.diff.finish(&mirror, &kept)?;
        plan.count_files();
        Ok(plan)
    }

    /// Does what is planned; a file that changed or went meanwhile is taken as it is now.
    fn store(
        &self,
        context: &mut Context,
        model: &Fingerprint,
        plan: &mut SyncPlan,
        cutter: FileChunker,
        moved_from: Vec<String>,
        interrupt: &Interrupt,
    ) -> Result<Tally> {
        let info = match plan.info.take() {
            Some(info) => info,
            None => context.make_collection(self.file, &self.collection, model)?,
        };
        if plan.diff.is_empty() {
            return Ok(Tally::default());
        }
        let roots: Vec<String> = moved_from.into_iter().chain([cutter.root.clone()]).collect();
        let seen = Seen::default();
        let entries = plan.diff.changed.iter().map(|file| file.item.clone()).collect();
        let batches =
            RowBatches::open(vec![InputSource::Files(entries)], input::InputOptions::default(), limits(None, true))?;
        let batches = batches.splitting(seen.counted(move |row| cutter.rows(row), &plan.diff.changed));
        let run = Ingestion {
            action: "sync",
            name: &self.collection,
            view: context.look(&self.collection)?,
            batches,
            embedder: Some(context.deferred_embedder(&info, self.model.as_deref())?),
            mode: Mode::Upsert,
            on_error: OnError::Skip,
            on_duplicate: input::OnDuplicate::Last,
            rules: Rules::default(),
            interrupt: interrupt.clone(),
        };
        let strays = &plan.diff.strays;
        let tally = run.store(context, &info, |collection| {
            interrupt.check()?;
            if strays.is_empty() { Ok(0) } else { collection.delete_where(&to_remove(&roots, strays)) }
        })?;
        (plan.files.added, plan.files.updated) = (seen.added(), seen.updated());
        plan.files.failed += tally.failed;
        Ok(tally)
    }

    /// Returns the names that records follow under which the folder was known.
    fn moved_from(&self, context: &Context, view: Option<&dyn State>) -> Result<Vec<String>> {
        let follows = |name: &str| match view {
            Some(view) => Ok(!view.having(Mirror::ROOT, name)?.is_empty()),
            None => Ok::<bool, Error>(false),
        };
        let mut names = Vec::new();
        for given in &self.moved_from {
            // As a record says it, or as it is reached from here.
            let given = given.trim_end_matches('/').to_owned();
            let here = old_root_name(Path::new(&given), &context.db)?;
            let mut found = None;
            for name in [Some(given.clone()), here].into_iter().flatten() {
                if found.is_none() && follows(&name)? {
                    found = Some(name);
                }
            }
            let known = found.ok_or_else(|| Error::InvalidArgument {
                why: format!("no record of {} follows {given}", self.collection),
                hint: Some(
                    format!("`huedb distinct {} {}` lists what is followed", self.collection, Mirror::ROOT).into(),
                ),
            });
            names.push(known?);
        }
        Ok(names)
    }
}

/// The strays, as far as they follow one of the roots when they are removed.
fn to_remove(roots: &[String], strays: &[Stray]) -> RecordQuery {
    let values = roots.iter().cloned().map(Scalar::Str).collect();
    let is_own = Filter::Test(Test::In { key: Mirror::ROOT.to_owned(), values, negated: false });
    RecordQuery {
        ids: Some(strays.iter().map(|stray| stray.id.clone()).collect()),
        filter: Some(is_own),
        ..RecordQuery::default()
    }
}

/// Says what to do about a record that is there already.
fn hint_of_taken(follows: Option<&str>) -> String {
    let prefix = "give its records other ids with --prefix";
    match follows {
        Some(folder) => format!(
            "it follows {folder}: if that is what this folder was called, say --moved-from {folder}, else {prefix}"
        ),
        None => prefix.to_owned(),
    }
}

/// Makes records of the text of a file.
struct FileChunker {
    chunker: Option<Chunker>,
    prefix: String,
    root: String,
    /// The folder's whole path.
    folder: PathBuf,
}

impl FileChunker {
    fn rows(&self, mut row: NewRecord) -> Result<Vec<NewRecord>> {
        let relative = row.id.as_str().to_owned();
        row.uri = Some(self.folder.join(&relative).display().to_string());
        row.id = RecordId::parse(format!("{}{relative}", self.prefix))?;
        Mirror::mark(&self.root, &mut row)?;
        let is_page = InputFormat::of_path(Path::new(&relative)) == Some(InputFormat::Html);
        if let Some(chunker) = &self.chunker {
            let mut rows = chunker.split(row)?;
            for row in rows.iter_mut().filter(|_| is_page) {
                row.metadata.remove(LineRange::FIRST);
                row.metadata.remove(LineRange::LAST);
            }
            return Ok(rows);
        }
        if is_page {
            return Ok(vec![row]);
        }
        let text = row.document.as_deref().unwrap_or_default();
        LineCounter::of(text).range(&(0..text.len())).describe(&mut row.metadata)?;
        Ok(vec![row])
    }
}
