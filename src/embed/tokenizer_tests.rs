//! Both tokenizers on the same text: ours and the tokenizers crate's.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use super::*;

fn fixture(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "fixtures", name].iter().collect()
}

fn json() -> Vec<u8> {
    fs::read(fixture("models/all-MiniLM-L6-v2/tokenizer.json")).unwrap()
}

/// Ours and the crate's, from the same file.
fn both(max_tokens: usize) -> (Tokenizer, Tokenizer) {
    let json = json();
    let ours = Tokenizer::from_json(&json, max_tokens).unwrap();
    assert!(matches!(ours.kind, TokenizerKind::WordPiece(_)), "the fixture is BERT's");
    (ours, Tokenizer::any_from_json(&json, max_tokens).unwrap())
}

fn assert_equal(ours: &Tokenizer, theirs: &Tokenizer, text: &str) {
    let (ours, theirs) = (ours.encode(text).unwrap(), theirs.encode(text).unwrap());
    assert_eq!(ours, theirs, "{text:?}");
}

/// Every document of the corpus, and every sentence of it.
fn real_texts() -> Vec<String> {
    let mut texts = Vec::new();
    for line in fs::read_to_string(fixture("corpus/facts.jsonl")).unwrap().lines() {
        let fact: Value = serde_json::from_str(line).unwrap();
        let document = fact["document"].as_str().unwrap();
        texts.extend(document.split_inclusive(". ").map(str::to_owned));
        texts.push(document.to_owned());
    }
    texts
}

#[test]
fn real_sentences_have_equal_ids() {
    let (ours, theirs) = both(256);
    let texts = real_texts();
    assert!(texts.len() >= 1000, "{} texts", texts.len());
    for text in &texts {
        assert_equal(&ours, &theirs, text);
    }
}

#[test]
fn every_character_of_unicode_has_equal_ids() {
    let (ours, theirs) = both(4096);
    let all: Vec<char> = ('\0'..=char::MAX).collect();
    for chars in all.chunks(500) {
        let text: String = chars.iter().flat_map(|&c| ['a', c, 'e', ' ', c, ' ']).collect();
        if ours.encode(&text).unwrap() != theirs.encode(&text).unwrap() {
            for c in chars {
                assert_equal(&ours, &theirs, &format!("a{c}e {c} "));
            }
            assert_equal(&ours, &theirs, &text);
        }
    }
}

#[test]
fn random_text_has_equal_ids_at_every_limit() {
    let words = [
        "the",
        "Unbelievably",
        "naïve",
        "Straße",
        "[SEP]",
        "[CLS]",
        "[MASK",
        "[PAD]]",
        "##ing",
        "...",
        "don't",
        "中文字",
        "한국어",
        "ﬁre",
        "e\u{301}\u{327}",
        "\u{1d15e}",
        "😀👍🏽",
        "\u{200d}",
        "a\u{0}b",
        "\t",
        "\n",
        "İstanbul",
        "ΟΔΥΣΣΕΥΣ",
        "x²",
        "½",
        "ⅷ",
        "１２",
        "नमस्ते",
        "שלום",
        "مرحبا",
        "\u{ad}soft",
        "\u{fffd}",
        "_",
        "$9.99",
        "e=mc^2",
        "\u{a0}",
        &"z".repeat(100),
        &"é".repeat(101),
        &"q".repeat(300),
        "\u{2028}",
        "\u{e000}",
        "--",
        "—",
        "«»",
        "\u{303}",
    ];
    let seed = 0x5eed;
    let mut state: u64 = seed;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    for limit in [3, 4, 8, 31, 256] {
        let (ours, theirs) = both(limit);
        for _ in 0..400 {
            let mut text = String::new();
            for _ in 0..next(40) {
                text.push_str(words[next(words.len())]);
                if next(3) > 0 {
                    text.push(' ');
                }
            }
            let (a, b) = (ours.encode(&text).unwrap(), theirs.encode(&text).unwrap());
            assert_eq!(a, b, "seed {seed:#x}, limit {limit}: {text:?}");
        }
    }
}

