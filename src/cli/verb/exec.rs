//! `huedb exec`.

use std::fs::File;
use std::io::{ErrorKind, Read};

use clap::{Args, ValueHint};
use huedb::error::{Error, Result};
use huedb::input::Stdin;

use crate::cli::process::exit::INPUT;
use crate::cli::process::interrupt::Interrupt;
use crate::cli::script::series::{Series, is_series};
use crate::cli::script::statement::{Statements, Unfinished};

/// Run the commands in a script, one per line
///
/// Each line is what you would type after `huedb`, with the quotes, backslashes and # comments of a shell; nothing is
/// expanded, and there are no pipes. A line that ends with \ continues on the next, and so does an open quote. A command
/// that reads standard input gets it from <<END and the lines up to END; in a script read from standard input, other
/// commands find it empty.
///
/// A model is loaded once for all commands, and the global flags given here apply to every line. Each command is a
/// transaction of its own, the script is not: what was done before a failure stays done. The script stops at the first
/// failure, with its line and exit code; finding nothing is not a failure.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb exec build.huedb
  printf '%s\\n' 'create notes --get-or-create' 'add notes --id a --document fox' | huedb exec -
  huedb --db other.redb exec build.huedb --keep-going")]
pub(crate) struct ExecArgs {
    /// Script file; `-` for standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    script: String,

    /// Continue after a failed command; the exit code is that of the first failure
    #[arg(long)]
    keep_going: bool,
}

impl ExecArgs {
    /// The script on the standard input.
    pub(crate) fn of_stdin() -> Self {
        Self { script: "-".into(), keep_going: false }
    }

    /// Returns the exit code of the first command that failed.
    pub(crate) fn run(self, series: &mut Series) -> Result<u8> {
        let text = self.text(&series.stdin)?;
        if self.script == "-" {
            series.stdin = Stdin::holding("");
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
                series.say(|printer| printer.error(format!("{own} cannot be used in a script"), None));
                INPUT
            } else {
                series.run(statement)
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

    fn text(&self, stdin: &Stdin) -> Result<String> {
        let mut bytes = Vec::new();
        let read = match self.script.as_str() {
            "-" => stdin.clone().read_to_end(&mut bytes),
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
        Error::bad_row(&self.script, line, why)
    }
}
