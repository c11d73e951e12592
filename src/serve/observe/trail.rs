//! One request from its head to its answer, as it is counted, logged and audited.
//!
//! Invariant: every request leaves a trail, that of a client which left before its answer too.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use serde::Serialize;

use super::{LineWriter, Metrics, RequestId};
#[cfg(feature = "mcp")]
use crate::record::Scope;
use crate::serve::access::{Action, Identity, Level, Place};

/// Which requests are logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// None.
    Off,
    /// Those that the server failed at.
    Errors,
    /// All.
    Requests,
}

/// How they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// A JSON object a line.
    Json,
}

/// Where trails end.
pub(in crate::serve) struct TrailWriters {
    pub(in crate::serve) audit: Option<LineWriter>,
    pub(in crate::serve) log: Option<(LineWriter, LogFormat, LogLevel)>,
}

impl TrailWriters {
    /// Opens the files again.
    pub(in crate::serve) fn reopen(&self) {
        self.all().for_each(LineWriter::reopen);
    }

    /// Writes what waits.
    pub(in crate::serve) fn finish(&self) {
        self.all().for_each(LineWriter::finish);
    }

    fn all(&self) -> impl Iterator<Item = &LineWriter> {
        self.audit.iter().chain(self.log.iter().map(|(writer, ..)| writer))
    }
}

/// Where requests are counted and logged.
pub(in crate::serve) struct Observed {
    pub(in crate::serve) metrics: Metrics,
    pub(in crate::serve) trails: TrailWriters,
}

/// A route, as trails name it.
#[derive(Debug, Clone, Copy)]
pub(in crate::serve) struct RouteName {
    pub(in crate::serve) method: &'static str,
    /// Its template.
    pub(in crate::serve) path: &'static str,
    pub(in crate::serve) action: Action,
}

/// The status of a request whose client left before its answer, as nginx has it.
const CLIENT_LEFT: u16 = 499;

/// What is known of a request so far.
pub(in crate::serve) struct Trail {
    observed: Arc<Observed>,
    route: RouteName,
    id: RequestId,
    started: Instant,
    remote: IpAddr,
    place: Place,
    pub(in crate::serve) subject: Option<Identity>,
    /// What was decided.
    pub(in crate::serve) outcome: &'static str,
    pub(in crate::serve) status: u16,
    pub(in crate::serve) error: Option<String>,
    /// Why it is not known who asks.
    pub(in crate::serve) reason: Option<&'static str>,
    /// Records that were read or written.
    pub(in crate::serve) records: Option<u64>,
    /// Bytes of its body.
    pub(in crate::serve) bytes: usize,
    /// How long it waited for a worker, once it has one.
    pub(in crate::serve) waited: Arc<OnceLock<Duration>>,
}

impl Trail {
    pub(in crate::serve) fn begin(
        observed: Arc<Observed>,
        route: RouteName,
        id: RequestId,
        remote: IpAddr,
        place: Place,
    ) -> Self {
        observed.metrics.in_flight.inc();
        Self {
            observed,
            route,
            id,
            started: Instant::now(),
            remote,
            place,
            subject: None,
            outcome: "allowed",
            status: CLIENT_LEFT,
            error: None,
            reason: None,
            records: None,
            bytes: 0,
            waited: Arc::default(),
        }
    }

    pub(in crate::serve) fn action(&self) -> Action {
        self.route.action
    }

    /// Says what a message was about whose route does not say it.
    #[cfg(feature = "mcp")]
    pub(in crate::serve) fn about(&mut self, action: Action, scope: Scope, collection: Option<String>) {
        self.route.action = action;
        self.place =
            Place { tenant: Some(scope.tenant), database: Some(scope.database), collection, ..Place::default() };
    }

    pub(in crate::serve) fn id(&self) -> &RequestId {
        &self.id
    }
}

/// A line of the audit trail.
#[derive(Serialize)]
struct AuditLine<'a> {
    timestamp: String,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'a str>,
    method: &'a str,
    route: &'a str,
    action: &'a str,
    /// How it was shown who asks; null where it was not.
    auth_type: Option<&'a str>,
    subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_id: Option<&'a str>,
    remote: String,
    tenant: Option<&'a str>,
    database: Option<&'a str>,
    collection: Option<&'a str>,
    /// What was decided.
    result: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<u64>,
    duration_ms: f64,
}

/// A line of the log of requests.
#[derive(Serialize)]
struct LogLine<'a> {
    time: String,
    level: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'a str>,
    method: &'a str,
    route: &'a str,
    status: u16,
    ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue_ms: Option<f64>,
    bytes: usize,
    remote: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

fn now() -> String {
    humantime::format_rfc3339_millis(SystemTime::now()).to_string()
}

impl Trail {
    fn token_id(&self) -> Option<&str> {
        match &self.subject {
            Some(Identity::Token { id, .. }) => Some(id),
            _ => None,
        }
    }

    fn audit_line(&self, took: Duration) -> AuditLine<'_> {
        AuditLine {
            timestamp: now(),
            request_id: self.id.as_str(),
            trace_id: self.id.trace.as_deref(),
            method: self.route.method,
            route: self.route.path,
            action: self.route.action.name(),
            auth_type: self.subject.as_ref().map(Identity::kind),
            subject: self.subject.as_ref().map(ToString::to_string),
            token_id: self.token_id(),
            remote: self.remote.to_string(),
            tenant: self.place.tenant.as_deref(),
            database: self.place.database.as_deref(),
            collection: self.place.collection.as_deref(),
            result: self.outcome,
            status: self.status,
            error: self.error.as_deref(),
            records: self.records,
            duration_ms: milliseconds(took),
        }
    }

    fn log_line(&self, took: Duration) -> LogLine<'_> {
        LogLine {
            time: now(),
            level: if self.status >= 500 { "error" } else { "info" },
            request_id: self.id.as_str(),
            trace_id: self.id.trace.as_deref(),
            method: self.route.method,
            route: self.route.path,
            status: self.status,
            ms: milliseconds(took),
            queue_ms: self.waited.get().copied().map(milliseconds),
            bytes: self.bytes,
            remote: self.remote.to_string(),
            subject: self.subject.as_ref().map(ToString::to_string).filter(|subject| !subject.is_empty()),
            token_id: self.token_id(),
            tenant: self.place.tenant.as_deref(),
            error: self.error.as_deref(),
        }
    }

    fn log(&self, took: Duration) {
        let Some((writer, format, level)) = &self.observed.trails.log else { return };
        let least = if self.status >= 500 { LogLevel::Errors } else { LogLevel::Requests };
        if *level < least {
            return;
        }
        let line = self.log_line(took);
        let line = match format {
            LogFormat::Json => serde_json::to_string(&line).unwrap_or_default(),
            LogFormat::Text => {
                let LogLine { time, request_id, method, route, status, ms, .. } = &line;
                let subject = line.subject.as_deref().map(|subject| format!(" {subject:?}")).unwrap_or_default();
                let error = line.error.map(|error| format!(": {error:?}")).unwrap_or_default();
                format!("{time} {status} {method} {route} {ms} ms {request_id}{subject}{error}")
            }
        };
        writer.write(line);
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        let took = self.started.elapsed();
        let metrics = &self.observed.metrics;
        metrics.in_flight.dec();
        metrics.body_bytes.inc_by(self.bytes as u64);
        metrics.answered(self.route.method, self.route.path, self.status, took);
        if let Some(audit) = &self.observed.trails.audit
            && self.route.action.level() != Level::Public
        {
            audit.write(serde_json::to_string(&self.audit_line(took)).unwrap_or_default());
        }
        self.log(took);
    }
}
