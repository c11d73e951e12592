//! What is shown to who asks for help: an overview in groups, all commands, the options that all have, and what a command takes.
//!
//! Made from the tree of commands. Invariant: every command stands in one group, and a page of help names the options that all
//! commands have in one line.

use clap::{Arg, Command};

/// Commands in the order in which they are met; the first group is what a day begins with.
pub(crate) const GROUPS: [(&str, &[&str]); 9] = [
    ("Start here", &["sync", "import", "query", "get", "show"]),
    ("Collections", &["create", "list", "modify", "drop", "keys", "distinct", "stats", "plot", "browse"]),
    ("Records", &["add", "update", "upsert", "delete", "peek", "count", "search", "dedupe"]),
    ("In bulk", &["export", "push", "pull", "reembed", "index", "embed", "exec"]),
    ("The file", &["info", "check", "repair", "compact", "backup", "restore"]),
    ("Encryption", &["encrypt", "decrypt", "rekey"]),
    ("The server", &["serve", "mcp", "ping", "token", "tenant", "database"]),
    ("Models", &["model", "setup"]),
    ("This program", &["shell", "config", "completions", "man", "help"]),
];

pub(crate) const EXAMPLES: &str = "\
Examples:
  huedb create notes
  huedb sync notes ~/notes
  huedb query notes \"how do foxes move\" -n 5 --where 'year >= 2020'
";

const TOPICS: &str = "\
Help:
  huedb help COMMAND    what a command takes, with examples
  huedb help commands   all commands, a line each
  huedb help options    the options that all commands have
  huedb man TOPIC       data, searching, scripting, serving, models, ...
  huedb man filters     what --where understands
  huedb man errors      every error, and what to do

Exit codes:
  0 done or found, 1 nothing found (get, query), 2 usage or bad input,
  3 busy past --busy-timeout, 4 damaged file, 5 any other failure,
  130 interrupted
";

/// What `-h` shows of commands with many options, for it to fit a screen; `--help` shows all.
const OFTEN: [(&str, &[&str]); 6] = [
    (
        "query",
        &[
            "input",
            "limit",
            "max-distance",
            "best-per",
            "unique",
            "where",
            "columns",
            "full",
            "open",
            "like",
            "hybrid",
            "rerank",
        ],
    ),
    (
        "import",
        &[
            "create", "id", "document", "metadata", "types", "format", "encoding", "dry-run", "mode", "on-error",
            "chunk",
        ],
    ),
    (
        "serve",
        &["listen", "port", "read-only", "rate", "anonymous", "tls-cert", "tls-key", "trusted-proxy", "audit", "log"],
    ),
    ("create", &["space", "model", "no-model", "metadata", "get-or-create", "hybrid", "encrypt"]),
    ("export", &["all", "ids-from", "where", "no-embeddings", "columns", "compress", "force"]),
    ("update", &["id", "ids-from", "where", "document", "metadata", "uri", "dry-run"]),
];

/// The options that all commands have, in a line.
const GLOBALS: &str =
    "Also -d/--db, -o/--output, -q, -v and the other options that all commands have: `huedb help options`";

/// Returns the commands that a command stands among.
pub(crate) fn group_of(verb: &str) -> &'static [&'static str] {
    GROUPS.iter().find(|(_, verbs)| verbs.contains(&verb)).map_or(&[], |(_, verbs)| *verbs)
}

/// Returns the tree of commands as its help shows it: the overview for the whole, and for a command its own options.
pub(crate) fn readable(tree: Command) -> Command {
    let overview = overview(&tree);
    tree.mut_args(hidden).override_help(overview).mut_subcommands(with_globals)
}

/// A tree that was parsed with has the options of all commands in each.
fn hidden(arg: Arg) -> Arg {
    if arg.is_global_set() { arg.hide(true) } else { arg }
}

/// Adds the line that stands for the options of all commands, and leaves to `--help` what is seldom used of many options.
fn with_globals(verb: Command) -> Command {
    let name = verb.get_name().to_owned();
    let after = verb.get_after_help().map(|after| format!("{after}\n\n")).unwrap_or_default();
    let long = format!("{after}{GLOBALS}");
    let often = OFTEN.iter().find(|(verb, _)| *verb == name).map(|(_, often)| *often);
    let short =
        often.map_or_else(|| long.clone(), |_| format!("More options, and examples: `huedb {name} --help`\n{GLOBALS}"));
    let seldom = |arg: &Arg| arg.get_long().is_some_and(|long| often.is_some_and(|often| !often.contains(&long)));
    let verb = verb.mut_args(|arg| {
        let is_seldom = seldom(&arg) && arg.get_id() != "help";
        hidden(arg).hide_short_help(is_seldom)
    });
    verb.after_help(short).after_long_help(long).mut_subcommands(with_globals)
}

