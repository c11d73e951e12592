//! Rows in, records stored: embeds what needs it, a batch at a time, and holds no lock while it does.
//!
//! A batch is prepared (checked and embedded, by reading only) and then stored (one transaction). The store decides
//! again what is new, since another process may have written meanwhile. Invariant: after an error or a kill, every
//! batch before it is stored whole, and running the same rows again stores the rest and doubles nothing.

mod each;
mod mirror;
mod pipeline;
mod prepare;
mod prepared_row;
mod reembed;
mod rules;
mod store_batch;
mod sync_diff;
mod tally;
mod target;
mod write_rows;

pub(crate) use each::embed_each;
pub use mirror::{Mirror, Standing, Stray};
pub use pipeline::ParsedBatch;
pub use prepare::{PreparedBatch, Preparer};
pub use reembed::{reembed, reembed_leaving_out};
pub use rules::Rules;
pub use store_batch::{Ingest, StoredBatch};
pub use sync_diff::{ChangedDocument, DocumentChange, SyncDiff};
pub use tally::{OnError, Tally};
pub use target::{BatchOutcome, Existing, RowBatch, Target};
pub use write_rows::write_rows;
