//! The embedder that runs a model: texts to tokens, tokens to batches, batches to vectors.
//!
//! Where models come from is the registry's business. Invariants: the results stand in the order of the
//! texts, and a text's vector does not depend, but for rounding, on the texts beside it.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rayon::ThreadPool;
use rayon::prelude::*;

use super::encoder::EncoderEmbedder;
use super::model_kind::ModelKind;
use super::once::TryOnce;
use super::pooling::Head;
use super::rten::RtenModel;
use super::runtime::{Runtime, RuntimeKind, runtime};
use super::session::ModelSession;
use super::tensor::ModelBytes;
use super::tokenizer::{Encoding, Tokenizer};
use super::{EmbedOutput, Embedder, LoadOptions, TextRole, batch};
use crate::error::{Advice, Error, Result};
use crate::record::Fingerprint;
use crate::threads;

/// Tokens of a batch, padding counted. Measured: more make no text faster, and long ones slower, since the
/// activations of a batch no longer fit the cache of a core.
const BATCH_TOKENS: usize = 512;
/// Texts of a batch.
const BATCH_ROWS: usize = 32;
/// Tokens of work that pay for opening the model once more, for another core.
const TOKENS_PER_SESSION: usize = 1024;
/// Sessions of one embedder; in ONNX Runtime each keeps its own copy of the weights in the layout of the kernels.
const MAX_SESSIONS: usize = 16;

/// The longest text that is tried: the memory of attention grows with the square of it.
const LONGEST_TRIAL: usize = 2048;
/// A text that every model has tokens for.
pub(super) const SENTENCE: &str = "The quick brown fox jumps over the lazy dog.";

/// What a graph takes less of than its files say.
pub(super) struct GraphLimits {
    /// The tokens of the longest text it runs, and why it runs no longer one; `None` when it runs what its files say.
    pub(super) max_tokens: Option<(usize, Error)>,
    /// A token that its tokenizer makes and the graph does not take.
    pub(super) unknown_token: Option<u32>,
    /// The largest token that its tokenizer makes.
    pub(super) largest_token: u32,
}

/// What an embedder is made of.
pub(super) struct ModelParts {
    pub(super) fingerprint: Fingerprint,
    pub(super) tokenizer: Tokenizer,
    pub(super) model: ModelBytes,
    /// Whether the model chooses the scale of its int8 activations from all of a batch. Such a model is given
    /// one text at a time: a text would have another vector beside other texts (cosine down to .988).
    pub(super) quantized_by_batch: bool,
    /// Whether the optimised model may be kept in the cache.
    pub(super) cacheable: bool,
    /// Whether the fingerprint's dimension is known; else the first batch decides it.
    pub(super) dimension_known: bool,
    /// What it is for.
    pub(super) kind: ModelKind,
}

impl ModelParts {
    /// Returns what becomes of the output for a text.
    fn head(&self) -> Head {
        let Fingerprint { pooling, normalize, .. } = self.fingerprint;
        match self.kind {
            ModelKind::Sparse => Head::Terms,
            ModelKind::Embedder | ModelKind::Reranker => Head::Pooled { pooling, normalize },
        }
    }

    /// Returns the tokens of texts, with the prefix of their role before them.
    pub(super) fn encode(&self, texts: &[&str], role: TextRole) -> Result<Vec<Encoding>> {
        let prefix = role.prefix(&self.fingerprint);
        let encode = |text: &&str| {
            if prefix.is_empty() {
                self.tokenizer.encode(text)
            } else {
                self.tokenizer.encode(&format!("{prefix}{text}"))
            }
        };
        let failure = |why| Error::Model { model: self.fingerprint.model.clone(), why, hint: None };
        texts.iter().map(|text| encode(text).map_err(failure)).collect()
    }
}

/// Embeds texts with an ONNX model, on all cores. Threads may share it: each call takes sessions that are idle, and
/// waits for one where all are at work.
pub struct OnnxEmbedder {
    parts: ModelParts,
    runtime: Runtime,
    sessions: Sessions,
    pool: Option<Arc<ThreadPool>>,
    threads: usize,
    threads_per_session: usize,
    cache_dir: Option<PathBuf>,
    shared: TryOnce<RtenModel>,
}

