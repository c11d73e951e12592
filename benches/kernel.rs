//! How fast the kernels are beside the memory they read from, one JSON line a figure.
//!
//! `cargo bench --features internals --bench kernel`. Each figure is the best of several runs on one thread.

#![expect(clippy::print_stdout, reason = "the figures are the output")]
#![expect(clippy::cast_precision_loss, reason = "a rate needs no more than 53 bits")]

use std::hint::black_box;
use std::time::Instant;

use huedb::index::internals::{Kernels, Limit, Planes, RowNumbers, Thresholds, Tile};

const DIM: usize = 384;
const RUNS: usize = 5;
/// As the scan has them.
const BLOCK_ROWS: usize = 256;

fn main() {
    for rows in [2_720, 100_000, 1_000_000] {
        let codes: Vec<i8> = noise(rows * DIM);
        report("memory_read", "u64 sum", rows, 1, gigabytes(codes.len(), best(|| read(&codes))), "GB/s");
        for variant in Kernels::available() {
            one_query(variant, &codes, rows);
            if rows <= 100_000 {
                many_queries(variant, &codes, rows);
            }
        }
    }
}

fn one_query(variant: &Kernels, codes: &[i8], rows: usize) {
    let query: Vec<i8> = noise(DIM);
    let planes = Planes::new(&query.iter().map(|code| f32::from(*code)).collect::<Vec<f32>>());
    let signs: Vec<u8> = codes.iter().take(rows * DIM / 8).map(|x| x.cast_unsigned()).collect();
    let mut scores = vec![0_i32; rows];
    let seconds = best(|| variant.dot_i8_rows(&query, black_box(codes), black_box(&mut scores)));
    report("dot_i8_rows", variant.name(), rows, 1, gigabytes(codes.len(), seconds), "GB/s");
    let seconds = best(|| variant.dot_signs_rows(&planes, black_box(&signs), black_box(&mut scores)));
    report("dot_signs_rows", variant.name(), rows, 1, gigabytes(signs.len(), seconds), "GB/s");
}

fn many_queries(variant: &Kernels, codes: &[i8], rows: usize) {
    let ones = vec![1.0; BLOCK_ROWS];
    let numbers = RowNumbers { factors: &ones, biases: &ones, slacks: &ones };
    for queries in [16, 64] {
        let tile = Tile::new(&noise(queries * DIM), DIM);
        // As it mostly is in a scan: no row is near enough.
        let limits = Thresholds::new((0..queries).map(|_| Limit { scale: 1.0, reach: 0.0, farthest: f32::MIN }));
        let mut near = Vec::new();
        let seconds = best(|| {
            for block in codes.chunks(DIM * BLOCK_ROWS) {
                variant.near_tile(&tile, black_box(block), &numbers, &limits, black_box(&mut near));
            }
        });
        report("near_tile", variant.name(), rows, queries, (queries * rows) as f64 / seconds / 1e6, "million pairs/s");
    }
}

/// Reads every byte once, with nothing to do but one addition for eight of them.
fn read(codes: &[i8]) {
    let bytes: i64 = codes.as_chunks::<8>().0.iter().fold(0, |sum, &[a, b, c, d, e, f, g, h]| {
        sum.wrapping_add(i64::from_le_bytes([a, b, c, d, e, f, g, h].map(i8::cast_unsigned)))
    });
    black_box(bytes);
}

fn best(mut run: impl FnMut()) -> f64 {
    let runs = (0..RUNS).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64()
    });
    runs.fold(f64::INFINITY, f64::min)
}

fn gigabytes(bytes: usize, seconds: f64) -> f64 {
    bytes as f64 / seconds / 1e9
}

fn report(figure: &str, variant: &str, rows: usize, queries: usize, value: f64, unit: &str) {
    println!(
        r#"{{"figure":"{figure}","variant":"{variant}","rows":{rows},"queries":{queries},"value":{value:.1},"unit":"{unit}"}}"#
    );
}

fn noise(count: usize) -> Vec<i8> {
    let mut state = 20_261_123_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_le_bytes()[7].cast_signed()
    };
    std::iter::repeat_with(&mut next).take(count).collect()
}
