//! A collection brought from one place to another: what differs of it, and no more.
//!
//! Both sides are asked for the digests of their records; what they do not share travels in batches, each written whole or
//! not at all, and so the same call goes on where an earlier one ended. Memory holds the ids and digests of both sides, some
//! 100 bytes a record each, unless the collection there is empty; of the records themselves three batches at most.
//! Invariant: a record that arrives is the one that left, bit for bit; nothing but [`Transfer::prune`] removes one.

mod difference;
mod read;
mod scopes;
mod settings;
#[cfg(test)]
mod tests;

use std::sync::mpsc::sync_channel;
use std::thread;

use self::difference::Difference;
use self::read::{ROWS_AT_ONCE, Wanted, read};
pub use self::scopes::{make_scope, scopes};
use self::settings::Target;
use super::database::Backend;
use super::records::Records;
use crate::error::{Error, Result};
use crate::query::RecordQuery;
use crate::record::{CollectionName, DumpRecord};

/// What is brought where.
pub struct Transfer<'a> {
    /// Where the collection is.
    pub from: &'a dyn Backend,
    /// Its name there.
    pub name: &'a str,
    /// Where it is to be.
    pub to: &'a dyn Backend,
    /// The name it is to have, where that is another: of a new collection then, or of one that it goes on with.
    pub into: Option<CollectionName>,
    /// Whether records that only the target has are deleted.
    pub prune: bool,
    /// Whether nothing is written.
    pub dry_run: bool,
    /// Whether all records are compared again at the end, and not just counted.
    pub verify: bool,
}

/// How far a transfer has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferStep {
    /// The records of both sides are compared.
    Compare,
    /// So many records are to be sent.
    Send(u64),
    /// So many more are there.
    Sent(u64),
    /// The words of the documents are indexed.
    IndexWords,
    /// So many more were deleted there.
    Deleted(u64),
    /// Both sides are compared once more.
    Verify,
}

/// What a transfer did; of one that writes nothing, what it would have done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transferred {
    /// The name of the collection there.
    pub name: String,
    /// Whether it was made.
    pub is_new: bool,
    /// Records that were not there.
    pub added: u64,
    /// Records that were different there.
    pub replaced: u64,
    /// Records that were the same.
    pub unchanged: u64,
    /// Records that only the target had, and has no longer.
    pub deleted: u64,
    /// Records that only the target has.
    pub kept: u64,
    /// Settings that are others there, and stay.
    pub settings: Vec<&'static str>,
}

