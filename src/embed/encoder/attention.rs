//! Attention of a text's tokens to each other, with numbers of 32 bits.
//!
//! The questions carry the scale of the softmax, which is of powers of 2. Invariant: what a token sees depends on its text
//! alone, not on which of the text's tokens are worked on together.

#![allow(clippy::indexing_slicing, clippy::needless_range_loop, reason = "within arrays of constant length")]

use std::ops::Range;

use super::lanes::{LANES, Lanes, Sixteen};
use super::rows::LEAST;
use super::text::{MOST_PARTS, Room, Text};

/// Writes what some tokens of a text see: `ROWS` tokens at a time, as many as the registers hold.
#[inline(always)]
pub(super) fn attend<L: Lanes, const ROWS: usize>(
    l: L,
    text: Text<'_>,
    asked: Range<usize>,
    out: &mut [Sixteen],
    room: &mut Room,
) {
    match text.parts {
        2 => attend_by_heads::<L, ROWS, 2>(l, text, asked, out, room),
        MOST_PARTS => attend_by_heads::<L, ROWS, MOST_PARTS>(l, text, asked, out, room),
        _ => {}
    }
}

#[inline(always)]
fn attend_by_heads<L: Lanes, const ROWS: usize, const PARTS: usize>(
    l: L,
    text: Text<'_>,
    asked: Range<usize>,
    out: &mut [Sixteen],
    room: &mut Room,
) {
    let blocks = text.tokens.div_ceil(LANES);
    room.scores.resize(blocks * ROWS, [0.0; LANES]);
    for head in 0..text.columns / PARTS {
        lay_out::<PARTS>(text, head, room);
        text.lay_out_biases(head, &mut room.biases);
        let rows = out.chunks_mut(ROWS * text.columns);
        for (out, start) in rows.zip(asked.clone().step_by(ROWS)) {
            let last = asked.end.saturating_sub(1);
            let mut questions = [text.part::<PARTS>(start, 0, head); ROWS];
            for (question, row) in questions.iter_mut().zip(start..) {
                *question = text.part(row.min(last), 0, head);
            }
            let (scores, _) = room.scores.as_chunks_mut::<ROWS>();
            score(l, questions, room.keys.as_chunks().0, scores);
            if !room.biases.is_empty() {
                for row in 0..ROWS {
                    let scores = scores.iter_mut().map(|block| &mut block[row]);
                    text.add_biases(&room.biases, (start + row).min(last), scores);
                }
            }
            let inverses = soften(l, scores, text.tokens);
            for (part, values) in room.values.iter().take(PARTS).enumerate() {
                let seen = weigh(l, values, scores);
                for ((row, seen), inverse) in out.chunks_exact_mut(text.columns).zip(seen).zip(inverses) {
                    if let Some(place) = row.get_mut(head * PARTS + part) {
                        l.store(l.times(seen, l.splat(inverse)), place);
                    }
                }
            }
        }
    }
}

/// Turns the keys of a head so that sixteen tokens are side by side, and puts the values together.
#[inline(always)]
fn lay_out<const PARTS: usize>(text: Text<'_>, head: usize, room: &mut Room) {
    room.keys.resize(text.tokens.div_ceil(LANES) * PARTS, [[0.0; LANES]; LANES]);
    for (block, keys) in room.keys.as_chunks_mut::<PARTS>().0.iter_mut().enumerate() {
        for lane in 0..LANES {
            let key = text.part::<PARTS>(block * LANES + lane, 1, head).as_flattened();
            for (row, x) in keys.as_flattened_mut().iter_mut().zip(key) {
                if let Some(place) = row.get_mut(lane) {
                    *place = *x;
                }
            }
        }
    }
    for (part, values) in room.values.iter_mut().take(PARTS).enumerate() {
        values.clear();
        let of_token = |token| text.part::<PARTS>(token, 2, head).get(part).copied().unwrap_or_default();
        let of_block = |block| std::array::from_fn(|lane| of_token(block * LANES + lane));
        values.extend((0..text.tokens.div_ceil(LANES)).map(of_block));
    }
}

/// Questions times keys.
#[inline(always)]
fn score<L: Lanes, const ROWS: usize, const PARTS: usize>(
    l: L,
    questions: [&[Sixteen; PARTS]; ROWS],
    keys: &[[[Sixteen; LANES]; PARTS]],
    scores: &mut [[Sixteen; ROWS]],
) {
    for (block, scores) in scores.iter_mut().enumerate() {
        let Some(parts) = keys.get(block) else { return };
        let mut sums = [l.splat(0.0); ROWS];
        for part in 0..PARTS {
            let mut rows = [&[0.0; LANES]; ROWS];
            for row in 0..ROWS {
                rows[row] = &questions[row][part];
            }
            multiply(l, rows, &parts[part], &mut sums);
        }
        for row in 0..ROWS {
            l.store(sums[row], &mut scores[row]);
        }
    }
}

/// Makes scores weights; returns what those of each row are to be multiplied by to add up to 1.
#[inline(always)]
fn soften<L: Lanes, const ROWS: usize>(l: L, scores: &mut [[Sixteen; ROWS]], tokens: usize) -> [f32; ROWS] {
    // Tokens that there are not.
    for row in scores.last_mut().into_iter().flatten() {
        row.iter_mut().skip((tokens + LANES - 1) % LANES + 1).for_each(|x| *x = LEAST);
    }
    let mut most = [l.splat(LEAST); ROWS];
    for block in scores.iter() {
        for row in 0..ROWS {
            most[row] = l.larger(most[row], l.load(&block[row]));
        }
    }
    for row in 0..ROWS {
        most[row] = l.splat(l.largest(most[row]));
    }
    let mut sums = [l.splat(0.0); ROWS];
    for block in scores {
        for row in 0..ROWS {
            let power = l.exp2(l.minus(l.load(&block[row]), most[row]));
            sums[row] = l.plus(sums[row], power);
            l.store(power, &mut block[row]);
        }
    }
    let mut inverses = [0.0; ROWS];
    for row in 0..ROWS {
        inverses[row] = 1.0 / l.sum(sums[row]);
    }
    inverses
}

/// Weights times values. Past the last token there are values of zero, to which a weight of nearly nothing adds nothing.
#[inline(always)]
fn weigh<L: Lanes, const ROWS: usize>(l: L, values: &[[Sixteen; LANES]], weights: &[[Sixteen; ROWS]]) -> [L::Of; ROWS] {
    let mut sums = [l.splat(0.0); ROWS];
    for (block, weights) in weights.iter().enumerate() {
        let Some(values) = values.get(block) else { return sums };
        multiply(l, weights.each_ref(), values, &mut sums);
    }
    sums
}

/// Adds to each row's sums the products of its sixteen numbers and sixteen times sixteen others.
///
/// The innermost loop. Invariant, for the speed alone: there is nothing in it that a compiler may leave a call, before which
/// all sums would go to memory; so it counts, and has no iterators joined to each other.
#[inline(always)]
fn multiply<L: Lanes, const ROWS: usize>(
    l: L,
    rows: [&Sixteen; ROWS],
    others: &[Sixteen; LANES],
    sums: &mut [L::Of; ROWS],
) {
    for lane in 0..LANES {
        let other = l.load(&others[lane]);
        for row in 0..ROWS {
            sums[row] = l.times_plus(l.splat(rows[row][lane]), other, sums[row]);
        }
    }
}
