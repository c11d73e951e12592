//! A server from its first socket to its last answer.
//!
//! Invariants: it listens on loopback addresses alone; once told to end it takes no new connection, answers what it has, and
//! closes the file.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum_server::Handle;
use hyper_util::rt::TokioTimer;
use tokio::runtime::{Builder, Runtime};

use super::ServeOptions;
use super::call::Site;
use super::engine::Engine;
use super::http::{Gate, router};
use crate::error::{Error, Result};
use crate::store::Store;

/// How long the head of a request may take to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

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
    handle: Handle<SocketAddr>,
    gate: Arc<Gate>,
    thread: JoinHandle<io::Result<()>>,
}

impl Server {
    /// Starts to serve a file; returns once connections are taken. Port 0 takes one that is free.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for an address that other machines reach: nobody is asked who they are. [`Error::Io`] when
    /// the address is taken or there are no threads.
    pub fn start(store: Store, address: SocketAddr, options: ServeOptions) -> Result<Self> {
        if !address.ip().is_loopback() {
            return Err(Error::InvalidArgument {
                why: format!(
                    "{address} can be reached by other machines, and whoever reaches it may read and write everything"
                ),
                hint: Some("listen on 127.0.0.1, behind a proxy that asks who they are".into()),
            });
        }
        let failed = |what: &str| {
            let what = what.to_owned();
            move |error: io::Error| Error::io(what, error)
        };
        let listener = TcpListener::bind(address).map_err(failed(&format!("listen on {address}")))?;
        let address = listener.local_addr().map_err(failed("listen"))?;
        let site = Arc::new(Site::new(store, options));
        let engine = Engine::start(Arc::clone(&site)).map_err(failed("start the workers"))?;
        let runtime = runtime().map_err(failed("start the threads of the server"))?;
        let gate = Arc::new(Gate::new(site, engine));
        let (handle, router) = (Handle::new(), router(&gate));
        let thread = {
            let handle = handle.clone();
            let run = move || {
                runtime.block_on(async move {
                    let mut server = axum_server::from_tcp(listener)?.handle(handle);
                    let http = server.http_builder();
                    http.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
                    server.first_request_timeout(HEAD_TIMEOUT).serve(router.into_make_service()).await
                })
            };
            std::thread::Builder::new().name("huedb-http".into()).spawn(run).map_err(failed("start the server"))?
        };
        Ok(Self { address, handle, gate, thread })
    }

    /// Returns the address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns whether it has ended by itself, because its socket failed.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.thread.is_finished()
    }

    /// Takes no more connections, answers what has come and closes the file; connections that are at it for longer than
    /// `within` are cut.
    ///
    /// # Errors
    /// [`Error::Io`] when the socket had failed, and those of [`Store::close`].
    pub fn finish(self, within: Duration) -> Result<()> {
        self.handle.graceful_shutdown(Some(within));
        let served = self.thread.join().unwrap_or_else(|_| Err(io::Error::other("the server met a fault in huedb")));
        self.gate.engine.finish();
        let store = self.gate.site.store.clone();
        drop(self.gate);
        served.map_err(|error| Error::io("serve", error))?;
        store.close()
    }
}

/// Threads that move bytes, of which few are enough: reading and answering is done by others.
fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(1).thread_name("huedb-io").enable_all().build()
}
