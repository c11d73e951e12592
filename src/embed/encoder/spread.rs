//! An encoder over all cores: texts cut into blocks, or one text cut into pieces.
//!
//! Knows token ids, not text. Invariant: a text's vector has the same bits in any batch and on any number of threads.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::ThreadPool;
use rayon::prelude::*;

use super::block::{self, Room};
use super::kernels::Kernels;
use super::model::Model;

/// Tokens of a block: its numbers stay near the core, and the weights are read once for all of them.
const BLOCK_TOKENS: usize = 256;
/// Tokens that are worth another thread.
const THREAD_TOKENS: usize = 32;

/// A model and what it is run with.
pub(in super::super) struct Encoder {
    model: Model,
    kernels: &'static Kernels,
    rooms: Mutex<Vec<Room>>,
}

impl Encoder {
    /// Makes an encoder of a model.
    pub(in super::super) fn new(model: Model, kernels: &'static Kernels) -> Self {
        Self { model, kernels, rooms: Mutex::default() }
    }

    /// Returns one vector for each list of ids, scaled to length 1; of no ids, zeros.
    ///
    /// # Errors
    /// What the model has no number for, or why there are no threads.
    pub(in super::super) fn embed(
        &self,
        texts: &[&[u32]],
        threads: usize,
        pool: impl FnOnce() -> Result<Arc<ThreadPool>, String>,
    ) -> Result<Vec<Vec<f32>>, String> {
        for ids in texts {
            if ids.len() > self.model.positions {
                return Err(format!("a text has {} tokens, and it takes {}", ids.len(), self.model.positions));
            }
            if let Some(id) = ids.iter().find(|id| **id as usize >= self.model.words) {
                return Err(format!("it has no token {id}"));
            }
        }
        let lengths: Vec<usize> = texts.iter().map(|ids| ids.len()).collect();
        let worth = (lengths.iter().sum::<usize>() / THREAD_TOKENS).clamp(1, threads.max(1));
        let blocks = cut(&lengths, worth);
        let embed = |block: Range<usize>, threads| self.embed_block(texts.get(block).unwrap_or_default(), threads);
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

    fn embed_block(&self, texts: &[&[u32]], threads: usize) -> Vec<Vec<f32>> {
        let mut room = self.rooms.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        let vectors = block::embed(&self.model, self.kernels, texts, threads, &mut room);
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner).push(room);
        vectors
    }
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
