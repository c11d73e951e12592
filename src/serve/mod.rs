//! Chroma's HTTP API over a file, so that Chroma's own clients work on it while commands read and write it beside them.
//!
//! A request comes in as bytes on a thread that waits for nothing (`http`), finds its route in one table (`routes`), is read
//! and answered by a worker (`engine`), with what waits beside it where that is cheaper (`query`, `writer`), and goes out
//! as bytes. Knows no terminal. Invariants: nothing of a request is kept once it is answered; a write is answered when it is
//! durable; every error has Chroma's body (`fault`).

mod access;
mod admission;
mod body;
mod call;
mod collections;
mod connection;
mod engine;
mod far;
mod fault;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod gate;
mod housekeeping;
mod http;
mod intake;
mod limits;
mod map;
#[cfg(feature = "mcp")]
mod mcp;
mod net;
mod notice;
mod observe;
pub(crate) mod oidc;
mod openapi;
mod options;
#[expect(clippy::unnecessary_wraps, reason = "every handler has this form")]
mod own;
#[expect(clippy::unnecessary_wraps, reason = "every handler has this form")]
mod page;
mod ping;
mod query;
mod question;
mod queue;
mod records;
mod rejection;
mod responder;
#[expect(clippy::unnecessary_wraps, reason = "every handler has this form")]
mod routes;
mod safety;
mod search;
mod server;
#[expect(clippy::unnecessary_wraps, reason = "every handler has this form")]
mod system;
mod tenants;
mod upload;
mod visitor;
mod wire;
mod writer;

pub use net::TlsOptions;
pub use notice::Notice;
pub use observe::{LogFormat, LogLevel};
pub use oidc::OidcOptions;
pub use options::ServeOptions;
pub use ping::{PingOptions, Pong, ping};
pub use server::Server;
pub use visitor::Visitor;
