//! The one thread that writes to a file: what waits is written together, and each request is answered once its write is durable.
//!
//! A commit costs two syncs of the disk, whatever is in it. Invariant: what was taken from the queue is answered.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use super::call::Answered;
use super::fault::Fault;
use super::observe::Observed;
use super::queue::Queue;
use super::rejection::Rejection;
use super::responder::Responder;
use crate::backend::{Backend, Write};
use crate::store::Outcome;

/// Writes that may wait.
const MOST_WAITING: usize = 1024;
/// Writes that are handed over together at the most; the place makes as few commits of them as they fit in.
const MOST_TOGETHER: usize = 256;

struct Job {
    write: Write,
    answer: fn(Outcome) -> Answered,
    responder: Responder,
}

struct Shared {
    backend: Arc<dyn Backend>,
    observed: Arc<Observed>,
    queue: Queue<Job>,
}

pub(super) struct Writer {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Shared {
    /// Waits for writes; `None` once there will be no more.
    fn take(&self) -> Option<Vec<Job>> {
        self.queue.take(|waiting| {
            let most = waiting.len().min(MOST_TOGETHER);
            (most > 0).then(|| waiting.drain(..most).collect())
        })
    }

    fn write(&self, jobs: Vec<Job>) {
        // Whoever left has no use for a write that is not begun.
        let jobs = jobs.into_iter().filter(|job| job.responder.is_awaited());
        let (writes, answers): (Vec<_>, Vec<_>) = jobs.map(|job| (job.write, (job.answer, job.responder))).unzip();
        let start = Instant::now();
        let done = catch_unwind(AssertUnwindSafe(|| self.backend.write_together(writes)));
        self.observed.metrics.writes.observe(start.elapsed().as_secs_f64());
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
    pub(super) fn start(backend: Arc<dyn Backend>, observed: Arc<Observed>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared { backend, observed, queue: Queue::new() });
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
    pub(super) fn submit(&self, write: Write, answer: fn(Outcome) -> Answered, responder: Responder) {
        let job = Job { write, answer, responder };
        // Other places take several transactions at once, and commit together what comes together by themselves.
        if self.shared.backend.file().is_none() {
            return self.shared.write(vec![job]);
        }
        if let Err((job, waiting)) = self.shared.queue.push(job, MOST_WAITING) {
            job.responder.answer(Err(Fault::over(Rejection::Queue, format!("{waiting} writes are waiting"))));
        }
    }

    /// Does what waits and ends.
    pub(super) fn finish(&self) {
        self.shared.queue.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}
