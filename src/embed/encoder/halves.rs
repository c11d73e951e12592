//! Attention with products of half floats (bf16), which the processor makes two at a time.
//!
//! Sums, the softmax and the weights' total are of 32 bits. Invariant: what a token sees depends on its text alone, not on
//! which of the text's tokens are worked on together.

#[cfg(target_arch = "x86_64")]
pub(super) use x86::attend;

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m512, __m512i, _mm512_add_ps, _mm512_cvtne2ps_pbh, _mm512_cvtneps_pbh, _mm512_dpbf16_ps, _mm512_fmadd_ps,
        _mm512_max_ps, _mm512_mul_ps, _mm512_permutexvar_epi16, _mm512_reduce_add_ps, _mm512_reduce_max_ps,
        _mm512_roundscale_ps, _mm512_scalef_ps, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_ps,
        _mm512_setzero_si512, _mm512_shuffle_i32x4, _mm512_sub_ps, _mm512_unpackhi_epi32, _mm512_unpackhi_epi64,
        _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
    };
    use std::ops::Range;

    use super::super::lanes::{POWERS, Sixteen};
    use super::super::native::x86_registers::{
        as_half_pairs, as_halves, as_pairs, load_floats, load_pairs, store_floats, store_half_pairs, store_pairs,
    };
    use super::super::rows::LEAST;
    use super::super::text::{HALVES_ROWS as ROWS, HalvesRoom, Room, Text};

    /// Tokens of a block of keys.
    const BLOCK: usize = 16;

    /// Writes what some tokens of a text see.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16,avx2,fma")]
    pub(in super::super) fn attend(text: Text<'_>, asked: Range<usize>, out: &mut [Sixteen], room: &mut Room) {
        match text.parts {
            2 => attend_by_heads::<2, 1>(text, asked, out, room),
            4 => attend_by_heads::<4, 2>(text, asked, out, room),
            _ => {}
        }
    }

    /// For heads of so many sixteens, and of pairs of them.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16,avx2,fma")]
    fn attend_by_heads<const PARTS: usize, const PAIRS: usize>(
        text: Text<'_>,
        asked: Range<usize>,
        out: &mut [Sixteen],
        room: &mut Room,
    ) {
        let (room, biases) = (&mut room.halves, &mut room.biases);
        let blocks = text.tokens.div_ceil(BLOCK);
        room.scores.iter_mut().for_each(|scores| scores.resize(blocks, [0.0; 16]));
        room.weights.iter_mut().for_each(|weights| weights.resize(blocks, [0; 8]));
        for head in 0..text.columns / PARTS {
            lay_out::<PARTS, PAIRS>(text, asked.clone(), head, room);
            text.lay_out_biases(head, biases);
            for (out, first) in out.chunks_mut(ROWS * text.columns).zip((0..).step_by(ROWS)) {
                let all = room.questions.as_chunks::<PAIRS>().0;
                let questions: [[[u32; 16]; PAIRS]; ROWS] =
                    std::array::from_fn(|row| all.get(first + row).copied().unwrap_or([[0; 16]; PAIRS]));
                let mut block = 0;
                for keys in room.keys.as_chunks::<PAIRS>().0.chunks(4) {
                    match *keys {
                        [ref a, ref b, ref c, ref d] => score(&questions, [a, b, c, d], block, &mut room.scores),
                        [ref a, ref b, ref c] => score(&questions, [a, b, c], block, &mut room.scores),
                        [ref a, ref b] => score(&questions, [a, b], block, &mut room.scores),
                        [ref a] => score(&questions, [a], block, &mut room.scores),
                        _ => {}
                    }
                    block += keys.len();
                }
                if !biases.is_empty() {
                    for (scores, row) in room.scores.iter_mut().zip(asked.start + first..asked.end) {
                        text.add_biases(biases, row, scores.iter_mut());
                    }
                }
                let mut inverses = [0.0; ROWS];
                let rows = out.len() / text.columns.max(1);
                for ((scores, weights), inverse) in
                    room.scores.iter_mut().zip(&mut room.weights).zip(&mut inverses).take(rows)
                {
                    *inverse = soften(scores, weights, text.tokens);
                }
                let seen = weigh::<PARTS>(room.values.as_chunks().0, &room.weights);
                for ((row, seen), inverse) in out.chunks_exact_mut(text.columns).zip(seen).zip(inverses) {
                    for (place, seen) in row.iter_mut().skip(head * PARTS).zip(seen) {
                        store_floats(place, _mm512_mul_ps(seen, _mm512_set1_ps(inverse)));
                    }
                }
            }
        }
    }

    /// Two times sixteen numbers as half floats, the first sixteen first.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bf16")]
    fn halved(first: &[f32; 16], second: &[f32; 16]) -> __m512i {
        as_pairs(_mm512_cvtne2ps_pbh(load_floats(second), load_floats(first)))
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    fn lay_out<const PARTS: usize, const PAIRS: usize>(
        text: Text<'_>,
        asked: Range<usize>,
        head: usize,
        room: &mut HalvesRoom,
    ) {
        room.questions.resize(asked.len() * PAIRS, [0; 16]);
        for (places, token) in room.questions.as_chunks_mut::<PAIRS>().0.iter_mut().zip(asked) {
            for (place, [a, b]) in places.iter_mut().zip(text.part::<PARTS>(token, 0, head).as_chunks().0) {
                store_pairs(place, halved(a, b));
            }
        }
        room.keys.resize(text.tokens.div_ceil(BLOCK) * PAIRS, [[0; 16]; 16]);
        for (block, keys) in room.keys.as_chunks_mut::<PAIRS>().0.iter_mut().enumerate() {
            for (pair, keys) in keys.iter_mut().enumerate() {
                let mut rows = [_mm512_setzero_si512(); 16];
                for (lane, row) in rows.iter_mut().enumerate() {
                    let key = text.part::<PARTS>(block * BLOCK + lane, 1, head).as_chunks().0;
                    if let Some([a, b]) = key.get(pair) {
                        *row = halved(a, b);
                    }
                }
                for (place, row) in keys.iter_mut().zip(transpose(&rows)) {
                    store_pairs(place, row);
                }
            }
        }
        // The halves of two tokens, one after the other in turn.
        let mut turns = [0_u32; 16];
        for (turn, place) in turns.iter_mut().zip(0_u32..) {
            *turn = place | (place + 16) << 16;
        }
        let turns = load_pairs(&turns);
        room.values.resize(text.tokens.div_ceil(BLOCK) * BLOCK / 2 * PARTS, [0; 16]);
        for (pair, values) in room.values.as_chunks_mut::<PARTS>().0.iter_mut().enumerate() {
            let (first, second) = (text.part::<PARTS>(2 * pair, 2, head), text.part::<PARTS>(2 * pair + 1, 2, head));
            for ((first, second), place) in first.iter().zip(second).zip(values) {
                store_pairs(place, _mm512_permutexvar_epi16(turns, halved(first, second)));
            }
        }
    }

    /// Turns 16 rows of 16 numbers.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn transpose(rows: &[__m512i; 16]) -> [__m512i; 16] {
        let zero = _mm512_setzero_si512();
        let (mut a, mut b) = ([zero; 16], [zero; 16]);
        for (to, from) in a.as_chunks_mut::<2>().0.iter_mut().zip(rows.as_chunks::<2>().0) {
            let [x, y] = *from;
            *to = [_mm512_unpacklo_epi32(x, y), _mm512_unpackhi_epi32(x, y)];
        }
        for (to, from) in b.as_chunks_mut::<4>().0.iter_mut().zip(a.as_chunks::<4>().0) {
            let [w, x, y, z] = *from;
            *to = [
                _mm512_unpacklo_epi64(w, y),
                _mm512_unpackhi_epi64(w, y),
                _mm512_unpacklo_epi64(x, z),
                _mm512_unpackhi_epi64(x, z),
            ];
        }
        let [b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15] = b;
        let (low, high) = ([[b0, b4], [b1, b5], [b2, b6], [b3, b7]], [[b8, b12], [b9, b13], [b10, b14], [b11, b15]]);
        let mut turned = [[zero; 4]; 4];
        for (column, ([w, x], [y, z])) in low.into_iter().zip(high).enumerate() {
            let (even_low, odd_low) = (_mm512_shuffle_i32x4::<0x88>(w, x), _mm512_shuffle_i32x4::<0xdd>(w, x));
            let (even_high, odd_high) = (_mm512_shuffle_i32x4::<0x88>(y, z), _mm512_shuffle_i32x4::<0xdd>(y, z));
            let quarters = [
                _mm512_shuffle_i32x4::<0x88>(even_low, even_high),
                _mm512_shuffle_i32x4::<0x88>(odd_low, odd_high),
                _mm512_shuffle_i32x4::<0xdd>(even_low, even_high),
                _mm512_shuffle_i32x4::<0xdd>(odd_low, odd_high),
            ];
            for (row, quarter) in turned.iter_mut().zip(quarters) {
                if let Some(place) = row.get_mut(column) {
                    *place = quarter;
                }
            }
        }
        let [[a, b, c, d], [e, f, g, h], [i, j, k, l], [m, n, o, p]] = turned;
        [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
    }

    /// Questions times some blocks of keys.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    fn score<const BLOCKS: usize, const PAIRS: usize>(
        questions: &[[[u32; 16]; PAIRS]; ROWS],
        keys: [&[[[u32; 16]; 16]; PAIRS]; BLOCKS],
        first: usize,
        scores: &mut [Vec<Sixteen>; ROWS],
    ) {
        let mut sums = [[_mm512_setzero_ps(); BLOCKS]; ROWS];
        for place in 0..16 * PAIRS {
            let mut columns = [_mm512_setzero_si512(); BLOCKS];
            for (column, keys) in columns.iter_mut().zip(keys) {
                if let Some(keys) = keys.as_flattened().get(place) {
                    *column = load_pairs(keys);
                }
            }
            for (sums, question) in sums.iter_mut().zip(questions) {
                let pair = splat(question.as_flattened().get(place).copied().unwrap_or(0));
                for (sum, column) in sums.iter_mut().zip(columns) {
                    *sum = _mm512_dpbf16_ps(*sum, as_halves(pair), as_halves(column));
                }
            }
        }
        for (sums, scores) in sums.iter().zip(scores) {
            for (sum, place) in sums.iter().zip(scores.iter_mut().skip(first)) {
                store_floats(place, *sum);
            }
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn splat(pair: u32) -> __m512i {
        _mm512_set1_epi32(pair.cast_signed())
    }

    /// Makes scores weights of half floats; returns what they are to be multiplied by to add up to 1.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    fn soften(scores: &mut [Sixteen], weights: &mut [[u32; 8]], tokens: usize) -> f32 {
        if let Some(last) = scores.last_mut() {
            let rest = (tokens + BLOCK - 1) % BLOCK + 1;
            last.iter_mut().skip(rest).for_each(|x| *x = LEAST);
        }
        let mut most = _mm512_set1_ps(LEAST);
        for x in scores.iter() {
            most = _mm512_max_ps(most, load_floats(x));
        }
        let most = _mm512_set1_ps(_mm512_reduce_max_ps(most));
        let mut sum = _mm512_setzero_ps();
        for (x, place) in scores.iter().zip(weights) {
            let power = exp2(_mm512_sub_ps(load_floats(x), most));
            sum = _mm512_add_ps(sum, power);
            store_half_pairs(place, as_half_pairs(_mm512_cvtneps_pbh(power)));
        }
        1.0 / _mm512_reduce_add_ps(sum)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn exp2(x: __m512) -> __m512 {
        let whole = _mm512_roundscale_ps::<0x08>(x);
        let rest = _mm512_sub_ps(x, whole);
        let [a, b, c, d, e] = POWERS;
        let mut power = _mm512_set1_ps(e);
        for factor in [d, c, b, a] {
            power = _mm512_fmadd_ps(power, rest, _mm512_set1_ps(factor));
        }
        _mm512_scalef_ps(power, whole)
    }

    /// Weights times values.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    fn weigh<const PARTS: usize>(
        values: &[[[u32; 16]; PARTS]],
        weights: &[Vec<[u32; 8]>; ROWS],
    ) -> [[__m512; PARTS]; ROWS] {
        let rows: [&[u32]; ROWS] = std::array::from_fn(|row| {
            let weights = weights.get(row).map_or(&[][..], |weights| weights.as_flattened());
            weights.get(..values.len()).unwrap_or_default()
        });
        let mut sums = [[_mm512_setzero_ps(); PARTS]; ROWS];
        for (pair, values) in values.iter().enumerate() {
            let mut columns = [_mm512_setzero_si512(); PARTS];
            for (column, values) in columns.iter_mut().zip(values) {
                *column = load_pairs(values);
            }
            for (sums, row) in sums.iter_mut().zip(rows) {
                let weight = splat(row.get(pair).copied().unwrap_or(0));
                for (sum, column) in sums.iter_mut().zip(columns) {
                    *sum = _mm512_dpbf16_ps(*sum, as_halves(weight), as_halves(column));
                }
            }
        }
        sums
    }
}
