//! What may be printed and how, decided once: format, colour, width, quiet.
//!
//! Data goes to the standard output through a sink; talk goes to the standard error through the methods
//! here. Knows no process: streams and environment are given, so every decision is tested. Invariant: talk is
//! sanitised, one line each, and never on the standard output.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt::Display;
use std::io::Write;
use std::time::Duration;

use huedb::error::Result;

use super::messages::{self, FailureReport, MessageFormat};
use super::number::duration;
use super::progress::{ProgressDisplay, ProgressKind};
use super::properties::{write_facts, write_list};
use super::sanitize::sanitize;
use super::sink::Style;
use super::wrap::wrapped;
use super::{ColorChoice, ColorEnvironment, OutputFormat, Properties, color};

/// What is known of an output stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Stream {
    /// Whether it is a terminal.
    pub(crate) is_terminal: bool,
    /// The columns of that terminal, where known.
    pub(crate) columns: Option<usize>,
}

/// What the user asked for and what is around the process.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PrinterSettings {
    /// The format asked for; `None` for the default of the stream.
    pub(crate) format: Option<OutputFormat>,
    /// The colour asked for.
    pub(crate) color: ColorChoice,
    /// What the environment says about colour.
    pub(crate) color_environment: ColorEnvironment,
    /// Whether notices and progress are left out.
    pub(crate) quiet: bool,
    /// Whether details are told.
    pub(crate) verbose: bool,
    /// How talk is written.
    pub(crate) talk: MessageFormat,
    /// Whether ids end with NUL instead of a newline.
    pub(crate) null_terminated: bool,
    /// The standard output.
    pub(crate) stdout: Stream,
    /// The standard error.
    pub(crate) stderr: Stream,
}

/// Prints what a command has to say.
#[expect(clippy::struct_excessive_bools, reason = "each is decided by itself")]
pub(crate) struct Printer<'w> {
    format: OutputFormat,
    style: Style,
    talk_color: bool,
    notices: bool,
    details: bool,
    talk: MessageFormat,
    talk_is_terminal: bool,
    /// The columns of the terminal that talk goes to.
    talk_columns: Option<usize>,
    progress: bool,
    stderr: &'w mut (dyn Write + 'w),
}

