//! Queries against an exact scan written here: every way finds what it must, under every filter.

use huedb::index::{build_clusters, build_graph, unwatched};
use huedb::query::{AccessPath, Filter, Query};
use huedb::record::{CollectionName, MetadataPatch, RecordId, Space};
use huedb::store::{Access, Change, Collection, Depth, Include, NewCollection, Store};
use serde_json::json;
use tempfile::TempDir;

use crate::open::{encrypted, open};
use crate::random::Random;

struct World {
    _folder: TempDir,
    store: Store,
    rows: Vec<(String, Vec<f32>, serde_json::Value)>,
}

/// Clustered vectors, as embeddings are, with some records deleted and some replaced.
fn world(space: Space, rows: usize, dimension: usize, random: &mut Random) -> World {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path().join("q.redb"), Access::Create).unwrap();
    let new = NewCollection { space, ..NewCollection::default() };
    store.create_collection(CollectionName::parse("vectors").unwrap(), new).unwrap();
    let centres: Vec<Vec<f32>> = (0..40).map(|_| random.vector(dimension)).collect();
    let vector = |random: &mut Random| {
        let (centre, noise) = (random.below(40), random.vector(dimension));
        centres[centre].iter().zip(noise).map(|(c, n)| c + 0.4 * n).collect::<Vec<f32>>()
    };
    let mut all: Vec<_> = (0..rows)
        .map(|i| (format!("r{i}"), vector(random), json!({"n": i, "half": i % 2 == 0, "cent": i % 100})))
        .collect();
    let collection = store.collection("vectors").unwrap();
    let change = |(id, vector, metadata): &(String, Vec<f32>, serde_json::Value)| Change {
        id: RecordId::parse(id.as_str()).unwrap(),
        embedding: Some(vector.clone()),
        embedded_here: false,
        document: Some(format!("document of {id}")),
        uri: None,
        metadata: MetadataPatch::from_json(metadata.clone()).unwrap(),
    };
    for batch in all.chunks(1000) {
        collection.add(batch.iter().map(change)).unwrap();
    }
    let doomed: Vec<RecordId> = (0..rows / 10).map(|i| RecordId::parse(format!("r{}", i * 7)).unwrap()).collect();
    collection.delete(&doomed).unwrap();
    all.retain(|(id, ..)| doomed.iter().all(|doomed| doomed.as_str() != id));
    for row in all.iter_mut().step_by(50) {
        row.1 = vector(random);
        collection.apply([change(row)], huedb::store::Mode::Update).unwrap();
    }
    World { _folder: folder, store, rows: all }
}

fn ask(questions: Vec<Vec<f32>>, filter: Option<&str>) -> Query {
    let filter = filter.map(|text| Filter::parse(text).unwrap());
    Query::vectors(questions).filter(filter).include(Include::NONE).threads(2)
}

impl World {
    fn collection(&self) -> Collection {
        self.store.collection("vectors").unwrap()
    }

    /// The ten nearest by the definition.
    fn truth(&self, space: Space, question: &[f32], keep: impl Fn(&serde_json::Value) -> bool) -> Vec<String> {
        let kept = self.rows.iter().filter(|(_, _, metadata)| keep(metadata));
        let mut ranked: Vec<_> = kept.map(|(id, vector, _)| (space.distance(question, vector), id.clone())).collect();
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
        ranked.into_iter().take(10).map(|(_, id)| id).collect()
    }
}

/// The share of the true nearest that was found.
fn recall(found: &[Vec<huedb::record::Hit>], truth: &[Vec<String>]) -> f64 {
    let hits = found.iter().zip(truth).map(|(found, truth)| {
        assert_eq!(found.len(), truth.len(), "a result came out shorter than it is");
        found.iter().filter(|hit| truth.iter().any(|id| id == hit.record.id.as_str())).count()
    });
    hits.sum::<usize>() as f64 / truth.iter().map(Vec::len).sum::<usize>() as f64
}

