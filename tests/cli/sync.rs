//! A collection that follows a folder.

use std::fs;

use crate::huedb::{Ran, World};

/// A world with a collection and a folder of two texts.
fn world() -> World {
    let world = World::with_notes();
    put(&world, "docs/a.md", "Foxes run.\n\nWhales sing in the sea, for hours.\nBees dance.\n");
    put(&world, "docs/sub/b.md", "Owls see at night.\n");
    world
}

fn put(world: &World, name: &str, text: impl AsRef<[u8]>) {
    fs::create_dir_all(world.path(name).parent().unwrap()).unwrap();
    world.write(name, text);
}

fn sync(world: &World, args: &[&str]) -> Ran {
    world.run(&[&["sync", "notes", "docs"], args].concat())
}

/// Syncs and returns what was said but for the time.
fn said(world: &World, args: &[&str]) -> String {
    let ran = sync(world, args);
    assert_eq!(ran.status, Some(0), "{args:?}: {ran:?}");
    ran.stderr.rsplit_once(" in ").unwrap().0.to_owned()
}

fn ids(world: &World) -> Vec<String> {
    world.run(&["get", "notes", "-o", "ids"]).stdout.lines().map(str::to_owned).collect()
}

fn epoch(world: &World) -> Vec<u8> {
    world.bytes()
}

#[test]
fn new_changed_and_gone_files_are_followed_and_the_rest_is_not_touched() {
    let world = world();
    let first = said(&world, &[]);
    assert_eq!(first, "files: added 2, updated 0, unchanged 0, removed 0, skipped 0; records: added 2, embedded 2");
    assert_eq!(ids(&world), ["a.md#0", "sub/b.md#0"]);
    let before = epoch(&world);
    assert_eq!(said(&world, &[]), "files: added 0, updated 0, unchanged 2, removed 0, skipped 0");
    assert!(before == world.bytes(), "a sync without changes wrote to the file");

    put(&world, "docs/sub/b.md", "Owls see in the dark.\n");
    put(&world, "docs/c.md", "Ants do not dance.\n");
    fs::remove_file(world.path("docs/a.md")).unwrap();
    let second = said(&world, &[]);
    assert_eq!(
        second,
        "files: added 1, updated 1, unchanged 0, removed 1, skipped 0; records: added 1, updated 1, removed 1, embedded 2"
    );
    assert_eq!(ids(&world), ["sub/b.md#0", "c.md#0"]);
    assert!(world.ok(&["get", "notes", "--id", "sub/b.md#0"]).contains("in the dark"));
    assert_eq!(world.ok(&["check", "--deep"]), "");
}

#[test]
fn chunks_say_their_lines_and_their_file() {
    let world = world();
    let long: String = (1..=40).map(|line| format!("line number {line} of this text\n")).collect();
    put(&world, "docs/a.md", format!("\n\n{long}"));
    said(&world, &["--chunk", "30", "--overlap", "0"]);
    let found = world.ok(&["get", "notes", "--where", "chunk_of = \"a.md\"", "--sort", "chunk"]);
    let mut next = 3;
    for line in found.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let (first, last) =
            (record["metadata"]["line"].as_u64().unwrap(), record["metadata"]["line_end"].as_u64().unwrap());
        assert_eq!(first, next, "{record}");
        let document = record["document"].as_str().unwrap();
        assert_eq!(document.trim().lines().count() as u64, last - first + 1, "{record}");
        assert!(document.trim().starts_with(&format!("line number {} ", first - 2)), "{record}");
        let path = world.path("docs").canonicalize().unwrap().join("a.md");
        assert_eq!(record["uri"], path.to_str().unwrap());
        assert_eq!(record["metadata"]["synced_from"], "docs");
        next = last + 1;
    }
    assert_eq!(next, 43, "{found}");

    // Shorter: the chunks left over go, also where the rest is as it was.
    let kept: String = (1..=5).map(|line| format!("line number {line} of this text\n")).collect();
    put(&world, "docs/a.md", format!("\n\n{kept}"));
    let shorter = said(&world, &["--chunk", "30", "--overlap", "0"]);
    assert!(shorter.contains("updated 1, unchanged 1, removed 0") && shorter.contains("removed 7"), "{shorter}");
    assert_eq!(ids(&world), ["a.md#0", "sub/b.md#0"]);

    // Another size cuts anew, none makes one record a file.
    let whole = said(&world, &["--no-chunk"]);
    assert!(whole.contains("removed 2"), "{whole}");
    assert_eq!(ids(&world), ["a.md", "sub/b.md"]);
    assert!(world.ok(&["get", "notes", "--id", "a.md"]).contains("\"line\":3,\"line_end\":7"));
    assert_eq!(said(&world, &["--chunk", "0"]), "files: added 0, updated 0, unchanged 2, removed 0, skipped 0");
}

