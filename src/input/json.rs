//! Rows of JSON: one object on each line, the elements of an array, or objects one after another.
//!
//! An object is read in one pass, its embedding straight into f32. Does not cut the stream:
//! [`super::lines`] and [`super::json_stream`] do. Invariant: every row error names the line the row begins on.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;
use serde_json::value::RawValue;

use super::decompress::InputBytes;
use super::embedding::EmbeddingSeed;
use super::embedding_scan::{CutObject, cut_embedding};
use super::format::InputFormat;
use super::json_error::why_json;
use super::json_stream::Elements;
use super::lines::{LineReader, TextPiece};
use super::mapping::{METADATA, Mapping, RowParts, likely_text, list_names};
use crate::error::{Advice, Error, Remark, Result};
use crate::record::{EachOnce, MetadataPatch, NewRecord, Origin, Value, beyond_integers, too_long};

/// The values of a JSON input, however they are laid out.
pub(super) enum Values {
    Lines(LineReader),
    Elements(Elements),
}

impl Values {
    pub(super) fn open(bytes: InputBytes, format: InputFormat, limit_bytes: usize) -> Self {
        match format {
            InputFormat::Jsonl => Self::Lines(LineReader::new(bytes, limit_bytes)),
            _ => Self::Elements(Elements::new(bytes, limit_bytes)),
        }
    }

    pub(super) fn next(&mut self) -> Result<Option<TextPiece<'_>>> {
        match self {
            Self::Lines(lines) => lines.next(),
            Self::Elements(elements) => elements.next(),
        }
    }

    pub(super) fn source(&self) -> &Arc<str> {
        match self {
            Self::Lines(lines) => lines.bytes.source(),
            Self::Elements(elements) => elements.bytes.source(),
        }
    }
}

/// Fields that are left out are told one by one up to this many.
const NOTICES_LIMIT: usize = 32;

/// The rows of a JSON input.
pub(super) struct JsonRows {
    values: Values,
    mapping: Arc<Mapping>,
    left_out: BTreeSet<String>,
    notices: Vec<Remark>,
    first: bool,
}

impl JsonRows {
    pub(super) fn new(values: Values, mapping: Arc<Mapping>) -> Self {
        Self { values, mapping, left_out: BTreeSet::new(), notices: Vec::new(), first: true }
    }

    /// Returns what the user should know and was not told yet.
    pub(super) fn take_notices(&mut self) -> Vec<Remark> {
        std::mem::take(&mut self.notices)
    }

    /// Returns the next row.
    pub(super) fn next(&mut self) -> Result<Option<NewRecord>> {
        let source = Arc::clone(self.values.source());
        let Some(TextPiece { line, text }) = self.values.next()? else { return Ok(None) };
        let mut aside = Aside::default();
        let parts = parts(text, &self.mapping, &mut aside)
            .map_err(|e| Remark { text: why_json(&e, text, line), advice: aside.advice });
        for (name, why) in aside.left_out {
            if self.left_out.len() < NOTICES_LIMIT && self.left_out.insert(name.clone()) {
                self.notices.push(format!("{source}:{line}: the field {name:?} is left out: it {why}").into());
            }
        }
        let row = parts.and_then(|parts| {
            let is_expected = std::mem::take(&mut self.first) && self.mapping.expects_content;
            if is_expected && parts.document.is_none() && parts.embedding.is_none() {
                let document = self.mapping.document();
                let (fields, likely) = fields(text);
                if let (None, Some(id)) = (&parts.id, self.mapping.id()) {
                    let why = format!("has no {id:?} and no {document:?}; its fields are {fields}");
                    return Err(Remark::with(why, Advice::NameIdAndTextColumns(likely)));
                }
                let why = format!("no document under {document:?} and no embedding; the fields are {fields}");
                self.notices.push(Remark::with(format!("{source}:{line}: {why}"), Advice::NameTextColumn(likely)));
            }
            let origin = Origin { source: Arc::clone(&source), line };
            let without_id = parts.id.is_none() && self.mapping.id().is_some();
            parts.into_row(&self.mapping, origin).map_err(|why| {
                if without_id {
                    let (fields, _) = fields(text);
                    Remark::with(format!("{}; the fields are {fields}", why.text), Advice::NameIdColumn)
                } else {
                    why
                }
            })
        });
        row.map(Some).map_err(|why| Error::bad_row(source, line, why))
    }
}

/// What is found out about a row beside its parts.
#[derive(Default)]
struct Aside {
    /// Fields that are left out, and why.
    left_out: Vec<(String, String)>,
    /// What to do about the error.
    advice: Option<Advice>,
}

impl Aside {
    fn fail<E: serde::de::Error>(&mut self, key: &str, refused: Refused) -> E {
        self.custom(refused.why().of(format_args!("the field {key:?}")))
    }

