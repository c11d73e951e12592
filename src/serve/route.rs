//! What a route is.

use axum::http::Method;

use super::call::{Call, Example, Handled, Site};

/// A route: what is asked for, and what answers it.
pub(super) struct Route {
    pub(super) method: Method,
    /// As axum writes paths: parts in braces are open.
    pub(super) path: &'static str,
    /// Chroma's name of what it does, which authorisation goes by.
    pub(super) action: &'static str,
    pub(super) kind: Kind,
    pub(super) handler: fn(&Site, &Call) -> Handled,
    pub(super) doc: Doc,
}

/// How a route is worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// At once: it says what is known.
    Constant,
    /// By a worker; it reads.
    Read,
    /// By a worker; questions that wait with it are asked together.
    Question,
    /// By a worker; it changes the file.
    Write,
    /// By a thread of its own; it may take long.
    Long,
    /// As that, and it changes the file by a body that is read while it arrives.
    Upload,
}

/// The name of the shape of a body or an answer, and an example of it.
pub(super) type Shape = Option<(&'static str, Example)>;

/// What the description says of it.
pub(super) struct Doc {
    pub(super) summary: &'static str,
    pub(super) request: Shape,
    pub(super) response: Shape,
}

impl Route {
    pub(super) fn writes(&self) -> bool {
        matches!(self.kind, Kind::Write | Kind::Upload) || self.method == Method::POST && self.kind == Kind::Long
    }
}
