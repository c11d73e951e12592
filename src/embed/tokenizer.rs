//! Text to token ids, as a `tokenizer.json` says.
//!
//! BERT's `WordPiece`, the kind most small embedding models have, is our own; every other kind is the
//! tokenizers crate's. Invariant: which of the two serves changes no id.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Deserialize;
use serde_json::Value;
use tokenizers::{TruncationDirection, TruncationParams, TruncationStrategy};

use super::bert::Folding;
use super::vocabulary::Vocabulary;
use super::wordpiece::WordPiece;

/// The tokens of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Encoding {
    /// Their ids.
    pub(super) ids: Vec<u32>,
    /// Their segment, empty when it is 0 for all.
    pub(super) types: Vec<u32>,
    /// Whether the text has more tokens than these.
    pub(super) cut: bool,
}

/// A tokenizer with the number of tokens it may make of a text.
pub(super) struct Tokenizer {
    kind: TokenizerKind,
    max_tokens: usize,
}

enum TokenizerKind {
    WordPiece(Box<WordPiece>),
    Other(Box<tokenizers::Tokenizer>),
}

impl Tokenizer {
    pub(super) fn word_piece(word_piece: WordPiece, max_tokens: usize) -> Self {
        Self { kind: TokenizerKind::WordPiece(Box::new(word_piece)), max_tokens }
    }

    /// Reads a `tokenizer.json`; `usize::MAX` tokens cut nothing off. Its own truncation and padding are not used.
    pub(super) fn from_json(json: &[u8], max_tokens: usize) -> Result<Self, String> {
        if let Some(word_piece) = word_piece_from_json(json)? {
            return Ok(Self::word_piece(word_piece, max_tokens));
        }
        Self::any_from_json(json, max_tokens)
    }

    pub(super) fn any_from_json(json: &[u8], max_tokens: usize) -> Result<Self, String> {
        let read = unpanicked(|| tokenizers::Tokenizer::from_bytes(json))?;
        let mut tokenizer = read.map_err(|error| error.to_string())?;
        let truncation = (max_tokens < usize::MAX).then_some(TruncationParams {
            direction: TruncationDirection::Right,
            max_length: max_tokens,
            strategy: TruncationStrategy::LongestFirst,
            stride: 0,
        });
        tokenizer.with_truncation(truncation).map_err(|error| error.to_string())?;
        tokenizer.with_padding(None);
        Ok(Self { kind: TokenizerKind::Other(Box::new(tokenizer)), max_tokens })
    }

    /// Returns the tokens of a text.
    pub(super) fn encode(&self, text: &str) -> Result<Encoding, String> {
        match &self.kind {
            TokenizerKind::WordPiece(tokenizer) => {
                let (ids, cut) = tokenizer.encode(text, self.max_tokens);
                Ok(Encoding { ids, types: Vec::new(), cut })
            }
            TokenizerKind::Other(tokenizer) => {
                let encoding = unpanicked(|| tokenizer.encode_fast(text, true))?.map_err(|error| error.to_string())?;
                Ok(encoding_of(&encoding))
            }
        }
    }
}

fn encoding_of(encoding: &tokenizers::Encoding) -> Encoding {
    let types = encoding.get_type_ids();
    Encoding {
        ids: encoding.get_ids().to_vec(),
        types: if types.iter().any(|&kind| kind != 0) { types.to_vec() } else { Vec::new() },
        cut: !encoding.get_overflowing().is_empty(),
    }
}

impl Tokenizer {
    /// Returns the tokens of two texts as one, as the file says pairs are made; of the longer most is cut off.
    pub(super) fn encode_pair(&self, one: &str, other: &str) -> Result<Encoding, String> {
        match &self.kind {
            TokenizerKind::WordPiece(_) => Err("its tokenizer was opened for single texts".into()),
            TokenizerKind::Other(tokenizer) => {
                let encoded = unpanicked(|| tokenizer.encode_fast((one, other), true))?;
                Ok(encoding_of(&encoded.map_err(|error| error.to_string())?))
            }
        }
    }

    /// Returns the largest id that it makes.
    pub(super) fn largest_id(&self) -> u32 {
        match &self.kind {
            TokenizerKind::WordPiece(tokenizer) => tokenizer.largest_id(),
            TokenizerKind::Other(tokenizer) => tokenizer.get_vocab(true).into_values().max().unwrap_or(0),
        }
    }

    /// Returns how many tokens a text has without its ends.
    pub(super) fn count(&self, text: &str) -> Result<usize, String> {
        match &self.kind {
            TokenizerKind::WordPiece(tokenizer) => Ok(tokenizer.count(text)),
            TokenizerKind::Other(tokenizer) => {
                let encoding = unpanicked(|| tokenizer.encode_fast(text, false))?;
                encoding.map(|encoding| encoding.len()).map_err(|error| error.to_string())
            }
        }
    }

    /// Returns the bytes at which tokens begin and how many begin there; `None` where only words are known.
    ///
    /// Tokens that share a character count where the first of them begins.
    pub(super) fn token_starts(&self, text: &str) -> Result<Option<Vec<(usize, usize)>>, String> {
        let TokenizerKind::Other(tokenizer) = &self.kind else { return Ok(None) };
        let encoding = unpanicked(|| tokenizer.encode(text, false))?.map_err(|error| error.to_string())?;
        let mut starts: Vec<(usize, usize)> = Vec::with_capacity(encoding.len());
        for &(start, _) in encoding.get_offsets() {
            match starts.last_mut() {
                Some((last, tokens)) if start <= *last || !text.is_char_boundary(start) => *tokens += 1,
                _ => starts.push((start, 1)),
            }
        }
        Ok(Some(starts))
    }
}

