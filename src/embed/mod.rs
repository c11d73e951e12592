//! Text to vectors.
//!
//! Knows nothing of the store or the terminal. Invariant: every vector that leaves this room has the length
//! its [`Fingerprint`] says and only finite components.

use crate::error::Result;
use crate::record::Fingerprint;

/// What a text is to the model; some models want a different prefix for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A text that is searched with.
    Query,
    /// A text that is searched for.
    Document,
}

/// Turns texts into embeddings.
pub trait Embedder: Send {
    /// Returns what decides its embeddings besides the text.
    fn fingerprint(&self) -> &Fingerprint;

    /// Returns one embedding for each text, in the order of the texts.
    ///
    /// # Errors
    /// [`crate::error::Error::Model`] when the model cannot be run.
    fn embed(&mut self, texts: &[&str], role: Role) -> Result<Vec<Vec<f32>>>;
}
