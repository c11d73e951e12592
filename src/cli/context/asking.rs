//! Before something is changed that cannot be undone: which records it would be, and whether it is meant.
//!
//! Invariant: asks only where somebody can answer; anything but yes is no.

use std::io::{self, BufRead, BufReader, IsTerminal};

use huedb::error::{Error, Result};
use huedb::query::RecordQuery;
use huedb::store::Include;

use super::command::Context;
use crate::cli::process::exit::Status;
use crate::output::count;

/// Ids that are shown of those that would be changed.
const SHOWN_IDS: usize = 10;

impl Context<'_, '_> {
    /// Says how many records of a collection would be changed, and the first of them; changes none.
    pub(crate) fn say_what_would_be(&mut self, done: &str, collection: &str, query: &RecordQuery) -> Result<Status> {
        let place = self.open(huedb::store::Access::Read)?;
        let page = place.collection(collection.into()).find(query, Include::NONE)?;
        let mut said = format!("{} would be {done}", count(page.len() as u64));
        let mut between = ": ";
        for id in page.ids().take(SHOWN_IDS) {
            said.push_str(between);
            said.push_str(id?.as_str());
            between = ", ";
        }
        if page.len() > SHOWN_IDS {
            said.push_str(", ...");
        }
        self.printer.notice(said);
        Ok(Status::Done)
    }

    /// Asks whether something is meant that cannot be undone; where nobody can be asked, it is.
    ///
    /// # Errors
    /// [`Error::Io`] when the answer cannot be read.
    pub(crate) fn confirm(&mut self, question: &str) -> Result<bool> {
        if !self.is_terminal || !io::stdin().is_terminal() {
            return Ok(true);
        }
        self.printer.ask(&format!("{question} [y/N] "));
        let mut answer = String::new();
        BufReader::new(self.stdin.clone())
            .read_line(&mut answer)
            .map_err(|error| Error::io("read the answer", error))?;
        Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
    }
}
