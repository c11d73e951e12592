//! Files of every earlier version of the format: read as they are, searched exactly, and brought up to date by a write.

use std::path::{Path, PathBuf};

use huedb::query::{AccessPath, Query};
use huedb::record::{MetadataPatch, RecordId};
use huedb::store::{Access, Change, Depth, FORMAT_VERSION, Include, Mode, Options, Store};
use tempfile::TempDir;

const COLLECTIONS: [(&str, usize, u64); 3] = [("of-cosine", 4096, 280), ("of-l2", 2048, 555), ("of-ip", 8, 40)];

/// Versions before this one.
const OLDER: [u32; 3] = [1, 2, 3];

fn unpacked(folder: &TempDir, version: u32) -> PathBuf {
    let packed = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/formats/{version}.redb.zst"));
    let path = folder.path().join(format!("{version}.redb"));
    std::fs::write(&path, zstd::decode_all(std::fs::File::open(packed).unwrap()).unwrap()).unwrap();
    path
}

/// Compares every way with the exact one, asking for rows of the collection.
fn check_answers(store: &Store, when: &str) {
    for (name, _, records) in COLLECTIONS {
        let collection = store.collection(name).unwrap();
        let view = collection.view().unwrap();
        assert!(view.counts().records >= records, "{name} {when}");
        let live = view.live();
        let asked = live.iter().step_by(29).map(|at| view.embedding(huedb::record::Ordinal(at)).unwrap());
        let query = Query::vectors(asked.collect()).include(Include::NONE).way(AccessPath::Rows).threads(2);
        let exact = collection.query(&query).unwrap();
        for way in [None, Some(AccessPath::Scan)] {
            let found = collection.query(&query.clone().way(way)).unwrap();
            assert_eq!(found.hits, exact.hits, "{name} {when} {way:?}");
            assert_eq!(found.warnings, Vec::<String>::new());
        }
        // A graph whose recall nobody measured is not chosen.
        assert!(exact.facts.recall.is_none() && exact.plan.costs.graph.is_infinite());
    }
}

fn open(path: &Path, access: Access) -> Store {
    Store::open_with(path, access, &Options::default()).unwrap()
}

#[test]
fn a_file_of_an_older_version_is_read_and_brought_up_to_date_by_a_write() {
    assert_eq!(OLDER.len() + 1, FORMAT_VERSION as usize);
    OLDER.into_iter().for_each(check_older);
}

fn check_older(version: u32) {
    let folder = TempDir::new().unwrap();
    let path = unpacked(&folder, version);
    let before = std::fs::read(&path).unwrap();
    let store = open(&path, Access::Read);
    assert_eq!(store.file_facts().unwrap().format, version);
    assert_eq!(store.check(None, Depth::Deep).unwrap(), []);
    check_answers(&store, "as it was");
    drop(store);
    assert_eq!(std::fs::read(&path).unwrap(), before, "reading changed the file");
    let store = open(&path, Access::Write);
    for (at, (name, dimension, _)) in COLLECTIONS.into_iter().enumerate() {
        let change = Change {
            id: RecordId::parse("new").unwrap(),
            embedding: Some((0..dimension).map(|at| (at % 5) as f32).collect()),
            embedded_here: false,
            document: None,
            uri: None,
            metadata: MetadataPatch::default(),
        };
        let collection = store.collection(name).unwrap();
        match at {
            0 => assert_eq!(collection.apply([change], Mode::Add).unwrap().len(), 1),
            1 => {
                let replaced = Change { id: RecordId::parse("r3").unwrap(), ..change };
                assert_eq!(collection.apply([replaced], Mode::Update).unwrap().len(), 1);
            }
            _ => assert_eq!(collection.delete(&[RecordId::parse("missing").unwrap()]).unwrap(), 0),
        }
        assert_eq!(store.check(None, Depth::Deep).unwrap(), [], "{name}");
        check_answers(&store, "written");
    }
    assert_eq!(store.file_facts().unwrap().format, FORMAT_VERSION);
    store.compact().unwrap();
    assert_eq!(store.check(None, Depth::Deep).unwrap(), []);
    check_answers(&store, "compacted");
}

#[test]
fn compacting_a_file_of_an_older_version_brings_all_of_it_up_to_date() {
    OLDER.into_iter().for_each(check_compacted);
}

fn check_compacted(version: u32) {
    let folder = TempDir::new().unwrap();
    let path = unpacked(&folder, version);
    let store = open(&path, Access::Write);
    store.compact().unwrap();
    assert_eq!(store.file_facts().unwrap().format, FORMAT_VERSION);
    assert_eq!(store.check(None, Depth::Deep).unwrap(), []);
    check_answers(&store, "compacted");
    store.drop_collection("of-l2").unwrap();
    assert_eq!(store.check(None, Depth::Deep).unwrap(), []);
}
