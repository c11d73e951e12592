//! Records that follow something outside, such as a folder: which are new, changed, as they were, or no longer there.
//!
//! Knows nothing of files. A record says in its metadata, under [`Mirror::ROOT`], what it follows, so records that were
//! added by hand or follow something else are never changed or removed. Invariant: only reads; whoever removes what is to be
//! removed looks again.

use std::collections::HashMap;

use super::target::Existing;
use crate::error::Result;
use crate::record::{Chunk, NewRecord, Record, RecordId, Value};

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
pub struct Mirror<'v> {
    /// `None` for a collection that is still to be made.
    existing: Option<&'v dyn Existing>,
    root: String,
    /// What the root was called before.
    moved_from: Vec<String>,
    /// Records that were not met yet, each with its place in the order of insertion.
    unmet: HashMap<RecordId, usize>,
}

impl<'v> Mirror<'v> {
    /// Begins to compare; `root` names what is followed, `moved_from` other names it had, whose records are its own now.
    ///
    /// # Errors
    /// Those of reading.
    pub fn new(existing: Option<&'v dyn Existing>, root: String, moved_from: Vec<String>) -> Result<Self> {
        let mut own = Vec::new();
        if let Some(existing) = existing {
            for name in moved_from.iter().chain([&root]) {
                own.append(&mut existing.having(Mirror::ROOT, name)?);
            }
            existing.look_up(&mut own.iter().cloned())?;
        }
        let unmet = own.into_iter().enumerate().map(|(place, id)| (id, place)).collect();
        Ok(Self { existing, root, moved_from, unmet })
    }

    /// Compares the rows of one document, all its parts in order.
    ///
    /// # Errors
    /// Those of reading.
    pub fn meet(&mut self, rows: &[NewRecord]) -> Result<Standing> {
        let Some(existing) = self.existing else { return Ok(Standing::New) };
        let (mut any, mut same) = (false, true);
        for row in rows {
            let Some(stored) = existing.stored(&row.id)? else {
                same = false;
                continue;
            };
            if !self.is_own(&stored) {
                let follows = followed(&stored).map(str::to_owned);
                return Ok(Standing::Taken { id: row.id.clone(), follows });
            }
            any = true;
            same &= says(&stored, row);
            self.unmet.remove(&row.id);
        }
        if let Some(Chunk { of, count, .. }) = rows.first().and_then(|row| row.part.as_ref()) {
            same &= !self.unmet.contains_key(&Chunk::id(of, *count));
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
    /// Those of reading.
    pub fn strays(&self, kept: impl Fn(&str) -> bool) -> Result<Vec<Stray>> {
        let Some(existing) = self.existing else { return Ok(Vec::new()) };
        let mut unmet: Vec<(&RecordId, &usize)> = self.unmet.iter().collect();
        unmet.sort_unstable_by_key(|(_, place)| **place);
        let mut strays = Vec::new();
        for (id, _) in unmet {
            let Some(Record { id, metadata, .. }) = existing.stored(id)? else { continue };
            let document = match metadata.as_ref().and_then(|metadata| metadata.get(Chunk::OF)) {
                Some(Value::Str(of)) => of.clone(),
                _ => id.as_str().to_owned(),
            };
            if !kept(&document) {
                strays.push(Stray { id, document });
            }
        }
        Ok(strays)
    }

    fn is_own(&self, record: &Record) -> bool {
        followed(record).is_some_and(|followed| followed == self.root || self.moved_from.iter().any(|n| n == followed))
    }
}

impl Mirror<'static> {
    /// The metadata key of what a record follows.
    pub const ROOT: &'static str = "synced_from";

    /// Has a row say what it follows.
    ///
    /// # Errors
    /// [`crate::error::Error::InvalidMetadata`] when the root's name cannot be a value.
    pub fn mark(root: &str, row: &mut NewRecord) -> Result<()> {
        row.metadata.insert(Self::ROOT, Some(Value::Str(root.to_owned())))
    }
}

fn followed(record: &Record) -> Option<&str> {
    match record.metadata.as_ref()?.get(Mirror::ROOT) {
        Some(Value::Str(followed)) => Some(followed),
        _ => None,
    }
}

/// Returns whether writing a row would leave its record as it is.
fn says(stored: &Record, row: &NewRecord) -> bool {
    if stored.document != row.document || stored.uri != row.uri {
        return false;
    }
    let metadata = stored.metadata.clone().unwrap_or_default();
    let mut merged = metadata.clone();
    merged.merge(row.metadata.clone());
    merged == metadata
}
