//! Bad input: a clear error, the right exit code, nothing on the output, and the file as it was.
//!
//! Byte for byte: whatever is wrong with a command, or with the first batch of an import, is seen before the file is
//! opened for writing.

use crate::huedb::World;

/// Runs commands that must fail on a world that must not change.
#[track_caller]
fn refused(world: &World, args: &[&str], stdin: &str, status: i32, says: &str) {
    let (before, said) = (world.bytes(), everything(world));
    let ran = world.run_with(args, stdin);
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(status), ""), "{args:?}: {}", ran.stderr);
    assert!(ran.stderr.starts_with("error: ") && ran.stderr.contains(says), "{args:?} said: {}", ran.stderr);
    assert!(world.bytes() == before, "{args:?} changed the bytes of the file");
    assert_eq!(everything(world), said, "{args:?} changed what the file says");
}

/// Every collection and every record with its embedding.
fn everything(world: &World) -> String {
    let names = world.ok(&["list", "-o", "ids"]);
    names.lines().map(|name| world.ok(&["show", name, "-o", "json"]) + &world.ok(&["export", name])).collect()
}

fn world() -> World {
    let world = World::with_notes();
    world.ok(&["create", "plain", "--no-model"]);
    world.ok(&["add", "plain", "--id", "a", "--embedding", "[1, 2]"]);
    world.ok(&["add", "notes", "--id", "a", "--document", "red fox"]);
    world
}

#[test]
fn embeddings_that_do_not_fit() {
    let world = world();
    for (embedding, says) in [
        ("[1, 2, 3]", "dimension 2, got 3"),
        ("[1, NaN]", "--embedding"),
        ("[1, 1e39]", "--embedding"),
        ("[]", "--embedding"),
        ("[1, \"x\"]", "--embedding"),
    ] {
        refused(&world, &["add", "plain", "--id", "b", "--embedding", embedding], "", 2, says);
        refused(&world, &["query", "plain", "--embedding", embedding], "", 2, says);
    }
    let row = "{\"id\": \"x\", \"embedding\": [1, 2]}\n{\"id\": \"y\", \"embedding\": [1, 2, 3]}\n";
    let file = world.write("rows.jsonl", row);
    refused(&world, &["import", "plain", &file], "", 2, "rows.jsonl:2:");
    refused(&world, &["import", "plain", "-"], "{\"id\": \"x\", \"embedding\": [1, 1e39]}", 2, "-:1:");
}

#[test]
fn names_and_ids() {
    let world = world();
    refused(&world, &["add", "notes", "--id", "", "--document", "x"], "", 2, "the id is empty");
    refused(&world, &["query", "nobody", "x"], "", 2, "no collection named \"nobody\"");
    refused(&world, &["drop", "nobody"], "", 2, "available: notes, plain");
    refused(&world, &["create", "notes"], "", 2, "exists already");
    refused(&world, &["create", "a"], "", 2, "3 to 512 characters");
    refused(&world, &["delete", "notes"], "", 2, "nothing to delete was specified");
    refused(&world, &["add", "notes", "--id", "b"], "", 2, "contains no text");
}

#[test]
fn collections_databases_and_tenants() {
    let world = world();
    for (args, says) in [
        (&["modify", "notes", "--name", "plain"][..], "\"plain\" exists already"),
        (&["modify", "notes", "--name", "a"], "3 to 512 characters"),
        (&["modify", "nobody", "--name", "abc"], "no collection named \"nobody\""),
        (&["modify", "notes", "--metadata", "{}"], "is not empty"),
        (&["modify", "notes", "--document-prefix", "x"], "the document prefix cannot change"),
        (&["modify", "plain", "--query-prefix", "x"], "no model"),
        (&["create", "more", "--configuration", "{\"hnsw\": {\"ef\": 1}}"], "no field \"ef\""),
        (&["create", "more", "--database", "nope"], "no database named \"nope\""),
        (&["create", "more", "--tenant", "nope"], "no tenant named \"nope\""),
        (&["database", "create", "default_database"], "exists already"),
        (&["database", "create", "more", "--tenant", "nope"], "no tenant named \"nope\""),
        (&["database", "drop", "nope"], "no database named \"nope\""),
        (&["database", "drop", "default_database"], "cannot be dropped"),
        (&["tenant", "create", "ab"], "3 characters or more"),
        (&["tenant", "create", "default_tenant"], "exists already"),
        (&["tenant", "drop", "nope"], "no tenant named \"nope\""),
        (&["tenant", "drop", "default_tenant"], "cannot be dropped"),
        (&["delete", "notes", "--id", "a", "--limit", "1"], "--limit is for filters"),
        (&["distinct", "nobody", "key"], "no collection named \"nobody\""),
    ] {
        refused(&world, args, "", 2, says);
    }
}

