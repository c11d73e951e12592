//! Facts about one thing (a collection, the file, an index), and lists of such things.
//!
//! One thing prints as two columns on a terminal and as one object in JSON; a list prints as a table and as
//! one object a line. Invariant: the names and values in JSON are the plain ones; units, commas and words
//! such as `none` are for tables only.

use std::borrow::Cow;
use std::io::{self, Write};

use huedb::error::{Error, Result};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value as Json;

use super::delimited::{separated_line, separated_writer};
use super::grid::{Cut, Grid, Heading};
use super::sink::{Style, written};
use super::{OutputFormat, number, sanitize, table_cell};

/// How a number is shown to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Plain,
    Bytes,
}

/// A name and a value.
#[derive(Debug, Clone, PartialEq)]
struct Property {
    name: Cow<'static, str>,
    value: Json,
    unit: Unit,
}

impl Property {
    /// Returns the name as words: `size_bytes` of a size is `size`.
    fn label(&self) -> String {
        let suffix = match self.unit {
            Unit::Plain => "",
            Unit::Bytes => "_bytes",
        };
        sanitize::sanitize(self.name.strip_suffix(suffix).unwrap_or(&self.name)).replace('_', " ")
    }

    fn shown(&self) -> String {
        match (self.unit, &self.value) {
            (Unit::Bytes, Json::Number(n)) => n.as_u64().map(number::bytes),
            _ => None,
        }
        .unwrap_or_else(|| table_cell::value(&self.value))
    }

    /// Returns the value as a cell of csv: a string as it is, nothing for null, JSON for the rest.
    fn plain(&self) -> String {
        match &self.value {
            Json::Null => String::new(),
            Json::String(s) => s.clone(),
            other => other.to_string(),
        }
    }
}

/// What is known about one thing, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Properties(Vec<Property>);

impl Properties {
    /// Returns no facts.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a fact; names are `snake_case`, for they are keys in JSON.
    #[must_use]
    pub(crate) fn with(self, name: impl Into<Cow<'static, str>>, value: impl Into<Json>) -> Self {
        self.push(name.into(), value.into(), Unit::Plain)
    }

    /// Adds a size; its name ends in `_bytes`, which a table leaves out.
    #[must_use]
    pub(crate) fn with_bytes(self, name: impl Into<Cow<'static, str>>, bytes: u64) -> Self {
        self.push(name.into(), bytes.into(), Unit::Bytes)
    }

    fn push(mut self, name: Cow<'static, str>, value: Json, unit: Unit) -> Self {
        self.0.push(Property { name, value, unit });
        self
    }

    fn get(&self, name: &str) -> Option<&Property> {
        self.0.iter().find(|fact| fact.name == name)
    }
}

impl Serialize for Properties {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for fact in &self.0 {
            map.serialize_entry(&fact.name, &fact.value)?;
        }
        map.end()
    }
}

/// Writes the facts about one thing.
///
/// # Errors
/// [`Error::Io`] when the output cannot be written, [`Error::InvalidArgument`] for [`OutputFormat::Ids`] and
/// [`OutputFormat::Vimgrep`].
pub(crate) fn write_facts(format: OutputFormat, facts: &Properties, style: Style, out: &mut dyn Write) -> Result<()> {
    let lines = match format {
        OutputFormat::Table | OutputFormat::Snippets | OutputFormat::Vertical => two_columns(facts, style),
        OutputFormat::Jsonl | OutputFormat::Json => written(json_line(facts))?,
        OutputFormat::Csv => return written(pairs(b',', facts, out)),
        OutputFormat::Tsv => return written(pairs(b'\t', facts, out)),
        OutputFormat::Ids => return Err(not_here(format, "lists")),
        OutputFormat::Vimgrep => return Err(not_here(format, "records and hits")),
    };
    written(out.write_all(lines.as_bytes()).and_then(|()| out.flush()))
}

fn not_here(format: OutputFormat, what: &str) -> Error {
    Error::InvalidArgument {
        why: format!("the output format {format} is for {what}"),
        hint: Some("use -o table or -o json here".into()),
    }
}

