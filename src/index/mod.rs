//! Vectors to neighbours: kernels, the scan of quantised rows, exact ranking, and the graph.
//!
//! Knows nothing of the terminal or of inputs. Invariant: what is found by codes, signs or the graph is always ranked by
//! the embeddings as given before it leaves this room.

mod build;
mod candidates;
mod earlier;
mod exact;
#[allow(unreachable_pub, reason = "with the feature `internals` the benches reach some of it")]
mod graph;
#[allow(unreachable_pub, reason = "with the feature `internals` the benches reach some of it")]
mod kernel;
mod measure;
mod meeting;
#[allow(unreachable_pub, reason = "with the feature `internals` the benches reach some of it")]
mod nearest;
mod ranked;
mod rerank;
mod resident;
mod resident_scan;
mod rows;
mod scan;
mod sketch_scan;
mod terms;
mod turns;
mod walk;

pub use build::{Built, build_graph, build_graph_if_due, graph_is_due, unwatched};
pub use earlier::{Earlier, SeenRecords, near_earlier};
pub(crate) use exact::{BATCH_FROM, First, nearest};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use graph::fuzzing as graph_fuzzing;
pub use kernel::instructions;
pub use ranked::Ranked;
pub(crate) use rerank::{rank_all, rank_candidates};
pub(crate) use resident::{is_resident, resident};
pub(crate) use rows::Allowed;
pub(crate) use terms::{best_by_terms, holds_any};
pub(crate) use walk::is_graph_resident;
pub use walk::{GraphSearcher, Walked, graph_depth, walk_graph};

/// What the benches measure by itself; no part of the library.
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod internals {
    pub use super::graph::{Graph, GraphReader, Stamp};
    pub use super::kernel::{Kernels, Limit, Planes, RowNumbers, Thresholds, Tile};
    pub use super::nearest::Nearest;
    pub use crate::store::internals::*;
}
