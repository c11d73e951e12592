//! Hits as people read them, thinned out, opened in an editor, and like other records.

use std::os::unix::fs::PermissionsExt;

use crate::huedb::{World, finish};
use crate::terminal::on_terminal;

/// A folder with two files that were synced, one of them with the same text twice.
fn docs() -> World {
    let world = World::plain();
    std::fs::create_dir(world.path("docs")).unwrap();
    let copied = "Rotate the keys every year, and keep the old ones for a while.\n";
    world.write("docs/keys.md", format!("# Keys\n\n{copied}\n# Again\n\n{copied}"));
    world.write("docs/foxes.md", "# Foxes\n\nA red fox jumps over a dog.\nIt rests in its den.\n");
    world.ok(&["sync", "docs", "docs", "--create", "--model", "hash-64"]);
    world
}

fn shown(world: &World, args: &[&str]) -> (String, String) {
    on_terminal(world.command(&[args, &["--color", "never"]].concat()))
}

#[test]
fn a_terminal_shows_where_a_hit_is_from_and_what_it_says() {
    let world = docs();
    let (out, _) = shown(&world, &["query", "docs", "a red fox jumping", "-n", "1"]);
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].starts_with("1. ") && lines[0].contains("docs/foxes.md:3  distance 0."), "{out}");
    assert!(lines[1].contains("A red fox jumps over a dog."), "{out}");
    assert!(lines.last().unwrap().starts_with("   id foxes.md"), "{out}");
    assert!(!out.contains("chunk") && !out.contains("synced_from") && !out.contains('─'), "{out}");
    // A table where one is asked for, or columns are; without a terminal it is data.
    for args in [&["-o", "table"][..], &["--columns", "id,document"]] {
        let (out, _) = shown(&world, &[&["query", "docs", "fox"], args].concat());
        assert!(out.contains('─') && !out.contains("synced_from"), "{out}");
    }
    let (out, _) = shown(&world, &["query", "docs", "fox", "--columns", "id,metadata"]);
    assert!(out.contains("chunk=") || out.contains("line="), "{out}");
    assert!(world.ok(&["query", "docs", "fox"]).starts_with("{\"id\":"));
    assert!(world.ok(&["query", "docs", "fox", "-o", "snippets"]).starts_with("1. "));
}

#[test]
fn that_nothing_was_found_is_told_on_a_terminal() {
    let world = World::plain().having_notes();
    let empty =
        "nothing found: notes is empty; add records with `huedb import notes FILE` or `huedb sync notes FOLDER`\n";
    for args in [&["query", "notes", "fox"][..], &["get", "notes"], &["get", "notes", "-o", "ids"]] {
        let (out, err) = shown(&world, args);
        // A terminal breaks it between words.
        let err = err.trim_end().replace('\n', " ") + "\n";
        assert_eq!((out.as_str(), err.as_str()), ("", empty), "{args:?}");
    }
    world.ok(&["add", "notes", "--id", "a", "--document", "a fox"]);
    let (out, err) = shown(&world, &["get", "notes", "--where-document", "whale", "--offset", "1"]);
    assert_eq!(
        (out.as_str(), err.as_str()),
        ("", "nothing found in notes; try it without --where-document or --offset\n")
    );
    let (out, err) = shown(&world, &["query", "notes", "fox", "--max-distance", "-1", "-q"]);
    assert_eq!((out.as_str(), err.as_str()), ("", ""));
    world.run(&["query", "notes", "fox", "--max-distance", "-1"]).is("", "", 1);
}

