//! The embedder that runs a model: texts to tokens, tokens to batches, batches to vectors.
//!
//! Where models come from is the registry's business. Invariants: the results stand in the order of the
//! texts, and a text's vector does not depend, but for rounding, on the texts beside it.

use std::path::PathBuf;
use std::sync::Mutex;
use std::thread;

use super::runtime::{Runtime, RuntimeKind, runtime};
use super::session::{ModelBytes, ModelSession};
use super::tokenizer::{Encoding, Tokenizer};
use super::{Embedder, LoadOptions, Role, batch};
use crate::error::{Error, Result};
use crate::record::Fingerprint;

/// Tokens of a batch, padding counted. Measured: more make no text faster, and long ones slower, since the
/// activations of a batch no longer fit the cache of a core.
const BATCH_TOKENS: usize = 512;
/// Texts of a batch.
const BATCH_ROWS: usize = 32;
/// Tokens of work that pay for opening the model once more, for another core.
const TOKENS_PER_SESSION: usize = 1024;
/// Sessions of one embedder; each keeps its own copy of the weights in the layout of the kernels.
const MAX_SESSIONS: usize = 16;

/// The longest text that is tried: the memory of attention grows with the square of it.
const LONGEST_TRIAL: usize = 2048;
/// A text that every model has tokens for.
const SENTENCE: &str = "The quick brown fox jumps over the lazy dog.";

/// What a graph takes less of than its files say.
pub(super) struct Limits {
    /// The tokens of the longest text it runs, and why it runs no longer one; `None` when it runs what its files say.
    pub(super) max_tokens: Option<(usize, Error)>,
    /// A token that its tokenizer makes and the graph does not take.
    pub(super) unknown_token: Option<u32>,
}

/// What an embedder is made of.
pub(super) struct Parts {
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
}

/// Embeds texts with an ONNX model, on all cores.
pub struct OnnxEmbedder {
    parts: Parts,
    runtime: &'static Runtime,
    sessions: Vec<ModelSession>,
    max_sessions: usize,
    threads_per_session: usize,
    cache_dir: Option<PathBuf>,
    /// Documents cut since this was asked for.
    cut: u64,
}

impl OnnxEmbedder {
    /// Loads the engine and opens the model in it: the slow part.
    pub(super) fn open(mut parts: Parts, options: &LoadOptions) -> Result<Self> {
        let runtime = runtime(options)?;
        parts.fingerprint.made_by = Some([runtime.kind.arithmetic()].into());
        let max_sessions = options.threads().min(MAX_SESSIONS);
        let mut embedder = Self {
            cache_dir: options.cache_dir.clone().filter(|_| parts.cacheable),
            parts,
            runtime,
            sessions: Vec::new(),
            max_sessions,
            threads_per_session: options.threads() / max_sessions,
            cut: 0,
        };
        let first = embedder.open_session()?;
        embedder.sessions.push(first);
        Ok(embedder)
    }