impl OnnxEmbedder {
    /// Loads the engine and opens the model in it: the slow part.
    pub(super) fn open(parts: ModelParts, options: &LoadOptions) -> Result<Self> {
        let mut embedder = Self::open_untried(parts, options)?;
        if !embedder.parts.dimension_known {
            // A word, since a graph may take few tokens; a sentence where the tokenizer does not know the word.
            let mut texts = embedder.parts.encode(&["dimension", SENTENCE], TextRole::Document)?;
            texts.retain(|encoding| !encoding.ids.is_empty());
            texts.truncate(1);
            embedder.learn_dimension(&texts)?;
        }
        Ok(embedder)
    }

    /// Does the same, but leaves it open what dimension a model has that does not say it.
    pub(super) fn open_untried(mut parts: ModelParts, options: &LoadOptions) -> Result<Self> {
        let runtime = runtime(options)?;
        if runtime.kind == RuntimeKind::BuiltIn {
            return Err(EncoderEmbedder::runs_no(parts.fingerprint.model));
        }
        parts.fingerprint.made_by = Some([runtime.kind.arithmetic()].into());
        let most = options.threads().min(MAX_SESSIONS);
        let embedder = Self {
            cache_dir: options.cache_dir.clone().filter(|_| parts.cacheable),
            parts,
            runtime,
            sessions: Sessions::new(most),
            pool: options.pool.clone(),
            threads: options.threads(),
            threads_per_session: options.threads() / most,
            shared: TryOnce::new(),
        };
        drop(embedder.session()?);
        Ok(embedder)
    }

    /// Returns the engine that runs the model.
    #[must_use]
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Returns how many calls it can work on at once.
    pub(super) fn parallel(&self) -> NonZeroUsize {
        NonZeroUsize::new(self.sessions.most).unwrap_or(NonZeroUsize::MIN)
    }

    /// Returns what is known of the model.
    pub(super) fn known(&self) -> &Fingerprint {
        &self.parts.fingerprint
    }

    /// Returns what the model makes of a question with each text, in the order of the texts.
    pub(super) fn embed_pairs(&self, question: &str, texts: &[&str]) -> Result<EmbedOutput> {
        let pair = |text: &&str| self.parts.tokenizer.encode_pair(question, text).map_err(|why| self.failure(why));
        let encodings = texts.iter().map(pair).collect::<Result<Vec<_>>>()?;
        let truncated = encodings.iter().enumerate().filter(|(_, encoding)| encoding.cut).map(|(at, _)| at).collect();
        Ok(EmbedOutput { vectors: self.embed_tokens(&encodings)?, truncated })
    }

    /// Takes the dimension from what the model makes of a text.
    fn learn_dimension(&mut self, encodings: &[Encoding]) -> Result<()> {
        if let (false, Some(first)) = (self.parts.dimension_known, self.embed_tokens(encodings)?.first()) {
            self.parts.fingerprint.dimension = first.len();
            self.parts.dimension_known = true;
        }
        Ok(())
    }

    fn embed_tokens(&self, encodings: &[Encoding]) -> Result<Vec<Vec<f32>>> {
        let lengths: Vec<usize> = encodings.iter().map(|encoding| encoding.ids.len()).collect();
        let rows = if self.parts.quantized_by_batch { 1 } else { BATCH_ROWS };
        let vectors = self.run(encodings, batch::cut(&lengths, BATCH_TOKENS, rows))?;
        if vectors.len() != encodings.len() {
            return Err(self.failure(format!("it gave {} vectors for {} texts", vectors.len(), encodings.len())));
        }
        Ok(vectors)
    }

