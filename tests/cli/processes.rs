//! Many processes on one file: no record is lost, no reader fails, and whoever waits too long is told for what.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use huedb::error::Error;
use huedb::record::{MetadataPatch, RecordId};
use huedb::store::{Access, Change, Depth, Options, Store};

use crate::huedb::{World, finish};

/// Enough for any queue of writers on a slow machine.
const PATIENT: &str = "--busy-timeout=300";
const PROCESSES: usize = 16;
const COMMANDS_EACH: usize = 8;

fn change(id: &str) -> Change {
    Change {
        id: RecordId::parse(id).unwrap(),
        embedding: Some(vec![0.5; 64]),
        embedded_here: false,
        document: None,
        uri: None,
        metadata: MetadataPatch::default(),
    }
}

fn ids(world: &World) -> BTreeSet<String> {
    world.ok(&["get", "notes", "-o", "ids"]).lines().map(str::to_owned).collect()
}

fn is_sound(world: &World) {
    let store = crate::open::open(world.path("test.redb"), Access::Write).unwrap();
    assert_eq!(store.check(None, Depth::Deep).unwrap(), []);
}

fn signal(child: &Child, signal: &str) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn sixteen_at_once_add_query_delete_and_compact() {
    let world = World::with_notes();
    let old: String =
        (0..PROCESSES * COMMANDS_EACH).map(|i| format!("{{\"id\":\"old-{i}\",\"document\":\"fox {i}\"}}\n")).collect();
    world.write("old.jsonl", old);
    world.ok(&["import", "notes", "old.jsonl"]);
    let run = |process: usize, command: usize| {
        let (new, old) = (format!("new-{process}-{command}"), format!("old-{}", process * COMMANDS_EACH + command));
        match process % 8 {
            0..3 => drop(world.ok(&["add", "notes", "--id", &new, "--document", "a red fox", PATIENT])),
            3 | 4 => {
                let hits = world.ok(&["query", "notes", "fox", "-n", "5", "-o", "ids", PATIENT]);
                assert_eq!(hits.lines().count(), 5);
            }
            5 | 6 => assert_eq!(world.ok(&["delete", "notes", "--id", &old, PATIENT]), ""),
            _ => drop(world.ok(&["compact", PATIENT])),
        }
    };
    thread::scope(|scope| {
        for process in 0..PROCESSES {
            scope.spawn(move || (0..COMMANDS_EACH).for_each(|command| run(process, command)));
        }
    });
    let every = |of: &dyn Fn(usize) -> bool, name: &dyn Fn(usize, usize) -> String| -> BTreeSet<String> {
        let processes = (0..PROCESSES).filter(|process| of(process % 8));
        processes
            .flat_map(|process| (0..COMMANDS_EACH).map(move |command| (process, command)))
            .map(|(p, c)| name(p, c))
            .collect()
    };
    let old = |process, command| format!("old-{}", process * COMMANDS_EACH + command);
    let mut expected = every(&|kind| kind < 3, &|process, command| format!("new-{process}-{command}"));
    expected.extend(every(&|kind| kind != 5 && kind != 6, &old));
    assert_eq!(ids(&world), expected);
    is_sound(&world);
}

#[test]
fn a_writer_that_waited_too_long_names_the_file_and_the_wait() {
    let world = World::with_notes();
    let store = crate::open::open(world.path("test.redb"), Access::Write).unwrap();
    let notes = store.collection("notes").unwrap();
    let busy = "error: test.redb is locked by another process (waited 0.3 s)\n\n\
                hint: wait for the other huedb to finish, or raise --busy-timeout\n";
    let held = std::iter::once_with(|| {
        for args in [
            &["add", "notes", "--id", "b", "--document", "x", "--busy-timeout", "0.3"][..],
            &["delete", "notes", "--id", "b", "--busy-timeout", "0.3"],
            &["create", "more", "--model", "hash-64", "--busy-timeout", "0.3"],
            &["compact", "--busy-timeout", "0.3"],
            &["index", "build", "notes", "--hybrid", "--busy-timeout", "0.3"],
            &["drop", "notes", "--busy-timeout", "0.3"],
        ] {
            world.run(args).is("", busy, 3);
        }
        // Readers wait for nobody.
        assert_eq!(world.ok(&["count", "notes", "--busy-timeout", "0"]), "0\n");
        change("a")
    });
    notes.add(held).unwrap();
    assert_eq!(ids(&world), BTreeSet::from(["a".to_owned()]));
}

