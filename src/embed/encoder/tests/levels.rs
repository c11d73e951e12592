//! The encoder by itself: every set of instructions that runs here, in any batch, on any number of threads.

use crate::embed::builtin;
use crate::embed::encoder::layout::STEP;
use crate::embed::encoder::layout::STEP_BYTES;
use crate::embed::encoder::model::{Dense, Model};
use crate::embed::encoder::portable::{PLAIN, PLAIN_FUSED};
use crate::embed::encoder::rows::{Bytes, Scale};
use crate::embed::encoder::{Encoder, Kernels, PackedBytes, Pooled, pack_graph, reference, remainder};
use crate::record::Pooling;
use crate::record::random::Random;
use crate::threads;

pub(super) fn encoder(kernels: &'static Kernels) -> Encoder {
    let pooled = Pooled { by: Pooling::Mean, normalize: true };
    Encoder::open(PackedBytes::Program(builtin::packed().unwrap()), kernels, pooled).unwrap()
}

pub(super) fn embed(encoder: &Encoder, texts: &[Vec<u32>], threads: usize) -> Vec<Vec<f32>> {
    let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
    encoder.embed(&texts, threads, || threads::pool(threads)).unwrap()
}

/// A text of so many tokens, always the same.
fn text(tokens: usize, seed: u32) -> Vec<u32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(7);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        999 + (state >> 8) % 29_000
    };
    (0..tokens).map(|_| next()).collect()
}

pub(super) fn similarity(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

fn bits(vectors: &[Vec<f32>]) -> Vec<Vec<u32>> {
    vectors.iter().map(|vector| vector.iter().map(|x| x.to_bits()).collect()).collect()
}

#[test]
fn the_packed_model_is_the_graph_packed() {
    let (packed, graph) = (builtin::packed_bytes(), builtin::graph().unwrap());
    assert!(pack_graph::pack(&graph, 12).unwrap() == packed);
}

#[test]
fn a_graph_is_put_together_as_it_was_taken_apart() {
    let (packed, graph) = (builtin::packed_bytes(), builtin::graph().unwrap());
    let left = remainder::take_apart(&graph, packed).unwrap();
    assert!(left.len() < graph.len() / 40, "{} bytes", left.len());
    assert!(remainder::put_together(&left, packed).unwrap() == graph);
    for cut in [0, 7, 8, 500] {
        assert!(remainder::put_together(&left[..cut], packed).is_none(), "{cut}");
    }
    assert!(remainder::put_together(&left, &packed[..packed.len() / 2]).is_none());
}

#[test]
fn what_is_cut_off_or_of_other_sizes_is_no_model() {
    let (packed, graph) = (builtin::packed_bytes(), builtin::graph().unwrap());
    for cut in [0, 7, 8, 40, 200, packed.len() - 1] {
        assert!(Model::open(&packed[..cut]).is_err(), "{cut}");
    }
    // A head that asks for more than there is, or for what cannot be counted.
    for (place, number) in (1..11).flat_map(|place| [(place, u64::MAX), (place, 1 << 62), (place, 1 << 20)]) {
        let mut damaged = packed[..1 << 16].to_vec();
        damaged[place * 8..][..8].copy_from_slice(&number.to_le_bytes());
        assert!(Model::open(&damaged).is_err(), "{place}: {number}");
    }
    assert!(pack_graph::pack(&graph[..graph.len() / 2], 12).is_err());
    assert!(pack_graph::pack(b"", 12).is_err());
    assert!(pack_graph::pack(&graph, 7).is_err());
}

/// A layer of so many steps and panels, its weights by their place, and scales that change nothing.
fn layer(steps: usize, panels: usize, mut weight: impl FnMut(usize) -> i8) -> Dense<'static> {
    let weights: Vec<[i8; STEP_BYTES]> =
        (0..steps * panels).map(|step| std::array::from_fn(|place| weight(step * STEP_BYTES + place))).collect();
    let mut sums = vec![[0.0; 16]; panels * 4];
    for (step, weights) in weights.iter().enumerate() {
        let columns = sums[step / steps * 4..][..4].as_flattened_mut();
        for (sum, weights) in columns.iter_mut().zip(weights.as_chunks::<STEP>().0) {
            *sum += weights.iter().map(|weight| f32::from(*weight)).sum::<f32>();
        }
    }
    let same = |x: f32| &*Vec::leak(vec![[x; 16]; panels * 4]);
    Dense {
        weights: Vec::leak(weights),
        scales: same(1.0),
        sums: Vec::leak(sums),
        biases: same(0.0),
        steps,
        columns: panels * 64,
        #[cfg(target_arch = "x86_64")]
        pairs: std::sync::OnceLock::new(),
    }
}

#[test]
fn sums_are_exact_whatever_the_weights_and_however_many_tokens() {
    let mut random = Random::new();
    for round in 0..60 {
        let steps = *random.pick(&[16, 32, 48, 64]);
        // Sums of two, of three and of four products fit 16 bits just, or just not.
        let largest = *random.pick(&[64_i8, 64, 33, 32, 20, 9]);
        let kind = random.below(4);
        let weight = |_| match kind {
            0 => largest,
            1 => -largest,
            2 => *random.pick(&[largest, -largest]),
            _ => i8::try_from(i64::try_from(random.below(127)).unwrap() - 63).unwrap().clamp(-largest, largest),
        };
        let layer = layer(steps, 2, weight);
        let tokens = *random.pick(&[1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 48, 61]);
        let mut bytes = random.bytes(tokens * steps * STEP);
        if random.below(2) == 0 {
            bytes.fill(255);
        }
        let scales = vec![Scale { scale: 1.0, zero: 0.0 }; tokens];
        let product = |kernels: &Kernels| {
            let mut out = vec![[0.5; 16]; tokens * layer.columns / 16];
            (kernels.store)(Bytes { steps: bytes.as_chunks().0, scales: &scales }, &layer, &mut out);
            out
        };
        let expected = product(&PLAIN);
        for kernels in Kernels::all() {
            assert!(product(kernels) == expected, "{}: {tokens} tokens, {steps} steps, round {round}", kernels.name());
        }
    }
}

