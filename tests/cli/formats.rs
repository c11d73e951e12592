//! Parquet, Arrow, npy, packed output, `--dry-run`: out to files and in again to an equal collection.

use crate::huedb::World;

const ROWS: &str = r#"{"id":"a","document":"the fox, \"quick\"","metadata":{"year":2021,"mixed":1,"tags":["x","ü"]},"embedding":[0.1,-0.25,1e-30]}
{"id":"b","document":"","uri":"b.txt","metadata":{"mixed":"one","draft":true,"id":"taken"},"embedding":[3.0,0.5,2.0]}
{"id":"ü 🦊","document":null,"embedding":[-1.5,0.0,65504.0],"metadata":{"score":1.0,"at":"2024-02-29"}}
"#;

fn world() -> World {
    let world = World::new();
    for name in ["rows", "copy"] {
        world.ok(&["create", name, "--no-model"]);
    }
    let ran = world.run_with(&["import", "rows", "-"], ROWS);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    world
}

/// Empties `copy`, imports into it and compares.
#[track_caller]
fn comes_back(world: &World, import: &[&str]) {
    world.ok(&["drop", "copy"]);
    world.ok(&["create", "copy", "--no-model"]);
    world.ok(&[&["import", "copy"], import].concat());
    assert_eq!(world.ok(&["export", "copy"]), world.ok(&["export", "rows"]), "{import:?}");
}

#[test]
fn every_format_comes_back_from_a_file_whose_name_says_it() {
    let world = world();
    for file in ["rows.jsonl", "rows.json.gz", "rows.parquet", "rows.arrow", "rows.feather.zst", "rows.ndjson.zst"] {
        let ran = world.run(&["export", "rows", file]);
        ran.is("", "", 0);
        comes_back(&world, &[file]);
    }
    world.ok(&["export", "rows", "vectors.npy.gz", "--rows", "rest.jsonl.zst"]);
    comes_back(&world, &["vectors.npy.gz", "--rows", "rest.jsonl.zst"]);
    let magic = |file: &str| std::fs::read(world.path(file)).unwrap()[..4].to_vec();
    assert_eq!(magic("rows.parquet"), b"PAR1");
    assert_eq!(magic("rows.json.gz")[..2], *b"\x1f\x8b");
    assert_eq!(magic("rest.jsonl.zst"), b"\x28\xb5\x2f\xfd");
}

#[test]
fn a_pipe_takes_what_a_file_does() {
    let world = world();
    for (format, packing) in [("parquet", None), ("arrow", Some("zst")), ("jsonl", Some("gz"))] {
        let mut command = world.command(&["export", "rows", "-o", format]);
        let bytes = command.args(packing.iter().flat_map(|p| ["--compress", p])).output().unwrap().stdout;
        world.write("piped", bytes);
        comes_back(&world, &["piped"]);
    }
}

#[test]
fn ids_stand_on_lines_beside_a_matrix() {
    let world = world();
    world.ok(&["export", "rows", "vectors.npy", "--ids", "ids.txt"]);
    assert_eq!(std::fs::read_to_string(world.path("ids.txt")).unwrap(), "a\nb\nü 🦊\n");
    world.ok(&["import", "copy", "vectors.npy", "--ids", "ids.txt"]);
    let bare = |name: &str| world.ok(&["get", name, "-o", "jsonl", "--include", "embeddings"]);
    assert_eq!(bare("copy"), bare("rows"));
    world.write("ids.txt", "a\nb\n");
    let ran = world.run(&["import", "copy", "vectors.npy", "--ids", "ids.txt"]);
    assert_eq!(
        ran.stderr,
        "error: vectors.npy: has 3 rows, but ids.txt has 2\n\nhint: both hold one row for each record\n"
    );
    world.run_with(&["import", "rows", "-"], "{\"id\":\"two\\nlines\",\"embedding\":[1,2,3]}\n");
    let ran = world.run(&["export", "rows", "more.npy", "--ids", "more.txt"]);
    assert_eq!((ran.status, ran.stderr.contains("cannot be written on one line")), (Some(2), true), "{ran:?}");
    assert!(!world.path("more.npy").exists() && !world.path("more.txt").exists());
}

