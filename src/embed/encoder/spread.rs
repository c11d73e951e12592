//! An encoder over all cores: texts cut into blocks, or one text cut into pieces.
//!
//! Knows token ids, not text. Invariant: a text's vector has the same bits in any batch and on any number of threads.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use memmap2::Mmap;
use rayon::ThreadPool;
use rayon::prelude::*;

use super::block::{self, Pooled, Room};
use super::kernels::Kernels;
use super::model::Model;

/// Tokens of a block: its numbers stay near the core, and the weights are read once for all of them.
const BLOCK_TOKENS: usize = 256;
/// Tokens that are worth another thread.
const THREAD_TOKENS: usize = 32;

/// Where a packed model lies.
pub(in super::super) enum PackedBytes {
    /// In the program.
    Program(&'static [u8]),
    /// In a file that is mapped.
    File(Mmap),
}

impl PackedBytes {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Program(bytes) => bytes,
            Self::File(mapped) => mapped,
        }
    }
}

/// A model and what it is run with.
pub(in super::super) struct Encoder {
    packed: PackedBytes,
    /// What lies in the program, opened once: with it stays what the kernels find out about its weights.
    opened: Option<Model<'static>>,
    kernels: &'static Kernels,
    pooled: Pooled,
    rooms: Mutex<Vec<Room>>,
}

impl Encoder {
    /// Makes an encoder of a packed model.
    ///
    /// # Errors
    /// Why it is none that can be run.
    pub(in super::super) fn open(
        packed: PackedBytes,
        kernels: &'static Kernels,
        pooled: Pooled,
    ) -> Result<Self, String> {
        let (wide, opened) = match &packed {
            PackedBytes::Program(bytes) => {
                let model = Model::open(bytes)?;
                (model.wide, Some(model))
            }
            PackedBytes::File(mapped) => (Model::open(mapped)?.wide, None),
        };
        let kernels = kernels.wide.filter(|_| wide).unwrap_or(kernels);
        Ok(Self { packed, opened, kernels, pooled, rooms: Mutex::default() })
    }

    /// Returns what of a text the model takes.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(in super::super) fn sizes(&self) -> Result<Sizes, String> {
        let Model { positions, words, .. } = Model::open(self.packed.bytes())?;
        Ok(Sizes { tokens: positions, words })
    }

    /// Returns one vector for each list of ids; of no ids, zeros.
    ///
    /// # Errors
    /// What the model has no number for, or why there are no threads.
    pub(in super::super) fn embed(
        &self,
        texts: &[&[u32]],
        threads: usize,
        pool: impl FnOnce() -> Result<Arc<ThreadPool>, String>,
    ) -> Result<Vec<Vec<f32>>, String> {
        // Where its arrays lie is quickly found, and they cannot be kept beside the bytes of a file that they are in.
        let fresh;
        let model = if let Some(model) = &self.opened {
            model
        } else {
            fresh = Model::open(self.packed.bytes())?;
            &fresh
        };
        for ids in texts {
            if ids.len() > model.positions {
                return Err(format!("a text has {} tokens, and it takes {}", ids.len(), model.positions));
            }
            if let Some(id) = ids.iter().find(|id| **id as usize >= model.words) {
                return Err(format!("it has no token {id}"));
            }
        }
        let lengths: Vec<usize> = texts.iter().map(|ids| ids.len()).collect();
        let worth = (lengths.iter().sum::<usize>() / THREAD_TOKENS).clamp(1, threads.max(1));
        let blocks = cut(&lengths, worth);
        let embed =
            |block: Range<usize>, threads| self.embed_block(model, texts.get(block).unwrap_or_default(), threads);
        let vectors: Vec<Vec<f32>> = match blocks.as_slice() {
            _ if worth == 1 => blocks.into_iter().flat_map(|block| embed(block, 1)).collect(),
            [one] => pool()?.install(|| embed(one.clone(), worth)),
            _ => {
                let of_block = |block: Range<usize>| embed(block, 1);
                let work = || blocks.into_par_iter().with_max_len(1).map(of_block).collect::<Vec<_>>();
                pool()?.install(work).concat()
            }
        };
        if vectors.iter().flatten().all(|x| x.is_finite()) {
            Ok(vectors)
        } else {
            Err("it gave a vector with NaN or infinity".to_owned())
        }
    }

    fn embed_block(&self, model: &Model<'_>, texts: &[&[u32]], threads: usize) -> Vec<Vec<f32>> {
        let mut room = self.rooms.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        let vectors = block::embed(model, self.kernels, self.pooled, texts, threads, &mut room);
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner).push(room);
        vectors
    }
}

/// How many tokens of a text an encoder takes, and of how many words.
pub(in super::super) struct Sizes {
    pub(in super::super) tokens: usize,
    pub(in super::super) words: usize,
}

/// Cuts texts of these lengths into blocks of whole texts, for so many threads.
fn cut(lengths: &[usize], threads: usize) -> Vec<Range<usize>> {
    let all: usize = lengths.iter().sum();
    let most = (all / threads.max(1)).clamp(THREAD_TOKENS, BLOCK_TOKENS);
    let mut blocks = Vec::new();
    let (mut start, mut tokens) = (0, 0);
    for (text, length) in lengths.iter().enumerate() {
        if tokens > 0 && tokens + length > most {
            blocks.push(start..text);
            (start, tokens) = (text, 0);
        }
        tokens += length;
    }
    if start < lengths.len() {
        blocks.push(start..lengths.len());
    }
    blocks
}
