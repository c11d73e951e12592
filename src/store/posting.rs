//! The index of metadata: for each key and typed value, the set of records that hold it.
//!
//! A posting's key is collection, length and text of the metadata key, type tag, value, and the ordinal's upper
//! 48 bits; its value is the set of lower 16 bits. Values of a key sort as their type says, so a range of
//! numbers is a range of postings. A value that only one record holds costs one B-tree entry with two bytes.
//! Invariant: a posting is there exactly as long as a live record holds the value; sets are never empty.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use redb::{ReadableTable, Table};
use roaring::{RoaringBitmap, RoaringTreemap};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use super::table::CollectionNumber;
use crate::error::{Error, Result};
use crate::record::{Metadata, Number, Ordinal, Value};

const BOOL: u8 = 1;
const NUMBER: u8 = 2;
const STR: u8 = 3;
/// Elements of arrays never equal a scalar and never mix int with float, so each has a tag of its own.
const BOOL_ELEMENT: u8 = 0x11;
const INT_ELEMENT: u8 = 0x12;
const FLOAT_ELEMENT: u8 = 0x13;
const STR_ELEMENT: u8 = 0x14;

/// Longer strings are indexed by their start and a 128-bit hash: B-tree keys stay short.
const LONGEST_TEXT_BYTES: usize = 256;
/// From this many members on, a set is a bitmap of 65,536 bits.
const LIST_LIMIT: u64 = 4096;
const BITMAP_BYTES: usize = 8192;
const CHUNK_BYTES: usize = 6;

/// A metadata value as the index orders it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Term(Vec<u8>);

impl Term {
    /// A truth value.
    #[must_use]
    pub(crate) fn bool(value: bool) -> Self {
        Self(vec![BOOL, u8::from(value)])
    }

    /// A number; equal integers and floats are the same term.
    #[must_use]
    pub(crate) fn number(value: Number) -> Self {
        Self::ordered(NUMBER, value)
    }

    /// A string.
    #[must_use]
    pub(crate) fn text(value: &str) -> Self {
        Self(text(STR, value))
    }

    /// A truth value inside an array.
    #[must_use]
    pub(crate) fn bool_element(value: bool) -> Self {
        Self(vec![BOOL_ELEMENT, u8::from(value)])
    }

    /// An integer inside an array.
    #[must_use]
    pub(crate) fn int_element(value: i64) -> Self {
        Self::ordered(INT_ELEMENT, Number::Int(value))
    }

    /// A float inside an array.
    #[must_use]
    pub(crate) fn float_element(value: f64) -> Self {
        Self::ordered(FLOAT_ELEMENT, Number::Float(value))
    }

    fn ordered(tag: u8, number: Number) -> Self {
        Self([&[tag], number.key().as_slice()].concat())
    }

    /// A string inside an array.
    #[must_use]
    pub(crate) fn text_element(value: &str) -> Self {
        Self(text(STR_ELEMENT, value))
    }

    /// The terms of a value: one of a scalar, one of each different element of an array.
    #[must_use]
    pub(crate) fn of(value: &Value) -> Vec<Self> {
        let mut terms = match value {
            Value::Bool(b) => vec![Self::bool(*b)],
            Value::Int(i) => vec![Self::number(Number::Int(*i))],
            Value::Float(f) => vec![Self::number(Number::Float(*f))],
            Value::Str(s) => vec![Self::text(s)],
            Value::BoolArray(a) => a.iter().map(|b| Self::bool_element(*b)).collect(),
            Value::IntArray(a) => a.iter().map(|i| Self::int_element(*i)).collect(),
            Value::FloatArray(a) => a.iter().map(|f| Self::float_element(*f)).collect(),
            Value::StrArray(a) => a.iter().map(|s| Self::text_element(s)).collect(),
            // No filter looks into a sparse vector; it has an index of its own.
            Value::Sparse(_) => Vec::new(),
        };
        terms.sort_unstable();
        terms.dedup();
        terms
    }