#[test]
fn a_file_that_is_not_berts_is_left_to_the_crate() {
    let edits: [(&str, &str); 6] = [
        ("\"lowercase\":true", "\"lowercase\":false"),
        ("\"clean_text\":true", "\"clean_text\":false"),
        ("\"continuing_subword_prefix\":\"##\"", "\"continuing_subword_prefix\":\"@@\""),
        ("\"BertPreTokenizer\"", "\"Whitespace\""),
        ("\"normalized\":false", "\"normalized\":true"),
        ("\"ids\":[101]", "\"ids\":[101,101]"),
    ];
    let value: Value = serde_json::from_slice(&json()).unwrap();
    let compact = serde_json::to_string(&value).unwrap();
    for (at, (from, to)) in edits.into_iter().enumerate() {
        assert!(compact.contains(from), "{from}");
        let edited = compact.replacen(from, to, 1);
        let ours = word_piece_from_json(edited.as_bytes()).unwrap().is_some();
        assert_eq!(ours, at == 0, "{to}");
        if ours {
            let (a, b) = (
                Tokenizer::from_json(edited.as_bytes(), 256).unwrap(),
                Tokenizer::any_from_json(edited.as_bytes(), 256).unwrap(),
            );
            for text in ["Él CAFÉ the quick", "NAÏVE straße"] {
                assert_equal(&a, &b, text);
            }
        }
    }
    assert!(Tokenizer::from_json(b"{}", 256).is_err());
    assert!(Tokenizer::from_json(b"\xff", 256).is_err());
}

/// Ids of a folder of texts and the time to the first id; run by hand:
/// `HUEDB_TEXTS=corpus.jsonl cargo test --lib tokenizer -- --ignored --nocapture`.
#[test]
#[ignore = "measures; needs a file of texts"]
#[allow(clippy::print_stderr, reason = "a measurement is for reading")]
fn a_large_corpus_has_equal_ids() {
    let began = Instant::now();
    let (ours, theirs) = both(256);
    eprintln!("both loaded in {:?}", began.elapsed());
    let texts: Vec<String> = fs::read_to_string(std::env::var("HUEDB_TEXTS").unwrap())
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["text"].as_str().unwrap().to_owned())
        .collect();
    let sentences: Vec<&str> = texts.iter().flat_map(|text| text.split_inclusive(". ")).collect();
    for text in texts.iter().map(String::as_str).chain(sentences.iter().copied()) {
        assert_equal(&ours, &theirs, text);
    }
    for (name, tokenizer) in [("ours", &ours), ("the crate's", &theirs)] {
        let began = Instant::now();
        let ids: usize = sentences.iter().map(|text| tokenizer.encode(text).unwrap().ids.len()).sum();
        eprintln!("{name}: {} sentences, {ids} ids in {:?}", sentences.len(), began.elapsed());
    }
    let json = json();
    for _ in 0..3 {
        let began = Instant::now();
        let _ = Tokenizer::any_from_json(&json, 256).unwrap();
        let theirs = began.elapsed();
        let began = Instant::now();
        let _ = Tokenizer::from_json(&json, 256).unwrap();
        let ours = began.elapsed();
        let began = Instant::now();
        let _ = super::super::builtin::tokenizer(256);
        eprintln!("start: crate {theirs:?}, ours from json {ours:?}, ours built in {:?}", began.elapsed());
    }
}

/// `<s>`, `<pad>`, `</s>` and `<unk>`, as XLM-R and `RoBERTa` have them, and more.
fn file_of(more: &[(u32, &str)], pre_tokenizer: &Value, post_processor: &Value, model: &Value) -> Tokenizer {
    let special = [(0, "<s>"), (1, "<pad>"), (2, "</s>"), (3, "<unk>")].iter().chain(more);
    let added: Vec<Value> = special
        .map(|(id, content)| {
            serde_json::json!({"id": id, "content": content, "single_word": false, "lstrip": *content == "<mask>",
                "rstrip": false, "normalized": false, "special": true})
        })
        .collect();
    let file = serde_json::json!({"version": "1.0", "truncation": null, "padding": null, "added_tokens": added,
        "normalizer": null, "pre_tokenizer": pre_tokenizer, "post_processor": post_processor, "decoder": null,
        "model": model});
    Tokenizer::from_json(file.to_string().as_bytes(), 8).unwrap()
}

