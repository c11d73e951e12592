//! Tiny models of each family with random weights, converted and compared with [`super::reference`].

use std::collections::BTreeMap;
use std::path::PathBuf;

pub(super) use super::super::encoder::{Encoder, Kernels, PackedBytes, Pooled, reference as rounded};
pub(super) use super::architecture::Family;
use super::reference::Plain;
use super::*;
pub(super) use crate::record::Pooling;
pub(super) use crate::{foreign, threads};

/// Numbers that look random and are the same each time.
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    fn word(&mut self) -> u32 {
        let _ = self.next();
        (self.0 >> 40) as u32 % WORDS as u32
    }

    pub(super) fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1_u64 << 24) as f32 - 0.5
    }

    pub(super) fn some(&mut self, count: usize, scale: f32) -> Vec<f32> {
        // The sum of some is near to normal.
        (0..count).map(|_| (0..4).map(|_| self.next()).sum::<f32>() * scale).collect()
    }
}

pub(super) type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

const WORDS: usize = 90;
const POSITIONS: usize = 150;
const LAYERS: usize = 2;

/// A model of a family, with heads of a size.
pub(super) struct Tiny {
    pub(super) family: Family,
    hidden: usize,
    heads: usize,
    pub(super) tensors: Tensors,
}

impl Tiny {
    pub(super) fn new(family: Family, hidden: usize, heads: usize, seed: u64) -> Self {
        let mut numbers = Numbers(seed);
        let mut tensors = Tensors::new();
        let mut put = |name: String, sides: &[usize], scale: f32, middle: f32| {
            let some = numbers.some(sides.iter().product(), scale).into_iter().map(|x| x + middle).collect();
            tensors.insert(name, (sides.to_vec(), some));
        };
        put("embeddings.word_embeddings.weight".into(), &[WORDS, hidden], 1.0, 0.0);
        put("embeddings.position_embeddings.weight".into(), &[POSITIONS, hidden], 0.5, 0.0);
        match family {
            Family::Mpnet => put("encoder.relative_attention_bias.weight".into(), &[32, heads], 2.0, 0.0),
            _ => put("embeddings.token_type_embeddings.weight".into(), &[2, hidden], 0.5, 0.1),
        }
        let between = 2 * hidden;
        let mut dense = vec![];
        let mut norms = vec!["embeddings.LayerNorm".to_owned()];
        for layer in 0..LAYERS {
            let places = Places::of(family, layer);
            dense.extend(places.query_key_value.map(|place| (place, [hidden, hidden])));
            dense.extend([(places.output, [hidden, hidden]), (places.up, [between, hidden])]);
            dense.push((places.down, [hidden, between]));
            norms.extend([places.attention_norm.replace('/', "."), places.norm.replace('/', ".")]);
        }
        for (place, [columns, rows]) in dense {
            let name = place.replace('/', ".");
            put(format!("{name}.weight"), &[columns, rows], 2.5 / (rows as f32).sqrt(), 0.0);
            put(format!("{name}.bias"), &[columns], 0.2, 0.0);
        }
        for name in norms {
            put(format!("{name}.weight"), &[hidden], 0.3, 1.0);
            put(format!("{name}.bias"), &[hidden], 0.2, 0.0);
        }
        Self { family, hidden, heads, tensors }
    }

    pub(super) fn config(&self) -> String {
        let kind = match self.family {
            Family::Bert => "bert",
            Family::Roberta => "xlm-roberta",
            Family::Mpnet => "mpnet",
        };
        format!(
            r#"{{"model_type": "{kind}", "hidden_size": {}, "num_hidden_layers": {LAYERS}, "num_attention_heads": {},
                "intermediate_size": {}, "vocab_size": {WORDS}, "max_position_embeddings": {POSITIONS},
                "layer_norm_eps": 1e-05, "hidden_act": "gelu", "pad_token_id": 1, "some_other": [1, {{}}]}}"#,
            self.hidden,
            self.heads,
            2 * self.hidden
        )
    }

    pub(super) fn plain(&self) -> Plain<'_> {
        let Self { family, heads, ref tensors, .. } = *self;
        Plain { family, tensors, layers: LAYERS, heads, epsilon: f64::from(1e-5_f32) }
    }

    /// Writes its files, with something before each name.
    pub(super) fn write(&self, dir: &Path, prefix: &str) -> PathBuf {
        fs::write(dir.join("config.json"), self.config()).unwrap();
        let path = dir.join("model.safetensors");
        fs::write(&path, safetensors_of(&self.tensors, prefix, "F32")).unwrap();
        path
    }

    pub(super) fn converted(&self) -> Vec<u8> {
        let dir = tempfile::tempdir().unwrap();
        let weights = self.write(dir.path(), "");
        convert(dir.path(), &weights).unwrap().packed
    }
}

fn safetensors_of(tensors: &Tensors, prefix: &str, dtype: &str) -> Vec<u8> {
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    header.insert("__metadata__".into(), serde_json::json!({"format": "pt"}));
    for (name, (sides, numbers)) in tensors {
        let start = data.len();
        match dtype {
            "F32" => data.extend(numbers.iter().flat_map(|x| x.to_le_bytes())),
            "BF16" => data.extend(numbers.iter().flat_map(|x| ((x.to_bits() >> 16) as u16).to_le_bytes())),
            _ => data.extend(numbers.iter().flat_map(|x| half(*x).to_le_bytes())),
        }
        let entry = serde_json::json!({"dtype": dtype, "shape": sides, "data_offsets": [start, data.len()]});
        header.insert(format!("{prefix}{name}"), entry);
    }
    let header = serde_json::to_vec(&header).unwrap();
    [&(header.len() as u64).to_le_bytes()[..], &header, &data].concat()
}

