//! A server as a place: another huedb, over its own routes, or any server of Chroma's API, as far as that goes.
//!
//! Invariant: what a server cannot do is done here over what it gives, or refused by name.

mod backend;
mod chroma;
mod connection;
mod own;
mod own_state;
mod page;

pub use backend::ServerBackend;
