//! man/ and completions/ are what the arguments say. `UPDATE=1 cargo test --test generated` writes them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test is meant to panic")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap_complete::Shell;

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

#[test]
fn completions_are_what_the_arguments_say() {
    let made = [Shell::Elvish, Shell::PowerShell].map(|shell| {
        let mut bytes = Vec::new();
        clap_complete::generate(shell, &mut huedb::cli::command(), "huedb", &mut bytes);
        let name = match shell {
            Shell::PowerShell => "_huedb.ps1".to_owned(),
            Shell::Elvish => "huedb.elv".to_owned(),
            other => format!("huedb.{other}"),
        };
        (name, bytes)
    });
    // The others ask huedb itself; tests/cli/completion.rs has the shells run them.
    let written = ["huedb.bash", "_huedb", "huedb.fish"];
    let written = written.map(|name| (name.to_owned(), std::fs::read(root().join("completions").join(name)).unwrap()));
    check("completions", &[&made[..], &written[..]].concat());
}

#[test]
fn manual_pages_are_what_the_arguments_say() {
    let mut command = huedb::cli::command();
    command.build();
    let mut files = vec![page("huedb", &command)];
    files.extend(command.get_subcommands().map(|verb| page(&format!("huedb-{}", verb.get_name()), verb)));
    check("man", &files);
}

fn page(name: &str, command: &clap::Command) -> (String, Vec<u8>) {
    let mut bytes = Vec::new();
    let command = command.clone().name(name.to_owned()).version(env!("CARGO_PKG_VERSION"));
    clap_mangen::Man::new(command).date("").render(&mut bytes).unwrap();
    (format!("{name}.1"), bytes)
}
