//! The shapes of requests and answers, as Chroma's API writes them.

pub(super) mod collection;
mod configuration;
pub(super) mod embedding;
pub(super) mod include;
pub(super) mod metadata;
pub(super) mod record;
pub(super) mod schema;
