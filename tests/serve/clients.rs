//! Chroma's own clients, unchanged.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::running::Running;

/// Where `make clients` puts them.
pub(crate) fn installed(what: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/clients").join(what);
    path.exists().then_some(path)
}

pub(crate) fn passes(command: &mut Command) {
    let output = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && stdout.ends_with("done\n"), "{stdout}{stderr}");
}

#[test]
fn the_python_client_works() {
    python_scenario("the_python_client_works", || Running::start(&[]));
}

/// Runs what the Python client does on a server.
pub(crate) fn python_scenario(test: &str, start: impl FnOnce() -> Running) {
    let Some(python) = installed("python/bin/python") else {
        eprintln!("not run, for `make clients` was not: {test}");
        return;
    };
    let server = start();
    let scenario = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/serve/clients/scenario.py");
    passes(Command::new(python).arg(scenario).arg(&server.address));
}

/// Returns the guide's example in a language, for the address of a server.
fn example(language: &str, address: &str) -> String {
    let guide = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/man/serving.md")).unwrap();
    let (_, rest) = guide.split_once(&format!("```{language}\n")).unwrap();
    let (_, port) = address.rsplit_once(':').unwrap();
    rest.split_once("```").unwrap().0.replace("8000", port)
}

/// Runs it; it prints what its last line says.
fn prints(command: &mut Command, example: &str) {
    let output = command.output().unwrap();
    let expected = example.trim().lines().last().unwrap().rsplit_once(['#', '/']).unwrap().1.trim();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said.trim(), expected, "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_python_example_of_the_guide_runs() {
    let Some(python) = installed("python/bin/python") else {
        eprintln!("not run, for `make clients` was not: the_python_example_of_the_guide_runs");
        return;
    };
    let server = Running::start(&[]);
    let example = example("python", &server.address);
    prints(Command::new(python).args(["-c", &example]), &example);
}

#[test]
fn the_javascript_example_of_the_guide_runs() {
    let Some(modules) = installed("javascript/node_modules") else {
        eprintln!("not run, for `make clients` was not: the_javascript_example_of_the_guide_runs");
        return;
    };
    let server = Running::start(&[]);
    let example = example("javascript", &server.address);
    let beside = modules.parent().unwrap().join(format!("example-{}.mjs", std::process::id()));
    std::fs::write(&beside, &example).unwrap();
    prints(Command::new("node").arg(&beside), &example);
    std::fs::remove_file(beside).unwrap();
}

/// Returns a server that asks for tokens, a reader's token and one of a writer in a database of its own.
fn guarded() -> (Running, String, String) {
    let server = Running::start(&[]);
    let notes = server.collection("notes");
    server.post(&format!("{notes}/add"), &json!({"ids": ["a"], "embeddings": [[1, 0]]}));
    server.ok(&["tenant", "create", "acme"]);
    server.ok(&["--tenant", "acme", "database", "create", "main"]);
    let reader = server.token(&["ann", "--role", "reader", "--tenant", "default_tenant"]);
    let writer = server.token(&["ci", "--role", "writer", "--tenant", "acme", "--database", "main"]);
    server.until("an answer of 401", |server| server.get("/api/v2/auth/identity").status == 401);
    (server, reader, writer)
}

#[test]
fn the_python_client_sends_tokens_in_every_way() {
    let Some(python) = installed("python/bin/python") else {
        eprintln!("not run, for `make clients` was not: the_python_client_sends_tokens_in_every_way");
        return;
    };
    let (server, reader, writer) = guarded();
    let scenario = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/serve/clients/tokens.py");
    passes(Command::new(python).arg(scenario).args([&server.address, &reader, &writer]));
}

#[test]
fn the_javascript_client_sends_tokens_in_every_way() {
    let Some(modules) = installed("javascript/node_modules") else {
        eprintln!("not run, for `make clients` was not: the_javascript_client_sends_tokens_in_every_way");
        return;
    };
    let (server, reader, writer) = guarded();
    let beside = modules.parent().unwrap().join(format!("tokens-{}.mjs", std::process::id()));
    std::fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/serve/clients/tokens.mjs"), &beside).unwrap();
    passes(Command::new("node").arg(&beside).args([&server.address, &reader, &writer]));
    std::fs::remove_file(beside).unwrap();
}

