//! The first steps of a new user, typed in a terminal of 80 columns and in one of 120: all that is shown is compared.
//!
//! `steps/steps.txt` has what is typed, `steps/80x24.txt` and `steps/120x40.txt` what is shown, as a terminal shows it.
//! `UPDATE=1 cargo test --test cli steps` writes them. Invariant: a step sees what the steps before it have done.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::pty::{Winsize, openpty};

use crate::agree::agree;

/// A command, and what is typed while it runs.
struct Step {
    command: String,
    typed: Vec<String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/steps")
}

fn steps() -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in fs::read_to_string(folder().join("steps.txt")).unwrap().lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step { command: command.to_owned(), typed: Vec::new() });
        } else if let Some(typed) = line.strip_prefix("< ") {
            steps.last_mut().unwrap().typed.push(typed.to_owned());
        } else {
            assert!(line.is_empty() || line.starts_with("# "), "{line}");
        }
    }
    steps
}

/// Runs a step as a shell does at a prompt, and returns what its terminal shows.
fn shown(step: &Step, home: &Path, (rows, columns): (u16, u16)) -> String {
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    let ends = openpty(Some(&size), None).unwrap();
    let (mut keyboard, mut screen): (File, File) = (ends.master.try_clone().unwrap().into(), ends.master.into());
    let slave: File = ends.slave.into();
    let stdio = || Stdio::from(slave.try_clone().unwrap());
    let program = Path::new(env!("CARGO_BIN_EXE_huedb")).parent().unwrap();
    let mut command = Command::new("timeout");
    command
        .args(["--foreground", "60", "sh", "-c", &step.command])
        .current_dir(home)
        .stdin(stdio())
        .stdout(stdio())
        .stderr(stdio());
    command.env_clear().env("PATH", format!("{}:{}", program.display(), std::env::var("PATH").unwrap()));
    command.env("HOME", home).env("LC_ALL", "C.UTF-8").env("TERM", "xterm-256color").env("HUEDB_CONFIG", "");
    let mut child = command.spawn().unwrap();
    drop((command, slave));
    let mut typed = step.typed.iter();
    // All of it at once, however long, so that nothing scrolls away.
    let mut terminal = vt100::Parser::new(4000.try_into().unwrap(), columns.try_into().unwrap(), 0);
    let mut buffer = [0; 4096];
    // A terminal that nobody holds any more ends with an error.
    while let Ok(read @ 1..) = screen.read(&mut buffer) {
        terminal.process(&buffer[..read]);
        // What is typed before it is asked for may be lost.
        if terminal.screen().contents().trim_end().ends_with(['>', ']'])
            && let Some(line) = typed.next()
        {
            keyboard.write_all(format!("{line}\n").as_bytes()).unwrap();
        }
    }
    child.wait().unwrap();
    terminal.screen().contents().lines().map(|line| without_ids(line.trim_end()) + "\n").collect()
}

/// Hides what no two collections have in common.
fn without_ids(line: &str) -> String {
    let is_uuid = |word: &&str| word.len() == 36 && word.matches('-').count() == 4;
    line.split(' ').find(is_uuid).map_or_else(|| line.to_owned(), |uuid| line.replace(uuid, "(a UUID)"))
}

fn walk(size: (u16, u16), file: &str) {
    // A path as long as any other time, since lines are broken by their lengths.
    let home = tempfile::Builder::new().prefix("steps-").rand_bytes(6).tempdir_in("/tmp").unwrap();
    prepare(home.path());
    let name = home.path().file_name().unwrap().to_str().unwrap();
    let mut text = String::new();
    for step in steps() {
        let shown = shown(&step, home.path(), size).replace(name, "steps-......");
        text.extend(["$ ", &step.command, "\n", shown.trim_end_matches('\n'), "\n"]);
    }
    let path = folder().join(file);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &text).unwrap();
        return;
    }
    let expected = fs::read_to_string(&path).unwrap();
    let help = "is out of date; run UPDATE=1 cargo test --test cli steps";
    let mut command = "";
    for (expected, shown) in expected.lines().zip(text.lines()) {
        command = if expected.starts_with("$ ") { expected } else { command };
        assert!(agree(expected, shown), "{file} {help}\n{command}\nexpected: {expected}\nshown:    {shown}");
    }
    assert_eq!(expected.lines().count(), text.lines().count(), "{file} {help}");
}

/// What somebody else has put there.
fn prepare(home: &Path) {
    let write = |name: &str, content: &[u8]| fs::write(home.join(name), content).unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    fs::create_dir(home.join("docs")).unwrap();
    fs::copy(fixtures.join("models/all-MiniLM-L6-v2/README.md"), home.join("docs/model.md")).unwrap();
    write("docs/apt.md", b"# Using a proxy\n\nSet Acquire::http::Proxy in apt.conf to have apt use a proxy.\n\n# Pinning\n\nPriorities decide which version of a package is installed.\n");
    write("docs/picture.bin", &[0, 159, 146, 150, 0, 1]);
    write("shop.csv", b"sku,title,body,price,added\na1,Kettle,\"Boils a litre, in three minutes\",29.90,2026-11-02\nb2,Blanket,Keeps warm in winter,49.00,2026-11-20\nc3,Socks,Warm feet for cold evenings,9.50,2026-11-25\n");
    // A German shop's, three times as others write it.
    let german = "Artikel;Beschreibung;Preis\r\nKissen;\"Weich; für kalte Füße\";12,50\r\nLampe;Warmes Licht;49,90\r\n";
    write("bom.csv", format!("\u{feff}{german}").as_bytes());
    let latin: Vec<u8> = german.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    write("latin.csv", &latin);
    write("pipe.csv", b"Product Title |Description |Price\nPillow |Soft, for cold feet |12\nLamp |Warm light |49\n");
    write("tab.txt", b"title\tbody\nPillow\tSoft\nLamp\tWarm light\n");
    write("nested.jsonl", b"{\"id\":\"u1\",\"body\":{\"text\":\"deploy failed\"},\"user\":{\"login\":\"ann\"}}\n{\"id\":\"u2\",\"body\":{\"text\":\"fixed the deploy\"},\"user\":{\"login\":\"bob\"}}\n");
}

#[test]
fn in_a_terminal_of_80_columns() {
    walk((24, 80), "80x24.txt");
}

#[test]
fn in_a_terminal_of_120_columns() {
    walk((40, 120), "120x40.txt");
}
