//! Section 4: distances, their order, and the index's configuration.
//!
//! The recall that Chroma's tests demand of its graph, .95, is tested with the graph (`tests/library/query.rs`).

use huedb::index::{build_graph, unwatched};
use huedb::query::{AccessPath, Query};
use huedb::record::{CollectionName, MetadataPatch, RecordId, Space};
use huedb::store::{Access, Change, Include, NewCollection, Store};
use tempfile::TempDir;

use crate::open::open;
use crate::shell::check;

/// A store with one collection of these vectors, whose ids are their places.
fn store(space: Space, vectors: &[Vec<f32>]) -> (TempDir, Store) {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path().join("d.redb"), Access::Create).unwrap();
    let new = NewCollection { space, ..NewCollection::default() };
    store.create_collection(CollectionName::parse("vec").unwrap(), new).unwrap();
    let change = |(at, vector): (usize, &Vec<f32>)| Change {
        id: RecordId::parse(at.to_string()).unwrap(),
        embedding: Some(vector.clone()),
        embedded_here: false,
        document: None,
        uri: None,
        metadata: MetadataPatch::default(),
    };
    store.collection("vec").unwrap().add(vectors.iter().enumerate().map(change)).unwrap();
    (folder, store)
}

fn ask(store: &Store, question: &[f32], n: usize, way: Option<AccessPath>) -> Vec<(usize, f32)> {
    let query = Query::vector(question.to_vec()).top(n).include(Include::NONE).way(way).threads(1);
    let hits = store.collection("vec").unwrap().query(&query).unwrap().hits.remove(0);
    hits.into_iter().map(|hit| (hit.record.id.as_str().parse().unwrap(), hit.distance)).collect()
}

#[test]
fn section_4_definitions() {
    for (line, space, question, vector, distance) in [
        ("4 l2 has no square root", Space::L2, [3.0, 4.0], [0.0, 0.0], 25.0),
        ("4 ip", Space::Ip, [3.0, 4.0], [6.0, 8.0], -49.0),
        ("4 cosine", Space::Cosine, [3.0, 4.0], [0.0, 1.0], 0.2),
        ("4 cosine of a zero vector", Space::Cosine, [3.0, 4.0], [0.0, 0.0], 1.0),
        ("4 cosine of a zero question", Space::Cosine, [0.0, 0.0], [3.0, 4.0], 1.0),
        ("4 cosine of two zero vectors", Space::Cosine, [0.0, 0.0], [0.0, 0.0], 1.0),
        ("4 ip of a zero vector", Space::Ip, [3.0, 4.0], [0.0, 0.0], 1.0),
        ("4 l2 of two zero vectors", Space::L2, [0.0, 0.0], [0.0, 0.0], 0.0),
        ("4 cosine does not mind the length", Space::Cosine, [3.0, 4.0], [300.0, 400.0], 0.0),
        ("4 cosine of the opposite", Space::Cosine, [3.0, 4.0], [-3.0, -4.0], 2.0),
    ] {
        let (_folder, store) = store(space, &[vector.to_vec()]);
        for way in [None, Some(AccessPath::Rows), Some(AccessPath::Scan)] {
            let found = ask(&store, &question, 1, way);
            assert!(found.len() == 1 && (found[0].1 - distance).abs() < 1e-6, "{line}, {way:?}: {found:?}");
        }
    }
}

/// Numbers from a fixed sequence, so that a failure is the same every time.
fn numbers(seed: u64) -> impl FnMut() -> f32 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f32::from((state >> 48) as u16) / 32768.0 - 1.0
    }
}

/// The definition in f64, written here and not taken from the library.
fn reference(space: Space, a: &[f32], b: &[f32]) -> f64 {
    let pairs = || a.iter().zip(b).map(|(x, y)| (f64::from(*x), f64::from(*y)));
    let dot: f64 = pairs().map(|(x, y)| x * y).sum();
    match space {
        Space::L2 => pairs().map(|(x, y)| (x - y) * (x - y)).sum(),
        Space::Ip => 1.0 - dot,
        Space::Cosine => {
            let (a, b): (f64, f64) = (pairs().map(|(x, _)| x * x).sum(), pairs().map(|(_, y)| y * y).sum());
            1.0 - dot / ((a.sqrt() + 1e-32) * (b.sqrt() + 1e-32))
        }
    }
}

