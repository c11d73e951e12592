//! Collections pushed to a server and to PostgreSQL, and pulled back: the same records, in the same order.

use std::path::Path;
use std::process::Command;

use huedb::serve::{ServeOptions, Server};
use huedb::store::{Access, Store};
use tempfile::TempDir;

use crate::postgres_server::Postgres;

/// Metadata of every type, ids and texts of many alphabets, and zero vectors.
const ROWS: &str = r#"{"id":"ö 1","document":"text one 💙\nand more","metadata":{"n":1,"f":1.0,"big":9007199254740993,"b":true,"s":"x","list":[1,2],"fl":[1.5,2.0]},"embedding":[0.1,-2.5,3e-7]}
{"id":"a\"b","document":"","uri":"file:a","metadata":{"n":-1,"small":1e-300,"words":["a","b"]},"embedding":[0,0,0]}
{"id":"Z","metadata":{"n":2.0},"embedding":[1,2,3]}
{"id":"z","embedding":[3.4e38,1e-45,-0.0]}
"#;

/// Runs a command in a folder; returns what it printed and said.
fn run(folder: &Path, args: &[&str]) -> (String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_huedb"));
    command.args(args).current_dir(folder).env("HUEDB_CONFIG", "").env("HUEDB_FILE", "here.redb");
    for variable in ["HUEDB_KEY_FILE", "HUEDB_KEY_COMMAND", "HUEDB_TOKEN"] {
        command.env_remove(variable);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{args:?}: {said}");
    (String::from_utf8(output.stdout).unwrap(), said)
}

fn there_and_back(place: &str) {
    let folder = TempDir::new().unwrap();
    let ok = |args: &[&str]| run(folder.path(), args).0;
    let said = |args: &[&str]| run(folder.path(), args).1;
    std::fs::write(folder.path().join("rows.jsonl"), ROWS).unwrap();
    let more =
        |i: usize| format!("{{\"id\":\"r{}\",\"document\":\"text {i}\",\"metadata\":{{\"n\":{i}}}}}\n", i * 7 % 500);
    std::fs::write(folder.path().join("texts.jsonl"), (0..500).map(more).collect::<String>()).unwrap();
    ok(&["create", "points", "--no-model", "--space", "l2", "--metadata", "{\"about\":\"points\"}"]);
    ok(&["import", "points", "rows.jsonl"]);
    ok(&["create", "notes", "--model", "hash-16", "--hybrid"]);
    ok(&["import", "notes", "texts.jsonl"]);
    for name in ["points", "notes"] {
        ok(&["push", name, place, "--verify"]);
        let again = said(&["push", name, place]);
        assert!(again.contains("added 0, replaced 0, unchanged "), "{place}: {again}");
        ok(&["--db", "back.redb", "pull", name, place, "--verify"]);
        for what in [&["export", name, "-"][..], &["show", name, "-o", "json"]] {
            assert_eq!(ok(&[&["--db", "back.redb"], what].concat()), ok(what), "{place}: {what:?}");
        }
    }
    // What has changed on either side.
    ok(&["update", "notes", "--id", "r3", "--document", "another text"]);
    ok(&["delete", "notes", "--id", "r5"]);
    ok(&["add", "notes", "--id", "new", "--document", "a new text"]);
    let dry = said(&["push", "notes", place, "--prune", "--dry-run"]);
    assert!(dry.ends_with(": 1 to add, 1 to replace, 498 unchanged, 1 to delete\n"), "{place}: {dry}");
    let done = said(&["push", "notes", place, "--prune", "--verify"]);
    assert!(done.contains(": added 1, replaced 1, unchanged 498, deleted 1 in "), "{place}: {done}");
    let ask = ["query", "notes", "another text", "-n", "20", "-o", "jsonl"];
    assert_eq!(ok(&[&["--db", place], &ask[..]].concat()), ok(&ask), "{place}");
    let done = said(&["--db", "back.redb", "pull", "notes", place, "--prune"]);
    assert!(done.contains(": added 1, replaced 1, unchanged 498, deleted 1 in "), "{place}: {done}");
    let export = ["export", "notes", "-"];
    assert_eq!(ok(&[&["--db", "back.redb"], &export[..]].concat()), ok(&export), "{place}");
    // A far place can be the source of a push, too.
    assert!(
        said(&["--db", place, "push", "--all", "copy.redb"]).contains("pushed 2 collections to copy.redb"),
        "{place}"
    );
}

#[test]
fn to_a_server_and_back() {
    let folder = TempDir::new().unwrap();
    let store = Store::open(folder.path().join("served.redb"), Access::Create).unwrap();
    let options = ServeOptions::of_process().unwrap();
    let server = Server::start(store, "127.0.0.1:0".parse().unwrap(), options).unwrap();
    there_and_back(&format!("http://{}", server.address()));
}

#[test]
fn to_postgresql_and_back() {
    let Some(server) = Postgres::shared("to_postgresql_and_back") else { return };
    there_and_back(&server.database());
}