#[test]
fn the_javascript_client_works() {
    javascript_scenario("the_javascript_client_works", || Running::start(&[]));
}

/// Runs what the JavaScript client does on a server.
pub(crate) fn javascript_scenario(test: &str, start: impl FnOnce() -> Running) {
    let Some(modules) = installed("javascript/node_modules") else {
        eprintln!("not run, for `make clients` was not: {test}");
        return;
    };
    let server = start();
    // Modules are looked for beside the script.
    let beside = modules.parent().unwrap().join(format!("{test}-{}.mjs", std::process::id()));
    std::fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/serve/clients/scenario.mjs"), &beside).unwrap();
    passes(Command::new("node").arg(&beside).arg(&server.address));
    std::fs::remove_file(beside).unwrap();
}

#[test]
fn the_python_client_of_the_model_context_protocol_works() {
    // One that was installed before this client was among them lacks it.
    let has_client = |python: &PathBuf| {
        Command::new(python).args(["-c", "import mcp"]).output().is_ok_and(|output| output.status.success())
    };
    let Some(python) = installed("python/bin/python").filter(has_client) else {
        eprintln!("not run, for `make clients` was not: the_python_client_of_the_model_context_protocol_works");
        return;
    };
    let folder = TempDir::new().unwrap();
    let audit = folder.path().join("audit.jsonl");
    let server = Running::over(folder, &["--audit", audit.to_str().unwrap()]);
    let rows = [("fox", "a red fox", 2021), ("dog", "a lazy dog", 2022), ("cat", "a quiet cat", 2023)];
    let rows = rows.map(|(id, text, year)| json!({"id": id, "document": text, "metadata": {"year": year}}).to_string());
    std::fs::write(server.path("rows.jsonl"), rows.join("\n")).unwrap();
    let rows = server.path("rows.jsonl").display().to_string();
    for name in ["notes", "secret"] {
        server.ok(&["create", name, "--model", "hash-64"]);
        server.ok(&["import", name, &rows]);
    }
    server.ok(&["index", "build", "notes", "--hybrid"]);
    let reader = server.token(&["reads", "--role", "reader", "--collection", "notes"]);
    let writer = server.token(&["writes", "--role", "writer", "--collection", "notes"]);
    let part = ["part", "--role", "writer", "--collection", "notes", "--where", "year >= 2022"];
    let part = server.token(&part);
    server.until("an answer of 401", |server| server.get("/api/v2/auth/identity").status == 401);
    std::fs::create_dir(server.path("texts")).unwrap();
    std::fs::write(server.path("texts/a.md"), "what sync reads").unwrap();
    std::fs::write(server.path("texts/b.txt"), "what it does not").unwrap();
    let scenario = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/serve/clients/agent.py");
    let mut command = Command::new(python);
    command.arg(scenario).arg(env!("CARGO_BIN_EXE_huedb")).arg(server.db()).arg(server.path("texts"));
    passes(command.args([&server.address, &reader, &writer, &part]).env("HUEDB_CONFIG", "/dev/null"));
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    assert_eq!(server.post("/mcp", &hello).status, 401);
    // What was done to what is in the audit trail, as it is of every other route.
    for (subject, action, collection, result) in [
        ("reads", "collection:query", "notes", "allowed"),
        ("reads", "collection:query", "secret", "denied"),
        ("writes", "collection:add", "notes", "allowed"),
        ("writes", "collection:delete", "secret", "denied"),
        ("part", "collection:add", "notes", "denied"),
        ("part", "collection:get", "notes", "allowed"),
    ] {
        let line =
            json!({"route": "/mcp", "subject": subject, "action": action, "collection": collection, "result": result});
        let says = |told: &str| {
            let told: Json = serde_json::from_str(told).unwrap_or_default();
            line.as_object().unwrap().iter().all(|(key, value)| told[key] == *value)
        };
        server.until(&line.to_string(), |_| std::fs::read_to_string(&audit).unwrap().lines().any(says));
    }
}
