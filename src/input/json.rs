//! Rows of JSON: one object on each line, the elements of an array, or objects one after another.
//!
//! An object is read in one pass, its embedding straight into f32. Does not cut the stream:
//! [`super::lines`] and [`super::json_stream`] do. Invariant: every row error names the line the row begins on.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Error as _, MapAccess, Visitor};
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
use super::met::Met;
#[cfg(feature = "foreign")]
use super::sql::SqlRows;
use crate::error::{Advice, Error, Remark, Result};
use crate::record::{EachOnce, MetadataPatch, NewRecord, Origin, Value, beyond_integers, too_long};

/// The values of a JSON input, however they are laid out.
pub(super) enum Values {
    Lines(LineReader),
    Elements(Elements),
    #[cfg(feature = "foreign")]
    Sql(SqlRows),
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
            #[cfg(feature = "foreign")]
            Self::Sql(rows) => rows.next(),
        }
    }

    pub(super) fn source(&self) -> &Arc<str> {
        match self {
            Self::Lines(lines) => lines.bytes.source(),
            Self::Elements(elements) => elements.bytes.source(),
            #[cfg(feature = "foreign")]
            Self::Sql(rows) => rows.source(),
        }
    }
}

/// Fields that are left out are told one by one up to this many.
const NOTICES_LIMIT: usize = 32;

/// Fields asked for by name that are looked out for, as many as a mask has bits.
const MOST_SOUGHT: usize = 64;
/// How deep objects may be nested whose fields are read.
const MOST_NESTED: usize = 64;

/// The rows of a JSON input.
pub(super) struct JsonRows {
    values: Values,
    mapping: Arc<Mapping>,
    left_out: BTreeSet<String>,
    notices: Vec<Remark>,
    first: bool,
    /// Fields that were asked for by name and not met yet.
    sought: Vec<String>,
    /// What the first row has, where one of those is missing.
    first_fields: String,
    met: Arc<Met>,
}

impl JsonRows {
    pub(super) fn new(values: Values, mapping: Arc<Mapping>, met: Arc<Met>) -> Self {
        let sought = mapping.asked().take(MOST_SOUGHT).map(str::to_owned).collect();
        let (left_out, notices, first_fields) = (BTreeSet::new(), Vec::new(), String::new());
        Self { values, mapping, left_out, notices, first: true, sought, first_fields, met }
    }

    /// Returns what the user should know and was not told yet.
    pub(super) fn take_notices(&mut self) -> Vec<Remark> {
        std::mem::take(&mut self.notices)
    }