/// What `huedb` says by itself, on one screen.
pub(crate) fn overview(tree: &Command) -> String {
    let about = tree.get_about().map(ToString::to_string).unwrap_or_default();
    let mut groups = GROUPS.iter();
    let first = groups.next().map(|(group, verbs)| described(tree, group, verbs)).unwrap_or_default();
    let named = |(group, verbs): &(&str, &[&str])| {
        let verbs: Vec<&str> = verbs.iter().copied().filter(|verb| tree.find_subcommand(verb).is_some()).collect();
        format!("  {group:<13} {}", verbs.join(", "))
    };
    let others = groups.map(named).collect::<Vec<_>>().join("\n");
    format!("{about}\n\nUsage: huedb [OPTIONS] COMMAND\n{first}\nAll commands:\n{others}\n\n{EXAMPLES}\n{TOPICS}")
}

/// All commands, a line each.
pub(crate) fn commands(tree: &Command) -> String {
    GROUPS.iter().map(|(group, verbs)| described(tree, group, verbs)).collect::<String>().trim_start().to_owned()
}

fn described(tree: &Command, group: &str, verbs: &[&str]) -> String {
    let line = |verb: &Command| {
        let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
        format!("  {:<12} {about}", verb.get_name())
    };
    let lines: Vec<String> = verbs.iter().filter_map(|verb| tree.find_subcommand(verb).map(line)).collect();
    format!("\n{group}:\n{}\n", lines.join("\n"))
}

/// The options that all commands have.
pub(crate) fn options(tree: &Command) -> String {
    let globals = tree.get_arguments().filter(|arg| arg.is_global_set()).cloned();
    let mut only = Command::new("huedb").disable_help_flag(true).max_term_width(100).args(globals);
    only = only.help_template("Options that all commands have, before or after the command:\n\n{options}\n\nHUEDB_CONFIG names a file of defaults for them; `huedb config` shows what holds.\n");
    only.render_help().to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::cli::tree;

    #[test]
    fn every_command_stands_in_one_group() {
        let tree = tree::command();
        let known: BTreeSet<&str> = tree.get_subcommands().map(Command::get_name).collect();
        let grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, verbs)| verbs.iter().copied()).collect();
        let set: BTreeSet<&str> = grouped.iter().copied().collect();
        assert_eq!(grouped.len(), set.len());
        if cfg!(feature = "serve") {
            assert_eq!(set, known);
        }
    }

    #[test]
    fn the_overview_fits_a_screen() {
        let overview = overview(&tree::command());
        assert!(overview.lines().count() <= 40, "{overview}");
        assert!(overview.lines().all(|line| line.chars().count() <= 80), "{overview}");
    }

    /// Of a terminal of 120 columns and 40 lines, the last of which is the prompt.
    #[test]
    fn what_h_says_of_a_command_fits_a_screen() {
        let tree = readable(tree::command().max_term_width(100).term_width(100));
        let verbs: Vec<String> = tree.get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
        for verb in verbs {
            let error = tree.clone().try_get_matches_from(["huedb", &verb, "-h"]).unwrap_err();
            let page = error.render().to_string();
            assert!(page.lines().count() < 40, "{} lines:\n{page}", page.lines().count());
        }
        // What is shown is there, and the rest is a word away.
        for (verb, often) in OFTEN {
            if let Some(verb) = tree.find_subcommand(verb) {
                let known: Vec<&str> = verb.get_arguments().filter_map(Arg::get_long).collect();
                assert!(often.iter().all(|long| known.contains(long)), "{}: {known:?}", verb.get_name());
            }
        }
    }

    #[test]
    fn a_page_of_a_command_names_the_options_of_all_in_one_line() {
        let mut tree = readable(tree::command());
        for path in [&["list"][..], &["query"], &["index", "build"]] {
            let error = tree.try_get_matches_from_mut(["huedb"].iter().chain(path).chain(&["-h"])).unwrap_err();
            let page = error.render().to_string();
            assert!(page.contains(GLOBALS) && !page.contains("--busy-timeout"), "{page}");
        }
        assert!(options(&tree::command()).contains("--busy-timeout"));
    }
}
