//! A model that differs from a collection's is refused by every verb that embeds, with both names.

use std::process::Command;

use crate::huedb::{Ran, World, finish};

#[test]
fn every_verb_that_is_told_another_model_refuses_it() {
    let world = World::with_notes();
    world.ok(&["add", "notes", "--id", "a", "--document", "red fox"]);
    world.write("rows.jsonl", "{\"id\":\"b\",\"document\":\"blue whale\"}\n");
    let before = world.bytes();
    for args in [
        &["add", "notes", "--id", "b", "--document", "x"][..],
        &["upsert", "notes", "--id", "a", "--document", "x"],
        &["update", "notes", "--id", "a", "--document", "x"],
        &["import", "notes", "rows.jsonl"],
        &["import", "notes", "rows.jsonl", "--chunk", "8"],
        &["query", "notes", "x"],
    ] {
        let ran = world.run(&[args, &["--model", "hash-32"]].concat());
        assert_eq!(ran.status, Some(2), "{args:?}: {}", ran.stderr);
        let (stored, given) = ("hash-64 (64 dimensions)", "hash-32 (32 dimensions)");
        assert!(ran.stderr.contains(stored) && ran.stderr.contains(given), "{args:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("hint: "), "{}", ran.stderr);
    }
    assert!(world.bytes() == before);
}

fn with_data(world: &World, args: &[&str]) -> Ran {
    let mut command: Command = world.command(args);
    command.env("HUEDB_RUNTIME", "rten").env("HUEDB_DATA_DIR", world.path("data"));
    finish(command.env("HUEDB_CACHE_DIR", world.path("cache")).spawn().unwrap())
}

#[test]
fn a_model_that_was_replaced_under_its_name_is_another() {
    let world = World::new();
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/models/all-MiniLM-L6-v2");
    let add = |pooling| with_data(&world, &["model", "add", fixture, "--name", "mine", "--pooling", pooling]);
    assert_eq!(add("mean").status, Some(0));
    for args in [
        &["create", "notes", "--model", "mine"][..],
        &["add", "notes", "--id", "a", "--document", "red fox"],
        &["model", "remove", "mine"],
    ] {
        assert_eq!(with_data(&world, args).status, Some(0), "{args:?}");
    }
    assert_eq!(add("cls").status, Some(0));
    world.write("rows.jsonl", "{\"id\":\"b\",\"document\":\"blue whale\"}\n");
    let search = r#"{"searches": [{"rank": {"$knn": {"query": "foxes"}}}]}"#;
    for args in [
        &["add", "notes", "--id", "b", "--document", "x"][..],
        &["upsert", "notes", "--id", "a", "--document", "x"],
        &["import", "notes", "rows.jsonl"],
        &["query", "notes", "x"],
        &["search", "notes", "--json", search],
    ] {
        let ran = with_data(&world, args);
        assert_eq!(ran.status, Some(2), "{args:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("mean pooling") && ran.stderr.contains("cls pooling"), "{}", ran.stderr);
    }
    // The way on.
    assert_eq!(with_data(&world, &["reembed", "notes", "--model", "mine"]).status, Some(0));
    assert_eq!(with_data(&world, &["query", "notes", "foxes", "-o", "ids"]).stdout, "a\n");
}