#[test]
fn a_writer_that_is_killed_lets_go_of_the_lock() {
    let world = World::with_notes();
    let rows: String = (0..20_000).map(|i| format!("{{\"id\":\"r{i}\",\"document\":\"text {i}\"}}\n")).collect();
    world.write("rows.jsonl", rows);
    let hurried = Options { busy_timeout: Duration::ZERO, ..crate::open::options() };
    let is_held = || match Store::open_with(world.path("test.redb"), Access::Write, &hurried) {
        Err(Error::Busy { .. }) => true,
        opened => opened.unwrap().close().is_err(),
    };
    let mut child = world.spawn(&["import", "notes", "rows.jsonl", "--batch-size", "50"]);
    // Stopped somewhere, until somewhere is in a transaction.
    loop {
        thread::sleep(Duration::from_millis(2));
        signal(&child, "-STOP");
        if is_held() {
            break;
        }
        signal(&child, "-CONT");
        assert!(child.try_wait().unwrap().is_none(), "it was never stopped in a transaction");
    }
    let add = ["add", "notes", "--id", "after", "--document", "x", "--busy-timeout", "0.2"];
    assert_eq!(world.run(&add).status, Some(3));
    child.kill().unwrap();
    child.wait().unwrap();
    let before: usize = world.ok(&["count", "notes"]).trim().parse().unwrap();
    assert_eq!(world.run(&add).status, Some(0));
    assert_eq!(world.ok(&["count", "notes"]), format!("{}\n", before + 1));
    is_sound(&world);
}

#[test]
fn queries_go_on_beside_a_long_import() {
    let world = World::with_notes();
    let mut import = world.command(&["import", "notes", "-", "--batch-size", "5", "--format", "jsonl"]);
    let mut import = import.stdin(Stdio::piped()).spawn().unwrap();
    let mut rows = import.stdin.take().unwrap();
    let mut seen = 0;
    for batch in 0..20 {
        for row in 0..5 {
            writeln!(rows, "{{\"id\":\"r{batch}-{row}\",\"document\":\"fox {batch}\"}}").unwrap();
        }
        rows.flush().unwrap();
        let found: usize = world.ok(&["count", "notes"]).trim().parse().unwrap();
        assert!(found >= seen && found.is_multiple_of(5), "{found} after {seen}");
        let hits = world.run(&["query", "notes", "fox", "-n", "100", "-o", "ids"]);
        assert!(matches!(hits.status, Some(0 | 1)), "{hits:?}");
        assert!(hits.stdout.lines().count() >= found, "{found} records, {hits:?}");
        seen = found;
    }
    drop(rows);
    let ran = finish(import);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert_eq!(world.ok(&["count", "notes"]), "100\n");
}

#[test]
fn two_imports_into_one_collection_store_each_record_once() {
    let world = World::with_notes();
    let rows = |from: usize| (from..from + 600).map(|i| format!("{{\"id\":\"r{i}\",\"document\":\"text {i}\"}}\n"));
    world.write("one.jsonl", rows(0).collect::<String>());
    world.write("two.jsonl", rows(300).collect::<String>());
    let import = |file| world.spawn(&["import", "notes", file, "--batch-size", "20", PATIENT]);
    let ran = [import("one.jsonl"), import("two.jsonl")].map(finish);
    let added = |ran: &crate::huedb::Ran| -> usize {
        assert_eq!(ran.status, Some(0), "{ran:?}");
        let (_, rest) = ran.stderr.split_once("added ").unwrap();
        rest.split(',').next().unwrap().parse().unwrap()
    };
    assert_eq!(ran.iter().map(added).sum::<usize>(), 900, "{ran:?}");
    assert_eq!(ids(&world), (0..900).map(|i| format!("r{i}")).collect());
    is_sound(&world);
}
