//! Packed documents under every question that asks for documents: the answers are those of the same ones unpacked.

use serde_json::json;
use tempfile::TempDir;

use super::{Filter, Query, RecordQuery};
use crate::index::best_by_terms;
use crate::record::random::Random;
use crate::record::{CollectionName, MetadataPatch, RecordId};
use crate::store::{Access, Change, DOCUMENT, Depth, Include, Mode, NewCollection, Store};

const ROWS: usize = 400;
/// So few at a time make no dictionary.
const FEW: usize = 50;
const WORDS: [&str; 12] =
    ["whales", "of", "the", "northern", "seas", "sing", "when", "currents", "carry", "them", "towards", "Greenland"];

fn change(random: &mut Random, row: usize) -> Change {
    let words = if row.is_multiple_of(5) { 3 } else { 120 };
    let document = (0..words).map(|_| *random.pick(&WORDS)).collect::<Vec<_>>().join(" ");
    Change {
        id: RecordId::parse(format!("r{row}")).unwrap(),
        embedding: Some(random.floats(8)),
        embedded_here: false,
        document: Some(format!("{document} n{}", random.below(9))),
        uri: Some(format!("file:///{row}")),
        metadata: MetadataPatch::from_json(json!({"row": row, "even": row.is_multiple_of(2)})).unwrap(),
    }
}

/// A file with the collection `packed`, and the same unpacked.
fn world(random: &mut Random) -> (TempDir, Store) {
    let folder = TempDir::new().unwrap();
    let store = Store::open_in_test(folder.path().join("test.redb"), Access::Create).unwrap();
    let changes: Vec<Change> = (0..ROWS).map(|row| change(random, row)).collect();
    let updates: Vec<Change> = (0..ROWS + 9).step_by(9).map(|row| change(random, row)).collect();
    for (name, at_once) in [("packed", ROWS), ("unpacked", FEW)] {
        let new = NewCollection { bm25: true, ..NewCollection::default() };
        store.create_collection(CollectionName::parse(name).unwrap(), new).unwrap();
        let collection = store.collection(name).unwrap();
        for some in changes.chunks(at_once) {
            collection.add(some.to_vec()).unwrap();
        }
        collection.apply(updates.clone(), Mode::Upsert).unwrap();
        let gone = ["#document contains \"n3\" and row < 200", "row > 390"];
        for filter in gone {
            let filter = Some(Filter::parse(filter).unwrap());
            assert!(collection.delete_where(&RecordQuery { filter, ..RecordQuery::default() }).unwrap() > 0);
        }
    }
    (folder, store)
}

#[test]
fn answers_are_those_of_the_documents_unpacked() {
    let mut random = Random::new();
    let (_folder, store) = world(&mut random);
    assert_eq!(store.check(None, Depth::Deep).unwrap(), []);
    let [packed, unpacked] = ["packed", "unpacked"].map(|name| store.collection(name).unwrap());
    let filters = [
        None,
        Some("#document contains \"n5\""),
        Some("#document contains \"Greenland\" and even = true"),
        Some("not #document contains \"sing when\""),
        Some("#document contains \"no such words\""),
        Some("row > 100 and row < 120"),
        Some("#uri = \"file:///7\""),
    ];
    let question = random.floats(8);
    for filter in filters.map(|filter| filter.map(|filter| Filter::parse(filter).unwrap())) {
        for include in [Include::ALL, Include::TEXT, Include::NONE, Include { documents: false, ..Include::TEXT }] {
            let query = RecordQuery { filter: filter.clone(), ..RecordQuery::default() };
            let found = [&packed, &unpacked]
                .map(|of| of.find(&query, include).unwrap().records().collect::<Result<Vec<_>, _>>().unwrap());
            assert_eq!(found[0], found[1], "{filter:?} {include:?}");
            let query = Query::vectors(vec![question.clone()]).include(include).filter(filter.clone());
            let found = [&packed, &unpacked].map(|of| of.query(&query).unwrap().hits);
            assert_eq!(found[0], found[1], "{filter:?} {include:?}");
        }
    }
    for words in ["whales n4", "Greenland", "n1 n2"] {
        let question = crate::bm25::bm25(words);
        let found =
            [&packed, &unpacked].map(|of| best_by_terms(&of.view().unwrap(), DOCUMENT, &question, None, 50).unwrap());
        assert_eq!(found[0], found[1], "{words}");
    }
}
