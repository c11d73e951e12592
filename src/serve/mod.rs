//! Chroma's HTTP API over a file, so that Chroma's own clients work on it while commands read and write it beside them.
//!
//! A request comes in as bytes on a thread that waits for nothing (`http`), finds its route in one table (`routes`), is read
//! and answered by a worker (`engine`), with what waits beside it where that is cheaper (`query`, `writer`), and goes out
//! as bytes. Knows no terminal. Invariants: nothing of a request is kept once it is answered; a write is answered when it is
//! durable; every error has Chroma's body (`fault`).

mod body;
mod call;
mod collections;
mod connection;
mod engine;
mod fault;
mod http;
#[allow(dead_code, unused_imports, reason = "the server asks it once requests have grants")]
pub(crate) mod oidc;
mod openapi;
mod options;
#[expect(clippy::unnecessary_wraps, reason = "every handler has this form")]
mod own;
mod ping;
mod query;
mod question;
mod queue;
mod records;
mod responder;
#[expect(clippy::unnecessary_wraps, reason = "every handler has this form")]
mod routes;
mod search;
mod server;
#[expect(clippy::unnecessary_wraps, reason = "every handler has this form")]
mod system;
mod tenants;
mod upload;
mod wire;
mod writer;

pub use oidc::OidcOptions;
pub use options::{Notice, ServeOptions};
pub use ping::{Pong, ping};
pub use server::Server;
