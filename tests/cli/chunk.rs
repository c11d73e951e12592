//! Documents that an import cuts, and what becomes of their chunks when they change.

use crate::huedb::World;

const CHUNK: [&str; 4] = ["--chunk", "8", "--overlap", "2"];

fn import(world: &World, args: &[&str]) -> String {
    let ran = world.run(&[&["import", "notes"], args, &CHUNK].concat());
    assert_eq!(ran.status, Some(0), "{args:?}: {}", ran.stderr);
    ran.stderr
}

fn ids(world: &World) -> String {
    world.ok(&["get", "notes", "-o", "ids"])
}

/// Puts the chunks of a document together again, by the bytes they say they have.
fn put_together(world: &World, of: &str) -> String {
    let chunks = world.ok(&["get", "notes", "--where", &format!("chunk_of = \"{of}\""), "--sort", "chunk"]);
    let mut text = String::new();
    for (at, line) in chunks.lines().enumerate() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let (document, metadata) = (record["document"].as_str().unwrap(), &record["metadata"]);
        let byte = |key: &str| usize::try_from(metadata[key].as_u64().unwrap()).unwrap();
        assert_eq!(metadata["chunk"], at);
        assert_eq!(byte("chunk_end") - byte("chunk_start"), document.len());
        assert!(byte("chunk_start") <= text.len());
        text.replace_range(byte("chunk_start").., document);
    }
    text
}

#[test]
fn a_folder_is_cut_and_the_pieces_are_its_texts() {
    let world = World::with_notes();
    std::fs::create_dir(world.path("docs")).unwrap();
    let long = "Foxes run and jump. Whales sing in the sea, for hours.\n\nBees dance; ants do not.\nOwls é see.";
    world.write("docs/a.md", long);
    world.write("docs/b.md", "short");
    let said = import(&world, &["docs"]);
    assert!(said.starts_with("documents 2, cut into chunks 4\nadded 4, updated 0, "), "{said}");
    assert_eq!(ids(&world), "a.md#0\na.md#1\na.md#2\nb.md#0\n");
    assert_eq!(put_together(&world, "a.md"), long);
    assert_eq!(put_together(&world, "b.md"), "short");
    let found = world.ok(&["query", "notes", "bees dance", "-n", "1"]);
    assert!(found.contains("\"chunk_of\":\"a.md\"") && found.contains("\"uri\":\"docs/a.md\""), "{found}");
    let again = import(&world, &["docs"]);
    assert!(again.contains("added 0, updated 0, unchanged 4, skipped 0 in "), "{again}");
    assert!(again.ends_with("; nothing was embedded\n"), "{again}");
}

#[test]
fn a_document_that_got_shorter_loses_its_last_chunks_and_only_these() {
    let world = World::with_notes();
    let words = |n: usize| (0..n).map(|word| format!("word{word} ")).collect::<String>();
    let row = |n: usize| format!("{{\"id\":\"a\",\"document\":\"{}\",\"metadata\":{{\"n\":{n}}}}}\n", words(n));
    // Named like chunks of it, but none.
    for id in ["a#7", "a#x", "a#07", "b#7"] {
        world.ok(&["add", "notes", "--id", id, "--document", "mine"]);
    }
    world.write("rows.jsonl", row(40));
    let said = import(&world, &["rows.jsonl"]);
    assert!(said.contains("added 7, updated 0, "), "{said}");
    assert_eq!(put_together(&world, "a"), words(40));
    world.ok(&["delete", "notes", "--id", "a#4"]);
    world.write("rows.jsonl", row(20));
    let said = import(&world, &["rows.jsonl"]);
    assert!(said.contains("removed 3"), "{said}");
    assert_eq!(put_together(&world, "a"), words(20));
    assert_eq!(world.ok(&["count", "notes", "--where", "n = 20"]), "3\n");
    for id in ["a#7", "a#x", "a#07", "b#7"] {
        assert!(world.ok(&["get", "notes", "--id", id]).contains("mine"), "{id}");
    }
    // Twice in one import, the second is what stays.
    world.write("rows.jsonl", format!("{}{}", row(38), row(9)));
    import(&world, &["rows.jsonl"]);
    assert_eq!(put_together(&world, "a"), words(9));
    assert_eq!(world.ok(&["check", "--deep"]), "");
}

