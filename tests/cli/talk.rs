//! What commands say beside their data: as sentences and as JSON, in more words, with times, and when interrupted.

use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::huedb::{Ran, World, finish};
use crate::terminal::on_terminal;

const JSON: [&str; 2] = ["--error-format", "json"];

/// Reads a line of the standard error, of which there must be so many.
fn objects(ran: &Ran, lines: usize) -> Vec<Json> {
    let objects: Vec<Json> = ran.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects.len(), lines, "{ran:?}");
    objects
}

#[test]
fn errors_are_one_object_with_code_kind_hint_and_place() {
    let world = World::with_notes();
    let error = |args: &[&str], stdin: &str, code: i32| -> Json {
        let ran = world.run_with(&[args, &JSON].concat(), stdin);
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(code), ""), "{args:?}: {ran:?}");
        let error = objects(&ran, 1).remove(0);
        assert_eq!(error["code"], code);
        error
    };
    assert_eq!(
        error(&["count", "other"], "", 2),
        json!({"error": "no collection named \"other\"", "code": 2, "kind": "collection_not_found",
            "hint": "available: notes", "collection": "other"})
    );
    let row = error(&["import", "notes", "-", "--format", "jsonl"], "{\"id\":\"a\",\"document\":\"x\"}\n{\"id\":7", 2);
    assert_eq!((&row["kind"], &row["file"], &row["line"]), (&json!("bad_row"), &json!("-"), &json!(2)));
    let filter = error(&["count", "notes", "--where", "year >< 3"], "", 2);
    assert_eq!((&filter["kind"], &filter["character"]), (&json!("invalid_where"), &json!(6)));
    let file = error(&["count", "notes", "--db", "none.redb"], "", 2);
    assert_eq!((&file["kind"], &file["file"]), (&json!("file_not_found"), &json!("none.redb")));
}

/// The standard error as it is, which other tests read without the names.
fn raw(world: &World, args: &[&str]) -> String {
    String::from_utf8(world.command(args).output().unwrap().stderr).unwrap()
}

#[test]
fn errors_have_their_names_and_one_form() {
    let world = World::with_notes();
    let missing = "error[collection_not_found]: no collection named \"other\"\n\nhint: available: notes\n";
    assert_eq!(raw(&world, &["count", "other"]), missing);
    let slip = raw(&world, &["list", "--qiet"]);
    let expected = "error[usage]: unexpected argument '--qiet' found\n\n\
        hint: a similar argument exists: '--quiet'\n\nusage: huedb list --quiet\n";
    assert_eq!(slip, expected);
    let twice = raw(&world, &["query", "--limit"]);
    assert!(twice.starts_with("error[usage]: a value is required for '--limit <N>'"), "{twice}");
    assert!(twice.ends_with("hint: `huedb --help` describes it\n") || twice.contains("usage: huedb query"), "{twice}");
}

#[test]
fn a_terminal_breaks_no_word() {
    let world = World::with_notes();
    let path = format!("--ids-from={}", "folder-with-a-long-name/".repeat(3));
    let (_, talk) = on_terminal(world.command(&["delete", "notes", &path]));
    let filter = "year >= 2020 and language = \"en\" and title starts";
    let (_, other) = on_terminal(world.command(&["count", "notes", "--where", filter]));
    for talk in [talk, other] {
        let lines: Vec<&str> = talk.lines().collect();
        assert!(lines.iter().all(|line| width(line) <= 100), "{talk}");
    }
}

/// The width of a line without its colours.
fn width(line: &str) -> usize {
    let plain: String = line
        .split('\u{1b}')
        .map(|part| part.split_once('m').filter(|_| part.starts_with('[')).map_or(part, |(_, rest)| rest))
        .collect();
    plain.chars().count()
}

#[test]
fn usage_errors_notices_and_warnings_are_objects_too() {
    let world = World::with_notes();
    let ran = world.run(&[&["query", "notes", "x", "--limt", "3"][..], &JSON].concat());
    assert_eq!(ran.status, Some(2));
    let usage = objects(&ran, 1).remove(0);
    assert_eq!((&usage["kind"], &usage["code"], &usage["argument"]), (&json!("usage"), &json!(2), &json!("--limt")));
    assert!(usage["error"].as_str().unwrap().starts_with("unexpected argument '--limt' found"), "{usage}");
    assert!(usage["usage"][0].as_str().unwrap().starts_with("huedb query"), "{usage}");
    let bare = world.command(&[]).env("HUEDB_ERROR_FORMAT", "json").spawn().unwrap();
    assert_eq!(objects(&finish(bare), 1)[0]["error"], "no command is given");
    let unknown = world.run(&["count", "notes", "--error-format=yaml"]);
    assert!(unknown.stderr.starts_with("error: invalid value 'yaml'"), "{unknown:?}");
    // What was asked for is no error.
    assert!(world.ok(&["--help", "--error-format", "json"]).contains("Usage: huedb"));

    let rows = "{\"id\":\"a\",\"document\":\"x\"}\n{\"id\":7\n";
    let import = [&["import", "notes", "-", "--format", "jsonl", "--on-error", "skip"][..], &JSON].concat();
    let ran = world.run_with(&import, rows);
    let said = objects(&ran, 2);
    assert!(said[0]["warning"].as_str().unwrap().starts_with("-:2: "), "{ran:?}");
    assert!(said[1]["notice"].as_str().unwrap().starts_with("added 1, "), "{ran:?}");
}

