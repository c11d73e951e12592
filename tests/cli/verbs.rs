//! Each verb by hand: what it prints where, and how it ends.

use crate::huedb::{World, finish};

#[test]
fn a_day_with_one_record() {
    let world = World::new();
    world.run(&["create", "notes", "--model", "hash-64"]).is(
        "",
        "created notes in test.redb (model hash-64, 64 dimensions, cosine)\n",
        0,
    );
    world.run(&["create", "notes", "--model", "hash-64", "--get-or-create"]).is("", "notes exists\n", 0);
    world.run_with(&["add", "notes", "--id", "a"], "the quick brown fox\n").is("", "added 1\n", 0);
    world.run_with(&["add", "notes", "--id", "a"], "another text").is("", "added 0: the id exists\n", 0);
    world.run(&["get", "notes", "--id", "a"]).is(
        "{\"id\":\"a\",\"document\":\"the quick brown fox\",\"metadata\":null}\n",
        "",
        0,
    );
    world.run(&["update", "notes", "--id", "a", "--metadata", "{\"year\":2021}"]).is("", "updated 1\n", 0);
    let again = world.run(&["update", "notes", "--id", "a", "--metadata", "{\"year\":2021}"]);
    again.is("", "updated 0: the record says this already\n", 0);
    world.run(&["update", "notes", "--id", "b", "--uri", "x"]).is("", "updated 0: no such id\n", 0);
    world.run(&["upsert", "notes", "--id", "b", "--document", "a lazy dog"]).is("", "added 1\n", 0);
    world.run(&["count", "notes"]).is("2\n", "", 0);
    world.run(&["count", "notes", "--where", "year = 2021"]).is("1\n", "", 0);
    world.run(&["query", "notes", "quick fox", "-n", "1", "-o", "ids"]).is("a\n", "", 0);
    world.run(&["query", "notes", "quick fox", "--where", "year = 1999"]).is("", "", 1);
    world.run(&["get", "notes", "--id", "ghost", "-o", "json"]).is("[]\n", "", 1);
    world.run(&["delete", "notes", "--id", "a", "--id", "ghost"]).is("", "deleted 1\n", 0);
    world.run(&["--quiet", "drop", "notes"]).is("", "", 0);
    world.run(&["list"]).is("", "no collections yet; create one with `huedb create NAME`\n", 0);
}

#[test]
fn every_format_of_a_record() {
    let world = World::with_notes();
    world.ok(&["add", "notes", "--id", "a", "--document", "one,\"two\"", "--metadata", "{\"n\": 1}"]);
    for (format, expected) in [
        ("jsonl", "{\"id\":\"a\",\"document\":\"one,\\\"two\\\"\",\"metadata\":{\"n\":1}}\n"),
        ("json", "[\n{\"id\":\"a\",\"document\":\"one,\\\"two\\\"\",\"metadata\":{\"n\":1}}\n]\n"),
        ("csv", "id,document,metadata,uri\na,\"one,\"\"two\"\"\",\"{\"\"n\"\":1}\",\n"),
        ("ids", "a\n"),
    ] {
        world.run(&["get", "notes", "-o", format]).is(expected, "", 0);
    }
    let table = world.ok(&["get", "notes", "-o", "table"]);
    assert_eq!(table.lines().next(), Some("id  document   metadata"), "{table}");
}

#[test]
fn a_batch_answers_in_the_order_of_its_questions() {
    let world = World::with_notes();
    for (id, text) in [("a", "red fox"), ("b", "blue whale"), ("c", "green frog")] {
        world.ok(&["add", "notes", "--id", id, "--document", text]);
    }
    let found = |file: &str| world.ok(&["query", "notes", "--input", file, "-n", "1", "--include", "documents"]);
    let jsonl = world.write("q.jsonl", "{\"id\": \"w\", \"text\": \"whale blue\"}\n{\"text\": \"frog green\"}\n");
    let line =
        |query: &str, id: &str, text: &str| format!("{{\"query\":{query},\"id\":\"{id}\",\"document\":\"{text}\"}}\n");
    assert_eq!(found(&jsonl), line("\"w\"", "b", "blue whale") + &line("1", "c", "green frog"));
    let lines = world.write("q.txt", "frog green\nfox red\n");
    assert_eq!(found(&lines), line("0", "c", "green frog") + &line("1", "a", "red fox"));
}

