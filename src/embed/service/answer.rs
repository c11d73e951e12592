//! What a service answered: embeddings in the order of the texts, or what is wrong with the answer.
//!
//! Knows nothing of HTTP. Invariant: what is returned is one embedding a text, each of finite numbers.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde_json::Value as Json;

use super::settings::ServiceApi;

/// The longest message of a service that is shown.
const MOST_SHOWN: usize = 300;

/// What is wrong with an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadAnswer {
    pub(super) why: String,
    /// Whether one text may be to blame.
    pub(super) by_text: bool,
}

impl BadAnswer {
    pub(super) fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), by_text: false }
    }
}

#[derive(Deserialize)]
struct Data {
    data: Vec<Indexed>,
}

#[derive(Deserialize)]
struct Indexed {
    index: Option<usize>,
    embedding: Embedding,
}

#[derive(Deserialize)]
struct Embeddings<T> {
    embeddings: T,
}

#[derive(Deserialize)]
struct Floats {
    float: Vec<Embedding>,
}

/// Numbers, or base64 of them; what is null is NaN.
struct Embedding(Vec<f32>);

/// Reads an answer to so many texts.
pub(super) fn read(api: ServiceApi, body: &[u8], texts: usize) -> Result<Vec<Vec<f32>>, BadAnswer> {
    let found = match api {
        ServiceApi::OpenAi | ServiceApi::Voyage => in_order(parse::<Data>(body)?.data)?,
        ServiceApi::Ollama => parse::<Embeddings<Vec<Embedding>>>(body)?.embeddings,
        ServiceApi::Tei => parse(body)?,
        ServiceApi::Cohere => parse::<Embeddings<Floats>>(body)?.embeddings.float,
    };
    if found.len() != texts {
        return Err(BadAnswer::new(format!("it gave {} embeddings for {texts} texts", found.len())));
    }
    if let Some(at) = found.iter().position(|Embedding(vector)| !vector.iter().all(|number| number.is_finite())) {
        let why = format!("the embedding of text {} of {texts} has a component that is null or not finite", at + 1);
        return Err(BadAnswer { why, by_text: true });
    }
    Ok(found.into_iter().map(|Embedding(vector)| vector).collect())
}

