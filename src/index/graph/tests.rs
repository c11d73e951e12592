//! Recall against an exact scan, round trips, and every kind of damage to the stored bytes.

use std::collections::HashSet;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::file::{GraphHeader, GraphReader, Stamp, StoredGraph};
use super::hnsw::Graph;
use crate::error::{Error, Result};
use crate::index::top_k::Nearest;
use crate::record::random::Random;
use crate::record::{Hnsw, Ordinal, Space};
use crate::store::{Centre, Codes, MAX_VALUE_BYTES, quantise, quantise_query};

fn ignore(_: usize) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn index_below(random: &mut Random, end: usize) -> usize {
    usize::try_from(random.below(end as u64)).unwrap()
}

/// Vectors around shared centres, as embeddings lie, of lengths between 1 and 3 times another.
fn mixture(random: &mut Random, rows: usize, dim: usize) -> Vec<f32> {
    let centres = random.floats(50 * dim);
    let mut vectors = Vec::with_capacity(rows * dim);
    for _ in 0..rows {
        let centre = index_below(random, 50) * dim;
        let length = 2.0 + random.floats(1)[0];
        let noise = random.floats(dim);
        vectors.extend(centres[centre..centre + dim].iter().zip(noise).map(|(c, n)| length * (c + n)));
    }
    vectors
}

/// The rows of these embeddings, with the ordinals from `first`.
fn rows(embeddings: &[f32], dim: usize, space: Space, first: u64) -> Vec<(Ordinal, Codes)> {
    let rows = embeddings.chunks_exact(dim).map(|embedding| quantise(embedding, &Centre::origin(dim), space));
    (first..).map(Ordinal).zip(rows).collect()
}

/// A graph of random embeddings with the ordinals from 0.
fn small(count: usize, dim: usize) -> (Graph, Vec<f32>) {
    let embeddings = Random::new().floats(count * dim);
    let mut graph = Graph::new(dim, Space::L2, Hnsw::default(), 2).unwrap();
    graph.extend(&rows(&embeddings, dim, Space::L2, 0), &ignore).unwrap();
    (graph, embeddings)
}

