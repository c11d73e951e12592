//! What a verb works with: the file's path and patience, the streams, the models.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use clap::ArgMatches;
use huedb::embed::{
    DeferredEmbedder, Embedder, LoadOptions, ModelCache, Runtime, RuntimeKind, load, of_collection, runtime,
};
use huedb::error::{Error, Result};
use huedb::input::Stdin;
use huedb::record::{CollectionInfo, Fingerprint, Scope};
use huedb::store::{Access, Options, Store, View, is_encrypted};

use crate::cli::arguments::global::{GlobalArgs, NewFileArgs};
use crate::cli::configuration::defaults::Defaults;
use crate::cli::context::key::{KeyRing, KnownKeys};
use crate::cli::context::timing::{StageTimes, TimedEmbedder};
use crate::output::{
    BinaryFormat, Measured, OutputFormat, Printer, ProgressDisplay, ProgressKind, Properties, RecordColumns, Sink,
    Style, TerminalGuard, write_statistics,
};

/// A command that lengthened the file by less leaves its free space to later writes.
const TIDY_FROM_BYTES: u64 = 16 << 20;
/// A delete that did so by less.
const TIDY_DELETE_FROM_BYTES: u64 = 4 << 20;

/// What the commands of a series share.
#[derive(Clone, Default)]
pub(crate) struct SeriesCache {
    models: ModelCache,
    keys: KnownKeys,
}

/// The surroundings of one command.
pub(crate) struct Context<'c, 'w> {
    pub(crate) db: PathBuf,
    pub(crate) printer: &'c mut Printer<'w>,
    pub(crate) models: LoadOptions,
    pub(crate) keys: KeyRing,
    pub(crate) timing: StageTimes,
    /// Whether the standard error is one, where somebody can be asked.
    pub(crate) is_terminal: bool,
    /// Whether a table wraps what would be cut.
    pub(crate) full: bool,
    /// The defaults of the global flags, and what was given on the command line.
    pub(crate) invocation: (&'c Defaults, &'c ArgMatches),
    /// Whether ids end with NUL, those that are read too.
    pub(crate) null_terminated: bool,
    options: Options,
    format: Option<OutputFormat>,
    binary: Option<BinaryFormat>,
    out: TerminalGuard<'c>,
}

impl<'c, 'w> Context<'c, 'w> {
    pub(crate) fn new(
        global: &GlobalArgs,
        invocation: (&'c Defaults, &'c ArgMatches),
        is_terminal: bool,
        printer: &'c mut Printer<'w>,
        out: TerminalGuard<'c>,
        kept: Option<&SeriesCache>,
    ) -> Result<Self> {
        let scope = Scope { tenant: global.tenant.clone(), database: global.database.clone() };
        let options = Options { busy_timeout: global.busy_timeout, scope, ..Options::default() };
        Ok(Self {
            db: global.db.clone(),
            printer,
            models: LoadOptions {
                loaded: kept.map(|kept| kept.models.clone()).unwrap_or_default(),
                ..LoadOptions::from_env()?
            },
            keys: KeyRing::new(global.key_source(is_terminal), kept.map(|kept| kept.keys.clone()).unwrap_or_default()),
            timing: StageTimes::begin(),
            is_terminal,
            full: false,
            invocation,
            null_terminated: global.null,
            options,
            format: global.format(),
            binary: global.binary(),
            out,
        })
    }

    /// Opens the file with the memory that suits what it is opened for.
    pub(crate) fn open(&self, access: Access) -> Result<Store> {
        let cache_bytes = match access {
            Access::Read => Options::READ_CACHE_BYTES,
            Access::Write | Access::Create => Options::WRITE_CACHE_BYTES,
        };
        self.open_with(access, cache_bytes)
    }

    fn open_with(&self, access: Access, cache_bytes: usize) -> Result<Store> {
        let open = |options: &Options| {
            // A command asks once.
            let options = Options { cache_bytes, warm_bytes: 0, ..options.clone() };
            self.timing.of("open", || Store::open_with(&self.db, access, &options))
        };
        self.with_key(open)
    }

    /// Does what may need a key: gets one when it does.
    pub(crate) fn with_key<T>(&self, work: impl Fn(&Options) -> Result<T>) -> Result<T> {
        match work(&self.options) {
            Err(Error::KeyNeeded { path }) => {
                let with = |key| work(&Options { key: Some(key), ..self.options.clone() });
                let (key, is_fresh) = self.keys.of(&path)?;
                let done = with(key);
                let Err(Error::WrongKey { .. }) = &done else { return done };
                self.keys.forget(&path);
                // An earlier command got it, and it may have been changed since.
                if is_fresh { done } else { with(self.keys.of(&path)?.0) }
            }
            done => done,
        }
    }

