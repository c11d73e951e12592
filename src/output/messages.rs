//! Talk as programs read it: one JSON object a line on the standard error.
//!
//! Does not decide what is said. Invariant: every line is an object whose first key says what it is: `error`, `warning`,
//! `notice`, `detail` or `timing`.

use std::io::Write;
use std::time::Duration;

use clap::ValueEnum;
use serde_json::{Map, Value as Json};

use super::{OutputFormat, TerminalGuard};

/// How errors, warnings and notices are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum MessageFormat {
    // Sentences.
    #[default]
    Text,
    // One JSON object a line.
    Json,
}

/// What stopped a command.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FailureReport {
    /// The message.
    pub(crate) error: String,
    /// The exit code.
    pub(crate) code: u8,
    /// What happened, in a word.
    pub(crate) kind: String,
    /// What to do.
    pub(crate) hint: Option<String>,
    /// How the command is used, where it was not used so: a line each.
    pub(crate) usage: Vec<String>,
    /// The things it was about, by name.
    pub(crate) place: Vec<(&'static str, Json)>,
}

impl FailureReport {
    /// Returns the object of the line.
    #[must_use]
    pub(crate) fn to_json(&self) -> Json {
        let mut object = Map::new();
        object.insert("error".into(), self.error.as_str().into());
        object.insert("code".into(), self.code.into());
        object.insert("kind".into(), self.kind.as_str().into());
        object.extend(self.hint.as_ref().map(|hint| ("hint".to_owned(), hint.as_str().into())));
        if !self.usage.is_empty() {
            object.insert("usage".into(), self.usage.as_slice().into());
        }
        object.extend(self.place.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        Json::Object(object)
    }
}

/// Returns how long stages took, in seconds by their names.
pub(super) fn timing(stages: &[(&'static str, Duration)]) -> Json {
    let seconds = stages.iter().map(|(name, took)| (name.replace(' ', "_"), took.as_secs_f64().into()));
    Json::Object(seconds.collect())
}

/// Writes one line; on a terminal what would control it is escaped.
pub(super) fn line(object: &Json, is_terminal: bool, stderr: &mut (dyn Write + '_)) {
    let mut guard = TerminalGuard::new(stderr, is_terminal);
    guard.set_format(OutputFormat::Jsonl);
    // When the standard error is gone there is nobody left to tell.
    let _ = writeln!(guard, "{object}");
}