#[test]
fn modes_go_for_documents_not_for_chunks() {
    let world = World::with_notes();
    let rows =
        |a: &str, b: &str| format!("{{\"id\":\"a\",\"document\":\"{a}\"}}\n{{\"id\":\"b\",\"document\":\"{b}\"}}\n");
    let long = "one two three four five six seven eight nine ten eleven twelve";
    world.write("rows.jsonl", "{\"id\":\"a\",\"document\":\"one two\"}\n");
    import(&world, &["rows.jsonl"]);
    // A longer text of a document that exists is not added to it.
    world.write("rows.jsonl", rows(long, "red fox"));
    let said = import(&world, &["rows.jsonl", "--mode", "add"]);
    assert!(said.contains("added 1, updated 0, unchanged 0, skipped 2, embedded 1 in "), "{said}");
    assert_eq!((put_together(&world, "a"), put_together(&world, "b")), ("one two".into(), "red fox".into()));
    world.ok(&["delete", "notes", "--id", "b#0"]);
    let said = import(&world, &["rows.jsonl", "--mode", "update"]);
    assert!(said.contains("added 1, updated 1, unchanged 0, skipped 1, embedded 2 in "), "{said}");
    assert_eq!(put_together(&world, "a"), long);
    assert_eq!(world.run(&["get", "notes", "--where", "chunk_of = \"b\""]).status, Some(1));
}

#[test]
fn other_metadata_alone_embeds_nothing() {
    let world = World::with_notes();
    let row = |year: u32| format!("{{\"id\":\"a\",\"document\":\"red fox\",\"metadata\":{{\"year\":{year}}}}}\n");
    for (chunk, id) in [(&CHUNK[..], "a#0"), (&[], "a")] {
        world.run_with(&[&["import", "notes", "-"], chunk].concat(), row(2020));
        let again = world.run_with(&[&["import", "notes", "-"], chunk].concat(), row(2021));
        assert!(again.stderr.contains("added 0, updated 1, unchanged 0, skipped 0 in "), "{}", again.stderr);
        assert!(world.ok(&["get", "notes", "--id", id]).contains("\"year\":2021"));
        let same = world.run_with(&[&["import", "notes", "-"], chunk].concat(), row(2021));
        assert!(same.stderr.contains("unchanged 1, skipped 0 in "), "{}", same.stderr);
        assert!(same.stderr.ends_with("; nothing was embedded\n"), "{}", same.stderr);
    }
}

