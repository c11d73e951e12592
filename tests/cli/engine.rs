//! Embeddings of one model by two engines: noted, and one model's.
//!
//! The other engine's name is written into a dump, so that no ONNX Runtime need be here.

use crate::huedb::{Ran, World, finish};

/// Runs a command with rten, whatever is installed here.
fn run(world: &World, args: &[&str]) -> Ran {
    finish(world.command(args).env("HUEDB_RUNTIME", "rten").spawn().unwrap())
}

/// A file whose collection `notes` says what made its embeddings, as a dump tells of it.
fn world(made_by: Option<&str>) -> World {
    let made = World::plain();
    made.ok(&["create", "notes"]);
    assert_eq!(run(&made, &["add", "notes", "--id", "a", "--document", "a fox"]).status, Some(0));
    let dump = made.ok(&["export", "--all"]);
    let here = "\"made_by\":[\"rten\"]";
    assert!(dump.contains(here), "{dump}");
    let dump = match made_by {
        Some(other) => dump.replace(here, &format!("\"made_by\":{other}")),
        None => dump.replace(&format!(",{here}"), ""),
    };
    let world = World::plain();
    world.run_with(&["import", "--all", "-", "-q"], dump).is("", "", 0);
    world
}

#[test]
fn embeddings_of_another_engine_are_of_the_same_model() {
    for (made_by, then) in [
        (None, None),
        (Some("[]"), Some("[\"rten\"]")),
        (Some("[\"rten\"]"), Some("[\"rten\"]")),
        (Some("[\"onnxruntime\"]"), Some("[\"onnxruntime\",\"rten\"]")),
        (Some("[\"tract\"]"), Some("[\"tract\",\"rten\"]")),
    ] {
        let world = world(made_by);
        for _ in 0..2 {
            run(&world, &["query", "notes", "a fox", "-n", "1", "-o", "ids"]).is("a\n", "", 0);
            let added = run(&world, &["upsert", "notes", "--id", "b", "--document", "a whale"]);
            assert!(added.status == Some(0) && !added.stderr.contains("made by"), "{added:?}");
        }
        let dump = world.ok(&["export", "--all"]);
        assert_eq!(dump.contains("made_by"), then.is_some(), "{dump}");
        assert!(dump.contains(&format!("\"made_by\":{}", then.unwrap_or_default())) || then.is_none(), "{dump}");
    }
}

#[test]
fn embedding_anew_is_by_one_engine() {
    let world = World::plain();
    world.ok(&["create", "notes", "--model", "hash-8"]);
    world.ok(&["add", "notes", "--id", "a", "--document", "a fox"]);
    assert!(world.ok(&["export", "--all"]).contains("\"made_by\":[]"));
    let ran = run(&world, &["reembed", "notes", "--model", "all-MiniLM-L6-v2"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert!(world.ok(&["export", "--all"]).contains("\"made_by\":[\"rten\"]"));
}

#[test]
fn the_encoder_in_the_program_and_onnx_runtime_are_one_model() {
    let run =
        |world: &World, args: &[&str]| finish(world.command(args).env("HUEDB_RUNTIME", "builtin").spawn().unwrap());
    let world = world(Some("[\"onnxruntime\"]"));
    run(&world, &["query", "notes", "a fox", "-n", "1", "-o", "ids"]).is("a\n", "", 0);
    let added = run(&world, &["add", "notes", "--id", "b", "--document", "a whale"]);
    assert!(added.status == Some(0) && !added.stderr.contains("made by"), "{added:?}");
    assert!(world.ok(&["export", "--all"]).contains("\"made_by\":[\"onnxruntime\",\"builtin\"]"));
    assert!(run(&world, &["info"]).stdout.contains("built-in "));
}