impl<'w> Printer<'w> {
    /// Decides everything that the settings leave open.
    pub(crate) fn new(settings: &PrinterSettings, stderr: &'w mut (dyn Write + 'w)) -> Self {
        let PrinterSettings { format, color, color_environment, quiet, null_terminated, stdout, .. } = *settings;
        let (verbose, talk) = (settings.verbose, settings.stderr);
        let style = Style {
            width: stdout.columns.filter(|&columns| columns > 0).unwrap_or(Style::DEFAULT_WIDTH),
            color: color.resolve(color_environment, stdout.is_terminal),
            full: false,
            bookkeeping: false,
            id_terminator: if null_terminated { 0 } else { b'\n' },
        };
        Self {
            format: format.unwrap_or(OutputFormat::default_for(stdout.is_terminal)),
            style,
            talk_color: color.resolve(color_environment, talk.is_terminal),
            notices: !quiet,
            details: verbose && !quiet,
            talk: settings.talk,
            talk_is_terminal: talk.is_terminal,
            talk_columns: talk.columns.filter(|&columns| talk.is_terminal && columns > 0),
            // Between lines that a program reads a bar would help nobody.
            progress: !quiet && talk.is_terminal && settings.talk == MessageFormat::Text,
            stderr,
        }
    }

    /// Returns the format of the data.
    #[must_use]
    pub(crate) fn format(&self) -> OutputFormat {
        self.format
    }

    /// Returns how that format writes.
    #[must_use]
    pub(crate) fn style(&self) -> Style {
        self.style
    }

    /// Writes the facts about one thing to `out`.
    ///
    /// # Errors
    /// As [`write_facts`].
    pub(crate) fn facts(&self, facts: &Properties, out: &mut dyn Write) -> Result<()> {
        write_facts(self.format, facts, self.style, out)
    }

    /// Writes a list of things to `out`.
    ///
    /// # Errors
    /// As [`write_list`].
    pub(crate) fn list(&self, things: &[Properties], out: &mut dyn Write) -> Result<()> {
        write_list(self.format, things, self.style, out)
    }

    /// Begins a progress bar, hidden unless the standard error is a terminal and quiet is off.
    #[must_use]
    pub(crate) fn progress(&self, action: &'static str, kind: ProgressKind, total: Option<u64>) -> ProgressDisplay {
        ProgressDisplay::new(action, kind, total, self.progress)
    }

    /// Says what was done; nothing when quiet.
    pub(crate) fn notice(&mut self, text: impl Display) {
        if self.notices {
            self.tell("notice", "", &text.to_string());
        }
    }

    /// Asks something on the terminal; the answer is typed behind it.
    pub(crate) fn ask(&mut self, question: &str) {
        let _ = write!(self.stderr, "{}", sanitize(question)).and_then(|()| self.stderr.flush());
    }

    /// Returns whether details are told.
    #[must_use]
    pub(crate) fn tells_details(&self) -> bool {
        self.details
    }

    /// Says how something is done; nothing unless details were asked for.
    pub(crate) fn detail(&mut self, text: impl Display) {
        if self.details {
            self.tell("detail", "", &text.to_string());
        }
    }

    /// Says what is wrong but did not stop the work.
    pub(crate) fn warning(&mut self, text: impl Display) {
        self.tell("warning", "warning: ", &text.to_string());
    }

    /// Says how long the stages of the work took.
    pub(crate) fn timing(&mut self, stages: &[(&'static str, Duration)]) {
        if self.talk == MessageFormat::Json {
            let object = serde_json::json!({"timing": messages::timing(stages)});
            return messages::line(&object, self.talk_is_terminal, self.stderr);
        }
        let stages: Vec<_> = stages.iter().map(|(name, took)| format!("{name} {}", duration(*took))).collect();
        self.say("timing: ", &stages.join(", "));
    }

    /// Says what is wrong with what was asked for.
    pub(crate) fn error(&mut self, text: impl Display, hint: Option<&str>) {
        let (error, hint) = (text.to_string(), hint.map(str::to_owned));
        self.failure(&FailureReport {
            error,
            code: 2,
            kind: "usage".into(),
            hint,
            usage: Vec::new(),
            place: Vec::new(),
        });
    }

    /// Says what stopped the work and, after an empty line, what to do about it.
    pub(crate) fn failure(&mut self, failure: &FailureReport) {
        if self.talk == MessageFormat::Json {
            return messages::line(&failure.to_json(), self.talk_is_terminal, self.stderr);
        }
        self.say(&format!("error[{}]: ", failure.kind), &failure.error);
        if let Some(hint) = &failure.hint {
            self.say("", "");
            self.say("hint: ", hint);
        }
        if !failure.usage.is_empty() {
            self.say("", "");
            let usage = failure.usage.iter().map(|line| sanitize(line)).collect::<Vec<_>>().join("\n       ");
            let _ = writeln!(self.stderr, "{} {usage}", color::bold("usage:", self.talk_color));
        }
    }

    fn tell(&mut self, what: &str, label: &str, text: &str) {
        match self.talk {
            MessageFormat::Text => self.say(label, text),
            MessageFormat::Json => messages::line(&serde_json::json!({what: text}), self.talk_is_terminal, self.stderr),
        }
    }

    fn say(&mut self, label: &str, text: &str) {
        let taken = label.len();
        let label = color::bold(label.trim_end(), self.talk_color && !label.is_empty());
        let space = if label.is_empty() { "" } else { " " };
        // When the standard error is gone there is nobody left to tell.
        let text = shortened(&sanitize(text)).into_owned();
        let text = self.talk_columns.map_or(text.clone(), |columns| wrapped(&text, taken, columns));
        let _ = writeln!(self.stderr, "{label}{space}{text}");
    }
}

/// Cuts the middle out of what quotes an endless id or path: the thing stands at the start, what is wrong at the end.
fn shortened(text: &str) -> Cow<'_, str> {
    const LONGEST: usize = 4000;
    const END: usize = 1000;
    if text.len() <= LONGEST {
        return text.into();
    }
    let start = text.get(..text.floor_char_boundary(LONGEST - END)).unwrap_or_default();
    let end = text.get(text.ceil_char_boundary(text.len() - END)..).unwrap_or_default();
    format!("{start} ... {end}").into()
}

