//! What a verb works with: the file's path and patience, the streams, the models.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use clap::ArgMatches;
use huedb::embed::{LoadOptions, ModelCache};
use huedb::error::{Error, Result};
use huedb::input::Stdin;
use huedb::record::Scope;
use huedb::store::Options;

use crate::cli::arguments::global::GlobalArgs;
use crate::cli::configuration::defaults::Defaults;
use crate::cli::context::key::{KeyRing, KnownKeys};
use crate::cli::context::long_questions::LongQuestions;
use crate::cli::context::timing::StageTimes;
use crate::cli::context::token::TokenSource;
use crate::output::{BinaryFormat, OutputFormat, Printer, TerminalGuard};

/// What the commands of a series share.
#[derive(Clone, Default)]
pub(crate) struct SeriesCache {
    models: ModelCache,
    keys: KnownKeys,
}

/// The surroundings of one command.
#[expect(clippy::struct_excessive_bools, reason = "each is known by itself")]
pub(crate) struct Context<'c, 'w> {
    pub(crate) db: PathBuf,
    pub(crate) printer: &'c mut Printer<'w>,
    pub(crate) models: LoadOptions,
    pub(crate) keys: KeyRing,
    /// Who asks, where the place is a server.
    pub(crate) token: TokenSource,
    pub(crate) stdin: Stdin,
    pub(crate) timing: StageTimes,
    pub(super) long_questions: Arc<LongQuestions>,
    /// Whether the standard error is one, where somebody can be asked.
    pub(crate) is_terminal: bool,
    /// Whether a table wraps what would be cut.
    pub(crate) full: bool,
    /// Whether people are shown what metadata says of how a document was cut or synced.
    pub(crate) bookkeeping: bool,
    /// The defaults of the global flags, and what was given on the command line.
    pub(crate) invocation: (&'c Defaults, &'c ArgMatches),
    /// Whether ids end with NUL, those that are read too.
    pub(crate) null_terminated: bool,
    pub(super) options: Options,
    pub(super) format: Option<OutputFormat>,
    pub(super) binary: Option<BinaryFormat>,
    pub(super) out: TerminalGuard<'c>,
}

impl<'c, 'w> Context<'c, 'w> {
    pub(crate) fn new(
        global: &GlobalArgs,
        invocation: (&'c Defaults, &'c ArgMatches),
        is_terminal: bool,
        printer: &'c mut Printer<'w>,
        (stdin, out): (Stdin, TerminalGuard<'c>),
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
            token: global.token_source(),
            stdin,
            timing: StageTimes::begin(),
            long_questions: Arc::default(),
            is_terminal,
            full: false,
            bookkeeping: false,
            invocation,
            null_terminated: global.null,
            options,
            format: global.format(),
            binary: global.binary(),
            out,
        })
    }

    /// Names the file in an error that is about one and does not say which.
    pub(crate) fn naming_its_file(&self, error: Error) -> Error {
        if self.place().path().is_some() { error.at(&self.db, self.options.busy_timeout) } else { error }
    }

    /// Hands over what is still buffered; the last thing a command does.
    pub(crate) fn finish(&mut self) -> Result<()> {
        self.out.flush().map_err(|e| Error::io("write the output", e))
    }
}