    /// Returns what kind of value the term is.
    #[must_use]
    pub(crate) fn kind(&self) -> Option<TermKind> {
        Some(match *self.0.first()? {
            BOOL => TermKind::Bool,
            NUMBER => TermKind::Number,
            STR => TermKind::Str,
            BOOL_ELEMENT => TermKind::BoolElement,
            INT_ELEMENT => TermKind::IntElement,
            FLOAT_ELEMENT => TermKind::FloatElement,
            STR_ELEMENT => TermKind::StrElement,
            _ => return None,
        })
    }

    /// Returns the value the term stands for; `None` for a long string, of which it keeps only the start.
    ///
    /// A whole number comes back as an integer where 64 bits hold it: `1` and `1.0` are one term.
    #[must_use]
    pub(crate) fn value(&self) -> Option<Value> {
        let (_, rest) = self.0.split_first()?;
        match self.kind()? {
            TermKind::Bool | TermKind::BoolElement => Some(Value::Bool(*rest.first()? != 0)),
            TermKind::Number | TermKind::IntElement => Some(number(Number::from_key(*rest.first_chunk()?)?)),
            TermKind::FloatElement => match Number::from_key(*rest.first_chunk()?)? {
                #[expect(clippy::cast_precision_loss, reason = "it was a float before it was a key")]
                Number::Int(i) => Some(Value::Float(i as f64)),
                Number::Float(f) => Some(Value::Float(f)),
            },
            TermKind::Str | TermKind::StrElement => short_text(rest).map(Value::Str),
        }
    }

    /// Before the first and after the last number.
    #[must_use]
    pub(crate) fn all_numbers() -> (Self, Self) {
        (Self(vec![NUMBER]), Self(vec![NUMBER + 1]))
    }

    /// Before the first and after the last string.
    #[must_use]
    pub(crate) fn all_texts() -> (Self, Self) {
        (Self(vec![STR]), Self(vec![STR + 1]))
    }
}

/// What kind of value a metadata key holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TermKind {
    /// A truth value.
    Bool,
    /// A number, integer or float.
    Number,
    /// A string.
    Str,
    /// A truth value inside an array.
    BoolElement,
    /// An integer inside an array.
    IntElement,
    /// A float inside an array.
    FloatElement,
    /// A string inside an array.
    StrElement,
}

impl TermKind {
    /// Returns the kind's name: `string`, `number`, `float[]`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Number => "number",
            Self::Str => "string",
            Self::BoolElement => "bool[]",
            Self::IntElement => "int[]",
            Self::FloatElement => "float[]",
            Self::StrElement => "string[]",
        }
    }

    /// Returns whether the value is an element of an array.
    #[must_use]
    pub fn is_element(self) -> bool {
        self > Self::Str
    }
}

fn number(number: Number) -> Value {
    match number {
        Number::Int(i) => Value::Int(i),
        Number::Float(f) => Value::Float(f),
    }
}

/// Undoes [`text`] for a string that was kept whole.
fn short_text(encoded: &[u8]) -> Option<String> {
    let escaped = encoded.strip_suffix(&[0, 0])?;
    let mut bytes = Vec::with_capacity(escaped.len());
    let mut rest = escaped.iter();
    while let Some(&byte) = rest.next() {
        bytes.push(byte);
        // Only a NUL of the string itself has 0xff behind it.
        if byte == 0 && rest.next() != Some(&0xff) {
            return None;
        }
    }
    String::from_utf8(bytes).ok()
}

/// How the terms of texts begin that begin with `value`, or with as much of it as a term keeps.
fn text_start(tag: u8, value: &str) -> Vec<u8> {
    let bytes = value.as_bytes();
    let start = bytes.get(..LONGEST_TEXT_BYTES).unwrap_or(bytes);
    let mut out = Vec::with_capacity(start.len() + 20);
    out.push(tag);
    for &byte in start {
        out.push(byte);
        if byte == 0 {
            out.push(0xff);
        }
    }
    out
}

