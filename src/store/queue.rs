//! Writes of one process, one at a time; small ones that wait become one commit.
//!
//! A commit costs two syncs, whatever it holds. So whoever has the turn also does what others wait for, in one
//! transaction, and each learns the outcome of its own request once that is durable. A request that is refused is taken out
//! and the others are done again without it. Invariants: requests are done in the order they came; nobody waits past its
//! deadline for a turn; what was taken from the queue is answered.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use redb::WriteTransaction;

use super::apply::Rows;
use super::table::PairKey;
use super::write::WriteBatch;
use super::{Change, Collection, Effect, Mode, Store, StoredRecord};
use crate::error::{Error, Result};
use crate::record::RecordId;

/// Requests of one commit at most.
const MOST_REQUESTS: usize = 256;
/// Bytes of embeddings and text in one commit at most, but for a single request.
const MOST_BYTES: usize = 32 << 20;
/// A larger request is done by itself: others need not wait for it, nor is it worth keeping for a second attempt.
pub(super) const LARGE_BYTES: usize = 4 << 20;

/// Says whether a record that is about to be deleted is still to be deleted.
pub(crate) type Condition = dyn Fn(&StoredRecord) -> bool + Send + Sync;

/// A change to a collection.
pub(super) enum Task {
    Apply(Vec<Change>, Mode),
    Delete(Vec<RecordId>, Box<Condition>),
}

/// The outcome of a write.
#[derive(Debug)]
pub enum Outcome {
    /// The effect of each change, in their order.
    Effects(Vec<Effect>),
    /// How many records were deleted.
    Deleted(u64),
}

impl Outcome {
    /// Returns how many changes it is of, or how many records were deleted.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "what is empty is an outcome, too")]
    pub fn len(&self) -> usize {
        match self {
            Self::Effects(effects) => effects.len(),
            Self::Deleted(deleted) => usize::try_from(*deleted).unwrap_or(usize::MAX),
        }
    }
}

/// A task, and where its outcome goes.
pub(super) struct WriteRequest {
    collection: Collection,
    task: Task,
    outcome: Mutex<Option<Result<Outcome>>>,
}

impl WriteRequest {
    pub(super) fn new(collection: &Collection, task: Task) -> Self {
        Self { collection: collection.clone(), task, outcome: Mutex::new(None) }
    }

    fn bytes(&self) -> usize {
        match &self.task {
            Task::Apply(changes, _) => changes.iter().map(bytes_of).sum(),
            Task::Delete(ids, _) => ids.iter().map(|id| id.as_str().len()).sum(),
        }
    }

    fn is_for(&self, other: &Self) -> bool {
        let (this, other) = (&self.collection, &other.collection);
        this.key() == other.key() && this.store().scope() == other.store().scope()
    }

    fn answer(&self, outcome: Result<Outcome>) {
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
    }

    fn is_answered(&self) -> bool {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn take_answer(&self) -> Option<Result<Outcome>> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn run(&self, batch: &mut WriteBatch) -> Result<Outcome> {
        match &self.task {
            Task::Apply(changes, mode) => {
                self.collection.require_all()?;
                let effects = changes.iter().map(|change| batch.apply(change.clone(), *mode));
                effects.collect::<Result<_>>().map(Outcome::Effects)
            }
            Task::Delete(ids, condition) => {
                let restriction = self.collection.restriction();
                let is_due = |record: &StoredRecord| {
                    condition(record) && restriction.is_none_or(|restriction| restriction.keeps(record))
                };
                let deleted = ids.iter().map(|id| batch.delete(id, is_due).map(u64::from));
                deleted.sum::<Result<_>>().map(Outcome::Deleted)
            }
        }
    }
}

/// Returns about how many bytes a change holds.
pub(super) fn bytes_of(change: &Change) -> usize {
    change.embedding.as_ref().map_or(0, |embedding| 4 * embedding.len())
        + change.document.as_ref().map_or(0, String::len)
        + change.id.as_str().len()
}

/// Who is writing, and what is waiting.
#[derive(Default)]
pub(super) struct WriteQueue {
    state: Mutex<QueueState>,
    freed: Condvar,
}

#[derive(Default)]
struct QueueState {
    /// Whether somebody has the turn.
    taken: bool,
    waiting: VecDeque<Arc<WriteRequest>>,
}

/// The turn to write. It passes on when it is dropped.
pub(super) struct Turn<'q>(&'q WriteQueue);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.state().taken = false;
        self.0.freed.notify_all();
    }
}

