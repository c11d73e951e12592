//! A text as attention sees it, and the rooms that attention works in.
//!
//! Knows no arithmetic but what is added to scores by distance. Invariant: a token that a text does not have is zeros.

use super::lanes::{LANES, Sixteen};
use super::layout::DISTANCES;

/// Sixteens of the largest head there is.
pub(super) const MOST_PARTS: usize = 4;

/// Rooms that attention works in, kept from text to text.
#[derive(Default)]
pub(super) struct Room {
    /// `[tokens / 16][parts][16 components][16 tokens]`.
    pub(super) keys: Vec<[Sixteen; LANES]>,
    /// `[parts][tokens / 16][16]`.
    pub(super) values: [Vec<[Sixteen; LANES]>; MOST_PARTS],
    /// `[tokens / 16][rows][16]`.
    pub(super) scores: Vec<Sixteen>,
    /// What is added to scores, where the model has that.
    pub(super) biases: Vec<f32>,
    /// What the kernels for bf16 work in.
    pub(super) halves: HalvesRoom,
}

/// Questions, keys and values of a text: `[tokens][3][heads][head]`.
#[derive(Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) rows: &'a [Sixteen],
    pub(super) tokens: usize,
    /// Sixteens of a token's questions, and so of its keys and its values.
    pub(super) columns: usize,
    /// Sixteens of a head: 2 or 4.
    pub(super) parts: usize,
    /// What is added to scores: `[heads][distances]`; nothing where it is empty.
    pub(super) biases: &'a [f32],
}

impl<'a> Text<'a> {
    /// Returns a token's questions (0), keys (1) or values (2) of a head; zeros for a token there is not.
    #[inline(always)]
    pub(super) fn part<const PARTS: usize>(&self, token: usize, which: usize, head: usize) -> &'a [Sixteen; PARTS] {
        let start = (token * 3 + which) * self.columns + head * PARTS;
        self.rows.get(start..).and_then(|rest| rest.first_chunk()).unwrap_or(const { &[[0.0; LANES]; PARTS] })
    }

    /// Writes what is added to a head's scores: for a question from the place `tokens - question` on.
    pub(super) fn lay_out_biases(&self, head: usize, biases: &mut Vec<f32>) {
        biases.clear();
        if let Some(of_head) = self.biases.chunks_exact(DISTANCES).nth(head) {
            let of = |place: usize| of_head.get(kind_of_distance(place, self.tokens)).copied().unwrap_or(0.0);
            biases.extend((0..2 * self.tokens).map(of));
        }
    }

    /// Adds to a question's scores.
    #[inline(always)]
    pub(super) fn add_biases<'s>(
        &self,
        biases: &[f32],
        question: usize,
        scores: impl IntoIterator<Item = &'s mut Sixteen>,
    ) {
        let biases = biases.get(self.tokens.saturating_sub(question)..).unwrap_or_default();
        for (scores, biases) in scores.into_iter().zip(biases.chunks(LANES)) {
            scores.iter_mut().zip(biases).for_each(|(score, bias)| *score += bias);
        }
    }
}

/// Which bias is for a key at a place after a question: up to 7 tokens apart each distance has its own, then each half
/// power of 2, and those of keys that come later are the second half of them.
fn kind_of_distance(place: usize, question: usize) -> usize {
    const EACH: usize = DISTANCES / 4;
    let apart = place.abs_diff(question);
    let kind = match apart.checked_mul(apart).and_then(usize::checked_ilog2) {
        Some(log) if apart >= EACH => (EACH + log as usize - 2 * EACH.ilog2() as usize).min(DISTANCES / 2 - 1),
        _ => apart,
    };
    if place > question { kind + DISTANCES / 2 } else { kind }
}

/// Rooms that attention of half floats works in.
#[derive(Default)]
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "its kernels are for one architecture"))]
pub(super) struct HalvesRoom {
    /// `[tokens]`, each the head's components in pairs, sixteen and sixteen.
    pub(super) questions: Vec<[u32; 16]>,
    /// `[tokens / 16][pairs of components][16 tokens]`, the pairs sixteen and sixteen.
    pub(super) keys: Vec<[[u32; 16]; 16]>,
    /// `[pairs of tokens][components]`, the components sixteen and sixteen.
    pub(super) values: Vec<[u32; 16]>,
    /// `[rows][tokens]`.
    pub(super) scores: [Vec<[f32; 16]>; HALVES_ROWS],
    /// `[rows][pairs of tokens]`.
    pub(super) weights: [Vec<[u32; 8]>; HALVES_ROWS],
}

/// Tokens that are worked on together.
pub(super) const HALVES_ROWS: usize = 6;
