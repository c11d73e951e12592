//! What is said before a command runs, and when nothing can be asked of it any more: usage errors and interrupts.
//!
//! Invariant: where `--error-format json` is set, by whatever means, these are one JSON object a line as well.

use std::ffi::OsString;
use std::io::{self, Write};
use std::sync::Arc;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, ValueEnum};
use huedb::error::Error;

use crate::cli::help::overview;
use crate::cli::process::{exit, interrupt};
use crate::output::{ColorEnvironment, FailureReport, MessageFormat, Printer, PrinterSettings, Stream};

/// Says what clap words: usage errors, and the help and version that were asked for.
pub(crate) fn report(
    usage: &clap::Error,
    tree: &Command,
    args: &[OsString],
    stderr: &mut (dyn Write + '_),
    stream: Stream,
) -> u8 {
    let code = u8::try_from(usage.exit_code()).unwrap_or(exit::INPUT);
    let talk = asked_format(tree, args);
    let color_environment = ColorEnvironment::read(|name| std::env::var(name).ok());
    let settings = PrinterSettings { talk, stderr: stream, color_environment, ..PrinterSettings::default() };
    if code == 0 {
        // The help and the version are data: what cannot be written has not been said.
        let written = usage.print().and_then(|()| io::stdout().flush()).map_err(|e| Error::io("write the output", e));
        return exit::report(
            written.map(|()| exit::Status::Done).map_err(Into::into),
            &mut Printer::new(&settings, stderr),
        );
    }
    if talk == MessageFormat::Text && args.len() <= 1 {
        // When the standard error is gone there is nobody left to tell.
        let _ = stderr.write_all(overview(tree).as_bytes());
    } else {
        Printer::new(&settings, stderr).failure(&failure(usage, code));
    }
    code
}

/// Listens for interrupts, and ends the process with a word in this format.
pub(crate) fn listen(format: MessageFormat) {
    interrupt::listen(Arc::new(move || {
        let mut words = Vec::new();
        let settings = PrinterSettings { talk: format, ..PrinterSettings::default() };
        Printer::new(&settings, &mut words).failure(&exit::interrupted());
        String::from_utf8_lossy(&words).into_owned()
    }));
}

/// Finds the error format in arguments that could not be parsed, in the environment, or in the defaults of the flags.
fn asked_format(tree: &Command, args: &[OsString]) -> MessageFormat {
    const FLAG: &str = "--error-format";
    let args: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).take_while(|arg| arg != "--").collect();
    let after = |at: usize| args.get(at + 1).map(ToString::to_string);
    let given = args.iter().enumerate().rev().find_map(|(at, arg)| match arg.strip_prefix(FLAG)? {
        "" => after(at),
        value => value.strip_prefix('=').map(str::to_owned),
    });
    let default = || {
        let arg = tree.get_arguments().find(|arg| arg.get_long() == FLAG.strip_prefix("--"))?;
        arg.get_default_values().first()?.to_str().map(str::to_owned)
    };
    let said = given.or_else(|| std::env::var("HUEDB_ERROR_FORMAT").ok()).or_else(default);
    said.and_then(|format| MessageFormat::from_str(&format, false).ok()).unwrap_or_default()
}

/// Of what clap words, the first paragraph is the message, what begins with "tip:" the hint, and the usage stands by itself.
fn failure(usage: &clap::Error, code: u8) -> FailureReport {
    let text = usage.render().to_string();
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_bare =
        matches!(usage.kind(), ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand);
    let mut report = FailureReport {
        error: "no command is given".into(),
        code,
        kind: "usage".into(),
        hint: Some("`huedb --help` lists them".into()),
        usage: Vec::new(),
        place: Vec::new(),
    };
    if let Some(ContextValue::String(argument)) = usage.get(ContextKind::InvalidArg) {
        report.place.push(("argument", argument.as_str().into()));
    }
    if is_bare {
        return report;
    }
    let is_word = report.place.iter().any(|(_, argument)| argument.as_str().is_some_and(|word| !word.starts_with('-')));
    let mut paragraphs = text.trim().split("\n\n");
    let message = paragraphs.next().map(|first| first.trim_start_matches("error: "));
    report.error = one_line(message.unwrap_or_default());
    let mut hints = Vec::new();
    for paragraph in paragraphs.map(str::trim).filter(|paragraph| !paragraph.starts_with("For more information")) {
        match paragraph.strip_prefix("Usage: ") {
            Some(lines) => report.usage = lines.lines().map(|line| line.trim().to_owned()).collect(),
            // A flag that there is not is hardly ever meant as a value.
            None if paragraph.starts_with("tip: to pass '") => {}
            None => hints.push(one_line(paragraph.trim_start_matches("tip: "))),
        }
    }
    if is_word && usage.kind() == ErrorKind::UnknownArgument {
        hints.push("several words are one argument when they stand in quotes".into());
    }
    let command = report.usage.first().map(|usage| usage.split(" [").next().unwrap_or_default());
    let command = command.and_then(|usage| usage.split(" <").next()).unwrap_or("huedb");
    report.hint = Some(if hints.is_empty() { format!("`{command} --help` describes it") } else { hints.join("; ") });
    report
}
