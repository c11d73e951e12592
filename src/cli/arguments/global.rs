//! What every verb understands: the file, the output, colour, quiet, patience.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, ValueHint};
use huedb::error::Error;
use huedb::record::Scope;

use crate::cli::context::key::KeySource;
use crate::cli::context::token::TokenSource;
use crate::output::{
    BinaryFormat, ColorChoice, ColorEnvironment, MessageFormat, OutputFormat, Printer, PrinterSettings, Stream,
};

/// Where results go.
#[derive(Debug, Clone)]
pub(crate) enum OutputChoice {
    /// To the standard output, in this format.
    Format(OutputFormat),
    /// To a file or pipe, in a format of `export` alone.
    Binary(BinaryFormat),
}

impl OutputChoice {
    fn names() -> impl Iterator<Item = &'static str> {
        OutputFormat::ALL.map(OutputFormat::as_str).into_iter().chain(BinaryFormat::ALL.map(BinaryFormat::as_str))
    }

    fn named(name: &str) -> Result<Self, Error> {
        match BinaryFormat::named(name) {
            Some(format) => Ok(Self::Binary(format)),
            None => name.parse().map(Self::Format),
        }
    }
}

/// How a file is made, by the verbs that make one.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct NewFileArgs {
    /// Encrypt the file if it is created; the key is given by --key-file or --key-command, or typed
    #[arg(long)]
    pub(crate) encrypt: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct GlobalArgs {
    /// Database: a file, or the address of a server
    #[arg(long, short, global = true, env = "HUEDB_FILE", value_name = "PLACE", default_value = "huedb.redb")]
    #[arg(value_hint = ValueHint::FilePath, hide_env_values = true)]
    pub(crate) db: PathBuf,

    /// Tenant
    #[arg(long, global = true, env = "HUEDB_TENANT", value_name = "NAME", default_value = Scope::DEFAULT_TENANT)]
    #[arg(hide_env_values = true)]
    pub(crate) tenant: String,

    /// Database of the tenant
    #[arg(long, global = true, env = "HUEDB_DATABASE", value_name = "NAME", default_value = Scope::DEFAULT_DATABASE)]
    #[arg(hide_env_values = true)]
    pub(crate) database: String,

    /// File containing the key of an encrypted database
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    key_file: Option<PathBuf>,

    /// Command that prints the key of an encrypted database
    #[arg(long, global = true, value_name = "COMMAND", value_hint = ValueHint::CommandString)]
    key_command: Option<String>,

    /// File that holds the token for a server
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    token_file: Option<PathBuf>,

    /// Command that prints the token for a server; run without a shell
    #[arg(long, global = true, value_name = "COMMAND", value_hint = ValueHint::CommandString)]
    token_command: Option<String>,

    /// Authorities that a server's certificate may be from, PEM, in place of the usual ones
    #[arg(long, alias = "ca", global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    ca_file: Option<PathBuf>,

    /// Output format [default: on a terminal table, for hits snippets; jsonl otherwise]
    #[arg(long, short, global = true, value_name = "FORMAT")]
    #[arg(value_parser = PossibleValuesParser::new(OutputChoice::names()).try_map(|name| OutputChoice::named(&name)))]
    output: Option<OutputChoice>,

    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    #[arg(value_enum)]
    color: ColorChoice,

    /// Only print warnings and errors
    #[arg(long, short, global = true)]
    quiet: bool,

    /// Print details: the file, the model and its engine, the query plan, each batch
    #[arg(long, short, global = true)]
    verbose: bool,

    /// Print the time of each stage to standard error
    #[arg(long, global = true)]
    pub(crate) timing: bool,

    /// Format of errors, warnings and notices on standard error: text, or one JSON object per line
    #[arg(long, global = true, env = "HUEDB_ERROR_FORMAT", value_name = "FORMAT", default_value = "text")]
    #[arg(value_enum, hide_env_values = true)]
    pub(crate) error_format: MessageFormat,

    /// End ids with NUL instead of a newline: those printed with -o ids, and those in files of ids
    #[arg(long, short = '0', global = true)]
    pub(crate) null: bool,

    /// Seconds to wait while another process holds the file
    #[arg(long, global = true, env = "HUEDB_BUSY_TIMEOUT", value_name = "SECONDS", default_value = "5")]
    #[arg(value_parser = seconds, hide_env_values = true)]
    pub(crate) busy_timeout: Duration,
}

impl GlobalArgs {
    /// Of a file and a command that give the same secret leaves the one that goes before the other, as a flag before the
    /// environment.
    ///
    /// clap's own conflict would refuse a flag because of a variable.
    ///
    /// # Errors
    /// When both are flags.
    pub(crate) fn settle(&mut self, matches: &ArgMatches) -> Result<(), &'static str> {
        let source = |id: &str| matches.value_source(id);
        let both = "the argument '--key-command <COMMAND>' cannot be used with '--key-file <FILE>'";
        let sources = (source("key_file"), source("key_command"));
        leave_one((&mut self.key_file, &mut self.key_command), sources).ok_or(both)?;
        let both = "the argument '--token-command <COMMAND>' cannot be used with '--token-file <FILE>'";
        let sources = (source("token_file"), source("token_command"));
        leave_one((&mut self.token_file, &mut self.token_command), sources).ok_or(both)
    }

    /// Decides where the token for a server comes from.
    pub(crate) fn token_source(&self) -> TokenSource {
        TokenSource::new(self.token_file.clone(), self.token_command.clone(), self.ca_file.clone())
    }

    /// Decides where keys come from.
    pub(crate) fn key_source(&self, is_terminal: bool) -> KeySource {
        KeySource::given(self.key_file.clone(), self.key_command.clone(), is_terminal)
    }

    /// Returns the format asked for.
    pub(crate) fn format(&self) -> Option<OutputFormat> {
        match self.output {
            Some(OutputChoice::Format(format)) => Some(format),
            Some(OutputChoice::Binary(_)) | None => None,
        }
    }

    /// Returns the format asked for, where it is one of `export` alone.
    pub(crate) fn binary(&self) -> Option<BinaryFormat> {
        match self.output {
            Some(OutputChoice::Binary(format)) => Some(format),
            Some(OutputChoice::Format(_)) | None => None,
        }
    }

    /// Decides how to print.
    pub(crate) fn printer<'w>(&self, stderr: &'w mut (dyn Write + 'w), streams: (Stream, Stream)) -> Printer<'w> {
        let settings = PrinterSettings {
            format: self.format(),
            color: self.color,
            color_environment: ColorEnvironment::read(|name| std::env::var(name).ok()),
            quiet: self.quiet,
            verbose: self.verbose,
            talk: self.error_format,
            null_terminated: self.null,
            stdout: streams.0,
            stderr: streams.1,
        };
        Printer::new(&settings, stderr)
    }
}

/// Leaves what goes before the other; `None` when both are flags.
fn leave_one(
    (file, command): (&mut Option<PathBuf>, &mut Option<String>),
    (file_source, command_source): (Option<ValueSource>, Option<ValueSource>),
) -> Option<()> {
    if file.is_none() || command.is_none() {
        return Some(());
    }
    if file_source == Some(ValueSource::CommandLine) && command_source == file_source {
        return None;
    }
    if command_source > file_source {
        *file = None;
    } else {
        *command = None;
    }
    Some(())
}

pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("{text:?} is not a number of seconds"))?;
    Duration::try_from_secs_f64(seconds).map_err(|_| format!("{text:?} is not a number of seconds, 0 or more"))
}
