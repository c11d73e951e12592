//! Every kind of page damaged in every part, one byte at a time, under every kind of question.
//!
//! An answer is the one the whole file gives, or an error that says the file is damaged. A check names the damage, and
//! a repair gives back the whole file.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde_json::json;
use tempfile::TempDir;

use super::{AccessPath, Filter, Query, RecordQuery};
use crate::error::{Error, ErrorKind, Result};
use crate::index::{best_by_terms, build_clusters, build_graph, unwatched};
use crate::record::random::Random;
use crate::record::{CollectionName, DatabaseName, Hit, MetadataPatch, Ordinal, Record, RecordId, TenantName};
use crate::store::{
    Access, Change, DOCUMENT, Depth, Include, Mode, NewCollection, Options, PageOf, Repair, Store, pages_of,
    rows_per_segment,
};

/// Few rows fill a segment, so that the file is short.
const DIMENSION: usize = 8192;

fn id(row: usize) -> RecordId {
    RecordId::parse(format!("r{row}")).unwrap()
}

fn change(random: &mut Random, row: usize) -> Change {
    Change {
        id: id(row),
        embedding: Some(random.floats(DIMENSION)),
        embedded_here: false,
        document: Some(format!("text {row} about {}", ["foxes", "whales", "frogs"][row % 3]).repeat(1 + row % 40)),
        uri: None,
        metadata: MetadataPatch::from_json(
            json!({"row": row, "even": row.is_multiple_of(2), "name": format!("n{row}")}),
        )
        .unwrap(),
    }
}

/// A closed file with two segments, sketches, a tail, a graph, clusters, postings, terms, deleted and changed records.
struct World {
    folder: TempDir,
    path: PathBuf,
    question: Vec<f32>,
    /// A handle that is used for everything; without one each question opens the file.
    kept: Option<Store>,
}

impl World {
    fn store(&self) -> Result<Store> {
        self.kept.clone().map_or_else(|| Store::open_in_test(&self.path, Access::Read), Ok)
    }
}

fn world(random: &mut Random) -> World {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("test.redb");
    let store = Store::open_in_test(&path, Access::Create).unwrap();
    store.create_tenant(&TenantName::parse("acme").unwrap()).unwrap();
    store.create_database(&DatabaseName::parse("staging").unwrap()).unwrap();
    for name in ["first", "notes", "last"] {
        let new = NewCollection { bm25: name == "notes", ..NewCollection::default() };
        store.create_collection(CollectionName::parse(name).unwrap(), new).unwrap();
    }
    let rows = 2 * rows_per_segment(DIMENSION) + 20;
    let notes = store.collection("notes").unwrap();
    notes.add((0..rows).map(|row| change(random, row))).unwrap();
    notes.sketch().unwrap();
    build_graph(&notes, 1, &unwatched).unwrap();
    build_clusters(&notes, 1, &unwatched).unwrap();
    notes.delete([3, 50, rows - 5].map(id).iter()).unwrap();
    notes.apply([4, rows - 3].map(|row| change(random, row)), Mode::Update).unwrap();
    store.collection("first").unwrap().add([change(random, 1)]).unwrap();
    drop(notes);
    store.give_back_space().unwrap();
    store.close().unwrap();
    let mut world = World { folder, path, question: Vec::new(), kept: None };
    // Nearest records that every way finds, so that what stands in for a damaged one answers the same.
    loop {
        world.question = random.floats(DIMENSION);
        let by = |way| query(&world, Some(way), None).unwrap();
        let nearest = by(AccessPath::Rows);
        let ways = [AccessPath::Scan, AccessPath::Sketch, AccessPath::Clusters, AccessPath::Graph];
        if ways.into_iter().all(|way| by(way) == nearest) {
            return world;
        }
    }
}

/// All that is asked of the file.
#[derive(Debug, PartialEq)]
enum Told {
    Hits(Vec<Vec<Hit>>),
    Records(Vec<Record>),
    Count(u64),
    Ranked(Vec<(Ordinal, f64)>),
    Ids(Vec<Option<RecordId>>),
    Text(String),
}