    /// Returns the next row.
    pub(super) fn next(&mut self) -> Result<Option<NewRecord>> {
        let source = Arc::clone(self.values.source());
        let Some(TextPiece { line, text }) = self.values.next()? else {
            let mapping = &self.mapping;
            let found = mapping.asked().filter(|name| !self.sought.iter().any(|sought| sought == name));
            self.met.sought(&source, found, &self.sought, &self.first_fields);
            self.sought.clear();
            return Ok(None);
        };
        let mut aside = Aside::default();
        let parts = parts(text, (&self.mapping, &self.sought), &mut aside)
            .map_err(|e| Remark { text: why_json(&e, text, line), advice: aside.advice });
        if !self.sought.is_empty() {
            let mut at = 0..;
            self.sought.retain(|_| at.next().is_none_or(|at: u32| aside.met & (1 << at) == 0));
            if self.first_fields.is_empty() {
                self.first_fields = fields(text).0;
            }
        }
        for (name, Remark { text: why, advice }) in aside.left_out {
            if self.left_out.len() < NOTICES_LIMIT && self.left_out.insert(name.clone()) {
                let text = format!("{source}:{line}: the field {name:?} is left out: it {why}");
                self.notices.push(Remark { text, advice });
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
    left_out: Vec<(String, Remark)>,
    /// Which of the fields sought were met, a bit each.
    met: u64,
    /// What to do about the error.
    advice: Option<Advice>,
}

impl Aside {
    /// Notes that a field was met.
    fn note(&mut self, sought: &[String], name: &str) {
        if let Some(at) = sought.iter().position(|sought| sought == name) {
            self.met |= 1 << at;
        }
    }

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
fn parts(text: &str, asked: (&Mapping, &[String]), aside: &mut Aside) -> serde_json::Result<RowParts> {
    let (mapping, sought) = asked;
    if let Some(CutObject { embedding, rest }) = cut_embedding(text, mapping.embedding()) {
        match parse(&rest, asked, aside) {
            Ok(parts) if parts.embedding.is_none() => {
                aside.note(sought, mapping.embedding());
                return Ok(RowParts { embedding: Some(embedding), ..parts });
            }
            // The whole text says better what is wrong, and where.
            _ => *aside = Aside::default(),
        }
    }
    parse(text, asked, aside)
}

fn parse(text: &str, (mapping, sought): (&Mapping, &[String]), aside: &mut Aside) -> serde_json::Result<RowParts> {
    let mut json = serde_json::Deserializer::from_str(text);
    let parts = json.deserialize_any(RowSeed { mapping, sought, aside }).and_then(|parts| json.end().map(|()| parts));
    parts.map(RowParts::join_pieces)
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
    sought: &'m [String],
    aside: &'m mut Aside,
}

impl RowSeed<'_> {
    /// Takes a field that is metadata, in an object, or two parts at once; `path` is its name.
    fn take<E: serde::de::Error>(&mut self, parts: &mut RowParts, path: &str, written: &str) -> Result<(), E> {
        let mut leaves = Vec::new();
        leaves_of(self.mapping, path.to_owned(), written, 0, &mut leaves).map_err(|why| named(path, &why))?;
        for (leaf, written) in leaves {
            self.take_leaf(parts, &leaf, written, leaf != path)?;
        }
        Ok(())
    }

    fn take_leaf<E: serde::de::Error>(
        &mut self,
        parts: &mut RowParts,
        path: &str,
        written: &str,
        is_inside: bool,
    ) -> Result<(), E> {
        let mapping = self.mapping;
        self.aside.note(self.sought, path);
        let (listed, typed) = (mapping.is_listed(path), mapping.types.get(path).is_some());
        if path == mapping.embedding() {
            let embedding = EmbeddingSeed.deserialize(&mut serde_json::Deserializer::from_str(written));
            return once(&mut parts.embedding, embedding.map_err(|e| named(path, &why_json(&e, written, 1)))?, path);
        }
        let is_part = mapping.is_part(path);
        if !listed && !is_part && mapping.metadata.is_some() {
            return Ok(());
        }
        if is_inside && !mapping.flatten && !listed && !is_part && !typed {
            self.aside.left_out.push((path.to_owned(), Remark::with("is in an object", Advice::Flatten)));
            return Ok(());
        }
        let json: Json = from_text(written).map_err(|why| named(path, &why))?;
        if listed || !is_part {
            if parts.metadata.contains(path) {
                return Err(named(path, "appears twice"));
            }
            // What was asked for by name must be right; what is only taken along, or is nothing, may be left out.
            let is_nothing = json.as_array().is_some_and(Vec::is_empty);
            let advice = json.is_object().then_some(Advice::Flatten);
            match insert(&mut parts.metadata, mapping, path, json.clone(), written) {
                Err(Refused::Unfit(text)) if is_nothing || !listed && !typed => {
                    self.aside.left_out.push((path.to_owned(), Remark { text, advice }));
                }
                Err(refused) => return Err(self.aside.fail(path, refused)),
                Ok(()) => {}
            }
        }
        if is_part { part(parts, mapping, path, json).map_err(E::custom) } else { Ok(()) }
    }
}

/// Lists the values that are read of a field: its own, or of an object those in it, by their paths.
fn leaves_of<'a>(
    mapping: &Mapping,
    path: String,
    written: &'a str,
    depth: usize,
    leaves: &mut Vec<(String, &'a str)>,
) -> Result<(), String> {
    if !written.starts_with('{') || !mapping.goes_into(&path) {
        leaves.push((path, written));
        return Ok(());
    }
    if depth == MOST_NESTED {
        return Err(format!("has objects nested more than {MOST_NESTED} deep"));
    }
    let EachOnce(fields): EachOnce<&RawValue> = serde_json::from_str(written).map_err(|e| why_json(&e, written, 1))?;
    for (name, inner) in fields {
        leaves_of(mapping, format!("{path}.{name}"), inner.get(), depth + 1, leaves)?;
    }
    Ok(())
}

/// A key, borrowed from the input where it has no escapes.
#[derive(Deserialize)]
pub(super) struct JsonKey<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

impl<'de> Visitor<'de> for RowSeed<'_> {
    type Value = RowParts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with fields such as id and document")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<RowParts, A::Error> {
        let mapping = self.mapping;
        let mut parts = RowParts::default();
        let mut object = None;
        while let Some(JsonKey(key)) = map.next_key::<JsonKey<'de>>()? {
            let key = key.as_ref();
            if key == mapping.embedding() {
                self.aside.note(self.sought, key);
                once(&mut parts.embedding, map.next_value_seed(EmbeddingSeed)?, key)?;
            } else if mapping.is_part(key) && !mapping.is_listed(key) {
                self.aside.note(self.sought, key);
                part(&mut parts, mapping, key, map.next_value()?).map_err(A::Error::custom)?;
            } else if mapping.is_part(key) || key != METADATA {
                self.take(&mut parts, key, map.next_value::<&RawValue>()?.get())?;
            } else {
                let written = map.next_value::<&RawValue>()?.get();
                let patch = metadata(written, mapping).map_err(|why| self.aside.custom(why))?;
                // What was asked for may be a key of the object.
                self.aside.note(self.sought, key);
                patch.iter().for_each(|(key, _)| self.aside.note(self.sought, key));
                once(&mut object, Some(patch), key)?;
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
    if let Some(place) = mapping.document_place(key) {
        let document = if let Json::String(document) = json { Some(document) } else { text(&json)? };
        if mapping.is_whole_document(key) {
            put(&mut parts.document, document, key)?;
        } else if let Some(text) = document.filter(|text| !text.trim().is_empty())
            && parts.pieces.insert(place, text).is_some()
        {
            return Err(format!("the field {key:?} appears twice"));
        }
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
    if mapping.types.is_empty() && !mapping.flatten || !written.trim_start().starts_with('{') {
        let read = MetadataPatch::from_json_text(written).map_err(bad);
        return Ok(read?.map_err(|e| e.to_string())?);
    }
    let EachOnce(fields): EachOnce<&RawValue> = serde_json::from_str(written).map_err(bad)?;
    let mut patch = MetadataPatch::default();
    let mut leaves = Vec::new();
    for (key, field) in &fields {
        leaves_of(mapping, key.clone(), field.get(), 0, &mut leaves).map_err(|why| format!("the key {key:?} {why}"))?;
    }
    for (key, written) in leaves {
        let read = from_text(written).map_err(Refused::Unfit);
        let value = read.and_then(|json| value(mapping, &key, json, written));
        let value = value.map_err(|refused| refused.why().of(format_args!("the key {key:?}")))?;
        if patch.contains(&key) {
            return Err(format!("has the key {key:?} twice").into());
        }
        patch.insert(key, value).map_err(|e| e.to_string())?;
    }
    Ok(patch)
}

/// Reads what was passed over as sound JSON; the error is a sentence without its subject.
fn from_text(text: &str) -> Result<Json, String> {
    serde_json::from_str(text).map_err(|e| why_json(&e, text, 1))
}