#[test]
fn the_graph_is_built_shown_and_dropped() {
    let world = World::with_notes();
    let rows: String = (0..300).map(|i| format!("{{\"id\":\"{i}\",\"document\":\"text number {i}\"}}\n")).collect();
    world.run_with(&["import", "notes", "-", "--quiet"], &rows).is("", "", 0);
    world.run(&["index", "show", "notes"]).is("", "notes has no graph; build one with `huedb index build notes`\n", 1);
    world.ok(&["index", "build", "notes"]);
    let shown = world.ok(&["index", "show", "notes", "-o", "json"]);
    assert!(shown.contains("\"vectors\":300") && shown.contains("\"state\":\"whole\""), "{shown}");
    world.run(&["index", "drop", "notes"]).is("", "dropped the graph of notes with 300 vectors\n", 0);
}

#[test]
fn the_built_in_model_embeds() {
    let world = World::new();
    world.ok(&["create", "real"]);
    for (id, text) in [("fox", "the quick brown fox"), ("tax", "income tax is due in April")] {
        world.ok(&["add", "real", "--id", id, "--document", text]);
    }
    assert_eq!(world.ok(&["query", "real", "how do foxes move", "-o", "ids"]), "fox\ntax\n");
    let embedded = world.ok(&["embed", "some text"]);
    let row: serde_json::Value = serde_json::from_str(&embedded).unwrap();
    assert_eq!(row["embedding"].as_array().unwrap().len(), 384);
    assert!(world.ok(&["model", "list", "-o", "ids"]).starts_with("all-MiniLM-L6-v2\n"));
    assert!(world.ok(&["info", "-o", "json"]).contains("\"collections\":1"));
}

#[test]
fn texts_of_the_standard_input_are_embedded_part_by_part() {
    let world = World::new();
    let texts: String = (0..1300).map(|i| format!("text {i}\n")).collect();
    let printed = world.run_with(&["embed", "--model", "hash-64"], &texts);
    let documents = printed.stdout.lines().map(|line| {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(row["embedding"].as_array().unwrap().len(), 64);
        format!("{}\n", row["document"].as_str().unwrap())
    });
    assert_eq!(documents.collect::<String>(), texts);
    // What comes before a line that is no text is printed.
    let mut bad = texts.into_bytes();
    bad.extend(b"\xff\n");
    let ran = world.run_with(&["embed", "--model", "hash-64"], &bad);
    assert!(ran.status == Some(2) && ran.stderr.contains("not UTF-8"), "{}", ran.stderr);
    assert_eq!(ran.stdout.lines().count(), 1024);
}

#[test]
fn a_reader_that_has_enough_ends_an_export_quietly() {
    let world = World::with_notes();
    let rows: String = (0..3000).map(|i| format!("{{\"id\":\"{i}\",\"document\":\"text {i}\"}}\n")).collect();
    world.run_with(&["import", "notes", "-", "--quiet"], &rows).is("", "", 0);
    let mut child = world.spawn(&["export", "notes"]);
    drop(child.stdout.take());
    finish(child).is("", "", 0);
}

#[test]
fn many_processes_add_at_once_and_none_is_lost() {
    let world = World::with_notes();
    let adding =
        |i: usize| world.spawn(&["add", "notes", "--id", &format!("r{i}"), "--document", "x", "--busy-timeout", "60"]);
    let children: Vec<_> = (0..16).map(adding).collect();
    children.into_iter().for_each(|child| finish(child).is("", "added 1\n", 0));
    assert_eq!(world.ok(&["count", "notes"]), "16\n");
}

#[test]
fn every_verb_and_topic_has_its_page() {
    let world = World::plain();
    for (name, title) in [("modify", "huedb-modify"), ("errors", "huedb-errors"), ("filters", "huedb-filters")] {
        let page = world.ok(&["man", name]);
        assert!(page.contains(&format!(".TH {title}")), "{name}: {page}");
    }
    assert!(world.ok(&["man"]).contains(".TH huedb 1"));
    let ran = world.run(&["man", "nothing"]);
    assert!(
        ran.status == Some(2) && ran.stderr.contains("available: create, ") && ran.stderr.contains("filters"),
        "{ran:?}"
    );
}
