//! `huedb exec`, and running one command after another in this process.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};

use clap::{ArgMatches, Args, ValueHint};

use super::context::Kept;
use super::defaults::Defaults;
use super::exit::INPUT;
use super::global::Global;
use super::interrupt::{Interrupt, UntilInterrupted};
use super::run_one;
use super::script::{Statement, Statements, Unfinished, empty_stdin, with_stdin};
use crate::error::{Error, Result};
use crate::input::Stdin;
use crate::output::{Printer, Stream};

/// Run the commands of a script, one a line
///
/// A line is what is typed after `huedb`, with the quotes, backslashes and # comments of a shell; nothing is expanded, and
/// there are no pipes. A line that ends with \ goes on in the next, and so does an open quote. A command that reads standard
/// input is given it by <<END and the lines up to END; in a script from standard input the others find it empty.
///
/// A model is loaded once for all commands, and the global flags given here hold for every line. Each command is a
/// transaction of its own, not the script: what was done before a failure stays done. The first failure ends the script,
/// with its line and its exit code; finding nothing is none.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb exec build.huedb
  printf '%s\\n' 'create notes --get-or-create' 'add notes --id a --document fox' | huedb exec -
  huedb --db other.redb exec build.huedb --keep-going")]
pub(super) struct Exec {
    /// The script; `-` for standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    script: String,

    /// Go on after a command that failed; the exit code is that of the first
    #[arg(long)]
    keep_going: bool,
}

/// Commands that are run one after another, with what they share.
pub(super) struct Series<'s> {
    global: &'s Global,
    defaults: Defaults,
    stdout: &'s mut dyn Write,
    stderr: &'s mut dyn Write,
    streams: (Stream, Stream),
    kept: Kept,
}

impl<'s> Series<'s> {
    /// Begins a series whose commands start from what was given to this one.
    pub(super) fn new(
        global: &'s Global,
        given: (&Defaults, &ArgMatches),
        (stdout, stderr): (&'s mut dyn Write, &'s mut dyn Write),
        streams: (Stream, Stream),
    ) -> Self {
        Self { global, defaults: inherited(given), stdout, stderr, streams, kept: Kept::default() }
    }

    /// Runs one command; returns its exit code.
    pub(super) fn run(&mut self, statement: Statement) -> Result<u8> {
        let words = std::iter::once("huedb".to_owned()).chain(statement.words).map(Into::into);
        let mut stdout = UntilInterrupted(&mut *self.stdout);
        let stdin = statement.stdin;
        let around = (&mut stdout as &mut dyn Write, &mut *self.stderr as &mut dyn Write);
        with_stdin(stdin.as_deref(), || run_one(&mut self.defaults, words, around, self.streams, Some(&self.kept)))
    }

    /// Says something on the standard error.
    pub(super) fn say(&mut self, words: impl FnOnce(&mut Printer)) {
        words(&mut self.global.printer(&mut *self.stderr, self.streams));
    }
}

/// Returns the defaults of commands that start from what was given to one.
pub(super) fn inherited((defaults, matches): (&Defaults, &ArgMatches)) -> Defaults {
    defaults.inherited(super::command(), matches)
}

impl Exec {
    /// The script on the standard input.
    pub(super) fn of_stdin() -> Self {
        Self { script: "-".into(), keep_going: false }
    }

    /// Returns the exit code of the first command that failed.
    pub(super) fn run(self, series: &mut Series) -> Result<u8> {
        let text = self.text()?;
        if self.script == "-" {
            empty_stdin()?;
        }
        let interrupt = Interrupt::listen();
        let mut first = 0;
        for statement in Statements::of(&text) {
            let statement = statement.map_err(|Unfinished { line, why }| self.bad(line, why))?;
            if statement.words.is_empty() {
                continue;
            }
            let line = statement.line;
            let code = if is_series(&statement) {
                let own = statement.words.first().cloned().unwrap_or_default();
                series.say(|printer| printer.error(format!("{own} cannot stand in a script"), None));
                INPUT
            } else {
                series.run(statement)?
            };
            interrupt.check()?;
            if code <= 1 {
                continue;
            }
            let place = format!("{}:{line}: exit code {code}", self.script);
            if first == 0 {
                first = code;
            }
            if !self.keep_going {
                series.say(|printer| printer.error(place, None));
                break;
            }
            series.say(|printer| printer.warning(place));
        }
        Ok(first)
    }

    fn text(&self) -> Result<String> {
        let mut bytes = Vec::new();
        let read = match self.script.as_str() {
            "-" => Stdin.read_to_end(&mut bytes),
            path => File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)),
        };
        if let Err(e) = read {
            return Err(match e.kind() {
                ErrorKind::NotFound => self.bad_script("no such file"),
                ErrorKind::IsADirectory => self.bad_script("it is a folder, not a script"),
                _ => Error::io(format!("read {}", self.script), e),
            });
        }
        String::from_utf8(bytes).map_err(|_| self.bad_script("it is not UTF-8 text"))
    }

    fn bad_script(&self, why: &str) -> Error {
        Error::BadInput { source: self.script.clone(), why: why.into(), hint: None }
    }

    fn bad(&self, line: u64, why: String) -> Error {
        Error::BadRow { source: self.script.clone(), line, why }
    }
}

/// Whether a command is one that runs commands: a script that runs itself would have no end.
pub(super) fn is_series(statement: &Statement) -> bool {
    statement.words.first().is_some_and(|word| word == "exec" || word == "shell")
}
