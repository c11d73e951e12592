//! For each of some records the earlier ones that are near it: what near-duplicates are found by.
//!
//! With many records nearly all are seen to be too far along a few axes ([`SeenRecords`]). Where a sample shows no such axes the
//! codes of all rows meet the codes of all questions in tiles. Either way what the bounds leave is measured by the
//! embeddings as given, at once, so that memory does not grow with the number of pairs. Invariant: nothing that is near
//! enough is missed.

mod axes;
mod fine;
mod found;
mod kept;
mod places;
mod telling;
mod tiles;

pub use found::Earlier;
pub use kept::SeenRecords;
pub use tiles::near_earlier;
