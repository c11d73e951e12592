//! A hub that is laid out as Hugging Face's: pulling a model from it, and the HTTP client that does.
//!
//! Knows nothing of terminals.

mod client;
mod pull;

pub use pull::{PullRequest, PullStep, pull};
