//! The encoder as an embedder: texts to tokens, tokens to vectors.
//!
//! Invariant: the results stand in the order of the texts; a text without tokens has the vector zero.

use std::fs::File;
use std::num::NonZeroUsize;
use std::sync::Arc;

use rayon::ThreadPool;
use rayon::prelude::*;

use super::spread::Sizes;
use super::{Encoder, Kernels, PackedBytes, Pooled};
use crate::embed::onnx::ModelParts;
use crate::embed::tensor::ModelBytes;
use crate::embed::tokenizer::Encoding;
use crate::embed::{EmbedOutput, Embedder, LoadOptions, RuntimeChoice, RuntimeKind, TextRole, builtin};
use crate::error::{Error, Result};
use crate::foreign;
use crate::record::Fingerprint;
use crate::threads;

/// Texts that are worth more than one thread to cut into tokens.
const TEXTS_PER_THREAD: usize = 64;

/// Embeds texts with the encoder. Threads may share it.
pub(in super::super) struct EncoderEmbedder {
    parts: ModelParts,
    encoder: Encoder,
    threads: usize,
    pool: Option<Arc<ThreadPool>>,
}

impl EncoderEmbedder {
    /// Opens a model where it lies.
    ///
    /// # Errors
    /// [`Error::Model`] where it is neither the one in the program nor packed, or is damaged; [`Error::Io`] where its file
    /// cannot be read.
    pub(in super::super) fn open(mut parts: ModelParts, options: &LoadOptions) -> Result<Self> {
        let failure = |why: String, hint: Option<&str>| Error::Model {
            model: parts.fingerprint.model.clone(),
            why,
            hint: hint.map(Into::into),
        };
        let other = matches!(options.runtime, RuntimeChoice::OnnxRuntime | RuntimeChoice::Rten);
        let packed = match &parts.model {
            ModelBytes::Packed(_) if other => {
                let why = "it was converted for the encoder in the program, and no other engine runs it".to_owned();
                return Err(failure(why, Some("leave HUEDB_RUNTIME unset")));
            }
            ModelBytes::BuiltIn => PackedBytes::Program(builtin::packed().map_err(|why| failure(why, None))?),
            ModelBytes::Packed(path) => {
                let mapped = File::open(path).and_then(|file| foreign::map(&file));
                PackedBytes::File(mapped.map_err(|error| Error::io(format!("read {}", path.display()), error))?)
            }
            ModelBytes::File(_) => return Err(Self::runs_no(parts.fingerprint.model)),
        };
        let pooled = Pooled { by: parts.fingerprint.pooling, normalize: parts.fingerprint.normalize };
        let encoder = Encoder::open(packed, Kernels::best(), pooled)
            .map_err(|why| failure(why, Some("remove the model and add it again")))?;
        parts.fingerprint.made_by = Some([RuntimeKind::BuiltIn.arithmetic()].into());
        Ok(Self { parts, encoder, threads: options.threads(), pool: options.pool.clone() })
    }

    /// Says that it does not run a model.
    pub(in super::super) fn runs_no(model: String) -> Error {
        let why = "the encoder in the program runs the built-in model and converted ones alone".to_owned();
        Error::Model { model, why, hint: Some("leave HUEDB_RUNTIME unset".into()) }
    }

    /// Returns what the model takes and gives.
    ///
    /// # Errors
    /// Why it is none that can be run.
    pub(in super::super) fn sizes(&self) -> std::result::Result<Sizes, String> {
        self.encoder.sizes()
    }

    /// Returns how many calls it can work on at once.
    pub(in super::super) fn parallel(&self) -> NonZeroUsize {
        NonZeroUsize::new(self.threads).unwrap_or(NonZeroUsize::MIN)
    }

    fn pool(&self) -> std::result::Result<Arc<ThreadPool>, String> {
        self.pool.as_ref().map_or_else(|| threads::pool(self.threads), |pool| Ok(Arc::clone(pool)))
    }

    fn failure(&self, why: String) -> Error {
        Error::Model { model: self.parts.fingerprint.model.clone(), why, hint: None }
    }

    fn encode(&self, texts: &[&str], role: TextRole) -> Result<Vec<Encoding>> {
        if self.threads == 1 || texts.len() < 2 * TEXTS_PER_THREAD {
            return self.parts.encode(texts, role);
        }
        let pool = self.pool().map_err(|why| self.failure(why))?;
        let encode = |texts: &[&str]| self.parts.encode(texts, role);
        Ok(pool.install(|| texts.par_chunks(TEXTS_PER_THREAD).map(encode).collect::<Result<Vec<_>>>())?.concat())
    }
}

impl Embedder for EncoderEmbedder {
    fn fingerprint(&self) -> &Fingerprint {
        &self.parts.fingerprint
    }

    fn embed(&self, texts: &[&str], role: TextRole) -> Result<EmbedOutput> {
        let encodings = self.encode(texts, role)?;
        let truncated = encodings.iter().enumerate().filter(|(_, text)| text.cut).map(|(at, _)| at).collect();
        let ids: Vec<&[u32]> = encodings.iter().map(|text| text.ids.as_slice()).collect();
        let vectors = self.encoder.embed(&ids, self.threads, || self.pool()).map_err(|why| self.failure(why))?;
        Ok(EmbedOutput { vectors, truncated })
    }
}
