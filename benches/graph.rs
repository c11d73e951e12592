//! What the graph costs to build, store, read and search, one JSON line a figure.
//!
//! `cargo bench --features internals --bench graph`. The vectors are made up: unit vectors of 384 dimensions around 3,000 centres of
//! unequal size. `HUEDB_BENCH_ROWS` says how many (100,000 unless given).

#![expect(clippy::print_stdout, reason = "the figures are the output")]
#![expect(clippy::cast_precision_loss, reason = "a figure needs no more than 24 bits")]

use std::collections::HashSet;
use std::error::Error;
use std::ops::ControlFlow;
use std::time::Instant;

use huedb::index::internals::{Centre, Codes, Graph, GraphReader, Nearest, Stamp, quantise};
use huedb::record::{Hnsw, Ordinal, Space};

const DIM: usize = 384;
const LATENT: usize = 96;
const QUERIES: usize = 500;

fn main() -> Result<(), Box<dyn Error>> {
    let rows = std::env::var("HUEDB_BENCH_ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(100_000);
    let vectors = vectors(rows + QUERIES);
    let (vectors, queries) = vectors.split_at(rows * DIM);
    let origin = Centre::origin(DIM);
    let codes = vectors.chunks_exact(DIM).map(|vector| quantise(vector, &origin, Space::Cosine));
    let rows: Vec<_> = (0..).map(Ordinal).zip(codes).collect();
    let truth = exact(vectors, queries);
    build(&rows, 1)?;
    let graph = build(&rows, 2)?;
    search("built", &graph, vectors, queries, &truth)?;
    stored(&graph, vectors, queries, &truth)
}

fn build(rows: &[(Ordinal, Codes)], threads: usize) -> Result<Graph, Box<dyn Error>> {
    let start = Instant::now();
    let mut graph = Graph::new(DIM, Space::Cosine, Hnsw::default(), threads)?;
    graph.extend(rows, &|_| ControlFlow::Continue(()))?;
    report(&format!("build_{threads}_threads"), rows.len() as f64 / start.elapsed().as_secs_f64(), "rows/s");
    Ok(graph)
}

fn stored(graph: &Graph, vectors: &[f32], queries: &[f32], truth: &[HashSet<u64>]) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let chunks: Vec<_> = graph.to_chunks(Stamp::default())?.collect();
    report("to_chunks", milliseconds(start), "ms");
    let bytes: usize = chunks.iter().map(Vec::len).sum();
    report("stored", bytes as f64 / graph.rows() as f64, "bytes/row");
    let start = Instant::now();
    let mut reader = GraphReader::new();
    for chunk in &chunks {
        reader.push(chunk)?;
    }
    let stored = reader.finish()?;
    report("read_chunks", milliseconds(start), "ms");
    let start = Instant::now();
    let loaded = Graph::load(&stored, 2)?;
    report("load", milliseconds(start), "ms");
    search("loaded", &loaded, vectors, queries, truth)?;
    let start = Instant::now();
    let viewed = Graph::view(stored, 2)?;
    report("view", milliseconds(start), "ms");
    search("viewed", &viewed, vectors, queries, truth)
}

/// Searches one query after another, then ranks what was found by f32.
fn search(
    what: &str,
    graph: &Graph,
    vectors: &[f32],
    queries: &[f32],
    truth: &[HashSet<u64>],
) -> Result<(), Box<dyn Error>> {
    for (k, candidates) in [(10, 64), (50, 128), (100, 256)] {
        let start = Instant::now();
        let mut found = Vec::with_capacity(QUERIES);
        for query in queries.chunks_exact(DIM) {
            found.push(graph.search(query, k, candidates)?);
        }
        let seconds = start.elapsed().as_secs_f64();
        report(&format!("search_{what}_ef{candidates}_k{k}"), seconds * 1e6 / QUERIES as f64, "us/query");
        let ranked = found
            .iter()
            .zip(queries.chunks_exact(DIM))
            .map(|(found, query)| rerank(vectors, query, found.iter().map(|(_, ordinal)| *ordinal)));
        report(&format!("recall_{what}_ef{candidates}_k{k}_rerank"), recall(ranked, truth), "recall@10");
    }
    Ok(())
}

fn rerank(vectors: &[f32], query: &[f32], found: impl Iterator<Item = Ordinal>) -> Vec<u64> {
    let mut nearest = Nearest::up_to(10, f32::INFINITY);
    for ordinal in found {
        let row = usize::try_from(ordinal.0).ok().and_then(|row| vectors.get(row * DIM..(row + 1) * DIM));
        nearest.push(-dot(query, row.unwrap_or_default()), ordinal);
    }
    nearest.into_sorted().into_iter().map(|(_, ordinal)| ordinal.0).collect()
}

fn exact(vectors: &[f32], queries: &[f32]) -> Vec<HashSet<u64>> {
    let all = || (0..(vectors.len() / DIM) as u64).map(Ordinal);
    queries.chunks_exact(DIM).map(|query| rerank(vectors, query, all()).into_iter().collect()).collect()
}

fn recall(found: impl Iterator<Item = Vec<u64>>, truth: &[HashSet<u64>]) -> f64 {
    let hits: usize =
        found.zip(truth).map(|(found, truth)| found.iter().filter(|&row| truth.contains(row)).count()).sum();
    hits as f64 / (10 * truth.len()) as f64
}

/// Unit vectors: a centre of a Zipf-distributed cluster and noise, in 96 latent dimensions of falling weight, turned
/// into 384, on a mean they share.
fn vectors(count: usize) -> Vec<f32> {
    let mut state = 20_261_123_u64;
    let mut uniform = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / 16_777_216.0
    };
    let mut normal = {
        let mut uniform = uniform;
        move || (0..6).map(|_| uniform()).sum::<f32>() - 3.0
    };
    let weights: Vec<f32> = (0..LATENT).map(|i| 1.0 / (1.0 + i as f32).sqrt()).collect();
    let basis: Vec<f32> = (0..LATENT * DIM).map(|_| normal()).collect();
    let mean: Vec<f32> = (0..DIM).map(|_| normal() * 0.7).collect();
    let centres: Vec<f32> = (0..3_000 * LATENT).map(|_| normal()).collect();
    let mut all = Vec::with_capacity(count * DIM);
    for _ in 0..count {
        // The logarithm of a cluster's rank is uniform.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 3,000")]
        let cluster = 3_000_f32.powf(uniform()) as usize - 1;
        let centre = centres.chunks_exact(LATENT).nth(cluster).unwrap_or_default();
        let mut vector = mean.clone();
        for ((&c, &w), row) in centre.iter().zip(&weights).zip(basis.chunks_exact(DIM)) {
            let latent = w * (c + 0.6 * normal());
            vector.iter_mut().zip(row).for_each(|(x, b)| *x += latent * b);
        }
        let norm = dot(&vector, &vector).sqrt();
        all.extend(vector.iter().map(|x| x / norm));
    }
    all
}

fn milliseconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

fn report(figure: &str, value: f64, unit: &str) {
    println!(r#"{{"figure":"{figure}","value":{value:.4},"unit":"{unit}"}}"#);
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
