//! One command from its arguments to its exit code.
//!
//! Invariant: data goes to the standard output, talk to the standard error, and the exit code says which of the two to read.

use std::ffi::OsString;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{ArgMatches, FromArgMatches};
use huedb::backend::Place;
use huedb::input::{Stdin, closed_stream};
use huedb::process::was_closed;

use crate::cli::completion::answer;
use crate::cli::configuration::defaults::Defaults;
use crate::cli::context::command::{Context, SeriesCache};
use crate::cli::context::timing::StageTimes;
use crate::cli::help::readable;
use crate::cli::process::{exit, panic, usage};
use crate::cli::script::series::{Series, Streams};
use crate::cli::tree::{Cli, Verb, command, command_for};
use crate::cli::verb::shell::ShellArgs;
use crate::output::{Printer, PrinterSettings, Stream, TerminalGuard};

/// Runs the command line of this process.
#[must_use]
pub(crate) fn main() -> ExitCode {
    huedb::process::take_limits_as_errors();
    let mut stdout = BufWriter::new(Stdout);
    let streams = (stream(&io::stdout()), stream(&io::stderr()));
    run(std::env::args_os(), (Stdin::default(), &mut stdout, &mut io::stderr()), streams)
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
pub(crate) fn run(
    args: impl IntoIterator<Item = OsString>,
    (stdin, stdout, stderr): Streams,
    streams: (Stream, Stream),
) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    if asks_version(&args) && say_version(stdout).is_ok() {
        return ExitCode::SUCCESS;
    }
    let part = if answer::is_asked(&args) { None } else { command_for(&args) };
    let mut defaults = Defaults::from_config(command, part);
    if let Some(answer) = answer::answer(&defaults, &args) {
        // A shell that no longer listens wants no answer.
        let _ = stdout.write_all(answer.as_bytes()).and_then(|()| stdout.flush());
        return ExitCode::SUCCESS;
    }
    ExitCode::from(run_one(&mut defaults, &args, (stdin, stdout, stderr), streams, None))
}

/// Whether the version is all that is asked for, which needs no tree of commands.
fn asks_version(args: &[OsString]) -> bool {
    matches!(args, [_, flag] if flag == "--version" || flag == "-V")
}

/// Says it as clap does, which says as well why it cannot be written.
fn say_version(stdout: &mut dyn Write) -> io::Result<()> {
    stdout.write_all(concat!("huedb ", env!("CARGO_PKG_VERSION"), "\n").as_bytes())?;
    stdout.flush()
}

/// Runs one command with these defaults for its global flags, and with the models and keys that others have got where it is
/// one of a series.
fn run_one(
    defaults: &mut Defaults,
    args: &[OsString],
    (stdin, stdout, stderr): Streams,
    streams: (Stream, Stream),
    kept: Option<&SeriesCache>,
) -> u8 {
    let timing = StageTimes::begin();
    let (cli, matches) = match parse(defaults, args) {
        Ok(parsed) => parsed,
        Err(usage) => {
            if let Some(bad) = defaults.bad_variable().filter(|_| usage.use_stderr() && kept.is_none()) {
                let mut printer = Printer::new(&PrinterSettings::default(), stderr);
                return exit::report(Err(bad.into()), &mut printer);
            }
            return usage::report(&usage, &defaults.tree, args, stderr, streams.1);
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
            let mut series = Series::new(&cli.global, given, (stdin, &mut *stdout, &mut *stderr), streams, run_one);
            match cli.verb {
                Verb::Exec(exec) => exec.run(&mut series),
                _ => ShellArgs::run(&mut series, &cli.global.db, given),
            }
        };
        return done.unwrap_or_else(|e| exit::report(Err(e.into()), &mut cli.global.printer(stderr, streams)));
    }
    let mut printer = cli.global.printer(stderr, streams);
    let result = panic::guarded(&cli.global.db, || {
        let out = TerminalGuard::new(stdout, streams.0.is_terminal);
        let invocation = (&*defaults, &matches);
        let place = Place::parse(&cli.global.db);
        let kind = if place.path().is_some() { "file" } else { "place" };
        let (tenant, database) = (&cli.global.tenant, &cli.global.database);
        printer.detail(format!("{kind} {place}, tenant {tenant}, database {database}"));
        let mut context =
            Context::new(&cli.global, invocation, streams.1.is_terminal, &mut printer, (stdin, out), kept)?;
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
    match parse_with(defaults, args) {
        Err(_) if defaults.complete() => parse(defaults, args),
        Err(usage) if is_help(usage.kind()) => {
            defaults.tree = readable(std::mem::take(&mut defaults.tree));
            parse_with(defaults, args)
        }
        parsed => parsed,
    }
}

fn is_help(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand)
}

fn parse_with(defaults: &mut Defaults, args: &[OsString]) -> Result<(Cli, ArgMatches), clap::Error> {
    let matches = defaults.tree.try_get_matches_from_mut(args)?;
    let mut cli = Cli::from_arg_matches(&matches).map_err(|e| e.format(&mut defaults.tree))?;
    let settled = cli.global.settle(&matches);
    settled.map_err(|why| defaults.tree.error(ErrorKind::ArgumentConflict, why))?;
    Ok((cli, matches))
}
