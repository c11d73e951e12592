//! Vectors to neighbours: kernels, the scan of quantised rows, exact ranking, and the graph.
//!
//! Knows nothing of the terminal or of inputs. Invariant: what is found by codes, signs or the graph is always ranked by
//! the embeddings as given before it leaves this room.

mod build;
mod candidates;
mod clusters;
mod exact;
mod exact_distance;
#[allow(unreachable_pub, reason = "with the feature `internals` the benches reach some of it")]
mod graph;
mod graph_search;
#[allow(unreachable_pub, reason = "with the feature `internals` the benches reach some of it")]
mod kernel;
mod meeting;
mod ranked;
mod rerank;
mod resident;
mod resident_scan;
mod row_filter;
mod scan;
mod self_join;
mod sketch_scan;
mod terms;
#[allow(unreachable_pub, reason = "with the feature `internals` the benches reach some of it")]
mod top_k;
mod work_sharing;

pub use build::{Built, build_graph, build_graph_if_due, graph_is_due, unwatched};
pub(crate) use clusters::nearest_in_clusters;
pub use clusters::{BuiltClusters, build_clusters, clusters_are_due};
pub(crate) use exact::{BATCH_FROM, First, nearest};
pub(crate) use exact_distance::Measure;
pub use graph::Watch;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use graph::fuzzing as graph_fuzzing;
pub(crate) use graph_search::is_graph_resident;
pub use graph_search::{GraphSearcher, Walked, graph_depth, walk_graph};
pub use kernel::instructions;
pub use ranked::Ranked;
pub(crate) use rerank::{cosines, rank_all, rank_candidates};
pub(crate) use resident::{is_resident, resident};
pub(crate) use row_filter::Allowed;
pub use self_join::{Earlier, SeenRecords, near_earlier};
#[cfg(feature = "postgres")]
pub(crate) use terms::rarity;
pub(crate) use terms::{best_by_terms, holds_any};

/// What the benches measure by itself; no part of the library.
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod internals {
    pub use super::graph::{Graph, GraphReader, Stamp};
    pub use super::kernel::{Kernels, Limit, Planes, RowNumbers, Thresholds, Tile};
    pub use super::top_k::Nearest;
    pub use crate::store::internals::*;
}
