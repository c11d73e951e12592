//! Commands that are killed or interrupted: what was stored stays, whole, and running again completes without doubling.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::thread::sleep;
use std::time::{Duration, Instant};

use huedb::record::{MetadataPatch, Ordinal, RecordId};
use huedb::store::{Access, Change, Depth, Include, Options, Store};
use serde_json::json;

use crate::huedb::{World, finish};
use crate::random::Random;

const KILLS: usize = 200;
const BATCH_ROWS: usize = 10;
const IMPORT_ROWS: usize = 30 * BATCH_ROWS;
const ROWS: usize = 4000;

fn rows(world: &World, file: &str, rows: std::ops::Range<usize>) {
    let row = |i: usize| format!("{{\"id\":\"r{i}\",\"document\":\"text number {i}\",\"metadata\":{{\"n\":{i}}}}}\n");
    world.write(file, rows.map(row).collect::<String>());
}

/// What a killed command may have done to the records: numbers that stand for them, in order.
fn numbers(path: &Path) -> Vec<usize> {
    let view = crate::open::open(path, Access::Read).unwrap().view("notes").unwrap();
    let records = view.live().into_iter().map(|ordinal| view.record(Ordinal(ordinal), Include::TEXT).unwrap());
    let number = |record: huedb::record::Record| {
        let number: usize = record.id.as_str()[1..].parse().unwrap();
        assert_eq!(record.document, Some(format!("text number {number}")));
        number
    };
    records.map(number).collect()
}

fn count(path: &Path) -> usize {
    crate::open::open(path, Access::Read).unwrap().collection("notes").unwrap().count().unwrap() as usize
}

/// Runs a command and kills it after `patience`; returns how it ended by itself, and the most records seen meanwhile.
fn kill_after(world: &World, args: &[&str], patience: Duration) -> (Option<ExitStatus>, usize) {
    let path = world.path("test.redb");
    let deadline = Instant::now() + patience;
    let mut child = world.spawn(args);
    let mut seen = 0;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if let Some(status) = child.try_wait().unwrap() {
            return (Some(status), seen);
        }
        if left.is_zero() {
            break;
        }
        // A count that was seen is of a write that is done.
        seen = seen.max(count(&path));
        sleep(left.min(Duration::from_millis(3)));
    }
    child.kill().unwrap();
    let status = child.wait().unwrap();
    (status.code().map(|_| status), seen)
}

#[test]
fn two_hundred_kills_lose_nothing_and_leave_nothing_by_half() {
    let mut random = Random::new();
    let world = World::with_notes();
    let path = world.path("test.redb");
    let mut stored: Vec<usize> = Vec::new();
    let (mut next, mut landed) = (0, [0; 4]);
    for kill in 0..KILLS {
        let cut = next - random.below(IMPORT_ROWS).min(next);
        let condition = format!("n < {cut}");
        let what = random.below(4);
        let args: &[&str] = match what {
            0 => &["import", "notes", "rows.jsonl", "--batch-size", "10"],
            1 => &["delete", "notes", "--where", &condition],
            2 if random.below(2) == 0 => &["index", "build", "notes"],
            2 => &["index", if next % 2 == 0 { "build" } else { "drop" }, "notes", "--hybrid"],
            _ => &["compact"],
        };
        let imported = next..next + IMPORT_ROWS;
        if what == 0 {
            rows(&world, "rows.jsonl", imported.clone());
        }
        let patience = Duration::from_micros(random.below(120_000) as u64);
        let (ended, seen) = kill_after(&world, args, patience);
        landed[what] += usize::from(ended.is_none());
        assert!(ended.is_none_or(|status| status.success()), "kill {kill}: {args:?} {ended:?}");
        let found = numbers(&path);
        let done = ended.is_some();
        match what {
            0 => {
                let more = found.len().checked_sub(stored.len()).unwrap();
                assert!(
                    more.is_multiple_of(BATCH_ROWS) && found.len() >= seen,
                    "kill {kill}: {more} rows, {seen} seen"
                );
                assert!(!done || more == IMPORT_ROWS, "kill {kill}: {more} rows of an import that was done");
                stored.extend(imported.take(more));
                next += IMPORT_ROWS;
            }
            1 => {
                let left: Vec<usize> = stored.iter().copied().filter(|n| *n >= cut).collect();
                if done || found != stored {
                    stored = left;
                }
            }
            _ => {}
        }
        assert_eq!(found, stored, "kill {kill}: {args:?} {ended:?}");
        if kill % 10 == 9 {
            let findings = crate::open::open(&path, Access::Write).unwrap().check(None, Depth::Deep).unwrap();
            assert_eq!(findings, [], "kill {kill}: {args:?}");
        }
    }
    assert!(
        landed.iter().all(|landed| *landed > 0),
        "of imports, deletes, builds and compactions {landed:?} were killed"
    );
}

