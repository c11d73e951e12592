//! A collection embedded anew: interrupted, killed, beside imports, and searched all the while.

use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use crate::huedb::{World, finish};
use crate::random::Random;

const ROWS: usize = 3000;
/// Slow enough to be interrupted: a second or two for all rows.
const SLOW: &str = "hash-4096";

fn rows(from: usize, until: usize) -> String {
    (from..until)
        .map(|i| format!("{{\"id\":\"r{i}\",\"document\":\"text number {i}\",\"metadata\":{{\"n\":{i}}}}}\n"))
        .collect()
}

fn with_rows() -> World {
    let world = World::with_notes();
    world.write("rows.jsonl", rows(0, ROWS));
    world.ok(&["import", "notes", "rows.jsonl"]);
    world
}

fn is_sound(world: &World) {
    let checked = world.run(&["check", "--deep"]);
    assert_eq!(checked.status, Some(0), "{}{}", checked.stdout, checked.stderr);
}

/// What does not depend on the model.
fn texts(world: &World) -> String {
    world.ok(&["get", "notes"])
}

#[test]
fn one_command_changes_the_model_and_nothing_else() {
    let world = World::with_notes();
    world.write("rows.jsonl", rows(0, 300));
    world.ok(&["import", "notes", "rows.jsonl"]);
    world.ok(&["index", "build", "notes"]);
    world.ok(&["index", "build", "notes", "--hybrid"]);
    let before = texts(&world);
    let ran = world.run(&["reembed", "notes", "--model", "hash-32"]);
    assert_eq!((ran.stdout.as_str(), ran.status), ("", Some(0)), "{}", ran.stderr);
    let said = "notes is embedded by hash-32 (32 dimensions): documents 300, embedded 300 in ";
    assert!(
        ran.stderr.starts_with(said) && ran.stderr.contains("graph of notes: 300 vectors, built"),
        "{}",
        ran.stderr
    );
    assert_eq!(texts(&world), before);
    assert_eq!(world.ok(&["query", "notes", "number 17 text", "-n", "1", "-o", "ids"]), "r17\n");
    assert_eq!(world.ok(&["query", "notes", "17", "--hybrid", "-n", "1", "-o", "ids"]), "r17\n");
    assert_eq!(world.ok(&["query", "notes", "17", "--where", "n < 3", "-n", "5", "-o", "ids"]).lines().count(), 3);
    let refused = world.run(&["query", "notes", "17", "--model", "hash-64"]);
    assert!(refused.status == Some(2) && refused.stderr.contains("hash-32 (32 dimensions)"), "{}", refused.stderr);
    is_sound(&world);
    // An equal collection made by the new model from the start.
    world.ok(&["create", "fresh", "--model", "hash-32"]);
    world.ok(&["import", "fresh", "rows.jsonl"]);
    assert_eq!(world.ok(&["export", "fresh"]), world.ok(&["export", "notes"]));
    let again = world.run(&["reembed", "notes", "--model", "hash-32"]);
    again.is("", "notes is embedded by hash-32 already\n", 0);
    let unchanged = world.run(&["import", "notes", "rows.jsonl"]).stderr;
    assert!(unchanged.contains("unchanged 300, ") && unchanged.contains("nothing was embedded"), "{unchanged}");
}

#[test]
fn prefixes_can_change_with_the_model() {
    let world = World::with_notes();
    world.ok(&["add", "notes", "--id", "a", "--document", "red fox"]);
    world.ok(&[
        "reembed",
        "notes",
        "--model",
        "hash-64",
        "--document-prefix",
        "passage: ",
        "--query-prefix",
        "query: ",
    ]);
    let hit = world.ok(&["query", "notes", "red fox", "--include", "distances"]);
    assert!(!hit.contains("\"distance\":0.0}"), "{hit}");
    world.ok(&["modify", "notes", "--query-prefix", "passage: "]);
    assert!(world.ok(&["query", "notes", "red fox", "--include", "distances"]).contains("\"distance\":0.0}"));
}

#[test]
fn an_interrupted_run_says_how_far_it_is_and_goes_on() {
    let world = with_rows();
    let child = world.spawn(&["reembed", "notes", "--model", SLOW]);
    sleep(Duration::from_millis(300));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let ran = finish(child);
    assert_eq!(ran.status, Some(130), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("the same command goes on from there") && ran.stderr.contains("interrupted"),
        "{}",
        ran.stderr
    );
    assert_eq!(world.ok(&["query", "notes", "number 17", "-n", "1", "-o", "ids"]), "r17\n");
    let shown = world.ok(&["show", "notes", "-o", "table"]);
    assert!(shown.contains("hash-64") && shown.contains("next model") && shown.contains(SLOW), "{shown}");
    is_sound(&world);
    let other = world.run(&["reembed", "notes", "--model", "hash-8"]);
    assert!(other.status == Some(2) && other.stderr.contains("--discard"), "{}", other.stderr);
    let rest = world.run(&["reembed", "notes", "--model", SLOW]);
    assert!(rest.status == Some(0) && rest.stderr.contains("documents 3,000, embedded "), "{}", rest.stderr);
    assert!(!rest.stderr.contains("embedded 3,000"), "what was done is not done again: {}", rest.stderr);
    is_sound(&world);
    let nothing = world.run(&["reembed", "notes", "--discard"]);
    assert!(
        nothing.status == Some(2) && nothing.stderr.contains("no interrupted reembed of notes"),
        "{}",
        nothing.stderr
    );
}