/// Escapes NUL and closes with two, so that no text is the start of another's encoding.
fn text(tag: u8, value: &str) -> Vec<u8> {
    let bytes = value.as_bytes();
    let mut out = text_start(tag, value);
    if bytes.len() <= LONGEST_TEXT_BYTES {
        out.extend([0, 0]);
    } else {
        out.extend([0, 1]);
        out.extend(xxh3_128(bytes).to_be_bytes());
    }
    out
}

fn key_prefix(collection: CollectionNumber, key: &str) -> Vec<u8> {
    // Longer keys are cut in the length field only; the text itself follows whole.
    let len = u32::try_from(key.len()).unwrap_or(u32::MAX);
    [&collection.key()[..], &len.to_be_bytes(), key.as_bytes()].concat()
}

fn posting_key(prefix: &[u8], term: &Term, chunk: u64) -> Vec<u8> {
    let [_, _, chunk @ ..] = chunk.to_be_bytes();
    [prefix, &term.0, &chunk].concat()
}

fn split(ordinal: Ordinal) -> (u64, u16) {
    #[expect(clippy::cast_possible_truncation, reason = "the lower 16 bits are meant")]
    let low = ordinal.0 as u16;
    (ordinal.0 >> 16, low)
}

/// Returns the keys of all postings that a record with this metadata is in.
pub(crate) fn keys(
    collection: CollectionNumber,
    ordinal: Ordinal,
    metadata: &Metadata,
) -> impl Iterator<Item = Vec<u8>> + '_ {
    let (chunk, _) = split(ordinal);
    metadata.iter().flat_map(move |(key, value)| {
        let prefix = key_prefix(collection, key);
        Term::of(value).into_iter().map(move |term| posting_key(&prefix, &term, chunk))
    })
}

/// Returns the metadata key of a posting, for messages.
pub(crate) fn metadata_key(posting_key: &[u8]) -> String {
    let text = posting_key
        .get(4..)
        .and_then(|rest| rest.split_first_chunk::<4>())
        .and_then(|(len, rest)| rest.get(..usize::try_from(u32::from_be_bytes(*len)).ok()?));
    String::from_utf8_lossy(text.unwrap_or_default()).into_owned()
}

/// Returns every metadata key of a collection; the postings of each are passed over, not read.
pub(crate) fn metadata_keys(
    table: &impl ReadableTable<&'static [u8], &'static [u8]>,
    collection: CollectionNumber,
) -> Result<Vec<String>> {
    let (mut from, to) = collection.prefix();
    let mut keys = Vec::new();
    while let Some(posting) = table.range(from.as_slice()..to.as_slice())?.next() {
        let (posting_key, _) = posting?;
        let name = posting_key.value().split_last_chunk::<CHUNK_BYTES>().map(|(name, _)| name);
        let (key, _) = name.and_then(split_key).ok_or_else(|| Error::damaged("a posting of the metadata index"))?;
        from = [key_prefix(collection, key).as_slice(), &[u8::MAX]].concat();
        keys.push(key.to_owned());
    }
    Ok(keys)
}

/// Returns every metadata key of a collection with the kinds of values it has; their terms are passed over, not read.
pub(crate) fn key_kinds(
    table: &impl ReadableTable<&'static [u8], &'static [u8]>,
    collection: CollectionNumber,
) -> Result<Vec<(String, Vec<TermKind>)>> {
    let damaged = || Error::damaged("a posting of the metadata index");
    let mut found = Vec::new();
    for key in metadata_keys(table, collection)? {
        let (prefix, to) = key_range(collection, &key);
        let (mut from, mut kinds) = (prefix.clone(), Vec::new());
        while let Some(posting) = table.range(from.as_slice()..to.as_slice())?.next() {
            let term = term_of(posting?.0.value()).ok_or_else(damaged)?;
            kinds.push(term.kind().ok_or_else(damaged)?);
            let tag = *term.0.first().ok_or_else(damaged)?;
            from = [prefix.as_slice(), &[tag.saturating_add(1)]].concat();
        }
        found.push((key, kinds));
    }
    Ok(found)
}

