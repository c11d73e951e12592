//! Vectors to neighbours: kernels, the scan of quantised rows, exact ranking, and the graph.
//!
//! Knows nothing of the terminal or of inputs. Invariant: what is found by codes, signs or the graph is always ranked by
//! the embeddings as given before it leaves this room.

mod build;
mod candidates;
mod earlier;
mod exact;
// For the benches; no part of the library.
#[doc(hidden)]
pub mod graph;
#[doc(hidden)]
pub mod kernel;
mod measure;
mod meeting;
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
pub(crate) use exact::{BATCH_FROM, nearest};
#[doc(hidden)]
pub use exact::{ExactHits, First};
#[doc(hidden)]
pub use nearest::{Nearest, Score};
#[doc(hidden)]
pub use ranked::Ranked;
#[doc(hidden)]
pub use rerank::{rank_all, rank_candidates};
pub(crate) use resident::{is_resident, resident};
#[doc(hidden)]
pub use rows::Allowed;
#[doc(hidden)]
pub use terms::{best_by_terms, holds_any};
pub(crate) use walk::is_graph_resident;
pub use walk::{GraphSearcher, Walked, graph_depth, walk_graph};
