//! A queue in front of a model: texts that wait while it works are embedded together.
//!
//! There is no thread of its own. A caller that finds the model free embeds its own texts; one that finds it busy leaves
//! its texts in the queue, and the first waiting caller to see the model free again embeds all that wait and hands out
//! the results. Invariants: every caller gets the embeddings of its own texts, or an error that these texts have by
//! themselves; no caller waits once the model is free; questions and documents are never embedded in one call.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::embedder::{EmbedOutput, Embedder, TextRole};
use crate::error::{Error, Result};
use crate::record::Fingerprint;

/// Texts that are embedded in one call; a caller that has more has a call of its own.
const MAX_TEXTS: usize = 256;

/// An embedder that several threads use at once.
///
/// Up to `parallel` calls run in the model side by side. Callers beyond that wait, and what has gathered when the model
/// becomes free goes through it in one call.
///
/// ```
/// use std::num::NonZeroUsize;
/// use std::sync::Arc;
///
/// use huedb::embed::{BatchingEmbedder, Embedder, HashEmbedder, TextRole};
///
/// let model = Arc::new(BatchingEmbedder::new(HashEmbedder::new(8), NonZeroUsize::MIN));
/// let threads = ["a fox", "a dog"].map(|text| {
///     let model = Arc::clone(&model);
///     std::thread::spawn(move || model.embed_one(text, TextRole::Query))
/// });
/// for thread in threads {
///     assert_eq!(thread.join().unwrap()?.len(), 8);
/// }
/// # Ok::<(), huedb::error::Error>(())
/// ```
pub struct BatchingEmbedder<E> {
    model: E,
    parallel: usize,
    queue: Mutex<EmbedQueue>,
    /// Told whenever a call ends.
    freed: Condvar,
}

#[derive(Default)]
struct EmbedQueue {
    running: usize,
    waiting: VecDeque<EmbedRequest>,
}

/// Texts of a caller that waits.
struct EmbedRequest {
    texts: Vec<String>,
    role: TextRole,
    outcome: Arc<Mutex<Option<Result<EmbedOutput>>>>,
}

impl<E: Embedder> BatchingEmbedder<E> {
    /// Puts a queue in front of a model that `parallel` threads may use at once.
    pub fn new(model: E, parallel: NonZeroUsize) -> Self {
        Self { model, parallel: parallel.get(), queue: Mutex::default(), freed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, EmbedQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits among others, and embeds for all of them where it is this caller's turn.
    fn wait<'s>(
        &'s self,
        texts: &[&str],
        role: TextRole,
        mut queue: MutexGuard<'s, EmbedQueue>,
    ) -> Result<EmbedOutput> {
        let outcome = Arc::new(Mutex::new(None));
        let texts = texts.iter().map(|&text| text.to_owned()).collect();
        queue.waiting.push_back(EmbedRequest { texts, role, outcome: Arc::clone(&outcome) });
        loop {
            if let Some(outcome) = lock_outcome(&outcome).take() {
                return outcome;
            }
            if queue.running < self.parallel && !queue.waiting.is_empty() {
                let batch = queue.next_batch();
                queue.running += 1;
                drop(queue);
                let running = Running { embedder: self, batch };
                self.run(&running.batch);
                drop(running);
                queue = self.lock();
            } else {
                queue = self.freed.wait(queue).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    fn run(&self, batch: &[EmbedRequest]) {
        let Some(role) = batch.first().map(|request| request.role) else { return };
        let texts: Vec<&str> = batch.iter().flat_map(EmbedRequest::texts).collect();
        let outcome = self.model.embed(&texts, role);
        if let [only] = batch {
            return only.answer(outcome);
        }
        match outcome.ok().and_then(|output| split(output, batch)) {
            Some(outputs) => batch.iter().zip(outputs).for_each(|(request, output)| request.answer(Ok(output))),
            // Nobody fails by the texts of another.
            None => {
                for request in batch {
                    request.answer(self.model.embed(&request.texts().collect::<Vec<_>>(), role));
                }
            }
        }
    }
}

impl<E: Embedder> Embedder for BatchingEmbedder<E> {
    fn fingerprint(&self) -> &Fingerprint {
        self.model.fingerprint()
    }

    fn embed(&self, texts: &[&str], role: TextRole) -> Result<EmbedOutput> {
        let mut queue = self.lock();
        if queue.running >= self.parallel || !queue.waiting.is_empty() {
            return self.wait(texts, role, queue);
        }
        queue.running += 1;
        drop(queue);
        let _running = Running { embedder: self, batch: Vec::new() };
        self.model.embed(texts, role)
    }
}

impl EmbedQueue {
    /// Takes the texts that are embedded next: those of one role, in the order of their callers.
    fn next_batch(&mut self) -> Vec<EmbedRequest> {
        let role = self.waiting.front().map(|request| request.role);
        let mut texts = 0;
        let (batch, later) = self.waiting.drain(..).partition(|request| {
            let fits = texts == 0 || texts + request.texts.len() <= MAX_TEXTS;
            let joins = fits && Some(request.role) == role;
            texts += if joins { request.texts.len() } else { 0 };
            joins
        });
        self.waiting = later;
        Vec::from_iter::<VecDeque<EmbedRequest>>(batch)
    }
}

impl EmbedRequest {
    fn texts(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(String::as_str)
    }

    fn answer(&self, outcome: Result<EmbedOutput>) {
        *lock_outcome(&self.outcome) = Some(outcome);
    }
}

fn lock_outcome(outcome: &Mutex<Option<Result<EmbedOutput>>>) -> MutexGuard<'_, Option<Result<EmbedOutput>>> {
    outcome.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives each request its part of what was made of all their texts; `None` where that is not one vector a text.
fn split(output: EmbedOutput, batch: &[EmbedRequest]) -> Option<Vec<EmbedOutput>> {
    let texts: usize = batch.iter().map(|request| request.texts.len()).sum();
    if output.vectors.len() != texts {
        return None;
    }
    let (mut vectors, mut begin) = (output.vectors.into_iter(), 0);
    let parts = batch.iter().map(|request| {
        let end = begin + request.texts.len();
        let truncated = output.truncated.iter().filter(|&&at| (begin..end).contains(&at)).map(|at| at - begin);
        let part =
            EmbedOutput { vectors: vectors.by_ref().take(end - begin).collect(), truncated: truncated.collect() };
        begin = end;
        part
    });
    Some(parts.collect())
}

/// A call that runs; when it ends, by a panic too, the model is free again and nobody waits for it.
struct Running<'e, E: Embedder> {
    embedder: &'e BatchingEmbedder<E>,
    batch: Vec<EmbedRequest>,
}

impl<E: Embedder> Drop for Running<'_, E> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for request in &self.batch {
                let model = self.embedder.fingerprint().model.clone();
                request.answer(Err(Error::Model { model, why: "the thread that ran it stopped".into(), hint: None }));
            }
        }
        self.embedder.lock().running -= 1;
        self.embedder.freed.notify_all();
    }
}

#[cfg(test)]
#[path = "batching_tests.rs"]
mod tests;
