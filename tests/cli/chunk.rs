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
    assert!(again.ends_with("; nothing had to be embedded\n"), "{again}");
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
    world.write("rows.jsonl", format!("{}{}", row(60), row(9)));
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
        assert!(same.stderr.ends_with("; nothing had to be embedded\n"), "{}", same.stderr);
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
        (&["notes", "-", "--chunk", "8"], given, "-:1: record \"a\": it brings an embedding"),
    ] {
        let ran = world.run_with(&[&["import"], args].concat(), rows);
        assert_eq!(ran.status, Some(2), "{args:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(says), "{args:?}: {}", ran.stderr);
    }
    assert_eq!(world.ok(&["count", "notes"]), "0\n");
}
