//! The model inside the program: all-MiniLM-L6-v2, quantised to int8.
//!
//! Its files and their origin are in `fixtures/models/all-MiniLM-L6-v2`. What is written here instead of read
//! from them at every start (checksum, settings of the tokenizer) is checked against them by tests.

use super::bert::Folding;
use super::encoder::Model;
use super::tensor::ModelBytes;
use super::tokenizer::Tokenizer;
use super::vocabulary::Vocabulary;
use super::wordpiece::WordPiece;
use crate::record::{Fingerprint, Pooling};

/// The name of the model inside the program, and of the default.
pub const DEFAULT_MODEL: &str = "all-MiniLM-L6-v2";

const SHA256: &str = "afdb6f1a0e45b715d0bb9b11772f032c399babd23bfc31fed1c170afc848bdb1";

#[cfg(feature = "bundled-model")]
static MODEL: Option<&[u8]> = Some(include_bytes!("../../fixtures/models/all-MiniLM-L6-v2/model_int8.onnx"));
#[cfg(not(feature = "bundled-model"))]
static MODEL: Option<&[u8]> = None;

#[cfg(feature = "bundled-model")]
static VOCABULARY: &str = include_str!("../../fixtures/models/all-MiniLM-L6-v2/vocab.txt");

/// Returns the model's graph, unless the program was built without it.
pub(super) fn model() -> Option<ModelBytes> {
    MODEL.map(ModelBytes::Program)
}

/// Bytes at a boundary that the encoder's arrays may begin at.
#[cfg(feature = "bundled-model")]
#[repr(C, align(64))]
struct Aligned<B: ?Sized>(B);

/// The table of the vocabulary, which the build script makes of its lines.
#[cfg(feature = "bundled-model")]
static TABLE: &Aligned<[u8]> = &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/all-MiniLM-L6-v2.vocabulary")));

/// The weights as the encoder uses them, which the build script makes of the graph.
#[cfg(feature = "bundled-model")]
static PACKED: Option<&Aligned<[u8]>> =
    Some(&Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/all-MiniLM-L6-v2.packed"))));

/// Opens the model for the encoder, unless the program was built without it.
#[cfg(feature = "bundled-model")]
pub(super) fn packed() -> Result<Model, String> {
    let Some(Aligned(packed)) = PACKED else { return Err("it is not in the program".into()) };
    Model::open(packed)
}

/// Returns no model: the program was built without it.
#[cfg(not(feature = "bundled-model"))]
pub(super) fn packed() -> Result<Model, String> {
    Err("it is not in the program".to_owned())
}

/// Returns the packed model and the graph that it was made from.
#[cfg(all(test, feature = "bundled-model"))]
pub(super) fn packed_and_graph() -> (&'static [u8], &'static [u8]) {
    (&PACKED.unwrap().0, MODEL.unwrap())
}

/// Returns the length of the model's graph in bytes.
pub(super) fn bytes() -> u64 {
    MODEL.map_or(0, |model| model.len() as u64)
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
    }
}

/// Returns the vocabulary as it lies in the program.
#[cfg(feature = "bundled-model")]
fn vocabulary() -> Vocabulary {
    let table = bytemuck::try_cast_slice(&TABLE.0).ok().and_then(|table| Vocabulary::in_place(VOCABULARY, table));
    table.unwrap_or_else(|| Vocabulary::from_pieces([]))
}

/// Returns a vocabulary without words: the program was built without the model.
#[cfg(not(feature = "bundled-model"))]
fn vocabulary() -> Vocabulary {
    Vocabulary::from_pieces([])
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
        assert_eq!(digest::of_bytes(MODEL.unwrap()), SHA256);
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
