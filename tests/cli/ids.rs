//! Lists of ids from one command to the next: `-o ids`, `--ids-from`, `-0`.

use crate::huedb::World;

/// Notes `a` to `e`; the ids hold what ids may hold.
fn world() -> World {
    let world = World::with_notes();
    for (id, year) in [("a", 1990), ("b b", 2000), ("c\nc", 2010), ("d", 2020)] {
        let metadata = format!("{{\"year\": {year}}}");
        world.ok(&["add", "notes", "--id", id, "--document", &format!("text of {id}"), "--metadata", &metadata]);
    }
    world
}

#[test]
fn ids_of_one_command_are_the_input_of_the_next() {
    let world = world();
    let ids = world.ok(&["get", "notes", "--where", "year < 2010", "-o", "ids"]);
    assert_eq!(ids, "a\nb b\n");
    world.run_with(&["get", "notes", "--ids-from", "-", "-o", "ids"], &ids).is(&ids, "", 0);
    world.run_with(&["count", "notes", "--ids-from", "-", "--where", "year = 2000"], &ids).is("1\n", "", 0);
    world
        .run_with(
            &["query", "notes", "text of d", "--ids-from", "-", "-n", "9", "-o", "ids", "--exact"],
            "d\na\nghost\n",
        )
        .is("d\na\n", "", 0);
    let list = world.write("ids.txt", "a\r\n\r\nghost\n");
    world.run(&["get", "notes", "--id", "d", "--ids-from", &list, "-o", "ids"]).is("a\nd\n", "", 0);
    let exported = world.ok(&["export", "notes", "--ids-from", &list, "--no-embeddings"]);
    assert_eq!(exported.lines().count(), 1);
    world.run_with(&["update", "notes", "--ids-from", "-", "--metadata", "{\"old\": true}"], "a\nb b\nghost\na\n").is(
        "",
        "updated 2, unchanged 0, no such id 1\n",
        0,
    );
    let again = world.run_with(&["update", "notes", "--ids-from", "-", "--metadata", "{\"old\": true}"], "a\n");
    again.is("", "updated 0, unchanged 1, no such id 0\n", 0);
    world.run(&["count", "notes", "--where", "old = true and year < 2010"]).is("2\n", "", 0);
    world.run_with(&["delete", "notes", "--ids-from", "-", "--where", "year < 2010"], "a\nd\nghost\n").is(
        "",
        "deleted 1\n",
        0,
    );
    world.run_with(&["delete", "notes", "--ids-from", "-"], &ids).is("", "deleted 1\n", 0);
    world.run(&["count", "notes"]).is("2\n", "", 0);
}

#[test]
fn nul_tells_any_two_ids_apart() {
    let world = world();
    let ids = world.ok(&["get", "notes", "--where", "year >= 2010", "-o", "ids", "-0"]);
    assert_eq!(ids, "c\nc\0d\0");
    // Without -0 they are other ids, and say so.
    let refused = world.run_with(&["delete", "notes", "--ids-from", "-"], &ids);
    refused.is("", "error: -:2: the id holds a NUL; ids that end with NUL are read with -0\n", 2);
    world.run_with(&["delete", "notes", "--null", "--ids-from", "-"], &ids).is("", "deleted 2\n", 0);
    assert_eq!(world.ok(&["list", "-0", "-o", "ids"]), "notes\0");
}

#[test]
fn an_empty_list_is_nothing_and_never_everything() {
    let world = world();
    let before = world.bytes();
    for verb in
        [&["delete", "notes", "--ids-from", "-"][..], &["delete", "notes", "--ids-from", "-", "--where", "year > 0"]]
    {
        world.run_with(verb, "").is("", "deleted 0: the list holds no ids\n", 0);
        world.run_with(verb, "\n\n").is("", "deleted 0: the list holds no ids\n", 0);
    }
    let update = world.run_with(&["update", "notes", "--ids-from", "-", "--uri", "x"], "");
    update.is("", "updated 0: the list holds no ids\n", 0);
    world.run_with(&["get", "notes", "--ids-from", "-"], "").is("", "", 1);
    world.run_with(&["count", "notes", "--ids-from", "-"], "").is("0\n", "", 0);
    world.run_with(&["query", "notes", "text", "--ids-from", "-"], "").is("", "", 1);
    world.run_with(&["export", "notes", "--ids-from", "-"], "").is("", "", 0);
    world.run_with(&["delete", "ghosts", "--ids-from", "-"], "").is(
        "",
        "error: no collection named \"ghosts\"\n\nhint: available: notes\n",
        2,
    );
    assert_eq!(world.bytes(), before);
}

#[test]
fn a_bad_list_deletes_nothing() {
    let world = world();
    let before = world.bytes();
    let cut = world.write("latin1.txt", b"a\nM\xfcnchen\n");
    world.run(&["delete", "notes", "--ids-from", &cut]).is("", "error: latin1.txt:2: the id is not UTF-8 text\n", 2);
    world.run(&["delete", "notes", "--ids-from", "none.txt"]).is("", "error: none.txt: no such file\n", 2);
    world.run(&["delete", "notes", "--ids-from", "."]).is("", "error: .: it is a folder, not a list of ids\n", 2);
    let twice = world.run_with(&["query", "notes", "-", "--ids-from", "-"], "a\n");
    twice.is("", "error: --ids-from and the question cannot both read the standard input\n", 2);
    let limited = world.run_with(&["delete", "notes", "--ids-from", "-", "-n", "1"], "a\n");
    assert_eq!(limited.status, Some(2), "{limited:?}");
    assert_eq!(world.bytes(), before);
}

#[test]
fn many_ids_are_one_transaction() {
    let world = World::new();
    world.ok(&["create", "points", "--no-model", "--space", "l2"]);
    let rows: String = (0..20_000).map(|n| format!("{{\"id\":\"{n}\",\"embedding\":[{n},1]}}\n")).collect();
    world.write("points.jsonl", rows);
    world.ok(&["import", "points", "points.jsonl"]);
    let ids = world.ok(&["get", "points", "-o", "ids"]);
    let list = world.write("ids.txt", &ids);
    world.run(&["update", "points", "--ids-from", &list, "--metadata", "{\"seen\": 1}"]).is(
        "",
        "updated 20,000, unchanged 0, no such id 0\n",
        0,
    );
    world.run(&["count", "points", "--where", "seen = 1"]).is("20000\n", "", 0);
    world.run(&["delete", "points", "--ids-from", &list]).is("", "deleted 20,000\n", 0);
    world.ok(&["check", "--deep"]);
    world.run(&["count", "points"]).is("0\n", "", 0);
}