#[test]
fn records_of_others_stay() {
    let world = world();
    world.ok(&["add", "notes", "--id", "mine", "--document", "by hand"]);
    world.ok(&["add", "notes", "--id", "sub/b.md#0", "--document", "by hand, with a name of a file's"]);
    put(&world, "blog/a.md", "Another text with the same name.\n");
    let ran = sync(&world, &[]);
    assert_eq!(ran.status, Some(5), "{ran:?}");
    assert!(
        ran.stderr.starts_with("warning: docs/sub/b.md: its record \"sub/b.md#0\" exists already and"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("--prefix") && ran.stderr.contains("failed 1; records: added 1"), "{}", ran.stderr);
    let blog = world.run(&["sync", "notes", "blog", "--prefix", "blog/"]);
    assert_eq!(blog.status, Some(0), "{blog:?}");
    let taken = world.run(&["sync", "notes", "blog"]);
    assert_eq!(taken.status, Some(5), "{taken:?}");
    assert_eq!(ids(&world), ["mine", "sub/b.md#0", "a.md#0"], "the prefix was given up, the id is taken");
    world.ok(&["sync", "notes", "blog", "--prefix", "blog/"]);

    fs::remove_file(world.path("docs/a.md")).unwrap();
    fs::remove_file(world.path("docs/sub/b.md")).unwrap();
    let emptied = sync(&world, &["--allow-empty"]);
    assert_eq!(emptied.status, Some(0), "{emptied:?}");
    assert_eq!(ids(&world), ["mine", "sub/b.md#0", "blog/a.md#0"]);
    assert!(world.ok(&["get", "notes", "--id", "sub/b.md#0"]).contains("by hand"));
}

#[test]
fn ignored_hidden_and_other_files_are_left_out() {
    let world = world();
    put(&world, "docs/.gitignore", "build/\n*.log\n");
    put(&world, "docs/build/out.md", "built");
    put(&world, "docs/x.log", "logged");
    put(&world, "docs/.hidden.md", "hidden");
    put(&world, "docs/image.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    put(&world, "docs/latin.txt", b"caf\xe9 au lait");
    put(&world, "docs/empty.md", " \n");
    let plain = said(&world, &[]);
    assert!(plain.contains("added 2, updated 0, unchanged 0, removed 0, skipped 3"), "{plain}");
    assert!(said(&world, &["--no-ignore"]).contains("added 2, updated 0, unchanged 2"));
    // What a run does not choose is not kept.
    assert!(said(&world, &["--glob", "**/*.md"]).contains("unchanged 2, removed 2, skipped 1"));
    assert!(
        said(&world, &["--glob", "*.md", "--glob", "!sub/", "--hidden"])
            .contains("added 1, updated 0, unchanged 1, removed 1")
    );
    assert_eq!(ids(&world), ["a.md#0", ".hidden.md#0"]);
}

#[test]
fn a_folder_without_files_is_refused_and_one_that_is_not_there_as_well() {
    let world = world();
    said(&world, &[]);
    for (args, says) in [
        (&["docs", "--glob", "*.pdf"][..], "docs: no matching text files"),
        (&["none"], "none: no such folder"),
        (&["docs/a.md"], "docs/a.md: it is not a folder"),
        (&["docs", "--glob", "a["], "the glob \"a[\": "),
        (&["docs", "--chunk", "70000"], "longer than what hash-64 reads"),
        (&["docs", "--model", "hash-32"], "was made with the model hash-64"),
    ] {
        let ran = world.run(&[&["sync", "notes"], args].concat());
        assert_eq!(ran.status, Some(2), "{args:?}: {ran:?}");
        assert!(ran.stderr.contains(says), "{args:?}: {}", ran.stderr);
    }
    fs::remove_dir_all(world.path("docs")).unwrap();
    fs::create_dir(world.path("docs")).unwrap();
    assert_eq!(sync(&world, &[]).status, Some(2));
    assert_eq!(ids(&world).len(), 2);
    assert!(said(&world, &["--allow-empty"]).contains("removed 2"));
    assert!(ids(&world).is_empty());
}

#[cfg(unix)]
#[test]
fn what_cannot_be_read_is_told_and_loses_nothing() {
    let world = world();
    said(&world, &[]);
    fs::remove_file(world.path("docs/a.md")).unwrap();
    std::os::unix::fs::symlink("nowhere", world.path("docs/a.md")).unwrap();
    fs::remove_file(world.path("docs/sub/b.md")).unwrap();
    let ran = sync(&world, &["--follow"]);
    assert_eq!(ran.status, Some(5), "{ran:?}");
    assert!(ran.stderr.starts_with("warning: cannot read docs/a.md: entity not found"), "{}", ran.stderr);
    assert_eq!(ids(&world), ["a.md#0"]);
    // Not followed, the link is no file.
    assert_eq!(sync(&world, &[]).status, Some(2));
    fs::create_dir(world.path("real")).unwrap();
    put(&world, "real/c.md", "linked");
    std::os::unix::fs::symlink("../real", world.path("docs/link")).unwrap();
    put(&world, "docs/d.md", "plain");
    assert!(said(&world, &[]).contains("added 1, updated 0, unchanged 0, removed 1"));
    assert_eq!(ids(&world), ["d.md#0"]);
}

#[test]
fn the_collection_is_made_when_asked_for() {
    // What `sync --create` makes is plain.
    let world = World::plain();
    put(&world, "docs/a.md", "Foxes run.\n");
    let refused = world.run(&["sync", "notes", "docs"]);
    assert_eq!(refused.status, Some(2), "{refused:?}");
    assert!(!world.path("test.redb").exists());
    let tried = world.run(&["sync", "notes", "docs", "--create", "--model", "hash-64", "--dry-run"]);
    assert_eq!(
        (tried.status, tried.stdout.as_str()),
        (Some(0), "{\"id\":\"a.md\",\"change\":\"added\",\"records\":1}\n")
    );
    assert!(!world.path("test.redb").exists());
    let made = world.run(&["sync", "notes", "docs", "--create", "--model", "hash-64"]);
    assert_eq!(made.status, Some(0), "{made:?}");
    assert!(
        made.stderr.starts_with("created notes in test.redb (model hash-64, cosine)\nfiles: added 1, "),
        "{made:?}"
    );
    assert_eq!(world.run(&["sync", "notes", "docs", "--create"]).status, Some(0));
    world.ok(&["create", "vectors", "--no-model"]);
    assert!(world.run(&["sync", "vectors", "docs"]).stderr.contains("has no model"));
}

#[test]
fn a_dry_run_tells_all_and_does_nothing() {
    let world = world();
    put(&world, "docs/gone.md", "Gone soon.\n");
    said(&world, &[]);
    put(&world, "docs/a.md", "Changed.\n");
    put(&world, "docs/new.md", "New.\n");
    fs::remove_file(world.path("docs/gone.md")).unwrap();
    let before = world.bytes();
    let ran = sync(&world, &["--dry-run"]);
    let line = |id: &str, change: &str| format!("{{\"id\":\"{id}\",\"change\":\"{change}\",\"records\":1}}\n");
    assert_eq!(ran.stdout, line("a.md", "updated") + &line("new.md", "added") + &line("gone.md", "removed"));
    assert!(
        ran.stderr.contains("added 1, updated 1, unchanged 1, removed 1, skipped 0; nothing was changed"),
        "{ran:?}"
    );
    assert!(before == world.bytes());
}

#[test]
fn the_folder_and_the_file_may_be_moved_together_and_reached_from_anywhere() {
    let world = World::new();
    put(&world, "one/docs/a.md", "Foxes run.\n");
    let run = |folder: &str, args: &[&str]| {
        let ran = crate::huedb::finish(
            world
                .command(args)
                .current_dir(world.path(folder))
                .env("HUEDB_KEY_FILE", world.path("test.key"))
                .spawn()
                .unwrap(),
        );
        assert_eq!(ran.status, Some(0), "{ran:?}");
        ran.stderr
    };
    let world_key = world.path("test.key");
    drop(world_key);
    run("one", &["create", "notes", "--model", "hash-64", "--db", "n.redb"]);
    run("one", &["sync", "notes", "docs", "--db", "n.redb"]);
    let same = run("one/docs", &["sync", "notes", ".", "--db", "../n.redb"]);
    assert!(same.contains("unchanged 1"), "{same}");
    fs::rename(world.path("one"), world.path("two")).unwrap();
    let moved = run("two", &["sync", "notes", "./docs/", "--db", "n.redb"]);
    // Only the path that opens it is another.
    assert!(moved.contains("updated 1, unchanged 0, removed 0, skipped 0; records: updated 1 in "), "{moved}");
}

#[test]
fn an_interrupted_sync_removes_nothing_and_goes_on() {
    let world = world();
    put(&world, "docs/gone.md", "Gone soon.\n");
    said(&world, &[]);
    fs::remove_file(world.path("docs/gone.md")).unwrap();
    for file in 0..3000 {
        put(&world, &format!("docs/many/{file}.md"), format!("text number {file} with some words\n"));
    }
    let mut child = world.spawn(&["sync", "notes", "docs"]);
    while world.ok(&["count", "notes"]) == "3\n" {
        assert!(child.try_wait().unwrap().is_none(), "it was done before it could be interrupted");
    }
    assert!(std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let ran = crate::huedb::finish(child);
    assert_eq!(ran.status, Some(130), "{ran:?}");
    assert!(ran.stderr.contains("before it stopped; these are stored: run the same sync to continue"), "{ran:?}");
    assert!(ids(&world).contains(&"gone.md#0".to_owned()));
    let rest = said(&world, &[]);
    assert!(rest.contains("removed 1, skipped 0"), "{rest}");
    assert_eq!(world.ok(&["count", "notes"]), "3002\n");
    assert_eq!(world.ok(&["check", "--deep"]), "");
}

#[test]
fn a_folder_that_was_renamed_is_followed_on() {
    let world = world();
    said(&world, &[]);
    fs::rename(world.path("docs"), world.path("papers")).unwrap();
    put(&world, "papers/c.md", "Ants do not dance.\n");
    fs::remove_file(world.path("papers/sub/b.md")).unwrap();
    let taken = world.run(&["sync", "notes", "papers"]);
    assert_eq!(taken.status, Some(5), "{taken:?}");
    assert!(
        taken.stderr.contains("it follows docs: if that is what this folder was called, say --moved-from docs"),
        "{taken:?}"
    );
    world.ok(&["delete", "notes", "--id", "c.md#0"]);
    let unknown = world.run(&["sync", "notes", "papers", "--moved-from", "books"]);
    assert!(unknown.status == Some(2) && unknown.stderr.contains("no record of notes follows books"), "{unknown:?}");
    let moved = world.run(&["sync", "notes", "papers", "--moved-from", "./docs/"]);
    assert_eq!(moved.status, Some(0), "{moved:?}");
    let says = "files: added 1, updated 1, unchanged 0, removed 1, skipped 0; records: added 1, updated 1, removed 1, embedded 1";
    assert!(moved.stderr.starts_with(says), "{moved:?}");
    assert_eq!(world.ok(&["distinct", "notes", "synced_from", "-o", "jsonl"]).matches("papers").count(), 1);
    let again = world.run(&["sync", "notes", "papers"]);
    assert!(again.stderr.contains("added 0, updated 0, unchanged 2, removed 0"), "{again:?}");
    assert_eq!(world.ok(&["check", "--deep"]), "");
}

#[test]
fn files_without_text_are_named() {
    let world = world();
    put(&world, "docs/image.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    put(&world, "docs/latin.txt", b"caf\xe9 au lait");
    put(&world, "docs/paper.pdf", b"%PDF-1.4\n");
    put(&world, "docs/empty.md", " \n");
    for args in [&["--dry-run"][..], &[]] {
        let ran = sync(&world, args);
        assert_eq!(ran.status, Some(0), "{ran:?}");
        for says in [
            "skipped docs/empty.md: it holds nothing but white space\n",
            "skipped docs/image.png: it is a binary file",
            "skipped docs/latin.txt: it is not UTF-8 text (0xE9 at byte 4)",
            "skipped docs/paper.pdf: it is a PDF file; take its text out first: pdftotext FILE.pdf\n",
        ] {
            assert!(ran.stderr.contains(says), "{says}: {ran:?}");
        }
    }
    for file in 0..9 {
        put(&world, &format!("docs/e{file}.bin"), b"\0");
    }
    let ran = sync(&world, &[]);
    assert!(ran.stderr.contains("skipped 3 files more; -v names them\n"), "{ran:?}");
}
