//! `huedb serve`.

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::mpsc::channel;
use std::time::Duration;

use clap::Args;
use huedb::error::{Error, Result};
use huedb::serve::{Notice, ServeOptions, Server};
use huedb::store::{Access, Options, Store};

use crate::cli::arguments::global::{NewFileArgs, seconds};
use crate::cli::context::command::Context;
use crate::cli::process::exit::Status;
use crate::cli::process::interrupt::Interrupt;

/// How often it looks whether it is to end.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Serve the database to Chroma's clients over HTTP
///
/// Answers Chroma's API v2, so that Chroma's own clients in Python and JavaScript, and what is built on them, work on the file, which is created if it does not exist. Other commands read and write the same file while the server runs.
/// Collections with a model are also asked by text (`query_texts`), and take documents without embeddings. What Chroma has
/// no route for is under /huedb/v1; /openapi.json describes all routes.
///
/// It listens on loopback addresses only. SIGTERM and Ctrl-C end it once the requests at hand are answered; a second one
/// ends it at once.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb serve
  huedb --db notes.redb serve --listen 127.0.0.1:9000
  huedb serve --port 0 --read-only

Exit codes:
  0 ended by a signal, and those of every command")]
pub(crate) struct ServeArgs {
    /// Address to listen on
    #[arg(
        long,
        value_name = "HOST[:PORT]",
        env = "HUEDB_LISTEN",
        default_value = "127.0.0.1:8000",
        hide_env_values = true
    )]
    listen: String,

    /// Port to listen on; 0 takes a free one, which is printed
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,

    /// Refuse requests that write
    #[arg(long)]
    read_only: bool,

    /// Let clients remove everything (POST /api/v2/reset)
    #[arg(long)]
    allow_reset: bool,

    /// Threads that answer requests [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,

    /// Requests that may wait; further ones are told to come back (429) [default: 64 for each thread, at least 256]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    queue: Option<u32>,

    /// MiB of a request's body at most
    #[arg(long, value_name = "MIB", default_value = "64", value_parser = clap::value_parser!(u32).range(1..=4096))]
    max_body: u32,

    /// MiB of memory for what stays decoded between questions
    #[arg(long, value_name = "MIB", default_value = "256", value_parser = clap::value_parser!(u32).range(0..=1_048_576))]
    cache: u32,

    /// Seconds a request may take
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    request_timeout: Duration,

    /// Seconds the requests at hand may take once the server is told to end
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    drain: Duration,

    #[command(flatten)]
    new: NewFileArgs,
}

impl ServeArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        let address = self.address()?;
        let store = self.open(context)?;
        let (told, lines) = channel();
        let mut options = ServeOptions::with_models(context.models.clone());
        options.threads = self.threads.map_or(options.threads, usize::from);
        options.queue = self
            .queue
            .map_or(ServeOptions::queue_for(options.threads), |queue| usize::try_from(queue).unwrap_or(usize::MAX));
        options.max_body = usize::try_from(self.max_body).unwrap_or(usize::MAX) << 20;
        options.max_bodies = options.max_bodies.max(options.max_body);
        options.request_timeout = self.request_timeout;
        options.read_only = self.read_only;
        options.allow_reset = self.allow_reset;
        options.notice = Notice::new(move |line| drop(told.send(line.to_owned())));
        let asked = Interrupt::listen_saying("huedb: answering the requests at hand; once more ends it at once\n");
        let server = Server::start(store, address, options)?;
        let file = context.db.display().to_string();
        context.printer.notice(format!("serving {file} at http://{}", server.address()));
        notify("READY=1");
        while !asked.is_asked() && !server.has_failed() {
            std::thread::sleep(LOOK_EVERY);
            for line in lines.try_iter() {
                context.printer.warning(line);
            }
        }
        notify("STOPPING=1");
        server.finish(self.drain)?;
        for line in lines.try_iter() {
            context.printer.warning(line);
        }
        context.printer.notice(format!("stopped serving {file}"));
        Ok(Status::Done)
    }

    fn address(&self) -> Result<SocketAddr> {
        let bad = |why: String| Error::InvalidArgument {
            why: format!("--listen {}: {why}", self.listen),
            hint: Some("write a host and a port, as in 127.0.0.1:8000".into()),
        };
        let has_port = self
            .listen
            .rsplit_once(':')
            .is_some_and(|(host, port)| port.parse::<u16>().is_ok() && (!host.contains(':') || host.ends_with(']')));
        let host = if has_port { self.listen.clone() } else { format!("{}:8000", self.listen) };
        let mut found = host.to_socket_addrs().map_err(|error| bad(error.to_string()))?;
        let mut address = found.next().ok_or_else(|| bad("no such host".into()))?;
        if let Some(port) = self.port {
            address.set_port(port);
        }
        Ok(address)
    }

    fn open(&self, context: &mut Context) -> Result<Store> {
        let warm_bytes = usize::try_from(self.cache).unwrap_or(usize::MAX) << 20;
        if self.read_only {
            return context.open_to_stay(Access::Read, Options::SERVE_CACHE_BYTES, warm_bytes);
        }
        context.prepare(self.new)?;
        context.open_to_stay(Access::Create, Options::SERVE_CACHE_BYTES, warm_bytes)
    }
}

/// Tells systemd, where it asked to be told.
fn notify(state: &str) {
    let state = [sd_notify::NotifyState::Custom(state)];
    // Whoever is not there needs not know.
    let _ = sd_notify::notify(&state);
}
