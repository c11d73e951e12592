//! Damaged files as a shell meets them: exit code 4 and one line that names the damage, and `repair`.

use crate::huedb::World;
use crate::random::Random;

fn rows(range: std::ops::Range<usize>) -> String {
    range.map(|i| format!("{{\"id\":\"r{i}\",\"document\":\"text number {i}\",\"even\":{}}}\n", i % 2 == 0)).collect()
}

fn world() -> World {
    let world = World::plain().having_notes();
    world.write("rows.jsonl", rows(0..400));
    world.ok(&["import", "notes", "rows.jsonl"]);
    world
}

/// Overwrites every place where these bytes stand.
fn overwrite(world: &World, bytes: &[u8], with: &[u8]) {
    let mut file = world.bytes();
    let found: Vec<usize> = memchr::memmem::find_iter(&file, bytes).collect();
    assert!(!found.is_empty());
    for at in found {
        file[at..at + with.len()].copy_from_slice(with);
    }
    world.write("test.redb", file);
}

#[test]
fn what_is_no_database() {
    let mut random = Random::new();
    let noise: Vec<u8> = (0..100_000).map(|_| random.next() as u8).collect();
    let world = World::plain();
    world.write("noise", &noise);
    world.write("empty", "");
    world.write("text", "Not a database, but a text that someone wrote.\n".repeat(400));
    std::fs::create_dir(world.path("folder")).unwrap();
    for (name, says) in [("noise", ""), ("empty", "it is empty"), ("text", ""), ("folder", "it is a folder")] {
        for args in [
            &["list"][..],
            &["query", "notes", "--embedding", "[1]"],
            &["add", "notes", "--id", "a", "--embedding", "[1]"],
            &["check"],
            &["compact"],
            &["repair"],
            &["repair", "--to", "saved.redb"],
            &["backup", "copy.redb"],
        ] {
            let ran = world.run(&[&["--db", name], args].concat());
            assert_eq!((ran.status, ran.stdout.as_str()), (Some(4), ""), "{name} {args:?}: {ran:?}");
            let first = ran.stderr.lines().next().unwrap();
            assert!(first.starts_with("error: ") && first.contains(name) && first.contains(says), "{args:?}: {ran:?}");
        }
    }
    assert!(!world.path("saved.redb").exists() && !world.path("copy.redb").exists());
    assert!(std::fs::read(world.path("noise")).unwrap() == noise);
}

#[test]
fn a_file_of_a_newer_version_is_left_alone() {
    let world = world();
    let file = redb::Database::open(world.path("test.redb")).unwrap();
    let tx = file.begin_write().unwrap();
    let meta: redb::TableDefinition<&str, &[u8]> = redb::TableDefinition::new("meta");
    tx.open_table(meta).unwrap().insert("format", 9999_u32.to_le_bytes().as_slice()).unwrap();
    tx.commit().unwrap();
    drop(file);
    let before = world.bytes();
    for args in
        [&["list"][..], &["add", "notes", "--id", "a", "--document", "x"], &["check"], &["compact"], &["repair"]]
    {
        let ran = world.run(args);
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(4), ""), "{args:?}: {ran:?}");
        assert!(ran.stderr.contains("9999") && ran.stderr.contains("hint: upgrade huedb"), "{args:?}: {ran:?}");
    }
    assert_eq!(world.bytes(), before);
}

#[test]
fn one_flipped_bit_is_named_and_put_right() {
    let world = world();
    let all = world.ok(&["export", "notes"]);
    overwrite(&world, b"text number 77", b"uext");
    let ran = world.run(&["export", "notes"]);
    assert_eq!(ran.status, Some(4), "{ran:?}");
    assert!(ran.stderr.contains("a page of the table \"records\" does not match its checksum"), "{ran:?}");
    assert!(ran.stderr.contains("huedb repair"), "{ran:?}");
    for args in [&["check"][..], &["check", "--deep"]] {
        let ran = world.run(args);
        assert_eq!(ran.status, Some(4), "{ran:?}");
        assert!(ran.stdout.contains("\"where\":\"table records: page at byte "), "{ran:?}");
    }
    let ran = world.run(&["repair"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), ""), "{ran:?}");
    assert!(
        ran.stderr.starts_with("repaired test.redb: 400 records of 1 collection; pages damaged: 1, repaired:"),
        "{ran:?}"
    );
    assert_eq!(world.ok(&["export", "notes"]), all);
    world.run(&["check", "--deep"]).is("", "no damage found in test.redb\n", 0);
    world.run(&["repair"]).is("", "no damage found in test.redb\n", 0);
}

