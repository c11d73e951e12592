//! Slips of a script or a hand: an empty list, an empty variable, a key with two letters swapped.

use crate::huedb::World;

fn world() -> World {
    let world = World::with_notes();
    for (id, metadata) in [("a", "{\"year\": 1990, \"lang\": \"en\"}"), ("b", "{\"year\": 2000}")] {
        world.ok(&["add", "notes", "--id", id, "--document", &format!("text of {id}"), "--metadata", metadata]);
    }
    world
}

#[test]
fn an_empty_junction_deletes_nothing_and_is_read_as_chroma_reads_it() {
    let world = world();
    let before = world.bytes();
    for filter in [
        r#"{"$and":[]}"#,
        r#"{"$or":[]}"#,
        r#" {"$and": [ ] }"#,
        r#"{"$or":[{"year":1990},{"$and":[]}]}"#,
        r#"{"$and":[{"$or":[{"$and":[]}]},{"year":1990}]}"#,
    ] {
        for flag in ["--where", "--where-document"] {
            if flag == "--where-document" && filter.contains("year") {
                continue;
            }
            let ran = world.run(&["delete", "notes", flag, filter]);
            assert_eq!(ran.status, Some(2), "{flag} {filter}: {ran:?}");
            assert!(ran.stderr.contains("does not say which records are meant"), "{ran:?}");
        }
        // Beside one that says something, too.
        let ran = world.run(&["delete", "notes", "--where", "year = 1990", "--where", filter]);
        assert_eq!(ran.status, Some(2), "{filter}: {ran:?}");
    }
    assert!(before == world.bytes());
    assert_eq!(world.ok(&["count", "notes", "--where", r#"{"$and":[]}"#]), "2\n");
    assert_eq!(world.ok(&["count", "notes", "--where", r#"{"$or":[]}"#]), "0\n");
    assert_eq!(world.ok(&["count", "notes", "--where-document", r#"{"$and":[]}"#]), "2\n");
    // Who writes `true` means it.
    world.run(&["delete", "notes", "--where", "true"]).is("", "deleted 2\n", 0);
}

#[test]
fn a_comparison_that_no_value_can_pass_is_told() {
    let world = world();
    let said = "warning: no record has a number under the metadata key \"lang\"; its values are of type string\n";
    world.run(&["get", "notes", "--where", "lang > 20", "-o", "ids"]).is("", said, 1);
    world.run(&["count", "notes", "--where", "lang = 20 or year = 1990"]).is("1\n", said, 0);
    world.run(&["count", "notes", "--where", "lang != 20"]).is("2\n", "", 0);
    world.run(&["count", "notes", "--where", "year > 1995.5"]).is("1\n", "", 0);
}

#[test]
fn a_key_that_no_record_has_is_told_in_every_verb() {
    let world = world();
    let yaer = "warning: no record has the metadata key \"yaer\"; did you mean year?\n";
    for (args, status) in [
        (&["get", "notes", "--where", "yaer = 1"][..], 1),
        (&["get", "notes", "--where", "{\"$or\":[{\"yaer\":{\"$gt\":1}},{\"yaer\":{\"$lt\":0}}]}"], 1),
        (&["get", "notes", "--sort", "yaer", "-o", "ids"], 0),
        (&["count", "notes", "--where", "yaer != 1"], 0),
        (&["query", "notes", "text", "--where", "yaer = 1"], 1),
        (&["delete", "notes", "--where", "yaer = 1"], 0),
        (&["distinct", "notes", "yaer"], 0),
        (&["distinct", "notes", "year", "--where", "yaer = 1"], 0),
        (&["keys", "notes", "--where", "yaer = 1"], 0),
        (&["stats", "notes", "--where", "yaer = 1", "-o", "json"], 1),
        (&["dedupe", "notes", "--max-distance", "0.1", "--where", "yaer = 1"], 1),
        (&["plot", "notes", "--where", "yaer = 1"], 1),
        (&["export", "notes", "--where", "yaer = 1"], 0),
        (&["search", "notes", "--json", "{\"searches\":[{\"filter\":{\"yaer\":1}}]}"], 1),
        (&["search", "notes", "--json", "{\"searches\":[{\"select\":{\"keys\":[\"yaer\"]}}]}"], 0),
        (&["update", "notes", "--id", "a", "--metadata", "{\"yaer\":null}"], 0),
        (&["upsert", "notes", "--id", "a", "--metadata", "{\"yaer\":null}"], 0),
    ] {
        let ran = world.run(args);
        assert_eq!(ran.status, Some(status), "{args:?}: {ran:?}");
        assert!(ran.stderr.starts_with(yaer), "{args:?}: {ran:?}");
        assert_eq!(ran.stderr.matches("no record has").count(), 1, "{args:?}: {ran:?}");
    }
    let update = world.run_with(&["update", "notes", "--ids-from", "-", "--metadata", "{\"yaer\":null}"], "a\n");
    assert!(update.stderr.starts_with(yaer), "{update:?}");
    for (filter, says) in [
        ("id = \"a\"", "the record's own id is #id"),
        ("document contains \"text\"", "the record's own document is #document"),
        ("uri starts with \"x\"", "the record's own uri is #uri"),
        ("document ~ \"text\" and year > 1", "the record's own document is #document"),
        ("author = \"x\"", "the keys are lang, year"),
    ] {
        let ran = world.run(&["get", "notes", "--where", filter]);
        assert!(ran.stderr.contains(says), "{filter}: {ran:?}");
    }
    // Of a key that a record has, and of no records, nothing is said; a new key is no slip.
    world.run(&["count", "notes", "--where", "lang = \"de\""]).is("0\n", "", 0);
    world.run(&["update", "notes", "--id", "a", "--metadata", "{\"yaer\":1}"]).is("", "updated 1\n", 0);
    world.ok(&["create", "empty", "--no-model"]);
    world.run(&["count", "empty", "--where", "yaer = 1"]).is("0\n", "", 0);
}

#[test]
fn the_key_of_a_sparse_vector_is_known() {
    let world = world();
    let sparse = "{\"words\":{\"#type\":\"sparse_vector\",\"indices\":[1],\"values\":[0.5]}}";
    world.ok(&["update", "notes", "--id", "a", "--metadata", sparse]);
    world.run(&["count", "notes", "--where", "words != 1"]).is("2\n", "", 0);
}

#[test]
fn an_empty_question_is_refused_wherever_it_comes_from() {
    let world = world();
    for args in [&["query", "notes", ""][..], &["query", "notes", " \n"], &["query", "notes", "", "--hybrid"]] {
        let ran = world.run(args);
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""), "{args:?}: {ran:?}");
        assert!(ran.stderr.starts_with("error: the query is empty\n"), "{args:?}: {ran:?}");
    }
    for stdin in ["", "\n", "  \n"] {
        let ran = world.run_with(&["query", "notes", "-"], stdin);
        assert!(ran.status == Some(2) && ran.stderr.starts_with("error: the query is empty\n"), "{ran:?}");
    }
    let search = r#"{"searches":[{"rank":{"$knn":{"query":""}}}]}"#;
    let ran = world.run(&["search", "notes", "--json", search]);
    assert!(ran.status == Some(2) && ran.stderr.starts_with("error: the query is empty\n"), "{ran:?}");
}

#[test]
fn the_number_of_a_question_is_that_of_its_line() {
    let world = world();
    let ran = world.run_with(&["query", "notes", "--input", "-", "-n", "1", "-o", "csv"], "text of a\ntext of b\n\n\n");
    assert_eq!(ran.status, Some(0), "{ran:?}");
    let firsts: Vec<&str> = ran.stdout.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    assert_eq!(firsts, ["0", "1"], "{ran:?}");
    let ran = world.run_with(&["query", "notes", "--input", "-"], "text of a\n\n\ntext of b\n");
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
    assert!(ran.stderr.starts_with("error: -:2: the line is blank"), "{ran:?}");
}

#[test]
fn a_list_of_ids_reads_no_embedding() {
    // Whatever is damaged but not needed does not matter.
    let world = World::plain();
    world.ok(&["create", "points", "--no-model", "--space", "l2"]);
    let rows: String = (0..20_000).map(|n| format!("{{\"id\":\"{n}\",\"embedding\":[12345.678,{n}]}}\n")).collect();
    world.write("points.jsonl", rows);
    world.ok(&["import", "points", "points.jsonl"]);
    let mut file = world.bytes();
    let block: Vec<u8> = [12345.678_f32, 7.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    let places: Vec<usize> = memchr::memmem::find_iter(&file, &block).collect();
    assert!(!places.is_empty());
    for at in places {
        file[at] ^= 0x55;
    }
    world.write("test.redb", file);
    assert_eq!(world.run(&["peek", "points", "-o", "jsonl"]).status, Some(4));
    for args in [
        &["peek", "points", "-n", "20000", "-o", "ids"][..],
        &["get", "points", "--include", "embeddings", "-o", "ids"],
        &["export", "points", "-o", "ids"],
    ] {
        let ran = world.run(args);
        assert_eq!((ran.status, ran.stdout.lines().count(), ran.stderr.as_str()), (Some(0), 20_000, ""), "{args:?}");
    }
}

#[test]
fn compact_says_the_size_that_the_file_has() {
    let world = World::with_notes();
    for _ in 0..2 {
        let ran = world.run(&["compact"]);
        let bytes = std::fs::metadata(world.path("test.redb")).unwrap().len();
        let size = format!("{:.1} kB", bytes as f64 / 1e3);
        assert!(ran.stderr.contains(&format!(" before, {size} after, in ")), "{size}: {ran:?}");
    }
}
