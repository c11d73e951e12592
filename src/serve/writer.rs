//! The one thread that writes: what waits is written together, and each request is answered once its write is durable.
//!
//! A commit costs two syncs of the disk, whatever is in it. Invariant: what was taken from the queue is answered.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::call::Answered;
use super::fault::Fault;
use super::responder::Responder;
use crate::store::{Outcome, PendingWrite, Store};

/// Writes that may wait.
const MOST_WAITING: usize = 1024;
/// Writes that are handed over together at the most; the store makes as few commits of them as they fit in.
const MOST_TOGETHER: usize = 256;

struct Job {
    write: PendingWrite,
    answer: fn(Outcome) -> Answered,
    responder: Responder,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    closed: bool,
}

struct Shared {
    store: Store,
    state: Mutex<State>,
    arrived: Condvar,
}

pub(super) struct Writer {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for writes; `None` once there will be no more.
    fn take(&self) -> Option<Vec<Job>> {
        let mut state = self.state();
        loop {
            if !state.waiting.is_empty() {
                let most = state.waiting.len().min(MOST_TOGETHER);
                return Some(state.waiting.drain(..most).collect());
            }
            if state.closed {
                return None;
            }
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn write(&self, jobs: Vec<Job>) {
        // Whoever left has no use for a write that is not begun.
        let jobs = jobs.into_iter().filter(|job| job.responder.is_awaited());
        let (writes, answers): (Vec<_>, Vec<_>) = jobs.map(|job| (job.write, (job.answer, job.responder))).unzip();
        let done = catch_unwind(AssertUnwindSafe(|| self.store.write_together(writes)));
        let mut outcomes = done.unwrap_or_default().into_iter();
        for (answer, responder) in answers {
            responder.answer(match outcomes.next() {
                Some(outcome) => outcome.map_err(Fault::from).and_then(answer),
                None => Err(Fault::internal("the write met a fault in huedb; whether it was done is not known")),
            });
        }
    }
}

impl Writer {
    pub(super) fn start(store: Store) -> std::io::Result<Self> {
        let shared = Arc::new(Shared { store, state: Mutex::default(), arrived: Condvar::new() });
        let thread = {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new().name("huedb-writer".into()).spawn(move || {
                while let Some(jobs) = shared.take() {
                    shared.write(jobs);
                }
            })?
        };
        Ok(Self { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Has a write done, and answers once it is durable.
    pub(super) fn submit(&self, write: PendingWrite, answer: fn(Outcome) -> Answered, responder: Responder) {
        let mut state = self.shared.state();
        if state.waiting.len() >= MOST_WAITING {
            drop(state);
            return responder.answer(Err(Fault::backoff(format!("{MOST_WAITING} writes are waiting"))));
        }
        state.waiting.push_back(Job { write, answer, responder });
        drop(state);
        self.shared.arrived.notify_one();
    }

    /// Does what waits and ends.
    pub(super) fn finish(&self) {
        self.shared.state().closed = true;
        self.shared.arrived.notify_all();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}