#[test]
#[ignore = "writes a file of 1 GB and prints how long it takes to open it after a kill"]
fn a_large_file_is_opened_after_a_kill() {
    let world = World::new();
    world.ok(&["create", "notes", "--model", "hash-1024"]);
    let path = world.path("test.redb");
    let options = Options { cache_bytes: Options::BULK_CACHE_BYTES, ..Options::default() };
    let store = Store::open_with(&path, Access::Write, &options).unwrap();
    let mut random = Random::new();
    let mut next = 0;
    while store.file_bytes().unwrap() < 1 << 30 || next * 5000 < 1 << 30 {
        let changes = (next..next + 4096).map(|i| Change {
            id: RecordId::parse(format!("r{i}")).unwrap(),
            embedding: Some(random.vector(1024)),
            embedded_here: false,
            document: Some(format!("text number {i}")),
            uri: None,
            metadata: MetadataPatch::from_json(json!({"n": i})).unwrap(),
        });
        store.collection("notes").unwrap().add(changes).unwrap();
        next += 4096;
    }
    store.close().unwrap();
    rows(&world, "rows.jsonl", next..next + 100_000);
    let count = |what: &str| {
        let start = Instant::now();
        let counted = world.ok(&["count", "notes"]);
        let bytes = std::fs::metadata(&path).unwrap().len();
        eprintln!("{what}: {} records of {bytes} bytes after {:?}", counted.trim(), start.elapsed());
    };
    count("closed");
    for (args, seconds) in [
        (&["import", "notes", "rows.jsonl"][..], 2.0),
        (&["import", "notes", "rows.jsonl", "--batch-size", "1000000"], 4.0),
        (&["delete", "notes", "--where", "n < 50000"], 0.3),
        (&["index", "build", "notes", "--hybrid"], 0.3),
        (&["compact"], 0.5),
        (&["compact"], 2.0),
    ] {
        let mut child = world.spawn(args);
        sleep(Duration::from_secs_f64(seconds));
        let ended = child.try_wait().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        count(&format!("{args:?} killed after {seconds} s ({ended:?})"));
        count("and again");
    }
}

#[test]
fn a_killed_import_is_completed_by_running_it_again() {
    let mut random = Random::new();
    let world = World::with_notes();
    rows(&world, "rows.jsonl", 0..ROWS);
    let import = ["import", "notes", "rows.jsonl", "--batch-size", "20"];
    for _ in 0..5 {
        kill_after(&world, &import, Duration::from_millis(10 + random.below(60) as u64));
    }
    world.ok(&import);
    assert_eq!(numbers(&world.path("test.redb")), (0..ROWS).collect::<Vec<_>>());
}

#[test]
fn an_interrupted_import_says_how_to_go_on() {
    let world = World::with_notes();
    rows(&world, "rows.jsonl", 0..ROWS);
    let child = world.spawn(&["import", "notes", "rows.jsonl", "--batch-size", "10"]);
    sleep(Duration::from_millis(150));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let ran = finish(child);
    assert_eq!(ran.status, Some(130), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("run the same command to continue") && ran.stderr.contains("interrupted"),
        "{}",
        ran.stderr
    );
    world.ok(&["import", "notes", "rows.jsonl"]);
    assert_eq!(world.ok(&["count", "notes"]), format!("{ROWS}\n"));
}

#[test]
fn an_interrupted_import_says_how_many_rows_it_stored() {
    // Ready embeddings come so fast that several batches are on their way at once.
    for signal in ["INT", "TERM", "HUP"] {
        let world = World::new();
        world.ok(&["create", "points", "--no-model"]);
        let rows = 400_000;
        let text: String = (0..rows).map(|n| format!("{{\"id\":\"{n}\",\"embedding\":[{n},1,2,3]}}\n")).collect();
        world.write("points.jsonl", text);
        let mut child = world.spawn(&["import", "points", "points.jsonl", "--batch-size", "500"]);
        while count_of(&world) < 2000 {
            assert!(child.try_wait().unwrap().is_none(), "it was done before it could be interrupted");
        }
        assert!(
            Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap().success()
        );
        let ran = finish(child);
        assert_eq!(ran.status, Some(130), "{signal}: {}", ran.stderr);
        let stored = count_of(&world);
        let says = format!("added {stored}, updated 0, unchanged 0, skipped 0 before it stopped");
        let told = without_separators(&ran.stderr);
        assert!(told.contains(&says), "{signal}, {stored} stored: {}", ran.stderr);
    }
}

/// A large file is one transaction, and embedding it takes many times as long as this test waits.
#[cfg(feature = "bundled-model")]
#[test]
fn a_large_file_is_given_up_between_two_parts_of_it() {
    let world = World::new();
    world.ok(&["create", "texts"]);
    fs::create_dir(world.path("folder")).unwrap();
    let text: String = (0..120_000).map(|n| format!("word{} ", n % 977)).collect();
    world.write("folder/large.txt", text);
    let mut child = world.spawn(&["sync", "texts", "folder"]);
    sleep(Duration::from_secs(2));
    assert!(child.try_wait().unwrap().is_none(), "it was done before it could be interrupted");
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let ran = finish(child);
    assert_eq!(ran.status, Some(130), "{ran:?}");
    assert!(ran.stderr.contains("Stopping after the texts at hand. Press Ctrl-C again to stop at once."), "{ran:?}");
    assert_eq!(world.run(&["count", "texts"]).stdout, "0\n", "the file was embedded to its end");
}

/// Leaves out the commas between the digits of a number.
fn without_separators(text: &str) -> String {
    let mut plain = String::new();
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let is_separator = c == ','
            && plain.ends_with(|c: char| c.is_ascii_digit())
            && characters.peek().is_some_and(char::is_ascii_digit);
        if !is_separator {
            plain.push(c);
        }
    }
    plain
}

fn count_of(world: &World) -> u64 {
    world.ok(&["count", "points"]).trim().parse().unwrap()
}