#[test]
fn unigrams_and_byte_pairs_have_the_ids_that_the_crates_python_package_gives() {
    let unigram = file_of(
        &[(12, "<mask>")],
        &serde_json::json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true}),
        &serde_json::json!({"type": "TemplateProcessing", "pair": [], "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
            {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]},
                "</s>": {"id": "</s>", "ids": [2], "tokens": ["</s>"]}}}),
        &serde_json::json!({"type": "Unigram", "unk_id": 3, "byte_fallback": false, "vocab": [["<s>", 0.0], ["<pad>", 0.0],
            ["</s>", 0.0], ["<unk>", 0.0], ["▁", -3.0], ["▁the", -1.0], ["▁fox", -2.0], ["es", -2.5], ["f", -4.0],
            ["o", -4.0], ["x", -4.0], ["狐", -5.0], ["<mask>", 0.0]]}),
    );
    let bytes = file_of(
        &[],
        &serde_json::json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}),
        &serde_json::json!({"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0], "trim_offsets": true,
            "add_prefix_space": false}),
        &serde_json::json!({"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": "",
            "end_of_word_suffix": "", "fuse_unk": false, "byte_fallback": false,
            "vocab": {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "f": 4, "o": 5, "x": 6, "Ġ": 7, "fo": 8, "fox": 9,
                "Ġfox": 10, "e": 11, "s": 12, "es": 13, "Ã": 14, "©": 15},
            "merges": [["f", "o"], ["fo", "x"], ["Ġ", "fox"], ["e", "s"]]}),
    );
    let expected: [(&Tokenizer, &str, &[u32]); 7] = [
        (&unigram, "the foxes", &[0, 5, 6, 7, 2]),
        (&unigram, "fox 狐 <mask> the", &[0, 6, 4, 11, 12, 5, 2]),
        (&unigram, "foxes fox é", &[0, 6, 7, 6, 4, 3, 2]),
        (&unigram, "", &[0, 2]),
        (&bytes, "the foxes", &[0, 11, 10, 13, 2]),
        (&bytes, "foxes fox é", &[0, 9, 13, 10, 7, 14, 15, 2]),
        (&bytes, "x  fox", &[0, 6, 7, 10, 2]),
    ];
    for (tokenizer, text, ids) in expected {
        assert_eq!(
            tokenizer.encode(text).unwrap(),
            Encoding { ids: ids.into(), types: Vec::new(), cut: false },
            "{text:?}"
        );
    }
    let cut = unigram.encode(&"fox ".repeat(9)).unwrap();
    assert_eq!((cut.ids.len(), cut.ids[7], cut.cut), (8, 2, true));
}

#[test]
fn a_pair_is_one_text_of_two_segments_and_the_longer_is_cut() {
    let json = json();
    let theirs = Tokenizer::any_from_json(&json, 16).unwrap();
    let (one, other) = (theirs.encode("a fox").unwrap(), theirs.encode("the lazy dog").unwrap());
    let pair = theirs.encode_pair("a fox", "the lazy dog").unwrap();
    assert_eq!(pair.ids, [one.ids.as_slice(), other.ids.get(1..).unwrap()].concat());
    assert_eq!((pair.types, pair.cut), ([0, 0, 0, 0, 1, 1, 1, 1].into(), false));
    let long = theirs.encode_pair("a fox", &"dog ".repeat(50)).unwrap();
    assert_eq!((long.ids.len(), long.types.iter().filter(|kind| **kind == 0).count(), long.cut), (16, 4, true));
    assert!(Tokenizer::from_json(&json, 16).unwrap().encode_pair("a", "b").is_err());
}
