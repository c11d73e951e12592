//! Imports that a failing service or a kill ends: what was paid for and stored is not paid for again.

use std::collections::BTreeMap;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use super::fake::{Reply, Service, status};
use super::{command, ok, run, with_notes};
use crate::huedb::World;

const ROWS: usize = 300;
const BATCH: usize = 20;

/// Writes rows to import, and returns the command that does.
fn rows(world: &World) -> [&'static str; 5] {
    let row = |n| format!("{{\"id\": \"r{n}\", \"document\": \"text number {n}\", \"v\": 1}}\n");
    world.write("rows.jsonl", (0..ROWS).map(row).collect::<String>());
    ["import", "notes", "rows.jsonl", "--batch-size", "20"]
}

/// How often each text was embedded, that is paid for.
#[derive(Clone, Default)]
struct Paid(Arc<Mutex<BTreeMap<String, usize>>>);

impl Paid {
    fn add(&self, texts: Vec<String>) {
        let mut paid = self.0.lock().unwrap();
        for text in texts.into_iter().filter(|text| text.starts_with("text number")) {
            *paid.entry(text).or_default() += 1;
        }
    }

    /// How many texts there are, and how many of them were paid for twice.
    fn texts_and_twice(&self) -> (usize, usize) {
        let paid = self.0.lock().unwrap();
        assert!(paid.values().all(|times| *times <= 2), "{paid:?}");
        (paid.len(), paid.values().filter(|times| **times == 2).count())
    }
}

fn count(world: &World) -> usize {
    ok(world, &["count", "notes"]).trim().parse().unwrap()
}

#[test]
fn an_import_goes_on_where_the_service_failed() {
    let (service, paid) = (Service::good(), Paid::default());
    let world = with_notes(&service, &["--api", "tei", "--retries", "0", "--concurrency", "1"]);
    let import = rows(&world);
    let noted = paid.clone();
    service.now(move |number, asked| {
        if number == 7 {
            return status("503 Service Unavailable", "");
        }
        noted.add(asked.texts());
        Reply::Embeddings
    });
    let ran = run(&world, &import);
    assert_eq!(ran.status, Some(5), "{ran:?}");
    assert!(ran.stderr.contains("added 140"), "{}", ran.stderr);
    assert!(ran.stderr.contains("run the same import to continue"), "{}", ran.stderr);
    assert_eq!(count(&world), 7 * BATCH);
    let ran = run(&world, &import);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert!(
        ran.stderr.contains("added 160, updated 0, unchanged 140") && ran.stderr.contains("embedded 160"),
        "{ran:?}"
    );
    assert_eq!(count(&world), ROWS);
    assert_eq!(paid.texts_and_twice(), (ROWS, 0));
    // Metadata that changes costs nothing, and says so.
    let changed = std::fs::read_to_string(world.path("rows.jsonl")).unwrap().replace("\"v\": 1", "\"v\": 2");
    world.write("rows.jsonl", changed);
    service.take_asked();
    let ran = run(&world, &import);
    assert!(ran.status == Some(0) && ran.stderr.contains("updated 300"), "{ran:?}");
    assert!(service.take_asked().is_empty());
}

#[test]
fn an_import_goes_on_where_it_was_killed() {
    let (service, paid) = (Service::good(), Paid::default());
    let world = with_notes(&service, &["--api", "tei", "--concurrency", "2"]);
    let import = rows(&world);
    let (noted, (reached, waits)) = (paid.clone(), channel());
    service.now(move |number, asked| {
        if number >= 8 {
            let _ = reached.send(());
            return Reply::Stall;
        }
        noted.add(asked.texts());
        Reply::Embeddings
    });
    let mut child = command(&world, &import).spawn().unwrap();
    waits.recv().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let stored = count(&world);
    let noted = paid.clone();
    service.now(move |_, asked| {
        noted.add(asked.texts());
        Reply::Embeddings
    });
    ok(&world, &import);
    assert_eq!(count(&world), ROWS);
    // What was embedded and not yet written is paid for twice: at most the batch that is written and the one that waits.
    let (texts, twice) = paid.texts_and_twice();
    assert_eq!(texts, ROWS);
    assert!(stored + twice <= ROWS && twice <= 3 * BATCH, "{stored} stored, {twice} twice");
}