type DamageQuestion = (&'static str, fn(&World) -> Result<Told>);

fn view(world: &World) -> Result<crate::store::View> {
    world.store()?.view("notes")
}

fn query(world: &World, way: Option<AccessPath>, filter: Option<&str>) -> Result<Told> {
    query_by(1, world, way, filter)
}

fn query_by(threads: usize, world: &World, way: Option<AccessPath>, filter: Option<&str>) -> Result<Told> {
    let filter = filter.map(|text| Filter::parse(text).unwrap());
    let query = Query::vector(world.question.clone()).filter(filter).way(way).threads(threads);
    let answer = view(world)?.query(&query)?;
    Ok(Told::Hits(answer.hits))
}

const ASKED: [DamageQuestion; 13] = [
    ("a query", |world| query(world, None, None)),
    ("a query by the codes", |world| query(world, Some(AccessPath::Scan), None)),
    ("a query by the signs", |world| query(world, Some(AccessPath::Sketch), None)),
    ("a query by the graph", |world| query(world, Some(AccessPath::Graph), None)),
    ("a query by the clusters", |world| query(world, Some(AccessPath::Clusters), None)),
    ("a query by the embeddings", |world| query(world, Some(AccessPath::Rows), None)),
    ("a filtered query", |world| query(world, None, Some("even = true and row > 30"))),
    ("a count", |world| {
        let filter = Some(Filter::parse("name = \"n70\" or row < 40").unwrap());
        let store = world.store()?;
        let found = store.collection("notes")?.find(&RecordQuery { filter, ..RecordQuery::default() }, Include::NONE);
        found.map(|page| Told::Count(page.len() as u64))
    }),
    ("all records", |world| {
        let view = view(world)?;
        let records =
            view.live().iter().map(|ordinal| view.record(Ordinal(ordinal), Include::ALL)).collect::<Result<_>>();
        records.map(Told::Records)
    }),
    ("words", |world| {
        best_by_terms(&view(world)?, DOCUMENT, &crate::bm25::bm25("foxes 17"), None, 20).map(Told::Ranked)
    }),
    ("records by id", |world| {
        let store = world.store()?;
        let notes = store.collection("notes")?;
        let found = (0..150).map(|row| Ok(notes.get(&[id(row)], Include::NONE)?.pop().map(|record| record.id)));
        found.collect::<Result<_>>().map(Told::Ids)
    }),
    ("the collections", |world| {
        let store = world.store()?;
        Ok(Told::Text(format!("{:?} {:?} {:?}", store.collections()?, store.tenants()?, store.databases()?)))
    }),
    ("the file", |world| Ok(Told::Text(format!("{:?}", world.store()?.file_facts()?)))),
];

fn flip(file: &File, at: u64) {
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 0x20], at).unwrap();
}

/// The front, the middle and the end of what a page holds, and some places between.
fn places(page: &PageOf, random: &mut Random) -> Vec<u64> {
    let mut places = vec![0, 2, 4, page.used / 2, page.used - 1];
    places.extend((0..2).map(|_| random.below(page.used)));
    places.retain(|at| *at < page.used);
    places.sort_unstable();
    places.dedup();
    places.into_iter().map(|at| page.place + at).collect()
}

/// redb's panics are errors to the command line; here too.
fn caught<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Error::damaged("a panic of redb")))
}

/// Flips bytes in up to so many pages of each table, one at a time, and calls `visit` with each and with the same
/// after it was put right.
fn for_each_flip(world: &World, random: &mut Random, most_pages: usize, mut visit: impl FnMut(&str, &PageOf, bool)) {
    let pages = pages_of(&world.path);
    let file = OpenOptions::new().read(true).write(true).open(&world.path).unwrap();
    let mut tables: Vec<&str> = pages.iter().map(|page| page.table.as_str()).collect();
    tables.dedup();
    for table in tables {
        let mut of_table: Vec<&PageOf> = pages.iter().filter(|page| page.table == table).collect();
        while of_table.len() > most_pages {
            of_table.remove(random.below(of_table.len() as u64) as usize);
        }
        for page in of_table {
            for at in places(page, random) {
                let what = format!("table {table}, page at {}, byte {}", page.offset, at - page.place);
                flip(&file, at);
                visit(&what, page, true);
                flip(&file, at);
                visit(&what, page, false);
            }
        }
    }
}

/// Asks everything; returns how often an answer was refused and how often it was what it is without damage.
fn ask_all(world: &World, whole: &[Told], what: &str) -> (usize, usize) {
    let (mut refused, mut passed_over) = (0, 0);
    for ((asked, ask), whole) in ASKED.iter().zip(whole) {
        match caught(|| ask(world)) {
            Ok(told) if told == *whole => passed_over += 1,
            Ok(told) => panic!("{asked} gives another answer: {what}: {told:?}"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Damaged, "{asked}: {what}: {error:?}");
                refused += 1;
            }
        }
    }
    (refused, passed_over)
}

