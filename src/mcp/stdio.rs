//! A session on the standard input and output.
//!
//! Invariant: the standard output has the messages of the protocol, and nothing else.

use std::sync::Arc;

use rmcp::ServiceExt;
use rmcp::service::ServerInitializeError;
use tokio::runtime::Builder;
use tokio::task::spawn_blocking;

use super::answer::{Request, Response, answer};
use super::catalogue::Catalogue;
use super::session::{Session, Worker};
use crate::error::{Error, Result};

/// Answers on threads beside that which reads and writes.
struct Threads(Arc<dyn Catalogue>);

impl Worker for Threads {
    async fn work(&self, request: Request) -> Response {
        let catalogue = Arc::clone(&self.0);
        let done = spawn_blocking(move || answer(&*catalogue, request)).await;
        done.unwrap_or_else(|_| Response::Failed("a fault in huedb itself; please report it".into()))
    }
}

/// Speaks with one client, until its end of the standard input is closed.
///
/// # Errors
/// [`Error::Io`] where the streams fail, [`Error::InvalidArgument`] for a client that does not speak the protocol.
pub fn serve_stdio(catalogue: Arc<dyn Catalogue>) -> Result<()> {
    let offer = catalogue.offer();
    let session = Session::new(Threads(catalogue), offer);
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::io("start the protocol", error))?;
    let done = runtime.block_on(async {
        match session.serve((tokio::io::stdin(), tokio::io::stdout())).await {
            Ok(running) => running.waiting().await.map(drop).map_err(|error| error.to_string()),
            // It left before it began.
            Err(ServerInitializeError::ConnectionClosed(_)) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    });
    // What waits for the standard input would keep the process from ending.
    runtime.shutdown_background();
    done.map_err(|why| Error::argument(format!("the Model Context Protocol: {why}")))
}
