//! Building the graph: from nothing, or from the one there is.
//!
//! Rows stream from the segments, a few at a time. Invariant: the file's graph is replaced whole in one transaction,
//! so a build that is interrupted or fails leaves the old one.

use std::ops::ControlFlow;

use roaring::RoaringTreemap;

use super::graph::{Graph, Stamp, Watch};
use super::walk::read_graph;
use crate::error::{Error, Result};
use crate::record::Ordinal;
use crate::store::{Codes, Collection, GraphEntry, GraphFile, Segment, View};

/// Rows handed to the threads at once.
const ROWS_AT_ONCE: usize = 8192;

/// What a build did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Built {
    /// What the file now says of the graph.
    pub graph: GraphEntry,
    /// Vectors that were added to it.
    pub added: u64,
    /// Whether an older graph was extended.
    pub extended: bool,
}

/// Builds the graph of a collection, or extends the one it has; `None` for a collection without records.
///
/// An older graph is extended unless a third of it is dead or was replaced.
///
/// # Errors
/// [`Error::Interrupted`] when `watch` says so, [`Error::Busy`] when embeddings were replaced meanwhile, or those of
/// every write.
pub fn build_graph(collection: &Collection, threads: usize, watch: Watch) -> Result<Option<Built>> {
    let view = collection.view()?;
    let Some(dimension) = view.info().dimension.filter(|_| view.counts().records > 0) else { return Ok(None) };
    let mut start = match extendable(&view, threads)? {
        Some(start) => start,
        None => Start {
            graph: Graph::new(dimension, view.info().space, view.info().hnsw.as_built(), threads)?,
            from: Ordinal(0),
            again: RoaringTreemap::new(),
            extended: false,
        },
    };
    let mut added = 0;
    for_each_batch(&view, &start.wanted(&view), |rows| {
        added += rows.len() as u64;
        start.graph.extend(rows, watch)
    })?;
    let epoch = view.next_epoch();
    let stamp = Stamp { epoch, high_water: view.end().0 };
    let chunks: Vec<_> = start.graph.to_chunks(stamp)?.collect();
    let file = GraphFile { epoch, covers_until: view.end(), rows: start.graph.len() as u64, chunks: &chunks };
    match collection.put_graph(&view, &file)? {
        Some(graph) => Ok(Some(Built { graph, added, extended: start.extended })),
        None => Err(Error::InvalidArgument {
            why: format!("embeddings of {} were replaced while its graph was built", collection.name()),
            hint: Some("build it again".into()),
        }),
    }
}

/// The graph a build begins with.
struct Start {
    graph: Graph,
    /// The first ordinal it does not know.
    from: Ordinal,
    /// Rows below that one which it has to take in again.
    again: RoaringTreemap,
    extended: bool,
}

impl Start {
    fn wanted(&self, view: &View) -> RoaringTreemap {
        let mut wanted = self.again.clone();
        wanted.insert_range(self.from.0..view.end().0);
        wanted - view.dead()
    }
}

/// Returns the graph the file has without its dead and replaced rows, if it is worth extending.
fn extendable(view: &View, threads: usize) -> Result<Option<Start>> {
    let Some(known) = view.graph() else { return Ok(None) };
    let covered = |set: &RoaringTreemap| set.range_cardinality(..known.covers_until);
    let stale = view.stale()?;
    let lost = covered(view.dead()) + stale.len();
    if lost * 3 >= known.rows.max(1) {
        return Ok(None);
    }
    // A graph that cannot be read is built anew: it is derived.
    let stored = match read_graph(view) {
        Err(Error::Damaged { .. }) => return Ok(None),
        stored => stored?,
    };
    if stored.header.hnsw.max_neighbors != view.info().hnsw.as_built().max_neighbors {
        return Ok(None);
    }
    let mut graph = Graph::load(&stored, threads)?;
    let mut gone = view.dead() | &stale;
    gone.remove_range(known.covers_until..);
    for ordinal in &gone {
        graph.remove(Ordinal(ordinal))?;
    }
    Ok(Some(Start { graph, from: Ordinal(known.covers_until), again: stale, extended: true }))
}

/// Visits the wanted rows in order, a batch at a time.
fn for_each_batch(
    view: &View,
    wanted: &RoaringTreemap,
    mut visit: impl FnMut(&[(Ordinal, Codes)]) -> Result<()>,
) -> Result<()> {
    let mut batch = Vec::with_capacity(ROWS_AT_ONCE);
    let mut take = |ordinal: Ordinal, codes: &[i8], factor: f32, bias: f32| {
        if !wanted.contains(ordinal.0) {
            return Ok(());
        }
        batch.push((ordinal, Codes { codes: codes.to_vec(), factor, bias }));
        if batch.len() < ROWS_AT_ONCE {
            return Ok(());
        }
        let result = visit(&batch);
        batch.clear();
        result
    };
    view.for_each_segment(0..view.sealed_until().0, |bytes| {
        let segment = Segment::parse(bytes)?;
        let rows = segment.codes().chunks_exact(segment.dimension()).zip(segment.factors().zip(segment.biases()));
        rows.enumerate().try_for_each(|(row, (codes, (factor, bias)))| take(segment.ordinal(row), codes, factor, bias))
    })?;
    view.for_each_tail_row(|ordinal, factor, bias, codes| take(ordinal, codes, factor, bias))?;
    if batch.is_empty() { Ok(()) } else { visit(&batch) }
}

/// A [`Watch`] that lets the work go on.
pub fn unwatched(_added: usize) -> ControlFlow<()> {
    ControlFlow::Continue(())
}
