//! The README and the guides are true: their console blocks run and print what they show, their links and flags exist.
//!
//! `UPDATE=1 cargo test --test readme` writes what the commands print into the blocks. The blocks of all share one folder and
//! run in order. Distances need only be near, since engines differ, and times are not compared.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test is meant to panic")]

use std::path::Path;
use std::process::Command;

use self::agree::agree;

#[path = "shared/agree.rs"]
mod agree;
#[path = "shared/help.rs"]
mod help;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// In the order in which their blocks run.
const DOCUMENTS: [&str; 9] = [
    "README.md",
    "man/data.md",
    "man/searching.md",
    "man/scripting.md",
    "man/serving.md",
    "man/places.md",
    "man/models.md",
    "man/chroma.md",
    "man/storage.md",
];

fn read(document: &str) -> String {
    std::fs::read_to_string(root().join(document)).unwrap()
}

/// Runs one line of a block as a shell would and returns what a terminal would show.
fn run(line: &str, folder: &Path) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_huedb")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-c", &format!("{{ {line}\n}} 2>&1")])
        .current_dir(folder)
        .env("PATH", path)
        .env_remove("HUEDB_FILE")
        .env("HUEDB_CONFIG", "")
        .env("HUEDB_CACHE_DIR", folder.join("cache"))
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    // Said where ONNX Runtime is not installed; the README shows it installed.
    shown.split_inclusive('\n').filter(|line| !line.starts_with("embedding with rten")).collect()
}

/// Runs every block and returns the document as it should be.
fn rewritten(document: &str, folder: &Path) -> String {
    let (mut out, mut in_block) = (String::new(), false);
    for line in document.lines() {
        if line.starts_with("```") {
            in_block = line == "```console";
        }
        match line.strip_prefix("$ ").filter(|_| in_block) {
            Some(command) => {
                out.extend([line, "\n"]);
                out.push_str(&run(command, folder));
            }
            None if in_block && line != "```console" => {}
            None => out.extend([line, "\n"]),
        }
        assert!(!in_block || out.ends_with('\n'), "the output of {line} has no last line end");
    }
    out
}

#[test]
fn console_blocks_print_what_they_show() {
    let folder = tempfile::TempDir::new().unwrap();
    std::os::unix::fs::symlink(root().join("fixtures"), folder.path().join("fixtures")).unwrap();
    for document in DOCUMENTS {
        let found = read(document);
        let expected = rewritten(&found, folder.path());
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(root().join(document), expected).unwrap();
            continue;
        }
        for (shown, printed) in found.lines().zip(expected.lines()) {
            let help = "is out of date; run UPDATE=1 cargo test --test readme";
            assert!(agree(shown, printed), "{document} {help}\nshown:   {shown}\nprinted: {printed}");
        }
        assert_eq!(found.lines().count(), expected.lines().count(), "{document}");
    }
}

/// Links to files lead to files, and those to headings to headings.
#[test]
fn links_lead_somewhere() {
    for document in DOCUMENTS {
        let text = read(document);
        let anchor = |line: &str| {
            let words = line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
            words.chars().filter(|c| c.is_alphanumeric() || *c == '-').collect::<String>()
        };
        let headings: Vec<String> = text.lines().filter(|line| line.starts_with("## ")).map(anchor).collect();
        for (_, rest) in text.match_indices("](").map(|(at, _)| text.split_at(at + 2)) {
            let address = rest.split(')').next().unwrap();
            match address.strip_prefix('#') {
                Some(heading) => assert!(headings.iter().any(|known| known == heading), "{document}: {address}"),
                None if address.contains("://") => {}
                None => {
                    let path = root().join(document).parent().unwrap().join(address);
                    assert!(path.exists(), "{document}: {address}");
                }
            }
        }
    }
}

#[test]
fn files_that_are_named_exist() {
    for name in ["src/store/table.rs", "fixtures/models/all-MiniLM-L6-v2", "fixtures/corpus/facts.csv", "Makefile"] {
        assert!(root().join(name).exists(), "{name}");
    }
}

#[test]
fn flags_that_are_named_exist() {
    let verbs = help::commands(&[]);
    let documents = DOCUMENTS.map(read).concat();
    for line in documents.lines().filter_map(|line| line.strip_prefix("$ huedb ")) {
        let line = line.split([';', '|', '>']).next().unwrap();
        let verb = line.split(' ').find(|word| verbs.iter().any(|verb| verb == word));
        let verb = verb.unwrap_or_else(|| panic!("no verb in {line}"));
        // `index build` and its like have the flags of the second word.
        let second = help::commands(&[verb]).into_iter().find(|second| line.split(' ').any(|word| word == second));
        let args: Vec<&str> = std::iter::once(verb).chain(second.as_deref()).collect();
        let known = help::flags(&args);
        let flags = line.split(' ').filter_map(|word| word.strip_prefix("--"));
        for flag in flags {
            assert!(known.iter().any(|known| known == flag), "--{flag} in {line}");
        }
    }
}

#[test]
fn the_demo_runs() {
    let folder = tempfile::TempDir::new().unwrap();
    let output = Command::new("sh")
        .arg(root().join("fixtures/demo.sh"))
        .arg(env!("CARGO_BIN_EXE_huedb"))
        .arg(folder.path())
        .env_remove("HUEDB_RUNTIME")
        .output()
        .unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{shown}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(shown.contains("animals-001"), "{shown}");
}