    /// Makes an error, which holds no advice.
    fn custom<E: serde::de::Error>(&mut self, why: Remark) -> E {
        self.advice = why.advice;
        E::custom(why.text)
    }
}

/// Reads one object, its embedding the quick way where that is sure.
fn parts(text: &str, mapping: &Mapping, aside: &mut Aside) -> serde_json::Result<RowParts> {
    if let Some(CutObject { embedding, rest }) = cut_embedding(text, mapping.embedding()) {
        match parse(&rest, mapping, aside) {
            Ok(parts) if parts.embedding.is_none() => return Ok(RowParts { embedding: Some(embedding), ..parts }),
            // The whole text says better what is wrong, and where.
            _ => *aside = Aside::default(),
        }
    }
    parse(text, mapping, aside)
}

fn parse(text: &str, mapping: &Mapping, aside: &mut Aside) -> serde_json::Result<RowParts> {
    let mut json = serde_json::Deserializer::from_str(text);
    json.deserialize_any(RowSeed { mapping, aside }).and_then(|parts| json.end().map(|()| parts))
}

/// Lists the names of an object's fields, and guesses which of those that are text is the document.
fn fields(object: &str) -> (String, Option<String>) {
    match serde_json::from_str(object) {
        Ok(Json::Object(object)) if !object.is_empty() => {
            let texts = object.iter().filter(|(_, value)| value.is_string()).map(|(name, _)| name.as_str());
            (list_names(object.keys().map(String::as_str)), likely_text(texts))
        }
        _ => ("none".into(), None),
    }
}

/// Reads one object into the parts of a row.
struct RowSeed<'m> {
    mapping: &'m Mapping,
    aside: &'m mut Aside,
}

/// A key, borrowed from the input where it has no escapes.
#[derive(Deserialize)]
pub(super) struct JsonKey<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

impl<'de> Visitor<'de> for RowSeed<'_> {
    type Value = RowParts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with fields such as id and document")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RowParts, A::Error> {
        let mapping = self.mapping;
        let mut parts = RowParts::default();
        let mut object = None;
        while let Some(JsonKey(key)) = map.next_key::<JsonKey<'de>>()? {
            let key = key.as_ref();
            let listed = mapping.metadata.as_ref().is_some_and(|names| names.iter().any(|name| name == key));
            if key == mapping.embedding() {
                once(&mut parts.embedding, map.next_value_seed(EmbeddingSeed)?, key)?;
            } else if mapping.is_part(key) && listed {
                let written = map.next_value::<&RawValue>()?.get();
                let json: Json = from_text(written).map_err(|why| named(key, &why))?;
                insert(&mut parts.metadata, mapping, key, json.clone(), written)
                    .map_err(|refused| self.aside.fail(key, refused))?;
                part(&mut parts, mapping, key, json).map_err(A::Error::custom)?;
            } else if mapping.is_part(key) {
                part(&mut parts, mapping, key, map.next_value()?).map_err(A::Error::custom)?;
            } else if key == METADATA {
                let patch = metadata(map.next_value::<&RawValue>()?.get(), mapping);
                let patch = patch.map_err(|why| self.aside.custom(why))?;
                once(&mut object, Some(patch), key)?;
            } else if !listed && mapping.metadata.is_some() {
                map.next_value::<IgnoredAny>()?;
                self.aside.left_out.push((key.to_owned(), "is not among the metadata asked for".into()));
            } else {
                let written = map.next_value::<&RawValue>()?.get();
                let json = from_text(written).map_err(|why| named(key, &why))?;
                if parts.metadata.contains(key) {
                    return Err(named(key, "appears twice"));
                }
                match insert(&mut parts.metadata, mapping, key, json, written) {
                    // What was asked for by name must be right; what is only taken along may be left out.
                    Err(Refused::Unfit(why)) if !listed && mapping.types.get(key).is_none() => {
                        self.aside.left_out.push((key.to_owned(), why));
                    }
                    Err(refused) => return Err(self.aside.fail(key, refused)),
                    Ok(()) => {}
                }
            }
        }
        for (key, value) in object.iter().flat_map(MetadataPatch::iter) {
            parts.metadata.insert(key, value.cloned()).map_err(A::Error::custom)?;
        }
        Ok(parts)
    }
}

impl<'de> DeserializeSeed<'de> for RowSeed<'_> {
    type Value = RowParts;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<RowParts, D::Error> {
        deserializer.deserialize_any(self)
    }
}

fn named<E: serde::de::Error>(key: &str, why: &str) -> E {
    E::custom(format!("the field {key:?} {why}"))
}

fn once<T, E: serde::de::Error>(place: &mut Option<T>, value: Option<T>, key: &str) -> Result<(), E> {
    if place.is_some() {
        return Err(E::custom(format!("the field {key:?} appears twice")));
    }
    *place = value;
    Ok(())
}

