//! Near-duplicates against the definition, pair by pair.

use std::ops::ControlFlow;

use huedb::error::Error;
use huedb::query::{Dedupe, Filter};
use huedb::record::{CollectionName, MetadataPatch, RecordId, Space};
use huedb::store::{Access, Change, Collection, Include, Mode, NewCollection, Store};
use serde_json::json;
use tempfile::TempDir;

use crate::deceiving::KINDS;
use crate::open::open;
use crate::random::Random;

struct World {
    _folder: TempDir,
    store: Store,
    /// In the order they were inserted.
    rows: Vec<(usize, Vec<f32>)>,
}

fn change(n: usize, vector: &[f32]) -> Change {
    Change {
        id: RecordId::parse(format!("r{n}")).unwrap(),
        embedding: Some(vector.to_vec()),
        embedded_here: false,
        document: None,
        uri: None,
        metadata: MetadataPatch::from_json(json!({"third": n % 3})).unwrap(),
    }
}

/// Vectors of which many are copies of earlier ones, exact or with noise of every size around the distances asked for.
fn world(space: Space, rows: usize, dimension: usize, random: &mut Random) -> World {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path().join("d.redb"), Access::Create).unwrap();
    let new = NewCollection { space, ..NewCollection::default() };
    store.create_collection(CollectionName::parse("vectors").unwrap(), new).unwrap();
    let mut all: Vec<(usize, Vec<f32>)> = Vec::new();
    for n in 0..rows {
        let vector = if n > 0 && random.chance(50) {
            let (of, noise) = (random.below(n), random.vector(dimension));
            let size = [0.0, 0.02, 0.1, 0.2, 0.3, 0.5][random.below(6)];
            all[of].1.iter().zip(noise).map(|(x, noise)| x + size * noise).collect()
        } else {
            random.vector(dimension)
        };
        all.push((n, vector));
    }
    let collection = store.collection("vectors").unwrap();
    for batch in all.chunks(700) {
        collection.add(batch.iter().map(|(n, vector)| change(*n, vector))).unwrap();
    }
    let doomed: Vec<usize> = (0..rows / 10).map(|_| random.below(rows)).collect();
    collection.delete(&doomed.iter().map(|n| RecordId::parse(format!("r{n}")).unwrap()).collect::<Vec<_>>()).unwrap();
    all.retain(|(n, _)| !doomed.contains(n));
    for (n, vector) in all.iter_mut().step_by(31) {
        *vector = random.vector(dimension);
        collection.apply([change(*n, vector)], Mode::Update).unwrap();
    }
    World { _folder: folder, store, rows: all }
}

type Found = Vec<(String, String)>;

/// The distance, summed in the order of the tool: of equal records on data made to deceive the last bit decides.
fn distance(space: Space, a: &[f32], b: &[f32]) -> f64 {
    let sum = |term: fn(f64, f64) -> f64| {
        let mut lanes = [0.0; 8];
        let whole = a.len() / 8 * 8;
        let terms: Vec<f64> = a.iter().zip(b).map(|(a, b)| term(f64::from(*a), f64::from(*b))).collect();
        terms[..whole].iter().enumerate().for_each(|(at, x)| lanes[at % 8] += x);
        lanes.iter().sum::<f64>() + terms[whole..].iter().sum::<f64>()
    };
    match space {
        Space::L2 => sum(|a, b| (a - b) * (a - b)),
        Space::Ip => 1.0 - sum(|a, b| a * b),
        Space::Cosine => {
            let (dot, a, b) = (sum(|a, b| a * b), sum(|a, _| a * a), sum(|_, b| b * b));
            let is_short = a.min(b) < 1e-32;
            let norms = if is_short { (a.sqrt() + 1e-32) * (b.sqrt() + 1e-32) } else { (a * b).sqrt() };
            (1.0 - dot / norms).max(0.0)
        }
    }
}