    /// Finds what the graph takes, by trying: the tokens of the longest text, and whether every token of the tokenizer.
    ///
    /// # Errors
    /// [`Error::Model`] when it runs no text at all.
    pub(super) fn limits(&mut self) -> Result<GraphLimits> {
        let sentence = self.parts.encode(&[SENTENCE], TextRole::Document)?;
        let some = sentence.first().map(|encoding| encoding.ids.clone()).unwrap_or_default();
        if some.is_empty() {
            return Err(self.failure(format!("its tokenizer makes no tokens of {SENTENCE:?}")));
        }
        let most = self.parts.fingerprint.max_tokens.min(LONGEST_TRIAL);
        let mut runs = |ids: Vec<u32>| self.learn_dimension(&[Encoding { ids, types: Vec::new(), cut: false }]);
        let of_length = |length: usize| some.iter().copied().cycle().take(length).collect::<Vec<u32>>();
        let (mut works, mut fails, mut why) = (some.len().min(most), most + 1, None);
        if let Err(error) = runs(of_length(works)) {
            // What does not run a token runs nothing.
            if works == 1 || runs(of_length(1)).is_err() {
                return Err(error);
            }
            (works, fails, why) = (1, works, Some(error));
        }
        // The whole length first: mostly it is right.
        let mut next = if why.is_none() { most } else { works.midpoint(fails) };
        while works + 1 < fails {
            match runs(of_length(next)) {
                Ok(()) => works = next,
                Err(error) => (fails, why) = (next, Some(error)),
            }
            next = works.midpoint(fails);
        }
        let largest = self.parts.tokenizer.largest_id();
        let mut with_largest = of_length(some.len().min(works));
        if let Some(last) = with_largest.last_mut() {
            *last = largest;
        }
        let unknown_token =
            self.embed_tokens(&[Encoding { ids: with_largest, types: Vec::new(), cut: false }]).is_err();
        Ok(GraphLimits {
            max_tokens: why.map(|why| (works, why)),
            unknown_token: unknown_token.then_some(largest),
            largest_token: largest,
        })
    }

    fn open_session(&self) -> Result<ModelSession> {
        let ModelParts { model, fingerprint, .. } = &self.parts;
        let (cache_dir, threads) = (self.cache_dir.as_deref(), self.threads_per_session);
        ModelSession::open(
            model,
            &fingerprint.sha256,
            &self.runtime,
            threads,
            cache_dir,
            &self.shared,
            self.parts.head(),
        )
        .map_err(|why| self.unopened(why))
    }

    fn failure(&self, why: String) -> Error {
        Error::Model { model: self.parts.fingerprint.model.clone(), why, hint: None }
    }

    /// Why a model does not open: one that does, runs, and what it fails at then is the text's doing.
    fn unopened(&self, why: String) -> Error {
        let hint = match self.runtime.kind {
            RuntimeKind::Rten => Some(Advice::InstallRuntimeForModel),
            RuntimeKind::OnnxRuntime | RuntimeKind::BuiltIn => None,
        };
        Error::Model { model: self.parts.fingerprint.model.clone(), why, hint }
    }

    /// Runs batches of encodings on as many cores as they are worth, and returns the vectors in order.
    fn run(&self, encodings: &[Encoding], batches: Vec<Vec<usize>>) -> Result<Vec<Vec<f32>>> {
        let tokens: usize = encodings.iter().map(|encoding| encoding.ids.len()).sum();
        let worth = (tokens / TOKENS_PER_SESSION).min(batches.len()).min(self.sessions.most);
        let run = |batch| self.run_batch(encodings, batch);
        let mut found: Vec<(usize, Vec<f32>)> = if worth <= 1 {
            batches.into_iter().map(run).collect::<Result<Vec<_>>>()?.concat()
        } else {
            let batches = Mutex::new(batches.into_iter());
            let next = || batches.lock().unwrap_or_else(PoisonError::into_inner).next();
            let work = |_| {
                let done = std::iter::from_fn(next).map(run).collect::<Result<Vec<_>>>();
                if done.is_err() {
                    // Nothing is left for the others to do.
                    while next().is_some() {}
                }
                Ok(done?.concat())
            };
            let work = || (0..worth).into_par_iter().map(work).collect::<Result<Vec<_>>>();
            self.pool()?.install(work)?.concat()
        };
        found.sort_unstable_by_key(|&(index, _)| index);
        Ok(found.into_iter().map(|(_, vector)| vector).collect())
    }