impl WriteQueue {
    fn state(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nobody else of this process writes; `None` when that took too long.
    pub(super) fn turn(&self, deadline: Instant) -> Option<Turn<'_>> {
        let mut state = self.state();
        while state.taken {
            state = self.wait(state, deadline)?;
        }
        state.taken = true;
        Some(Turn(self))
    }

    /// Takes the turn if nobody has it or waits for it.
    pub(super) fn free_turn(&self) -> Option<Turn<'_>> {
        let mut state = self.state();
        if state.taken || !state.waiting.is_empty() {
            return None;
        }
        state.taken = true;
        Some(Turn(self))
    }

    fn wait<'q>(&'q self, state: MutexGuard<'q, QueueState>, deadline: Instant) -> Option<MutexGuard<'q, QueueState>> {
        let left = deadline.checked_duration_since(Instant::now())?;
        Some(self.freed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0)
    }

    /// Waits until another thread has done a request, which returns `None`, or for the turn to do it.
    fn turn_or_answer(&self, request: &Arc<WriteRequest>, deadline: Instant) -> Result<Option<Turn<'_>>, TooLate> {
        let mut state = self.state();
        loop {
            if request.is_answered() {
                return Ok(None);
            }
            let waits = state.waiting.iter().any(|waiting| Arc::ptr_eq(waiting, request));
            if waits && !state.taken {
                state.taken = true;
                return Ok(Some(Turn(self)));
            }
            // Whoever took it is working on it, and will answer.
            let until = if waits { deadline } else { Instant::now() + LONG };
            state = match self.wait(state, until) {
                Some(state) => state,
                None if !waits => self.state(),
                None => {
                    let mut state = self.state();
                    let before = state.waiting.len();
                    state.waiting.retain(|waiting| !Arc::ptr_eq(waiting, request));
                    if state.waiting.len() < before {
                        return Err(TooLate);
                    }
                    state
                }
            };
        }
    }

    /// Takes what is waiting, as much as fits in one commit.
    fn take(&self) -> Vec<Arc<WriteRequest>> {
        let mut state = self.state();
        let (mut taken, mut bytes) = (Vec::new(), 0_usize);
        while let Some(next) = state.waiting.front() {
            bytes = bytes.saturating_add(next.bytes());
            if taken.len() == MOST_REQUESTS || (bytes > MOST_BYTES && !taken.is_empty()) {
                break;
            }
            taken.extend(state.waiting.pop_front());
        }
        taken
    }
}

/// How often a waiting request checks whether it was answered.
const LONG: std::time::Duration = std::time::Duration::from_secs(1);

struct TooLate;

/// A write that is to be done together with others ([`Store::write_together`]).
pub struct PendingWrite(WriteRequest);

impl Collection {
    /// Returns the write that [`Collection::apply`] does.
    #[must_use]
    pub fn to_apply(&self, changes: Vec<Change>, mode: Mode) -> PendingWrite {
        PendingWrite(WriteRequest::new(self, Task::Apply(changes, mode)))
    }

    /// Returns the write that deletes those of the ids' records for which `condition` holds at the moment of deletion.
    pub(crate) fn to_delete_if(
        &self,
        ids: Vec<RecordId>,
        condition: impl Fn(&StoredRecord) -> bool + Send + Sync + 'static,
    ) -> PendingWrite {
        PendingWrite(WriteRequest::new(self, Task::Delete(ids, Box::new(condition))))
    }
}

impl Store {
    /// Does several writes, to any collections of the file, in as few commits as possible; returns the outcome of each,
    /// in their order. One that is refused undoes none of the others.
    #[must_use]
    pub fn write_together(&self, writes: Vec<PendingWrite>) -> Vec<Result<Outcome>> {
        let deadline = Instant::now() + self.busy_timeout();
        let requests: Vec<_> = writes.into_iter().map(|write| Arc::new(write.0)).collect();
        self.queue().state().waiting.extend(requests.iter().cloned());
        requests.iter().map(|request| self.outcome_of(request, deadline)).collect()
    }

    /// Has a request done, in one commit with others that are waiting.
    pub(super) fn request(&self, request: WriteRequest) -> Result<Outcome> {
        let (request, deadline) = (Arc::new(request), Instant::now() + self.busy_timeout());
        self.queue().state().waiting.push_back(Arc::clone(&request));
        self.outcome_of(&request, deadline)
    }

    /// Waits until a request that is in the queue is done, or does it with what waits beside it.
    fn outcome_of(&self, request: &Arc<WriteRequest>, deadline: Instant) -> Result<Outcome> {
        loop {
            match self.queue().turn_or_answer(request, deadline) {
                Err(TooLate) => return Err(self.busy()),
                Ok(None) => {}
                Ok(Some(turn)) => {
                    let unpurged = self.do_all(self.queue().take(), deadline);
                    drop(turn);
                    for (collection, segments) in &unpurged {
                        collection.purge(segments);
                    }
                }
            }
            if let Some(outcome) = request.take_answer() {
                return outcome.map_err(|error| self.name(error));
            }
        }
    }

