//! Collections whose documents are packed, through everything that a store does with them.
//!
//! Whether a document is packed is looked up in the bytes of the file: nothing that is read tells.

use redb::{ReadableTable, ReadableTableMetadata};
use tempfile::TempDir;

use super::packing::tests::text;
use super::record::decode_id;
use super::table::{self, CollectionNumber, PairKey};
use super::{Access, Change, Depth, Include, Mode, NewCollection, Repair, Store, pages_of};
use crate::error::{Error, ErrorKind, Result};
use crate::record::random::Random;
use crate::record::{CollectionName, MetadataPatch, Ordinal, RecordId};

const NOTES: &str = "notes";
const NUMBER: CollectionNumber = CollectionNumber(0);
const ROWS: usize = 300;
/// The flag of a packed document, in the first byte of a record.
const PACKED: u8 = 16;

fn name(name: &str) -> CollectionName {
    CollectionName::parse(name).unwrap()
}

fn id(row: usize) -> RecordId {
    RecordId::parse(format!("r{row}")).unwrap()
}

fn change(random: &mut Random, row: usize, len: usize) -> Change {
    Change {
        id: id(row),
        embedding: Some(random.floats(8)),
        embedded_here: false,
        document: Some(text(random, len)),
        uri: None,
        metadata: MetadataPatch::from_json(serde_json::json!({"row": row})).unwrap(),
    }
}

fn long(random: &mut Random, rows: std::ops::Range<usize>) -> Vec<Change> {
    rows.map(|row| change(random, row, 700)).collect()
}

fn empty() -> (TempDir, Store) {
    let folder = TempDir::new().unwrap();
    let store = Store::open_in_test(folder.path().join("test.redb"), Access::Create).unwrap();
    store.create_collection(name(NOTES), NewCollection { bm25: true, ..NewCollection::default() }).unwrap();
    (folder, store)
}

/// A store, and what its collection holds: long documents, packed, and some short ones.
fn packed(random: &mut Random) -> (TempDir, Store, Vec<Change>) {
    let (folder, store) = empty();
    let mut changes = long(random, 0..ROWS);
    changes.extend((ROWS..ROWS + 20).map(|row| change(random, row, 50)));
    store.collection(NOTES).unwrap().add(changes.clone()).unwrap();
    (folder, store, changes)
}

/// Returns how many records of a collection are packed, and how many are not.
fn forms(store: &Store, number: CollectionNumber) -> (usize, usize) {
    let count = |tx: redb::ReadTransaction| {
        let mut forms = (0, 0);
        for row in tx.open_table(table::RECORDS)?.range::<&PairKey>(&number.pair(0)..=&number.pair(u64::MAX))? {
            let (_, bytes) = row?;
            decode_id(bytes.value())?;
            if bytes.value()[0] & PACKED == 0 { forms.1 += 1 } else { forms.0 += 1 }
        }
        Ok(forms)
    };
    store.read(count).unwrap()
}

/// Returns how many dictionaries each table holds; `None` where there is no table.
fn dictionaries(store: &Store) -> [Option<u64>; 2] {
    store
        .read(|tx| Ok(table::DICTIONARIES.map(|table| tx.open_table(table).ok().map(|table| table.len().unwrap()))))
        .unwrap()
}

fn documents(store: &Store, collection: &str) -> Result<Vec<(String, Option<String>)>> {
    let view = store.view(collection)?;
    let read = |ordinal| view.record(Ordinal(ordinal), Include::TEXT);
    view.live().into_iter().map(|ordinal| read(ordinal).map(|found| (found.id.to_string(), found.document))).collect()
}

fn expected(changes: &[Change]) -> Vec<(String, Option<String>)> {
    changes.iter().map(|change| (change.id.to_string(), change.document.clone())).collect()
}

fn sound(store: &Store) {
    assert_eq!(store.check(None, Depth::Deep).unwrap(), []);
}