#[test]
fn section_4_distances_equal_an_f64_reference() {
    let mut next = numbers(4);
    for space in Space::ALL {
        for dimension in [1, 3, 16, 100, 384] {
            let mut vectors: Vec<Vec<f32>> = (0..200).map(|_| (0..dimension).map(|_| next()).collect()).collect();
            vectors[7] = vec![0.0; dimension];
            let question: Vec<f32> = (0..dimension).map(|_| next()).collect();
            let (_folder, store) = store(space, &vectors);
            build_graph(&store.collection("vec").unwrap(), 1, &unwatched).unwrap();
            for way in [None, Some(AccessPath::Rows), Some(AccessPath::Scan), Some(AccessPath::Graph)] {
                let found = ask(&store, &question, 200, way);
                assert_eq!(found.len(), 200, "4 any n up to the size: {space} {dimension} {way:?}");
                assert!(found.windows(2).all(|pair| pair[0].1 <= pair[1].1), "4 ascending: {space} {dimension}");
                for (at, distance) in found {
                    let expected = reference(space, &question, &vectors[at]);
                    let off = (f64::from(distance) - expected).abs();
                    assert!(off <= 1e-5 * expected.abs().max(1.0), "{space} {dimension} {way:?}: off by {off}");
                }
            }
        }
    }
}

#[test]
fn section_4_ties_go_by_insertion() {
    let vectors: Vec<Vec<f32>> = (0..50_u8).map(|i| vec![f32::from(i % 2), 1.0]).collect();
    for space in Space::ALL {
        // Of the inner product all are equal.
        let expected: Vec<usize> = match space {
            Space::Ip => (0..50).collect(),
            _ => (0..50).step_by(2).chain((0..50).skip(1).step_by(2)).collect(),
        };
        let (_folder, store) = store(space, &vectors);
        build_graph(&store.collection("vec").unwrap(), 1, &unwatched).unwrap();
        for way in [None, Some(AccessPath::Rows), Some(AccessPath::Scan), Some(AccessPath::Graph)] {
            // Which of equal rows the graph walks to is its own affair, unless all are asked for.
            for n in if way == Some(AccessPath::Graph) { vec![50] } else { vec![50, 7] } {
                let found: Vec<usize> = ask(&store, &[0.0, 1.0], n, way).into_iter().map(|hit| hit.0).collect();
                assert_eq!(found, expected[..n], "{space} {way:?}");
            }
        }
    }
}

