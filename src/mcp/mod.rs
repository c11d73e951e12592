//! The Model Context Protocol over collections, so that agents and chat programs search them and keep what they learn.
//!
//! What a tool does stands here once, written against the library's public API; `session` speaks the protocol, and how bytes
//! come and go is up to whoever holds it: [`serve_stdio`], or a server's route. Knows no terminal. Invariants: a tool reaches
//! a collection through a [`Catalogue`] alone, so that what is hidden from the asker is hidden from the tool; an answer keeps
//! within [`AnswerLimits`] and says what it leaves out; what fails says so in words a model can act on.

mod answer;
mod catalogue;
mod page;
mod place;
mod read;
mod resource;
mod session;
mod stdio;
mod told;
mod tool;
mod write;

#[cfg(test)]
mod tests;

pub use answer::{Request, Response, answer};
pub use catalogue::{AnswerLimits, Catalogue, Need, Offer, Refusal};
pub use place::{PlaceCatalogue, SyncFolder};
pub use session::{Session, Worker};
pub use stdio::serve_stdio;
pub use tool::SyncInput;