fn read(chunks: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Result<StoredGraph> {
    let mut reader = GraphReader::new();
    for chunk in chunks {
        reader.push(chunk.as_ref())?;
    }
    reader.finish()
}

/// What is wrong with chunks that are damaged.
fn damage(chunks: impl IntoIterator<Item = impl AsRef<[u8]>>) -> String {
    match read(chunks) {
        Err(Error::Damaged { what, .. }) => what,
        other => panic!("not damaged: {other:?}"),
    }
}

fn is_argument<T: fmt::Debug>(result: &Result<T>) -> bool {
    matches!(result, Err(Error::InvalidArgument { .. }))
}

fn nearest(graph: &Graph, question: &[f32], k: usize) -> Vec<(f32, Ordinal)> {
    graph.search(question, k, 64).unwrap()
}

#[test]
fn recall_against_an_exact_scan() {
    const DIM: usize = 64;
    const ROWS: usize = 5_000;
    const QUESTIONS: usize = 100;
    let mut random = Random::new();
    let vectors = mixture(&mut random, ROWS + QUESTIONS, DIM);
    let (vectors, questions) = vectors.split_at(ROWS * DIM);
    for space in Space::ALL {
        let mut graph = Graph::new(DIM, space, Hnsw::default(), 2).unwrap();
        graph.extend(&rows(vectors, DIM, space, 0), &ignore).unwrap();
        assert_eq!((graph.rows(), graph.removed()), (ROWS, 0));
        let (mut hits, mut filtered_hits) = (0, 0);
        for question in questions.chunks_exact(DIM) {
            #[expect(clippy::cast_possible_truncation, reason = "a score for a test")]
            let exact = |keep: &dyn Fn(Ordinal) -> bool| {
                let mut nearest = Nearest::up_to(10, f32::INFINITY);
                for (ordinal, vector) in (0..).map(Ordinal).zip(vectors.chunks_exact(DIM)) {
                    if keep(ordinal) {
                        nearest.push(space.distance(question, vector) as f32, ordinal);
                    }
                }
                nearest.into_sorted().into_iter().map(|(_, ordinal)| ordinal).collect::<HashSet<_>>()
            };
            let found = graph.search(question, 10, 128).unwrap();
            assert!(found.is_sorted_by(|a, b| a < b), "nearest first, {space}");
            let truth = exact(&|_| true);
            hits += found.iter().filter(|(_, ordinal)| truth.contains(ordinal)).count();
            let keep = |Ordinal(ordinal): Ordinal| ordinal.is_multiple_of(7);
            let found = graph.search_filtered(question, 10, 128, keep).unwrap();
            assert_eq!(found.len(), 10, "a filter does not shorten the result, {space}");
            assert!(found.iter().all(|(_, ordinal)| keep(*ordinal)), "{space}");
            let truth = exact(&keep);
            filtered_hits += found.iter().filter(|(_, ordinal)| truth.contains(ordinal)).count();
        }
        assert!(hits >= QUESTIONS * 10 * 95 / 100, "{hits} of {} in {space}", QUESTIONS * 10);
        assert!(
            filtered_hits >= QUESTIONS * 10 * 95 / 100,
            "{filtered_hits} of {} filtered in {space}",
            QUESTIONS * 10
        );
    }
}

#[test]
fn distances_are_those_of_the_scan() {
    let embeddings = mixture(&mut Random::new(), 40, 17);
    for space in Space::ALL {
        let rows = rows(&embeddings, 17, space, 0);
        let mut graph = Graph::new(17, space, Hnsw::default(), 1).unwrap();
        graph.extend(&rows, &ignore).unwrap();
        let question = &embeddings[..17];
        let query = quantise_query(question, &Centre::origin(17), space);
        let found = graph.search(question, 40, 40).unwrap();
        assert_eq!(found.len(), 40);
        for (distance, Ordinal(ordinal)) in found {
            let row = &rows[usize::try_from(ordinal).unwrap()].1;
            let dot: f32 = query.codes.iter().zip(&row.codes).map(|(a, b)| f32::from(*a) * f32::from(*b)).sum();
            let scanned = f64::from(row.bias - dot * row.factor * query.scale) + query.shared;
            let off = (f64::from(distance) - scanned).abs();
            assert!(off <= 1e-4 * (1.0 + scanned.abs() + query.shared), "{distance} {scanned} {space}");
        }
    }
}

#[test]
fn extreme_embeddings_have_finite_distances() {
    for space in Space::ALL {
        let embeddings = [0.0, -0.0, 1e-45, f32::MIN_POSITIVE, 1.0, f32::MAX, f32::MIN].map(|x| [x, 1.0, -x]);
        let mut graph = Graph::new(3, space, Hnsw::default(), 1).unwrap();
        graph.extend(&rows(embeddings.as_flattened(), 3, space, 0), &ignore).unwrap();
        for question in &embeddings {
            let found = graph.search(question, 7, 7).unwrap();
            assert_eq!(found.len(), 7, "{question:?} {space}");
            assert!(found.iter().all(|(distance, _)| distance.is_finite()), "{question:?} {space}");
        }
    }
}

#[test]
fn a_stored_graph_answers_as_before() {
    let (mut graph, embeddings) = small(2_000, 48);
    assert!(graph.remove(Ordinal(3)).unwrap());
    let stamp = Stamp { epoch: 7, high_water: 2_000 };
    let chunks: Vec<_> = graph.to_chunks(stamp).unwrap().collect();
    assert!(chunks.iter().all(|chunk| chunk.len() <= MAX_VALUE_BYTES));
    let stored = read(&chunks).unwrap();
    assert_eq!(GraphHeader::read(&chunks[0]).unwrap(), stored.header);
    assert_eq!((stored.header.stamp, stored.header.rows, stored.header.removed), (stamp, 1_999, 1));
    let loaded = Graph::load(&stored, 2).unwrap();
    let viewed = Graph::view(stored, 2).unwrap();
    for query in embeddings.chunks_exact(48).take(50) {
        let expected = nearest(&graph, query, 10);
        assert_eq!(nearest(&loaded, query, 10), expected);
        assert_eq!(nearest(&viewed, query, 10), expected);
    }
    assert_eq!((loaded.rows(), loaded.removed()), (1_999, 1));
    assert_eq!((viewed.rows(), viewed.removed()), (1_999, 1));
}

#[test]
fn a_loaded_graph_is_extended_and_a_viewed_one_is_not() {
    let (graph, embeddings) = small(300, 16);
    let more = |first| rows(&embeddings, 16, Space::L2, first);
    let stored = read(graph.to_chunks(Stamp::default()).unwrap()).unwrap();
    let mut loaded = Graph::load(&stored, 2).unwrap();
    loaded.extend(&more(300), &ignore).unwrap();
    assert_eq!(loaded.rows(), 600);
    let found = nearest(&loaded, &embeddings[16 * 5..16 * 6], 2);
    assert_eq!(found.iter().map(|(_, ordinal)| *ordinal).collect::<Vec<_>>(), [Ordinal(5), Ordinal(305)]);
    let mut viewed = Graph::view(stored, 2).unwrap();
    assert!(is_argument(&viewed.extend(&more(300), &ignore)));
    assert!(is_argument(&viewed.remove(Ordinal(0))));
}

#[test]
fn removed_rows_are_not_found_and_their_places_are_used_again() {
    let (mut graph, embeddings) = small(600, 16);
    for ordinal in (0..600).step_by(2) {
        assert!(graph.remove(Ordinal(ordinal)).unwrap());
    }
    assert!(!graph.remove(Ordinal(0)).unwrap(), "it is gone already");
    assert_eq!((graph.rows(), graph.removed()), (300, 300));
    for query in embeddings.chunks_exact(16) {
        assert!(nearest(&graph, query, 10).iter().all(|(_, ordinal)| ordinal.0 % 2 == 1));
    }
    graph.extend(&rows(&embeddings[..400 * 16], 16, Space::L2, 600), &ignore).unwrap();
    assert_eq!((graph.rows(), graph.removed()), (700, 0));
    // A graph is approximate: of 400 rows hardly one cannot be reached.
    let is_found = |(ordinal, query): &(u64, &[f32])| {
        nearest(&graph, query, 2).iter().any(|(_, found)| *found == Ordinal(*ordinal))
    };
    let found = (600..).zip(embeddings.chunks_exact(16).take(400)).filter(is_found).count();
    assert!(found >= 396, "{found} of 400");
    // Filled-up places survive the file.
    let stored = read(graph.to_chunks(Stamp::default()).unwrap()).unwrap();
    assert_eq!(Graph::load(&stored, 1).unwrap().rows(), 700);
}

#[test]
fn an_empty_graph_is_stored_and_extended() {
    let graph = Graph::new(16, Space::Cosine, Hnsw::default(), 1).unwrap();
    assert!(graph.rows() == 0);
    assert_eq!(nearest(&graph, &[1.0; 16], 5), []);
    let stored = read(graph.to_chunks(Stamp::default()).unwrap()).unwrap();
    assert_eq!(nearest(&Graph::view(stored.clone(), 1).unwrap(), &[1.0; 16], 5), []);
    let mut loaded = Graph::load(&stored, 1).unwrap();
    loaded.extend(&rows(&[1.0; 16], 16, Space::Cosine, 9), &ignore).unwrap();
    let [(distance, Ordinal(9))] = nearest(&loaded, &[-1.0; 16], 5)[..] else { panic!() };
    assert!((distance - 2.0).abs() < 1e-6, "{distance}");
    assert!(loaded.remove(Ordinal(9)).unwrap());
    assert_eq!(nearest(&loaded, &[1.0; 16], 5), []);
}

#[test]
fn bad_arguments_are_refused() {
    let hnsw = Hnsw::default();
    assert!(is_argument(&Graph::new(0, Space::L2, hnsw, 1)));
    assert!(is_argument(&Graph::new(8, Space::L2, Hnsw { max_neighbors: 1, ..hnsw }, 1)));
    assert!(is_argument(&Graph::new(8, Space::L2, Hnsw { ef_construction: 0, ..hnsw }, 1)));
    let (mut graph, embeddings) = small(10, 8);
    let first = &embeddings[..8];
    assert!(is_argument(&graph.search(&first[..7], 1, 1)));
    assert!(is_argument(&graph.extend(&rows(&first[..7], 7, Space::L2, 10), &ignore)));
    assert!(is_argument(
        &graph.extend(&[(Ordinal(u64::MAX), quantise(first, &Centre::origin(8), Space::L2))], &ignore)
    ));
    let again = graph.extend(&rows(first, 8, Space::L2, 4), &ignore).unwrap_err();
    assert!(again.to_string().contains("row 4"), "{again}");
    assert_eq!(graph.rows(), 10);
    assert_eq!(graph.search(first, 0, 10).unwrap(), []);
    assert_eq!(graph.search(first, 100, 1).unwrap().len(), 10);
}

#[test]
fn building_is_watched_and_stopped() {
    let rows = rows(&Random::new().floats(2_000 * 8), 8, Space::L2, 0);
    let mut graph = Graph::new(8, Space::L2, Hnsw::default(), 2).unwrap();
    let told = AtomicUsize::new(0);
    let watch = |rows| {
        told.fetch_add(rows, Ordering::Relaxed);
        ControlFlow::Continue(())
    };
    graph.extend(&rows[..1_000], &watch).unwrap();
    assert_eq!(told.load(Ordering::Relaxed), 1_000);
    let stopped = graph.extend(&rows[1_000..], &|_| ControlFlow::Break(()));
    assert!(matches!(stopped, Err(Error::Interrupted)));
    assert!(graph.rows() < 2_000);
}

#[test]
fn as_many_searches_as_threads_run_at_once() {
    let (graph, embeddings) = small(500, 16);
    let viewed = Graph::view(read(graph.to_chunks(Stamp::default()).unwrap()).unwrap(), 8).unwrap();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for query in embeddings.chunks_exact(16) {
                    assert_eq!(viewed.search(query, 5, 32).unwrap().len(), 5);
                }
            });
        }
    });
}

