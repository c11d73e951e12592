//! Embeddings made to deceive a search by rounded codes: data that 8 bits a component cannot tell apart, or whose lengths
//! and offsets hide what differs. The bench `deceive` draws them as well.

use crate::random::Random;

/// A kind of data: its name, and what draws the row of a number.
pub(crate) type Kind = (&'static str, fn(&mut Random, usize, usize) -> Vec<f32>);

/// Every kind.
pub(crate) const KINDS: [Kind; 14] = [
    ("large offset", |random, _, dimension| each(random, dimension, |x, _| 1e6 + x)),
    ("narrow offset", |random, _, dimension| each(random, dimension, |x, _| 293.0 + x)),
    ("one huge component", |random, _, dimension| each(random, dimension, |x, at| if at == 0 { 1e6 } else { x })),
    ("near-duplicates", |random, _, dimension| each(random, dimension, |x, at| direction(at) + 1e-3 * x)),
    ("groups", |random, row, dimension| each(random, dimension, |x, at| direction(at * 7 + row % 50 * 131) + 1e-4 * x)),
    ("narrow band", |random, _, dimension| each(random, dimension, |x, _| 1.0 + x * 0.025)),
    ("all equal", |_, _, dimension| (0..dimension).map(direction).collect()),
    ("integers", |random, _, dimension| (0..dimension).map(|_| random.below(4) as f32).collect()),
    ("one-hot", |_, row, dimension| (0..dimension).map(|at| if at == row % dimension { 1.0 } else { 0.0 }).collect()),
    ("denormals", |random, _, dimension| each(random, dimension, |x, _| x * 1e-39)),
    ("1e30 beside 1", |random, row, dimension| {
        let huge = if row % 97 == 5 { 1e30 } else { 1.0 };
        each(random, dimension, |x, at| if at == row % 3 { huge * (1.0 + x) } else { x })
    }),
    ("drifting series", |random, row, dimension| {
        let day = row as f32 * 0.01;
        each(random, dimension, |x, at| 20.0 + day + (at as f32 / 24.0 + day).sin() + 0.02 * x)
    }),
    ("waves", |random, row, dimension| {
        let harmonic = (row % 5 * 2 + 1) as f32;
        each(random, dimension, |x, at| (at as f32 * harmonic / 60.0 + row as f32 / 9.0).sin() + 0.01 * x)
    }),
    ("one template", |random, row, dimension| {
        // A text whose few words that differ move a few components a little.
        let mut text: Vec<f32> = (0..dimension).map(direction).collect();
        for _ in 0..3 {
            let at = random.below(dimension);
            text[at] += 0.01 * (row % 11) as f32;
        }
        text
    }),
];

/// A component of a direction that is the same for every row.
fn direction(at: usize) -> f32 {
    ((at as f32 * 12.9898).sin() * 43_758.547).fract() - 0.5
}

fn each(random: &mut Random, dimension: usize, component: impl Fn(f32, usize) -> f32) -> Vec<f32> {
    random.vector(dimension).into_iter().enumerate().map(|(at, x)| component(x, at)).collect()
}
