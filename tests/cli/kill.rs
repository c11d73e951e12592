//! Imports that are killed or interrupted: what was stored stays, and running again completes without doubling.

use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use crate::huedb::{World, finish};

const ROWS: usize = 4000;

fn rows(world: &World) {
    let row = |i: usize| format!("{{\"id\":\"r{i}\",\"document\":\"text number {i}\",\"metadata\":{{\"n\":{i}}}}}\n");
    world.write("rows.jsonl", (0..ROWS).map(row).collect::<String>());
}

#[test]
fn a_killed_import_is_completed_by_running_it_again() {
    let seed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().subsec_nanos();
    let world = World::with_notes();
    rows(&world);
    let import = ["import", "notes", "rows.jsonl", "--batch-size", "20"];
    let mut stored = 0;
    for kill in 0..10 {
        let mut child = world.spawn(&import);
        let wait = 10 + (u64::from(seed) >> kill) % 60;
        sleep(Duration::from_millis(wait));
        child.kill().unwrap();
        let _ = child.wait().unwrap();
        let now: usize = world.ok(&["count", "notes"]).trim().parse().unwrap();
        assert!(now >= stored && now.is_multiple_of(20), "{now} after {stored} records, seed {seed}");
        let by_filter: usize = world.ok(&["count", "notes", "--where", "n >= 0"]).trim().parse().unwrap();
        assert_eq!(by_filter, now, "postings and records differ, seed {seed}");
        stored = now;
    }
    assert!(stored > 0, "every kill came before the first batch, seed {seed}");
    world.ok(&import);
    let ids = world.ok(&["get", "notes", "-o", "ids"]);
    assert_eq!(ids, (0..ROWS).map(|i| format!("r{i}\n")).collect::<String>(), "seed {seed}");
}

#[test]
fn an_interrupted_import_says_how_to_go_on() {
    let world = World::with_notes();
    rows(&world);
    let child = world.spawn(&["import", "notes", "rows.jsonl", "--batch-size", "10"]);
    sleep(Duration::from_millis(150));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let ran = finish(child);
    assert_eq!(ran.status, Some(130), "{}", ran.stderr);
    assert!(ran.stderr.contains("can be run again") && ran.stderr.contains("interrupted"), "{}", ran.stderr);
    world.ok(&["import", "notes", "rows.jsonl"]);
    assert_eq!(world.ok(&["count", "notes"]), format!("{ROWS}\n"));
}
