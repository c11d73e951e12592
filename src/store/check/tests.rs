//! Damage done through redb itself, which therefore notices nothing, and what `check` says of it.

use redb::{ReadableTable, TableDefinition};
use serde_json::json;
use tempfile::TempDir;

use super::{Depth, Finding};
use crate::bm25::Words;
use crate::error::Error;
use crate::record::EmbeddingPrecision;
use crate::record::random::Random;
use crate::record::{CollectionName, Metadata, MetadataPatch, Ordinal, RecordId, Space};
use crate::store::catalog::{self, CatalogEntry};
use crate::store::codec::set_to_bytes;
use crate::store::table::{self, CollectionNumber, PairKey};
use crate::store::vector::RowForm;
use crate::store::{
    Access, Change, GraphFile, Mode, NewCollection, Store, StoredRecord, posting, rows_per_segment, terms,
};
use xxhash_rust::xxh3::xxh3_64;

const DIMENSION: usize = 2048;
const NUMBER: CollectionNumber = CollectionNumber(1);

fn id(row: usize) -> RecordId {
    RecordId::parse(format!("r{row}")).unwrap()
}

fn change(random: &mut Random, row: usize) -> Change {
    Change {
        id: id(row),
        embedding: Some(random.floats(DIMENSION)),
        embedded_here: false,
        document: Some(format!("text {row}")),
        uri: None,
        metadata: MetadataPatch::from_json(json!({
            "row": row,
            "even": row.is_multiple_of(2),
            "tags": ["a", "b"],
            "terms": {"#type": "sparse_vector", "indices": [row % 7, 9], "values": [0.5, -1.0]},
        }))
        .unwrap(),
    }
}

/// A file whose second collection, `notes`, has two segments, sketches, a tail, a graph, updates and deletes.
fn sound(space: Space) -> (TempDir, Store) {
    let mut random = Random::new();
    let folder = TempDir::new().unwrap();
    let store = Store::open(folder.path().join("test.redb"), Access::Create).unwrap();
    for name in ["first", "notes", "last"] {
        store
            .create_collection(
                CollectionName::parse(name).unwrap(),
                NewCollection { space, bm25: true, ..Default::default() },
            )
            .unwrap();
    }
    let rows = 2 * rows_per_segment(DIMENSION) + 40;
    let notes = store.collection("notes").unwrap();
    notes.add((0..rows).map(|row| change(&mut random, row))).unwrap();
    notes.sketch().unwrap();
    notes.delete((0..40).chain(rows - 5..rows).map(id).collect::<Vec<_>>().iter()).unwrap();
    let chunks: Vec<Vec<u8>> = [b"one", b"two"].map(|body| [&xxh3_64(body).to_le_bytes(), &body[..]].concat()).to_vec();
    let view = notes.view().unwrap();
    let graph = GraphFile { epoch: view.next_epoch(), covers_until: view.end(), rows: 1, recall: 1.0, chunks: &chunks };
    notes.put_graph(&view, &graph).unwrap().unwrap();
    drop(view);
    let replaced = Change { embedding: Some(random.floats(DIMENSION)), ..change(&mut random, 100) };
    let merged = Change { metadata: MetadataPatch::from_json(json!({"even": null, "row": "x"})).unwrap(), ..replaced };
    notes.apply([merged, change(&mut random, rows - 10), change(&mut random, rows + 1)], Mode::Upsert).unwrap();
    (folder, store)
}

/// Changes one value of a table of pairs.
fn damage(store: &Store, pairs: TableDefinition<&PairKey, &[u8]>, n: u64, change: impl Fn(&mut Vec<u8>)) {
    let edit = |tx: &redb::WriteTransaction| {
        let mut table = tx.open_table(pairs)?;
        let mut bytes = table.get(&NUMBER.pair(n))?.unwrap().value().to_vec();
        change(&mut bytes);
        table.insert(&NUMBER.pair(n), bytes.as_slice())?;
        Ok(())
    };
    store.write(edit).unwrap();
}

fn flip(store: &Store, pairs: TableDefinition<&PairKey, &[u8]>, n: u64, at: usize) {
    damage(store, pairs, n, |bytes| bytes[at] ^= 1);
}