    /// Does requests in one commit, or in several where some are refused, and answers each; returns the segments that are
    /// to be purged.
    fn do_all(&self, mut requests: Vec<Arc<WriteRequest>>, deadline: Instant) -> Vec<(Collection, Vec<PairKey>)> {
        while !requests.is_empty() {
            let (mut refused, mut unpurged) = (0, Vec::new());
            let done = self.transact(deadline, |tx| in_turn(tx, &requests, &mut refused, &mut unpurged));
            match done {
                Ok(outcomes) => {
                    requests.iter().zip(outcomes).for_each(|(request, outcome)| request.answer(Ok(outcome)));
                    let of = |(request, segments): (Arc<WriteRequest>, _)| (request.collection.clone(), segments);
                    return unpurged.into_iter().map(of).collect();
                }
                // Nothing of the others is kept: they are done again without this one. Where the commit itself failed, each
                // but the first finds out for itself, since errors cannot be copied.
                Err(error) => {
                    let at = if refused < requests.len() { refused } else { 0 };
                    requests.remove(at).answer(Err(error));
                }
            }
        }
        Vec::new()
    }
}

/// Does requests one by one; `at` is the current one, or their number once all are done.
fn in_turn(
    tx: &WriteTransaction,
    requests: &[Arc<WriteRequest>],
    at: &mut usize,
    unpurged: &mut Vec<(Arc<WriteRequest>, Vec<PairKey>)>,
) -> Result<Vec<Outcome>> {
    let mut outcomes = Vec::with_capacity(requests.len());
    for of_one in requests.chunk_by(|one, next| one.is_for(next)) {
        let Some(first) = of_one.first() else { continue };
        let mut batch = WriteBatch::of(tx, first.collection.store().scope(), first.collection.key())?;
        for request in of_one {
            outcomes.push(request.run(&mut batch)?);
            *at += 1;
        }
        // A refusal is the last one's, or that of all of them together; doing them one by one tells which.
        *at -= 1;
        let segments = batch.finish()?;
        *at += 1;
        if !segments.is_empty() {
            unpurged.push((Arc::clone(first), segments));
        }
    }
    Ok(outcomes)
}

impl Outcome {
    /// Returns what came of each change.
    ///
    /// # Errors
    /// When it was a deletion.
    pub fn effects(self) -> Result<Vec<Effect>> {
        match self {
            Self::Effects(effects) => Ok(effects),
            Self::Deleted(_) => Err(Error::argument("a change was answered as a deletion")),
        }
    }

