//! `huedb shell`: one command after another, typed.
//!
//! The line is rustyline's; commands and completion are those of scripts and of the other shells. Invariant: whatever a
//! command does, the shell is there afterwards.

use std::fs::DirBuilder;
use std::io::{self, IsTerminal};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use clap::{ArgMatches, Args};
use etcetera::BaseStrategy;
use huedb::backend::Place;
use huedb::error::{Error, Result};
use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Editor, Helper};

use crate::cli::completion::candidates::candidates;
use crate::cli::completion::shell_words::ShellWords;
use crate::cli::configuration::defaults::Defaults;
use crate::cli::process::interrupt::Interrupt;
use crate::cli::script::series::{Series, is_series};
use crate::cli::script::statement::Statements;
use crate::cli::verb::exec::ExecArgs;
use crate::output::sanitize;

/// Run commands interactively, with history and completion
///
/// Each line is what you would type after `huedb`, as in `huedb exec`; Tab completes commands, flags, and the names of
/// collections and metadata keys. A model is loaded once, and the global flags given here apply to every line. Ctrl-C
/// interrupts the command but not the shell; Ctrl-D or `quit` leaves it. History is kept in `huedb/history` in
/// `$XDG_STATE_HOME` or `~/.local/state`; `HUEDB_HISTORY` names another file, or none if it is empty. A line that starts
/// with a space is not recorded. If standard input is not a terminal, it is run as a script, as by `huedb exec -`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb shell
  huedb --db notes.redb -o table shell")]
pub(crate) struct ShellArgs {}

const BANNER: &str = concat!("huedb ", env!("CARGO_PKG_VERSION"), "; `.help` says what can be typed, `quit` leaves");

const HELP: &str = "\
A line is what is typed after huedb: `list`, `query notes \"how do foxes move\" -n 3`.
Tab completes; `help` is an overview, and `help COMMAND` says what a command takes.
.help or ?     this
quit or exit   leave, as does Ctrl-D; Ctrl-C ends a command
";

/// How many lines are kept.
const KEPT_LINES: usize = 5_000;

impl ShellArgs {
    /// Returns the exit code: that of a script, or 0.
    pub(crate) fn run(series: &mut Series, db: &Path, (defaults, matches): (&Defaults, &ArgMatches)) -> Result<u8> {
        if !io::stdin().is_terminal() {
            return ExecArgs::of_stdin().run(series);
        }
        let failed = |e: ReadlineError| Error::io("read the terminal", io::Error::other(e));
        let config = Config::builder().completion_type(CompletionType::List).history_ignore_space(true);
        let config = config.max_history_size(KEPT_LINES).map_err(failed)?.build();
        let mut editor: Editor<ShellHelper, FileHistory> = Editor::with_config(config).map_err(failed)?;
        editor.set_helper(Some(ShellHelper { defaults: defaults.inherited(matches), files: FilenameCompleter::new() }));
        let prompt = format!("{}> ", sanitize(&Place::parse(db).to_string()));
        let history = history_file();
        if let Some(path) = &history {
            // There is none the first time.
            let _ = editor.load_history(path);
        }
        series.say(|printer| printer.notice(BANNER));
        let interrupt = Interrupt::listen_saying("\nstopping; ctrl-C again leaves huedb at once\n");
        loop {
            let line = match editor.readline(&prompt) {
                Ok(line) => line,
                Err(ReadlineError::Interrupted) => continue,
                Err(ReadlineError::Eof) => return Ok(0),
                Err(e) => return Err(failed(e)),
            };
            let _ = editor.add_history_entry(line.as_str());
            if let Some(path) = &history {
                // A history that cannot be written is no reason to stop working.
                let _ = editor.append_history(path);
            }
            match line.trim() {
                ".quit" | ".exit" | "quit" | "exit" => return Ok(0),
                ".help" | "?" => {
                    HELP.lines().for_each(|line| series.say(|printer| printer.notice(line)));
                    continue;
                }
                _ => {}
            }
            for statement in Statements::of(&line).flatten().filter(|statement| !statement.words.is_empty()) {
                interrupt.forget();
                if is_series(&statement) {
                    series.say(|printer| printer.error("exec and shell cannot be run inside the shell", None));
                    continue;
                }
                let code = series.run(statement);
                if interrupt.is_asked() {
                    if code != 130 {
                        series.say(|printer| printer.error("interrupted", None));
                    }
                    break;
                }
            }
        }
    }
}

/// Returns where the history is kept, in a folder that nobody else looks into.
fn history_file() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("HUEDB_HISTORY") {
        return Some(PathBuf::from(named)).filter(|path| !path.as_os_str().is_empty());
    }
    let dirs = etcetera::choose_base_strategy().ok()?;
    let folder = dirs.state_dir().unwrap_or_else(|| dirs.data_dir()).join("huedb");
    DirBuilder::new().recursive(true).mode(0o700).create(&folder).ok()?;
    Some(folder.join("history"))
}

/// What helps while a line is typed.
struct ShellHelper {
    defaults: Defaults,
    files: FilenameCompleter,
}

impl Completer for ShellHelper {
    type Candidate = Pair;

    fn complete(&self, line: &str, at: usize, _: &rustyline::Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let ShellWords { mut before, current } = ShellWords::before_cursor(line.get(..at).unwrap_or_default());
        if before.is_empty() && current.text.starts_with('.') {
            let own = [".help", ".quit"].into_iter().filter(|own| own.starts_with(current.text.as_str()));
            let pair = |own: &str| Pair { display: own.to_owned(), replacement: own.to_owned() };
            return Ok((current.start, own.map(pair).collect()));
        }
        before.push(current.text);
        let found = candidates(&self.defaults, &before);
        if found.words.is_empty() && found.files {
            return self.files.complete_path(line, at);
        }
        let is_alone = found.words.len() == 1;
        let pair = |(value, _): (String, String)| {
            let quoted = shlex::try_quote(&value).map_or_else(|_| value.clone(), std::borrow::Cow::into_owned);
            let goes_on = !is_alone || value.ends_with(['=', '/']);
            Pair { replacement: if goes_on { quoted } else { quoted + " " }, display: value }
        };
        Ok((current.start, found.words.into_iter().map(pair).collect()))
    }
}

impl Validator for ShellHelper {
    fn validate(&self, typed: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let is_unfinished = Statements::of(typed.input()).any(|statement| statement.is_err());
        Ok(if is_unfinished { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}

impl Hinter for ShellHelper {
    type Hint = String;
}

impl Highlighter for ShellHelper {}

impl Helper for ShellHelper {}
