//! One command after another in this process, with the models and keys that they share.

use std::ffi::OsString;
use std::io::Write;

use clap::ArgMatches;
use huedb::input::Stdin;

use super::statement::Statement;
use crate::cli::arguments::global::GlobalArgs;
use crate::cli::configuration::defaults::Defaults;
use crate::cli::context::command::SeriesCache;
use crate::cli::process::interrupt::UntilInterrupted;
use crate::output::{Printer, Stream};

/// Commands that are run one after another, with what they share.
pub(crate) struct Series<'s> {
    global: &'s GlobalArgs,
    defaults: Defaults,
    /// What a command finds that brings no text of its own.
    pub(crate) stdin: Stdin,
    stdout: &'s mut dyn Write,
    stderr: &'s mut dyn Write,
    streams: (Stream, Stream),
    kept: SeriesCache,
    run_one: RunOne,
}

/// Runs one command, as `cli::run` does.
pub(crate) type RunOne = fn(&mut Defaults, &[OsString], Streams, (Stream, Stream), Option<&SeriesCache>) -> u8;

/// The standard input, the standard output and the standard error of a command.
pub(crate) type Streams<'s> = (Stdin, &'s mut dyn Write, &'s mut dyn Write);

impl<'s> Series<'s> {
    /// Begins a series whose commands start from what was given to this one.
    pub(crate) fn new(
        global: &'s GlobalArgs,
        (defaults, matches): (&Defaults, &ArgMatches),
        (stdin, stdout, stderr): Streams<'s>,
        streams: (Stream, Stream),
        run_one: RunOne,
    ) -> Self {
        Self {
            global,
            defaults: defaults.inherited(matches),
            stdin,
            stdout,
            stderr,
            streams,
            kept: SeriesCache::default(),
            run_one,
        }
    }

    /// Runs one command; returns its exit code.
    pub(crate) fn run(&mut self, statement: Statement) -> u8 {
        let words: Vec<OsString> = std::iter::once("huedb".to_owned()).chain(statement.words).map(Into::into).collect();
        let mut stdout = UntilInterrupted(&mut *self.stdout);
        let stdin = statement.stdin.map_or_else(|| self.stdin.clone(), Stdin::holding);
        let around = (stdin, &mut stdout as &mut dyn Write, &mut *self.stderr as &mut dyn Write);
        (self.run_one)(&mut self.defaults, &words, around, self.streams, Some(&self.kept))
    }

    /// Says something on the standard error.
    pub(crate) fn say(&mut self, words: impl FnOnce(&mut Printer)) {
        words(&mut self.global.printer(&mut *self.stderr, self.streams));
    }
}

/// Whether a command is one that runs commands: a script that runs itself would have no end.
pub(crate) fn is_series(statement: &Statement) -> bool {
    statement.words.first().is_some_and(|word| word == "exec" || word == "shell")
}
