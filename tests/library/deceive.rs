//! The default answer is the exact answer, whatever the data: every way but the graph against the embeddings as given.

use huedb::index::{build_graph, unwatched};
use huedb::query::{AccessPath, Answer, Filter, Query};
use huedb::record::{CollectionName, MetadataPatch, RecordId, Space};
use huedb::store::{Access, Change, Collection, Include, Mode, NewCollection, Store};
use serde_json::json;
use tempfile::TempDir;

use crate::deceiving::{KINDS, Kind};
use crate::open::open;
use crate::random::Random;

/// Rows by dimension: with segments and without, and few.
const SIZES: [(usize, usize); 7] = [(3, 30), (8, 40), (64, 30), (3, 3000), (64, 2000), (384, 3000), (1536, 800)];

struct World {
    folder: TempDir,
    store: Store,
    space: Space,
    dimension: usize,
    kind: Kind,
    rows: usize,
}

fn id(row: usize) -> RecordId {
    RecordId::parse(format!("r{row}")).unwrap()
}

impl World {
    fn new(random: &mut Random, kind: Kind, space: Space, (dimension, rows): (usize, usize)) -> Self {
        let folder = TempDir::new().unwrap();
        let store = open(folder.path().join("d.redb"), Access::Create).unwrap();
        let new = NewCollection { space, ..NewCollection::default() };
        store.create_collection(CollectionName::parse("vectors").unwrap(), new).unwrap();
        let world = Self { folder, store, space, dimension, kind, rows };
        let changes: Vec<Change> = (0..rows).map(|row| world.change(random, row)).collect();
        world.collection().apply(changes, Mode::Add).unwrap();
        world
    }

    fn change(&self, random: &mut Random, row: usize) -> Change {
        Change {
            id: id(row),
            embedding: Some(self.kind.1(random, row, self.dimension)),
            embedded_here: false,
            document: None,
            uri: None,
            metadata: MetadataPatch::from_json(json!({ "half": row.is_multiple_of(2) })).unwrap(),
        }
    }

    fn collection(&self) -> Collection {
        self.store.collection("vectors").unwrap()
    }

    fn ask(&self, questions: &[Vec<f32>], n: usize, filter: Option<&str>, way: Option<AccessPath>) -> Answer {
        let filter = filter.map(|text| Filter::parse(text).unwrap());
        let query = Query::vectors(questions.to_vec()).top(n).filter(filter).include(Include::NONE);
        let query = query.exact(way == Some(AccessPath::Rows)).way(way).threads(2);
        self.collection().query(&query).unwrap()
    }

    /// Questions that are rows, and questions that are not.
    fn questions(&self, random: &mut Random) -> Vec<Vec<f32>> {
        let view = self.collection().view().unwrap();
        let live: Vec<u64> = view.live().iter().collect();
        let own = (0..5).map(|_| {
            let at = live[random.below(live.len())];
            view.embedding(huedb::record::Ordinal(at)).unwrap()
        });
        let mut questions: Vec<Vec<f32>> = own.collect();
        questions.extend((0..3).map(|_| {
            let row = random.below(self.rows);
            self.kind.1(random, row, self.dimension)
        }));
        questions.push(random.vector(self.dimension));
        questions
    }

