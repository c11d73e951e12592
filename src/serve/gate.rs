//! What every request passes on its way to the workers.
//!
//! Knows no HTTP. Invariant: a request is answered once, by a worker, at once, or with the word that it took too long.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

use super::access::Action;
use super::admission::Admission;
use super::call::{Call, Kind, Site, Step};
use super::engine::{Engine, Job, guarded, too_late};
use super::fault::Fault;
use super::intake::room;
use super::net::{Connections, Tls};
use super::observe::bring;
use super::rejection::Rejection;
use super::responder::{Outgoing, Responder};

/// What every request passes.
pub(super) struct Gate {
    pub(super) site: Arc<Site>,
    pub(super) engine: Engine,
    pub(super) admission: Admission,
    pub(super) connections: Arc<Connections>,
    pub(super) tls: Option<Tls>,
    /// Room for bodies.
    pub(super) bodies: Arc<Semaphore>,
}

impl Gate {
    pub(super) fn new(
        site: Arc<Site>,
        engine: Engine,
        admission: Admission,
        connections: Arc<Connections>,
        tls: Option<Tls>,
    ) -> Self {
        let bodies = room(site.options.max_bodies);
        Self { site, engine, admission, connections, tls, bodies }
    }

    /// Brings the metrics up to date with what is kept elsewhere.
    pub(super) fn refresh_metrics(&self) {
        let gauges = &self.site.metrics().gauges;
        let as_gauge = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        gauges.connections.set(as_gauge(self.connections.open()));
        let metrics = self.site.metrics();
        let handshakes = self.connections.failed_handshakes();
        metrics.bring_rejected(Rejection::Handshake, handshakes);
        metrics.bring_rejected(Rejection::Head, self.connections.without_request().saturating_sub(handshakes));
        gauges.queue.set(as_gauge(self.engine.waiting()));
        if let Some(store) = self.site.backend.file() {
            let cache = store.cache();
            gauges.cache.set(as_gauge(cache.bytes()));
            let (hits, misses) = cache.uses();
            bring(&gauges.cache_hits, hits);
            bring(&gauges.cache_misses, misses);
            bring(&gauges.commits, store.commits());
            if let Ok(found) = std::fs::metadata(store.path()) {
                gauges.file.set(i64::try_from(found.len()).unwrap_or(i64::MAX));
            }
        }
        if let Some(tls) = &self.tls {
            gauges.certificate.set(tls.expires());
        }
        if let Some(audit) = &self.site.observed.trails.audit {
            bring(&gauges.audit_lost, audit.lost());
        }
    }
}

/// Has a request answered by the workers, or at once where nothing is to be worked on.
pub(super) async fn work(gate: &Arc<Gate>, call: Call) -> Outgoing {
    if call.route.kind == Kind::Constant {
        if call.route.action == Action::Metrics {
            gate.refresh_metrics();
        }
        return Outgoing::Whole(match guarded(|| (call.route.handler)(&gate.site, &call)) {
            Ok(Step::Done(reply)) => Ok(reply),
            Ok(_) => Err(Fault::internal("a constant route has work to do")),
            Err(fault) => Err(fault),
        });
    }
    let is_bounded = !matches!(call.route.kind, Kind::Long | Kind::Upload);
    let (sender, receiver) = oneshot::channel();
    gate.engine.submit(Job { call, responder: Responder::new(sender), since: Instant::now() });
    let outgoing =
        if is_bounded { timeout(gate.site.options.request_timeout, receiver).await } else { Ok(receiver.await) };
    match outgoing {
        Ok(Ok(outgoing)) => outgoing,
        Ok(Err(_)) => Outgoing::Whole(Err(Fault::internal("the request was not answered"))),
        Err(_) => Outgoing::Whole(Err(too_late())),
    }
}