#[test]
fn every_space_and_filter_finds_the_true_nearest() {
    let mut random = Random::new();
    for space in Space::ALL {
        let world = world(space, 6000, 48, &mut random);
        let questions: Vec<Vec<f32>> = (0..60).map(|_| random.vector(48)).collect();
        type Keep = fn(&serde_json::Value) -> bool;
        let filters: [(Option<&str>, Keep, AccessPath); 5] = [
            (None, |_| true, AccessPath::Scan),
            (Some("half = true"), |m| m["half"] == true, AccessPath::Scan),
            (Some("cent = 3"), |m| m["cent"] == 3, AccessPath::Rows),
            (Some("n >= 100 and n < 104"), |m| (100..104).contains(&m["n"].as_i64().unwrap()), AccessPath::Rows),
            (Some("n != 5 and not (n > 9)"), |m| m["n"].as_i64().unwrap() <= 9 && m["n"] != 5, AccessPath::Rows),
        ];
        for (filter, keep, way) in filters {
            let answer = world.ask_by(way, &questions, filter);
            let truth: Vec<_> = questions.iter().map(|question| world.truth(space, question, keep)).collect();
            let recall = recall(&answer.hits, &truth);
            assert!(recall == 1.0, "{space} {filter:?} {way}: recall {recall}");
        }
        let exact = ask(questions.clone(), None).exact(true);
        let answer = world.collection().query(&exact).unwrap();
        let truth: Vec<_> = questions.iter().map(|question| world.truth(space, question, |_| true)).collect();
        assert!((recall(&answer.hits, &truth) - 1.0).abs() < f64::EPSILON);
    }
}

#[test]
fn every_dimension_finds_the_true_nearest_in_every_space() {
    let mut random = Random::new();
    // Enough rows to seal a segment from 192 components on; below, the tail is scanned.
    for (dimension, rows) in [(1, 300), (2, 300), (3, 300), (9, 500), (100, 600), (768, 1600), (1536, 800), (4096, 600)]
    {
        for space in Space::ALL {
            let world = world(space, rows, dimension, &mut random);
            let questions = world.questions(20, &mut random);
            let answer = world.collection().query(&ask(questions.clone(), None)).unwrap();
            let nearest = |question: &Vec<f32>| {
                let mut all: Vec<f64> = world.rows.iter().map(|(_, row, _)| space.distance(question, row)).collect();
                all.sort_by(f64::total_cmp);
                all.truncate(10);
                all
            };
            // Distances, since in one dimension many records are equally near.
            for (hits, truth) in answer.hits.iter().zip(questions.iter().map(nearest)) {
                for (hit, truth) in hits.iter().zip(&truth) {
                    let off = (f64::from(hit.distance) - truth).abs();
                    assert!(off <= 1e-5 * truth.abs().max(1.0), "{space}, dimension {dimension}: {off}");
                }
                assert_eq!(hits.len(), truth.len());
            }
        }
    }
}

#[test]
fn pages_and_limits_cut_one_ranking() {
    let mut random = Random::new();
    let world = world(Space::Cosine, 700, 8, &mut random);
    let question = vec![random.vector(8)];
    let all = world.collection().query(&ask(question.clone(), None).top(10_000)).unwrap().hits.remove(0);
    assert_eq!(all.len(), world.rows.len());
    assert!(all.windows(2).all(|pair| pair[0].distance <= pair[1].distance));
    let page = ask(question.clone(), None).top(7).offset(20);
    assert_eq!(world.collection().query(&page).unwrap().hits[0], all[20..27]);
    let near = ask(question.clone(), None).top(10_000).max_distance(all[33].distance);
    assert_eq!(world.collection().query(&near).unwrap().hits[0], all[..34]);
    let past = ask(question, None).offset(10_000);
    assert!(world.collection().query(&past).unwrap().hits[0].is_empty());
}

