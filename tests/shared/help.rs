//! What `--help` lists: the commands and the flags of a command.

use std::process::Command;

/// Returns the verbs, or the commands of a verb that has some, as its help lists them.
pub(crate) fn commands(args: &[&str]) -> Vec<String> {
    let help = if args.is_empty() { printed(&["help", "commands"]) } else { help(args) };
    let listed =
        if args.is_empty() { &help } else { help.split_once("\nCommands:\n").map_or("", |(_, listed)| listed) };
    // The groups of all verbs are parted by empty lines; those of a verb end with one.
    let listed = listed.lines().take_while(|line| args.is_empty() || !line.is_empty());
    // A long description goes on in lines that begin farther right.
    let named = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    named.filter_map(|line| Some(line.split_whitespace().next()?.to_owned())).collect()
}

/// Returns the long flags, as the help lists them.
#[allow(dead_code, reason = "not every suite asks for them")]
pub(crate) fn flags(args: &[&str]) -> Vec<String> {
    let help = help(args) + &printed(&["help", "options"]);
    let lines = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
    let long = lines.filter_map(|line| line.split([' ', ',', '=', '[']).find_map(|word| word.strip_prefix("--")));
    long.map(str::to_owned).collect()
}

fn help(args: &[&str]) -> String {
    printed(&[args, &["--help"]].concat())
}

fn printed(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_huedb")).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}");
    String::from_utf8(output.stdout).unwrap()
}
