//! How a server is run.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use ipnet::IpNet;

use super::net::TlsOptions;
use super::notice::Notice;
use super::observe::{LogFormat, LogLevel};
use super::oidc::OidcOptions;
use super::visitor::Visitor;
use crate::backend::Place;
use crate::embed::LoadOptions;
use crate::error::Result;
use crate::record::{Rate, Role};

/// How a server is run. Every number is a bound on what clients may take of the machine.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServeOptions {
    /// Threads that read requests and answer them; one for each core unless it is set.
    pub threads: usize,
    /// Requests that may wait for one of these threads; further ones are told to come back.
    pub queue: usize,
    /// Bytes of one request's body, unpacked.
    pub max_body: usize,
    /// Bytes of all bodies at once.
    pub max_bodies: usize,
    /// How long a request may take, from its head to its answer.
    pub request_timeout: Duration,
    /// Levels of a filter or of a ranking expression inside one another.
    pub max_depth: usize,
    /// Results of one request.
    pub max_results: usize,
    /// Results that a request may skip.
    pub max_offset: u64,
    /// Connections at once.
    pub max_connections: usize,
    /// How long the head of a request may take to arrive, and a connection may be idle before its next one.
    pub head_timeout: Duration,
    /// How long a client may take to agree on a key.
    pub handshake_timeout: Duration,
    /// How long a client may take nothing of an answer before its connection is cut.
    pub stall_timeout: Duration,
    /// How many requests are taken from each token that has no rate of its own, from each other subject, and from each
    /// address of requests that don't say who they are from; `None` for any number.
    pub rate: Option<Rate>,
    /// What requests may do that don't say who they are from. `None`: nothing, unless there are no tokens and the server
    /// is reached from its own machine alone.
    pub anonymous: Option<Role>,
    /// Where proxies are whose word on the client's address is taken, and that send on what came to them encrypted.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether other machines may send what can be read on its way.
    pub insecure: bool,
    /// Who is let in by the key of an address, beside those whom the file has tokens for; as soon as there is one, a token is
    /// asked for whether or not the file has any.
    pub visitor: Option<Visitor>,
    /// How connections are encrypted.
    pub tls: Option<TlsOptions>,
    /// Who vouches for clients beside the file.
    pub oidc: Option<OidcOptions>,
    /// What the claims of a signed token or the subject of a client certificate allow, as
    /// `groups contains "search" => reader tenant=acme collection=notes-*`.
    pub claim_rules: Vec<String>,
    /// Origins whose pages may ask the server from a browser; `*` for all.
    pub cors: Vec<String>,
    /// The file that decisions are written to, `-` for the standard error.
    pub audit: Option<String>,
    /// Which requests are logged to the standard error.
    pub log: LogLevel,
    /// How they are written.
    pub log_format: LogFormat,
    /// Another address that serves the metrics, without asking who reads them.
    pub metrics_address: Option<SocketAddr>,
    /// Whether nothing is written, whoever asks for it.
    pub read_only: bool,
    /// Whether `POST /api/v2/reset` removes everything.
    pub allow_reset: bool,
    /// How the models of texts are found.
    pub models: LoadOptions,
    /// What is told lines about what was done beside what was asked.
    pub notice: Notice,
}

impl ServeOptions {
    /// Returns the defaults, with models found as the environment says.
    ///
    /// # Errors
    /// Those of [`LoadOptions::of_process`].
    pub fn of_process() -> Result<Self> {
        Ok(Self::with_models(LoadOptions::of_process()?.clone()))
    }

    /// Returns how many threads answer requests, unless it is set: a file keeps one core busy with each, while those that
    /// ask another place wait for it most of the time.
    #[must_use]
    pub fn threads_for(place: &Place) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        if place.path().is_some() { cores } else { (4 * cores).clamp(8, 32) }
    }

    /// Returns how many requests may wait for so many threads, unless it is set.
    #[must_use]
    pub fn queue_for(threads: usize) -> usize {
        64 * threads.max(4)
    }

    /// Returns the defaults, with models found by these options.
    #[must_use]
    pub fn with_models(models: LoadOptions) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self {
            threads,
            queue: Self::queue_for(threads),
            max_body: 64 << 20,
            max_bodies: 512 << 20,
            request_timeout: Duration::from_mins(1),
            max_depth: 128,
            max_results: 1_000_000,
            max_offset: 1 << 32,
            max_connections: 16_384,
            head_timeout: Duration::from_secs(10),
            handshake_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(30),
            rate: None,
            anonymous: None,
            trusted_proxies: Vec::new(),
            insecure: false,
            visitor: None,
            tls: None,
            oidc: None,
            claim_rules: Vec::new(),
            cors: Vec::new(),
            audit: None,
            log: LogLevel::Off,
            log_format: LogFormat::Text,
            metrics_address: None,
            read_only: false,
            allow_reset: false,
            models,
            notice: Notice::new(|_| {}),
        }
    }
}