impl Transfer<'_> {
    /// Brings the collection over; `watch` is told how far it is, and its error ends the work after the batch at hand.
    ///
    /// A new collection has the order of the source. In one that is there, records that are replaced keep their place, and
    /// new ones go to the end.
    ///
    /// # Errors
    /// [`Error::CollectionNotFound`] and its like for the source; [`Error::InvalidArgument`] when the target has another
    /// collection of that name, or another model, space or dimension, and when all records there would be deleted;
    /// [`Error::Differs`] when what is there at the end is not what was to be; those of reading here and of writing there.
    pub fn run(&self, watch: &mut dyn FnMut(TransferStep) -> Result<()>) -> Result<Transferred> {
        let source = self.from.collection(self.name.into());
        let state = source.state()?;
        let (info, records) = (state.info().clone(), state.counts().records);
        let is_partial = state.is_restricted();
        drop(state);
        let Target { name, info: there } = self.target(&info)?;
        if self.prune && there.is_some() {
            self.refuse_to_delete_all(records, is_partial)?;
        }
        let target = self.to.collection(name.as_str().into());
        let mut done = Transferred { name: name.to_string(), is_new: there.is_none(), ..Transferred::default() };
        done.settings = there.as_ref().map_or_else(Vec::new, |there| settings::differing(&info, there));
        let (difference, wanted) = match &there {
            Some(_) if target.count()? > 0 => {
                watch(TransferStep::Compare)?;
                let difference = Difference::between(source.digests()?, target.digests().map_err(self.there())?);
                let wanted = Wanted::in_order(source.as_ref(), difference.added.clone())?;
                (difference, wanted)
            }
            _ => (Difference::default(), Wanted::All),
        };
        let added = if wanted.is_all() { records } else { difference.added.len() as u64 };
        done.unchanged = difference.unchanged;
        let only_there = difference.only_there.len() as u64;
        if self.dry_run {
            (done.added, done.replaced) = (added, difference.replaced.len() as u64);
            (done.deleted, done.kept) = if self.prune { (only_there, 0) } else { (0, only_there) };
            return Ok(done);
        }
        if there.is_none() {
            self.adopt(info.clone(), name).map_err(self.there())?;
        }
        watch(TransferStep::Send(added + difference.replaced.len() as u64))?;
        let ends = (source.as_ref(), target.as_ref());
        done.replaced = self.send(ends, Wanted::Listed(difference.replaced), watch)?;
        done.added = self.send(ends, wanted, watch)?;
        if done.added + done.replaced > 0 {
            target.settle().map_err(self.there())?;
        }
        if info.bm25 && !there.is_some_and(|there| there.bm25) {
            watch(TransferStep::IndexWords)?;
            target.index_documents(true).map_err(self.there())?;
        }
        if self.prune {
            for ids in difference.only_there.chunks(ROWS_AT_ONCE) {
                let ids = RecordQuery { ids: Some(ids.to_vec()), ..RecordQuery::default() };
                let deleted = target.delete_where(&ids).map_err(self.there())?;
                done.deleted += deleted;
                watch(TransferStep::Deleted(deleted))?;
            }
        }
        done.kept = only_there.saturating_sub(done.deleted);
        watch(TransferStep::Verify)?;
        self.verify(ends, &done)?;
        Ok(done)
    }

    /// Names the file in errors that say of none: the other one is not at fault.
    fn there(&self) -> impl Fn(Error) -> Error + '_ {
        |error| naming(self.to, error)
    }

    /// Refuses to delete what is not known to be gone.
    fn refuse_to_delete_all(&self, records: u64, is_partial: bool) -> Result<()> {
        let here = format!("{} in {}", self.name, self.from.place());
        let (why, hint) = match records {
            _ if is_partial => (
                format!("of {here} only a part may be seen, and the rest would be deleted in {}", self.to.place()),
                "ask for it with a token that may read all records",
            ),
            0 => (
                format!("{here} has no records, and all of them would be deleted in {}", self.to.place()),
                "drop the collection there, if that is meant",
            ),
            _ => return Ok(()),
        };
        Err(Error::InvalidArgument { why, hint: Some(hint.into()) })
    }

    /// Puts what is wanted of the source into the target, reading ahead by a batch; returns how many records that were.
    fn send(
        &self,
        (source, target): (&dyn Records, &dyn Records),
        wanted: Wanted,
        watch: &mut dyn FnMut(TransferStep) -> Result<()>,
    ) -> Result<u64> {
        thread::scope(|scope| {
            let (batches, arriving) = sync_channel::<Result<Vec<DumpRecord>>>(1);
            scope.spawn(move || {
                // A batch that nobody takes is one after an error.
                if let Err(error) = read(source, wanted, &mut |batch| batches.send(Ok(batch)).is_ok()) {
                    let _ = batches.send(Err(error));
                }
            });
            let mut sent = 0;
            for batch in arriving {
                let batch = batch.map_err(|error| naming(self.from, error))?;
                let rows = batch.len() as u64;
                target.put(batch).map_err(self.there())?;
                sent += rows;
                watch(TransferStep::Sent(rows))?;
            }
            Ok(sent)
        })
    }

    /// Looks whether the target has what it is to have.
    fn verify(&self, (source, target): (&dyn Records, &dyn Records), done: &Transferred) -> Result<()> {
        let differs = |why: String| Err(Error::Differs { collection: done.name.clone(), why });
        let (here, there) = (source.count()?, target.count()?);
        let (from, to) = (self.from.place(), self.to.place());
        if here + done.kept != there {
            return differs(format!("{from} has {here} records, and {to} {there}"));
        }
        if self.verify {
            let found = Difference::between(source.digests()?, target.digests()?);
            let (missing, others) = (found.added.len(), found.replaced.len());
            if missing + others > 0 {
                return differs(format!("{to} lacks {missing} records of {from}, and has {others} that are different"));
            }
        }
        Ok(())
    }
}

/// Names the file in an error that is about one and does not say which.
fn naming(place: &dyn Backend, error: Error) -> Error {
    match place.file() {
        Some(file) => error.at(file.path(), file.busy_timeout()),
        None => error,
    }
}