/// Cuts a number that is neither large nor small to 16 bits.
fn half(x: f32) -> u16 {
    let bits = x.to_bits();
    let exponent = (bits >> 23 & 255).saturating_sub(112) as u16;
    let sign = (bits >> 16 & 0x8000) as u16;
    if exponent == 0 { sign } else { sign | exponent << 10 | (bits >> 13 & 1023) as u16 }
}

pub(super) fn encoder(packed: &[u8], kernels: &'static Kernels, by: Pooling, normalize: bool) -> Encoder {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), packed).unwrap();
    let mapped = foreign::map(file.as_file()).unwrap();
    Encoder::open(PackedBytes::File(mapped), kernels, Pooled { by, normalize }).unwrap()
}

pub(super) fn embed(encoder: &Encoder, texts: &[Vec<u32>], threads: usize) -> Vec<Vec<f32>> {
    let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
    encoder.embed(&texts, threads, || threads::pool(threads)).unwrap()
}

pub(super) fn texts(lengths: &[usize]) -> Vec<Vec<u32>> {
    let mut numbers = Numbers(7);
    let mut text = |length: &usize| (0..*length).map(|_| numbers.word()).collect();
    lengths.iter().map(&mut text).collect()
}

pub(super) fn similarity(a: &[f32], b: &[f64]) -> f64 {
    let length = a.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * b).sum::<f64>() / length
}

fn bits(vectors: &[Vec<f32>]) -> Vec<Vec<u32>> {
    vectors.iter().map(|vector| vector.iter().map(|x| x.to_bits()).collect()).collect()
}

/// Each family, with heads of 32 and of 64.
pub(super) fn all() -> Vec<Tiny> {
    let families = [Family::Bert, Family::Roberta, Family::Mpnet];
    families
        .into_iter()
        .zip(1..)
        .flat_map(|(f, seed)| [Tiny::new(f, 128, 4, seed), Tiny::new(f, 192, 3, seed)])
        .collect()
}

#[test]
fn converted_models_are_near_to_what_they_were_made_of() {
    let texts = texts(&[1, 3, 17, 40, 140]);
    for tiny in all() {
        let packed = tiny.converted();
        for pooling in [Pooling::Mean, Pooling::Cls] {
            for kernels in Kernels::all() {
                let vectors = embed(&encoder(&packed, kernels, pooling, true), &texts, 1);
                for (vector, ids) in vectors.iter().zip(&texts) {
                    let of_rounded = similarity(vector, &rounded::embed(&packed, ids, pooling));
                    let plain = similarity(vector, &tiny.plain().embed(ids, pooling));
                    let what = format!("{:?} {} {pooling:?} {} {}", tiny.family, tiny.heads, kernels.name(), ids.len());
                    assert!(of_rounded > 0.998 && plain > 0.9975, "{what}: {of_rounded} {plain}");
                }
            }
        }
    }
}

#[test]
fn a_text_has_the_same_bits_in_any_batch_and_on_any_number_of_threads() {
    let texts = texts(&[3, 40, 1, 97, 140, 18, 64, 2, 6, 7]);
    for tiny in all() {
        let packed = tiny.converted();
        for kernels in Kernels::all() {
            let encoder = encoder(&packed, kernels, Pooling::Mean, true);
            let alone: Vec<_> = texts.iter().flat_map(|text| embed(&encoder, std::slice::from_ref(text), 1)).collect();
            for threads in [1, 3] {
                assert!(bits(&embed(&encoder, &texts, threads)) == bits(&alone), "{} {threads}", kernels.name());
            }
            let split = embed(&encoder, &texts[4..5], 4);
            assert!(bits(&split) == bits(&alone[4..5]), "{}", kernels.name());
        }
    }
}

#[test]
fn vectors_are_as_long_as_they_are_asked_to_be() {
    let texts = texts(&[5, 33]);
    let packed = Tiny::new(Family::Bert, 128, 4, 3).converted();
    for pooling in [Pooling::Mean, Pooling::Cls, Pooling::Last] {
        let of = |normalize| embed(&encoder(&packed, Kernels::best(), pooling, normalize), &texts, 1);
        for (unit, long) in of(true).iter().zip(of(false)) {
            let length = long.iter().map(|x| x * x).sum::<f32>().sqrt();
            assert!((length - 1.0).abs() > 0.1, "{length}");
            let differs = unit.iter().zip(&long).any(|(unit, long)| (unit * length - long).abs() > 1e-4);
            assert!(!differs, "{pooling:?}");
        }
        assert_eq!(of(false).len(), 2);
    }
    let empty = encoder(&packed, Kernels::best(), Pooling::Mean, false);
    assert_eq!(embed(&empty, &[vec![]], 1), [[0.0; 128]]);
}

#[test]
fn names_may_have_something_before_them_and_numbers_16_bits() {
    let tiny = Tiny::new(Family::Roberta, 128, 4, 5);
    let dir = tempfile::tempdir().unwrap();
    let plain = tiny.converted();
    for prefix in ["roberta.", "0.auto_model."] {
        let weights = tiny.write(dir.path(), prefix);
        assert!(convert(dir.path(), &weights).unwrap().packed == plain, "{prefix}");
    }
    let ids = texts(&[30]);
    for kind in ["F16", "BF16"] {
        fs::write(dir.path().join("model.safetensors"), safetensors_of(&tiny.tensors, "", kind)).unwrap();
        let packed = convert(dir.path(), &dir.path().join("model.safetensors")).unwrap().packed;
        let vector = embed(&encoder(&packed, Kernels::best(), Pooling::Mean, true), &ids, 1).remove(0);
        let near = similarity(&vector, &tiny.plain().embed(&ids[0], Pooling::Mean));
        assert!(near > 0.995, "{kind}: {near}");
    }
}
