//! Metadata as an input or a flag writes it: a JSON object.
//!
//! Invariant: what leaves follows Chroma's rules; a null value stays, because it deletes a key on update.

use serde_json::Value as Json;

use super::json::why_json;
use crate::error::{Error, Result};
use crate::record::MetadataPatch;

/// Reads the value of `--metadata`, a JSON object.
///
/// # Errors
/// [`Error::InvalidArgument`] for text that is no JSON object, [`Error::InvalidMetadata`] for a key or value that is
/// not allowed.
pub fn metadata_from_json(text: &str) -> Result<MetadataPatch> {
    let json: Json = serde_json::from_str(text).map_err(|e| Error::InvalidArgument {
        why: format!("the metadata {}", why_json(&e, text, 1)),
        hint: Some("write a JSON object, as in '{\"year\": 2021, \"lang\": \"en\"}'".into()),
    })?;
    MetadataPatch::from_json(json)
}

/// Reads a cell that holds a JSON object; the error is a sentence.
pub(super) fn parse(cell: &str) -> Result<MetadataPatch, String> {
    let json: Json = serde_json::from_str(cell).map_err(|e| format!("the metadata {}", why_json(&e, cell, 1)))?;
    MetadataPatch::from_json(json).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Value;

    #[test]
    fn flags_say_what_is_wrong() {
        let patch = metadata_from_json("{\"a\": 1, \"b\": null}").unwrap();
        assert_eq!(patch.iter().collect::<Vec<_>>(), [("a", Some(&Value::Int(1))), ("b", None)]);
        for (text, why) in
            [("{a:1}", "is not JSON"), ("[1]", "object"), ("{\"a\":{}}", "\"a\""), ("{\"a\":1", "cut off")]
        {
            let error = metadata_from_json(text).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
