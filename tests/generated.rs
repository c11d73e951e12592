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
    let found = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    // The guides are what their pages are made from.
    let found: BTreeSet<PathBuf> = found.filter(|path| path.extension().is_none_or(|kind| kind != "md")).collect();
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
    let mut all: Vec<Vec<String>> = Vec::new();
    for verb in help::commands(&[]) {
        let below = help::commands(&[&verb]);
        all.push(vec![verb.clone()]);
        all.extend(below.into_iter().map(|below| vec![verb.clone(), below]));
    }
    let page = |words: Vec<String>| {
        let args: Vec<&str> = std::iter::once("man").chain(words.iter().map(String::as_str)).collect();
        (format!("huedb-{}.1", words.join("-")), printed(&args))
    };
    let pages = all.into_iter().map(page);
    let topics =
        ["data", "searching", "scripting", "serving", "places", "models", "chroma", "storage", "errors", "filters"]
            .map(|topic| (format!("huedb-{topic}.7"), printed(&["man", topic])));
    let huedb = ("huedb.1".to_owned(), printed(&["man"]));
    check("man", &std::iter::once(huedb).chain(pages).chain(topics).collect::<Vec<_>>());
}

/// Every variable that the source reads is on the page of huedb itself.
#[test]
fn the_manual_names_every_variable_of_the_environment() {
    let pages =
        ["huedb.1", "huedb-serve.1"].map(|name| std::fs::read_to_string(root().join("man").join(name)).unwrap());
    let mut folders = vec![root().join("src")];
    let mut found = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                let quoted = text.split('"').filter(|word| word.starts_with("HUEDB_") && !word.contains([' ', '{']));
                found.extend(quoted.map(str::to_owned));
            }
        }
    }
    let of_tests = ["HUEDB_TEST", "HUEDB_SEED", "HUEDB_MUTATIONS", "HUEDB_TEXTS"];
    found.retain(|name| !of_tests.iter().any(|test| name.starts_with(test)));
    assert!(found.contains("HUEDB_CONFIG") && found.contains("HUEDB_FILE"), "{found:?}");
    let missing: Vec<&String> = found.iter().filter(|name| !pages.concat().contains(name.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");
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
    let terms = page.split(".TP\n.B ").skip(1).filter_map(|item| item.lines().next());
    let names =
        terms.flat_map(|names| names.split(", ")).filter(|name| !name.starts_with(|c: char| c.is_ascii_digit()));
    let listed: BTreeSet<String> = names.map(str::to_owned).collect();
    let of_the_command = ["usage", "fault"].map(str::to_owned);
    let known: BTreeSet<String> = variants.into_iter().map(in_messages).chain(of_the_command).collect();
    assert_eq!(listed, known);
}

/// The name of an error as messages have it: `CollectionNotFound` is `collection_not_found`.
fn in_messages(variant: &str) -> String {
    let word = |c: char| if c.is_uppercase() { format!("_{}", c.to_lowercase()) } else { c.to_string() };
    variant.chars().map(word).collect::<String>().trim_start_matches('_').to_owned()
}
