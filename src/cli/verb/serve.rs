//! `huedb serve`.

use std::io::IsTerminal;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueHint};
use huedb::backend::{Backend, Only, Place, ReplicatedBackend, only_in};
use huedb::embed::LoadOptions;
use huedb::error::{Error, Result};
use huedb::record::{Rate, Role};
use huedb::serve::{LogFormat, LogLevel, Notice, OidcOptions, ServeOptions, Server, TlsOptions};
use huedb::store::{Access, Options};
use ipnet::IpNet;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

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
/// no route for is under /huedb/v1; /openapi.json describes all routes. In a browser, / is a page to look at the collections with.
///
/// As soon as the file has tokens (`huedb token create`), every request needs one, as X-Chroma-Token or Authorization: Bearer.
/// Without tokens only this machine can ask. On an address that other machines reach it starts only with tokens, and with TLS or behind a
/// proxy that encrypts.
///
/// Over PostgreSQL (--db postgresql://..) a server keeps nothing itself, so any number of them may stand behind a load balancer:
/// collections and tokens are the same at each, and a token that is revoked is refused by all from the next request on. With
/// --read-from, reads go to a replica of it, and to --db while that is down.
///
/// SIGTERM and Ctrl-C end it once the requests at hand are answered; a second one ends it at once. SIGHUP has it read its
/// certificates and open its audit file again.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb serve
  huedb --db notes.redb serve --listen 127.0.0.1:9000
  huedb serve --port 0 --read-only
  huedb token create admin --role admin
  huedb serve --listen 0.0.0.0:8000 --tls-cert cert.pem --tls-key key.pem --audit audit.jsonl
  huedb serve --listen 0.0.0.0:8000 --trusted-proxy 10.0.0.0/8 --log requests
  huedb --db postgresql://huedb@db1,db2/huedb serve --read-from postgresql://huedb@db2/huedb

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

    /// Replica of a --db of PostgreSQL that reads go to; what was written is found there a little later
    #[arg(long, value_name = "URL", env = "HUEDB_READ_FROM", hide_env_values = true)]
    read_from: Option<String>,

    /// Refuse requests that write
    #[arg(long)]
    read_only: bool,

    /// Let clients remove everything (POST /api/v2/reset)
    #[arg(long)]
    allow_reset: bool,

    /// Threads that answer requests [default: one for each core; over PostgreSQL four, from 8 to 32 in all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,

    /// Requests that may wait; further ones are told to come back (429) [default: 64 for each thread, at least 256]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    queue: Option<u32>,

    /// MiB of a request's body at most
    #[arg(long, value_name = "MIB", default_value = "64", value_parser = clap::value_parser!(u32).range(1..=4096))]
    max_body: u32,

    /// MiB of all bodies at once
    #[arg(long, value_name = "MIB", default_value = "512", value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    max_bodies: u32,

    /// Levels of a filter or a search inside one another
    #[arg(long, value_name = "N", default_value = "128", value_parser = clap::value_parser!(u16).range(1..))]
    max_depth: u16,

    /// Results of one request at most
    #[arg(long, value_name = "N", default_value = "1000000", value_parser = clap::value_parser!(u32).range(1..))]
    max_results: u32,

    /// Results that a request may skip
    #[arg(long, value_name = "N", default_value = "4294967296")]
    max_offset: u64,

    /// Connections at once; further ones are told to come back (429)
    #[arg(long, value_name = "N", default_value = "16384", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    max_connections: u32,

    /// Requests a second of each token that has no rate of its own, and of each address without a token, as in 100/s
    #[arg(long, value_name = "N/s")]
    rate: Option<Rate>,

    /// What requests without a token may do: reader, writer or admin
    #[arg(long, value_name = "ROLE", value_parser = PossibleValuesParser::new(["reader", "writer", "admin"]).try_map(|role| role.parse::<Role>()))]
    anonymous: Option<Role>,

    /// Certificate of the server and those it is signed by, PEM; read again when it changes
    #[arg(long, value_name = "FILE", requires = "tls_key", value_hint = ValueHint::FilePath)]
    tls_cert: Option<PathBuf>,

    /// Its key, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert", value_hint = ValueHint::FilePath)]
    tls_key: Option<PathBuf>,

    /// Authorities one of which a client needs a certificate from, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert", value_hint = ValueHint::FilePath)]
    tls_client_ca: Option<PathBuf>,

    /// Network of proxies that encrypt for the server, and whose X-Forwarded-For is believed; can be repeated
    #[arg(long, value_name = "CIDR")]
    trusted_proxy: Vec<IpNet>,

    /// Take what is not encrypted from other machines
    #[arg(long)]
    insecure: bool,

    /// Identity provider whose signed tokens are taken (OIDC)
    #[arg(long, value_name = "URL", requires = "oidc_audience")]
    oidc_issuer: Option<String>,

    /// Audience that these tokens are for
    #[arg(long, value_name = "NAME", requires = "oidc_issuer")]
    oidc_audience: Option<String>,

    /// What their claims allow, or the subject of a client certificate, as in 'groups contains "search" => reader tenant=acme'; can be repeated
    #[arg(long, value_name = "RULE")]
    oidc_rule: Vec<String>,

    /// Origin whose pages may ask from a browser, * for all; can be repeated
    #[arg(long, value_name = "ORIGIN")]
    cors: Vec<String>,

    /// File that each decision is appended to as a JSON line, - for the standard error
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    audit: Option<String>,

    /// Requests that are logged to the standard error
    #[arg(long, value_name = "WHICH", default_value = "errors", value_parser = PossibleValuesParser::new(["off", "errors", "requests"]))]
    log: String,

    /// How they are written [default: text on a terminal, json otherwise]
    #[arg(long, value_name = "FORMAT", value_parser = PossibleValuesParser::new(["text", "json"]))]
    log_format: Option<String>,

    /// Another address that serves /metrics, without asking for a token
    #[arg(long, value_name = "HOST:PORT")]
    metrics_listen: Option<SocketAddr>,

    /// Seconds the head of a request may take, and a connection may be idle
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    head_timeout: Duration,

    /// Seconds a client may take to agree on a key
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    handshake_timeout: Duration,

    /// Seconds a client may take nothing of an answer
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    stall_timeout: Duration,

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
        self.check_pairs()?;
        let address = self.address()?;
        let place = context.place();
        if matches!(place, Place::Server(_)) {
            return Err(only_in(&place, Only::Keeper("serve")));
        }
        if !context.may_exist() {
            // A file that nothing is served of shall not be left behind.
            self.options(&place, context.models.clone()).check(address, false)?;
        }
        let (told, lines) = channel();
        let backend = self.open(context, &place, told.clone())?;
        let mut options = self.options(&place, context.models.clone());
        options.notice = Notice::new(move |line| drop(told.send(line.to_owned())));
        raise_file_limit();
        let asked = Interrupt::listen_saying("huedb: answering the requests at hand; once more ends it at once\n");
        asked.reload_at_hangup();
        let server = Server::start(backend, address, options)?;
        let scheme = if self.tls_cert.is_some() { "https" } else { "http" };
        context.printer.notice(format!("serving {place} at {scheme}://{}", server.address()));
        if let Some(address) = server.metrics_address() {
            context.printer.notice(format!("metrics at http://{address}/metrics"));
        }
        if server.is_open() {
            let note = "there are no tokens: whoever is on this machine may read and write everything; `huedb token create` makes one";
            context.printer.notice(note);
        }
        attend(context, &asked, server, &lines, self.drain)?;
        context.printer.notice(format!("stopped serving {place}"));
        Ok(Status::Done)
    }

    /// What goes with what, wherever it comes from: clap sees to the command line alone.
    fn check_pairs(&self) -> Result<()> {
        let pairs = [
            (self.tls_cert.is_some(), self.tls_key.is_some(), "tls-cert and tls-key go together"),
            (self.oidc_issuer.is_some(), self.oidc_audience.is_some(), "oidc-issuer and oidc-audience go together"),
            (
                self.tls_client_ca.is_some(),
                self.tls_client_ca.is_some() && self.tls_cert.is_some(),
                "tls-client-ca goes with tls-cert",
            ),
        ];
        match pairs.into_iter().find(|(one, other, _)| one != other) {
            Some((.., why)) => Err(Error::argument(why)),
            None => Ok(()),
        }
    }

    fn options(&self, place: &Place, models: LoadOptions) -> ServeOptions {
        let count = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
        let mut options = ServeOptions::with_models(models);
        options.threads = self.threads.map_or_else(|| ServeOptions::threads_for(place), usize::from);
        options.queue = self.queue.map_or(ServeOptions::queue_for(options.threads), count);
        options.max_body = count(self.max_body) << 20;
        options.max_bodies = (count(self.max_bodies) << 20).max(options.max_body);
        options.max_depth = self.max_depth.into();
        options.max_results = count(self.max_results);
        options.max_offset = self.max_offset;
        options.max_connections = count(self.max_connections);
        options.head_timeout = self.head_timeout;
        options.handshake_timeout = self.handshake_timeout;
        options.stall_timeout = self.stall_timeout;
        options.request_timeout = self.request_timeout;
        options.rate = self.rate;
        options.anonymous = self.anonymous;
        options.trusted_proxies.clone_from(&self.trusted_proxy);
        options.insecure = self.insecure;
        options.tls = self.tls_cert.clone().zip(self.tls_key.clone()).map(|(certificate, key)| TlsOptions {
            certificate,
            key,
            client_ca: self.tls_client_ca.clone(),
        });
        let oidc = self.oidc_issuer.clone().zip(self.oidc_audience.clone());
        options.oidc = oidc.map(|(issuer, audience)| OidcOptions { issuer, audience });
        options.claim_rules.clone_from(&self.oidc_rule);
        options.cors.clone_from(&self.cors);
        options.audit.clone_from(&self.audit);
        options.log = match self.log.as_str() {
            "off" => LogLevel::Off,
            "requests" => LogLevel::Requests,
            _ => LogLevel::Errors,
        };
        options.log_format = match self.log_format.as_deref() {
            Some("json") => LogFormat::Json,
            Some(_) => LogFormat::Text,
            None if std::io::stderr().is_terminal() => LogFormat::Text,
            None => LogFormat::Json,
        };
        options.metrics_address = self.metrics_listen;
        options.read_only = self.read_only;
        options.allow_reset = self.allow_reset;
        options
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

    /// Opens the place, with its replica where there is one; `told` is told when that fails.
    fn open(&self, context: &mut Context, place: &Place, told: Sender<String>) -> Result<Arc<dyn Backend>> {
        let Some(replica) = &self.read_from else { return self.open_place(context) };
        if !matches!((place, Place::parse(replica.as_ref())), (Place::Postgres(_), Place::Postgres(_))) {
            return Err(Error::argument(format!("--read-from is for replicas of PostgreSQL; --db is {place}")));
        }
        let primary = self.open_place(context)?;
        let open = context.opener(Place::Postgres(replica_address(replica)));
        Ok(Arc::new(ReplicatedBackend::open(primary, open, move |line| drop(told.send(line)))?))
    }

    fn open_place(&self, context: &mut Context) -> Result<Arc<dyn Backend>> {
        let warm_bytes = usize::try_from(self.cache).unwrap_or(usize::MAX) << 20;
        if self.read_only {
            return context.open_to_stay(Access::Read, Options::SERVE_CACHE_BYTES, warm_bytes);
        }
        context.prepare(self.new)?;
        context.open_to_stay(Access::Create, Options::SERVE_CACHE_BYTES, warm_bytes)
    }
}