#[test]
fn equal_distances_come_in_order_of_insertion() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path().join("t.redb"), Access::Create).unwrap();
    store.create_collection(CollectionName::parse("ties").unwrap(), NewCollection::default()).unwrap();
    let ties = store.collection("ties").unwrap();
    let change = |i: usize| Change {
        id: RecordId::parse(format!("{}", 9000 - i)).unwrap(),
        embedding: Some(vec![1.0, 0.0, 0.0]),
        embedded_here: false,
        document: None,
        uri: None,
        metadata: MetadataPatch::default(),
    };
    ties.add((0..5000).map(change)).unwrap();
    for exact in [false, true] {
        let answer = ties.query(&ask(vec![vec![0.5, 0.5, 0.0]], None).exact(exact)).unwrap();
        let ids: Vec<_> = answer.hits[0].iter().map(|hit| hit.record.id.to_string()).collect();
        assert_eq!(ids, (0..10).map(|i| (9000 - i).to_string()).collect::<Vec<_>>(), "exact {exact}");
    }
}

#[test]
fn filters_from_postings_keep_what_the_definition_keeps() {
    let mut random = Random::new();
    let world = world(Space::L2, 600, 2, &mut random);
    let collection = world.collection();
    for text in [
        "n = 17",
        "n != 17",
        "n in (1, 2, 3.0, 9000)",
        "n not in (1, 2)",
        "half = true or cent < 5",
        "missing != 1",
        "missing = 1",
        "n > 2.5 and n <= 12",
        "#document contains \"of r1\"",
        "#document not contains \"1\"",
        "#document ~ \"r[0-9]{2}$\"",
        "half = false and #document contains \"7\"",
        "#id in ('r1', 'r8', 'nobody')",
        "#id not in ('r1')",
        "cent >= 99 or n < 3 and half != true",
        "half = 1",
        "n contains 3",
    ] {
        let filter = Filter::parse(text).unwrap();
        let page = huedb::query::RecordQuery { filter: Some(filter.clone()), ..Default::default() };
        let page = collection.find(&page, Include::NONE).unwrap();
        let found: Vec<_> = page.records().map(|record| record.unwrap().id.to_string()).collect();
        let kept = world.rows.iter().filter(|(id, _, metadata)| {
            let metadata = huedb::record::Metadata::from_json(metadata.clone()).unwrap();
            let document = format!("document of {id}");
            let (metadata, document) = (Some(&metadata), Some(document.as_str()));
            filter.matches(huedb::query::filter::RecordFields { id, metadata, document, uri: None })
        });
        assert_eq!(found, kept.map(|(id, ..)| id.clone()).collect::<Vec<_>>(), "{text}");
    }
}

#[test]
fn the_graph_finds_what_the_scan_finds_whatever_changed_since() {
    let mut random = Random::new();
    for space in Space::ALL {
        let mut world = world(space, 5000, 32, &mut random);
        let questions = world.questions(300, &mut random);
        let built = build_graph(&world.collection(), 2, &unwatched).unwrap().unwrap();
        assert_eq!((built.graph.rows, built.extended), (world.rows.len() as u64, false));
        world.check_way(AccessPath::Graph, space, &questions, 0.95);
        world.change(&mut random, 32);
        world.check_way(AccessPath::Graph, space, &questions, 0.95);
        let extended = build_graph(&world.collection(), 2, &unwatched).unwrap().unwrap();
        assert!(extended.extended && extended.added < 600, "{extended:?}");
        world.check_way(AccessPath::Graph, space, &questions, 0.95);
    }
}

#[test]
fn the_sketch_finds_what_the_scan_finds_whatever_changed_since() {
    let mut random = Random::new();
    for space in Space::ALL {
        let mut world = world(space, 9_000, 192, &mut random);
        let questions = world.questions(50, &mut random);
        world.collection().sketch().unwrap();
        world.check_way(AccessPath::Sketch, space, &questions, 0.999);
        world.change(&mut random, 192);
        world.check_way(AccessPath::Sketch, space, &questions, 0.999);
    }
}

