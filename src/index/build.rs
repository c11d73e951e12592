//! Building the graph: from nothing, or from the one there is.
//!
//! Rows stream from the embeddings, a few at a time; once all are in, the graph is queried with rows of the collection, and
//! the share of the nearest that it finds is kept with it. Invariant: the file's graph is replaced whole in one
//! transaction, so a build that is interrupted or fails leaves the old one.

use std::ops::ControlFlow;

use roaring::RoaringTreemap;

use super::exact::{First, nearest};
use super::graph::{Graph, Stamp, Watch};
use super::graph_search::{graph_depth, read_graph};
use super::rerank::rank_candidates;
use super::row_filter::Allowed;
use crate::error::{Error, Result};
use crate::record::{IndexMode, Ordinal};
use crate::store::{Collection, GraphEntry, GraphFile, View};

/// Rows handed to the threads at once.
const ROWS_AT_ONCE: usize = 8192;
/// How many rows of the collection measure a graph's recall once it is built, and how many hits each asks for.
const QUESTIONS_OF_ITS_OWN: u64 = 500;
const HITS: usize = 10;

/// What a build did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Built {
    /// What the file now says of the graph.
    pub graph: GraphEntry,
    /// Vectors that were added to it.
    pub added: u64,
    /// Whether an older graph was extended.
    pub extended: bool,
}

/// Returns whether a collection's settings call for a graph it lacks, or one that covers more of its records: checked
/// at the end of an import.
#[must_use]
pub fn graph_is_due(view: &View) -> bool {
    let dimension = view.info().dimension.unwrap_or(0);
    let clusters_suffice = view.clusters().is_some_and(|clusters| clusters.is_used(dimension));
    let wants = match view.info().index {
        IndexMode::Auto => view.counts().records >= IndexMode::AUTO_RECORDS && !clusters_suffice,
        IndexMode::Hnsw => true,
        IndexMode::Flat => false,
    };
    wants && view.graph().is_none_or(|graph| graph.covers_until < view.end().0)
}

/// Builds the graph of a collection if one is due ([`graph_is_due`]); `None` where it is not.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let store = huedb::Store::open(folder.path().join("n.redb"), huedb::Access::Create)?;
/// # store.create_collection(huedb::CollectionName::parse("notes")?, huedb::NewCollection::default())?;
/// # let notes = store.collection("notes")?;
/// # notes.write_rows(["fox", "dog"].map(|id| huedb::NewRecord::new(id).unwrap().with_embedding(vec![1.0, 0.0])), huedb::Mode::Add)?;
/// use huedb::index::{build_graph_if_due, unwatched};
///
/// // Two records need no graph.
/// assert!(build_graph_if_due(&notes, 1, &unwatched)?.is_none());
/// # Ok::<(), huedb::Error>(())
/// ```
///
/// # Errors
/// As [`build_graph`].
pub fn build_graph_if_due(collection: &Collection, threads: usize, watch: Watch) -> Result<Option<Built>> {
    if graph_is_due(&collection.view()?) { build_graph(collection, threads, watch) } else { Ok(None) }
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
    let wanted = start.wanted(&view);
    let mut embeddings = view.embeddings();
    let mut ordinals = wanted.iter().map(Ordinal).peekable();
    while ordinals.peek().is_some() {
        let rows = ordinals.by_ref().take(ROWS_AT_ONCE);
        let rows = rows.map(|ordinal| Ok((ordinal, start.graph.row(&embeddings.floats(ordinal)?))));
        start.graph.extend(&rows.collect::<Result<Vec<_>>>()?, watch)?;
    }
    let recall = recall(&view, &start.graph, threads)?;
    let epoch = view.next_epoch();
    let stamp = Stamp { epoch, high_water: view.end().0 };
    let chunks: Vec<_> = start.graph.to_chunks(stamp)?.collect();
    let file = GraphFile { epoch, covers_until: view.end(), rows: start.graph.rows() as u64, recall, chunks: &chunks };
    match collection.put_graph(&view, &file)? {
        Some(graph) => Ok(Some(Built { graph, added: wanted.len(), extended: start.extended })),
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
    /// Rows below that ordinal that it has to add again.
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
    // A graph that cannot be read is rebuilt: it is derived data.
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

/// Returns the share of the ten nearest that the graph finds, asked for rows of the collection.
///
/// A row as near as the tenth counts, whichever of them it is.
#[expect(clippy::cast_precision_loss, reason = "a few thousand hits")]
fn recall(view: &View, graph: &Graph, threads: usize) -> Result<f64> {
    let live = view.live();
    let step = live.len().div_ceil(QUESTIONS_OF_ITS_OWN).max(1);
    let mut embeddings = view.embeddings();
    let asked = (0..live.len()).step_by(usize::try_from(step).unwrap_or(usize::MAX));
    let asked = asked.filter_map(|rank| live.select(rank)).map(|ordinal| embeddings.floats(Ordinal(ordinal)));
    let asked = asked.collect::<Result<Vec<_>>>()?;
    let questions: Vec<&[f32]> = asked.iter().map(Vec::as_slice).collect();
    let exact = nearest(view, &questions, Allowed::AllBut(view.dead()), HITS, (First::Codes, threads), None)?.nearest;
    let found = questions.iter().map(|question| {
        let found = graph.search(question, graph_depth(HITS), view.info().hnsw.ef_search)?;
        Ok(found.into_iter().map(|(_, ordinal)| ordinal).collect())
    });
    let found = rank_candidates(view, &questions, &found.collect::<Result<Vec<_>>>()?, HITS, threads)?;
    let hits: usize = exact.iter().map(Vec::len).sum();
    let good = exact.iter().zip(found).map(|(exact, found)| {
        let farthest = exact.last().map_or(f64::NEG_INFINITY, |last| last.distance);
        found.iter().filter(|ranked| ranked.distance <= farthest).count()
    });
    Ok(good.sum::<usize>() as f64 / hits.max(1) as f64)
}

/// A [`Watch`] that lets the work go on.
pub fn unwatched(_added: usize) -> ControlFlow<()> {
    ControlFlow::Continue(())
}
