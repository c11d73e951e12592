//! Every variant this machine runs against the definition, over every dimension to 2,048 and the extremes.

use super::*;
use crate::record::random::Random;

fn codes(random: &mut Random, count: usize) -> Vec<i8> {
    random.bytes(count).into_iter().map(u8::cast_signed).collect()
}

fn naive_dot(a: &[i8], b: &[i8]) -> i64 {
    a.iter().zip(b).map(|(&x, &y)| i64::from(x) * i64::from(y)).sum()
}

fn naive_l2(a: &[i8], b: &[i8]) -> i64 {
    a.iter().zip(b).map(|(&x, &y)| (i64::from(x) - i64::from(y)).pow(2)).sum()
}

fn naive_hamming(a: &[u8], b: &[u8]) -> u32 {
    a.iter().zip(b).map(|(&x, &y)| (0..8).map(|bit| u32::from((x >> bit) & 1 != (y >> bit) & 1)).sum::<u32>()).sum()
}

/// Checks the i8 kernels of every variant on a pair of vectors and on `rows`.
fn check_i8(query: &[i8], rows: &[i8], what: &str) {
    let dim = query.len();
    let dots: Vec<i64> = rows.chunks_exact(dim).map(|row| naive_dot(query, row)).collect();
    let l2s: Vec<i64> = rows.chunks_exact(dim).map(|row| naive_l2(query, row)).collect();
    for variant in Kernels::available() {
        let name = variant.name();
        let mut out = vec![0; dots.len()];
        variant.dot_i8_rows(query, rows, &mut out);
        assert_eq!(out.iter().map(|&s| i64::from(s)).collect::<Vec<_>>(), dots, "dot rows, {name}, {what}");
        variant.l2_i8_rows(query, rows, &mut out);
        assert_eq!(out.iter().map(|&s| i64::from(s)).collect::<Vec<_>>(), l2s, "l2 rows, {name}, {what}");
        for ((row, &dot), &l2) in rows.chunks_exact(dim).zip(&dots).zip(&l2s) {
            assert_eq!(i64::from(variant.dot_i8(query, row)), dot, "dot, {name}, {what}");
            assert_eq!(i64::from(variant.l2_i8(query, row)), l2, "l2, {name}, {what}");
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

#[test]
fn tiles_equal_one_query_at_a_time() {
    let mut random = Random::new();
    let mut out = Vec::new();
    for dim in (1..=70).chain([127, 128, 384, 385, 1000]) {
        for (queries, rows) in [(1, 1), (3, 4), (15, 5), (16, 3), (17, 8), (64, 9), (65, 2), (100, 13), (5, 0), (0, 5)]
        {
            let queries = codes(&mut random, queries * dim);
            let rows = codes(&mut random, rows * dim);
            let tile = Tile::new(&queries, dim);
            let pairs = || queries.chunks_exact(dim).flat_map(|q| rows.chunks_exact(dim).map(move |r| (q, r)));
            let dots: Vec<i64> = pairs().map(|(q, r)| naive_dot(q, r)).collect();
            let l2s: Vec<i64> = pairs().map(|(q, r)| naive_l2(q, r)).collect();
            for variant in Kernels::available() {
                let what = format!("{}, dimension {dim}, {} queries", variant.name(), tile.len());
                variant.dot_i8_tile(&tile, &rows, &mut out);
                assert_eq!(out.iter().map(|&s| i64::from(s)).collect::<Vec<_>>(), dots, "dot, {what}");
                variant.l2_i8_tile(&tile, &rows, &mut out);
                assert_eq!(out.iter().map(|&s| i64::from(s)).collect::<Vec<_>>(), l2s, "l2, {what}");
            }
        }
    }
}

#[test]
fn tiles_of_extremes() {
    let dim = 4096;
    let levels = [i8::MIN, -127, 0, i8::MAX];
    let vectors: Vec<i8> = levels.iter().flat_map(|&level| vec![level; dim]).collect();
    let tile = Tile::new(&vectors, dim);
    let expected: Vec<i32> = levels
        .iter()
        .flat_map(|&q| levels.map(|r| i32::from(q) * i32::from(r) * i32::try_from(dim).unwrap()))
        .collect();
    for variant in Kernels::available() {
        let mut out = Vec::new();
        variant.dot_i8_tile(&tile, &vectors, &mut out);
        assert_eq!(out, expected, "{}", variant.name());
    }
}

#[test]
fn scores_are_smaller_for_nearer_rows() {
    let mut random = Random::new();
    let (dim, mut tiled) = (33, Vec::new());
    let queries = codes(&mut random, 5 * dim);
    let rows = codes(&mut random, 9 * dim);
    let tile = Tile::new(&queries, dim);
    for variant in Kernels::available() {
        for space in Space::ALL {
            variant.scores_tile(space, &tile, &rows, &mut tiled);
            for (query, tiled) in queries.chunks_exact(dim).zip(tiled.chunks_exact(9)) {
                let mut scores = vec![0; 9];
                variant.scores(space, query, &rows, &mut scores);
                assert_eq!(scores, tiled, "{} {space}", variant.name());
                for (row, &score) in rows.chunks_exact(dim).zip(&scores) {
                    let expected = if space == Space::L2 { naive_l2(query, row) } else { -naive_dot(query, row) };
                    assert_eq!(i64::from(score), expected, "{} {space}", variant.name());
                }
            }
        }
    }
}

#[test]
fn every_dimension_of_f32() {
    let mut random = Random::new();
    for dim in 1..=2048 {
        let skip = dim % 13;
        let (a, b) = (random.floats(skip + dim), random.floats(skip + dim));
        let (a, b) = (&a[skip..], &b[skip..]);
        let what = format!("dimension {dim}");
        let dot: f64 = a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum();
        let l2: f64 = a.iter().zip(b).map(|(&x, &y)| (f64::from(x) - f64::from(y)).powi(2)).sum();
        for variant in Kernels::available() {
            let name = variant.name();
            assert!((f64::from(variant.dot_f32(a, b)) - dot).abs() < 1e-3, "dot, {name}, {what}");
            assert!((f64::from(variant.l2_f32(a, b)) - l2).abs() < 1e-3, "l2, {name}, {what}");
            assert_eq!(variant.dot_f32(a, b).to_bits(), PORTABLE.dot_f32(a, b).to_bits(), "dot bits, {name}, {what}");
            assert_eq!(variant.l2_f32(a, b).to_bits(), PORTABLE.l2_f32(a, b).to_bits(), "l2 bits, {name}, {what}");
        }
    }
}

#[test]
fn every_length_of_bits() {
    let mut random = Random::new();
    for bytes in 1..=256 {
        let skip = bytes % 9;
        let (query, rows) = (random.bytes(skip + bytes), random.bytes(skip + 3 * bytes));
        let (query, rows) = (&query[skip..], &rows[skip..]);
        let expected: Vec<u32> = rows.chunks_exact(bytes).map(|row| naive_hamming(query, row)).collect();
        for variant in Kernels::available() {
            let mut out = vec![0; 3];
            variant.hamming_rows(query, rows, &mut out);
            assert_eq!(out, expected, "{}, {bytes} bytes", variant.name());
            assert_eq!(variant.hamming(query, &rows[..bytes]), expected[0], "{}", variant.name());
        }
    }
}

#[test]
#[expect(clippy::cast_possible_truncation, reason = "clamped to four bits before the cast")]
fn every_dimension_of_signs() {
    let mut random = Random::new();
    for dim in (1..=600).chain([1000, 2048, 4096]) {
        let question: Vec<f32> = random.floats(dim);
        let planes = Planes::new(&question);
        let rows = random.bytes(3 * dim.div_ceil(8));
        // Rounded by hand: the step is the largest component over 7.5.
        let step = question.iter().fold(0.0_f32, |m, x| m.max(x.abs())) / 7.5;
        let whole: Vec<i32> = question.iter().map(|x| (x / step).round().clamp(-8.0, 7.0) as i32).collect();
        let is_set = |row: &[u8], at: usize| row[at / 8] >> (at % 8) & 1 == 1;
        let under = |row: &[u8]| (0..dim).filter(|at| is_set(row, *at)).map(|at| whole[at]).sum::<i32>();
        let expected: Vec<i32> = rows.chunks_exact(dim.div_ceil(8)).map(under).collect();
        for variant in Kernels::available() {
            let mut out = vec![0; 3];
            variant.dot_signs_rows(&planes, &rows, &mut out);
            assert_eq!(out, expected, "{}, dimension {dim}, {random:?}", variant.name());
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
            let numbers = Numbers { factors: &factors, biases: &biases, slacks: &[] };
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
    for (dim, queries, rows) in [(1, 1, 1), (7, 3, 9), (384, 70, 10), (64, 16, 4), (65, 65, 3), (5, 0, 3), (5, 3, 0)] {
        let (tile, rows) = (Tile::new(&codes(&mut random, queries * dim), dim), codes(&mut random, rows * dim));
        let (factors, biases) = (random.floats(rows.len() / dim), random.floats(rows.len() / dim));
        let slacks = random.floats(rows.len() / dim);
        let limit = |x: f32| Limit { scale: x * 1e-4, reach: x.abs(), farthest: x };
        let limits: Vec<Limit> = random.floats(queries).into_iter().map(limit).collect();
        let numbers = Numbers { factors: &factors, biases: &biases, slacks: &slacks };
        let mut expected = Vec::new();
        for ((question, query), limit) in tile.queries().enumerate().zip(&limits) {
            for (row, codes) in rows.chunks_exact(dim).enumerate() {
                let product = PORTABLE.dot_i8(query, codes) as f32 * (factors[row] * limit.scale);
                let distance = biases[row] - product - limit.reach * slacks[row];
                expected.extend((distance <= limit.farthest).then_some(Near { question, row, distance }));
            }
        }
        for variant in Kernels::available() {
            let mut found = Vec::new();
            variant.near_tile(&tile, &rows, &numbers, &Limits::new(limits.iter().copied()), &mut found);
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
        assert_eq!(variant.l2_i8(&[], &[2; 70]), 0);
        assert!(variant.dot_f32(&[1.0; 40], &[1.0; 33]).total_cmp(&33.0).is_eq());
        let mut out = [7; 4];
        variant.dot_i8_rows(&[1; 2], &[1; 5], &mut out);
        assert_eq!(out, [2, 2, 7, 7], "a row that is cut off is not scored, {}", variant.name());
        variant.dot_i8_rows(&[], &[1; 5], &mut out);
        let mut tiled = vec![9];
        variant.dot_i8_tile(&Tile::new(&[1; 5], 2), &[1; 3], &mut tiled);
        assert_eq!(tiled, [2, 2], "{}", variant.name());
        variant.dot_i8_tile(&Tile::new(&[], 0), &[1; 3], &mut tiled);
        assert!(tiled.is_empty());
    }
}

#[test]
fn the_chosen_variant_is_the_first_available() {
    assert_eq!(kernels().name(), Kernels::available().next().unwrap().name());
    assert_eq!(Kernels::available().last().unwrap().name(), "portable");
}