/// Returns whether a record has the metadata key, as far as postings say.
pub(crate) fn has_key(
    table: &impl ReadableTable<&'static [u8], &'static [u8]>,
    collection: CollectionNumber,
    key: &str,
) -> Result<bool> {
    let (from, to) = key_range(collection, key);
    Ok(table.range(from.as_slice()..to.as_slice())?.next().transpose()?.is_some())
}

/// Returns the members of one posting.
pub(crate) fn members(posting_key: &[u8], members: &[u8]) -> Result<RoaringTreemap> {
    let mut found = RoaringTreemap::new();
    collect(posting_key, members, &mut found)?;
    Ok(found)
}

/// Returns whether a record is among the members of a posting of its 65,536 rows.
pub(crate) fn has_member(members: &[u8], ordinal: Ordinal) -> bool {
    let (_, low) = split(ordinal);
    if members.len() == BITMAP_BYTES {
        members.get(usize::from(low / 8)).is_some_and(|byte| byte >> (low % 8) & 1 == 1)
    } else {
        members.as_chunks::<2>().0.binary_search_by_key(&low, |member| u16::from_le_bytes(*member)).is_ok()
    }
}

/// Adds the members of one posting to a set.
fn collect(posting_key: &[u8], members: &[u8], into: &mut RoaringTreemap) -> Result<()> {
    let damaged = || Error::damaged("a posting of the metadata index");
    let chunk = posting_key.last_chunk::<CHUNK_BYTES>().ok_or_else(damaged)?;
    let base = chunk.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)) << 16;
    if members.len() == BITMAP_BYTES {
        let bitmap = RoaringBitmap::from_lsb0_bytes(0, members);
        into.extend(bitmap.iter().map(|low| base | u64::from(low)));
    } else {
        let (lows, rest) = members.as_chunks::<2>();
        if !rest.is_empty() || members.len() > BITMAP_BYTES {
            return Err(damaged());
        }
        into.extend(lows.iter().map(|low| base | u64::from(u16::from_le_bytes(*low))));
    }
    Ok(())
}

/// Returns the records that hold a term.
pub(crate) fn equal(
    table: &impl ReadableTable<&'static [u8], &'static [u8]>,
    collection: CollectionNumber,
    key: &str,
    term: &Term,
    end: Ordinal,
) -> Result<RoaringTreemap> {
    let prefix = key_prefix(collection, key);
    let (from, to) = (posting_key(&prefix, term, 0), posting_key(&prefix, term, end.0 >> 16));
    let mut found = RoaringTreemap::new();
    for posting in table.range(from.as_slice()..=to.as_slice())? {
        let (posting_key, members) = posting?;
        collect(posting_key.value(), members.value(), &mut found)?;
    }
    Ok(found)
}

/// Returns the records that have a key, sparse vectors apart.
pub(crate) fn with_key(
    table: &impl ReadableTable<&'static [u8], &'static [u8]>,
    collection: CollectionNumber,
    key: &str,
) -> Result<RoaringTreemap> {
    let (from, to) = key_range(collection, key);
    let mut found = RoaringTreemap::new();
    for posting in table.range(from.as_slice()..to.as_slice())? {
        let (posting_key, members) = posting?;
        collect(posting_key.value(), members.value(), &mut found)?;
    }
    Ok(found)
}

