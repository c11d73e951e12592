//! The workers: threads that read requests and answer them, from one bounded queue.
//!
//! The threads that move bytes never read JSON nor search. Invariants: a request that nobody awaits any longer, or whose time
//! is over, is not begun; what was taken from the queue is answered; questions of one path that wait are answered together,
//! as many by each worker as it is its share.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use axum::http::StatusCode;

use super::call::{Answered, Call, Kind, Site, Step};
use super::connection::stream;
use super::fault::Fault;
use super::query;
use super::question::Question;
use super::queue::Queue;
use super::rejection::Rejection;
use super::responder::Responder;
use super::writer::Writer;

/// Questions that are answered together at the most.
const MOST_TOGETHER: usize = 64;
/// Requests that may take long and are at work at once.
const MOST_LONG: usize = 4;

/// A request that waits for a worker.
pub(super) struct Job {
    pub(super) call: Call,
    pub(super) responder: Responder,
    pub(super) since: Instant,
}

impl Job {
    fn is_wanted(&self) -> bool {
        self.responder.is_awaited() && Instant::now() < self.call.deadline
    }

    fn asks_as(&self, other: &Self) -> bool {
        let (this, other) = (&self.call, &other.call);
        std::ptr::eq(this.route, other.route)
            && this.params == other.params
            && this.access.filter == other.access.filter
    }
}

struct Shared {
    site: Arc<Site>,
    writer: Writer,
    queue: Queue<Job>,
    running: AtomicUsize,
    long: AtomicUsize,
}

/// The workers and what waits for them.
pub(super) struct Engine {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Engine {
    pub(super) fn start(site: Arc<Site>) -> std::io::Result<Self> {
        let writer = Writer::start(Arc::clone(&site.backend), Arc::clone(&site.observed))?;
        let count = site.options.threads.max(1);
        let shared = Arc::new(Shared {
            site,
            writer,
            queue: Queue::new(),
            running: AtomicUsize::new(0),
            long: AtomicUsize::new(0),
        });
        let thread = |number: usize| {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new().name(format!("huedb-worker-{number}")).spawn(move || {
                while let Some(jobs) = shared.take() {
                    shared.running.fetch_add(1, Ordering::Relaxed);
                    shared.work(jobs);
                    shared.running.fetch_sub(1, Ordering::Relaxed);
                }
            })
        };
        let threads = (0..count).map(thread).collect::<std::io::Result<Vec<_>>>()?;
        Ok(Self { shared, threads: Mutex::new(threads) })
    }

    /// Hands a request to the workers, or to a thread of its own where it may take long.
    pub(super) fn submit(&self, job: Job) {
        if matches!(job.call.route.kind, Kind::Long | Kind::Upload) {
            return self.submit_long(job);
        }
        if let Err((job, waiting)) = self.shared.queue.push(job, self.shared.site.options.queue) {
            job.responder
                .answer(Err(Fault::over(Rejection::Queue, format!("{waiting} requests are waiting (--queue)"))));
        }
    }

    fn submit_long(&self, job: Job) {
        let shared = Arc::clone(&self.shared);
        if shared.long.fetch_add(1, Ordering::Relaxed) >= MOST_LONG {
            shared.long.fetch_sub(1, Ordering::Relaxed);
            return job.responder.answer(Err(Fault::over(
                Rejection::Long,
                format!("{MOST_LONG} requests that may take long are at work"),
            )));
        }
        std::thread::spawn(move || {
            shared.work(vec![job]);
            shared.long.fetch_sub(1, Ordering::Relaxed);
        });
    }

    /// Returns how many requests wait.
    pub(super) fn waiting(&self) -> usize {
        self.shared.queue.len()
    }

    /// Answers what waits and ends; what comes from now on is told to come back.
    pub(super) fn finish(&self) {
        self.shared.queue.close();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            let _ = thread.join();
        }
        self.shared.writer.finish();
    }
}

impl Shared {
    /// Waits for a request, and takes the questions that wait with it; `None` once there will be no more.
    fn take(&self) -> Option<Vec<Job>> {
        self.queue.take(|waiting| {
            while let Some(job) = waiting.pop_front() {
                if job.is_wanted() {
                    return Some(self.with_peers(waiting, job));
                }
                job.responder.answer(Err(too_late()));
            }
            None
        })
    }

    fn with_peers(&self, waiting: &mut VecDeque<Job>, job: Job) -> Vec<Job> {
        let mut jobs = vec![job];
        let Some(first) = jobs.first().filter(|job| job.call.route.kind == Kind::Question) else { return jobs };
        let is_peer = |other: &Job| first.asks_as(other);
        let all = 1 + waiting.iter().filter(|other| is_peer(other)).count();
        let share = all.div_ceil(self.site.options.threads.max(1)).min(MOST_TOGETHER);
        let mut taken = Vec::new();
        let mut at = 0;
        while taken.len() + 1 < share && at < waiting.len() {
            if waiting.get(at).is_some_and(is_peer) {
                taken.extend(waiting.remove(at));
            } else {
                at += 1;
            }
        }
        jobs.extend(taken);
        jobs
    }

    fn work(&self, jobs: Vec<Job>) {
        let mut questions: Vec<(Question, Responder)> = Vec::new();
        for Job { call, responder, since } in jobs {
            let waited = *call.waited.get_or_init(|| since.elapsed());
            self.site.metrics().queue_wait.observe(waited.as_secs_f64());
            match guarded(|| self.handle(&call)) {
                Ok(Step::Done(reply)) => self.answer(responder, Ok(reply)),
                Ok(Step::Write(write, answer)) => self.writer.submit(write, answer, responder),
                Ok(Step::Ask(question)) => questions.push((*question, responder)),
                Ok(Step::Stream(kind, length, write)) => {
                    let (streamed, out) = stream(kind, length, self.site.options.stall_timeout);
                    if responder.begin(streamed) {
                        out.run(write, self.site.metrics());
                    }
                }
                Err(fault) => responder.answer(Err(fault)),
            }
        }
        if questions.is_empty() {
            return;
        }
        let (questions, responders): (Vec<_>, Vec<_>) = questions.into_iter().unzip();
        let running = self.running.load(Ordering::Relaxed).max(1);
        let threads = (self.site.options.threads / running).max(1);
        let (start, count) = (Instant::now(), questions.len());
        let answered = guarded(|| Ok(query::answer(&self.site, questions, threads)));
        self.site.metrics().searches.observe(start.elapsed().as_secs_f64());
        self.site.metrics().search_batch.observe(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
        let mut answers = answered.unwrap_or_default().into_iter();
        for responder in responders {
            self.answer(responder, answers.next().unwrap_or_else(|| Err(fault_here())));
        }
    }

    fn answer(&self, responder: Responder, answered: Answered) {
        answered.iter().flat_map(|reply| &reply.notes).for_each(|note| self.site.tell(note));
        responder.answer(answered);
    }

    fn handle(&self, call: &Call) -> Result<Step, Fault> {
        if call.route.writes() && self.site.options.read_only {
            return Err(Fault::other(StatusCode::FORBIDDEN, "this server only reads (--read-only)"));
        }
        self.site.follow()?;
        (call.route.handler)(&self.site, call)
    }
}

/// Makes a panic an answer: the other requests are none the worse for it.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(fault_here()))
}

fn fault_here() -> Fault {
    Fault::internal("a fault in huedb itself; please report it")
}

/// 504.
pub(super) fn too_late() -> Fault {
    let fault = Fault::other(StatusCode::GATEWAY_TIMEOUT, "the request took longer than --request-timeout");
    Fault { rejection: Some(Rejection::Time), ..fault }
}
