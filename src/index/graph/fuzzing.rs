//! What a fuzzer calls with any bytes: the graph from its chunks to a search.
//!
//! Checksums are made right first, as somebody who means harm would. Invariant: no bytes make `USearch` read out of
//! bounds or panic. Each function returns whether the bytes were a value.

#![allow(clippy::panic, reason = "a panic is what a fuzzer looks for")]

use std::ops::ControlFlow;

use xxhash_rust::xxh3::xxh3_64;

use super::file::{GraphChunks, GraphHeader, GraphReader, Stamp};
use super::hnsw::Graph;
use super::layout;
use super::native::IndexShape;
use crate::record::{Hnsw, Ordinal, Space};

/// Loads a serialised index and uses it: four bytes are the space, the dimension, the neighbours and what is done.
pub(crate) fn index(bytes: &[u8]) -> bool {
    let Some((&[space, dim, neighbors, action], index)) = bytes.split_first_chunk() else { return false };
    let hnsw = Hnsw { max_neighbors: usize::from(neighbors).max(2), ..Hnsw::default() };
    let space = *Space::ALL.get(usize::from(space) % Space::ALL.len()).unwrap_or(&Space::L2);
    let shape = IndexShape { dim: usize::from(dim).max(1), space, hnsw, threads: 1 };
    let Ok(counted) = layout::check(index, &shape) else { return false };
    let header = GraphHeader {
        dim: shape.dim,
        space,
        hnsw,
        rows: counted.live as u64,
        removed: counted.removed as u64,
        stamp: Stamp::default(),
        bytes: index.len() as u64,
    };
    let mut reader = GraphReader::new();
    let read = GraphChunks::new([&header.write(), index].concat()).try_for_each(|chunk| reader.push(&chunk));
    let Ok(stored) = read.and_then(|()| reader.finish()) else { panic!("its own chunks are not read") };
    let changes = action % 2 == 0;
    let opened = if changes { Graph::load(&stored, 1) } else { Graph::view(stored, 1) };
    let Ok(mut graph) = opened else { return false };
    let question = vec![0.5; shape.dim];
    let _ = graph.search(&question, 3, 10);
    let _ = graph.search_filtered(&question, 3, 10, |Ordinal(ordinal)| ordinal % 2 == 0);
    if changes {
        let _ = graph.remove(Ordinal(1));
        let row = graph.row(&question);
        let _ = graph.extend(&[(Ordinal(1), row.clone()), (Ordinal(1 << 40), row)], &|_| ControlFlow::Continue(()));
        let _ = graph.search(&question, 3, 10);
        let _ = graph.to_chunks(Stamp::default()).map(Iterator::count);
    }
    true
}

/// Reads chunks: each begins with its length in two bytes, and is given its checksum.
pub(crate) fn chunks(bytes: &[u8]) -> bool {
    let (mut rest, mut reader, mut read) = (bytes, GraphReader::new(), false);
    while let Some((len, chunk)) = rest.split_first_chunk::<2>() {
        let (chunk, after) = chunk.split_at(usize::from(u16::from_le_bytes(*len)).min(chunk.len()));
        let chunk = [&xxh3_64(chunk).to_le_bytes(), chunk].concat();
        // A header may ask for memory that is there and never used; a fuzzer's allocator counts it.
        if GraphHeader::read(&chunk).is_ok_and(|header| header.bytes > 1 << 20) || reader.push(&chunk).is_err() {
            break;
        }
        (rest, read) = (after, true);
    }
    let stored = reader.finish();
    let _ = stored.and_then(|stored| Graph::view(stored, 1)).map(|graph| (graph.rows(), graph.removed()));
    read
}

/// Graphs of every space, some with removed rows, by target.
#[cfg(test)]
pub(crate) fn examples() -> Vec<(&'static str, Vec<u8>)> {
    let mut examples = Vec::new();
    for (at, space) in (0_u8..).zip(Space::ALL) {
        for removed in 0_u8..2 {
            let hnsw = Hnsw { max_neighbors: 8, ..Hnsw::default() };
            let mut graph = Graph::new(5, space, hnsw, 1).unwrap();
            let embedding = |row: u64| [1.0, 0.5, -0.25, 0.1, 2.0].map(|x: f32| x * (row as f32 - 10.0).sin());
            let rows: Vec<_> = (0..20).map(|row| (Ordinal(row), graph.row(&embedding(row)))).collect();
            graph.extend(&rows, &|_| ControlFlow::Continue(())).unwrap();
            for row in 0..u64::from(removed) * 3 {
                graph.remove(Ordinal(row)).unwrap();
            }
            let chunks: Vec<Vec<u8>> = graph.to_chunks(Stamp::default()).unwrap().collect();
            let stored = &chunks[0][24 + super::file::HEADER_BYTES..];
            examples.push(("graph", [&[at, 5, 8, removed][..], stored].concat()));
            let chunk = &chunks[0][8..];
            let len = u16::try_from(chunk.len()).unwrap();
            examples.push(("graph_chunks", [&len.to_le_bytes(), chunk].concat()));
        }
    }
    examples
}
