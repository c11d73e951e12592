//! `huedb push` and `huedb pull` between files.

use crate::huedb::World;

/// A file of some collections, one of them in another database.
fn world() -> World {
    let world = World::with_notes();
    let row = |i: usize| format!("{{\"id\":\"r{i}\",\"document\":\"text number {i}\",\"metadata\":{{\"n\":{i}}}}}\n");
    world.write("rows.jsonl", (0..40).map(row).collect::<String>());
    world.ok(&["import", "notes", "rows.jsonl"]);
    world.ok(&["tenant", "create", "acme"]);
    world.ok(&["database", "create", "staging", "--tenant", "acme"]);
    let create = ["create", "points", "--space", "l2", "--no-model", "--tenant", "acme", "--database", "staging"];
    world.ok(&[&create[..], &["--metadata", "{\"a\":1}"]].concat());
    let add = ["add", "points", "--tenant", "acme", "--database", "staging", "--id", "p", "--embedding", "[1, 2.5]"];
    world.ok(&add);
    world
}

/// What all of a file is, without the line that says which program wrote it.
fn all(world: &World, file: &str) -> String {
    world.ok(&["--db", file, "export", "--all", "-"])
}

/// A notice without the time it took.
fn untimed(notice: &str) -> &str {
    notice.rsplit_once(" in ").map_or(notice, |(said, _)| said)
}

#[test]
fn all_of_a_file_goes_there_and_comes_back_the_same() {
    let world = world();
    let said = world.run(&["push", "--all", "there.redb"]);
    assert_eq!(said.status, Some(0), "{said:?}");
    assert!(
        said.stderr.contains("pushed acme/staging/points to there.redb: added 1, replaced 0, unchanged 0"),
        "{said:?}"
    );
    assert!(said.stderr.ends_with("pushed 2 collections to there.redb\n"), "{said:?}");
    assert_eq!(all(&world, "there.redb"), all(&world, "test.redb"));
    world.ok(&["--db", "back.redb", "pull", "--all", "there.redb", "--verify"]);
    assert_eq!(all(&world, "back.redb"), all(&world, "test.redb"));
    world.run(&["--db", "back.redb", "check", "--deep"]).is("", "no damage found in back.redb\n", 0);
}

#[test]
fn only_what_differs_is_sent() {
    let world = world();
    let said = world.run(&["push", "notes", "there.redb", "--dry-run"]);
    said.is(
        "",
        "notes would be pushed to there.redb, as a new collection there: 40 to add, 0 to replace, 0 unchanged\n",
        0,
    );
    assert!(!world.path("there.redb").exists());
    let said = world.run(&["push", "notes", "there.redb"]);
    let pushed = "pushed notes to there.redb: added 40, replaced 0, unchanged 0";
    assert!(untimed(&said.stderr).ends_with(pushed), "{said:?}");
    world.ok(&["update", "notes", "--id", "r1", "--document", "another text"]);
    world.ok(&["delete", "notes", "--id", "r2"]);
    world.ok(&["add", "notes", "--id", "new", "--document", "a new text"]);
    let dry = world.run(&["push", "notes", "there.redb", "--dry-run", "--prune"]);
    dry.is("", "notes would be pushed to there.redb: 1 to add, 1 to replace, 38 unchanged, 1 to delete\n", 0);
    let said = world.run(&["push", "notes", "there.redb"]);
    let (done, kept) = said.stderr.split_once('\n').unwrap();
    assert_eq!(untimed(done), "pushed notes to there.redb: added 1, replaced 1, unchanged 38");
    assert_eq!(kept, "1 record of notes, only in there.redb, stay; --prune deletes them\n");
    world.ok(&["push", "notes", "there.redb", "--prune"]);
    let records = |file: &str| world.ok(&["--db", file, "export", "notes", "-"]);
    assert_eq!(records("there.redb"), records("test.redb"));
    // A question has the same answer there, distances and all.
    let ask = |file: &str| world.ok(&["--db", file, "query", "notes", "another number", "-n", "9", "-o", "jsonl"]);
    assert_eq!(ask("there.redb"), ask("test.redb"));
}

#[test]
fn what_cannot_be_is_refused_and_makes_nothing() {
    let world = world();
    let refused = |args: &[&str], says: &str| {
        let ran = world.run(args);
        assert!(ran.status == Some(2) && ran.stdout.is_empty() && ran.stderr.contains(says), "{args:?}: {ran:?}");
    };
    refused(&["push", "other", "there.redb"], "no collection named");
    refused(&["push", "notes", "./test.redb"], "is the place of --db itself");
    refused(&["push", "--all", "notes", "there.redb"], "leave it out");
    refused(&["push", "--all", "there.redb", "--into", "other"], "cannot be used with");
    refused(&["pull", "notes", "there.redb"], "there.redb");
    refused(&["push", "notes", "there.redb", "--into", "!"], "invalid value '!'");
    refused(&["push", "notes"], "<PLACE>");
    assert!(!world.path("there.redb").exists());
    let there = ["--db", "there.redb"];
    world.ok(&[&there[..], &["pull", "notes", "test.redb", "--into", "other"]].concat());
    refused(&["--db", "test.redb", "pull", "notes", "there.redb"], "no collection named");
    world.ok(&["create", "other", "--model", "hash-8"]);
    refused(&["pull", "other", "there.redb"], "hint: --into other-2 brings it over under that name");
    refused(&["pull", "other", "there.redb", "--into", "other"], "has the model hash-64 (64 dimensions) in there.redb");
    // Under the name of the collection that it once was, it goes on with that.
    let said = world.run(&["pull", "other", "there.redb", "--into", "notes"]);
    assert_eq!(untimed(&said.stderr), "pulled other from there.redb as notes: added 0, replaced 0, unchanged 40");
}