/// Writes a list of things; the ids of [`OutputFormat::Ids`] are the first fact of each.
///
/// # Errors
/// [`Error::Io`] when the output cannot be written, [`Error::InvalidArgument`] for [`OutputFormat::Vimgrep`].
pub(crate) fn write_list(format: OutputFormat, things: &[Properties], style: Style, out: &mut dyn Write) -> Result<()> {
    written(
        match format {
            OutputFormat::Table | OutputFormat::Snippets => out.write_all(rows_and_columns(things, style).as_bytes()),
            OutputFormat::Vertical => {
                let things: Vec<String> = things.iter().map(|facts| two_columns(facts, style)).collect();
                out.write_all(things.join("\n").as_bytes())
            }
            OutputFormat::Jsonl => things.iter().try_for_each(|facts| out.write_all(json_line(facts)?.as_bytes())),
            OutputFormat::Json => array(things, out),
            OutputFormat::Csv => header_and_rows(b',', things, out),
            OutputFormat::Tsv => header_and_rows(b'\t', things, out),
            OutputFormat::Ids => things.iter().filter_map(|facts| facts.0.first()).try_for_each(|fact| {
                out.write_all(fact.plain().as_bytes())?;
                out.write_all(&[style.id_terminator])
            }),
            OutputFormat::Vimgrep => return Err(not_here(format, "records and hits")),
        }
        .and_then(|()| out.flush()),
    )
}

fn json_line(facts: &Properties) -> io::Result<String> {
    Ok(serde_json::to_string(facts)? + "\n")
}

fn array(things: &[Properties], out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"[")?;
    for (at, facts) in things.iter().enumerate() {
        out.write_all(if at == 0 { b"\n" } else { b",\n" })?;
        out.write_all(serde_json::to_string(facts)?.as_bytes())?;
    }
    out.write_all(if things.is_empty() { b"]\n" } else { b"\n]\n" })
}

/// A value is not cut here: it may be a path or a checksum that someone wants to copy.
fn two_columns(facts: &Properties, style: Style) -> String {
    let heading = |dim| Heading { name: String::new(), share: 0, right: false, cut: Cut::End, dim };
    let rows = facts.0.iter().map(|fact| vec![fact.label().into(), fact.shown().into()]).collect();
    let grid = Grid { headings: vec![heading(true), heading(false)], rows };
    grid.lines(&grid.widths(style.width, &[]), false, style)
}

fn pairs(delimiter: u8, facts: &Properties, out: &mut dyn Write) -> io::Result<()> {
    let mut writer = separated_writer(delimiter, out);
    separated_line(&mut writer, ["key", "value"])?;
    for fact in &facts.0 {
        separated_line(&mut writer, [fact.name.as_bytes(), fact.plain().as_bytes()])?;
    }
    writer.flush()
}

/// Returns the names of all facts, in the order they are first met.
fn names(things: &[Properties]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for fact in things.iter().flat_map(|facts| &facts.0) {
        if !names.contains(&fact.name.as_ref()) {
            names.push(&fact.name);
        }
    }
    names
}

fn rows_and_columns(things: &[Properties], style: Style) -> String {
    let names = names(things);
    let heading = |(at, name): (usize, &&str)| {
        let column: Vec<&Property> = things.iter().filter_map(|facts| facts.get(name)).collect();
        let numeric = column.iter().any(|fact| fact.value.is_number())
            && column.iter().all(|fact| fact.value.is_number() || fact.value.is_null());
        let label = column.first().map(|fact| fact.label()).unwrap_or_default();
        let share = if numeric { 0 } else { 1 + usize::from(at == 0) };
        Heading { name: label, share, right: numeric, cut: Cut::End, dim: false }
    };
    let headings = names.iter().enumerate().map(heading).collect();
    let shown = |fact: &Property| if fact.value.is_null() { String::new() } else { fact.shown() };
    let row =
        |facts: &Properties| names.iter().map(|name| facts.get(name).map(shown).unwrap_or_default().into()).collect();
    let mut grid = Grid { headings, rows: things.iter().map(row).collect() };
    grid.drop_empty_columns();
    grid.lines(&grid.widths(style.width, &[]), true, style)
}

/// A list of nothing has no header: what its things would have had is not known.
fn header_and_rows(delimiter: u8, things: &[Properties], out: &mut dyn Write) -> io::Result<()> {
    let names = names(things);
    if names.is_empty() {
        return Ok(());
    }
    let mut writer = separated_writer(delimiter, out);
    separated_line(&mut writer, &names)?;
    for facts in things {
        separated_line(&mut writer, names.iter().map(|name| facts.get(name).map(Property::plain).unwrap_or_default()))?;
    }
    writer.flush()
}
