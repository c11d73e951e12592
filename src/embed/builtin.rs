//! The model inside the program: all-MiniLM-L6-v2, quantised to int8, in the form that the encoder uses where it lies.
//!
//! Its files and their origin are in `fixtures/models/all-MiniLM-L6-v2`. What is written here instead of read
//! from them at every start (checksum, settings of the tokenizer) is checked against them by tests.

use super::bert::Folding;
use super::encoder::put_together;
use super::tokenizer::Tokenizer;
use super::vocabulary::Vocabulary;
use super::wordpiece::WordPiece;
use crate::record::{Fingerprint, Pooling};

/// The name of the model inside the program, and of the default.
pub const DEFAULT_MODEL: &str = "all-MiniLM-L6-v2";

/// Whether the program was built with the model.
pub(super) const IN_PROGRAM: bool = cfg!(feature = "bundled-model");

const LEFT_OUT: &str = "it is not in the program";
const SHA256: &str = "afdb6f1a0e45b715d0bb9b11772f032c399babd23bfc31fed1c170afc848bdb1";

/// What the build script makes of the model, at a boundary that the encoder's arrays may begin at.
#[cfg(feature = "bundled-model")]
macro_rules! made {
    ($kind:literal) => {{
        #[repr(C, align(64))]
        struct Aligned<B: ?Sized>(B);
        const MADE: &Aligned<[u8]> = &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/all-MiniLM-L6-v2.", $kind)));
        &MADE.0
    }};
}
#[cfg(not(feature = "bundled-model"))]
macro_rules! made {
    ($kind:literal) => {
        &[]
    };
}

/// The weights as the encoder uses them.
static PACKED: &[u8] = made!("packed");
/// What is left of the graph.
static REMAINDER: &[u8] = made!("remainder");
/// The table of the vocabulary, and the lines that it is of.
static TABLE: &[u8] = made!("vocabulary");
#[cfg(feature = "bundled-model")]
static VOCABULARY: &str = include_str!("../../fixtures/models/all-MiniLM-L6-v2/vocab.txt");
#[cfg(not(feature = "bundled-model"))]
static VOCABULARY: &str = "";

/// Returns the model as the encoder uses it.
///
/// # Errors
/// Says that the program was built without it.
pub(super) fn packed() -> Result<&'static [u8], String> {
    if IN_PROGRAM { Ok(PACKED) } else { Err(LEFT_OUT.to_owned()) }
}

/// Returns the model's graph, for other engines than the encoder.
///
/// # Errors
/// Says that the program was built without it.
pub(super) fn graph() -> Result<Vec<u8>, String> {
    put_together(REMAINDER, PACKED).ok_or_else(|| LEFT_OUT.to_owned())
}

/// Returns the packed model.
#[cfg(all(test, feature = "bundled-model"))]
pub(super) fn packed_bytes() -> &'static [u8] {
    PACKED
}

/// Returns how many bytes of the program are the model.
pub(super) fn bytes() -> u64 {
    [PACKED.len(), REMAINDER.len(), TABLE.len(), VOCABULARY.len()].into_iter().sum::<usize>() as u64
}

/// Returns what decides the model's embeddings.
pub(super) fn fingerprint() -> Fingerprint {
    Fingerprint {
        model: DEFAULT_MODEL.into(),
        sha256: SHA256.into(),
        dimension: 384,
        pooling: Pooling::Mean,
        normalize: true,
        // As Chroma cuts; the model itself would read 512.
        max_tokens: 256,
        query_prefix: String::new(),
        document_prefix: String::new(),
        made_by: None,
        probe: None,
    }
}

/// Returns the vocabulary as it lies in the program.
fn vocabulary() -> Vocabulary {
    let table = bytemuck::try_cast_slice(TABLE).ok().and_then(|table| Vocabulary::in_place(VOCABULARY, table));
    table.unwrap_or_else(|| Vocabulary::from_pieces([]))
}

/// Returns the model's tokenizer.
pub(super) fn tokenizer(max_tokens: usize) -> Tokenizer {
    let ids = [("[PAD]", 0), ("[UNK]", 100), ("[CLS]", 101), ("[SEP]", 102), ("[MASK]", 103)];
    let word_piece = WordPiece {
        vocabulary: vocabulary(),
        folding: Folding { lowercase: true, strip_accents: true, chinese_words: true },
        unknown: 100,
        first: 101,
        last: 102,
        max_word_chars: 100,
        verbatim: ids.map(|(token, id)| (token.to_owned(), id)).into(),
    };
    Tokenizer::word_piece(word_piece, max_tokens)
}

#[cfg(all(test, feature = "bundled-model"))]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::embed::digest;

    #[test]
    fn the_checksum_is_that_of_the_model() {
        assert_eq!(digest::of_bytes(&graph().unwrap()), SHA256);
    }

    #[test]
    fn the_table_of_the_vocabulary_is_made_of_its_lines() {
        assert!(vocabulary().table() == Vocabulary::from_lines(VOCABULARY).table());
        assert_eq!(vocabulary().table()[0], 30_522);
    }

    #[test]
    fn the_settings_are_those_of_the_models_own_tokenizer_file() {
        let json = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/models/all-MiniLM-L6-v2/tokenizer.json");
        let from_file = Tokenizer::from_json(&fs::read(json).unwrap(), 512).unwrap();
        let built_in = tokenizer(512);
        // Every piece of the vocabulary, as a word and inside one, and what is no piece.
        for piece in VOCABULARY.lines() {
            let bare = piece.trim_start_matches("##");
            for text in [piece.to_owned(), format!("x{bare}"), format!("{bare} É [SEP][MASK]{bare}中")] {
                assert_eq!(built_in.encode(&text), from_file.encode(&text), "{text:?}");
            }
        }
    }
}
