//! JSON with places: RFC 8259, where every value knows the byte it begins at.
//!
//! It is ours because a filter's errors point at the byte, also inside of a string with escapes (a group that a pattern
//! does not close): `serde_json` keeps no places, and readers that do keep those of whole values alone. The numbers and
//! the escapes are the short form's anyway. Knows nothing of filters. Invariant: what it accepts `serde_json` accepts too,
//! with the same values (tested).

use super::lexer::{Cursor, Literal};
use super::parse_error::ParseResult;
use crate::record::Number;

/// A value and where it begins.
#[derive(Debug)]
pub(super) struct JsonNode {
    pub(super) at: usize,
    pub(super) content: JsonContent,
}

/// What a value is.
#[derive(Debug)]
pub(super) enum JsonContent {
    Null,
    Bool(bool),
    Number(Number),
    Str(Literal),
    List(Vec<JsonNode>),
    /// Keys as often as they were written.
    Object(Vec<(Literal, JsonNode)>),
}

impl JsonNode {
    /// Reads a whole text, lists and objects nested no deeper than `depth`.
    pub(super) fn read(text: &str, depth: usize) -> ParseResult<Self> {
        let mut cursor = Cursor::new(text);
        let node = value(&mut cursor, depth)?;
        skip_space(&mut cursor);
        match cursor.peek() {
            None => Ok(node),
            Some(_) => Err(cursor.fault(format!("expected the end, found {}", cursor.found()))),
        }
    }

    /// Says what the value is, for a message.
    pub(super) fn noun(&self) -> &'static str {
        match self.content {
            JsonContent::Null => "null",
            JsonContent::Bool(_) => "a boolean",
            JsonContent::Number(_) => "a number",
            JsonContent::Str(_) => "a string",
            JsonContent::List(_) => "a list",
            JsonContent::Object(_) => "an object",
        }
    }
}

fn skip_space(cursor: &mut Cursor<'_>) {
    cursor.take_while(|c| matches!(c, ' ' | '\t' | '\n' | '\r'));
}

fn value(cursor: &mut Cursor<'_>, depth: usize) -> ParseResult<JsonNode> {
    skip_space(cursor);
    let at = cursor.at();
    let content = match cursor.peek() {
        Some('"') => JsonContent::Str(cursor.json_string()?),
        Some('-' | '0'..='9') => JsonContent::Number(cursor.number()?),
        Some('[') => JsonContent::List(list(cursor, depth)?),
        Some('{') => JsonContent::Object(object(cursor, depth)?),
        _ => word(cursor)?,
    };
    Ok(JsonNode { at, content })
}

fn word(cursor: &mut Cursor<'_>) -> ParseResult<JsonContent> {
    let found = cursor.clone();
    match cursor.take_while(char::is_alphanumeric) {
        "null" => Ok(JsonContent::Null),
        "true" => Ok(JsonContent::Bool(true)),
        "false" => Ok(JsonContent::Bool(false)),
        _ if found.peek() == Some('\'') => Err(found.fault("JSON strings need double quotes")),
        "" => Err(found.fault(format!("expected a JSON value, found {}", found.found()))),
        word => Err(found.fault(format!("expected a JSON value, found {word:?}; JSON strings need double quotes"))),
    }
}

fn deeper(cursor: &Cursor<'_>, depth: usize) -> ParseResult<usize> {
    depth.checked_sub(1).ok_or_else(|| cursor.fault("lists and objects are nested too deep here"))
}

fn list(cursor: &mut Cursor<'_>, depth: usize) -> ParseResult<Vec<JsonNode>> {
    let depth = deeper(cursor, depth)?;
    let mut items = Vec::new();
    cursor.bump();
    skip_space(cursor);
    if cursor.eat(']') {
        return Ok(items);
    }
    loop {
        items.push(value(cursor, depth)?);
        if !another(cursor, ']')? {
            return Ok(items);
        }
    }
}

fn object(cursor: &mut Cursor<'_>, depth: usize) -> ParseResult<Vec<(Literal, JsonNode)>> {
    let depth = deeper(cursor, depth)?;
    let mut entries = Vec::new();
    cursor.bump();
    skip_space(cursor);
    if cursor.eat('}') {
        return Ok(entries);
    }
    loop {
        skip_space(cursor);
        if cursor.peek() != Some('"') {
            return Err(cursor.fault(format!("expected a key in double quotes, found {}", cursor.found())));
        }
        let key = cursor.json_string()?;
        skip_space(cursor);
        if !cursor.eat(':') {
            return Err(cursor.fault(format!("expected ':', found {}", cursor.found())));
        }
        entries.push((key, value(cursor, depth)?));
        if !another(cursor, '}')? {
            return Ok(entries);
        }
    }
}

/// Steps over a comma, or over the end of the list or object.
fn another(cursor: &mut Cursor<'_>, end: char) -> ParseResult<bool> {
    skip_space(cursor);
    if cursor.eat(',') {
        return Ok(true);
    }
    if cursor.eat(end) {
        return Ok(false);
    }
    Err(cursor.fault(format!("expected ',' or {end:?}, found {}", cursor.found())))
}