    /// Returns the engine that runs the model.
    #[must_use]
    pub fn runtime(&self) -> &'static Runtime {
        self.runtime
    }

    fn embed_tokens(&mut self, encodings: &[Encoding]) -> Result<Vec<Vec<f32>>> {
        let lengths: Vec<usize> = encodings.iter().map(|encoding| encoding.ids.len()).collect();
        let rows = if self.parts.quantized_by_batch { 1 } else { BATCH_ROWS };
        let vectors = self.run(encodings, batch::cut(&lengths, BATCH_TOKENS, rows))?;
        if vectors.len() != encodings.len() {
            return Err(self.failure(format!("it gave {} vectors for {} texts", vectors.len(), encodings.len())));
        }
        if let (false, Some(first)) = (self.parts.dimension_known, vectors.first()) {
            self.parts.fingerprint.dimension = first.len();
            self.parts.dimension_known = true;
        }
        Ok(vectors)
    }

    /// Finds what the graph takes, by trying: the tokens of the longest text, and whether every token of the tokenizer.
    ///
    /// # Errors
    /// [`Error::Model`] when it runs no text at all.
    pub(super) fn limits(&mut self) -> Result<Limits> {
        let sentence = self.encode(&[SENTENCE], Role::Document)?;
        let some = sentence.first().map(|encoding| encoding.ids.clone()).unwrap_or_default();
        if some.is_empty() {
            return Err(self.failure(format!("its tokenizer makes no tokens of {SENTENCE:?}")));
        }
        let most = self.parts.fingerprint.max_tokens.min(LONGEST_TRIAL);
        let mut runs = |ids: Vec<u32>| self.embed_tokens(&[Encoding { ids, types: Vec::new(), cut: false }]);
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
                Ok(_) => works = next,
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
        Ok(Limits { max_tokens: why.map(|why| (works, why)), unknown_token: unknown_token.then_some(largest) })
    }

    fn open_session(&self) -> Result<ModelSession> {
        let Parts { model, fingerprint, .. } = &self.parts;
        let cache_dir = self.cache_dir.as_deref();
        ModelSession::open(model, &fingerprint.sha256, self.runtime, self.threads_per_session, cache_dir)
            .map_err(|why| self.unopened(why))
    }

    fn failure(&self, why: String) -> Error {
        Error::Model { model: self.parts.fingerprint.model.clone(), why, hint: None }
    }

    /// Why a model does not open: one that does, runs, and what it fails at then is the text's doing.
    fn unopened(&self, why: String) -> Error {
        let hint = match self.runtime.kind {
            RuntimeKind::Tract => Some("tract runs fewer models than ONNX Runtime; install that with `huedb setup`"),
            RuntimeKind::OnnxRuntime => None,
        };
        Error::Model { model: self.parts.fingerprint.model.clone(), why, hint: hint.map(str::to_owned) }
    }

    fn encode(&self, texts: &[&str], role: Role) -> Result<Vec<Encoding>> {
        let prefix = match role {
            Role::Query => &self.parts.fingerprint.query_prefix,
            Role::Document => &self.parts.fingerprint.document_prefix,
        };
        let encode = |text: &&str| {
            if prefix.is_empty() {
                self.parts.tokenizer.encode(text)
            } else {
                self.parts.tokenizer.encode(&format!("{prefix}{text}"))
            }
        };
        texts.iter().map(|text| encode(text).map_err(|why| self.failure(why))).collect()
    }

    /// Runs batches of encodings on as many cores as they are worth, and returns the vectors in order.
    fn run(&mut self, encodings: &[Encoding], batches: Vec<Vec<usize>>) -> Result<Vec<Vec<f32>>> {
        let tokens: usize = encodings.iter().map(|encoding| encoding.ids.len()).sum();
        let worth = (tokens / TOKENS_PER_SESSION).min(batches.len()).clamp(1, self.max_sessions);
        let mut sessions: Vec<Option<ModelSession>> = self.sessions.drain(..).map(Some).collect();
        sessions.resize_with(sessions.len().max(worth), || None);

        let work = Work { encodings, batches: Mutex::new(batches.into_iter()), found: Mutex::new(Vec::new()) };
        let this = &*self;
        let outcome = thread::scope(|scope| {
            let (here, others) = sessions.split_at_mut(1);
            let workers: Vec<_> =
                others.iter_mut().take(worth - 1).map(|session| scope.spawn(|| this.work(session, &work))).collect();
            let mut outcome = here.iter_mut().try_for_each(|session| this.work(session, &work));
            for worker in workers {
                let joined = worker.join().unwrap_or_else(|_| Err(this.failure("a worker stopped".into())));
                outcome = outcome.and(joined);
            }
            outcome
        });
        self.sessions.extend(sessions.into_iter().flatten());
        outcome?;
        let mut found = work.found.into_inner().unwrap_or_default();
        found.sort_unstable_by_key(|&(index, _)| index);
        Ok(found.into_iter().map(|(_, vector)| vector).collect())
    }

    /// Takes batches until none is left, with a session that is opened when there is none yet.
    fn work(&self, session: &mut Option<ModelSession>, work: &Work<'_>) -> Result<()> {
        let open = match session {
            Some(open) => open,
            None => session.insert(self.open_session()?),
        };
        let dimension = self.parts.dimension_known.then_some(self.parts.fingerprint.dimension);
        while let Some(indices) = work.next() {
            let batch: Vec<&Encoding> = indices.iter().filter_map(|&index| work.encodings.get(index)).collect();
            let vectors = open.run(&batch, &self.parts.fingerprint, dimension).map_err(|why| self.failure(why));
            match vectors {
                Ok(vectors) => work.done(indices.into_iter().zip(vectors)),
                Err(error) => {
                    work.stop();
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

/// Batches still to do, and vectors found, shared by the workers.
struct Work<'e> {
    encodings: &'e [Encoding],
    batches: Mutex<std::vec::IntoIter<Vec<usize>>>,
    found: Mutex<Vec<(usize, Vec<f32>)>>,
}

impl Work<'_> {
    fn next(&self) -> Option<Vec<usize>> {
        self.batches.lock().ok()?.next()
    }

    fn done(&self, vectors: impl Iterator<Item = (usize, Vec<f32>)>) {
        if let Ok(mut found) = self.found.lock() {
            found.extend(vectors);
        }
    }

    fn stop(&self) {
        if let Ok(mut batches) = self.batches.lock() {
            *batches = Vec::new().into_iter();
        }
    }
}

impl Embedder for OnnxEmbedder {
    fn fingerprint(&self) -> &Fingerprint {
        &self.parts.fingerprint
    }

    fn embed(&mut self, texts: &[&str], role: Role) -> Result<Vec<Vec<f32>>> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let all = self.encode(texts, role)?;
        if role == Role::Document {
            self.cut += all.iter().filter(|encoding| encoding.cut).count() as u64;
        }
        let has_tokens: Vec<bool> = all.iter().map(|encoding| !encoding.ids.is_empty()).collect();
        let encodings: Vec<Encoding> = all.into_iter().filter(|encoding| !encoding.ids.is_empty()).collect();
        let mut vectors = self.embed_tokens(&encodings)?.into_iter();
        if !self.parts.dimension_known {
            self.embed(&[SENTENCE], Role::Document)?;
        }
        // A text without tokens means nothing: no other text is nearer to it than any.
        let zeros = || vec![0.0; self.parts.fingerprint.dimension];
        let of_text = |has_tokens: bool| if has_tokens { vectors.next() } else { Some(zeros()) };
        Ok(has_tokens.into_iter().filter_map(of_text).collect())
    }

    fn take_cut(&mut self) -> u64 {
        std::mem::take(&mut self.cut)
    }
}

#[cfg(all(test, feature = "bundled-model"))]
#[path = "onnx_tests.rs"]
mod tests;
