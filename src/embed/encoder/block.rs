//! Some texts on their way through all layers: one after another without padding, on one thread or on several.
//!
//! A block is cut into pieces of whole tokens, of which each thread has one. Threads meet twice in a layer: once all tokens
//! have their keys and values, and once they have passed on. Invariant: a token's numbers do not depend on the cut.

use rayon::prelude::*;

use super::kernels::Kernels;
use super::lanes::{LANES, Sixteen};
use super::layout::STEP;
use super::model::{Layer, Model};
use super::product::TILE_ROWS;
use super::rows::{Bytes, BytesMut, Scale};
use super::text::{self, Text};
use crate::record::Pooling;

/// Tokens that go through both halves of the feed-forward together: what is between stays near the core.
const FEED_FORWARD_ROWS: usize = 48;

/// How a text's tokens become its vector.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Pooled {
    pub(in super::super) by: Pooling,
    /// Whether it is scaled to length 1.
    pub(in super::super) normalize: bool,
}

/// Tokens as numbers and as bytes.
#[derive(Default)]
struct Tokens {
    numbers: Vec<Sixteen>,
    bytes: Vec<[u8; LANES]>,
    scales: Vec<Scale>,
}

impl Tokens {
    fn resize(&mut self, tokens: usize, columns: usize) {
        self.numbers.resize(tokens * columns, [0.0; LANES]);
        self.bytes.resize(tokens * columns, [0; LANES]);
        self.scales.resize(tokens, Scale::default());
    }

    /// Returns some tokens as they go into a product.
    fn view<'a>(bytes: &'a [[u8; LANES]], scales: &'a [Scale]) -> Bytes<'a> {
        debug_assert_eq!(LANES % STEP, 0);
        Bytes { steps: bytes.as_flattened().as_chunks().0, scales }
    }
}

/// Rooms that a block is worked on in, kept from block to block.
#[derive(Default)]
pub(super) struct Room {
    tokens: Tokens,
    query_key_value: Vec<Sixteen>,
    pieces: Vec<PieceRoom>,
}

/// Rooms of one thread.
#[derive(Default)]
struct PieceRoom {
    context: Tokens,
    between: Tokens,
    attention: text::Room,
}

/// The tokens that a thread works on.
struct Piece<'r> {
    first: usize,
    numbers: &'r mut [Sixteen],
    bytes: &'r mut [[u8; LANES]],
    scales: &'r mut [Scale],
    query_key_value: &'r mut [Sixteen],
    room: &'r mut PieceRoom,
}

/// Embeds texts that all have tokens, on so many of the threads of the pool that this is called in.
pub(super) fn embed(
    model: &Model<'_>,
    kernels: &Kernels,
    pooled: Pooled,
    texts: &[&[u32]],
    threads: usize,
    room: &mut Room,
) -> Vec<Vec<f32>> {
    let columns = model.hidden / LANES;
    let tokens: usize = texts.iter().map(|text| text.len()).sum();
    room.tokens.resize(tokens, columns);
    room.query_key_value.resize(tokens * columns * 3, [0.0; LANES]);
    // Whole tiles, but for the last piece.
    let per_piece = tokens.div_ceil(threads.max(1)).next_multiple_of(TILE_ROWS);
    room.pieces.resize_with(room.pieces.len().max(tokens.div_ceil(per_piece.max(1))), PieceRoom::default);
    let mut rest = room.tokens.numbers.as_mut_slice();
    for text in texts {
        let Some((rows, others)) = rest.split_at_mut_checked(text.len() * columns) else { break };
        (kernels.look_up)(model, text, rows);
        rest = others;
    }
    let norm = |piece: Piece<'_>| {
        (kernels.normalise)(piece.numbers, &model.norm, &mut BytesMut { bytes: piece.bytes, scales: piece.scales });
    };
    each(room, columns, per_piece, norm);
    for layer in &model.layers {
        each(room, columns, per_piece, |piece| {
            (kernels.store)(Tokens::view(piece.bytes, piece.scales), &layer.query_key_value, piece.query_key_value);
        });
        let seen = std::mem::take(&mut room.query_key_value);
        each(room, columns, per_piece, |piece| pass(model, kernels, layer, texts, &seen, piece));
        room.query_key_value = seen;
    }
    let mut rows = room.tokens.numbers.as_slice();
    let mut vectors = Vec::with_capacity(texts.len());
    for text in texts {
        let Some((text, others)) = rows.split_at_checked(text.len() * columns) else { break };
        let mut vector = vec![[0.0; LANES]; columns];
        let rows_of = match pooled.by {
            Pooling::Mean => text,
            Pooling::Cls => text.get(..columns).unwrap_or_default(),
            Pooling::Last => text.get(text.len().saturating_sub(columns)..).unwrap_or_default(),
        };
        if pooled.normalize {
            (kernels.pool)(rows_of, &mut vector);
        } else {
            mean(rows_of, &mut vector);
        }
        vectors.push(vector.as_flattened().to_vec());
        rows = others;
    }
    vectors
}

