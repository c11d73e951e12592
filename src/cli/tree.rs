//! The tree of commands: every verb with its arguments, and which code runs it.
//!
//! Manual pages and completions are made from it.

use std::ffi::OsString;

use clap::{Args, Command, CommandFactory, Parser, Subcommand};
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
#[command(name = "huedb", version, max_term_width = 100, propagate_version = false)]
#[command(subcommand_required = true, arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// Defines the verbs, and a function that makes the command of one alone.
macro_rules! verbs {
    ($($(#[$only:meta])? $name:literal $variant:ident($arguments:ty);)*) => {
        #[derive(Debug, Subcommand)]
        pub(crate) enum Verb {
            $($(#[$only])? $variant($arguments),)*
        }

        fn verb(name: &str) -> Option<Command> {
            match name {
                $($(#[$only])? $name => Some(<$arguments as Args>::augment_args(Command::new($name))),)*
                _ => None,
            }
        }
    };
}

verbs! {
    "create" Create(verb::create::CreateArgs);
    "list" List(verb::list::ListArgs);
    "show" Show(verb::show::ShowArgs);
    "modify" Modify(verb::modify::ModifyArgs);
    "drop" Drop(verb::drop::DropArgs);
    "add" Add(verb::add::AddArgs);
    "update" Update(verb::update::UpdateArgs);
    "upsert" Upsert(verb::add::UpsertArgs);
    "get" Get(verb::get::GetArgs);
    "peek" Peek(verb::get::PeekArgs);
    "count" Count(verb::get::CountArgs);
    "delete" Delete(verb::delete::DeleteArgs);
    "distinct" Distinct(verb::distinct::DistinctArgs);
    "keys" Keys(verb::distinct::KeysArgs);
    "stats" Stats(verb::stats::StatsArgs);
    "plot" Plot(verb::plot::PlotArgs);
    "dedupe" Dedupe(verb::dedupe::DedupeArgs);
    "query" Query(verb::query::QueryArgs);
    "search" Search(verb::search::SearchArgs);
    "import" Import(Box<verb::import::ImportArgs>);
    "sync" Sync(verb::sync::SyncArgs);
    "export" Export(verb::export::ExportArgs);
    "push" Push(verb::push::PushArgs);
    "pull" Pull(verb::push::PullArgs);
    "reembed" Reembed(verb::reembed::ReembedArgs);
    "index" Index(verb::index::IndexArgs);
    "database" Database(verb::database::DatabaseArgs);
    "tenant" Tenant(verb::tenant::TenantArgs);
    #[cfg(feature = "serve")]
    "token" Token(verb::token::TokenArgs);
    "info" Info(verb::info::InfoArgs);
    "check" Check(verb::check::CheckArgs);
    "repair" Repair(verb::repair::RepairArgs);
    "compact" Compact(verb::compact::CompactArgs);
    "backup" Backup(verb::backup::BackupArgs);
    "restore" Restore(verb::backup::RestoreArgs);
    "encrypt" Encrypt(verb::encrypt::EncryptArgs);
    "decrypt" Decrypt(verb::encrypt::DecryptArgs);
    "rekey" Rekey(verb::rekey::RekeyArgs);
    #[cfg(feature = "serve")]
    "serve" Serve(verb::serve::ServeArgs);
    #[cfg(feature = "serve")]
    "browse" Browse(verb::browse::BrowseArgs);
    #[cfg(feature = "serve")]
    "ping" Ping(verb::ping::PingArgs);
    #[cfg(feature = "mcp")]
    "mcp" Mcp(verb::mcp::McpArgs);
    "embed" Embed(verb::embed::EmbedArgs);
    "model" Model(verb::model::ModelArgs);
    "setup" Setup(verb::setup::SetupArgs);
    "config" Config(verb::config::ConfigArgs);
    "exec" Exec(verb::exec::ExecArgs);
    "shell" Shell(verb::shell::ShellArgs);
    "completions" Completions(verb::completions::CompletionsArgs);
    "man" Man(verb::man::ManArgs);
    "help" Help(verb::help::HelpArgs);
}

impl Verb {
    /// Whether it works whatever the config file says.
    pub(crate) fn needs_no_config(&self) -> bool {
        matches!(self, Self::Config(_) | Self::Completions(_) | Self::Man(_) | Self::Help(_))
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
            Self::Push(verb) => verb.run(context),
            Self::Pull(verb) => verb.run(context),
            Self::Reembed(verb) => verb.run(context),
            Self::Index(verb) => verb.run(context),
            Self::Database(verb) => verb.run(context),
            Self::Tenant(verb) => verb.run(context),
            #[cfg(feature = "serve")]
            Self::Token(verb) => verb.run(context),
            Self::Info(args) => args.run(context),
            Self::Check(verb) => verb.run(context),
            Self::Repair(verb) => verb.run(context),
            Self::Compact(verb::compact::CompactArgs {}) => verb::compact::CompactArgs::run(context),
            Self::Backup(verb) => verb.run(context),
            Self::Restore(verb) => verb.run(context),
            Self::Encrypt(verb) => verb.run(context),
            Self::Decrypt(verb) => verb.run(context),
            Self::Rekey(verb) => verb.run(context),
            #[cfg(feature = "serve")]
            Self::Serve(verb) => verb.run(context),
            #[cfg(feature = "serve")]
            Self::Browse(verb) => verb.run(context),
            #[cfg(feature = "serve")]
            Self::Ping(verb) => verb.run(context),
            #[cfg(feature = "mcp")]
            Self::Mcp(verb) => verb.run(context),
            Self::Embed(verb) => verb.run(context),
            Self::Model(verb) => verb.run(context),
            Self::Setup(verb) => verb.run(context),
            Self::Config(verb) => verb.run(context, faults),
            Self::Exec(_) | Self::Shell(_) => Err(Error::argument("exec and shell cannot run each other")),
            Self::Completions(verb) => verb.run(context),
            Self::Man(verb) => verb.run(context),
            Self::Help(verb) => verb.run(context),
        }
    }
}

/// Returns the tree of commands, which man pages and completions are made from.
#[must_use]
pub(crate) fn command() -> Command {
    with_variables(Cli::command())
}

/// Returns what of the tree these arguments can mean: to make all of it takes longer than many commands.
///
/// What it accepts means the same in the whole tree. Of what it refuses, or answers with a help, the whole tree has to be
/// asked; it is all there is to ask where this returns `None`.
#[must_use]
pub(crate) fn command_for(args: &[OsString]) -> Option<Command> {
    let mut names: Vec<&str> = args.iter().skip(1).filter_map(|arg| arg.to_str()).collect();
    names.sort_unstable();
    names.dedup();
    let verbs: Vec<Command> = names.into_iter().filter_map(verb).collect();
    if verbs.is_empty() {
        return None;
    }
    let tree = Command::new("huedb").subcommand_required(true).disable_help_subcommand(true);
    Some(with_variables(GlobalArgs::augment_args(tree).subcommands(verbs)))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    /// All that a verb and its own verbs take.
    fn shape(verb: &clap::Command) -> Vec<String> {
        let own = verb.get_arguments().map(|arg| format!("{} {arg:?}", verb.get_name()));
        let names = verb.get_all_aliases().chain([verb.get_name()]).map(str::to_owned);
        own.chain(names).chain(verb.get_subcommands().flat_map(shape)).collect()
    }

    #[test]
    fn a_verb_alone_is_the_same_as_in_the_whole_tree() {
        let mut whole = super::command();
        whole.build();
        for verb in whole.get_subcommands() {
            let mut part = super::command_for(&["huedb".into(), OsString::from(verb.get_name())]).unwrap();
            part.build();
            let part = part.find_subcommand(verb.get_name()).unwrap();
            assert_eq!(shape(verb), shape(part));
        }
        assert!(super::command_for(&["huedb".into(), "--version".into()]).is_none());
    }

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