    /// Compares all ways with the exact one; returns hits that signs missed, and all of theirs.
    fn check(&self, random: &mut Random, when: &str) -> (usize, usize) {
        let questions = self.questions(random);
        let sketched = self.collection().view().unwrap().is_sketched();
        let mut of_signs = (0, 0);
        for (n, filter) in [(1, None), (10, None), (10, Some("half = true")), (200, None)] {
            let exact = self.ask(&questions, n, filter, Some(AccessPath::Rows));
            for way in [None, Some(AccessPath::Scan), Some(AccessPath::Sketch)] {
                if way == Some(AccessPath::Sketch) && !sketched {
                    continue;
                }
                let what = || {
                    let Self { space, dimension, kind, rows, .. } = self;
                    format!("{}, {space}, {rows} x {dimension}, {when}, n {n}, {filter:?}, {way:?}, {random:?}", kind.0)
                };
                let together = self.ask(&questions, n, filter, way).hits;
                let one_by_one = questions.iter().flat_map(|q| self.ask(std::slice::from_ref(q), n, filter, way).hits);
                for found in [together, one_by_one.collect()] {
                    for (at, (found, exact)) in found.iter().zip(&exact.hits).enumerate() {
                        if way == Some(AccessPath::Sketch) {
                            let missed = exact.iter().filter(|hit| !found.contains(hit)).count();
                            of_signs = (of_signs.0 + missed, of_signs.1 + exact.len());
                            assert_eq!(found.len(), exact.len(), "question {at}: {}", what());
                        } else {
                            if found != exact {
                                let q = std::slice::from_ref(&questions[at]);
                                let again = self.ask(q, n, filter, way);
                                let cold = huedb::store::Options { warm_bytes: 0, ..crate::open::options() };
                                let cold = Store::open_with(self.store.path(), Access::Read, &cold).unwrap();
                                let cold = cold.collection("vectors").unwrap();
                                let mut query =
                                    Query::vectors(q.to_vec()).top(n).include(Include::NONE).way(way).threads(2);
                                query.filter = filter.map(|t| Filter::parse(t).unwrap());
                                let cold = cold.query(&query).unwrap();
                                let show = |hits: &[huedb::record::Hit]| {
                                    hits.iter().map(|h| format!("{} {:e}", h.record.id, h.distance)).collect::<Vec<_>>()
                                };
                                eprintln!(
                                    "DEBUG question {at} {}\n found {:?}\n again {:?} ranked {}\n cold {:?} ranked {}\n exact {:?}",
                                    what(),
                                    show(found),
                                    show(&again.hits[0]),
                                    again.ranked,
                                    show(&cold.hits[0]),
                                    cold.ranked,
                                    show(exact)
                                );
                                eprintln!(
                                    "DEBUG check {:?}",
                                    self.store.check(None, huedb::store::Depth::Deep).unwrap()
                                );
                            }
                            assert_eq!(found, exact, "question {at}: {}", what());
                        }
                    }
                }
            }
        }
        of_signs
    }
}

fn every_world(sizes: &[(usize, usize)], space: Space) {
    let mut random = Random::new();
    let (mut missed, mut all) = (0, 0);
    for (kind, size) in KINDS.iter().flat_map(|kind| sizes.iter().map(move |size| (*kind, *size))) {
        let world = World::new(&mut random, kind, space, size);
        if size.0 >= 192 {
            world.collection().sketch().unwrap();
        }
        let mut count = |(of_signs, of_all): (usize, usize)| (missed, all) = (missed + of_signs, all + of_all);
        count(world.check(&mut random, "as imported"));
        world.collection().settle().unwrap();
        count(world.check(&mut random, "settled"));
        let doomed: Vec<RecordId> = (0..size.1).filter(|row| row % 5 == 1 || row % 3 == 2).map(id).collect();
        world.collection().delete(&doomed).unwrap();
        let changed: Vec<Change> = (0..size.1).step_by(15).map(|row| world.change(&mut random, row + 3)).collect();
        world.collection().apply(changed, Mode::Upsert).unwrap();
        count(world.check(&mut random, "after deletes and updates"));
    }
    // One row in 4,000 may lie past its bound, and is missed only at the edge of an answer.
    assert!(missed * 2000 <= all, "signs missed {missed} of {all} hits, {random:?}");
}

#[test]
fn cosine_answers_are_exact_on_data_made_to_deceive() {
    every_world(&SIZES, Space::Cosine);
}

#[test]
fn l2_answers_are_exact_on_data_made_to_deceive() {
    every_world(&SIZES, Space::L2);
}

#[test]
fn ip_answers_are_exact_on_data_made_to_deceive() {
    every_world(&SIZES, Space::Ip);
}

#[test]
fn answers_stay_exact_with_a_graph_and_after_compacting() {
    let mut random = Random::new();
    for (kind, space) in KINDS.iter().zip(Space::ALL.iter().cycle()) {
        let world = World::new(&mut random, *kind, *space, (64, 1500));
        build_graph(&world.collection(), 2, &unwatched).unwrap();
        world.check(&mut random, "with a graph");
        world.store.compact().unwrap();
        world.check(&mut random, "compacted");
        assert_eq!(world.store.check(None, huedb::store::Depth::Deep).unwrap(), []);
        drop(world.folder);
    }
}

#[test]
fn a_graph_is_chosen_by_the_recall_that_was_measured() {
    let mut random = Random::new();
    for kind in KINDS {
        let world = World::new(&mut random, kind, Space::L2, (64, 2000));
        let built = build_graph(&world.collection(), 2, &unwatched).unwrap().unwrap();
        let recall = built.graph.recall.unwrap();
        let costs = world.ask(&[random.vector(64)], 10, None, None).plan.costs;
        assert_eq!(costs.graph.is_finite(), recall >= 0.99, "{}: {recall}, {costs:?}, {random:?}", kind.0);
        match kind.0 {
            "one-hot" | "all equal" => assert!(recall >= 0.99, "{}: {recall}, {random:?}", kind.0),
            "large offset" | "near-duplicates" => assert!(recall < 0.5, "{}: {recall}, {random:?}", kind.0),
            _ => {}
        }
    }
}
