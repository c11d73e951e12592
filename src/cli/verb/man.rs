//! `huedb man`: the page of a command or a topic, in a pager where a person reads it.
//!
//! `man/` holds the same pages as files, which `tests/generated.rs` keeps equal.

use std::io::{self, Write};
use std::process::{Command, Stdio};

use clap::Args;
use huedb::error::{Error, Result};

use crate::cli::arguments::did_you_mean::meant;
use crate::cli::context::command::Context;
use crate::cli::manual::pages;
use crate::cli::process::exit::Status;

/// Show a manual page
///
/// On a terminal the page is shown by `man`, or by `mandoc` where that is missing. Elsewhere its source is printed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb man
  huedb man query
  huedb man index build
  huedb man errors

Topics:
  data       files and formats, types, chunks, folders in sync, another model
  searching  batches, meaning and words, tables, statistics, a map, the graph
  scripting  pipes, scripts, settings, builds, exit codes, environment
  serving    clients, tokens, TLS, limits, deployment, tenants
  models     models that run here, rerankers, sparse models, services
  chroma     data from Chroma and llm, and what differs from Chroma
  storage    promises, the file, encryption, limits
  filters    the short form and the JSON of --where and --where-document
  errors     every error, its exit code and what to do")]
pub(crate) struct ManArgs {
    /// Command or topic [default: huedb itself]
    #[arg(value_name = "COMMAND")]
    words: Vec<String>,
}

/// What shows a page that it reads from its standard input.
const VIEWERS: [&[&str]; 2] = [&["man", "-l", "-"], &["mandoc", "-a"]];

impl ManArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        let pages = pages(context.invocation.0.plain_tree());
        let name = self.words.join("-");
        let file = if name.is_empty() { "huedb.".to_owned() } else { format!("huedb-{name}.") };
        let Some(page) = pages.iter().find(|page| page.file.starts_with(&file)) else {
            let known: Vec<String> = pages
                .iter()
                .filter_map(|page| Some(page.file.strip_prefix("huedb-")?.split('.').next()?.replace('-', " ")))
                .collect();
            let why = format!("no manual page {:?}{}", self.words.join(" "), meant(&self.words.join(" "), &known));
            return Err(Error::InvalidArgument { why, hint: Some(format!("available: {}", known.join(", ")).into()) });
        };
        if !context.stdout_is_terminal() || !VIEWERS.iter().any(|viewer| shows(viewer, &page.source)) {
            context.write(&page.source)?;
        }
        Ok(Status::Done)
    }
}

/// Has a program show a page, and waits until it is closed; returns whether it could.
fn shows(viewer: &[&str], page: &[u8]) -> bool {
    let [program, arguments @ ..] = viewer else { return false };
    let Ok(mut shown) = Command::new(program).args(arguments).stdin(Stdio::piped()).spawn() else { return false };
    // Whoever closes the pager early has read enough.
    let written = shown.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(page));
    let left = written.is_err_and(|error: io::Error| error.kind() == io::ErrorKind::BrokenPipe);
    shown.wait().is_ok_and(|status| status.success() || left)
}
