//! Every variant this machine runs against the definition, over every dimension to 2,048 and the extremes.

use super::*;
use crate::record::random::Random;

fn codes(random: &mut Random, count: usize) -> Vec<i8> {
    random.bytes(count).into_iter().map(u8::cast_signed).collect()
}

fn naive_dot(a: &[i8], b: &[i8]) -> i64 {
    a.iter().zip(b).map(|(&x, &y)| i64::from(x) * i64::from(y)).sum()
}

/// Checks the i8 kernels of every variant on a pair of vectors and on `rows`.
fn check_i8(query: &[i8], rows: &[i8], what: &str) {
    let dim = query.len();
    let dots: Vec<i64> = rows.chunks_exact(dim).map(|row| naive_dot(query, row)).collect();
    for variant in Kernels::available() {
        let name = variant.name();
        let mut out = vec![0; dots.len()];
        variant.dot_i8_rows(query, rows, &mut out);
        assert_eq!(out.iter().map(|&s| i64::from(s)).collect::<Vec<_>>(), dots, "dot rows, {name}, {what}");
        for (row, &dot) in rows.chunks_exact(dim).zip(&dots) {
            assert_eq!(i64::from(variant.dot_i8(query, row)), dot, "dot, {name}, {what}");
        }
    }
}

#[test]
fn every_dimension_of_i8() {
    let mut random = Random::new();
    for dim in 1..=2048 {
        // A slice that begins anywhere in its allocation.
        let skip = dim % 67;
        let query = codes(&mut random, skip + dim);
        let rows = codes(&mut random, skip + 3 * dim);
        check_i8(&query[skip..], &rows[skip..], &format!("dimension {dim}"));
    }
}

#[test]
fn extremes_of_i8() {
    for dim in [1, 2, 3, 4, 15, 16, 17, 63, 64, 65, 127, 384, 1000, 4096, 32_768] {
        for a in [i8::MIN, -127, -1, 0, 1, i8::MAX] {
            let query = vec![a; dim];
            let rows: Vec<i8> = [i8::MIN, -127, -1, 0, 1, i8::MAX].iter().flat_map(|&b| vec![b; dim]).collect();
            check_i8(&query, &rows, &format!("dimension {dim} of {a}"));
        }
    }
}

/// Up to eight rows of signs, word by word.
fn interleaved(rows: &[u8], row_bytes: usize) -> Vec<[u64; EIGHT]> {
    let mut words = vec![[0; EIGHT]; row_bytes.div_ceil(8)];
    for (lane, row) in rows.chunks_exact(row_bytes).enumerate() {
        for (at, byte) in row.iter().enumerate() {
            words[at / 8][lane] |= u64::from(*byte) << (8 * (at % 8));
        }
    }
    words
}

#[test]
fn every_number_of_sign_bounds() {
    let mut random = Random::new();
    for rows in 0..100 {
        let sums: Vec<i32> = (0..rows).map(|_| i32::from(random.bytes(1)[0]) * 37 - 4000).collect();
        let [weights, biases, slacks] = [(); 3].map(|()| random.floats(rows));
        let numbers = SignNumbers { weights: &weights, biases: &biases, slacks: &slacks };
        let terms = SignTerms { scale: 0.3, by_weight: -1.7, by_slack: 2.1, fixed: 0.01 };
        let bound = |at: usize| {
            let fixed = biases[at] + weights[at] * -1.7 - slacks[at] * 2.1 - 0.01;
            fixed - sums[at] as f32 * (weights[at] * 0.3)
        };
        let expected: Vec<f32> = (0..rows).map(bound).collect();
        for variant in Kernels::available() {
            let mut out = vec![f32::NAN; rows];
            let least = variant.sign_bounds(&sums, &numbers, &terms, &mut out);
            assert_eq!(out, expected, "{}, {rows} rows, {random:?}", variant.name());
            let expected = expected.iter().copied().fold(f32::INFINITY, f32::min);
            assert_eq!(least.to_bits(), expected.to_bits(), "{}", variant.name());
        }
    }
}

