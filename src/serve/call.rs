//! What a route is, one request as its handler sees it, and what the handler makes of that.

use std::collections::HashSet;
use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::{Method, StatusCode};
use serde::Serialize;
use serde_json::Value as Json;
use uuid::Uuid;

use super::ServeOptions;
use super::access::{Action, Caller};
use super::fault::Fault;
use super::observe::{Metrics, Observed, TrailWriters};
use super::question::Question;
use super::upload::Upload;
use crate::backend::{self, Backend, Only, Records, only_in};
use crate::error::Result;
use crate::record::Scope;
use crate::store::{Outcome, Store};

/// A request whose body has arrived.
pub(super) struct Call {
    pub(super) route: &'static Route,
    /// The parts of the path that the route leaves open, in their order.
    pub(super) params: Vec<(String, String)>,
    /// What is behind the question mark.
    pub(super) query: String,
    pub(super) content_type: Option<String>,
    pub(super) content_encoding: Option<String>,
    pub(super) body: Bytes,
    /// The body of a route that reads it while it arrives.
    pub(super) upload: Option<Mutex<Option<Upload>>>,
    /// When its answer is no longer wanted.
    pub(super) deadline: Instant,
    /// Who asks, and what they may do.
    pub(super) access: Caller,
    /// How long it waited for a worker, once it has one.
    pub(super) waited: Arc<OnceLock<Duration>>,
}

/// What every handler works with.
pub(super) struct Site {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) options: ServeOptions,
    /// Lines that were told.
    pub(super) told: Mutex<HashSet<String>>,
    pub(super) observed: Arc<Observed>,
}

/// What is sent back.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) body: Vec<u8>,
    /// Lines that tell of what was done beside what was asked.
    pub(super) notes: Vec<String>,
    /// Records that were read or written.
    pub(super) records: Option<u64>,
    /// What it is, where it is not JSON.
    pub(super) content_type: Option<&'static str>,
    /// What else is said of it: headers by name.
    pub(super) headers: &'static [(&'static str, &'static str)],
}

/// Writes an answer that is sent while it is made; its first bytes say that all went well.
pub(super) type Stream = Box<dyn FnOnce(&mut (dyn Write + Send)) -> Result<()> + Send>;

/// What a handler makes of a call.
pub(super) enum Step {
    /// The answer.
    Done(Reply),
    /// A write, for the writer to do with others, and the answer once it is durable.
    Write(backend::Write, fn(Outcome) -> Answered),
    /// A question, to be asked with others of its kind.
    Ask(Box<Question>),
    /// An answer of this type and of any length.
    Stream(&'static str, Option<u64>, Stream),
}

pub(super) type Answered = Result<Reply, Fault>;
pub(super) type Handled = Result<Step, Fault>;

impl Reply {
    /// 200 with a value as JSON.
    pub(super) fn json(value: &impl Serialize) -> Self {
        // Nothing that is answered here has keys that are no strings, or fails to be written.
        Self::of(serde_json::to_vec(value).unwrap_or_default())
    }

    fn of(body: Vec<u8>) -> Self {
        Self { status: StatusCode::OK, body, notes: Vec::new(), records: None, content_type: None, headers: &[] }
    }

    /// 200 with a text that is no JSON.
    pub(super) fn text(content_type: &'static str, text: String) -> Self {
        Self { content_type: Some(content_type), ..Self::of(text.into_bytes()) }
    }

    /// Says how many records it is about.
    pub(super) fn about(self, records: usize) -> Self {
        Self { records: Some(records as u64), ..self }
    }

    /// 200 with an empty object.
    pub(super) fn empty() -> Self {
        Self::of(b"{}".to_vec())
    }

    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }
}

impl From<Reply> for Step {
    fn from(reply: Reply) -> Self {
        Self::Done(reply)
    }
}

impl Call {
    /// Returns a part of the path.
    pub(super) fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// Returns the tenant and database of the path.
    pub(super) fn scope(&self) -> Scope {
        Scope { tenant: self.param("tenant").to_owned(), database: self.param("database").to_owned() }
    }

    /// Returns a number behind the question mark.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Fault> {
        let Some(value) = self.query_value(name) else { return Ok(None) };
        let bad =
            |why: std::num::ParseIntError| Fault::invalid(format!("Failed to deserialize query string: {name}: {why}"));
        value.parse::<u32>().map(|number| Some(number.into())).map_err(bad)
    }

    /// Returns a value behind the question mark, as it was written.
    pub(super) fn query_value(&self, name: &str) -> Option<&str> {
        let pairs = self.query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

impl Site {
    pub(super) fn new(backend: Arc<dyn Backend>, options: ServeOptions, trails: TrailWriters) -> Self {
        let metrics = Metrics::new(backend.file().is_some());
        Self { backend, options, told: Mutex::default(), observed: Arc::new(Observed { metrics, trails }) }
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.observed.metrics
    }

    /// Tells a line, unless it was told before.
    pub(super) fn tell(&self, line: &str) {
        /// Different lines that are remembered.
        const KEPT: usize = 1000;
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() >= KEPT {
            told.clear();
        }
        if told.insert(line.to_owned()) {
            drop(told);
            self.options.notice.tell(line);
        }
    }

    /// Follows a file to what was put in its place.
    pub(super) fn follow(&self) -> Result<()> {
        self.backend.file().map_or(Ok(()), |store| store.follow().map(drop))
    }

    /// Returns the file for what only a file can do; `verb` is what is asked for.
    pub(super) fn file(&self, verb: &'static str) -> Result<&Store, Fault> {
        let refused = || only_in(self.backend.place(), Only::File(verb)).with_hint();
        self.backend.file().ok_or_else(|| Fault::other(StatusCode::NOT_IMPLEMENTED, refused()))
    }

    /// Returns the place as the tenant and database of a path see it.
    pub(super) fn backend_of(&self, call: &Call) -> Arc<dyn Backend> {
        self.backend.in_scope(call.scope())
    }

    /// Returns the collection of a path, inside its tenant and database; that it exists is seen when it is used.
    pub(super) fn records(&self, call: &Call) -> Result<Arc<dyn Records>, Fault> {
        let id = Uuid::try_parse(call.param("collection"));
        let id = id.map_err(|_| Fault::invalid("Collection ID is not a valid UUIDv4"))?;
        Ok(call.access.limit(self.backend_of(call).collection(id.into())))
    }
}

/// An example of a body, for the description of a route.
pub(super) type Example = fn() -> Json;

/// A route: what is asked for, and what answers it.
pub(super) struct Route {
    pub(super) method: Method,
    /// As axum writes paths: parts in braces are open.
    pub(super) path: &'static str,
    /// Chroma's name of what it does, which authorisation goes by.
    pub(super) action: Action,
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
    /// Returns whether the collection of its path is given by its name.
    pub(super) fn names_collection(&self) -> bool {
        matches!(self.action, Action::DeleteCollection)
            || self.action == Action::GetCollection && !self.path.contains("/by-id/")
    }

    pub(super) fn writes(&self) -> bool {
        matches!(self.kind, Kind::Write | Kind::Upload) || self.method == Method::POST && self.kind == Kind::Long
    }
}
