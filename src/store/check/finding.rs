//! What a check finds, gathered until there is enough.
//!
//! Invariant: what cannot be read is a finding, not an error.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Error, Result};

/// The most findings that are listed: enough to see what happened, few enough to read.
pub const MOST_FINDINGS: usize = 100;

/// How much of the file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// The catalogue, counters, and every checksum: all pages are read.
    Quick,
    /// Every record too, and all that is derived from them is computed again.
    Deep,
}

/// One thing in the file that is damaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which part of the file, as in `notes: segment of row 5440`.
    pub place: String,
    /// What is wrong with it.
    pub what: String,
    /// Whether it can be computed again from what is stored beside it; else something was lost.
    pub derived: bool,
}

/// Gathers findings until there are [`MOST_FINDINGS`].
#[derive(Default)]
pub(super) struct Findings(pub(super) Vec<Finding>);

impl Findings {
    pub(super) fn add(&mut self, place: impl Into<String>, what: impl Into<String>, derived: bool) {
        if self.0.len() < MOST_FINDINGS {
            self.0.push(Finding { place: place.into(), what: what.into(), derived });
        }
    }

    /// Checks one part; what cuts the check short is a finding.
    ///
    /// redb trusts the bytes of a damaged page and panics: that, too, ends only the part.
    pub(super) fn check(
        &mut self,
        place: impl Into<String>,
        derived: bool,
        part: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        // Findings are only ever added to, so a panic leaves them whole.
        let checked = catch_unwind(AssertUnwindSafe(|| part(self)));
        let checked = checked.unwrap_or_else(|_| Err(Error::damaged("a page of it cannot be read")));
        self.take(place, derived, checked).map(drop)
    }

    /// Takes damage as a finding; any other error stays one.
    pub(super) fn take<T>(&mut self, place: impl Into<String>, derived: bool, checked: Result<T>) -> Result<Option<T>> {
        match checked {
            Ok(value) => Ok(Some(value)),
            Err(Error::Damaged { what, .. }) => {
                self.add(place, what, derived);
                Ok(None)
            }
            // redb reads nothing more after a page that pointed outside the file.
            Err(error) if error.is_consequence() && !self.0.is_empty() => {
                self.add(place, "it cannot be checked after the damage found before", derived);
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }
}
