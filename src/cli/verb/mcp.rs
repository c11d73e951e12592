//! `huedb mcp`.

use std::io::IsTerminal;
use std::process::{Command, Stdio};
use std::sync::Arc;

use clap::Args;
use clap::parser::ValueSource;
use huedb::error::{Error, Result};
use huedb::mcp::{AnswerLimits, PlaceCatalogue, SyncFolder, SyncInput, serve_stdio};
use huedb::store::{Access, Options};

use crate::cli::context::command::Context;
use crate::cli::process::exit::Status;
use crate::cli::process::hint::passing;

/// Memory for what stays decoded between questions.
const WARM_BYTES: usize = 64 << 20;

/// Let chat programs and agents search collections, by the Model Context Protocol
///
/// A program that speaks the protocol starts this command and talks to it on its standard input and output. It is offered
/// the tools `list_collections`, `describe_collection`, `search` and `get`, and each record as the resource
/// `huedb://COLLECTION/ID`. With --write also `add`, `update`, `delete` and `sync`; `sync` lets it read any folder that you can
/// read. Programs ask you before they use a tool, unless you told them not to.
///
/// An answer has at most --max-records records and --max-size KiB, and says what it leaves out. Other commands may read and
/// write the file meanwhile. `huedb serve` offers the same tools to programs on other machines, at /mcp.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb --db ~/notes.redb mcp
  huedb mcp --collection notes --collection papers
  huedb mcp --write
  claude mcp add notes -- huedb --db ~/notes.redb mcp

In the configuration of Claude Desktop and others, under mcpServers:
  \"notes\": {\"command\": \"huedb\", \"args\": [\"--db\", \"/home/me/notes.redb\", \"mcp\"]}")]
pub(crate) struct McpArgs {
    /// Offer only this collection (repeatable)
    #[arg(long = "collection", value_name = "NAME")]
    collections: Vec<String>,

    /// Offer the tools that add, update, delete and sync, too
    #[arg(long)]
    write: bool,

    /// Maximum number of records in an answer
    #[arg(long, value_name = "N", default_value = "100", value_parser = clap::value_parser!(u32).range(1..))]
    max_records: u32,

    /// Maximum size of an answer, in KiB
    #[arg(long, value_name = "KIB", default_value = "64", value_parser = clap::value_parser!(u32).range(1..=65536))]
    max_size: u32,
}

impl McpArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        let access = if self.write { Access::Write } else { Access::Read };
        let backend = context.open_to_stay(access, Options::WRITE_CACHE_BYTES, WARM_BYTES)?;
        if backend.file().is_none() {
            // That nobody answers there is said now, not at the first question.
            backend.collections()?;
        }
        for name in &self.collections {
            match backend.state_of(name) {
                // It may come later.
                Err(error @ Error::CollectionNotFound { .. }) => context.printer.warning(passing(&error)),
                looked => drop(looked?),
            }
        }
        if std::io::stdin().is_terminal() {
            let note =
                "this command is started by a program that speaks the Model Context Protocol; see `huedb mcp --help`";
            context.printer.notice(note);
        }
        let count = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
        let limits = AnswerLimits { records: count(self.max_records), bytes: count(self.max_size) << 10 };
        let only = self.collections.into_iter().collect();
        let models = context.models.clone();
        let sync = self.write.then(|| sync_command(context, limits));
        let (writes, wording) = (self.write, passing);
        serve_stdio(Arc::new(PlaceCatalogue { backend, only, writes, models, limits, wording, sync }))?;
        Ok(Status::Done)
    }
}

/// Returns what runs `huedb sync` as a process of its own, over the same file with the same key: what it says is the answer.
fn sync_command(context: &Context, limits: AnswerLimits) -> SyncFolder {
    let (_, matches) = context.invocation;
    let mut given = Vec::new();
    // The environment and the config file are there for it as well.
    for id in ["db", "tenant", "database", "key_file", "key_command", "busy_timeout"] {
        if matches.value_source(id) == Some(ValueSource::CommandLine) {
            for value in matches.get_raw(id).into_iter().flatten() {
                given.extend([format!("--{}", id.replace('_', "-")).into(), value.to_owned()]);
            }
        }
    }
    Box::new(move |input| {
        let program = std::env::current_exe().map_err(|error| format!("huedb is not found: {error}"))?;
        let mut command = Command::new(program);
        command.args(&given).args(["--error-format", "text", "--color", "never", "sync"]).args(arguments(input));
        let ran = command.stdin(Stdio::null()).stdout(Stdio::null()).output();
        let ran = ran.map_err(|error| format!("huedb sync does not run: {error}"))?;
        let mut said = String::from_utf8_lossy(&ran.stderr).trim().to_owned();
        if said.len() > limits.bytes / 2 {
            said.truncate(said.floor_char_boundary(limits.bytes / 2));
            said.push_str("\n… and more");
        }
        if ran.status.success() { Ok(said) } else { Err(said) }
    })
}

fn arguments(input: &SyncInput) -> Vec<String> {
    let mut arguments: Vec<String> = input.globs.iter().map(|glob| format!("--glob={glob}")).collect();
    arguments.extend(input.create.then(|| "--create".to_owned()));
    arguments.extend(["--".to_owned(), input.collection.clone(), input.folder.clone()]);
    arguments
}