/// Of several hosts one that takes writes would be asked for.
fn replica_address(url: &str) -> String {
    match url {
        said if said.contains("target_session_attrs=") => said.to_owned(),
        said if said.contains('?') => format!("{said}&target_session_attrs=any"),
        said => format!("{said}?target_session_attrs=any"),
    }
}

/// Serves until it is told to end, or cannot any longer; says what the server tells.
pub(super) fn attend(
    context: &mut Context,
    asked: &Interrupt,
    server: Server,
    lines: &Receiver<String>,
    drain: Duration,
) -> Result<()> {
    notify("READY=1");
    while !asked.is_asked() && !server.has_failed() {
        std::thread::sleep(LOOK_EVERY);
        if asked.takes_reload() {
            server.reload();
        }
        for line in lines.try_iter() {
            context.printer.warning(line);
        }
    }
    notify("STOPPING=1");
    server.finish(drain)?;
    for line in lines.try_iter() {
        context.printer.warning(line);
    }
    Ok(())
}

/// Tells systemd, where it asked to be told.
fn notify(state: &str) {
    let state = [sd_notify::NotifyState::Custom(state)];
    // Whoever is not there needs not know.
    let _ = sd_notify::notify(&state);
}

/// Lets the process have as many files, and so connections, as the system allows it.
fn raise_file_limit() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // What it has is enough for most.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}