    /// Returns how many records were deleted.
    ///
    /// # Errors
    /// When it was a change.
    pub fn deleted(self) -> Result<u64> {
        match self {
            Self::Deleted(deleted) => Ok(deleted),
            Self::Effects(_) => Err(Error::argument("a deletion was answered as a change")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use tempfile::TempDir;

    use super::*;
    use crate::record::{CollectionName, MetadataPatch, Ordinal};
    use crate::store::table;
    use crate::store::{Access, Include, NewCollection, Options};

    fn id(name: impl std::fmt::Display) -> RecordId {
        RecordId::parse(name.to_string()).unwrap()
    }

    fn change(name: impl std::fmt::Display, embedding: &[f32]) -> Change {
        let (embedding, metadata) = (Some(embedding.to_vec()), MetadataPatch::default());
        Change { id: id(name), embedding, embedded_here: false, document: None, uri: None, metadata }
    }

    fn store(busy_timeout: Duration) -> (TempDir, Store) {
        let folder = TempDir::new().unwrap();
        let options = Options { busy_timeout, ..Options::of_tests() };
        let store = Store::open_with(folder.path().join("test.redb"), Access::Create, &options).unwrap();
        for name in ["notes", "others"] {
            store.create_collection(CollectionName::parse(name).unwrap(), NewCollection::default()).unwrap();
        }
        store.collection("notes").unwrap().add([change("first", &[1.0, 0.0])]).unwrap();
        (folder, store)
    }

    #[test]
    fn requests_that_wait_share_a_commit_and_one_that_is_refused_undoes_no_other() {
        let (_folder, store) = store(Duration::from_mins(1));
        let (notes, others) = (store.collection("notes").unwrap(), store.collection("others").unwrap());
        let before = store.commits();
        let turn = store.queue().turn(Instant::now()).unwrap();
        let answers: Vec<_> = thread::scope(|scope| {
            let ask = |n: usize| {
                let collection = if n % 5 == 4 { &others } else { &notes };
                let embedding: &[f32] = if n % 8 == 3 { &[1.0, 2.0, 3.0] } else { &[0.5, 1.0] };
                match n {
                    // Deleted or not, as it comes before or after.
                    30 => notes.delete([&id("first")]).map(|n| vec![Effect::Added; usize::try_from(n).unwrap()]),
                    _ => collection.add([change(n, embedding), change(format!("{n} too"), embedding)]),
                }
            };
            let asked: Vec<_> = (0..31).map(|n| scope.spawn(move || ask(n))).collect();
            while store.queue().state().waiting.len() < 31 {
                thread::sleep(Duration::from_millis(1));
            }
            drop(turn);
            asked.into_iter().map(|asked| asked.join().unwrap()).collect()
        });
        // The collection `others` has no dimension yet: there one of three components may be the first.
        let refused: Vec<usize> = (0..31).filter(|n| answers[*n].is_err()).collect();
        assert!(refused.iter().all(|n| n % 8 == 3 || n % 5 == 4), "{refused:?}");
        assert!([3, 11, 27].iter().all(|n| refused.contains(n)), "{refused:?}");
        assert_eq!(store.commits() - before, 1);
        for (n, answer) in answers.iter().enumerate().take(30) {
            let collection = if n % 5 == 4 { &others } else { &notes };
            let there = collection.get(&[id(n), id(format!("{n} too"))], Include::NONE).unwrap().len();
            assert_eq!(there, if answer.is_ok() { 2 } else { 0 }, "{n}: {answer:?}");
        }
        assert_eq!(answers[30].as_ref().unwrap().len(), 1);
        assert_eq!(store.check(None, crate::store::Depth::Deep).unwrap(), []);
    }

    #[test]
    fn nobody_waits_longer_than_the_busy_timeout_for_others_of_this_process() {
        let (_folder, store) = store(Duration::from_millis(100));
        let notes = store.collection("notes").unwrap();
        let turn = store.queue().turn(Instant::now()).unwrap();
        assert!(matches!(notes.add([change("late", &[0.0, 1.0])]), Err(Error::Busy { .. })));
        assert!(matches!(notes.index_documents(true), Err(Error::Busy { .. })));
        drop(turn);
        assert_eq!(notes.count().unwrap(), 1, "what gave up is not done later");
        assert_eq!(notes.add([change("late", &[0.0, 1.0])]).unwrap(), [Effect::Added]);
    }

    #[test]
    fn a_record_that_is_changed_and_deleted_in_one_commit_is_gone() {
        let (_folder, store) = store(Duration::from_mins(1));
        let notes = store.collection("notes").unwrap();
        let rows = crate::store::rows_per_segment(2);
        notes.add((0..rows).map(|n| change(n, &[1.0, n as f32]))).unwrap();
        store
            .write(|tx| {
                let mut batch = WriteBatch::begin(tx, table::CollectionNumber(0), "notes")?;
                for n in 0..rows / 2 {
                    batch.apply(change(n, &[2.0, 3.0]), Mode::Upsert)?;
                    batch.delete(&id(n), |_| true)?;
                }
                batch.finish()
            })
            .unwrap();
        assert_eq!(notes.count().unwrap(), (rows + 1 - rows / 2) as u64);
        assert_eq!(notes.view().unwrap().record(Ordinal(0), Include::ALL).unwrap().id, id("first"));
        assert_eq!(store.check(None, crate::store::Depth::Deep).unwrap(), []);
    }

    #[test]
    fn a_panic_in_a_transaction_is_an_error_and_the_handle_goes_on() {
        let (_folder, store) = store(Duration::from_mins(1));
        let notes = store.collection("notes").unwrap();
        let panics = |tx: &WriteTransaction| {
            tx.open_table(table::META)?.insert("lost", [1].as_slice())?;
            panic!("as redb does on a damaged page")
        };
        let refused: Result<()> = store.write(panics);
        assert!(matches!(refused, Err(Error::Damaged { .. })), "{refused:?}");
        assert_eq!(notes.add([change("after", &[0.0, 1.0])]).unwrap(), [Effect::Added]);
        let refused: Result<()> = store.read(|_| panic!("as redb does on a damaged page"));
        assert!(matches!(refused, Err(Error::Damaged { .. })), "{refused:?}");
        assert_eq!(notes.count().unwrap(), 2);
        let lost = store.read(|tx| Ok(tx.open_table(table::META)?.get("lost")?.is_some()));
        assert!(!lost.unwrap());
    }
}