#[test]
fn a_file_that_is_there_stays_and_one_that_is_not_whole_does_not_appear() {
    let world = world();
    world.write("rows.parquet", "mine");
    let ran = world.run(&["export", "rows", "rows.parquet"]);
    ran.is("", "error: rows.parquet exists already\n\nhint: name another, or replace it with --force\n", 2);
    world.ok(&["export", "rows", "rows.parquet", "--force"]);
    comes_back(&world, &["rows.parquet"]);
    let ran = world.run(&["export", "nothing", "new.parquet"]);
    assert_eq!((ran.status, world.path("new.parquet").exists()), (Some(2), false), "{ran:?}");
    let left = std::fs::read_dir(world.path(".")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(!left.into_iter().any(|name| name.to_string_lossy().ends_with(".part")));
}

#[test]
fn what_does_not_go_together_is_refused() {
    let world = world();
    for (args, why) in [
        (&["export", "rows", "rows.dat"][..], "does not say its format"),
        (&["export", "rows", "rows.csv", "--ids", "i"], "go with an .npy matrix"),
        (&["export", "rows", "rows.npy", "--no-embeddings"], "nothing but the embeddings"),
        (&["export", "--all", "all.parquet"], "jsonl and no other format"),
        (&["export", "--all", "a.jsonl", "b.jsonl"], "--all takes one file"),
        (&["get", "rows", "-o", "parquet"], "only `huedb export` writes parquet"),
        (&["import", "copy", "rows.jsonl", "--ids", "test.key"], "is not a NumPy file"),
        (&["import", "copy", "rows.jsonl", "--format", "parquet"], "is not a file of the format parquet"),
    ] {
        world.write("rows.jsonl", ROWS);
        let ran = world.run(args);
        assert!(ran.status == Some(2) && ran.stderr.contains(why), "{args:?}: {ran:?}");
    }
}

#[test]
fn everything_goes_to_a_packed_file() {
    let world = world();
    world.ok(&["export", "--all", "all.jsonl.zst"]);
    world.ok(&["--db", "again.redb", "import", "--all", "all.jsonl.zst"]);
    assert_eq!(world.ok(&["--db", "again.redb", "export", "rows"]), world.ok(&["export", "rows"]));
}

#[test]
fn a_dry_run_shows_the_mapping_and_the_first_rows_and_opens_no_database() {
    let world = World::new();
    world.write("rows.csv", "key,body,year,zip\na,fox,2020,007\nb,,x,1\n,whale,2021,2\nc,cow,,3\nd,dog,2022,4\n");
    let args = ["import", "notes", "rows.csv", "--id", "key", "--document", "body", "--types", "zip:str", "--dry-run"];
    let ran = world.run(&args);
    let stdout = "{\"id\":\"a\",\"document\":\"fox\",\"metadata\":{\"year\":\"2020\",\"zip\":\"007\"}}\n\
        {\"id\":\"b\",\"document\":null,\"metadata\":{\"year\":\"x\",\"zip\":\"1\"}}\n\
        {\"id\":\"c\",\"document\":\"cow\",\"metadata\":{\"zip\":\"3\"}}\n";
    let stderr = "warning: rows.csv:4: the id is empty; an id has at least one character\n\
        rows.csv: the column \"year\" is text, \"2020\" on line 2 too, since it holds \"x\" on line 3\n\
        column  becomes   type    rows\n\
        key     id        string  4\n\
        body    document  string  3\n\
        year    metadata  string  3\n\
        zip     metadata  string  4\n\
        rows 4, bad 1; nothing was stored\n\
        there is no collection \"notes\", so the rows were not checked against one\n";
    let stops = "error: the import would stop at the first bad row; there is 1\n\n\
        hint: fix the bad rows, or skip them with --on-error skip\n";
    ran.is(stdout, &format!("{stderr}{stops}"), 2);
    world.run(&[&args[..], &["--on-error", "skip"]].concat()).is(stdout, stderr, 0);
    assert!(!world.path("test.redb").exists());
}
