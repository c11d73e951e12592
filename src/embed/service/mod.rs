//! Embedding services: models that others run, asked over HTTP.
//!
//! A service is installed as a model is, by a manifest in the data directory, and used as one. Knows nothing of the store or
//! the terminal. Invariants: a key is written nowhere and sent to the service's own address alone; a service whose
//! model is another than the one that was added embeds nothing.

mod address;
mod answer;
mod client;
mod embedder;
mod install;
mod key;
mod manifest;
mod pace;
mod plan;
mod request;
mod settings;

pub(super) use embedder::ServiceEmbedder;
pub use install::add_service;
pub(super) use install::ask_again;
pub(super) use manifest::{FILE_NAME, ServiceManifest};
pub use settings::{KeySource, ServiceApi, ServiceLimits, ServiceSettings};
