//! man/ and completions/ are what the command prints, which is made from its arguments. `UPDATE=1 cargo test --test generated` writes them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test is meant to panic")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

#[path = "shared/help.rs"]
mod help;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Compares a folder with what it must hold, or makes it so.
fn check(folder: &str, files: &[(String, Vec<u8>)]) {
    let folder = root().join(folder);
    let update = std::env::var_os("UPDATE").is_some();
    let expected: BTreeSet<PathBuf> = files.iter().map(|(name, _)| folder.join(name)).collect();
    let found: BTreeSet<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    for extra in found.difference(&expected) {
        assert!(update, "{} belongs to no command; run UPDATE=1 cargo test --test generated", extra.display());
        std::fs::remove_file(extra).unwrap();
    }
    for (name, bytes) in files {
        let path = folder.join(name);
        if update {
            std::fs::write(&path, bytes).unwrap();
        }
        let same = std::fs::read(&path).is_ok_and(|found| found == *bytes);
        assert!(same, "{} is out of date; run UPDATE=1 cargo test --test generated", path.display());
    }
}

/// What a command prints.
fn printed(args: &[&str]) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_huedb")).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}");
    output.stdout
}

#[test]
fn completions_are_what_the_command_prints() {
    // Those for bash, zsh and fish are written by hand and ask huedb itself; tests/cli/completion.rs has the shells run them.
    let files = ["huedb.bash", "_huedb", "huedb.fish", "huedb.elv", "_huedb.ps1"];
    let shells = ["bash", "zsh", "fish", "elvish", "powershell"];
    let made = files.into_iter().zip(shells).map(|(file, shell)| (file.to_owned(), printed(&["completions", shell])));
    check("completions", &made.collect::<Vec<_>>());
}

#[test]
fn manual_pages_are_what_the_command_prints() {
    let verbs = help::commands(&[]);
    let pages = verbs.iter().map(|verb| (format!("huedb-{verb}.1"), printed(&["man", verb])));
    let topics = ["errors", "filters"].map(|topic| (format!("huedb-{topic}.7"), printed(&["man", topic])));
    let huedb = ("huedb.1".to_owned(), printed(&["man"]));
    check("man", &std::iter::once(huedb).chain(pages).chain(topics).collect::<Vec<_>>());
}

/// The names of the errors stand in the source once, and in the catalogue once.
#[test]
fn the_catalogue_of_errors_has_every_error() {
    let source = std::fs::read_to_string(root().join("src/error.rs")).unwrap();
    let page = std::fs::read_to_string(root().join("man/huedb-errors.7")).unwrap();
    let (_, variants) = source.split_once("pub enum Error {").unwrap();
    let (variants, _) = variants.split_once("\n}").unwrap();
    let variants: BTreeSet<&str> = variants
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.starts_with(char::is_uppercase))
        .map(|line| line.trim_end_matches([' ', '{', ',']))
        .collect();
    let headings = page.lines().filter_map(|line| line.strip_prefix(".B "));
    let listed: BTreeSet<&str> =
        headings.flat_map(|heading| heading.split(", ")).filter(|name| name.starts_with(char::is_uppercase)).collect();
    assert_eq!(listed, variants);
}
