//! Settings of a collection as flags write them, for `create` and `modify`.
//!
//! Invariant: what leaves is within the bounds of [`Hnsw`].

use std::ops::RangeInclusive;

use huedb::error::{Error, Result};
use huedb::record::{Configuration, Hnsw};

pub(crate) fn candidates(text: &str) -> Result<usize, String> {
    within(text, Hnsw::CANDIDATES)
}

pub(crate) fn edges(text: &str) -> Result<usize, String> {
    within(text, Hnsw::NEIGHBORS)
}

fn within(text: &str, range: RangeInclusive<usize>) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("a number from {} to {}", range.start(), range.end()))
}

/// Reads the value of `--configuration`.
pub(crate) fn configuration(text: &str) -> Result<Configuration> {
    let json = serde_json::from_str(text).map_err(|e| Error::InvalidArgument {
        why: format!("the configuration is not JSON: {e}"),
        hint: Some("write a JSON object, as in '{\"hnsw\": {\"space\": \"l2\"}}'".into()),
    })?;
    Configuration::from_json(&json)
}
