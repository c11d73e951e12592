//! What is counted and measured, as `OpenMetrics`.
//!
//! Invariants: a route is its template, never a path, so that clients cannot make series; nothing is read from the file when
//! somebody asks, so that a scrape is answered when nothing else is.

use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::process::ProcessCollector;
use crate::serve::rejection::Rejection;

/// Upper bounds in seconds: from what a question takes to what a server may.
const SECONDS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
const TOGETHER: [f64; 7] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: String,
    route: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    method: String,
    route: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabels {
    operation: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildLabels {
    version: &'static str,
}

/// A family of histograms of seconds.
type Timed = Family<RouteLabels, Histogram, fn() -> Histogram>;

fn seconds() -> Histogram {
    Histogram::new(SECONDS)
}

/// What is counted and measured.
pub(in crate::serve) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Timed,
    rejected: Family<ReasonLabels, Counter>,
    auth_failures: Family<ReasonLabels, Counter>,
    rate_limited: Counter,
    written: Family<OperationLabels, Counter>,
    pub(in crate::serve) in_flight: Gauge,
    pub(in crate::serve) body_bytes: Counter,
    pub(in crate::serve) queue_wait: Histogram,
    pub(in crate::serve) searches: Histogram,
    pub(in crate::serve) search_batch: Histogram,
    pub(in crate::serve) search_warnings: Counter,
    pub(in crate::serve) writes: Histogram,
    /// What is looked up elsewhere, by whoever asks for the metrics or keeps house.
    pub(in crate::serve) gauges: Gauges,
}

/// Figures that are kept elsewhere.
#[derive(Default)]
pub(in crate::serve) struct Gauges {
    pub(in crate::serve) connections: Gauge,
    pub(in crate::serve) queue: Gauge,
    pub(in crate::serve) cache: Gauge,
    pub(in crate::serve) file: Gauge,
    pub(in crate::serve) collections: Gauge,
    pub(in crate::serve) certificate: Gauge<i64, AtomicI64>,
    pub(in crate::serve) backup: Gauge<i64, AtomicI64>,
    pub(in crate::serve) commits: Counter,
    pub(in crate::serve) cache_hits: Counter,
    pub(in crate::serve) cache_misses: Counter,
    pub(in crate::serve) audit_lost: Counter,
}

impl Metrics {
    /// Begins at nothing; `has_file` says whether there are figures of a file.
    pub(in crate::serve) fn new(has_file: bool) -> Self {
        let mut root = Registry::default();
        root.register_collector(Box::new(ProcessCollector::new()));
        let registry = root.sub_registry_with_prefix("huedb");
        let requests = Family::<RequestLabels, Counter>::default();
        let durations = Timed::new_with_constructor(seconds);
        let (rejected, auth_failures) = (Family::<ReasonLabels, Counter>::default(), Family::default());
        let (rate_limited, written) = (Counter::default(), Family::<OperationLabels, Counter>::default());
        let (in_flight, body_bytes) = (Gauge::default(), Counter::default());
        let (queue_wait, searches, writes) = (seconds(), seconds(), seconds());
        let (search_batch, search_warnings, gauges) = (Histogram::new(TOGETHER), Counter::default(), Gauges::default());
        registry.register(
            "build",
            "The version that runs",
            Info::new(BuildLabels { version: env!("CARGO_PKG_VERSION") }),
        );
        registry.register("http_requests", "Requests that were answered", requests.clone());
        registry.register(
            "http_request_duration_seconds",
            "From the head of a request to its answer",
            durations.clone(),
        );
        registry.register("http_requests_in_flight", "Requests that are being worked on", in_flight.clone());
        registry.register("http_request_body_bytes", "Bytes of bodies that were read", body_bytes.clone());
        registry.register("rejected", "Requests refused because of a bound", rejected.clone());
        registry.register("auth_failures", "Requests refused for who sent them", auth_failures.clone());
        registry.register("rate_limited", "Requests refused for their rate", rate_limited.clone());
        registry.register("queue_wait_seconds", "How long requests waited for a worker", queue_wait.clone());
        registry.register("search_duration_seconds", "How long searches took", searches.clone());
        registry.register("search_batch_size", "Questions that were asked together", search_batch.clone());
        registry.register("search_warnings", "Searches that passed over something damaged", search_warnings.clone());
        registry.register("write_duration_seconds", "How long writes took, until they were durable", writes.clone());
        registry.register("records_written", "Records in writes that were done", written.clone());
        gauges.register(registry);
        if has_file {
            gauges.register_of_file(registry);
        }
        for rejection in Rejection::ALL {
            drop(rejected.get_or_create(&ReasonLabels { reason: rejection.name() }));
        }
        Self {
            registry: root,
            requests,
            durations,
            rejected,
            auth_failures,
            rate_limited,
            written,
            in_flight,
            body_bytes,
            queue_wait,
            searches,
            search_batch,
            search_warnings,
            writes,
            gauges,
        }
    }