#[test]
fn a_batch_of_long_documents_is_packed_and_others_read_it() {
    let mut random = Random::new();
    let (folder, store) = empty();
    let path = folder.path().join("test.redb");
    let notes = store.collection(NOTES).unwrap();
    notes.add([change(&mut random, 1000, 700)]).unwrap();
    assert_eq!(dictionaries(&store), [None, None]);
    let other = Store::open_in_test(&path, Access::Read).unwrap();
    let before = other.view(NOTES).unwrap();
    let changes = long(&mut random, 0..ROWS);
    notes.add(changes.clone()).unwrap();
    assert_eq!(dictionaries(&store), [Some(1), Some(1)]);
    assert_eq!(forms(&store, NUMBER), (ROWS, 1));
    for store in [&store, &other, &Store::open_in_test(&path, Access::Read).unwrap()] {
        assert_eq!(documents(store, NOTES).unwrap()[1..], expected(&changes));
    }
    assert_eq!(before.counts().records, 1);
    drop((before, other));
    // A second batch is packed with the same dictionary, and by a process that did not make it.
    store.close().unwrap();
    let store = Store::open_in_test(&path, Access::Write).unwrap();
    store.collection(NOTES).unwrap().add([change(&mut random, 2000, 700), change(&mut random, 2001, 70)]).unwrap();
    assert_eq!((forms(&store, NUMBER), dictionaries(&store)), ((ROWS + 1, 2), [Some(1), Some(1)]));
    sound(&store);
}

#[test]
fn a_large_batch_makes_a_dictionary_before_its_end() {
    let mut random = Random::new();
    let (_folder, store) = empty();
    let changes: Vec<Change> = (0..900).map(|row| change(&mut random, row, 10_000)).collect();
    store.collection(NOTES).unwrap().add(changes.clone()).unwrap();
    assert_eq!(forms(&store, NUMBER), (900, 0));
    assert_eq!(documents(&store, NOTES).unwrap(), expected(&changes));
    sound(&store);
}

#[test]
fn what_waits_for_a_dictionary_is_read_changed_and_deleted_like_everything_else() {
    let mut random = Random::new();
    for enough in [false, true] {
        let (_folder, store) = empty();
        let rows = if enough { ROWS } else { 20 };
        let mut changes = long(&mut random, 0..rows);
        let mut later = long(&mut random, 0..3);
        later[1].document = Some("short now".into());
        let notes = store.collection(NOTES).unwrap();
        let both: Vec<Change> = changes.iter().cloned().chain(later.clone()).collect();
        notes.apply(both, Mode::Upsert).unwrap();
        changes.splice(0..3, later);
        assert_eq!(documents(&store, NOTES).unwrap(), expected(&changes));
        assert_eq!(forms(&store, NUMBER), if enough { (rows - 1, 1) } else { (0, rows) });
        sound(&store);
        let mut again = long(&mut random, 5..8);
        again[0].document = Some("short now".into());
        again[2].document = None;
        notes.apply(again.clone(), Mode::Update).unwrap();
        again[2].document.clone_from(&changes[7].document);
        changes.splice(5..8, again);
        notes.delete([id(0), id(rows - 1)].iter()).unwrap();
        assert_eq!(documents(&store, NOTES).unwrap(), expected(&changes[1..rows - 1]));
        sound(&store);
    }
}

#[test]
fn a_collection_takes_its_dictionary_with_it_and_a_copy_has_its_own() {
    let mut random = Random::new();
    let (folder, store, changes) = packed(&mut random);
    store.collection(NOTES).unwrap().copy(name("copy")).unwrap();
    store.backup(&folder.path().join("backup.redb"), false).unwrap();
    store
        .modify_collection(NOTES, super::CollectionChange { name: Some(name("notes-2")), ..Default::default() })
        .unwrap();
    assert_eq!(dictionaries(&store), [Some(2), Some(2)]);
    assert_eq!(forms(&store, CollectionNumber(1)), (ROWS, 20));
    store.drop_collection("notes-2").unwrap();
    assert_eq!(dictionaries(&store), [Some(1), Some(1)]);
    assert_eq!(documents(&store, "copy").unwrap(), expected(&changes));
    sound(&store);
    store.drop_collection("copy").unwrap();
    assert_eq!(dictionaries(&store), [Some(0), Some(0)]);
    sound(&store);
    let backup = Store::open_in_test(folder.path().join("backup.redb"), Access::Read).unwrap();
    assert_eq!((forms(&backup, NUMBER), dictionaries(&backup)), ((ROWS, 20), [Some(2), Some(2)]));
    assert_eq!(documents(&backup, NOTES).unwrap(), expected(&changes));
}