/// Returns the records that hold a term between two others; a bound is included when its flag says so.
pub(crate) fn between(
    table: &impl ReadableTable<&'static [u8], &'static [u8]>,
    collection: CollectionNumber,
    key: &str,
    (from, from_included): (&Term, bool),
    (to, to_included): (&Term, bool),
) -> Result<RoaringTreemap> {
    const PAST_ALL_CHUNKS: u64 = (1 << 48) - 1;
    let prefix = key_prefix(collection, key);
    let from = posting_key(&prefix, from, if from_included { 0 } else { PAST_ALL_CHUNKS });
    let to = posting_key(&prefix, to, if to_included { PAST_ALL_CHUNKS } else { 0 });
    let mut found = RoaringTreemap::new();
    if from > to {
        return Ok(found);
    }
    for posting in table.range(from.as_slice()..to.as_slice())? {
        let (posting_key, members) = posting?;
        collect(posting_key.value(), members.value(), &mut found)?;
    }
    Ok(found)
}

/// Visits every term of a key, or of every key, with the records that hold it: keys by length and text, terms in
/// order.
pub(crate) fn each(
    table: &impl ReadableTable<&'static [u8], &'static [u8]>,
    collection: CollectionNumber,
    key: Option<&str>,
    visit: impl FnMut(&str, &Term, RoaringTreemap) -> Result<()>,
) -> Result<()> {
    each_between(table, key.map_or_else(|| collection.prefix(), |key| key_range(collection, key)), visit)
}

/// Visits the terms of a key's strings that begin with `start`, as far as terms keep them, in order.
pub(crate) fn each_text(
    table: &impl ReadableTable<&'static [u8], &'static [u8]>,
    collection: CollectionNumber,
    (key, start): (&str, &str),
    visit: impl FnMut(&str, &Term, RoaringTreemap) -> Result<()>,
) -> Result<()> {
    let from = [key_prefix(collection, key), text_start(STR, start)].concat();
    // No byte that follows is as large: UTF-8 has none, and 0xff stands only behind a NUL.
    let to = [from.as_slice(), &[u8::MAX]].concat();
    each_between(table, (from, to), visit)
}

/// A key before and a key after every posting of a metadata key.
fn key_range(collection: CollectionNumber, key: &str) -> (Vec<u8>, Vec<u8>) {
    let from = key_prefix(collection, key);
    let to = [from.as_slice(), &[u8::MAX]].concat();
    (from, to)
}

fn each_between(
    table: &impl ReadableTable<&'static [u8], &'static [u8]>,
    (from, to): (Vec<u8>, Vec<u8>),
    mut visit: impl FnMut(&str, &Term, RoaringTreemap) -> Result<()>,
) -> Result<()> {
    let damaged = || Error::damaged("a posting of the metadata index");
    // The postings of one term follow one another, one for every 65,536 ordinals.
    let mut held: Option<(Vec<u8>, RoaringTreemap)> = None;
    let mut give = |(name, records): (Vec<u8>, RoaringTreemap)| {
        let (key, term) = split_key(&name).ok_or_else(damaged)?;
        visit(key, &Term(term.to_vec()), records)
    };
    for posting in table.range(from.as_slice()..to.as_slice())? {
        let (posting_key, members) = posting?;
        let posting_key = posting_key.value();
        let name = posting_key.split_last_chunk::<CHUNK_BYTES>().ok_or_else(damaged)?.0;
        if held.as_ref().is_some_and(|(held, _)| held != name)
            && let Some(full) = held.take()
        {
            give(full)?;
        }
        let (_, records) = held.get_or_insert_with(|| (name.to_vec(), RoaringTreemap::new()));
        collect(posting_key, members.value(), records)?;
    }
    held.map_or(Ok(()), give)
}

/// Returns the term of a posting.
pub(super) fn term_of(posting_key: &[u8]) -> Option<Term> {
    let (_, term) = split_key(posting_key.split_last_chunk::<CHUNK_BYTES>()?.0)?;
    Some(Term(term.to_vec()))
}