#[test]
fn clusters_find_what_the_scan_finds_whatever_changed_since() {
    let mut random = Random::new();
    for (space, sketched) in Space::ALL.into_iter().zip([true, false, true]) {
        let mut world = world(space, 5000, 64, &mut random);
        let questions = world.questions(300, &mut random);
        if sketched {
            world.collection().sketch().unwrap();
        }
        let built = build_clusters(&world.collection(), 2, &unwatched).unwrap().unwrap();
        assert_eq!((built.clusters.rows, built.extended), (world.rows.len() as u64, false));
        assert!(space == Space::Ip || built.clusters.levels[0].share < 0.7, "{space}: {built:?}, {random:?}");
        world.check_way(AccessPath::Clusters, space, &questions, 0.97);
        world.change(&mut random, 64);
        world.check_way(AccessPath::Clusters, space, &questions, 0.97);
        assert_eq!(world.store.check(None, Depth::Deep).unwrap(), []);
        let extended = build_clusters(&world.collection(), 2, &unwatched).unwrap().unwrap();
        assert!(extended.extended && extended.added == 200, "{extended:?}");
        world.check_way(AccessPath::Clusters, space, &questions, 0.97);
        world.store.compact().unwrap();
        assert_eq!(world.store.check(None, Depth::Deep).unwrap(), []);
        world.check_way(AccessPath::Clusters, space, &questions, 0.97);
        let copy = world.store.path().with_extension("copy");
        world.store.backup(&copy, false).unwrap();
        let copied = open(&copy, Access::Write).unwrap().collection("vectors").unwrap();
        assert_eq!(copied.view().unwrap().clusters(), Some(extended.clusters));
        let all = ask(questions[..2].to_vec(), None).top(world.rows.len() + 5).way(AccessPath::Clusters);
        assert!(copied.query(&all).unwrap().hits.iter().all(|hits| hits.len() == world.rows.len()));
        assert_eq!(copied.drop_clusters().unwrap(), Some(extended.clusters));
    }
}

#[test]
fn a_collection_is_sketched_by_itself_once_it_is_large() {
    let mut random = Random::new();
    let World { _folder, store, .. } = world(Space::Cosine, 50, 192, &mut random);
    let collection = store.collection("vectors").unwrap();
    let mut add = |rows: std::ops::Range<usize>| {
        let change = |row| Change {
            id: RecordId::parse(format!("more{row}")).unwrap(),
            embedding: Some(random.vector(192)),
            embedded_here: false,
            document: None,
            uri: None,
            metadata: MetadataPatch::default(),
        };
        collection.add(rows.map(change)).unwrap();
    };
    add(0..30_000);
    assert!(!collection.view().unwrap().is_sketched());
    add(30_000..60_000);
    assert!(collection.view().unwrap().is_sketched());
}

#[test]
fn a_damaged_graph_is_passed_over_with_a_warning() {
    if encrypted() {
        return; // The damage is done by redb, which cannot open the file.
    }
    let mut random = Random::new();
    let world = world(Space::Cosine, 3000, 16, &mut random);
    let questions: Vec<Vec<f32>> = (0..500).map(|_| random.vector(16)).collect();
    build_graph(&world.collection(), 2, &unwatched).unwrap();
    let good = world.ask_by(AccessPath::Graph, &questions, None);
    assert!(good.warnings.is_empty() && good.plan.way == AccessPath::Graph, "{:?}", good.plan);
    let path = world.store.path().to_owned();
    world.store.close().unwrap();
    let chunk = flip_a_byte_of_the_graph(&path, &mut random);
    let store = open(&path, Access::Read).unwrap();
    let vectors = store.collection("vectors").unwrap();
    let answer = vectors.query(&ask(questions.clone(), None).way(AccessPath::Graph)).unwrap();
    assert_eq!(answer.warnings.len(), 1, "chunk {chunk}");
    assert_eq!(answer.plan.way, AccessPath::Scan);
    assert!(answer.hits.iter().all(|hits| hits.len() == 10));
}

