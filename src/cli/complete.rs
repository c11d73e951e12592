//! `huedb completions`, and the answers to the scripts it prints.
//!
//! The scripts for bash, zsh and fish ask `huedb __complete SHELL ...` what fits, so that names come from the file; those for
//! the other shells are made of the arguments, which `tests/generated.rs` keeps equal.

use std::ffi::OsString;
use std::path::Path;

use clap::{Args, ValueEnum};

use super::candidate::{Candidates, candidates};
use super::context::Context;
use super::crash;
use super::defaults::Defaults;
use super::exit::Status;
use super::word::Words;

/// Print the completions for a shell
///
/// Those for bash, zsh and fish also complete the names of collections, metadata keys, tenants, databases and models.
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

/// Returns the answer when a script asks what fits; a line for each candidate, and `:files` where files do.
///
/// bash sends the line up to the cursor and its word breaks; the others send the words, the last of them unfinished.
pub(super) fn answer(defaults: &Defaults, args: &[OsString]) -> Option<String> {
    let text: Vec<_> = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let [_, request, shell, rest @ ..] = text.as_slice() else { return None };
    if request != "__complete" {
        return None;
    }
    let work = || {
        Ok(match (shell.as_str(), rest) {
            ("bash", [line, breaks]) => for_bash(defaults, line, breaks),
            ("zsh", words) => described(&candidates(defaults, words)),
            ("fish", [words @ .., last]) => {
                let last = Words::before_cursor(last).current.text;
                described(&candidates(defaults, &[words, &[last]].concat()))
            }
            _ => String::new(),
        })
    };
    // A damaged file has no names, and this is no place to say so.
    Some(crash::guarded(Path::new(""), work).unwrap_or_default())
}

fn for_bash(defaults: &Defaults, line: &str, breaks: &str) -> String {
    let Words { before, current } = Words::before_cursor(line);
    let assigned = before.iter().take_while(|word| is_assignment(word)).count();
    let words: Vec<_> = before.into_iter().skip(assigned + 1).chain([current.text.clone()]).collect();
    let Candidates { words, files } = candidates(defaults, &words);
    let mut answer = String::new();
    for quoted in words.iter().filter_map(|(value, _)| current.completed_for_bash(value, breaks)) {
        answer.extend([quoted.as_str(), "\n"]);
    }
    if files {
        answer.push_str(":files\n");
    }
    answer
}

/// As in `HUEDB_FILE=x huedb list`.
fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
}

fn described(candidates: &Candidates) -> String {
    let mut answer = String::new();
    for (value, help) in &candidates.words {
        answer.extend([value.as_str(), "\t", help, "\n"]);
    }
    if candidates.files {
        answer.push_str(":files\n");
    }
    answer
}
