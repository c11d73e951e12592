//! Metadata as an input or a flag writes it: a JSON object.
//!
//! Invariant: what leaves follows Chroma's rules; a null value stays, because it deletes a key on update.

use super::json_error::why_json;
use crate::error::{Error, Result};
use crate::record::MetadataPatch;

/// Reads the value of `--metadata`, a JSON object.
///
/// # Errors
/// [`Error::InvalidArgument`] for text that is no JSON object, [`Error::InvalidMetadata`] for a key or value that is
/// not allowed.
pub fn metadata_from_json(text: &str) -> Result<MetadataPatch> {
    MetadataPatch::from_json_text(text).map_err(|e| Error::InvalidArgument {
        why: format!("the metadata {}", why_json(&e, text, 1)),
        hint: Some("write a JSON object, as in '{\"year\": 2021, \"lang\": \"en\"}'".into()),
    })?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Value;

    #[test]
    fn flags_say_what_is_wrong() {
        let patch = metadata_from_json("{\"a\": 1, \"b\": null}").unwrap();
        assert_eq!(patch.iter().collect::<Vec<_>>(), [("a", Some(&Value::Int(1))), ("b", None)]);
        for (text, why) in [
            ("{a:1}", "is not JSON"),
            ("[1]", "object"),
            ("{\"a\":{}}", "\"a\""),
            ("{\"a\":1,\"b\":2,\"a\":3}", "the metadata has the key \"a\" twice"),
            ("{\"b\":18446744073709551616,\"b\":1}", "the metadata has the key \"b\" twice"),
            ("{\"a\":1", "cut off"),
            (
                "{\"b\":1,\"a\":18446744073709551616}",
                "\"a\": is the integer 18446744073709551616, which no type here holds",
            ),
            ("{\"a\":[1,9223372036854775808]}", "\"a\": is the integer 9223372036854775808"),
            ("{\"a\":\"\\ud83d\"}", "holds \\ud83d alone"),
        ] {
            let error = metadata_from_json(text).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
