//! `huedb completions`: prints the committed files, which `tests/generated.rs` keeps equal to the arguments.

use clap::{Args, ValueEnum};

use super::context::Context;
use super::exit::Status;

/// Print the completions for a shell
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb completions bash > ~/.local/share/bash-completion/completions/huedb
  huedb completions zsh > ~/.zfunc/_huedb
  huedb completions fish > ~/.config/fish/completions/huedb.fish")]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
    Elvish,
    Powershell,
}

impl Completions {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Status> {
        let file = match self.shell {
            Shell::Bash => include_str!("../../completions/huedb.bash"),
            Shell::Zsh => include_str!("../../completions/_huedb"),
            Shell::Fish => include_str!("../../completions/huedb.fish"),
            Shell::Elvish => include_str!("../../completions/huedb.elv"),
            Shell::Powershell => include_str!("../../completions/_huedb.ps1"),
        };
        context.write(file.as_bytes())?;
        Ok(Status::Done)
    }
}