#[test]
fn a_killed_run_is_completed_by_running_it_again() {
    let world = with_rows();
    let before = texts(&world);
    let mut random = Random::new();
    for _ in 0..8 {
        let mut child = world.spawn(&["reembed", "notes", "--model", SLOW]);
        sleep(Duration::from_millis(50 + random.below(250) as u64));
        child.kill().unwrap();
        let _ = child.wait().unwrap();
        assert_eq!(world.ok(&["query", "notes", "number 17", "-n", "1", "-o", "ids"]), "r17\n", "{random:?}");
        is_sound(&world);
    }
    world.ok(&["reembed", "notes", "--model", SLOW]);
    assert_eq!(texts(&world), before, "{random:?}");
    assert_eq!(world.ok(&["query", "notes", "number 17", "-n", "1", "-o", "ids"]), "r17\n");
    is_sound(&world);
}

#[test]
fn records_that_others_write_meanwhile_are_embedded_too() {
    let world = with_rows();
    let child = world.spawn(&["reembed", "notes", "--model", SLOW]);
    // What was embedded by the old model when the change came is refused, and embedded by the new one the next time.
    let write = |args: &[&str]| {
        let ran = world.run(args);
        let refused = ran.status == Some(2) && ran.stderr.contains("was made with the model");
        assert!(ran.status == Some(0) || refused, "{}", ran.stderr);
        if refused {
            world.ok(args);
        }
    };
    let mut next = ROWS;
    for batch in 0..4 {
        world.write("more.jsonl", rows(next, next + 50));
        next += 50;
        write(&["import", "notes", "more.jsonl"]);
        write(&["update", "notes", "--id", &format!("r{batch}"), "--document", &format!("changed {batch}")]);
        world.ok(&["delete", "notes", "--id", &format!("r{}", 100 + batch)]);
    }
    let ran = finish(child);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    is_sound(&world);
    assert_eq!(world.ok(&["count", "notes"]), format!("{}\n", next - 4));
    for question in ["changed 2", "text number 3199", "text number 5"] {
        let hits = world.ok(&["query", "notes", question, "-n", "1", "--include", "documents,distances"]);
        assert!(hits.contains(&format!("\"document\":\"{question}\"")), "{hits}");
    }
}

#[test]
fn a_record_without_a_document_stops_it_before_it_begins() {
    let world = World::with_notes();
    world.ok(&["add", "notes", "--id", "a", "--document", "red fox"]);
    let zeros = format!("[{}]", vec!["1"; 64].join(","));
    world.ok(&["add", "notes", "--id", "bare", "--embedding", &zeros]);
    let ran = world.run(&["reembed", "notes", "--model", "hash-8"]);
    let says =
        "error: records of notes without a document, which cannot be embedded: 1; the first is \"bare\"\n\nhint: ";
    assert!(ran.status == Some(2) && ran.stderr.starts_with(says) || ran.stderr.contains(says), "{}", ran.stderr);
    world.ok(&["update", "notes", "--id", "bare", "--document", "now it has one"]);
    world.ok(&["reembed", "notes", "--model", "hash-8"]);
    is_sound(&world);
}

#[test]
fn a_collection_without_a_model_gets_one() {
    let world = World::new();
    world.ok(&["create", "vectors", "--no-model", "--space", "l2"]);
    world.ok(&["add", "vectors", "--id", "a", "--embedding", "[1, 2]", "--document", "red fox"]);
    assert_eq!(world.run(&["query", "vectors", "red fox"]).status, Some(2));
    world.ok(&["reembed", "vectors", "--model", "hash-8"]);
    assert!(world.ok(&["query", "vectors", "red fox", "--include", "distances"]).contains("\"distance\":0.0"));
    is_sound(&world);
}

#[test]
fn a_wrong_model_or_collection_leaves_the_file_as_it_was() {
    let world = World::with_notes();
    world.ok(&["add", "notes", "--id", "a", "--document", "red fox"]);
    let before = world.bytes();
    for args in [
        &["reembed", "notes", "--model", "nothing"][..],
        &["reembed", "nothing", "--model", "hash-8"],
        &["reembed", "notes"],
        &["reembed", "notes", "--discard", "--model", "hash-8"],
        &["reembed", "notes", "--discard"],
        &["reembed", "notes", "--discard", "--query-prefix", "x"],
    ] {
        assert_eq!(world.run(args).status, Some(2), "{args:?}");
    }
    assert!(world.bytes() == before);
}