fn change_entry(store: &Store, change: impl Fn(&mut CatalogEntry)) {
    let edit = |tx: &redb::WriteTransaction| {
        let mut entries = tx.open_table(table::COLLECTION)?;
        let mut entry = catalog::entry(&entries, NUMBER, "notes")?;
        change(&mut entry);
        catalog::put(&mut entries, NUMBER, &entry)
    };
    store.write(edit).unwrap();
}

fn remove(store: &Store, pairs: TableDefinition<&PairKey, &[u8]>, n: u64) {
    store.write(|tx| Ok(tx.open_table(pairs)?.remove(&NUMBER.pair(n))?.map(drop))).unwrap().unwrap();
}

/// Checks that damage is found at exactly these places, and whether it is of derived data.
#[track_caller]
fn finds(depth: Depth, derived: bool, places: &[&str], damage: impl Fn(&Store)) {
    let (_folder, store) = sound(Space::Cosine);
    damage(&store);
    if depth == Depth::Deep {
        assert_eq!(store.check(None, Depth::Quick).unwrap(), [], "the quick check is not quick");
    }
    let findings = store.check(None, depth).unwrap();
    let found: Vec<&str> = findings.iter().map(|finding| finding.place.as_str()).collect();
    assert_eq!(found, places, "{findings:#?}");
    assert!(findings.iter().all(|finding| finding.derived == derived), "{findings:#?}");
}

#[test]
fn a_file_with_everything_in_it_is_sound() {
    for space in Space::ALL {
        let (_folder, store) = sound(space);
        for depth in [Depth::Quick, Depth::Deep] {
            assert_eq!(store.check(None, depth).unwrap(), [], "{space}");
            assert_eq!(store.check(Some("notes"), depth).unwrap(), [], "{space}");
        }
        store.compact().unwrap();
        assert_eq!(store.check(None, Depth::Deep).unwrap(), [], "{space}");
        store.drop_collection("notes").unwrap();
        assert_eq!(store.check(None, Depth::Deep).unwrap(), [], "{space}");
    }
}

#[test]
fn what_is_asked_for_must_be_there() {
    let (folder, store) = sound(Space::L2);
    assert!(matches!(store.check(Some("nobody"), Depth::Quick), Err(Error::CollectionNotFound { .. })));
    let reader = Store::open(folder.path().join("test.redb"), Access::Read).unwrap();
    assert_eq!(reader.check(None, Depth::Deep).unwrap(), []);
}

#[test]
fn damage_to_another_collection_is_left_out() {
    let (_folder, store) = sound(Space::Cosine);
    flip(&store, table::SEGMENTS, 0, 100);
    assert_eq!(store.check(Some("first"), Depth::Quick).unwrap(), []);
    assert_eq!(store.check(Some("notes"), Depth::Quick).unwrap().len(), 1);
}

#[test]
fn a_segment() {
    finds(Depth::Quick, true, &["notes: segment of row 0"], |store| flip(store, table::SEGMENTS, 0, 5000));
    finds(Depth::Quick, true, &["notes: segment of row 0"], |store| {
        damage(store, table::SEGMENTS, 0, |b| b.truncate(9));
    });
    let gone = ["notes: sketches", "notes: counters", "notes: quantised rows"];
    finds(Depth::Quick, true, &gone, |store| remove(store, table::SEGMENTS, 0));
}

#[test]
fn a_segment_whose_checksum_was_made_to_fit() {
    let refit = |bytes: &mut Vec<u8>| {
        *bytes.last_mut().unwrap() ^= 1;
        let checksum = xxh3_64(&bytes[8..]);
        bytes[..8].copy_from_slice(&checksum.to_le_bytes());
    };
    finds(Depth::Deep, true, &["notes: segment of row 0"], |store| {
        damage(store, table::SEGMENTS, 0, refit);
        store.write(sketch_anew).unwrap();
    });
    finds(Depth::Deep, true, &["notes: sketch of row 0"], |store| damage(store, table::SKETCH, 0, refit));
}

fn sketch_anew(tx: &redb::WriteTransaction) -> crate::error::Result<()> {
    let mut entry = catalog::entry(&tx.open_table(table::COLLECTION)?, NUMBER, "notes")?;
    entry.sealed.sketched = false;
    crate::store::quantised_rows::QuantisedRows::open(tx, NUMBER, Space::Cosine)?.sketch_all(&mut entry.sealed)?;
    catalog::put(&mut tx.open_table(table::COLLECTION)?, NUMBER, &entry)
}