#[test]
fn hits_are_thinned_out_and_the_list_is_filled() {
    let world = World::with_notes();
    let rows = (0..300).map(|n| {
        let text = ["the same old fox", "a lazy dog", "two grey cats"][n % 3];
        format!(
            "{{\"id\": \"r{n}\", \"document\": \"{text}\", \"uri\": \"f{}\", \"metadata\": {{\"n\": {n}}}}}\n",
            n % 150
        )
    });
    world.write("rows.jsonl", rows.collect::<String>());
    world.ok(&["import", "notes", "rows.jsonl"]);
    let ids = |args: &[&str]| {
        let ids = world.ok(&[&["query", "notes", "old fox", "-o", "ids"], args].concat());
        ids.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(ids(&["--unique"]).len(), 3);
    assert_eq!(ids(&["--best-per", "uri", "-n", "200"]).len(), 150);
    assert_eq!(ids(&["--best-per", "n", "-n", "120"]).len(), 120);
    assert_eq!(ids(&["--best-per", "uri"]), (0..10).map(|n| format!("r{}", 3 * n)).collect::<Vec<_>>());
    let ran = world.run(&["query", "notes", "old fox", "--unique", "--best-per", "uri", "--explain", "-o", "ids"]);
    let said = "thinned: of 300 hits left out 3 of the same uri as a better one, 294 near-duplicates\n";
    assert!(ran.stderr.ends_with(said), "{ran:?}");
    assert_eq!(world.run(&["query", "notes", "x", "--best-per", "#x"]).status, Some(2));
    let slip = world.run(&["query", "notes", "x", "--best-per", "m", "-n", "1"]);
    assert!(slip.stderr.starts_with("warning: no record has the metadata key \"m\""), "{slip:?}");
}

#[test]
fn places_are_named_for_editors() {
    let world = docs();
    let out = world.ok(&["query", "docs", "a red fox jumping", "-n", "1", "-o", "vimgrep"]);
    assert!(out.ends_with("docs/foxes.md:3:3:A red fox jumps over a dog.\n"), "{out}");
    world.ok(&["add", "docs", "--id", "web", "--document", "a fox", "--uri", "https://example.com/"]);
    let ran = world.run(&["get", "docs", "--id", "web", "-o", "vimgrep"]);
    ran.is("", "warning: left out 1 record without a path in its uri\n", 0);
    assert_eq!(world.run(&["list", "-o", "vimgrep"]).status, Some(2));
    assert_eq!(world.run(&["show", "docs", "-o", "vimgrep"]).status, Some(2));
}

#[test]
fn a_hit_is_opened_in_an_editor_and_no_shell_reads_it() {
    let world = docs();
    // A stand-in that writes what it was told.
    let editor = "#!/bin/sh\nfor word in \"$@\"; do printf '%s\\n' \"$word\"; done > told\n";
    std::fs::create_dir(world.path("my bin")).unwrap();
    for name in ["vim", "code", "other"] {
        let name = world.write(&format!("my bin/{name}"), editor);
        std::fs::set_permissions(world.path(&name), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let opened = |editor: &str, args: &[&str]| {
        let mut command = world.command(&[&["query", "docs"], args].concat());
        command.env_remove("VISUAL").env("EDITOR", editor);
        let ran = finish(command.spawn().unwrap());
        let told = std::fs::read_to_string(world.path("told")).unwrap_or_default();
        let _ = std::fs::remove_file(world.path("told"));
        (ran, told)
    };
    let fox = &["red fox jumping", "--open"][..];
    let (ran, told) = opened("'my bin/vim' -R '$(touch x)'", fox);
    ran.is("", "", 0);
    let path = world.path("docs/foxes.md").canonicalize().unwrap().display().to_string();
    assert_eq!(told, format!("-R\n$(touch x)\n+3\n{path}\n"));
    assert!(!world.path("x").exists());
    assert_eq!(opened("'my bin/code'", fox).1, format!("-g\n{path}:3\n"));
    assert_eq!(opened("'my bin/other'", fox).1, format!("{path}\n"));
    let refused = |editor: &str, args: &[&str], says: &str| {
        let (ran, told) = opened(editor, args);
        assert!(ran.status == Some(2) && ran.stderr.contains(says) && told.is_empty(), "{ran:?}");
    };
    refused("", fox, "neither VISUAL nor EDITOR names an editor");
    refused("'my bin/vim", fox, "EDITOR is not a command");
    refused("'my bin/vim'", &["fox", "--open", "99"], "there is no hit 99 to open");
    for (id, args, says) in [
        ("web", &["--uri", "https://example.com/"][..], "the uri of \"web\" is not a path: https://example.com/"),
        ("gone", &["--uri", "gone.md"], "there is no file gone.md"),
        ("bare", &[], "\"bare\" has no uri"),
    ] {
        world.ok(&[&["add", "docs", "--id", id, "--document", "whales sing"], args].concat());
        refused("'my bin/vim'", &["whales", "--id", id, "--open"], says);
    }
}

#[test]
fn more_like_a_record() {
    let world = World::with_notes();
    for (id, text) in [("a", "red fox"), ("b", "red fox jumps"), ("c", "lazy dog"), ("d", "red dog")] {
        world.ok(&["add", "notes", "--id", id, "--document", text]);
    }
    let ids = |args: &[&str]| world.ok(&[&["query", "notes", "-o", "ids"], args].concat());
    assert!(ids(&["--like", "a"]).starts_with("b\n"));
    assert_eq!(ids(&["--like", "a"]).lines().count(), 3);
    assert_eq!(ids(&["--like", "a", "--like", "b", "--unlike", "d"]), "c\n");
    world.run(&["query", "notes", "--like", "a", "--unlike", "ghost"]).is(
        "",
        "error: no record \"ghost\" in notes\n",
        2,
    );
    for args in [&["--unlike", "a"][..], &["text", "--like", "a"], &["--like", "a", "--hybrid"]] {
        assert_eq!(world.run(&[&["query", "notes"], args].concat()).status, Some(2), "{args:?}");
    }
}

#[test]
fn numbers_of_json_are_exact() {
    let world = World::new();
    world.ok(&["create", "points", "--no-model", "--space", "l2"]);
    let metadata = r#"{"whole": 9007199254740993, "part": 0.1, "round": 2.0}"#;
    world.ok(&["add", "points", "--id", "a", "--embedding", "[0.1, 0.7]", "--metadata", metadata]);
    for format in ["json", "jsonl"] {
        let out = world.ok(&["query", "points", "--embedding", "[0, 0]", "-o", format]);
        let distance = 0.1_f32.mul_add(0.1, 0.7 * 0.7);
        let written: f32 = out.split("\"distance\":").nth(1).unwrap().split(',').next().unwrap().parse().unwrap();
        assert!((written - distance).abs() < 1e-6, "{out}");
        let kept = "\"part\":0.1,\"round\":2.0,\"whole\":9007199254740993}";
        assert!(out.contains(kept), "{out}");
    }
}