/// Puts embeddings in the order of their numbers, where they have some.
fn in_order(data: Vec<Indexed>) -> Result<Vec<Embedding>, BadAnswer> {
    let mut places: Vec<Option<Embedding>> = data.iter().map(|_| None).collect();
    for (at, Indexed { index, embedding }) in data.into_iter().enumerate() {
        let index = index.unwrap_or(at);
        match places.get_mut(index) {
            Some(place @ None) => *place = Some(embedding),
            Some(Some(_)) => return Err(BadAnswer::new(format!("it gave two embeddings with index {index}"))),
            None => return Err(BadAnswer::new(format!("it gave an embedding with index {index}, which no text has"))),
        }
    }
    Ok(places.into_iter().flatten().collect())
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, BadAnswer> {
    serde_json::from_slice(body).map_err(|error| {
        let is_html = body.trim_ascii_start().starts_with(b"<");
        let json: Option<Json> = serde_json::from_slice(body).ok();
        let message = json.as_ref().and_then(message);
        let has_nan = memchr::memmem::find(body, b"NaN").is_some();
        match (message, error.classify()) {
            _ if is_html => BadAnswer::new("it answered with a web page instead of JSON"),
            (Some(said), _) => BadAnswer::new(format!("it answered without embeddings: {}", shortened(&said))),
            (None, serde_json::error::Category::Eof) => BadAnswer::new("its answer ends in the middle"),
            (None, serde_json::error::Category::Syntax) if has_nan => {
                BadAnswer { why: "an embedding has a component that is NaN".into(), by_text: true }
            }
            (None, _) => BadAnswer::new(format!("its answer cannot be read: {error}")),
        }
    })
}

/// Returns what a service says of an error, in one line.
pub(super) fn said(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    if text.trim_start().starts_with('<') {
        return Some("a web page".into());
    }
    let json: Option<Json> = serde_json::from_slice(body).ok();
    let said = json.as_ref().and_then(message).unwrap_or_else(|| text.into_owned());
    Some(shortened(&said)).filter(|said| !said.is_empty())
}

/// Finds the words in what services answer at an error.
fn message(json: &Json) -> Option<String> {
    let found = ["error", "message", "detail"].into_iter().find_map(|name| json.get(name))?;
    match found {
        Json::String(text) => Some(text.clone()),
        Json::Object(_) => message(found),
        // As FastAPI says it.
        Json::Array(all) => all.first()?.get("msg")?.as_str().map(str::to_owned),
        _ => None,
    }
}

/// Returns a text as it may be shown, on one line.
fn shortened(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(MOST_SHOWN) {
        Some((end, _)) => format!("{}...", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

impl<'de> Deserialize<'de> for Embedding {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfEither;
        impl<'de> Visitor<'de> for OfEither {
            type Value = Embedding;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an embedding: numbers, or base64 of floats")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Embedding, A::Error> {
                let mut numbers = Vec::new();
                while let Some(number) = all.next_element::<Option<f32>>()? {
                    numbers.push(number.unwrap_or(f32::NAN));
                }
                Ok(Embedding(numbers))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Embedding, E> {
                let bytes = STANDARD.decode(text).map_err(E::custom)?;
                let (numbers, rest) = bytes.as_chunks::<4>();
                if !rest.is_empty() {
                    return Err(E::custom("base64 of something else than floats"));
                }
                Ok(Embedding(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()))
            }
        }
        deserializer.deserialize_any(OfEither)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ServiceApi::{Cohere, Ollama, OpenAi, Tei, Voyage};

    fn why(api: ServiceApi, body: &str, texts: usize) -> (String, bool) {
        let bad = read(api, body.as_bytes(), texts).unwrap_err();
        (bad.why, bad.by_text)
    }

    #[test]
    fn every_api_is_read_in_order() {
        let two = vec![vec![1.0, 2.0], vec![3.0, 0.5]];
        for (api, body) in [
            (OpenAi, r#"{"object": "list", "data": [{"embedding": [1, 2.0]}, {"embedding": [3, 5e-1]}], "usage": {}}"#),
            (OpenAi, r#"{"data": [{"index": 1, "embedding": [3, 0.5]}, {"index": 0, "embedding": [1, 2]}]}"#),
            (
                OpenAi,
                r#"{"data": [{"index": 0, "embedding": "AACAPwAAAEA="}, {"index": 1, "embedding": "AABAQAAAAD8="}]}"#,
            ),
            (Voyage, r#"{"data": [{"index": 1, "embedding": [3, 0.5]}, {"index": 0, "embedding": [1, 2]}]}"#),
            (Ollama, r#"{"model": "m", "embeddings": [[1, 2], [3, 0.5]], "prompt_eval_count": 5}"#),
            (Tei, "[[1, 2], [3, 0.5]]"),
            (Cohere, r#"{"id": "x", "embeddings": {"float": [[1, 2], [3, 0.5]]}, "texts": ["a", "b"]}"#),
        ] {
            assert_eq!(read(api, body.as_bytes(), 2).unwrap(), two, "{body}");
        }
    }

    #[test]
    fn each_fault_has_words_of_its_own() {
        for (api, body, said, by_text) in [
            (Tei, "[[1], [2], [3]]", "it gave 3 embeddings for 2 texts", false),
            (Ollama, r#"{"embeddings": [[1]]}"#, "it gave 1 embeddings for 2 texts", false),
            (Tei, "[[1], [null]]", "text 2 of 2 has a component that is null", true),
            (Tei, "[[1], [NaN]]", "a component that is NaN", true),
            (OpenAi, r#"{"data": [{"embedding": "AADAfw=="}, {"embedding": [1]}]}"#, "text 1 of 2", true),
            (OpenAi, r#"{"data": [{"embedding": "AAA="}, {"embedding": [1]}]}"#, "base64", false),
            (
                OpenAi,
                r#"{"data": [{"index": 0, "embedding": [1]}, {"index": 0, "embedding": [1]}]}"#,
                "two embeddings with index 0",
                false,
            ),
            (
                OpenAi,
                r#"{"data": [{"index": 0, "embedding": [1]}, {"index": 7, "embedding": [1]}]}"#,
                "index 7, which no text has",
                false,
            ),
            (Tei, "<!doctype html><title>Login</title>", "a web page instead of JSON", false),
            (Tei, "  <html>", "a web page instead of JSON", false),
            (Tei, "[[1], [2", "ends in the middle", false),
            (Tei, "", "ends in the middle", false),
            (
                OpenAi,
                r#"{"error": {"message": "no\nsuch\u001b[31m model"}}"#,
                "without embeddings: no such [31m model",
                false,
            ),
            (OpenAi, r#"{"vectors": []}"#, "cannot be read: missing field `data`", false),
            (Tei, "hello", "cannot be read", false),
        ] {
            let (why, blamed) = why(api, body, 2);
            assert!(why.contains(said) && blamed == by_text, "{body}: {why} {blamed}");
        }
    }

    #[test]
    fn messages_of_services_are_found_and_made_short() {
        for (body, found) in [
            (r#"{"error": {"message": "quota", "code": "insufficient_quota"}}"#, Some("quota")),
            (r#"{"error": "model \"x\" not found"}"#, Some("model \"x\" not found")),
            (r#"{"message": "invalid api token"}"#, Some("invalid api token")),
            (r#"{"detail": "bad key"}"#, Some("bad key")),
            (r#"{"detail": [{"loc": ["body"], "msg": "field required"}]}"#, Some("field required")),
            ("plain\r\n words", Some("plain words")),
            ("<html>", Some("a web page")),
            ("", None),
        ] {
            assert_eq!(said(body.as_bytes()).as_deref(), found, "{body}");
        }
        let long = said("ä".repeat(1000).as_bytes()).unwrap();
        assert_eq!(long.chars().count(), MOST_SHOWN + 3);
    }
}