#[test]
fn a_sketch_or_a_centre() {
    finds(Depth::Quick, true, &["notes: sketch of row 0"], |store| flip(store, table::SKETCH, 0, 5000));
    finds(Depth::Quick, true, &["notes: sketch of row 0"], |store| remove(store, table::SKETCH, 0));
    finds(Depth::Quick, true, &["notes: centres"], |store| flip(store, table::CENTRES, 0, 20));
    finds(Depth::Quick, true, &["notes: centres"], |store| remove(store, table::CENTRES, 0));
}

#[test]
fn a_graph_chunk() {
    finds(Depth::Quick, true, &["notes: graph chunk 1"], |store| flip(store, table::GRAPH, 1, 9));
    finds(Depth::Quick, true, &["notes: graph"], |store| remove(store, table::GRAPH, 1));
    finds(Depth::Quick, true, &["notes: graph chunk 1", "notes: graph"], |store| remove(store, table::GRAPH, 0));
}

#[test]
fn a_record_or_an_embedding() {
    finds(Depth::Deep, false, &["notes: record of row 70"], |store| damage(store, table::RECORDS, 70, Vec::clear));
    let gone = ["file: records"];
    finds(Depth::Quick, false, &gone, |store| remove(store, table::RECORDS, 70));
    let per_block = RowForm { dimension: DIMENSION, precision: EmbeddingPrecision::F32 }.rows_per_block();
    let (block, at) = (70 / per_block, usize::try_from(70 % per_block).unwrap() * 4 * DIMENSION);
    finds(Depth::Deep, false, &["notes: embedding of row 70"], |store| {
        damage(store, table::VECTORS, block, |bytes| bytes[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes()));
    });
    let rows = block * per_block..(block + 1) * per_block;
    let places: Vec<String> = rows.map(|row| format!("notes: embedding of row {row}")).collect();
    let places: Vec<&str> = places.iter().map(String::as_str).collect();
    finds(Depth::Deep, false, &places, |store| remove(store, table::VECTORS, block));
    // Which of the two is right cannot be known.
    finds(Depth::Deep, true, &["notes: segment of row 0"], |store| flip(store, table::VECTORS, block, at + 3));
}

#[test]
fn an_id() {
    let put = |store: &Store, id: &str, row: u64| {
        let key = NUMBER.id_key(id);
        store.write(|tx| Ok(tx.open_table(table::IDS)?.insert(key.as_slice(), &row.to_le_bytes())?.map(drop))).unwrap();
    };
    let swapped = ["notes: record of row 70", "notes: record of row 71"];
    finds(Depth::Deep, true, &swapped, |store| {
        put(store, "r70", 71);
        put(store, "r71", 70);
    });
    finds(Depth::Deep, true, &["notes: record of row 70", "notes: id \"r71\""], |store| put(store, "r70", 71));
    finds(Depth::Quick, true, &["file: ids"], |store| put(store, "stranger", 71));
}

#[test]
fn the_index_of_metadata_in_both_directions() {
    let metadata = |row: i64| Metadata::from_json(json!({ "row": row })).unwrap();
    let edit = |store: &Store, add: bool| {
        let mut changes = posting::PostingChanges::new(NUMBER);
        if add {
            changes.add(Ordinal(70), &metadata(71));
        } else {
            changes.remove(Ordinal(70), &metadata(70));
        }
        store.write(|tx| changes.write(&mut tx.open_table(table::POSTINGS)?)).unwrap();
    };
    finds(Depth::Deep, true, &["notes: metadata index of \"row\""], |store| edit(store, true));
    finds(Depth::Deep, true, &["notes: record of row 70"], |store| edit(store, false));
    let both = ["notes: record of row 70", "notes: metadata index of \"row\""];
    finds(Depth::Deep, true, &both, |store| {
        edit(store, true);
        edit(store, false);
    });
}