    /// Counts a request that was answered.
    pub(in crate::serve) fn answered(&self, method: &str, route: &'static str, status: u16, took: Duration) {
        let of_route = RouteLabels { method: method.to_owned(), route };
        self.requests.get_or_create(&RequestLabels { method: method.to_owned(), route, status }).inc();
        self.durations.get_or_create(&of_route).observe(took.as_secs_f64());
    }

    /// Counts a request that went over a bound.
    pub(in crate::serve) fn reject(&self, rejection: Rejection) {
        self.rejected.get_or_create(&ReasonLabels { reason: rejection.name() }).inc();
        if rejection == Rejection::Rate {
            self.rate_limited.inc();
        }
    }

    /// Brings the count of a bound to what was counted elsewhere.
    pub(in crate::serve) fn bring_rejected(&self, rejection: Rejection, to: u64) {
        bring(&self.rejected.get_or_create(&ReasonLabels { reason: rejection.name() }), to);
    }

    /// Counts a request whose sender is not known or not believed.
    pub(in crate::serve) fn unauthenticated(&self, reason: &'static str) {
        self.auth_failures.get_or_create(&ReasonLabels { reason }).inc();
    }

    /// Counts records that were written.
    pub(in crate::serve) fn wrote(&self, operation: &'static str, records: u64) {
        self.written.get_or_create(&OperationLabels { operation }).inc_by(records);
    }

    /// Returns everything, as `OpenMetrics` has it.
    pub(in crate::serve) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = text::encode(&mut text, &self.registry);
        text
    }
}

impl Gauges {
    fn register(&self, registry: &mut Registry) {
        registry.register("connections", "Open connections", self.connections.clone());
        registry.register("queue_length", "Requests that wait for a worker", self.queue.clone());
        registry.register(
            "audit_lines_lost",
            "Lines of the audit trail that could not be written",
            self.audit_lost.clone(),
        );
        let certificate = "Until when the certificate is good, in seconds since 1970";
        registry.register("tls_certificate_expiry_timestamp_seconds", certificate, self.certificate.clone());
    }

    /// What there is to say of a file alone.
    fn register_of_file(&self, registry: &mut Registry) {
        registry.register("cache_bytes", "Memory of what stays decoded between questions", self.cache.clone());
        registry.register("cache_hits", "Found in that memory", self.cache_hits.clone());
        registry.register("cache_misses", "Looked for there and not found", self.cache_misses.clone());
        registry.register("file_bytes", "Length of the file", self.file.clone());
        registry.register("collections", "Collections in the file", self.collections.clone());
        registry.register("write_commits", "Transactions that this process committed", self.commits.clone());
        let backup = "When a backup was last sent as a whole, in seconds since 1970";
        registry.register("backup_last_success_timestamp_seconds", backup, self.backup.clone());
    }
}

/// Brings a counter to what was counted elsewhere.
pub(in crate::serve) fn bring(counter: &Counter<u64, AtomicU64>, to: u64) {
    counter.inc_by(to.saturating_sub(counter.get()));
}