#[test]
fn no_answer_is_wrong_in_silence() {
    let mut random = Random::new();
    let world = world(&mut random);
    let whole: Vec<Told> = ASKED.iter().map(|(_, ask)| ask(&world).unwrap()).collect();
    let (mut refused, mut passed_over) = (0, 0);
    for_each_flip(&world, &mut random, 3, |what, page, damaged| {
        if !damaged {
            return;
        }
        let told = ask_all(&world, &whole, what);
        refused += told.0;
        passed_over += told.1;
        let found = caught(|| Store::open_in_test(&world.path, Access::Read)?.check(None, Depth::Quick));
        let place = format!("page at byte {}", page.offset);
        let named = match &found {
            Ok(found) => found.iter().any(|finding| finding.place.ends_with(&place)),
            Err(error) => error.kind() == ErrorKind::Damaged,
        };
        assert!(named, "{what}: {found:?}");
    });
    assert!(refused > 100 && passed_over > 100, "{refused} refused, {passed_over} passed over");
    assert_eq!(Store::open_in_test(&world.path, Access::Read).unwrap().check(None, Depth::Deep).unwrap(), []);
}

#[test]
fn a_handle_that_met_damage_goes_on() {
    for access in [Access::Read, Access::Write] {
        let mut random = Random::new();
        let mut world = world(&mut random);
        let whole: Vec<Told> = ASKED.iter().map(|(_, ask)| ask(&world).unwrap()).collect();
        // Without a cache it reads what stands on the disk.
        let options = Options { cache_bytes: 0, warm_bytes: 0, ..Options::of_tests() };
        world.kept = Some(Store::open_with(&world.path, access, &options).unwrap());
        let (mut refused, mut passed_over) = (0, 0);
        for_each_flip(&world, &mut random, 1, |what, page, damaged| {
            let told = ask_all(&world, &whole, what);
            if damaged {
                let derived = ["segments", "sketch", "graph", "centres", "clusters"].contains(&page.table.as_str());
                assert!(!derived || told.0 == 0, "{what} is needed by {} questions, {access:?}", told.0);
                refused += told.0;
                passed_over += told.1;
            } else {
                assert_eq!(told.0, 0, "{what} was put right, {access:?}");
            }
        });
        assert!(refused > 20 && passed_over > 100, "{refused} refused, {passed_over} passed over");
    }
}

#[test]
fn what_is_derived_is_done_without() {
    let mut random = Random::new();
    let world = world(&mut random);
    let file = OpenOptions::new().read(true).write(true).open(&world.path).unwrap();
    let pages = pages_of(&world.path);
    for (table, way) in [
        ("segments", AccessPath::Scan),
        ("sketch", AccessPath::Sketch),
        ("graph", AccessPath::Graph),
        ("clusters", AccessPath::Clusters),
        ("centres", AccessPath::Scan),
    ] {
        let whole = query(&world, Some(way), None).unwrap();
        let page = pages.iter().rfind(|page| page.table == table).unwrap();
        flip(&file, page.place + page.used / 2);
        assert_eq!(query(&world, Some(way), None).unwrap(), whole, "{table}");
        flip(&file, page.place + page.used / 2);
    }
}

#[test]
fn a_damaged_embedding_is_the_cause_whoever_meets_it_first() {
    let mut random = Random::new();
    let world = world(&mut random);
    let file = OpenOptions::new().read(true).write(true).open(&world.path).unwrap();
    // The graph does not cover a row of the first page and one of the last; both are ranked before anything else is.
    let whole = query(&world, None, None).unwrap();
    for page in pages_of(&world.path).iter().filter(|page| page.table == "vectors") {
        flip(&file, page.place);
        for (threads, way) in [1, 2].into_iter().flat_map(|n| [AccessPath::Graph, AccessPath::Rows].map(|way| (n, way)))
        {
            match query_by(threads, &world, Some(way), None) {
                Ok(told) => assert_eq!(told, whole, "{way}, {threads} threads, {random:?}"),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Damaged, "{way}, {threads} threads: {error}"),
            }
        }
        flip(&file, page.place);
    }
}

fn repaired(source: &Path, folder: &TempDir) -> (Repair, World, PathBuf) {
    let target = folder.path().join("new.redb");
    let repair = Repair::begin(source, &target, &Options::of_tests()).unwrap();
    (repair, World { folder: TempDir::new().unwrap(), path: target.clone(), question: Vec::new(), kept: None }, target)
}

