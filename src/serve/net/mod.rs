//! Connections: how many, for how long, and how they are encrypted.

mod acceptor;
mod proxy;
mod tls;

pub(super) use acceptor::{Acceptor, Connection, Connections};
pub(super) use proxy::client_address;
pub use tls::TlsOptions;
pub(super) use tls::{Tls, claims_of};
