//! `huedb completions`, and the answers to the scripts it prints.
//!
//! The scripts for bash, zsh and fish ask `huedb __complete SHELL ...` what fits, so that names come from the file; those for
//! the other shells are made of the arguments, which `tests/generated.rs` keeps equal.

use clap::{Args, ValueEnum};
use huedb::error::Result;

use crate::cli::context::command::Context;
use crate::cli::process::exit::Status;

/// Print the completion script for a shell
///
/// The scripts for bash, zsh and fish also complete the names of collections, metadata keys, tenants, databases and models.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb completions bash > ~/.local/share/bash-completion/completions/huedb
  huedb completions zsh > ~/.zfunc/_huedb
  huedb completions fish > ~/.config/fish/completions/huedb.fish")]
pub(crate) struct CompletionsArgs {
    /// Shell
    #[arg(value_enum)]
    shell: ShellName,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ShellName {
    Bash,
    Zsh,
    Fish,
    Elvish,
    Powershell,
}

impl CompletionsArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        let file = match self.shell {
            ShellName::Bash => include_str!("../../../completions/huedb.bash"),
            ShellName::Zsh => include_str!("../../../completions/_huedb"),
            ShellName::Fish => include_str!("../../../completions/huedb.fish"),
            ShellName::Elvish => return made(clap_complete::Shell::Elvish, context),
            ShellName::Powershell => return made(clap_complete::Shell::PowerShell, context),
        };
        context.write(file.as_bytes())?;
        Ok(Status::Done)
    }
}

/// Writes completions that are made from the arguments.
fn made(shell: clap_complete::Shell, context: &mut Context) -> Result<Status> {
    let mut file = Vec::new();
    clap_complete::generate(shell, &mut context.invocation.0.plain_tree(), "huedb", &mut file);
    context.write(&file)?;
    Ok(Status::Done)
}
