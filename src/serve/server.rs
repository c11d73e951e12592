//! A server from its first socket to its last answer.
//!
//! Invariants: it does not start where strangers could come in unless it was told so (`safety`); once told to end it takes no
//! new connection, answers what it has, and closes the place.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::http::HeaderValue;
use axum_server::tls_rustls::RustlsAcceptor;
use axum_server::{Handle, Server as HttpServer};
use hyper_util::rt::TokioTimer;
use tokio::runtime::{Builder, Runtime};
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer, ExposeHeaders};

use super::ServeOptions;
use super::access::{ClaimRule, Guard, GuardRules, RateLimits};
use super::admission::Admission;
use super::call::Site;
use super::engine::Engine;
use super::gate::Gate;
use super::housekeeping::Housekeeping;
use super::http::{metrics_router, router};
use super::net::{Acceptor, Connections, Tls};
use super::observe::{LineWriter, LogLevel, RequestId, TrailWriters};
use super::oidc::Issuer;
use super::safety;
use crate::backend::Backend;
use crate::error::{Error, Result};

/// Bytes of the head of a request.
const MOST_HEAD_BYTES: usize = 64 << 10;
/// Requests of one HTTP/2 connection at once.
const MOST_STREAMS: u32 = 128;

/// A server that runs.
///
/// ```
/// use std::time::Duration;
///
/// use huedb::serve::{ServeOptions, Server};
/// use huedb::{Access, Store};
///
/// # let folder = tempfile::tempdir().unwrap();
/// let store = Store::open(folder.path().join("notes.redb"), Access::Create)?;
/// let server = Server::start(store, "127.0.0.1:0".parse().unwrap(), ServeOptions::of_process()?)?;
/// println!("listening on http://{}", server.address());
/// server.finish(Duration::from_secs(30))?;
/// # Ok::<(), huedb::Error>(())
/// ```
pub struct Server {
    address: SocketAddr,
    metrics_address: Option<SocketAddr>,
    handle: Handle<SocketAddr>,
    gate: Arc<Gate>,
    housekeeping: Housekeeping,
    thread: JoinHandle<io::Result<()>>,
}

impl Server {
    /// Starts to serve a file or another place; returns once connections are taken. Port 0 takes one that is free.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for an address that other machines reach, where the options don't say how to know who they
    /// are and how to keep what they send from others; [`Error::BadInput`] for a certificate that cannot be used;
    /// [`Error::Server`] when the identity provider cannot be asked; [`Error::Io`] when the address is taken, a log cannot be
    /// opened or there are no threads.
    pub fn start(place: impl Into<Arc<dyn Backend>>, address: SocketAddr, options: ServeOptions) -> Result<Self> {
        let backend = place.into();
        safety::check(address, &options, backend.as_ref())?;
        let tls = options.tls.clone().map(Tls::load).transpose()?;
        let guard = Guard::start(Arc::clone(&backend), rules(address, &options)?)?;
        let writer = |path: &str| LineWriter::start(path, options.notice.clone());
        let trails = TrailWriters {
            audit: options.audit.as_deref().map(writer).transpose()?,
            log: match options.log {
                LogLevel::Off => None,
                level => Some((writer("-")?, options.log_format, level)),
            },
        };
        let listener = listen(address)?;
        let metrics_listener = options.metrics_address.map(listen).transpose()?;
        let address = local(&listener)?;
        let metrics_address = metrics_listener.as_ref().map(local).transpose()?;
        let admission = Admission {
            guard,
            limits: RateLimits::new(options.rate),
            is_plain: tls.is_none() && !options.insecure && !address.ip().is_loopback(),
        };
        let connections = Arc::new(Connections::new(options.max_connections));
        let site = Arc::new(Site::new(backend, options, trails));
        let failed = |what: &str| {
            let what = what.to_owned();
            move |error: io::Error| Error::io(what, error)
        };
        let engine = Engine::start(Arc::clone(&site)).map_err(failed("start the workers"))?;
        let runtime = runtime().map_err(failed("start the threads of the server"))?;
        let gate = Arc::new(Gate::new(site, engine, admission, connections, tls));
        let housekeeping = Housekeeping::start(Arc::clone(&gate))?;
        let handle = Handle::new();
        let thread = {
            let (handle, gate) = (handle.clone(), Arc::clone(&gate));
            let run = move || runtime.block_on(run(gate, handle, listener, metrics_listener));
            std::thread::Builder::new().name("huedb-http".into()).spawn(run).map_err(failed("start the server"))?
        };
        Ok(Self { address, metrics_address, handle, gate, housekeeping, thread })
    }