/// Makes a panic an error: the tokenizers crate takes some of what a file says for granted (found by fuzzing).
fn unpanicked<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    // Nothing that the work has touched is used after it panicked.
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| "the tokenizers library cannot work with it".to_owned())
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    added_tokens: Vec<AddedToken>,
    normalizer: Option<Normalizer>,
    pre_tokenizer: Option<Tagged>,
    post_processor: Option<Value>,
    model: ModelKind,
}

#[derive(Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "the fields are the file's")]
struct AddedToken {
    id: u32,
    content: String,
    #[serde(default)]
    single_word: bool,
    #[serde(default)]
    lstrip: bool,
    #[serde(default)]
    rstrip: bool,
    #[serde(default)]
    normalized: bool,
}

#[derive(Deserialize)]
struct Normalizer {
    #[serde(rename = "type")]
    kind: String,
    clean_text: Option<bool>,
    handle_chinese_chars: Option<bool>,
    strip_accents: Option<bool>,
    lowercase: Option<bool>,
}

#[derive(Deserialize)]
struct Tagged {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct ModelKind {
    #[serde(rename = "type")]
    kind: Option<String>,
    unk_token: Option<String>,
    continuing_subword_prefix: Option<String>,
    max_input_chars_per_word: Option<usize>,
}

#[derive(Deserialize)]
struct VocabularyFile {
    model: VocabularyModel,
}

#[derive(Deserialize)]
struct VocabularyModel {
    vocab: HashMap<String, u32>,
}

/// Returns the file's `WordPiece` tokenizer, or `None` when any of its settings is not one that [`WordPiece`] has.
fn word_piece_from_json(json: &[u8]) -> Result<Option<WordPiece>, String> {
    // A file of another kind may have other shapes in these places, which is no error.
    let Ok(file) = serde_json::from_slice::<File>(json) else { return Ok(None) };
    let Some(settings) = TokenizerSettings::of(file) else { return Ok(None) };
    let file: VocabularyFile = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    let mut pieces: Vec<_> = file.model.vocab.iter().map(|(piece, &id)| (piece.as_str(), id)).collect();
    // In the order of the file: the map's own order differs from run to run.
    pieces.sort_unstable_by_key(|&(_, id)| id);
    let vocabulary = Vocabulary::from_pieces(pieces);
    let Some(unknown) = vocabulary.id(&settings.unknown, false) else { return Ok(None) };
    Ok(Some(WordPiece {
        vocabulary,
        folding: settings.folding,
        unknown,
        first: settings.first,
        last: settings.last,
        max_word_chars: settings.max_word_chars,
        verbatim: settings.verbatim,
    }))
}

/// The settings of a file that is BERT's through and through.
struct TokenizerSettings {
    folding: Folding,
    unknown: String,
    first: u32,
    last: u32,
    max_word_chars: usize,
    verbatim: Vec<(String, u32)>,
}

impl TokenizerSettings {
    fn of(file: File) -> Option<Self> {
        let normalizer = file.normalizer.filter(|normalizer| normalizer.kind == "BertNormalizer")?;
        file.pre_tokenizer.filter(|pre_tokenizer| pre_tokenizer.kind == "BertPreTokenizer")?;
        let model = file.model;
        let plain = |token: &AddedToken| {
            !(token.content.is_empty() || token.single_word || token.lstrip || token.rstrip || token.normalized)
        };
        let is_bert = model.kind.as_deref() == Some("WordPiece")
            && model.continuing_subword_prefix.as_deref().unwrap_or("##") == "##"
            && normalizer.clean_text.unwrap_or(true)
            && file.added_tokens.iter().all(plain);
        if !is_bert {
            return None;
        }
        let (first, last) = ends(file.post_processor.as_ref()?)?;
        let lowercase = normalizer.lowercase.unwrap_or(true);
        Some(Self {
            folding: Folding {
                lowercase,
                strip_accents: normalizer.strip_accents.unwrap_or(lowercase),
                chinese_words: normalizer.handle_chinese_chars.unwrap_or(true),
            },
            unknown: model.unk_token.unwrap_or_else(|| "[UNK]".into()),
            first,
            last,
            max_word_chars: model.max_input_chars_per_word.unwrap_or(100),
            verbatim: file.added_tokens.into_iter().map(|token| (token.content, token.id)).collect(),
        })
    }
}

/// Returns the ids put before and after a single text, when it is one each with segment 0.
fn ends(post_processor: &Value) -> Option<(u32, u32)> {
    let id = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok());
    match post_processor.get("type")?.as_str()? {
        "BertProcessing" => Some((id(post_processor.get("cls")?.get(1)?)?, id(post_processor.get("sep")?.get(1)?)?)),
        "TemplateProcessing" => {
            let [first, text, last] = post_processor.get("single")?.as_array()?.as_slice() else { return None };
            text.get("Sequence").filter(|text| text.get("type_id").and_then(Value::as_u64) == Some(0))?;
            let special = |part: &Value| {
                let part =
                    part.get("SpecialToken").filter(|part| part.get("type_id").and_then(Value::as_u64) == Some(0))?;
                let ids = post_processor.get("special_tokens")?.get(part.get("id")?.as_str()?)?.get("ids")?;
                match ids.as_array()?.as_slice() {
                    [only] => id(only),
                    _ => None,
                }
            };
            Some((special(first)?, special(last)?))
        }
        _ => None,
    }
}

#[cfg(test)]
#[path = "tokenizer_tests.rs"]
mod tests;