    /// Returns how a file is opened, with its key where it is encrypted: for work that opens it more than once.
    pub(crate) fn options_of(&self, path: &Path) -> Result<Options> {
        if !is_encrypted(path) {
            return Ok(self.options.clone());
        }
        let open = |options: &Options| Store::open_with(path, Access::Read, options);
        // Whatever else is wrong with it, the key is right.
        if let Err(error @ (Error::KeyNeeded { .. } | Error::WrongKey { .. })) = self.with_key(open) {
            return Err(error);
        }
        Ok(Options { key: Some(self.keys.of(path)?.0), ..self.options.clone() })
    }

    /// Takes in how a file is made, should one be; asks for its key.
    pub(crate) fn prepare(&mut self, new: NewFileArgs) -> Result<()> {
        let is_new = self.db.metadata().map_or(true, |facts| facts.is_file() && facts.len() == 0);
        if new.encrypt && is_new {
            self.options.key = Some(self.keys.new_of(&self.db)?);
        }
        self.options.encrypt = new.encrypt;
        Ok(())
    }

    /// Opens the file for writing, and makes it when there is none.
    pub(crate) fn open_or_make(&mut self) -> Result<Store> {
        self.or_make(Options::WRITE_CACHE_BYTES)
    }

    fn or_make(&mut self, cache_bytes: usize) -> Result<Store> {
        let is_new = !self.db.exists();
        let store = self.open_with(Access::Create, cache_bytes)?;
        if is_new && !self.options.encrypt {
            self.warn_of_plain(&self.db.clone());
        }
        Ok(store)
    }

    /// Says of a plain file that was made that it is plain, where somebody gave a key.
    pub(crate) fn warn_of_plain(&mut self, made: &Path) {
        if self.keys.are_given() {
            let made = made.display();
            self.printer.warning(format!("{made} is plain although a key was given; `huedb encrypt` encrypts it"));
        }
    }

    /// Works on this file instead of that of --db.
    pub(crate) fn use_file(&mut self, file: Option<PathBuf>) -> Result<()> {
        if let Some(file) = file {
            self.db = file;
        }
        if self.db.exists() { Ok(()) } else { Err(Error::FileNotFound { path: self.db.clone() }) }
    }

    /// Returns how files are opened, without a key.
    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    /// Returns the tenant and database that names are looked up in.
    pub(crate) fn scope(&self) -> &Scope {
        &self.options.scope
    }

    /// Looks at a collection before the file is opened for writing: what is refused here has not touched a byte.
    pub(crate) fn look(&self, collection: &str) -> Result<View> {
        self.open(Access::Read)?.view(collection)
    }

    /// Opens the file for writing a lot.
    pub(crate) fn open_for_bulk(&self, access: Access) -> Result<Store> {
        self.open_with(access, Options::BULK_CACHE_BYTES)
    }

    /// Opens the file for an import of so many bytes.
    pub(crate) fn open_for_import(&mut self, access: Access, input_bytes: Option<u64>) -> Result<Store> {
        let file_bytes = std::fs::metadata(&self.db).map_or(0, |facts| facts.len());
        let cache_bytes = Options::import_cache_bytes(file_bytes, input_bytes);
        if access == Access::Create { self.or_make(cache_bytes) } else { self.open_with(access, cache_bytes) }
    }

    /// Gives back the space that a command left free, where it lengthened the file by a `share`th or more.
    pub(crate) fn tidy(&mut self, store: &mut Store, bytes_before: u64, share: u64) {
        self.tidy_from(TIDY_FROM_BYTES, store, bytes_before, share);
    }

    /// Does the same after a delete: redb writes what stays anew, and doubles the file when it wants a page more.
    pub(crate) fn tidy_after_delete(&mut self, store: &mut Store, bytes_before: u64) {
        self.tidy_from(TIDY_DELETE_FROM_BYTES, store, bytes_before, 11);
    }

    fn tidy_from(&mut self, least: u64, store: &mut Store, bytes_before: u64, share: u64) {
        let given_back = store.file_bytes().and_then(|bytes| {
            let grown = bytes.saturating_sub(bytes_before);
            if grown >= least && grown >= bytes / share { store.give_back_space() } else { Ok(false) }
        });
        // What was to be written is written in any case.
        if let Err(error) = given_back {
            self.printer.warning(format!("free space was not given back: {error}"));
        }
    }

