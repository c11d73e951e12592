//! A dense layer over the tokens of a block: products of bytes, and what follows them while they are at hand.
//!
//! Invariant: the sums are whole numbers and exact, whatever tile made them; what follows is the same for each.

use super::lanes::{LANES, Lanes};
use super::layout::{COLUMNS, STEP};
use super::model::{Dense, STEP_BYTES, Sixteen};
use super::rows::Bytes;

/// Tokens of a tile.
pub(super) const TILE_ROWS: usize = 6;

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

/// Multiplies tokens by a layer's weights. `tile` makes the sums of up to [`TILE_ROWS`] tokens and one panel.
#[inline(always)]
pub(super) fn product<L: Lanes, const THEN: u8>(
    l: L,
    tokens: Bytes<'_>,
    layer: &Dense<'_>,
    out: &mut [Sixteen],
    tile: impl Fn(&[[u8; STEP]], &[[i8; STEP_BYTES]], &mut Sums),
) {
    const WIDTH: usize = COLUMNS / LANES;
    let mut sums = Sums([[[0; LANES]; WIDTH]; TILE_ROWS]);
    let row_len = layer.columns / LANES;
    let panels = layer.weights.chunks_exact(layer.steps);
    let numbers = layer.scales.as_chunks::<WIDTH>().0.iter().zip(layer.sums.as_chunks::<WIDTH>().0);
    let numbers = numbers.zip(layer.biases.as_chunks::<WIDTH>().0);
    for (panel, (weights, ((scales, column_sums), biases))) in panels.zip(numbers).enumerate() {
        let tiles = tokens.steps.chunks(TILE_ROWS * layer.steps).zip(tokens.scales.chunks(TILE_ROWS));
        for ((steps, token_scales), out) in tiles.zip(out.chunks_mut(TILE_ROWS * row_len)) {
            tile(steps, weights, &mut sums);
            let rows = out.chunks_exact_mut(row_len).zip(token_scales).zip(&sums.0);
            for ((row, token), sums) in rows {
                let Some(row) = row.get_mut(panel * WIDTH..).and_then(|row| row.first_chunk_mut::<WIDTH>()) else {
                    continue;
                };
                let (scale, zero) = (l.splat(token.scale), l.splat(token.zero));
                let numbers = scales.iter().zip(column_sums).zip(biases);
                for ((sum, out), ((weight, column_sum), bias)) in sums.iter().zip(row).zip(numbers) {
                    let sum = l.minus(l.of_sums(sum), l.times(zero, l.load(column_sum)));
                    let mut x = l.times_plus(sum, l.times(l.load(weight), scale), l.load(bias));
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