#[test]
fn compacting_packs_what_came_bit_by_bit_and_forgets_what_was_deleted() {
    let mut random = Random::new();
    let (_folder, store) = empty();
    let notes = store.collection(NOTES).unwrap();
    let changes = long(&mut random, 0..ROWS);
    changes.chunks(100).for_each(|changes| drop(notes.add(changes.to_vec()).unwrap()));
    assert_eq!((forms(&store, NUMBER), dictionaries(&store)), ((0, ROWS), [None, None]));
    let secret = |change: &mut Change| {
        let document = change.document.as_mut().unwrap();
        document.insert_str(0, "The secret of Zanzibar. ");
    };
    let mut secrets = long(&mut random, 1000..1000 + ROWS);
    secrets.iter_mut().for_each(secret);
    let marked = |store: &Store| {
        let bytes = std::fs::read(store.path()).unwrap();
        memchr::memmem::find(&bytes, b"Zanzibar").is_some()
    };
    store.compact().unwrap();
    assert_eq!((forms(&store, NUMBER), dictionaries(&store)), ((ROWS, 0), [Some(1), Some(1)]));
    assert_eq!(documents(&store, NOTES).unwrap(), expected(&changes));
    sound(&store);
    // A dictionary made of what is to be forgotten.
    store.create_collection(name("other"), NewCollection::default()).unwrap();
    let other = store.collection("other").unwrap();
    other.add(secrets.clone()).unwrap();
    other.add(long(&mut random, 0..ROWS)).unwrap();
    let warm = store.view("other").unwrap();
    warm.record(Ordinal(0), Include::TEXT).unwrap();
    drop(warm);
    other.delete(secrets.iter().map(|change| &change.id)).unwrap();
    assert!(marked(&store));
    store.compact().unwrap();
    assert!(!marked(&store));
    assert_eq!(forms(&store, CollectionNumber(1)), (ROWS, 0));
    assert_eq!(documents(&store, "other").unwrap().len(), ROWS);
    sound(&store);
    // Too few are left for a dictionary.
    other.delete((0..ROWS - 10).map(id).collect::<Vec<_>>().iter()).unwrap();
    store.compact().unwrap();
    assert_eq!((forms(&store, CollectionNumber(1)), dictionaries(&store)), ((0, 10), [Some(1), Some(1)]));
    assert_eq!(documents(&store, "other").unwrap().len(), 10);
    sound(&store);
}

/// Changes the dictionary in one of the two tables.
fn damage(store: &Store, copy: usize, change: impl Fn(&mut Vec<u8>)) {
    let edit = |tx: &redb::WriteTransaction| {
        let mut table = tx.open_table(table::DICTIONARIES[copy])?;
        let mut bytes = table.get(&NUMBER.key())?.unwrap().value().to_vec();
        change(&mut bytes);
        table.insert(&NUMBER.key(), bytes.as_slice())?;
        Ok(())
    };
    store.write(edit).unwrap();
}

#[test]
fn one_damaged_dictionary_is_told_of_and_done_without() {
    let mut random = Random::new();
    for copy in 0..2 {
        let (folder, store, mut changes) = packed(&mut random);
        damage(&store, copy, |bytes| bytes[1000] ^= 1);
        assert_eq!(documents(&store, NOTES).unwrap(), expected(&changes));
        let findings = store.check(None, Depth::Deep).unwrap();
        assert_eq!(findings.len(), 1, "{findings:#?}");
        let (place, what) = (&findings[0].place, &findings[0].what);
        assert_eq!(*place, format!("notes: {} copy of the dictionary", ["first", "second"][copy]));
        assert!(findings[0].derived && what.contains("checksum") && what.contains("repair"), "{what}");
        changes.push(change(&mut random, 5000, 700));
        store.collection(NOTES).unwrap().add(changes[ROWS + 20..].to_vec()).unwrap();
        assert_eq!((documents(&store, NOTES).unwrap(), forms(&store, NUMBER)), (expected(&changes), (ROWS + 1, 20)));
        let path = store.path().to_owned();
        store.close().unwrap();
        let target = folder.path().join("repaired.redb");
        repair(&path, &target);
        let store = Store::open_in_test(&target, Access::Read).unwrap();
        sound(&store);
        assert_eq!((documents(&store, NOTES).unwrap(), forms(&store, NUMBER)), (expected(&changes), (ROWS + 1, 20)));
    }
}