    /// Loads the model of a collection, or the one asked for, once it is sure that they are the same.
    pub(crate) fn embedder(&mut self, collection: &CollectionInfo, asked: Option<&str>) -> Result<Arc<dyn Embedder>> {
        let embedder = self.deferred_embedder(collection, asked)?;
        embedder.load()?;
        self.warn_of_engines(&embedder.fingerprint().model)?;
        self.tell_model(embedder.fingerprint());
        self.warn_of_mix(collection, embedder.fingerprint());
        Ok(Arc::new(embedder))
    }

    /// Says when an embedder's embeddings differ from those a collection has.
    pub(crate) fn warn_of_mix(&mut self, collection: &CollectionInfo, embedder: &Fingerprint) {
        if let Some(mix) = collection.embedder.as_ref().and_then(|stored| stored.mix_with(embedder)) {
            self.printer.warning(format!("{}: {mix}; HUEDB_RUNTIME chooses the engine", collection.name));
        }
    }

    /// Does the same, but leaves the loading to the first text.
    pub(crate) fn deferred_embedder(&self, collection: &CollectionInfo, asked: Option<&str>) -> Result<TimedEmbedder> {
        Ok(self.timed(of_collection(collection, asked, &self.models)?))
    }

    pub(crate) fn timed(&self, embedder: DeferredEmbedder) -> TimedEmbedder {
        TimedEmbedder { embedder, timing: self.timing.clone() }
    }

    /// Says which model embeds and what runs it, to who wants to know.
    fn tell_model(&mut self, model: &Fingerprint) {
        self.printer.detail(format!(
            "model {}: {} dimensions, at most {} tokens of a text",
            model.model, model.dimension, model.max_tokens
        ));
        if !model.model.starts_with("hash")
            && self.printer.tells_details()
            && let Ok(runtime) = runtime(&self.models)
        {
            let path = runtime.path.as_ref().map(|path| format!(" from {}", path.display())).unwrap_or_default();
            self.printer.detail(format!("engine {} {}{path}", runtime.kind, runtime.version));
        }
    }

    /// Begins to load the engine on another thread, since the file says only later which model it is to run.
    pub(crate) fn load_runtime_meanwhile(&self) -> RuntimeLoading {
        let models = self.models.clone();
        // Its error is met again, and told, when the model is loaded.
        RuntimeLoading(Some(std::thread::spawn(move || drop(runtime(&models)))))
    }

    /// Loads a model and says which engines were passed over.
    pub(crate) fn load_model(&mut self, name: &str) -> Result<Arc<dyn Embedder>> {
        let embedder = self.timing.of("load model", || load(name, &self.models))?;
        self.warn_of_engines(name)?;
        self.tell_model(embedder.fingerprint());
        Ok(embedder)
    }

    fn warn_of_engines(&mut self, model: &str) -> Result<()> {
        // A model that needs no engine must not load one.
        if !model.starts_with("hash") {
            self.warn_of_skipped(&runtime(&self.models)?);
        }
        Ok(())
    }

    /// Says which engines were passed over, that tract is the slower one, and when a collection's embeddings are of another
    /// engine.
    pub(crate) fn say_engine(&mut self, collection: Option<&CollectionInfo>) {
        let stored = collection.and_then(|collection| collection.embedder.as_ref());
        if let Some(model) = stored {
            self.tell_model(model);
        }
        if let Ok(runtime) = runtime(&self.models) {
            self.warn_of_skipped(&runtime);
            if let (Some(collection), Some(model)) = (collection, stored) {
                let now = Fingerprint { made_by: Some([runtime.kind.arithmetic()].into()), ..model.clone() };
                self.warn_of_mix(collection, &now);
            }
            if runtime.kind == RuntimeKind::Tract {
                self.printer.notice("embedding with tract; `huedb setup` installs ONNX Runtime, which is faster");
            }
        }
    }

    pub(crate) fn warn_of_skipped(&mut self, runtime: &Runtime) {
        for skipped in &runtime.skipped {
            self.printer.warning(format!("{} was passed over: {}", skipped.path.display(), skipped.why));
        }
    }

    /// Returns the format the user asked for, for verbs whose own default is not the printer's.
    pub(crate) fn chosen_format(&self) -> Option<OutputFormat> {
        self.format
    }

