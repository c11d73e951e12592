//! Collections of Chroma: from the folder its programs write, or from a server that runs.
//!
//! [`ChromaFolder`] and [`ChromaServer`] are archives. Neither writes anything. Invariants: records come in the order
//! Chroma answers them, embeddings as it answers them bit for bit; what cannot be kept is told, not dropped in silence.

mod catalog;
mod folder;
pub(crate) mod found;
mod pickle;
mod segment;
mod selection;
mod server;
mod settings;
pub(crate) mod values;
pub(crate) mod wire;
mod write_ahead_log;

#[cfg(test)]
mod tests;

pub use folder::ChromaFolder;
pub use selection::Selection;
pub use server::ChromaServer;
