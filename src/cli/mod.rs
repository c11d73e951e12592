//! The command line: arguments to library calls, one file a verb.
//!
//! Nothing imports this room. It is written against the library's public API alone. Invariant: data goes to the
//! standard output, talk to the standard error, and the exit code says which of the two to read.

mod add;
mod backup;
mod candidate;
mod check;
mod columns;
mod compact;
mod complete;
mod condition;
mod config;
mod config_file;
mod context;
mod crash;
mod create;
mod database;
mod dedupe;
mod defaults;
mod delete;
mod destination;
mod drop;
mod dry_run;
mod dump;
mod embed;
mod encrypt;
mod exec;
mod exit;
mod export;
mod facet;
mod foreign;
mod get;
mod global;
mod import;
mod include;
mod index;
mod info;
mod ingest;
mod interrupt;
mod key;
mod keys;
mod list;
mod man;
mod model;
mod modify;
mod plot;
mod query;
mod reembed;
mod rekey;
mod repair;
mod script;
mod search;
mod setting;
mod setup;
mod shell;
mod show;
mod stats;
mod sync;
mod tenant;
mod timing;
mod usage;
mod word;

use std::ffi::OsString;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

use context::{Context, Kept};
use defaults::{Defaults, with_variables};
use exec::Series;
use exit::Status;
use global::Global;
pub use man::pages as manual_pages;
use timing::Timing;

use crate::error::Error;
use crate::foreign::was_closed;
use crate::input::closed_stream;
use crate::output::{BinaryFormat, Printer, PrinterSettings, Stream, TerminalGuard};

/// Vector database in one file: text in, nearest text out
///
/// Chroma's collections, records, filters and embeddings in one file, as one command; no server, no Python, no
/// network. Text is embedded on this machine.
#[derive(Debug, Parser)]
#[command(name = "huedb", version, max_term_width = 100, after_help = AFTER_HELP, propagate_version = false)]
#[command(subcommand_required = true, arg_required_else_help = true, disable_help_subcommand = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

const AFTER_HELP: &str = "\
Examples:
  huedb create notes
  huedb import notes articles.csv --id id --document body --metadata year,lang
  huedb query notes \"how do foxes move\" -n 5 --where 'year >= 2020'

Exit codes:
  0 done or found, 1 nothing found (get, query), 2 usage or bad input,
  3 busy past --busy-timeout, 4 damaged file, 5 any other failure, 130 interrupted";

#[derive(Debug, Subcommand)]
enum Verb {
    Create(create::Create),
    List(list::List),
    Show(show::Show),
    Modify(modify::Modify),
    Drop(drop::Drop),
    Add(add::Add),
    Update(add::Update),
    Upsert(add::Upsert),
    Get(get::Get),
    Peek(get::Peek),
    Count(get::Count),
    Delete(delete::Delete),
    Distinct(facet::Distinct),
    Keys(facet::Keys),
    Stats(stats::Stats),
    Plot(plot::Plot),
    Dedupe(dedupe::Dedupe),
    Query(query::Query),
    Search(search::Search),
    Import(Box<import::Import>),
    Sync(sync::Sync),
    Export(export::Export),
    Reembed(reembed::Reembed),
    Index(index::Index),
    Database(database::Database),
    Tenant(tenant::Tenant),
    Info(info::Info),
    Check(check::Check),
    Repair(repair::Repair),
    Compact(compact::Compact),
    Backup(backup::Backup),
    Restore(backup::Restore),
    Encrypt(encrypt::Encrypt),
    Decrypt(encrypt::Decrypt),
    Rekey(rekey::Rekey),
    Embed(embed::Embed),
    Model(model::Model),
    Setup(setup::Setup),
    Config(config::Config),
    Exec(exec::Exec),
    Shell(shell::Shell),
    Completions(complete::Completions),
    Man(man::Man),
}

