//! Connections as they come in: counted, and ended when their client takes nothing for too long.
//!
//! Invariant: there are never more connections than their bound and as many again that are only told so.

use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::Request;
use axum_server::accept::Accept;
use tokio::net::TcpStream;
use tokio_io_timeout::TimeoutStream;
use tower_service::Service;

/// Connections that are told that there are too many, before further ones are cut.
const TOLD: usize = 64;

/// How many connections there are.
#[derive(Debug)]
pub(in crate::serve) struct Connections {
    open: AtomicUsize,
    most: usize,
    without_request: AtomicU64,
    failed_handshakes: AtomicU64,
}

impl Connections {
    pub(in crate::serve) fn new(most: usize) -> Self {
        let (without_request, failed_handshakes) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { open: AtomicUsize::new(0), most, without_request, failed_handshakes }
    }

    /// Returns how many ended before the head of a request had come.
    pub(in crate::serve) fn without_request(&self) -> u64 {
        self.without_request.load(Ordering::Relaxed)
    }

    /// Returns how many ended before both sides had agreed on a key.
    pub(in crate::serve) fn failed_handshakes(&self) -> u64 {
        self.failed_handshakes.load(Ordering::Relaxed)
    }

    /// Counts one that could not be accepted.
    pub(in crate::serve) fn handshake_failed(&self) {
        self.failed_handshakes.fetch_add(1, Ordering::Relaxed);
    }

    pub(in crate::serve) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }
}

/// One of them, as its requests see it.
#[derive(Debug)]
pub(in crate::serve) struct Connection {
    all: Arc<Connections>,
    /// Whether it is one too many.
    pub(in crate::serve) is_surplus: bool,
    /// Whether a request has come.
    was_used: AtomicBool,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.all.open.fetch_sub(1, Ordering::Relaxed);
        if !self.was_used.load(Ordering::Relaxed) {
            self.all.without_request.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Accepts connections.
#[derive(Debug, Clone)]
pub(in crate::serve) struct Acceptor {
    pub(in crate::serve) connections: Arc<Connections>,
    /// How long a client may take nothing of an answer.
    pub(in crate::serve) patience: Duration,
}

impl<S> Accept<TcpStream, S> for Acceptor {
    type Stream = Pin<Box<TimeoutStream<TcpStream>>>;
    type Service = Connected<S>;
    type Future = Ready<io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let before = self.connections.open.fetch_add(1, Ordering::Relaxed);
        let (all, most) = (Arc::clone(&self.connections), self.connections.most);
        let connection = Connection { all, is_surplus: before >= most, was_used: AtomicBool::new(false) };
        if before >= most.saturating_add(TOLD) {
            return ready(Err(io::Error::other("too many connections")));
        }
        // An answer is written as a whole; there is nothing to wait for.
        let _ = stream.set_nodelay(true);
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(self.patience));
        ready(Ok((Box::pin(stream), Connected { service, connection: Arc::new(connection) })))
    }
}

/// The service of one connection, whose requests know it.
#[derive(Debug, Clone)]
pub(in crate::serve) struct Connected<S> {
    service: S,
    connection: Arc<Connection>,
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for Connected<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        self.connection.was_used.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(Arc::clone(&self.connection));
        self.service.call(request)
    }
}