#[test]
fn flipped_and_cut_chunks_are_named() {
    let (graph, _) = small(6_000, 200);
    let chunks: Vec<_> = graph.to_chunks(Stamp { epoch: 1, high_water: 6_000 }).unwrap().collect();
    assert!(chunks.len() >= 2, "the graph must not fit one chunk");
    for (place, chunk) in chunks.iter().enumerate() {
        let spread = (88..chunk.len()).step_by(chunk.len() / 40 + 1);
        for byte in (0..88).chain(spread).chain([chunk.len() - 1]) {
            for bit in [0, 7] {
                let mut damaged = chunks.clone();
                damaged[place][byte] ^= 1 << bit;
                let damage = damage(&damaged);
                assert!(damage.contains(&format!("chunk {place}")), "byte {byte}: {damage}");
            }
        }
        for length in (0..90).chain([chunk.len() / 2, chunk.len() - 1]) {
            let mut damaged = chunks.clone();
            damaged[place].truncate(length);
            let damage = damage(&damaged);
            assert!(damage.contains(&format!("chunk {place}")), "{length} bytes: {damage}");
        }
    }
}

#[test]
fn chunks_out_of_place_are_refused() {
    let (mut graph, _) = small(6_000, 200);
    let chunks: Vec<_> = graph.to_chunks(Stamp::default()).unwrap().collect();
    graph.remove(Ordinal(1)).unwrap();
    let later: Vec<_> = graph.to_chunks(Stamp { epoch: 1, high_water: 0 }).unwrap().collect();
    assert!(read(&chunks).is_ok() && read(&later).is_ok());
    damage(&chunks[..0]);
    damage(&chunks[..chunks.len() - 1]);
    damage(&chunks[1..]);
    damage(chunks.iter().rev());
    damage(chunks.iter().chain(&chunks[..1]));
    damage(chunks[..1].iter().chain(&later[1..]));
    assert!(GraphHeader::read(&chunks[1]).is_err());
    assert!(GraphHeader::read(&[]).is_err());
}

