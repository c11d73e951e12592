//! Files that models are converted from and to: other formats, other settings, and damage.

#![expect(clippy::cast_sign_loss, reason = "numbers are made to be above 0, or bytes of any sign")]

use super::super::encoder::Head;
use super::tests::*;
use super::*;

fn number(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

fn part(field: u64, content: impl AsRef<[u8]>) -> Vec<u8> {
    let content = content.as_ref();
    [&number(field << 3 | 2), &number(content.len() as u64), content].concat()
}

fn tensor(name: &str, sides: &[usize], kind: u64, content: &[u8]) -> Vec<u8> {
    let sides: Vec<u8> = sides.iter().flat_map(|side| [number(1 << 3), number(*side as u64)].concat()).collect();
    part(5, [sides, number(2 << 3), number(kind), part(8, name), part(9, content)].concat())
}

fn floats(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// A model's graph as exports write it: the products alone, with weights of 32 bits or, rounded to so much, of 8.
fn graph(tiny: &Tiny, most: Option<f32>, zero: i32) -> Vec<u8> {
    let mut parts = Vec::new();
    for (name, (sides, numbers)) in &tiny.tensors {
        let is_dense = name.ends_with(".weight") && sides.len() == 2 && name.contains("layer.");
        let is_table = name.ends_with("embeddings.weight");
        let (name, numbers) = if is_dense {
            let place = name.strip_suffix(".weight").unwrap();
            let weights = if most.is_some() { format!("onnx::{place}_quantized") } else { format!("onnx::{place}") };
            let kind = if most.is_some() { "MatMulInteger" } else { "MatMul" };
            let output = format!("/{}/MatMul_output_0", place.replace('.', "/").replace("layer/", "layer."));
            parts.push(part(1, [part(1, "x"), part(1, weights), part(2, output), part(4, kind)].concat()));
            let [columns, rows] = *sides.as_slice() else { panic!("{sides:?}") };
            let turned = (0..rows).flat_map(|row| (0..columns).map(move |column| numbers[column * rows + row]));
            (format!("onnx::{place}"), turned.collect())
        } else {
            (name.clone(), numbers.clone())
        };
        let sides: Vec<usize> = if is_dense { sides.iter().rev().copied().collect() } else { sides.clone() };
        let Some(most) = most.filter(|_| is_dense || is_table) else {
            parts.push(tensor(&name, &sides, 1, &floats(&numbers)));
            continue;
        };
        let most = if is_table { 127.0 } else { most };
        let scale = numbers.iter().fold(0.0_f32, |most, x| most.max(x.abs())) / most;
        let rounded = numbers.iter().map(|x| (x / scale).round() as i32);
        // Tables are unsigned, as ONNX Runtime's tools make them.
        let (kind, zero) = match zero {
            _ if is_table => (2, 128),
            0 => (3, 0),
            _ => (2, zero),
        };
        let bytes: Vec<u8> = rounded.map(|x| (x + zero).clamp(if kind == 2 { 0 } else { -128 }, 255) as u8).collect();
        parts.push(tensor(&format!("{name}_quantized"), &sides, kind, &bytes));
        parts.push(tensor(&format!("{name}_scale"), &[], 1, &floats(&[scale])));
        parts.push(tensor(&format!("{name}_zero_point"), &[], kind, &[zero as u8]));
    }
    part(7, parts.concat())
}

fn converted_graph(tiny: &Tiny, graph: &[u8]) -> Result<Converted, String> {
    let dir = tempfile::tempdir().unwrap();
    tiny.write(dir.path(), "");
    let path = dir.path().join("model.onnx");
    fs::write(&path, graph).unwrap();
    convert(dir.path(), &path)
}

#[test]
fn a_graph_is_converted_as_the_weights_it_was_exported_from() {
    for tiny in all() {
        let from_graph = converted_graph(&tiny, &graph(&tiny, None, 0)).unwrap();
        assert!(from_graph.packed == tiny.converted(), "{:?}", tiny.family);
        assert!(from_graph.notes.is_empty());
    }
}

#[test]
fn a_graph_of_8_bits_is_taken_as_it_is_or_rounded_again() {
    let texts = texts(&[20, 90]);
    for tiny in all() {
        // Another zero point than the middle cuts off here what is far below zero.
        let cut_off = converted_graph(&tiny, &graph(&tiny, Some(140.0), 100)).unwrap();
        assert_eq!(cut_off.notes.len(), 1, "{:?}", cut_off.notes);
        for (most, zero) in [(63.0, 0), (127.0, 0), (127.0, 128)] {
            let made = converted_graph(&tiny, &graph(&tiny, Some(most), zero)).unwrap();
            assert!(made.notes.is_empty(), "{:?}", made.notes);
            let vectors = embed(&encoder(&made.packed, Kernels::best(), Pooling::Mean, true), &texts, 1);
            for (vector, ids) in vectors.iter().zip(&texts) {
                let near = similarity(vector, &tiny.plain().embed(ids, Pooling::Mean));
                assert!(near > 0.985, "{:?} {most}: {near}", tiny.family);
            }
        }
    }
}

#[test]
fn a_graph_that_was_fused_or_cut_off_says_what_it_lacks() {
    let tiny = Tiny::new(Family::Bert, 128, 4, 1);
    let whole = graph(&tiny, None, 0);
    let why = |graph: &[u8]| converted_graph(&tiny, graph).err().unwrap();
    assert!(why(&whole[..whole.len() / 2]).contains("no whole ONNX graph"));
    assert!(why(b"").contains("has no embeddings.word_embeddings.weight"));
    let fused = String::from_utf8_lossy(&whole).contains("MatMul_output_0");
    assert!(fused);
    let mut other = whole.clone();
    for at in 0..other.len() - 6 {
        if other[at..].starts_with(b"MatMul\x3a") || other[at..].starts_with(b"\x06MatMul") {
            other[at + 1] = b'X';
        }
    }
    assert!(why(&other).contains("it has no product at encoder/layer.0/attention/self/query"), "{}", why(&other));
}

#[test]
fn what_the_encoder_does_not_do_is_refused_by_name() {
    let tiny = Tiny::new(Family::Roberta, 128, 4, 2);
    let dir = tempfile::tempdir().unwrap();
    let weights = tiny.write(dir.path(), "");
    let config = tiny.config();
    for (from, to, why) in [
        ("xlm-roberta", "nomic_bert", "its model_type \"nomic_bert\" is none of bert, roberta"),
        (r#""gelu""#, r#""gelu_new""#, "its hidden_act \"gelu_new\" is not gelu"),
        ("some_other", "is_decoder\": true, \"x", "it is a decoder"),
        ("some_other", "position_embedding_type\": \"relative_key\", \"x", "relative_key"),
        ("some_other", "quantization_config\": {}, \"x", "quantised already"),
        (r#""num_attention_heads": 4"#, r#""num_attention_heads": 8"#, "8 heads"),
        (r#""num_attention_heads": 4"#, r#""num_attention_heads": 0"#, "0 heads"),
        (r#""hidden_size": 128"#, r#""hidden_size": 100"#, "100 components"),
        (r#""hidden_size": 128"#, r#""hidden_size": 18446744073709551615"#, "no sizes"),
        (r#""hidden_size": 128"#, r#""hidden_size": -1"#, "config.json"),
        (r#""hidden_size": 128,"#, "", "missing field `hidden_size`"),
        (r#""num_hidden_layers": 2"#, r#""num_hidden_layers": 257"#, "257 layers"),
        (r#""num_hidden_layers": 2"#, r#""num_hidden_layers": 0"#, "0 layers"),
        (
            r#""num_hidden_layers": 2"#,
            r#""num_hidden_layers": 3"#,
            "it has no encoder.layer.2.attention.self.query.weight",
        ),
        (r#""vocab_size": 90"#, r#""vocab_size": 91"#, "has the sides [90, 128], not [91, 128]"),
        (r#""pad_token_id": 1"#, r#""pad_token_id": 149"#, "positions from 150 on"),
        ("1e-05", "0", "of another kind"),
        ("{", "", "config.json"),
    ] {
        let other = config.replacen(from, to, 1);
        assert_ne!(other, config, "{from}");
        fs::write(dir.path().join("config.json"), other).unwrap();
        let said = convert(dir.path(), &weights).err().unwrap();
        assert!(said.contains(why) && !said.contains('\n'), "{from} {to}: {said}");
    }
    fs::remove_file(dir.path().join("config.json")).unwrap();
    assert!(convert(dir.path(), &weights).err().unwrap().contains("config.json"));
    fs::write(dir.path().join("config.json"), &config).unwrap();
    assert!(
        convert(dir.path(), &dir.path().join("model.safetensors.index.json")).err().unwrap().contains("several files")
    );
}

#[test]
fn numbers_that_are_none_are_refused() {
    for (name, x) in [
        ("encoder.layer.1.output.dense.weight", f32::NAN),
        ("encoder.layer.0.attention.self.value.bias", f32::INFINITY),
        ("embeddings.word_embeddings.weight", f32::NEG_INFINITY),
        ("embeddings.LayerNorm.weight", f32::NAN),
    ] {
        let mut tiny = Tiny::new(Family::Bert, 128, 4, 1);
        tiny.tensors.get_mut(name).unwrap().1[17] = x;
        let dir = tempfile::tempdir().unwrap();
        let weights = tiny.write(dir.path(), "");
        let why = convert(dir.path(), &weights).err().unwrap();
        assert!(why.contains(name) && why.contains("NaN or infinity"), "{why}");
    }
}

#[test]
fn a_damaged_file_of_tensors_is_an_error_or_read_as_it_is_and_never_a_panic() {
    let tiny = Tiny::new(Family::Bert, 64, 2, 1);
    let dir = tempfile::tempdir().unwrap();
    let weights = tiny.write(dir.path(), "");
    let whole = fs::read(&weights).unwrap();
    let header = 8 + u64::from_le_bytes(*whole.first_chunk().unwrap()) as usize;
    for cut in [0, 3, 8, 20, header - 1, header, header + 100, whole.len() - 1] {
        fs::write(&weights, &whole[..cut]).unwrap();
        assert!(convert(dir.path(), &weights).is_err(), "{cut}");
    }
    let mut numbers = Numbers(11);
    for round in 0..400 {
        let mut damaged = whole.clone();
        for _ in 0..=round % 3 {
            // Mostly digits, so that sides and places change.
            let at = ((numbers.next() + 0.5) * header as f32) as usize % header;
            damaged[at] =
                if damaged[at].is_ascii_digit() { b'0' + (round % 10) as u8 } else { damaged[at] ^ (1 << (round % 8)) };
        }
        fs::write(&weights, &damaged).unwrap();
        if let Err(why) = convert(dir.path(), &weights) {
            assert!(!why.is_empty());
        }
    }
}

#[test]
fn a_damaged_packed_model_is_an_error_and_never_a_panic() {
    let packed = Tiny::new(Family::Mpnet, 64, 2, 1).converted();
    let opened = |bytes: &[u8]| {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), bytes).unwrap();
        let mapped = foreign::map(file.as_file()).unwrap();
        Encoder::open(PackedBytes::File(mapped), Kernels::best(), Pooled { by: Pooling::Mean, normalize: true })
    };
    assert!(opened(&packed).is_ok());
    for cut in [1, 7, 8, 40, Head::BYTES - 1, Head::BYTES, 1000, packed.len() / 2, packed.len() - 1] {
        assert!(opened(&packed[..cut]).is_err(), "{cut}");
    }
    for place in 0..12 {
        for number in [0, 1, 2, 3, 32, 64, 128, 1 << 20, 1 << 40, 1 << 62, u64::MAX] {
            let mut damaged = packed.clone();
            damaged[8 + place * 8..][..8].copy_from_slice(&u64::to_le_bytes(number));
            // Smaller tables or another epsilon can be those of another model; what opens runs.
            if let Ok(encoder) = opened(&damaged) {
                let _ = encoder.embed(&[&[1, 2, 3], &[0; 40]], 1, || threads::pool(1));
            }
        }
    }
}