/// The mean of some tokens, of whatever length.
fn mean(rows: &[Sixteen], vector: &mut [Sixteen]) {
    #[expect(clippy::cast_precision_loss, reason = "some thousands at most")]
    let count = (rows.len() / vector.len().max(1)).max(1) as f32;
    for row in rows.chunks_exact(vector.len().max(1)) {
        for (sum, x) in vector.as_flattened_mut().iter_mut().zip(row.as_flattened()) {
            *sum += x;
        }
    }
    vector.as_flattened_mut().iter_mut().for_each(|sum| *sum /= count);
}

/// Does something with each piece, at once where there are several.
fn each(room: &mut Room, columns: usize, per_piece: usize, work: impl Fn(Piece<'_>) + Send + Sync) {
    let Tokens { numbers, bytes, scales } = &mut room.tokens;
    let mut query_key_value = room.query_key_value.chunks_mut((per_piece * columns * 3).max(1));
    let numbers = numbers.chunks_mut((per_piece * columns).max(1));
    let bytes = bytes.chunks_mut((per_piece * columns).max(1));
    let parts = numbers.zip(bytes).zip(scales.chunks_mut(per_piece.max(1))).zip(&mut room.pieces);
    let pieces = parts.zip((0..).step_by(per_piece.max(1))).map(|((((numbers, bytes), scales), room), first)| Piece {
        first,
        numbers,
        bytes,
        scales,
        query_key_value: query_key_value.next().unwrap_or_default(),
        room,
    });
    let pieces: Vec<Piece<'_>> = pieces.collect();
    if pieces.len() > 1 {
        pieces.into_par_iter().with_max_len(1).for_each(work);
    } else {
        pieces.into_iter().for_each(work);
    }
}

/// Takes a piece from keys and values to the next layer.
fn pass(model: &Model<'_>, kernels: &Kernels, layer: &Layer<'_>, texts: &[&[u32]], seen: &[Sixteen], piece: Piece<'_>) {
    let columns = model.hidden / LANES;
    let Piece { first, numbers, bytes, scales, room: PieceRoom { context, between, attention }, .. } = piece;
    let end = first + scales.len();
    context.resize(scales.len(), columns);
    let mut start = 0;
    for text in texts {
        let here = start.max(first)..(start + text.len()).min(end);
        if !here.is_empty() {
            let rows = seen.get(start * columns * 3..(start + text.len()) * columns * 3).unwrap_or_default();
            let place = (here.start - first) * columns..(here.end - first) * columns;
            let out = context.numbers.get_mut(place).unwrap_or_default();
            let asked = here.start - start..here.end - start;
            let text = Text { rows, tokens: text.len(), columns, parts: model.parts, biases: model.biases };
            (kernels.attend)(text, asked, out, attention);
        }
        start += text.len();
    }
    let mut as_bytes = BytesMut { bytes: &mut context.bytes, scales: &mut context.scales };
    (kernels.quantise)(&context.numbers, columns, &mut as_bytes);
    (kernels.add)(Tokens::view(&context.bytes, &context.scales), &layer.output, numbers);
    (kernels.normalise)(numbers, &layer.attention_norm, &mut BytesMut { bytes, scales });
    let wide = model.feed_forward / LANES;
    let chunk = FEED_FORWARD_ROWS * columns;
    let chunks = numbers.chunks_mut(chunk).zip(bytes.chunks_mut(chunk)).zip(scales.chunks_mut(FEED_FORWARD_ROWS));
    for ((numbers, bytes), scales) in chunks {
        between.resize(scales.len(), wide);
        (kernels.gelu)(Tokens::view(bytes, scales), &layer.up, &mut between.numbers);
        let mut as_bytes = BytesMut { bytes: &mut between.bytes, scales: &mut between.scales };
        (kernels.quantise)(&between.numbers, wide, &mut as_bytes);
        (kernels.add)(Tokens::view(&between.bytes, &between.scales), &layer.down, numbers);
        (kernels.normalise)(numbers, &layer.norm, &mut BytesMut { bytes, scales });
    }
}
