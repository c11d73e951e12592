//! Vectors to neighbours: kernels, the scan of quantised rows, exact ranking, and the graph.
//!
//! Knows nothing of the terminal or of inputs. Invariant: what is found approximately is always ranked by the
//! embeddings as given before it leaves this room.

mod build;
mod earlier;
pub mod graph;
pub mod kernel;
mod measure;
mod nearest;
mod ranked;
mod rows;
mod scan;
mod sketch_scan;
mod terms;
mod turns;
mod walk;

pub use build::{Built, build_graph, unwatched};
pub use earlier::{Earlier, Kept, near_earlier};
pub use nearest::{Nearest, Score};
pub use ranked::{Bounded, Ranked, rank_all, rank_bounded, rank_candidates};
pub use rows::Allowed;
pub use scan::scan;
pub use sketch_scan::scan_sketch;
pub use terms::best_by_terms;
pub use walk::{Walk, walk_graph};
