//! Bits flipped anywhere in a file: a deep check names the damage, or nothing was lost.

use std::path::Path;

use huedb::error::{ErrorKind, Result};
use huedb::record::{CollectionName, MetadataPatch, Ordinal, Record, RecordId};
use huedb::store::{Access, Change, Depth, Include, NewCollection};
use serde_json::json;
use tempfile::TempDir;

use crate::open::open;
use crate::random::Random;

const FLIPS: usize = 150;

fn records(path: &Path) -> Result<Vec<Record>> {
    let view = open(path, Access::Read)?.view("notes")?;
    view.live().iter().map(|ordinal| view.record(Ordinal(ordinal), Include::ALL)).collect()
}

fn check(path: &Path) -> Result<usize> {
    open(path, Access::Read)?.check(None, Depth::Deep).map(|findings| findings.len())
}

#[test]
fn a_flipped_bit_is_found_or_does_no_harm() {
    let mut random = Random::new();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("test.redb");
    let store = open(&path, Access::Create).unwrap();
    store.create_collection(CollectionName::parse("notes").unwrap(), NewCollection::default()).unwrap();
    let notes = store.collection("notes").unwrap();
    let changes = (0..300).map(|row| Change {
        id: RecordId::parse(format!("r{row}")).unwrap(),
        embedding: Some(random.vector(64)),
        embedded_here: false,
        document: Some(format!("text of row {row} ").repeat(5)),
        uri: None,
        metadata: MetadataPatch::from_json(json!({"row": row, "odd": row % 2 == 1})).unwrap(),
    });
    notes.add(changes).unwrap();
    drop(notes);
    store.close().unwrap();
    let whole = records(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    // Most of a new file is free; a flip there tells nothing.
    let used: Vec<usize> =
        (0..bytes.len()).step_by(64).filter(|at| bytes[*at..*at + 64].iter().any(|b| *b != 0)).collect();
    let mut found = 0;
    for _ in 0..FLIPS {
        let at = used[random.below(used.len())] + random.below(64);
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << random.below(8);
        std::fs::write(&path, &damaged).unwrap();
        match check(&path) {
            Ok(0) => assert_eq!(records(&path).unwrap(), whole, "byte {at} was lost unseen"),
            Ok(_) => found += 1,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Damaged, "byte {at}: {error}");
                found += 1;
            }
        }
    }
    assert!(found > FLIPS / 5, "{found} of {FLIPS}");
}
