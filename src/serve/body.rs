//! The body of a request as JSON, with the errors that Chroma's server gives.
//!
//! Invariant: a body is never unpacked beyond the bound of its size.

use std::io::Read;

use axum::http::StatusCode;
use flate2::read::MultiGzDecoder;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::call::{Call, Site};
use super::fault::Fault;
use super::rejection::Rejection;

impl Site {
    /// Reads the body of a call. A content type that is missing means JSON, as in Chroma.
    pub(super) fn body<T: DeserializeOwned>(&self, call: &Call) -> Result<T, Fault> {
        if call.content_type.as_deref().is_some_and(|kind| !is_json(kind)) {
            let why = "Expected request with `Content-Type: application/json`";
            return Err(Fault::other(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
        }
        match call.content_encoding.as_deref() {
            None | Some("" | "identity") => parse(&call.body),
            Some("gzip" | "x-gzip") => parse(&self.unpacked(&call.body)?),
            Some(other) => {
                let why = format!("a body in the encoding {other:?} is not read; gzip is");
                Err(Fault::other(StatusCode::UNSUPPORTED_MEDIA_TYPE, why))
            }
        }
    }

    fn unpacked(&self, packed: &[u8]) -> Result<Vec<u8>, Fault> {
        let most = self.options.max_body;
        let mut bytes = Vec::new();
        let read = MultiGzDecoder::new(packed).take(most as u64 + 1).read_to_end(&mut bytes);
        read.map_err(|error| Fault::invalid(format!("the body is not gzip: {error}")))?;
        if bytes.len() > most { Err(too_large(most)) } else { Ok(bytes) }
    }
}

/// 413.
pub(super) fn too_large(most: usize) -> Fault {
    let why = format!("Payload too large: a body has at most {most} bytes here (--max-body)");
    Fault { rejection: Some(Rejection::Body), ..Fault::other(StatusCode::PAYLOAD_TOO_LARGE, why) }
}

/// As axum decides: `application/json`, or a type whose suffix is `+json`.
fn is_json(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(bytes).map_err(|error| {
        // Keeping account of the place costs time, so it is done once something is wrong.
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let placed = serde_path_to_error::deserialize::<_, T>(&mut json);
        let why = placed.map_or_else(|placed| placed.to_string(), |_| error.to_string());
        match error.classify() {
            Category::Data => Fault::shape(why),
            // A number beyond f32 is syntax to the reader, and infinity to Chroma.
            _ if why.contains("number out of range") && why.contains("embeddings[") => {
                let why = "Validation error: embeddings: Embeddings must not contain NaN or Infinity values";
                Fault::invalid(why)
            }
            Category::Io | Category::Syntax | Category::Eof => {
                Fault::invalid(format!("Failed to parse the request body as JSON: {why}"))
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Body {
        #[serde(rename = "limit")]
        _limit: Option<u32>,
        #[serde(rename = "embeddings")]
        _embeddings: Option<Vec<Vec<f32>>>,
    }

    /// What Chroma 1.5.9 answered to these.
    #[test]
    fn errors_are_chromas() {
        for (body, status, message) in [
            ("{", 400, "Failed to parse the request body as JSON: EOF while parsing an object at line 1 column 1"),
            ("", 400, "Failed to parse the request body as JSON: EOF while parsing a value at line 1 column 0"),
            (
                r#"{"limit":-1}"#,
                422,
                "Failed to deserialize the JSON body into the target type: limit: invalid value: integer `-1`, expected u32 \
                 at line 1 column 11",
            ),
            (
                r#"{"embeddings":[[1e39]]}"#,
                400,
                "Validation error: embeddings: Embeddings must not contain NaN or Infinity values",
            ),
        ] {
            let fault = parse::<Body>(body.as_bytes()).unwrap_err();
            assert_eq!((fault.status.as_u16(), fault.message.as_str()), (status, message));
        }
    }

    #[test]
    fn types_that_are_json() {
        assert!(
            is_json("application/json") && is_json("Application/JSON; charset=utf-8") && is_json("application/a+json")
        );
        assert!(!is_json("text/plain") && !is_json("text/json") && !is_json(""));
    }
}
