//! A damaged file made whole again, or as much of it as can be read, in another file.
//!
//! Only the catalogue, the records and the embeddings are the truth; everything derived is made again from them. So a
//! repair always writes a new file, and never touches the old one before the new one is complete and checked. Invariant:
//! what could not be read for certain is in the report, by collection and id.

mod catalogue;
mod copy;
mod loss;
mod rebuild;

pub use loss::{Certainty, Loss, RepairedCollection};
pub use rebuild::Repair;