/// Of each record the distances to all before it.
fn triangle(rows: &[(usize, Vec<f32>)], space: Space) -> Vec<Vec<f64>> {
    let before = |at: usize| rows[..at].iter().map(move |row| distance(space, &rows[at].1, &row.1)).collect();
    (0..rows.len()).map(before).collect()
}

/// The definition: each record against all kept before it.
fn truth(rows: &[(usize, Vec<f32>)], triangle: &[Vec<f64>], max_distance: f32) -> Found {
    let (mut kept, mut found): (Vec<usize>, Vec<(usize, usize)>) = (Vec::new(), Vec::new());
    for (at, distances) in triangle.iter().enumerate() {
        let near = kept.iter().map(|kept| (distances[*kept], *kept));
        match near.filter(|(distance, _)| *distance as f32 <= max_distance).min_by(|a, b| a.0.total_cmp(&b.0)) {
            Some((_, first)) => found.push((first, at)),
            None => kept.push(at),
        }
    }
    found.sort_by_key(|(first, _)| *first);
    found.into_iter().map(|(first, at)| (format!("r{}", rows[first].0), format!("r{}", rows[at].0))).collect()
}

fn dedupe(max_distance: f32, filter: Option<&str>) -> Dedupe {
    Dedupe { ids: None, filter: filter.map(|text| Filter::parse(text).unwrap()), max_distance, threads: 2 }
}

fn found(collection: &Collection, dedupe: &Dedupe) -> Found {
    let found = collection.dedupe(dedupe, |_| ControlFlow::Continue(())).unwrap();
    let id = |ordinal| found.view.record(ordinal, Include::NONE).unwrap().id.to_string();
    let pairs = found.groups.iter().flat_map(|group| group.duplicates.iter().map(|other| (group.kept, other.ordinal)));
    pairs.map(|(kept, other)| (id(kept), id(other))).collect()
}

/// Rows of a kind made to deceive, more than are decided at once, and some of them again.
fn deceiving(space: Space, kind: usize, rows: usize, dimension: usize, random: &mut Random) -> World {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path().join("d.redb"), Access::Create).unwrap();
    let new = NewCollection { space, ..NewCollection::default() };
    store.create_collection(CollectionName::parse("vectors").unwrap(), new).unwrap();
    let mut all: Vec<(usize, Vec<f32>)> = Vec::new();
    for n in 0..rows {
        let again = n > 0 && random.chance(10);
        let vector = if again { all[random.below(n)].1.clone() } else { (KINDS[kind].1)(random, n, dimension) };
        all.push((n, vector));
    }
    store.collection("vectors").unwrap().add(all.iter().map(|(n, vector)| change(*n, vector))).unwrap();
    World { _folder: folder, store, rows: all }
}

/// Distances of those that there are: so that many pairs, or a few, or the nearest alone are near.
fn some_of(triangle: &[Vec<f64>], random: &mut Random) -> Vec<f32> {
    let mut all: Vec<f64> = triangle.iter().flatten().copied().collect();
    all.sort_unstable_by(f64::total_cmp);
    let parts = [all.len(), 1000, 30, 1];
    parts.into_iter().map(|end| all[random.below(end)] as f32).collect()
}

#[test]
fn equals_the_definition_on_data_made_to_deceive() {
    let mut random = Random::new();
    for (kind, (name, _)) in KINDS.iter().enumerate() {
        for space in Space::ALL {
            for (rows, dimension) in [(1100, 40), (510, 7)] {
                let world = deceiving(space, kind, rows, dimension, &mut random);
                let collection = world.store.collection("vectors").unwrap();
                let triangle = triangle(&world.rows, space);
                for max_distance in some_of(&triangle, &mut random) {
                    let expected = truth(&world.rows, &triangle, max_distance);
                    assert!(
                        found(&collection, &dedupe(max_distance, None)) == expected,
                        "{name} {space} {dimension} {max_distance:e}, {random:?}"
                    );
                }
            }
        }
    }
}

