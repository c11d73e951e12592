//! Chunks of real and of hostile texts, by our tokenizer, the tokenizers crate's and the hash embedder's words.

use super::*;
use crate::embed::Embedder;
use crate::embed::tokenizer::Tokenizer;
use crate::record::random::Random;
use crate::record::{MetadataPatch, Origin, RecordId};
use serde_json::json;

fn chunker(counter: Counter, prefix: &str, tokens: usize, overlap: usize) -> Chunker {
    let mut chunker = Chunker {
        counter,
        model: "test".into(),
        prefix: prefix.into(),
        size: ChunkSize { tokens, overlap },
        room: 0,
        tells_lines: false,
    };
    chunker.room = tokens - chunker.count("").unwrap();
    chunker
}

fn fixture() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/models/all-MiniLM-L6-v2/tokenizer.json");
    std::fs::read(path).unwrap()
}

/// BERT's tokenizer, ours; of the tokenizers crate a byte-level one, whose tokens may be parts of characters; words.
fn counters() -> [(&'static str, Counter); 3] {
    let ours = Tokenizer::from_json(&fixture(), usize::MAX).unwrap();
    // The pieces that bytes are written with, and a few of several letters.
    let bytes = (0..=255_u8).map(|byte| match byte {
        b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff => char::from(byte),
        0..b'!' => char::from_u32(256 + u32::from(byte)).unwrap(),
        0x7f..=0xa0 => char::from_u32(256 + 33 + u32::from(byte - 0x7f)).unwrap(),
        0xad => char::from_u32(256 + 67).unwrap(),
    });
    let mut pieces: Vec<String> = bytes.map(String::from).collect();
    pieces.extend(["th", "the", "\u{120}the", "in", "er"].map(String::from));
    let vocabulary: serde_json::Map<_, _> = pieces.into_iter().zip(0..).map(|(piece, id)| (piece, json!(id))).collect();
    let merges = ["t h", "th e", "\u{120} the", "i n", "e r"];
    let byte_level = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
        "post_processor": null,
        "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "vocab": vocabulary, "merges": merges}
    });
    let theirs = Tokenizer::from_json(byte_level.to_string().as_bytes(), usize::MAX).unwrap();
    [
        ("WordPiece", Counter::Tokens(Box::new(ours))),
        ("byte-level BPE", Counter::Tokens(Box::new(theirs))),
        ("words", Counter::Words),
    ]
}

/// Checks what holds for the chunks of any text.
#[track_caller]
fn assert_whole(chunker: &Chunker, text: &str, what: &str) -> Vec<Range<usize>> {
    let ranges = chunker.ranges(text).unwrap();
    let mut until = 0;
    for (at, range) in ranges.iter().enumerate() {
        let chunk = &text[range.clone()];
        assert!(range.start <= until && (range.end > until || text.is_empty()), "{what}: {ranges:?} of {text:?}");
        until = range.end;
        let tokens = chunker.count(chunk.trim_end()).unwrap();
        let is_one_character = chunk.trim_end().chars().nth(1).is_none();
        assert!(tokens <= chunker.size.tokens || is_one_character, "{what}: {tokens} tokens in {chunk:?}");
        if let Some(before) = at.checked_sub(1).and_then(|before| ranges.get(before)) {
            assert!(range.start > before.start, "{what}: no progress in {ranges:?}");
            let shared = chunker.counter.whole(&text[range.start..before.end]).unwrap();
            let ends = chunker.counter.whole("").unwrap();
            // A stretch by itself may begin or end inside of what was one token.
            assert!(shared <= chunker.size.overlap + ends + 2, "{what}: {shared} tokens shared in {ranges:?}");
        }
    }
    assert_eq!(until, text.len(), "{what}: the end of {text:?} is lost");
    ranges
}

fn below(random: &mut Random, end: usize) -> usize {
    usize::try_from(random.below(end as u64)).unwrap()
}

#[test]
fn chunks_of_random_texts_are_the_text_again() {
    let mut random = Random::new();
    let parts = [
        "the",
        " ",
        "  ",
        "\n",
        "\n\n",
        ".",
        ". ",
        "fox",
        "Straße",
        "naïve",
        "中文字",
        "。",
        "👩‍👩‍👧",
        "e\u{301}",
        "\r\n",
        "[SEP]",
        "x".repeat(150).leak(),
        "ไม่มีช่องว่าง",
        "\u{200b}",
        "\t",
        "! ",
        "unbelievably",
        "\u{fffd}",
        "🇫🇷🇩🇪",
        "a,b;c",
    ];
    for (what, counter) in counters() {
        let mut chunker = chunker(counter, "", 16, 5);
        for _ in 0..150 {
            let text: String = (0..below(&mut random, 120)).map(|_| parts[below(&mut random, parts.len())]).collect();
            let tokens = 4 + below(&mut random, 40);
            chunker.size = ChunkSize { tokens, overlap: below(&mut random, tokens / 2 + 1) };
            chunker.room = tokens - chunker.count("").unwrap();
            assert_whole(&chunker, &text, &format!("{what}, {:?}, {random:?}", chunker.size));
        }
    }
}

#[test]
fn long_texts_are_read_in_windows() {
    let sentence = "A fox is seen in the field, and the hounds are far away. ";
    for (what, counter) in counters() {
        let chunker = chunker(counter, "passage: ", 64, 8);
        for text in [
            sentence.repeat(2000),
            "狐狸在田野里。".repeat(5000),
            " ".repeat(40_000),
            format!("a{}b", " \n".repeat(20_000)),
            "x".repeat(40_000),
        ] {
            assert_whole(&chunker, &text, what);
        }
    }
}

