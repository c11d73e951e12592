//! What can be seen of a server while it runs: metrics, a log of requests, an audit trail.
//!
//! Invariant: neither a body nor a secret is in any of them.

mod lines;
mod metrics;
mod process;
mod request_id;
mod trail;

pub(super) use lines::LineWriter;
pub(super) use metrics::{Metrics, bring};
pub(super) use request_id::RequestId;
pub use trail::{LogFormat, LogLevel};
pub(super) use trail::{Observed, RouteName, Trail, TrailWriters};
