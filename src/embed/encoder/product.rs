//! A dense layer over the tokens of a block: products of bytes, and what follows them while they are at hand.
//!
//! Invariant: the sums are whole numbers and exact, whatever tile made them; what follows is the same for each.

#![allow(clippy::indexing_slicing, clippy::needless_range_loop, reason = "within arrays of constant length")]

use super::lanes::{LANES, Lanes, Sixteen};
use super::layout::{COLUMNS, STEP, STEP_BYTES};
use super::model::Dense;
use super::rows::Bytes;

/// Tokens of a tile.
pub(super) const TILE_ROWS: usize = 12;

/// Sums of a tile: `[tokens][columns]`, at a boundary of the cache so that no store crosses one.
#[repr(align(64))]
pub(super) struct Sums(pub(super) [[[i32; LANES]; COLUMNS / LANES]; TILE_ROWS]);

/// What is done with a layer's numbers.
pub(super) mod then {
    /// They are the result.
    pub(in super::super) const STORE: u8 = 0;
    /// They are added to what is there.
    pub(in super::super) const ADD: u8 = 1;
    /// They go through the activation.
    pub(in super::super) const GELU: u8 = 2;
}

/// The panel that a tile multiplies.
#[derive(Clone, Copy)]
pub(super) struct Panel<'a> {
    pub(super) layer: &'a Dense<'a>,
    pub(super) number: usize,
    pub(super) weights: &'a [[i8; STEP_BYTES]],
    /// By how many tokens it is multiplied, with this tile's.
    pub(super) tokens: usize,
}

/// Multiplies tokens by a layer's weights. `tile` makes the sums of up to [`TILE_ROWS`] tokens and one panel.
#[inline(always)]
pub(super) fn product<L: Lanes, const THEN: u8>(
    l: L,
    tokens: Bytes<'_>,
    layer: &Dense,
    out: &mut [Sixteen],
    tile: impl Fn(Panel<'_>, &[[u8; STEP]], &mut Sums),
) {
    const WIDTH: usize = COLUMNS / LANES;
    let mut sums = Sums([[[0; LANES]; WIDTH]; TILE_ROWS]);
    let row_len = layer.columns / LANES;
    let panels = layer.weights.chunks_exact(layer.steps);
    let numbers = layer.scales.as_chunks::<WIDTH>().0.iter().zip(layer.sums.as_chunks::<WIDTH>().0);
    let numbers = numbers.zip(layer.biases.as_chunks::<WIDTH>().0);
    for (number, (weights, ((scales, column_sums), biases))) in panels.zip(numbers).enumerate() {
        let panel = Panel { layer, number, weights, tokens: tokens.scales.len() };
        let tiles = tokens.steps.chunks(TILE_ROWS * layer.steps).zip(tokens.scales.chunks(TILE_ROWS));
        for ((steps, token_scales), out) in tiles.zip(out.chunks_mut(TILE_ROWS * row_len)) {
            tile(panel, steps, &mut sums);
            let rows = out.chunks_exact_mut(row_len).zip(token_scales).zip(&sums.0);
            for ((row, token), sums) in rows {
                let Some(row) = row.get_mut(number * WIDTH..).and_then(|row| row.first_chunk_mut::<WIDTH>()) else {
                    continue;
                };
                let (scale, zero) = (l.splat(token.scale), l.splat(token.zero));
                // By counting: joined iterators are calls to a compiler that does not see through them.
                for column in 0..WIDTH {
                    let out = &mut row[column];
                    let sum = l.minus(l.of_sums(&sums[column]), l.times(zero, l.load(&column_sums[column])));
                    let mut x = l.times_plus(sum, l.times(l.load(&scales[column]), scale), l.load(&biases[column]));
                    if THEN == then::ADD {
                        x = l.plus(x, l.load(out));
                    }
                    if THEN == then::GELU {
                        x = l.gelu(x);
                    }
                    l.store(x, out);
                }
            }
        }
    }
}
