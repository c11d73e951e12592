//! What went wrong, as Chroma's server says it: a status, one of its names, a message.
//!
//! Clients choose their exception by the name (Python) or by the status (JavaScript), so both are the contract's. Invariant: a
//! client is never told 5xx for what it sent.

use std::time::Duration;

use axum::http::StatusCode;

use super::rejection::Rejection;
use crate::error::{Error, ErrorKind};

/// A request that is refused or failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) status: StatusCode,
    pub(super) name: &'static str,
    pub(super) message: String,
    /// Seconds after which the same request may be sent again.
    pub(super) retry_after: Option<u64>,
    /// The bound that the request went over.
    pub(super) rejection: Option<Rejection>,
    /// The id of the record that is bad.
    pub(super) record: Option<String>,
}

/// Chroma's name of what the caller did wrong.
const INVALID: &str = "InvalidArgumentError";
/// Chroma's name of whatever has no other.
const OTHER: &str = "ChromaError";

impl Fault {
    fn new(status: StatusCode, name: &'static str, message: impl Into<String>) -> Self {
        Self { status, name, message: message.into(), retry_after: None, rejection: None, record: None }
    }

    /// 400: the request says what cannot be.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, INVALID, message)
    }

    /// 404.
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFoundError", message)
    }

    /// 422: the body has not the shape of the route.
    pub(super) fn shape(message: impl std::fmt::Display) -> Self {
        let message = format!("Failed to deserialize the JSON body into the target type: {message}");
        Self::other(StatusCode::UNPROCESSABLE_ENTITY, message)
    }

    /// A status that Chroma has no name for.
    pub(super) fn other(status: StatusCode, message: impl Into<String>) -> Self {
        Self::new(status, OTHER, message)
    }

    /// 500.
    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message)
    }

    /// 401: who asks is not known, or not believed.
    pub(super) fn unauthenticated(reason: &str) -> Self {
        let message = match reason {
            "missing" => "a token is needed; send it as X-Chroma-Token or as Authorization: Bearer",
            "expired" => "the token has expired",
            "malformed" => "what was sent is not a token",
            _ => "the token is not known here, or its signature and claims are not to be believed",
        };
        Self::new(StatusCode::UNAUTHORIZED, "AuthorizationError", message)
    }

    /// 403: who asks is known, and may not.
    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "AuthError", message)
    }

    /// 429: too many requests in too short a time.
    pub(super) fn too_fast(wait: Duration, message: impl Into<String>) -> Self {
        let fault = Self::new(StatusCode::TOO_MANY_REQUESTS, "RateLimitError", message);
        let retry_after = Some(wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
        Self { retry_after, rejection: Some(Rejection::Rate), ..fault }
    }

    /// 429: a bound of what the server does at once. Named, so that whoever runs the server knows what to change.
    pub(super) fn over(rejection: Rejection, message: impl Into<String>) -> Self {
        Self { rejection: Some(rejection), ..Self::backoff(message) }
    }

    /// 400: a bound of what one request may ask for.
    pub(super) fn beyond(rejection: Rejection, message: impl Into<String>) -> Self {
        Self { rejection: Some(rejection), ..Self::invalid(message) }
    }

    /// 429: another process holds the file, or as many requests as may wait do. Clients that try again do so for this status
    /// whatever the method.
    pub(super) fn backoff(message: impl Into<String>) -> Self {
        let fault = Self::new(StatusCode::TOO_MANY_REQUESTS, "Backoff", message);
        Self { retry_after: Some(1), ..fault }
    }

    /// Returns Chroma's body of it; which record is bad is huedb's own.
    pub(super) fn body(&self) -> Vec<u8> {
        let mut body = serde_json::json!({ "error": self.name, "message": self.message });
        if let (Some(record), Some(body)) = (&self.record, body.as_object_mut()) {
            body.insert("record".into(), record.as_str().into());
        }
        body.to_string().into_bytes()
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match &error {
            Error::CollectionNotFound { name, .. } => Self::not_found(format!("Collection [{name}] does not exist")),
            Error::TenantNotFound { name, .. } => Self::not_found(format!("Tenant [{name}] not found")),
            Error::DatabaseNotFound { name, .. } => {
                Self::not_found(format!("Database [{name}] not found. Are you sure it exists?"))
            }
            Error::CollectionExists { name } => exists("Collection", name),
            Error::TenantExists { name } => exists("Tenant", name),
            Error::DatabaseExists { name, .. } => exists("Database", name),
            Error::EmptyId => Self::invalid("Empty ID, ID must have at least one character"),
            Error::DimensionMismatch { expected, got, .. } => Self::invalid(of_length(*expected, *got)),
            // What is wrong with a record is said as what is wrong with an embedding by itself; which, for a longer batch.
            Error::BadRecord { id, cause } => {
                let said = match &**cause {
                    Error::DimensionMismatch { expected, got, .. } => Self::invalid(of_length(*expected, *got)),
                    _ if error.kind() == ErrorKind::Input => Self::invalid(error.with_hint()),
                    _ => Self::internal(error.with_hint()),
                };
                Self { record: Some(id.clone()), ..said }
            }
            Error::Busy { .. } => Self::backoff(error.to_string()),
            Error::FileNotFound { .. } | Error::KeyNeeded { .. } | Error::WrongKey { .. } => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "InternalError", error.to_string())
            }
            _ if error.kind() == ErrorKind::Input => Self::invalid(error.with_hint()),
            _ => Self::internal(error.with_hint()),
        }
    }
}

fn of_length(expected: usize, got: usize) -> String {
    format!("Collection expecting embedding with dimension of {expected}, got {got}")
}

fn exists(what: &str, name: &str) -> Fault {
    Fault::other(StatusCode::CONFLICT, format!("{what} [{name}] already exists"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_not_told_of_a_failure_for_what_it_sent() {
        let record = |cause| Error::BadRecord { id: "a".into(), cause: Box::new(cause) };
        let mismatch = || Error::DimensionMismatch { collection: "notes".into(), expected: 2, got: 3 };
        let said = "Collection expecting embedding with dimension of 2, got 3";
        for (error, status, name, message) in [
            (mismatch(), 400, INVALID, said),
            (record(mismatch()), 400, INVALID, said),
            (Error::CollectionExists { name: "notes".into() }, 409, OTHER, "Collection [notes] already exists"),
            (Error::EmptyId, 400, INVALID, "Empty ID, ID must have at least one character"),
            (Error::argument("no"), 400, INVALID, "no"),
            (Error::damaged("a page"), 500, "InternalError", "damaged"),
        ] {
            let fault = Fault::from(error);
            assert_eq!((fault.status.as_u16(), fault.name), (status, name));
            assert!(fault.message.contains(message), "{}", fault.message);
        }
        let busy = Fault::from(Error::Busy { path: "f".into(), waited: std::time::Duration::ZERO });
        assert_eq!((busy.status.as_u16(), busy.name, busy.retry_after), (429, "Backoff", Some(1)));
    }
}
