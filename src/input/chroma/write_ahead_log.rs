//! Operations that stand in Chroma's queue and in neither its index nor its tables yet.
//!
//! Only which operations concern a record; what they say is read again when the record is. Invariant: they are taken in
//! the order they were made, under Chroma's rules: an id that exists is not added, one that does not is not updated.

use std::collections::{HashMap, HashSet};

/// One operation of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum QueuedOperation {
    Add,
    Update,
    Upsert,
    Delete,
}

impl QueuedOperation {
    /// Reads Chroma's number of it.
    pub(super) fn from_number(number: i64) -> Option<Self> {
        [Self::Add, Self::Update, Self::Upsert, Self::Delete].get(usize::try_from(number).ok()?).copied()
    }
}

/// Where the vector of an id is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Vector {
    /// In the index, where that has it.
    Indexed,
    /// In the operation of this number.
    Queued(i64),
    /// Nowhere any more.
    Deleted,
}

/// What the queue makes of the vectors of an index.
#[derive(Debug, Default)]
pub(super) struct PendingVectors {
    by_id: HashMap<String, Vector>,
}

impl PendingVectors {
    /// Applies an operation; `is_indexed` says whether the index has the id.
    pub(super) fn apply(
        &mut self,
        seq_id: i64,
        operation: QueuedOperation,
        id: &str,
        has_vector: bool,
        is_indexed: bool,
    ) {
        let exists = self.by_id.get(id).map_or(is_indexed, |vector| *vector != Vector::Deleted);
        match operation {
            QueuedOperation::Delete => drop(self.by_id.insert(id.to_owned(), Vector::Deleted)),
            QueuedOperation::Add if exists => {}
            QueuedOperation::Update if !exists => {}
            _ if has_vector => drop(self.by_id.insert(id.to_owned(), Vector::Queued(seq_id))),
            _ => {}
        }
    }

    pub(super) fn of(&self, id: &str) -> Vector {
        self.by_id.get(id).copied().unwrap_or(Vector::Indexed)
    }
}

/// What the queue makes of the records in Chroma's tables.
#[derive(Debug, Default)]
pub(super) struct PendingRecords {
    gone: HashSet<String>,
    /// The operations that change a record of the tables.
    changed: HashMap<String, Vec<i64>>,
    /// The operations that make a record, by the first of them.
    new: HashMap<String, Vec<i64>>,
}

impl PendingRecords {
    /// Applies an operation; `is_stored` says whether the tables have the id.
    pub(super) fn apply(&mut self, seq_id: i64, operation: QueuedOperation, id: &str, is_stored: bool) {
        let is_stored = is_stored && !self.gone.contains(id);
        let of_it = match (self.new.get_mut(id), operation) {
            (_, QueuedOperation::Delete) => {
                self.new.remove(id);
                self.changed.remove(id);
                if is_stored {
                    self.gone.insert(id.to_owned());
                }
                return;
            }
            (Some(_), QueuedOperation::Add) => return,
            (Some(new), _) => new,
            (None, QueuedOperation::Add) if is_stored => return,
            (None, QueuedOperation::Update) if !is_stored => return,
            (None, _) if is_stored => self.changed.entry(id.to_owned()).or_default(),
            (None, _) => self.new.entry(id.to_owned()).or_default(),
        };
        of_it.push(seq_id);
    }

    pub(super) fn is_gone(&self, id: &str) -> bool {
        self.gone.contains(id)
    }

    /// Returns the operations on a record of the tables, in order.
    pub(super) fn changes(&self, id: &str) -> &[i64] {
        self.changed.get(id).map_or(&[], Vec::as_slice)
    }

    /// Returns the records that are not in the tables, in the order they were made.
    pub(super) fn new_records(&self) -> Vec<(String, Vec<i64>)> {
        let mut new: Vec<_> = self.new.iter().map(|(id, operations)| (id.clone(), operations.clone())).collect();
        new.sort_unstable_by_key(|(_, operations)| operations.first().copied());
        new
    }
}

#[cfg(test)]
mod tests {
    use super::QueuedOperation::{Add, Delete, Update, Upsert};
    use super::*;

    #[test]
    fn chromas_rules_hold() {
        let mut vectors = PendingVectors::default();
        let mut records = PendingRecords::default();
        let operations = [
            (Add, "here", true),
            (Update, "here", true),
            (Update, "nobody", true),
            (Add, "new", true),
            (Add, "new", true),
            (Upsert, "new", false),
            (Delete, "gone", false),
            (Upsert, "later", true),
            (Delete, "back", false),
            (Add, "back", true),
            (Add, "brief", true),
            (Delete, "brief", false),
            (Update, "gone", true),
        ];
        let stored = ["here", "gone", "back"];
        for (seq_id, (operation, id, has_vector)) in (0..).zip(operations) {
            let is_stored = stored.contains(&id);
            vectors.apply(seq_id, operation, id, has_vector, is_stored);
            records.apply(seq_id, operation, id, is_stored);
        }
        let of = ["here", "nobody", "new", "gone", "later", "back", "brief"].map(|id| vectors.of(id));
        let (gone, queued) = (Vector::Deleted, Vector::Queued);
        assert_eq!(of, [queued(1), Vector::Indexed, queued(3), gone, queued(7), queued(9), gone]);
        assert_eq!(records.changes("here"), [1]);
        assert_eq!(stored.map(|id| records.is_gone(id)), [false, true, true]);
        let new = [("new", vec![3, 5]), ("later", vec![7]), ("back", vec![9])];
        assert_eq!(records.new_records(), new.map(|(id, operations)| (id.to_owned(), operations)));
    }
}