#[test]
fn two_damaged_dictionaries_are_an_error_and_what_is_not_packed_is_read() {
    let mut random = Random::new();
    let (_folder, store, changes) = packed(&mut random);
    damage(&store, 0, Vec::clear);
    damage(&store, 1, |bytes| bytes[0] ^= 1);
    let error = documents(&store, NOTES).unwrap_err();
    assert!(
        error.kind() == ErrorKind::Damaged && error.to_string().contains("both copies of the dictionary"),
        "{error}"
    );
    let view = store.view(NOTES).unwrap();
    let read = |row: usize, include| view.record(Ordinal(row as u64), include);
    assert_eq!(read(ROWS, Include::TEXT).unwrap().document, changes[ROWS].document);
    assert!(read(0, Include { documents: false, ..Include::TEXT }).unwrap().metadata.is_some());
    drop(view);
    let findings = store.check(None, Depth::Deep).unwrap();
    assert_eq!(findings.len(), 2, "{findings:#?}");
    assert!(findings.iter().all(|finding| !finding.derived), "{findings:#?}");
    let error = store.collection(NOTES).unwrap().add([change(&mut random, 7000, 700)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Damaged);
}

#[test]
fn a_record_that_does_not_unpack_is_named() {
    let mut random = Random::new();
    let (_folder, store, _) = packed(&mut random);
    let edit = |tx: &redb::WriteTransaction| {
        let mut records = tx.open_table(table::RECORDS)?;
        let mut bytes = records.get(&NUMBER.pair(7))?.unwrap().value().to_vec();
        // Behind flags, id and two lengths begins the frame, with what its first block is.
        let frame = 1 + 3 + 2 + 2;
        bytes[frame + 2..frame + 5].fill(0xff);
        records.insert(&NUMBER.pair(7), bytes.as_slice())?;
        Ok(())
    };
    store.write(edit).unwrap();
    let findings = store.check(None, Depth::Deep).unwrap();
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(findings[0].place, "notes: record of row 7");
    assert!(findings[0].what.contains(r#""r7" does not unpack"#) && !findings[0].derived, "{findings:#?}");
    let error = store.view(NOTES).unwrap().record(Ordinal(7), Include::TEXT).unwrap_err();
    assert!(matches!(&error, Error::Damaged { what, .. } if what.contains(r#""r7""#)), "{error}");
}

fn repair(path: &std::path::Path, target: &std::path::Path) {
    let options = super::Options::of_tests();
    let repair = Repair::begin(path, target, &options).unwrap();
    assert!(repair.is_whole(), "{:?}", repair.losses);
    repair.finish(path, false, &options).unwrap();
}

#[test]
fn a_damaged_page_takes_one_copy_at_the_most() {
    let mut random = Random::new();
    let (folder, store, changes) = packed(&mut random);
    store.collection(NOTES).unwrap().copy(name("copy")).unwrap();
    let path = store.path().to_owned();
    store.close().unwrap();
    let whole = std::fs::read(&path).unwrap();
    let pages = pages_of(&path);
    let pages: Vec<_> = pages.iter().filter(|page| page.table.ends_with("dictionaries")).collect();
    assert!(pages.len() >= 6, "two leaves and what leads to them, twice");
    for page in pages {
        let mut bytes = whole.clone();
        bytes[(page.place + page.used / 2) as usize] ^= 0x20;
        std::fs::write(&path, &bytes).unwrap();
        let store = Store::open_in_test(&path, Access::Read).unwrap();
        for collection in [NOTES, "copy"] {
            assert_eq!(documents(&store, collection).unwrap(), expected(&changes), "{}", page.table);
        }
        let findings = store.check(None, Depth::Quick).unwrap();
        assert!(!findings.is_empty() && findings.iter().all(|finding| finding.derived), "{findings:#?}");
        drop(store);
        let target = folder.path().join(format!("repaired-{}.redb", page.place));
        repair(&path, &target);
        let store = Store::open_in_test(&target, Access::Read).unwrap();
        sound(&store);
        assert_eq!(documents(&store, "copy").unwrap(), expected(&changes));
    }
}
