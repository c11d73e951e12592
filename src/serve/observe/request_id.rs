//! What a request is called in logs: by its client, by the trace it is part of, or by us.
//!
//! Invariant: what a client says is taken only where it can do no harm in a log.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
static TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");

/// The longest identity that is taken.
const MOST_BYTES: usize = 128;

/// A request's identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::serve) struct RequestId {
    id: String,
    /// The trace that it is part of (W3C Trace Context).
    pub(in crate::serve) trace: Option<String>,
}

impl RequestId {
    /// Takes what the head of a request says, or makes one.
    pub(in crate::serve) fn of(headers: &HeaderMap) -> Self {
        let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let is_sound =
            |id: &&str| (1..=MOST_BYTES).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
        let trace = text(&TRACE_PARENT).and_then(trace_id).map(str::to_owned);
        let id = text(&REQUEST_ID).filter(is_sound).map(str::to_owned);
        let id = id.or_else(|| trace.clone()).unwrap_or_else(|| Uuid::new_v4().simple().to_string());
        Self { id, trace }
    }

    pub(in crate::serve) fn as_str(&self) -> &str {
        &self.id
    }

    /// Returns the header that says it, under a name.
    pub(in crate::serve) fn header(&self) -> HeaderValue {
        HeaderValue::from_str(&self.id).unwrap_or(HeaderValue::from_static("unknown"))
    }

    /// The header it is taken from and sent back in.
    pub(in crate::serve) fn header_name() -> HeaderName {
        REQUEST_ID.clone()
    }
}

/// Returns the second field of `00-<trace>-<span>-<flags>`, where it is not all zeros.
fn trace_id(text: &str) -> Option<&str> {
    let mut fields = text.split('-');
    let (version, trace, span, flags) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let is_hex = |field: &str, length| {
        field.len() == length && field.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    let is_formed = is_hex(version, 2) && version != "ff" && is_hex(trace, 32) && is_hex(span, 16) && is_hex(flags, 2);
    let is_zero = |field: &str| field.bytes().all(|byte| byte == b'0');
    (is_formed && !is_zero(trace) && !is_zero(span)).then_some(trace)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn of(headers: &[(&'static str, &str)]) -> RequestId {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        RequestId::of(&map)
    }

    #[test]
    fn a_sound_identity_is_taken_and_any_other_is_made() {
        let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
        assert_eq!(of(&[("x-request-id", "a-1")]).as_str(), "a-1");
        let traced = of(&[("traceparent", &parent)]);
        assert_eq!((traced.as_str(), traced.trace.as_deref()), (TRACE, Some(TRACE)));
        let both = of(&[("x-request-id", "a-1"), ("traceparent", &parent)]);
        assert_eq!((both.as_str(), both.trace.as_deref()), ("a-1", Some(TRACE)));
        for bad in ["", "a b", &"a".repeat(129), "a\tb"] {
            assert_eq!(of(&[("x-request-id", bad)]).as_str().len(), 32, "{bad}");
        }
        for bad in [
            "",
            "00-abc-00f067aa0ba902b7-01",
            &format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            &format!("00-{}-00f067aa0ba902b7-01", TRACE.to_uppercase()),
            &format!("ff-{TRACE}-00f067aa0ba902b7-01"),
            &format!("00-{TRACE}-0000000000000000-01"),
        ] {
            assert_eq!(of(&[("traceparent", bad)]).trace, None, "{bad}");
        }
    }
}
