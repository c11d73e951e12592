//! How many rows came to what, and what happens at a bad one.

use crate::store::Effect;

/// What happens at a row that is bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnError {
    /// The import stops; earlier batches stay.
    #[default]
    Stop,
    /// The row is left out and counted.
    Skip,
}

named!(pub OnError { Stop: "stop", Skip: "skip" });

/// How many rows came to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// New records.
    pub added: u64,
    /// Records changed.
    pub updated: u64,
    /// Records that already said what the row says.
    pub unchanged: u64,
    /// Rows whose id exists (add) or does not (update).
    pub skipped: u64,
    /// Records removed: chunks that their document no longer has, and those that a document had in its other form.
    pub removed: u64,
    /// Bad rows left out.
    pub failed: u64,
    /// Texts that were embedded.
    pub embedded: u64,
    /// Those of them that are longer than the model reads.
    pub cut: u64,
    /// Texts that are longer than the sparse model of the collection reads.
    pub cut_by_sparse: u64,
}

impl Tally {
    /// Returns the rows seen.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.added + self.updated + self.unchanged + self.skipped + self.failed
    }

    pub(super) fn count(&mut self, effect: Effect) {
        match effect {
            Effect::Added => self.added += 1,
            Effect::Updated => self.updated += 1,
            Effect::Unchanged => self.unchanged += 1,
            Effect::Exists | Effect::Missing => self.skipped += 1,
            Effect::NeedsEmbedding => {}
        }
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.added += other.added;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.skipped += other.skipped;
        self.removed += other.removed;
        self.failed += other.failed;
        self.embedded += other.embedded;
        self.cut += other.cut;
        self.cut_by_sparse += other.cut_by_sparse;
    }
}