/// Cuts collection, key and term apart.
fn split_key(name: &[u8]) -> Option<(&str, &[u8])> {
    let (_, rest) = name.split_first_chunk::<4>()?;
    let (len, rest) = rest.split_first_chunk::<4>()?;
    let (key, term) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*len)).ok()?)?;
    Some((std::str::from_utf8(key).ok()?, term))
}

/// Changes to the index of one collection, gathered so that each posting is written once.
pub(crate) struct PostingChanges {
    collection: CollectionNumber,
    /// In the order they happened: a later change to the same record wins.
    by_posting: HashMap<Vec<u8>, Vec<(u16, bool)>, RandomState>,
}

impl PostingChanges {
    pub(crate) fn new(collection: CollectionNumber) -> Self {
        Self { collection, by_posting: HashMap::default() }
    }

    pub(crate) fn add(&mut self, ordinal: Ordinal, metadata: &Metadata) {
        self.change(ordinal, metadata, true);
    }

    pub(crate) fn remove(&mut self, ordinal: Ordinal, metadata: &Metadata) {
        self.change(ordinal, metadata, false);
    }

    fn change(&mut self, ordinal: Ordinal, metadata: &Metadata, present: bool) {
        let (_, low) = split(ordinal);
        for key in keys(self.collection, ordinal, metadata) {
            self.by_posting.entry(key).or_default().push((low, present));
        }
    }

    pub(crate) fn write(self, table: &mut Table<&'static [u8], &'static [u8]>) -> Result<()> {
        let mut changes: Vec<_> = self.by_posting.into_iter().collect();
        changes.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        for (key, changes) in changes {
            let mut members = RoaringTreemap::new();
            let base = match table.get(key.as_slice())? {
                Some(old) => {
                    collect(&key, old.value(), &mut members)?;
                    members.min().unwrap_or_default() & !0xffff
                }
                None => 0,
            };
            for (low, present) in changes {
                let member = base | u64::from(low);
                if present {
                    members.insert(member)
                } else {
                    members.remove(member)
                };
            }
            if members.is_empty() {
                table.remove(key.as_slice())?;
            } else {
                table.insert(key.as_slice(), encode(&members).as_slice())?;
            }
        }
        Ok(())
    }
}

/// Returns the lower 16 bits of the members: a sorted list, or a bitmap when that is shorter.
pub(super) fn encode(members: &RoaringTreemap) -> Vec<u8> {
    let lows = members.iter().map(|member| split(Ordinal(member)).1);
    if members.len() < LIST_LIMIT {
        return lows.flat_map(u16::to_le_bytes).collect();
    }
    let mut bitmap = vec![0_u8; BITMAP_BYTES];
    for low in lows {
        if let Some(byte) = bitmap.get_mut(usize::from(low / 8)) {
            *byte |= 1 << (low % 8);
        }
    }
    bitmap
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_give_their_values_back() {
        let long = "y".repeat(LONGEST_TEXT_BYTES + 1);
        for value in [
            Value::Bool(true),
            Value::Int(i64::MIN),
            Value::Float(-0.5),
            Value::Str(String::new()),
            Value::Str("a\0\0b\0".into()),
            Value::Str("y".repeat(LONGEST_TEXT_BYTES)),
        ] {
            assert_eq!(Term::of(&value)[0].value(), Some(value));
        }
        assert_eq!(Term::float_element(2.0).value(), Some(Value::Float(2.0)));
        assert_eq!(Term::number(Number::Float(2.0)).value(), Some(Value::Int(2)));
        assert_eq!((Term::text(&long).value(), Term::text(&long).kind()), (None, Some(TermKind::Str)));
        for bytes in [&[][..], &[0], &[NUMBER, 1], &[STR, 0], &[STR, 0, 7, 0, 0], &[BOOL]] {
            assert_eq!(Term(bytes.to_vec()).value(), None, "{bytes:?}");
        }
    }
}