/// Returns an error and its sources as one line: `cannot read notes.csv: permission denied`.
#[must_use]
pub(crate) fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use huedb::error::Error;

    fn said(settings: PrinterSettings, talk: impl FnOnce(&mut Printer<'_>)) -> String {
        let mut stderr = Vec::new();
        talk(&mut Printer::new(&settings, &mut stderr));
        String::from_utf8(stderr).unwrap()
    }

    fn failure(error: &str, hint: Option<&str>) -> FailureReport {
        let hint = hint.map(str::to_owned);
        FailureReport {
            error: error.into(),
            code: 2,
            kind: "bad_row".into(),
            hint,
            usage: Vec::new(),
            place: vec![("line", 3.into())],
        }
    }

    #[test]
    fn programs_read_one_object_a_line() {
        let settings = PrinterSettings { verbose: true, talk: MessageFormat::Json, ..Default::default() };
        let text = said(settings, |printer| {
            printer.notice("added 1\nand more");
            printer.warning("w");
            printer.detail("d");
            printer.failure(&failure("e", Some("h")));
            printer.timing(&[("load model", Duration::from_millis(250)), ("total", Duration::from_secs(1))]);
        });
        let expected = "\
{\"notice\":\"added 1\\nand more\"}
{\"warning\":\"w\"}
{\"detail\":\"d\"}
{\"error\":\"e\",\"code\":2,\"kind\":\"bad_row\",\"hint\":\"h\",\"line\":3}
{\"timing\":{\"load_model\":0.25,\"total\":1.0}}
";
        assert_eq!(text, expected);
        let on_terminal = PrinterSettings { stderr: TERMINAL, talk: MessageFormat::Json, ..Default::default() };
        assert_eq!(said(on_terminal, |printer| printer.warning("a\u{9b}b")), "{\"warning\":\"a\\u009bb\"}\n");
    }

    const TERMINAL: Stream = Stream { is_terminal: true, columns: Some(72) };

    #[test]
    fn a_terminal_gets_a_table_and_a_pipe_gets_jsonl() {
        let mut stderr = Vec::new();
        let printer = Printer::new(&PrinterSettings { stdout: TERMINAL, ..Default::default() }, &mut stderr);
        assert_eq!(printer.format(), OutputFormat::Table);
        assert_eq!(
            printer.style(),
            Style { width: 72, color: true, full: false, bookkeeping: false, id_terminator: b'\n' }
        );
        let mut stderr = Vec::new();
        let printer = Printer::new(&PrinterSettings { null_terminated: true, ..Default::default() }, &mut stderr);
        assert_eq!(printer.format(), OutputFormat::Jsonl);
        assert_eq!(
            printer.style(),
            Style { width: 100, color: false, full: false, bookkeeping: false, id_terminator: 0 }
        );
    }

    #[test]
    fn talk_is_one_sanitised_line_each() {
        let text = said(PrinterSettings::default(), |printer| {
            printer.notice("added 1,204");
            printer.warning("the graph of \"a\u{1b}[2J\" is damaged\nand ignored");
            printer.detail("the file has 3 pages");
            printer.failure(&failure("no collection named \"x\"", Some("the file holds: notes")));
            printer.failure(&failure("interrupted", None));
        });
        let expected = "\
added 1,204
warning: the graph of \"a[2J\" is damaged and ignored
error[bad_row]: no collection named \"x\"

hint: the file holds: notes
error[bad_row]: interrupted
";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_message_of_any_length_is_cut_in_the_middle() {
        let long = format!("record {:?} is bad", "é".repeat(1_000_000));
        let text = said(PrinterSettings::default(), |printer| printer.warning(long));
        assert!(
            text.len() < 4100 && text.starts_with("warning: record \"é") && text.ends_with("é\" is bad\n"),
            "{text}"
        );
    }

    #[test]
    fn quiet_keeps_warnings_and_errors() {
        let text = said(PrinterSettings { quiet: true, ..Default::default() }, |printer| {
            printer.notice("done");
            printer.warning("w");
            printer.failure(&failure("e", None));
        });
        assert_eq!(text, "warning: w\nerror[bad_row]: e\n");
    }

    #[test]
    fn labels_are_bold_on_a_terminal() {
        let settings = PrinterSettings { stderr: TERMINAL, ..Default::default() };
        assert_eq!(said(settings, |printer| printer.warning("w")), "\u{1b}[1mwarning:\u{1b}[0m w\n");
    }

    #[test]
    fn progress_needs_a_terminal_and_no_quiet() {
        let shown = |quiet, stderr| {
            let mut out = Vec::new();
            Printer::new(&PrinterSettings { quiet, stderr, ..Default::default() }, &mut out).progress
        };
        assert!(shown(false, TERMINAL));
        assert!(!shown(true, TERMINAL));
        assert!(!shown(false, Stream::default()));
    }

    #[test]
    fn a_chain_names_every_cause() {
        let error = Error::io("read notes.csv", std::io::Error::other("the disk is on fire"));
        assert_eq!(chain(&error), "cannot read notes.csv: the disk is on fire");
    }
}
