//! A model that is slow on request, and callers that wait for it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use super::super::HashEmbedder;
use super::*;

/// Works only while it is let, and notes what it was asked for.
struct Slow {
    model: HashEmbedder,
    /// How many calls began, how many may end, and the texts of each.
    gate: Mutex<Gate>,
    changed: Condvar,
}

#[derive(Default)]
struct Gate {
    began: usize,
    open: usize,
    calls: Vec<Vec<String>>,
}

impl Slow {
    fn new() -> Self {
        Self { model: HashEmbedder::new(8), gate: Mutex::default(), changed: Condvar::new() }
    }

    fn until(&self, done: impl Fn(&Gate) -> bool) -> MutexGuard<'_, Gate> {
        self.changed.wait_while(self.gate.lock().unwrap(), |gate| !done(gate)).unwrap()
    }

    /// Lets calls end.
    fn open(&self, calls: usize) {
        self.gate.lock().unwrap().open += calls;
        self.changed.notify_all();
    }
}

impl Embedder for Slow {
    fn fingerprint(&self) -> &Fingerprint {
        self.model.fingerprint()
    }

    fn embed(&self, texts: &[&str], role: TextRole) -> Result<EmbedOutput> {
        {
            let mut gate = self.gate.lock().unwrap();
            gate.began += 1;
            gate.calls.push(texts.iter().map(|&text| text.to_owned()).collect());
        }
        self.changed.notify_all();
        self.until(|gate| gate.open > 0).open -= 1;
        assert!(!texts.contains(&"panic"), "as asked");
        if texts.contains(&"bad") {
            return Err(Error::Model { model: "slow".into(), why: "NaN".into(), hint: None });
        }
        let truncated = texts.iter().enumerate().filter(|(_, text)| text.len() > 20).map(|(at, _)| at).collect();
        Ok(EmbedOutput { truncated, ..self.model.embed(texts, role)? })
    }
}

type SlowQueue = BatchingEmbedder<Slow>;

fn queue(parallel: usize) -> SlowQueue {
    BatchingEmbedder::new(Slow::new(), NonZeroUsize::new(parallel).unwrap())
}

/// Keeps the model busy with one text while the others come, then lets it work; returns what each caller got.
fn callers(queue: &SlowQueue, texts: &[(&[&str], TextRole)]) -> Vec<Option<Result<EmbedOutput>>> {
    thread::scope(|scope| {
        let call = |texts: Vec<String>, role| {
            let borrowed: Vec<&str> = texts.iter().map(String::as_str).collect();
            catch_unwind(AssertUnwindSafe(|| queue.embed(&borrowed, role))).ok()
        };
        let first = scope.spawn(move || call(vec!["first".into()], TextRole::Query));
        drop(queue.model.until(|gate| gate.began == 1));
        let mut others = Vec::new();
        for (at, (texts, role)) in texts.iter().enumerate() {
            let texts: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
            others.push(scope.spawn(move || call(texts, *role)));
            // One after the other, so that their order is known.
            while queue.lock().waiting.len() <= at {
                thread::yield_now();
            }
        }
        queue.model.open(100);
        assert!(first.join().unwrap().unwrap().is_ok());
        others.into_iter().map(|caller| caller.join().unwrap()).collect()
    })
}

#[test]
fn what_waits_is_embedded_in_one_call() {
    let queue = queue(1);
    let long = "a text that is longer than the model reads";
    let texts: [(&[&str], TextRole); 4] = [
        (&["one"], TextRole::Query),
        (&["two", long], TextRole::Query),
        (&[], TextRole::Query),
        (&[long, "five"], TextRole::Query),
    ];
    let outcomes = callers(&queue, &texts);
    for ((texts, role), outcome) in texts.iter().zip(outcomes) {
        let output = outcome.unwrap().unwrap();
        assert_eq!(output.vectors, HashEmbedder::new(8).embed(texts, *role).unwrap().vectors);
        let truncated: Vec<usize> = (0..texts.len()).filter(|&at| texts[at] == long).collect();
        assert_eq!(output.truncated, truncated);
    }
    let calls = &queue.model.gate.lock().unwrap().calls;
    assert_eq!(*calls, [vec!["first"], vec!["one", "two", long, long, "five"]]);
}

#[test]
fn questions_and_documents_are_apart() {
    let queue = queue(1);
    let texts: [(&[&str], TextRole); 3] =
        [(&["q"], TextRole::Query), (&["d"], TextRole::Document), (&["r"], TextRole::Query)];
    assert!(callers(&queue, &texts).into_iter().all(|outcome| outcome.unwrap().is_ok()));
    assert_eq!(queue.model.gate.lock().unwrap().calls, [vec!["first"], vec!["q", "r"], vec!["d"]]);
}

#[test]
fn a_text_that_fails_fails_its_own_caller() {
    let queue = queue(1);
    let texts: [(&[&str], TextRole); 3] =
        [(&["a"], TextRole::Query), (&["bad", "b"], TextRole::Query), (&["c"], TextRole::Query)];
    let outcomes = callers(&queue, &texts);
    let failed: Vec<bool> = outcomes.iter().map(|outcome| outcome.as_ref().unwrap().is_err()).collect();
    assert_eq!(failed, [false, true, false]);
    // Together once, then each by itself.
    assert_eq!(queue.model.gate.lock().unwrap().calls.len(), 1 + 1 + 3);
}

#[test]
fn a_panic_leaves_nobody_waiting() {
    let queue = queue(1);
    let texts: [(&[&str], TextRole); 2] = [(&["a"], TextRole::Query), (&["panic"], TextRole::Query)];
    let outcomes = callers(&queue, &texts);
    // One of the two ran the model and panicked; the other is told.
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_none()).count(), 1);
    assert_eq!(outcomes.iter().flatten().filter(|outcome| outcome.is_err()).count(), 1);
    assert_eq!(queue.lock().running, 0);
    assert!(queue.embed(&["again"], TextRole::Query).is_ok());
}

#[test]
fn a_call_has_a_bound_unless_it_is_one_callers() {
    let many: Vec<String> = (0..MAX_TEXTS).map(|n| n.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let queue = queue(1);
    let more = [&many[..], &["one more"]].concat();
    callers(
        &queue,
        &[(&["a"], TextRole::Query), (&many, TextRole::Query), (&["b"], TextRole::Query), (&more, TextRole::Query)],
    );
    let calls: Vec<usize> = queue.model.gate.lock().unwrap().calls.iter().map(Vec::len).collect();
    assert_eq!(calls, [1, 2, MAX_TEXTS, MAX_TEXTS + 1]);
}

#[test]
fn as_many_calls_run_at_once_as_the_model_has_room_for() {
    let queue = queue(2);
    thread::scope(|scope| {
        for text in ["a", "b"] {
            let queue = &queue;
            scope.spawn(move || queue.embed_one(text, TextRole::Query).unwrap());
        }
        // Both are inside at once: neither may end before the other began.
        drop(queue.model.until(|gate| gate.began == 2));
        queue.model.open(2);
    });
    assert_eq!(queue.model.gate.lock().unwrap().calls.len(), 2);
}
