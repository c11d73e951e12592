//! Imports: formats, modes, running again, and back out to an equal collection.

use crate::huedb::World;

const CSV: &str = "id,body,year,lang,zip\na,\"red, \"\"quick\"\" fox\",2020,en,007\nb,blue whale,,de,1\n";

#[test]
fn a_csv_with_named_columns() {
    let world = World::with_notes();
    world.write("articles.csv", CSV);
    let import = ["import", "notes", "articles.csv", "--id", "id", "--document", "body", "--metadata", "year,lang,zip"];
    let ran = world.run(&import);
    let notice = "articles.csv: the column \"zip\" is text, since \"007\" on line 2 would not print back as written; \
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

#[test]
fn a_file_of_another_folder_takes_the_place_of_none() {
    let world = World::with_notes();
    for folder in ["one", "two"] {
        std::fs::create_dir(world.path(folder)).unwrap();
        world.write(&format!("{folder}/README.md"), format!("readme of {folder}"));
    }
    world.ok(&["import", "notes", "one"]);
    let before = world.bytes();
    for args in [
        &["two"][..],
        &["two/**/*.md"],
        &["two", "--mode", "update"],
        &["two", "--chunk", "8"],
        &["two", "--dry-run"],
        &["two", "--moved-from", "three"],
    ] {
        let ran = world.run(&[&["import", "notes"], args].concat());
        assert_eq!(ran.status, Some(2), "{args:?}: {ran:?}");
        assert!(ran.stderr.contains("two/README.md: record \"README.md\": it came from one/README.md"), "{ran:?}");
        assert!(ran.stderr.contains("--prefix P") && ran.stderr.contains("--moved-from one"), "{ran:?}");
    }
    assert!(before == world.bytes());
    // The same folder, however it is written; and who only adds replaces nothing.
    let whole = world.path("one").canonicalize().unwrap();
    for args in [&["./one"][..], &[whole.to_str().unwrap()], &["one"], &["two", "--mode", "add"]] {
        world.ok(&[&["import", "notes"][..], args].concat());
    }
    let skipped = world.run(&["import", "notes", "two", "--on-error", "skip"]);
    assert!(skipped.status == Some(0) && skipped.stderr.contains("failed 1"), "{skipped:?}");
    assert!(world.ok(&["get", "notes"]).contains("readme of one"));
    world.ok(&["import", "notes", "two", "--prefix", "two/"]);
    assert_eq!(world.ok(&["get", "notes", "-o", "ids"]), "README.md\ntwo/README.md\n");
    world.ok(&["import", "notes", "two", "--moved-from", "./one"]);
    assert!(world.ok(&["get", "notes", "--id", "README.md"]).contains("readme of two"));
    // Both at once.
    world.ok(&["create", "both", "--model", "hash-64"]);
    let both = world.run(&["import", "both", "one", "two"]);
    assert!(both.status == Some(2) && both.stderr.contains("it came from one/README.md"), "{both:?}");
    // What is refused does not stand in the way of the folder that the record came from.
    world.ok(&["import", "both", "one"]);
    world.write("one/README.md", "readme of one, changed");
    let order = world.run(&["import", "both", "two", "one", "--on-error", "skip"]);
    assert!(order.stderr.contains("added 0, updated 1, unchanged 0, skipped 0, failed 1"), "{order:?}");
    // A record that no file made is changed, as of any import.
    world.ok(&["add", "both", "--id", "README.md", "--document", "by hand"]);
    world.ok(&["import", "both", "one"]);
}

#[test]
fn files_of_a_folder_that_are_no_text_are_passed_over_and_named() {
    let world = World::with_notes();
    std::fs::create_dir(world.path("docs")).unwrap();
    world.write("docs/a.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    world.write("docs/b.txt", b"caf\xe9 au lait");
    world.write("docs/c.pdf", b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n");
    world.write("docs/d.md", "text");
    for file in 0..9 {
        world.write(&format!("docs/e{file}.bin"), b"\0\0");
    }
    for args in [&["docs"][..], &["docs", "--dry-run"], &["docs/**"]] {
        let ran = world.run(&[&["import", "notes"], args].concat());
        assert_eq!(ran.status, Some(0), "{args:?}: {ran:?}");
        for says in [
            "skipped docs/a.png: it is a binary file",
            "skipped docs/b.txt: it is not UTF-8 text",
            "skipped docs/c.pdf: it is a PDF file",
            "skipped docs/e6.bin: ",
            "skipped 2 files more; -v names them\n",
        ] {
            assert!(ran.stderr.contains(says), "{args:?} {says}: {ran:?}");
        }
        assert_eq!(ran.stderr.matches("skipped docs/").count(), 10, "{args:?}: {ran:?}");
    }
    assert_eq!(world.ok(&["get", "notes", "-o", "ids"]), "d.md\n");
    let all = world.run(&["import", "notes", "docs", "-v"]);
    assert_eq!(all.stderr.matches("skipped docs/").count(), 12, "{all:?}");
    for args in [&["docs/*.bin"][..], &["docs/*.bin", "--dry-run"]] {
        let none = world.run(&[&["import", "notes"], args].concat());
        assert!(none.status == Some(2) && none.stderr.contains("error: none of the files is text"), "{none:?}");
    }
    // Named by itself it is an error.
    assert_eq!(world.run(&["import", "notes", "docs/a.png"]).status, Some(2));
}

#[test]
fn a_new_document_needs_an_embedding_where_no_model_makes_one() {
    let world = World::new();
    world.ok(&["create", "plain", "--no-model"]);
    world.ok(&["add", "plain", "--id", "a", "--document", "cats", "--embedding", "[1,0]"]);
    let (before, row) = (world.bytes(), "{\"id\":\"a\",\"document\":\"databases\"}\n");
    let says = "record \"a\": its document is new and no embedding comes with it";
    for args in [
        &["update", "plain", "--id", "a", "--document", "databases"][..],
        &["upsert", "plain", "--id", "a", "--document", "databases"],
        &["import", "plain", "-"],
        &["import", "plain", "-", "--mode", "update"],
        &["import", "plain", "-", "--dry-run"],
    ] {
        let ran = world.run_with(args, row);
        assert_eq!(ran.status, Some(2), "{args:?}: {ran:?}");
        assert!(ran.stderr.contains(says), "{args:?}: {ran:?}");
        assert!(before == world.bytes(), "{args:?}");
    }
    // A row before it in the same import.
    let twice = format!("{{\"id\":\"n\",\"document\":\"x\",\"embedding\":[0,1]}}\n{}", row.replace("\"a\"", "\"n\""));
    let ran = world.run_with(&["import", "plain", "-"], &twice);
    assert!(ran.status == Some(2) && ran.stderr.contains("record \"n\": its document is new"), "{ran:?}");
    // The same document again, or none, or with its embedding.
    for row in [
        "{\"id\":\"a\",\"document\":\"cats\",\"x\":1}\n",
        "{\"id\":\"a\",\"x\":2}\n",
        "{\"id\":\"a\",\"document\":\"dogs\",\"embedding\":[0,1]}\n",
    ] {
        assert_eq!(world.run_with(&["import", "plain", "-"], row).status, Some(0), "{row}");
    }
    assert_eq!(world.run_with(&["import", "plain", "-", "--keep-embedding"], row).status, Some(0));
    world.ok(&["update", "plain", "--id", "a", "--document", "kept", "--keep-embedding"]);
    let kept = world.ok(&["get", "plain", "--id", "a", "--include", "documents,embeddings"]);
    assert_eq!(kept, "{\"id\":\"a\",\"document\":\"kept\",\"embedding\":[0.0,1.0]}\n");
    world.ok(&["create", "model", "--model", "hash-64"]);
    let refused = world.run_with(&["import", "model", "-", "--keep-embedding"], row);
    assert!(refused.status == Some(2) && refused.stderr.contains("is for collections without a model"), "{refused:?}");
}

#[test]
fn a_dry_run_refuses_what_the_import_would() {
    let world = World::with_notes();
    world.ok(&["create", "plain", "--no-model"]);
    world.ok(&["add", "plain", "--id", "a", "--embedding", "[1,2]"]);
    let before = world.bytes();
    for (args, rows, says) in [
        (&["plain"][..], "{\"id\":\"x\",\"embedding\":[1,2,3]}\n", "dimension 2, got 3"),
        (&["plain"], "{\"id\":\"x\",\"document\":\"text\"}\n", "has no model"),
        (&["plain"], "{\"id\":\"x\"}\n", "no document under \"document\" and no embedding; the fields are id"),
        (&["plain", "--chunk", "8"], "{\"id\":\"x\",\"document\":\"text\"}\n", "has no model"),
        (&["notes"], "{\"id\":\"x\",\"embedding\":[1]}\n", "dimension 64, got 1"),
        (&["notes", "--chunk", "70000"], "{\"id\":\"x\",\"document\":\"text\"}\n", "longer than what hash-64 reads"),
        (&["notes", "--model", "hash-32"], "{\"id\":\"x\",\"document\":\"text\"}\n", "was made with the model hash-64"),
        (&["notes", "--mode", "add"], "{\"id\":\"x\",\"document\":\"text\",\"metadata\":{\"a\":null}}\n", "is null"),
        (&["notes"], "{\"id\":\"x\",\"document\":\"text\"}\nnonsense\n{\"id\":\"\"}\n", "-:2: "),
    ] {
        let file = world.write("rows.jsonl", rows);
        let args = [&["import"], args, &[&file]].concat();
        let real = world.run(&[&args[..], &["--batch-size", "100"]].concat());
        assert_eq!(real.status, Some(2), "{args:?}: {real:?}");
        let tried = world.run(&[&args[..], &["--dry-run"]].concat());
        assert_eq!(tried.status, Some(2), "{args:?}: {tried:?}");
        let says = says.replace("-:2", "rows.jsonl:2");
        assert!(real.stderr.contains(&says) && tried.stderr.contains(&says), "{args:?} {says}: {real:?} {tried:?}");
    }
    let rows = world.write("rows.jsonl", "{\"id\":\"x\",\"document\":\"text\"}\nnonsense\n{\"id\":\"\"}\n");
    let tried = world.run(&["import", "notes", &rows, "--dry-run"]);
    assert!(tried.stderr.contains("error: the import would stop at the first bad row; there are 2"), "{tried:?}");
    assert_eq!(world.run(&["import", "notes", &rows, "--dry-run", "--on-error", "skip"]).status, Some(0));
    assert!(before == world.bytes());
    let good = world.write("good.jsonl", "{\"id\":\"x\",\"document\":\"text\"}\n");
    let nobody = world.run(&["import", "nobody", &good, "--dry-run"]);
    assert!(nobody.status == Some(0) && nobody.stderr.contains("there is no collection \"nobody\""), "{nobody:?}");
}

#[test]
fn an_import_whose_file_is_deleted_does_not_say_that_it_is_stored() {
    let world = World::with_notes();
    let mut child = world.command(&["import", "notes", "-", "--batch-size", "1"]);
    let mut child = child.stdin(std::process::Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let row = |n: usize| format!("{{\"id\":\"r{n}\",\"document\":\"text {n}\"}}\n");
    std::io::Write::write_all(&mut stdin, row(0).as_bytes()).unwrap();
    while world.ok(&["count", "notes"]) == "0\n" {
        assert!(child.try_wait().unwrap().is_none(), "it ended before its file was deleted");
    }
    std::fs::remove_file(world.path("test.redb")).unwrap();
    for n in 1..50 {
        // It may have ended already.
        let _ = std::io::Write::write_all(&mut stdin, row(n).as_bytes());
    }
    drop(stdin);
    let ran = crate::huedb::finish(child);
    assert_eq!(ran.status, Some(5), "{ran:?}");
    assert!(
        ran.stderr
            .contains("the file test.redb was removed or replaced, and they are lost unless the new one has them"),
        "{ran:?}"
    );
    assert!(!ran.stderr.contains("these are stored"), "{ran:?}");
}