/// Puts the value of a mapped field where it belongs; one field may be two parts.
pub(super) fn part(parts: &mut RowParts, mapping: &Mapping, key: &str, json: Json) -> Result<(), String> {
    if mapping.id() == Some(key) {
        put(&mut parts.id, id_text(&json)?, key)?;
    }
    let text = |json: &Json| match json {
        Json::Null => Ok(None),
        Json::String(text) => Ok(Some(text.clone())),
        other => Err(format!("the field {key:?} is {}; it must be a string", kind(other))),
    };
    if key == mapping.uri() {
        put(&mut parts.uri, text(&json)?, key)?;
    }
    if key == mapping.document() {
        let document = if let Json::String(document) = json { Some(document) } else { text(&json)? };
        put(&mut parts.document, document, key)?;
    }
    Ok(())
}

fn put<T>(place: &mut Option<T>, value: Option<T>, key: &str) -> Result<(), String> {
    once::<T, serde::de::value::Error>(place, value, key).map_err(|e| e.to_string())
}

/// Takes a string as it is and an integer as it is written; a longer number would lose its last digits.
pub(super) fn id_text(json: &Json) -> Result<Option<String>, String> {
    match json {
        Json::Null => Ok(None),
        Json::String(id) => Ok(Some(id.clone())),
        Json::Number(id) if !id.is_f64() => Ok(Some(id.to_string())),
        Json::Number(_) => Err("the id is a number, but no 64-bit integer; write it as a string".into()),
        other => Err(format!("the id is {}; it must be a string", kind(other))),
    }
}

fn kind(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "an array",
        Json::Object(_) => "an object",
    }
}

/// Why a value is no metadata, in a sentence without its subject.
pub(super) enum Refused {
    /// It is of no type that metadata has, and may be left out.
    Unfit(String),
    /// Digits of it would be lost, so that it must not be left out in silence.
    Lossy(Remark),
}

impl Refused {
    pub(super) fn why(self) -> Remark {
        match self {
            Self::Unfit(why) => why.into(),
            Self::Lossy(why) => why,
        }
    }
}

/// Makes a top-level field metadata; null means the field is not there. `written` is the value as the input has it.
pub(super) fn insert(
    metadata: &mut MetadataPatch,
    mapping: &Mapping,
    key: &str,
    json: Json,
    written: &str,
) -> Result<(), Refused> {
    let Some(value) = value(mapping, key, json, written)? else { return Ok(()) };
    metadata.insert(key, Some(value)).map_err(|e| match e {
        Error::InvalidMetadata { why, .. } => Refused::Unfit(format!("cannot be a metadata key: {why}")),
        other => Refused::Unfit(other.to_string()),
    })
}

/// Reads a value as the type asked for, else as what it is.
pub(super) fn value(mapping: &Mapping, key: &str, json: Json, written: &str) -> Result<Option<Value>, Refused> {
    match mapping.types.get(key) {
        _ if json.is_null() => Ok(None),
        Some(wanted) => wanted.convert(json, written).map(Some).map_err(Refused::Unfit),
        None if json.is_string() => Value::from_json(json).map(Some).map_err(Refused::Unfit),
        None => {
            if let Some(integer) = beyond_integers(written) {
                return Err(Refused::Lossy(Remark::with(too_long(integer), Advice::ReadAsText(key.to_owned()))));
            }
            let is_numbers =
                json.as_array().is_some_and(|items| !items.is_empty() && items.iter().all(Json::is_number));
            let refused = |why: String| if is_numbers { Refused::Lossy(why.into()) } else { Refused::Unfit(why) };
            Value::from_json(json).map(Some).map_err(refused)
        }
    }
}

/// Reads an object of metadata; the error is a sentence.
pub(super) fn metadata(written: &str, mapping: &Mapping) -> Result<MetadataPatch, Remark> {
    let bad = |e: serde_json::Error| format!("the metadata {}", why_json(&e, written, 1));
    if mapping.types.is_empty() || !written.trim_start().starts_with('{') {
        let read = MetadataPatch::from_json_text(written).map_err(bad);
        return Ok(read?.map_err(|e| e.to_string())?);
    }
    let EachOnce(fields): EachOnce<&RawValue> = serde_json::from_str(written).map_err(bad)?;
    let mut patch = MetadataPatch::default();
    for (key, field) in fields {
        let read = from_text(field.get()).map_err(Refused::Unfit);
        let value = read.and_then(|json| value(mapping, &key, json, field.get()));
        let value = value.map_err(|refused| refused.why().of(format_args!("the key {key:?}")))?;
        patch.insert(key, value).map_err(|e| e.to_string())?;
    }
    Ok(patch)
}

/// Reads what was passed over as sound JSON; the error is a sentence without its subject.
fn from_text(text: &str) -> Result<Json, String> {
    serde_json::from_str(text).map_err(|e| why_json(&e, text, 1))
}
