//! A question to hits: filter, plan, rank, page.
//!
//! Knows nothing of the terminal. Invariant: a filter is answered before or inside the search, never after it, so it
//! never empties or shortens a result that exists; hits ascend by distance, ties by insertion.

mod facet;
pub mod filter;
mod plan;
mod search;
mod select;

pub use facet::{Facet, KeyFacts, Sort};
pub use filter::Filter;
pub use plan::{Costs, Facts, Plan, Way};
pub use search::{Answer, Query, Timing};
pub use select::{RecordPage, RecordQuery};