#[test]
fn files_that_are_not_what_they_seem() {
    let world = world();
    let broken = world.write("broken.jsonl", "{\"id\": \"x\", \"document\": \"fine\"}\n{\"id\": \"y\",\n");
    refused(&world, &["import", "plain", &broken], "", 2, "broken.jsonl:2:");
    refused(&world, &["import", "plain", "-"], "{\"id\": \"x\", \"document\": \"fine\"}", 2, "no model");
    let broken = world.write("broken2.jsonl", "{\"id\": \"y\", \n{\"id\": \"x\", \"embedding\": [1, 2]}\n");
    refused(&world, &["import", "plain", &broken], "", 2, "broken2.jsonl:1:");
    let binary = world.write("binary.csv", [0_u8, 159, 146, 150, 0, 1, 2, 3, 10, 0]);
    refused(&world, &["import", "notes", &binary], "", 2, "binary.csv");
    let no_id = world.write("no_id.csv", "title,body\na,b\n");
    refused(&world, &["import", "notes", &no_id], "", 2, "no_id.csv");
    refused(&world, &["import", "notes", "missing.csv"], "", 2, "missing.csv");
}

#[test]
fn filters_and_models() {
    let world = world();
    refused(&world, &["query", "notes", "x", "--where", "{\"a\": {\"$like\": 1}}"], "", 2, "$like");
    refused(&world, &["get", "notes", "--where", "a >< 1"], "", 2, "at character 3");
    refused(&world, &["add", "notes", "--id", "b", "--document", "x", "--model", "hash-32"], "", 2, "hash-32");
    refused(&world, &["query", "notes", "x", "--model", "hash-32"], "", 2, "was made with the model hash-64");
    refused(&world, &["query", "notes", "x", "--model", "nobody"], "", 2, "nobody");
    refused(&world, &["query", "plain", "text"], "", 2, "give --embedding");
    refused(&world, &["add", "plain", "--id", "c", "--document", "text"], "", 2, "no model");
    refused(&world, &["add", "notes", "--id", "c", "--document", "x", "--metadata", "{\"a\": []}"], "", 2, "\"a\"");
    refused(
        &world,
        &["add", "notes", "--id", "c", "--document", "x", "--metadata", "{a}"],
        "",
        2,
        "metadata is not JSON",
    );
}

#[test]
fn files_that_are_not_databases() {
    let world = World::new();
    world.run(&["list"]).is(
        "",
        "error: no database at test.redb\n\nhint: create it with `huedb create NAME`, or with --create where you import or sync; or name another with --db or HUEDB_FILE\n",
        2,
    );
    for content in ["", "hello", &"x".repeat(100_000)] {
        world.write("test.redb", content);
        for verb in [&["list"][..], &["create", "notes"], &["query", "notes", "--embedding", "[1]"]] {
            if content.is_empty() && verb[0] == "create" {
                continue;
            }
            let ran = world.run(verb);
            assert_eq!((ran.status, ran.stdout.as_str()), (Some(4), ""), "{verb:?} {}", ran.stderr);
            assert_eq!(world.bytes(), content.as_bytes(), "{verb:?}");
        }
    }
    let ran = world.run(&["list", "--db", "."]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
}

#[test]
fn usage_errors_name_the_argument() {
    let world = world();
    for (args, says) in [
        (&["query", "notes", "x", "-n", "many"][..], "many"),
        (&["query", "notes"], "the query is empty"),
        (&["query"], "required"),
        (&["nonsense"], "nonsense"),
        (&["list", "-o", "xml"], "xml"),
    ] {
        let ran = world.run(args);
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""), "{args:?}");
        assert!(ran.stderr.contains(says), "{args:?}: {}", ran.stderr);
    }
}
