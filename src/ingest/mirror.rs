//! Records that follow something outside, such as a folder: which are new, changed, as they were, or no longer there.
//!
//! Knows nothing of files. A record says in its metadata, under [`Mirror::ROOT`], what it follows, so records that were
//! added by hand or follow something else are never changed or removed. Invariant: only reads; what is to be removed is
//! removed by [`Collection::remove_strays`], which looks again.

use roaring::RoaringTreemap;

use crate::error::Result;
use crate::record::{Chunk, Metadata, NewRecord, Ordinal, RecordId, Value};
use crate::store::{Collection, StoredRecord, Term, View};

/// How the rows of a document stand to the records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// There was no record of it.
    New,
    /// There was, and it says something else, or has more parts.
    Changed,
    /// The records say all that the rows say.
    Unchanged,
    /// A record of that id is there and follows something else.
    Taken {
        /// The id.
        id: RecordId,
        /// What it follows, when it follows anything.
        follows: Option<String>,
    },
}

/// A record whose document is no longer there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    /// Its id.
    pub id: RecordId,
    /// The document it is of, or a part of.
    pub document: String,
}

/// The records that follow one root, compared with what is there now.
pub struct Mirror {
    /// `None` for a collection that is still to be made.
    view: Option<View>,
    root: String,
    /// What the root was called before.
    moved_from: Vec<String>,
    /// Records that were not met yet.
    unmet: RoaringTreemap,
}

impl Mirror {
    /// The metadata key of what a record follows.
    pub const ROOT: &str = "synced_from";

    /// Begins to compare; `root` names what is followed, `moved_from` other names it had, whose records are its own now.
    ///
    /// # Errors
    /// A damaged file.
    pub fn new(view: Option<View>, root: String, moved_from: Vec<String>) -> Result<Self> {
        let mut unmet = RoaringTreemap::new();
        for name in moved_from.iter().chain([&root]) {
            if let Some(view) = &view {
                unmet |= Self::following(view, name)?;
            }
        }
        Ok(Self { view, root, moved_from, unmet })
    }

    /// Returns the records that follow a root.
    ///
    /// # Errors
    /// A damaged file.
    pub fn following(view: &View, root: &str) -> Result<RoaringTreemap> {
        view.holding(Self::ROOT, &Term::text(root))
    }

    /// Has a row say what it follows.
    ///
    /// # Errors
    /// [`crate::error::Error::InvalidMetadata`] when the root's name cannot be a value.
    pub fn mark(root: &str, row: &mut NewRecord) -> Result<()> {
        row.metadata.insert(Self::ROOT, Some(Value::Str(root.to_owned())))
    }

    /// Compares the rows of one document, all its parts in order.
    ///
    /// # Errors
    /// A damaged file.
    pub fn meet(&mut self, rows: &[NewRecord]) -> Result<Standing> {
        let Some(view) = &self.view else { return Ok(Standing::New) };
        let (mut any, mut same) = (false, true);
        for row in rows {
            let Some(ordinal) = view.ordinal(&row.id)? else {
                same = false;
                continue;
            };
            let stored = view.stored(ordinal)?;
            if !self.is_own(&stored.metadata) {
                let follows = followed(&stored.metadata).map(str::to_owned);
                return Ok(Standing::Taken { id: row.id.clone(), follows });
            }
            any = true;
            same &= says(&stored, row);
            self.unmet.remove(ordinal.0);
        }
        if let Some(Chunk { of, count, .. }) = rows.first().and_then(|row| row.part.as_ref()) {
            let more = view.ordinal(&Chunk::id(of, *count))?;
            same &= more.is_none_or(|more| !self.unmet.contains(more.0));
        }
        Ok(match (any, same) {
            (false, _) => Standing::New,
            (true, false) => Standing::Changed,
            (true, true) => Standing::Unchanged,
        })
    }

    /// Returns the records not met, in the order they were inserted, but for those of documents that `kept` names.
    ///
    /// # Errors
    /// A damaged file.
    pub fn strays(&self, kept: impl Fn(&str) -> bool) -> Result<Vec<Stray>> {
        let Some(view) = &self.view else { return Ok(Vec::new()) };
        let mut strays = Vec::new();
        for ordinal in &self.unmet {
            let StoredRecord { id, metadata, .. } = view.stored(Ordinal(ordinal))?;
            // A long root is found by its hash.
            if !self.is_own(&metadata) {
                continue;
            }
            let document = match metadata.get(Chunk::OF) {
                Some(Value::Str(of)) => of.clone(),
                _ => id.as_str().to_owned(),
            };
            if !kept(&document) {
                strays.push(Stray { id, document });
            }
        }
        Ok(strays)
    }

    fn is_own(&self, metadata: &Metadata) -> bool {
        follows_any(metadata, self.names())
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.moved_from.iter().chain([&self.root]).map(String::as_str)
    }

    /// Returns the view that was compared with, for what follows.
    #[must_use]
    pub fn into_view(self) -> Option<View> {
        self.view
    }
}

impl Collection {
    /// Removes those of the strays that are there still and follow one of the roots; returns how many.
    ///
    /// # Errors
    /// Those of every write.
    pub fn remove_strays(&self, roots: &[String], strays: &[Stray]) -> Result<u64> {
        let roots = roots.to_vec();
        let is_own = move |stored: &StoredRecord| follows_any(&stored.metadata, roots.iter().map(String::as_str));
        self.delete_if(strays.iter().map(|stray| stray.id.clone()).collect(), is_own)
    }
}

fn followed(metadata: &Metadata) -> Option<&str> {
    match metadata.get(Mirror::ROOT) {
        Some(Value::Str(followed)) => Some(followed),
        _ => None,
    }
}

fn follows_any<'r>(metadata: &Metadata, mut roots: impl Iterator<Item = &'r str>) -> bool {
    followed(metadata).is_some_and(|followed| roots.any(|root| root == followed))
}

/// Returns whether writing a row would leave its record as it is.
fn says(stored: &StoredRecord, row: &NewRecord) -> bool {
    if stored.document != row.document || stored.uri != row.uri {
        return false;
    }
    let mut merged = stored.metadata.clone();
    merged.merge(row.metadata.clone());
    merged == stored.metadata
}