#[test]
fn what_cannot_be_cut_is_said() {
    let world = World::with_notes();
    world.ok(&["create", "vectors", "--no-model"]);
    let text = "{\"id\":\"a\",\"document\":\"x\"}\n";
    let given = "{\"id\":\"a\",\"document\":\"x\",\"embedding\":[1]}\n";
    for (args, rows, says) in [
        (&["notes", "-", "--chunk", "70000"][..], text, "longer than what hash-64 reads"),
        (&["notes", "-", "--chunk", "8", "--overlap", "5"], text, "at most half"),
        (&["notes", "-", "--overlap", "5"], text, "--chunk"),
        (&["notes", "-", "--chunk", "0"], text, "no room for text"),
        (&["vectors", "-", "--chunk", "8"], text, "has no model"),
        (&["notes", "-", "--chunk", "8"], given, "-:1: record \"a\": it comes with an embedding"),
    ] {
        let ran = world.run_with(&[&["import"], args].concat(), rows);
        assert_eq!(ran.status, Some(2), "{args:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(says), "{args:?}: {}", ran.stderr);
    }
    assert_eq!(world.ok(&["count", "notes"]), "0\n");
}

#[test]
fn a_document_is_there_whole_or_in_chunks_and_never_both() {
    let world = World::with_notes();
    let words = |n: usize| (0..n).map(|word| format!("word{word} ")).collect::<String>();
    let row = |id: &str, n: usize| format!("{{\"id\":\"{id}\",\"document\":\"{}\"}}\n", words(n));
    world.write("rows.jsonl", row("a", 20) + &row("b", 3));
    let whole = |args: &[&str]| world.run(&[&["import", "notes", "rows.jsonl"], args].concat()).stderr;
    assert!(whole(&[]).starts_with("added 2, "));
    let said = import(&world, &["rows.jsonl"]);
    assert!(said.contains("added 4, updated 0, unchanged 0, skipped 0, removed 2"), "{said}");
    assert_eq!(ids(&world), "a#0\na#1\na#2\nb#0\n");
    assert_eq!(put_together(&world, "a"), words(20));
    // It is there, so it is left alone; and changed where only what is there is changed.
    assert!(whole(&["--mode", "add"]).starts_with("added 0, updated 0, unchanged 0, skipped 2"));
    assert_eq!(ids(&world), "a#0\na#1\na#2\nb#0\n");
    let said = whole(&["--mode", "update"]);
    assert!(said.starts_with("added 2, updated 0, unchanged 0, skipped 0, removed 4"), "{said}");
    assert_eq!(ids(&world), "a\nb\n");
    let said = import(&world, &["rows.jsonl", "--mode", "add"]);
    assert!(said.contains("added 0, updated 0, unchanged 0, skipped 4"), "{said}");
    import(&world, &["rows.jsonl", "--mode", "update"]);
    assert_eq!(ids(&world), "a#0\na#1\na#2\nb#0\n");
    // Left-over chunks go as well, and what is only named like one stays.
    world.ok(&["delete", "notes", "--id", "a#0"]);
    world.ok(&["add", "notes", "--id", "a#9", "--document", "mine"]);
    assert!(whole(&[]).contains("removed 3"));
    assert_eq!(ids(&world), "a#9\na\nb\n");
    assert_eq!(world.ok(&["check", "--deep"]), "");
}

#[test]
fn chunks_take_the_place_of_no_other_record() {
    let world = World::with_notes();
    world.ok(&["add", "notes", "--id", "guide#1", "--document", "my own note"]);
    let long = "one two three four five six seven eight nine ten eleven twelve";
    world.write(
        "rows.jsonl",
        format!("{{\"id\":\"guide\",\"document\":\"{long}\"}}\n{{\"id\":\"b\",\"document\":\"x\"}}\n"),
    );
    let before = world.bytes();
    for mode in ["upsert", "add"] {
        let args = [&["import", "notes", "rows.jsonl", "--mode", mode], &CHUNK[..]].concat();
        let ran = world.run(&args);
        assert_eq!(ran.status, Some(2), "{ran:?}");
        let says = "error: rows.jsonl:1: record \"guide\": its chunk would replace the record \"guide#1\"";
        assert!(ran.stderr.starts_with(says), "{ran:?}");
        let tried = world.run(&[&args[..], &["--dry-run"]].concat());
        assert!(tried.status == Some(2) && tried.stderr.contains("would replace the record"), "{tried:?}");
        assert!(before == world.bytes());
    }
    let skipped = import(&world, &["rows.jsonl", "--on-error", "skip"]);
    assert!(skipped.contains("added 1, updated 0, unchanged 0, skipped 0, failed 1"), "{skipped}");
    assert_eq!(ids(&world), "guide#1\nb#0\n");
    assert!(world.ok(&["get", "notes", "--id", "guide#1"]).contains("my own note"));
}

#[test]
fn chunks_that_come_as_rows_are_kept_beside_their_document() {
    let world = World::with_notes();
    world.write("rows.jsonl", "{\"id\":\"a\",\"document\":\"red fox\"}\n");
    import(&world, &["rows.jsonl"]);
    world.ok(&["add", "notes", "--id", "a", "--document", "red fox"]);
    let all = world.ok(&["export", "notes"]);
    world.write("all.jsonl", &all);
    world.ok(&["create", "copy", "--model", "hash-64"]);
    for _ in 0..2 {
        world.ok(&["import", "copy", "all.jsonl"]);
        assert_eq!(world.ok(&["export", "copy"]), all);
    }
}