#[test]
fn times_and_details_are_told_when_asked_for() {
    let world = World::with_notes();
    let rows: String = (0..300).map(|i| format!("{{\"id\":\"r{i}\",\"document\":\"text {i}\"}}\n")).collect();
    world.write("rows.jsonl", rows);
    let ran = world.run(&["import", "notes", "rows.jsonl", "--timing", "--quiet"]);
    let said = ran.stderr.trim_end();
    assert!(said.starts_with("timing: open ") && said.contains(", total ") && !said.contains('\n'), "{ran:?}");
    for stage in ["load model ", "embed ", "store "] {
        assert!(said.contains(stage), "{stage}: {said}");
    }
    let ran = world.run(&[&["query", "notes", "text", "-n", "1", "--timing"][..], &JSON].concat());
    let timing = objects(&ran, 1).remove(0)["timing"].clone();
    for stage in ["open", "load_model", "embed", "filter", "candidates", "rank", "read", "total"] {
        assert!(timing[stage].is_f64(), "{stage}: {timing}");
    }
    let ran = world.run(&["query", "notes", "text", "-n", "1", "-v"]);
    assert!(ran.stderr.starts_with("file test.redb, tenant default_tenant, database default_database\n"), "{ran:?}");
    assert!(ran.stderr.contains("\nmodel hash-64: 64 dimensions, ") && ran.stderr.contains("\nplan: "), "{ran:?}");
    world.write("more.jsonl", "{\"id\":\"more\",\"document\":\"x\"}\n");
    assert!(world.run(&["import", "notes", "more.jsonl", "-v"]).stderr.contains("\nbatch stored: added 1, "));
    world.run(&["count", "notes", "-v", "-q"]).is("301\n", "", 0);
}

fn interrupt(mut child: Child, after: Duration) -> Ran {
    sleep(after);
    assert!(child.try_wait().unwrap().is_none(), "it was done before it could be interrupted");
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    // Open until the end, so that its end is not what ends the command.
    let stdin = child.stdin.take();
    let ran = finish(child);
    drop(stdin);
    ran
}

/// Starts a command that waits for its input, or for the lock of the file, until it is interrupted.
fn waiting(world: &World, args: &[&str]) -> Child {
    world.command(args).stdin(Stdio::piped()).spawn().unwrap()
}

#[test]
fn every_command_that_is_interrupted_says_so_and_exits_with_130() {
    let world = World::with_notes();
    world.ok(&["add", "notes", "--id", "a", "--document", "x"]);
    let words = "error: interrupted\n\nhint: what was stored is complete; run the same command to continue\n";
    let moment = Duration::from_millis(600);
    for args in [&["add", "notes", "--id", "b"][..], &["embed", "--model", "hash-64"], &["query", "notes", "-"]] {
        interrupt(waiting(&world, args), moment).is("", words, 130);
    }
    let json = interrupt(waiting(&world, &[&["query", "notes", "-"][..], &JSON].concat()), moment);
    assert_eq!(objects(&json, 1)[0]["kind"], "interrupted");
    let held = crate::open::open(world.path("test.redb"), huedb::store::Access::Write).unwrap();
    let notes = held.collection("notes").unwrap();
    let writing = std::iter::once_with(|| {
        for args in [
            &["compact", "--busy-timeout", "60"][..],
            &["import", "notes", "rows.jsonl", "--busy-timeout", "60"],
            &["delete", "notes", "--id", "a", "--busy-timeout", "60"],
        ] {
            world.write("rows.jsonl", "{\"id\":\"c\",\"document\":\"x\"}\n");
            let mut child = waiting(&world, args);
            drop(child.stdin.take());
            sleep(moment);
            let kill = || Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
            assert!(kill().success());
            // Work that comes in steps is ended by the second.
            sleep(moment / 4);
            kill();
            let ran = finish(child);
            assert_eq!(ran.status, Some(130), "{args:?}: {ran:?}");
        }
        huedb::store::Change {
            id: huedb::record::RecordId::parse("held").unwrap(),
            embedding: Some(vec![0.5; 64]),
            embedded_here: false,
            document: None,
            uri: None,
            metadata: huedb::record::MetadataPatch::default(),
        }
    });
    notes.add(writing).unwrap();
    held.close().unwrap();
    assert_eq!(world.ok(&["get", "notes", "-o", "ids"]), "a\nheld\n");
    assert_eq!(world.ok(&["check", "--deep"]), "");
}

#[test]
fn an_interrupted_backup_leaves_no_begun_file() {
    let world = World::new();
    world.ok(&["create", "notes", "--model", "hash-1024"]);
    let rows: String = (0..20_000).map(|i| format!("{{\"id\":\"r{i}\",\"document\":\"text {i}\"}}\n")).collect();
    world.write("rows.jsonl", rows);
    world.ok(&["import", "notes", "rows.jsonl"]);
    let begun = || {
        let names = std::fs::read_dir(world.path("")).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().starts_with(".huedb-")).count()
    };
    // As on a system where a file has a name from the start; without one there is none to leave.
    let mut child = world.command(&["backup", "copy.redb"]).env("HUEDB_TEST_NAMED_PARTS", "1").spawn().unwrap();
    while begun() == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it was done before it could be interrupted");
        sleep(Duration::from_millis(1));
    }
    let ran = interrupt(child, Duration::ZERO);
    assert_eq!(ran.status, Some(130), "{ran:?}");
    assert_eq!((begun(), world.path("copy.redb").exists()), (0, false));
}