#[test]
fn the_inverted_index_in_both_directions() {
    let stored = |document: Option<&str>, metadata: serde_json::Value| StoredRecord {
        id: id(70),
        document: document.map(str::to_owned),
        uri: None,
        metadata: Metadata::from_json(metadata).unwrap(),
        embedded_here: false,
    };
    let edit = |store: &Store, record: &StoredRecord, add: bool| {
        let mut changes = terms::TermChanges::new(NUMBER, Some(Words::default()));
        if add {
            changes.add(Ordinal(70), record);
        } else {
            changes.remove(Ordinal(70), record);
        }
        store.write(|tx| changes.write(&mut tx.open_table(table::TERMS)?)).unwrap();
    };
    let words = ["notes: index of words"];
    // A word less, a word more, and one with another weight.
    finds(Depth::Deep, true, &words, |store| edit(store, &stored(Some("text"), json!({})), false));
    finds(Depth::Deep, true, &words, |store| edit(store, &stored(Some("stranger"), json!({})), true));
    finds(Depth::Deep, true, &words, |store| edit(store, &stored(Some("text text"), json!({})), true));
    let vectors = ["notes: index of sparse vectors \"terms\""];
    let held = |term: u32| json!({"terms": {"#type": "sparse_vector", "indices": [term], "values": [-1.0]}});
    finds(Depth::Deep, true, &vectors, |store| edit(store, &stored(None, held(9)), false));
    finds(Depth::Deep, true, &vectors, |store| edit(store, &stored(None, held(99)), true));
    let other = json!({"other": {"#type": "sparse_vector", "indices": [9], "values": [1.0]}});
    let place = ["notes: index of sparse vectors \"other\""];
    finds(Depth::Deep, true, &place, |store| edit(store, &stored(None, other.clone()), true));
    finds(Depth::Deep, true, &[words[0], words[0]], |store| {
        let cut = |tx: &redb::WriteTransaction| {
            let mut blocks = tx.open_table(table::TERMS)?;
            let (key, bytes) = blocks
                .range(NUMBER.key().as_slice()..)?
                .next()
                .unwrap()
                .map(|(key, bytes)| (key.value().to_vec(), bytes.value().to_vec()))?;
            blocks.insert(key.as_slice(), &bytes[..bytes.len() - 1])?;
            Ok(())
        };
        store.write(cut).unwrap();
    });
    let (_folder, store) = sound(Space::Cosine);
    store.write(|tx| Ok(tx.delete_table(table::TERMS)?)).unwrap();
    assert!(store.check(None, Depth::Deep).unwrap().len() > 20, "all of it is gone");
}

#[test]
fn a_counter_or_a_set() {
    let counters = ["notes: counters"];
    finds(Depth::Quick, true, &counters, |store| change_entry(store, |entry| entry.sealed.sealed_rows += 1));
    finds(Depth::Quick, true, &counters, |store| change_entry(store, |entry| entry.sealed.tail_rows += 1));
    let (_folder, store) = sound(Space::Cosine);
    change_entry(&store, |entry| entry.records += 1);
    let places: Vec<String> = store.check(None, Depth::Quick).unwrap().into_iter().map(|f: Finding| f.place).collect();
    assert_eq!(places, ["file: ids", "file: records", "notes: counters"]);

    let put = |store: &Store, sets: TableDefinition<&'static [u8; 4], &'static [u8]>, set: &[u8]| {
        store.write(|tx| Ok(tx.open_table(sets)?.insert(&NUMBER.key(), set)?.map(drop))).unwrap();
    };
    finds(Depth::Quick, true, &["notes: deleted rows"], |store| put(store, table::DEAD, b"no set"));
    finds(Depth::Quick, true, &["notes: changed rows"], |store| put(store, table::STALE, b"no set"));
    let beyond = set_to_bytes(&[1_000_000].into_iter().collect());
    finds(Depth::Quick, true, &["notes: graph"], |store| put(store, table::STALE, &beyond));
    let one_less = set_to_bytes(&(0..39).collect());
    let places = ["notes: counters", "notes: counters"];
    finds(Depth::Quick, true, &places, |store| put(store, table::DEAD, &one_less));
}

#[test]
fn the_catalogue() {
    finds(Depth::Quick, false, &["notes: settings"], |store| {
        let cut = |tx: &redb::WriteTransaction| {
            Ok(tx.open_table(table::COLLECTION)?.insert(&NUMBER.key(), b"{}".as_slice())?.map(drop))
        };
        store.write(cut).unwrap();
    });
    let (_folder, store) = sound(Space::Cosine);
    let key = ("default_tenant", "default_database", "notes");
    store.write(|tx| Ok(tx.open_table(table::COLLECTIONS)?.remove(key)?.map(drop))).unwrap();
    let findings = store.check(None, Depth::Quick).unwrap();
    assert!(findings.iter().any(|finding| finding.place == "collection number 1"), "{findings:#?}");
    assert!(findings.iter().any(|finding| finding.place == "table segments"), "{findings:#?}");
}
