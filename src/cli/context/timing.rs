//! How long the stages of a command took, for `--timing`.
//!
//! Stages that run side by side are counted each by itself, so together they may take longer than the whole.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use huedb::embed::{DeferredEmbedder, EmbedOutput, Embedder, SparseEmbedder, TextRole};
use huedb::error::Result;
use huedb::record::Fingerprint;

use super::long_questions::LongQuestions;

/// Bytes of texts embedded at once: half a second of work, and enough for all cores.
const BYTES_AT_ONCE: usize = 64 << 10;

/// The stages of one command, in the order they first ended.
#[derive(Clone)]
pub(crate) struct StageTimes {
    start: Instant,
    stages: Arc<Mutex<Vec<(&'static str, Duration)>>>,
}

impl StageTimes {
    pub(crate) fn begin() -> Self {
        Self { start: Instant::now(), stages: Arc::default() }
    }

    /// Counts the time of a stage.
    pub(crate) fn add(&self, stage: &'static str, took: Duration) {
        let mut stages = self.stages.lock().unwrap_or_else(PoisonError::into_inner);
        match stages.iter_mut().find(|(name, _)| *name == stage) {
            Some((_, sum)) => *sum += took,
            None => stages.push((stage, took)),
        }
    }

    /// Does the work of a stage.
    pub(crate) fn of<T>(&self, stage: &'static str, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let done = work();
        self.add(stage, start.elapsed());
        done
    }

    /// Returns all stages, and the whole.
    pub(crate) fn stages(&self) -> Vec<(&'static str, Duration)> {
        let mut stages = self.stages.lock().unwrap_or_else(PoisonError::into_inner).clone();
        stages.push(("total", self.start.elapsed()));
        stages
    }
}

/// A model whose loading and whose work are timed.
pub(crate) struct TimedEmbedder {
    pub(crate) embedder: DeferredEmbedder,
    pub(crate) timing: StageTimes,
    pub(crate) long_questions: Arc<LongQuestions>,
    /// Told of documents that were embedded, a few at a time; its error ends the work.
    pub(crate) heard: Option<Heard>,
}

/// Hears which texts were embedded.
pub(crate) type Heard = Box<dyn Fn(&[&str]) -> Result<()> + Send + Sync>;

impl TimedEmbedder {
    /// Loads the model now.
    pub(crate) fn load(&self) -> Result<()> {
        self.timing.of("load model", || self.embedder.load().map(drop))
    }
}

impl TimedEmbedder {
    /// Cuts texts into those that are embedded between two words to who hears of it.
    fn parts<'t, 'x>(&self, texts: &'t [&'x str]) -> Vec<&'t [&'x str]> {
        if self.heard.is_none() {
            return vec![texts];
        }
        let (mut rest, mut parts) = (texts, Vec::new());
        while !rest.is_empty() {
            let mut bytes = 0;
            let fits = |text: &&&str| {
                bytes += text.len();
                bytes <= BYTES_AT_ONCE
            };
            let (part, more) = rest.split_at(rest.iter().take_while(fits).count().max(1));
            parts.push(part);
            rest = more;
        }
        parts
    }
}

impl Embedder for TimedEmbedder {
    fn fingerprint(&self) -> &Fingerprint {
        self.embedder.fingerprint()
    }

    fn embed(&self, texts: &[&str], role: TextRole) -> Result<EmbedOutput> {
        if !self.embedder.is_loaded() {
            self.load()?;
        }
        let mut output = EmbedOutput::default();
        for part in self.parts(texts) {
            let EmbedOutput { vectors, truncated } = self.timing.of("embed", || self.embedder.embed(part, role))?;
            output.truncated.extend(truncated.into_iter().map(|at| output.vectors.len() + at));
            output.vectors.extend(vectors);
            self.heard.as_ref().map_or(Ok(()), |heard| heard(part))?;
        }
        self.long_questions.count(role, &output);
        Ok(output)
    }

    fn sparse(&self) -> Result<Option<&SparseEmbedder>> {
        self.embedder.sparse()
    }
}
