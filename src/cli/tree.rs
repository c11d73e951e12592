//! The tree of commands: every verb with its arguments, and which code runs it.
//!
//! Manual pages and completions are made from it.

use clap::{CommandFactory, Parser, Subcommand};
use huedb::error::{Error, Result};

use crate::cli::arguments::global::GlobalArgs;
use crate::cli::configuration::defaults::with_variables;
use crate::cli::context::command::Context;
use crate::cli::process::exit::Status;
use crate::cli::verb;
use crate::output::BinaryFormat;

/// Vector database in one file: text in, nearest text out
///
/// Chroma's collections, records, filters and embeddings in one file, as one command; no server, no Python, no
/// network. Text is embedded on this machine.
#[derive(Debug, Parser)]
#[command(name = "huedb", version, max_term_width = 100, after_help = AFTER_HELP, propagate_version = false)]
#[command(subcommand_required = true, arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) verb: Verb,
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
pub(crate) enum Verb {
    Create(verb::create::CreateArgs),
    List(verb::list::ListArgs),
    Show(verb::show::ShowArgs),
    Modify(verb::modify::ModifyArgs),
    Drop(verb::drop::DropArgs),
    Add(verb::add::AddArgs),
    Update(verb::add::UpdateArgs),
    Upsert(verb::add::UpsertArgs),
    Get(verb::get::GetArgs),
    Peek(verb::get::PeekArgs),
    Count(verb::get::CountArgs),
    Delete(verb::delete::DeleteArgs),
    Distinct(verb::distinct::DistinctArgs),
    Keys(verb::distinct::KeysArgs),
    Stats(verb::stats::StatsArgs),
    Plot(verb::plot::PlotArgs),
    Dedupe(verb::dedupe::DedupeArgs),
    Query(verb::query::QueryArgs),
    Search(verb::search::SearchArgs),
    Import(Box<verb::import::ImportArgs>),
    Sync(verb::sync::SyncArgs),
    Export(verb::export::ExportArgs),
    Reembed(verb::reembed::ReembedArgs),
    Index(verb::index::IndexArgs),
    Database(verb::database::DatabaseArgs),
    Tenant(verb::tenant::TenantArgs),
    Info(verb::info::InfoArgs),
    Check(verb::check::CheckArgs),
    Repair(verb::repair::RepairArgs),
    Compact(verb::compact::CompactArgs),
    Backup(verb::backup::BackupArgs),
    Restore(verb::backup::RestoreArgs),
    Encrypt(verb::encrypt::EncryptArgs),
    Decrypt(verb::encrypt::DecryptArgs),
    Rekey(verb::rekey::RekeyArgs),
    Embed(verb::embed::EmbedArgs),
    Model(verb::model::ModelArgs),
    Setup(verb::setup::SetupArgs),
    Config(verb::config::ConfigArgs),
    Exec(verb::exec::ExecArgs),
    Shell(verb::shell::ShellArgs),
    Completions(verb::completions::CompletionsArgs),
    Man(verb::man::ManArgs),
}

impl Verb {
    /// Whether it works whatever the config file says.
    pub(crate) fn needs_no_config(&self) -> bool {
        matches!(self, Self::Config(_) | Self::Completions(_) | Self::Man(_))
    }

    /// Refuses a format that only exports are written in.
    pub(crate) fn check_format(&self, format: Option<BinaryFormat>) -> Result<(), Error> {
        match format {
            Some(format) if !matches!(self, Self::Export(_)) => Err(Error::InvalidArgument {
                why: format!("only `huedb export` writes {format}"),
                hint: Some("choose a format that is text, such as jsonl".into()),
            }),
            _ => Ok(()),
        }
    }

    /// `faults` is what is wrong with the config file, for the verb that tells.
    pub(crate) fn run(self, context: &mut Context, faults: Vec<Error>) -> Result<Status> {
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
            Self::Info(verb::info::InfoArgs {}) => verb::info::InfoArgs::run(context),
            Self::Check(verb) => verb.run(context),
            Self::Repair(verb) => verb.run(context),
            Self::Compact(verb::compact::CompactArgs {}) => verb::compact::CompactArgs::run(context),
            Self::Backup(verb) => verb.run(context),
            Self::Restore(verb) => verb.run(context),
            Self::Encrypt(verb) => verb.run(context),
            Self::Decrypt(verb) => verb.run(context),
            Self::Rekey(verb) => verb.run(context),
            Self::Embed(verb) => verb.run(context),
            Self::Model(verb) => verb.run(context),
            Self::Setup(verb) => verb.run(context),
            Self::Config(verb) => verb.run(context, faults),
            Self::Exec(_) | Self::Shell(_) => Err(Error::argument("a command that runs commands stands alone")),
            Self::Completions(verb) => verb.run(context),
            Self::Man(verb) => verb.run(context),
        }
    }
}

/// Returns the tree of commands, which man pages and completions are made from.
#[must_use]
pub(crate) fn command() -> clap::Command {
    with_variables(Cli::command())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_tree_of_commands_is_sound() {
        super::command().debug_assert();
    }

    #[test]
    fn every_global_flag_has_a_variable() {
        let tree = super::command();
        for arg in tree.get_arguments().filter(|arg| arg.is_global_set()) {
            assert!(arg.get_env().is_some(), "{arg}");
        }
    }
}
