//! `check` and `compact` as a shell runs them, and what an import leaves for them to do.

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};

use crate::huedb::{World, finish};

#[test]
fn a_sound_file_says_so_and_a_damaged_one_names_what_is() {
    let world = World::with_notes();
    world.ok(&["add", "notes", "--id", "a", "--document", "a quick brown fox, remembered by its words"]);
    world.run(&["check"]).is("", "no damage found in test.redb\n", 0);
    world.run(&["check", "notes", "--deep"]).is("", "no damage found in notes\n", 0);
    let ran = world.run(&["check", "nobody"]);
    assert_eq!(ran.status, Some(2), "{ran:?}");

    if crate::open::encrypted() {
        return; // What follows looks for text in the file.
    }
    // On the disk, where only a checksum of the page can tell.
    let bytes = world.bytes();
    let at = memchr::memmem::find_iter(&bytes, b"remembered");
    let mut file = OpenOptions::new().write(true).open(world.path("test.redb")).unwrap();
    for at in at {
        file.seek(SeekFrom::Start(at as u64)).unwrap();
        file.write_all(b"R").unwrap();
    }
    drop(file);
    let ran = world.run(&["check", "--deep"]);
    assert_eq!(ran.status, Some(4), "{ran:?}");
    assert!(ran.stdout.contains("\"where\":\"table records: page at byte "), "{ran:?}");
    assert!(ran.stderr.contains("damaged"), "{ran:?}");
}

#[test]
fn compact_shortens_the_file_and_forgets() {
    let world = World::with_notes();
    let rows = |i: usize| format!("{{\"id\":\"r{i}\",\"document\":\"forget me, number {i}\"}}\n");
    world.write("rows.jsonl", (0..3000).map(rows).collect::<String>());
    world.ok(&["import", "notes", "rows.jsonl"]);
    world.ok(&["delete", "notes", "--where-document", "forget"]);
    let before = world.bytes().len();
    let ran = world.run(&["compact"]);
    assert!(ran.status == Some(0) && ran.stderr.contains(" before, "), "{ran:?}");
    let bytes = world.bytes();
    assert!(bytes.len() < before, "{} of {before}", bytes.len());
    assert_eq!(memchr::memmem::find(&bytes, b"forget me"), None);
    world.run(&["check", "--deep"]).is("", "no damage found in test.redb\n", 0);
}

#[test]
fn compact_beside_readers_and_writers_loses_nothing() {
    let world = World::with_notes();
    let row = |i: usize| format!("{{\"id\":\"r{i}\",\"document\":\"text {i}\"}}\n");
    world.write("rows.jsonl", (0..600).map(row).collect::<String>());
    let patient = ["--busy-timeout", "60"];
    let import = world.spawn(&[&patient[..], &["import", "notes", "rows.jsonl", "--batch-size", "20"]].concat());
    for _ in 0..5 {
        let compact = world.spawn(&[&patient[..], &["compact"]].concat());
        let count = world.spawn(&[&patient[..], &["count", "notes"]].concat());
        for ran in [finish(compact), finish(count)] {
            assert_eq!(ran.status, Some(0), "{ran:?}");
        }
    }
    let ran = finish(import);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    world.run(&["count", "notes"]).is("600\n", "", 0);
    world.run(&["check", "--deep"]).is("", "no damage found in test.redb\n", 0);
}

#[test]
fn a_flipped_bit_never_crashes_a_command() {
    let mut random = crate::random::Random::new();
    let world = World::with_notes();
    let row = |i: usize, even: bool| format!("{{\"id\":\"r{i}\",\"document\":\"text number {i}\",\"even\":{even}}}\n");
    world.write("rows.jsonl", (0..500).map(|i| row(i, i.is_multiple_of(2))).collect::<String>());
    world.ok(&["import", "notes", "rows.jsonl"]);
    let bytes = world.bytes();
    let used: Vec<usize> =
        (0..bytes.len()).step_by(64).filter(|at| bytes[*at..*at + 64].iter().any(|b| *b != 0)).collect();
    for _ in 0..40 {
        let at = used[random.below(used.len())] + random.below(64);
        for args in [
            &["get", "notes"][..],
            &["query", "notes", "text number 7", "--where", "even = true"],
            &["add", "notes", "--id", "new", "--document", "x"],
        ] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << random.below(8);
            world.write("test.redb", &damaged);
            let ran = world.run(args);
            assert!(matches!(ran.status, Some(0..=5)), "byte {at}: {args:?} {ran:?}");
            assert!(!ran.stderr.contains("fault in huedb"), "byte {at}: {args:?} {}", ran.stderr);
        }
    }
}