    /// Returns the format the user asked for, where it is one of `export` alone.
    pub(crate) fn chosen_binary(&self) -> Option<BinaryFormat> {
        self.binary
    }

    /// Begins a list of records on the standard output.
    pub(crate) fn sink(&mut self, columns: RecordColumns) -> Result<Box<dyn Sink + '_>> {
        self.sink_in(self.printer.format(), columns)
    }

    /// Begins a list in a format of the verb's own choice, unless the user chose one.
    pub(crate) fn sink_in(&mut self, format: OutputFormat, columns: RecordColumns) -> Result<Box<dyn Sink + '_>> {
        self.out.set_format(format);
        let style = Style { full: self.full, ..self.printer.style() };
        crate::output::open(format, columns, style, &mut self.out)
    }

    /// Writes facts about one thing to the standard output.
    pub(crate) fn facts(&mut self, facts: &Properties) -> Result<()> {
        self.out.set_format(self.printer.format());
        self.printer.facts(facts, &mut self.out)
    }

    /// Writes a list of things to the standard output.
    pub(crate) fn list(&mut self, things: &[Properties]) -> Result<()> {
        self.out.set_format(self.printer.format());
        self.printer.list(things, &mut self.out)
    }

    /// Writes what was measured of a collection to the standard output.
    pub(crate) fn statistics(&mut self, measured: &Measured, ascii: bool) -> Result<()> {
        let format = self.printer.format();
        self.out.set_format(format);
        write_statistics(format, measured, ascii, self.printer.style(), &mut self.out)
    }

    /// Returns whether the standard output is a terminal.
    pub(crate) fn stdout_is_terminal(&self) -> bool {
        self.out.is_terminal()
    }

    /// Does a stage whose size is not known, shows that it goes on, and counts its time.
    pub(crate) fn stage<T>(&self, action: &'static str, work: impl FnOnce() -> T) -> T {
        let _shown = self.printer.progress(action, ProgressKind::Time, None);
        self.timing.of(action, work)
    }

    /// Begins a bar on the standard error while records are written, unless it would stand in the middle of them.
    pub(crate) fn output_progress(
        &self,
        action: &'static str,
        records: Option<u64>,
        to_stdout: bool,
    ) -> Option<ProgressDisplay> {
        let shown = !(to_stdout && self.stdout_is_terminal());
        shown.then(|| self.printer.progress(action, ProgressKind::Rows, records))
    }

    /// Returns the standard output, to write JSON to.
    pub(crate) fn out(&mut self) -> &mut TerminalGuard<'c> {
        self.out_in(OutputFormat::Jsonl)
    }

    /// Returns the standard output, to write in a format to.
    pub(crate) fn out_in(&mut self, format: OutputFormat) -> &mut TerminalGuard<'c> {
        self.out.set_format(format);
        &mut self.out
    }

    /// Writes JSON, or text of this program's own, to the standard output.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.out().write_all(bytes).map_err(|e| Error::io("write the output", e))
    }

    /// Names the file in an error that is about one and does not say which.
    pub(crate) fn naming_its_file(&self, error: Error) -> Error {
        error.at(&self.db, self.options.busy_timeout)
    }

    /// Hands over what is still buffered; the last thing a command does.
    pub(crate) fn finish(&mut self) -> Result<()> {
        self.out.flush().map_err(|e| Error::io("write the output", e))
    }
}

/// A load of the engine on another thread; waited for when dropped, since a process that ends meanwhile crashes.
#[must_use]
pub(crate) struct RuntimeLoading(Option<JoinHandle<()>>);

impl Drop for RuntimeLoading {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            let _ = thread.join();
        }
    }
}

/// Reads the standard input as one text, without the line end a shell puts after it.
pub(crate) fn read_stdin() -> Result<String> {
    let mut text = String::new();
    Stdin.read_to_string(&mut text).map_err(unread_stdin)?;
    let end = text.strip_suffix('\n').map_or(text.len(), |line| line.strip_suffix('\r').unwrap_or(line).len());
    text.truncate(end);
    Ok(text)
}

/// Reads the standard input line by line.
pub(crate) fn stdin_lines() -> impl Iterator<Item = Result<String>> {
    BufReader::new(Stdin).lines().map(|line| line.map_err(unread_stdin))
}

fn unread_stdin(error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::InvalidData => {
            Error::BadInput { source: "-".into(), why: "it is not UTF-8 text".into(), hint: None }
        }
        _ => Error::io("read the standard input", error),
    }
}
