//! What `huedb __complete SHELL ...` answers, which the scripts of bash, zsh and fish ask.

use std::ffi::OsString;
use std::path::Path;

use super::candidates::{CompletionCandidates, candidates};
use super::shell_words::ShellWords;
use crate::cli::configuration::defaults::Defaults;
use crate::cli::process::panic;

/// Returns whether a script asks.
pub(crate) fn is_asked(args: &[OsString]) -> bool {
    args.get(1).is_some_and(|request| request == "__complete")
}

/// Returns the answer when a script asks what fits; a line for each candidate, and `:files` where files do.
///
/// bash sends the line up to the cursor and its word breaks; the others send the words, the last of them unfinished.
pub(crate) fn answer(defaults: &Defaults, args: &[OsString]) -> Option<String> {
    let text: Vec<_> = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let [_, _, shell, rest @ ..] = text.as_slice() else { return None };
    if !is_asked(args) {
        return None;
    }
    let work = || {
        Ok(match (shell.as_str(), rest) {
            ("bash", [line, breaks]) => for_bash(defaults, line, breaks),
            ("zsh", words) => described(&candidates(defaults, words)),
            ("fish", [words @ .., last]) => {
                let last = ShellWords::before_cursor(last).current.text;
                described(&candidates(defaults, &[words, &[last]].concat()))
            }
            _ => String::new(),
        })
    };
    // A damaged file has no names, and this is no place to say so.
    Some(panic::guarded(Path::new(""), work).unwrap_or_default())
}

fn for_bash(defaults: &Defaults, line: &str, breaks: &str) -> String {
    let ShellWords { before, current } = ShellWords::before_cursor(line);
    let assigned = before.iter().take_while(|word| is_assignment(word)).count();
    let words: Vec<_> = before.into_iter().skip(assigned + 1).chain([current.text.clone()]).collect();
    let CompletionCandidates { words, files } = candidates(defaults, &words);
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

fn described(candidates: &CompletionCandidates) -> String {
    let mut answer = String::new();
    for (value, help) in &candidates.words {
        answer.extend([value.as_str(), "\t", help, "\n"]);
    }
    if candidates.files {
        answer.push_str(":files\n");
    }
    answer
}
