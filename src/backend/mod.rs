//! The same operations wherever a collection is: in a file, at a server, in PostgreSQL.
//!
//! [`Backend`] is a place, [`Records`] one collection of it, [`State`] that collection at one moment. The command line and the
//! server are written on these three alone; what only a file can do is reached by [`Backend::file`], and refused by name
//! elsewhere. Knows nothing of the terminal. All calls block. Invariant: what is asked of two places that hold the same
//! records is answered the same, distances bit for bit.

mod database;
mod file;
mod local;
#[cfg(any(feature = "foreign", feature = "postgres"))]
mod looked_up;
mod place;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "foreign", feature = "serve"))]
pub(crate) mod protocol;
mod records;
mod refused;
mod replicated;
#[cfg_attr(
    not(any(feature = "foreign", feature = "postgres")),
    allow(dead_code, reason = "without these features no place is far away")
)]
mod search;
#[cfg(feature = "foreign")]
mod server;
mod shards;
mod state;
mod tokens;
pub mod transfer;
mod write;

pub use database::{Backend, Which};
pub use file::FileBackend;
pub use local::LocalRecords;
pub use place::{Place, PlaceFacts};
#[cfg(feature = "postgres")]
pub use postgres::{PostgresBackend, SCHEMA};
pub use records::{BuiltIndex, DumpPage, Records};
pub use refused::{Only, only_in};
pub use replicated::ReplicatedBackend;
#[cfg(feature = "foreign")]
pub use server::ServerBackend;
pub use shards::Shards;
pub use state::State;
pub use tokens::TokenStore;
pub use write::{Write, WriteTask};