#[test]
fn levels_differ_by_no_more_than_is_said() {
    let texts: Vec<Vec<u32>> = [1, 2, 5, 16, 17, 33, 50].into_iter().zip(0..).map(|(n, seed)| text(n, seed)).collect();
    let (plain, fused) = (embed(&encoder(&PLAIN), &texts, 1), embed(&encoder(&PLAIN_FUSED), &texts, 1));
    for kernels in Kernels::all() {
        let name = kernels.name();
        let vectors = embed(&encoder(kernels), &texts, 1);
        let mut near: Vec<f64> = vectors.iter().zip(&plain).map(|(a, b)| similarity(a, b)).collect();
        near.sort_by(f64::total_cmp);
        let (least, median) = (near[0], near[near.len() / 2]);
        assert!(vectors.iter().flatten().all(|x| x.is_finite()), "{name}");
        let said = match name {
            "portable" => {
                assert!(bits(&vectors) == bits(&plain), "{name}");
                [1.0 - 1e-6; 2]
            }
            "avx512-vnni-bf16" => [0.996, 0.9975],
            "avx512-vnni" | "avx-vnni" | "like-avx-vnni" | "avx2" | "neon-dotprod" => {
                assert!(bits(&vectors) == bits(&fused), "{name}");
                [0.9975, 0.999]
            }
            _ => panic!("nothing is said of {name}"),
        };
        assert!(least >= said[0] && median >= said[1], "{name}: least {least}, median {median}");
    }
}

#[test]
fn every_level_is_near_to_what_is_rounded_nowhere_but_in_its_weights() {
    let model = builtin::packed().unwrap();
    let question = vec![101, 2054, 2003, 1996, 3007, 1997, 2605, 2000, 3000, 1029, 102];
    let texts = [question, text(24, 5)];
    let expected: Vec<Vec<f64>> = texts.iter().map(|ids| reference::embed(model, ids, Pooling::Mean)).collect();
    for kernels in Kernels::all() {
        for (vector, expected) in embed(&encoder(kernels), &texts, 1).iter().zip(&expected) {
            let near: f64 = vector.iter().zip(expected).map(|(a, b)| f64::from(*a) * b).sum();
            assert!(near > 0.9975, "{}: {near}", kernels.name());
        }
    }
}

#[test]
fn a_text_has_the_same_bits_in_any_batch_and_on_any_number_of_threads() {
    for kernels in Kernels::all() {
        let encoder = encoder(kernels);
        let slow = kernels.name() == "portable";
        let lengths = if slow { vec![3, 40, 1, 97] } else { vec![3, 40, 1, 97, 256, 18, 64, 2, 300, 6, 7, 12] };
        let texts: Vec<Vec<u32>> = lengths.into_iter().zip(0..).map(|(n, seed)| text(n, seed)).collect();
        let alone: Vec<Vec<f32>> =
            texts.iter().flat_map(|text| embed(&encoder, std::slice::from_ref(text), 1)).collect();
        for threads in [1, 2, 3, 5] {
            assert!(bits(&embed(&encoder, &texts, threads)) == bits(&alone), "{} on {threads}", kernels.name());
        }
        let mut turned = texts.clone();
        turned.reverse();
        let mut among = embed(&encoder, &turned, 2);
        among.reverse();
        assert!(bits(&among) == bits(&alone), "{}", kernels.name());
        // A long text is cut between threads.
        let split = embed(&encoder, &texts[3..4], 4);
        assert!(bits(&split) == bits(&alone[3..4]), "{}", kernels.name());
    }
}

#[test]
fn texts_of_any_length_have_vectors_of_length_1() {
    let encoder = encoder(Kernels::best());
    for tokens in [1, 2, 15, 16, 31, 47, 48, 49, 511, 512] {
        for threads in [1, 2] {
            let vector = embed(&encoder, &[text(tokens, 3)], threads).pop().unwrap();
            assert_eq!(vector.len(), 384);
            assert!((similarity(&vector, &vector) - 1.0).abs() < 1e-5, "{tokens}");
        }
    }
    assert_eq!(embed(&encoder, &[Vec::new(), text(4, 1), Vec::new()], 1)[2], [0.0; 384]);
    assert!(embed(&encoder, &[], 2).is_empty());
}

#[test]
fn tokens_that_the_model_does_not_have_are_an_error() {
    let encoder = encoder(Kernels::best());
    let error = encoder.embed(&[&[1; 513]], 1, || threads::pool(1)).unwrap_err();
    assert!(error.contains("513 tokens, and it takes 512"), "{error}");
    let error = encoder.embed(&[&[101, 30_522]], 1, || threads::pool(1)).unwrap_err();
    assert!(error.contains("no token 30522"), "{error}");
}