#[test]
fn any_bytes_are_an_error_or_a_graph_that_can_be_searched() {
    let (mut graph, embeddings) = small(90, 8);
    graph.remove(Ordinal(11)).unwrap();
    let stored = read(graph.to_chunks(Stamp::default()).unwrap()).unwrap();
    let mut random = Random::new();
    // As if the checksums had been made to fit.
    let attempt = |stored: StoredGraph| {
        for graph in [Graph::load(&stored, 1), Graph::view(stored, 1)].into_iter().flatten() {
            assert!(graph.search(&embeddings[..8], 10, 50).unwrap().len() <= 10);
        }
    };
    for byte in 0..stored.index.len() {
        let mut damaged = stored.clone();
        damaged.index[byte] = u8::try_from(random.below(256)).unwrap();
        attempt(damaged);
    }
    for length in (0..stored.index.len()).step_by(7) {
        let mut damaged = stored.clone();
        damaged.index.truncate(length);
        assert!(Graph::load(&damaged, 1).is_err(), "{length} bytes");
        assert!(Graph::view(damaged, 1).is_err(), "{length} bytes");
    }
    for change in [
        |header: &mut GraphHeader| header.dim = 0,
        |header: &mut GraphHeader| header.dim = 9,
        |header: &mut GraphHeader| header.rows += 1,
        |header: &mut GraphHeader| header.hnsw.max_neighbors = 5,
        |header: &mut GraphHeader| header.hnsw.max_neighbors = usize::MAX,
        |header: &mut GraphHeader| header.hnsw.ef_construction = 0,
    ] {
        let mut damaged = stored.clone();
        change(&mut damaged.header);
        assert!(Graph::view(damaged, 1).is_err());
    }
}
