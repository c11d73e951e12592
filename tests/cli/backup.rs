//! `backup` and `restore` as a shell runs them.

use crate::huedb::{World, finish};

fn rows(range: std::ops::Range<usize>) -> String {
    range.map(|i| format!("{{\"id\":\"r{i}\",\"document\":\"text number {i}\",\"even\":{}}}\n", i % 2 == 0)).collect()
}

#[test]
fn a_backup_comes_back_whole() {
    let world = World::with_notes();
    world.write("rows.jsonl", rows(0..300));
    world.ok(&["import", "notes", "rows.jsonl"]);
    let all = world.ok(&["export", "notes"]);
    let ran = world.run(&["backup", "copy.redb"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert!(ran.stderr.starts_with("backed up 300 records of 1 collection ("), "{ran:?}");
    world.run(&["--db", "copy.redb", "check", "--deep"]).is("", "no damage found in copy.redb\n", 0);

    world.run(&["backup", "copy.redb"]).is(
        "",
        "error: copy.redb exists already\n\nhint: name another, or replace it with --force\n",
        2,
    );
    world.ok(&["delete", "notes", "--where", "even = true"]);
    let ran = world.run(&["restore", "copy.redb"]);
    assert_eq!(ran.status, Some(2), "{ran:?}");
    world.run(&["count", "notes"]).is("150\n", "", 0);
    world.ok(&["restore", "copy.redb", "--force"]);
    assert_eq!(world.ok(&["export", "notes"]), all);
    world.ok(&["--db", "new.redb", "restore", "copy.redb"]);
    assert_eq!(world.ok(&["--db", "new.redb", "export", "notes"]), all);
    let left: Vec<_> = std::fs::read_dir(world.path(".")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".part")), "{left:?}");
}

#[test]
fn a_damaged_backup_replaces_nothing() {
    let world = World::with_notes();
    world.ok(&["add", "notes", "--id", "a", "--document", "the only one"]);
    let before = world.bytes();
    world.write("copy.redb", "no database at all");
    for args in [&["restore", "copy.redb", "--force"][..], &["restore", "nowhere.redb", "--force"]] {
        let ran = world.run(args);
        assert!(matches!(ran.status, Some(2 | 4)), "{ran:?}");
        assert_eq!(world.bytes(), before);
    }
    // The other way round, a sound backup replaces a damaged file.
    world.ok(&["backup", "copy.redb", "--force"]);
    world.write("test.redb", &before[..before.len() / 2]);
    world.ok(&["restore", "copy.redb", "--force"]);
    world.run(&["count", "notes"]).is("1\n", "", 0);
}

#[test]
fn a_backup_beside_an_import_is_one_moment_of_it() {
    let world = World::with_notes();
    world.write("rows.jsonl", rows(0..2000));
    let import = world.spawn(&["--busy-timeout", "60", "import", "notes", "rows.jsonl", "--batch-size", "50"]);
    for _ in 0..4 {
        world.ok(&["--busy-timeout", "60", "backup", "copy.redb", "--force"]);
        world.run(&["--db", "copy.redb", "check", "--deep"]).is("", "no damage found in copy.redb\n", 0);
        let count: usize = world.ok(&["--db", "copy.redb", "count", "notes"]).trim().parse().unwrap();
        assert_eq!(count % 50, 0, "half a batch");
    }
    assert_eq!(finish(import).status, Some(0));
    world.run(&["count", "notes"]).is("2000\n", "", 0);
}
