//! `export --all` and `import --all`: everything out and in again.

use std::io::Write;

use crate::huedb::{World, finish};
use crate::random::Random;

/// Tenants, databases, collections of every space, settings, deleted and changed records.
fn rich() -> World {
    let world = World::plain();
    let mut random = Random::new();
    world.ok(&["tenant", "create", "Größe \u{202e} & Co"]);
    world.ok(&["database", "create", "staging"]);
    world.ok(&["database", "create", "empty"]);
    world.ok(&["database", "create", "theirs", "--tenant", "Größe \u{202e} & Co"]);
    world.ok(&["create", "notes", "--model", "hash-64", "--hybrid", "--metadata", r#"{"a": 1, "b": 1.0, "c": ["x"]}"#]);
    world.ok(&["create", "notes", "--model", "hash-32", "--space", "l2", "--database", "staging"]);
    world.ok(&["create", "dropped", "--no-model"]);
    world.ok(&["drop", "dropped"]);
    let theirs = &["--tenant", "Größe \u{202e} & Co", "--database", "theirs"];
    let settings =
        r#"{"hnsw": {"space": "ip", "ef_construction": 77, "max_neighbors": 24, "ef_search": 33, "num_threads": 3}}"#;
    world.ok(&[&["create", "plain", "--no-model", "--configuration", settings][..], theirs].concat());
    world.ok(&["create", "emptied", "--no-model"]);
    world.ok(&["add", "emptied", "--id", "a", "--embedding", "[1, 2, 3]"]);
    world.ok(&["delete", "emptied", "--id", "a"]);

    let texts: String = (0..300)
        .map(|i| {
            let sparse = format!(r##"{{"#type":"sparse_vector","indices":[{i},70000],"values":[0.1,{}]}}"##, f32::MIN_POSITIVE);
            format!(
                "{}\n",
                r#"{"id":"t@I","document":"the @I quick\u0000 fox","uri":"file:///@I","metadata":{"n":@I,"f":@I.0,"s":"@I","neg":-9223372036854775808,"ok":true,"ia":[1,@I],"fa":[1.0,2.5],"sa":["","ü"],"ba":[true,false],"sv":@S}}"#
                    .replace("@I", &i.to_string())
                    .replace("@S", &sparse)
            )
        })
        .collect();
    world.write("texts.jsonl", texts);
    world.ok(&["import", "notes", "texts.jsonl"]);
    world.ok(&["import", "notes", "texts.jsonl", "--database", "staging"]);
    world.ok(&["delete", "notes", "--where", "n >= 10 and n < 40"]);
    world.ok(&["upsert", "notes", "--id", "t5", "--document", "another text", "--metadata", r#"{"n": null}"#]);
    world.ok(&["update", "notes", "--id", "t6", "--embedding", &format!("{:?}", random.vector(64))]);
    let vectors: String = (0..200)
        .map(|i| {
            let mut vector = random.vector(5);
            vector[0] = [-0.0, 1e-45, f32::MAX, f32::MIN_POSITIVE, 0.1][i % 5];
            format!("{{\"id\":\"v{i}\",\"embedding\":{vector:?}}}\n")
        })
        .collect();
    world.write("vectors.jsonl", vectors);
    world.ok(&[&["import", "plain", "vectors.jsonl"][..], theirs].concat());
    world
}

/// What every other command says of all collections, embeddings bit for bit.
fn said(world: &World, db: &str) -> String {
    let mut all = world.ok(&["--db", db, "tenant", "list", "-o", "json"]);
    for (tenant, database, collections) in [
        ("default_tenant", "default_database", &["emptied", "notes"][..]),
        ("default_tenant", "staging", &["notes"]),
        ("default_tenant", "empty", &[]),
        ("Größe \u{202e} & Co", "theirs", &["plain"]),
    ] {
        let scope = ["--db", db, "--tenant", tenant, "--database", database];
        let say = |args: &[&str]| world.ok(&[&scope[..], args].concat());
        all += &say(&["database", "list", "-o", "json"]);
        assert_eq!(say(&["list", "-o", "ids"]).lines().collect::<Vec<_>>(), collections);
        for name in collections {
            // Deleted rows are not in a dump, so these counters are not what it keeps.
            let mut shown: serde_json::Value = serde_json::from_str(&say(&["show", name, "-o", "json"])).unwrap();
            for counter in ["deleted", "sealed", "tail"] {
                shown["huedb"].as_object_mut().unwrap().remove(counter).unwrap();
            }
            all += &(shown.to_string() + &say(&["export", name]) + &say(&["keys", name]));
        }
    }
    let request =
        r##"{"searches":[{"rank":{"$knn":{"query":"another fox","key":"#document"}},"select":{"keys":["#score"]}}]}"##;
    all + &world.ok(&["--db", db, "search", "notes", "--json", request])
}

#[test]
fn everything_comes_back_bit_for_bit() {
    let world = rich();
    let dump = world.ok(&["export", "--all"]);
    world.write("all.jsonl", &dump);
    let ran = world.run(&["--db", "new.redb", "import", "--all", "all.jsonl"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), ""), "{}", ran.stderr);
    assert!(
        ran.stderr.starts_with("4 collections: added 770, updated 0, unchanged 0, skipped 0 in "),
        "{}",
        ran.stderr
    );
    assert_eq!(world.ok(&["--db", "new.redb", "export", "--all"]), dump);
    assert_eq!(said(&world, "new.redb"), said(&world, "test.redb"));
    world.run(&["--db", "new.redb", "check", "--deep"]).is("", "no damage found in new.redb\n", 0);
    // Again, from a pipe and packed: nothing is there twice.
    let mut packed = Vec::new();
    let mut gzip = std::process::Command::new("gzip");
    let mut gzip = gzip.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut stdin = gzip.stdin.take().unwrap();
    let text = dump.clone();
    let fed = std::thread::spawn(move || stdin.write_all(text.as_bytes()).unwrap());
    std::io::Read::read_to_end(gzip.stdout.as_mut().unwrap(), &mut packed).unwrap();
    fed.join().unwrap();
    gzip.wait().unwrap();
    let mut import = world.command(&["--db", "new.redb", "import", "--all", "-"]);
    let mut import = import.stdin(std::process::Stdio::piped()).spawn().unwrap();
    import.stdin.take().unwrap().write_all(&packed).unwrap();
    let ran = finish(import);
    assert!(ran.stderr.starts_with("4 collections: added 0, updated 0, unchanged 770, skipped 0"), "{ran:?}");
    assert_eq!(world.ok(&["--db", "new.redb", "export", "--all"]), dump);
}

#[test]
fn a_dump_that_is_cut_off_is_refused_and_can_be_gone_on_with() {
    let world = rich();
    let dump = world.ok(&["export", "--all"]);
    let lines: Vec<&str> = dump.split_inclusive('\n').collect();
    for (keep, says) in [
        (0, "is not a dump"),
        (lines.len() - 1, "`#end`, is missing"),
        (lines.len() - 2, "records are missing at its end"),
        (40, "records are missing at its end"),
    ] {
        world.write("cut.jsonl", lines[..keep].concat());
        let ran = world.run(&["--db", "new.redb", "import", "--all", "cut.jsonl"]);
        assert!(ran.status == Some(2) && ran.stderr.contains(says), "{keep}: {ran:?}");
        assert_eq!(world.path("new.redb").exists(), keep > 0);
    }
    let gone = lines.iter().position(|line| line.starts_with("{\"id\":\"t50\"")).unwrap();
    world.write("hole.jsonl", [&lines[..gone], &lines[gone + 1..]].concat().concat());
    let ran = world.run(&["--db", "other.redb", "import", "--all", "hole.jsonl"]);
    assert!(ran.status == Some(2) && ran.stderr.contains("lacks 1 of its records"), "{ran:?}");
    world.write("whole.jsonl", &dump);
    for db in ["new.redb", "other.redb"] {
        world.ok(&["--db", db, "import", "--all", "whole.jsonl"]);
        // What was missing in the middle is inserted last.
        assert!(db == "other.redb" || said(&world, db) == said(&world, "test.redb"));
        assert_eq!(world.ok(&["--db", db, "count", "notes"]), "270\n");
        world.run(&["--db", db, "check", "--deep"]).is("", &format!("no damage found in {db}\n"), 0);
    }
}

#[test]
fn what_does_not_fit_is_refused_by_its_line() {
    let world = World::plain().having_notes();
    world.ok(&["add", "notes", "--id", "a", "--document", "one"]);
    let dump = world.ok(&["export", "--all"]);
    let before = world.bytes();
    for (from, to, says) in [
        ("\"dump\":1", "\"dump\":2", "is a dump of version 2; this huedb reads up to 1"),
        ("{\"#huedb\"", "{\"#other\"", "is not a dump"),
        ("\"max_neighbors\":16", "\"max_neighbors\":1", "settings of collection \"notes\" are out of range"),
        ("\"space\":\"cosine\"", "\"space\":\"flat\"", "dump.jsonl:2: "),
        ("\"name\":\"notes\"", "\"name\":\"no/tes\"", "dump.jsonl:2: "),
        ("\"database\":\"default_database\"", "\"database\":\"nope\"", "no database named \"nope\""),
        ("\"embedding\":\"", "\"embedding\":\"!", "dump.jsonl:3: "),
        ("{\"id\":\"a\"", "{\"id\":\"\"", "dump.jsonl:3: "),
        ("{\"id\":\"a\"", "{\"year\":1,\"id\":\"a\"", "dump.jsonl:3: "),
        ("\"records\":1,\"collection\"", "\"records\":0,\"collection\"", "has more records than its line says"),
        ("{\"#end\":{\"collections\":1", "{\"#end\":{\"collections\":2", "another number of collections"),
    ] {
        assert!(dump.contains(from), "{from} in {dump}");
        world.write("dump.jsonl", dump.replacen(from, to, 1));
        let ran = world.run(&["--db", "new.redb", "import", "--all", "dump.jsonl"]);
        assert!(ran.status == Some(2) && ran.stderr.contains(says), "{to}: {}", ran.stderr);
        let _ = std::fs::remove_file(world.path("new.redb"));
    }
    // Another collection of the name, and the same one under another.
    world.write("dump.jsonl", &dump);
    world.ok(&["--db", "new.redb", "create", "notes", "--model", "hash-64"]);
    let ran = world.run(&["--db", "new.redb", "import", "--all", "dump.jsonl"]);
    assert!(ran.status == Some(2) && ran.stderr.contains("exists already and is another one"), "{}", ran.stderr);
    world.ok(&["modify", "notes", "--name", "renamed"]);
    let ran = world.run(&["import", "--all", "dump.jsonl"]);
    assert!(ran.status == Some(2) && ran.stderr.contains("under the name \"renamed\""), "{}", ran.stderr);
    assert!(before != world.bytes());
    for args in [&["export", "--all", "-o", "csv"][..], &["export", "notes", "--all"], &["import", "--all", "."]] {
        let ran = world.run(args);
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""), "{args:?}: {}", ran.stderr);
    }
}

#[test]
fn a_dump_beside_an_import_is_one_moment_of_it() {
    let world = World::plain().having_notes();
    let rows: String = (0..2000).map(|i| format!("{{\"id\":\"r{i}\",\"document\":\"text {i}\"}}\n")).collect();
    world.write("rows.jsonl", rows);
    let import = world.spawn(&["--busy-timeout", "60", "import", "notes", "rows.jsonl", "--batch-size", "50"]);
    for _ in 0..4 {
        let dump = world.ok(&["--busy-timeout", "60", "export", "--all"]);
        assert_eq!((dump.lines().count() - 3) % 50, 0, "half a batch");
    }
    assert_eq!(finish(import).status, Some(0));
}