#[test]
fn every_dimension_of_signs() {
    let mut random = Random::new();
    for dim in (1..=600).chain([1000, 2048, 4096]) {
        let question: Vec<f32> = random.floats(dim);
        let planes = Planes::new(&question);
        let rows = random.bytes(3 * dim.div_ceil(8));
        // What the planes say of each component: the sum under a row of one bit.
        let whole: Vec<i32> = (0..dim)
            .map(|at| {
                let mut row = vec![0; dim.div_ceil(8)];
                row[at / 8] = 1 << (at % 8);
                portable::dot_signs(&planes, &row)
            })
            .collect();
        let step = question.iter().fold(0.0_f32, |m, x| m.max(x.abs())) / 7.0;
        for (x, whole) in question.iter().zip(&whole) {
            assert!((x / step - *whole as f32).abs() <= 1.0 && whole.abs() <= 7, "{x} is {whole} steps of {step}");
        }
        let is_set = |row: &[u8], at: usize| row[at / 8] >> (at % 8) & 1 == 1;
        let under = |row: &[u8]| (0..dim).filter(|at| is_set(row, *at)).map(|at| whole[at]).sum::<i32>();
        let expected: Vec<i32> = rows.chunks_exact(dim.div_ceil(8)).map(under).collect();
        for variant in Kernels::available() {
            let mut out = vec![0; 3];
            variant.dot_signs_rows(&planes, &rows, &mut out);
            assert_eq!(out, expected, "{}, dimension {dim}, {random:?}", variant.name());
            let mut out = vec![0; EIGHT];
            variant.dot_signs_eights(&planes, &interleaved(&rows, dim.div_ceil(8)), &mut out);
            assert_eq!(out[..3], expected, "eights, {}, dimension {dim}, {random:?}", variant.name());
            assert_eq!(out[3..], [0; 5], "eights, {}, dimension {dim}, {random:?}", variant.name());
        }
        let row = &rows[..dim.div_ceil(8)];
        let product: f32 = (0..dim).map(|at| if is_set(row, at) { question[at] } else { -question[at] }).sum();
        let (scale, shift) = planes.scale_and_shift();
        let off = (scale * expected[0] as f32 - shift - product).abs();
        assert!(off <= step * dim as f32, "dimension {dim}: off by {off}");
    }
}

#[test]
#[expect(clippy::cast_possible_truncation, reason = "a million at the most")]
fn distances_and_the_least_of_them() {
    let mut random = Random::new();
    for rows in [0, 1, 15, 16, 17, 100] {
        let dots: Vec<i32> = random.floats(rows).iter().map(|x| (x * 1e6) as i32).collect();
        let (factors, biases) = (random.floats(rows), random.floats(rows));
        let expected: Vec<f32> = (0..rows).map(|row| biases[row] - dots[row] as f32 * (factors[row] * 0.3)).collect();
        for variant in Kernels::available() {
            // Longer than the rows: what is past them is left alone.
            let mut out = vec![7.0; rows + 21];
            let numbers = RowNumbers { factors: &factors, biases: &biases, slacks: &[] };
            let least = variant.distances(&dots, &numbers, 0.3, &mut out);
            assert!(out.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits()), "{random:?}");
            assert_eq!(out[rows..], [7.0; 21]);
            let expected = expected.iter().copied().fold(f32::INFINITY, f32::min);
            assert_eq!(least.to_bits(), expected.to_bits(), "{}, {random:?}", variant.name());
        }
    }
}

#[test]
fn near_rows_are_those_whose_distance_is_within_the_limit() {
    let mut random = Random::new();
    let few = [(1, 1, 1), (7, 3, 9), (384, 70, 10), (64, 16, 4), (65, 65, 3), (5, 0, 3), (5, 3, 0)];
    let every = (1..=70).flat_map(|dim| [(dim, 1, 1), (dim, 15, 5), (dim, 17, 8), (dim, 65, 2), (dim, 100, 13)]);
    for (dim, queries, rows) in few.into_iter().chain(every) {
        let (tile, rows) = (Tile::new(&codes(&mut random, queries * dim), dim), codes(&mut random, rows * dim));
        let (factors, biases) = (random.floats(rows.len() / dim), random.floats(rows.len() / dim));
        let slacks = random.floats(rows.len() / dim);
        let limit = |x: f32| Limit { scale: x * 1e-4, reach: x.abs(), farthest: x };
        let limits: Vec<Limit> = random.floats(queries).into_iter().map(limit).collect();
        let numbers = RowNumbers { factors: &factors, biases: &biases, slacks: &slacks };
        let mut expected = Vec::new();
        for ((question, query), limit) in tile.queries().enumerate().zip(&limits) {
            for (row, codes) in rows.chunks_exact(dim).enumerate() {
                let product = super::choose::PORTABLE.dot_i8(query, codes) as f32 * (factors[row] * limit.scale);
                let distance = biases[row] - product - limit.reach * slacks[row];
                expected.extend((distance <= limit.farthest).then_some(Near { question, row, distance }));
            }
        }
        for variant in Kernels::available() {
            let mut found = Vec::new();
            variant.near_tile(&tile, &rows, &numbers, &Thresholds::new(limits.iter().copied()), &mut found);
            found.sort_by_key(|near| (near.question, near.row));
            assert_eq!(found, expected, "{}, dimension {dim}, {random:?}", variant.name());
        }
    }
}

#[test]
fn slices_that_do_not_match_are_cut() {
    for variant in Kernels::available() {
        assert_eq!(variant.dot_i8(&[1; 70], &[2; 3]), 6);
        assert_eq!(variant.dot_i8(&[1; 3], &[2; 70]), 6);
        assert_eq!(variant.dot_i8(&[], &[2; 70]), 0);
        let mut out = [7; 4];
        variant.dot_i8_rows(&[1; 2], &[1; 5], &mut out);
        assert_eq!(out, [2, 2, 7, 7], "a row that is cut off is not scored, {}", variant.name());
        variant.dot_i8_rows(&[], &[1; 5], &mut out);
    }
}

#[test]
fn the_chosen_variant_is_the_first_available() {
    assert_eq!(kernels().name(), Kernels::available().next().unwrap().name());
    assert_eq!(Kernels::available().last().unwrap().name(), "portable");
}
