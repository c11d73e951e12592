//! Imports: formats, modes, running again, and back out to an equal collection.

use crate::huedb::World;

const CSV: &str = "id,body,year,lang,zip\na,\"red, \"\"quick\"\" fox\",2020,en,007\nb,blue whale,,de,1\n";

#[test]
fn a_csv_with_named_columns() {
    let world = World::with_notes();
    world.write("articles.csv", CSV);
    let import = ["import", "notes", "articles.csv", "--id", "id", "--document", "body", "--metadata", "year,lang,zip"];
    let ran = world.run(&import);
    let notice = "articles.csv: the column \"zip\" is text, since \"007\" on line 2 would not print back as it stands; \
                  --types zip:float makes it numbers\n";
    let added = ran.stderr.strip_prefix(notice).unwrap_or_else(|| panic!("{ran:?}"));
    assert!(added.starts_with("added 2, updated 0, unchanged 0, skipped 0, embedded 2 in "), "{added}");
    let expected = "{\"id\":\"a\",\"document\":\"red, \\\"quick\\\" fox\",\"metadata\":{\"lang\":\"en\",\"year\":2020,\"zip\":\"007\"}}\n\
        {\"id\":\"b\",\"document\":\"blue whale\",\"metadata\":{\"lang\":\"de\",\"zip\":\"1\"}}\n";
    assert_eq!(world.ok(&["get", "notes"]), expected);
    let again = world.run(&import);
    assert!(again.stderr.contains("\nadded 0, updated 0, unchanged 2, skipped 0 in "), "{}", again.stderr);
}

#[test]
fn modes_say_what_happens_to_ids() {
    let world = World::with_notes();
    world.ok(&["add", "notes", "--id", "a", "--document", "old"]);
    let rows = "{\"id\":\"a\",\"document\":\"new\"}\n{\"id\":\"b\",\"document\":\"new\"}\n";
    for (mode, says) in [
        ("add", "added 1, updated 0, unchanged 0, skipped 1, embedded 1 in "),
        ("update", "added 0, updated 1, unchanged 1, skipped 0, embedded 1 in "),
        ("upsert", "added 0, updated 0, unchanged 2, skipped 0 in "),
    ] {
        let ran = world.run_with(&["import", "notes", "-", "--mode", mode], rows);
        assert!(ran.stderr.starts_with(says), "{mode}: {}", ran.stderr);
    }
}

#[test]
fn a_bad_row_stops_or_is_skipped() {
    let world = World::with_notes();
    let rows = "{\"id\":\"a\",\"document\":\"x\"}\nnonsense\n{\"id\":\"\",\"document\":\"x\"}\n{\"id\":\"b\",\"document\":\"x\"}\n";
    let stopped = world.run_with(&["import", "notes", "-"], rows);
    assert_eq!(stopped.status, Some(2));
    assert!(stopped.stderr.contains("error: -:2: "), "{}", stopped.stderr);
    let skipped = world.run_with(&["import", "notes", "-", "--on-error", "skip"], rows);
    assert_eq!(skipped.status, Some(0), "{}", skipped.stderr);
    assert!(skipped.stderr.contains("warning: -:2: ") && skipped.stderr.contains("failed 2"), "{}", skipped.stderr);
    assert_eq!(world.ok(&["count", "notes"]), "2\n");
}

#[test]
fn batches_before_a_bad_row_stay() {
    let world = World::with_notes();
    let rows = "{\"id\":\"a\",\"document\":\"x\"}\n{\"id\":\"b\",\"document\":\"y\"}\nnonsense\n";
    let stopped = world.run_with(&["import", "notes", "-", "--batch-size", "2"], rows);
    assert_eq!(stopped.status, Some(2));
    assert!(stopped.stderr.starts_with("added 2, updated 0, unchanged 0, skipped 0, embedded 2 before it stopped"));
    assert!(stopped.stderr.contains("error: -:3: "), "{}", stopped.stderr);
    assert_eq!(world.ok(&["get", "notes", "-o", "ids"]), "a\nb\n");
}

#[test]
fn an_id_that_comes_again_has_the_text_and_the_embedding_of_the_last_row() {
    let world = World::with_notes();
    world.ok(&["add", "notes", "--id", "a", "--document", "red fox"]);
    world.ok(&["add", "notes", "--id", "same", "--document", "red fox"]);
    let rows: String = ["blue whale", "red fox", "green frog", "red fox"]
        .map(|text| format!("{{\"id\":\"a\",\"document\":\"{text}\"}}\n"))
        .concat();
    world.run_with(&["import", "notes", "-", "--batch-size", "1"], &rows);
    assert_eq!(world.ok(&["get", "notes", "--id", "a"]), "{\"id\":\"a\",\"document\":\"red fox\",\"metadata\":null}\n");
    let hits = world.ok(&["query", "notes", "red fox", "--include", "distances"]);
    assert_eq!(hits.matches("\"distance\":0.0").count(), 2, "{hits}");
}

#[test]
fn folders_become_a_record_a_file() {
    let world = World::with_notes();
    std::fs::create_dir_all(world.path("docs/sub")).unwrap();
    world.write("docs/one.md", "first text");
    world.write("docs/sub/two.md", "second text");
    world.write("docs/three.txt", "third text");
    world.ok(&["import", "notes", "docs/**/*.md"]);
    assert_eq!(world.ok(&["get", "notes", "-o", "ids"]), "one.md\nsub/two.md\n");
    world.ok(&["import", "notes", "docs"]);
    assert_eq!(world.ok(&["count", "notes"]), "3\n");
}

#[test]
fn an_export_comes_back_as_an_equal_collection() {
    let world = World::with_notes();
    let metadata = "{\"f\":0.1,\"big\":9007199254740993,\"tags\":[\"x\",\"y,z\"],\"b\":true,\"s\":\"line\\nbreak\"}";
    world.ok(&[
        "add",
        "notes",
        "--id",
        "ü/1",
        "--document",
        "first, \"text\"",
        "--metadata",
        metadata,
        "--uri",
        "file:///x",
    ]);
    world.ok(&["add", "notes", "--id", "2", "--document", "second"]);
    let all = world.ok(&["export", "notes"]);
    for format in ["jsonl", "json", "csv", "tsv"] {
        let file = format!("out.{format}");
        world.write(&file, world.ok(&["export", "notes", "-o", format]));
        let copy = format!("copy-{format}");
        world.ok(&["create", &copy, "--model", "hash-64"]);
        world.ok(&["import", &copy, &file]);
        assert_eq!(world.ok(&["export", &copy]), all, "{format}");
    }
}