#[test]
fn a_repair_gives_back_what_one_flipped_bit_took() {
    if Options::of_tests().encrypt {
        // There it takes 16 bytes.
        return;
    }
    let mut random = Random::new();
    let mut world = world(&mut random);
    let pages = pages_of(&world.path);
    let all = ASKED[8].1;
    let whole = all(&world).unwrap();
    let file = OpenOptions::new().read(true).write(true).open(&world.path).unwrap();
    let mut tables: Vec<&str> = pages.iter().map(|page| page.table.as_str()).collect();
    tables.dedup();
    for table in tables {
        let page = pages.iter().rfind(|page| page.table == table).unwrap();
        // Embeddings of this length fill pages that are too long to be searched for the bit; see the next test.
        if page.used > 32 * 1024 && table == "vectors" {
            continue;
        }
        flip(&file, page.place + page.used - 1);
        let (repair, new, target) = repaired(&world.path, &world.folder);
        assert_eq!(repair.losses, [], "{table}");
        assert!(repair.damaged_pages == 1, "{table}");
        assert_eq!(repair.kept.iter().map(|kept| kept.had_graph).collect::<Vec<_>>(), [false, true, false]);
        repair.finish(&world.path, true, &Options::of_tests()).unwrap();
        assert_eq!(all(&new).unwrap(), whole, "{table}");
        let store = Store::open_in_test(&target, Access::Read).unwrap();
        assert_eq!(store.check(None, Depth::Deep).unwrap(), [], "{table}");
        flip(&file, page.place + page.used - 1);
    }
    world.question.clear();
}

#[test]
fn what_is_lost_is_named_and_the_rest_is_kept() {
    let mut random = Random::new();
    let world = world(&mut random);
    let pages = pages_of(&world.path);
    let whole = view(&world).unwrap().counts().records;
    let file = OpenOptions::new().read(true).write(true).open(&world.path).unwrap();
    // A whole page of records, and one of an embedding.
    let wipe = |table: &str, nth: usize| {
        let page = pages.iter().filter(|page| page.table == table && page.is_leaf).nth(nth).unwrap();
        file.write_all_at(&vec![0xa5; usize::try_from(page.used).unwrap()], page.place).unwrap();
    };
    wipe("records", 1);
    wipe("vectors", 60);
    let (repair, _, target) = repaired(&world.path, &world.folder);
    assert!(repair.losses.iter().all(|loss| loss.collection == "notes"), "{:?}", repair.losses);
    let ids: Vec<&str> = repair.losses.iter().filter_map(|loss| loss.id.as_deref()).collect();
    assert_eq!(ids.len(), repair.losses.len(), "every loss has its id: {:?}", repair.losses);
    let kept = repair.kept.iter().find(|kept| kept.name == "notes").unwrap().records;
    assert_eq!(kept + ids.len() as u64, whole);
    assert!(repair.losses.iter().any(|loss| loss.document.is_some()), "the text without an embedding is told");
    let lost: Vec<RecordId> = ids.iter().map(|id| RecordId::parse(*id).unwrap()).collect();
    repair.finish(&world.path, false, &Options::of_tests()).unwrap();
    let store = Store::open_in_test(&target, Access::Read).unwrap();
    assert_eq!(store.check(None, Depth::Deep).unwrap(), []);
    let notes = store.collection("notes").unwrap();
    assert_eq!(notes.get(&lost, Include::NONE).unwrap(), []);
    assert_eq!(notes.count().unwrap(), kept);
}

#[test]
fn a_file_that_ends_too_early_is_refused_or_whole() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("test.redb");
    let store = Store::open_in_test(&path, Access::Create).unwrap();
    store.create_collection(CollectionName::parse("notes").unwrap(), NewCollection::default()).unwrap();
    let notes = store.collection("notes").unwrap();
    let mut random = Random::new();
    let rows = (0..30).map(|row| Change { embedding: Some(random.floats(4)), ..change(&mut Random::new(), row) });
    notes.add(rows).unwrap();
    drop(notes);
    store.close().unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let mut world = World { path: path.clone(), folder, question: Vec::new(), kept: None };
    let all = ASKED[8].1;
    let whole = all(&world).unwrap();
    world.path = world.folder.path().join("cut.redb");
    for len in (0..bytes.len()).step_by(4096).chain([1, 9, 64, 319, 320, 4097, bytes.len() - 1]) {
        std::fs::write(&world.path, &bytes[..len]).unwrap();
        match caught(|| all(&world)) {
            Ok(told) => assert_eq!(told, whole, "{len}"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Damaged, "{len}: {error}"),
        }
        // Writing to it is refused as well, and changes nothing.
        let opened = caught(|| Store::open_in_test(&world.path, Access::Write).map(drop));
        assert!(opened.is_err_and(|e| e.kind() == ErrorKind::Damaged), "{len}");
        assert_eq!(std::fs::read(&world.path).unwrap().len(), len);
        // What there still is can be saved.
        let target = world.folder.path().join("saved.redb");
        match Repair::begin(&world.path, &target, &Options::of_tests()) {
            Ok(repair) => {
                repair.finish(&world.path, true, &Options::of_tests()).unwrap();
                let store = Store::open_in_test(&target, Access::Read).unwrap();
                assert_eq!(store.check(None, Depth::Deep).unwrap(), []);
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::Damaged, "{len}: {error}"),
        }
    }
}