impl Verb {
    /// Whether it works whatever the config file says.
    fn needs_no_config(&self) -> bool {
        matches!(self, Self::Config(_) | Self::Completions(_) | Self::Man(_))
    }

    /// Refuses a format that only exports are written in.
    fn check_format(&self, format: Option<BinaryFormat>) -> Result<(), Error> {
        match format {
            Some(format) if !matches!(self, Self::Export(_)) => Err(Error::InvalidArgument {
                why: format!("only `huedb export` writes {format}"),
                hint: Some("choose a format that is text, such as jsonl".into()),
            }),
            _ => Ok(()),
        }
    }

    /// `faults` is what is wrong with the config file, for the verb that tells.
    fn run(self, context: &mut Context, faults: Vec<Error>) -> anyhow::Result<Status> {
        match self {
            Self::Create(verb) => verb.run(context),
            Self::List(verb) => verb.run(context),
            Self::Show(verb) => verb.run(context),
            Self::Modify(verb) => verb.run(context),
            Self::Drop(verb) => verb.run(context),
            Self::Add(verb) => verb.run(context),
            Self::Update(verb) => verb.run(context),
            Self::Upsert(verb) => verb.run(context),
            Self::Get(verb) => verb.run(context),
            Self::Peek(verb) => verb.run(context),
            Self::Count(verb) => verb.run(context),
            Self::Delete(verb) => verb.run(context),
            Self::Distinct(verb) => verb.run(context),
            Self::Keys(verb) => verb.run(context),
            Self::Stats(verb) => verb.run(context),
            Self::Plot(verb) => verb.run(context),
            Self::Dedupe(verb) => verb.run(context),
            Self::Query(verb) => verb.run(context),
            Self::Search(verb) => verb.run(context),
            Self::Import(verb) => verb.run(context),
            Self::Sync(verb) => verb.run(context),
            Self::Export(verb) => verb.run(context),
            Self::Reembed(verb) => verb.run(context),
            Self::Index(verb) => verb.run(context),
            Self::Database(verb) => verb.run(context),
            Self::Tenant(verb) => verb.run(context),
            Self::Info(info::Info {}) => info::Info::run(context),
            Self::Check(verb) => verb.run(context),
            Self::Repair(verb) => verb.run(context),
            Self::Compact(compact::Compact {}) => compact::Compact::run(context),
            Self::Backup(verb) => verb.run(context),
            Self::Restore(verb) => verb.run(context),
            Self::Encrypt(verb) => verb.run(context),
            Self::Decrypt(verb) => verb.run(context),
            Self::Rekey(verb) => verb.run(context),
            Self::Embed(verb) => verb.run(context),
            Self::Model(verb) => verb.run(context),
            Self::Setup(verb) => verb.run(context),
            Self::Config(verb) => verb.run(context, faults),
            Self::Exec(_) | Self::Shell(_) => Err(Error::argument("a command that runs commands stands alone").into()),
            Self::Completions(verb) => verb.run(context),
            Self::Man(verb) => verb.run(context),
        }
    }
}

/// Returns the tree of commands, which man pages and completions are made from.
#[must_use]
pub fn command() -> clap::Command {
    with_variables(Cli::command())
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    crate::foreign::take_limits_as_errors();
    let mut stdout = BufWriter::new(Stdout);
    let streams = (stream(&io::stdout()), stream(&io::stderr()));
    run(std::env::args_os(), &mut stdout, &mut io::stderr(), streams)
}

/// The standard output; of a closed one the standard library says nothing.
struct Stdout;

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if was_closed(1) { Err(closed_stream()) } else { io::stdout().write(bytes) }
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush()
    }
}

fn stream(stream: &(impl IsTerminal + std::os::fd::AsFd)) -> Stream {
    let columns = terminal_size::terminal_size_of(stream).map(|(terminal_size::Width(columns), _)| columns.into());
    Stream { is_terminal: stream.is_terminal(), columns }
}

