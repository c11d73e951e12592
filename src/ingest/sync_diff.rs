//! What a sync has to do so that records follow documents elsewhere: which are new, changed or gone.
//!
//! Knows nothing of files: an item is whatever the caller needs to read a document again. Invariant: a document is added,
//! updated, unchanged or gone, and only one of these; one that the caller could not read is none of them.

use std::collections::{HashMap, HashSet};

use super::{Mirror, Standing, Stray};
use crate::error::Result;

/// A document whose records are to be written.
#[derive(Debug, Clone)]
pub struct ChangedDocument<T> {
    /// What the caller reads it by.
    pub item: T,
    /// Its name, as its records have it.
    pub document: String,
    /// Whether there are no records of it yet.
    pub is_new: bool,
    /// The records it makes.
    pub records: u64,
}

/// What becomes of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentChange {
    /// Its records are new.
    Added,
    /// Its records say something else.
    Updated,
    /// It is gone, and its records go.
    Removed,
}

named!(pub DocumentChange { Added: "added", Updated: "updated", Removed: "removed" });

/// The difference between documents and the records that follow them.
///
/// Each document is compared by [`Mirror::meet`] and put in by [`Self::put`]; [`Self::finish`] finds those that are gone.
#[derive(Debug)]
pub struct SyncDiff<T> {
    /// The documents to write.
    pub changed: Vec<ChangedDocument<T>>,
    /// The records to remove.
    pub strays: Vec<Stray>,
    /// Documents whose records say all that they say.
    pub unchanged: u64,
    /// The documents that are there.
    met: HashSet<String>,
    /// The documents that are not, and how many records they have.
    gone: Vec<(String, u64)>,
}

impl<T> Default for SyncDiff<T> {
    fn default() -> Self {
        Self { changed: Vec::new(), strays: Vec::new(), unchanged: 0, met: HashSet::new(), gone: Vec::new() }
    }
}

impl<T> SyncDiff<T> {
    /// Puts in a document by how it stands to the records; one whose id is taken is there, and left alone.
    pub fn put(&mut self, item: T, document: String, standing: &Standing, records: u64) {
        self.met.insert(document.clone());
        match standing {
            Standing::Unchanged => self.unchanged += 1,
            Standing::Taken { .. } => {}
            Standing::New | Standing::Changed => {
                let is_new = *standing == Standing::New;
                self.changed.push(ChangedDocument { item, document, is_new, records });
            }
        }
    }

    /// Finds the records of documents that are gone, once all that are there were put in; those of documents that `kept`
    /// names, or of documents below one, stay.
    ///
    /// # Errors
    /// A damaged file.
    pub fn finish(&mut self, mirror: &Mirror, kept: &[String]) -> Result<()> {
        self.strays = mirror.strays(|document| is_at_or_below(document, kept))?;
        let mut places: HashMap<&str, usize> = HashMap::new();
        for Stray { document, .. } in self.strays.iter().filter(|stray| !self.met.contains(&stray.document)) {
            let place = *places.entry(document).or_insert(self.gone.len());
            match self.gone.get_mut(place) {
                Some((_, records)) => *records += 1,
                None => self.gone.push((document.clone(), 1)),
            }
        }
        Ok(())
    }

    /// Returns how many documents are added, updated or removed.
    #[must_use]
    pub fn count(&self, change: DocumentChange) -> u64 {
        match change {
            DocumentChange::Removed => self.gone.len() as u64,
            change => self.changed.iter().filter(|document| document.change() == change).count() as u64,
        }
    }

    /// Returns whether no document is there.
    #[must_use]
    pub fn has_no_documents(&self) -> bool {
        self.met.is_empty()
    }

    /// Returns whether nothing is to be done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.strays.is_empty()
    }

    /// Visits what is to be done, document by document: its name, what becomes of it, how many records that are.
    pub fn changes(&self) -> impl Iterator<Item = (&str, DocumentChange, u64)> {
        let changed = self.changed.iter().map(|document| (&*document.document, document.change(), document.records));
        let gone = self.gone.iter().map(|(document, records)| (document.as_str(), DocumentChange::Removed, *records));
        changed.chain(gone)
    }
}

impl<T> ChangedDocument<T> {
    fn change(&self) -> DocumentChange {
        if self.is_new { DocumentChange::Added } else { DocumentChange::Updated }
    }
}

/// Returns whether a document is one of those, or below one as in a folder.
fn is_at_or_below(document: &str, kept: &[String]) -> bool {
    let below = |folder: &str| document.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    kept.iter().any(|kept| kept == document || below(kept))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{CollectionName, NewRecord};
    use crate::store::{Access, Mode, NewCollection, Store};

    #[test]
    fn each_document_is_new_changed_unchanged_or_gone() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open_in_test(dir.path().join("n.redb"), Access::Create).unwrap();
        store.create_collection(CollectionName::parse("notes").unwrap(), NewCollection::default()).unwrap();
        let notes = store.collection("notes").unwrap();
        let row = |id: &str, text: &str| {
            let mut row = NewRecord::new(id).unwrap().with_document(text).with_embedding(vec![1.0]);
            Mirror::mark("root", &mut row).unwrap();
            row
        };
        let ids = ["same", "other", "gone", "kept/below"];
        notes.write_rows(ids.map(|id| row(id, "text")), Mode::Add).unwrap();
        notes.write_rows([NewRecord::new("taken").unwrap().with_embedding(vec![1.0])], Mode::Add).unwrap();

        let view = notes.view().unwrap();
        let mut mirror = Mirror::new(Some(&view), "root".into(), Vec::new()).unwrap();
        let mut diff = SyncDiff::default();
        for (id, text) in [("same", "text"), ("other", "another text"), ("new", "text"), ("taken", "text")] {
            let standing = mirror.meet(&[row(id, text)]).unwrap();
            diff.put((), id.to_owned(), &standing, 1);
        }
        diff.finish(&mirror, &["kept".to_owned()]).unwrap();
        let changes: Vec<_> = diff.changes().map(|(document, change, _)| (document, change.as_str())).collect();
        assert_eq!(changes, [("other", "updated"), ("new", "added"), ("gone", "removed")]);
        assert_eq!((diff.unchanged, diff.count(DocumentChange::Added), diff.strays.len()), (1, 1, 1));
        assert!(!diff.is_empty() && !diff.has_no_documents());
        assert_eq!(notes.delete(diff.strays.iter().map(|stray| &stray.id)).unwrap(), 1);
    }

    #[test]
    fn below_is_as_in_a_folder() {
        let kept = ["a/b".to_owned()];
        assert!(["a/b", "a/b/c"].iter().all(|document| is_at_or_below(document, &kept)));
        assert!(["a", "a/bc", "a/b#0"].iter().all(|document| !is_at_or_below(document, &kept)));
    }
}