#[test]
fn a_cut_is_made_at_the_greatest_break_that_is_near() {
    let cut = |text: &str, tokens| {
        let chunker = chunker(Counter::Words, "", tokens, 0);
        text[chunker.ranges(text).unwrap()[0].clone()].to_owned()
    };
    assert_eq!(cut("a b c d e f. g h\ni j\n\nk l m n o p", 12), "a b c d e f. g h\ni j\n\n");
    assert_eq!(cut("a b c d e f. g h\ni j k l m n o p", 10), "a b c d e f. g h\n");
    assert_eq!(cut("a b c d e f. g h i j k l m n o p", 8), "a b c d e f. ");
    assert_eq!(cut("a b c d e (f!) g h i j k l m n o p", 8), "a b c d e (f!) ");
    assert_eq!(cut("a b. c d e f g h i j k l m n o p", 8), "a b. c d e f g h ", "too far back");
    assert_eq!(cut("a b c d", 4), "a b c d");
}

#[test]
fn an_overlap_begins_at_a_word_and_is_no_longer_than_asked_for() {
    let text = "one two three four five six seven eight nine ten";
    let chunker = chunker(Counter::Words, "", 4, 2);
    let chunks: Vec<&str> = chunker.ranges(text).unwrap().into_iter().map(|range| &text[range]).collect();
    assert_eq!(
        chunks,
        ["one two three four ", "three four five six ", "five six seven eight ", "seven eight nine ten"]
    );
}

#[test]
fn the_model_cuts_nothing_off_a_chunk() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/corpus/facts.csv")).unwrap();
    let model = crate::embed::fingerprint("hash-8", &LoadOptions::default()).unwrap();
    let limited = Tokenizer::from_json(&fixture(), 64).unwrap();
    let counter = Counter::Tokens(Box::new(Tokenizer::from_json(&fixture(), usize::MAX).unwrap()));
    let chunker = chunker(counter, "", 64, 16);
    let ranges = assert_whole(&chunker, &text, &model.model);
    let tokens = |range: &Range<usize>| limited.encode(&text[range.clone()]).unwrap().ids.len();
    let whole = |range: &Range<usize>| chunker.count(&text[range.clone()]).unwrap();
    assert!(ranges.iter().all(|range| tokens(range) == whole(range)));
    let mean = ranges.iter().map(whole).sum::<usize>() / ranges.len();
    assert!(ranges.len() > 100 && mean > 48, "{} chunks of {mean} tokens", ranges.len());
}

fn row(document: Option<&str>) -> NewRecord {
    NewRecord {
        id: RecordId::parse("doc").unwrap(),
        embedding: None,
        embedded_here: false,
        document: document.map(str::to_owned),
        uri: Some("file:doc".into()),
        metadata: MetadataPatch::from_json(json!({"year": 2020})).unwrap(),
        part: None,
        origin: Origin { source: "t".into(), line: 7 },
    }
}

#[test]
fn a_chunk_keeps_what_its_document_has() {
    let chunker = chunker(Counter::Words, "", 2, 0);
    let chunks = chunker.split(row(Some("red fox. blue whale"))).unwrap();
    let said: Vec<_> = chunks.iter().map(|chunk| (chunk.id.as_str(), chunk.document.as_deref().unwrap())).collect();
    assert_eq!(said, [("doc#0", "red fox. "), ("doc#1", "blue whale")]);
    let last = chunks.last().unwrap();
    assert_eq!(last.uri.as_deref(), Some("file:doc"));
    let json = json!({"year": 2020, "chunk_of": "doc", "chunk": 1, "chunk_start": 9, "chunk_end": 19});
    assert_eq!(last.metadata.clone().into_metadata().unwrap().to_json(), json);
    assert_eq!(last.part, Some(Chunk { of: RecordId::parse("doc").unwrap(), number: 1, count: 2 }));
    assert_eq!(chunker.split(row(Some(""))).unwrap().len(), 1);
    assert_eq!(chunker.split(row(None)).unwrap(), [row(None)]);
}

#[test]
fn rows_that_cannot_be_cut_are_bad() {
    let chunker = chunker(Counter::Words, "", 2, 0);
    let given = NewRecord { embedding: Some(vec![1.0]), ..row(Some("red fox")) };
    let metadata = MetadataPatch::from_json(json!({"chunk": 1})).unwrap();
    for (row, why) in
        [(given, "comes with an embedding"), (NewRecord { metadata, ..row(Some("red fox")) }, "\"chunk\"")]
    {
        let error = chunker.split(row).unwrap_err().to_string();
        assert!(error.starts_with("t:7: record \"doc\": ") && error.contains(why), "{error}");
    }
}

#[test]
fn sizes_that_make_no_sense_are_refused() {
    let used = HashEmbedder::new(8).fingerprint().clone();
    let used = Fingerprint { max_tokens: 16, document_prefix: "two words ".into(), ..used };
    let open = |tokens, overlap| Chunker::open("hash-8", &used, ChunkSize { tokens, overlap }, &LoadOptions::default());
    assert!(open(16, 8).is_ok());
    for (tokens, overlap) in [(17, 0), (16, 9), (2, 0), (0, 0)] {
        assert!(matches!(open(tokens, overlap), Err(Error::InvalidArgument { .. })), "{tokens} {overlap}");
    }
}