#[test]
fn section_4_vectors_come_back_as_they_went_in() {
    check(
        "huedb create vec --no-model --space cosine -q; huedb add vec --id a --embedding '[3, 4]' -q",
        &[
            ("4 un-normalised", "huedb get vec --include embeddings", r#"{"id":"a","embedding":[3.0,4.0]}"#, "", 0),
            (
                "4 un-normalised with the graph",
                "huedb index build vec -q; huedb get vec --include embeddings",
                r#"{"id":"a","embedding":[3.0,4.0]}"#,
                "",
                0,
            ),
        ],
    );
}

#[test]
fn section_4_configuration() {
    let create = |configuration: &str| format!("huedb create vec --no-model --configuration '{configuration}'");
    let legacy = |metadata: &str| format!("huedb create vec --no-model --metadata '{metadata}'");
    let shown = "huedb show vec -o json | sed 's/,\"spann.*//; s/.*\"hnsw\"://'";
    let hnsw = |space: &str, construction: u32, search: u32, neighbors: u32, factor: &str, sync: u32| {
        format!(
            "{{\"space\":\"{space}\",\"ef_construction\":{construction},\"ef_search\":{search},\
             \"max_neighbors\":{neighbors},\"resize_factor\":{factor},\"sync_threshold\":{sync}}}"
        )
    };
    let good = [
        ("4 ours: defaults are cosine and 128", "huedb create vec --no-model".into(), hnsw("cosine", 128, 128, 16, "1.2", 1000)),
        ("4 every field", create(r#"{"hnsw": {"space": "ip", "ef_construction": 200, "ef_search": 150,
            "max_neighbors": 32, "num_threads": 4, "batch_size": 50, "sync_threshold": 500, "resize_factor": 1.5}}"#),
            hnsw("ip", 200, 150, 32, "1.5", 500)),
        ("4 some fields", create(r#"{"hnsw": {"space": "l2"}}"#), hnsw("l2", 128, 128, 16, "1.2", 1000)),
        ("4 batch_size 1 is accepted", create(r#"{"hnsw": {"batch_size": 1}}"#), hnsw("cosine", 128, 128, 16, "1.2", 1000)),
        ("4 null is nothing", create(r#"{"hnsw": null, "spann": null, "embedding_function": null}"#),
            hnsw("cosine", 128, 128, 16, "1.2", 1000)),
        ("4 legacy metadata keys", legacy(r#"{"hnsw:space": "l2", "hnsw:construction_ef": 200, "hnsw:search_ef": 150,
            "hnsw:M": 32, "hnsw:num_threads": 4, "hnsw:resize_factor": 1.5, "hnsw:sync_threshold": 500,
            "hnsw:batch_size": 50}"#), hnsw("l2", 200, 150, 32, "1.5", 500)),
        ("4 old keys beside a configuration that says nothing of the index", "huedb create vec --no-model --metadata \
            '{\"hnsw:space\": \"ip\"}' --configuration '{\"embedding_function\": null}'".into(),
            hnsw("ip", 128, 128, 16, "1.2", 1000)),
        ("4 old keys beside Chroma's defaults", "huedb create vec --no-model --metadata \
            '{\"hnsw:space\": \"ip\", \"hnsw:M\": 9}' --configuration '{\"hnsw\": {\"ef_search\": 100}}'".into(),
            hnsw("ip", 128, 100, 9, "1.2", 1000)),
        ("4 the least that Chroma takes", create(r#"{"hnsw": {"max_neighbors": 2, "ef_search": 1, "ef_construction": 1}}"#),
            hnsw("cosine", 1, 1, 2, "1.2", 1000)),
        ("4 null is the default", create(r#"{"hnsw": {"space": null, "ef_search": null, "max_neighbors": null}}"#),
            hnsw("cosine", 128, 128, 16, "1.2", 1000)),
        ("4 fields that are unknown", create(r#"{"ivf": {}, "more": 1}"#), hnsw("cosine", 128, 128, 16, "1.2", 1000)),
        ("4 an explicit configuration wins over them",
            "huedb create vec --no-model --metadata '{\"hnsw:space\": \"l2\"}' --configuration '{\"hnsw\": {\"space\": \"ip\"}}'".into(),
            hnsw("ip", 128, 128, 16, "1.2", 1000)),
        ("4 of spann only the space is kept", create(r#"{"spann": {"space": "l2", "search_nprobe": 64}}"#),
            hnsw("l2", 128, 128, 16, "1.2", 1000)),
    ];
    for (line, script, stdout) in good {
        check("", &[(line, &format!("{script} -q\n{shown}"), &stdout, "", 0)]);
    }
    let warned = [
        ("4 ours: an ignored field is told", create(r#"{"ivf": {}}"#), "has no field \"ivf\", and it is ignored"),
        (
            "4 ours: an old key that does not count is told",
            "huedb create vec --no-model --metadata '{\"hnsw:space\": \"ip\"}' --configuration '{\"hnsw\": {\"ef_search\": 9}}'"
                .into(),
            "warning: hnsw:space in the metadata changes nothing beside a configuration of the index",
        ),
        (
            "4 ours: a graph has edges enough, whatever is said",
            format!(
                "{}; for i in 1 2 3 4 5 6 7 8 9; do huedb add vec --id $i --embedding \"[$i]\" -q; done
                 huedb index build vec; huedb index build vec",
                create(r#"{"hnsw": {"max_neighbors": 2, "ef_search": 1, "ef_construction": 1, "space": "l2"}}"#)
            ),
            "graph of vec: 9 vectors",
        ),
        (
            "4 ours: nor too many",
            format!(
                "{}; huedb add vec --id a --embedding '[1]' -q; huedb index build vec",
                create(r#"{"hnsw": {"max_neighbors": 4096}}"#)
            ),
            "graph of vec: 1 vector",
        ),
    ];
    for (line, script, says) in warned {
        check("", &[(line, &script, "", says, 0)]);
    }
    let bad = [
        (
            "4 an unknown field lists the allowed",
            create(r#"{"hnsw": {"ef": 5}}"#),
            "space, ef_construction, ef_search, max_neighbors, num_threads, batch_size, sync_threshold, resize_factor",
        ),
        ("4 a bad space", create(r#"{"hnsw": {"space": "l1"}}"#), "hnsw.space is one of cosine, l2, ip"),
        ("4 ours: ef_search 0", create(r#"{"hnsw": {"ef_search": 0}}"#), "from 1 to 4096"),
        ("4 ours: max_neighbors 1", create(r#"{"hnsw": {"max_neighbors": 1}}"#), "from 2 to 4096"),
        ("4 an unknown field of spann", create(r#"{"spann": {"ef": 5}}"#), "search_nprobe, write_nprobe, space"),
        ("4 sync_threshold of an old key", legacy(r#"{"hnsw:sync_threshold": 1}"#), "a number from 2, not 1"),
        ("4 a bad number", create(r#"{"hnsw": {"ef_search": "many"}}"#), "hnsw.ef_search is a whole number"),
        ("4 hnsw and spann", create(r#"{"hnsw": {}, "spann": {}}"#), "both hnsw and spann"),
        ("4 no object", create("[]"), "is a JSON object"),
        ("4 no JSON", create("{hnsw}"), "is not JSON"),
        ("4 an unknown hnsw: key", legacy(r#"{"hnsw:ef": 5}"#), "hnsw:search_ef"),
        ("4 a bad value of a hnsw: key", legacy(r#"{"hnsw:space": "l1"}"#), "is one of cosine, l2, ip"),
        (
            "4 a configuration and a flag that says the same",
            "huedb create vec --space l2 --configuration '{}'".into(),
            "cannot be used with",
        ),
    ];
    for (line, script, says) in bad {
        check("", &[(line, &script, "", says, 2)]);
    }
}