/// Distances that keep some of the noise apart, in each space.
fn distances(space: Space, dimension: usize) -> [f32; 3] {
    match space {
        Space::Cosine => [0.0001, 0.02, 0.2],
        // A component's variance is a third.
        Space::L2 => [0.0001, 0.01, 0.1].map(|part| part * dimension as f32 / 3.0),
        Space::Ip => [0.8, 0.9, 1.0].map(|part| 1.0 - part * dimension as f32 / 3.0),
    }
}

#[test]
fn equals_the_definition_in_every_space() {
    let mut random = Random::new();
    for space in Space::ALL {
        // A segment and a tail at 1024, all in the tail at 3.
        for (rows, dimension) in [(1150, 1024), (300, 3), (700, 64)] {
            let world = world(space, rows, dimension, &mut random);
            let collection = world.store.collection("vectors").unwrap();
            let triangle = triangle(&world.rows, space);
            for max_distance in distances(space, dimension) {
                let expected = truth(&world.rows, &triangle, max_distance);
                assert!(
                    found(&collection, &dedupe(max_distance, None)) == expected,
                    "{space} {dimension} {max_distance}"
                );
            }
        }
    }
}

#[test]
fn a_filter_is_answered_first_and_a_second_run_finds_none() {
    let mut random = Random::new();
    let world = world(Space::Cosine, 2000, 32, &mut random);
    let collection = world.store.collection("vectors").unwrap();
    let third: Vec<_> = world.rows.iter().filter(|(n, _)| n % 3 == 1).cloned().collect();
    assert_eq!(
        found(&collection, &dedupe(0.05, Some("third = 1"))),
        truth(&third, &triangle(&third, Space::Cosine), 0.05)
    );
    let all = found(&collection, &dedupe(0.05, None));
    assert!(!all.is_empty());
    let ids: Vec<RecordId> = all.iter().map(|(_, id)| RecordId::parse(id.as_str()).unwrap()).collect();
    assert_eq!(collection.delete(&ids).unwrap(), ids.len() as u64);
    assert_eq!(found(&collection, &dedupe(0.05, None)), []);
}

#[test]
fn copies_without_end_take_no_memory_and_zeros_are_near_nothing() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path().join("d.redb"), Access::Create).unwrap();
    store.create_collection(CollectionName::parse("vectors").unwrap(), NewCollection::default()).unwrap();
    let collection = store.collection("vectors").unwrap();
    collection.add((0..5000).map(|n| change(n, &[0.5, 0.25, -1.0, 0.125]))).unwrap();
    collection.add((5000..5003).map(|n| change(n, &[0.0; 4]))).unwrap();
    let all = found(&collection, &dedupe(0.0, None));
    assert_eq!(all.len(), 4999);
    assert!(all.iter().all(|(first, _)| first == "r0"));
    assert_eq!(found(&collection, &dedupe(2.0, None)).len(), 5002);
    assert_eq!(found(&collection, &dedupe(-0.1, None)), []);
}

#[test]
fn it_can_be_interrupted_and_an_empty_collection_has_none() {
    let mut random = Random::new();
    let world = world(Space::Cosine, 1500, 8, &mut random);
    let collection = world.store.collection("vectors").unwrap();
    let ended = collection.dedupe(&dedupe(0.1, None), |_| ControlFlow::Break(()));
    assert!(matches!(ended, Err(Error::Interrupted)));
    let bad = collection.dedupe(&dedupe(f32::NAN, None), |_| ControlFlow::Continue(()));
    assert!(matches!(bad, Err(Error::InvalidArgument { .. })));
    assert_eq!(found(&collection, &dedupe(0.1, Some("third = 7"))), []);
    world.store.create_collection(CollectionName::parse("empty").unwrap(), NewCollection::default()).unwrap();
    assert_eq!(found(&world.store.collection("empty").unwrap(), &dedupe(0.1, None)), []);
}