/// Runs one command with these streams; `streams` says what the standard output and the standard error are.
pub fn run(
    args: impl IntoIterator<Item = OsString>,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
    streams: (Stream, Stream),
) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let mut defaults = Defaults::from_config(command());
    if let Some(answer) = complete::answer(&defaults, &args) {
        // A shell that no longer listens wants no answer.
        let _ = stdout.write_all(answer.as_bytes()).and_then(|()| stdout.flush());
        return ExitCode::SUCCESS;
    }
    ExitCode::from(run_one(&mut defaults, args, (stdout, stderr), streams, None))
}

/// Runs one command with these defaults for its global flags, and with the models and keys that others have got where it is
/// one of a series.
fn run_one(
    defaults: &mut Defaults,
    args: impl IntoIterator<Item = OsString>,
    (stdout, stderr): (&mut dyn Write, &mut dyn Write),
    streams: (Stream, Stream),
    kept: Option<&Kept>,
) -> u8 {
    let args: Vec<OsString> = args.into_iter().collect();
    let timing = Timing::begin();
    let (cli, matches) = match parse(defaults, &args) {
        Ok(parsed) => parsed,
        Err(usage) => {
            if let Some(bad) = defaults.bad_variable().filter(|_| usage.use_stderr() && kept.is_none()) {
                let mut printer = Printer::new(&PrinterSettings::default(), stderr);
                return exit::report(Err(bad.into()), &mut printer);
            }
            return usage::report(&usage, &defaults.tree, &args, stderr, streams.1.is_terminal);
        }
    };
    usage::listen(cli.global.error_format);
    let mut faults = defaults.take_faults();
    if !faults.is_empty() && !cli.verb.needs_no_config() {
        return exit::report(Err(faults.swap_remove(0).into()), &mut cli.global.printer(stderr, streams));
    }
    if kept.is_none() && matches!(cli.verb, Verb::Exec(_) | Verb::Shell(_)) {
        let given = (&*defaults, &matches);
        let done = {
            let mut series = Series::new(&cli.global, given, (&mut *stdout, &mut *stderr), streams);
            match cli.verb {
                Verb::Exec(exec) => exec.run(&mut series),
                _ => shell::Shell::run(&mut series, &cli.global.db, given),
            }
        };
        return done.unwrap_or_else(|e| exit::report(Err(e.into()), &mut cli.global.printer(stderr, streams)));
    }
    let mut printer = cli.global.printer(stderr, streams);
    let result = crash::guarded(&cli.global.db, || {
        let out = TerminalGuard::new(stdout, streams.0.is_terminal);
        let invocation = (&*defaults, &matches);
        let db = cli.global.db.display();
        let (tenant, database) = (&cli.global.tenant, &cli.global.database);
        printer.detail(format!("file {db}, tenant {tenant}, database {database}"));
        let mut context = Context::new(&cli.global, invocation, streams.1.is_terminal, &mut printer, out, kept)?;
        context.timing = timing.clone();
        cli.verb.check_format(cli.global.binary())?;
        let status = cli.verb.run(&mut context, faults).map_err(|error| context.naming_its_file(error))?;
        context.finish()?;
        Ok(status)
    });
    if cli.global.timing {
        printer.timing(&timing.stages());
    }
    exit::report(result, &mut printer)
}

fn parse(defaults: &mut Defaults, args: &[OsString]) -> Result<(Cli, ArgMatches), clap::Error> {
    let matches = defaults.tree.try_get_matches_from_mut(args)?;
    let mut cli = Cli::from_arg_matches(&matches).map_err(|e| e.format(&mut defaults.tree))?;
    let settled = cli.global.settle(&matches);
    settled.map_err(|why| defaults.tree.error(clap::error::ErrorKind::ArgumentConflict, why))?;
    Ok((cli, matches))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_tree_of_commands_is_sound() {
        super::command().debug_assert();
    }
}