    /// Returns the address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the address that serves the metrics by itself.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// Returns whether everybody may do everything: there are no tokens, and only this machine reaches the server.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.gate.admission.guard.is_open()
    }

    /// Reads certificates and opens files of logs again, soon after this returns.
    pub fn reload(&self) {
        self.housekeeping.reload();
    }

    /// Returns whether it has ended by itself, because its socket failed.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.thread.is_finished()
    }

    /// Takes no more connections, answers what has come and closes the place; connections that are at it for longer than
    /// `within` are cut.
    ///
    /// # Errors
    /// [`Error::Io`] when the socket had failed, and those of [`Backend::close`].
    pub fn finish(self, within: Duration) -> Result<()> {
        self.handle.graceful_shutdown(Some(within));
        let served = self.thread.join().unwrap_or_else(|_| Err(io::Error::other("the server met a fault in huedb")));
        drop(self.housekeeping);
        self.gate.engine.finish();
        self.gate.admission.guard.finish();
        let site = Arc::clone(&self.gate.site);
        drop(self.gate);
        site.observed.trails.finish();
        let backend = Arc::clone(&site.backend);
        drop(site);
        served.map_err(|error| Error::io("serve", error))?;
        backend.close()
    }
}

fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).map_err(|error| Error::io(format!("listen on {address}"), error))
}

fn local(listener: &TcpListener) -> Result<SocketAddr> {
    listener.local_addr().map_err(|error| Error::io("listen", error))
}

fn rules(address: SocketAddr, options: &ServeOptions) -> Result<GuardRules> {
    Ok(GuardRules {
        anonymous: options.anonymous,
        visitor: options.visitor.clone(),
        is_exposed: !address.ip().is_loopback(),
        issuer: options.oidc.as_ref().map(Issuer::start).transpose()?,
        claims: options.claim_rules.iter().map(|rule| ClaimRule::parse(rule)).collect::<Result<_>>()?,
    })
}

async fn run(
    gate: Arc<Gate>,
    handle: Handle<SocketAddr>,
    listener: TcpListener,
    metrics_listener: Option<TcpListener>,
) -> io::Result<()> {
    let options = gate.site.options.clone();
    if let Some(listener) = metrics_listener {
        let server = axum_server::from_tcp(listener)?.handle(handle.clone());
        let server = timed(server, &options);
        tokio::spawn(server.serve(metrics_router(&gate).into_make_service()));
    }
    let acceptor = Acceptor { connections: Arc::clone(&gate.connections), patience: options.stall_timeout };
    let routes = with_cors(router(&gate), &options.cors).into_make_service_with_connect_info::<SocketAddr>();
    let server = timed(axum_server::from_tcp(listener)?.handle(handle), &options);
    match gate.tls.as_ref().map(Tls::config) {
        None => server.acceptor(acceptor).serve(routes).await,
        Some(config) => {
            let connections = Arc::clone(&gate.connections);
            let server = server.accept_error_handler(move |_, _| connections.handshake_failed());
            let tls = RustlsAcceptor::new(config).handshake_timeout(options.handshake_timeout).acceptor(acceptor);
            server.acceptor(tls).serve(routes).await
        }
    }
}

/// Bounds how long a client may take with each part of a request but its body, which is bounded by the whole.
fn timed(mut server: HttpServer<SocketAddr>, options: &ServeOptions) -> HttpServer<SocketAddr> {
    let http = server.http_builder();
    http.http1().timer(TokioTimer::new()).header_read_timeout(options.head_timeout).max_buf_size(MOST_HEAD_BYTES);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MOST_STREAMS)
        .max_header_list_size(u32::try_from(MOST_HEAD_BYTES).unwrap_or(u32::MAX))
        .keep_alive_interval(options.stall_timeout)
        .keep_alive_timeout(options.head_timeout);
    server.first_request_timeout(options.head_timeout)
}

/// Lets pages of these origins ask from a browser.
fn with_cors(router: Router, origins: &[String]) -> Router {
    if origins.is_empty() {
        return router;
    }
    let origin = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()))
    };
    let exposed = ExposeHeaders::list([RequestId::header_name()]);
    let cors = CorsLayer::new().allow_origin(origin).allow_methods(AllowMethods::mirror_request());
    router.layer(cors.allow_headers(AllowHeaders::mirror_request()).expose_headers(exposed))
}

/// Threads that move bytes, of which few are enough: reading and answering is done by others.
fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(1).thread_name("huedb-io").enable_all().build()
}