    /// Returns the caller's pool, or that of the process.
    fn pool(&self) -> Result<Arc<ThreadPool>> {
        match &self.pool {
            Some(pool) => Ok(Arc::clone(pool)),
            None => threads::pool(self.threads).map_err(|why| self.failure(why)),
        }
    }

    /// Runs the encodings of these indices, with a session that is idle or opened for it.
    fn run_batch(&self, encodings: &[Encoding], indices: Vec<usize>) -> Result<Vec<(usize, Vec<f32>)>> {
        let dimension = self.parts.dimension_known.then_some(self.parts.fingerprint.dimension);
        let batch: Vec<&Encoding> = indices.iter().filter_map(|&index| encodings.get(index)).collect();
        let vectors = self.session()?.run(&batch, dimension);
        Ok(indices.into_iter().zip(vectors.map_err(|why| self.failure(why))?).collect())
    }

    fn session(&self) -> Result<LentSession<'_>> {
        self.sessions.take(|| self.open_session())
    }
}

impl Embedder for OnnxEmbedder {
    fn fingerprint(&self) -> &Fingerprint {
        &self.parts.fingerprint
    }

    fn embed(&self, texts: &[&str], role: TextRole) -> Result<EmbedOutput> {
        if texts.is_empty() {
            return Ok(EmbedOutput::default());
        }
        let all = self.parts.encode(texts, role)?;
        let truncated = all.iter().enumerate().filter(|(_, encoding)| encoding.cut).map(|(at, _)| at).collect();
        let has_tokens: Vec<bool> = all.iter().map(|encoding| !encoding.ids.is_empty()).collect();
        let encodings: Vec<Encoding> = all.into_iter().filter(|encoding| !encoding.ids.is_empty()).collect();
        let mut vectors = self.embed_tokens(&encodings)?.into_iter();
        // A text without tokens means nothing: no other text is nearer to it than any.
        let zeros = || vec![0.0; self.parts.fingerprint.dimension];
        let of_text = |has_tokens: bool| if has_tokens { vectors.next() } else { Some(zeros()) };
        Ok(EmbedOutput { vectors: has_tokens.into_iter().filter_map(of_text).collect(), truncated })
    }
}

/// The sessions of a model, each of which runs one batch at a time.
struct Sessions {
    most: usize,
    state: Mutex<SessionState>,
    /// Told whenever a session is put back, or one could not be opened.
    freed: Condvar,
}

#[derive(Default)]
struct SessionState {
    idle: Vec<ModelSession>,
    /// Idle, at work or being opened.
    open: usize,
}

impl Sessions {
    fn new(most: usize) -> Self {
        Self { most, state: Mutex::default(), freed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, SessionState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an idle session, or opens one more, or waits for one where there are as many as there may be.
    fn take(&self, open: impl FnOnce() -> Result<ModelSession>) -> Result<LentSession<'_>> {
        let busy = |state: &mut SessionState| state.idle.is_empty() && state.open >= self.most;
        let mut state = self.freed.wait_while(self.lock(), busy).unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = state.idle.pop() {
            return Ok(LentSession { session: Some(session), of: self });
        }
        state.open += 1;
        drop(state);
        // Counted until it is there or has failed, by a panic too.
        let mut lent = LentSession { session: None, of: self };
        lent.session = Some(open()?);
        Ok(lent)
    }
}

/// A session that goes back to the others when it is dropped.
struct LentSession<'s> {
    session: Option<ModelSession>,
    of: &'s Sessions,
}

impl LentSession<'_> {
    fn run(&mut self, batch: &[&Encoding], dimension: Option<usize>) -> std::result::Result<Vec<Vec<f32>>, String> {
        self.session.as_mut().ok_or("it is not open")?.run(batch, dimension)
    }
}

impl Drop for LentSession<'_> {
    fn drop(&mut self) {
        let mut state = self.of.lock();
        match self.session.take() {
            Some(session) => state.idle.push(session),
            None => state.open -= 1,
        }
        drop(state);
        self.of.freed.notify_one();
    }
}

#[cfg(all(test, feature = "bundled-model"))]
#[path = "onnx_tests.rs"]
mod tests;
