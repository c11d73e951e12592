//! Chroma's own clients, unchanged.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::running::Running;

/// Where `make clients` puts them.
fn installed(what: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/clients").join(what);
    path.exists().then_some(path)
}

fn passes(command: &mut Command) {
    let output = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && stdout.ends_with("done\n"), "{stdout}{stderr}");
}

#[test]
fn the_python_client_works() {
    let Some(python) = installed("python/bin/python") else {
        eprintln!("not run, for `make clients` was not: the_python_client_works");
        return;
    };
    let server = Running::start(&[]);
    let scenario = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/serve/clients/scenario.py");
    passes(Command::new(python).arg(scenario).arg(&server.address));
}

#[test]
fn the_javascript_client_works() {
    let Some(modules) = installed("javascript/node_modules") else {
        eprintln!("not run, for `make clients` was not: the_javascript_client_works");
        return;
    };
    let server = Running::start(&[]);
    // Modules are looked for beside the script.
    let beside = modules.parent().unwrap().join(format!("scenario-{}.mjs", std::process::id()));
    std::fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/serve/clients/scenario.mjs"), &beside).unwrap();
    passes(Command::new("node").arg(&beside).arg(&server.address));
    std::fs::remove_file(beside).unwrap();
}