/// Flips one bit inside a chunk of the graph, through redb, so that only our own checksums can see it.
fn flip_a_byte_of_the_graph(path: &std::path::Path, random: &mut Random) -> usize {
    let graph: redb::TableDefinition<&[u8; 12], &[u8]> = redb::TableDefinition::new("graph");
    let mut builder = redb::Builder::new();
    builder.set_concurrency_mode(redb::ConcurrencyMode::MultiWriter);
    let file = builder.open(path).unwrap();
    let tx = file.begin_write().unwrap();
    let place = {
        let mut table = tx.open_table(graph).unwrap();
        let chunks: Vec<([u8; 12], Vec<u8>)> = {
            use redb::ReadableTable;
            table.iter().unwrap().map(|row| row.unwrap()).map(|(k, v)| (*k.value(), v.value().to_vec())).collect()
        };
        let place = random.below(chunks.len());
        let (key, mut bytes) = chunks[place].clone();
        let at = random.below(bytes.len());
        bytes[at] ^= 1 << random.below(8);
        table.insert(&key, bytes.as_slice()).unwrap();
        place
    };
    tx.commit().unwrap();
    file.close().unwrap();
    place
}

impl World {
    /// Questions that lie where records lie, as those of people do.
    fn questions(&self, count: usize, random: &mut Random) -> Vec<Vec<f32>> {
        let near = |random: &mut Random| {
            let row = &self.rows[random.below(self.rows.len())].1;
            row.iter().zip(random.vector(row.len())).map(|(x, noise)| x + 0.3 * noise).collect()
        };
        (0..count).map(|_| near(random)).collect()
    }

    fn ask_by(&self, way: AccessPath, questions: &[Vec<f32>], filter: Option<&str>) -> huedb::query::Answer {
        let query = ask(questions.to_vec(), filter).way(way);
        self.collection().query(&query).unwrap()
    }

    fn check_way(&self, way: AccessPath, space: Space, questions: &[Vec<f32>], least: f64) {
        type Keep = fn(&serde_json::Value) -> bool;
        let filters: [(Option<&str>, Keep); 3] = [
            (None, |_| true),
            (Some("half = true"), |m| m["half"] == true),
            (Some("cent < 2"), |m| m["cent"].as_i64().unwrap() < 2),
        ];
        // A bound that holds with high probability is judged by all the hits there are.
        let (mut found, mut expected) = (Vec::new(), Vec::new());
        for (filter, keep) in filters {
            let answer = self.ask_by(way, questions, filter);
            assert!(answer.warnings.is_empty() && answer.plan.way == way, "{:?}", answer.warnings);
            found.extend(answer.hits);
            expected.extend(questions.iter().map(|question| self.truth(space, question, keep)));
        }
        let recall = recall(&found, &expected);
        assert!(recall >= least, "{way} {space}: recall {recall}");
    }

    /// Deletes, replaces and adds some records.
    fn change(&mut self, random: &mut Random, dimension: usize) {
        let doomed: Vec<RecordId> = (0..100).map(|i| RecordId::parse(self.rows[i * 3].0.as_str()).unwrap()).collect();
        self.rows.retain(|(id, ..)| doomed.iter().all(|doomed| doomed.as_str() != id));
        self.rows.iter_mut().step_by(17).for_each(|row| row.1 = random.vector(dimension));
        let new =
            (0..200).map(|i| (format!("new{i}"), random.vector(dimension), json!({"n": i, "half": true, "cent": 1})));
        self.rows.extend(new.collect::<Vec<_>>());
        let changes = self.rows.iter().map(|(id, vector, metadata)| Change {
            id: RecordId::parse(id.as_str()).unwrap(),
            embedding: Some(vector.clone()),
            embedded_here: false,
            document: None,
            uri: None,
            metadata: MetadataPatch::from_json(metadata.clone()).unwrap(),
        });
        let collection = self.collection();
        collection.delete(&doomed).unwrap();
        collection.apply(changes, huedb::store::Mode::Upsert).unwrap();
    }
}
