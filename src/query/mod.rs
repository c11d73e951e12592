//! A question to hits: filter, plan, rank, page.
//!
//! Knows nothing of the terminal. Invariant: a filter is answered before or inside the search, never after it, so it
//! never empties or shortens a result that exists; hits ascend by distance, ties by insertion.

#[cfg(feature = "plot")]
mod components;
#[cfg(test)]
mod damage_tests;
mod dedupe;
#[cfg(feature = "plot")]
mod distribution;
mod facet;
pub mod filter;
mod group;
mod plan;
pub mod rank;
mod request;
mod respond;
#[cfg(feature = "plot")]
mod sample;
mod search;
mod select;
#[cfg(feature = "plot")]
mod statistics;

#[cfg(feature = "plot")]
pub use components::Projection;
pub use dedupe::{Dedupe, Group, Groups};
#[cfg(feature = "plot")]
pub use distribution::{Bin, Distribution, Edges};
pub use facet::{Facet, KeyFacts, Sort};
pub use filter::{Filter, filter_key};
pub use group::{Aggregate, Extreme, GroupBy};
pub use plan::{Costs, Facts, Plan, Way};
pub use rank::Rank;
pub use request::{Page, Request, Search, Select};
pub use respond::Found;
pub use search::{Answer, Query, Timing};
pub use select::{RecordPage, RecordQuery};
#[cfg(feature = "plot")]
pub use statistics::{Statistics, StatisticsQuery};
