//! Batches stored as they come: one is parsed and the next embedded while a third is written.
//!
//! Three threads and two channels that hold one batch each, so memory stays bounded by the size of a batch whatever
//! the size of the input. Invariant: batches are written in the order they came, and an error in one keeps
//! every later one from being written.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use super::prepare::{IngestSettings, PreparedBatch};
use super::store_batch::{Ingest, StoredBatch, Written, write};
use super::target::Target;
use crate::error::Result;
use crate::record::NewRecord;

/// How often an idle import looks whether it should go on.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// One batch as it came from the input; a bad row is an error in its place.
pub type ParsedBatch = Vec<Result<NewRecord>>;

impl Ingest<'_> {
    /// Stores `first`, prepared already, and then every batch of `batches`.
    ///
    /// `batches` runs on a thread of its own, which is left behind when the import ends early, since it may wait for
    /// input that never comes. `heard` is told what came of each batch, and also in between, with `None`; its error
    /// ends the import after the batches that are prepared.
    ///
    /// # Errors
    /// As [`Ingest::store`], and those of `heard`.
    pub fn store_all(
        &mut self,
        first: PreparedBatch,
        batches: impl Iterator<Item = ParsedBatch> + Send + 'static,
        mut heard: impl FnMut(Option<StoredBatch>) -> Result<()>,
    ) -> Result<()> {
        let (parsed, to_prepare) = sync_channel(1);
        thread::spawn(move || batches.map(|batch| parsed.send(batch)).take_while(Result::is_ok).for_each(drop));
        let (collection, way) = (self.collection, self.preparer.way());
        let (ready, to_write) = sync_channel::<PreparedBatch>(1);
        let (written, results) = channel();
        let mut again = Vec::new();
        thread::scope(|scope| {
            let writer = scope.spawn(move || write_all(collection, way, to_write, &written));
            let prepared = self.prepare_all(first, &to_prepare, &ready, &mut |ingest: &mut Self| {
                for result in results.try_iter() {
                    heard(Some(ingest.note(result, &mut again)))?;
                }
                heard(None)
            });
            drop(ready);
            let wrote = writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            // All of them, also when the first is enough to end the import: what is told stored is what is stored.
            let mut noted = Ok(());
            for result in results.try_iter() {
                let told = heard(Some(self.note(result, &mut again)));
                noted = noted.and(told);
            }
            // What the writer met concerns the earlier rows.
            wrote.and(prepared).and(noted)
        })?;
        if !again.is_empty() {
            let again = self.preparer.prepare(self.collection.existing()?.as_ref(), again.into_iter().map(Ok))?;
            heard(Some(self.store(again)?))?;
        }
        Ok(())
    }

    /// Prepares batch after batch and hands each to the writer; calls `meanwhile` whenever it waits.
    fn prepare_all(
        &mut self,
        first: PreparedBatch,
        batches: &Receiver<ParsedBatch>,
        ready: &SyncSender<PreparedBatch>,
        meanwhile: &mut impl FnMut(&mut Self) -> Result<()>,
    ) -> Result<()> {
        let mut prepared = first;
        // A send fails when the writer has met an error, which it tells itself.
        while ready.send(prepared).is_ok() {
            let Some(rows) = wait(batches, || meanwhile(self))? else { break };
            prepared = self.preparer.prepare(self.collection.existing()?.as_ref(), rows)?;
        }
        Ok(())
    }

    fn note(&mut self, result: Written, again: &mut Vec<NewRecord>) -> StoredBatch {
        self.preparer.forget_oldest();
        self.tally += result.tally;
        again.extend(result.again);
        StoredBatch { tally: result.tally, refused: result.refused }
    }
}

/// Writes prepared batches until there are no more or one fails; tells what came of each.
fn write_all(
    collection: &dyn Target,
    way: IngestSettings,
    batches: Receiver<PreparedBatch>,
    results: &Sender<Written>,
) -> Result<()> {
    for prepared in batches {
        let tally = prepared.tally();
        let mut result = write(collection, prepared, way)?;
        result.tally += tally;
        if results.send(result).is_err() {
            break;
        }
    }
    Ok(())
}

/// Waits for the next batch, and calls `meanwhile` all along; `None` when there are no more.
fn wait<T>(batches: &Receiver<T>, mut meanwhile: impl FnMut() -> Result<()>) -> Result<Option<T>> {
    loop {
        meanwhile()?;
        match batches.recv_timeout(LOOK_EVERY) {
            Ok(batch) => return Ok(Some(batch)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
        }
    }
}