#[test]
fn what_is_lost_is_told_and_nothing_is_replaced() {
    let world = world();
    overwrite(&world, b"text number 77", b"TEXT NUMBER");
    let damaged = world.bytes();
    let ran = world.run(&["repair"]);
    assert_eq!(ran.status, Some(4), "{ran:?}");
    assert!(ran.stdout.contains("{\"collection\":\"notes\",\"id\":\"r77\","), "{ran:?}");
    assert!(ran.stderr.contains("huedb repair --to FILE"), "{ran:?}");
    assert_eq!(world.bytes(), damaged);

    world.write("taken.redb", "someone's");
    let ran = world.run(&["repair", "--to", "taken.redb"]);
    assert_eq!(ran.status, Some(2), "{ran:?}");
    let ran = world.run(&["repair", "--to", "test.redb", "--force"]);
    assert_eq!(ran.status, Some(2), "{ran:?}");
    let ran = world.run(&["repair", "--to", "saved.redb"]);
    assert_eq!(ran.status, Some(4), "{ran:?}");
    // In doubt are the records of one page, which are all in the new file.
    assert!(ran.stdout.lines().all(|line| line.ends_with("\"kept\":true}")), "{ran:?}");
    assert!(ran.stderr.contains("saved 400 records of 1 collection"), "{ran:?}");
    assert_eq!(world.bytes(), damaged);
    world.run(&["--db", "saved.redb", "check", "--deep"]).is("", "no damage found in saved.redb\n", 0);
    world.run(&["--db", "saved.redb", "get", "notes", "--id", "r300", "-o", "ids"]).is("r300\n", "", 0);
}

#[test]
fn whatever_is_damaged_every_verb_names_the_file() {
    let mut random = Random::new();
    let world = World::with_notes();
    world.write("rows.jsonl", rows(0..400));
    world.ok(&["import", "notes", "rows.jsonl"]);
    world.ok(&["index", "build", "notes"]);
    world.ok(&["index", "build", "notes", "--hybrid"]);
    std::fs::create_dir(world.path("docs")).unwrap();
    world.write("docs/a.md", "a text");
    let whole = world.bytes();
    let search = "{\"searches\":[{\"rank\":{\"$knn\":{\"query\":\"text\"}},\"select\":{\"keys\":[\"#document\"]}}]}";
    let verbs: [&[&str]; 28] = [
        &["get", "notes"],
        &["get", "notes", "--include", "embeddings"],
        &["get", "notes", "--id", "r77", "--where", "even = true"],
        &["get", "notes", "--sort", "even"],
        &["peek", "notes", "-n", "400"],
        &["count", "notes", "--where-document", "text"],
        &["distinct", "notes", "even"],
        &["keys", "notes"],
        &["query", "notes", "text number 7", "-n", "400"],
        &["query", "notes", "text number 7", "--exact"],
        &["query", "notes", "text number 7", "--hybrid"],
        &["search", "notes", "--json", search],
        &["stats", "notes"],
        &["plot", "notes"],
        &["dedupe", "notes", "--max-distance", "0.1"],
        &["export", "notes"],
        &["export", "notes", "-o", "csv"],
        &["export", "--all"],
        &["list"],
        &["show", "notes"],
        &["info"],
        &["update", "notes", "--id", "r77", "--metadata", "{\"even\":1}"],
        &["delete", "notes", "--where-document", "number 7"],
        &["import", "notes", "rows.jsonl"],
        &["sync", "notes", "docs"],
        &["reembed", "notes", "--model", "hash-32"],
        &["compact"],
        &["backup", "copy.redb", "--force"],
    ];
    let mut named = 0;
    for _ in 0..14 {
        let at = random.below(whole.len());
        let mut damaged = whole.clone();
        // A stretch, so that a page in use is likely among what it meets.
        for byte in damaged.iter_mut().skip(at).take(6000) {
            *byte ^= 0x41;
        }
        for verb in verbs {
            world.write("test.redb", &damaged);
            let ran = world.run(verb);
            assert!(
                !ran.stderr.contains(":  is damaged") && !ran.stderr.contains("cannot : "),
                "{at} {verb:?}: {ran:?}"
            );
            for line in ran.stderr.lines().filter(|line| line.contains(" is damaged: ")) {
                assert!(line.contains("test.redb is damaged: "), "{at} {verb:?}: {ran:?}");
            }
            named += usize::from(ran.status == Some(4) && ran.stderr.contains("test.redb is damaged"));
        }
    }
    assert!(named > 20, "{named} commands met the damage, with {random:?}");
}
